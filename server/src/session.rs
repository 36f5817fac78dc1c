//! One page's conversation with the portal, from its first `hello` to its end. It outlives its sockets:
//! a page that comes back within the grace time continues where it was.
//!
//! ```text
//!   hello: new    +-------------------+
//!  -------------> | page is connected | <-----+
//!                 +-------------------+       | hello: existing,
//!                   |              |          | on a new socket
//!       socket lost |              |          |
//!                   v              |          |
//!          +--------------+        |          |
//!          | page is away | -------+----------+
//!          +--------------+        |
//!                   | session_grace| goodbye, protocol violation,
//!                   v              v session_lifetime, drain, shutdown
//!          +------------------------------------------------+
//!          | ended: part files on the server are kept       |
//!          +------------------------------------------------+
//! ```
//!
//! # Layers
//! - `violation`: violations of the protocol by a page.
//! - `chunks`: the chunks of files in the binary messages of one socket.
//! - `guest`: a guest's arrivals, claims and receipts.
//! - `conversation`: handles the page's messages. It owns the FTPS connection and the open uploads.
//! - this module: a [`Session`] owns the conversation and the outbox, and decides which socket is
//!   the active one.
//! - `fair_queue`: a bounded queue of what waits, in which no client displaces the others.
//! - [`registry`]: owns the sessions: creates them, finds them by name and secret, ends them.
//! - `problems`: the problems of sessions and their sockets.
//! - `socket_end`: why a socket ends.
//! - `guest_goodbye`: the last message of a socket to a guest.
//! - [`socket`]: one WebSocket: hello, messages in, messages out, pings, timeouts, goodbye.

mod chunks;
mod conversation;
mod fair_queue;
mod guest;
mod guest_goodbye;
mod problems;
pub mod registry;
pub mod socket;
mod socket_end;
mod violation;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

pub use self::violation::ProtocolViolation;
use self::{conversation::Conversation, guest::GuestOwner};
use crate::{
    audit::Subject,
    client::Peer,
    drops::DropEnd,
    ftps_connection::SessionOwner,
    locking::lock,
    outbox::{LogLimits, Outbox, OutboxLimits, SpaceLimits},
    portal::Portal,
    settings::Settings,
    under_way::UnderWay,
};

/// The bytes of a session's unacknowledged messages that `outbox_budget` does not count.
const OWN_MESSAGE_BYTES: usize = 64 * 1024;

/// One page's session.
#[derive(Debug)]
pub struct Session {
    name: String,
    /// The state with the settings with which it began.
    portal: Arc<Portal>,
    address: Option<IpAddr>,
    outbox: Outbox,
    under_way: UnderWay,
    /// Locked by the active socket.
    conversation: Arc<AsyncMutex<Conversation>>,
    /// Cancelled when another socket replaces the active one.
    replaced: Mutex<CancellationToken>,
    presence: watch::Sender<Presence>,
    /// The guest of a drop that it is for.
    guest: Option<GuestOwner>,
    ended: CancellationToken,
    end_reason: OnceLock<EndReason>,
}

/// Whether the page has a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Connected,
    Away { since: Instant },
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndReason {
    /// The page has closed the session.
    #[error("the page has closed the session")]
    Closed,
    /// The page broke the protocol.
    #[error("the page broke the protocol")]
    ProtocolViolation,
    /// The page does not acknowledge messages.
    #[error("the page does not acknowledge messages")]
    Stalled,
    /// The page has left, and the session has nothing that it could resume.
    #[error("the page has left, and there is nothing to resume")]
    NothingToResume,
    /// The page has left and did not come back.
    #[error("the page was away for {}", humantime::format_duration(*.0))]
    Absent(Duration),
    /// The session is too old.
    #[error("the session reached its longest duration of {}", humantime::format_duration(*.0))]
    Lifetime(Duration),
    /// The portal is being stopped, and the session has nothing under way.
    #[error("the portal is being stopped, and nothing is under way")]
    Moved,
    /// The portal is shutting down.
    #[error("the portal is shutting down")]
    Shutdown,
    /// The drop whose guest has the session has ended.
    #[error(transparent)]
    DropEnded(DropEnd),
}

/// The socket that has the conversation, until this is dropped.
#[derive(Debug)]
pub struct ActiveSocket {
    session: Arc<Session>,
    conversation: OwnedMutexGuard<Conversation>,
    /// Cancelled when the page has come back on another socket.
    replaced: CancellationToken,
}

impl Session {
    /// Creates a session whose page has no socket yet.
    #[must_use]
    fn new(name: String, peer: Peer, portal: &Arc<Portal>, guest: Option<GuestOwner>) -> Arc<Self> {
        let limits = outbox_limits(&portal.settings);
        let (budget, metrics) = (portal.outbox_budget.clone(), Arc::clone(&portal.metrics));
        let outbox = match guest {
            Some(_) => Outbox::for_guest(limits, budget, metrics),
            None => Outbox::new(limits, budget, metrics),
        };
        let owner =
            SessionOwner { session: name.clone(), client: peer.client, address: peer.address };
        let under_way = UnderWay::default();
        let conversation = Conversation::new(
            Arc::clone(portal),
            outbox.clone(),
            owner,
            under_way.clone(),
            guest.clone(),
        );
        Arc::new(Self {
            name,
            portal: Arc::clone(portal),
            address: peer.address,
            outbox,
            under_way,
            conversation: Arc::new(AsyncMutex::new(conversation)),
            replaced: Mutex::default(),
            presence: watch::Sender::new(Presence::Away { since: Instant::now() }),
            guest,
            ended: CancellationToken::new(),
            end_reason: OnceLock::new(),
        })
    }

    /// Returns the session's name, which may be logged.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the settings with which the session began. They hold for its later sockets too.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.portal.settings
    }

    /// Returns what the audit calls the session.
    #[must_use]
    fn audit_subject(&self) -> Subject {
        let session = Some(self.name.clone());
        let drop = self.guest.as_ref().map(|guest| guest.visit.drop.clone());
        Subject { session, address: self.address, drop, ..Subject::default() }
    }

    /// Returns whether the session is that of a guest of a drop.
    #[must_use]
    pub fn is_guests(&self) -> bool {
        self.guest.is_some()
    }

    /// Waits until the drop whose guest has the session has ended; never for a person.
    async fn drop_ended(&self) -> DropEnd {
        match &self.guest {
            Some(guest) => guest.visit.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Returns the messages to the page.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Makes a socket the active one, after an earlier socket has released the conversation.
    pub async fn activate_socket(self: &Arc<Self>) -> ActiveSocket {
        let replaced = CancellationToken::new();
        std::mem::replace(&mut *lock(&self.replaced), replaced.clone()).cancel();
        let conversation = Arc::clone(&self.conversation).lock_owned().await;
        self.presence.send_replace(Presence::Connected);
        ActiveSocket { session: Arc::clone(self), conversation, replaced }
    }

    /// Ends the session. The first reason counts.
    pub fn end(&self, reason: EndReason) {
        let _has_ended_before = self.end_reason.set(reason);
        self.ended.cancel();
    }

    /// Returns whether the session has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Waits for the end of the session.
    pub async fn ended(&self) -> EndReason {
        self.ended.cancelled().await;
        self.end_reason.get().copied().unwrap_or(EndReason::NothingToResume)
    }

    /// Closes the FTPS connection of a session that has ended. Part files on the server are kept.
    async fn close(&self) {
        // The active socket, if there is one, writes the last messages before it releases this.
        let mut conversation = self.conversation.lock().await;
        self.outbox.close();
        if let Some(EndReason::DropEnded(_)) = self.end_reason.get() {
            conversation.cancel_all();
        }
        conversation.close().await;
    }

    /// Waits until a restart of the portal would interrupt nothing: no upload or request has started,
    /// and a page that is away lacks no message.
    async fn nothing_under_way(&self) {
        let mut presence = self.presence.subscribe();
        loop {
            self.under_way.none().await;
            let now = *presence.borrow_and_update();
            if now == Presence::Connected || !self.outbox.has_unacked() {
                return;
            }
            let _never_closed = presence.changed().await;
        }
    }

    /// Waits until the page was away for the whole of `grace`.
    async fn page_absent_for(&self, grace: Duration) {
        let mut presence = self.presence.subscribe();
        loop {
            let now = *presence.borrow_and_update();
            let absent = async {
                match now {
                    Presence::Connected => std::future::pending().await,
                    Presence::Away { since } => sleep_until(since + grace).await,
                }
            };
            tokio::select! {
                () = absent => return,
                _never_closed = presence.changed() => {}
            }
        }
    }
}

impl Drop for ActiveSocket {
    fn drop(&mut self) {
        // If another socket replaced this one, the page is connected. Unacknowledged messages are kept
        // for a page that comes back.
        let can_resume = self.replaced.is_cancelled()
            || self.conversation.has_connection()
            || self.session.outbox.has_unacked();
        if can_resume {
            self.conversation.page_left();
            let since = Instant::now();
            self.session.presence.send_replace(Presence::Away { since });
        } else {
            self.session.end(EndReason::NothingToResume);
        }
    }
}

fn outbox_limits(settings: &Settings) -> OutboxLimits {
    OutboxLimits {
        space: SpaceLimits {
            unacked_bytes: settings.max_unacknowledged.as_usize(),
            own_share: OWN_MESSAGE_BYTES,
        },
        log: LogLimits {
            lines: settings.max_log_lines as usize,
            bytes: settings.max_log.as_usize(),
        },
    }
}
