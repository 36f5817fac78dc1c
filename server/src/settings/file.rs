//! The files that settings name: certificates and keys.

use std::{fs, path::Path};

use zeroize::Zeroizing;

use super::SettingsError;

/// Reads a file. The bytes are overwritten on drop, because they may be a key.
///
/// # Errors
/// A sentence about why the file cannot be read.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    fs::read(path).map(Zeroizing::new).map_err(|error| format!("it cannot be read: {error}"))
}

/// Builds the error about the file that the setting `name` names.
#[must_use]
pub fn unusable_file(name: &'static str, path: &Path, reason: String) -> SettingsError {
    SettingsError::File { name, path: path.to_owned(), reason }
}
