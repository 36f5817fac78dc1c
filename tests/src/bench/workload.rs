//! The files that are uploaded, and the servers that they go to.
//!
//! Both are in memory where there is room for them: the bench measures programs, not a disk.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use ferryport_tests::{content::Content, servers::Server};
use nix::sys::statvfs::statvfs;
use tempfile::TempDir;

/// Linux's file system in memory.
const MEMORY: &str = "/dev/shm";

/// What a run takes at most: the greatest file twice, at its source and at the server, and some
/// air, in bytes.
const ROOM: u64 = 3 << 30;

/// Files of one size, and their names.
pub(crate) struct Files {
    folder: TempDir,
    pub(crate) names: Vec<String>,
    pub(crate) bytes: u64,
}

/// Puts all later temporary files in memory if there is room, and returns the place in words.
pub(crate) fn settle() -> Result<&'static str> {
    let room = statvfs(MEMORY).map(|stat| stat.blocks_available() * stat.fragment_size());
    if room.unwrap_or_default() < ROOM {
        return Ok("the folder for temporary files");
    }
    let kept = tempfile::env::override_temp_dir(Path::new(MEMORY));
    ensure!(kept.is_ok(), "the folder for temporary files was asked for too early");
    Ok("memory (tmpfs)")
}

impl Files {
    pub(crate) fn make(count: u32, bytes: u64) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("ferryport-bench-").tempdir()?;
        let names: Vec<_> = (0..count).map(|index| format!("file-{index:04}.bin")).collect();
        for (seed, name) in (0..).zip(&names) {
            let mut file = fs::File::create(folder.path().join(name))?;
            for piece in (Content { len: bytes, seed }).pieces() {
                file.write_all(&piece)?;
            }
        }
        Ok(Self { folder, names, bytes })
    }

    /// One file that takes no room: all of its bytes are 0.
    pub(crate) fn sparse(bytes: u64) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("ferryport-bench-").tempdir()?;
        let name = "file-0000.bin".to_owned();
        fs::File::create(folder.path().join(&name))?.set_len(bytes)?;
        Ok(Self { folder, names: vec![name], bytes })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.names.iter().map(|name| self.folder().join(name)).collect()
    }

    /// Checks that the server has all of them, whole, under their own names, and nothing else.
    pub(crate) fn check(&self, server: &Server) -> Result<()> {
        ensure!(server.files() == self.names, "the server does not have the files: {}", {
            let files = server.files();
            format!("{} of {}", files.len(), self.names.len())
        });
        for name in &self.names {
            let len = fs::metadata(server.root().join(name))?.len();
            ensure!(len == self.bytes, "{name} has {len} bytes of {}", self.bytes);
        }
        Ok(())
    }
}

/// Removes the files of the previous run from the server.
pub(crate) fn clear(server: &Server) -> Result<()> {
    for name in server.files() {
        fs::remove_file(server.root().join(&name))
            .with_context(|| format!("cannot remove {name}"))?;
    }
    Ok(())
}
