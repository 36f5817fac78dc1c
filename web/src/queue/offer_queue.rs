//! The order in which queued uploads are offered.

use std::{cmp::Reverse, collections::BinaryHeap};

use serde::{Deserialize, Serialize};

use super::{Row, Rows};

/// The order in which queued uploads are offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferOrder {
    /// In the order of picking.
    #[default]
    AsDropped,
    /// The smallest file first.
    SmallestFirst,
    /// The largest file first.
    LargestFirst,
}

impl OfferOrder {
    /// Returns the sort key of a file with `size` bytes; its row is the second key.
    fn rank(self, size: u64) -> u64 {
        match self {
            Self::AsDropped => 0,
            Self::SmallestFirst => size,
            Self::LargestFirst => u64::MAX - size,
        }
    }
}

/// The queued rows, each with its file's size.
#[derive(Debug, Default)]
pub(super) struct OfferQueue {
    order: OfferOrder,
    rows: Rows,
    /// The ranks of queued rows and of rows that have left the queue: these are dropped when they
    /// come to the front.
    ranks: BinaryHeap<Reverse<(u64, Row)>>,
    /// The rows in `ranks`.
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

    /// Sorts the queue anew; `size` returns the size of a row's file.
    pub(super) fn sort(&mut self, order: OfferOrder, size: impl Fn(Row) -> u64) {
        let rows = std::mem::take(&mut self.rows);
        *self = Self { order, ..Self::default() };
        for row in rows.iter() {
            self.insert(row, size(row));
        }
    }
}
