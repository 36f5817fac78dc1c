//! Deletes a directory with its contents: lists everything first, then deletes from the bottom up.

use std::collections::HashSet;

use tokio_util::sync::CancellationToken;

use super::{Client, quoted_path};
use crate::{
    command::Command,
    error::Error,
    listing::{Entry, EntryKind, Listing},
    path::RemotePath,
    stage::Stage,
};

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
    /// A listing has two entries of one name: a name with a line break can forge an entry. Nothing
    /// was deleted.
    NamedTwice,
    /// A listing shows a directory, but the path is a link or leads to another directory, or the
    /// server does not say where it leads. Nothing was deleted.
    LeadsElsewhere,
    /// It holds more than the limits allow, or than a listing shows; nothing was deleted.
    TooLarge,
    /// The server changes names that end with a space; nothing was deleted.
    NameNotKept,
    /// The server refused, or the session ended.
    Failed(Error),
    /// The caller cancelled it.
    Cancelled,
}

/// A directory that is still to be listed.
#[derive(Debug)]
struct Pending {
    path: RemotePath,
    /// Its path as `PWD` is to name it: without links. `None` where `PWD` is of no use.
    physical: Option<RemotePath>,
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
    /// client is not usable afterwards; later it stops after the reply to the current command.
    ///
    /// A symbolic link is deleted, its target stays. Listings can be forged by a name that holds a
    /// line break, so a directory is entered only if `MLST` does not say otherwise, and if `PWD`
    /// names the directory after `CWD` has changed to it.
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
        let top = self.find_top(path).await?;
        let mut budget = Budget(limits);
        let mut folders = Vec::new();
        let mut pending = vec![top];
        while let Some(directory) = pending.pop() {
            folders.push(self.list_folder(directory, &mut budget, &mut pending).await?);
        }
        Ok(folders)
    }

    /// Finds the directory in its parent's listing.
    async fn find_top(&mut self, path: RemotePath) -> Result<Pending, DeleteTreeError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(none_deleted(path, DeleteTreeReason::NotADirectory));
        };
        let listing = match self.list(&parent).await {
            Ok(listing) => listing,
            Err(error) => return Err(none_deleted(path, DeleteTreeReason::Failed(error))),
        };
        let mut found = listing.entries.iter().filter(|entry| entry.name == name);
        match (found.next(), found.next()) {
            (Some(entry), None) if entry.kind == EntryKind::Directory => (),
            (Some(_), Some(_)) => return Err(none_deleted(path, DeleteTreeReason::NamedTwice)),
            _ => return Err(none_deleted(path, DeleteTreeReason::NotADirectory)),
        }
        match self.current_after_entering(&parent).await {
            Ok(current) => {
                Ok(Pending { physical: current.map(|current| current.join(&name)), path })
            }
            Err(error) => Err(none_deleted(path, DeleteTreeReason::Failed(error))),
        }
    }

    async fn list_folder(
        &mut self,
        Pending { path, physical }: Pending,
        budget: &mut Budget,
        pending: &mut Vec<Pending>,
    ) -> Result<Folder, DeleteTreeError> {
        let listing = match self.list_directory_itself(&path, physical.as_ref()).await {
            Ok(Some(listing)) => listing,
            Ok(None) => return Err(none_deleted(path, DeleteTreeReason::LeadsElsewhere)),
            Err(error) => return Err(none_deleted(path, DeleteTreeReason::Failed(error))),
        };
        if has_a_name_twice(&listing) {
            return Err(none_deleted(path, DeleteTreeReason::NamedTwice));
        }
        let mut fits = listing.is_complete && listing.left_out == 0;
        let mut files = Vec::new();
        for Entry { name, kind, .. } in listing.entries {
            let is_directory = kind == EntryKind::Directory;
            let kept = if is_directory { path.join(&name) } else { name.clone() };
            fits &= budget.take(&kept);
            if !fits {
                break;
            }
            if is_directory {
                let physical = physical.as_ref().map(|physical| physical.join(&name));
                pending.push(Pending { path: kept, physical });
            } else {
                files.push(kept);
            }
        }
        match fits {
            true => Ok(Folder { path, files }),
            false => Err(none_deleted(path, DeleteTreeReason::TooLarge)),
        }
    }

    /// Lists a directory; `None` where the path is a link or leads to another directory.
    async fn list_directory_itself(
        &mut self,
        path: &RemotePath,
        physical: Option<&RemotePath>,
    ) -> Result<Option<Listing>, Error> {
        let told = self.kind_by_facts(path).await?;
        let current = self.current_after_entering(path).await?;
        let is_itself = match (told, physical, current) {
            (Some(kind), _, _) if kind != EntryKind::Directory => false,
            (_, Some(physical), Some(current)) => *physical == current,
            // `PWD` is of no use.
            (told, None, _) | (told, _, None) => told == Some(EntryKind::Directory),
        };
        if is_itself { self.list(path).await.map(Some) } else { Ok(None) }
    }

    /// Asks for the kind of an entry with `MLST`; `None` where the server does not say.
    async fn kind_by_facts(&mut self, path: &RemotePath) -> Result<Option<EntryKind>, Error> {
        if !self.facts.features.has("MLST") {
            return Ok(None);
        }
        match self.entry(path).await {
            Ok(entry) => Ok(Some(entry.map_or(EntryKind::Other, |entry| entry.kind))),
            Err(error) if error.reply().is_some() && self.is_usable() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Changes to a directory and asks where that is; `None` where the server does not say.
    async fn current_after_entering(
        &mut self,
        path: &RemotePath,
    ) -> Result<Option<RemotePath>, Error> {
        self.enter(path).await?;
        let reply = self.control.exchange(Command::Pwd, Stage::List).await?;
        Ok(quoted_path(&reply))
    }
}

fn has_a_name_twice(listing: &Listing) -> bool {
    let names: HashSet<_> = listing.entries.iter().map(|entry| &entry.name).collect();
    names.len() < listing.entries.len()
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
