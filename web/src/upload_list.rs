//! The rows of the list of uploads: first the files that need the user, then the others, folder by
//! folder. In a list of moderate length, those that have ended come last.
//!
//! Files that need the user are listed outside of their folders: a closed folder hides no failure.

use std::{cmp::Reverse, collections::BinaryHeap};

use serde::{Deserialize, Serialize};

use crate::{
    queue::{Folder, FolderId, Group, Queue, Row, Rows, Totals},
    virtual_list::MAX_FULL_LIST,
};

/// In a list that is longer than [`MAX_FULL_LIST`], folders with more files than this start closed.
const MAX_FILES_OF_OPEN_FOLDER: u64 = 20;

/// The uploads that the user wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UploadFilter {
    /// All.
    #[default]
    All,
    /// Queued, open and paused ones.
    UnderWay,
    /// Interrupted and undecided ones.
    NeedsUser,
    /// Failed ones.
    Failed,
    /// Stored ones.
    Done,
}

impl UploadFilter {
    /// Returns the number of uploads that pass the filter.
    #[must_use]
    pub fn count(self, totals: &Totals) -> u64 {
        match self {
            Self::All => totals.files,
            Self::UnderWay => totals.active + totals.paused,
            Self::NeedsUser => totals.waiting,
            Self::Failed => totals.failed,
            Self::Done => totals.done,
        }
    }

    /// Returns the files at the front.
    fn front(self, queue: &Queue) -> Rows {
        let rows = |group| queue.group(group).rows();
        match self {
            Self::All => {
                let mut front = rows(Group::NeedsUser).clone();
                front.extend(rows(Group::Failed).iter());
                front
            }
            Self::NeedsUser => rows(Group::NeedsUser).clone(),
            Self::Failed => rows(Group::Failed).clone(),
            Self::UnderWay | Self::Done => Rows::default(),
        }
    }

    /// Returns whether any files of a folder pass the filter, apart from those at the front.
    fn may_pass(self, totals: &Totals) -> bool {
        match self {
            Self::All => totals.files > 0,
            Self::NeedsUser | Self::Failed => false,
            Self::UnderWay | Self::Done => self.count(totals) > 0,
        }
    }

    /// Returns whether a row passes the filter that is not at the front.
    fn passes(self, queue: &Queue, row: Row) -> bool {
        let on = |group| queue.group(group).rows().contains(row);
        match self {
            Self::All => queue.get(row).is_some(),
            Self::UnderWay => on(Group::UnderWay),
            Self::NeedsUser | Self::Failed => false,
            Self::Done => on(Group::Done),
        }
    }

    /// Returns a number that changes whenever an upload may change its place in the list.
    fn version(self, queue: &Queue) -> u64 {
        let version = |group| queue.group(group).version();
        let front = version(Group::NeedsUser) + version(Group::Failed);
        match self {
            Self::All if puts_ended_last(queue) => {
                front + version(Group::Done) + version(Group::Skipped)
            }
            Self::All => front,
            Self::UnderWay => version(Group::UnderWay),
            Self::NeedsUser => version(Group::NeedsUser),
            Self::Failed => version(Group::Failed),
            Self::Done => version(Group::Done),
        }
    }
}

/// Returns whether files that have ended come last. In a long list they stay: it would be made anew
/// with each file.
fn puts_ended_last(queue: &Queue) -> bool {
    queue.len() <= MAX_FULL_LIST
}

/// A row of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListRow {
    /// The heading of a folder.
    Folder(FolderId),
    /// A file.
    File(Row),
}

/// Whether rows may change their places by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reordering {
    /// Files that need the user move to the front.
    Allowed,
    /// The user is using a row: the others stay where they are.
    Held,
}

/// The versions of the queue that the rows were made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Versions {
    /// `None` while rows may be out of place.
    states: Option<u64>,
    files: u64,
    choices: u64,
}

/// Whether files are listed below the headings of their folders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// They are, where there is more than one folder.
    #[default]
    ByFolder,
    /// They are not.
    Off,
}

/// The list of uploads.
#[derive(Debug, Default)]
pub struct UploadList {
    filter: UploadFilter,
    grouping: Grouping,
    /// By folder: whether the user opened or closed it.
    opened: Vec<Option<bool>>,
    rows: Vec<ListRow>,
    /// The files at the front, which need the user.
    front: Rows,
    /// The files that come last, because they have ended.
    last: Rows,
    /// The first file that was added since rows could change their places: it and those after it are at
    /// the end.
    added: Row,
    made_of: Option<Versions>,
    choices: u64,
}

impl UploadList {
    /// Returns the rows.
    #[must_use]
    pub fn rows(&self) -> &[ListRow] {
        &self.rows
    }

    /// Returns the files at the front, which need the user.
    #[must_use]
    pub fn front(&self) -> &Rows {
        &self.front
    }

    /// Returns the filter.
    #[must_use]
    pub fn filter(&self) -> UploadFilter {
        self.filter
    }

    /// Sets the filter.
    pub fn set_filter(&mut self, filter: UploadFilter) {
        self.filter = filter;
        self.choices += 1;
    }

    /// Returns whether files are listed below the headings of their folders.
    #[must_use]
    pub fn grouping(&self) -> Grouping {
        self.grouping
    }

    /// Sets whether files are listed below the headings of their folders.
    pub fn set_grouping(&mut self, grouping: Grouping) {
        self.grouping = grouping;
        self.choices += 1;
    }

    /// Opens or closes a folder.
    pub fn toggle(&mut self, id: FolderId, queue: &Queue) {
        let open = queue.folder(id).is_some_and(|folder| self.is_open(id, folder, queue));
        if self.opened.len() <= id.0 {
            self.opened.resize(id.0 + 1, None);
        }
        if let Some(chosen) = self.opened.get_mut(id.0) {
            *chosen = Some(!open);
        }
        self.choices += 1;
    }

    /// Returns whether a folder is open.
    #[must_use]
    pub fn is_open(&self, id: FolderId, folder: &Folder, queue: &Queue) -> bool {
        let few = folder.totals().files <= MAX_FILES_OF_OPEN_FOLDER;
        let chosen = self.opened.get(id.0).copied().flatten();
        chosen.unwrap_or(few || queue.len() <= MAX_FULL_LIST)
    }

    /// Updates the rows. Returns whether they changed. While the order is held, only files that the
    /// user adds, removes, folds or filters change them.
    pub fn update(&mut self, queue: &Queue, order: Reordering) -> bool {
        let states = match order {
            Reordering::Allowed => Some(self.filter.version(queue)),
            Reordering::Held => None,
        };
        let now = Versions { states, files: queue.list_version(), choices: self.choices };
        let is_current = self.made_of.is_some_and(|before| match order {
            Reordering::Allowed => before == now,
            Reordering::Held => before == Versions { states: before.states, ..now },
        });
        if is_current {
            return false;
        }
        self.made_of = Some(now);
        let mut lines = std::mem::take(&mut self.rows);
        lines.clear();
        if order == Reordering::Allowed {
            self.front = self.filter.front(queue);
            self.last = ended(queue);
            self.added = queue.next_row();
        }
        let is_there = |row: &Row| queue.get(*row).is_some();
        lines.extend(self.front.iter().filter(is_there).map(ListRow::File));
        if self.is_grouped(queue) {
            self.add_folders(&mut lines, queue);
        } else {
            let rows: Vec<_> = (0..queue.next_row().0).map(Row).collect();
            self.add_files(&mut lines, &rows, queue);
        }
        self.rows = lines;
        true
    }

    fn is_behind_the_front(&self, queue: &Queue, row: Row) -> bool {
        self.filter.passes(queue, row) && !self.front.contains(row)
    }

    /// Returns whether folders have headings: one folder needs none.
    fn is_grouped(&self, queue: &Queue) -> bool {
        let mut listed = queue.folders().filter(|(_, folder)| folder.totals().files > 0);
        self.grouping == Grouping::ByFolder && listed.nth(1).is_some()
    }

    /// Adds the folders with their files, those last in which all have ended. Files in no folder have no
    /// heading.
    fn add_folders(&self, lines: &mut Vec<ListRow>, queue: &Queue) {
        let folders =
            || queue.folders().map(|(id, folder)| (self.place_of_folder(folder), id, folder));
        let sorted =
            Place::ALL.into_iter().flat_map(|place| folders().filter(move |it| it.0 == place));
        for (_, id, folder) in sorted {
            let mut listed = folder.rows().iter();
            let is_listed = |row: &Row| self.is_behind_the_front(queue, *row);
            if !self.filter.may_pass(folder.totals()) || !listed.any(is_listed) {
                continue;
            }
            let has_heading = !folder.path().is_empty();
            if has_heading {
                lines.push(ListRow::Folder(id));
            }
            if !has_heading || self.is_open(id, folder, queue) {
                self.add_files(lines, folder.rows(), queue);
            }
        }
    }

    /// Adds those of some files that are listed and not at the front, each place in the chosen order.
    fn add_files(&self, lines: &mut Vec<ListRow>, rows: &[Row], queue: &Queue) {
        for place in Place::ALL {
            // A heap, as the queue has one of this type: a sort would make the program larger.
            let mut ranked = BinaryHeap::new();
            for row in rows {
                if self.is_behind_the_front(queue, *row) && self.place(*row) == place {
                    ranked.push(Reverse((queue.rank(*row), *row)));
                }
            }
            while let Some(Reverse((_, row))) = ranked.pop() {
                lines.push(ListRow::File(row));
            }
        }
    }

    fn place(&self, row: Row) -> Place {
        if row >= self.added {
            Place::Added
        } else if self.last.contains(row) {
            Place::Ended
        } else {
            Place::UnderWay
        }
    }

    /// Returns the place of a folder: that of its first file behind the front.
    fn place_of_folder(&self, folder: &Folder) -> Place {
        let has = |place| {
            let behind = |row: &&Row| !self.front.contains(**row);
            folder.rows().iter().filter(behind).any(|row| self.place(*row) == place)
        };
        Place::ALL.into_iter().find(|place| has(*place)).unwrap_or(Place::Added)
    }
}

/// Where a file is behind the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    UnderWay,
    Ended,
    Added,
}

impl Place {
    const ALL: [Self; 3] = [Self::UnderWay, Self::Ended, Self::Added];
}

/// Returns the files that have ended, in a list in which they come last.
fn ended(queue: &Queue) -> Rows {
    let mut ended = Rows::default();
    if puts_ended_last(queue) {
        for group in [Group::Done, Group::Skipped] {
            ended.extend(queue.group(group).rows().iter());
        }
    }
    ended
}

#[cfg(test)]
mod tests {
    use protocol::{
        Problem, Stage,
        server::{Limits, Verified},
    };

    use super::*;
    use crate::queue::{OfferOrder, PickedFile, State, Stored};

    const LIMITS: Limits = Limits {
        max_chunk_bytes: 1 << 16,
        min_chunk_bytes: 1 << 12,
        max_open_uploads: 1000,
        ping_interval_millis: 20_000,
        max_log_lines: 1000,
    };

    fn queue<'a>(paths: impl IntoIterator<Item = &'a str>) -> Queue {
        let mut queue = Queue::default();
        let files = paths.into_iter().map(|path| PickedFile {
            path: path.to_owned(),
            size: 1,
            modified_millis: None,
        });
        queue.add(files.collect(), "/", || State::Queued);
        queue
    }

    /// A line each: the path of a folder with a slash at its end, the path of a file.
    fn lines(listing: &mut UploadList, queue: &Queue) -> Vec<String> {
        listing.update(queue, Reordering::Allowed);
        let text = listing.rows().iter().map(|line| match line {
            ListRow::Folder(id) => format!("{}/", queue.folder(*id).unwrap().path()),
            ListRow::File(row) => queue.get(*row).unwrap().path().to_owned(),
        });
        text.collect()
    }

    fn fail(queue: &mut Queue, row: usize) {
        let problem = Problem::new(Stage::Transfer, "no".into());
        let (id, _) = queue.open().find(|(_, open)| *open == Row(row)).unwrap();
        queue.failed(id, problem, None);
    }

    fn finish(queue: &mut Queue, row: usize) {
        let (id, _) = queue.open().find(|(_, open)| *open == Row(row)).unwrap();
        queue.done(id, Stored { verified: Verified::Size, digest: None, page_agrees: false });
    }

    #[test]
    fn files_of_a_folder_are_in_the_chosen_order() {
        let mut queue = queue(["b/1", "a", "b/2"]);
        let backwards: fn(&[&str]) -> Vec<u64> = |names| (0..names.len() as u64).rev().collect();
        queue.set_collation(backwards);
        queue.set_order(OfferOrder::ByName);
        let mut listing = UploadList::default();
        assert_eq!(lines(&mut listing, &queue), ["b/", "b/2", "b/1", "a"]);
        listing.set_grouping(Grouping::Off);
        assert_eq!(lines(&mut listing, &queue), ["b/2", "a", "b/1"]);
        queue.set_order(OfferOrder::AsDropped);
        assert_eq!(lines(&mut listing, &queue), ["b/1", "a", "b/2"]);
    }

    #[test]
    fn files_stand_below_their_folders_however_they_came() {
        let queue = queue(["top", "a/1", "a/b/2", "a/3", "c/4"]);
        let mut listing = UploadList::default();
        let expected = ["top", "a/", "a/1", "a/3", "a/b/", "a/b/2", "c/", "c/4"];
        assert_eq!(lines(&mut listing, &queue), expected);
        listing.set_grouping(Grouping::Off);
        assert_eq!(lines(&mut listing, &queue), ["top", "a/1", "a/b/2", "a/3", "c/4"]);
    }

    #[test]
    fn files_under_way_stand_before_those_that_have_ended_and_so_do_their_folders() {
        let mut queue = queue(["a/1", "a/2", "b/3", "b/4"]);
        queue.offers(&LIMITS);
        let mut listing = UploadList::default();
        finish(&mut queue, 0);
        assert_eq!(lines(&mut listing, &queue), ["a/", "a/2", "a/1", "b/", "b/3", "b/4"]);
        finish(&mut queue, 1);
        assert_eq!(lines(&mut listing, &queue), ["b/", "b/3", "b/4", "a/", "a/1", "a/2"]);
        finish(&mut queue, 2);
        finish(&mut queue, 3);
        let all = ["a/", "a/1", "a/2", "b/", "b/3", "b/4"];
        assert_eq!(lines(&mut listing, &queue), all, "all have ended: the order is the chosen one");
    }

    #[test]
    fn one_folder_needs_no_heading() {
        let mut listing = UploadList::default();
        assert_eq!(lines(&mut listing, &queue(["a/1", "a/2"])), ["a/1", "a/2"]);
    }

    #[test]
    fn what_failed_comes_first_and_outside_of_its_folder_even_when_that_is_closed() {
        let mut queue = queue(["a/1", "b/2", "b/3"]);
        let mut listing = UploadList::default();
        queue.offers(&LIMITS);
        fail(&mut queue, 2);
        listing.toggle(FolderId(1), &queue);
        assert_eq!(lines(&mut listing, &queue), ["b/3", "a/", "a/1", "b/"]);
        listing.toggle(FolderId(1), &queue);
        assert_eq!(lines(&mut listing, &queue), ["b/3", "a/", "a/1", "b/", "b/2"]);
        queue.retry(Row(2));
        assert_eq!(lines(&mut listing, &queue), ["a/", "a/1", "b/", "b/2", "b/3"]);
    }

    #[test]
    fn files_that_are_added_while_the_user_uses_a_row_move_no_other() {
        let mut queue = queue(["a/1", "b/2"]);
        queue.offers(&LIMITS);
        let mut listing = UploadList::default();
        finish(&mut queue, 0);
        finish(&mut queue, 1);
        assert_eq!(lines(&mut listing, &queue), ["a/", "a/1", "b/", "b/2"]);
        let more = ["b/3", "c/4"].map(|path| PickedFile {
            path: path.to_owned(),
            size: 1,
            modified_millis: None,
        });
        queue.add(more.into(), "/", || State::Queued);
        assert!(listing.update(&queue, Reordering::Held));
        let files: Vec<_> = listing
            .rows()
            .iter()
            .filter_map(|row| match row {
                ListRow::File(row) => Some(row.0),
                ListRow::Folder(_) => None,
            })
            .collect();
        assert_eq!(files, [0, 1, 2, 3]);
        assert_eq!(lines(&mut listing, &queue), ["b/", "b/3", "b/2", "c/", "c/4", "a/", "a/1"]);
    }

    #[test]
    fn failed_upload_stays_in_place_while_the_user_uses_a_row() {
        let mut queue = queue(["a/1", "b/2", "b/3"]);
        let mut listing = UploadList::default();
        queue.offers(&LIMITS);
        let before = lines(&mut listing, &queue);
        fail(&mut queue, 2);
        assert!(!listing.update(&queue, Reordering::Held));
        assert!(listing.update(&queue, Reordering::Allowed));
        assert_ne!(lines(&mut listing, &queue), before);
        assert_eq!(listing.front().iter().collect::<Vec<_>>(), [Row(2)]);
    }

    #[test]
    fn what_the_user_adds_or_chooses_is_listed_at_once() {
        let mut queue = queue(["a", "b"]);
        let mut listing = UploadList::default();
        listing.update(&queue, Reordering::Held);
        queue.offers(&LIMITS);
        fail(&mut queue, 1);
        let more = PickedFile { path: "c".to_owned(), size: 1, modified_millis: None };
        queue.add(vec![more], "/", || State::Queued);
        assert!(listing.update(&queue, Reordering::Held));
        assert_eq!(listing.rows(), [0, 1, 2].map(|row| ListRow::File(Row(row))));
        assert_eq!(lines(&mut listing, &queue), ["b", "a", "c"]);
        listing.set_filter(UploadFilter::Done);
        assert!(listing.update(&queue, Reordering::Held));
    }

    #[test]
    fn each_filter_shows_as_many_files_as_it_counts() {
        let mut queue = queue(["a/1", "a/2", "a/3", "a/4", "a/5"]);
        queue.offers(&LIMITS);
        finish(&mut queue, 0);
        fail(&mut queue, 1);
        queue.pause(Row(2));
        queue.cancel(Row(4));
        let mut listing = UploadList::default();
        for (filter, files) in [
            (UploadFilter::All, &["a/2", "a/3", "a/4", "a/1", "a/5"] as &[&str]),
            (UploadFilter::UnderWay, &["a/3", "a/4"]),
            (UploadFilter::Failed, &["a/2"]),
            (UploadFilter::Done, &["a/1"]),
        ] {
            listing.set_filter(filter);
            assert_eq!(lines(&mut listing, &queue), files, "{filter:?}");
            assert_eq!(filter.count(&queue.totals()), files.len() as u64, "{filter:?}");
        }
    }

    #[test]
    fn great_folders_of_a_long_list_are_closed_until_the_user_opens_them() {
        let great: Vec<_> = (0..MAX_FULL_LIST).map(|n| format!("great/{n}")).collect();
        let paths = great.iter().map(String::as_str);
        let mut queue = queue(paths.chain(["small/1", "small/2"]));
        let mut listing = UploadList::default();
        assert_eq!(lines(&mut listing, &queue), ["great/", "small/", "small/1", "small/2"]);
        listing.toggle(FolderId(0), &queue);
        assert_eq!(lines(&mut listing, &queue).len(), MAX_FULL_LIST + 4);
        listing.toggle(FolderId(1), &queue);
        assert_eq!(lines(&mut listing, &queue).len(), MAX_FULL_LIST + 2);
        // Nothing has changed since.
        assert!(!listing.update(&queue, Reordering::Allowed));
        queue.cancel(Row(0));
        queue.clear_finished();
        assert_eq!(lines(&mut listing, &queue).len(), MAX_FULL_LIST + 1);
    }

    #[test]
    fn figures_of_the_folders_are_those_of_their_files() {
        let mut queue = queue(["a/1", "b/2", "b/3"]);
        queue.offers(&LIMITS);
        finish(&mut queue, 1);
        let folder = queue.folder(FolderId(1)).unwrap();
        let totals = folder.totals();
        assert_eq!((totals.files, totals.done, totals.active, totals.stored), (2, 1, 1, 1));
        queue.clear_finished();
        let folder = queue.folder(FolderId(1)).unwrap();
        assert_eq!((folder.totals().files, folder.rows()), (1, &[Row(2)] as &[Row]));
    }
}
