//! The rate of a transfer, and the time that the rest takes.

use std::time::Duration;

use crate::time::{MILLIS_PER_SECOND, Millis, millis};

/// The duration of a sample: a single message is no measure of a rate.
const SAMPLE: Duration = Duration::from_millis(250);
/// The weight of a sample halves after about this time.
const MEMORY: Duration = Duration::from_secs(3);
/// A transfer has to be observed for this long before its end can be estimated.
const MIN_OBSERVED: Duration = Duration::from_secs(3);
/// After a longer pause the rate is measured anew.
const MAX_PAUSE: Duration = Duration::from_secs(4);

/// A moving average of bytes per second.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    average: Option<u64>,
    measurement: Option<Measurement>,
}

#[derive(Clone, Copy, Debug)]
struct Measurement {
    /// The start of the transfer, or its resumption.
    since: Millis,
    /// The start of the current sample.
    sample_start: Millis,
    sample_bytes: u64,
    last: Millis,
}

impl Rate {
    /// Adds transferred bytes. Zero counts too: the average falls. The bytes of the first call do not
    /// count, because the time that they took is unknown.
    pub fn note(&mut self, bytes: u64, now: Millis) {
        let known = self.measurement.filter(|known| now.since(known.last) <= MAX_PAUSE);
        let Some(mut known) = known else {
            let (since, sample_start, last) = (now, now, now);
            *self = Self {
                average: None,
                measurement: Some(Measurement { since, sample_start, sample_bytes: 0, last }),
            };
            return;
        };
        known.last = now;
        known.sample_bytes = known.sample_bytes.saturating_add(bytes);
        let elapsed = now.since(known.sample_start);
        if elapsed >= SAMPLE {
            let observed = known.sample_start.since(known.since).min(MEMORY);
            self.average = Some(self.averaged_with(known.sample_bytes, elapsed, observed));
            (known.sample_start, known.sample_bytes) = (now, 0);
        }
        self.measurement = Some(known);
    }

    /// Returns the mean of the average, which weighs as much as `remembered`, and a sample.
    fn averaged_with(&self, bytes: u64, elapsed: Duration, remembered: Duration) -> u64 {
        let (elapsed, remembered) = (millis(elapsed), millis(remembered));
        let before = self.average.unwrap_or(0).saturating_mul(remembered);
        let measured = bytes.saturating_mul(MILLIS_PER_SECOND);
        before.saturating_add(measured) / elapsed.saturating_add(remembered).max(1)
    }

    /// Forgets the rate: the transfer was interrupted.
    pub fn restart(&mut self) {
        *self = Self::default();
    }

    /// Returns the bytes per second; `None` before the first sample.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<u64> {
        self.average
    }

    /// Returns the time for `bytes`; `None` when the rate is zero, or was observed too briefly.
    #[must_use]
    pub fn time_for(&self, bytes: u64) -> Option<Duration> {
        let observed = self.measurement.map(|known| known.last.since(known.since))?;
        let average = self.average.filter(|average| *average > 0 && observed >= MIN_OBSERVED)?;
        let rest = (bytes % average).saturating_mul(MILLIS_PER_SECOND) / average;
        Some(Duration::from_secs(bytes / average) + Duration::from_millis(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_stream_is_measured_as_it_is() {
        let mut rate = Rate::default();
        for step in 0..100 {
            rate.note(10_000, Millis(step * 100));
        }
        let measured = rate.bytes_per_second().unwrap();
        assert!((99_000..101_000).contains(&measured), "{measured}");
        assert_eq!(Rate::default().bytes_per_second(), None);
    }

    #[test]
    fn silence_lets_the_rate_fall() {
        let mut rate = Rate::default();
        for step in 0..20 {
            rate.note(100_000, Millis(step * 100));
        }
        let before = rate.bytes_per_second().unwrap();
        for step in 20..60 {
            rate.note(0, Millis(step * 300));
        }
        assert!(rate.bytes_per_second().unwrap() < before / 4);
    }

    #[test]
    fn estimate_needs_three_seconds_and_is_good_on_a_steady_line() {
        for (bytes, interval) in [(10_000, 100), (2_000_000, 700), (65_536, 30)] {
            let mut rate = Rate::default();
            let total = 600 * bytes;
            for step in 0..500 {
                let now = step * interval;
                rate.note(bytes, Millis(now));
                let left = rate.time_for(total - (step + 1) * bytes);
                if now < 3_000 {
                    assert_eq!(left, None, "{now}");
                    continue;
                }
                let left = u64::try_from(left.unwrap().as_millis()).unwrap();
                let true_left = (599 - step) * interval;
                assert!(
                    left * 3 >= true_left * 2 && left * 2 <= true_left * 3,
                    "{left} {true_left}"
                );
            }
        }
        assert!(Rate::default().time_for(u64::MAX).is_none());
    }

    #[test]
    fn rate_is_measured_anew_after_an_interruption() {
        let mut rate = Rate::default();
        for step in 0..100 {
            rate.note(1_000_000, Millis(step * 100));
        }
        let mut paused = rate.clone();
        paused.note(1_000, Millis(60_000));
        rate.restart();
        for rate in [paused, rate] {
            assert_eq!((rate.bytes_per_second(), rate.time_for(1)), (None, None));
        }
    }

    #[test]
    fn unknown_rate_promises_no_time() {
        assert_eq!(Rate::default().time_for(1), None);
    }
}
