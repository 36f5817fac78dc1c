//! Files and directories on the server.

use serde::{Deserialize, Serialize};

/// A file or a directory on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct Entry {
    /// The name in its directory.
    pub name: String,
    /// The kind of entry.
    pub kind: EntryKind,
    /// The size in bytes, where the server reports one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The modification time, in milliseconds since 1970-01-01T00:00:00Z, where the server reports
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_millis: Option<i64>,
    /// Present when the name is a temporary one: the final name of the file, or the start of a long
    /// one. The upload may still be running, here or elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leftover_of: Option<String>,
}

/// The kind of a directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A link, a device, or something else.
    Other,
}

/// How many files and directories were deleted, or are left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct DeletedCounts {
    /// Files, and everything else that is no directory.
    pub files: u64,
    /// Directories.
    pub directories: u64,
}

crate::objects!(Entry, DeletedCounts);
