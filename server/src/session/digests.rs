//! What the page says that the bytes of an upload have to be.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// Digests that a page says of one upload: one of the whole file, one of the part that is relayed.
/// More would be of no use.
const MOST: usize = 2;

/// The page's digests of one upload, by the offset of their first byte.
#[derive(Debug, Default)]
pub struct Digests {
    said: Mutex<BTreeMap<u64, Option<String>>>,
    arrived: Notify,
}

impl Digests {
    /// The page says one, or that it cannot make it.
    pub fn add(&self, from: u64, hex: Option<String>) {
        let mut said = self.said();
        if said.len() >= MOST && !said.contains_key(&from) {
            // An upload that lost bytes at the server begins elsewhere: the last offset counts, and
            // the whole file.
            let outdated = said.keys().copied().find(|offset| *offset != 0);
            outdated.and_then(|offset| said.remove(&offset));
        }
        said.insert(from, hex);
        drop(said);
        self.arrived.notify_one();
    }

    /// The one from an offset on, as soon as the page says it; `None` when it cannot. One waiter
    /// at a time.
    pub async fn from(&self, offset: u64) -> Option<String> {
        loop {
            if let Some(hex) = self.said().get(&offset) {
                return hex.clone();
            }
            self.arrived.notified().await;
        }
    }

    fn said(&self) -> MutexGuard<'_, BTreeMap<u64, Option<String>>> {
        // No code panics while it holds the lock; if one did, the map would still be whole.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn digest_that_is_said_later_is_waited_for() {
        let digests = Arc::new(Digests::default());
        let later = Arc::clone(&digests);
        let waiting = tokio::spawn(async move { later.from(7).await });
        digests.add(0, Some("aa".into()));
        digests.add(7, Some("bb".into()));
        assert_eq!(waiting.await.unwrap().as_deref(), Some("bb"));
        assert_eq!(digests.from(0).await.as_deref(), Some("aa"));
    }

    #[tokio::test]
    async fn page_that_cannot_say_one_is_not_waited_for() {
        let digests = Digests::default();
        digests.add(0, None);
        assert_eq!(digests.from(0).await, None);
    }

    #[test]
    fn more_than_are_of_use_are_not_kept() {
        let digests = Digests::default();
        for from in 0..100 {
            digests.add(from, Some("aa".into()));
        }
        assert_eq!(digests.said().keys().copied().collect::<Vec<_>>(), [0, 99]);
    }
}
