//! Groups the uploads by the filters of the list, so that one failure among thousands is found.

use super::{Row, Rows, State};

/// The group of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Queued, open or paused.
    UnderWay,
    /// Interrupted or undecided: the upload waits for the user.
    NeedsUser,
    /// Failed.
    Failed,
    /// Stored.
    Done,
    /// Skipped.
    Skipped,
}

impl State {
    /// Returns the group of an upload in this state.
    #[must_use]
    pub fn group(&self) -> Group {
        match self {
            Self::Queued | Self::Paused | Self::Open(_) => Group::UnderWay,
            Self::Unplaced | Self::NameTooLong | Self::Interrupted | Self::NeedsDecision(_) => {
                Group::NeedsUser
            }
            Self::Failed(_) => Group::Failed,
            Self::Done(_) => Group::Done,
            Self::Skipped(_) => Group::Skipped,
        }
    }
}

/// The rows of one group.
#[derive(Debug, Default)]
pub struct GroupRows {
    rows: Rows,
    version: u64,
}

impl GroupRows {
    /// Returns the rows.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Returns a number that grows whenever a row is added or removed.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// The rows of each group.
#[derive(Debug, Default)]
pub(super) struct Groups {
    under_way: GroupRows,
    needs_user: GroupRows,
    failed: GroupRows,
    done: GroupRows,
    skipped: GroupRows,
}

impl Groups {
    pub(super) fn insert(&mut self, row: Row, group: Group) {
        let group = self.get_mut(group);
        group.version += u64::from(group.rows.insert(row));
    }

    pub(super) fn remove(&mut self, row: Row, group: Group) {
        let group = self.get_mut(group);
        group.version += u64::from(group.rows.remove(row));
    }

    pub(super) fn get(&self, group: Group) -> &GroupRows {
        match group {
            Group::UnderWay => &self.under_way,
            Group::NeedsUser => &self.needs_user,
            Group::Failed => &self.failed,
            Group::Done => &self.done,
            Group::Skipped => &self.skipped,
        }
    }

    fn get_mut(&mut self, group: Group) -> &mut GroupRows {
        match group {
            Group::UnderWay => &mut self.under_way,
            Group::NeedsUser => &mut self.needs_user,
            Group::Failed => &mut self.failed,
            Group::Done => &mut self.done,
            Group::Skipped => &mut self.skipped,
        }
    }
}
