//! A row as the browser's store keeps it.

use protocol::Problem;
use serde::{Deserialize, Serialize};

use crate::path::MAX_NAME_BYTES;

use super::{ConflictPolicy, PauseState, Queue, Row, Skipped, State, Stored};

/// A row of the list in the browser's store. It holds no byte of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SavedRow {
    /// The path of the picked file.
    pub path: String,
    /// The file's size in bytes.
    pub size: u64,
    /// Its last modification, in milliseconds since 1970-01-01T00:00:00Z.
    pub modified_millis: Option<i64>,
    /// The path that the user chose instead.
    pub new_path: Option<String>,
    /// The directory on the server.
    pub directory: String,
    /// The user's choice for this file when its name is taken.
    pub choice: Option<ConflictPolicy>,
    /// The number in its name on the server: from 2 on when it was renamed.
    pub name_number: u32,
    /// The path of its part file on the server.
    pub temporary_path: Option<String>,
    /// The last known size of the part file, in bytes.
    pub kept_bytes: u64,
    /// The digest of both ends of the file, where a part file exists: [`crate::edges::edges`].
    pub edges: Option<u64>,
    /// Whether the user paused the upload.
    pub paused: bool,
    /// How the file was stored, if it was.
    pub stored: Option<Stored>,
    /// When it was stored, in milliseconds since 1970-01-01T00:00:00Z.
    pub stored_at: Option<u64>,
    /// Why the upload was skipped, if it was.
    pub skipped: Option<Skipped>,
    /// Why the upload failed, if it did.
    #[serde(default)]
    pub problem: Option<Problem>,
    /// The longest name that the server accepts, in bytes, where it is known to be another than usual: the
    /// name is shortened to it.
    #[serde(default)]
    pub name_limit: Option<u64>,
}

protocol::objects!(SavedRow);

impl SavedRow {
    /// Redirects the upload to `directory` on another server or account, which holds none of its
    /// bytes.
    pub fn move_to(&mut self, directory: &str) {
        if self.has_ended() {
            return;
        }
        directory.clone_into(&mut self.directory);
        self.temporary_path = None;
        self.kept_bytes = 0;
    }

    /// Returns whether the file was stored or skipped.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.stored.is_some() || self.skipped.is_some()
    }
}

impl Queue {
    /// Returns the record of a row for the store. Of finished uploads, those of the last batch have
    /// one: the files that were added since everything before them had ended.
    #[must_use]
    pub fn saved_row(&self, row: Row) -> Option<SavedRow> {
        let upload = self.get(row)?;
        let paused = match &upload.state {
            State::Queued | State::NameTooLong | State::NeedsDecision(_) | State::Failed(_) => {
                false
            }
            State::Interrupted => upload.paused_before,
            State::Paused => true,
            State::Open(open) => open.pause_state == PauseState::Paused,
            State::Done(_) | State::Skipped(_) if row < self.batch_start => return None,
            State::Done(_) | State::Skipped(_) => false,
            State::Unplaced => return None,
        };
        Some(SavedRow {
            path: upload.file.path.clone(),
            size: upload.file.size,
            modified_millis: upload.file.modified_millis,
            new_path: upload.new_path.clone(),
            directory: upload.directory.to_string(),
            choice: upload.choice,
            name_number: upload.name_number,
            temporary_path: upload.resume.clone(),
            kept_bytes: if upload.resume.is_some() { upload.taken() } else { 0 },
            edges: upload.edges,
            paused,
            stored: upload.state.stored().cloned(),
            stored_at: upload.stored_at,
            skipped: upload.state.skipped(),
            problem: upload.state.problem().cloned(),
            name_limit: (upload.name_limit != MAX_NAME_BYTES).then_some(upload.name_limit as u64),
        })
    }
}
