//! The totals of uploads, and the texts about them.

use std::time::Duration;

use crate::join::join;
use crate::{format, texts::Text};

/// The progress of complete uploads, in thousandths.
pub(super) const COMPLETE: u64 = 1000;

/// The totals of some uploads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files in the list.
    pub files: u64,
    /// Files that are stored.
    pub done: u64,
    /// Files that failed.
    pub failed: u64,
    /// Files that wait for the user: a decision, or a retry after a break.
    pub waiting: u64,
    /// Those of them that wait for a decision about a file on the server.
    pub undecided: u64,
    /// Files that can be retried: failed or interrupted ones that the page can read.
    pub retryable: u64,
    /// Files that are paused.
    pub paused: u64,
    /// Files that were skipped.
    pub skipped: u64,
    /// Files that are queued or open.
    pub active: u64,
    /// Bytes of all files that neither failed nor were skipped.
    pub bytes: u64,
    /// How many of those the server holds.
    pub taken: u64,
    /// Bytes of the files that are stored.
    pub stored: u64,
}

impl Totals {
    /// Returns the progress, from 0 to 1000; 1000 only when every file that was not skipped is
    /// stored. A file counts even when it has no bytes.
    #[must_use]
    pub fn permille(&self) -> u64 {
        let files = self.files - self.failed - self.skipped;
        if files > 0 && self.done == files {
            return COMPLETE;
        }
        permille(self.taken.saturating_add(self.done), self.bytes.saturating_add(files))
    }

    /// Returns whether no file is left to do.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.files > 0 && self.active + self.paused + self.waiting == 0
    }

    /// Returns whether nothing is sent or waits for an answer, and something has ended: then there is
    /// a receipt. Files of an earlier page that wait for their user do not change that.
    #[must_use]
    pub fn has_receipt(&self) -> bool {
        self.ended() || (self.done > 0 && self.active + self.paused + self.undecided == 0)
    }

    /// Returns whether leaving the page would interrupt an upload.
    #[must_use]
    pub fn under_way(&self) -> bool {
        self.active > 0 || self.paused > 0
    }

    // Not inlined, for the size of the program: many small functions use it.
    #[inline(never)]
    pub(super) fn with(self, other: Self) -> Self {
        self.combine(other, u64::saturating_add)
    }

    #[inline(never)]
    pub(super) fn without(self, other: Self) -> Self {
        self.combine(other, u64::saturating_sub)
    }

    fn combine(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            files: with(self.files, other.files),
            done: with(self.done, other.done),
            failed: with(self.failed, other.failed),
            waiting: with(self.waiting, other.waiting),
            undecided: with(self.undecided, other.undecided),
            retryable: with(self.retryable, other.retryable),
            paused: with(self.paused, other.paused),
            skipped: with(self.skipped, other.skipped),
            active: with(self.active, other.active),
            bytes: with(self.bytes, other.bytes),
            taken: with(self.taken, other.taken),
            stored: with(self.stored, other.stored),
        }
    }
}

/// Returns `part` of `whole` in thousandths, 999 at most.
pub(super) fn permille(part: u64, whole: u64) -> u64 {
    let permille = match part.checked_mul(COMPLETE) {
        Some(thousandfold) => thousandfold.checked_div(whole).unwrap_or(0),
        // Exact enough for numbers this large.
        None => part / (whole / COMPLETE).max(1),
    };
    permille.min(COMPLETE - 1)
}

/// The condition of all uploads, for the window's title and icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing to report.
    Idle,
    /// Uploads are queued or open.
    Sending,
    /// All unfinished uploads are paused.
    Paused,
    /// All files are stored.
    Done,
    /// All unfinished uploads need the user.
    Attention,
}

/// The progress of an upload or of all uploads.
pub(super) fn progress(taken: u64, size: u64) -> String {
    Text::NumberProgress.fill(&[&format::bytes(taken), &format::bytes(size)])
}

/// The question about several files that the server has already; `None` for one file or none, which
/// the list asks about.
#[must_use]
pub fn question(totals: &Totals) -> Option<String> {
    (totals.undecided > 1).then(|| Text::TotalUndecided.fill(&[&totals.undecided]))
}

/// What the user wants to know first: the progress in percent, and at the end how many files failed, or
/// how many are stored.
#[must_use]
pub fn headline(totals: &Totals) -> String {
    match (totals.ended(), totals.failed) {
        (false, _) => Text::TotalPercent.fill(&[&(totals.permille() / 10)]),
        (true, 0) => count(totals),
        (true, failed) => Text::TotalFailedCount.fill(&[&failed, &totals.files]),
    }
}

/// How many uploads are done, for the heading.
#[must_use]
pub fn count(totals: &Totals) -> String {
    match totals.files {
        0 => String::new(),
        files => Text::TotalCount.fill(&[&totals.done, &files]),
    }
}

/// How fast the uploads are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// They wait for a connection.
    Waiting,
    /// They are sent.
    Sending {
        /// Bytes per second, where they are known.
        rate: Option<u64>,
        /// The time until the end, where it can be estimated.
        left: Option<Duration>,
    },
}

/// The totals of all uploads in one line.
#[must_use]
pub fn summary_line(totals: &Totals, pace: Pace) -> String {
    let mut parts = vec![progress(totals.taken, totals.bytes)];
    match pace {
        _ if totals.active == 0 => {}
        Pace::Waiting => parts.push(Text::TotalNoConnection.text().to_owned()),
        Pace::Sending { rate, left } => {
            let left = left.filter(|left| format::is_worth_showing(*left)).map(format::duration);
            parts.extend(rate.filter(|rate| *rate > 0).map(format::rate));
            parts.extend(left.map(|left| Text::TotalLeft.fill(&[&left])));
        }
    }
    parts.extend(not_stored(totals));
    join(&parts, " · ")
}

/// How many files are not stored, one text for each reason.
pub(crate) fn not_stored(totals: &Totals) -> impl Iterator<Item = String> {
    let reasons = [
        (totals.failed, Text::TotalFailed),
        (totals.waiting, Text::TotalWaiting),
        (totals.paused, Text::TotalPaused),
        (totals.skipped, Text::TotalSkipped),
    ];
    let there = reasons.into_iter().filter(|(number, _)| *number > 0);
    there.map(|(number, word)| word.fill(&[&number]))
}

/// The totals of a folder's uploads in one line.
#[must_use]
pub fn folder_summary(totals: &Totals) -> String {
    let mut parts = vec![count(totals), format::bytes(totals.bytes)];
    parts.extend(not_stored(totals));
    join(&parts, " · ")
}

/// The condition of all uploads.
#[must_use]
pub fn condition(totals: &Totals) -> Condition {
    match (totals.active, totals.failed + totals.waiting) {
        (1.., _) => Condition::Sending,
        (0, 1..) => Condition::Attention,
        (0, 0) if totals.paused > 0 => Condition::Paused,
        (0, 0) if totals.done > 0 => Condition::Done,
        (0, 0) => Condition::Idle,
    }
}

/// The window's title.
#[must_use]
pub fn title(totals: &Totals) -> String {
    let word = match condition(totals) {
        Condition::Sending => return Text::TitleSending.fill(&[&(totals.permille() / 10)]),
        Condition::Idle => Text::TitleIdle,
        Condition::Paused => Text::TitlePaused,
        Condition::Done => Text::TitleDone,
        Condition::Attention => Text::TitleAttention,
    };
    word.text().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headline_of_an_end_names_what_failed_before_what_is_done() {
        let totals = Totals { files: 5, done: 5, ..Totals::default() };
        assert_eq!(headline(&totals), "5 of 5 done");
        let totals = Totals { done: 2, failed: 3, ..totals };
        assert_eq!(headline(&totals), "3 of 5 not uploaded");
        let totals = Totals { failed: 2, active: 1, ..totals };
        assert_eq!(headline(&totals), "66%", "one is under way");
    }
}
