//! One control connection of an odd server.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::timeout,
};

use super::{
    HOME, OddServer, Oddity, State,
    disk::{Disk, FileId, Node},
};
use crate::memory_network::{
    control::{Control, DATA_LIMIT, Over, Received, Result},
    network::Network,
};

/// Files that start with this are refused when they have arrived ([`Oddity::RefusedAtEnd`]).
pub(crate) const VIRUS: &[u8] = b"VIRUS";

const DENIED: &str = "550 Permission denied.";
const UNKNOWN: &str = "502 Command not implemented.";
const MISSING: &str = "550 No such file or directory.";

struct Session {
    control: Control<OddServer>,
    restart: usize,
    renamed: Option<String>,
    directory: String,
}

/// Serves a control connection to its end.
pub(super) async fn serve(network: Arc<Network<OddServer>>, stream: DuplexStream) {
    let banner = network.host().traits.banner;
    let Ok(control) = Control::open(network, stream, banner).await else { return };
    let directory = HOME.to_owned();
    let mut session = Session { control, restart: 0, renamed: None, directory };
    while session.next().await.is_ok() {}
}

impl Session {
    fn server(&self) -> &Arc<OddServer> {
        self.control.host()
    }

    fn has(&self, oddity: Oddity) -> bool {
        self.server().traits.has(oddity)
    }

    fn knows(&self, command: &str) -> bool {
        self.server().traits.knows(command)
    }

    fn with_state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.server().state())
    }

    fn with_disk<T>(&self, act: impl FnOnce(&mut Disk) -> T) -> T {
        self.with_state(|state| act(&mut state.disk))
    }

    /// Serves one command.
    async fn next(&mut self) -> Result<()> {
        let Received { verb, argument, fault } = self.control.command().await?;
        let reply = self.carry_out(&verb, &argument).await?;
        self.control.reply(&reply, fault).await?;
        if verb == "QUIT" { Err(Over) } else { Ok(()) }
    }

    async fn carry_out(&mut self, verb: &str, argument: &str) -> Result<String> {
        let cannot_read = self.has(Oddity::UploadOnly);
        Ok(match verb {
            "USER" => "331 password".to_owned(),
            "PASS" => "230 in".to_owned(),
            "PBSZ" | "PROT" | "OPTS" | "TYPE" | "NOOP" => "200 ok".to_owned(),
            "FEAT" => self.features(),
            "PWD" => format!("257 \"{}\" is here", self.directory),
            "QUIT" => "221 bye".to_owned(),
            "EPSV" | "PASV" => self.control.open_port(verb),
            "CWD" => self.change_directory(argument),
            "MKD" => self.make_directory(argument),
            "RMD" => self.remove_directory(argument),
            "DELE" => match self.with_disk(|disk| disk.remove(argument)) {
                true => "250 gone".to_owned(),
                false => MISSING.to_owned(),
            },
            "RNFR" => self.rename_from(argument),
            "RNTO" => self.rename_to(argument),
            "REST" if self.knows("REST") || argument == "0" => {
                self.restart = argument.parse().unwrap();
                "350 from there".to_owned()
            }
            "REST" => "501 no restart".to_owned(),
            "STOR" => {
                let offset = std::mem::take(&mut self.restart);
                return self.store(argument, Some(offset)).await;
            }
            "APPE" if self.knows("APPE") => return self.store(argument, None).await,
            "MFMT" if self.knows("MFMT") => {
                let path = argument.split_once(' ').map_or("", |(_, path)| path);
                self.about_file(path, |_, _| "213 ok".to_owned())
            }
            "MFF" if self.knows("MFF") => {
                let fact =
                    argument.strip_prefix("UNIX.mode=").and_then(|fact| fact.split_once("; "));
                fact.map_or(UNKNOWN.to_owned(), |(mode, path)| self.change_mode(mode, path))
            }
            "SITE" => self.site(argument),
            "SIZE" if !self.knows("SIZE") => UNKNOWN.to_owned(),
            "MDTM" if !self.knows("MDTM") => UNKNOWN.to_owned(),
            "XCRC" if !self.knows("XCRC") => UNKNOWN.to_owned(),
            "MLST" | "MLSD" if !self.knows("MLST") => UNKNOWN.to_owned(),
            "MLST" | "MLSD" if self.has(Oddity::FactsRefused) => "500 Unknown command.".to_owned(),
            "SIZE" | "MDTM" | "XCRC" | "MLST" | "MLSD" | "LIST" | "NLST" if cannot_read => {
                DENIED.to_owned()
            }
            "SIZE" => {
                self.about_file(argument, |disk, file| format!("213 {}", disk.shown_size(file)))
            }
            "MDTM" => self.about_file(argument, |_, _| "213 20250131120000".to_owned()),
            "XCRC" => self.about_file(argument, |disk, file| {
                format!("250 {:08X}", crc32fast::hash(disk.bytes(file)))
            }),
            "MLST" => self.facts(argument),
            "MLSD" => {
                let ignores = self.has(Oddity::ArgumentIgnored) || argument.is_empty();
                let directory = if ignores { &self.directory } else { argument };
                let directory = directory.to_owned();
                return self.list(&directory, Form::Facts).await;
            }
            "LIST" => return self.list(&self.directory.clone(), Form::Long).await,
            "NLST" => return self.list(&self.directory.clone(), Form::Names).await,
            _ => UNKNOWN.to_owned(),
        })
    }

    fn features(&self) -> String {
        let mut lines = vec!["211-Features"];
        let features = [
            ("SIZE", " SIZE"),
            ("MDTM", " MDTM"),
            ("MLST", " MLST type*;size*;modify*;UNIX.mode*;"),
            ("MFMT", " MFMT"),
            ("XCRC", " XCRC"),
            ("REST", " REST STREAM"),
            ("CHMOD", " SITE CHMOD"),
            ("MFF", " MFF modify;UNIX.mode;"),
        ];
        lines.extend(features.iter().filter(|(name, _)| self.knows(name)).map(|(_, line)| line));
        lines.push("211 End");
        lines.join("\r\n")
    }

    /// The reply about a file.
    fn about_file(&self, path: &str, reply: impl FnOnce(&Disk, FileId) -> String) -> String {
        self.with_disk(|disk| match disk.file(path) {
            Some(file) => reply(disk, file),
            None if disk.is_directory(path) => "550 not a plain file".to_owned(),
            None => MISSING.to_owned(),
        })
    }

    fn change_directory(&mut self, path: &str) -> String {
        let path = self.with_disk(|disk| disk.followed(path));
        match self.with_disk(|disk| disk.is_directory(&path)) {
            true => {
                self.directory = path;
                "250 ok".to_owned()
            }
            false => "550 no such directory".to_owned(),
        }
    }

    fn remove_directory(&self, path: &str) -> String {
        self.with_disk(|disk| match disk.node(path) {
            Some(Node::Directory) if disk.children(path).is_empty() => {
                disk.remove_directory(path);
                "250 gone".to_owned()
            }
            Some(_) => "550 not an empty directory".to_owned(),
            None => MISSING.to_owned(),
        })
    }

    fn make_directory(&self, path: &str) -> String {
        if self.has(Oddity::NoDirectories) {
            return DENIED.to_owned();
        }
        self.with_disk(|disk| match disk.node(path) {
            None => {
                disk.add_directory(path);
                format!("257 \"{path}\" made")
            }
            Some(_) => "550 exists".to_owned(),
        })
    }

    fn site(&self, argument: &str) -> String {
        let mut words = argument.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("CHMOD"), Some(mode), Some(path)) if self.knows("CHMOD") => {
                self.change_mode(mode, path)
            }
            _ => UNKNOWN.to_owned(),
        }
    }

    fn change_mode(&self, mode: &str, path: &str) -> String {
        let Ok(mode) = u32::from_str_radix(mode, 8) else { return UNKNOWN.to_owned() };
        self.with_disk(|disk| match disk.file(path) {
            Some(file) => {
                disk.set_mode(file, mode);
                "200 ok".to_owned()
            }
            None => MISSING.to_owned(),
        })
    }

    fn rename_from(&mut self, path: &str) -> String {
        match self.with_disk(|disk| disk.node(path).is_some()) {
            true => {
                self.renamed = Some(path.to_owned());
                "350 to?".to_owned()
            }
            false => MISSING.to_owned(),
        }
    }

    fn rename_to(&mut self, path: &str) -> String {
        let Some(from) = self.renamed.take() else { return "503 RNFR first".to_owned() };
        if self.has(Oddity::RenameRefused) {
            return DENIED.to_owned();
        }
        if self.is_name_refused(path) {
            return self.name_refusal().to_owned();
        }
        if self.has(Oddity::NoMoving) && directory_of(&from) != directory_of(path) {
            return "550 Cross-directory rename refused.".to_owned();
        }
        if self.has(Oddity::RenameIgnored) {
            return "250 ok".to_owned();
        }
        let replaces = !self.has(Oddity::NoReplacing);
        self.with_disk(|disk| {
            let is_itself = disk.key(&from) == disk.key(path);
            match disk.node(path) {
                Some(Node::Directory) if !is_itself => "553 Is a directory.".to_owned(),
                Some(_) if !replaces && !is_itself => "553 File exists.".to_owned(),
                _ => {
                    disk.rename(&from, path);
                    "250 ok".to_owned()
                }
            }
        })
    }

    fn is_name_refused(&self, path: &str) -> bool {
        let name = path.strip_prefix(directory_of(path)).unwrap_or(path);
        (self.has(Oddity::OnlyCsv) && !name.ends_with(".csv"))
            || (self.has(Oddity::OneDot) && name.matches('.').count() != 1)
    }

    fn name_refusal(&self) -> &'static str {
        match self.has(Oddity::Denied550) {
            true => DENIED,
            false => "553 File name not allowed.",
        }
    }

    fn facts(&self, path: &str) -> String {
        self.with_disk(|disk| match disk.node(path) {
            Some(node) => {
                let facts = facts_of(disk, node);
                format!("250-Facts\r\n {facts} {path}\r\n250 End")
            }
            None => MISSING.to_owned(),
        })
    }

    async fn list(&mut self, directory: &str, form: Form) -> Result<String> {
        if !self.with_disk(|disk| disk.is_directory(directory)) {
            return Ok(MISSING.to_owned());
        }
        let mut listing = String::new();
        if form == Form::Facts && self.server().traits.names_listed_directory {
            listing += &format!("type=cdir; {directory}\r\n");
        }
        let months = if self.has(Oddity::ForeignList) { ["Mär", "Aug"] } else { ["Mar", "Aug"] };
        let is_unreadable = self.has(Oddity::UnreadableLines);
        self.with_disk(|disk| {
            for (at, (name, node)) in disk.children(directory).into_iter().enumerate() {
                listing += &match form {
                    Form::Facts => format!("{} {name}\r\n", facts_of(disk, node)),
                    Form::Names => format!("{name}\r\n"),
                    Form::Long if is_unreadable && at % 2 == 0 => {
                        format!("ls: cannot access '{name}': Stale file handle\r\n")
                    }
                    Form::Long => format!("{}\r\n", long_line(disk, name, node, months[at % 2])),
                };
            }
        });
        self.control.send_listing(&listing).await
    }

    /// Stores a file from an offset on; at its end where there is none.
    async fn store(&mut self, path: &str, offset: Option<usize>) -> Result<String> {
        if self.is_name_refused(path) {
            return Ok(self.name_refusal().to_owned());
        }
        let is_elsewhere = self.has(Oddity::StoredElsewhere);
        let path = if is_elsewhere { format!("{path}.1") } else { path.to_owned() };
        let opened = self.with_disk(|disk| open(disk, &path, offset));
        let (file, start) = match opened {
            Ok(opened) => opened,
            Err(refusal) => return Ok(refusal.to_owned()),
        };
        self.control.say("150 go").await?;
        let mut tls = match self.control.data().await {
            Ok(tls) => tls,
            Err(refusal) => return Ok(refusal.to_owned()),
        };
        let mut offset = start;
        let mut bytes = [0; 4096];
        loop {
            match timeout(DATA_LIMIT, tls.read(&mut bytes)).await {
                Ok(Ok(0)) => break,
                Ok(Ok(count)) => {
                    self.with_disk(|disk| disk.write(file, offset, &bytes[..count]));
                    offset += count;
                }
                Ok(Err(_)) | Err(_) => return Ok("426 broken".to_owned()),
            }
        }
        let _ = timeout(std::time::Duration::from_secs(1), tls.shutdown()).await;
        Ok(self.end_store(file, &path, start))
    }

    /// Ends a transfer that started at an offset.
    fn end_store(&self, file: FileId, path: &str, start: usize) -> String {
        let traits = &self.server().traits;
        self.with_disk(|disk| {
            if traits.has(Oddity::RefusedAtEnd) && disk.bytes(file).starts_with(VIRUS) {
                match start {
                    0 => drop(disk.remove(path)),
                    _ => disk.truncate(file, start),
                }
                return "451 Virus found.".to_owned();
            }
            if traits.has(Oddity::LateSize) {
                disk.hide_size(file, traits.size_delay);
            }
            if traits.has(Oddity::Mailbox) {
                disk.take(file);
            }
            "226 done".to_owned()
        })
    }
}

/// The form of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `MLSD`.
    Facts,
    /// `LIST`.
    Long,
    /// `NLST`.
    Names,
}

/// Opens a file for writing; a refusal where that is not possible.
fn open(
    disk: &mut Disk,
    path: &str,
    offset: Option<usize>,
) -> std::result::Result<(FileId, usize), &'static str> {
    if !disk.is_directory(directory_of(path)) {
        return Err("553 no such directory");
    }
    if disk.is_directory(path) {
        return Err("553 Is a directory.");
    }
    let length = disk.file(path).map_or(0, |file| disk.length(file));
    let offset = offset.unwrap_or(length);
    if offset > length {
        return Err("551 beyond the end");
    }
    let file = disk.open(path);
    disk.truncate(file, offset);
    Ok((file, offset))
}

/// The directory that a path is in.
fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

fn facts_of(disk: &Disk, node: &Node) -> String {
    match node {
        Node::Directory => "type=dir;modify=20250131120000;".to_owned(),
        Node::Link(target) => format!("type=OS.unix=slink:{target};modify=20250131120000;"),
        Node::File(file) => {
            let (size, mode) = (disk.shown_size(*file), disk.mode(*file));
            format!("type=file;size={size};modify=20250131120000;UNIX.mode=0{mode:o};")
        }
    }
}

fn long_line(disk: &Disk, name: &str, node: &Node, month: &str) -> String {
    match node {
        Node::Directory => format!("drwxr-xr-x 2 ada ada 4096 {month} 12 09:15 {name}"),
        Node::Link(target) => {
            format!("lrwxrwxrwx 1 ada ada 9 {month} 12 09:15 {name} -> {target}")
        }
        Node::File(file) => {
            let (size, mode) = (disk.shown_size(*file), disk.mode(*file));
            let letters: String = (0..9)
                .rev()
                .map(|bit| if mode >> bit & 1 == 1 { ['x', 'w', 'r'][bit % 3] } else { '-' })
                .collect();
            format!("-{letters} 1 ada ada {size} {month} 12 09:15 {name}")
        }
    }
}
