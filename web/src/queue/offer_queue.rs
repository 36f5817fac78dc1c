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
    /// By their names, as the page's language sorts them.
    ByName,
}

/// The queued rows, each with its rank.
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

    /// Sets the order. The ranks of the queued rows stay: [`OfferQueue::take`].
    pub(super) fn set_order(&mut self, order: OfferOrder) {
        self.order = order;
    }

    pub(super) fn insert(&mut self, row: Row, rank: u64) {
        self.rows.insert(row);
        if self.ranked.insert(row) {
            self.ranks.push(Reverse((rank, row)));
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

    /// Takes all rows out of the queue.
    pub(super) fn take(&mut self) -> Vec<Row> {
        let rows = self.rows.iter().collect();
        self.clear();
        rows
    }
}
