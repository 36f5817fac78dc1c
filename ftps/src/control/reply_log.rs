//! Logs the lines of replies, at a bounded rate: a server may send the same line without end.

use tokio::time::{Duration, Instant};

use crate::{
    reply::decoder::ReplyLine,
    transcript::{Status, Transcript},
};

/// How often in a row a line is logged before its repetitions are only counted.
const REPEATS_LOGGED: u64 = 3;

/// The time in which the number of lines is limited.
const WINDOW: Duration = Duration::from_secs(1);

/// The lines that were logged and those that were only counted.
#[derive(Debug)]
pub(super) struct ReplyLog {
    /// Lines that are logged in a second.
    limit: usize,
    since: Instant,
    logged: usize,
    omitted: u64,
    last: Option<ReplyLine>,
    /// How often the last line came.
    repeats: u64,
}

impl ReplyLog {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, since: Instant::now(), logged: 0, omitted: 0, last: None, repeats: 0 }
    }

    /// Logs a line, or counts it.
    pub(super) fn add(&mut self, line: ReplyLine, transcript: &Transcript) {
        if self.last.as_ref() == Some(&line) {
            self.repeats += 1;
            if self.repeats > REPEATS_LOGGED {
                return;
            }
        } else {
            self.log_folded(transcript);
            (self.last, self.repeats) = (Some(line.clone()), 1);
        }
        if self.since.elapsed() >= WINDOW {
            self.log_omitted(transcript);
            (self.since, self.logged) = (Instant::now(), 0);
        }
        if self.logged >= self.limit {
            self.omitted += 1;
            return;
        }
        self.logged += 1;
        transcript.control(line);
    }

    /// Logs how many lines were only counted so far: before a command, and at the end.
    pub(super) fn flush(&mut self, transcript: &Transcript) {
        self.log_folded(transcript);
        self.log_omitted(transcript);
        self.last = None;
    }

    fn log_folded(&mut self, transcript: &Transcript) {
        let count = self.repeats.saturating_sub(REPEATS_LOGGED);
        if count > 0 {
            transcript.control(Status::LinesFolded { count });
        }
        self.repeats = 0;
    }

    fn log_omitted(&mut self, transcript: &Transcript) {
        let count = std::mem::take(&mut self.omitted);
        if count > 0 {
            transcript.control(Status::LinesOmitted { count });
        }
    }
}
