//! The session log: a bounded number of lines, in order, with a line for each gap; filters and
//! search.

use std::{collections::VecDeque, ops::Range};

use protocol::{
    Problem,
    server::{LogKind, LogLine},
};

pub mod pairs;
pub mod wording;

/// The number of lines that are kept until the portal says how many.
const DEFAULT_MAX_LINES: usize = 2000;

/// The most problems that are remembered for their lines.
const MAX_PROBLEMS: usize = 64;

/// The lines of the session, oldest first.
#[derive(Debug)]
pub struct Log {
    lines: VecDeque<LogLine>,
    max_lines: usize,
    next_seq: u64,
    undrawn: usize,
    /// The number of dropped lines, which is the number of the oldest one that is kept.
    first: u64,
    problems: Vec<Problem>,
    pending: Unread,
}

/// Changes that were not drawn or announced yet, besides lines.
#[derive(Debug, Default)]
struct Unread {
    /// The newest error.
    error: Option<String>,
    /// Whether the problems have changed, and with them the explanations of errors.
    problems_changed: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            max_lines: DEFAULT_MAX_LINES,
            next_seq: 0,
            undrawn: 0,
            first: 0,
            problems: Vec::new(),
            pending: Unread::default(),
        }
    }
}

/// Which lines are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// By kind.
    pub show: KindFilter,
    /// By FTPS session: [`LogLine::connection`].
    pub session: Option<u32>,
}

/// The kinds of lines that are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KindFilter {
    /// All.
    #[default]
    All,
    /// Status lines of the portal.
    Status,
    /// Commands and replies.
    Protocol,
    /// Errors, and replies that refuse a command.
    Errors,
}

impl LogFilter {
    /// Returns whether a line is shown.
    #[must_use]
    pub fn fits(self, line: &LogLine) -> bool {
        let by_kind = match self.show {
            KindFilter::All => true,
            KindFilter::Status => line.kind == LogKind::Status,
            KindFilter::Protocol => matches!(line.kind, LogKind::Command | LogKind::Response),
            KindFilter::Errors => line.kind == LogKind::Error || is_refusal(line),
        };
        by_kind && (self.session.is_none() || self.session == line.connection)
    }
}

/// Returns whether a line is a reply that refuses a command: 4yz or 5yz (RFC 959 §4.2.1).
#[must_use]
pub fn is_refusal(line: &LogLine) -> bool {
    line.kind == LogKind::Response
        && matches!(line.text.as_bytes(), [b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..])
}

/// Returns the byte ranges of `wanted` in `text`, from left to right. ASCII letters match in both
/// cases; an empty text has no matches.
#[must_use]
pub fn find(text: &str, wanted: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (bytes, length) = (text.as_bytes(), wanted.len());
    if length == 0 {
        return found;
    }
    let mut from = 0;
    // UTF-8: a match that starts at a character boundary ends at one.
    while let Some(piece) = bytes.get(from..from + length) {
        if piece.eq_ignore_ascii_case(wanted.as_bytes()) {
            found.push(from..from + length);
            from += length;
        } else {
            from += 1;
        }
    }
    found
}

impl Log {
    /// A new session started: its lines count from 0. The lines of an earlier one stay.
    pub fn new_session(&mut self, max_lines: u32) {
        self.resume_session(max_lines);
        self.next_seq = 0;
    }

    /// The session resumed over another socket.
    pub fn resume_session(&mut self, max_lines: u32) {
        self.max_lines = usize::try_from(max_lines).unwrap_or(usize::MAX).max(1);
    }

    /// Returns the first line that the page lacks: [`LogLine::seq`].
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Adds lines of the portal, except known ones. A gap gets a line of its own.
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
                    text: wording::lines_missing(line.seq - self.next_seq),
                });
            }
            self.next_seq = line.seq + 1;
            self.push(line);
        }
    }

    /// Takes the numbers of the oldest undrawn lines, `most` at most.
    pub fn take_undrawn(&mut self, most: usize) -> Range<u64> {
        let undrawn = self.undrawn.min(self.lines.len());
        let taken = undrawn.min(most);
        self.undrawn = undrawn - taken;
        let first = self.first + (self.lines.len() - undrawn) as u64;
        first..first + taken as u64
    }

    /// Returns whether there are undrawn lines.
    #[must_use]
    pub fn has_undrawn(&self) -> bool {
        self.undrawn > 0
    }

    /// Returns whether there is anything to draw.
    #[must_use]
    pub fn needs_drawing(&self) -> bool {
        self.has_undrawn() || self.pending.problems_changed
    }

    /// Returns whether the problems have changed since the last call.
    pub fn take_problems_changed(&mut self) -> bool {
        std::mem::take(&mut self.pending.problems_changed)
    }

    /// Takes the newest error.
    pub fn take_error(&mut self) -> Option<String> {
        self.pending.error.take()
    }

    /// Returns the most lines that are kept.
    #[must_use]
    pub fn max_lines(&self) -> usize {
        self.max_lines
    }

    /// Returns the lines, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &LogLine> {
        self.lines.iter()
    }

    /// Returns a line by its number, if it is kept.
    #[must_use]
    pub fn line(&self, number: u64) -> Option<&LogLine> {
        self.lines.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Remembers a problem for the error line with its words.
    pub fn learn(&mut self, problem: &Problem) {
        let known = self.problems.iter().position(|known| known.message == problem.message);
        match known {
            Some(at) => drop(self.problems.remove(at)),
            None if self.problems.len() >= MAX_PROBLEMS => drop(self.problems.remove(0)),
            None => {}
        }
        self.problems.push(problem.clone());
        self.pending.problems_changed = true;
    }

    /// Returns the problem that an error line reports.
    #[must_use]
    pub fn problem_of(&self, line: &LogLine) -> Option<&Problem> {
        let mut problems = self.problems.iter();
        problems.find(|problem| line.kind == LogKind::Error && problem.logged() == line.text)
    }

    fn push(&mut self, line: LogLine) {
        if line.kind == LogKind::Error {
            self.pending.error = Some(line.text.clone());
        }
        self.lines.push_back(line);
        self.undrawn += 1;
        while self.lines.len() > self.max_lines {
            self.lines.pop_front();
            self.first += 1;
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

    fn undrawn(log: &mut Log) -> Vec<String> {
        log.take_undrawn(usize::MAX).map(|number| log.line(number).unwrap().text.clone()).collect()
    }

    #[test]
    fn fresh_lines_are_taken_in_parts_oldest_first() {
        let mut log = Log::default();
        log.extend((0..5).map(line).collect());
        assert_eq!(log.take_undrawn(3), 0..3);
        assert_eq!(log.take_undrawn(3), 3..5);
        assert!(!log.has_undrawn());
    }

    #[test]
    fn each_line_is_fresh_once() {
        let mut log = Log::default();
        log.extend(vec![line(0), line(1)]);
        assert_eq!(undrawn(&mut log), ["line 0", "line 1"]);
        log.extend(vec![line(1), line(2)]);
        assert_eq!(undrawn(&mut log), ["line 2"]);
    }

    #[test]
    fn gap_is_said() {
        let mut log = Log::default();
        log.extend(vec![line(0), line(3)]);
        assert_eq!(undrawn(&mut log), ["line 0", &wording::lines_missing(2), "line 3"]);
    }

    #[test]
    fn oldest_lines_give_way() {
        let mut log = Log::default();
        log.new_session(2);
        log.extend((0..5).map(line).collect());
        assert_eq!(undrawn(&mut log), ["line 3", "line 4"]);
    }

    #[test]
    fn lines_keep_their_numbers_when_the_oldest_give_way() {
        let mut log = Log::default();
        log.new_session(2);
        log.extend((0..5).map(line).collect());
        assert_eq!(log.line(2), None);
        assert_eq!(log.line(3).unwrap().text, "line 3");
        assert_eq!(log.line(5), None);
        assert_eq!(log.take_undrawn(usize::MAX), 3..5);
    }

    fn text_line(kind: LogKind, text: &str) -> LogLine {
        LogLine { kind, text: text.to_owned(), connection: Some(2), ..line(0) }
    }

    #[test]
    fn refused_replies_are_among_the_errors() {
        let errors = LogFilter { show: KindFilter::Errors, session: None };
        let fits = |kind, text: &str| errors.fits(&text_line(kind, text));
        assert!(fits(LogKind::Response, "552 Quota exceeded"));
        assert!(fits(LogKind::Response, "421-Too many users"));
        assert!(!fits(LogKind::Response, "226 Transfer complete"));
        assert!(!fits(LogKind::Response, "550"), "no reply has no text");
        assert!(!fits(LogKind::Command, "552 x"));
    }

    #[test]
    fn filter_shows_whose_lines_are_wanted() {
        let kinds = [LogKind::Status, LogKind::Command, LogKind::Response, LogKind::Error];
        let shown = |show| -> Vec<LogKind> {
            let filter = LogFilter { show, session: Some(2) };
            kinds.into_iter().filter(|kind| filter.fits(&text_line(*kind, ""))).collect()
        };
        assert_eq!(shown(KindFilter::All), kinds);
        assert_eq!(shown(KindFilter::Status), [LogKind::Status]);
        assert_eq!(shown(KindFilter::Protocol), [LogKind::Command, LogKind::Response]);
        assert_eq!(shown(KindFilter::Errors), [LogKind::Error]);
        let other = LogFilter { session: Some(1), ..LogFilter::default() };
        assert!(!other.fits(&text_line(LogKind::Command, "")));
        assert!(!other.fits(&line(0)), "of no session");
    }

    #[test]
    fn text_is_found_in_either_case_and_between_whole_characters() {
        assert_eq!(find("STOR storm.txt", "stor"), [0..4, 5..9]);
        assert_eq!(find("aaaa", "aa"), [0..2, 2..4]);
        assert_eq!(find("gr\u{fc}\u{df}e", "\u{fc}"), vec![2..4]);
        for (text, wanted) in [("abc", ""), ("", "a"), ("ab", "abc"), ("\u{e4}", "\u{c4}")] {
            assert!(find(text, wanted).is_empty(), "{wanted} in {text}");
        }
    }

    fn problem(message: &str) -> Problem {
        Problem::new(protocol::Stage::Transfer, message.to_owned())
    }

    #[test]
    fn problem_belongs_to_the_error_that_says_it_in_the_words_that_it_names() {
        let mut log = Log::default();
        log.learn(&problem("the disk is full"));
        assert!(log.take_problems_changed() && !log.take_problems_changed());
        let told = text_line(LogKind::Error, "the disk is full");
        assert_eq!(log.problem_of(&told), Some(&problem("the disk is full")));
        assert_eq!(log.problem_of(&text_line(LogKind::Response, "the disk is full")), None);
        let full = Problem {
            logged: Some("the quota is used up".to_owned()),
            ..problem("Der Platz ist verbraucht")
        };
        log.learn(&full);
        let in_english = text_line(LogKind::Error, "the quota is used up");
        assert_eq!(log.problem_of(&in_english), Some(&full), "it names the words of the log");
        for number in 0..MAX_PROBLEMS {
            log.learn(&problem(&number.to_string()));
        }
        assert_eq!(log.problem_of(&told), None, "only the newest are remembered");
    }

    #[test]
    fn error_is_told_once() {
        let mut log = Log::default();
        log.extend(vec![text_line(LogKind::Error, "broken")]);
        assert_eq!(log.take_error().as_deref(), Some("broken"));
        assert_eq!(log.take_error(), None);
    }
}
