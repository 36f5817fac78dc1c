//! A growing wait after failures, by key.

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

/// When failures cause a wait, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct BackoffRules {
    /// Failures without a wait; 0 for no limit.
    pub(super) free: u32,
    /// The wait after the last free failure. It doubles with each further one.
    pub(super) first: Duration,
    /// The longest wait.
    pub(super) max: Duration,
    /// The time without a failure after which all are forgotten.
    pub(super) memory: Duration,
}

/// Counts the failures of each key.
#[derive(Debug)]
pub(super) struct Backoff<K: Hash + Eq> {
    rules: BackoffRules,
    /// The number of `rules`, which can change.
    free: AtomicU32,
    keys: Mutex<LruCache<K, Failures>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    number: u32,
    last: Option<Instant>,
    /// Attempts without an outcome.
    pending: u32,
}

impl<K: Hash + Eq> Backoff<K> {
    pub(super) fn new(rules: BackoffRules) -> Self {
        Self { rules, free: rules.free.into(), keys: Mutex::new(LruCache::unbounded()) }
    }

    /// Changes the number of failures without a wait.
    pub(super) fn set_free(&self, free: u32) {
        self.free.store(free, Ordering::Relaxed);
    }

    fn free(&self) -> u32 {
        self.free.load(Ordering::Relaxed)
    }

    /// Checks whether another attempt is permitted.
    ///
    /// # Errors
    /// The time until it is.
    pub(super) fn check(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let (free, first) = (self.free(), self.rules.first);
        let mut keys = lock(&self.keys);
        let Some(failures) = keys.get_mut(key).filter(|_| free > 0) else { return Ok(()) };
        failures.forget_after(self.rules.memory, now);
        let blocked_until = failures.last.map(|last| last + self.wait(failures.number));
        if let Some(until) = blocked_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        // After the wait, one attempt at a time.
        let permitted = free.saturating_sub(failures.number).max(1);
        let is_pending = failures.number > 0 && failures.pending >= permitted;
        if is_pending { Err(first) } else { Ok(()) }
    }

    /// Notes that an attempt has begun.
    pub(super) fn begin(&self, key: K) {
        let mut keys = lock(&self.keys);
        keys.get_or_insert_mut(key, Failures::default).pending += 1;
        if keys.len() > MAX_KEYS {
            keys.pop_lru();
        }
    }

    /// Notes that an attempt has ended; `failed` is the time of its failure.
    pub(super) fn end(&self, key: &K, failed: Option<Instant>) {
        let mut keys = lock(&self.keys);
        let Some(failures) = keys.get_mut(key) else { return };
        failures.pending = failures.pending.saturating_sub(1);
        if failed.is_some() {
            failures.number = failures.number.saturating_add(1);
            failures.last = failed;
        } else if failures.number == 0 && failures.pending == 0 {
            keys.pop(key);
        }
    }

    /// Forgets the failures of a key.
    pub(super) fn forget(&self, key: &K) {
        if let Some(failures) = lock(&self.keys).get_mut(key) {
            (failures.number, failures.last) = (0, None);
        }
    }

    fn wait(&self, failures: u32) -> Duration {
        let BackoffRules { first, max, .. } = self.rules;
        match failures.checked_sub(self.free()) {
            None => Duration::ZERO,
            Some(doublings) => {
                let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
                first.saturating_mul(factor).min(max)
            }
        }
    }
}

impl Failures {
    fn forget_after(&mut self, memory: Duration, now: Instant) {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) > memory) {
            (self.number, self.last) = (0, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BackoffRules = BackoffRules {
        free: 2,
        first: Duration::from_secs(30),
        max: Duration::from_secs(100),
        memory: Duration::from_secs(1000),
    };

    fn fail(backoff: &Backoff<u8>, now: Instant) {
        backoff.begin(1);
        backoff.end(&1, Some(now));
    }

    #[test]
    fn wait_starts_after_the_free_failures_doubles_and_is_bounded() {
        let backoff = Backoff::new(RULES);
        let mut now = Instant::now();
        fail(&backoff, now);
        assert_eq!(backoff.check(&1, now), Ok(()));
        for seconds in [30, 60, 100, 100] {
            fail(&backoff, now);
            assert_eq!(backoff.check(&1, now), Err(Duration::from_secs(seconds)));
            now += Duration::from_secs(seconds);
            assert_eq!(backoff.check(&1, now), Ok(()));
        }
    }

    #[test]
    fn failures_are_forgotten_after_a_time_and_after_a_success() {
        let backoff = Backoff::new(RULES);
        let now = Instant::now();
        for _ in 0..9 {
            fail(&backoff, now);
        }
        assert_eq!(backoff.check(&1, now + RULES.memory + Duration::from_secs(1)), Ok(()));
        fail(&backoff, now);
        fail(&backoff, now);
        assert!(backoff.check(&1, now).is_err());
        backoff.forget(&1);
        assert_eq!(backoff.check(&1, now), Ok(()));
    }

    #[test]
    fn attempts_without_an_outcome_count_once_there_was_a_failure() {
        let backoff = Backoff::new(RULES);
        let now = Instant::now();
        for _ in 0..5 {
            backoff.begin(1);
            assert_eq!(backoff.check(&1, now), Ok(()));
        }
        backoff.end(&1, Some(now));
        assert_eq!(backoff.check(&1, now), Err(RULES.first));
    }

    #[test]
    fn keys_are_bounded() {
        let backoff = Backoff::new(RULES);
        for key in 0..MAX_KEYS + 10 {
            backoff.begin(key);
        }
        assert_eq!(lock(&backoff.keys).len(), MAX_KEYS);
    }
}
