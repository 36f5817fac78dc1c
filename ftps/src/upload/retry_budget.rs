//! Limits how often an upload is retried before it fails.

use std::time::Duration;

use crate::{config::Retry, diagnosis::Cause, error::Error, random::Random, reply::Code};

/// Fallbacks in a row without a byte of progress before an upload fails.
const MAX_FALLBACKS: u32 = 6;

/// How often in a row an upload is resumed after the server confirmed more than it holds.
const MAX_SHORT_FILES: u32 = 1;

/// The attempts that an upload has left. Progress renews them.
#[derive(Debug)]
pub(super) struct RetryBudget {
    retry: Retry,
    tries: u32,
    fallbacks: u32,
    short_files: u32,
}

impl RetryBudget {
    pub(super) fn new(retry: Retry) -> Self {
        Self { retry, tries: 0, fallbacks: 0, short_files: 0 }
    }

    /// Renews the budget: the server holds more than before.
    pub(super) fn renew(&mut self) {
        *self = Self::new(self.retry);
    }

    /// Whether one more fallback may be tried.
    pub(super) fn may_fall_back(&mut self) -> bool {
        self.fallbacks += 1;
        self.fallbacks <= MAX_FALLBACKS
    }

    /// Whether the missing end of a file that the server confirmed may be sent: some servers take a break
    /// for the end of the file. A full disk looks the same, so this is allowed once.
    pub(super) fn may_complete_short_file(&mut self) -> bool {
        self.short_files += 1;
        self.short_files <= MAX_SHORT_FILES
    }

    /// How long to wait before the next try; `None` when there is none.
    pub(super) fn wait(&mut self, random: &dyn Random) -> Option<Duration> {
        if self.tries >= self.retry.tries {
            return None;
        }
        let doubled = 2_u32.saturating_pow(self.tries);
        self.tries += 1;
        let wait = self.retry.first.saturating_mul(doubled).min(self.retry.max);
        Some(wait.mul_f64(jitter(random)))
    }
}

/// A factor from 0.75 to 1.25, so that clients that were cut off together do not reconnect together.
fn jitter(random: &dyn Random) -> f64 {
    let mut byte = [128];
    // Without randomness there is no jitter, and no harm.
    let _ = random.fill(&mut byte);
    0.75 + f64::from(byte[0]) / 510.0
}

/// Whether the same upload may work later without any change.
pub(super) fn may_work_later(error: &Error) -> bool {
    let full = error
        .refusal()
        .is_some_and(|reply| [Code::NO_SPACE, Code::QUOTA_EXCEEDED].contains(&reply.code()));
    let cause = Cause::of(error);
    let is_crowded = cause == Cause::TooManyConnections;
    let is_final = full || [Cause::DiskFull, Cause::ContentRejected].contains(&cause);
    is_crowded || (error.is_transient() && !is_final)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn waits_grow_to_their_limit_and_end() {
        let retry = Retry { tries: 4, first: Duration::from_secs(1), max: Duration::from_secs(3) };
        let mut budget = RetryBudget::new(retry);
        let around = |wait: Option<Duration>, secs: f64| {
            let wait = wait.unwrap().as_secs_f64();
            assert!((secs * 0.75..=secs * 1.25).contains(&wait), "{wait} is not around {secs}");
        };
        around(budget.wait(&SystemRandom), 1.0);
        around(budget.wait(&SystemRandom), 2.0);
        around(budget.wait(&SystemRandom), 3.0);
        around(budget.wait(&SystemRandom), 3.0);
        assert_eq!(budget.wait(&SystemRandom), None);
        budget.renew();
        around(budget.wait(&SystemRandom), 1.0);
    }

    #[test]
    fn fallbacks_end() {
        let mut budget = RetryBudget::new(Retry::default());
        let steps =
            std::iter::repeat_with(|| budget.may_fall_back()).take_while(|may| *may).count();
        assert_eq!(steps, MAX_FALLBACKS as usize);
    }
}
