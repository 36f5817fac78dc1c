//! What the page says to the portal.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{chunk::UploadId, server::EntryKind, tagged::messages};

messages! {
    /// A text frame from the page.
    pub enum ClientMessage = "ClientMessage" {
        /// The first message on every socket. Nothing else is answered before it.
        Hello {
            /// The version that the page speaks: [`crate::VERSION`].
            version: u32,
            /// The session's name, from [`crate::server::NewSession`].
            session: String,
            /// The session's secret, from [`crate::server::NewSession`].
            secret: Secret,
            /// On a later socket of the session: how far the page is. Absent on the first one, and
            /// from a page that was loaded again and holds nothing of the session any more.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            resume: Option<ResumeState>,
            /// What a [`crate::Problem`] is to be told in, as far as the portal can.
            #[serde(default, skip_serializing_if = "Language::is_english")]
            language: Language,
        },
        /// Connect to an FTPS server and log in. Ends an earlier connection of the session first.
        Connect(Connect),
        /// Log out and close the connection; answered by
        /// [`crate::ServerMessage::Disconnected`]. Also ends an attempt to connect.
        Disconnect,
        /// List a directory; answered by [`crate::ServerMessage::Listing`] or
        /// [`crate::ServerMessage::ListingFailed`].
        List {
            /// An absolute path on the server, or empty for the directory that the login opened.
            path: String,
        },
        /// Make a directory and those above it that are missing; answered by
        /// [`crate::ServerMessage::DirectoryMade`] or
        /// [`crate::ServerMessage::MakeDirectoryFailed`]. One that is there already is as good as
        /// made.
        MakeDirectory {
            /// Absolute, or relative to the directory that the login opened.
            path: String,
        },
        /// Remove what an upload that broke off left behind; answered by
        /// [`crate::ServerMessage::Removed`] or [`crate::ServerMessage::RemoveFailed`]. The portal
        /// removes nothing but files under temporary names: [`crate::server::Entry::leftover_of`].
        /// For all other files there is [`ClientMessage::Delete`].
        Remove {
            /// Absolute, or relative to the directory that the login opened.
            path: String,
        },
        /// Rename a file or a directory, or move it to another directory; answered by
        /// [`crate::ServerMessage::Renamed`] or [`crate::ServerMessage::NotRenamed`]. Nothing is
        /// ever replaced by it.
        Rename {
            /// Absolute, or relative to the directory that the login opened.
            from: String,
            /// The same; nothing may have that name.
            to: String,
        },
        /// Delete a file or a directory; answered by [`crate::ServerMessage::Deleted`] or
        /// [`crate::ServerMessage::NotDeleted`].
        Delete {
            /// Absolute, or relative to the directory that the login opened.
            path: String,
            /// What the listing calls it.
            kind: EntryKind,
            /// Whether a directory goes with everything in it; without, it has to be empty.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            recursive: bool,
        },
        /// Offer one file. The portal asks for its bytes with [`crate::ServerMessage::Credit`].
        Offer(Offer),
        /// Give an upload up. What lies on the server under a temporary name is removed.
        /// Answered by [`crate::ServerMessage::Cancelled`], unless the upload ended before.
        Cancel {
            /// The upload to end.
            upload: UploadId,
        },
        /// End an upload for now, and keep on the server what it holds of it. Answered by
        /// [`crate::ServerMessage::Paused`], unless the upload ended before.
        Pause {
            /// The upload to end.
            upload: UploadId,
        },
        /// The digest of the bytes of an upload's file, for [`Offer::digest`].
        Digest {
            /// The upload.
            upload: UploadId,
            /// The offset of the first byte that it is made of; the file's last one is the last.
            from: u64,
            /// In lower-case hexadecimal digits, made as [`crate::server::Connected::digest`] says.
            /// Absent when the page cannot make it: the upload is then checked without it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            hex: Option<String>,
        },
        /// How many messages of the portal the page has taken in; see [`crate::delivery`].
        #[serde(rename = "heard")]
        Ack {
            /// Counted from the session's begin.
            messages: u64,
        },
        /// Sent every [`crate::server::Limits::ping_interval_millis`]; answered by
        /// [`crate::ServerMessage::Pong`]. A browser's script cannot see the ping frames of RFC
        /// 6455.
        Ping,
    }
}

/// A person's language, as a tag of BCP 47 (RFC 5646): `de`, `fr-CA`. English where nothing else is
/// said. The portal answers in English to a language that it does not know.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

/// A text that is no language tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotALanguageTag;

impl Language {
    /// The longest tag, in bytes: what every program has to take (RFC 5646 §4.4.1).
    pub const MAX_LEN: usize = 35;

    const ENGLISH: &str = "en";

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.0
    }

    fn is_english(&self) -> bool {
        self.0 == Self::ENGLISH
    }
}

impl Default for Language {
    fn default() -> Self {
        Self(Self::ENGLISH.to_owned())
    }
}

/// Takes what has the characters and the length of a tag: ASCII letters and digits with hyphens
/// between them.
impl TryFrom<String> for Language {
    type Error = NotALanguageTag;

    fn try_from(tag: String) -> Result<Self, NotALanguageTag> {
        let is_subtag = |subtag: &str| {
            !subtag.is_empty() && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let is_tag = tag.len() <= Self::MAX_LEN && tag.split('-').all(is_subtag);
        if is_tag { Ok(Self(tag)) } else { Err(NotALanguageTag) }
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl fmt::Display for NotALanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a language tag has ASCII letters and digits, with hyphens between them")
    }
}

impl std::error::Error for NotALanguageTag {}

/// How far a page is that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ResumeState {
    /// How many messages of the portal it has taken in since the session's begin: those that
    /// follow are sent again. See [`crate::delivery`].
    pub messages: u64,
    /// The first line of the session log that it lacks: [`crate::server::LogLine::seq`].
    pub log: u64,
}

/// Where to connect, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Connect {
    /// A host name or an IP address, without brackets.
    pub host: String,
    /// The port of the control connection.
    pub port: u16,
    /// When TLS starts.
    pub encryption: Encryption,
    /// For the FTP verb `USER`.
    pub username: String,
    /// For the FTP verb `PASS`.
    pub password: Secret,
    /// SHA-256 of the one certificate (DER) that the person chose to trust, as 64 lower-case
    /// hexadecimal digits; absent to trust what the portal's roots vouch for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_certificate: Option<String>,
}

/// When TLS starts on the control connection (RFC 4217 §4 and its appendix on implicit TLS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// After `AUTH TLS`; the usual port is 21.
    Explicit,
    /// At once; the usual port is 990.
    Implicit,
}

impl Encryption {
    /// The port that servers use for it unless told otherwise.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Explicit => 21,
            Self::Implicit => 990,
        }
    }
}

/// One file that the page would like to upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Offer {
    /// Chosen by the page, greater than every earlier one of the session.
    pub upload: UploadId,
    /// The file's path with `/` between its parts: absolute, or relative to the directory that
    /// the login opened. Directories that are missing are made.
    pub path: String,
    /// The file's size in bytes.
    pub size: u64,
    /// The file's last modification, in milliseconds since 1970-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_millis: Option<i64>,
    /// What to do when the path is taken.
    pub on_conflict: OnConflict,
    /// The temporary name of an earlier upload of the same bytes, from
    /// [`crate::ServerMessage::Opened`] or [`crate::ServerMessage::Failed`], to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// Whether the page will say [`ClientMessage::Digest`]: the file gets its name only when that
    /// equals the digest of what the portal relayed. Of an upload that goes on with an earlier one
    /// two are said: from [`crate::ServerMessage::Opened`]'s offset, and from 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub digest: bool,
}

/// What to do when a file of that name is on the server already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// End the upload with [`crate::ServerMessage::Conflict`] and leave the server's file alone.
    Ask,
    /// Replace it, once the new one is stored completely.
    Overwrite,
    /// It is the beginning of the file that is offered: go on where it ends. One that is not
    /// smaller ends the upload with [`crate::ServerMessage::Conflict`].
    Resume,
}

/// A password, or a session's secret: printed as asterisks by everything but the wire, and
/// overwritten in memory when it is dropped.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps what must not be shown.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret itself, for the wire and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The secret itself, moved out: its holder has to erase it.
    #[must_use]
    pub fn into_exposed(mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

crate::objects!(ResumeState, Connect, Offer);

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
            encryption: Encryption::Explicit,
            username: "u".into(),
            password: Secret::new("hunter2".into()),
            trusted_certificate: None,
        });
        assert!(!format!("{message:?}").contains("hunter2"));
    }
}
