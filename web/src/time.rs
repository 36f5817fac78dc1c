//! Time in the core: a parameter of each event, never read from a clock.

use std::{ops::Add, time::Duration};

/// Milliseconds per second.
pub const MILLIS_PER_SECOND: u64 = 1000;

/// A point in time, in milliseconds since the page was opened. It is monotonic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// Returns the time since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Returns the point `duration` earlier, but not before the page was opened.
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

/// A stopwatch that can be stopped and started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stopwatch {
    before: Duration,
    since: Option<Millis>,
}

impl Stopwatch {
    /// Creates a stopwatch that has run for a time, and is stopped.
    #[must_use]
    pub fn after(before: Duration) -> Self {
        Self { before, since: None }
    }

    /// Returns the time that it had run when it was stopped last.
    #[must_use]
    pub fn stopped_at(&self) -> Duration {
        self.before
    }

    /// Starts or stops it.
    pub fn run(&mut self, runs: bool, now: Millis) {
        match self.since {
            None if runs => self.since = Some(now),
            Some(_) if !runs => *self = Self { before: self.time(now), since: None },
            Some(_) | None => {}
        }
    }

    /// Returns the time that it has run until `now`.
    #[must_use]
    pub fn time(&self, now: Millis) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| now.since(since))
    }
}

/// Returns a duration in whole milliseconds. [`Duration::as_millis`] returns 128 bits, whose
/// arithmetic would make the program larger.
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
