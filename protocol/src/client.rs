//! The page's messages to the portal.

use serde::{Deserialize, Serialize};

use crate::{chunk::UploadId, entry::EntryKind, tagged::messages};
pub use crate::{
    connect::{Connect, Encryption},
    language::Language,
    secret::Secret,
    session::{Join, ResumeState, SessionCredentials},
};

messages! {
    /// A message from the page.
    pub enum ClientMessage = "ClientMessage" {
        /// The first message on every socket.
        Hello {
            /// The page's version of the protocol: [`crate::VERSION`].
            version: u32,
            /// The session: a new one, or one that exists.
            join: Join,
            /// The language of [`crate::Problem`]s, where the portal supports it.
            #[serde(default, skip_serializing_if = "Language::is_english")]
            language: Language,
        },
        /// Connects to an FTPS server and logs in. An earlier connection of the session is closed
        /// first.
        Connect(Connect),
        /// Logs out and closes the connection, or aborts an attempt to connect. Answered by
        /// [`crate::ServerMessage::Disconnected`].
        Disconnect,
        /// Lists a directory. Answered by [`crate::ServerMessage::Listing`] or
        /// [`crate::ServerMessage::ListingHidden`] or [`crate::ServerMessage::ListingFailed`].
        List {
            /// An absolute path on the server, or empty for the directory that the login opened.
            path: String,
        },
        /// Makes a directory and its missing parents. Answered by
        /// [`crate::ServerMessage::DirectoryMade`] or
        /// [`crate::ServerMessage::MakeDirectoryFailed`]. An existing directory is no error.
        MakeDirectory {
            /// Absolute, or relative to the directory that the login opened.
            path: String,
        },
        /// Removes the part file of an interrupted upload. Answered by
        /// [`crate::ServerMessage::Removed`] or [`crate::ServerMessage::RemoveFailed`]. The portal
        /// removes only files with temporary names: [`crate::server::Entry::leftover_of`]. For all
        /// other files there is [`ClientMessage::Delete`].
        Remove {
            /// Absolute, or relative to the directory that the login opened.
            path: String,
        },
        /// Renames a file or a directory, or moves it to another directory. It never replaces
        /// anything. Answered by [`crate::ServerMessage::Renamed`] or
        /// [`crate::ServerMessage::NotRenamed`].
        Rename {
            /// Absolute, or relative to the directory that the login opened.
            from: String,
            /// Absolute, or relative to the directory that the login opened. The name has to be free.
            to: String,
        },
        /// Deletes a file or a directory. Answered by [`crate::ServerMessage::Deleted`] or
        /// [`crate::ServerMessage::NotDeleted`].
        Delete {
            /// Absolute, or relative to the directory that the login opened.
            path: String,
            /// The kind in the listing.
            kind: EntryKind,
            /// Whether a directory is deleted with everything in it. Otherwise it has to be empty.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            recursive: bool,
        },
        /// Offers one file. The portal requests its bytes with [`crate::ServerMessage::Credit`].
        Offer(Offer),
        /// Cancels an upload. The part file on the server is removed. Answered by
        /// [`crate::ServerMessage::Cancelled`], unless the upload ended before.
        Cancel {
            /// The upload.
            upload: UploadId,
        },
        /// Pauses an upload. The part file on the server is kept. Answered by
        /// [`crate::ServerMessage::Paused`], unless the upload ended before.
        Pause {
            /// The upload.
            upload: UploadId,
        },
        /// The digest of the bytes of an upload's file, for [`Offer::digest`].
        Digest {
            /// The upload.
            upload: UploadId,
            /// The offset of the first byte that the digest covers. It extends to the end of the file.
            from: u64,
            /// The digest in lower-case hexadecimal digits, by the algorithm in
            /// [`crate::server::Connected::digest`]. Absent when the page cannot compute it: then
            /// the upload is verified without it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            hex: Option<String>,
        },
        /// Acknowledges messages of the portal; see [`crate::delivery`].
        Ack {
            /// The number of counted messages that have arrived since the session began.
            messages: u64,
        },
        /// Sent every [`crate::server::Limits::ping_interval_millis`]. Answered by
        /// [`crate::ServerMessage::Pong`]. Scripts in a browser cannot see the ping frames of RFC
        /// 6455.
        Ping,
    }
}

/// A file that the page offers to upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct Offer {
    /// The upload's id. The page chooses it, greater than all earlier ones of the session.
    pub upload: UploadId,
    /// The file's path, with `/` between its parts: absolute, or relative to the directory that the
    /// login opened. Missing directories are made.
    pub path: String,
    /// The file's size in bytes.
    pub size: u64,
    /// The file's modification time, in milliseconds since 1970-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_millis: Option<i64>,
    /// What to do when a file with this path exists.
    pub on_conflict: OnConflict,
    /// The part file of an earlier upload of the same bytes, from
    /// [`crate::ServerMessage::Opened`] or [`crate::ServerMessage::Failed`], to resume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// Whether the page will send [`ClientMessage::Digest`]. The file gets its final name only when
    /// that equals the digest of the relayed bytes. For a resumed upload the page sends two digests:
    /// from the offset of [`crate::ServerMessage::Opened`], and from 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub digest: bool,
    /// Whether a conflict should bring the digest of a file of the same size
    /// ([`crate::server::Existing::digest`]): the page asks its user about it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compare: bool,
}

/// What to do when a file of that name exists on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Ends the upload with [`crate::ServerMessage::Conflict`]; the existing file is unchanged.
    Ask,
    /// Replaces the existing file, once the new one is complete.
    Overwrite,
    /// Appends to the existing file, which is the beginning of the offered one. When it is not
    /// smaller, the upload ends with [`crate::ServerMessage::Conflict`].
    Resume,
}

crate::objects!(Offer);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_documented_json() {
        let message = ClientMessage::Offer(Offer {
            upload: UploadId(7),
            path: "a/b.txt".into(),
            size: 5,
            modified_millis: None,
            on_conflict: OnConflict::Ask,
            resume: None,
            digest: false,
            compare: false,
        });
        assert_eq!(
            serde_json::to_string(&message).unwrap(),
            r#"{"type":"offer","upload":7,"path":"a/b.txt","size":5,"on_conflict":"ask"}"#
        );
        assert_eq!(
            serde_json::to_string(&ClientMessage::Disconnect).unwrap(),
            r#"{"type":"disconnect"}"#
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let message = ClientMessage::Connect(Connect {
            host: "h".into(),
            port: 21,
            encryption: None,
            username: "u".into(),
            password: Secret::new("hunter2".into()),
            trusted_certificate: None,
        });
        assert!(!format!("{message:?}").contains("hunter2"));
    }
}
