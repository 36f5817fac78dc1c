//! What a person does with the directory in view: a folder is made, something gets another name or
//! is deleted. Each is asked about first, and its problem is shown where it was asked.

use protocol::{
    ClientMessage, Problem, Stage,
    server::{DeletedCounts, Entry, EntryKind},
};

use super::change_texts;
use crate::path::join;

/// What a person wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteCommand {
    /// Make a folder in the directory in view.
    MakeDirectory,
    /// Give the current entry another name.
    Rename,
    /// Delete the current entry.
    Delete,
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteChange {
    /// How the new folder is to be called.
    MakeDirectory,
    /// How this is to be called.
    Rename(Entry),
    /// Whether this is to be deleted.
    Delete(Entry),
    /// Whether this directory is to be deleted, which holds something.
    DeleteAll(Entry),
    /// Whether what an upload left behind is to be removed.
    Remove(Entry),
}

/// A question that stands until it is answered and done, or taken back.
#[derive(Debug)]
pub struct ChangeDialog {
    change: RemoteChange,
    /// The directory that was in view.
    directory: String,
    /// What the server was told; no other answer counts meanwhile.
    request: Option<ClientMessage>,
    problem: Option<Problem>,
    /// What went before a deletion stopped, and what is left.
    part: Option<(DeletedCounts, Option<DeletedCounts>)>,
}

impl ChangeDialog {
    pub(super) fn new(change: RemoteChange, directory: String) -> Self {
        Self { change, directory, request: None, problem: None, part: None }
    }

    /// What is asked about.
    #[must_use]
    pub fn change(&self) -> &RemoteChange {
        &self.change
    }

    /// Whether the server has not answered yet.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.request.is_some()
    }

    /// Why it was not done.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// What went before a deletion stopped, and what is left, where that is known.
    #[must_use]
    pub fn part(&self) -> Option<(DeletedCounts, Option<DeletedCounts>)> {
        self.part
    }

    pub(super) fn directory(&self) -> &str {
        &self.directory
    }

    /// What the server was told.
    pub(super) fn request(&self) -> Option<&ClientMessage> {
        self.request.as_ref()
    }

    /// The person has answered, with a name where one was asked for. Gives what to tell the server.
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

    /// Whether an answer about this path is this one's.
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

    /// It was not done: the question stands again, with the reason.
    pub(super) fn fail(
        &mut self,
        problem: Problem,
        part: Option<(DeletedCounts, Option<DeletedCounts>)>,
    ) {
        self.request = None;
        self.problem = Some(problem);
        self.part = part.filter(|(gone, _)| gone.files + gone.directories > 0);
    }

    /// The directory holds something: asked again, whether that is to go too.
    pub(super) fn is_not_empty(&mut self) -> bool {
        let RemoteChange::Delete(entry) = &self.change else { return false };
        self.change = RemoteChange::DeleteAll(entry.clone());
        self.request = None;
        true
    }

    /// Nobody will answer any more.
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

/// What is asked first where an entry is to be deleted.
pub(super) fn deletion(entry: Entry) -> RemoteChange {
    match entry.leftover_of {
        Some(_) if entry.kind != EntryKind::Directory => RemoteChange::Remove(entry),
        Some(_) | None => RemoteChange::Delete(entry),
    }
}

/// How much of a name a person wants to replace, in UTF-16 units: all before a file's extension.
#[must_use]
pub fn stem_units(entry: &Entry) -> u32 {
    let stem = match entry.name.rsplit_once('.') {
        Some((stem, _)) if entry.kind != EntryKind::Directory && !stem.is_empty() => stem,
        _ => &entry.name,
    };
    u32::try_from(stem.encode_utf16().count()).unwrap_or(u32::MAX)
}
