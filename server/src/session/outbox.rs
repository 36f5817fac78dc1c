//! Messages and log lines on their way to the page.
//!
//! Messages wait for a slow page, and hold up whoever sends them: that is the backpressure. Log
//! lines come from the middle of FTP commands and may hold up nothing: the oldest give way, and
//! the gap in their numbers says so.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::extract::ws::Message;
use futures_util::{Sink, SinkExt as _};
use protocol::{
    ServerMessage,
    server::{LogKind, LogLine},
};
use tokio::sync::{Notify, mpsc};

/// Messages that may wait for the page; full means that their senders wait too.
const MESSAGES: usize = 64;

/// Log lines of one message.
const LINES_A_MESSAGE: usize = 256;

/// Where the parts of a session put what the page is to get.
#[derive(Clone, Debug)]
pub struct Outbox {
    messages: mpsc::Sender<ServerMessage>,
    log: Arc<Log>,
}

/// The other end: writes to the socket.
#[derive(Debug)]
pub struct Writer {
    messages: mpsc::Receiver<ServerMessage>,
    log: Arc<Log>,
}

#[derive(Debug)]
struct Log {
    lines: Mutex<Lines>,
    arrived: Notify,
    max: usize,
}

#[derive(Debug, Default)]
struct Lines {
    waiting: VecDeque<LogLine>,
    next_seq: u64,
}

/// Both ends of a session's way to its page; at most `max_log_lines` lines wait.
#[must_use]
pub fn outbox(max_log_lines: usize) -> (Outbox, Writer) {
    let (sender, receiver) = mpsc::channel(MESSAGES);
    let log = Arc::new(Log { lines: Mutex::default(), arrived: Notify::new(), max: max_log_lines });
    (Outbox { messages: sender, log: Arc::clone(&log) }, Writer { messages: receiver, log })
}

impl Outbox {
    /// Sends a message after all log lines so far. Waits while the page is slow; when its socket
    /// is gone, the message goes nowhere.
    pub async fn send(&self, message: ServerMessage) {
        let _gone = self.messages.send(message).await;
    }

    /// Sends a message that the page can do without, unless it is slow.
    pub fn hint(&self, message: ServerMessage) {
        let _full_or_gone = self.messages.try_send(message);
    }

    /// Adds a line to the session log.
    pub fn log(&self, kind: LogKind, text: String) {
        self.log.push(kind, text);
    }
}

impl Writer {
    /// Writes until the socket or every [`Outbox`] is gone.
    ///
    /// # Errors
    /// When the socket fails, or the page takes nothing for `limit`.
    pub async fn run<S>(mut self, socket: &mut S, limit: Duration) -> Result<(), WriteError>
    where
        S: Sink<Message, Error = axum::Error> + Unpin,
    {
        loop {
            let message = tokio::select! {
                message = self.messages.recv() => match message {
                    Some(message) => Some(message),
                    None => return self.write_log(socket, limit).await,
                },
                () = self.log.arrived.notified() => None,
            };
            self.write_log(socket, limit).await?;
            if let Some(message) = message {
                write(socket, &message, limit).await?;
            }
        }
    }

    async fn write_log<S>(&self, socket: &mut S, limit: Duration) -> Result<(), WriteError>
    where
        S: Sink<Message, Error = axum::Error> + Unpin,
    {
        loop {
            let lines = self.log.take(LINES_A_MESSAGE);
            if lines.is_empty() {
                return Ok(());
            }
            write(socket, &ServerMessage::Log { lines }, limit).await?;
        }
    }
}

/// The page could not be written to.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The socket failed.
    #[error("the page's socket failed")]
    Socket(#[from] axum::Error),
    /// The page takes nothing.
    #[error("the page took no message for {}", humantime::format_duration(*.0))]
    TooSlow(Duration),
    /// A message is no JSON: a fault of the portal.
    #[error("a message could not be encoded")]
    Encode(#[from] serde_json::Error),
}

async fn write<S>(
    socket: &mut S,
    message: &ServerMessage,
    limit: Duration,
) -> Result<(), WriteError>
where
    S: Sink<Message, Error = axum::Error> + Unpin,
{
    let text = serde_json::to_string(message)?;
    let sent = tokio::time::timeout(limit, socket.send(Message::Text(text.into()))).await;
    Ok(sent.map_err(|_| WriteError::TooSlow(limit))??)
}

impl Log {
    fn push(&self, kind: LogKind, text: String) {
        let mut lines = self.lines();
        let line =
            LogLine { seq: lines.next_seq, at_millis: unix_millis(), connection: None, kind, text };
        lines.next_seq += 1;
        lines.waiting.push_back(line);
        if lines.waiting.len() > self.max {
            lines.waiting.pop_front();
        }
        drop(lines);
        self.arrived.notify_one();
    }

    fn take(&self, most: usize) -> Vec<LogLine> {
        let mut lines = self.lines();
        let count = most.min(lines.waiting.len());
        lines.waiting.drain(..count).collect()
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // No code panics while it holds the lock; if one did, the lines would still be whole.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::sink;

    use super::*;

    fn texts(message: &Message) -> String {
        message.to_text().unwrap().to_owned()
    }

    #[tokio::test]
    async fn log_lines_go_before_the_message_that_follows_them() {
        let (outbox, writer) = outbox(10);
        outbox.log(LogKind::Command, "FEAT".into());
        outbox.send(ServerMessage::Pong).await;
        outbox.log(LogKind::Response, "211 End".into());
        drop(outbox);
        let mut written: Vec<String> = Vec::new();
        let mut sink = Box::pin(sink::unfold(&mut written, async |written, message: Message| {
            written.push(texts(&message));
            Ok::<_, axum::Error>(written)
        }));
        writer.run(&mut sink, Duration::from_secs(5)).await.unwrap();
        drop(sink);
        assert!(written[0].contains("FEAT"), "{written:?}");
        assert!(written.iter().any(|text| text.contains("pong")), "{written:?}");
    }

    #[tokio::test]
    async fn oldest_lines_give_way_and_the_gap_shows() {
        let (outbox, writer) = outbox(2);
        for n in 0..5 {
            outbox.log(LogKind::Status, n.to_string());
        }
        let seqs: Vec<u64> = writer.log.take(10).iter().map(|line| line.seq).collect();
        assert_eq!(seqs, [3, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn page_that_takes_nothing_ends_the_session() {
        let (outbox, writer) = outbox(2);
        outbox.send(ServerMessage::Pong).await;
        let mut stuck = Box::pin(sink::unfold((), |(), _: Message| std::future::pending()));
        let error = writer.run(&mut stuck, Duration::from_secs(60)).await.unwrap_err();
        assert!(matches!(error, WriteError::TooSlow(_)));
    }
}
