//! A file that was looked up before its upload began.

use tokio::time::{Duration, Instant};

use super::TargetState;
use crate::path::RemotePath;

/// How long a prefetched lookup is used. Another client may create the file meanwhile.
const FRESH_FOR: Duration = Duration::from_secs(10);

/// The lookup of a final name before the first byte is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// The state of the final name.
    pub(crate) target: TargetState,
    /// When the server was asked.
    pub(crate) at: Instant,
}

/// The lookup of the next file, sent in the batch that ended the upload before it.
#[derive(Clone, Debug)]
pub(crate) struct PrefetchedFile {
    pub(crate) path: RemotePath,
    pub(crate) found: Found,
}

impl PrefetchedFile {
    /// Whether the lookup is of `path` and recent enough.
    pub(crate) fn is_fresh_for(&self, path: &RemotePath) -> bool {
        self.path == *path && self.found.at.elapsed() < FRESH_FOR
    }
}
