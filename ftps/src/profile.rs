//! The profile of a host: what the engine has learned about it. And the fallbacks.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::time::{Duration, Instant};

use crate::{
    command::Command,
    lock::lock,
    time::UtcOffset,
    tls::{Alpn, TlsVersion},
};

/// How long a setting that was learned from one unexpected reply is kept: the fault may have been
/// temporary.
const EXPIRES_AFTER: Duration = Duration::from_secs(6 * 60 * 60);

/// What the engine has learned about a host. Kept between sessions, so that later ones need not learn
/// it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostProfile {
    /// The newest TLS version that works with the host, if it is not the newest supported.
    pub tls_max: Option<TlsVersion>,
    /// How data ports are requested.
    pub passive: PassiveMode,
    /// The name of TLS in `AUTH`.
    pub auth: AuthName,
    /// Whether TLS handshakes send ALPN.
    pub alpn: Alpn,
    /// Whether commands are batched.
    pub pipelining: Pipelining,
    /// Whether a command may be sent during a transfer.
    pub pipeline_during_transfer: PipelineDuringTransfer,
    /// Whether a data port was ever reached.
    pub data_ports: DataPorts,
    /// Data connections in a row that failed before TLS was established, without a reply of the
    /// server.
    pub broken_data_tls: u32,
    /// Whether `SIZE` ever returned a size.
    pub sizes: SizeSupport,
    /// How an interrupted upload is resumed.
    pub resume: Resume,
    /// How a file's modification time is set.
    pub dating: Dating,
    /// Whether digests are requested.
    pub digests: Digests,
    /// Whether the number of commands of a session is limited.
    pub command_limit: CommandLimit,
    /// The server's session limit, where it is known.
    pub max_sessions: Option<MaxSessions>,
    /// The offset of the server's clock from UTC.
    pub clock: ServerClock,
    /// Whether `MLSD` lists directories.
    pub mlsd: FactsCommand,
    /// Whether `MLST` returns the facts of a file.
    pub mlst: FactsCommand,
    /// Whether the client waits between the reply to `AUTH` and TLS.
    pub tls_start: TlsStart,
    /// The names that uploads write to.
    pub part_names: PartNames,
    /// Whether an uploaded file was ever seen under its final name.
    pub final_names: FinalNames,
    /// Whether complete files stay where they were stored.
    pub stored_files: StoredFiles,
    /// Whether `RNFR` is sent without `RNTO`.
    pub lone_rnfr: LoneRnfr,
    /// When an unexpected reply last changed [`Self::pipelining`],
    /// [`Self::pipeline_during_transfer`], [`Self::auth`], [`Self::mlsd`], [`Self::mlst`],
    /// [`Self::tls_start`], [`Self::part_names`], [`Self::stored_files`] or [`Self::lone_rnfr`]:
    /// after six hours, all of them are reset.
    pub expiring_since: Option<Instant>,
}

impl HostProfile {
    fn forget_expired(&mut self, now: Instant) {
        let is_old = |since| now.saturating_duration_since(since) >= EXPIRES_AFTER;
        if self.expiring_since.is_some_and(is_old) {
            self.pipelining = Pipelining::default();
            self.pipeline_during_transfer = PipelineDuringTransfer::default();
            self.auth = AuthName::default();
            self.mlsd = FactsCommand::default();
            self.mlst = FactsCommand::default();
            self.tls_start = TlsStart::default();
            self.part_names = PartNames::default();
            self.stored_files = StoredFiles::default();
            self.lone_rnfr = LoneRnfr::default();
            self.expiring_since = None;
        }
    }
}

/// Whether commands that do not depend on each other's replies are sent in one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pipelining {
    /// They are: one round trip for all of them.
    #[default]
    On,
    /// They are not: the host lost commands of a batch.
    Off,
}

/// Whether a command may be sent during a transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PipelineDuringTransfer {
    /// To servers that are known to accept it, by their greeting.
    #[default]
    ByBanner,
    /// Never: the host did not reply to one.
    Never,
}

/// Whether a data port of the host was ever reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataPorts {
    /// Not yet: the TCP connection must be open before the transfer command is sent, since a server
    /// that waits for it in vain accepts no other command meanwhile.
    #[default]
    Untried,
    /// At least once: the connection is opened at the same time as the command is sent.
    Reached,
}

/// Whether `SIZE` ever returned a size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SizeSupport {
    /// Not yet: a refusal may mean that the file is missing, or that sizes are not reported.
    #[default]
    Unproven,
    /// At least once: a refusal means that the file does not exist.
    Proven,
    /// The server does not know the command.
    Unsupported,
}

/// How an interrupted upload is resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resume {
    /// `REST` and `STOR` (RFC 3659 §5).
    #[default]
    Restart,
    /// `APPE` (RFC 959 §4.1.3): `REST` was refused.
    Append,
    /// Not at all: both were refused.
    Never,
}

/// How a file's modification time is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dating {
    /// With the best command that the server lists.
    #[default]
    ByFeatures,
    /// Not at all: the listed command was refused.
    Never,
}

/// The number of sessions at which a host refused another one.
///
/// It depends on other clients too, so it is not used for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxSessions {
    /// The number.
    pub count: u32,
    /// When the host refused.
    pub at: Instant,
}

/// Whether the number of commands of a session is limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommandLimit {
    /// No limit is known.
    #[default]
    Unlimited,
    /// A session ended without a reply after many commands.
    Limited,
}

/// Whether digests of files are requested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digests {
    /// Where the server lists a command for them.
    #[default]
    ByFeatures,
    /// Never: the server failed to make one.
    Never,
}

/// Whether `MLSD` or `MLST` is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FactsCommand {
    /// Where the server lists the feature.
    #[default]
    ByFeatures,
    /// Never: the server lists it and does not know it.
    Never,
}

/// Whether the client waits between the reply to `AUTH` and TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsStart {
    /// It does not.
    #[default]
    AtOnce,
    /// It waits: for a moment after its reply the server still reads unencrypted commands, and would lose
    /// the start of the handshake.
    AfterPause,
}

/// The names that uploads write to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartNames {
    /// A temporary name, `name.txt.1a2b3c4d.part`, which is renamed to the final one.
    #[default]
    Temporary,
    /// A temporary name with the file's extension, `name.1a2b3c4d.part.txt`: the server refuses others.
    WithExtension,
    /// The final name in a temporary directory, `ferryport-1a2b3c4d/name.txt`: the server refuses
    /// temporary names. Where it makes no directories, files are written under their final names.
    InDirectory,
    /// The final names: the server refuses every rename, confirms renames that have no effect, or takes
    /// files away before they are renamed.
    Final,
}

/// Whether an uploaded file was ever seen under its final name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FinalNames {
    /// Not yet: the final name is looked up at the end of an upload, by whatever command tells it.
    #[default]
    Unproven,
    /// At least once, a file that was written in place: a rename may still have no effect.
    InPlace,
    /// At least once, after a rename: the final name is looked up by `SIZE` only, which costs no round
    /// trip.
    Proven,
}

/// Whether complete files stay where they were stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoredFiles {
    /// They do.
    #[default]
    Kept,
    /// The server takes each file away at the end of its transfer: it is written under its final name.
    Taken,
}

/// Whether `RNFR` is sent without `RNTO`, to ask whether a name exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoneRnfr {
    /// It is, where nothing else tells.
    #[default]
    Sent,
    /// Never: after an `RNFR`, the server refuses every command but `RNTO`.
    Never,
}

/// What is known about the time zone of `LIST`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerClock {
    /// Nothing yet.
    #[default]
    Unknown,
    /// The server's offset from UTC.
    Offset(UtcOffset),
    /// It could not be determined, and is not requested again.
    Undetermined,
}

/// The command that requests a data port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PassiveMode {
    /// `EPSV`, and `PASV` where it is refused or its port cannot be reached.
    #[default]
    Epsv,
    /// `PASV`: `EPSV` was refused.
    PasvOnly,
    /// `PASV`: `EPSV` was accepted and its port could not be reached.
    PasvAfterUnreachableEpsv,
}

impl PassiveMode {
    /// The command that requests a data port. `PASV` is IPv4 only.
    pub(crate) fn command(self, server: IpAddr) -> Command<'static> {
        match self {
            Self::PasvOnly | Self::PasvAfterUnreachableEpsv if server.is_ipv6() => Command::Epsv,
            Self::Epsv => Command::Epsv,
            Self::PasvOnly | Self::PasvAfterUnreachableEpsv => Command::Pasv,
        }
    }
}

/// The name of TLS in `AUTH` that the host accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthName {
    /// `AUTH TLS`, and `AUTH SSL` where it is refused.
    #[default]
    Tls,
    /// `AUTH SSL`.
    Ssl,
}

/// A fallback after an error; its `Display` is a sentence for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// Reconnect, and use no TLS newer than 1.2.
    Tls12,
    /// Reconnect, and do not send ALPN.
    WithoutAlpn,
    /// Reconnect: the session was too old for the server to resume, or its replies could not be
    /// matched.
    NewConnection,
    /// Reconnect, and send each command only after the reply to the last.
    WithoutPipelining,
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => {
                "The server rejected the TLS 1.3 session of the data connection. Reconnecting with \
                 TLS 1.2, whose sessions can be resumed any number of times."
            }
            Self::WithoutAlpn => {
                "The server refused TLS with ALPN on the data connection. Reconnecting without \
                 ALPN."
            }
            Self::NewConnection => "This session is no longer usable. Reconnecting.",
            Self::WithoutPipelining => {
                "The server does not answer pipelined commands in order. Reconnecting, and sending \
                 commands one by one."
            }
        })
    }
}

/// A profile that connectors to one host and their clients share; cheap to clone.
///
/// Keep it for as long as the program runs, so that later sessions need not learn again.
#[derive(Clone, Debug, Default)]
pub struct SharedProfile(Arc<Mutex<HostProfile>>);

impl SharedProfile {
    /// Creates a shared profile.
    #[must_use]
    pub fn new(profile: HostProfile) -> Self {
        Self(Arc::new(Mutex::new(profile)))
    }

    /// The current profile.
    #[must_use]
    pub fn get(&self) -> HostProfile {
        *self.lock()
    }

    /// Updates the profile, for all that share it.
    pub fn update(&self, change: impl FnOnce(&mut HostProfile)) {
        change(&mut self.lock());
    }

    /// Updates a setting after one unexpected reply, which may have been a passing fault.
    pub(crate) fn learn_expiring(&self, change: impl FnOnce(&mut HostProfile)) {
        self.update(|profile| {
            change(profile);
            profile.expiring_since = Some(Instant::now());
        });
    }

    /// Resets settings that expired.
    pub(crate) fn forget_expired(&self) {
        self.update(|profile| profile.forget_expired(Instant::now()));
    }

    fn lock(&self) -> MutexGuard<'_, HostProfile> {
        // The profile is plain data: a panic leaves it consistent.
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_odd_reply_taught_is_forgotten_after_some_hours() {
        let now = Instant::now();
        let mut profile = HostProfile {
            pipelining: Pipelining::Off,
            pipeline_during_transfer: PipelineDuringTransfer::Never,
            auth: AuthName::Ssl,
            alpn: Alpn::Unnamed,
            part_names: PartNames::Final,
            stored_files: StoredFiles::Taken,
            lone_rnfr: LoneRnfr::Never,
            expiring_since: Some(now),
            ..HostProfile::default()
        };
        let learned = profile;
        profile.forget_expired(now + EXPIRES_AFTER - Duration::from_secs(1));
        assert_eq!(profile, learned);
        profile.forget_expired(now + EXPIRES_AFTER);
        // Explicit refusals are kept.
        assert_eq!(profile, HostProfile { alpn: Alpn::Unnamed, ..HostProfile::default() });
    }

    /// A configured setting is better founded than one reply.
    #[test]
    fn what_was_set_from_outside_is_not_forgotten() {
        let mut profile = HostProfile { pipelining: Pipelining::Off, ..HostProfile::default() };
        profile.forget_expired(Instant::now() + EXPIRES_AFTER);
        assert_eq!(profile.pipelining, Pipelining::Off);
    }
}
