//! The dates of `LIST`, in all known orders of their parts.

use std::ops::Range;

use ::time::UtcDateTime;

use super::digits;
use crate::time::{LocalTime, Precision, UtcOffset, date, unix_seconds};

const MONTHS: [&[u8]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

/// The maximum number of years back when a date without a year is completed: a leap day may be that
/// old.
const YEARS_BACK: i64 = 8;

/// Seconds that the server's local time may be ahead of UTC and of our clock: one day.
const MAX_AHEAD: i64 = 86_400;

/// A time, and where it ends in its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) time: Time,
    /// The offset of the first byte behind it.
    pub(super) end: usize,
}

/// A time, with or without its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    Local(LocalTime),
    /// Seconds since 1970-01-01T00:00:00Z.
    Utc(i64),
}

/// A line and the positions of its fields.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    line: &'a [u8],
    ranges: &'a [Range<usize>],
}

/// The positions of the fields between the spaces.
pub(super) fn ranges(line: &[u8]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for (at, byte) in line.iter().chain(b" ").enumerate() {
        if *byte == b' ' {
            if start < at {
                ranges.push(start..at);
            }
            start = at + 1;
        }
    }
    ranges
}

impl<'a> Fields<'a> {
    pub(super) fn new(line: &'a [u8], ranges: &'a [Range<usize>]) -> Self {
        Self { line, ranges }
    }

    pub(super) fn len(self) -> usize {
        self.ranges.len()
    }

    pub(super) fn get(self, at: usize) -> Option<&'a [u8]> {
        self.line.get(self.ranges.get(at)?.clone())
    }

    /// The offset of a field's first byte.
    pub(super) fn start(self, at: usize) -> Option<usize> {
        self.ranges.get(at).map(|range| range.start)
    }

    fn end(self, at: usize) -> Option<usize> {
        self.ranges.get(at).map(|range| range.end)
    }

    /// The date that starts with field `at`, as `ls` writes it.
    pub(super) fn unix_date(self, at: usize, now: i64) -> Option<Date> {
        self.with_month_name(at, now).or_else(|| self.iso(at)).or_else(|| self.short_iso(at, now))
    }

    /// `Jan 31 12:00`, `Jan 31 2025`, and the day before the month.
    fn with_month_name(self, at: usize, now: i64) -> Option<Date> {
        let (one, other) = (self.get(at)?, self.get(at + 1)?);
        let month_day = month(one).zip(day(other)).or_else(|| month(other).zip(day(one)))?;
        self.time_or_year(at + 2, month_day, now)
    }

    /// `01 31 12:00`: numbers only. Columns of numbers look like it, so this is the last resort.
    pub(super) fn numeric_date(self, at: usize, now: i64) -> Option<Date> {
        let month = digits(self.get(at)?).filter(|month| (1..=12).contains(month))?;
        let day = day(self.get(at + 1)?)?;
        clock(self.get(at + 2)?)?;
        self.time_or_year(at + 2, (month, day), now)
    }

    /// `01-31 12:00`, which `ls` writes for recent files.
    fn short_iso(self, at: usize, now: i64) -> Option<Date> {
        let (month, day) = pair(self.get(at)?, b'-')?;
        clock(self.get(at + 1)?)?;
        self.time_or_year(at + 1, (digits(month)?, digits(day)?), now)
    }

    fn time_or_year(self, at: usize, (month, day): (i64, i64), now: i64) -> Option<Date> {
        let field = self.get(at)?;
        let local = match clock(field) {
            Some(clock) => latest(month, day, clock, now)?,
            None if field.len() == 4 => on_day(digits(field)?, month, day)?,
            None => return None,
        };
        Some(Date { time: Time::Local(local), end: self.end(at)? })
    }

    /// `2026-01-31 12:00`, perhaps with seconds, their fraction and the zone; or the day alone.
    fn iso(self, at: usize) -> Option<Date> {
        let (year, month, day) = iso_day(self.get(at)?)?;
        let Some(clock) = self.get(at + 1).and_then(clock) else {
            // `ls` pads a date without a time with a space.
            let end = self.end(at)?;
            let padded = self.line.get(end..end + 2) == Some(b"  ");
            let time = Time::Local(on_day(year, month, day)?);
            return Some(Date { time, end: end + usize::from(padded) });
        };
        let local = at_clock(year, month, day, clock)?;
        match self.get(at + 2).and_then(zone) {
            Some(zone) => {
                Some(Date { time: Time::Utc(zone.to_utc(local)), end: self.end(at + 2)? })
            }
            None => Some(Date { time: Time::Local(local), end: self.end(at + 1)? }),
        }
    }

    /// `01-31-26 12:00PM`, `2026-01-31 12:00`, `31.01.2026 12:00`, as the first two fields.
    pub(super) fn dos_date(self) -> Option<Date> {
        let (year, month, day) = dos_day(self.get(0)?)?;
        let local = at_clock(year, month, day, twelve_hour_clock(self.get(1)?)?)?;
        Some(Date { time: Time::Local(local), end: self.end(1)? })
    }
}

/// A time of day.
#[derive(Clone, Copy)]
struct Clock {
    hour: i64,
    minute: i64,
    second: i64,
    precision: Precision,
}

fn on_day(year: i64, month: i64, day: i64) -> Option<LocalTime> {
    let midnight = Clock { hour: 0, minute: 0, second: 0, precision: Precision::Day };
    at_clock(year, month, day, midnight)
}

fn at_clock(year: i64, month: i64, day: i64, clock: Clock) -> Option<LocalTime> {
    let Clock { hour, minute, second, precision } = clock;
    let seconds = unix_seconds(date(year, month, day)?, hour, minute, second)?;
    Some(LocalTime { seconds, precision })
}

/// The latest such time that is not after `now`.
fn latest(month: i64, day: i64, clock: Clock, now: i64) -> Option<LocalTime> {
    let limit = now.saturating_add(MAX_AHEAD);
    let this_year = i64::from(UtcDateTime::from_unix_timestamp(limit).ok()?.year());
    let years = (this_year - YEARS_BACK..=this_year).rev();
    let moments = years.filter_map(|year| at_clock(year, month, day, clock));
    moments.into_iter().find(|moment| moment.seconds <= limit)
}

/// 1 to 12.
fn month(field: &[u8]) -> Option<i64> {
    let at = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(field))?;
    i64::try_from(at + 1).ok()
}

fn day(field: &[u8]) -> Option<i64> {
    digits(field).filter(|day| (1..=31).contains(day))
}

/// `12:00`, `12:00:30`, `12:00:30.123456789`.
fn clock(field: &[u8]) -> Option<Clock> {
    let (hour, rest) = pair(field, b':')?;
    let whole = rest.split(|&byte| byte == b'.').next()?;
    let (minute, second) = pair(whole, b':').unwrap_or((whole, b""));
    if hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    let (second, precision) = match second {
        b"" => (0, Precision::Minute),
        second => (digits(second)?, Precision::Second),
    };
    Some(Clock { hour: digits(hour)?, minute: digits(minute)?, second, precision })
}

/// A clock that may end with `AM` or `PM`.
fn twelve_hour_clock(field: &[u8]) -> Option<Clock> {
    let upper = field.to_ascii_uppercase();
    let (half, rest) = match upper.as_slice() {
        [rest @ .., b'A', b'M'] => (Some(0), rest),
        [rest @ .., b'P', b'M'] => (Some(12), rest),
        whole => (None, whole),
    };
    let clock = clock(rest)?;
    match half {
        None => Some(clock),
        Some(half) if (1..=12).contains(&clock.hour) => {
            Some(Clock { hour: clock.hour % 12 + half, ..clock })
        }
        Some(_) => None,
    }
}

/// `+0100`.
fn zone(field: &[u8]) -> Option<UtcOffset> {
    let (sign, hours_minutes) = match field {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = hours_minutes.split_at_checked(2)?;
    if minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (i16, i16) = (digits(hours)?, digits(minutes)?);
    UtcOffset::new(sign * (hours * 60 + minutes))
}

/// `2026-01-31`.
fn iso_day(field: &[u8]) -> Option<(i64, i64, i64)> {
    let (year, rest) = pair(field, b'-')?;
    let (month, day) = pair(rest, b'-')?;
    (year.len() == 4).then_some(())?;
    Some((digits(year)?, digits(month)?, digits(day)?))
}

/// The month stands first, except after a year of four digits, and except between dots.
fn dos_day(field: &[u8]) -> Option<(i64, i64, i64)> {
    let separator = *field.iter().find(|byte| b"-/.".contains(byte))?;
    let mut parts = field.split(|&byte| byte == separator);
    let (one, two, three) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    if one.len() == 4 {
        return Some((digits(one)?, digits(two)?, digits(three)?));
    }
    let (month, day) = if separator == b'.' { (two, one) } else { (one, two) };
    Some((full_year(three)?, digits(month)?, digits(day)?))
}

/// Two digits are of the years 1970 to 2069.
fn full_year(field: &[u8]) -> Option<i64> {
    let year: i64 = digits(field)?;
    match field.len() {
        4 => Some(year),
        2 if year < 70 => Some(2000 + year),
        2 => Some(1900 + year),
        _ => None,
    }
}

fn pair(field: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = field.iter().position(|&byte| byte == separator)?;
    Some((&field[..at], &field[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::rfc3339;

    /// 2026-01-31T12:00:00Z.
    const NOW: i64 = 1_769_860_800;

    fn unix(text: &str) -> Option<(String, Precision)> {
        let ranges = ranges(text.as_bytes());
        let date = Fields::new(text.as_bytes(), &ranges).unix_date(0, NOW)?;
        Some(match date.time {
            Time::Local(local) => (rfc3339(local.seconds), local.precision),
            Time::Utc(utc) => (format!("UTC {}", rfc3339(utc)), Precision::Second),
        })
    }

    fn local(text: &str, precision: Precision) -> Option<(String, Precision)> {
        Some((text.to_owned(), precision))
    }

    #[test]
    fn date_without_a_year_is_the_latest_that_is_not_ahead() {
        let minute = |text| local(text, Precision::Minute);
        assert_eq!(unix("Jan 31 12:00"), minute("2026-01-31T12:00:00Z"));
        assert_eq!(unix("Feb  1 11:59"), minute("2026-02-01T11:59:00Z"));
        assert_eq!(unix("Feb  1 12:01"), minute("2025-02-01T12:01:00Z"));
        assert_eq!(unix("Dec 31 23:59"), minute("2025-12-31T23:59:00Z"));
        assert_eq!(unix("Feb 29 08:05"), minute("2024-02-29T08:05:00Z"));
    }

    #[test]
    fn date_with_a_year_is_precise_to_the_day() {
        assert_eq!(unix("Jan 31 2025"), local("2025-01-31T00:00:00Z", Precision::Day));
        assert_eq!(unix("31 jan 2025"), local("2025-01-31T00:00:00Z", Precision::Day));
        assert_eq!(unix("2025-01-31"), local("2025-01-31T00:00:00Z", Precision::Day));
    }

    #[test]
    fn iso_dates_are_read() {
        assert_eq!(unix("2026-01-31 12:00"), local("2026-01-31T12:00:00Z", Precision::Minute));
        assert_eq!(unix("01-31 09:00"), local("2026-01-31T09:00:00Z", Precision::Minute));
        assert_eq!(unix("2026-01-31 12:00:07"), local("2026-01-31T12:00:07Z", Precision::Second));
        assert_eq!(
            unix("2026-01-31 12:00:07.123456789 +0530"),
            Some(("UTC 2026-01-31T06:30:07Z".to_owned(), Precision::Second))
        );
    }

    #[test]
    fn dates_that_do_not_exist_are_none() {
        for text in ["Foo 31 12:00", "Jan 32 12:00", "Feb 30 2025", "Jan 31 25:00", "2026-13-01"] {
            assert_eq!(unix(text), None, "{text}");
        }
    }

    fn dos(text: &str) -> Option<String> {
        let ranges = ranges(text.as_bytes());
        let date = Fields::new(text.as_bytes(), &ranges).dos_date()?;
        match date.time {
            Time::Local(local) => Some(rfc3339(local.seconds)),
            Time::Utc(_) => None,
        }
    }

    #[test]
    fn dos_dates_are_read_in_all_their_forms() {
        for (text, time) in [
            ("01-31-26  12:00PM", "2026-01-31T12:00:00Z"),
            ("01-31-26  12:30AM", "2026-01-31T00:30:00Z"),
            ("01-31-2026  01:05pm", "2026-01-31T13:05:00Z"),
            ("01/31/99  23:05", "1999-01-31T23:05:00Z"),
            ("2026-01-31  12:00AM", "2026-01-31T00:00:00Z"),
            ("2026-01-31  18:30", "2026-01-31T18:30:00Z"),
            ("31.01.2026  18:30", "2026-01-31T18:30:00Z"),
        ] {
            assert_eq!(dos(text).as_deref(), Some(time), "{text}");
        }
        for text in ["01-31-26  13:00PM", "31-01-26 10:00AM", "01-31-026 10:00AM", "1-2 10:00"] {
            assert_eq!(dos(text), None, "{text}");
        }
    }
}
