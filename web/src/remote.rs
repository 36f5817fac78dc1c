//! The directory in view on the server.

use std::time::Duration;

use protocol::{
    ClientMessage, Problem,
    server::{DeletedCounts, Entry, EntryKind},
};

pub use self::{
    change_dialog::{ChangeDialog, RemoteChange, RemoteCommand, stem_units},
    order::SortOrder,
};
use crate::{path, time::Millis};

mod change_dialog;
pub mod change_texts;
mod order;
pub mod wording;

/// After an upload ends the view waits this long for the next one to end.
const REFRESH_PAUSE: Duration = Duration::from_millis(800);
/// Rows that a page key passes.
const PAGE_ROWS: usize = 10;

/// What a person does with the directory in view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteAction {
    /// Goes to a directory, by its absolute path.
    GoTo(String),
    /// Moves the cursor.
    MoveCursor(CursorMove),
    /// Moves the cursor to the next name that begins with this letter.
    Seek(char),
    /// Puts the cursor on the entry at this place of the list.
    PointAt(usize),
    /// Chooses the order.
    Sort(SortOrder),
    /// Wants to see the names only that hold this.
    Filter(String),
    /// Drags files over the directory at this place, or over none.
    DragOver(Option<usize>),
    /// Wants to make, rename or delete something.
    OpenDialog(RemoteCommand),
    /// Answers the question that stands, with a name where one was asked for.
    ConfirmDialog(String),
    /// Takes the question back.
    CloseDialog,
}

/// Where the cursor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorMove {
    /// One up.
    Previous,
    /// One down.
    Next,
    /// Ten up.
    PageUp,
    /// Ten down.
    PageDown,
    /// To the first.
    First,
    /// To the last.
    Last,
}

/// Gives names the numbers by which they are in order where the person reads them: `file 2` before
/// `file 10`, `ä` beside `a`.
pub type Collation = fn(names: &[&str]) -> Vec<u64>;

/// What is known of the directory in view.
#[derive(Debug, Default)]
pub struct RemoteDirectory {
    directory: String,
    /// As the portal sent them: directories first, each by name.
    entries: Vec<Entry>,
    /// Of each entry its place among the names; until somebody knows better, as the portal sent
    /// them.
    ranks: Vec<u64>,
    collation: Option<Collation>,
    left_out: u64,
    /// The path whose listing is awaited: one at a time.
    asked: Option<String>,
    /// The path to ask for after that.
    next: Option<String>,
    problem: Option<Problem>,
    refresh_at: Option<Millis>,
    sort: SortOrder,
    filter: String,
    /// The places in `entries` of what is shown, in the order in which it is.
    shown: Vec<usize>,
    version: u64,
    /// The current entry, by its name and its place in the list.
    cursor: (String, usize),
    focus_requests: u64,
    /// The directory in view that files are dragged over.
    drag_over: Option<String>,
    dialog: Option<ChangeDialog>,
}

impl RemoteDirectory {
    /// The absolute path of the directory in view.
    #[must_use]
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// Its files and directories, as the portal sent them.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many rows the list has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether nothing is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The entry at a place of the list.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Entry> {
        self.entries.get(*self.shown.get(place)?)
    }

    /// Counts the changes of what is shown.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The place of the current entry: what the keyboard acts on.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.cursor.1
    }

    /// The current entry.
    #[must_use]
    pub fn current(&self) -> Option<&Entry> {
        self.at(self.cursor())
    }

    /// Counts how often the current entry was to get the focus.
    #[must_use]
    pub fn focus_requests(&self) -> u64 {
        self.focus_requests
    }

    /// The directory in view that files are dragged over, by its name.
    #[must_use]
    pub fn drag_over(&self) -> Option<&str> {
        self.drag_over.as_deref()
    }

    /// Where files go that are dropped now.
    #[must_use]
    pub fn drop_directory(&self) -> String {
        match &self.drag_over {
            Some(name) => path::join(&self.directory, name),
            None => self.directory.clone(),
        }
    }

    /// The question that stands.
    #[must_use]
    pub fn dialog(&self) -> Option<&ChangeDialog> {
        self.dialog.as_ref()
    }

    /// How many more there are than the portal sends.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Whether an answer is awaited.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.asked.is_some()
    }

    /// Why the last listing failed.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// When the view wants to be refreshed by itself.
    #[must_use]
    pub fn refresh_at(&self) -> Option<Millis> {
        self.refresh_at
    }

    /// The person has disconnected: the next connection begins where its login does.
    pub fn leave(&mut self) {
        self.start_over(String::new());
    }

    /// Starts over in `directory` on a new connection; gives the path to list.
    pub fn enter(&mut self, directory: String) -> Option<String> {
        self.start_over(directory);
        self.refresh()
    }

    /// The order stays, and so do the counts that the view goes by.
    fn start_over(&mut self, directory: String) {
        let Self { sort, focus_requests, version, collation, .. } = *self;
        let version = version + 1;
        *self = Self { directory, sort, focus_requests, version, collation, ..Self::default() };
    }

    /// Goes into one of the directories in view; gives the path to list, if now is the time.
    pub fn open(&mut self, name: &str) -> Option<String> {
        self.ask(path::join(&self.directory, name))
    }

    /// Goes to an absolute path; gives the path to list, if now is the time.
    pub fn go(&mut self, path: String) -> Option<String> {
        self.ask(path)
    }

    /// Goes to the directory above, unless the top is in view.
    pub fn up(&mut self) -> Option<String> {
        let parent = path::parent(&self.directory)?.to_owned();
        self.ask(parent)
    }

    /// Looks again, where the person is or is on the way to.
    pub fn refresh(&mut self) -> Option<String> {
        let path = self.next.as_ref().or(self.asked.as_ref()).unwrap_or(&self.directory);
        self.ask(path.clone())
    }

    /// An upload has ended: the view is out of date.
    pub fn changed(&mut self, now: Millis) {
        self.refresh_at.get_or_insert(now + REFRESH_PAUSE);
    }

    /// The portal's answer; gives the path to list next. An answer that nobody waits for is left
    /// alone.
    pub fn listed(&mut self, path: String, entries: Vec<Entry>, left_out: u64) -> Option<String> {
        self.asked.take()?;
        if path != self.directory {
            // Who goes up finds the directory that was in view.
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

    /// The server refused. The directory in view stays. Gives the path to list next.
    pub fn failed(&mut self, problem: Problem) -> Option<String> {
        self.asked.take()?;
        self.problem = Some(problem);
        self.go_on()
    }

    /// Names are in this order from now on.
    pub fn set_collation(&mut self, collation: Collation) {
        self.collation = Some(collation);
    }

    /// Finds the order of the names once for all: it costs more than any other.
    fn rank(&mut self) {
        self.ranks = match self.collation {
            Some(ranks) => {
                let names: Vec<_> = self.entries.iter().map(|entry| entry.name.as_str()).collect();
                ranks(&names)
            }
            None => (0..).take(self.entries.len()).collect(),
        };
    }

    /// Shows the entries in another order.
    pub fn sort(&mut self, sort: SortOrder) {
        self.sort = sort;
        self.relist();
    }

    /// Shows the entries whose names hold this, in small letters or capitals.
    pub fn filter(&mut self, filter: String) {
        self.filter = filter;
        self.relist();
    }

    /// What the names that are shown have to hold.
    #[must_use]
    pub fn name_filter(&self) -> &str {
        &self.filter
    }

    /// Moves the cursor, and the focus with it.
    pub fn move_cursor(&mut self, to: CursorMove) {
        let place = self.cursor();
        self.point_at(match to {
            CursorMove::Previous => place.saturating_sub(1),
            CursorMove::Next => place + 1,
            CursorMove::PageUp => place.saturating_sub(PAGE_ROWS),
            CursorMove::PageDown => place + PAGE_ROWS,
            CursorMove::First => 0,
            CursorMove::Last => self.len(),
        });
        self.focus_requests += 1;
    }

    /// Moves the cursor to the next entry whose name begins with `letter`, from the end on to the
    /// beginning.
    pub fn seek(&mut self, letter: char) {
        let next = self.cursor() + 1;
        let mut places = (next..self.len()).chain(0..next);
        let begins = |place: &usize| {
            let first = self.at(*place).and_then(|entry| entry.name.chars().next());
            first.is_some_and(|first| first.eq_ignore_ascii_case(&letter))
        };
        if let Some(place) = places.find(begins) {
            self.point_at(place);
            self.focus_requests += 1;
        }
    }

    /// Puts the cursor on a place of the list, or on its last one.
    pub fn point_at(&mut self, place: usize) {
        let place = place.min(self.len().saturating_sub(1));
        let name = self.at(place).map(|entry| entry.name.clone());
        self.cursor = (name.unwrap_or_default(), place);
    }

    /// Files are dragged over the directory at this place, or over none.
    pub fn set_drag_over(&mut self, place: Option<usize>) {
        let entry = place.and_then(|place| self.at(place));
        let directory = entry.filter(|entry| entry.kind == EntryKind::Directory);
        self.drag_over = directory.map(|entry| entry.name.clone());
    }

    /// Asks the person about something; nothing where there is no current entry.
    pub fn open_dialog(&mut self, command: RemoteCommand) {
        let current = self.current().cloned();
        let change = match (command, current) {
            (RemoteCommand::MakeDirectory, _) => RemoteChange::MakeDirectory,
            (RemoteCommand::Rename, Some(entry)) if entry.leftover_of.is_none() => {
                RemoteChange::Rename(entry)
            }
            (RemoteCommand::Delete, Some(entry)) => change_dialog::deletion(entry),
            (RemoteCommand::Rename | RemoteCommand::Delete, _) => return,
        };
        self.dialog = Some(ChangeDialog::new(change, self.directory.clone()));
    }

    /// The person has answered; gives what to tell the server.
    pub fn confirm_dialog(&mut self, name: &str) -> Option<ClientMessage> {
        let dialog = self.dialog.as_mut()?;
        let here = dialog.directory() == self.directory;
        let taken = here && self.entries.iter().any(|entry| entry.name == name);
        if let RemoteChange::Rename(entry) = dialog.change()
            && entry.name == name
        {
            // It has that name.
            self.close_dialog();
            return None;
        }
        dialog.confirm(name, taken)
    }

    /// The person has taken the question back. What the server was told goes on.
    pub fn close_dialog(&mut self) {
        self.dialog = None;
    }

    /// The server has made a folder, given something another name, or deleted it. What is in view
    /// shows it at once; gives the sentence to say when the person waits for it.
    pub fn done(&mut self, path: &str) -> Option<String> {
        let dialog = self.dialog.take_if(|dialog| dialog.awaits(path))?;
        let new = match dialog.request() {
            Some(ClientMessage::Rename { to, .. }) => path::name(to).to_owned(),
            Some(_) | None => path::name(path).to_owned(),
        };
        let sentence = change_texts::done(dialog.change(), &new);
        if dialog.directory() == self.directory {
            self.apply(dialog.change(), new);
            self.relist();
            self.focus_requests += 1;
        }
        Some(sentence)
    }

    fn apply(&mut self, change: &RemoteChange, new: String) {
        match change {
            RemoteChange::MakeDirectory => {
                self.insert(Entry {
                    name: new.clone(),
                    kind: EntryKind::Directory,
                    size: None,
                    modified_millis: None,
                    leftover_of: None,
                });
                self.cursor.0 = new;
            }
            RemoteChange::Rename(entry) => {
                self.entries.retain(|other| other.name != entry.name);
                self.insert(Entry { name: new.clone(), ..entry.clone() });
                self.cursor.0 = new;
            }
            RemoteChange::Delete(entry)
            | RemoteChange::DeleteAll(entry)
            | RemoteChange::Remove(entry) => {
                self.entries.retain(|other| other.name != entry.name);
            }
        }
        self.rank();
        // What does not fit the filter would be made and not be seen.
        if !order::holds(&self.cursor.0, &self.filter) {
            self.filter.clear();
        }
    }

    /// In the portal's order.
    fn insert(&mut self, entry: Entry) {
        let is_before = |other: &Entry| (other.kind, &other.name) < (entry.kind, &entry.name);
        let place = self.entries.partition_point(is_before);
        self.entries.insert(place, entry);
    }

    /// The server or the portal refused; whether the person waits for it, and is shown why.
    pub fn refused(
        &mut self,
        path: &str,
        problem: &Problem,
        part: Option<(DeletedCounts, Option<DeletedCounts>)>,
    ) -> bool {
        let dialog = self.dialog.as_mut().filter(|dialog| dialog.awaits(path));
        dialog.map(|dialog| dialog.fail(problem.clone(), part)).is_some()
    }

    /// A directory that was to be deleted holds something; whether the person is asked again.
    pub fn not_empty(&mut self, path: &str) -> bool {
        let dialog = self.dialog.as_mut().filter(|dialog| dialog.awaits(path));
        dialog.is_some_and(ChangeDialog::is_not_empty)
    }

    /// The connection is gone, and what was not answered is not going to be.
    pub fn unanswered(&mut self) {
        if let Some(dialog) = &mut self.dialog {
            dialog.break_off();
        }
    }

    /// Sorts anew what is shown. The cursor stays on its entry, and at its place where that is gone.
    fn relist(&mut self) {
        self.shown = order::shown(&self.entries, &self.ranks, self.sort, &self.filter);
        self.version += 1;
        let name = &self.cursor.0;
        let found = (0..self.len()).find(|place| self.at(*place).is_some_and(|e| e.name == *name));
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
    use protocol::Stage;

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
        (0..remote.len()).map(|place| remote.at(place).unwrap().name.as_str()).collect()
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
        assert_eq!(remote.done("/home/art").unwrap(), "The folder art is made.");
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
        assert_eq!(state, "Already gone: 2 files, 0 folders. Still there: 1 file, 1 folder.");
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
