//! What survives the page: the uploads that have not ended, in the browser's store, and the session
//! of this tab. No password, and no byte of a file.

use protocol::server::NewSession;
use serde::{Deserialize, Serialize};

use crate::{connection::Destination, queue::ConflictPolicy};

/// How many bytes at each end of a file go into its [`edges`].
pub const EDGE_BYTES: u64 = 64 * 1024;

/// A row of the list, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SavedRow {
    /// The path as it was picked.
    pub path: String,
    /// The file's size in bytes.
    pub size: u64,
    /// Its last modification, in milliseconds since 1970-01-01T00:00:00Z.
    pub modified_millis: Option<i64>,
    /// The directory on the server that it goes to.
    pub directory: String,
    /// What the person chose for this file when its name is taken.
    pub choice: Option<ConflictPolicy>,
    /// The number of the name that it goes by on the server: from 2 on when it was renamed.
    pub name_number: u32,
    /// Where a part of it lies on the server.
    pub temporary_path: Option<String>,
    /// How many bytes that part had when it was last heard of.
    pub kept_bytes: u64,
    /// The digest of both ends of its bytes, where a part lies on the server: [`edges`].
    pub edges: Option<u64>,
    /// Whether the person had paused it.
    pub paused: bool,
}

impl SavedRow {
    /// Another server, or another account: the upload goes into `directory`, and nothing of it is
    /// there.
    pub fn move_to(&mut self, directory: &str) {
        directory.clone_into(&mut self.directory);
        self.temporary_path = None;
        self.kept_bytes = 0;
    }
}

/// What the rows have in common, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SavedHome {
    /// Where the uploads belong.
    pub destination: Destination,
    /// The fingerprint of the certificate that the person trusted there.
    pub trusted_certificate: Option<String>,
}

/// What this tab keeps for the page that follows when it is loaded again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SavedTab {
    /// The name of this tab's queue in the store.
    pub queue: String,
    /// Where the session is connected.
    pub home: Option<SavedHome>,
    /// The session that goes on, if there is one.
    pub session: Option<NewSession>,
}

protocol::objects!(SavedRow, SavedHome, SavedTab);

/// All that an earlier page left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredPage {
    /// What the rows have in common.
    pub home: SavedHome,
    /// The rows in their order.
    pub rows: Vec<SavedRow>,
    /// The first parts of paths whose files the browser can open again by itself, sorted.
    pub handles: Vec<String>,
    /// The session that goes on, if there is one.
    pub session: Option<NewSession>,
}

/// The first part of a path: the folder or the file that was dropped.
#[must_use]
pub fn root(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// A digest of both ends of a file, [`EDGE_BYTES`] each at most: FNV-1a of 64 bits, which tells
/// files apart that happen to have the same name, size and time. It is no proof against malice; the
/// digest of the whole upload is.
#[must_use]
pub fn edges(first: &[u8], last: &[u8]) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    first
        .iter()
        .chain(last)
        .fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_fnv_1a_of_both_ends() {
        assert_eq!(edges(b"", b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(edges(b"foo", b"bar"), 0x8594_4171_f739_67e8, "of the authors' test vectors");
        assert_ne!(edges(b"foo", b"bar"), edges(b"foo", b"baz"));
    }

    #[test]
    fn what_is_dropped_is_the_first_part_of_a_path() {
        assert_eq!(root("folder/a/b"), "folder");
        assert_eq!(root("file"), "file");
    }

    #[test]
    fn secret_of_a_session_is_in_the_tab_and_in_no_debug_print() {
        let tab = SavedTab {
            queue: "q".into(),
            home: None,
            session: Some(NewSession {
                session: "s".into(),
                secret: protocol::client::Secret::new("hush".into()),
            }),
        };
        let text = serde_json::to_string(&tab).unwrap();
        assert_eq!(serde_json::from_str::<SavedTab>(&text).unwrap(), tab);
        assert!(text.contains("hush"));
        assert!(!format!("{tab:?}").contains("hush"));
    }
}
