//! The configuration: every number has a name, a unit and a default.

use std::{sync::Arc, time::Duration};

#[cfg(feature = "aws-lc-rs")]
use rustls::RootCertStore;

use crate::{
    charset::Charset,
    listing::ListingLimits,
    proxy::Proxy,
    random::{Random, SystemRandom},
    reply::decoder::ReplyLimits,
    tls::TlsConfig,
};

/// The configuration of the engine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Time limits.
    pub timeouts: Timeouts,
    /// Size limits.
    pub limits: Limits,
    /// The trusted certificates and the TLS versions.
    pub tls: TlsConfig,
    /// How it keeps a quiet control connection alive.
    pub keepalive: Keepalive,
    /// When a session is replaced.
    pub rotation: Rotation,
    /// When an interrupted upload is retried.
    pub retry: Retry,
    /// How many sessions a pool opens.
    pub sessions: Sessions,
    /// The proxy for control and data connections; none by default.
    pub proxy: Option<Proxy>,
    /// The character set of names as text: UTF-8 by default. Names from a listing are bytes, and
    /// stay unchanged.
    pub charset: Charset,
    /// The random bytes of temporary names and of jitter: the operating system's by default.
    pub random: Arc<dyn Random>,
}

impl Config {
    /// The defaults, with the trusted root certificates and the cryptography of aws-lc-rs.
    #[cfg(feature = "aws-lc-rs")]
    #[must_use]
    pub fn new(roots: Arc<RootCertStore>) -> Self {
        Self::with_tls(TlsConfig::new(roots))
    }

    /// The defaults, with these settings for TLS.
    #[must_use]
    pub fn with_tls(tls: TlsConfig) -> Self {
        Self {
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            tls,
            keepalive: Keepalive::default(),
            rotation: Rotation::default(),
            retry: Retry::default(),
            sessions: Sessions::default(),
            proxy: None,
            charset: Charset::default(),
            random: Arc::new(SystemRandom),
        }
    }
}

impl Config {
    /// How long a server may take for the digest of so many bytes.
    pub(crate) fn digest_deadline(&self, bytes: u64) -> Duration {
        let for_bytes = Duration::from_secs(bytes / self.limits.min_digest_bytes_per_second.max(1));
        let Timeouts { digest, digest_start, .. } = self.timeouts;
        digest_start.saturating_add(for_bytes).min(digest)
    }
}

/// Time limits. Every wait has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// The TCP connection to the control port, the proxy's part included.
    pub connect: Duration,
    /// A TLS handshake, on the control or a data connection.
    pub tls_handshake: Duration,
    /// The greeting. Servers that look up their clients' names take some time.
    pub greeting: Duration,
    /// The silence before the greeting after which a second connection probes whether the port
    /// expects implicit TLS. The first connection keeps waiting.
    pub silence: Duration,
    /// The reply to a command.
    pub reply: Duration,
    /// Each further reply to a batch: a server that loses commands replies to the first and then
    /// stays silent.
    pub batch: Duration,
    /// The digest of a whole file, which the server has to read: the longest wait.
    pub digest: Duration,
    /// The digest of an empty file. A greater one gets more time, up to [`Self::digest`]: see
    /// [`Limits::min_digest_bytes_per_second`].
    pub digest_start: Duration,
    /// A whole listing.
    pub listing: Duration,
    /// The pause between the reply to `AUTH` and TLS, for servers that lose the start of the
    /// handshake without it.
    pub tls_pause: Duration,
    /// The TCP connection to a data port, the proxy's part included. Ports that a firewall blocks
    /// stay silent.
    pub data_connect: Duration,
    /// How long a data connection may accept no byte, or send none of a listing.
    pub stall: Duration,
    /// The reply that ends a transfer, after the last byte. Some servers scan or move the file
    /// first.
    pub final_reply: Duration,
    /// How long a size that differs from that of the sent bytes is looked up again before the file
    /// counts as incomplete: some servers report the size of a new file late.
    pub size_lag: Duration,
    /// The server's reply after a data connection failed: it says why.
    pub verdict: Duration,
    /// The server's close of a data connection after its reply; some wait for us.
    pub drain: Duration,
    /// The reply to an aborted transfer.
    pub abort: Duration,
    /// How long a multi-line reply may be silent after a last line with another code; then it has
    /// ended.
    pub settle: Duration,
    /// All of `QUIT`.
    pub quit: Duration,
}

impl Default for Timeouts {
    /// Connect 15 s, TLS 15 s, greeting 30 s (silence 5 s), reply 60 s (each further one of a batch
    /// 20 s), digest 60 s to 15 min, listing 10 min, TLS pause 300 ms, data connect 15 s, stall 60 s, final reply 5 min, size lag
    /// 3 s, verdict 5 s, drain 3 s, abort 10 s, settle 500 ms, quit 2 s.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            tls_handshake: Duration::from_secs(15),
            greeting: Duration::from_secs(30),
            silence: Duration::from_secs(5),
            reply: Duration::from_secs(60),
            batch: Duration::from_secs(20),
            digest: Duration::from_secs(900),
            digest_start: Duration::from_secs(60),
            listing: Duration::from_secs(600),
            tls_pause: Duration::from_millis(300),
            data_connect: Duration::from_secs(15),
            stall: Duration::from_secs(60),
            final_reply: Duration::from_secs(300),
            size_lag: Duration::from_secs(3),
            verdict: Duration::from_secs(5),
            drain: Duration::from_secs(3),
            abort: Duration::from_secs(10),
            settle: Duration::from_millis(500),
            quit: Duration::from_secs(2),
        }
    }
}

/// Limits on the size of a server's messages, and on buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The size of one reply.
    pub reply: ReplyLimits,
    /// The size of one listing.
    pub listing: ListingLimits,
    /// The number of directories that a client remembers.
    pub known_directories: usize,
    /// The bytes, plain and encrypted each, that are buffered for a data connection.
    pub data_buffer_bytes: usize,
    /// The bytes of a file that the server must digest in a second.
    pub min_digest_bytes_per_second: u64,
}

impl Default for Limits {
    /// [`ReplyLimits::default`], [`ListingLimits::default`], 4,096 directories, 256 KiB of buffers,
    /// digests at 2 MB/s.
    fn default() -> Self {
        Self {
            reply: ReplyLimits::default(),
            listing: ListingLimits::default(),
            known_directories: 4096,
            data_buffer_bytes: 256 * 1024,
            min_digest_bytes_per_second: 2_000_000,
        }
    }
}

/// TCP keepalive on the control connection (RFC 1122 §4.2.3.6).
///
/// During a long transfer the control connection is quiet, and some routers forget quiet
/// connections. A `NOOP` would confuse servers during a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keepalive {
    /// The quiet time before the first probe.
    pub idle: Duration,
    /// The time between two probes.
    pub interval: Duration,
}

impl Default for Keepalive {
    /// The first probe after 30 s, then every 15 s.
    fn default() -> Self {
        Self { idle: Duration::from_secs(30), interval: Duration::from_secs(15) }
    }
}

/// When a session is replaced by a new one, between two uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The number of commands: the firewall of Windows ends a TLS session after about 700.
    pub commands: u32,
    /// Which servers the limit applies to.
    pub applies_to: RotationScope,
    /// The age: some servers keep a TLS session for data connections for 300 s only.
    pub age: Duration,
}

impl Default for Rotation {
    /// 600 commands, unless the server runs on Unix; 240 s.
    fn default() -> Self {
        Self { commands: 600, applies_to: RotationScope::default(), age: Duration::from_secs(240) }
    }
}

/// The servers that the limit of commands applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RotationScope {
    /// Servers whose greeting does not name software that runs on Unix only, and those that ended a
    /// session after many commands.
    #[default]
    PerhapsOnWindows,
    /// All servers.
    All,
}

/// When an interrupted upload is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// Attempts in a row without progress before an upload fails.
    pub tries: u32,
    /// The wait before the first attempt; each further one is twice as long, plus or minus a
    /// quarter.
    pub first: Duration,
    /// The longest wait.
    pub max: Duration,
}

impl Default for Retry {
    /// 8 attempts, 1 s to 60 s apart: three and a half minutes in total.
    fn default() -> Self {
        Self { tries: 8, first: Duration::from_secs(1), max: Duration::from_secs(60) }
    }
}

/// How many sessions a [`Pool`](crate::Pool) opens for uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sessions {
    /// The number at first, at least 1.
    pub start: u32,
    /// The maximum; one more for listings and the like.
    pub max: u32,
    /// The interval at which the throughput is measured to decide on one more.
    pub window: Duration,
    /// How long a session limit that the server reported is respected.
    pub recheck: Duration,
}

impl Default for Sessions {
    /// 2 at first, at most 4, measured every 2 s; a session limit is respected for 5 min.
    fn default() -> Self {
        let (window, recheck) = (Duration::from_secs(2), Duration::from_secs(300));
        Self { start: 2, max: 4, window, recheck }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_a_greater_file_may_take_longer_up_to_the_limit() {
        let config = Config::new(Arc::new(RootCertStore::empty()));
        let seconds = |bytes| config.digest_deadline(bytes).as_secs();
        assert_eq!(seconds(0), 60);
        assert_eq!(seconds(200_000_000), 160);
        assert_eq!(seconds(u64::MAX), 900);
    }
}
