//! Messages and log lines on their way to the page.
//!
//! They outlive the socket: a counted message ([`protocol::delivery`]) is kept until the page
//! acknowledges it, and sent again on the next socket. The bytes of unacknowledged messages are
//! bounded, and a sender beyond the bound waits: this is the backpressure. Log lines come from the
//! middle of FTP commands and must not block: the oldest are dropped. Of the credits only the last
//! one of each upload counts.

mod log;

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use protocol::{
    ServerMessage, UploadId, delivery::Acknowledged as _, lines::Lines, server::DataTls,
};
use tokio::{
    io::AsyncWrite,
    sync::{Notify, Semaphore},
    time::{Instant, sleep, sleep_until},
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use self::log::Log;
pub use self::log::{LogLimits, OutgoingLine};
use crate::{locking::lock, problems::Problems, relay::Credit, websocket::Writer};

/// The pause after a frame. The first message is sent at once; small messages that follow within the
/// pause share the next frame.
const BATCH_INTERVAL: Duration = Duration::from_millis(4);

/// A frame of this length in bytes takes no further message.
const FRAME_BYTES: usize = 64 * 1024;

/// The most log lines in one message.
const MAX_LINES_PER_MESSAGE: usize = 256;

/// The most lossy messages that may wait; further ones are dropped.
const MAX_LOSSY: usize = 64;

/// The most that an [`Outbox`] holds.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// Bytes of unacknowledged messages.
    pub unacked_bytes: usize,
    /// The session log.
    pub log: LogLimits,
}

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
    /// A sender waits for space.
    blocked: Notify,
    /// The bytes of messages that still fit.
    space: Semaphore,
    capacity: usize,
}

#[derive(Debug)]
struct State {
    /// Counted messages that the page has not acknowledged, oldest first.
    unacked: VecDeque<CountedMessage>,
    /// The number of messages that the page has acknowledged since the session began.
    acked: u64,
    /// How many of `unacked` were written to this socket.
    written: usize,
    /// The number of senders that wait for space.
    blocked_senders: usize,
    /// Since when a sender waits and the page has acknowledged nothing.
    blocked_since: Option<Instant>,
    /// Messages that may be lost.
    lossy: VecDeque<ServerMessage>,
    /// Credits that were not written to this socket yet.
    credits: BTreeMap<UploadId, Credit>,
    log: Log,
    /// Whether the last message was log lines: then it is the turn of the other messages.
    log_was_last: bool,
    data_tls: Option<LastDataTls>,
    problems: Problems,
}

/// The TLS facts of the last data connection.
#[derive(Debug)]
struct LastDataTls {
    facts: DataTls,
    /// Whether they were written to this socket.
    is_written: bool,
}

/// A counted message in JSON.
#[derive(Debug)]
struct CountedMessage {
    text: Utf8Bytes,
    /// The space that the message takes.
    bytes: u32,
    /// The upload that ends with the message.
    ends: Option<UploadId>,
}

/// The page acknowledges more messages than were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the page acknowledges {acked} messages, but only {sent} were sent")]
pub struct AckBeyondSent {
    acked: u64,
    sent: u64,
}

/// There is no space for another message until the page acknowledges some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the page does not acknowledge the answers to its requests")]
pub struct OutboxFull;

impl Outbox {
    /// Creates an empty outbox.
    #[must_use]
    pub fn new(limits: OutboxLimits) -> Self {
        let capacity = limits.unacked_bytes.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        let state = State {
            unacked: VecDeque::new(),
            acked: 0,
            written: 0,
            blocked_senders: 0,
            blocked_since: None,
            lossy: VecDeque::new(),
            credits: BTreeMap::new(),
            log: Log::new(limits.log),
            log_was_last: false,
            data_tls: None,
            problems: Problems::default(),
        };
        let shared = Shared {
            state: Mutex::new(state),
            not_empty: Notify::new(),
            blocked: Notify::new(),
            space: Semaphore::new(capacity),
            capacity,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Sends a counted message. Waits for space while the page acknowledges nothing. After
    /// [`Self::close`] the message is dropped.
    pub async fn send(&self, message: ServerMessage) {
        let Some(message) = self.encode(&message) else { return };
        let permits = match self.shared.space.try_acquire_many(message.bytes) {
            Ok(permits) => Ok(permits),
            Err(_) => {
                let _blocked = BlockedSender::new(self);
                self.shared.space.acquire_many(message.bytes).await
            }
        };
        if let Ok(permits) = permits {
            permits.forget();
            self.push(message);
        }
    }

    /// Waits until a sender has waited for `limit` while the page acknowledged nothing.
    pub async fn is_stalled_for(&self, limit: Duration) {
        loop {
            let since = self.state().blocked_since;
            match since {
                Some(since) if since.elapsed() >= limit => return,
                Some(since) => sleep_until(since + limit).await,
                None => self.shared.blocked.notified().await,
            }
        }
    }

    /// Sends a counted message without waiting: the answer to a request that the page may repeat as
    /// often as it likes. After [`Self::close`] the message is dropped.
    ///
    /// # Errors
    /// [`OutboxFull`].
    pub fn try_send(&self, message: &ServerMessage) -> Result<(), OutboxFull> {
        let Some(message) = self.encode(message) else { return Ok(()) };
        match self.shared.space.try_acquire_many(message.bytes) {
            Ok(permits) => {
                permits.forget();
                self.push(message);
                Ok(())
            }
            Err(tokio::sync::TryAcquireError::Closed) => Ok(()),
            Err(tokio::sync::TryAcquireError::NoPermits) => Err(OutboxFull),
        }
    }

    /// Sends the first message of a socket: what was sent since it began follows.
    pub fn welcome(&self, message: ServerMessage) {
        self.state().lossy.push_front(message);
        self.shared.not_empty.notify_one();
    }

    /// Sends a message that is dropped when the page is slow or its socket breaks.
    pub fn send_lossy(&self, message: ServerMessage) {
        let mut state = self.state();
        if state.lossy.len() < MAX_LOSSY {
            state.lossy.push_back(message);
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
        self.state().log.push(line);
        self.shared.not_empty.notify_one();
    }

    /// Sends the TLS facts of a data connection, if they differ from the last ones: thousands of
    /// small files have the same.
    pub fn data_tls(&self, facts: DataTls) {
        let mut state = self.state();
        if state.data_tls.as_ref().is_some_and(|last| last.facts.tls == facts.tls) {
            return;
        }
        state.data_tls = Some(LastDataTls { facts, is_written: false });
        drop(state);
        self.shared.not_empty.notify_one();
    }

    /// Returns the language of problems.
    #[must_use]
    pub fn problems(&self) -> Problems {
        self.state().problems
    }

    /// Sets the language of further problems.
    pub fn set_problems(&self, problems: Problems) {
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
        let mut state = self.state();
        let sent = state.acked + state.unacked.len() as u64;
        if messages > sent {
            return Err(AckBeyondSent { acked: messages, sent });
        }
        state.blocked_since = state.blocked_since.map(|_| Instant::now());
        while state.acked < messages {
            let Some(acked) = state.unacked.pop_front() else { break };
            state.acked += 1;
            state.written = state.written.saturating_sub(1);
            self.shared.space.add_permits(acked.bytes as usize);
        }
        Ok(())
    }

    /// Returns whether there are unacknowledged messages.
    #[must_use]
    pub fn has_unacked(&self) -> bool {
        !self.state().unacked.is_empty()
    }

    /// Prepares for another socket: unacknowledged messages are written again, and the log continues
    /// with the line `log_seq`. Unwritten credits are dropped; the caller sends new ones.
    pub fn resume_from(&self, log_seq: u64) {
        let mut state = self.state();
        state.written = 0;
        // A page that has just come had no time to acknowledge.
        state.blocked_since = state.blocked_since.map(|_| Instant::now());
        state.lossy.clear();
        state.credits.clear();
        state.log.rewind(log_seq);
        if let Some(last) = &mut state.data_tls {
            last.is_written = false;
        }
    }

    /// Prepares for a page that knows nothing of the session: messages are counted from 0 again,
    /// and the unacknowledged messages of the page before are dropped.
    pub fn reset(&self) {
        self.resume_from(0);
        let mut state = self.state();
        for dropped in state.unacked.drain(..) {
            self.shared.space.add_permits(dropped.bytes as usize);
        }
        state.acked = 0;
    }

    /// Closes the outbox: further messages are dropped, and senders that wait continue.
    pub fn close(&self) {
        self.shared.space.close();
    }

    /// Writes messages and the answers to pings to a socket, until it fails.
    ///
    /// # Errors
    /// When the socket fails, also because the page takes nothing for too long.
    ///
    /// # Cancel safety
    /// Cancel safe: messages that were not written, or not acknowledged, are kept.
    pub async fn write_to<W>(
        &self,
        socket: &mut Writer<W>,
        ping_interval: Duration,
    ) -> Result<Infallible, WriteError>
    where
        W: AsyncWrite + Unpin,
    {
        let mut next_ping = Instant::now() + ping_interval;
        loop {
            match self.next_frame()? {
                Some(frame) => {
                    socket.text(&frame).await?;
                    sleep(BATCH_INTERVAL).await;
                }
                None => tokio::select! {
                    () = self.shared.not_empty.notified() => {}
                    answered = socket.answer_ping() => answered?,
                    () = sleep_until(next_ping) => {
                        next_ping = Instant::now() + ping_interval;
                        socket.ping().await?;
                    }
                },
            }
        }
    }

    /// Returns the next frame, with as many messages as fit.
    fn next_frame(&self) -> Result<Option<String>, WriteError> {
        let mut frame = Lines::default();
        while frame.len() < FRAME_BYTES
            && let Some(message) = self.next_message()?
        {
            frame.push(&message);
        }
        Ok((!frame.is_empty()).then(|| frame.take()))
    }

    /// Returns the next message: lossy messages first, because they are short and urgent; then
    /// credits, which the page may wait for; then the log so far and the counted messages, in turn;
    /// then the TLS facts. A long log delays each counted message by one message of log lines.
    fn next_message(&self) -> Result<Option<Utf8Bytes>, WriteError> {
        let mut state = self.state();
        if let Some(message) = state.lossy.pop_front() {
            if state.lossy.is_empty() {
                // Connecting fills the queue; afterwards it is hardly used, so its memory is freed.
                state.lossy = VecDeque::new();
            }
            return Ok(Some(text(&message)?));
        }
        if let Some((upload, credit)) = state.credits.pop_first() {
            return Ok(Some(text(&credit_message(upload, credit))?));
        }
        if !state.log_was_last
            && let Some(lines) = state.next_lines()
        {
            return Ok(Some(text(&lines)?));
        }
        if let Some(message) = state.unacked.get(state.written) {
            let text = message.text.clone();
            state.written += 1;
            state.log_was_last = false;
            return Ok(Some(text));
        }
        if let Some(lines) = state.next_lines() {
            return Ok(Some(text(&lines)?));
        }
        let Some(last) = state.data_tls.as_mut().filter(|last| !last.is_written) else {
            return Ok(None);
        };
        last.is_written = true;
        Ok(Some(text(&ServerMessage::DataTls(last.facts.clone()))?))
    }

    /// Encodes a counted message. An encoding error would be a bug of the portal: it is logged, and
    /// the message is dropped.
    fn encode(&self, message: &ServerMessage) -> Option<CountedMessage> {
        debug_assert!(message.needs_ack(), "{message:?}");
        match text(message) {
            Ok(text) => {
                let bytes = text.len().min(self.shared.capacity);
                let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
                Some(CountedMessage { text, bytes, ends: ended_upload(message) })
            }
            Err(error) => {
                tracing::error!(%error, "a message to a page was dropped");
                None
            }
        }
    }

    fn push(&self, message: CountedMessage) {
        let mut state = self.state();
        if let Some(upload) = message.ends {
            // It would follow the upload's last message.
            state.credits.remove(&upload);
        }
        state.unacked.push_back(message);
        drop(state);
        self.shared.not_empty.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

impl State {
    /// Returns the log lines that were not written to this socket, as many as fit into a message.
    fn next_lines(&mut self) -> Option<ServerMessage> {
        let lines = self.log.take(MAX_LINES_PER_MESSAGE);
        self.log_was_last = !lines.is_empty();
        self.log_was_last.then_some(ServerMessage::Log { lines })
    }
}

fn credit_message(upload: UploadId, credit: Credit) -> ServerMessage {
    let Credit { attempt, taken, received, limit } = credit;
    ServerMessage::Credit { upload, attempt, taken, received, limit }
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

/// Counts a sender as waiting for space, until it is dropped.
struct BlockedSender<'a>(&'a Outbox);

impl<'a> BlockedSender<'a> {
    fn new(outbox: &'a Outbox) -> Self {
        let mut state = outbox.state();
        state.blocked_senders += 1;
        state.blocked_since.get_or_insert_with(Instant::now);
        drop(state);
        outbox.shared.blocked.notify_one();
        Self(outbox)
    }
}

impl Drop for BlockedSender<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.blocked_senders -= 1;
        if state.blocked_senders == 0 {
            state.blocked_since = None;
        }
    }
}

fn text(message: &ServerMessage) -> Result<Utf8Bytes, WriteError> {
    Ok(serde_json::to_string(message)?.into())
}

/// A message could not be written to the page.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The socket failed.
    #[error("the page's socket failed: {0}")]
    Socket(#[source] io::Error),
    /// The page takes nothing.
    #[error("the page took nothing of a message for as long as `page_write_timeout`")]
    TooSlow,
    /// A message is not JSON: a bug of the portal.
    #[error("a message could not be encoded")]
    Encode(#[from] serde_json::Error),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::TimedOut { Self::TooSlow } else { Self::Socket(error) }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::FutureExt as _;
    use protocol::{
        Attempt,
        server::{LogKind, Tls},
    };
    use tokio::io::{AsyncReadExt as _, DuplexStream};
    use tokio_io_timeout::TimeoutWriter;
    use tokio_tungstenite::tungstenite;

    use super::*;
    use crate::websocket::writer::tests::{read_by_a_client, writer};

    const LIMIT: Duration = Duration::from_secs(60);
    const PING_INTERVAL: Duration = Duration::from_secs(25);

    const LIMITS: OutboxLimits =
        OutboxLimits { unacked_bytes: 1000, log: LogLimits { lines: 10, bytes: 100_000 } };

    fn removed(path: &str) -> ServerMessage {
        ServerMessage::Removed { path: path.to_owned() }
    }

    /// The messages that a socket gets before the outbox is empty.
    async fn written(outbox: &Outbox) -> Vec<String> {
        let mut written = Vec::new();
        let mut socket = writer(&mut written);
        assert!(outbox.write_to(&mut socket, PING_INTERVAL).now_or_never().is_none());
        let messages = read_by_a_client(&written);
        let frames = messages.iter().map(|message| message.to_text().unwrap());
        frames.flat_map(protocol::lines::split).map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn log_lines_go_before_the_message_that_follows_them() {
        let outbox = Outbox::new(LIMITS);
        outbox.log(OutgoingLine {
            connection: Some(1),
            ..OutgoingLine::plain(LogKind::Command, "FEAT")
        });
        outbox.send(removed("a")).await;
        let written = written(&outbox).await;
        assert!(written[0].contains("FEAT") && written[0].contains(r#""connection":1"#));
        assert!(written[1].contains("removed"), "{written:?}");
    }

    #[tokio::test]
    async fn long_log_holds_up_neither_credits_nor_messages() {
        let log = LogLimits { lines: 10_000, bytes: 10_000_000 };
        let outbox = Outbox::new(OutboxLimits { log, ..LIMITS });
        for _ in 0..3 * MAX_LINES_PER_MESSAGE {
            outbox.log(OutgoingLine::plain(LogKind::Status, "line"));
        }
        outbox.send(removed("a")).await;
        outbox.send(removed("b")).await;
        let credit = Credit { attempt: Attempt(0), taken: 1, received: 1, limit: 1 };
        outbox.credit(UploadId(1), credit);
        let written = written(&outbox).await;
        let kinds = written.iter().map(|text| text.split('"').nth(3).unwrap());
        let expected = ["credit", "log", "removed", "log", "removed", "log"];
        assert_eq!(kinds.collect::<Vec<_>>(), expected);
    }

    #[tokio::test]
    async fn unacknowledged_messages_are_written_again_on_the_next_socket() {
        let outbox = Outbox::new(LIMITS);
        for path in ["a", "b", "c"] {
            outbox.send(removed(path)).await;
        }
        assert_eq!(written(&outbox).await.len(), 3);
        outbox.ack(1).unwrap();
        outbox.resume_from(0);
        let again = written(&outbox).await;
        assert!(again.len() == 2 && again[0].contains(r#""b""#) && again[1].contains(r#""c""#));
        assert_eq!(outbox.ack(4), Err(AckBeyondSent { acked: 4, sent: 3 }));
    }

    #[tokio::test]
    async fn sender_waits_until_the_page_acknowledges() {
        let outbox = Outbox::new(LIMITS);
        let long = "x".repeat(900);
        outbox.send(removed(&long)).await;
        let mut waiting = Box::pin(outbox.send(removed(&long)));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(outbox.try_send(&removed(&long)), Err(OutboxFull));
        outbox.ack(1).unwrap();
        waiting.await;
        assert_eq!(written(&outbox).await.len(), 1);
    }

    #[tokio::test]
    async fn message_larger_than_the_outbox_takes_all_of_it() {
        let outbox = Outbox::new(LIMITS);
        outbox.send(removed(&"x".repeat(5000))).await;
        outbox.ack(1).unwrap();
        outbox.send(removed(&"x".repeat(900))).await;
    }

    #[tokio::test]
    async fn no_sender_waits_for_a_page_that_has_gone() {
        let outbox = Outbox::new(LIMITS);
        outbox.send(removed(&"x".repeat(1000))).await;
        outbox.close();
        outbox.send(removed("b")).await;
        outbox.try_send(&removed("c")).unwrap();
    }

    #[tokio::test]
    async fn of_credits_the_last_one_counts() {
        let outbox = Outbox::new(LIMITS);
        let credit = |taken| Credit { attempt: Attempt(0), taken, received: taken, limit: 9 };
        outbox.credit(UploadId(1), credit(1));
        outbox.credit(UploadId(1), credit(2));
        let written = written(&outbox).await;
        assert!(written.len() == 1 && written[0].contains(r#""taken":2"#), "{written:?}");
    }

    #[tokio::test]
    async fn earlier_credit_does_not_replace_a_later_one() {
        let outbox = Outbox::new(LIMITS);
        for (attempt, taken, limit) in [(0, 5, 9), (1, 0, 3), (1, 0, 6), (1, 0, 3), (0, 6, 9)] {
            let credit = Credit { attempt: Attempt(attempt), taken, received: taken, limit };
            outbox.credit(UploadId(1), credit);
        }
        let written = written(&outbox).await;
        assert!(written.len() == 1 && written[0].contains(r#""limit":6"#), "{written:?}");
    }

    #[tokio::test]
    async fn data_tls_is_sent_when_it_changes_and_on_each_socket() {
        let outbox = Outbox::new(LIMITS);
        let facts = |resumed| {
            let (version, cipher_suite) =
                ("TLS 1.3".to_owned(), "TLS_AES_128_GCM_SHA256".to_owned());
            DataTls { tls: Tls { version, cipher_suite, resumed }, connection: Some(1) }
        };
        outbox.data_tls(facts(true));
        outbox.send(removed("a")).await;
        let first = written(&outbox).await;
        assert!(first[0].contains("removed") && first[1].contains("data_tls"), "{first:?}");
        // Another session of the pool, and the same TLS.
        outbox.data_tls(DataTls { connection: Some(2), ..facts(true) });
        assert_eq!(written(&outbox).await.len(), 0);
        outbox.data_tls(facts(false));
        assert!(written(&outbox).await[0].contains(r#""resumed":false"#));
        outbox.ack(1).unwrap();
        outbox.resume_from(0);
        assert!(written(&outbox).await[0].contains("data_tls"));
        outbox.forget_data_tls();
        outbox.data_tls(facts(false));
        assert_eq!(written(&outbox).await.len(), 1);
    }

    #[tokio::test]
    async fn no_credit_comes_after_the_end_of_its_upload() {
        let outbox = Outbox::new(LIMITS);
        let credit = Credit { attempt: Attempt(0), taken: 1, received: 1, limit: 1 };
        outbox.credit(UploadId(1), credit);
        outbox.credit(UploadId(2), credit);
        outbox.send(ServerMessage::Cancelled { upload: UploadId(1) }).await;
        let written = written(&outbox).await;
        assert!(written.len() == 2 && written[0].contains(r#""upload":2"#), "{written:?}");
    }

    #[tokio::test]
    async fn page_that_starts_over_gets_the_log_and_nothing_else() {
        let outbox = Outbox::new(LIMITS);
        outbox.log(OutgoingLine::plain(LogKind::Status, "before"));
        outbox.send(removed("a")).await;
        assert_eq!(written(&outbox).await.len(), 2);
        outbox.reset();
        assert!(written(&outbox).await[0].contains("before"));
        outbox.send(removed("b")).await;
        outbox.ack(1).unwrap();
        assert_eq!(written(&outbox).await.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn page_that_acknowledges_nothing_while_a_sender_waits_is_noticed() {
        let limit = Duration::from_secs(60);
        let outbox = Outbox::new(LIMITS);
        let long = "x".repeat(900);
        outbox.send(removed(&long)).await;
        let stalled = tokio::time::timeout(10 * limit, outbox.is_stalled_for(limit));
        assert!(stalled.await.is_err(), "no sender waits");
        let sender = outbox.clone();
        let waiting = tokio::spawn(async move { sender.send(removed(&long)).await });
        outbox.is_stalled_for(limit).await;
        outbox.ack(1).unwrap();
        waiting.await.unwrap();
        let stalled = tokio::time::timeout(10 * limit, outbox.is_stalled_for(limit));
        assert!(stalled.await.is_err(), "it has acknowledged");
    }

    #[tokio::test(start_paused = true)]
    async fn page_that_is_sent_nothing_is_pinged() {
        let outbox = Outbox::new(LIMITS);
        let mut written = Vec::new();
        let mut socket = writer(&mut written);
        let quiet = outbox.write_to(&mut socket, PING_INTERVAL);
        let time_is_up = tokio::time::timeout(2 * PING_INTERVAL + LIMIT / 60, quiet).await;
        assert!(time_is_up.is_err());
        let pings = read_by_a_client(&written);
        assert!(pings.len() == 2 && pings.iter().all(tungstenite::Message::is_ping), "{pings:?}");
    }

    #[test]
    fn welcome_is_the_first_message_whatever_was_sent_before_it() {
        let outbox = Outbox::new(LIMITS);
        outbox.resume_from(0);
        // The FTPS connection does not know that a page has come back.
        outbox.send_lossy(ServerMessage::Pong);
        outbox.welcome(removed("welcome"));
        let first = outbox.next_message().unwrap().unwrap();
        assert!(first.contains("welcome"), "{first}");
    }

    #[tokio::test(start_paused = true)]
    async fn page_that_takes_nothing_ends_the_socket() {
        let outbox = Outbox::new(LIMITS);
        outbox.send_lossy(ServerMessage::Pong);
        let (io, _not_read) = tokio::io::duplex(1);
        let mut stuck = writer(with_deadline(io));
        let error = outbox.write_to(&mut stuck, PING_INTERVAL).await.unwrap_err();
        assert!(matches!(error, WriteError::TooSlow));
    }

    #[tokio::test(start_paused = true)]
    async fn large_message_arrives_at_a_page_that_takes_it_slowly() {
        let outbox = Outbox::new(LIMITS);
        outbox.send(removed(&"x".repeat(100))).await;
        let (io, mut page) = tokio::io::duplex(10);
        let mut slow = writer(with_deadline(io));
        let mut taken = Vec::new();
        let takes = async {
            while !taken.ends_with(b"}") {
                sleep(LIMIT / 2).await;
                taken.push(page.read_u8().await.unwrap());
            }
        };
        tokio::select! {
            ended = outbox.write_to(&mut slow, 1000 * LIMIT) => panic!("{ended:?}"),
            () = takes => {}
        }
        assert!(read_by_a_client(&taken)[0].to_text().unwrap().contains("xxx"));
    }

    fn with_deadline(io: DuplexStream) -> Pin<Box<TimeoutWriter<DuplexStream>>> {
        let mut io = TimeoutWriter::new(io);
        io.set_timeout(Some(LIMIT));
        Box::pin(io)
    }
}
