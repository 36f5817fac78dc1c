//! Messages and log lines on their way to the page.
//!
//! They outlive the socket: a counted message ([`protocol::delivery`]) is kept until the page has
//! heard it, and written again on the next socket. What is kept has a bound in bytes, and who sends
//! beyond it waits: that is the backpressure. Log lines come from the middle of FTP commands and may
//! hold up nothing: the oldest give way. Of credits only the last one of each upload counts.

mod log;

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use protocol::{ServerMessage, UploadId, lines::Lines, server::DataTls};
use tokio::{
    io::AsyncWrite,
    sync::{Notify, Semaphore},
    time::{Instant, sleep, sleep_until},
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use self::log::Log;
pub use self::log::{LogLimits, OutgoingLine};
use crate::{relay::Credit, speech::Speech, websocket::Writer};

/// What is said within this time after a frame goes with the next one: the first word is said at
/// once, and of a flood of small ones many share a frame.
const GATHERING: Duration = Duration::from_millis(4);

/// The length at which a frame takes no further message, in bytes.
const FRAME_BYTES: usize = 64 * 1024;

/// Log lines of one message.
const LINES_A_MESSAGE: usize = 256;

/// Hints that may wait for the page; more are of no use to it.
const HINTS: usize = 64;

/// What an [`Outbox`] holds at most.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// Bytes of messages that the page has not heard yet.
    pub unheard_bytes: usize,
    /// The session log.
    pub log: LogLimits,
}

/// Where the parts of a session put what the page is to get; cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something is there to be written.
    filled: Notify,
    /// Somebody waits for room.
    short: Notify,
    /// Bytes of messages that may still be kept.
    room: Semaphore,
    capacity: usize,
}

#[derive(Debug)]
struct State {
    /// Counted messages that the page has not heard yet, oldest first.
    unheard: VecDeque<Kept>,
    /// How many the page has heard, from the session's begin.
    heard: u64,
    /// How many of `unheard` were written to this socket.
    written: usize,
    /// How many wait for room.
    waiting: usize,
    /// Since when somebody does and the page has heard nothing.
    short_since: Option<Instant>,
    /// What the page can do without.
    hints: VecDeque<ServerMessage>,
    /// Credits that this socket has not got yet.
    credits: BTreeMap<UploadId, Credit>,
    log: Log,
    /// Whether lines of the log were written last: then it is the others' turn.
    log_was_last: bool,
    data_tls: Option<LastDataTls>,
    speech: Speech,
}

/// How the last data connection is encrypted.
#[derive(Debug)]
struct LastDataTls {
    facts: DataTls,
    /// Whether this socket has got it.
    is_written: bool,
}

/// A counted message as it goes over the wire.
#[derive(Debug)]
struct Kept {
    text: Utf8Bytes,
    /// What it takes of the room.
    bytes: u32,
    /// The upload that ends with it.
    ends: Option<UploadId>,
}

/// The page says that it has heard more than was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the page has heard {heard} messages, but only {said} were said")]
pub struct AckBeyondSent {
    heard: u64,
    said: u64,
}

/// There is no room for another message until the page has heard some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the page does not hear the answers to what it asks")]
pub struct NoRoom;

impl Outbox {
    /// An empty one.
    #[must_use]
    pub fn new(limits: OutboxLimits) -> Self {
        let capacity = limits.unheard_bytes.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        let state = State {
            unheard: VecDeque::new(),
            heard: 0,
            written: 0,
            waiting: 0,
            short_since: None,
            hints: VecDeque::new(),
            credits: BTreeMap::new(),
            log: Log::new(limits.log),
            log_was_last: false,
            data_tls: None,
            speech: Speech::default(),
        };
        let shared = Shared {
            state: Mutex::new(state),
            filled: Notify::new(),
            short: Notify::new(),
            room: Semaphore::new(capacity),
            capacity,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Sends a counted message. Waits while the page has not heard what was said before; after
    /// [`Self::close`] the message goes nowhere.
    pub async fn send(&self, message: ServerMessage) {
        let Some(kept) = self.keep(&message) else { return };
        let permits = match self.shared.room.try_acquire_many(kept.bytes) {
            Ok(permits) => Ok(permits),
            Err(_) => {
                let _waits = Waits::new(self);
                self.shared.room.acquire_many(kept.bytes).await
            }
        };
        if let Ok(permits) = permits {
            permits.forget();
            self.push(kept);
        }
    }

    /// Resolves when somebody has waited for so long to send, and the page has heard nothing.
    pub async fn is_deaf_for(&self, limit: Duration) {
        loop {
            let since = self.state().short_since;
            match since {
                Some(since) if since.elapsed() >= limit => return,
                Some(since) => sleep_until(since + limit).await,
                None => self.shared.short.notified().await,
            }
        }
    }

    /// Sends a counted message at once: the answer to something that the page may ask as often as
    /// it likes.
    ///
    /// # Errors
    /// [`NoRoom`]; after [`Self::close`] the message goes nowhere.
    pub fn answer(&self, message: &ServerMessage) -> Result<(), NoRoom> {
        let Some(kept) = self.keep(message) else { return Ok(()) };
        match self.shared.room.try_acquire_many(kept.bytes) {
            Ok(permits) => {
                permits.forget();
                self.push(kept);
                Ok(())
            }
            Err(tokio::sync::TryAcquireError::Closed) => Ok(()),
            Err(tokio::sync::TryAcquireError::NoPermits) => Err(NoRoom),
        }
    }

    /// Says the first word on a socket: whatever was said since it began comes after that.
    pub fn welcome(&self, message: ServerMessage) {
        self.state().hints.push_front(message);
        self.shared.filled.notify_one();
    }

    /// Sends a message that the page can do without, unless it is slow.
    pub fn hint(&self, message: ServerMessage) {
        let mut state = self.state();
        if state.hints.len() < HINTS {
            state.hints.push_back(message);
        }
        drop(state);
        self.shared.filled.notify_one();
    }

    /// Tells the page what it may send; what was told before does not count any more. Of two that
    /// tell at once, whoever has looked at the upload earlier may come here later: the greater one
    /// counts.
    pub fn credit(&self, upload: UploadId, credit: Credit) {
        let mut state = self.state();
        let told = state.credits.entry(upload).or_insert(credit);
        *told = credit.max(*told);
        drop(state);
        self.shared.filled.notify_one();
    }

    /// The upload has ended: a credit that is not written yet would come after its end.
    pub fn forget_credit(&self, upload: UploadId) {
        self.state().credits.remove(&upload);
    }

    /// Adds a line to the session log.
    pub fn log(&self, line: OutgoingLine) {
        self.state().log.push(line);
        self.shared.filled.notify_one();
    }

    /// Tells the page how a data connection is encrypted, where that differs from what was told
    /// last: what is the same for every small file costs no message.
    pub fn data_tls(&self, facts: DataTls) {
        let mut state = self.state();
        if state.data_tls.as_ref().is_some_and(|last| last.facts.tls == facts.tls) {
            return;
        }
        state.data_tls = Some(LastDataTls { facts, is_written: false });
        drop(state);
        self.shared.filled.notify_one();
    }

    /// What the page's person is told things in.
    #[must_use]
    pub fn speech(&self) -> Speech {
        self.state().speech
    }

    /// The page says what its person reads; what was said before stays as it was said.
    pub fn set_speech(&self, speech: Speech) {
        self.state().speech = speech;
    }

    /// Another connection begins: its first data connection is told in any case.
    pub fn forget_data_tls(&self) {
        self.state().data_tls = None;
    }

    /// Forgets what the page has heard.
    ///
    /// # Errors
    /// [`AckBeyondSent`]; nothing is forgotten then.
    pub fn heard(&self, messages: u64) -> Result<(), AckBeyondSent> {
        let mut state = self.state();
        let said = state.heard + state.unheard.len() as u64;
        if messages > said {
            return Err(AckBeyondSent { heard: messages, said });
        }
        state.short_since = state.short_since.map(|_| Instant::now());
        while state.heard < messages {
            let Some(kept) = state.unheard.pop_front() else { break };
            state.heard += 1;
            state.written = state.written.saturating_sub(1);
            self.shared.room.add_permits(kept.bytes as usize);
        }
        Ok(())
    }

    /// Whether there are messages that the page has not heard.
    #[must_use]
    pub fn has_unheard(&self) -> bool {
        !self.state().unheard.is_empty()
    }

    /// Another socket begins: what the page has not heard is written again, the log goes on with
    /// the line `log`, and credits are told anew by whoever grants them.
    pub fn rewind(&self, log: u64) {
        let mut state = self.state();
        state.written = 0;
        // A page that has just come has not had the time to hear.
        state.short_since = state.short_since.map(|_| Instant::now());
        state.hints.clear();
        state.credits.clear();
        state.log.rewind(log);
        if let Some(last) = &mut state.data_tls {
            last.is_written = false;
        }
    }

    /// Another page begins, which knows nothing: messages are counted from 0 again, and what an
    /// earlier one has not heard is for nobody.
    pub fn start_over(&self) {
        self.rewind(0);
        let mut state = self.state();
        for kept in state.unheard.drain(..) {
            self.shared.room.add_permits(kept.bytes as usize);
        }
        state.heard = 0;
    }

    /// Nobody listens any more: whoever waits to send goes on at once.
    pub fn close(&self) {
        self.shared.room.close();
    }

    /// Writes to a socket until it fails, its answers to pings besides.
    ///
    /// # Errors
    /// When the socket fails, its deadline for a page that takes nothing included.
    ///
    /// # Cancel safety
    /// Cancel safe: what was not written, or is not known to have been heard, is still there.
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
                    sleep(GATHERING).await;
                }
                None => tokio::select! {
                    () = self.shared.filled.notified() => {}
                    answered = socket.answer_ping() => answered?,
                    () = sleep_until(next_ping) => {
                        next_ping = Instant::now() + ping_interval;
                        socket.ping().await?;
                    }
                },
            }
        }
    }

    /// The next frame: what is there, as far as it fits.
    fn next_frame(&self) -> Result<Option<String>, WriteError> {
        let mut frame = Lines::default();
        while frame.len() < FRAME_BYTES
            && let Some(message) = self.next()?
        {
            frame.push(&message);
        }
        Ok((!frame.is_empty()).then(|| frame.take()))
    }

    /// What is to be written next: what is short and urgent, then how far the portal is now, which
    /// the page may wait for; then what was said in the log so far, then what follows from it. Of
    /// many lines that wait, only those of one message go before each other message.
    fn next(&self) -> Result<Option<Utf8Bytes>, WriteError> {
        let mut state = self.state();
        if let Some(hint) = state.hints.pop_front() {
            if state.hints.is_empty() {
                // Their room is of use while a connection is made, and then hardly ever again.
                state.hints = VecDeque::new();
            }
            return Ok(Some(text(&hint)?));
        }
        if let Some((upload, credit)) = state.credits.pop_first() {
            return Ok(Some(text(&super::words::credit(upload, credit))?));
        }
        if !state.log_was_last
            && let Some(lines) = state.next_lines()
        {
            return Ok(Some(text(&lines)?));
        }
        if let Some(kept) = state.unheard.get(state.written) {
            let text = kept.text.clone();
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

    /// A message as it is kept. One that is no JSON would be a fault of the portal: it is told in
    /// the portal's own log, and lost.
    fn keep(&self, message: &ServerMessage) -> Option<Kept> {
        debug_assert!(message.needs_ack(), "{message:?}");
        match text(message) {
            Ok(text) => {
                let bytes = text.len().min(self.shared.capacity);
                let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
                Some(Kept { text, bytes, ends: ended(message) })
            }
            Err(error) => {
                tracing::error!(%error, "a message to a page is lost");
                None
            }
        }
    }

    fn push(&self, kept: Kept) {
        let mut state = self.state();
        if let Some(upload) = kept.ends {
            // It would come after the end.
            state.credits.remove(&upload);
        }
        state.unheard.push_back(kept);
        drop(state);
        self.shared.filled.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; if one did, the queues would still be whole.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lines of the log that the socket has not got, as far as they fit into a message.
    fn next_lines(&mut self) -> Option<ServerMessage> {
        let lines = self.log.take(LINES_A_MESSAGE);
        self.log_was_last = !lines.is_empty();
        self.log_was_last.then_some(ServerMessage::Log { lines })
    }
}

/// The upload that ends with a message.
fn ended(message: &ServerMessage) -> Option<UploadId> {
    match message {
        ServerMessage::Done { upload, .. }
        | ServerMessage::Conflict { upload, .. }
        | ServerMessage::Cancelled { upload }
        | ServerMessage::Paused { upload, .. }
        | ServerMessage::Failed { upload, .. } => Some(*upload),
        _ => None,
    }
}

/// Somebody waits for room, until this is dropped.
struct Waits<'a>(&'a Outbox);

impl<'a> Waits<'a> {
    fn new(outbox: &'a Outbox) -> Self {
        let mut state = outbox.state();
        state.waiting += 1;
        state.short_since.get_or_insert_with(Instant::now);
        drop(state);
        outbox.shared.short.notify_one();
        Self(outbox)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.waiting -= 1;
        if state.waiting == 0 {
            state.short_since = None;
        }
    }
}

fn text(message: &ServerMessage) -> Result<Utf8Bytes, WriteError> {
    Ok(serde_json::to_string(message)?.into())
}

/// The page could not be written to.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The socket failed.
    #[error("the page's socket failed: {0}")]
    Socket(#[source] io::Error),
    /// The page takes nothing.
    #[error("the page took nothing of a message for as long as `page_write_timeout`")]
    TooSlow,
    /// A message is no JSON: a fault of the portal.
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
        OutboxLimits { unheard_bytes: 1000, log: LogLimits { lines: 10, bytes: 100_000 } };

    fn removed(path: &str) -> ServerMessage {
        ServerMessage::Removed { path: path.to_owned() }
    }

    /// What a socket gets before the outbox is empty.
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
        for _ in 0..3 * LINES_A_MESSAGE {
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
    async fn what_the_page_has_not_heard_is_written_again_on_the_next_socket() {
        let outbox = Outbox::new(LIMITS);
        for path in ["a", "b", "c"] {
            outbox.send(removed(path)).await;
        }
        assert_eq!(written(&outbox).await.len(), 3);
        outbox.heard(1).unwrap();
        outbox.rewind(0);
        let again = written(&outbox).await;
        assert!(again.len() == 2 && again[0].contains(r#""b""#) && again[1].contains(r#""c""#));
        assert_eq!(outbox.heard(4), Err(AckBeyondSent { heard: 4, said: 3 }));
    }

    #[tokio::test]
    async fn sender_waits_until_the_page_has_heard() {
        let outbox = Outbox::new(LIMITS);
        let long = "x".repeat(900);
        outbox.send(removed(&long)).await;
        let mut waiting = Box::pin(outbox.send(removed(&long)));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(outbox.answer(&removed(&long)), Err(NoRoom));
        outbox.heard(1).unwrap();
        waiting.await;
        assert_eq!(written(&outbox).await.len(), 1);
    }

    #[tokio::test]
    async fn message_greater_than_the_room_takes_all_of_it() {
        let outbox = Outbox::new(LIMITS);
        outbox.send(removed(&"x".repeat(5000))).await;
        outbox.heard(1).unwrap();
        outbox.send(removed(&"x".repeat(900))).await;
    }

    #[tokio::test]
    async fn nobody_waits_for_a_page_that_has_gone() {
        let outbox = Outbox::new(LIMITS);
        outbox.send(removed(&"x".repeat(1000))).await;
        outbox.close();
        outbox.send(removed("b")).await;
        outbox.answer(&removed("c")).unwrap();
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
    async fn encryption_of_data_is_told_when_it_differs_and_on_each_socket() {
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
        outbox.heard(1).unwrap();
        outbox.rewind(0);
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
    async fn page_that_begins_anew_gets_the_log_and_nothing_else() {
        let outbox = Outbox::new(LIMITS);
        outbox.log(OutgoingLine::plain(LogKind::Status, "before"));
        outbox.send(removed("a")).await;
        assert_eq!(written(&outbox).await.len(), 2);
        outbox.start_over();
        assert!(written(&outbox).await[0].contains("before"));
        outbox.send(removed("b")).await;
        outbox.heard(1).unwrap();
        assert_eq!(written(&outbox).await.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn page_that_hears_nothing_while_somebody_waits_is_noticed() {
        let limit = Duration::from_secs(60);
        let outbox = Outbox::new(LIMITS);
        let long = "x".repeat(900);
        outbox.send(removed(&long)).await;
        let deaf = tokio::time::timeout(10 * limit, outbox.is_deaf_for(limit));
        assert!(deaf.await.is_err(), "nobody waits");
        let waits = outbox.clone();
        let waiting = tokio::spawn(async move { waits.send(removed(&long)).await });
        outbox.is_deaf_for(limit).await;
        outbox.heard(1).unwrap();
        waiting.await.unwrap();
        let deaf = tokio::time::timeout(10 * limit, outbox.is_deaf_for(limit));
        assert!(deaf.await.is_err(), "it has heard");
    }

    #[tokio::test(start_paused = true)]
    async fn page_to_which_nothing_is_said_is_pinged() {
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
    fn welcome_is_the_first_word_whatever_was_said_before_it() {
        let outbox = Outbox::new(LIMITS);
        outbox.rewind(0);
        // Whoever connects does not know that a page has come back.
        outbox.hint(ServerMessage::Pong);
        outbox.welcome(removed("welcome"));
        let first = outbox.next().unwrap().unwrap();
        assert!(first.contains("welcome"), "{first}");
    }

    #[tokio::test(start_paused = true)]
    async fn page_that_takes_nothing_is_given_up() {
        let outbox = Outbox::new(LIMITS);
        outbox.hint(ServerMessage::Pong);
        let (io, _not_read) = tokio::io::duplex(1);
        let mut stuck = writer(with_deadline(io));
        let error = outbox.write_to(&mut stuck, PING_INTERVAL).await.unwrap_err();
        assert!(matches!(error, WriteError::TooSlow));
    }

    #[tokio::test(start_paused = true)]
    async fn great_message_arrives_at_a_page_that_takes_it_bit_by_bit() {
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
