//! Decides how many sessions are open: one more as long as that raises the throughput. Reads no
//! clock.

use tokio::time::Instant;

use crate::config::Sessions;

/// The bytes that a file counts in addition to its content: the cost of its round trips.
const FILE_BYTES: u64 = 256 * 1024;

/// The factor by which one session more has to raise the throughput; less is noise.
const MIN_GAIN: f64 = 1.1;

/// After a session that did not help, no other is tried for this many windows.
const HOLD_WINDOWS: u32 = 10;

/// The number of sessions, and the measurements that decide it.
#[derive(Debug)]
pub(super) struct Growth {
    sessions: Sessions,
    allowed: u32,
    /// The server's session limit, where it is known; else the configured maximum.
    ceiling: u32,
    /// When the ceiling was last lowered or raised.
    ceiling_since: Instant,
    window: Window,
    /// The throughput before the last session was added, in bytes a second.
    rate_before: Option<f64>,
    hold: u32,
}

/// What was transferred since when.
#[derive(Clone, Copy, Debug)]
struct Window {
    start: Instant,
    worth: u64,
    /// Whether all sessions were in use all the time.
    was_full: bool,
}

impl Growth {
    pub(super) fn new(sessions: Sessions, known: Option<u32>, now: Instant) -> Self {
        let ceiling = known.unwrap_or(sessions.max).clamp(1, sessions.max.max(1));
        Self {
            sessions,
            allowed: sessions.start.clamp(1, ceiling),
            ceiling,
            ceiling_since: now,
            window: Window { start: now, worth: 0, was_full: true },
            rate_before: None,
            hold: 0,
        }
    }

    pub(super) fn allowed(&self) -> u32 {
        self.allowed
    }

    /// The most that can be allowed, as far as is known.
    pub(super) fn ceiling(&self) -> u32 {
        self.ceiling
    }

    /// The number with one session more for requests, where the server is not known to refuse it.
    pub(super) fn with_request(&self) -> u32 {
        let is_limited = self.ceiling < self.sessions.max;
        let most = if is_limited { self.ceiling } else { self.sessions.max + 1 };
        (self.allowed + 1).min(most)
    }

    /// Notes that the server refused a session beyond `session_limit`.
    pub(super) fn refused(&mut self, session_limit: u32, now: Instant) {
        self.ceiling_since = now;
        self.ceiling = session_limit.clamp(1, self.ceiling);
        self.allowed = self.allowed.min(self.ceiling);
        self.rate_before = None;
    }

    /// Takes the totals so far into account, and adds or removes a session.
    pub(super) fn observe(&mut self, now: Instant, bytes: u64, files: u64, is_full: bool) {
        self.raise_old_ceiling(now);
        let worth = bytes.saturating_add(files.saturating_mul(FILE_BYTES));
        self.window.was_full &= is_full;
        let elapsed = now.saturating_duration_since(self.window.start);
        if elapsed < self.sessions.window {
            return;
        }
        let brought = worth.saturating_sub(self.window.worth);
        let was_full = self.window.was_full;
        self.window = Window { start: now, worth, was_full: true };
        match (was_full, brought) {
            // Every session is leased but idle: allow one more.
            (true, 0) => {
                self.allowed = (self.allowed + 1).min(self.ceiling);
                self.rate_before = None;
            }
            (true, _) => self.compare_rate(brought as f64 / elapsed.as_secs_f64()),
            // Where sessions were idle, their number did not limit the throughput.
            (false, _) => self.rate_before = None,
        }
    }

    /// Raises an old ceiling by one: other clients may have logged out meanwhile.
    fn raise_old_ceiling(&mut self, now: Instant) {
        let is_old = now.saturating_duration_since(self.ceiling_since) >= self.sessions.recheck;
        if is_old && self.ceiling < self.sessions.max {
            self.ceiling += 1;
            self.ceiling_since = now;
        }
    }

    fn compare_rate(&mut self, rate: f64) {
        if let Some(rate_before) = self.rate_before.take()
            && rate < rate_before * MIN_GAIN
        {
            self.allowed = self.allowed.saturating_sub(1).max(1);
            self.hold = HOLD_WINDOWS;
            return;
        }
        if self.hold > 0 {
            self.hold -= 1;
        } else if self.allowed < self.ceiling {
            self.allowed += 1;
            self.rate_before = Some(rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(1);

    const RECHECK: Duration = Duration::from_secs(60);

    struct Trial {
        growth: Growth,
        now: Instant,
        bytes: u64,
    }

    impl Trial {
        fn new(start: u32, max: u32) -> Self {
            let now = Instant::now();
            let sessions = Sessions { start, max, window: WINDOW, recheck: RECHECK };
            Self { growth: Growth::new(sessions, None, now), now, bytes: 0 }
        }

        /// One window in which so many bytes are transferred.
        fn window_of(&mut self, bytes: u64) -> u32 {
            self.now += WINDOW;
            self.bytes += bytes;
            self.growth.observe(self.now, self.bytes, 0, true);
            self.growth.allowed()
        }
    }

    #[test]
    fn number_grows_while_the_throughput_does() {
        let mut trial = Trial::new(1, 4);
        assert_eq!(trial.window_of(1000), 2);
        assert_eq!(trial.window_of(2000), 3);
        assert_eq!(trial.window_of(3000), 4);
        assert_eq!(trial.window_of(4000), 4);
    }

    #[test]
    fn session_that_brings_nothing_is_taken_back_for_a_while() {
        let mut trial = Trial::new(2, 8);
        assert_eq!(trial.window_of(1000), 3);
        assert_eq!(trial.window_of(1050), 2);
        for _ in 0..HOLD_WINDOWS {
            assert_eq!(trial.window_of(1000), 2);
        }
        assert_eq!(trial.window_of(1000), 3);
    }

    #[test]
    fn idle_sessions_are_no_reason_to_grow() {
        let mut trial = Trial::new(2, 8);
        trial.now += WINDOW;
        trial.growth.observe(trial.now, 1000, 1, false);
        assert_eq!(trial.growth.allowed(), 2);
        trial.now += WINDOW;
        trial.growth.observe(trial.now, 1000, 1, false);
        assert_eq!(trial.growth.allowed(), 2);
    }

    #[test]
    fn refusal_is_the_ceiling() {
        let mut trial = Trial::new(4, 8);
        assert_eq!(trial.growth.with_request(), 5);
        trial.growth.refused(2, trial.now);
        assert_eq!((trial.growth.allowed(), trial.growth.with_request()), (2, 2));
        assert_eq!(trial.window_of(1000), 2);
        trial.growth.refused(1, trial.now);
        assert_eq!(trial.growth.allowed(), 1);
        // Not for good: other clients may have logged out.
        trial.now += RECHECK;
        assert_eq!(trial.window_of(1000), 2);
    }

    #[test]
    fn uploads_that_stand_still_keep_no_others_waiting() {
        let mut trial = Trial::new(2, 4);
        assert_eq!(trial.window_of(0), 3);
        assert_eq!(trial.window_of(0), 4);
        assert_eq!(trial.window_of(0), 4);
    }

    #[test]
    fn what_is_known_of_the_host_is_the_ceiling_from_the_start() {
        let sessions = Sessions { start: 4, max: 8, window: WINDOW, recheck: RECHECK };
        let growth = Growth::new(sessions, Some(2), Instant::now());
        assert_eq!(growth.allowed(), 2);
    }
}
