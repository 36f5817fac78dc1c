//! The directories that are known to exist, shared by all sessions of one login.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{lock::lock, path::RemotePath};

/// The most directories of which a refusal of renames is remembered.
const MAX_IN_PLACE: usize = 512;

/// So many directories in which the server refused every `RNTO` speak for the others. A login may have
/// other rights in each directory, so that one or two of them prove nothing; but each further one costs
/// the transfer of a whole file that cannot get its name.
const RENAMES_REFUSED_IN: usize = 3;

/// The known directories of a server; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directories {
    known: Arc<Mutex<HashSet<RemotePath>>>,
    /// Directories in which the server refuses renames.
    in_place: Arc<Mutex<HashSet<RemotePath>>>,
    /// Directories in which the server refused every `RNTO`: at most [`RENAMES_REFUSED_IN`].
    renames_refused: Arc<Mutex<HashSet<RemotePath>>>,
    /// Directories that the server made under other names than the requested ones.
    named: Arc<Mutex<HashMap<RemotePath, RemotePath>>>,
    /// How often a directory was renamed or removed.
    changes: Arc<AtomicU64>,
    /// Held while directories are created, so that sessions that need the same one create it once.
    making: Arc<tokio::sync::Mutex<()>>,
}

impl Directories {
    pub(crate) fn is_known(&self, path: &RemotePath) -> bool {
        self.known().contains(path)
    }

    /// Remembers that a directory exists. At `max` directories, all are forgotten first.
    pub(crate) fn remember(&self, path: RemotePath, max: usize) {
        let mut known = self.known();
        if known.len() >= max {
            known.clear();
        }
        known.insert(path);
    }

    pub(crate) fn forget(&self, path: &RemotePath) {
        self.known().remove(path);
    }

    /// Notes that the server made the directory `requested` under the name `named`. At `max` such
    /// directories, all are forgotten first.
    pub(crate) fn note_name(&self, requested: RemotePath, named: RemotePath, max: usize) {
        let mut names = lock(&self.named);
        if names.len() >= max {
            names.clear();
        }
        names.insert(requested, named);
    }

    /// Returns the path with the server's names of the directories in it.
    pub(crate) fn as_named(&self, path: RemotePath) -> RemotePath {
        let names = lock(&self.named);
        if names.is_empty() {
            return path;
        }
        let innermost = path.ancestry().into_iter().rev().find_map(|directory| {
            let named = names.get(&directory)?;
            path.renamed_below(&directory, named)
        });
        innermost.unwrap_or(path)
    }

    /// Notes that a directory was renamed or removed: forgets all of them, and invalidates the
    /// sessions' current directories.
    pub(crate) fn moved(&self) {
        self.known().clear();
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts [`Self::moved`] and [`Self::removed`].
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Forgets all directories, since some may have been removed meanwhile. Returns whether any
    /// were known.
    pub(crate) fn forget_all(&self) -> bool {
        let mut known = self.known();
        let any = !known.is_empty();
        known.clear();
        any
    }

    /// The name that the bytes of a file go to.
    pub(crate) fn naming(&self, path: &RemotePath) -> Naming {
        let parent = path.parent().unwrap_or_else(RemotePath::root);
        match lock(&self.in_place).contains(&parent) {
            true => Naming::InPlace,
            false => Naming::Temporary,
        }
    }

    /// Notes that the server refuses to rename `path`, and so other files in the same directory. At
    /// [`MAX_IN_PLACE`] directories, all are forgotten first; the next refusal teaches each again.
    pub(crate) fn write_in_place(&self, path: &RemotePath) {
        let mut in_place = lock(&self.in_place);
        if in_place.len() >= MAX_IN_PLACE {
            in_place.clear();
        }
        in_place.insert(path.parent().unwrap_or_else(RemotePath::root));
    }

    /// Notes that the server refused every `RNTO` in the directory of `path`. Returns whether so many
    /// directories did that the server renames nothing.
    pub(crate) fn note_renames_refused(&self, path: &RemotePath) -> bool {
        self.write_in_place(path);
        let mut refused = lock(&self.renames_refused);
        if refused.len() < RENAMES_REFUSED_IN {
            refused.insert(path.parent().unwrap_or_else(RemotePath::root));
        }
        refused.len() == RENAMES_REFUSED_IN
    }

    /// Notes that a directory was removed in which no other session works.
    pub(crate) fn removed(&self, path: &RemotePath) {
        self.forget(path);
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until no other session creates directories.
    pub(crate) async fn making(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.making).lock_owned().await
    }

    fn known(&self) -> MutexGuard<'_, HashSet<RemotePath>> {
        lock(&self.known)
    }
}

/// The name that the bytes of a file go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// To a temporary name in the same directory.
    Temporary,
    /// To the final name: the directory does not allow renames.
    InPlace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_renames_in_one_directory_say_nothing_of_others() {
        let directories = Directories::default();
        let path = |text: &str| RemotePath::try_from(text).unwrap();
        for file in ["/a/1", "/a/2", "/a/3", "/b/1"] {
            assert!(!directories.note_renames_refused(&path(file)), "{file}");
            assert_eq!(directories.naming(&path(file)), Naming::InPlace);
        }
        assert_eq!(directories.naming(&path("/c/1")), Naming::Temporary);
        assert!(directories.note_renames_refused(&path("/c/1")));
        assert!(directories.note_renames_refused(&path("/d/1")));
    }

    #[test]
    fn directories_that_are_written_in_place_are_bounded() {
        let directories = Directories::default();
        let path = |n: usize| RemotePath::new(format!("/{n}/file")).unwrap();
        for n in 0..10 * MAX_IN_PLACE {
            directories.write_in_place(&path(n));
            assert_eq!(directories.naming(&path(n)), Naming::InPlace);
        }
        assert!(lock(&directories.in_place).len() <= MAX_IN_PLACE);
    }
}
