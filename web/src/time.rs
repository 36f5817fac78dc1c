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

/// How long something took that stopped and went on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stopwatch {
    before: Duration,
    since: Option<Millis>,
}

impl Stopwatch {
    /// Goes on, or stops.
    pub fn run(&mut self, runs: bool, now: Millis) {
        match self.since {
            None if runs => self.since = Some(now),
            Some(_) if !runs => *self = Self { before: self.time(now), since: None },
            Some(_) | None => {}
        }
    }

    /// How long it ran until `now`.
    #[must_use]
    pub fn time(&self, now: Millis) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| now.since(since))
    }
}

/// A duration in whole milliseconds. [`Duration::as_millis`] gives 128 bits, whose arithmetic would
/// be a part of the program for this alone.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(MILLIS_PER_SECOND);
    seconds.saturating_add(u64::from(duration.subsec_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stopwatch_counts_only_while_it_runs() {
        let mut watch = Stopwatch::default();
        watch.run(true, Millis(100));
        watch.run(true, Millis(150));
        assert_eq!(watch.time(Millis(300)), Duration::from_millis(200));
        watch.run(false, Millis(400));
        watch.run(false, Millis(500));
        assert_eq!(watch.time(Millis(900)), Duration::from_millis(300));
        watch.run(true, Millis(1000));
        assert_eq!(watch.time(Millis(1001)), Duration::from_millis(301));
    }
}
