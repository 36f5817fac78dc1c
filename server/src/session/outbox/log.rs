//! The session log: its last lines, for the page's next socket too.

use std::{
    collections::VecDeque,
    time::{SystemTime, UNIX_EPOCH},
};

use protocol::server::{LogKind, LogLine};

/// What a line takes besides its text, in bytes, roughly.
const LINE_OVERHEAD: usize = size_of::<LogLine>();

/// How much of a log is kept.
#[derive(Clone, Copy, Debug)]
pub struct LogLimits {
    /// Lines.
    pub lines: usize,
    /// Bytes of all lines together.
    pub bytes: usize,
}

/// A line before it has its number and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingLine {
    /// Which FTPS session of the page's session it belongs to.
    pub connection: Option<u32>,
    /// The number of what it means, as [`ftps::Explanation::number`] counts.
    pub explanation: Option<u16>,
    /// Who speaks.
    pub kind: LogKind,
    /// Its text.
    pub text: String,
}

impl OutgoingLine {
    /// A line of the portal's own that speaks for itself.
    #[must_use]
    pub fn plain(kind: LogKind, text: impl Into<String>) -> Self {
        Self { connection: None, explanation: None, kind, text: text.into() }
    }
}

/// The last lines of a session's log; the oldest give way, and the gap in the numbers says so.
#[derive(Debug)]
pub(super) struct Log {
    limits: LogLimits,
    lines: VecDeque<LogLine>,
    bytes: usize,
    next_seq: u64,
    /// The first line that the socket has not got yet.
    unwritten: u64,
}

impl Log {
    /// An empty log.
    #[must_use]
    pub(super) fn new(limits: LogLimits) -> Self {
        Self { limits, lines: VecDeque::new(), bytes: 0, next_seq: 0, unwritten: 0 }
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
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.text.len() + LINE_OVERHEAD;
        }
    }

    /// The next lines for the socket, at most `most`.
    pub(super) fn take(&mut self, most: usize) -> Vec<LogLine> {
        let oldest = self.lines.front().map_or(self.next_seq, |line| line.seq);
        let skipped = usize::try_from(self.unwritten.saturating_sub(oldest)).unwrap_or(usize::MAX);
        let lines: Vec<_> = self.lines.iter().skip(skipped).take(most).cloned().collect();
        if let Some(last) = lines.last() {
            self.unwritten = last.seq + 1;
        }
        lines
    }

    /// Another socket begins with the line `seq`, as far as it is kept.
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
        let mut log = Log::new(LogLimits { lines, bytes });
        for n in 0..count {
            log.push(OutgoingLine::plain(LogKind::Status, n.to_string()));
        }
        log
    }

    fn seqs(log: &mut Log, most: usize) -> Vec<u64> {
        log.take(most).iter().map(|line| line.seq).collect()
    }

    #[test]
    fn oldest_lines_give_way_and_the_gap_shows() {
        let mut log = log_of(2, usize::MAX, 5);
        assert_eq!(seqs(&mut log, 10), [3, 4]);
        assert_eq!(seqs(&mut log, 10), [0; 0]);
    }

    #[test]
    fn long_lines_give_way_sooner() {
        let mut log = log_of(usize::MAX, 3 * (LINE_OVERHEAD + 1), 5);
        assert_eq!(seqs(&mut log, 10), [2, 3, 4]);
    }

    #[test]
    fn another_socket_gets_the_lines_that_it_lacks() {
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
