//! The dates of `LIST`, in all known orders of their parts.

use std::ops::Range;

use ::time::UtcDateTime;

use super::digits;
use super::month;
use crate::time::{LocalTime, Precision, UtcOffset, date, unix_seconds};

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
    /// It can be read in more than one way.
    Ambiguous,
}

/// A line and the positions of its fields.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    line: &'a [u8],
    ranges: &'a [Range<usize>],
}

/// The positions of the fields between spaces and tabs.
pub(super) fn ranges(line: &[u8]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for (at, byte) in line.iter().chain(b" ").enumerate() {
        if matches!(byte, b' ' | b'\t') {
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

    pub(super) fn end(self, at: usize) -> Option<usize> {
        self.ranges.get(at).map(|range| range.end)
    }

    /// The number of spaces before a field.
    fn gap_before(self, at: usize) -> usize {
        let end_of_last = at.checked_sub(1).and_then(|last| self.end(last)).unwrap_or_default();
        self.start(at).map_or(0, |start| start - end_of_last)
    }

    /// The date that starts with field `at`, as `ls` writes it.
    pub(super) fn unix_date(self, at: usize, now: i64) -> Option<Date> {
        self.with_month_name(at, now).or_else(|| self.iso(at)).or_else(|| self.short_iso(at, now))
    }

    /// `Jan 31 12:00`, `Jan 31 2025`, and the day before the month, which may end with a dot.
    fn with_month_name(self, at: usize, now: i64) -> Option<Date> {
        let (one, other) = (self.get(at)?, self.get(at + 1)?);
        let month = month::number;
        let month_day = month(one).zip(day(other)).or_else(|| month(other).zip(day(one)))?;
        self.time_or_year(at + 2, month_day, now)
    }

    /// A month in an unknown language: a word, a day and a clock, in either order of the first two.
    pub(super) fn unknown_month_date(self, at: usize) -> Option<Date> {
        let (one, other) = (self.get(at)?, self.get(at + 1)?);
        let is_word = month::is_word;
        let is_date =
            (is_word(one) && day(other).is_some()) || (day(one).is_some() && is_word(other));
        clock(self.get(at + 2)?)?;
        is_date.then_some(Date { time: Time::Ambiguous, end: self.end(at + 2)? })
    }

    /// `31-01-26 12:00`, with the parts in any order.
    pub(super) fn short_date(self, at: usize, now: i64) -> Option<Date> {
        let day = self.get(at).and_then(NumericDay::parse)?;
        let clock = clock(self.get(at + 1)?)?;
        Some(Date { time: day.at(clock, now), end: self.end(at + 1)? })
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
        if let Some(clock) = clock(field) {
            let time = Time::Local(latest(month, day, clock, now)?);
            return Some(Date { time, end: self.end(at)? });
        }
        let year = digits(field).filter(|_| field.len() == 4)?;
        // `ls` writes two spaces before a year, and no time after it.
        let clock = self.get(at + 1).and_then(clock).filter(|_| self.gap_before(at) == 1);
        let (time, last) = match clock {
            Some(clock) => (at_clock(year, month, day, clock)?, at + 1),
            None => (on_day(year, month, day)?, at),
        };
        Some(Date { time: Time::Local(time), end: self.end(last)? })
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
    pub(super) fn dos_date(self, now: i64) -> Option<Date> {
        let (day, clock) = (NumericDay::parse(self.get(0)?)?, self.get(1)?);
        let is_american = clock.to_ascii_uppercase().ends_with(b"M");
        let clock = twelve_hour_clock(clock)?;
        let american = if is_american { day.american(clock) } else { None };
        let time = american.map_or_else(|| day.at(clock, now), Time::Local);
        Some(Date { time, end: self.end(1)? })
    }

    /// `31-JAN-2026 12:00`, perhaps with seconds and their fraction, as VMS writes it.
    pub(super) fn vms_date(self, at: usize) -> Option<Date> {
        let (day_of_month, rest) = pair(self.get(at)?, b'-')?;
        let (month, year) = pair(rest, b'-')?;
        let (month, year) = (month::number(month)?, digits(year).filter(|_| year.len() == 4)?);
        let time = at_clock(year, month, day(day_of_month)?, clock(self.get(at + 1)?)?)?;
        Some(Date { time: Time::Local(time), end: self.end(at + 1)? })
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

/// `31`, `31.`, `31日`.
fn day(field: &[u8]) -> Option<i64> {
    let number = field.strip_suffix(b".").unwrap_or_else(|| month::without_sign(field));
    digits(number).filter(|day| (1..=31).contains(day))
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

/// A day of three numbers, `31-01-26`, whose order is not told.
#[derive(Clone, Copy)]
struct NumericDay<'a> {
    separator: u8,
    parts: [&'a [u8]; 3],
}

impl<'a> NumericDay<'a> {
    fn parse(field: &'a [u8]) -> Option<Self> {
        let separator = *field.iter().find(|byte| b"-/.".contains(byte))?;
        let mut parts = field.split(|&byte| byte == separator);
        let parts = [parts.next()?, parts.next()?, parts.next()?];
        let is_number = |part: &&[u8]| part.len() <= 4 && digits::<i64>(part).is_some();
        let is_day =
            field.split(|&byte| byte == separator).count() == 3 && parts.iter().all(is_number);
        is_day.then_some(Self { separator, parts })
    }

    /// Year, month and day of every order in which the numbers are a day. Between dots the day stands
    /// first, and a year of four digits tells its place.
    fn readings(self) -> impl Iterator<Item = (i64, i64, i64)> {
        let [one, two, three] = self.parts;
        let orders = match self.separator {
            b'.' if three.len() == 4 || one.len() != 4 => [Some([three, two, one]), None, None],
            _ if one.len() == 4 => [Some([one, two, three]), None, None],
            _ if three.len() == 4 => [Some([three, one, two]), Some([three, two, one]), None],
            _ => [Some([three, one, two]), Some([three, two, one]), Some([one, two, three])],
        };
        orders.into_iter().flatten().filter_map(|[year, month, day]| {
            let read = (full_year(year)?, digits(month)?, digits(day)?);
            date(read.0, read.1, read.2).map(|_| read)
        })
    }

    /// The month first, as IIS writes it beside `AM` and `PM`.
    fn american(self, clock: Clock) -> Option<LocalTime> {
        let [month, day, year] = self.parts;
        let is_possible = self.separator != b'.' && month.len() <= 2;
        let read =
            is_possible.then(|| Some((full_year(year)?, digits(month)?, digits(day)?)))??;
        at_clock(read.0, read.1, read.2, clock)
    }

    /// The time if only one order of the numbers is possible, or only one is not ahead of `now`.
    fn at(self, clock: Clock, now: i64) -> Time {
        let times = self.readings();
        let times = times.filter_map(|(year, month, day)| at_clock(year, month, day, clock));
        let mut times: Vec<_> = times.collect();
        times.dedup();
        if times.len() > 1 {
            let limit = now.saturating_add(MAX_AHEAD);
            times.retain(|time| time.seconds <= limit);
        }
        match times.as_slice() {
            [only] => Time::Local(*only),
            _ => Time::Ambiguous,
        }
    }
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
            Time::Ambiguous => return None,
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
        let date = Fields::new(text.as_bytes(), &ranges).dos_date(NOW)?;
        match date.time {
            Time::Local(local) => Some(rfc3339(local.seconds)),
            Time::Utc(_) | Time::Ambiguous => None,
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
            ("31-01-26  10:00AM", "2026-01-31T10:00:00Z"),
            ("31-01-26  18:30", "2026-01-31T18:30:00Z"),
            ("26-01-31  12:30", "2026-01-31T12:30:00Z"),
        ] {
            assert_eq!(dos(text).as_deref(), Some(time), "{text}");
        }
        for text in ["01-31-26  13:00PM", "01-31-026 10:00AM", "1-2 10:00", "02-01-26 10:00"] {
            assert_eq!(dos(text), None, "{text}");
        }
    }
}
