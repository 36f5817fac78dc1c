//! The page's socket to the portal: attempts to open it, its timeouts, and whether it is alive.

use std::time::Duration;

use protocol::server::Limits;

use crate::time::Millis;

/// The delay of the first retry; it doubles from attempt to attempt.
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(500);
/// The longest delay between two attempts.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(30);
/// Delays are shortened at random in this many steps.
const JITTER_STEPS: u32 = 1000;
/// After a socket that was open for this long, retries start with the first delay again.
const STABLE_AFTER: Duration = Duration::from_secs(20);
/// A socket that stays silent for this many ping intervals is dead.
const MAX_SILENT_PINGS: u32 = 3;
/// The portal has to greet within this time. The browser itself waits for minutes where a network
/// drops packets.
const GREETING_TIMEOUT: Duration = Duration::from_secs(30);

/// The state of the socket.
#[derive(Debug, Default)]
pub enum SocketState {
    /// No socket is open or wanted.
    #[default]
    Closed,
    /// A session is being created, or its socket opened.
    Opening,
    /// The socket is open; the portal has not sent `welcome`.
    Greeting,
    /// Messages go both ways.
    Open(LiveSocket),
    /// The socket is lost, and will be opened again.
    Lost {
        /// The time of the next attempt.
        retry_at: Millis,
    },
    /// The portal speaks another protocol version: the page has to be reloaded.
    Outdated,
}

/// An open socket.
#[derive(Debug)]
pub struct LiveSocket {
    /// The portal's limits.
    pub limits: Limits,
    since: Millis,
    /// The time of the last message that arrived.
    last_message_at: Millis,
    ping_at: Millis,
}

/// Whether the browser is online.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// The browser is online.
    #[default]
    Online,
    /// The browser is offline: no attempt can succeed.
    Offline,
}

/// A task of the socket that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// Nothing.
    None,
    /// The next attempt to open the socket.
    Retry,
    /// A ping.
    Ping,
    /// The portal did not greet in time.
    GreetingTimedOut,
    /// The open socket was silent for too long.
    Silent,
}

/// The state of a socket that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// It was being opened.
    OfAttempt,
    /// It was open.
    OfOpen,
}

/// The socket to the portal.
#[derive(Debug, Default)]
pub(super) struct PortalSocket {
    state: SocketState,
    network: Network,
    /// The end of the greeting timeout.
    greet_by: Option<Millis>,
    /// Failed attempts in a row.
    attempts: u32,
}

impl PortalSocket {
    pub(super) fn state(&self) -> &SocketState {
        &self.state
    }

    pub(super) fn network(&self) -> Network {
        self.network
    }

    /// Returns the portal's limits while the socket is open.
    pub(super) fn limits(&self) -> Option<&Limits> {
        match &self.state {
            SocketState::Open(live) => Some(&live.limits),
            _ => None,
        }
    }

    pub(super) fn is_opening(&self) -> bool {
        matches!(self.state, SocketState::Opening | SocketState::Greeting)
    }

    pub(super) fn open(&mut self) {
        self.state = SocketState::Opening;
        self.greet_by = None;
    }

    pub(super) fn opened(&mut self) {
        self.state = SocketState::Greeting;
    }

    /// The portal sent `welcome`.
    pub(super) fn greeted(&mut self, limits: Limits, now: Millis) {
        let ping_at = now + ping_interval(&limits);
        self.state =
            SocketState::Open(LiveSocket { limits, since: now, last_message_at: now, ping_at });
    }

    pub(super) fn set_closed(&mut self) {
        self.state = SocketState::Closed;
    }

    pub(super) fn set_outdated(&mut self) {
        self.state = SocketState::Outdated;
    }

    /// The user connects: retries start with the first delay.
    pub(super) fn reset_attempts(&mut self) {
        self.attempts = 0;
    }

    /// A message arrived. Returns whether the socket is open.
    pub(super) fn message_arrived(&mut self, now: Millis) -> bool {
        match &mut self.state {
            SocketState::Open(live) => {
                live.last_message_at = now;
                true
            }
            _ => false,
        }
    }

    /// The browser went online or offline. Returns whether to open the socket now.
    pub(super) fn network_changed(&mut self, network: Network, now: Millis) -> bool {
        self.network = network;
        match (&mut self.state, network) {
            (SocketState::Lost { .. }, Network::Online) => true,
            (SocketState::Open(live), Network::Online) => {
                // The socket may have died with the network: the next ping decides.
                live.ping_at = now;
                let silence = ping_interval(&live.limits) * (MAX_SILENT_PINGS - 1);
                live.last_message_at = live.last_message_at.min(now.before(silence));
                false
            }
            (_, _) => false,
        }
    }

    pub(super) fn start_greeting_timeout(&mut self, now: Millis) {
        if self.is_opening() {
            self.greet_by.get_or_insert(now + GREETING_TIMEOUT);
        }
    }

    pub(super) fn next_retry_in(&self, now: Millis) -> Option<Duration> {
        match (&self.state, self.network) {
            (SocketState::Lost { retry_at }, Network::Online) => Some(retry_at.since(now)),
            _ => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        match &self.state {
            SocketState::Open(live) => Some(live.ping_at),
            SocketState::Lost { retry_at } if self.network == Network::Online => Some(*retry_at),
            SocketState::Opening | SocketState::Greeting => self.greet_by,
            SocketState::Lost { .. } | SocketState::Closed | SocketState::Outdated => None,
        }
    }

    /// Returns the task that is due, and schedules the next ping.
    pub(super) fn take_due(&mut self, now: Millis) -> Timer {
        match &mut self.state {
            SocketState::Lost { retry_at }
                if *retry_at <= now && self.network == Network::Online =>
            {
                Timer::Retry
            }
            SocketState::Opening | SocketState::Greeting
                if self.greet_by.is_some_and(|at| at <= now) =>
            {
                Timer::GreetingTimedOut
            }
            SocketState::Open(live)
                if now.since(live.last_message_at)
                    > ping_interval(&live.limits) * MAX_SILENT_PINGS =>
            {
                Timer::Silent
            }
            SocketState::Open(live) if live.ping_at <= now => {
                live.ping_at = now + ping_interval(&live.limits);
                Timer::Ping
            }
            _ => Timer::None,
        }
    }

    /// Returns which kind of socket was lost; `None` if the page had closed it. After a socket that was
    /// open for [`STABLE_AFTER`], the count of failed attempts starts again.
    pub(super) fn loss(&mut self, now: Millis) -> Option<Loss> {
        match self.state {
            SocketState::Closed | SocketState::Lost { .. } | SocketState::Outdated => None,
            SocketState::Opening | SocketState::Greeting => Some(Loss::OfAttempt),
            SocketState::Open(LiveSocket { since, .. }) => {
                if now.since(since) >= STABLE_AFTER {
                    self.attempts = 0;
                }
                Some(Loss::OfOpen)
            }
        }
    }

    pub(super) fn schedule_retry(&mut self, now: Millis, jitter: f64) {
        self.state = SocketState::Lost { retry_at: now + retry_delay(self.attempts, jitter) };
        self.attempts = self.attempts.saturating_add(1);
    }
}

fn ping_interval(limits: &Limits) -> Duration {
    Duration::from_millis(u64::from(limits.ping_interval_millis.max(1000)))
}

/// Returns the delay before an attempt: doubled each time up to the longest, then shortened by up to
/// a half at random (`jitter` is from 0 to 1), so that many pages do not return at once.
pub(super) fn retry_delay(attempts: u32, jitter: f64) -> Duration {
    let full = FIRST_RETRY_DELAY.saturating_mul(1 << attempts.min(16)).min(MAX_RETRY_DELAY);
    full - full / (2 * JITTER_STEPS) * jitter_steps(jitter)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float that becomes an integer saturates"
)]
fn jitter_steps(jitter: f64) -> u32 {
    ((jitter * f64::from(JITTER_STEPS)) as u32).min(JITTER_STEPS)
}
