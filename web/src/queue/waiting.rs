//! Which upload is offered next.

use std::collections::BTreeSet;

use super::Row;

/// The order in which waiting uploads are offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they were picked.
    #[default]
    AsDropped,
    /// The smallest file first.
    SmallestFirst,
    /// The largest file first.
    LargestFirst,
}

impl Order {
    /// What a file of `size` bytes is sorted by, before its row.
    fn rank(self, size: u64) -> u64 {
        match self {
            Self::AsDropped => 0,
            Self::SmallestFirst => size,
            Self::LargestFirst => u64::MAX - size,
        }
    }
}

/// The rows that wait to be offered, each with its file's size.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    order: Order,
    rows: BTreeSet<(u64, Row)>,
}

impl Waiting {
    pub(super) fn order(&self) -> Order {
        self.order
    }

    pub(super) fn insert(&mut self, row: Row, size: u64) {
        self.rows.insert((self.order.rank(size), row));
    }

    pub(super) fn remove(&mut self, row: Row, size: u64) {
        self.rows.remove(&(self.order.rank(size), row));
    }

    pub(super) fn pop_first(&mut self) -> Option<Row> {
        self.rows.pop_first().map(|(_, row)| row)
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    /// Sorts anew; `size` knows the files.
    pub(super) fn sort(&mut self, order: Order, size: impl Fn(Row) -> u64) {
        self.order = order;
        // One by one: `collect` would bring a whole sorting algorithm into the module.
        for (_, row) in std::mem::take(&mut self.rows) {
            self.insert(row, size(row));
        }
    }
}
