//! The drop target of picked files: the directory in view at the moment of the gesture.
//!
//! Walking a folder takes a while: meanwhile the user may open another directory, disconnect, or
//! connect elsewhere.

use std::rc::Rc;

use super::{Page, Region, announcements};
use crate::{
    destination::Destination,
    path,
    queue::{PickedFile, State},
    texts::{Plural, Text},
};

const READY: Plural = Plural { one: Text::ReadyFilesOne, other: Text::ReadyFilesOther };

/// Asks for the server that files go to, which were picked before there was one.
#[must_use]
pub fn ready_files(number: usize) -> String {
    READY.fill(number as u64)
}

/// A directory on a server, which was in view when the user picked files for it.
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
    /// Returns the target for files that are picked or dropped now; `None` without a connection.
    #[must_use]
    pub fn drop_target(&self) -> Option<DropTarget> {
        let takes_drops = self.takes_files() && self.takes_drops();
        let home = self.connection.home().filter(|_| takes_drops)?.clone();
        Some(DropTarget { home, directory: self.remote.drop_directory().into() })
    }

    /// Returns whether files can be picked now: an outage does not prevent it.
    fn takes_files(&self) -> bool {
        self.connection.ready().is_some()
            || (self.connection.is_reconnecting() && !self.remote.directory().is_empty())
    }

    fn has_left(&self, target: &DropTarget) -> bool {
        self.connection.home() != Some(&target.home)
    }

    /// Returns whether files that are picked now wait for a server: there is none yet, or none any
    /// more.
    #[must_use]
    pub fn takes_files_early(&self) -> bool {
        self.drop_target().is_none() && self.connection.ready().is_none()
    }

    /// Adds files that were picked before there was a server.
    pub(super) fn add_picked_early(&mut self, files: Vec<PickedFile>) {
        self.count_added(files.len());
        self.queue.add_unplaced(files);
    }

    /// Has the files that were picked early go to the folder in view, once it is listed.
    pub(super) fn place_early_files(&mut self) {
        if self.queue.has_unplaced()
            && self.connection.ready().is_some()
            && !self.remote.is_loading()
            && self.drop_target().is_some()
        {
            self.queue.place(self.remote.directory());
            self.changed.insert(Region::Totals);
        }
    }

    /// The user picks files: the notices about earlier picks are cleared.
    pub(super) fn begin_pick(&mut self) {
        self.notices.clear();
        self.changed.insert(Region::Notices);
    }

    /// Adds picked files. Files for a connection that has ended become interrupted rows.
    pub(super) fn add_picked(&mut self, files: Vec<PickedFile>, target: &DropTarget) {
        self.count_added(files.len());
        // The directory is on another server: here they go into the login's directory.
        let directory = if self.has_left(target) { "" } else { &target.directory };
        if self.takes_files() && !self.has_left(target) {
            self.queue.add(files, directory, || State::Queued);
        } else {
            self.queue.add(files, directory, || State::Interrupted);
        }
    }

    /// Has empty folders made.
    pub(super) fn make_picked_folders(&mut self, folders: &[String], target: &DropTarget) {
        if !self.takes_files() || self.has_left(target) {
            return self.notice(announcements::pick_rejected(folders));
        }
        let paths = folders.iter().map(|folder| path::join(&target.directory, folder));
        self.folders_to_make.extend(paths);
        self.make_folders();
    }
}
