//! Writes the messages of an outbox to a socket, in the order of their urgency.

use std::{collections::VecDeque, convert::Infallible, io, time::Duration};

use protocol::{ServerMessage, UploadId, lines::Lines};
use tokio::{
    io::AsyncWrite,
    time::{Instant, sleep, sleep_until},
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Audience, LossyMessage, Outbox, State, text};
use crate::{drops::problems::message_for_guest, relay::Credit, websocket::Writer};

/// The pause after a frame. The first message is sent at once; small messages that follow within the
/// pause share the next frame.
const BATCH_INTERVAL: Duration = Duration::from_millis(4);

/// A frame of this length in bytes takes no further message.
const FRAME_BYTES: usize = 64 * 1024;

/// The most log lines in one message.
pub(super) const MAX_LINES_PER_MESSAGE: usize = 256;

/// A message could not be written to the page.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The socket failed.
    #[error("the page's socket failed: {0}")]
    Socket(#[source] io::Error),
    /// The page reads nothing.
    #[error("the page read nothing of a message for as long as `page_write_timeout`")]
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

impl Outbox {
    /// Writes messages and the answers to pings to a socket, until it fails.
    ///
    /// # Errors
    /// When the socket fails, also because the page reads nothing for too long.
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
                    socket.text(frame).await?;
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

    /// Writes all messages that wait.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn flush_to<W>(&self, socket: &mut Writer<W>) -> Result<(), WriteError>
    where
        W: AsyncWrite + Unpin,
    {
        while let Some(frame) = self.next_frame()? {
            socket.text(frame).await?;
        }
        Ok(())
    }

    /// Returns the next frame, with as many messages as fit. A long message has a frame of its own, which
    /// shares its memory.
    pub(super) fn next_frame(&self) -> Result<Option<Utf8Bytes>, WriteError> {
        let Some(first) = self.state().next_message()? else { return Ok(None) };
        if first.len() >= FRAME_BYTES {
            return Ok(Some(first));
        }
        let mut frame = Lines::default();
        frame.push(&first);
        while frame.len() < FRAME_BYTES
            && let Some(message) = self.state().next_short_message()?
        {
            frame.push(&message);
        }
        Ok(Some(frame.take().into()))
    }
}

impl State {
    /// Returns the next message, unless a long one is next.
    fn next_short_message(&mut self) -> Result<Option<Utf8Bytes>, WriteError> {
        if self.counted.next_len() >= FRAME_BYTES { Ok(None) } else { self.next_message() }
    }

    /// Returns the next message: lossy messages first, because they are short and urgent; then
    /// credits, which the page may wait for; then log lines and counted messages, in turn; then the
    /// TLS facts. A long log delays each counted message by one message of log lines.
    pub(super) fn next_message(&mut self) -> Result<Option<Utf8Bytes>, WriteError> {
        while let Some(urgent) = self.next_lossy().or_else(|| self.next_credit()) {
            if let Some(text) = self.text_of(urgent)? {
                return Ok(Some(text));
            }
        }
        if !self.log_was_last
            && let Some(lines) = self.next_lines()
        {
            return Ok(Some(text(&lines)?));
        }
        if let Some(counted) = self.counted.next() {
            self.log_was_last = false;
            return Ok(Some(counted));
        }
        let message = self.next_lines().or_else(|| self.next_data_tls());
        Ok(message.as_ref().map(text).transpose()?)
    }

    /// Encodes a message for its reader; `None` where it is not for this one.
    fn text_of(&self, message: LossyMessage) -> Result<Option<Utf8Bytes>, WriteError> {
        Ok(match (message, self.audience) {
            (LossyMessage::Guest(message), _) => Some(text(&message)?),
            (LossyMessage::Any(message), Audience::Person) => Some(text(&message)?),
            (LossyMessage::Any(message), Audience::Guest) => {
                let message = message_for_guest(message, self.problems);
                message.as_ref().map(text).transpose()?
            }
        })
    }

    fn next_lossy(&mut self) -> Option<LossyMessage> {
        let message = self.lossy.pop_front()?;
        if self.lossy.is_empty() {
            // Connecting fills the queue; afterwards it is hardly used, so its memory is freed.
            self.lossy = VecDeque::new();
        }
        Some(message)
    }

    fn next_credit(&mut self) -> Option<LossyMessage> {
        let (upload, credit) = self.credits.pop_first()?;
        Some(LossyMessage::Any(credit_message(upload, credit)))
    }

    /// Returns the log lines that were not written to this socket, as many as fit into a message.
    fn next_lines(&mut self) -> Option<ServerMessage> {
        let lines = self.log.take(MAX_LINES_PER_MESSAGE);
        self.log_was_last = !lines.is_empty();
        self.log_was_last.then_some(ServerMessage::Log { lines })
    }

    fn next_data_tls(&mut self) -> Option<ServerMessage> {
        let last = self.data_tls.as_mut().filter(|last| !last.is_written)?;
        last.is_written = true;
        Some(ServerMessage::DataTls(last.facts.clone()))
    }
}

fn credit_message(upload: UploadId, credit: Credit) -> ServerMessage {
    let Credit { attempt, taken, received, limit } = credit;
    ServerMessage::Credit { upload, attempt, taken, received, limit }
}
