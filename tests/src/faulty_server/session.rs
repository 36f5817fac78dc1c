//! The commands of a session, once its control connection is encrypted.

use std::{
    io,
    net::IpAddr,
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::server::TlsStream;

use super::{Duplex, Fault, PASSWORD, Server, Stored, lock, read_line, say};

/// The longest that a server waits for a data connection.
const DATA_LIMIT: Duration = Duration::from_secs(10);

/// The state of a session.
#[derive(Default)]
struct Session {
    listener: Option<TcpListener>,
    restart: usize,
    renamed: String,
}

impl Server {
    pub(super) async fn session(&self, mut control: BufReader<Box<dyn Duplex>>) -> io::Result<()> {
        let mut session = Session::default();
        while let Some(line) = read_line(&mut control).await? {
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            if let Fault::Refuses(refused, reply) = self.fault
                && refused == verb
            {
                if verb == "PASS" {
                    self.counts.passwords.fetch_add(1, Ordering::Relaxed);
                }
                say(&mut control, reply).await?;
                continue;
            }
            if verb == "QUIT" {
                return say(&mut control, "221 bye").await;
            }
            match verb {
                "MLSD" | "LIST" => self.list(&mut control, &mut session).await?,
                "STOR" => self.store(&mut control, &mut session, argument).await?,
                _ => {
                    let reply = self.answer(&mut session, verb, argument).await?;
                    say(&mut control, &reply).await?;
                }
            }
        }
        Ok(())
    }

    async fn answer(
        &self,
        session: &mut Session,
        verb: &str,
        argument: &str,
    ) -> io::Result<String> {
        let name = argument.trim_start_matches('/');
        Ok(match verb {
            "USER" => "331 password".to_owned(),
            "PASS" => {
                self.counts.passwords.fetch_add(1, Ordering::Relaxed);
                match (argument == PASSWORD, self.fault) {
                    (true, Fault::RepeatsPassword) => format!("230 in with {argument}"),
                    (true, _) => "230 in".to_owned(),
                    (false, Fault::RepeatsPassword) => format!("530 not with {argument}"),
                    (false, _) => "530 Login incorrect.".to_owned(),
                }
            }
            "FEAT" if self.fault == Fault::NoFeatures => "500 unknown".to_owned(),
            "FEAT" => "211-Features\r\n MLST type*;size*;modify*;\r\n SIZE\r\n MDTM\r\n MFMT\r\n \
                       REST STREAM\r\n UTF8\r\n211 End"
                .to_owned(),
            "PWD" => "257 \"/\" is here".to_owned(),
            "CWD" => "250 there".to_owned(),
            "EPSV" | "PASV" => self.passive(session, verb).await?,
            "REST" => {
                session.restart = argument.parse().unwrap_or_default();
                "350 restarting".to_owned()
            }
            "SIZE" => match lock(&self.files).get(name) {
                Some(stored) if self.fault == Fault::ShortSize => {
                    format!("213 {}", stored.content.len().saturating_sub(1))
                }
                Some(stored) => format!("213 {}", stored.content.len()),
                None => "550 no such file".to_owned(),
            },
            "MDTM" => match lock(&self.files).get(name) {
                Some(stored) => format!("213 {}", stored.date),
                None => "550 no such file".to_owned(),
            },
            "MFMT" => {
                let (date, name) = argument.split_once(' ').unwrap_or_default();
                match lock(&self.files).get_mut(name.trim_start_matches('/')) {
                    Some(stored) => {
                        date.clone_into(&mut stored.date);
                        format!("213 Modify={date}; {name}")
                    }
                    None => "550 no such file".to_owned(),
                }
            }
            "RNFR" => {
                name.clone_into(&mut session.renamed);
                "350 and to".to_owned()
            }
            "RNTO" => {
                let mut files = lock(&self.files);
                match files.remove(&session.renamed) {
                    Some(stored) => {
                        files.insert(name.to_owned(), stored);
                        "250 renamed".to_owned()
                    }
                    None => "550 no such file".to_owned(),
                }
            }
            "DELE" => match lock(&self.files).remove(name) {
                Some(_) => "250 deleted".to_owned(),
                None => "550 no such file".to_owned(),
            },
            _ => "200 ok".to_owned(),
        })
    }

    async fn passive(&self, session: &mut Session, verb: &str) -> io::Result<String> {
        let is_open = self.fault == Fault::BlockedPasvPorts && verb == "EPSV";
        let port = match &*self.blocked {
            Some(blocked) if !is_open => blocked.port(),
            Some(_) | None => {
                let listener = TcpListener::bind((self.ip, 0)).await?;
                let port = listener.local_addr()?.port();
                session.listener = Some(listener);
                port
            }
        };
        if verb == "EPSV" {
            return Ok(format!("229 Extended (|||{port}|)"));
        }
        let [a, b, c, d] = match (self.fault, self.ip) {
            (Fault::PassiveAddress(address), _) => address,
            (_, IpAddr::V4(ip)) => ip.octets(),
            (_, IpAddr::V6(_)) => return Ok("522 use EPSV".to_owned()),
        };
        let [high, low] = port.to_be_bytes();
        Ok(format!("227 Passive ({a},{b},{c},{d},{high},{low})"))
    }

    async fn data(
        &self,
        control: &mut BufReader<Box<dyn Duplex>>,
        session: &mut Session,
    ) -> io::Result<Option<TlsStream<TcpStream>>> {
        let Some(listener) = session.listener.take() else {
            say(control, "425 no port").await?;
            return Ok(None);
        };
        let accepted = timeout(DATA_LIMIT, listener.accept()).await;
        let Ok(Ok((stream, _))) = accepted else {
            say(control, "425 no connection").await?;
            return Ok(None);
        };
        self.counts.data.fetch_add(1, Ordering::Relaxed);
        say(control, "150 go").await?;
        if self.fault == Fault::RefusesDataTls {
            drop(stream);
            let reply = "425 Unable to build data connection: TLS session of data connection not \
                         resumed.";
            say(control, reply).await?;
            return Ok(None);
        }
        match self.data_acceptor.accept(stream).await {
            Ok(tls) => Ok(Some(tls)),
            Err(_) => {
                say(control, "522 TLS failed").await?;
                Ok(None)
            }
        }
    }

    async fn list(
        &self,
        control: &mut BufReader<Box<dyn Duplex>>,
        session: &mut Session,
    ) -> io::Result<()> {
        let Some(mut data) = self.data(control, session).await? else { return Ok(()) };
        data.write_all(b"type=file;size=3;modify=20260101000000; a.txt\r\n").await?;
        data.flush().await?;
        if self.fault == Fault::CutsData {
            data.get_mut().0.shutdown().await?;
        } else {
            data.shutdown().await?;
        }
        drop(data);
        say(control, "226 done").await
    }

    async fn store(
        &self,
        control: &mut BufReader<Box<dyn Duplex>>,
        session: &mut Session,
        path: &str,
    ) -> io::Result<()> {
        let restart = std::mem::take(&mut session.restart);
        let Some(mut data) = self.data(control, session).await? else { return Ok(()) };
        let mut content = Vec::new();
        data.read_to_end(&mut content).await?;
        data.shutdown().await?;
        drop(data);
        let name = path.trim_start_matches('/').to_owned();
        let slow = match self.fault {
            Fault::SlowClock => Duration::from_secs(3600),
            _ => Duration::ZERO,
        };
        let date = mdtm(SystemTime::now() - slow);
        {
            let mut files = lock(&self.files);
            let stored = files
                .entry(name)
                .or_insert_with(|| Stored { content: Vec::new(), date: date.clone() });
            stored.content.truncate(restart);
            stored.content.extend(content);
            stored.date = date;
        }
        say(control, "226 stored").await
    }
}

/// A time as `MDTM` writes it.
fn mdtm(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let millis = i64::try_from(seconds).unwrap_or_default() * 1000;
    ftps::time::Timestamp::from_unix_millis(millis).map(|time| time.to_string()).unwrap_or_default()
}
