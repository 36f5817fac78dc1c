//! Announces the progress of the uploads and errors of the log to screen readers.

use std::time::Duration;

use super::{Effect, Page, Region, announcements};
use crate::{
    connection::SocketState,
    format, log,
    queue::{Row, Totals},
    time::{Millis, Stopwatch},
};

/// The interval at which rates and countdowns are updated while uploads are under way.
const TICK: Duration = Duration::from_millis(1000);
/// The shortest interval between two announced errors of the log.
const ERROR_INTERVAL: Duration = Duration::from_secs(5);
/// The progress that is announced, in thousandths.
const MILESTONES: [u64; 3] = [250, 500, 750];
/// Milestones of fewer files are not announced: they are done before a screen reader has finished the sentence.
const MIN_FILES_FOR_MILESTONES: u64 = 2;
/// The most notices that are shown: the oldest is dropped.
const MAX_NOTICES: usize = 5;

/// What was announced, and what has yet to be announced.
#[derive(Debug, Default)]
pub(super) struct Announced {
    /// The number of picked files that were not announced yet.
    added: usize,
    permille: u64,
    /// When the next error of the log may be announced.
    next_error_at: Option<Millis>,
}

impl Page {
    /// Compares the totals with those before the event: redraws and announces the difference.
    pub(super) fn watch(&mut self, before: Totals, now: Millis) {
        let totals = self.queue.totals();
        let is_counting_down = matches!(self.connection.socket(), SocketState::Lost { .. });
        if (totals.active > 0 || is_counting_down) && self.tick_at.is_none() {
            self.tick_at = Some(now + TICK);
        }
        if totals == before {
            return;
        }
        self.changed.insert(Region::Totals);
        if totals.files == 0 {
            self.busy = Stopwatch::default();
        }
        self.busy.run(totals.active > 0, now);
        self.announce_progress(&totals, before);
    }

    fn announce_progress(&mut self, totals: &Totals, before: Totals) {
        let permille = totals.permille();
        if totals.files != before.files || permille < self.announced.permille {
            self.announced.permille = permille;
        }
        if before.active > 0 && totals.active == 0 && totals.paused == 0 {
            self.announce(announcements::finished(totals));
        } else if totals.files >= MIN_FILES_FOR_MILESTONES
            && let Some(milestone) = passed_milestone(self.announced.permille, permille)
        {
            self.announced.permille = permille;
            self.announce(announcements::milestone(milestone, totals));
        }
    }

    /// Shows and announces a notice.
    pub(super) fn notice(&mut self, sentence: String) {
        if self.notices.len() == MAX_NOTICES {
            self.notices.remove(0);
        }
        self.notices.push(sentence.clone());
        self.changed.insert(Region::Notices);
        self.announce(sentence);
    }

    /// Counts files that were added: a folder arrives in many parts, which are announced together
    /// at the next tick.
    pub(super) fn count_added(&mut self, files: usize) {
        self.announced.added += files;
    }

    pub(super) fn announce_added(&mut self) {
        match std::mem::take(&mut self.announced.added) {
            0 => {}
            added => self.announce(announcements::added(added)),
        }
    }

    pub(super) fn announce_row(&mut self, row: Row, sentence: impl FnOnce(&str) -> String) {
        if let Some(upload) = self.queue.get(row) {
            let sentence = sentence(upload.path());
            self.announce(sentence);
        }
    }

    /// Announces the first of many errors in a row.
    pub(super) fn announce_error(&mut self, now: Millis) {
        if let Some(error) = self.log.take_error()
            && self.announced.next_error_at.is_none_or(|at| at <= now)
        {
            self.announced.next_error_at = Some(now + ERROR_INTERVAL);
            self.announce(log::wording::error(&format::visible(&error)));
        }
    }

    pub(super) fn announce(&mut self, sentence: String) {
        self.effects.push(Effect::Announce(sentence));
    }
}

/// Returns the last milestone between two points of progress.
fn passed_milestone(from: u64, to: u64) -> Option<u64> {
    MILESTONES.into_iter().rfind(|milestone| from < *milestone && *milestone <= to)
}
