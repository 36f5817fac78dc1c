//! The session log as the page keeps it: bounded, in order, with its gaps said.

use std::collections::VecDeque;

use protocol::server::{LogKind, LogLine};

use crate::words;

/// Kept until the portal says how many.
const DEFAULT_MAX_LINES: usize = 2000;

/// The lines of the session, oldest first.
#[derive(Debug)]
pub struct Log {
    lines: VecDeque<LogLine>,
    max_lines: usize,
    next_seq: u64,
    fresh: usize,
}

impl Default for Log {
    fn default() -> Self {
        Self { lines: VecDeque::new(), max_lines: DEFAULT_MAX_LINES, next_seq: 0, fresh: 0 }
    }
}

impl Log {
    /// A new session counts its lines from 0. What an earlier one said stays.
    pub fn new_session(&mut self, max_lines: u32) {
        self.go_on(max_lines);
        self.next_seq = 0;
    }

    /// The session goes on over another socket.
    pub fn go_on(&mut self, max_lines: u32) {
        self.max_lines = usize::try_from(max_lines).unwrap_or(usize::MAX).max(1);
    }

    /// The first line that is lacking: [`LogLine::seq`].
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Adds what the portal sent. Lines that were seen before are left out; missing ones are said.
    pub fn extend(&mut self, lines: Vec<LogLine>) {
        for line in lines {
            if line.seq < self.next_seq {
                continue;
            }
            if line.seq > self.next_seq {
                self.push(LogLine {
                    seq: self.next_seq,
                    at_millis: line.at_millis,
                    connection: None,
                    explanation: None,
                    kind: LogKind::Status,
                    text: words::lines_missing(line.seq - self.next_seq),
                });
            }
            self.next_seq = line.seq + 1;
            self.push(line);
        }
    }

    /// The oldest lines that were not taken yet, so many at most, and how many lines there may be in
    /// all.
    pub fn take_fresh(&mut self, most: usize) -> (impl Iterator<Item = &LogLine>, usize) {
        let fresh = self.fresh.min(self.lines.len());
        let taken = fresh.min(most);
        self.fresh = fresh - taken;
        let first = self.lines.len() - fresh;
        (self.lines.range(first..first + taken), self.max_lines)
    }

    /// Whether there are lines that were not taken yet.
    #[must_use]
    pub fn has_fresh(&self) -> bool {
        self.fresh > 0
    }

    fn push(&mut self, line: LogLine) {
        self.lines.push_back(line);
        self.fresh += 1;
        while self.lines.len() > self.max_lines {
            self.lines.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64) -> LogLine {
        LogLine {
            seq,
            at_millis: 0,
            connection: None,
            explanation: None,
            kind: LogKind::Response,
            text: format!("line {seq}"),
        }
    }

    fn fresh(log: &mut Log) -> Vec<String> {
        log.take_fresh(usize::MAX).0.map(|line| line.text.clone()).collect()
    }

    #[test]
    fn fresh_lines_are_taken_in_parts_oldest_first() {
        let mut log = Log::default();
        log.extend((0..5).map(line).collect());
        let mut taken =
            |most| -> Vec<u64> { log.take_fresh(most).0.map(|line| line.seq).collect() };
        assert_eq!(taken(3), [0, 1, 2]);
        assert_eq!(taken(3), [3, 4]);
        assert!(!log.has_fresh());
    }

    #[test]
    fn each_line_is_fresh_once() {
        let mut log = Log::default();
        log.extend(vec![line(0), line(1)]);
        assert_eq!(fresh(&mut log), ["line 0", "line 1"]);
        log.extend(vec![line(1), line(2)]);
        assert_eq!(fresh(&mut log), ["line 2"]);
    }

    #[test]
    fn gap_is_said() {
        let mut log = Log::default();
        log.extend(vec![line(0), line(3)]);
        assert_eq!(fresh(&mut log), ["line 0", &words::lines_missing(2), "line 3"]);
    }

    #[test]
    fn oldest_lines_give_way() {
        let mut log = Log::default();
        log.new_session(2);
        log.extend((0..5).map(line).collect());
        assert_eq!(fresh(&mut log), ["line 3", "line 4"]);
    }
}
