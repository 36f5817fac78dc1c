//! Events a minute, by key.

use std::{
    hash::Hash,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use lru::LruCache;

use super::MAX_KEYS;
use crate::locking::lock;

const MINUTE: Duration = Duration::from_secs(60);

/// Permits a number of events a minute for each key: all of them at once, then at equal intervals.
#[derive(Debug)]
pub(super) struct Rate<K: Hash + Eq> {
    per_minute: AtomicU32,
    /// The time when all events of a key are permitted again.
    full_at: Mutex<LruCache<K, Instant>>,
}

impl<K: Hash + Eq> Rate<K> {
    /// Creates a rate; 0 permits any number.
    pub(super) fn new(per_minute: u32) -> Self {
        // A bounded cache would allocate all of its memory at once.
        Self { per_minute: per_minute.into(), full_at: Mutex::new(LruCache::unbounded()) }
    }

    /// Changes the rate.
    pub(super) fn set(&self, per_minute: u32) {
        self.per_minute.store(per_minute, Ordering::Relaxed);
    }

    /// Counts an event.
    ///
    /// # Errors
    /// The time until the next event is permitted.
    pub(super) fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let per_minute = self.per_minute.load(Ordering::Relaxed);
        if per_minute == 0 {
            return Ok(());
        }
        let interval = MINUTE / per_minute;
        let mut full_at = lock(&self.full_at);
        let after = full_at.get(&key).copied().unwrap_or(now).max(now) + interval;
        if let Some(wait) =
            after.checked_duration_since(now + MINUTE).filter(|wait| !wait.is_zero())
        {
            return Err(wait);
        }
        full_at.put(key, after);
        if full_at.len() > MAX_KEYS {
            full_at.pop_lru();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_permitted_at_once_up_to_the_rate_and_then_at_intervals() {
        let rate = Rate::new(20);
        let now = Instant::now();
        for _ in 0..20 {
            rate.take("a", now).unwrap();
        }
        assert_eq!(rate.take("a", now), Err(Duration::from_secs(3)));
        assert_eq!(rate.take("b", now), Ok(()));
        assert_eq!(rate.take("a", now + Duration::from_secs(3)), Ok(()));
        assert_eq!(rate.take("a", now + Duration::from_secs(3)), Err(Duration::from_secs(3)));
    }

    #[test]
    fn keys_are_bounded_and_zero_permits_everything() {
        let rate = Rate::new(1);
        let now = Instant::now();
        for key in 0..=MAX_KEYS {
            rate.take(key, now).unwrap();
        }
        assert_eq!(lock(&rate.full_at).len(), MAX_KEYS);
        let unlimited = Rate::new(0);
        assert!((0..1000).all(|_| unlimited.take("a", now).is_ok()));
    }
}
