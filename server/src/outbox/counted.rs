//! Counted messages, kept until the page acknowledges them.

use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::space::{Freed, Taken};

/// A counted message in JSON.
#[derive(Debug)]
pub(super) struct CountedMessage {
    /// The message.
    pub(super) text: Utf8Bytes,
    /// The space that it takes in the outbox, in bytes.
    pub(super) bytes: u32,
    /// The source of that space: the session's own share, or the budget.
    pub(super) taken: Taken,
}

/// The counted messages since the session began, as far as they are not acknowledged.
#[derive(Debug, Default)]
pub(super) struct CountedMessages {
    /// Oldest first.
    unacked: VecDeque<CountedMessage>,
    /// The number of messages that the page has acknowledged.
    acked: u64,
    /// How many of `unacked` were written to this socket.
    written: usize,
}

/// The page acknowledges more messages than were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the page acknowledges {acked} messages, but only {sent} were sent")]
pub struct AckBeyondSent {
    /// The number of messages that the page acknowledges.
    pub acked: u64,
    /// The number of messages that were sent.
    pub sent: u64,
}

impl CountedMessages {
    /// Adds a message.
    pub(super) fn push(&mut self, message: CountedMessage) {
        self.unacked.push_back(message);
    }

    /// Returns the next message for the socket.
    pub(super) fn next(&mut self) -> Option<Utf8Bytes> {
        let text = self.unacked.get(self.written)?.text.clone();
        self.written += 1;
        Some(text)
    }

    /// Drops the messages that the page has acknowledged; `messages` is their number since the
    /// session began. Returns the space that they took.
    ///
    /// # Errors
    /// [`AckBeyondSent`]; then nothing is dropped.
    pub(super) fn ack(&mut self, messages: u64) -> Result<Freed, AckBeyondSent> {
        let sent = self.acked + self.unacked.len() as u64;
        if messages > sent {
            return Err(AckBeyondSent { acked: messages, sent });
        }
        let mut freed = Freed::default();
        while self.acked < messages {
            let Some(acked) = self.unacked.pop_front() else { break };
            self.acked += 1;
            self.written = self.written.saturating_sub(1);
            freed.add(acked.bytes, &acked.taken);
        }
        Ok(freed)
    }

    /// Returns the length of the next message for the socket in bytes; 0 when there is none.
    pub(super) fn next_len(&self) -> usize {
        self.unacked.get(self.written).map_or(0, |message| message.text.len())
    }

    /// Returns whether every message is acknowledged.
    pub(super) fn is_empty(&self) -> bool {
        self.unacked.is_empty()
    }

    #[cfg(test)]
    pub(super) fn text_at(&self, at: usize) -> Utf8Bytes {
        self.unacked[at].text.clone()
    }

    /// Starts again with the oldest message, for another socket.
    pub(super) fn rewind(&mut self) {
        self.written = 0;
    }

    /// Drops all messages and counts from 0 again. Returns the space that they took.
    pub(super) fn reset(&mut self) -> Freed {
        let dropped = std::mem::take(self);
        let mut freed = Freed::default();
        dropped.unacked.iter().for_each(|message| freed.add(message.bytes, &message.taken));
        freed
    }
}
