//! The texts of changes on the server: titles, consequences, results and problems.

use protocol::{
    Problem, Stage,
    server::{DeletedCounts, EntryKind},
};

use super::{ChangeDialog, RemoteChange};
use crate::{
    format,
    problem::by_user,
    texts::{Plural, Text},
};

const DIRECTORIES: Plural =
    Plural { one: Text::NumberDirectoriesOne, other: Text::NumberDirectoriesOther };

/// The name is empty.
#[must_use]
pub fn name_missing(stage: Stage) -> Problem {
    by_user(stage, Text::RemoteNameMissing.text().to_owned(), Text::RemoteNameMissingRemedy)
}

/// No file or folder on the server can have this name.
#[must_use]
pub fn invalid_name(stage: Stage, name: &str) -> Problem {
    by_user(stage, Text::RemoteNameInvalid.fill(&[&name]), Text::RemoteNameInvalidRemedy)
}

/// An entry of the directory has this name.
#[must_use]
pub fn name_taken(stage: Stage, name: &str) -> Problem {
    by_user(stage, Text::RemoteNameTaken.fill(&[&name]), Text::RemoteNameTakenRemedy)
}

/// The connection broke before the answer arrived.
#[must_use]
pub fn unanswered(stage: Stage) -> Problem {
    by_user(stage, Text::RemoteConnectionLost.text().to_owned(), Text::RemoteConnectionLostRemedy)
}

/// Announces a completed change; `name` is the current name of the entry.
#[must_use]
pub fn done(change: &RemoteChange, name: &str) -> String {
    let name = format::name(name);
    match change {
        RemoteChange::MakeDirectory => Text::RemoteCreated.fill(&[&name]),
        RemoteChange::Rename(entry) => {
            Text::RemoteRenamed.fill(&[&format::name(&entry.name), &name])
        }
        RemoteChange::Delete(_) | RemoteChange::DeleteAll(_) | RemoteChange::Remove(_) => {
            Text::RemoteDeleted.fill(&[&name])
        }
    }
}

/// The title of the dialog.
#[must_use]
pub fn title(change: &RemoteChange) -> String {
    let (word, name) = match change {
        RemoteChange::MakeDirectory => return Text::RemoteCreateTitle.text().to_owned(),
        RemoteChange::Rename(entry) => (Text::RemoteRenameTitle, &entry.name),
        RemoteChange::Delete(entry) if entry.kind != EntryKind::Directory => {
            (Text::RemoteDeleteFile, &entry.name)
        }
        RemoteChange::Delete(entry) | RemoteChange::DeleteAll(entry) => {
            (Text::RemoteDeleteDirectory, &entry.name)
        }
        RemoteChange::Remove(entry) => {
            (Text::RemoteRemoveTitle, entry.leftover_of.as_ref().unwrap_or(&entry.name))
        }
    };
    word.fill(&[&format::name(name)])
}

/// The consequence of the change.
#[must_use]
pub fn consequence(change: &RemoteChange) -> &'static str {
    match change {
        RemoteChange::MakeDirectory | RemoteChange::Rename(_) => "",
        RemoteChange::Delete(entry) if entry.kind == EntryKind::Directory => {
            Text::RemoteDeleteDirectoryText.text()
        }
        RemoteChange::Delete(_) => Text::RemoteDeleteFileText.text(),
        RemoteChange::DeleteAll(_) => Text::RemoteDeleteAllText.text(),
        RemoteChange::Remove(_) => Text::RemoteRemoveText.text(),
    }
}

/// The label of the button that confirms the change.
#[must_use]
pub fn button(change: &RemoteChange) -> &'static str {
    let word = match change {
        RemoteChange::MakeDirectory => Text::RemoteCreate,
        RemoteChange::Rename(_) => Text::RemoteRename,
        RemoteChange::Delete(_) => Text::RemoteDelete,
        RemoteChange::DeleteAll(_) => Text::RemoteDeleteAll,
        RemoteChange::Remove(_) => Text::RemoteRemove,
    };
    word.text()
}

/// Below a confirmed dialog: waiting for the server, or how far a deletion came.
#[must_use]
pub fn state(dialog: &ChangeDialog) -> String {
    match dialog.part() {
        _ if dialog.is_pending() => Text::RemoteWorking.text().to_owned(),
        None => String::new(),
        Some((gone, None)) => Text::RemoteDeletedPart.fill(&[&counts(gone)]),
        Some((gone, Some(left))) => {
            Text::RemoteDeletedPartLeft.fill(&[&counts(gone), &counts(left)])
        }
    }
}

fn counts(counts: DeletedCounts) -> String {
    Text::RemoteCounts.fill(&[&format::files(counts.files), &DIRECTORIES.fill(counts.directories)])
}
