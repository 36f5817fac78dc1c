//! The states of an upload.

use protocol::{
    Problem,
    server::{Existing, FileDigest, Verified},
};

use serde::{Deserialize, Serialize};

use super::OpenUpload;

/// The state of an upload.
#[derive(Debug)]
pub enum State {
    /// Picked before there was a server: waits for the folder that it goes to.
    Unplaced,
    /// Its name is longer than servers allow: the user decides.
    NameTooLong,
    /// Waits to be offered.
    Queued,
    /// Paused and not offered: it occupies nothing at the portal or the server.
    Paused,
    /// Offered to the portal, and not ended.
    Open(Box<OpenUpload>),
    /// Stored: the server confirmed it.
    Done(Stored),
    /// Broken off with its connection; it resumes when the user retries it.
    Interrupted,
    /// Not uploaded, as the user wanted.
    Skipped(Skipped),
    /// Failed.
    Failed(Problem),
    /// A file of this name exists on the server: the user decides.
    NeedsDecision(Existing),
}

impl State {
    /// Returns whether the upload has ended for good: stored or skipped.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Skipped(_))
    }

    /// Returns whether the upload neither ended nor failed.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        !self.is_finished() && !matches!(self, Self::Failed(_))
    }

    /// Returns whether the upload is queued or open.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Queued | Self::Open(_))
    }

    /// Returns whether the upload waits and is not open: queued or paused.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Queued | Self::Paused)
    }

    /// Returns whether the upload failed or was interrupted.
    #[must_use]
    pub fn is_failed_or_interrupted(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Interrupted)
    }

    /// Returns whether the upload can be retried.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        self.is_failed_or_interrupted() || matches!(self, Self::Skipped(_) | Self::NeedsDecision(_))
    }

    /// Returns whether the upload waits for a decision.
    #[must_use]
    pub fn needs_decision(&self) -> bool {
        matches!(self, Self::NeedsDecision(_))
    }

    /// Returns the open upload.
    #[must_use]
    pub fn open(&self) -> Option<&OpenUpload> {
        match self {
            Self::Open(open) => Some(open),
            _ => None,
        }
    }

    /// Returns how a finished upload was stored.
    #[must_use]
    pub fn stored(&self) -> Option<&Stored> {
        match self {
            Self::Done(stored) => Some(stored),
            _ => None,
        }
    }

    /// Returns why the upload was skipped.
    #[must_use]
    pub fn skipped(&self) -> Option<Skipped> {
        match self {
            Self::Skipped(why) => Some(*why),
            _ => None,
        }
    }

    /// Returns why the upload failed.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Failed(problem) => Some(problem),
            _ => None,
        }
    }

    /// Returns the file on the server that the user has to decide about.
    #[must_use]
    pub fn existing(&self) -> Option<&Existing> {
        match self {
            Self::NeedsDecision(existing) => Some(existing),
            _ => None,
        }
    }

    pub(super) fn open_mut(&mut self) -> Option<&mut OpenUpload> {
        match self {
            Self::Open(open) => Some(open),
            _ => None,
        }
    }
}

/// How an upload was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Stored {
    /// How the portal verified the file.
    pub verified: Verified,
    /// The digest of the file, where the portal knows it.
    pub digest: Option<FileDigest>,
    /// Whether the page's own digest is the same.
    pub page_agrees: bool,
}

protocol::objects!(Stored);

/// Why an upload was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skipped {
    /// The server's file is kept.
    ServerFileKept,
    /// The server's file is kept, because this one is not newer.
    NotNewer,
    /// The user cancelled the upload.
    Cancelled,
}
