//! Deletes a directory with its contents: lists everything first, then deletes from the bottom up.

use tokio_util::sync::CancellationToken;

use super::Client;
use crate::{error::Error, listing::EntryKind, path::RemotePath};

/// Numbers of deleted files and directories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletedCounts {
    /// Files, and everything else that is not a directory.
    pub files: u64,
    /// Directories, including the top one.
    pub directories: u64,
}

/// Limits on the size of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeLimits {
    /// The maximum number of files and directories.
    pub entries: u64,
    /// The maximum number of bytes in the files' names and the directories' paths.
    pub bytes: u64,
}

/// A directory was not deleted, or not completely.
#[derive(Debug)]
pub struct DeleteTreeError {
    /// The numbers of deleted entries.
    pub deleted: DeletedCounts,
    /// The numbers of remaining entries, if everything was listed.
    pub left: Option<DeletedCounts>,
    /// The file or directory where it stopped.
    pub at: RemotePath,
    /// Why.
    pub reason: DeleteTreeReason,
}

/// Why a directory was not deleted.
#[derive(Debug)]
pub enum DeleteTreeReason {
    /// The parent's listing does not show a directory; nothing was deleted.
    NotADirectory,
    /// It holds more than the limits allow, or than a listing shows; nothing was deleted.
    TooLarge,
    /// The server changes names that end with a space; nothing was deleted.
    NameNotKept,
    /// The server refused, or the session ended.
    Failed(Error),
    /// The caller cancelled it.
    Cancelled,
}

/// A directory of a tree.
#[derive(Debug)]
struct Folder {
    path: RemotePath,
    /// The names of its entries that are no directories.
    files: Vec<RemotePath>,
}

impl Client {
    /// Deletes a directory and everything in it (`DELE`, `RMD`, RFC 959 §4.1.3), and stops at the
    /// first refusal.
    ///
    /// Everything is listed before anything is deleted. When `stop` is cancelled during that, the
    /// client is not usable afterwards; later it stops after the reply to the current command. Only
    /// entries that a listing calls directories are entered: a symbolic link is deleted, its target
    /// stays.
    ///
    /// # Errors
    /// [`DeleteTreeError`], with the numbers of deleted and remaining entries.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped, and some of it may
    /// have been deleted.
    pub async fn delete_tree(
        &mut self,
        path: &RemotePath,
        limits: TreeLimits,
        stop: &CancellationToken,
    ) -> Result<DeletedCounts, DeleteTreeError> {
        let path = self.absolute(path);
        let folders = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(none_deleted(path, DeleteTreeReason::Cancelled)),
            folders = self.find_all(path.clone(), limits) => folders?,
        };
        let all = count(&folders);
        let mut deleted = DeletedCounts::default();
        // A directory's contents were found after it.
        for folder in folders.iter().rev() {
            if let Err((at, reason)) = self.delete_folder(folder, &mut deleted, stop).await {
                let left = Some(all.without(deleted));
                return Err(DeleteTreeError { deleted, left, at, reason });
            }
        }
        Ok(deleted)
    }

    async fn delete_folder(
        &mut self,
        folder: &Folder,
        deleted: &mut DeletedCounts,
        stop: &CancellationToken,
    ) -> Result<(), (RemotePath, DeleteTreeReason)> {
        for name in &folder.files {
            let file = folder.path.join(name);
            if stop.is_cancelled() {
                return Err((file, DeleteTreeReason::Cancelled));
            }
            self.delete(&file).await.map_err(|error| (file, DeleteTreeReason::Failed(error)))?;
            deleted.files += 1;
        }
        if stop.is_cancelled() {
            return Err((folder.path.clone(), DeleteTreeReason::Cancelled));
        }
        let removed = self.remove_directory(&folder.path).await;
        removed.map_err(|error| (folder.path.clone(), DeleteTreeReason::Failed(error)))?;
        deleted.directories += 1;
        Ok(())
    }

    /// Lists every directory of a tree, parents first.
    async fn find_all(
        &mut self,
        path: RemotePath,
        limits: TreeLimits,
    ) -> Result<Vec<Folder>, DeleteTreeError> {
        if !self.keeps_name(&path) {
            return Err(none_deleted(path, DeleteTreeReason::NameNotKept));
        }
        match self.find(&path).await {
            Ok(Some(entry)) if entry.kind == EntryKind::Directory => (),
            Ok(_) => return Err(none_deleted(path, DeleteTreeReason::NotADirectory)),
            Err(error) => return Err(none_deleted(path, DeleteTreeReason::Failed(error))),
        }
        let mut budget = Budget(limits);
        let mut folders = Vec::new();
        let mut pending = vec![path];
        while let Some(path) = pending.pop() {
            match self.list_folder(path, &mut budget, &mut pending).await {
                Ok(folder) => folders.push(folder),
                Err(not_deleted) => return Err(not_deleted),
            }
        }
        Ok(folders)
    }

    async fn list_folder(
        &mut self,
        path: RemotePath,
        budget: &mut Budget,
        pending: &mut Vec<RemotePath>,
    ) -> Result<Folder, DeleteTreeError> {
        let listing = match self.list(&path).await {
            Ok(listing) => listing,
            Err(error) => return Err(none_deleted(path, DeleteTreeReason::Failed(error))),
        };
        let mut fits = listing.is_complete && listing.left_out == 0;
        let mut files = Vec::new();
        for entry in listing.entries {
            let is_directory = entry.kind == EntryKind::Directory;
            let kept = if is_directory { path.join(&entry.name) } else { entry.name };
            fits &= budget.take(&kept);
            if !fits {
                break;
            }
            if is_directory { pending.push(kept) } else { files.push(kept) }
        }
        match fits {
            true => Ok(Folder { path, files }),
            false => Err(none_deleted(path, DeleteTreeReason::TooLarge)),
        }
    }
}

/// The rest of the limits while a tree is listed.
struct Budget(TreeLimits);

impl Budget {
    /// Takes one entry from the budget; returns whether it fits.
    fn take(&mut self, kept: &RemotePath) -> bool {
        let TreeLimits { entries, bytes } = &mut self.0;
        let left = (entries.checked_sub(1), bytes.checked_sub(kept.as_bytes().len() as u64));
        let (Some(entries_left), Some(bytes_left)) = left else { return false };
        (*entries, *bytes) = (entries_left, bytes_left);
        true
    }
}

impl DeletedCounts {
    fn without(self, other: Self) -> Self {
        Self {
            files: self.files.saturating_sub(other.files),
            directories: self.directories.saturating_sub(other.directories),
        }
    }
}

fn count(folders: &[Folder]) -> DeletedCounts {
    let files = folders.iter().map(|folder| folder.files.len() as u64).sum();
    DeletedCounts { files, directories: folders.len() as u64 }
}

/// An error before anything was deleted.
fn none_deleted(at: RemotePath, reason: DeleteTreeReason) -> DeleteTreeError {
    DeleteTreeError { deleted: DeletedCounts::default(), left: None, at, reason }
}
