//! Keeps a second portal from a SQLite file.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::error::StoreError;

/// Only the portal's user may read and write.
const MODE: u32 = 0o600;

/// The lock on the file beside a SQLite file, until this is dropped or the process ends.
///
/// It is a file of its own because SQLite drops all locks of a process on a file when any descriptor of
/// it is closed (fcntl(2), advisory record locking).
#[derive(Debug)]
pub(crate) struct LockFile {
    _locked: File,
}

impl LockFile {
    /// Takes the lock of a SQLite file, and creates both files where they are missing.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another portal has it, [`StoreError::NotWritable`].
    pub(crate) fn take(database: &Path) -> Result<Self, StoreError> {
        let unwritable = |error: &_| StoreError::of_file(database.to_owned(), error);
        let file = open(&lock_path(database)).map_err(|error| unwritable(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse { path: database.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(&error)),
        }
        create(database)?;
        Ok(Self { _locked: file })
    }
}

/// Creates a SQLite file that is missing. SQLite would create it readable for others.
///
/// # Errors
/// [`StoreError::NotWritable`].
pub(crate) fn create(database: &Path) -> Result<(), StoreError> {
    match open(database) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::of_file(database.to_owned(), &error)),
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(MODE).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
    }
    Ok(file)
}

/// Returns the path of the lock's file: `ferryport.db.lock` beside `ferryport.db`.
fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
