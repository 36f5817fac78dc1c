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
use crate::{
    path::{self, Collation},
    time::Millis,
};

mod action;
mod change_dialog;
pub mod change_texts;
mod changes;
mod cursor;
mod order;
pub mod wording;

/// After an upload has ended, the refresh waits this long for other uploads to end.
const REFRESH_PAUSE: Duration = Duration::from_millis(800);
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
    requested: Option<String>,
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
        self.requested.is_some()
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

    /// The user disconnected: the next connection starts in the login's directory.
    pub fn leave(&mut self) {
        self.start_over(String::new());
    }

    /// Restores the directory that an earlier page had in view; its listing follows after the login.
    pub fn restore(&mut self, directory: String) {
        if self.directory.is_empty() {
            self.directory = directory;
            self.version += 1;
        }
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
        self.request(path::join(&self.directory, name))
    }

    /// Opens an absolute path. Returns the path to list, unless a listing is requested.
    pub fn go(&mut self, path: String) -> Option<String> {
        self.request(path)
    }

    /// Opens the directory above, unless the root is in view.
    pub fn up(&mut self) -> Option<String> {
        let parent = path::parent(&self.directory)?.to_owned();
        self.request(parent)
    }

    /// Refreshes the directory in view, or the one that was requested.
    pub fn refresh(&mut self) -> Option<String> {
        let path = self.next.as_ref().or(self.requested.as_ref()).unwrap_or(&self.directory);
        self.request(path.clone())
    }

    /// The directory changed: schedules a refresh.
    pub fn changed(&mut self, now: Millis) {
        self.refresh_at.get_or_insert(now + REFRESH_PAUSE);
    }

    /// A listing arrived. Returns the path to list next. A listing that was not requested is
    /// ignored.
    pub fn listed(&mut self, path: String, entries: Vec<Entry>, left_out: u64) -> Option<String> {
        self.requested.take()?;
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
        self.request_next()
    }

    /// The server does not list a directory that can be uploaded to: it is in view, empty, with the
    /// reason. Returns the path to list next.
    pub fn listing_hidden(&mut self, path: String, problem: Problem) -> Option<String> {
        let next = self.listed(path, Vec::new(), 0);
        self.problem = Some(problem);
        next
    }

    /// A listing failed: the directory in view stays. Returns the path to list next.
    pub fn failed(&mut self, problem: Problem) -> Option<String> {
        self.requested.take()?;
        self.problem = Some(problem);
        self.request_next()
    }

    /// Forgets why the last listing failed.
    pub fn clear_problem(&mut self) {
        self.problem = None;
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

    fn request(&mut self, path: String) -> Option<String> {
        self.refresh_at = None;
        if self.requested.is_some() {
            self.next = Some(path);
            return None;
        }
        self.requested = Some(path.clone());
        Some(path)
    }

    fn request_next(&mut self) -> Option<String> {
        let next = self.next.take()?;
        self.request(next)
    }
}

#[cfg(test)]
mod tests;
