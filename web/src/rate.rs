//! How fast bytes are taken, and how long the rest takes.

use std::time::Duration;

use crate::time::Millis;

/// Bytes are gathered for this long before they count as one sample: a single message says
/// nothing about a rate.
const SAMPLE: Duration = Duration::from_millis(250);
/// The weight of a sample halves after about this time.
const MEMORY: Duration = Duration::from_secs(3);

/// A moving average of bytes a second.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    average: Option<f64>,
    sample: Option<(Millis, u64)>,
}

impl Rate {
    /// Notes that `bytes` more were taken. Zero is worth noting too: the average falls.
    pub fn note(&mut self, bytes: u64, now: Millis) {
        let (start, gathered) = self.sample.get_or_insert((now, 0));
        *gathered = gathered.saturating_add(bytes);
        let elapsed = now.since(*start);
        if elapsed < SAMPLE {
            return;
        }
        let seconds = elapsed.as_secs_f64();
        let measured = to_float(*gathered) / seconds;
        self.average = Some(match self.average {
            None => measured,
            Some(average) => {
                let weight = 1.0 - (-seconds / MEMORY.as_secs_f64()).exp();
                average + (measured - average) * weight
            }
        });
        self.sample = Some((now, 0));
    }

    /// Bytes a second; nothing before the first sample.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<u64> {
        self.average.map(to_integer)
    }

    /// How long `bytes` will take; nothing when the rate is unknown or next to zero.
    #[must_use]
    pub fn time_for(&self, bytes: u64) -> Option<Duration> {
        let average = self.average.filter(|average| *average >= 1.0)?;
        Duration::try_from_secs_f64(to_float(bytes) / average).ok()
    }
}

#[expect(clippy::cast_precision_loss, reason = "an average needs no 64 bits")]
fn to_float(bytes: u64) -> f64 {
    bytes as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is never negative, and a float saturates"
)]
fn to_integer(average: f64) -> u64 {
    average.round() as u64
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
    fn unknown_rate_promises_no_time() {
        assert_eq!(Rate::default().time_for(1), None);
    }
}
