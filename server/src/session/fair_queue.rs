//! A bounded queue in which one client cannot displace the entries of all others.

use std::collections::VecDeque;

use crate::client::Client;

/// A client may have this fraction of the places before it displaces its own entries only.
const SHARE: usize = 4;

/// Entries in the order of their arrival. When the queue is full, the oldest entry of a client with a
/// large share makes room for its next one; otherwise the oldest of all.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    entries: VecDeque<(Client, T)>,
    max: usize,
}

impl<T> FairQueue<T> {
    /// Creates a queue of at most `max` entries.
    pub(super) fn new(max: usize) -> Self {
        Self { entries: VecDeque::new(), max: max.max(1) }
    }

    /// Adds an entry and returns the one that it displaces.
    pub(super) fn push(&mut self, client: Client, entry: T) -> Option<T> {
        let displaced = self.displaced_by(client).and_then(|at| self.entries.remove(at));
        self.entries.push_back((client, entry));
        displaced.map(|(_, entry)| entry)
    }

    fn displaced_by(&self, client: Client) -> Option<usize> {
        let share = (self.max / SHARE).max(1);
        let mut own = self.entries.iter().enumerate().filter(|(_, (other, _))| *other == client);
        let oldest_own = own.next().map(|(at, _)| at);
        if client.is_counted() && own.count() + 1 >= share && oldest_own.is_some() {
            return oldest_own;
        }
        (self.entries.len() >= self.max).then_some(0)
    }

    /// Removes the first entry that matches.
    pub(super) fn remove(&mut self, matches: impl Fn(&T) -> bool) -> Option<(Client, T)> {
        let at = self.entries.iter().position(|(_, entry)| matches(entry))?;
        self.entries.remove(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: u8) -> Client {
        Client::at([192, 0, 2, n].into())
    }

    #[test]
    fn client_with_its_share_displaces_only_its_own_entries() {
        let mut queue = FairQueue::new(8);
        assert_eq!(queue.push(client(1), 1), None);
        assert_eq!(queue.push(client(2), 2), None);
        assert_eq!(queue.push(client(2), 3), None);
        for entry in 4..1000 {
            assert!(queue.push(client(2), entry).is_some_and(|displaced| displaced != 1));
        }
        assert!(queue.remove(|entry| *entry == 1).is_some());
    }

    #[test]
    fn full_queue_drops_its_oldest_entry() {
        let mut queue = FairQueue::new(3);
        for n in 0..3 {
            assert_eq!(queue.push(client(n), n), None);
        }
        assert_eq!(queue.push(client(9), 9), Some(0));
        assert_eq!(queue.remove(|entry| *entry == 2), Some((client(2), 2)));
        assert_eq!(queue.push(Client::default(), 10), None);
        assert_eq!(queue.push(Client::default(), 11), Some(1));
    }
}
