//! Uploads by what a person wants to see of them: nobody looks through thousands for the one that
//! failed.

use super::{Row, Rows, State};

/// Where an upload belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
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
    pub fn shelf(&self) -> Shelf {
        match self {
            Self::Queued | Self::Held | Self::Open(_) => Shelf::UnderWay,
            Self::Failed(_) | Self::Interrupted | Self::NeedsDecision(_) => Shelf::Attention,
            Self::Done(_) => Shelf::Done,
            Self::Skipped(_) => Shelf::LeftOut,
        }
    }
}

/// The rows of one shelf.
#[derive(Debug, Default)]
pub struct Kept {
    rows: Rows,
    version: u64,
}

impl Kept {
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
pub(super) struct Shelves {
    under_way: Kept,
    attention: Kept,
    done: Kept,
    left_out: Kept,
}

impl Shelves {
    pub(super) fn put(&mut self, row: Row, shelf: Shelf) {
        let kept = self.get_mut(shelf);
        kept.version += u64::from(kept.rows.insert(row));
    }

    pub(super) fn take(&mut self, row: Row, shelf: Shelf) {
        let kept = self.get_mut(shelf);
        kept.version += u64::from(kept.rows.remove(row));
    }

    pub(super) fn get(&self, shelf: Shelf) -> &Kept {
        match shelf {
            Shelf::UnderWay => &self.under_way,
            Shelf::Attention => &self.attention,
            Shelf::Done => &self.done,
            Shelf::LeftOut => &self.left_out,
        }
    }

    fn get_mut(&mut self, shelf: Shelf) -> &mut Kept {
        match shelf {
            Shelf::UnderWay => &mut self.under_way,
            Shelf::Attention => &mut self.attention,
            Shelf::Done => &mut self.done,
            Shelf::LeftOut => &mut self.left_out,
        }
    }
}
