//! Time as the core sees it: handed in, never read.

use std::{ops::Add, time::Duration};

/// For sums in whole numbers.
pub const MILLIS_PER_SECOND: u64 = 1000;

/// A point in time, in milliseconds since the page was opened. It never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// The time from `earlier` to this point; nothing when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The point so much earlier; the page's opening when that was later.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

impl Add<Duration> for Millis {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

/// A duration in whole milliseconds. [`Duration::as_millis`] gives 128 bits, whose arithmetic would
/// be a part of the program for this alone.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(MILLIS_PER_SECOND);
    seconds.saturating_add(u64::from(duration.subsec_millis()))
}
