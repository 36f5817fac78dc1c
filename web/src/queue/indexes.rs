//! Totals and lists over all uploads, updated with each change: counting thousands of
//! rows at each message would take too long.

use super::{
    Group, PauseState, Row, State, Totals, Upload, folders::Folders, groups::Groups,
    rows::MissingFiles,
};

/// Totals, folders, groups and missing files of all uploads.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    pub(super) totals: Totals,
    pub(super) folders: Folders,
    pub(super) groups: Groups,
    pub(super) missing: MissingFiles,
}

/// What one upload contributes to the indexes. The default is the contribution of an upload that is
/// not in the list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Contribution {
    totals: Totals,
    group: Option<Group>,
    misses_file: bool,
}

impl Indexes {
    /// Replaces the contribution of an upload.
    // Not inlined, for the size of the program: many small functions use it.
    #[inline(never)]
    pub(super) fn update(
        &mut self,
        row: Row,
        upload: &Upload,
        before: Contribution,
        after: Contribution,
    ) {
        self.totals = self.totals.without(before.totals);
        self.totals = self.totals.with(after.totals);
        self.folders.update(upload.folder, before.totals, after.totals);
        if before.group != after.group {
            before.group.inspect(|group| self.groups.remove(row, *group));
            after.group.inspect(|group| self.groups.insert(row, *group));
        }
        match (before.misses_file, after.misses_file) {
            (false, true) => self.missing.insert(upload.file_name(), row),
            (true, false) => self.missing.remove(upload.file_name(), row),
            (false, false) | (true, true) => {}
        }
    }
}

impl Upload {
    /// Returns the upload's contribution to the indexes.
    pub(super) fn contribution(&self) -> Contribution {
        Contribution {
            totals: self.totals(),
            group: Some(self.state.group()),
            misses_file: self.misses_file(),
        }
    }

    pub(super) fn totals(&self) -> Totals {
        let mut totals = Totals { files: 1, ..Totals::default() };
        let count = match &self.state {
            State::Failed(_) => &mut totals.failed,
            State::Skipped(_) => &mut totals.skipped,
            State::Open(open) if open.pause_state == PauseState::Paused => &mut totals.paused,
            State::Queued | State::Open(_) => &mut totals.active,
            State::Paused => &mut totals.paused,
            State::Done(_) => &mut totals.done,
            State::Unplaced | State::NameTooLong | State::Interrupted | State::NeedsDecision(_) => {
                &mut totals.waiting
            }
        };
        *count = 1;
        totals.undecided = u64::from(self.state.needs_decision());
        totals.retryable = u64::from(self.can_retry_now());
        if totals.failed + totals.skipped == 0 {
            totals.bytes = self.file.size;
            totals.taken = self.taken();
        }
        totals.stored = totals.done * self.file.size;
        totals
    }
}
