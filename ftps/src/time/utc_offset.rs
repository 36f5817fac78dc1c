//! The server's own time, and how far it is from UTC.
//!
//! `LIST` tells times in the server's own zone and does not say which (RFC 959 §4.1.3). `MDTM` and
//! `MLST` tell them for UTC (RFC 3659 §2.3). One file that both were asked about gives the offset.

use std::fmt;

/// The steps in which zones differ from UTC, in minutes.
const STEP_MINUTES: i64 = 15;

/// The zones of the world, in minutes east of UTC.
const ZONES: std::ops::RangeInclusive<i64> = -12 * 60..=14 * 60;

/// How far a pair may be off a step, in seconds: `LIST` leaves the seconds out, and servers round.
const TOLERANCE: i64 = 90;

/// A moment in the server's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime {
    /// Seconds since 1970-01-01T00:00:00 of the server's own time.
    pub seconds: i64,
    /// How much of it the server said.
    pub precision: Precision,
}

/// How precise a time in a listing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// To the day: the time of day is midnight and means nothing.
    Day,
    /// To the minute.
    Minute,
    /// To the second.
    Second,
}

/// How far a server's own time is ahead of UTC: whole quarters of an hour.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcOffset {
    minutes: i16,
}

impl UtcOffset {
    /// An offset in minutes, east of UTC positive; `None` unless it is whole quarters of an hour
    /// from -12 to +14 hours.
    #[must_use]
    pub fn new(minutes: i16) -> Option<Self> {
        let wide = i64::from(minutes);
        (ZONES.contains(&wide) && wide % STEP_MINUTES == 0).then_some(Self { minutes })
    }

    /// Minutes that the server's own time is ahead of UTC.
    #[must_use]
    pub fn minutes(self) -> i16 {
        self.minutes
    }

    /// Seconds since 1970-01-01T00:00:00Z of a moment in the server's own time.
    #[must_use]
    pub fn to_utc(self, local: LocalTime) -> i64 {
        local.seconds.saturating_sub(i64::from(self.minutes) * 60)
    }

    /// The offset that most of the pairs show, each a time from `LIST` and the same file's time
    /// from `MDTM` or `MLST` in seconds since 1970-01-01T00:00:00Z.
    ///
    /// `None` where no pair is of use: a time that is precise to the day says nothing, nor does a
    /// pair that is far off a quarter of an hour, since then the server does not tell one time in
    /// both ways. `None`, too, where two offsets are shown equally often.
    ///
    /// A server whose own time changes twice a year has two offsets; that of the pairs is taken for
    /// all of its files, so those of the other half of the year may be told an hour off.
    #[must_use]
    pub fn of_pairs(pairs: impl IntoIterator<Item = (LocalTime, i64)>) -> Option<Self> {
        let mut counts = std::collections::BTreeMap::<Self, u32>::new();
        for (local, utc) in pairs {
            if let Some(offset) = Self::of_pair(local, utc) {
                *counts.entry(offset).or_default() += 1;
            }
        }
        let most = counts.values().copied().max()?;
        let mut winners = counts.into_iter().filter(|(_, count)| *count == most);
        match (winners.next(), winners.next()) {
            (Some((offset, _)), None) => Some(offset),
            _ => None,
        }
    }

    fn of_pair(local: LocalTime, utc: i64) -> Option<Self> {
        if local.precision == Precision::Day {
            return None;
        }
        let step = STEP_MINUTES * 60;
        let ahead = local.seconds.checked_sub(utc)?;
        let steps = ahead.checked_add(step / 2)?.div_euclid(step);
        let is_near = (ahead - steps * step).abs() <= TOLERANCE;
        let minutes = i16::try_from(steps.checked_mul(STEP_MINUTES)?).ok()?;
        Self::new(minutes).filter(|_| is_near)
    }
}

/// `+05:45`.
impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minutes < 0 { '-' } else { '+' };
        let minutes = self.minutes.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl fmt::Debug for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UtcOffset({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minute(seconds: i64) -> LocalTime {
        LocalTime { seconds, precision: Precision::Minute }
    }

    #[test]
    fn offset_is_rounded_to_a_quarter_of_an_hour() {
        // 12:00:59 UTC listed as 17:45 in Kathmandu.
        let utc = 1_769_860_859;
        let offset = UtcOffset::of_pairs([(minute(1_769_860_800 + 20_700), utc)]).unwrap();
        assert_eq!((offset.minutes(), offset.to_string().as_str()), (345, "+05:45"));
        assert_eq!(UtcOffset::new(-210).unwrap().to_string(), "-03:30");
    }

    #[test]
    fn what_says_nothing_about_the_offset_gives_none() {
        let utc = 1_769_860_800;
        let day = LocalTime { seconds: utc, precision: Precision::Day };
        assert_eq!(UtcOffset::of_pairs([(day, utc)]), None);
        assert_eq!(UtcOffset::of_pairs([(minute(utc + 400), utc)]), None);
        assert_eq!(UtcOffset::of_pairs([(minute(utc + 15 * 3600), utc)]), None);
        assert_eq!(UtcOffset::of_pairs([(minute(i64::MAX), i64::MIN)]), None);
        assert_eq!(UtcOffset::of_pairs([]), None);
    }

    #[test]
    fn offset_that_most_pairs_show_is_taken() {
        let pair = |hours: i64| (minute(hours * 3600), 0);
        assert_eq!(UtcOffset::of_pairs([pair(2), pair(1), pair(2)]), UtcOffset::new(120));
        assert_eq!(UtcOffset::of_pairs([pair(2), pair(1)]), None);
    }

    proptest! {
        #[test]
        fn every_offset_is_found_again(
            quarters in -48..=56_i16, utc in 0..4_000_000_000_i64, seconds_are_listed: bool,
        ) {
            let offset = UtcOffset::new(quarters * 15).unwrap();
            let seconds = utc + i64::from(offset.minutes()) * 60;
            let local = if seconds_are_listed {
                LocalTime { seconds, precision: Precision::Second }
            } else {
                minute(seconds - seconds.rem_euclid(60))
            };
            prop_assert_eq!(UtcOffset::of_pairs([(local, utc)]), Some(offset));
            prop_assert!(utc - offset.to_utc(local) < 60);
        }
    }
}
