//! Counts the messages of both sides that need an ack, and keeps those that the portal has not
//! acknowledged.

use std::collections::VecDeque;

/// After this many messages of the portal, the client acknowledges them.
const ACK_EVERY: u64 = 32;

/// The acks of one session, in both directions.
#[derive(Clone, Default)]
pub(super) struct Acks {
    received: u64,
    acked: u64,
    unacked: VecDeque<String>,
}

impl Acks {
    /// Returns how many messages of the portal were received.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Counts a message of the portal. Returns the count when an ack is due.
    pub(super) fn count_received(&mut self) -> Option<u64> {
        self.received += 1;
        self.received.is_multiple_of(ACK_EVERY).then_some(self.received)
    }

    /// Keeps a message of the client until the portal acknowledges it.
    pub(super) fn keep(&mut self, message: String) {
        self.unacked.push_back(message);
    }

    /// Drops the messages that the portal has acknowledged.
    pub(super) fn acknowledge(&mut self, messages: u64) {
        while self.acked < messages && self.unacked.pop_front().is_some() {
            self.acked += 1;
        }
    }

    /// The messages to send again over another socket, once the portal has told in its welcome how
    /// many it received.
    ///
    /// # Panics
    /// When it received more than were sent.
    pub(super) fn unacked_after(&mut self, messages: u64) -> impl Iterator<Item = &String> {
        self.acknowledge(messages);
        assert_eq!(self.acked, messages, "the portal received more than was sent");
        self.unacked.iter()
    }
}
