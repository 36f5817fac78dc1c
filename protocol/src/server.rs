//! The portal's messages to the page.

use serde::{Deserialize, Serialize};

pub use crate::entry::{DeletedCounts, Entry, EntryKind};
use crate::{
    chunk::{Attempt, UploadId},
    connect::Encryption,
    problem::{Problem, Stage},
    session::SessionCredentials,
    tagged::messages,
};

messages! {
    /// A message from the portal.
    pub enum ServerMessage = "ServerMessage" {
        /// The answer to an accepted `hello`.
        Welcome {
            /// The version of the protocol.
            version: u32,
            /// The portal's own version, for a bug report.
            portal: String,
            /// The new session. Absent when the page joined one that exists.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            session: Option<SessionCredentials>,
            /// The limits for the page.
            limits: Limits,
            /// The number of counted messages of the page that have arrived since the session
            /// began; the page sends the following ones again. See [`crate::delivery`].
            received: u64,
            /// To a page that has lost the session's state ([`crate::client::Join::Existing`] without
            /// `resume`): the session's connection to an FTPS server, if there is one. The session's
            /// uploads have ended; their part files on the server are kept.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            connected: Option<Box<Connected>>,
            /// The least id that the page's next upload may have. A page that was reloaded does not
            /// know which ids were used.
            next_upload: UploadId,
        },
        /// The answer to a `hello` of another version: the page has to be reloaded.
        Unsupported {
            /// The portal's version of the protocol.
            version: u32,
        },
        /// The answer to [`crate::ClientMessage::Ping`].
        Pong,
        /// Acknowledges messages of the page; see [`crate::delivery`].
        Ack {
            /// The number of counted messages that have arrived since the session began.
            messages: u64,
        },
        /// The session continues on another socket; this one closes next.
        TakenOver,
        /// Progress of an attempt to connect.
        Connecting {
            /// The stage that has begun.
            stage: Stage,
        },
        /// The server's certificate is not trusted. Nothing secret was sent, and the connection is
        /// closed. To trust it, connect again with its fingerprint as `trusted_certificate`.
        CertificateNotTrusted {
            /// The certificate that the server presented.
            certificate: Certificate,
        },
        /// Logged in: the connection is ready for uploads and requests.
        Connected(Connected),
        /// The TLS facts of a data connection: of the first one, and whenever they change. A data
        /// connection has the same certificate as the control connection
        /// ([`Connected::certificate`]), or it is not used.
        ///
        /// Not counted: the last facts are sent again on every socket.
        DataTls(DataTls),
        /// The connection is closed. Every open upload was answered before.
        Disconnected {
            /// Why, unless the page has disconnected.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            problem: Option<Problem>,
        },
        /// New lines of the session log, oldest first.
        Log {
            /// At least one line.
            lines: Vec<LogLine>,
        },
        /// The answer to a `list`.
        Listing {
            /// The directory's absolute path.
            path: String,
            /// Its files and directories, directories first, each by name.
            entries: Vec<Entry>,
            /// Entries beyond the portal's limit that are not in `entries`.
            left_out: u64,
        },
        /// The answer to a `list` that the server refused.
        ListingFailed {
            /// The path as the page sent it.
            path: String,
            /// What happened.
            problem: Problem,
        },
        /// The answer to a `list` of a directory that files can be uploaded to, although the server does
        /// not list it.
        ListingHidden {
            /// The directory's absolute path.
            path: String,
            /// Why its entries are not shown.
            problem: Problem,
        },
        /// The answer to a `make_directory`: the directory exists.
        DirectoryMade {
            /// The path as the page sent it.
            path: String,
        },
        /// The answer to a `make_directory` that the server refused.
        MakeDirectoryFailed {
            /// The path as the page sent it.
            path: String,
            /// What happened.
            problem: Problem,
        },
        /// The answer to a `remove`: the file is removed.
        Removed {
            /// The path as the page sent it.
            path: String,
        },
        /// The answer to a `remove` that the portal or the server refused.
        RemoveFailed {
            /// The path as the page sent it.
            path: String,
            /// What happened.
            problem: Problem,
        },
        /// The answer to a `rename`: the file or directory has the new name.
        Renamed {
            /// The path as the page sent it.
            from: String,
            /// The path as the page sent it.
            to: String,
        },
        /// The answer to a `rename` that the portal or the server refused.
        NotRenamed {
            /// The path as the page sent it.
            from: String,
            /// The path as the page sent it.
            to: String,
            /// What happened.
            problem: Problem,
        },
        /// The answer to a `delete`: the file or directory is deleted.
        Deleted {
            /// The path as the page sent it.
            path: String,
            /// What was deleted, including the directory itself.
            deleted: DeletedCounts,
        },
        /// The answer to a `delete` that the portal or the server refused.
        NotDeleted {
            /// The path as the page sent it.
            path: String,
            /// What happened.
            problem: Problem,
            /// Whether it is a directory that is not empty: a `recursive` delete would delete it.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            not_empty: bool,
            /// What was deleted before the delete stopped.
            deleted: DeletedCounts,
            /// What was found and is left, including the directory itself. Absent when the directory
            /// was not listed, or not completely.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            left: Option<DeletedCounts>,
        },
        /// Grants credit: the page may send the upload's bytes before `limit`.
        ///
        /// All numbers are offsets in the file, not differences, so that a message can be lost with its
        /// socket. Within an attempt they never decrease. A message with a greater `attempt` starts
        /// over: the page sends again from `received` on, under that attempt.
        Credit {
            /// The upload.
            upload: UploadId,
            /// The attempt that the chunks have to name.
            attempt: Attempt,
            /// The number of bytes that the FTPS data connection has taken.
            taken: u64,
            /// The number of bytes that have arrived at the portal.
            received: u64,
            /// The offset up to which the page may send.
            limit: u64,
        },
        /// The upload has started on the FTPS side.
        Opened {
            /// The upload.
            upload: UploadId,
            /// The path of the part file.
            temporary_path: String,
            /// The offset of the first byte that is sent to the server; the portal's digest starts there.
            offset: u64,
        },
        /// The server has all bytes. The portal waits for its reply and verifies the file.
        Verifying {
            /// The upload.
            upload: UploadId,
        },
        /// The file is stored and was verified. The server confirmed the transfer with 2yz or, where
        /// that reply was lost, reports the size of the whole file.
        Done {
            /// The upload.
            upload: UploadId,
            /// The absolute path on the server.
            path: String,
            /// How the file was verified.
            verified: Verified,
            /// The digest of the whole file, where the portal knows it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            digest: Option<FileDigest>,
            /// Whether the page's digest was compared with that of the relayed bytes, and is equal.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            page_agrees: bool,
        },
        /// A file with this path exists or may exist, and the offer does not replace it. Offer the file
        /// again to continue.
        Conflict {
            /// The upload, which has ended.
            upload: UploadId,
            /// The file that exists.
            existing: Existing,
            /// The part file, complete or not, that another offer can resume. Present when the
            /// existing file appeared during the upload.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            resume: Option<String>,
        },
        /// The upload was cancelled, as the page asked.
        Cancelled {
            /// The upload.
            upload: UploadId,
        },
        /// The upload was paused: the page asked, or the connection to the server ended. Offer the file
        /// again, under another id, to continue.
        Paused {
            /// The upload.
            upload: UploadId,
            /// The part file that another offer can resume.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            resume: Option<String>,
        },
        /// The upload failed. Offer the file again, under another id, to retry.
        Failed {
            /// The upload.
            upload: UploadId,
            /// What happened and what to do.
            problem: Problem,
            /// The part file that another offer can resume.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            resume: Option<String>,
        },
        /// Another upload writes to the same file. This one starts when that one has ended.
        Waiting {
            /// The upload.
            upload: UploadId,
        },
        /// The connection to the server broke during the upload, and the portal retries by itself. A
        /// credit with another attempt follows, from the last byte that the server has.
        Interrupted {
            /// The upload.
            upload: UploadId,
            /// What happened.
            problem: Problem,
            /// The pause before the retry in milliseconds.
            retry_millis: u64,
        },
        /// The page broke the protocol, or the portal ends the session. The socket closes next.
        Goodbye {
            /// Why.
            problem: Problem,
        },
    }
}

/// The limits for the page; each is a setting of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct Limits {
    /// The most payload bytes of one binary frame.
    pub max_chunk_bytes: u32,
    /// The fewest payload bytes of a binary frame that does not end its file.
    pub min_chunk_bytes: u32,
    /// The most uploads that may be offered and not yet ended.
    pub max_open_uploads: u32,
    /// The interval between two pings of the page in milliseconds.
    pub ping_interval_millis: u32,
    /// The most lines of the session log that the portal keeps for the page; older ones are dropped.
    pub max_log_lines: u32,
}

/// A connection that is ready for uploads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct Connected {
    /// As the page asked.
    pub host: String,
    /// As the page asked.
    pub port: u16,
    /// As the page asked.
    pub encryption: Encryption,
    /// As the page asked.
    pub username: String,
    /// The address that the portal connected to.
    pub address: String,
    /// The TLS facts of the control connection.
    pub tls: Tls,
    /// The certificate that the server presented.
    pub certificate: Certificate,
    /// The directory that the login opened.
    pub directory: String,
    /// The algorithm of the page's digests.
    pub digest: Algorithm,
}

/// The TLS facts of a data connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct DataTls {
    /// The facts.
    pub tls: Tls,
    /// The number of the FTPS session: [`LogLine::connection`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u32>,
}

/// A digest algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// BLAKE3, 32 bytes.
    Blake3,
    /// CRC-32 of ISO 3309, as in Ethernet and ZIP; 8 digits, leading zeros included.
    Crc32,
    /// SHA-256 of FIPS 180-4.
    Sha256,
}

/// A digest of a whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct FileDigest {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The digest in lower-case hexadecimal digits.
    pub hex: String,
}

/// What a TLS handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct Tls {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: String,
    /// The cipher suite's name in IANA's registry.
    pub cipher_suite: String,
    /// Whether an earlier session was resumed (RFC 8446 §2.2, RFC 5246 §7.3).
    pub resumed: bool,
}

/// A server's certificate, as text for the user.
///
/// All fields but the fingerprint are claims of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct Certificate {
    /// The subject's distinguished name.
    pub subject: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// The host names and addresses that it is valid for.
    pub names: Vec<String>,
    /// The start of its validity, RFC 3339, UTC.
    pub not_before: String,
    /// The end of its validity, RFC 3339, UTC.
    pub not_after: String,
    /// The SHA-256 of its DER form, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The reasons why it is not trusted, one sentence each. Empty when it is trusted.
    pub doubts: Vec<String>,
}

/// One line of the session log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct LogLine {
    /// The sequence number in the session, from 0. A gap means that the portal dropped lines
    /// because the page was too slow.
    pub seq: u64,
    /// The time, in milliseconds since 1970-01-01T00:00:00Z.
    pub at_millis: u64,
    /// The number of the FTPS session that the line belongs to, from 1. Absent where it belongs to
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u32>,
    /// The kind of line.
    pub kind: LogKind,
    /// The explanation: an index of the list at [`crate::EXPLANATIONS_PATH`]. Absent where the line
    /// needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<u16>,
    /// The text: a command or a reply verbatim, or a sentence of the portal. It may contain anything
    /// that a server can send, so it must be shown as plain text.
    pub text: String,
}

/// The kind of a line of the session log, in the terms of FileZilla's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogKind {
    /// What the portal does and observes.
    Status,
    /// A command to the server.
    Command,
    /// A reply of the server.
    Response,
    /// An error.
    Error,
}

/// The file that an upload would replace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct Existing {
    /// The size in bytes, where the server reports one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The modification time, in milliseconds since 1970-01-01T00:00:00Z, where the server reports
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_millis: Option<i64>,
    /// Its digest by the algorithm of the page's digests ([`Connected::digest`]), where its size is that
    /// of the offered file, and the server computes one in a short time: the page can see whether they
    /// are the same file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<FileDigest>,
}

/// How the portal verified a stored file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// The server's digest of the file equals that of the sent bytes.
    Digest,
    /// The server's `SIZE` equals the file's (RFC 3659 §4).
    Size,
    /// The server does not support or permit `SIZE`: its 2yz reply is all there is.
    ReplyOnly,
}

crate::objects!(Limits, Connected, DataTls, FileDigest, Tls, Certificate, LogLine, Existing);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_documented_json() {
        let message = ServerMessage::Credit {
            upload: UploadId(7),
            attempt: Attempt(1),
            taken: 10,
            received: 15,
            limit: 20,
        };
        assert_eq!(
            serde_json::to_string(&message).unwrap(),
            r#"{"type":"credit","upload":7,"attempt":1,"taken":10,"received":15,"limit":20}"#
        );
    }

    #[test]
    fn unknown_type_is_an_error() {
        assert!(serde_json::from_str::<ServerMessage>(r#"{"type":"nonsense"}"#).is_err());
    }
}
