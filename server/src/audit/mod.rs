//! The audit: one JSON object a line for each session, login, upload and change on a server. It is written
//! before the page is told the outcome. It is off unless `audit` is set.
//!
//! While it cannot be written, no new session is taken; what runs continues, and its lines wait.
//!
//! # Layers
//! - `writer`: writes lines, and keeps those that cannot be written.
//! - this module: [`Audit`] and its [`Entry`].

mod writer;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use protocol::{Problem, ServerMessage, Stage, server::Algorithm};
use serde::Serialize;
use tokio::task::spawn_blocking;

use self::writer::Writer;
use crate::{
    locking::lock,
    metrics::labels::Label as _,
    settings::{AuditClient, AuditTarget, Settings, SettingsError, file::unusable_file},
};

/// The pause between two attempts to write what waits.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The portal has read its configuration.
    Configuration,
    /// A page's session.
    Session,
    /// A login at an FTPS server.
    Login,
    /// An upload that has begun.
    Upload,
    /// An operator has made or changed a drop.
    Drop,
    /// A guest has begun or finished an arrival at a drop.
    Arrival,
    /// A directory was to be made.
    MakeDirectory,
    /// A file or directory was to get another name.
    Rename,
    /// A file or directory was to be deleted.
    Delete,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is in use.
    Loaded,
    /// It could not be used.
    Rejected,
    /// It was made.
    Created,
    /// It ends at another time.
    Extended,
    /// It was withdrawn.
    Withdrawn,
    /// It has begun.
    Started,
    /// It has ended.
    Ended,
    /// The server accepted it.
    Accepted,
    /// The server's certificate is not trusted.
    NotTrusted,
    /// It is done, and a file is stored.
    Done,
    /// A file with the name exists.
    Conflict,
    /// The page cancelled it.
    Cancelled,
    /// It can be resumed.
    Paused,
    /// It failed.
    Failed,
}

/// One line of the audit, without what [`Audit::write`] adds.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// What it is about.
    pub event: Event,
    /// How it ended.
    pub outcome: Outcome,
    /// The path on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The new path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The id of the arrival at a drop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrival: Option<String>,
    /// The size of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The digest of the file, behind its algorithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The stage at which it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<&'static str>,
    /// The code of the server's reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
}

impl Entry {
    /// Creates an entry without details.
    #[must_use]
    pub fn new(event: Event, outcome: Outcome) -> Self {
        Self {
            event,
            outcome,
            path: None,
            to: None,
            arrival: None,
            bytes: None,
            digest: None,
            stage: None,
            code: None,
            reason: None,
            took_ms: None,
        }
    }

    /// Creates the entry of a failure.
    #[must_use]
    pub fn failed(event: Event, problem: &Problem) -> Self {
        let reply = problem.reply.as_deref().unwrap_or_default();
        Self {
            stage: Some(Stage::text(problem.stage)),
            code: reply.get(..3).and_then(|code| code.parse().ok()),
            ..Self::new(event, Outcome::Failed)
        }
    }

    /// Creates the entry about what a message tells a page; `None` for one that is no outcome.
    #[must_use]
    pub fn of(message: &ServerMessage) -> Option<Self> {
        use ServerMessage as M;
        let failed = |event, path: &str, problem| Self::failed(event, problem).at(path);
        Some(match message {
            M::Done { path, digest, .. } => {
                let digest = digest.as_ref();
                let digest =
                    digest.map(|digest| format!("{}:{}", name(digest.algorithm), digest.hex));
                Self { digest, ..Self::new(Event::Upload, Outcome::Done).at(path) }
            }
            M::Conflict { .. } => Self::new(Event::Upload, Outcome::Conflict),
            M::Cancelled { .. } => Self::new(Event::Upload, Outcome::Cancelled),
            M::Paused { .. } => Self::new(Event::Upload, Outcome::Paused),
            M::Failed { problem, .. } => Self::failed(Event::Upload, problem),
            M::DirectoryMade { path } => Self::new(Event::MakeDirectory, Outcome::Done).at(path),
            M::MakeDirectoryFailed { path, problem } => failed(Event::MakeDirectory, path, problem),
            M::Removed { path } | M::Deleted { path, .. } => {
                Self::new(Event::Delete, Outcome::Done).at(path)
            }
            M::RemoveFailed { path, problem } | M::NotDeleted { path, problem, .. } => {
                failed(Event::Delete, path, problem)
            }
            M::Renamed { from, to } => {
                let to = Some(to.clone());
                Self { to, ..Self::new(Event::Rename, Outcome::Done).at(from) }
            }
            M::NotRenamed { from, to, problem } => {
                Self { to: Some(to.clone()), ..failed(Event::Rename, from, problem) }
            }
            _ => return None,
        })
    }

    /// Adds how long it took.
    #[must_use]
    pub fn took(self, time: Duration) -> Self {
        Self { took_ms: u64::try_from(time.as_millis()).ok(), ..self }
    }

    /// Adds a path.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }
}

fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Blake3 => "blake3",
        Algorithm::Crc32 => "crc32",
        Algorithm::Sha256 => "sha256",
    }
}

/// Whose entry it is.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The session's name.
    pub session: Option<String>,
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The username at the FTPS server.
    pub actor: Option<String>,
    /// Host and port of the FTPS server.
    pub target: Option<String>,
    /// The id of the drop whose guest it is.
    pub drop: Option<String>,
}

/// A whole line.
#[derive(Serialize)]
struct Line<'a> {
    at: String,
    id: String,
    instance: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<&'a str>,
    #[serde(flatten)]
    entry: Entry,
}

/// The audit of the portal; cheap to clone. By default it is off.
#[derive(Clone, Debug, Default)]
pub struct Audit(Option<Arc<Inner>>);

struct Inner {
    writer: Mutex<Writer>,
    fails: AtomicBool,
    /// Names this run of the portal.
    instance: String,
    entries: AtomicU64,
    has_paths: bool,
    client: AuditClient,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Audit").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl Audit {
    /// Opens the audit that the settings name.
    ///
    /// # Errors
    /// When its file cannot be opened.
    pub fn open(settings: &Settings, instance: String) -> Result<Self, SettingsError> {
        let Some(target) = settings.audit.clone() else { return Ok(Self(None)) };
        let path = match &target {
            AuditTarget::Stdout => "stdout".into(),
            AuditTarget::File(path) => path.clone(),
        };
        let writer = Writer::open(target).map_err(|error| {
            unusable_file("audit", &path, format!("it cannot be opened: {error}"))
        })?;
        Ok(Self(Some(Arc::new(Inner {
            writer: Mutex::new(writer),
            fails: AtomicBool::new(false),
            instance,
            entries: AtomicU64::new(0),
            has_paths: settings.audit_paths,
            client: settings.audit_client,
        }))))
    }

    /// Returns whether the last line was written.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.0.as_ref().is_none_or(|inner| !inner.fails.load(Ordering::Relaxed))
    }

    /// Writes an entry, and waits until it is written or waits for another attempt.
    pub async fn write(&self, subject: &Subject, entry: Entry) {
        let Some(inner) = self.0.clone() else { return };
        let Some(line) = inner.line(subject, entry, SystemTime::now()) else { return };
        inner.on_a_thread(move |writer| writer.append(&line)).await;
    }

    /// Opens the file again: `logrotate` has renamed it.
    pub async fn reopen(&self) {
        let Some(inner) = self.0.clone() else { return };
        inner.on_a_thread(Writer::reopen).await;
    }

    /// Tries again and again to write what waits; never completes.
    pub async fn retry(&self) {
        loop {
            tokio::time::sleep(RETRY_PAUSE).await;
            if let Some(inner) = self.0.clone().filter(|_| !self.is_writable()) {
                inner.on_a_thread(Writer::flush).await;
            }
        }
    }
}

impl Inner {
    /// Builds a line. An encoding error would be a bug of the portal: it is logged.
    fn line(&self, subject: &Subject, mut entry: Entry, at: SystemTime) -> Option<Vec<u8>> {
        if !self.has_paths {
            (entry.path, entry.to) = (None, None);
        }
        let number = self.entries.fetch_add(1, Ordering::Relaxed);
        let line = Line {
            at: humantime::format_rfc3339_millis(at).to_string(),
            id: format!("{}-{number}", self.instance),
            instance: &self.instance,
            session: subject.session.as_deref(),
            client: subject.address.and_then(|address| shown(address, self.client)),
            actor: subject.actor.as_deref(),
            target: subject.target.as_deref(),
            drop: subject.drop.as_deref(),
            entry,
        };
        let mut line = serde_json::to_vec(&line)
            .inspect_err(|error| tracing::error!(%error, "an entry of the audit was dropped"))
            .ok()?;
        line.push(b'\n');
        Some(line)
    }

    /// Does something with the writer where it may block.
    async fn on_a_thread(
        self: Arc<Self>,
        work: impl FnOnce(&mut Writer) -> io::Result<()> + Send + 'static,
    ) {
        let work = move || {
            let mut writer = lock(&self.writer);
            let done = work(&mut writer);
            self.note(done, writer.take_lost());
        };
        let _panicked = spawn_blocking(work).await;
    }

    /// Notes, and logs, whether the audit can be written.
    fn note(&self, done: io::Result<()>, lost: u64) {
        let failed_before = self.fails.swap(done.is_err(), Ordering::Relaxed);
        match done {
            Err(error) if !failed_before => {
                tracing::error!(%error, "the audit cannot be written: no new session is taken");
            }
            Ok(()) if failed_before => tracing::info!("the audit is written again"),
            Ok(()) | Err(_) => {}
        }
        if lost > 0 {
            tracing::error!(lost, "entries of the audit are lost: too many wait");
        }
    }
}

/// Returns the part of an address that the audit may have.
fn shown(address: IpAddr, how: AuditClient) -> Option<String> {
    const V4_NETWORK: u32 = u32::MAX << 8;
    const V6_NETWORK: u128 = u128::MAX << 80;
    match (how, address.to_canonical()) {
        (AuditClient::None, _) => None,
        (AuditClient::Full, address) => Some(address.to_string()),
        (AuditClient::Prefix, IpAddr::V4(address)) => {
            Some(format!("{}/24", Ipv4Addr::from_bits(address.to_bits() & V4_NETWORK)))
        }
        (AuditClient::Prefix, IpAddr::V6(address)) => {
            Some(format!("{}/48", Ipv6Addr::from_bits(address.to_bits() & V6_NETWORK)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn address_of_a_client_is_cut_as_the_operator_wants() {
        let v6 = address("2001:db8:1:2::3");
        assert_eq!(shown(v6, AuditClient::Full).unwrap(), "2001:db8:1:2::3");
        assert_eq!(shown(v6, AuditClient::Prefix).unwrap(), "2001:db8:1::/48");
        assert_eq!(shown(address("192.0.2.77"), AuditClient::Prefix).unwrap(), "192.0.2.0/24");
        assert_eq!(shown(v6, AuditClient::None), None);
    }

    #[test]
    fn line_has_its_fields_and_no_line_break() {
        let settings = Settings {
            audit: Some(AuditTarget::Stdout),
            audit_client: AuditClient::Prefix,
            ..Settings::defaults().unwrap()
        };
        let audit = Audit::open(&settings, "run".to_owned()).unwrap();
        let inner = audit.0.unwrap();
        let subject = Subject {
            session: Some("s".to_owned()),
            address: Some(address("192.0.2.77")),
            actor: Some("ada\n".to_owned()),
            target: Some("ftp.example.org:21".to_owned()),
            drop: None,
        };
        let path = "a\nb".to_owned();
        let entry = Entry::of(&ServerMessage::Removed { path }).unwrap();
        let entry = entry.took(Duration::from_millis(7));
        let line = inner.line(&subject, entry, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(
            String::from_utf8(line).unwrap(),
            concat!(
                r#"{"at":"1970-01-01T00:00:00.000Z","id":"run-0","instance":"run","session":"s","#,
                r#""client":"192.0.2.0/24","actor":"ada\n","target":"ftp.example.org:21","#,
                r#""event":"delete","outcome":"done","path":"a\nb","took_ms":7}"#,
                "\n"
            )
        );
    }

    #[test]
    fn paths_are_left_out_where_the_operator_wants_none() {
        let settings = Settings {
            audit: Some(AuditTarget::Stdout),
            audit_paths: false,
            ..Settings::defaults().unwrap()
        };
        let inner = Audit::open(&settings, "run".to_owned()).unwrap().0.unwrap();
        let (from, to) = ("secret-a".to_owned(), "secret-b".to_owned());
        let entry = Entry::of(&ServerMessage::Renamed { from, to }).unwrap();
        let line = inner.line(&Subject::default(), entry, SystemTime::UNIX_EPOCH).unwrap();
        assert!(!String::from_utf8(line).unwrap().contains("secret"));
    }
}
