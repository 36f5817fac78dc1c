//! Messages and log lines on their way to the page.
//!
//! They outlive the socket: a counted message ([`protocol::delivery`]) is kept until the page
//! acknowledges it, and sent again on the next socket. The bytes of unacknowledged messages are
//! bounded, for a session and for all of them, and a sender beyond the bound waits: this is the
//! backpressure. Log lines come from the
//! middle of FTP commands and must not block: the oldest are dropped. Of the credits only the last
//! one of each upload counts.
//!
//! # Layers
//! - `log`: the last lines of the session log.
//! - `space`: the space for unacknowledged messages, and the senders that wait for it.
//! - `counted`: counted messages, kept until the page acknowledges them.
//! - this module: an [`Outbox`] collects the messages of all parts of a session.
//! - `write`: writes them to a socket, in the order of their urgency.

mod counted;
mod log;
mod space;
mod write;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use protocol::{ServerMessage, ToGuest, UploadId, delivery::Acknowledged as _, server::DataTls};
use serde::Serialize;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

pub use self::{
    counted::AckBeyondSent,
    log::{LogLimits, OutgoingLine},
    write::WriteError,
};
use self::{
    counted::{CountedMessage, CountedMessages},
    log::Log,
    space::{NoSpace, Space},
};
use crate::{
    drops::problems::message_for_guest,
    locking::lock,
    metrics::Metrics,
    problems::ProblemBuilder,
    relay::{Budget, Credit},
};

/// Who reads the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// A person at the page.
    Person,
    /// A guest of a drop, who gets [`ToGuest`] and nothing else.
    Guest,
}

/// The most lossy messages that may wait; further ones are dropped.
const MAX_LOSSY: usize = 64;

/// The most that an [`Outbox`] holds.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// Unacknowledged messages.
    pub space: SpaceLimits,
    /// The session log.
    pub log: LogLimits,
}

/// The space for unacknowledged messages.
#[derive(Clone, Copy, Debug)]
pub struct SpaceLimits {
    /// Bytes in all.
    pub unacked_bytes: usize,
    /// Bytes that the budget of all sessions does not count.
    pub own_share: usize,
}

/// There is no space for another message until the page acknowledges some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the page does not acknowledge the answers to its requests")]
pub struct OutboxFull;

/// The messages from all parts of a session to its page; cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// A message waits to be written.
    not_empty: Notify,
    space: Space,
    metrics: Arc<Metrics>,
    audience: Audience,
}

/// A message that may be lost.
#[derive(Debug)]
enum LossyMessage {
    /// For persons as it is, for guests as far as they may read it.
    Any(ServerMessage),
    /// For guests.
    Guest(ToGuest),
}

#[derive(Debug)]
struct State {
    counted: CountedMessages,
    /// Messages that may be lost.
    lossy: VecDeque<LossyMessage>,
    /// Credits that were not written to this socket yet.
    credits: BTreeMap<UploadId, Credit>,
    log: Log,
    /// Whether the last message was log lines: then it is the turn of the other messages.
    log_was_last: bool,
    data_tls: Option<LastDataTls>,
    problems: ProblemBuilder,
    audience: Audience,
}

/// The TLS facts of the last data connection.
#[derive(Debug)]
struct LastDataTls {
    facts: DataTls,
    /// Whether they were written to this socket.
    is_written: bool,
}

impl Outbox {
    /// Creates an empty outbox for a person. `budget` bounds the memory of all of them, beyond their own
    /// shares; `metrics` count what they send.
    #[must_use]
    pub fn new(limits: OutboxLimits, budget: Budget, metrics: Arc<Metrics>) -> Self {
        Self::of(Audience::Person, limits, budget, metrics)
    }

    /// Creates an empty outbox for a guest of a drop.
    #[must_use]
    pub fn for_guest(limits: OutboxLimits, budget: Budget, metrics: Arc<Metrics>) -> Self {
        Self::of(Audience::Guest, limits, budget, metrics)
    }

    fn of(audience: Audience, limits: OutboxLimits, budget: Budget, metrics: Arc<Metrics>) -> Self {
        let state = State {
            counted: CountedMessages::default(),
            lossy: VecDeque::new(),
            credits: BTreeMap::new(),
            log: Log::new(limits.log, budget.clone()),
            log_was_last: false,
            data_tls: None,
            problems: ProblemBuilder::default(),
            audience,
        };
        let space = Space::new(limits.space, budget);
        let state = Mutex::new(state);
        let shared = Shared { state, not_empty: Notify::new(), space, metrics, audience };
        Self { shared: Arc::new(shared) }
    }

    /// Sends a counted message. Waits for space while the page acknowledges nothing. After
    /// [`Self::close`] the message is dropped.
    pub async fn send(&self, message: ServerMessage) {
        let Some(text) = self.encode(&message) else { return };
        self.shared.metrics.count_message(&message);
        let bytes = self.shared.space.needed(text.len());
        if let Ok(taken) = self.shared.space.take(bytes).await {
            self.push(CountedMessage { text, bytes, taken }, ended_upload(&message));
        }
    }

    /// Sends a counted message that may be long. `build` gets its greatest length in bytes, which is less
    /// while other sessions use the budget.
    pub async fn send_built(&self, build: impl FnOnce(usize) -> ServerMessage) {
        let room = self.shared.space.room();
        let Some(text) = self.encode(&build(room.max_bytes)) else { return };
        let bytes = self.shared.space.needed(text.len());
        if let Ok(taken) = self.shared.space.take_room(room, bytes).await {
            self.push(CountedMessage { text, bytes, taken }, None);
        }
    }

    /// Sends a guest a counted message, as [`Self::send`] does.
    pub async fn send_to_guest(&self, message: &ToGuest) {
        debug_assert!(message.needs_ack() && self.shared.audience == Audience::Guest);
        let Some(text) = encoded(message) else { return };
        let bytes = self.shared.space.needed(text.len());
        if let Ok(taken) = self.shared.space.take(bytes).await {
            let ended = upload_ended_for_guest(message);
            self.push(CountedMessage { text, bytes, taken }, ended);
        }
    }

    /// Counts the end of an upload of a guest, as the portal knows it.
    pub fn count_guests_upload(&self, end: &ServerMessage) {
        self.shared.metrics.count_guests_upload(end);
    }

    /// Waits until a sender has waited for `limit` while the page acknowledged nothing.
    pub async fn wait_until_stalled(&self, limit: Duration) {
        self.shared.space.wait_until_stalled(limit).await;
    }

    /// Sends a counted message without waiting: the answer to a request that the page may repeat as
    /// often as it likes. After [`Self::close`] the message is dropped.
    ///
    /// # Errors
    /// [`OutboxFull`].
    pub fn try_send(&self, message: &ServerMessage) -> Result<(), OutboxFull> {
        let Some(text) = self.encode(message) else { return Ok(()) };
        let bytes = self.shared.space.needed(text.len());
        match self.shared.space.try_take(bytes) {
            Ok(taken) => {
                self.shared.metrics.count_message(message);
                self.push(CountedMessage { text, bytes, taken }, ended_upload(message));
            }
            Err(NoSpace::Closed) => {}
            Err(NoSpace::Full) => return Err(OutboxFull),
        }
        Ok(())
    }

    /// Sends the first message of a socket. Messages that were sent since the socket began follow.
    pub fn welcome(&self, message: ServerMessage) {
        self.state().lossy.push_front(LossyMessage::Any(message));
        self.shared.not_empty.notify_one();
    }

    /// Sends a guest the first message of a socket, as [`Self::welcome`] does.
    pub fn welcome_guest(&self, message: ToGuest) {
        self.state().lossy.push_front(LossyMessage::Guest(message));
        self.shared.not_empty.notify_one();
    }

    /// Sends a message that is dropped when the page is slow or its socket breaks.
    pub fn send_lossy(&self, message: ServerMessage) {
        let mut state = self.state();
        if state.lossy.len() < MAX_LOSSY {
            state.lossy.push_back(LossyMessage::Any(message));
        }
        drop(state);
        self.shared.not_empty.notify_one();
    }

    /// Sends the credit of an upload; it replaces an earlier one. Two tasks may send credits of one
    /// upload out of order: the greater credit counts.
    pub fn credit(&self, upload: UploadId, credit: Credit) {
        let mut state = self.state();
        let latest = state.credits.entry(upload).or_insert(credit);
        *latest = credit.max(*latest);
        drop(state);
        self.shared.not_empty.notify_one();
    }

    /// Drops the unwritten credit of an upload that has ended: it would follow the upload's last
    /// message.
    pub fn forget_credit(&self, upload: UploadId) {
        self.state().credits.remove(&upload);
    }

    /// Adds a line to the session log.
    pub fn log(&self, line: OutgoingLine) {
        // The log is full of what a guest may not know.
        if self.shared.audience == Audience::Guest {
            return;
        }
        self.state().log.push(line);
        self.shared.not_empty.notify_one();
    }

    /// Sends the TLS facts of a data connection, if they differ from the last ones: thousands of
    /// small files have the same.
    pub fn data_tls(&self, facts: DataTls) {
        if self.shared.audience == Audience::Guest {
            return;
        }
        let mut state = self.state();
        if state.data_tls.as_ref().is_some_and(|last| last.facts.tls == facts.tls) {
            return;
        }
        state.data_tls = Some(LastDataTls { facts, is_written: false });
        drop(state);
        self.shared.not_empty.notify_one();
    }

    /// Returns the builder of problems in the page's language.
    #[must_use]
    pub fn problems(&self) -> ProblemBuilder {
        self.state().problems
    }

    /// Sets the language of further problems.
    pub fn set_problems(&self, problems: ProblemBuilder) {
        self.state().problems = problems;
    }

    /// Forgets the TLS facts: the first data connection of a new FTPS connection is always
    /// reported.
    pub fn forget_data_tls(&self) {
        self.state().data_tls = None;
    }

    /// Drops the messages that the page has acknowledged; `messages` is their number since the
    /// session began.
    ///
    /// # Errors
    /// [`AckBeyondSent`]; then nothing is dropped.
    pub fn ack(&self, messages: u64) -> Result<(), AckBeyondSent> {
        let freed = self.state().counted.ack(messages)?;
        self.shared.space.restart_timer();
        self.shared.space.give_back(freed);
        Ok(())
    }

    /// Returns whether there are unacknowledged messages.
    #[must_use]
    pub fn has_unacked(&self) -> bool {
        !self.state().counted.is_empty()
    }

    /// Prepares for another socket: unacknowledged messages are written again, and the log continues
    /// with the line `log_seq`. Unwritten credits are dropped; the caller sends new ones.
    pub fn resume_from(&self, log_seq: u64) {
        let mut state = self.state();
        state.counted.rewind();
        state.lossy.clear();
        state.credits.clear();
        state.log.rewind(log_seq);
        if let Some(last) = &mut state.data_tls {
            last.is_written = false;
        }
        drop(state);
        self.shared.space.restart_timer();
    }

    /// Prepares for a page that has lost the session's state: messages are counted from 0 again,
    /// and the unacknowledged ones are dropped.
    pub fn reset(&self) {
        self.resume_from(0);
        let freed = self.state().counted.reset();
        self.shared.space.give_back(freed);
    }

    /// Closes the outbox: further messages are dropped, and senders that wait continue.
    pub fn close(&self) {
        self.shared.space.close();
    }

    /// Adds a message for which there is space; `ended` is the upload that ends with it.
    fn push(&self, message: CountedMessage, ended: Option<UploadId>) {
        let mut state = self.state();
        if let Some(upload) = ended {
            // It would follow the upload's last message.
            state.credits.remove(&upload);
        }
        state.counted.push(message);
        drop(state);
        self.shared.not_empty.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    /// Encodes a counted message for its reader; `None` where it is not for this one.
    fn encode(&self, message: &ServerMessage) -> Option<Utf8Bytes> {
        debug_assert!(message.needs_ack(), "{message:?}");
        match self.shared.audience {
            Audience::Person => encoded(message),
            Audience::Guest => encoded(&message_for_guest(message.clone(), self.problems())?),
        }
    }
}

/// Returns the upload that ends with a message.
fn ended_upload(message: &ServerMessage) -> Option<UploadId> {
    match message {
        ServerMessage::Done { upload, .. }
        | ServerMessage::Conflict { upload, .. }
        | ServerMessage::Cancelled { upload }
        | ServerMessage::Paused { upload, .. }
        | ServerMessage::Failed { upload, .. } => Some(*upload),
        _ => None,
    }
}

/// Returns the upload that ends with a message to a guest.
fn upload_ended_for_guest(message: &ToGuest) -> Option<UploadId> {
    match message {
        ToGuest::Done { upload, .. }
        | ToGuest::Cancelled { upload }
        | ToGuest::Paused { upload }
        | ToGuest::Failed { upload, .. } => Some(*upload),
        _ => None,
    }
}

/// Encodes a message. An encoding error would be a bug of the portal: it is logged, and the message is
/// dropped.
fn encoded<T: Serialize>(message: &T) -> Option<Utf8Bytes> {
    let encoded = text(message);
    encoded.inspect_err(|error| tracing::error!(%error, "a message to a page was dropped")).ok()
}

fn text<T: Serialize>(message: &T) -> serde_json::Result<Utf8Bytes> {
    Ok(serde_json::to_string(message)?.into())
}

#[cfg(test)]
mod tests;
