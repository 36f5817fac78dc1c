//! How much an examination may do, and how long it may take.

use std::time::Duration;

use ftps::Timeouts;

/// The limits of one examination. They are constants, because a server that needs more of anything is one
/// that users give up on.
#[derive(Clone, Copy, Debug)]
pub struct DoctorLimits {
    /// The most connections to control ports, those to other ports than FTPS among them.
    pub control_connections: u32,
    /// The most data connections.
    pub data_connections: u32,
    /// The most connections that are open at once: a session and one data connection.
    pub at_once: usize,
    /// The time for everything.
    pub total: Duration,
    /// The time for a TCP connection. Ports that a firewall blocks stay silent for so long.
    pub connect: Duration,
    /// The time for the greeting.
    pub greeting: Duration,
    /// The silence after which a second connection finds out whether the port expects implicit TLS.
    pub silence: Duration,
    /// The time for a TLS handshake.
    pub tls: Duration,
    /// The time for a reply.
    pub reply: Duration,
}

impl Default for DoctorLimits {
    /// 12 control connections and 10 data connections, 2 at once, 60 s; 5 s for a connection, 12 s for
    /// the greeting, 4 s of silence, 8 s for TLS, 12 s for a reply.
    fn default() -> Self {
        Self {
            control_connections: 12,
            data_connections: 10,
            at_once: 2,
            total: Duration::from_secs(60),
            connect: Duration::from_secs(5),
            greeting: Duration::from_secs(12),
            silence: Duration::from_secs(4),
            tls: Duration::from_secs(8),
            reply: Duration::from_secs(12),
        }
    }
}

impl DoctorLimits {
    /// Sets the engine's timeouts.
    pub(super) fn apply_to(&self, timeouts: &mut Timeouts) {
        timeouts.connect = self.connect;
        timeouts.data_connect = self.connect;
        timeouts.greeting = self.greeting;
        timeouts.silence = self.silence;
        timeouts.tls_handshake = self.tls;
        timeouts.reply = self.reply;
        timeouts.batch = self.reply;
        timeouts.digest = self.reply;
        timeouts.digest_start = self.reply;
        timeouts.stall = self.reply;
        timeouts.listing = self.reply;
        timeouts.final_reply = self.reply;
    }
}
