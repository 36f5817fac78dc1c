//! The entries of a directory that are shown, and their order.

use std::{cmp::Reverse, collections::BinaryHeap};

use protocol::server::{Entry, EntryKind};

/// The order of the list. Directories come first in each order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// By name.
    #[default]
    Name,
    /// By name, the last one first.
    NameBackwards,
    /// By size, the smallest first.
    Smallest,
    /// By size, the largest first.
    Largest,
    /// By date, the oldest first.
    Oldest,
    /// By date, the newest first.
    Newest,
}

/// The rank of unknown values, which come last in each order; other ranks are smaller.
const UNKNOWN: u64 = (1 << 63) - 1;
/// The bit that puts files after directories.
const NO_DIRECTORY: u64 = 1 << 63;
/// Added to dates: those before 1970 are negative, ranks are not.
const EPOCH: i64 = 1 << 61;

impl SortOrder {
    /// Returns the sort key of an entry; `name` is the rank of its name.
    fn rank(self, entry: &Entry, name: u64) -> u64 {
        let is_directory = entry.kind == EntryKind::Directory;
        let size = if is_directory { Some(0) } else { entry.size };
        let date =
            entry.modified_millis.map(|date| EPOCH.saturating_add(date).max(0).unsigned_abs());
        let (key, backwards) = match self {
            Self::Name => (Some(name), false),
            Self::NameBackwards => (Some(name), true),
            Self::Smallest => (size, false),
            Self::Largest => (size, true),
            Self::Oldest => (date, false),
            Self::Newest => (date, true),
        };
        let key = key.map(|key| key.min(UNKNOWN - 1));
        let rank = match (key, backwards) {
            (None, _) => UNKNOWN,
            (Some(key), false) => key,
            (Some(key), true) => UNKNOWN - 1 - key,
        };
        if is_directory { rank } else { NO_DIRECTORY | rank }
    }
}

/// Returns the positions of the entries whose names contain `filter`, in order; `names` are the ranks
/// of the names. Equal entries are in the order of their names.
pub(super) fn shown(entries: &[Entry], names: &[u64], sort: SortOrder, filter: &str) -> Vec<usize> {
    let held =
        entries.iter().zip(names).zip(0..).filter(|((entry, _), _)| holds(&entry.name, filter));
    let ranks =
        held.map(|((entry, name), position)| Reverse((sort.rank(entry, *name), *name, position)));
    let mut heap: BinaryHeap<Reverse<(u64, u64, usize)>> = ranks.collect();
    let mut positions = Vec::with_capacity(heap.len());
    while let Some(Reverse((_, _, position))) = heap.pop() {
        positions.push(position);
    }
    positions
}

/// Returns whether a name contains a text; ASCII letters match in both cases.
pub(super) fn holds(name: &str, text: &str) -> bool {
    let text = text.as_bytes();
    text.is_empty()
        || name.as_bytes().windows(text.len()).any(|part| part.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        [
            (EntryKind::Directory, "d1", Some(4096), Some(5)),
            (EntryKind::Directory, "d2", None, Some(9)),
            (EntryKind::File, "Alpha", Some(30), Some(-7)),
            (EntryKind::File, "beta", None, Some(8)),
            (EntryKind::File, "gamma", Some(10), None),
            (EntryKind::Other, "alphabet", Some(10), Some(3)),
        ]
        .map(|(kind, name, size, modified_millis)| Entry {
            name: name.to_owned(),
            kind,
            size,
            modified_millis,
            leftover_of: None,
        })
        .to_vec()
    }

    fn names(sort: SortOrder, filter: &str) -> Vec<String> {
        let (entries, ranks) = (entries(), [0, 1, 2, 3, 4, 5]);
        let positions = shown(&entries, &ranks, sort, filter);
        positions.iter().map(|position| entries[*position].name.clone()).collect()
    }

    #[test]
    fn directories_come_first_in_each_order_and_what_is_not_known_comes_last() {
        let all = |sort| names(sort, "").join(" ");
        assert_eq!(all(SortOrder::Name), "d1 d2 Alpha beta gamma alphabet");
        assert_eq!(all(SortOrder::NameBackwards), "d2 d1 alphabet gamma beta Alpha");
        assert_eq!(all(SortOrder::Smallest), "d1 d2 gamma alphabet Alpha beta");
        assert_eq!(all(SortOrder::Largest), "d1 d2 Alpha gamma alphabet beta");
        assert_eq!(all(SortOrder::Oldest), "d1 d2 Alpha alphabet beta gamma");
        assert_eq!(all(SortOrder::Newest), "d2 d1 beta alphabet Alpha gamma");
    }

    #[test]
    fn names_are_in_the_order_that_they_are_given() {
        let (entries, ranks) = (entries(), [1, 0, 5, 4, 3, 2]);
        assert_eq!(shown(&entries, &ranks, SortOrder::Name, ""), [1, 0, 5, 4, 3, 2]);
        assert_eq!(shown(&entries, &ranks, SortOrder::Smallest, "a"), [5, 4, 2, 3]);
    }

    #[test]
    fn filter_finds_names_by_any_part_of_them_in_small_letters_or_capitals() {
        assert_eq!(names(SortOrder::Name, "ALPHA"), ["Alpha", "alphabet"]);
        assert_eq!(names(SortOrder::Name, "et"), ["beta", "alphabet"]);
        assert!(names(SortOrder::Name, "a name that is longer than all of them").is_empty());
    }
}
