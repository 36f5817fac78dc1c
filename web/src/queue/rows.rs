//! Sets and lists of rows, as bits and sorted lists: the code of trees would make the program
//! larger.

use protocol::UploadId;

use crate::edges::edges;

const WORD_BITS: usize = 64;
/// The number of lists of rows that miss their files, by hashed file names.
const NAME_LISTS: usize = 1024;

/// A row of the list: the n-th picked file, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(pub usize);

/// A set of rows, with a bit for each.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    words: Vec<u64>,
    len: usize,
}

impl Rows {
    /// Adds a row. Returns whether it is new.
    pub fn insert(&mut self, row: Row) -> bool {
        let (index, bit) = position(row);
        if self.words.len() <= index {
            self.words.resize(index + 1, 0);
        }
        match self.words.get_mut(index) {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                self.len += 1;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Removes a row. Returns whether it was in the set.
    pub fn remove(&mut self, row: Row) -> bool {
        let (index, bit) = position(row);
        match self.words.get_mut(index) {
            Some(word) if *word & bit != 0 => {
                *word &= !bit;
                self.len -= 1;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Returns whether a row is in the set.
    #[must_use]
    pub fn contains(&self, row: Row) -> bool {
        let (index, bit) = position(row);
        self.words.get(index).is_some_and(|word| word & bit != 0)
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the rows in order.
    pub fn iter(&self) -> impl Iterator<Item = Row> {
        (0..).zip(&self.words).filter(|(_, word)| **word != 0).flat_map(|(index, word)| {
            let bits = (0..WORD_BITS).filter(move |bit| word & (1 << bit) != 0);
            bits.map(move |bit| Row(index * WORD_BITS + bit))
        })
    }
}

impl Extend<Row> for Rows {
    fn extend<I: IntoIterator<Item = Row>>(&mut self, rows: I) {
        for row in rows {
            self.insert(row);
        }
    }
}

fn position(Row(row): Row) -> (usize, u64) {
    (row / WORD_BITS, 1 << (row % WORD_BITS))
}

/// The uploads that were offered and have not ended, by id: some dozens at most.
#[derive(Debug, Default)]
pub(super) struct OpenUploads(Vec<(UploadId, Row)>);

impl OpenUploads {
    pub(super) fn insert(&mut self, id: UploadId, row: Row) {
        let position = self.first_from(id);
        self.0.insert(position, (id, row));
    }

    pub(super) fn remove(&mut self, id: UploadId) -> Option<Row> {
        let position = self.position(id)?;
        Some(self.0.remove(position).1)
    }

    pub(super) fn get(&self, id: UploadId) -> Option<Row> {
        self.0.get(self.position(id)?).map(|(_, row)| *row)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (UploadId, Row)> {
        self.0.iter().copied()
    }

    /// Returns all of them, from `first` on and then those before it.
    pub(super) fn iter_from(&self, first: UploadId) -> impl Iterator<Item = (UploadId, Row)> {
        let (before, after) = self.0.split_at(self.first_from(first));
        after.iter().chain(before).copied()
    }

    fn first_from(&self, id: UploadId) -> usize {
        self.0.partition_point(|(offered, _)| *offered < id)
    }

    fn position(&self, id: UploadId) -> Option<usize> {
        let position = self.first_from(id);
        (self.0.get(position)?.0 == id).then_some(position)
    }
}

/// The restored rows that miss their files, by hashed file names.
#[derive(Debug, Default)]
pub(super) struct MissingFiles {
    rows: Rows,
    /// The rows by the hash of their file names.
    by_name: Vec<Vec<Row>>,
}

impl MissingFiles {
    pub(super) fn insert(&mut self, name: &str, row: Row) {
        self.by_name.resize(NAME_LISTS, Vec::new());
        if self.rows.insert(row)
            && let Some(list) = self.by_name.get_mut(list_of(name))
        {
            list.push(row);
        }
    }

    pub(super) fn remove(&mut self, name: &str, row: Row) {
        if self.rows.remove(row)
            && let Some(list) = self.by_name.get_mut(list_of(name))
        {
            list.retain(|missing| *missing != row);
        }
    }

    /// Returns the rows whose file may have this name, and a few others.
    pub(super) fn near(&self, name: &str) -> &[Row] {
        self.by_name.get(list_of(name)).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }
}

fn list_of(name: &str) -> usize {
    let digest = edges(name.as_bytes(), &[]);
    usize::try_from(digest % NAME_LISTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_a_set(steps in prop::collection::vec((any::<bool>(), 0..200_usize), 0..100)) {
            let (mut rows, mut model) = (Rows::default(), BTreeSet::new());
            for (insert, row) in steps {
                if insert {
                    prop_assert_eq!(rows.insert(Row(row)), model.insert(Row(row)));
                } else {
                    prop_assert_eq!(rows.remove(Row(row)), model.remove(&Row(row)));
                }
                prop_assert_eq!(rows.contains(Row(row)), insert);
                prop_assert_eq!((rows.len(), rows.is_empty()), (model.len(), model.is_empty()));
            }
            prop_assert_eq!(rows.iter().collect::<Vec<_>>(), model.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn offered_uploads_are_a_map_that_is_gone_round(
            ids in prop::collection::btree_map(0..50_u32, 0..1000_usize, 0..20),
            removed in prop::collection::vec(0..50_u32, 0..10),
            first in 0..50_u32,
        ) {
            let mut model: BTreeMap<_, _> =
                ids.into_iter().map(|(id, row)| (UploadId(id), Row(row))).collect();
            let mut offered = OpenUploads::default();
            model.iter().rev().for_each(|(id, row)| offered.insert(*id, *row));
            for id in removed {
                prop_assert_eq!(offered.remove(UploadId(id)), model.remove(&UploadId(id)));
                prop_assert_eq!(offered.get(UploadId(id)), None);
            }
            let first = UploadId(first);
            let round = model.range(first..).chain(model.range(..first));
            prop_assert_eq!(
                offered.iter_from(first).collect::<Vec<_>>(),
                round.map(|(id, row)| (*id, *row)).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn row_that_misses_its_file_is_near_its_name_until_it_is_found() {
        let mut missing = MissingFiles::default();
        let names: Vec<_> = (0..5000).map(|n| format!("file {n}")).collect();
        names.iter().enumerate().for_each(|(row, name)| missing.insert(name, Row(row)));
        assert_eq!(missing.rows().len(), 5000);
        for (row, name) in names.iter().enumerate() {
            assert!(missing.near(name).contains(&Row(row)), "{name}");
            assert!(missing.near(name).len() < 100, "a name leads to a few rows");
            missing.remove(name, Row(row));
            assert!(!missing.near(name).contains(&Row(row)), "{name}");
        }
        assert!(missing.rows().is_empty());
    }
}
