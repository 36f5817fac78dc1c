//! A server's local time, and its offset from UTC.
//!
//! `LIST` shows local times without the zone (RFC 959 §4.1.3). `MDTM` and `MLST` report UTC (RFC
//! 3659 §2.3). The difference of both for one file is the offset.

use std::fmt;

/// Offsets from UTC are multiples of this, in minutes.
const STEP_MINUTES: i64 = 15;

/// The zones of the world, in minutes east of UTC.
const ZONES: std::ops::RangeInclusive<i64> = -12 * 60..=14 * 60;

/// The tolerance of a pair, in seconds: `LIST` omits seconds, and servers round.
const TOLERANCE: i64 = 90;

/// A time in the server's local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime {
    /// Seconds since 1970-01-01T00:00:00 local time.
    pub seconds: i64,
    /// The precision that the server reported.
    pub precision: Precision,
}

/// How precise a time in a listing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// To the day: the time of day is midnight and has no meaning.
    Day,
    /// To the minute.
    Minute,
    /// To the second.
    Second,
}

/// The offset of a server's local time from UTC, a multiple of 15 minutes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcOffset {
    minutes: i16,
}

impl UtcOffset {
    /// Creates an offset from minutes, positive east of UTC; `None` unless it is a multiple of 15
    /// from -12 to +14 hours.
    #[must_use]
    pub fn new(minutes: i16) -> Option<Self> {
        let wide = i64::from(minutes);
        (ZONES.contains(&wide) && wide % STEP_MINUTES == 0).then_some(Self { minutes })
    }

    /// The offset in minutes.
    #[must_use]
    pub fn minutes(self) -> i16 {
        self.minutes
    }

    /// Converts a local time to seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn to_utc(self, local: LocalTime) -> i64 {
        local.seconds.saturating_sub(i64::from(self.minutes) * 60)
    }

    /// Determines the offset from pairs of the same file's local time from `LIST` and its UTC time
    /// from `MDTM` or `MLST`, in seconds since 1970-01-01T00:00:00Z. The most frequent offset wins.
    ///
    /// `None` where no pair is usable: a time to the day is not, nor is a pair that is far from a
    /// multiple of 15 minutes, since then the two times differ for another reason. `None` also for
    /// a tie.
    ///
    /// A server with daylight saving time has two offsets. The one of the pairs is used for all
    /// files, so times of the other half of the year may be off by one hour.
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
