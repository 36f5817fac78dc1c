//! Requests about files on the server.

use protocol::{
    ClientMessage, Problem, ServerMessage,
    server::{DeletedCounts, Entry, EntryKind},
};

use super::Client;

/// Why something was not deleted.
#[derive(Debug)]
pub struct NotDeleted {
    /// What happened.
    pub problem: Problem,
    /// Whether it is a directory that is not empty.
    pub not_empty: bool,
    /// What was deleted before.
    pub deleted: DeletedCounts,
    /// What is left.
    pub left: Option<DeletedCounts>,
}

impl Client {
    /// Lists a directory.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn list(&mut self, path: &str) -> Result<Vec<Entry>, Problem> {
        self.send(&ClientMessage::List { path: path.to_owned() }).await;
        loop {
            match self.receive().await {
                ServerMessage::Listing { entries, .. } => return Ok(entries),
                ServerMessage::ListingHidden { problem, .. }
                | ServerMessage::ListingFailed { problem, .. } => return Err(problem),
                _ => {}
            }
        }
    }

    /// Lists a directory that the server does not show, and returns its path and the reason.
    ///
    /// # Panics
    /// When the server shows it, or refuses to enter it.
    pub async fn list_hidden(&mut self, path: &str) -> (String, Problem) {
        self.send(&ClientMessage::List { path: path.to_owned() }).await;
        loop {
            match self.receive().await {
                ServerMessage::ListingHidden { path, problem } => return (path, problem),
                message @ (ServerMessage::Listing { .. } | ServerMessage::ListingFailed { .. }) => {
                    panic!("{path} is not hidden: {message:?}")
                }
                _ => {}
            }
        }
    }

    /// Removes the temporary file of an upload.
    ///
    /// # Errors
    /// When the portal or the server refuses.
    pub async fn remove(&mut self, path: &str) -> Result<(), Problem> {
        self.send(&ClientMessage::Remove { path: path.to_owned() }).await;
        loop {
            match self.receive().await {
                ServerMessage::Removed { .. } => return Ok(()),
                ServerMessage::RemoveFailed { problem, .. } => return Err(problem),
                _ => {}
            }
        }
    }

    /// Renames a file or a directory.
    ///
    /// # Errors
    /// When the portal or the server refuses.
    pub async fn rename(&mut self, from: &str, to: &str) -> Result<(), Problem> {
        self.send(&ClientMessage::Rename { from: from.to_owned(), to: to.to_owned() }).await;
        loop {
            match self.receive().await {
                ServerMessage::Renamed { .. } => return Ok(()),
                ServerMessage::NotRenamed { problem, .. } => return Err(problem),
                _ => {}
            }
        }
    }

    /// Deletes a file, or a directory that is empty.
    ///
    /// # Errors
    /// When the portal or the server refuses.
    pub async fn delete(
        &mut self,
        path: &str,
        kind: EntryKind,
    ) -> Result<DeletedCounts, NotDeleted> {
        self.delete_as(path, kind, false).await
    }

    /// Deletes a directory and everything in it.
    ///
    /// # Errors
    /// When the portal or the server refuses.
    pub async fn delete_all_of(&mut self, path: &str) -> Result<DeletedCounts, NotDeleted> {
        self.delete_as(path, EntryKind::Directory, true).await
    }

    async fn delete_as(
        &mut self,
        path: &str,
        kind: EntryKind,
        recursive: bool,
    ) -> Result<DeletedCounts, NotDeleted> {
        self.send(&ClientMessage::Delete { path: path.to_owned(), kind, recursive }).await;
        loop {
            match self.receive().await {
                ServerMessage::Deleted { deleted, .. } => return Ok(deleted),
                ServerMessage::NotDeleted { problem, not_empty, deleted, left, .. } => {
                    return Err(NotDeleted { problem, not_empty, deleted, left });
                }
                _ => {}
            }
        }
    }
}
