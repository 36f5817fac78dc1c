//! Dates and times, in UTC and in a server's local time. Reads no clock.
//!
//! The calendar is that of the crate `time`; this module has its conversions from and to the formats
//! of FTP.

use std::fmt;

use ::time::{Date, Month, Time, UtcDateTime};

mod utc_offset;

pub use utc_offset::{LocalTime, Precision, UtcOffset};

/// Returns a date of the years 0 to 9999; `None` where the calendar has no such day.
pub(crate) fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    let year = i32::try_from(year).ok().filter(|year| (0..=9999).contains(year))?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()
}

/// Returns seconds since 1970-01-01T00:00:00 for a date and a time of the same zone; `None` where no
/// clock shows that time. A leap second (`:60`) counts as the first second of the next minute.
pub(crate) fn unix_seconds(date: Date, hour: i64, minute: i64, second: i64) -> Option<i64> {
    let leap = i64::from(second == 60);
    let part = |value: i64| u8::try_from(value).ok();
    let time = Time::from_hms(part(hour)?, part(minute)?, part(second - leap)?).ok()?;
    Some(UtcDateTime::new(date, time).unix_timestamp() + leap)
}

/// Formats seconds since 1970-01-01T00:00:00Z as in RFC 3339, `2026-01-31T12:00:00Z`.
///
/// A time that the calendar does not have is replaced by its first or last one.
pub(crate) fn rfc3339(unix: i64) -> String {
    let limit = if unix < 0 { UtcDateTime::MIN } else { UtcDateTime::MAX };
    let at = UtcDateTime::from_unix_timestamp(unix).unwrap_or(limit);
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.as_hms();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}

/// A time in the format of `MFMT` and `MDTM`, UTC, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(UtcDateTime);

impl Timestamp {
    /// Truncates milliseconds since 1970-01-01T00:00:00Z to the second; `None` outside of the years
    /// 0 to 9999, which have no four digits.
    #[must_use]
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        let time = UtcDateTime::from_unix_timestamp(millis.div_euclid(1000)).ok()?;
        (0..=9999).contains(&time.year()).then_some(Self(time))
    }
}

/// `20260131120000` (RFC 3659 §2.3).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        let (hour, minute, second) = self.0.as_hms();
        write!(f, "{year:04}{:02}{day:02}{hour:02}{minute:02}{second:02}", u8::from(month))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
        assert_eq!(rfc3339(4_102_444_800), "2100-01-01T00:00:00Z");
        assert_eq!(rfc3339(i64::MAX), "9999-12-31T23:59:59Z");
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
    fn days_and_times_that_do_not_exist_are_none() {
        assert_eq!(date(2100, 2, 29), None);
        assert_eq!(date(2026, 6, 31), None);
        assert_eq!(date(2026, 13, 1), None);
        assert_eq!(date(10_000, 1, 1), None);
        let day = date(2000, 2, 29).unwrap();
        assert_eq!(unix_seconds(day, 24, 0, 0), None);
        assert_eq!(unix_seconds(day, 23, 60, 0), None);
        assert_eq!(unix_seconds(day, 23, 59, 61), None);
    }

    #[test]
    fn leap_second_is_the_first_second_of_the_next_minute() {
        let day = date(2016, 12, 31).unwrap();
        assert_eq!(unix_seconds(day, 23, 59, 60).map(rfc3339).unwrap(), "2017-01-01T00:00:00Z");
    }

    proptest! {
        #[test]
        fn seconds_come_back(unix in 0..253_402_300_799_i64) {
            let text = rfc3339(unix);
            let part = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
            let day = date(part(0..4), part(5..7), part(8..10)).unwrap();
            prop_assert_eq!(unix_seconds(day, part(11..13), part(14..16), part(17..19)), Some(unix));
        }
    }
}
