//! What the lines of a pool have brought to the server.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that all lines of a pool share.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    bytes: AtomicU64,
    files: AtomicU64,
}

impl Meter {
    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes and files so far.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.files.load(Ordering::Relaxed))
    }
}
