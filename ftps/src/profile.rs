//! What was learned about a host, and the ladder of other ways to try.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::{Duration, Instant};

use crate::{
    command::Command,
    time::UtcOffset,
    tls::{Alpn, TlsVersion},
};

/// For so long it is believed what an odd reply taught: it may have been a passing fault.
const EXPIRES_AFTER: Duration = Duration::from_secs(6 * 60 * 60);

/// What was learned about a host. Kept between sessions, it spares the next one the same detours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostProfile {
    /// The newest TLS version that works with the host, where it is not the newest there is.
    pub tls_max: Option<TlsVersion>,
    /// How data connections are asked for.
    pub passive: PassiveMode,
    /// How TLS is asked for.
    pub auth: AuthName,
    /// Whether TLS handshakes name the protocol.
    pub alpn: Alpn,
    /// Whether commands may go together.
    pub pipelining: Pipelining,
    /// Whether a command may be sent behind a transfer that is under way.
    pub pipeline_during_transfer: PipelineDuringTransfer,
    /// Whether a data port was ever reached.
    pub data_ports: DataPorts,
    /// Data connections in a row that broke before their TLS stood, without a word of the server.
    pub broken_data_tls: u32,
    /// Whether `SIZE` was ever answered with a size.
    pub sizes: SizeSupport,
    /// How an upload goes on where it broke off.
    pub resume: Resume,
    /// How a file gets its date.
    pub dating: Dating,
    /// Whether digests are asked for.
    pub digests: Digests,
    /// How many commands a session endures.
    pub command_limit: CommandLimit,
    /// What is known of the most sessions at once.
    pub max_sessions: Option<MaxSessions>,
    /// What is known of its own time.
    pub clock: ServerClock,
    /// When an odd reply last taught something of [`Self::pipelining`], [`Self::pipeline_during_transfer`] or
    /// [`Self::auth`]: after six hours, all three are tried anew.
    pub expiring_since: Option<Instant>,
}

impl HostProfile {
    fn forget_expired(&mut self, now: Instant) {
        let is_old = |since| now.saturating_duration_since(since) >= EXPIRES_AFTER;
        if self.expiring_since.is_some_and(is_old) {
            self.pipelining = Pipelining::default();
            self.pipeline_during_transfer = PipelineDuringTransfer::default();
            self.auth = AuthName::default();
            self.expiring_since = None;
        }
    }
}

/// Whether commands whose replies do not depend on each other may be sent together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pipelining {
    /// They may: one round trip for all of them.
    #[default]
    On,
    /// The host lost commands that way.
    Off,
}

/// Whether a command may be sent behind a transfer that is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PipelineDuringTransfer {
    /// Where the greeting names a server that is known to take it.
    #[default]
    ByBanner,
    /// The host did not answer it.
    Never,
}

/// Whether a data port of the host was ever reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataPorts {
    /// Not yet: the TCP connection has to stand before a transfer is asked for, since a server
    /// that waits for it in vain takes no other command meanwhile.
    #[default]
    Untried,
    /// Once at least: the connection is made side by side with the command.
    Reached,
}

/// Whether `SIZE` was ever answered with a size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SizeSupport {
    /// Not yet: a refusal may mean that there is no such file, or that nobody is told.
    #[default]
    Unproven,
    /// Once at least: a refusal means that there is no such file.
    Proven,
}

/// How an upload goes on where it broke off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resume {
    /// `REST` and `STOR` (RFC 3659 §5).
    #[default]
    Restart,
    /// `APPE` (RFC 959 §4.1.3): `REST` was refused.
    Append,
    /// From the start: both were refused.
    Never,
}

/// How a file gets its date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dating {
    /// The best way that the server says it knows.
    #[default]
    ByFeatures,
    /// It keeps the date of its upload: what the server said that it knows was refused.
    Never,
}

/// The most sessions at once that a host took, where it refused more.
///
/// It depends on who else is there, so it is not believed for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxSessions {
    /// How many they were.
    pub count: u32,
    /// When the host said so.
    pub at: Instant,
}

/// How many commands a session endures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommandLimit {
    /// Any number, as far as is known.
    #[default]
    Unlimited,
    /// One ended without a word after many.
    Limited,
}

/// Whether the server is asked for digests of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digests {
    /// Where it says that it can make them.
    #[default]
    ByFeatures,
    /// It could not.
    Never,
}

/// What is known of a server's own time, which `LIST` tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerClock {
    /// Nothing yet.
    #[default]
    Unknown,
    /// How far it is ahead of UTC.
    Offset(UtcOffset),
    /// It was asked for, and the answer was of no use: it is not asked for again.
    Undetermined,
}

/// The command that asks for a data connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PassiveMode {
    /// `EPSV`, and `PASV` where it is refused or its port cannot be reached.
    #[default]
    Extended,
    /// `PASV`: `EPSV` was refused.
    PassiveOnly,
    /// `PASV`: `EPSV` was accepted and its port could not be reached.
    ExtendedSuspect,
}

impl PassiveMode {
    /// The command that asks for a port. `PASV` knows IPv4 only.
    pub(crate) fn command(self, server: IpAddr) -> Command<'static> {
        match self {
            Self::PassiveOnly | Self::ExtendedSuspect if server.is_ipv6() => Command::Epsv,
            Self::Extended => Command::Epsv,
            Self::PassiveOnly | Self::ExtendedSuspect => Command::Pasv,
        }
    }
}

/// The argument of `AUTH` that the host knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthName {
    /// `AUTH TLS`, and `AUTH SSL` where it is refused.
    #[default]
    Tls,
    /// `AUTH SSL`.
    Ssl,
}

/// Another way to try after an error; its `Display` is a sentence for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// Connect again and use no TLS newer than 1.2.
    Tls12,
    /// Connect again and do not name the protocol in TLS.
    WithoutAlpn,
    /// Connect again: the session was too old for the server to resume, or out of step.
    NewConnection,
    /// Connect again and send each command only when the last was answered.
    WithoutPipelining,
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => {
                "The server did not accept the TLS 1.3 session of the data connection. The next \
                 connection uses TLS 1.2, whose sessions can be resumed any number of times."
            }
            Self::WithoutAlpn => {
                "The server refused TLS on the data connection because the protocol was named \
                 there (ALPN ftp). The next connection does not name it."
            }
            Self::NewConnection => {
                "This session cannot go on. A new connection starts with a fresh one."
            }
            Self::WithoutPipelining => {
                "The server mixes up commands that are sent together. The next connection sends \
                 them one by one."
            }
        })
    }
}

/// A profile that connectors to one host and their clients share; cheap to clone.
///
/// Kept for as long as a program runs, it spares every later session the detours of the first.
#[derive(Clone, Debug, Default)]
pub struct SharedProfile(Arc<Mutex<HostProfile>>);

impl SharedProfile {
    /// A profile to start from.
    #[must_use]
    pub fn new(profile: HostProfile) -> Self {
        Self(Arc::new(Mutex::new(profile)))
    }

    /// What is known now.
    #[must_use]
    pub fn get(&self) -> HostProfile {
        *self.lock()
    }

    /// Changes it for everybody who shares it.
    pub fn update(&self, change: impl FnOnce(&mut HostProfile)) {
        change(&mut self.lock());
    }

    /// Changes what one odd reply taught, and may have been a passing fault.
    pub(crate) fn learn_expiring(&self, change: impl FnOnce(&mut HostProfile)) {
        self.update(|profile| {
            change(profile);
            profile.expiring_since = Some(Instant::now());
        });
    }

    /// Forgets what odd replies taught long ago.
    pub(crate) fn forget_expired(&self) {
        self.update(|profile| profile.forget_expired(Instant::now()));
    }

    fn lock(&self) -> MutexGuard<'_, HostProfile> {
        // The profile is plain data: it is whole after a panic too.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
            expiring_since: Some(now),
            ..HostProfile::default()
        };
        let learned = profile;
        profile.forget_expired(now + EXPIRES_AFTER - Duration::from_secs(1));
        assert_eq!(profile, learned);
        profile.forget_expired(now + EXPIRES_AFTER);
        // What the server said in so many words stays.
        assert_eq!(profile, HostProfile { alpn: Alpn::Unnamed, ..HostProfile::default() });
    }

    /// Whoever sets up a host knows better than one reply.
    #[test]
    fn what_was_set_from_outside_is_not_forgotten() {
        let mut profile = HostProfile { pipelining: Pipelining::Off, ..HostProfile::default() };
        profile.forget_expired(Instant::now() + EXPIRES_AFTER);
        assert_eq!(profile.pipelining, Pipelining::Off);
    }
}
