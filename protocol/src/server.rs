//! What the portal says to the page.

use serde::{Deserialize, Serialize};

use crate::{
    chunk::{Attempt, UploadId},
    client::{Encryption, Secret},
    problem::Problem,
    tagged::messages,
};

/// The JSON body of the answer to `POST session`: a session that waits for its socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct NewSession {
    /// The session's name: it may be logged.
    pub session: String,
    /// What proves that a socket belongs to the session: it may not.
    pub secret: Secret,
}

messages! {
    /// A text frame from the portal.
    pub enum ServerMessage = "ServerMessage" {
        /// The answer to a good `hello`.
        Welcome {
            /// The version that both sides speak from here on.
            version: u32,
            /// The portal's own version, for a bug report.
            portal: String,
            /// What the page has to keep to.
            limits: Limits,
            /// How many messages of the page the portal has taken in since the session's begin: the
            /// page says those that follow again. See [`crate::delivery`].
            heard: u64,
            /// To a page that holds nothing of its session any more
            /// ([`crate::ClientMessage::Hello`] without `resume`): the connection that the session
            /// still has. Its uploads have ended, and what the server holds of them is kept.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            connected: Option<Box<Connected>>,
            /// The least id that the page's next upload may have: a page that was loaded again does
            /// not know which ones were used.
            next_upload: UploadId,
        },
        /// The answer to a `hello` of another version: the page has to be loaded again.
        Unsupported {
            /// The version that the portal speaks.
            version: u32,
        },
        /// The answer to [`crate::ClientMessage::Ping`].
        Pong,
        /// How many messages of the page the portal has taken in; see [`crate::delivery`].
        #[serde(rename = "heard")]
        Ack {
            /// Counted from the session's begin.
            messages: u64,
        },
        /// The session goes on over another socket; this one closes next.
        TakenOver,
        /// How far the connection has come; for the page to show while it waits.
        Connecting {
            /// The stage that has just begun.
            stage: crate::Stage,
        },
        /// The server's certificate is not vouched for. Nothing secret was sent; the connection is
        /// closed. To go on, connect again with its fingerprint as `trusted_certificate`.
        CertificateNotTrusted {
            /// What the server showed.
            certificate: Certificate,
        },
        /// Logged in; uploads and listings are welcome.
        Connected(Connected),
        /// How a data connection is encrypted: at the first one, and when it differs from what was
        /// said last. It shows the same certificate as the control connection
        /// ([`Connected::certificate`]), or it is not used.
        ///
        /// Not counted: the last one is said again on every socket.
        DataTls(DataTls),
        /// There is no connection any more. Uploads under way have been answered one by one before.
        Disconnected {
            /// Why, unless the page asked for it.
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
        /// The answer to a `make_directory`: it is there.
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
        /// The answer to a `remove`: it is not there any more.
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
        /// The answer to a `rename`: it has the new name.
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
        /// The answer to a `delete`: it is not there any more.
        Deleted {
            /// The path as the page sent it.
            path: String,
            /// What was deleted, itself included.
            deleted: Tally,
        },
        /// The answer to a `delete` that the portal or the server refused.
        NotDeleted {
            /// The path as the page sent it.
            path: String,
            /// What happened.
            problem: Problem,
            /// Whether it is a directory that holds something: a `delete` that is `recursive`
            /// would delete that too.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            not_empty: bool,
            /// What was deleted before it stopped.
            deleted: Tally,
            /// What was found and is left, itself included; absent where it was not looked for, or
            /// not all of it was found.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            left: Option<Tally>,
        },
        /// The page may send the upload's bytes up to `limit`; the server has taken `taken`.
        ///
        /// All are offsets into the file, not differences, so that a message that overtakes nothing
        /// and repeats nothing can be lost with its socket. Within an attempt they never go back. A
        /// message with a greater `attempt` starts over at `received`: the page sends again from
        /// there, under that attempt.
        Credit {
            /// The upload.
            upload: UploadId,
            /// The attempt that the chunks have to name.
            attempt: Attempt,
            /// Bytes that the FTPS data connection has taken.
            taken: u64,
            /// Bytes that the portal holds or has passed on.
            received: u64,
            /// The offset up to which the page may send.
            limit: u64,
        },
        /// The upload is under way on the FTPS side.
        Opened {
            /// The upload.
            upload: UploadId,
            /// The path that the bytes go to until they are complete.
            temporary_path: String,
            /// The first byte that is sent to the server, and the first of the portal's digest.
            offset: u64,
        },
        /// All bytes are with the server; the portal waits for its reply and checks what is stored.
        Verifying {
            /// The upload.
            upload: UploadId,
        },
        /// The server stored the file: it answered the transfer with 2yz and what was checked
        /// equals.
        Done {
            /// The upload.
            upload: UploadId,
            /// The absolute path on the server.
            path: String,
            /// How it was checked.
            verified: Verified,
            /// The digest of the whole file, where the portal knows it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            digest: Option<FileDigest>,
            /// Whether the page's digest was compared, and equals that of what the portal relayed.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            page_agrees: bool,
        },
        /// The path is taken and the offer said to ask. Offer the file again to go on.
        Conflict {
            /// The upload, which has ended.
            upload: UploadId,
            /// What is there.
            existing: Existing,
            /// Where the new file is, or a part of it, that another offer can go on with: the path
            /// was taken while the upload was under way.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            resume: Option<String>,
        },
        /// The upload was cancelled, as the page asked.
        Cancelled {
            /// The upload.
            upload: UploadId,
        },
        /// The upload has ended for now, as the page asked. Offer the file again, under another id,
        /// to go on.
        Paused {
            /// The upload.
            upload: UploadId,
            /// Where a part of the file is that another offer can go on with.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            resume: Option<String>,
        },
        /// The upload failed. Offer the file again, under another id, to try once more.
        Failed {
            /// The upload.
            upload: UploadId,
            /// What happened and what to do.
            problem: Problem,
            /// Where a part of the file is that another offer can go on with.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            resume: Option<String>,
        },
        /// The connection to the server broke under the upload, and the portal tries again by
        /// itself. A credit with another attempt follows, from where the server has the bytes.
        Interrupted {
            /// The upload.
            upload: UploadId,
            /// What happened.
            problem: Problem,
            /// After so many milliseconds.
            retry_millis: u64,
        },
        /// The page broke the protocol, or the portal ends the session; the socket closes next.
        Goodbye {
            /// Why.
            problem: Problem,
        },
    }
}

/// What the page has to keep to; each is a setting of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Limits {
    /// The most payload bytes of one binary frame.
    pub max_chunk_bytes: u32,
    /// The fewest payload bytes of a binary frame that does not end its file.
    pub min_chunk_bytes: u32,
    /// The most uploads that may be offered and not yet ended.
    pub max_open_uploads: u32,
    /// The pause between two pings of the page.
    pub ping_interval_millis: u32,
    /// The most lines that the portal keeps for the page; older ones give way.
    pub max_log_lines: u32,
}

/// Facts about a connection that is ready for uploads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The address that was dialled.
    pub address: String,
    /// The control connection's TLS.
    pub tls: Tls,
    /// The certificate that the server showed.
    pub certificate: Certificate,
    /// The directory that the login opened.
    pub directory: String,
    /// How the page makes the digests of files.
    pub digest: Algorithm,
}

/// How a data connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DataTls {
    /// What its handshake agreed on.
    pub tls: Tls,
    /// Which FTPS session of the page's session it belongs to, as [`LogLine::connection`] counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u32>,
}

/// How a digest is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[serde(remote = "Self")]
pub struct FileDigest {
    /// How it was made.
    pub algorithm: Algorithm,
    /// In lower-case hexadecimal digits.
    pub hex: String,
}

/// What TLS agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Tls {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: String,
    /// The cipher suite's name in IANA's registry.
    pub cipher_suite: String,
    /// Whether an earlier session was resumed (RFC 8446 §2.2, RFC 5246 §7.3).
    pub resumed: bool,
}

/// A server's certificate, as text that a person compares.
///
/// All of it but the fingerprint is the server's claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Certificate {
    /// The subject's distinguished name.
    pub subject: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// The host names and addresses that it is for.
    pub names: Vec<String>,
    /// Start of its validity, RFC 3339, UTC.
    pub not_before: String,
    /// End of its validity, RFC 3339, UTC.
    pub not_after: String,
    /// SHA-256 of its DER form, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Why it was not trusted, one sentence each; empty when it was.
    pub doubts: Vec<String>,
}

/// One line of the session log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LogLine {
    /// Counts the session's lines from 0. A gap means lines that the portal dropped because the
    /// page took too long to fetch them.
    pub seq: u64,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub at_millis: u64,
    /// Which FTPS session of the page's session it belongs to, counted from 1; absent where it
    /// belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u32>,
    /// Who speaks.
    pub kind: LogKind,
    /// What it means: a place in the list of [`crate::EXPLANATIONS_PATH`], from 0. Absent where it
    /// speaks for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<u16>,
    /// The text: a command or a reply verbatim, or a sentence of the portal. It may hold anything
    /// that a server can send: show it as text.
    pub text: String,
}

/// Who speaks in a line of the session log, in the words of FileZilla's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogKind {
    /// The portal says what it does and what it saw.
    Status,
    /// What was sent to the server.
    Command,
    /// What the server answered.
    Response,
    /// What went wrong.
    Error,
}

/// A file or a directory on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Entry {
    /// Its name in its directory.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes, where the server says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its modification, in milliseconds since 1970-01-01T00:00:00Z, where the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_millis: Option<i64>,
    /// Where the name is a temporary one: the name that the complete file was to have. Of a long
    /// name it is the start only. The upload may be under way still, here or elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leftover_of: Option<String>,
}

/// What a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A link, a device, or what the server calls otherwise.
    Other,
}

/// Files and directories, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Tally {
    /// Files, and everything else that is no directory.
    pub files: u64,
    /// Directories.
    pub directories: u64,
}

/// The file that an upload would replace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Existing {
    /// Its size in bytes, where the server says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its modification, in milliseconds since 1970-01-01T00:00:00Z, where the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_millis: Option<i64>,
}

/// How the portal made sure that the file is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// The server's digest of the file equals that of what was sent.
    Digest,
    /// The server's `SIZE` equals the file's (RFC 3659 §4).
    Size,
    /// The server has no `SIZE`, or forbids it: only its 2yz reply says so.
    ReplyOnly,
}

crate::objects!(
    NewSession,
    Limits,
    Connected,
    DataTls,
    FileDigest,
    Tls,
    Certificate,
    LogLine,
    Entry,
    Tally,
    Existing
);

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
