//! Dates and times of the proleptic Gregorian calendar, in UTC. Reads no clock.

use std::fmt;

mod utc_offset;

pub use utc_offset::{LocalTime, Precision, UtcOffset};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A date and a time of day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: i64,
    /// 1 to 31.
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Civil {
    /// Seconds since 1970-01-01T00:00:00Z; `None` when there is no such date or time.
    pub(crate) fn to_unix(self) -> Option<i64> {
        let in_range = (0..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=31).contains(&self.day)
            && (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..=60).contains(&self.second);
        if !in_range {
            return None;
        }
        let seconds = self.hour * 3600 + self.minute * 60 + self.second;
        let unix = days_from_civil(self.year, self.month, self.day) * DAY + seconds;
        // A 31 June would have become a 1 July.
        (Self::from_unix(unix - seconds).day == self.day).then_some(unix)
    }

    /// The date and time of seconds since 1970-01-01T00:00:00Z.
    pub(crate) fn from_unix(unix: i64) -> Self {
        let (year, month, day) = civil_from_days(unix.div_euclid(DAY));
        let seconds = unix.rem_euclid(DAY);
        Self {
            year,
            month,
            day,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }

    /// RFC 3339, `2026-01-31T12:00:00Z`.
    pub(crate) fn rfc3339(self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// A time in the format of `MFMT` and `MDTM`, UTC, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(Civil);

impl Timestamp {
    /// Truncates milliseconds since 1970-01-01T00:00:00Z to the second; `None` outside of the years
    /// 0 to 9999, which have no four digits.
    #[must_use]
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        let civil = Civil::from_unix(millis.div_euclid(1000));
        (0..=9999).contains(&civil.year).then_some(Self(civil))
    }
}

/// `20260131120000` (RFC 3659 §2.3).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second } = self.0;
        write!(f, "{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
    }
}

/// Days since 1970-01-01. A year is counted from March, so that the leap day is its last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments() {
        assert_eq!(Civil::from_unix(0).rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(Civil::from_unix(951_782_400).rfc3339(), "2000-02-29T00:00:00Z");
        assert_eq!(Civil::from_unix(-1).rfc3339(), "1969-12-31T23:59:59Z");
        assert_eq!(Civil::from_unix(4_102_444_800).rfc3339(), "2100-01-01T00:00:00Z");
    }

    #[test]
    fn timestamp_has_fourteen_digits() {
        let text = |millis| Timestamp::from_unix_millis(millis).map(|time| time.to_string());
        assert_eq!(text(1_769_860_800_999).as_deref(), Some("20260131120000"));
        assert_eq!(text(-1).as_deref(), Some("19691231235959"));
        assert_eq!(text(i64::MAX), None);
        assert_eq!(text(i64::MIN), None);
    }

    #[test]
    fn days_that_do_not_exist_are_none() {
        let day = |year, month, day| Civil { year, month, day, hour: 0, minute: 0, second: 0 };
        assert_eq!(day(2100, 2, 29).to_unix(), None);
        assert_eq!(day(2026, 6, 31).to_unix(), None);
        assert_eq!(day(2026, 13, 1).to_unix(), None);
        assert!(day(2000, 2, 29).to_unix().is_some());
    }

    proptest! {
        #[test]
        fn seconds_come_back(unix in 0..253_402_300_799_i64) {
            prop_assert_eq!(Civil::from_unix(unix).to_unix(), Some(unix));
        }
    }
}
