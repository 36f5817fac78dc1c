//! The page's requests about files and directories on the server.

use std::iter;

use protocol::{
    Problem, ServerMessage,
    server::{DeletedCounts, EntryKind},
};

/// A request about files and directories on the server. Paths are as the page sent them.
#[derive(Debug)]
pub enum RemoteRequest {
    /// List a directory.
    List {
        /// The directory.
        path: String,
    },
    /// Make a directory and its parents.
    MakeDirectory {
        /// The directory.
        path: String,
    },
    /// Remove a part file.
    Remove {
        /// The file.
        path: String,
    },
    /// Rename a file or a directory.
    Rename {
        /// The old path.
        from: String,
        /// The new path.
        to: String,
    },
    /// Delete a file or a directory.
    Delete {
        /// The file or directory.
        path: String,
        /// The kind in the listing.
        kind: EntryKind,
        /// Whether a directory is deleted with everything in it.
        recursive: bool,
    },
    /// Remove the part file that a cancelled upload would have resumed. It has no answer.
    Cleanup {
        /// The file.
        path: String,
    },
}

impl RemoteRequest {
    /// Returns the paths of the request.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let (path, other) = match self {
            Self::List { path }
            | Self::MakeDirectory { path }
            | Self::Remove { path }
            | Self::Delete { path, .. }
            | Self::Cleanup { path } => (path, None),
            Self::Rename { from, to } => (from, Some(to)),
        };
        iter::once(path).chain(other).map(String::as_str)
    }

    /// Returns the answer to a request that failed, if it has one.
    #[must_use]
    pub fn failed(&self, problem: Problem) -> Option<ServerMessage> {
        Some(match self {
            Self::Cleanup { .. } => return None,
            Self::List { path } => ServerMessage::ListingFailed { path: path.clone(), problem },
            Self::MakeDirectory { path } => {
                ServerMessage::MakeDirectoryFailed { path: path.clone(), problem }
            }
            Self::Remove { path } => ServerMessage::RemoveFailed { path: path.clone(), problem },
            Self::Rename { from, to } => {
                ServerMessage::NotRenamed { from: from.clone(), to: to.clone(), problem }
            }
            Self::Delete { path, .. } => ServerMessage::NotDeleted {
                path: path.clone(),
                problem,
                not_empty: false,
                deleted: DeletedCounts::default(),
                left: None,
            },
        })
    }
}
