//! One upload: a picked file, where it goes, and its state.

use std::rc::Rc;

use protocol::{OnConflict, UploadId, client::Offer};

use super::{
    Comparison, ConflictPolicy, FolderId, PauseState, Phase, State,
    totals::{COMPLETE, permille},
};
use crate::{path, rate::Rate};

/// A picked file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickedFile {
    /// Its path below the picked folder, or its name.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its last modification, in milliseconds since 1970-01-01T00:00:00Z.
    pub modified_millis: Option<i64>,
}

impl PickedFile {
    /// Returns whether both files have the same size and date.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        (self.size, self.modified_millis) == (other.size, other.modified_millis)
    }
}

/// How the page gets the bytes of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAccess {
    /// The page has the file.
    Available,
    /// An earlier page had the file; the browser opens it again once the user allows it.
    ByHandle,
    /// An earlier page had the file; the user has to pick it again.
    Missing,
}

/// What interrupted an upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interruption {
    /// The connection was lost, or an earlier page was closed.
    #[default]
    Break,
    /// The user disconnected: the upload goes on after the next login at this server.
    UserDisconnected,
}

/// One file and its progress.
#[derive(Debug)]
pub struct Upload {
    pub(super) file: PickedFile,
    /// The directory on the server. Thousands of uploads share one.
    pub(super) directory: Rc<str>,
    pub(super) folder: FolderId,
    /// The path below the directory that the user chose instead of the picked one.
    pub(super) new_path: Option<String>,
    /// When the server confirmed the file, in milliseconds since 1970-01-01T00:00:00Z.
    pub(super) stored_at: Option<u64>,
    /// The user's choice for this file; the queue's policy applies to the others.
    pub(super) choice: Option<ConflictPolicy>,
    /// The number in its name on the server: from 2 on when it was renamed.
    pub(super) name_number: u32,
    /// The path of its part file on the server.
    pub(super) resume: Option<String>,
    /// The last known size of the part file, in bytes.
    pub(super) kept_bytes: u64,
    /// The digest of both ends of the file: [`crate::edges::edges`].
    pub(super) edges: Option<u64>,
    pub(super) access: FileAccess,
    /// Whether it was paused when an earlier page was closed, or when the user disconnected.
    pub(super) paused_before: bool,
    pub(super) interruption: Interruption,
    /// Whether the server's file of the same name is known to be the same file.
    pub(super) is_identical: bool,
    /// The longest name that the server is known to accept, in bytes.
    pub(super) name_limit: usize,
    pub(super) state: State,
    pub(super) rate: Rate,
}

impl Upload {
    pub(super) fn new(file: PickedFile, directory: Rc<str>, state: State) -> Self {
        Self {
            file,
            directory,
            folder: FolderId::default(),
            new_path: None,
            stored_at: None,
            choice: None,
            name_number: 1,
            resume: None,
            kept_bytes: 0,
            edges: None,
            access: FileAccess::Available,
            paused_before: false,
            interruption: Interruption::default(),
            is_identical: false,
            name_limit: path::MAX_NAME_BYTES,
            state,
            rate: Rate::default(),
        }
    }

    /// Returns the picked file.
    #[must_use]
    pub fn file(&self) -> &PickedFile {
        &self.file
    }

    /// Returns the path of the picked file, with the name that the user gave it.
    #[must_use]
    pub fn path(&self) -> &str {
        self.new_path.as_deref().unwrap_or(&self.file.path)
    }

    /// Returns the directory on the server below which the file goes.
    #[must_use]
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// Returns when the server confirmed the file, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn stored_at(&self) -> Option<u64> {
        self.stored_at
    }

    /// Returns the file's size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.file.size
    }

    /// Returns the file's last modification, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn modified_millis(&self) -> Option<i64> {
        self.file.modified_millis
    }

    /// Returns how the file compares with the server's file that the user decides about.
    #[must_use]
    pub fn comparison(&self) -> Option<Comparison> {
        let existing = self.state.existing()?;
        if self.is_identical {
            return Some(Comparison::Identical);
        }
        Some(Comparison::of(self.file.size, self.file.modified_millis, existing))
    }

    /// Returns the path on the server, if it differs from the one that the list shows.
    #[must_use]
    pub fn renamed(&self) -> Option<String> {
        let name = self.name_on_server();
        (name != self.path()).then_some(name)
    }

    /// Returns the path below the directory on the server: with a number where it was renamed, and
    /// shortened where it is too long.
    #[must_use]
    pub fn name_on_server(&self) -> String {
        path::numbered(&path::shortened(self.path(), self.name_limit), self.name_number)
    }

    /// Returns the state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns what interrupted the upload last.
    #[must_use]
    pub fn interruption(&self) -> Interruption {
        self.interruption
    }

    /// Returns the rate.
    #[must_use]
    pub fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Returns how the page gets the file's bytes.
    #[must_use]
    pub fn access(&self) -> FileAccess {
        self.access
    }

    /// Returns the digest of both ends of the file, where it is known: [`crate::edges::edges`].
    #[must_use]
    pub fn edges(&self) -> Option<u64> {
        self.edges
    }

    /// Returns whether a part file of the upload is on the server.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.resume.is_some()
    }

    /// Returns the number of bytes that the server holds.
    #[must_use]
    pub fn taken(&self) -> u64 {
        match &self.state {
            State::Open(open) => open.window.taken(),
            State::Done(_) => self.file.size,
            State::Queued | State::Paused | State::Interrupted => self.kept_bytes,
            State::Unplaced
            | State::NameTooLong
            | State::Skipped(_)
            | State::Failed(_)
            | State::NeedsDecision(_) => 0,
        }
    }

    /// Returns the progress, from 0 to 1000; 1000 only when the file is stored.
    #[must_use]
    pub fn permille(&self) -> u64 {
        match self.state {
            State::Done(_) => COMPLETE,
            _ => permille(self.taken(), self.file.size),
        }
    }

    /// Returns whether bytes are being sent.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.state.open().is_some_and(|open| {
            open.phase == Phase::Sending && open.pause_state == PauseState::Running
        })
    }

    pub(super) fn is_open_as(&self, id: UploadId) -> bool {
        self.pause_state_as(id).is_some()
    }

    /// Returns the pause state, if the upload is open under this id.
    pub(super) fn pause_state_as(&self, id: UploadId) -> Option<PauseState> {
        let open = self.state.open().filter(|open| open.id == id)?;
        Some(open.pause_state)
    }

    /// Returns whether the portal was offered this reaction to a conflict.
    pub(super) fn was_offered_with(&self, on_conflict: OnConflict) -> bool {
        self.state.open().is_some_and(|open| open.on_conflict == on_conflict)
    }

    pub(super) fn is_pausing(&self) -> bool {
        self.state.open().is_some_and(|open| open.pause_state == PauseState::Paused)
    }

    /// Returns whether the page waits for the file, which an earlier page had.
    pub(super) fn misses_file(&self) -> bool {
        self.access != FileAccess::Available && self.state.is_failed_or_interrupted()
    }

    /// Returns whether "retry all" applies: the upload failed or was interrupted, and the page has
    /// its file.
    pub(super) fn can_retry_now(&self) -> bool {
        self.access == FileAccess::Available && self.state.is_failed_or_interrupted()
    }

    pub(super) fn file_name(&self) -> &str {
        path::name(&self.file.path)
    }

    /// Sets the part file of the upload, and notes how many bytes it has.
    pub(super) fn keep(&mut self, resume: Option<String>) {
        self.kept_bytes = if resume.is_some() { self.taken() } else { 0 };
        self.resume = resume;
    }

    pub(super) fn offer(&self, id: UploadId, policy: ConflictPolicy) -> Offer {
        Offer {
            upload: id,
            path: path::join(&self.directory, &self.name_on_server()),
            size: self.file.size,
            modified_millis: self.file.modified_millis,
            on_conflict: self.choice.unwrap_or(policy).on_conflict(),
            resume: self.resume.clone(),
            digest: false,
            compare: self.choice.unwrap_or(policy) == ConflictPolicy::Ask,
        }
    }
}
