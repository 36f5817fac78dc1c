//! The last lines of the session log, which outlive the socket.

use std::{
    collections::VecDeque,
    time::{SystemTime, UNIX_EPOCH},
};

use protocol::server::{LogKind, LogLine};

use crate::relay::{Budget, Reservation};

/// The approximate memory of a line besides its text, in bytes.
const LINE_OVERHEAD: usize = size_of::<LogLine>();

/// The bytes of a log that the budget of all sessions does not count.
pub(super) const OWN_SHARE: usize = 32 * 1024;

/// The bytes of log lines in one message; a longer line has a message of its own.
const MESSAGE_BYTES: usize = 64 * 1024;

/// The bytes that a longer log reserves at a time.
const STEP_BYTES: u64 = 32 * 1024;

/// The most that is kept of a log.
#[derive(Clone, Copy, Debug)]
pub struct LogLimits {
    /// Lines.
    pub lines: usize,
    /// Bytes of all lines together.
    pub bytes: usize,
}

/// A log line without its sequence number and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingLine {
    /// The number of the FTPS session that the line belongs to.
    pub connection: Option<u32>,
    /// The number of its explanation: [`ftps::Explanation::number`].
    pub explanation: Option<u16>,
    /// The kind of line.
    pub kind: LogKind,
    /// The text.
    pub text: String,
}

impl OutgoingLine {
    /// Creates a line of the portal, without an explanation.
    #[must_use]
    pub fn plain(kind: LogKind, text: impl Into<String>) -> Self {
        Self { connection: None, explanation: None, kind, text: text.into() }
    }
}

/// The last lines of a session's log. The oldest are dropped; the gap in the sequence numbers shows
/// it.
#[derive(Debug)]
pub(super) struct Log {
    limits: LogLimits,
    budget: Budget,
    /// What the lines take of the budget, beyond [`OWN_SHARE`].
    reservation: Reservation,
    lines: VecDeque<LogLine>,
    bytes: usize,
    next_seq: u64,
    /// The sequence number of the first line that was not written to this socket.
    unwritten: u64,
}

impl Log {
    /// Creates an empty log.
    #[must_use]
    pub(super) fn new(limits: LogLimits, budget: Budget) -> Self {
        Self {
            limits,
            budget,
            reservation: Reservation::default(),
            lines: VecDeque::new(),
            bytes: 0,
            next_seq: 0,
            unwritten: 0,
        }
    }

    /// Adds a line.
    pub(super) fn push(&mut self, line: OutgoingLine) {
        let OutgoingLine { connection, explanation, kind, text } = line;
        let seq = self.next_seq;
        self.next_seq += 1;
        self.bytes += text.len() + LINE_OVERHEAD;
        let at_millis = unix_millis();
        self.lines.push_back(LogLine { seq, at_millis, connection, explanation, kind, text });
        while self.lines.len() > self.limits.lines || self.bytes > self.limits.bytes {
            self.drop_oldest();
        }
        while self.bytes > OWN_SHARE + self.reserved_bytes() {
            match self.budget.try_reserve_spare(STEP_BYTES) {
                Some(step) => self.reservation.merge(step),
                None => self.drop_oldest(),
            }
        }
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.lines.pop_front() else { return };
        self.bytes -= oldest.text.len() + LINE_OVERHEAD;
    }

    fn reserved_bytes(&self) -> usize {
        usize::try_from(self.reservation.bytes()).unwrap_or(usize::MAX)
    }

    /// Returns the next lines for the socket: at most `max`, of about [`MESSAGE_BYTES`].
    pub(super) fn take(&mut self, max: usize) -> Vec<LogLine> {
        let oldest = self.lines.front().map_or(self.next_seq, |line| line.seq);
        let skipped = usize::try_from(self.unwritten.saturating_sub(oldest)).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fits = |line: &&LogLine| {
            let is_first = bytes == 0;
            bytes += line.text.len() + LINE_OVERHEAD;
            is_first || bytes <= MESSAGE_BYTES
        };
        let lines: Vec<_> =
            self.lines.iter().skip(skipped).take(max).take_while(fits).cloned().collect();
        if let Some(last) = lines.last() {
            self.unwritten = last.seq + 1;
        }
        lines
    }

    /// Starts another socket with the line `seq`, or the oldest one that is kept after it.
    pub(super) fn rewind(&mut self, seq: u64) {
        self.unwritten = seq.min(self.next_seq);
    }
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_of(lines: usize, bytes: usize, count: u64) -> Log {
        let mut log = Log::new(LogLimits { lines, bytes }, Budget::new(1 << 20));
        for n in 0..count {
            log.push(OutgoingLine::plain(LogKind::Status, n.to_string()));
        }
        log
    }

    fn seqs(log: &mut Log, max: usize) -> Vec<u64> {
        log.take(max).iter().map(|line| line.seq).collect()
    }

    #[test]
    fn oldest_lines_are_dropped_and_the_gap_shows() {
        let mut log = log_of(2, usize::MAX, 5);
        assert_eq!(seqs(&mut log, 10), [3, 4]);
        assert_eq!(seqs(&mut log, 10), [0; 0]);
    }

    #[test]
    fn long_lines_are_dropped_sooner() {
        let mut log = log_of(usize::MAX, 3 * (LINE_OVERHEAD + 1), 5);
        assert_eq!(seqs(&mut log, 10), [2, 3, 4]);
    }

    #[test]
    fn message_of_long_lines_is_bounded() {
        let mut log = log_of(usize::MAX, usize::MAX, 0);
        for _ in 0..50 {
            log.push(OutgoingLine::plain(LogKind::Response, "x".repeat(8000)));
        }
        let mut seqs = Vec::new();
        loop {
            let lines = log.take(256);
            let bytes: usize = lines.iter().map(|line| line.text.len()).sum();
            assert!(bytes <= MESSAGE_BYTES);
            if lines.is_empty() {
                break;
            }
            seqs.extend(lines.iter().map(|line| line.seq));
        }
        assert_eq!(seqs, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn logs_of_all_sessions_share_a_budget_beyond_their_own_share() {
        let budget = Budget::new(4 * STEP_BYTES);
        let limits = LogLimits { lines: usize::MAX, bytes: usize::MAX };
        let mut logs: Vec<_> = (0..10).map(|_| Log::new(limits, budget.clone())).collect();
        for log in &mut logs {
            for _ in 0..100 {
                log.push(OutgoingLine::plain(LogKind::Response, "x".repeat(8000)));
            }
        }
        let held: usize = logs.iter().map(|log| log.bytes).sum();
        assert!(held <= 10 * OWN_SHARE + 4 * STEP_BYTES as usize, "{held}");
        assert!(logs.iter().all(|log| log.bytes > OWN_SHARE / 2), "each has its own share");
        drop(logs);
        assert_eq!(budget.free_bytes(), 4 * STEP_BYTES);
    }

    #[test]
    fn another_socket_gets_the_lines_that_the_page_lacks() {
        let mut log = log_of(10, usize::MAX, 5);
        assert_eq!(seqs(&mut log, 4), [0, 1, 2, 3]);
        log.rewind(2);
        assert_eq!(seqs(&mut log, 10), [2, 3, 4]);
        log.rewind(99);
        assert_eq!(seqs(&mut log, 10), [0; 0]);
        log.push(OutgoingLine::plain(LogKind::Status, "5"));
        assert_eq!(seqs(&mut log, 10), [5]);
    }
}
