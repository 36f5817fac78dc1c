//! Messages that are repeated on the next socket: the page's side of [`protocol::delivery`].
//!
//! Counted messages are kept until the portal acknowledges them, and repeated on the session's next
//! socket. The portal's messages are counted, so that it knows which to repeat. No password is kept:
//! a repeated `connect` takes it from its field again.

use std::collections::VecDeque;

use protocol::{ClientMessage, ServerMessage, client::ResumeState, delivery::Acknowledged as _};

use crate::destination::Destination;

/// The page acknowledges after this many messages at the latest.
pub const ACK_EVERY: u64 = 32;
/// The page acknowledges after this many bytes at the latest. The portal keeps a few MiB of
/// unacknowledged messages, and stops sending when that is full; a long listing is a quarter of it.
pub const ACK_EVERY_BYTES: u64 = 256 * 1024;

/// A counted message of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutgoingMessage {
    /// Any but `connect`.
    Message(ClientMessage),
    /// `connect`, with the fingerprint of the trusted certificate.
    Connect(Destination, Option<String>),
}

/// The portal acknowledged more messages than were sent, or fewer than before: it counts another
/// conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckOutOfRange;

/// Both directions of one session.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Unacknowledged messages, oldest first.
    unacked: VecDeque<OutgoingMessage>,
    /// The number of messages that the portal has acknowledged since the session's start.
    acked: u64,
    /// The number of the portal's messages that were received since the session's start.
    received: u64,
    /// The number of those that were acknowledged.
    reported: u64,
    /// The bytes of those that were not acknowledged.
    unreported_bytes: u64,
}

impl Delivery {
    /// Returns the start of a session for a page that holds none of its messages; the portal may
    /// have received `received` messages of an earlier page.
    #[must_use]
    pub fn start(received: u64) -> Self {
        Self { acked: received, ..Self::default() }
    }

    /// Keeps a message until it is acknowledged.
    pub fn push(&mut self, message: OutgoingMessage) {
        self.unacked.push_back(message);
    }

    /// Counts a message of the portal, with this number of bytes. Returns whether
    /// [`Self::acknowledge`] is due.
    pub fn received(&mut self, message: &ServerMessage, bytes: u64) -> bool {
        if message.needs_ack() {
            self.received += 1;
            self.unreported_bytes = self.unreported_bytes.saturating_add(bytes);
        }
        self.received - self.reported >= ACK_EVERY || self.unreported_bytes >= ACK_EVERY_BYTES
    }

    /// Returns the acknowledgement to send, unless there is nothing new to acknowledge.
    pub fn acknowledge(&mut self) -> Option<ClientMessage> {
        if self.reported == self.received {
            return None;
        }
        self.mark_reported();
        Some(ClientMessage::Ack { messages: self.received })
    }

    /// Returns the page's position, for the `hello` on another socket; `log` is the first line of
    /// the log that the page lacks.
    #[must_use]
    pub fn position(&self, log: u64) -> ResumeState {
        ResumeState { messages: self.received, log }
    }

    /// The portal acknowledged this many messages: they are dropped.
    ///
    /// # Errors
    /// [`AckOutOfRange`]; nothing is dropped then.
    pub fn acked(&mut self, messages: u64) -> Result<(), AckOutOfRange> {
        let new = messages.checked_sub(self.acked).ok_or(AckOutOfRange)?;
        let new = usize::try_from(new).map_err(|_| AckOutOfRange)?;
        if new > self.unacked.len() {
            return Err(AckOutOfRange);
        }
        self.unacked.drain(..new);
        self.acked = messages;
        Ok(())
    }

    /// Another socket of the session is open, and the portal received this many messages. Returns
    /// the messages to repeat, in order.
    ///
    /// # Errors
    /// [`AckOutOfRange`]: the session cannot continue.
    pub fn resume(&mut self, received: u64) -> Result<Vec<OutgoingMessage>, AckOutOfRange> {
        self.acked(received)?;
        // The `hello` has acknowledged everything.
        self.mark_reported();
        Ok(self.unacked.iter().cloned().collect())
    }

    fn mark_reported(&mut self) {
        self.reported = self.received;
        self.unreported_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::server::{Entry, EntryKind};

    use super::*;

    fn list(n: u64) -> OutgoingMessage {
        OutgoingMessage::Message(ClientMessage::List { path: n.to_string() })
    }

    fn removed(n: u64) -> ServerMessage {
        ServerMessage::Removed { path: n.to_string() }
    }

    #[test]
    fn unacknowledged_messages_are_repeated_and_acknowledged_ones_are_not() {
        let mut delivery = Delivery::default();
        (0..3).for_each(|n| delivery.push(list(n)));
        delivery.acked(1).unwrap();
        assert_eq!(delivery.resume(2), Ok(vec![list(2)]));
        assert_eq!(delivery.resume(3), Ok(vec![]));
    }

    #[test]
    fn acknowledgement_of_messages_that_were_never_sent_is_out_of_range() {
        let mut delivery = Delivery::default();
        delivery.push(list(0));
        assert_eq!(delivery.resume(2), Err(AckOutOfRange));
        delivery.acked(1).unwrap();
        assert_eq!(
            delivery.resume(0),
            Err(AckOutOfRange),
            "an acknowledgement cannot be taken back"
        );
    }

    #[test]
    fn messages_are_acknowledged_in_batches_and_only_once() {
        let mut delivery = Delivery::default();
        for n in 1..ACK_EVERY {
            assert!(!delivery.received(&removed(n), 1));
        }
        assert!(!delivery.received(&ServerMessage::Pong, ACK_EVERY_BYTES), "a pong is not counted");
        assert!(delivery.received(&removed(0), 1));
        assert_eq!(delivery.acknowledge(), Some(ClientMessage::Ack { messages: ACK_EVERY }));
        assert_eq!(delivery.acknowledge(), None);
    }

    #[test]
    fn long_messages_are_acknowledged_at_once() {
        let mut delivery = Delivery::default();
        let entry = |name: usize| Entry {
            name: name.to_string(),
            kind: EntryKind::File,
            size: None,
            modified_millis: None,
            leftover_of: None,
        };
        let entries = (0..10_000).map(entry).collect();
        let listing = ServerMessage::Listing { path: "/".into(), entries, left_out: 0 };
        assert!(delivery.received(&listing, 1 << 20));
        assert_eq!(delivery.acknowledge(), Some(ClientMessage::Ack { messages: 1 }));
        assert!(!delivery.received(&removed(0), ACK_EVERY_BYTES - 1));
        assert!(delivery.received(&removed(1), 1), "long messages add up");
        assert_eq!(delivery.acknowledge(), Some(ClientMessage::Ack { messages: 3 }));
        assert!(!delivery.received(&removed(2), ACK_EVERY_BYTES - 1), "the count starts again");
    }

    #[test]
    fn page_that_was_loaded_again_goes_on_with_the_portals_count() {
        let mut delivery = Delivery::start(7);
        delivery.push(list(0));
        assert_eq!(delivery.resume(7), Ok(vec![list(0)]));
        assert_eq!(delivery.acked(8), Ok(()));
    }

    /// A model of the portal. A socket that breaks loses the messages in flight.
    #[derive(Default)]
    struct Portal {
        sent: Vec<u64>,
        acked_by_page: u64,
        taken: Vec<OutgoingMessage>,
    }

    proptest! {
        #[test]
        fn every_counted_message_arrives_once_and_in_order_however_many_sockets_break(
            steps in prop::collection::vec((0..5_u8, 0..8_usize), 0..200),
        ) {
            let mut page = Delivery::default();
            let mut portal = Portal::default();
            let mut taken_by_page = Vec::new();
            let (mut sent, mut to_portal, mut to_page) = (0, VecDeque::new(), VecDeque::new());
            for (step, n) in steps.into_iter().chain([(4, 0), (2, 1000), (3, 1000)]) {
                match step {
                    0 => {
                        page.push(list(sent));
                        to_portal.push_back(list(sent));
                        sent += 1;
                    }
                    1 => {
                        let next = portal.sent.len() as u64;
                        portal.sent.push(next);
                        to_page.push_back(next);
                    }
                    2 => {
                        let arrived = to_portal.len().min(n);
                        portal.taken.extend(to_portal.drain(..arrived));
                    }
                    3 => for next in to_page.drain(..to_page.len().min(n)) {
                        taken_by_page.push(next);
                        if page.received(&removed(next), next)
                            && let Some(ClientMessage::Ack { messages }) = page.acknowledge()
                        {
                            portal.acked_by_page = messages;
                        }
                    },
                    _ => {
                        let position = page.position(0);
                        prop_assert!(position.messages >= portal.acked_by_page);
                        to_portal = page.resume(portal.taken.len() as u64).unwrap().into();
                        let from = usize::try_from(position.messages).unwrap();
                        to_page = portal.sent[from..].iter().copied().collect();
                    }
                }
            }
            prop_assert_eq!(portal.taken, (0..sent).map(list).collect::<Vec<_>>());
            prop_assert_eq!(taken_by_page, portal.sent);
        }
    }
}
