//! The dialog of one change on the server. It asks, waits for the answer, and shows the problem if the
//! change fails.

use protocol::{
    ClientMessage, Problem, Stage,
    server::{DeletedCounts, Entry, EntryKind},
};

use super::change_texts;
use crate::path::join;

/// A command that opens a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteCommand {
    /// Makes a folder in the directory in view.
    MakeDirectory,
    /// Renames the current entry.
    Rename,
    /// Deletes the current entry.
    Delete,
}

/// A change on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteChange {
    /// Make a folder: asks for its name.
    MakeDirectory,
    /// Rename this entry: asks for its new name.
    Rename(Entry),
    /// Delete this file or empty directory.
    Delete(Entry),
    /// Delete this directory and everything in it.
    DeleteAll(Entry),
    /// Remove this part file of an upload.
    Remove(Entry),
}

/// A dialog that stays open until its change is carried out or the user closes it.
#[derive(Debug)]
pub struct ChangeDialog {
    change: RemoteChange,
    /// The directory in view when the dialog was opened.
    directory: String,
    /// The request without an answer; the dialog cannot be confirmed meanwhile.
    request: Option<ClientMessage>,
    problem: Option<Problem>,
    /// What a failed deletion has deleted, and what is left.
    part: Option<(DeletedCounts, Option<DeletedCounts>)>,
}

impl ChangeDialog {
    pub(super) fn new(change: RemoteChange, directory: String) -> Self {
        Self { change, directory, request: None, problem: None, part: None }
    }

    /// Returns the change.
    #[must_use]
    pub fn change(&self) -> &RemoteChange {
        &self.change
    }

    /// Returns whether the request waits for an answer.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.request.is_some()
    }

    /// Returns why the change failed.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// Returns what a failed deletion has deleted, and what is left where that is known.
    #[must_use]
    pub fn part(&self) -> Option<(DeletedCounts, Option<DeletedCounts>)> {
        self.part
    }

    pub(super) fn directory(&self) -> &str {
        &self.directory
    }

    /// Returns the request without an answer.
    pub(super) fn request(&self) -> Option<&ClientMessage> {
        self.request.as_ref()
    }

    /// The user confirmed the dialog, with a name where it asks for one. Returns the request for the
    /// portal.
    pub(super) fn confirm(&mut self, name: &str, taken: bool) -> Option<ClientMessage> {
        if self.is_pending() {
            return None;
        }
        self.part = None;
        self.problem = self.name_problem(name, taken);
        if self.problem.is_some() {
            return None;
        }
        let path = |name: &str| join(&self.directory, name);
        let delete = |entry: &Entry, recursive| ClientMessage::Delete {
            path: path(&entry.name),
            kind: entry.kind,
            recursive,
        };
        self.request = Some(match &self.change {
            RemoteChange::MakeDirectory => ClientMessage::MakeDirectory { path: path(name) },
            RemoteChange::Rename(entry) => {
                ClientMessage::Rename { from: path(&entry.name), to: path(name) }
            }
            RemoteChange::Delete(entry) => delete(entry, false),
            RemoteChange::DeleteAll(entry) => delete(entry, true),
            RemoteChange::Remove(entry) => ClientMessage::Remove { path: path(&entry.name) },
        });
        self.request.clone()
    }

    fn name_problem(&self, name: &str, taken: bool) -> Option<Problem> {
        let stage = match self.change {
            RemoteChange::MakeDirectory => Stage::MakeDirectory,
            RemoteChange::Rename(_) => Stage::Rename,
            RemoteChange::Delete(_) | RemoteChange::DeleteAll(_) | RemoteChange::Remove(_) => {
                return None;
            }
        };
        match name {
            "" => Some(change_texts::name_missing(stage)),
            "." | ".." => Some(change_texts::invalid_name(stage, name)),
            name if name.contains('/') => Some(change_texts::invalid_name(stage, name)),
            name if taken => Some(change_texts::name_taken(stage, name)),
            _ => None,
        }
    }

    /// Returns whether the request is about this path.
    pub(super) fn awaits(&self, about: &str) -> bool {
        match &self.request {
            Some(
                ClientMessage::MakeDirectory { path }
                | ClientMessage::Remove { path }
                | ClientMessage::Delete { path, .. }
                | ClientMessage::Rename { from: path, .. },
            ) => path == about,
            _ => false,
        }
    }

    /// The change failed: the dialog shows why, and can be confirmed again.
    pub(super) fn fail(
        &mut self,
        problem: Problem,
        part: Option<(DeletedCounts, Option<DeletedCounts>)>,
    ) {
        self.request = None;
        self.problem = Some(problem);
        self.part = part.filter(|(gone, _)| gone.files + gone.directories > 0);
    }

    /// The directory is not empty: asks whether to delete everything in it.
    pub(super) fn is_not_empty(&mut self) -> bool {
        let RemoteChange::Delete(entry) = &self.change else { return false };
        self.change = RemoteChange::DeleteAll(entry.clone());
        self.request = None;
        true
    }

    /// The connection ended: the request gets no answer.
    pub(super) fn break_off(&mut self) {
        if self.is_pending() {
            let stage = match self.change {
                RemoteChange::MakeDirectory => Stage::MakeDirectory,
                RemoteChange::Rename(_) => Stage::Rename,
                RemoteChange::Delete(_) | RemoteChange::DeleteAll(_) | RemoteChange::Remove(_) => {
                    Stage::Delete
                }
            };
            self.fail(change_texts::unanswered(stage), None);
        }
    }
}

/// Returns the change that deletes an entry.
pub(super) fn deletion(entry: Entry) -> RemoteChange {
    match entry.leftover_of {
        Some(_) if entry.kind != EntryKind::Directory => RemoteChange::Remove(entry),
        Some(_) | None => RemoteChange::Delete(entry),
    }
}

/// Returns the length of the part of a name to select in the dialog, in UTF-16 units: a file's
/// extension is not selected.
#[must_use]
pub fn stem_units(entry: &Entry) -> u32 {
    let stem = match entry.name.rsplit_once('.') {
        Some((stem, _)) if entry.kind != EntryKind::Directory && !stem.is_empty() => stem,
        _ => &entry.name,
    };
    u32::try_from(stem.encode_utf16().count()).unwrap_or(u32::MAX)
}
