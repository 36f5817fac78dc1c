//! One control connection of the server in memory.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::{Instant, timeout},
};

use super::{HOME, OnBreak, Renames, World};
use crate::memory_network::{
    control::{Control, DATA_LIMIT, Over, Received, Result},
    faults::Fault,
    network::Network,
};

struct Session {
    control: Control<World>,
    restart: u64,
    renamed: Option<String>,
    directory: String,
}

/// Counts the session for as long as it is open.
struct Counted(Arc<World>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.state().sessions -= 1;
    }
}

/// Serves a control connection to its end.
pub(crate) async fn serve(network: Arc<Network<World>>, mut stream: DuplexStream) {
    let world = Arc::clone(network.host());
    world.state().sessions += 1;
    let _counted = Counted(Arc::clone(&world));
    if world.state().sessions > world.traits.max_sessions {
        let _ = stream.write_all(b"421 Too many connections\r\n").await;
        return;
    }
    let Ok(control) = Control::open(network, stream, world.traits.banner).await else { return };
    let directory = HOME.to_owned();
    let mut session = Session { control, restart: 0, renamed: None, directory };
    while session.next().await.is_ok() {}
}

impl Session {
    fn world(&self) -> &Arc<World> {
        self.control.host()
    }

    /// Serves one command.
    async fn next(&mut self) -> Result<()> {
        let Received { verb, argument, fault } = self.control.command().await?;
        match fault {
            Some(Fault::RefusedForNow) => {
                self.note_refusal(&verb, &argument, false);
                return self.control.say("450 busy, try again later").await;
            }
            Some(Fault::RefusedForGood) => {
                self.note_refusal(&verb, &argument, true);
                let codes_550 = ["SIZE", "MLST", "MLSD", "DELE", "RNFR"];
                let code = if codes_550.contains(&&*verb) { 550 } else { 553 };
                return self.control.say(&format!("{code} permission denied")).await;
            }
            _ => (),
        }
        let reply = self.carry_out(&verb, &argument).await?;
        self.control.reply(&reply, fault).await?;
        if verb == "QUIT" { Err(Over) } else { Ok(()) }
    }

    fn note_refusal(&self, verb: &str, argument: &str, for_good: bool) {
        let mut state = self.world().state();
        match verb {
            "DELE" => drop(state.not_deleted.insert(argument.to_owned())),
            "RNFR" | "RNTO" if for_good => state.rename_refused = true,
            _ => (),
        }
    }

    async fn carry_out(&mut self, verb: &str, argument: &str) -> Result<String> {
        let traits = self.world().traits.clone();
        let knows = |command: &str| traits.commands.contains(command);
        let path = argument.to_owned();
        Ok(match verb {
            "USER" => "331 password".to_owned(),
            "PASS" => "230 in".to_owned(),
            "PBSZ" | "PROT" | "OPTS" | "TYPE" | "NOOP" => "200 ok".to_owned(),
            "FEAT" => {
                let mut features = String::from("211-Features\r\n");
                for command in ["SIZE", "MLST", "MFMT", "XCRC"] {
                    if knows(command) {
                        let facts = if command == "MLST" { " type*;size*;modify*;" } else { "" };
                        features.push_str(&format!(
                            " {command}{facts}
"
                        ));
                    }
                }
                features + "211 End"
            }
            "PWD" => format!("257 \"{HOME}\" is here"),
            "QUIT" => "221 bye".to_owned(),
            "EPSV" | "PASV" => self.control.open_port(verb),
            "SIZE" if knows("SIZE") => match self.world().state().files.get(&path) {
                Some(content) => format!("213 {}", content.len()),
                None => "550 no such file".to_owned(),
            },
            "MLST" if knows("MLST") => match self.world().state().files.get(&path) {
                Some(content) => {
                    let size = content.len();
                    format!("250-Facts\r\n type=file;size={size}; {path}\r\n250 End")
                }
                None => "550 no such file".to_owned(),
            },
            "MLSD" if knows("MLST") => return self.list(&self.directory.clone(), true).await,
            "MLSD" => "502 unknown".to_owned(),
            "LIST" => return self.list(&self.directory.clone(), false).await,
            "CWD" => {
                let is_there = self.world().state().directories.contains(&path);
                if !is_there {
                    return Ok("550 no such directory".to_owned());
                }
                self.directory = path;
                "250 ok".to_owned()
            }
            "MKD" => match self.world().state().directories.insert(path.clone()) {
                true => format!("257 \"{path}\" made"),
                false => "550 exists".to_owned(),
            },
            "RMD" => self.remove_directory(&path),
            "DELE" => self.delete(&path),
            "MFMT" if knows("MFMT") => {
                match self.world().state().files.contains_key(path_of(&path)) {
                    true => "213 ok".to_owned(),
                    false => "550 no such file".to_owned(),
                }
            }
            "XCRC" if knows("XCRC") => match self.world().state().files.get(&path) {
                Some(content) => format!("250 {:08X}", crc32fast::hash(content)),
                None => "550 no such file".to_owned(),
            },
            "REST" if knows("REST") || argument == "0" => {
                self.restart = argument.parse().unwrap();
                "350 from there".to_owned()
            }
            "REST" => "501 no restart".to_owned(),
            "STOR" => return self.store(path).await,
            "APPE" if knows("APPE") => {
                let end = self.world().state().files.get(&path).map_or(0, Vec::len);
                self.restart = end as u64;
                return self.store(path).await;
            }
            "APPE" => "550 no append".to_owned(),
            "RNFR" => self.rename_from(path),
            "RNTO" => self.rename_to(&path),
            _ => "502 unknown".to_owned(),
        })
    }

    fn remove_directory(&self, path: &str) -> String {
        let mut state = self.world().state();
        let below = format!("{path}/");
        if state.files.keys().any(|file| file.starts_with(&below)) {
            return "550 not empty".to_owned();
        }
        match state.directories.remove(path) {
            true => "250 gone".to_owned(),
            false => "550 no such directory".to_owned(),
        }
    }

    fn delete(&self, path: &str) -> String {
        let mut state = self.world().state();
        if state.is_locked(path) {
            state.not_deleted.insert(path.to_owned());
            return "450 in use".to_owned();
        }
        match state.files.remove(path) {
            Some(_) => "250 gone".to_owned(),
            None => "550 no such file".to_owned(),
        }
    }

    fn rename_from(&mut self, path: String) -> String {
        let world = Arc::clone(self.world());
        let mut state = world.state();
        if world.traits.renames == Renames::NoRnfr {
            state.rename_refused = true;
            return "550 permission denied".to_owned();
        }
        match state.files.contains_key(&path) {
            true => {
                self.renamed = Some(path);
                "350 to?".to_owned()
            }
            false => "550 no such file".to_owned(),
        }
    }

    fn rename_to(&mut self, path: &str) -> String {
        let Some(from) = self.renamed.take() else { return "503 RNFR first".to_owned() };
        let world = self.world();
        let mut state = world.state();
        if world.traits.renames == Renames::NoRnto {
            state.rename_refused = true;
            return "553 permission denied".to_owned();
        }
        if world.traits.renames == Renames::ToFreeNames && state.files.contains_key(path) {
            return "553 exists".to_owned();
        }
        match state.files.remove(&from) {
            Some(content) => {
                state.files.insert(path.to_owned(), content);
                "250 ok".to_owned()
            }
            None => "550 no such file".to_owned(),
        }
    }

    async fn list(&mut self, directory: &str, is_machine: bool) -> Result<String> {
        let listing = {
            let state = self.world().state();
            let prefix = format!("{directory}/");
            let mut text = String::new();
            for (path, content) in &state.files {
                let Some(name) = path.strip_prefix(&prefix).filter(|name| !name.contains('/'))
                else {
                    continue;
                };
                let size = content.len();
                text += &match is_machine {
                    true => format!("type=file;size={size}; {name}\r\n"),
                    false => format!("-rw-r--r-- 1 ada ada {size} Jan 31 12:00 {name}\r\n"),
                };
            }
            text
        };
        self.control.send_listing(&listing).await
    }

    async fn store(&mut self, path: String) -> Result<String> {
        let offset = std::mem::take(&mut self.restart);
        let world = Arc::clone(self.world());
        if let Some(refusal) = begin_store(&world, &path, offset) {
            return Ok(refusal);
        }
        self.control.say("150 go").await?;
        let mut tls = match self.control.data().await {
            Ok(tls) => tls,
            Err(refusal) => return Ok(refusal.to_owned()),
        };
        let mut position = usize::try_from(offset).unwrap();
        let mut bytes = [0; 4096];
        loop {
            match timeout(DATA_LIMIT, tls.read(&mut bytes)).await {
                Ok(Ok(0)) => break,
                Ok(Ok(count)) => {
                    if !write_at(&world, &path, position, &bytes[..count]) {
                        return Ok("552 disk full".to_owned());
                    }
                    position += count;
                }
                Ok(Err(_)) | Err(_) => return Ok(broken_store(&world, &path, offset)),
            }
        }
        let _ = timeout(Duration::from_secs(1), tls.shutdown()).await;
        Ok("226 done".to_owned())
    }
}

/// The file as it is when a transfer begins; a refusal where it may not.
fn begin_store(world: &World, path: &str, offset: u64) -> Option<String> {
    let mut state = world.state();
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    if !state.directories.contains(directory) {
        return Some("553 no such directory".to_owned());
    }
    if state.is_locked(path) {
        return Some("450 in use".to_owned());
    }
    let offset = usize::try_from(offset).unwrap();
    let file = state.files.entry(path.to_owned()).or_default();
    if offset > file.len() {
        return Some("551 beyond the end".to_owned());
    }
    file.truncate(offset);
    None
}

/// Whether there was room.
fn write_at(world: &World, path: &str, position: usize, bytes: &[u8]) -> bool {
    let mut state = world.state();
    let used: usize = state.files.values().map(Vec::len).sum();
    if used.saturating_add(bytes.len()) > world.traits.disk {
        return false;
    }
    // A file that has another name by now, or none, takes no bytes.
    if let Some(file) = state.files.get_mut(path)
        && file.len() == position
    {
        file.extend_from_slice(bytes);
    }
    true
}

fn broken_store(world: &World, path: &str, offset: u64) -> String {
    let mut state = world.state();
    if world.traits.on_break == OnBreak::Removed && offset == 0 {
        state.files.remove(path);
    }
    if world.traits.lock > Duration::ZERO && state.faults.is_some() {
        let until = Instant::now() + world.traits.lock;
        state.locked_until.insert(path.to_owned(), until);
    }
    match world.traits.on_break {
        OnBreak::Confirmed => "226 done".to_owned(),
        OnBreak::Kept | OnBreak::Removed => "426 broken".to_owned(),
    }
}

impl super::State {
    fn is_locked(&self, path: &str) -> bool {
        self.locked_until.get(path).is_some_and(|until| *until > Instant::now())
    }
}

/// The path in the argument of `MFMT`.
fn path_of(argument: &str) -> &str {
    argument.split_once(' ').map_or("", |(_, path)| path)
}
