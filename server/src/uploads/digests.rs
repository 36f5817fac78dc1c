//! The digests that the page has computed of one upload.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use tokio::sync::Notify;

use crate::locking::lock;

/// The most digests that are kept of one upload: one of the whole file, one of the part that is
/// relayed.
const MAX_DIGESTS: usize = 2;

/// The page's digests of one upload, by the offset of their first byte.
#[derive(Debug, Default)]
pub struct PageDigests {
    by_offset: Mutex<BTreeMap<u64, Option<String>>>,
    arrived: Notify,
}

impl PageDigests {
    /// Adds a digest, or `None` when the page cannot compute it.
    pub fn add(&self, from: u64, hex: Option<String>) {
        let mut digests = self.by_offset();
        if digests.len() >= MAX_DIGESTS && !digests.contains_key(&from) {
            // After a break an upload may start at another offset. The newest offset and 0 are kept.
            let outdated = digests.keys().copied().find(|offset| *offset != 0);
            outdated.and_then(|offset| digests.remove(&offset));
        }
        digests.insert(from, hex);
        drop(digests);
        self.arrived.notify_one();
    }

    /// Waits for the digest that starts at `offset`; `None` when the page cannot compute it. There
    /// may be one waiter at a time.
    pub async fn from(&self, offset: u64) -> Option<String> {
        loop {
            if let Some(hex) = self.by_offset().get(&offset) {
                return hex.clone();
            }
            self.arrived.notified().await;
        }
    }

    fn by_offset(&self) -> MutexGuard<'_, BTreeMap<u64, Option<String>>> {
        lock(&self.by_offset)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn digest_that_arrives_later_is_waited_for() {
        let digests = Arc::new(PageDigests::default());
        let later = Arc::clone(&digests);
        let waiting = tokio::spawn(async move { later.from(7).await });
        digests.add(0, Some("aa".into()));
        digests.add(7, Some("bb".into()));
        assert_eq!(waiting.await.unwrap().as_deref(), Some("bb"));
        assert_eq!(digests.from(0).await.as_deref(), Some("aa"));
    }

    #[tokio::test]
    async fn page_that_cannot_compute_a_digest_is_not_waited_for() {
        let digests = PageDigests::default();
        digests.add(0, None);
        assert_eq!(digests.from(0).await, None);
    }

    #[test]
    fn only_the_whole_files_and_the_newest_digest_are_kept() {
        let digests = PageDigests::default();
        for from in 0..100 {
            digests.add(from, Some("aa".into()));
        }
        assert_eq!(digests.by_offset().keys().copied().collect::<Vec<_>>(), [0, 99]);
    }
}
