//! The labels of the metrics. A label is an enum whose values are written in this file, so that no host,
//! user, path or session can become a value.

use std::{fmt, hash::Hash};

use prometheus_client::encoding::{EncodeLabel as _, EncodeLabelSet, LabelSetEncoder};
use protocol::{Stage, problem::Who};

use self::sealed::Sealed;

mod sealed {
    /// Implemented in this file only.
    pub trait Sealed {}
}

/// A label of a metric.
pub trait Label: Sealed + Copy + fmt::Debug + Eq + Hash + Send + Sync + 'static {
    /// The name of the label.
    const NAME: &'static str;
    /// All values.
    const ALL: &'static [Self];

    /// Returns the value as it is written.
    fn text(self) -> &'static str;
}

/// The labels of a family of metrics.
pub trait Labels: Copy + fmt::Debug + Eq + Hash + Send + Sync + 'static {
    /// Returns every combination of values.
    fn all() -> Vec<Self>;

    /// Returns the names of the labels with their values.
    fn pairs(self) -> Vec<(&'static str, &'static str)>;
}

impl<A: Label> Labels for (A,) {
    fn all() -> Vec<Self> {
        A::ALL.iter().map(|a| (*a,)).collect()
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        vec![(A::NAME, self.0.text())]
    }
}

impl<A: Label, B: Label> Labels for (A, B) {
    fn all() -> Vec<Self> {
        A::ALL.iter().flat_map(|a| B::ALL.iter().map(move |b| (*a, *b))).collect()
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        vec![(A::NAME, self.0.text()), (B::NAME, self.1.text())]
    }
}

/// Labels in the form that the text of the metrics needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Encoded<L>(pub(super) L);

impl<L: Labels> EncodeLabelSet for Encoded<L> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.0.pairs().into_iter().try_for_each(|pair| pair.encode(encoder.encode_label()))
    }
}

/// Declares a label with the texts of its values.
macro_rules! label {
    ($(#[$about:meta])* pub enum $label:ident = $name:literal {
        $($(#[$doc:meta])* $value:ident = $text:literal,)+
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $label { $($(#[$doc])* $value,)+ }

        label!(impl $label = $name { $($value = $text,)+ });
    };
    (impl $label:ident = $name:literal { $($value:ident = $text:literal,)+ }) => {
        impl Sealed for $label {}

        impl Label for $label {
            const NAME: &'static str = $name;
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn text(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }
        }
    };
}

label! {
    /// Who has a session.
    pub enum SessionKind = "kind" {
        /// A person at the page.
        Person = "person",
        /// A guest of a drop.
        Guest = "guest",
    }
}

label! {
    /// How an upload ended.
    pub enum UploadOutcome = "outcome" {
        /// The file is stored.
        Done = "done",
        /// A file with the name exists.
        Conflict = "conflict",
        /// The page cancelled the upload.
        Cancelled = "cancelled",
        /// The upload can be resumed.
        Paused = "paused",
        /// The upload failed.
        Failed = "failed",
    }
}

label! {
    /// The way of the bytes of files.
    pub enum Direction = "direction" {
        /// From pages to the portal.
        FromPage = "from_page",
        /// From the portal to FTPS servers.
        ToServer = "to_server",
    }
}

label! {
    /// A part of the memory for bytes in flight.
    pub enum WindowBytes = "state" {
        /// The bytes that uploads have reserved.
        Leased = "leased",
        /// The setting `window_budget`.
        Budget = "budget",
    }
}

label! {
    /// A listener of the portal.
    pub enum Listener = "listener" {
        /// The setting `listen`.
        Page = "page",
        /// The setting `admin_listen`.
        Admin = "admin",
        /// The setting `http_listen`.
        Http = "http",
    }
}

label! {
    /// The outcome of a login at an FTPS server.
    pub enum LoginOutcome = "outcome" {
        /// The server accepted it.
        Accepted = "accepted",
        /// The server refused username and password.
        Refused = "refused",
        /// The server's certificate is not trusted; nothing was sent.
        NotTrusted = "not_trusted",
        /// The connection failed before the server decided, or it refused for another reason.
        Failed = "failed",
    }
}

label! {
    /// Where the address of a client is from.
    pub enum KnownBy = "known_by" {
        /// The connection: no proxy is involved, or one that uses the PROXY protocol.
        Connection = "connection",
        /// The connection, because the header was sent by an address that is not trusted.
        IgnoredHeader = "ignored_header",
        /// The header of a trusted proxy.
        Header = "header",
        /// Nothing: a trusted proxy sent no header.
        MissingHeader = "missing_header",
        /// Nothing: the header of a trusted proxy has no address where one is needed, such as `unknown`
        /// or an obfuscated identifier (RFC 7239 §6.3).
        UnreadableHeader = "unreadable_header",
    }
}

label! {
    /// A limit that refused something.
    pub enum RefusedBy = "limit" {
        /// The setting `max_sessions`.
        Sessions = "sessions",
        /// The setting `max_client_sessions`.
        ClientSessions = "client_sessions",
        /// The setting `client_sessions_per_minute`.
        SessionRate = "session_rate",
        /// The setting `max_client_connections`.
        ClientConnections = "client_connections",
        /// The setting `reserved_connections`.
        ReservedConnections = "reserved_connections",
        /// The settings `max_waiting_sockets` and `max_session_waiting_sockets`.
        WaitingSockets = "waiting_sockets",
        /// The settings `session_connects_per_minute` and `client_connects_per_minute`.
        ConnectRate = "connect_rate",
        /// The settings `target_connects_per_minute` and `max_target_attempts`.
        Target = "target",
        /// The setting `max_failed_logins`.
        UserFailures = "user_failures",
        /// The setting `max_client_failed_logins`.
        ClientFailures = "client_failures",
        /// The setting `max_target_failed_logins`.
        TargetFailures = "target_failures",
    }
}

label! {
    /// What became of a file that a guest offers to a drop.
    pub enum ClaimOutcome = "outcome" {
        /// It has its place in the limits of the drop.
        Claimed = "claimed",
        /// Its name, or a limit of the drop, does not permit it.
        Refused = "refused",
        /// The store could not be used.
        Failed = "failed",
    }
}

label! {
    /// Who can solve a problem.
    pub enum SolvedBy = "who" {
        /// The user.
        User = "you",
        /// The operator of the FTPS server.
        ServerOperator = "host",
        /// The administrator of the network.
        Network = "network",
        /// The operator of the portal.
        PortalOperator = "operator",
        /// The problem has no remedy.
        Unknown = "unknown",
    }
}

impl SolvedBy {
    /// Returns the label for who applies a remedy.
    #[must_use]
    pub fn of(who: Option<Who>) -> Self {
        match who {
            Some(Who::You) => Self::User,
            Some(Who::ServerOperator) => Self::ServerOperator,
            Some(Who::Network) => Self::Network,
            Some(Who::PortalOperator) => Self::PortalOperator,
            None => Self::Unknown,
        }
    }
}

label! {
    impl Stage = "stage" {
        Portal = "portal",
        Resolve = "resolve",
        Policy = "policy",
        Connect = "connect",
        Greeting = "greeting",
        Auth = "auth",
        Tls = "tls",
        Certificate = "certificate",
        Login = "login",
        Protect = "protect",
        Setup = "setup",
        List = "list",
        MakeDirectory = "make_directory",
        DataConnection = "data_connection",
        DataTls = "data_tls",
        Transfer = "transfer",
        Verify = "verify",
        Rename = "rename",
        Delete = "delete",
        Idle = "idle",
    }
}
