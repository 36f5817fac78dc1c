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
};

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
