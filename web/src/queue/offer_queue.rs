//! Which upload is offered next.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Row, Rows};

/// The order in which waiting uploads are offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OfferOrder {
    /// As they were picked.
    #[default]
    AsDropped,
    /// The smallest file first.
    SmallestFirst,
    /// The largest file first.
    LargestFirst,
}

impl OfferOrder {
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
pub(super) struct OfferQueue {
    order: OfferOrder,
    rows: Rows,
    /// Their ranks, and those of rows that wait no longer: these are left out when their turn comes.
    ranks: BinaryHeap<Reverse<(u64, Row)>>,
    /// The rows that have a rank.
    ranked: Rows,
}

impl OfferQueue {
    pub(super) fn order(&self) -> OfferOrder {
        self.order
    }

    pub(super) fn insert(&mut self, row: Row, size: u64) {
        self.rows.insert(row);
        if self.ranked.insert(row) {
            self.ranks.push(Reverse((self.order.rank(size), row)));
        }
    }

    pub(super) fn remove(&mut self, row: Row) {
        self.rows.remove(row);
    }

    pub(super) fn pop_first(&mut self) -> Option<Row> {
        while let Some(Reverse((_, row))) = self.ranks.pop() {
            self.ranked.remove(row);
            if self.rows.remove(row) {
                return Some(row);
            }
        }
        None
    }

    pub(super) fn clear(&mut self) {
        *self = Self { order: self.order, ..Self::default() };
    }

    /// Sorts anew; `size` knows the files.
    pub(super) fn sort(&mut self, order: OfferOrder, size: impl Fn(Row) -> u64) {
        let rows = std::mem::take(&mut self.rows);
        *self = Self { order, ..Self::default() };
        for row in rows.iter() {
            self.insert(row, size(row));
        }
    }
}
