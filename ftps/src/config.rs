//! Every number that the engine keeps to: each has a name, a unit, a default.

use std::{sync::Arc, time::Duration};

use rustls::RootCertStore;

use crate::{
    charset::Charset, listing::ListingLimits, proxy::Proxy, reply::decoder::ReplyLimits,
    tls::TlsConfig,
};

/// How the engine behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long it waits.
    pub timeouts: Timeouts,
    /// How much it takes.
    pub limits: Limits,
    /// Whom it trusts, with which versions.
    pub tls: TlsConfig,
    /// How it keeps a quiet control connection alive.
    pub keepalive: Keepalive,
    /// When a session is replaced before it wears out.
    pub rotation: Rotation,
    /// How often and when it tries again after a break.
    pub retry: Retry,
    /// How many sessions a pool opens.
    pub sessions: Sessions,
    /// The proxy that control and data connections are made through; none by default.
    pub proxy: Option<Proxy>,
    /// In which character set names are, as text: UTF-8 by default. Names that come from a listing
    /// are bytes, and stay what they are.
    pub charset: Charset,
}

impl Config {
    /// Every default, with the certificates that end a chain of trust.
    #[must_use]
    pub fn new(roots: Arc<RootCertStore>) -> Self {
        Self {
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            tls: TlsConfig::new(roots),
            keepalive: Keepalive::default(),
            rotation: Rotation::default(),
            retry: Retry::default(),
            sessions: Sessions::default(),
            proxy: None,
            charset: Charset::default(),
        }
    }
}

/// How long the engine waits, each for one thing. Every wait ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the TCP connection to the control port, all that a proxy takes included.
    pub connect: Duration,
    /// For a TLS handshake, on the control and on a data connection.
    pub tls_handshake: Duration,
    /// For the greeting. Servers that look up their clients' names take their time.
    pub greeting: Duration,
    /// After this much silence before the greeting, a second connection tries whether the port
    /// expects TLS at once; the first goes on waiting.
    pub silence: Duration,
    /// For the reply to a command.
    pub reply: Duration,
    /// For each further reply where several commands were sent together: a server that drops
    /// commands answers the first and then stays silent.
    pub batch: Duration,
    /// For the digest of a whole file: the server has to read it.
    pub digest: Duration,
    /// For the TCP connection to a data port, all that a proxy takes included; ports that a
    /// firewall blocks stay silent.
    pub data_connect: Duration,
    /// How long a data connection may take no byte, or give none while a listing is read.
    pub stall: Duration,
    /// For the reply that ends a transfer, after the last byte. Some servers scan or move the
    /// file first.
    pub final_reply: Duration,
    /// For the server's verdict after a data connection failed: its reply says why.
    pub verdict: Duration,
    /// For the server to close a data connection after its reply; some wait for us.
    pub drain: Duration,
    /// For the reply to a transfer that was aborted.
    pub abort: Duration,
    /// After this, a last line with another code than its multi-line reply ends it all the same.
    pub settle: Duration,
    /// For everything that `QUIT` takes.
    pub quit: Duration,
}

impl Default for Timeouts {
    /// Connect 15 s, TLS 15 s, greeting 30 s (silence 5 s), reply 60 s (each further one of a
    /// flight 20 s), digest 15 min, data connect 15 s, stall 60 s, final reply 5 min, verdict 5 s,
    /// drain 3 s, abort 10 s, settle 500 ms, quit 2 s.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            tls_handshake: Duration::from_secs(15),
            greeting: Duration::from_secs(30),
            silence: Duration::from_secs(5),
            reply: Duration::from_secs(60),
            batch: Duration::from_secs(20),
            digest: Duration::from_secs(900),
            data_connect: Duration::from_secs(15),
            stall: Duration::from_secs(60),
            final_reply: Duration::from_secs(300),
            verdict: Duration::from_secs(5),
            drain: Duration::from_secs(3),
            abort: Duration::from_secs(10),
            settle: Duration::from_millis(500),
            quit: Duration::from_secs(2),
        }
    }
}

/// How much the engine takes from a server, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most of one reply.
    pub reply: ReplyLimits,
    /// The most of one listing.
    pub listing: ListingLimits,
    /// The most directories that a client remembers to exist.
    pub known_directories: usize,
    /// The most bytes, in the clear and encrypted each, that wait in front of a data connection.
    pub data_buffer_bytes: usize,
}

impl Default for Limits {
    /// [`ReplyLimits::default`], [`ListingLimits::default`], 4,096 directories, 256 KiB in front of a
    /// data connection.
    fn default() -> Self {
        Self {
            reply: ReplyLimits::default(),
            listing: ListingLimits::default(),
            known_directories: 4096,
            data_buffer_bytes: 256 * 1024,
        }
    }
}

/// TCP keepalive on the control connection (RFC 1122 §4.2.3.6).
///
/// During a long transfer nothing goes over the control connection, and some routers forget quiet
/// connections. A `NOOP` would confuse servers that are busy with a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// When a session is replaced by another one, between two uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// After so many commands: the firewall of Windows ends a session in TLS after about 700.
    pub commands: u32,
    /// Which servers the limit applies to.
    pub applies_to: RotationScope,
    /// After so long: some servers keep a TLS session for data connections for 300 s only.
    pub age: Duration,
}

impl Default for Rotation {
    /// 600 commands, unless the server runs on Unix, or 240 s.
    fn default() -> Self {
        Self { commands: 600, applies_to: RotationScope::default(), age: Duration::from_secs(240) }
    }
}

/// For which servers the number of commands counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RotationScope {
    /// For those whose greeting does not name a server that runs on Unix only, and for those that
    /// ended a session after many commands.
    #[default]
    PerhapsOnWindows,
    /// For all.
    All,
}

/// How often and when an upload is tried again after a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The most tries in a row that bring the server no byte further.
    pub tries: u32,
    /// The wait before the first; each further one is twice as long, give or take a quarter.
    pub first: Duration,
    /// The longest wait.
    pub max: Duration,
}

impl Default for Retry {
    /// 8 tries, 1 s to 60 s apart: 3 min and a half altogether.
    fn default() -> Self {
        Self { tries: 8, first: Duration::from_secs(1), max: Duration::from_secs(60) }
    }
}

/// How many sessions a [`Pool`](crate::Pool) opens for uploads at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// So many at first, at least 1.
    pub start: u32,
    /// So many at most; one more for listings and the like.
    pub max: u32,
    /// After each such time it is looked whether one more helped.
    pub window: Duration,
    /// For so long it is believed that the server takes no more sessions, after it said so.
    pub recheck: Duration,
}

impl Default for Sessions {
    /// 2 at first, at most 4, looked at every 2 s; a refusal is believed for 5 min.
    fn default() -> Self {
        let (window, recheck) = (Duration::from_secs(2), Duration::from_secs(300));
        Self { start: 2, max: 4, window, recheck }
    }
}
