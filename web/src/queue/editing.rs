//! The user's changes of the list itself: removes rows, and gives files other names.

use super::{FileAccess, Queue, Row, Skipped, State, Upload};
use crate::path;

/// Why a file cannot have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameProblem {
    /// It is empty, or it means a folder: `.` or `..`.
    Empty,
    /// It holds a slash or a control character.
    Character,
    /// It is longer than the server accepts.
    Long,
    /// Another file of the list has it, in the same folder.
    Taken,
    /// The file is being sent, or is stored already.
    Late,
}

impl NameProblem {
    /// Returns the word by which the page's markup finds the sentence about it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Character => "character",
            Self::Long => "long",
            Self::Taken => "taken",
            Self::Late => "late",
        }
    }
}

impl Queue {
    /// Removes a row from the list: the upload waits, has ended or has failed. Its part file is
    /// removed from the server. Returns whether the row was removed: one that is open at the portal
    /// has to be cancelled first.
    pub fn remove(&mut self, row: Row) -> bool {
        if self.get(row).is_none() || self.is_known_to_portal(row) {
            return false;
        }
        self.queued.remove(row);
        self.abandon_leftover(row);
        self.clear(row);
        self.forget_cleared();
        true
    }

    /// Whether the portal may still answer about a row: one that was cancelled may turn out to be
    /// stored.
    pub(super) fn is_known_to_portal(&self, row: Row) -> bool {
        self.open.iter().any(|(_, open)| open == row)
    }

    /// Removes cleared rows from the folders of the list.
    pub(super) fn forget_cleared(&mut self) {
        self.list_version += 1;
        let uploads = &self.uploads;
        self.indexes.folders.retain(|row| matches!(uploads.get(row.0), Some(Some(_))));
    }

    /// Gives a file that is not being sent another name on the server. An upload that failed, was
    /// skipped or waits for a decision goes into the queue again. Its own name, or one with a
    /// [problem](Queue::name_problem), changes nothing.
    pub fn rename(&mut self, row: Row, name: &str) {
        let named = self.get(row).filter(|_| self.name_problem(row, name).is_none());
        let Some(upload) = named else { return };
        let wanted = path::sibling(upload.path(), name);
        if wanted == upload.path() {
            return;
        }
        let stays_paused = matches!(upload.state, State::Paused);
        self.abandon_leftover(row);
        self.change(row, |upload| {
            upload.new_path = (wanted != upload.file.path).then_some(wanted);
            upload.name_number = 1;
            // It was about the file that has the old name.
            upload.choice = None;
        });
        if !stays_paused {
            self.wait(row);
        }
        self.sort_names();
    }

    /// Returns why a file cannot have a name, if it cannot.
    #[must_use]
    pub fn name_problem(&self, row: Row, name: &str) -> Option<NameProblem> {
        let upload = self.get(row)?;
        let wanted = path::sibling(upload.path(), name);
        if !upload.can_be_renamed() || self.is_known_to_portal(row) {
            Some(NameProblem::Late)
        } else if matches!(name, "" | "." | "..") {
            Some(NameProblem::Empty)
        } else if name.contains(|c: char| c == '/' || c.is_control()) {
            Some(NameProblem::Character)
        } else if name.len() > self.name_limit() {
            Some(NameProblem::Long)
        } else {
            let is_taken =
                self.rows().any(|other| other != row && self.goes_to(other, row, &wanted));
            is_taken.then_some(NameProblem::Taken)
        }
    }

    /// Whether `other` goes to the same folder as `row`, and to the path `wanted` below it.
    fn goes_to(&self, other: Row, row: Row, wanted: &str) -> bool {
        let (Some(other), Some(upload)) = (self.get(other), self.get(row)) else { return false };
        !matches!(other.state, State::Skipped(Skipped::Cancelled))
            && other.directory == upload.directory
            && other.name_on_server() == wanted
    }
}

impl Upload {
    /// Returns whether the user may give the file another name: the page has it, nothing of it is
    /// being sent, and it is not stored.
    fn can_be_renamed(&self) -> bool {
        let is_unsent = match self.state {
            State::Unplaced
            | State::NameTooLong
            | State::Queued
            | State::Paused
            | State::Skipped(_)
            | State::Failed(_)
            | State::NeedsDecision(_) => true,
            State::Open(_) | State::Done(_) | State::Interrupted => false,
        };
        is_unsent && self.access == FileAccess::Available
    }
}
