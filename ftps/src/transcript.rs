//! The log of a session: every stage, decision, command, reply line and TLS fact, as it happens.
//!
//! It cannot contain the password: a command is logged as a [`CommandLine`] only, and no other
//! event contains a secret.

use std::{fmt, sync::Arc};

use crate::{
    certificate::CertificateFacts, command::CommandLine, reply::decoder::ReplyLine, stage::Stage,
    tls::TlsFacts,
};

mod status;

pub use status::Status;

/// A handle that receives events; cheap to clone.
///
/// The events of each connection are in order. The sink is called from within the engine's futures:
/// it must not block.
#[derive(Clone)]
pub struct Transcript {
    sink: Arc<dyn Fn(Event) + Send + Sync>,
    /// The session that the events belong to.
    session: Option<u32>,
}

impl Transcript {
    /// Creates a transcript that passes every event to `sink`.
    #[must_use]
    pub fn new(sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self { sink: Arc::new(sink), session: None }
    }

    /// Creates a transcript that discards all events.
    #[must_use]
    pub fn discard() -> Self {
        Self::new(|_| ())
    }

    /// The same, for the events of one session, or of none.
    pub(crate) fn of_session(&self, session: Option<u32>) -> Self {
        Self { sink: Arc::clone(&self.sink), session }
    }

    pub(crate) fn session(&self) -> Option<u32> {
        self.session
    }

    pub(crate) fn add(&self, connection: Connection, kind: impl Into<EventKind>) {
        (self.sink)(Event { session: self.session, connection, kind: kind.into() });
    }

    pub(crate) fn control(&self, kind: impl Into<EventKind>) {
        self.add(Connection::Control, kind);
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transcript")
    }
}

/// One event. Its `Display` is the line's text.
#[derive(Clone, Debug)]
pub struct Event {
    /// The session, that is the control connection, that it belongs to: counted from 1 over all
    /// that a [`Connector`](crate::Connector) and its clones opened or tried to open, those of a
    /// [`Pool`](crate::Pool) included. A reopened session has a new number. Absent for events of no
    /// session, such as a pool's decisions.
    pub session: Option<u32>,
    /// Where it happened.
    pub connection: Connection,
    /// The kind.
    pub kind: EventKind,
}

impl Event {
    /// The kind of the line, in the words of FileZilla's log.
    #[must_use]
    pub fn line_kind(&self) -> LineKind {
        match self.kind {
            EventKind::Stage(_)
            | EventKind::Status(_)
            | EventKind::Tls(_)
            | EventKind::Certificate(_)
            | EventKind::Untrusted(_) => LineKind::Status,
            EventKind::Command(_) => LineKind::Command,
            EventKind::Response(_) => LineKind::Response,
            EventKind::Error(_) => LineKind::Error,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            EventKind::Stage(stage) => stage.fmt(f),
            EventKind::Status(status) => status.fmt(f),
            EventKind::Command(line) => line.fmt(f),
            EventKind::Response(line) => line.fmt(f),
            EventKind::Tls(facts) => write!(f, "{}: {facts}", self.connection),
            EventKind::Certificate(facts) => write!(f, "Certificate: {facts}"),
            EventKind::Untrusted(line) | EventKind::Error(line) => line.fmt(f),
        }
    }
}

/// The connection that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Connection {
    /// The control connection.
    Control,
    /// A data connection, counted from 1 within its session.
    Data(u32),
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control => f.write_str("Control connection"),
            Self::Data(number) => write!(f, "Data connection {number}"),
        }
    }
}

/// The kind of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// A decision or an observation of the engine.
    Status,
    /// A command to the server.
    Command,
    /// A reply of the server.
    Response,
    /// A failure.
    Error,
}

/// The kind of an event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A stage has begun.
    Stage(Stage),
    /// A decision or an observation.
    Status(Status),
    /// A command was sent.
    Command(CommandLine),
    /// One line of a reply arrived.
    Response(ReplyLine),
    /// A TLS handshake was completed.
    Tls(TlsFacts),
    /// The server showed its certificate, and it was accepted.
    Certificate(CertificateFacts),
    /// The server showed a certificate that is not trusted: the user is asked about it.
    Untrusted(ErrorLine),
    /// Something failed.
    Error(ErrorLine),
}

/// A failure as the log shows it; the error itself is returned to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorLine {
    /// The stage that failed.
    pub stage: Stage,
    /// The error and its sources, joined.
    pub message: String,
}

impl fmt::Display for ErrorLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Stage> for EventKind {
    fn from(stage: Stage) -> Self {
        Self::Stage(stage)
    }
}

impl From<Status> for EventKind {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<CommandLine> for EventKind {
    fn from(line: CommandLine) -> Self {
        Self::Command(line)
    }
}

impl From<ReplyLine> for EventKind {
    fn from(line: ReplyLine) -> Self {
        Self::Response(line)
    }
}

impl From<TlsFacts> for EventKind {
    fn from(facts: TlsFacts) -> Self {
        Self::Tls(facts)
    }
}

impl From<CertificateFacts> for EventKind {
    fn from(facts: CertificateFacts) -> Self {
        Self::Certificate(facts)
    }
}
