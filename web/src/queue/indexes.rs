//! What the queue knows of all its uploads together, kept up to date with each change: thousands of
//! rows are not counted at each message.

use super::{
    Group, Row, State, Totals, Upload, folders::Folders, groups::Groups, rows::MissingFiles,
};

/// All uploads together.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    pub(super) totals: Totals,
    pub(super) folders: Folders,
    pub(super) groups: Groups,
    pub(super) missing: MissingFiles,
}

/// What one upload adds to them; an upload that is not in the list adds nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Contribution {
    share: Totals,
    group: Option<Group>,
    misses_file: bool,
}

impl Indexes {
    /// An upload adds something else than before.
    // Not inlined: it is a part of many small functions.
    #[inline(never)]
    pub(super) fn settle(
        &mut self,
        row: Row,
        upload: &Upload,
        before: Contribution,
        after: Contribution,
    ) {
        self.totals = self.totals.without(before.share);
        self.totals = self.totals.with(after.share);
        self.folders.change(upload.folder, before.share, after.share);
        if before.group != after.group {
            before.group.inspect(|group| self.groups.take(row, *group));
            after.group.inspect(|group| self.groups.put(row, *group));
        }
        match (before.misses_file, after.misses_file) {
            (false, true) => self.missing.insert(upload.file_name(), row),
            (true, false) => self.missing.remove(upload.file_name(), row),
            (false, false) | (true, true) => {}
        }
    }
}

impl Upload {
    /// What it adds to the accounts.
    pub(super) fn entry(&self) -> Contribution {
        Contribution {
            share: self.share(),
            group: Some(self.state.group()),
            misses_file: self.misses_file(),
        }
    }

    /// What it adds to the totals.
    pub(super) fn share(&self) -> Totals {
        let mut share = Totals { files: 1, ..Totals::default() };
        let figure = match &self.state {
            State::Failed(_) => &mut share.failed,
            State::Skipped(_) => &mut share.skipped,
            State::Open(open) if open.pause_state() == super::PauseState::Paused => {
                &mut share.paused
            }
            State::Queued | State::Open(_) => &mut share.active,
            State::Paused => &mut share.paused,
            State::Done(_) => &mut share.done,
            State::Interrupted | State::NeedsDecision(_) => &mut share.waiting,
        };
        *figure = 1;
        share.interrupted = u64::from(matches!(self.state, State::Interrupted));
        if share.failed + share.skipped == 0 {
            share.bytes = self.file.size;
            share.taken = self.taken();
        }
        share.stored = share.done * self.file.size;
        share
    }
}
