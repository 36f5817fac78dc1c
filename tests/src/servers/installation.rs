//! The programs that `cargo xtask setup` unpacked.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::process::read_lossy;

/// Returns the path of a program that `cargo xtask setup` unpacked.
pub(crate) fn program(path: &str) -> PathBuf {
    let program = installation().join(path);
    assert!(
        program.exists(),
        "{} is missing: run `cargo xtask setup`, which fetches the servers of the tests",
        program.display()
    );
    program
}

/// Returns the directory into which `cargo xtask setup` unpacks the servers.
pub(super) fn installation() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/servers")
}

/// Returns the packages and versions that `cargo xtask setup` unpacked.
#[must_use]
pub fn installed_versions() -> String {
    let versions = read_lossy(&installation().join("versions.txt"));
    versions.lines().collect::<Vec<_>>().join(", ")
}

/// Returns the environment in which the servers find the libraries that were unpacked with them.
pub(crate) fn library_path() -> Vec<(&'static str, OsString)> {
    let mut folders = Vec::new();
    for folder in ["usr/lib", "lib"] {
        let folder = installation().join(folder);
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().ends_with("-linux-gnu") {
                folders.push(entry.path());
            }
        }
    }
    let joined = std::env::join_paths(folders).expect("paths without a colon");
    vec![("LD_LIBRARY_PATH", joined)]
}
