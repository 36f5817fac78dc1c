//! The rate of a transfer, and the time that the rest takes.

use std::time::Duration;

use crate::time::{MILLIS_PER_SECOND, Millis, millis};

/// The duration of a sample: a single message is no measure of a rate.
const SAMPLE: Duration = Duration::from_millis(250);
/// The weight of a sample halves after about this time.
const MEMORY: Duration = Duration::from_secs(3);

/// A moving average of bytes per second.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    average: Option<u64>,
    sample: Option<(Millis, u64)>,
}

impl Rate {
    /// Adds transferred bytes. Zero counts too: the average falls.
    pub fn note(&mut self, bytes: u64, now: Millis) {
        let (start, gathered) = self.sample.get_or_insert((now, 0));
        *gathered = gathered.saturating_add(bytes);
        let elapsed = now.since(*start);
        if elapsed < SAMPLE {
            return;
        }
        let (elapsed, memory) = (millis(elapsed), millis(MEMORY));
        let measured = gathered.saturating_mul(MILLIS_PER_SECOND);
        self.average = Some(match self.average {
            None => measured / elapsed,
            Some(average) => {
                let remembered = average.saturating_mul(memory);
                remembered.saturating_add(measured) / elapsed.saturating_add(memory)
            }
        });
        self.sample = Some((now, 0));
    }

    /// Returns the bytes per second; `None` before the first sample.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<u64> {
        self.average
    }

    /// Returns the time for `bytes`; `None` when the rate is unknown or zero.
    #[must_use]
    pub fn time_for(&self, bytes: u64) -> Option<Duration> {
        let average = self.average.filter(|average| *average > 0)?;
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
        assert!((99_000..140_000).contains(&measured), "{measured}");
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
    fn rest_takes_its_bytes_by_the_rate() {
        let mut rate = Rate::default();
        rate.note(0, Millis(0));
        rate.note(1_000, Millis(500));
        assert_eq!(rate.bytes_per_second(), Some(2_000));
        assert_eq!(rate.time_for(5_000), Some(Duration::from_millis(2_500)));
        assert!(rate.time_for(u64::MAX).is_some(), "whatever the file says of itself");
    }

    #[test]
    fn unknown_rate_promises_no_time() {
        assert_eq!(Rate::default().time_for(1), None);
    }
}
