//! Log lines that strangers can cause: at most one of a kind a minute.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::locking::lock;

/// The least time between two lines of one kind.
const INTERVAL: Duration = Duration::from_secs(60);

/// The most characters of a stranger's text in a line.
const MAX_TEXT_CHARS: usize = 100;

/// One kind of log line, which is written at most once in an interval.
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    /// Occasions since then without a line.
    suppressed: u64,
}

impl LogThrottle {
    /// Counts an occasion. Returns the number of earlier ones without a line, when a line is due.
    pub fn admit(&self) -> Option<u64> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Option<u64> {
        let mut state = lock(&self.0);
        let is_due = state.last.is_none_or(|last| now.duration_since(last) >= INTERVAL);
        if !is_due {
            state.suppressed += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.suppressed))
    }
}

/// Cuts a stranger's text to the length that a log line or a message may have of it.
#[must_use]
pub fn cut(text: &str) -> String {
    let mut chars = text.chars();
    let mut cut: String = chars.by_ref().take(MAX_TEXT_CHARS).collect();
    if chars.next().is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_written_once_a_minute_with_the_count_of_the_others() {
        let throttle = LogThrottle::default();
        let start = Instant::now();
        assert_eq!(throttle.admit_at(start), Some(0));
        for _ in 0..1000 {
            assert_eq!(throttle.admit_at(start + INTERVAL / 2), None);
        }
        assert_eq!(throttle.admit_at(start + INTERVAL), Some(1000));
        assert_eq!(throttle.admit_at(start + INTERVAL), None);
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(cut("https://example.org"), "https://example.org");
        assert_eq!(cut(&"ü".repeat(8000)).chars().count(), MAX_TEXT_CHARS + 1);
    }
}
