//! When a certificate is renewed, and when a failed order is tried again.

use std::time::{Duration, SystemTime};

use super::certificate::Validity;

/// The remaining time below which the log warns, unless the certificate is short-lived.
const WARN_BELOW: Duration = Duration::from_secs(14 * 24 * 3600);

/// The least and the greatest time until the authority is asked for advice again, whatever it wishes
/// (RFC 9773 §4.3.1).
const ADVICE_INTERVALS: (Duration, Duration) =
    (Duration::from_secs(60), Duration::from_secs(24 * 3600));

/// Returns after what time the authority is asked for advice again, by what it wishes.
pub(super) fn advice_interval(wished: Duration) -> Duration {
    wished.clamp(ADVICE_INTERVALS.0, ADVICE_INTERVALS.1)
}

/// Returns the time of a renewal without advice of the authority: after two thirds of the validity.
pub(super) fn after_two_thirds(validity: Validity) -> SystemTime {
    validity.start + validity.length() * 2 / 3
}

/// Returns a moment of the window that the authority suggests, by a number from 0 to 1 (RFC 9773 §4.2).
pub(super) fn within(start: SystemTime, end: SystemTime, random: f64) -> SystemTime {
    let length = end.duration_since(start).unwrap_or_default();
    start + length.mul_f64(random.clamp(0.0, 1.0))
}

/// Returns whether so little time is left that people should look: 14 days, or a sixth of the validity of
/// a short-lived certificate, which is renewed later.
pub(super) fn is_urgent(validity: Validity, now: SystemTime) -> bool {
    let left = validity.end.duration_since(now).unwrap_or_default();
    left < WARN_BELOW.min(validity.length() / 6)
}

/// The waits after failed orders: each is twice as long as the one before.
#[derive(Debug)]
pub(super) struct RetryPauses {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl RetryPauses {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first.min(longest) }
    }

    /// Returns the wait after one more failure.
    pub(super) fn failed(&mut self) -> Duration {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.longest);
        wait
    }

    /// Begins anew after a success.
    pub(super) fn succeeded(&mut self) {
        self.next = self.first.min(self.longest);
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn validity(days: u32) -> Validity {
        Validity { start: UNIX_EPOCH, end: UNIX_EPOCH + DAY * days }
    }

    #[test]
    fn a_certificate_is_renewed_after_two_thirds_of_its_validity() {
        assert_eq!(after_two_thirds(validity(90)), UNIX_EPOCH + DAY * 60);
        assert_eq!(after_two_thirds(validity(6)), UNIX_EPOCH + DAY * 4);
    }

    #[test]
    fn the_authoritys_window_is_used_from_its_start_to_its_end() {
        let (start, end) = (UNIX_EPOCH + DAY, UNIX_EPOCH + DAY * 3);
        assert_eq!(within(start, end, 0.0), start);
        assert_eq!(within(start, end, 0.5), UNIX_EPOCH + DAY * 2);
        assert_eq!(within(start, end, 1.0), end);
        assert_eq!(within(end, start, 0.5), end, "a window that ends before it starts");
    }

    #[test]
    fn the_authority_is_asked_for_advice_neither_all_the_time_nor_never() {
        let interval = |seconds| advice_interval(Duration::from_secs(seconds)).as_secs();
        assert_eq!([0, 21_600, u64::MAX].map(interval), [60, 21_600, 86_400]);
    }

    #[test]
    fn the_log_warns_two_weeks_before_the_end_and_later_for_short_lived_certificates() {
        let is_urgent_with =
            |validity: Validity, left: u32| is_urgent(validity, validity.end - DAY * left);
        assert!(!is_urgent_with(validity(90), 15) && is_urgent_with(validity(90), 13));
        // It is renewed when two of its six days are left.
        assert!(!is_urgent_with(validity(6), 2) && is_urgent_with(validity(6), 0));
    }

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let mut pauses = RetryPauses::new(Duration::from_secs(60), Duration::from_secs(200));
        let waits = [(); 4].map(|()| pauses.failed().as_secs());
        assert_eq!(waits, [60, 120, 200, 200]);
        pauses.succeeded();
        assert_eq!(pauses.failed().as_secs(), 60);
    }
}
