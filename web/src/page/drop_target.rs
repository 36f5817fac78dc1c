//! Where files go that a person picks, however long it takes to find them all.
//!
//! A folder is walked while the page works: meanwhile the person may go to another directory,
//! disconnect, or connect elsewhere.

use std::rc::Rc;

use super::{Page, Region, announcements};
use crate::{
    destination::Destination,
    path,
    queue::{PickedFile, State},
};

/// A directory on a server, as it was in view when the person picked something for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropTarget {
    home: Destination,
    directory: Rc<str>,
}

#[cfg(test)]
impl DropTarget {
    pub(super) fn host(&self) -> &str {
        &self.home.host
    }
}

impl Page {
    /// Where files go that are picked or dropped now; nothing while there is no connection for them.
    #[must_use]
    pub fn drop_target(&self) -> Option<DropTarget> {
        let home = self.connection.home().filter(|_| self.takes_files())?.clone();
        Some(DropTarget { home, directory: self.remote.drop_directory().into() })
    }

    /// Whether files that are picked now have somewhere to go: a break does not change that.
    fn takes_files(&self) -> bool {
        self.connection.ready().is_some()
            || (self.connection.is_reconnecting() && !self.remote.directory().is_empty())
    }

    fn has_left(&self, place: &DropTarget) -> bool {
        self.connection.home() != Some(&place.home)
    }

    /// The person picks something: what was said of earlier picks has been read.
    pub(super) fn begin_pick(&mut self) {
        self.notices.clear();
        self.changed.insert(Region::Notices);
    }

    /// Files become the next rows. What was picked for a connection that is gone goes nowhere by
    /// itself.
    pub(super) fn take_in(&mut self, files: Vec<PickedFile>, place: &DropTarget) {
        self.count_added(files.len());
        // The directory is one of the other server: here they go where the login leads.
        let directory = if self.has_left(place) { "" } else { &place.directory };
        if self.takes_files() && !self.has_left(place) {
            self.queue.add(files, directory, || State::Queued);
        } else {
            self.queue.add(files, directory, || State::Interrupted);
        }
    }

    /// Has folders made that hold nothing.
    pub(super) fn take_in_folders(&mut self, folders: &[String], place: &DropTarget) {
        if !self.takes_files() || self.has_left(place) {
            return self.notice(announcements::pick_rejected(folders));
        }
        let paths = folders.iter().map(|folder| path::join(&place.directory, folder));
        self.folders_to_make.extend(paths);
        self.make_folders();
    }
}
