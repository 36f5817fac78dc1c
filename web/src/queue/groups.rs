//! Uploads by what a person wants to see of them: nobody looks through thousands for the one that
//! failed.

use super::{Row, Rows, State};

/// Where an upload belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// It waits for its turn, is on its way or is paused.
    UnderWay,
    /// It failed, was interrupted or asks something: it goes on when the person does something.
    Attention,
    /// It is stored.
    Done,
    /// It was left out.
    LeftOut,
}

impl State {
    /// Where an upload in this state belongs.
    #[must_use]
    pub fn group(&self) -> Group {
        match self {
            Self::Queued | Self::Paused | Self::Open(_) => Group::UnderWay,
            Self::Failed(_) | Self::Interrupted | Self::NeedsDecision(_) => Group::Attention,
            Self::Done(_) => Group::Done,
            Self::Skipped(_) => Group::LeftOut,
        }
    }
}

/// The rows of one shelf.
#[derive(Debug, Default)]
pub struct GroupRows {
    rows: Rows,
    version: u64,
}

impl GroupRows {
    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// A greater number whenever a row came or went.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// All rows on their shelves.
#[derive(Debug, Default)]
pub(super) struct Groups {
    under_way: GroupRows,
    attention: GroupRows,
    done: GroupRows,
    left_out: GroupRows,
}

impl Groups {
    pub(super) fn put(&mut self, row: Row, group: Group) {
        let kept = self.get_mut(group);
        kept.version += u64::from(kept.rows.insert(row));
    }

    pub(super) fn take(&mut self, row: Row, group: Group) {
        let kept = self.get_mut(group);
        kept.version += u64::from(kept.rows.remove(row));
    }

    pub(super) fn get(&self, group: Group) -> &GroupRows {
        match group {
            Group::UnderWay => &self.under_way,
            Group::Attention => &self.attention,
            Group::Done => &self.done,
            Group::LeftOut => &self.left_out,
        }
    }

    fn get_mut(&mut self, group: Group) -> &mut GroupRows {
        match group {
            Group::UnderWay => &mut self.under_way,
            Group::Attention => &mut self.attention,
            Group::Done => &mut self.done,
            Group::LeftOut => &mut self.left_out,
        }
    }
}
