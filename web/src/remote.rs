//! The directory in view on the server: its listing, the cursor, and changes in it.

use std::time::Duration;

use protocol::{
    Problem,
    server::{Entry, EntryKind},
};

pub use self::{
    action::RemoteAction,
    change_dialog::{ChangeDialog, RemoteChange, RemoteCommand, stem_units},
    cursor::CursorMove,
    order::SortOrder,
};
use crate::{path, time::Millis};

mod action;
mod change_dialog;
pub mod change_texts;
mod changes;
mod cursor;
mod order;
pub mod wording;

/// After an upload has ended, the refresh waits this long for other uploads to end.
const REFRESH_PAUSE: Duration = Duration::from_millis(800);
/// Returns the ranks of names in the person's language: `file 2` before `file 10`, `ä` beside `a`.
pub type Collation = fn(names: &[&str]) -> Vec<u64>;

/// The directory in view.
#[derive(Debug, Default)]
pub struct RemoteDirectory {
    directory: String,
    /// In the portal's order: directories first, then by name.
    entries: Vec<Entry>,
    /// The rank of each entry's name; without a collation, in the portal's order.
    ranks: Vec<u64>,
    collation: Option<Collation>,
    left_out: u64,
    /// The path of the requested listing: one at a time.
    asked: Option<String>,
    /// The path to request after that.
    next: Option<String>,
    problem: Option<Problem>,
    refresh_at: Option<Millis>,
    sort: SortOrder,
    filter: String,
    /// The positions in `entries` of the shown entries, in order.
    shown: Vec<usize>,
    version: u64,
    /// The name of the current entry, and its row.
    cursor: (String, usize),
    focus_requests: u64,
    /// The entry that files are dragged over.
    drag_over: Option<String>,
    dialog: Option<ChangeDialog>,
}

impl RemoteDirectory {
    /// Returns the absolute path.
    #[must_use]
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// Returns all entries, in the portal's order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the number of rows in the list.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Returns whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Returns the entry in a row of the list.
    #[must_use]
    pub fn at(&self, row: usize) -> Option<&Entry> {
        self.entries.get(*self.shown.get(row)?)
    }

    /// Returns a number that grows with each change of the list.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the row of the current entry.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.cursor.1
    }

    /// Returns the current entry, which the keyboard acts on.
    #[must_use]
    pub fn current(&self) -> Option<&Entry> {
        self.at(self.cursor())
    }

    /// Returns a number that grows whenever the current entry should get the focus.
    #[must_use]
    pub fn focus_requests(&self) -> u64 {
        self.focus_requests
    }

    /// Returns the name of the directory that files are dragged over.
    #[must_use]
    pub fn drag_over(&self) -> Option<&str> {
        self.drag_over.as_deref()
    }

    /// Returns the directory for files that are dropped now.
    #[must_use]
    pub fn drop_directory(&self) -> String {
        match &self.drag_over {
            Some(name) => path::join(&self.directory, name),
            None => self.directory.clone(),
        }
    }

    /// Returns the open dialog.
    #[must_use]
    pub fn dialog(&self) -> Option<&ChangeDialog> {
        self.dialog.as_ref()
    }

    /// Returns the number of entries that the portal did not send.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Returns whether a listing was requested.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.asked.is_some()
    }

    /// Returns why the last listing failed.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// Returns when a refresh is due.
    #[must_use]
    pub fn refresh_at(&self) -> Option<Millis> {
        self.refresh_at
    }

    /// The person disconnected: the next connection starts in the login's directory.
    pub fn leave(&mut self) {
        self.start_over(String::new());
    }

    /// Enters `directory` on a new connection. Returns the path to list.
    pub fn enter(&mut self, directory: String) -> Option<String> {
        self.start_over(directory);
        self.refresh()
    }

    /// Resets everything but the order and the version numbers.
    fn start_over(&mut self, directory: String) {
        let Self { sort, focus_requests, version, collation, .. } = *self;
        let version = version + 1;
        *self = Self { directory, sort, focus_requests, version, collation, ..Self::default() };
    }

    /// Opens a directory of the list. Returns the path to list, unless a listing is requested.
    pub fn open(&mut self, name: &str) -> Option<String> {
        self.ask(path::join(&self.directory, name))
    }

    /// Opens an absolute path. Returns the path to list, unless a listing is requested.
    pub fn go(&mut self, path: String) -> Option<String> {
        self.ask(path)
    }

    /// Opens the directory above, unless the root is in view.
    pub fn up(&mut self) -> Option<String> {
        let parent = path::parent(&self.directory)?.to_owned();
        self.ask(parent)
    }

    /// Refreshes the directory in view, or the one that was requested.
    pub fn refresh(&mut self) -> Option<String> {
        let path = self.next.as_ref().or(self.asked.as_ref()).unwrap_or(&self.directory);
        self.ask(path.clone())
    }

    /// The directory changed: schedules a refresh.
    pub fn changed(&mut self, now: Millis) {
        self.refresh_at.get_or_insert(now + REFRESH_PAUSE);
    }

    /// A listing arrived. Returns the path to list next. A listing that was not requested is
    /// ignored.
    pub fn listed(&mut self, path: String, entries: Vec<Entry>, left_out: u64) -> Option<String> {
        self.asked.take()?;
        if path != self.directory {
            // After going up, the cursor is on the directory that was in view.
            self.cursor = (path::child_towards(&path, &self.directory).to_owned(), 0);
            self.filter.clear();
            self.drag_over = None;
            self.directory = path;
            self.entries = entries;
            self.rank();
            self.relist();
        } else if self.entries != entries {
            self.entries = entries;
            self.rank();
            self.relist();
        }
        self.left_out = left_out;
        self.problem = None;
        self.go_on()
    }

    /// A listing failed: the directory in view stays. Returns the path to list next.
    pub fn failed(&mut self, problem: Problem) -> Option<String> {
        self.asked.take()?;
        self.problem = Some(problem);
        self.go_on()
    }

    /// Sets the order of names.
    pub fn set_collation(&mut self, collation: Collation) {
        self.collation = Some(collation);
    }

    /// Computes the ranks of the names once: that takes longer than all other sorting.
    fn rank(&mut self) {
        self.ranks = match self.collation {
            Some(ranks) => {
                let names: Vec<_> = self.entries.iter().map(|entry| entry.name.as_str()).collect();
                ranks(&names)
            }
            None => (0..).take(self.entries.len()).collect(),
        };
    }

    /// Sets the order of the list.
    pub fn sort(&mut self, sort: SortOrder) {
        self.sort = sort;
        self.relist();
    }

    /// Shows only names that contain this text, in any case.
    pub fn filter(&mut self, filter: String) {
        self.filter = filter;
        self.relist();
    }

    /// Returns the filter of the names.
    #[must_use]
    pub fn name_filter(&self) -> &str {
        &self.filter
    }

    /// Files are dragged over the directory in this row, or over none.
    pub fn set_drag_over(&mut self, row: Option<usize>) {
        let entry = row.and_then(|row| self.at(row));
        let directory = entry.filter(|entry| entry.kind == EntryKind::Directory);
        self.drag_over = directory.map(|entry| entry.name.clone());
    }

    /// Updates the list. The cursor stays on its entry, or in its row if the entry is gone.
    fn relist(&mut self) {
        self.shown = order::shown(&self.entries, &self.ranks, self.sort, &self.filter);
        self.version += 1;
        let name = &self.cursor.0;
        let found = (0..self.len()).find(|row| self.at(*row).is_some_and(|e| e.name == *name));
        self.point_at(found.unwrap_or(self.cursor()));
    }

    fn ask(&mut self, path: String) -> Option<String> {
        self.refresh_at = None;
        if self.asked.is_some() {
            self.next = Some(path);
            return None;
        }
        self.asked = Some(path.clone());
        Some(path)
    }

    fn go_on(&mut self) -> Option<String> {
        let next = self.next.take()?;
        self.ask(next)
    }
}

#[cfg(test)]
mod tests {
    use protocol::{ClientMessage, Stage, server::DeletedCounts};

    use super::*;

    fn refused() -> Problem {
        Problem {
            stage: Stage::List,
            message: "no".into(),
            logged: None,
            reply: None,
            cause: None,
            remedy: None,
        }
    }

    #[test]
    fn refused_directory_leaves_the_view_where_it_was() {
        let mut remote = RemoteDirectory::default();
        remote.enter("/home".into());
        remote.listed("/home".into(), Vec::new(), 0);
        assert_eq!(remote.open("secret").as_deref(), Some("/home/secret"));
        remote.failed(refused());
        assert_eq!(remote.directory(), "/home");
        assert!(remote.problem().is_some());
        assert!(!remote.is_loading());
    }

    #[test]
    fn one_listing_is_awaited_at_a_time_and_the_last_wish_counts() {
        let mut remote = RemoteDirectory::default();
        assert_eq!(remote.enter("/".into()).as_deref(), Some("/"));
        assert_eq!(remote.open("a"), None);
        assert_eq!(remote.open("b"), None);
        assert_eq!(remote.refresh(), None, "it is on the way to b");
        assert_eq!(remote.listed("/".into(), Vec::new(), 0).as_deref(), Some("/b"));
        assert!(remote.is_loading());
        assert_eq!(remote.listed("/b".into(), Vec::new(), 0), None);
        assert!(!remote.is_loading());
        remote.listed("/late".into(), Vec::new(), 0);
        assert_eq!(remote.directory(), "/b");
    }

    #[test]
    fn many_ends_lead_to_one_refresh() {
        let mut remote = RemoteDirectory::default();
        remote.changed(Millis(1000));
        remote.changed(Millis(1100));
        assert_eq!(remote.refresh_at(), Some(Millis(1800)));
        remote.refresh();
        assert_eq!(remote.refresh_at(), None);
    }

    fn entry(kind: EntryKind, name: &str) -> Entry {
        let name = name.to_owned();
        Entry { name, kind, size: None, modified_millis: None, leftover_of: None }
    }

    fn home() -> RemoteDirectory {
        let mut remote = RemoteDirectory::default();
        remote.enter("/home".into());
        let entries = vec![
            entry(EntryKind::Directory, "docs"),
            entry(EntryKind::File, "a.txt"),
            entry(EntryKind::File, "b.txt"),
        ];
        remote.listed("/home".into(), entries, 0);
        remote
    }

    fn names(remote: &RemoteDirectory) -> Vec<&str> {
        (0..remote.len()).map(|row| remote.at(row).unwrap().name.as_str()).collect()
    }

    #[test]
    fn who_goes_up_finds_the_directory_that_was_in_view() {
        let mut remote = home();
        remote.open("docs");
        remote.listed("/home/docs".into(), Vec::new(), 0);
        remote.go("/".into());
        let above = ["bin", "home", "tmp"].map(|name| entry(EntryKind::Directory, name));
        remote.listed("/".into(), above.to_vec(), 0);
        assert_eq!(remote.current().unwrap().name, "home");
    }

    #[test]
    fn cursor_stays_in_the_list_and_on_its_entry() {
        let mut remote = home();
        remote.move_cursor(CursorMove::Previous);
        assert_eq!(remote.cursor(), 0);
        remote.move_cursor(CursorMove::Last);
        assert_eq!(remote.current().unwrap().name, "b.txt");
        remote.sort(SortOrder::NameBackwards);
        assert_eq!((remote.cursor(), names(&remote)), (1, vec!["docs", "b.txt", "a.txt"]));
        remote.seek('D');
        assert_eq!(remote.current().unwrap().name, "docs");
        remote.seek('x');
        assert_eq!(remote.current().unwrap().name, "docs");
    }

    #[test]
    fn listing_that_is_as_before_changes_nothing_that_is_shown() {
        let mut remote = home();
        let (version, entries) = (remote.version(), remote.entries().to_vec());
        remote.refresh();
        remote.listed("/home".into(), entries, 0);
        assert_eq!(remote.version(), version);
    }

    #[test]
    fn new_folder_is_shown_in_its_place_before_the_server_lists_it() {
        let mut remote = home();
        remote.open_dialog(RemoteCommand::MakeDirectory);
        let message = ClientMessage::MakeDirectory { path: "/home/art".into() };
        assert_eq!(remote.confirm_dialog("art"), Some(message));
        assert_eq!(remote.confirm_dialog("art"), None, "once is enough");
        assert_eq!(remote.done("/home/other"), None);
        assert_eq!(remote.done("/home/art").unwrap(), "The folder art was created.");
        assert_eq!(names(&remote), ["art", "docs", "a.txt", "b.txt"]);
        assert_eq!(remote.current().unwrap().name, "art");
        assert!(remote.dialog().is_none());
    }

    #[test]
    fn names_that_cannot_be_are_refused_before_the_server_is_asked() {
        let mut remote = home();
        remote.open_dialog(RemoteCommand::MakeDirectory);
        for name in ["", ".", "..", "a/b", "a.txt"] {
            assert_eq!(remote.confirm_dialog(name), None, "{name}");
            let problem = remote.dialog().unwrap().problem().unwrap();
            assert!(problem.remedy.is_some(), "{name}");
        }
    }

    #[test]
    fn renamed_entry_keeps_the_cursor() {
        let mut remote = home();
        remote.point_at(1);
        remote.open_dialog(RemoteCommand::Rename);
        let (from, to) = ("/home/a.txt".into(), "/home/z.txt".into());
        assert_eq!(remote.confirm_dialog("z.txt"), Some(ClientMessage::Rename { from, to }));
        remote.done("/home/a.txt").unwrap();
        assert_eq!(names(&remote), ["docs", "b.txt", "z.txt"]);
        assert_eq!(remote.current().unwrap().name, "z.txt");
    }

    #[test]
    fn name_that_stays_is_asked_of_nobody() {
        let mut remote = home();
        remote.point_at(1);
        remote.open_dialog(RemoteCommand::Rename);
        assert_eq!(remote.confirm_dialog("a.txt"), None);
        assert!(remote.dialog().is_none());
    }

    #[test]
    fn after_a_deletion_the_next_entry_is_the_current_one() {
        let mut remote = home();
        remote.point_at(1);
        remote.open_dialog(RemoteCommand::Delete);
        assert!(remote.confirm_dialog("").is_some());
        remote.done("/home/a.txt").unwrap();
        assert_eq!(remote.current().unwrap().name, "b.txt");
        remote.open_dialog(RemoteCommand::Delete);
        remote.confirm_dialog("");
        remote.done("/home/b.txt").unwrap();
        assert_eq!(remote.current().unwrap().name, "docs");
    }

    #[test]
    fn directory_that_holds_something_is_asked_about_again_and_goes_with_everything_in_it() {
        let mut remote = home();
        remote.open_dialog(RemoteCommand::Delete);
        let path = "/home/docs";
        let delete = |recursive| {
            Some(ClientMessage::Delete { path: path.into(), kind: EntryKind::Directory, recursive })
        };
        assert_eq!(remote.confirm_dialog(""), delete(false));
        assert!(remote.not_empty(path));
        assert!(matches!(remote.dialog().unwrap().change(), RemoteChange::DeleteAll(_)));
        assert_eq!(remote.confirm_dialog(""), delete(true));
        let (gone, left) = (
            DeletedCounts { files: 2, directories: 0 },
            DeletedCounts { files: 1, directories: 1 },
        );
        assert!(remote.refused(path, &refused(), Some((gone, Some(left)))));
        let state = change_texts::state(remote.dialog().unwrap());
        assert_eq!(state, "Already deleted: 2 files, 0 folders. Still there: 1 file, 1 folder.");
        assert_eq!(remote.confirm_dialog(""), delete(true), "once more");
    }

    #[test]
    fn question_stands_again_when_the_connection_breaks_under_it() {
        let mut remote = home();
        remote.open_dialog(RemoteCommand::Delete);
        remote.unanswered();
        assert!(remote.dialog().unwrap().problem().is_none(), "nothing was asked of the server");
        remote.confirm_dialog("");
        remote.unanswered();
        let dialog = remote.dialog().unwrap();
        assert!(!dialog.is_pending() && dialog.problem().is_some());
    }

    #[test]
    fn leftover_is_removed_and_never_renamed() {
        let mut remote = RemoteDirectory::default();
        remote.enter("/".into());
        let leftover_of = Some("film".to_owned());
        let leftover = Entry { leftover_of, ..entry(EntryKind::File, ".film.part") };
        remote.listed("/".into(), vec![leftover], 0);
        remote.open_dialog(RemoteCommand::Rename);
        assert!(remote.dialog().is_none());
        remote.open_dialog(RemoteCommand::Delete);
        assert_eq!(
            remote.confirm_dialog(""),
            Some(ClientMessage::Remove { path: "/.film.part".into() })
        );
    }

    #[test]
    fn files_are_dropped_into_the_directory_that_they_are_over() {
        let mut remote = home();
        remote.set_drag_over(Some(0));
        assert_eq!(remote.drop_directory(), "/home/docs");
        remote.set_drag_over(Some(1));
        assert_eq!(remote.drop_directory(), "/home", "a file is no place for files");
    }

    #[test]
    fn extension_of_a_file_is_not_selected_to_be_replaced() {
        let units = |kind, name| stem_units(&entry(kind, name));
        assert_eq!(units(EntryKind::File, "a b.tar.gz"), 7);
        assert_eq!(units(EntryKind::File, ".hidden"), 7);
        assert_eq!(units(EntryKind::Directory, "v1.0"), 4);
        assert_eq!(units(EntryKind::File, "😀.txt"), 2);
    }
}
