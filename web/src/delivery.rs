//! What survives a socket: the page's side of [`protocol::delivery`].
//!
//! Counted messages are kept until the portal has heard them, and said again on the session's next
//! socket. Those of the portal are counted, so that it knows which to say again. A password is not
//! kept: `connect` is said again with what stands in its field then.

use std::collections::VecDeque;

use protocol::{ClientMessage, ServerMessage, client::ResumeState};

use crate::destination::Destination;

/// The portal is told that it was heard after so many counted messages at the latest.
pub const HEARD_EVERY: u64 = 32;
/// And after so many bytes of them: the portal keeps a few MiB of what was not heard, and says
/// nothing more when that is full. A long listing is a quarter of it.
pub const HEARD_EVERY_BYTES: u64 = 256 * 1024;

/// A counted message of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutgoingMessage {
    /// Any but `connect`.
    Message(ClientMessage),
    /// `connect`, and the fingerprint of the certificate that is trusted.
    Connect(Destination, Option<String>),
}

/// The portal has heard more than was said, or less than it had before: what it counts is another
/// conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckOutOfRange;

/// Both directions of one session.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Said and not heard by the portal, oldest first.
    unheard: VecDeque<OutgoingMessage>,
    /// How many the portal has heard since the session's begin.
    heard: u64,
    /// How many of the portal's were taken in since the session's begin.
    taken: u64,
    /// How many of those the portal knows of.
    told: u64,
    /// The bytes of those that it does not know of.
    untold_bytes: u64,
}

impl Delivery {
    /// The begin of a session of which this page holds nothing; the portal may have heard `heard`
    /// messages of an earlier page.
    #[must_use]
    pub fn begin(heard: u64) -> Self {
        Self { heard, ..Self::default() }
    }

    /// Keeps a message until it was heard.
    pub fn say(&mut self, said: OutgoingMessage) {
        self.unheard.push_back(said);
    }

    /// Counts a message of the portal, of so many bytes; whether it is time for
    /// [`Self::acknowledge`].
    pub fn take(&mut self, message: &ServerMessage, bytes: u64) -> bool {
        if message.needs_ack() {
            self.taken += 1;
            self.untold_bytes = self.untold_bytes.saturating_add(bytes);
        }
        self.taken - self.told >= HEARD_EVERY || self.untold_bytes >= HEARD_EVERY_BYTES
    }

    /// Tells the portal what was taken in, unless it knows.
    pub fn acknowledge(&mut self) -> Option<ClientMessage> {
        if self.told == self.taken {
            return None;
        }
        self.told = self.taken;
        self.untold_bytes = 0;
        Some(ClientMessage::Ack { messages: self.taken })
    }

    /// How far the page is, for the hello on another socket; `log` is the first line that it lacks.
    #[must_use]
    pub fn position(&self, log: u64) -> ResumeState {
        ResumeState { messages: self.taken, log }
    }

    /// The portal has heard so many: they are kept no longer.
    ///
    /// # Errors
    /// [`AckOutOfRange`]; nothing is forgotten then.
    pub fn heard(&mut self, messages: u64) -> Result<(), AckOutOfRange> {
        let fresh = messages.checked_sub(self.heard).ok_or(AckOutOfRange)?;
        let fresh = usize::try_from(fresh).map_err(|_| AckOutOfRange)?;
        if fresh > self.unheard.len() {
            return Err(AckOutOfRange);
        }
        self.unheard.drain(..fresh);
        self.heard = messages;
        Ok(())
    }

    /// Another socket of the session is open, and the portal has heard so many: what has to be
    /// said again, in this order.
    ///
    /// # Errors
    /// [`AckOutOfRange`]: the session cannot go on.
    pub fn resume(&mut self, heard: u64) -> Result<Vec<OutgoingMessage>, AckOutOfRange> {
        self.heard(heard)?;
        // The hello has told it.
        self.told = self.taken;
        self.untold_bytes = 0;
        Ok(self.unheard.iter().cloned().collect())
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
    fn what_was_not_heard_is_said_again_and_what_was_heard_is_not() {
        let mut delivery = Delivery::default();
        (0..3).for_each(|n| delivery.say(list(n)));
        delivery.heard(1).unwrap();
        assert_eq!(delivery.resume(2), Ok(vec![list(2)]));
        assert_eq!(delivery.resume(3), Ok(vec![]));
    }

    #[test]
    fn portal_that_heard_what_was_never_said_is_out_of_step() {
        let mut delivery = Delivery::default();
        delivery.say(list(0));
        assert_eq!(delivery.resume(2), Err(AckOutOfRange));
        delivery.heard(1).unwrap();
        assert_eq!(delivery.resume(0), Err(AckOutOfRange), "it cannot forget what it had heard");
    }

    #[test]
    fn portal_is_told_after_so_many_messages_and_only_once() {
        let mut delivery = Delivery::default();
        for n in 1..HEARD_EVERY {
            assert!(!delivery.take(&removed(n), 1));
        }
        assert!(!delivery.take(&ServerMessage::Pong, HEARD_EVERY_BYTES), "a pong is not counted");
        assert!(delivery.take(&removed(0), 1));
        assert_eq!(delivery.acknowledge(), Some(ClientMessage::Ack { messages: HEARD_EVERY }));
        assert_eq!(delivery.acknowledge(), None);
    }

    #[test]
    fn portal_is_told_at_once_of_what_takes_much_of_its_room() {
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
        assert!(delivery.take(&listing, 1 << 20));
        assert_eq!(delivery.acknowledge(), Some(ClientMessage::Ack { messages: 1 }));
        assert!(!delivery.take(&removed(0), HEARD_EVERY_BYTES - 1));
        assert!(delivery.take(&removed(1), 1), "many that are long are too many together");
        assert_eq!(delivery.acknowledge(), Some(ClientMessage::Ack { messages: 3 }));
        assert!(!delivery.take(&removed(2), HEARD_EVERY_BYTES - 1), "it counts from there on");
    }

    #[test]
    fn page_that_was_loaded_again_goes_on_with_the_portals_count() {
        let mut delivery = Delivery::begin(7);
        delivery.say(list(0));
        assert_eq!(delivery.resume(7), Ok(vec![list(0)]));
        assert_eq!(delivery.heard(8), Ok(()));
    }

    /// A portal that is the page's mirror, and a line that swallows what is on it when it breaks.
    #[derive(Default)]
    struct Portal {
        said: Vec<u64>,
        heard_by_page: u64,
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
            let (mut said, mut to_portal, mut to_page) = (0, VecDeque::new(), VecDeque::new());
            for (step, n) in steps.into_iter().chain([(4, 0), (2, 1000), (3, 1000)]) {
                match step {
                    0 => {
                        page.say(list(said));
                        to_portal.push_back(list(said));
                        said += 1;
                    }
                    1 => {
                        let next = portal.said.len() as u64;
                        portal.said.push(next);
                        to_page.push_back(next);
                    }
                    2 => {
                        let arrived = to_portal.len().min(n);
                        portal.taken.extend(to_portal.drain(..arrived));
                    }
                    3 => for next in to_page.drain(..to_page.len().min(n)) {
                        taken_by_page.push(next);
                        if page.take(&removed(next), next)
                            && let Some(ClientMessage::Ack { messages }) = page.acknowledge()
                        {
                            portal.heard_by_page = messages;
                        }
                    },
                    _ => {
                        let position = page.position(0);
                        prop_assert!(position.messages >= portal.heard_by_page);
                        to_portal = page.resume(portal.taken.len() as u64).unwrap().into();
                        let from = usize::try_from(position.messages).unwrap();
                        to_page = portal.said[from..].iter().copied().collect();
                    }
                }
            }
            prop_assert_eq!(portal.taken, (0..said).map(list).collect::<Vec<_>>());
            prop_assert_eq!(taken_by_page, portal.said);
        }
    }
}
