//! What a server holds on its disk.

use std::{fmt::Write as _, fs, io::Read as _, path::PathBuf};

use sha2::{Digest as _, Sha256};

use super::Server;

impl Server {
    /// Returns the directory of the login, as a path of this machine.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Returns the SHA-256 of a file under [`Self::root`] in 64 lower-case hexadecimal digits, or
    /// nothing if there is no such file.
    #[must_use]
    pub fn sha256_of(&self, path: &str) -> Option<String> {
        let mut file = fs::File::open(self.root().join(path)).ok()?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer).ok()? {
                0 => return Some(hex(&hasher.finalize())),
                read => hasher.update(&buffer[..read]),
            }
        }
    }

    /// Returns the paths of all files under [`Self::root`], relative to it, sorted.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("root may read everything") {
                let path = entry.expect("a directory entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(relative) = path.strip_prefix(self.root()) {
                    files.push(relative.to_string_lossy().into_owned());
                }
            }
        }
        files.sort();
        files
    }
}

/// Returns bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
