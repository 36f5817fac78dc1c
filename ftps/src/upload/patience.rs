//! When an upload is tried again after a break, and when it gives up.

use std::time::Duration;

use crate::{config::Retry, diagnosis::Cause, error::Error, reply::Code};

/// The most steps down the ladder of fallbacks without a byte of progress.
const MAX_FALLBACKS: u32 = 6;

/// The most times in a row that the server holds less than it said.
const MAX_SHORT: u32 = 1;

/// What is left of an upload's patience.
#[derive(Debug)]
pub(super) struct Patience {
    retry: Retry,
    tries: u32,
    fallbacks: u32,
    short: u32,
}

impl Patience {
    pub(super) fn new(retry: Retry) -> Self {
        Self { retry, tries: 0, fallbacks: 0, short: 0 }
    }

    /// The server holds more than before: all is well again.
    pub(super) fn renew(&mut self) {
        self.tries = 0;
        self.fallbacks = 0;
        self.short = 0;
    }

    /// Whether one more step down the ladder may be taken.
    pub(super) fn may_fall_back(&mut self) -> bool {
        self.fallbacks += 1;
        self.fallbacks <= MAX_FALLBACKS
    }

    /// Whether a file that the server called stored and holds a part of is worth another try: a
    /// break looks like that to some servers, a full disk too.
    pub(super) fn may_be_short(&mut self) -> bool {
        self.short += 1;
        self.short <= MAX_SHORT
    }

    /// How long to wait before the next try; `None` when there is none.
    pub(super) fn wait(&mut self) -> Option<Duration> {
        if self.tries >= self.retry.tries {
            return None;
        }
        let doubled = 2_u32.saturating_pow(self.tries);
        self.tries += 1;
        let wait = self.retry.first.saturating_mul(doubled).min(self.retry.max);
        Some(wait.mul_f64(jitter()))
    }
}

/// A factor from 0.75 to 1.25: those who were cut off together do not come back together.
fn jitter() -> f64 {
    let mut byte = [128];
    // Without randomness there is no jitter, and no harm.
    let _ = getrandom::fill(&mut byte);
    0.75 + f64::from(byte[0]) / 510.0
}

/// Whether the same upload may work later, without anybody's doing.
pub(super) fn may_work_later(error: &Error) -> bool {
    let full = error
        .refusal()
        .is_some_and(|reply| [Code::NO_SPACE, Code::QUOTA_EXCEEDED].contains(&reply.code()));
    let cause = Cause::of(error);
    let is_crowded = cause == Cause::TooManyConnections;
    is_crowded || (error.is_transient() && !full && cause != Cause::DiskFull)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_end() {
        let retry = Retry { tries: 4, first: Duration::from_secs(1), max: Duration::from_secs(3) };
        let mut patience = Patience::new(retry);
        let around = |wait: Option<Duration>, secs: f64| {
            let wait = wait.unwrap().as_secs_f64();
            assert!((secs * 0.75..=secs * 1.25).contains(&wait), "{wait} is not around {secs}");
        };
        around(patience.wait(), 1.0);
        around(patience.wait(), 2.0);
        around(patience.wait(), 3.0);
        around(patience.wait(), 3.0);
        assert_eq!(patience.wait(), None);
        patience.renew();
        around(patience.wait(), 1.0);
    }

    #[test]
    fn ladder_ends() {
        let mut patience = Patience::new(Retry::default());
        let steps =
            std::iter::repeat_with(|| patience.may_fall_back()).take_while(|may| *may).count();
        assert_eq!(steps, MAX_FALLBACKS as usize);
    }
}
