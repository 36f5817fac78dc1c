//! The messages between a guest of a drop and the portal. They have no verb that lists, renames or deletes, and
//! no member for a host, a path on the server or the server's words: what is not here cannot be said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    chunk::{Attempt, UploadId},
    secret::Secret,
    server::{Limits, Verified},
    session::SessionCredentials,
    tagged::messages,
};

messages! {
    /// A message from a guest, after the `hello` with [`crate::client::Join::Drop`].
    pub enum GuestMessage = "GuestMessage" {
        /// Begins an arrival, or goes on with an earlier one. Answered by [`ToGuest::Arrival`] or
        /// [`ToGuest::ArrivalRefused`]. It has to come before the first offer.
        Begin {
            /// The answers to the questions of the drop, by key.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            fields: BTreeMap<String, String>,
            /// The id of an earlier arrival.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            arrival: Option<String>,
            /// The key of that arrival.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            key: Option<Secret>,
        },
        /// Offers one file. Its size is claimed from the limits of the drop before the first byte is
        /// requested with [`ToGuest::Credit`].
        Offer(GuestOffer),
        /// Cancels an upload. Answered by [`ToGuest::Cancelled`], unless the upload ended before.
        Cancel {
            /// The upload.
            upload: UploadId,
        },
        /// Pauses an upload. Answered by [`ToGuest::Paused`], unless the upload ended before.
        Pause {
            /// The upload.
            upload: UploadId,
        },
        /// The SHA-256 of the bytes of an upload's file, for [`GuestOffer::digest`].
        Digest {
            /// The upload.
            upload: UploadId,
            /// The offset of the first byte that the digest covers. It extends to the end of the file.
            from: u64,
            /// The digest in lower-case hexadecimal digits. Absent when the client cannot compute it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            hex: Option<String>,
        },
        /// Finishes the arrival, once its open uploads have ended. Answered by [`ToGuest::Receipt`].
        Finish,
        /// Acknowledges messages of the portal; see [`crate::delivery`].
        Ack {
            /// The number of counted messages that have arrived since the session began.
            messages: u64,
        },
        /// Sent every [`crate::server::Limits::ping_interval_millis`]. Answered by [`ToGuest::Pong`].
        Ping,
    }
}

/// A file that a guest offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct GuestOffer {
    /// The upload's id. The client chooses it, greater than all earlier ones of the session.
    pub upload: UploadId,
    /// The file's path with its folders, with `/` between its parts. It is kept below the folder of the
    /// arrival. A file that has the name already is never replaced: this one gets a number.
    pub path: String,
    /// The file's size in bytes.
    pub size: u64,
    /// The file's modification time, in milliseconds since 1970-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_millis: Option<i64>,
    /// Whether the client will send [`GuestMessage::Digest`]. The file gets its name only when that
    /// equals the digest of the relayed bytes. For an upload that goes on, the client sends two digests:
    /// from the offset of [`ToGuest::Opened`], and from 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub digest: bool,
}

messages! {
    /// A message from the portal to a guest.
    pub enum ToGuest = "ToGuest" {
        /// The answer to an accepted `hello`.
        Welcome {
            /// The version of the protocol.
            version: u32,
            /// The portal's own version, for a bug report.
            portal: String,
            /// The new session. Absent when the client joined one that exists.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            session: Option<SessionCredentials>,
            /// The limits for the client.
            limits: Limits,
            /// The number of counted messages of the client that have arrived since the session began;
            /// the client sends the following ones again. See [`crate::delivery`].
            received: u64,
            /// The least id that the client's next upload may have.
            next_upload: UploadId,
            /// What the guest may know of the drop. `drop` in JSON.
            #[serde(rename = "drop")]
            facts: DropFacts,
        },
        /// The answer to [`GuestMessage::Ping`].
        Pong,
        /// Acknowledges messages of the client; see [`crate::delivery`].
        Ack {
            /// The number of counted messages that have arrived since the session began.
            messages: u64,
        },
        /// The session continues on another socket; this one closes next.
        TakenOver,
        /// The answer to a `begin`: the arrival has begun, or goes on.
        Arrival {
            /// The id of the arrival, which is the number of its receipt.
            id: String,
            /// The key with which the guest goes on with the arrival later.
            key: Secret,
        },
        /// The answer to a `begin` that is refused.
        ArrivalRefused {
            /// The key of the question whose answer is missing or cannot be used.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            field: Option<String>,
            /// Why.
            problem: GuestProblem,
        },
        /// Grants credit, as [`crate::ServerMessage::Credit`] does.
        Credit {
            /// The upload.
            upload: UploadId,
            /// The attempt that the chunks have to name.
            attempt: Attempt,
            /// The number of bytes that the FTPS data connection has taken.
            taken: u64,
            /// The number of bytes that have arrived at the portal.
            received: u64,
            /// The offset up to which the client may send.
            limit: u64,
        },
        /// The upload has started.
        Opened {
            /// The upload.
            upload: UploadId,
            /// The offset of the first byte that is sent to the server; the digest of the relayed bytes
            /// starts there.
            offset: u64,
        },
        /// All bytes were sent. The portal verifies the file.
        Verifying {
            /// The upload.
            upload: UploadId,
        },
        /// The file is stored and was verified.
        Done {
            /// The upload.
            upload: UploadId,
            /// How the file was verified.
            verified: Verified,
            /// The SHA-256 of the whole file in lower-case hexadecimal digits, where the portal knows it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            sha256: Option<String>,
        },
        /// The upload was cancelled, as the guest asked.
        Cancelled {
            /// The upload.
            upload: UploadId,
        },
        /// The upload was paused. Offer the file again, under another id, to continue.
        Paused {
            /// The upload.
            upload: UploadId,
        },
        /// The upload failed, or was refused before a byte was sent.
        Failed {
            /// The upload.
            upload: UploadId,
            /// Why.
            problem: GuestProblem,
        },
        /// Another upload writes to the same file. This one starts when that one has ended.
        Waiting {
            /// The upload.
            upload: UploadId,
        },
        /// The connection to the server broke during the upload, and the portal retries by itself.
        Interrupted {
            /// The upload.
            upload: UploadId,
            /// What happened.
            problem: GuestProblem,
            /// The pause before the retry in milliseconds.
            retry_millis: u64,
        },
        /// The answer to a `finish`.
        Receipt(Receipt),
        /// The link opens nothing, or the session ends. The socket closes next.
        Goodbye {
            /// Why.
            problem: GuestProblem,
            /// The title of the drop, where the link is right.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            title: Option<String>,
            /// The time until another attempt may succeed, in seconds.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            wait_seconds: Option<u64>,
        },
    }
}

/// What a guest may know of a drop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct DropFacts {
    /// The title.
    pub title: String,
    /// The note of its maker; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// When it ends, in milliseconds since 1970-01-01T00:00:00Z.
    pub expires_millis: i64,
    /// The files that are left. Absent where there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_left: Option<u64>,
    /// The bytes that are left. Absent where there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_left: Option<u64>,
    /// The most bytes of a file. Absent where there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_file_bytes: Option<u64>,
    /// The permitted endings of names, in small letters without a dot; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// What guests are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ask: Vec<AskedField>,
}

/// A question of a drop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct AskedField {
    /// The name of the answer in `begin`. `name`, `email` and `message` are the guest's own.
    pub key: String,
    /// The question; absent where the key says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Whether an answer is needed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// What happened, in the words of a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct GuestProblem {
    /// Why, for the client's program.
    pub reason: GuestReason,
    /// What happened, and what to do.
    pub message: String,
}

/// Why something is refused or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GuestReason {
    /// The link opens nothing.
    NotValid,
    /// The drop has a password, and this is not it.
    Password,
    /// There were too many attempts.
    TooMany,
    /// The drop has not begun.
    TooEarly,
    /// The drop's time is over.
    Over,
    /// As much has arrived as may arrive.
    Full,
    /// The drop was withdrawn.
    Withdrawn,
    /// An answer is missing or cannot be used, or the arrival is unknown.
    Arrival,
    /// There are as many arrivals as there may be.
    Arrivals,
    /// No arrival has begun.
    NotBegun,
    /// The file is larger than a file may be.
    FileTooLarge,
    /// There are as many files as there may be.
    Files,
    /// The file is larger than what is left.
    Bytes,
    /// The name of the file cannot be used.
    Name,
    /// The ending of the name is not permitted.
    Type,
    /// The content is a program under the name of something else.
    Program,
    /// The content changed during the upload.
    Changed,
    /// The receiver's server cannot be reached, or does not take files.
    Server,
    /// The portal is busy, or is being stopped.
    Portal,
    /// The session has ended.
    Session,
    /// The client broke the protocol.
    Protocol,
}

/// What an arrival has delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct Receipt {
    /// The id of the arrival.
    pub number: String,
    /// The address of the portal.
    pub portal: String,
    /// The title of the drop.
    pub title: String,
    /// When the arrival was finished, in milliseconds since 1970-01-01T00:00:00Z.
    pub finished_millis: i64,
    /// The stored files.
    pub files: Vec<ReceiptFile>,
    /// The same, signed: a JWS in its compact form (RFC 7515) by the portal's Ed25519 key
    /// (`/.well-known/ferryport-receipt.json`).
    pub signed: String,
}

/// A file of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct ReceiptFile {
    /// The path as the guest sent it.
    pub path: String,
    /// The size in bytes.
    pub bytes: u64,
    /// The SHA-256 in lower-case hexadecimal digits, where the portal knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When it was stored, in milliseconds since 1970-01-01T00:00:00Z.
    pub stored_millis: i64,
    /// How it was verified.
    pub verified: Verified,
}

crate::objects!(GuestOffer, DropFacts, AskedField, GuestProblem, Receipt, ReceiptFile);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_may_not_do_cannot_be_decoded() {
        for message in [
            r#"{"type":"list","path":""}"#,
            r#"{"type":"delete","path":"a","kind":"file"}"#,
            r#"{"type":"rename","from":"a","to":"b"}"#,
            r#"{"type":"remove","path":"a"}"#,
            r#"{"type":"make_directory","path":"a"}"#,
            r#"{"type":"connect","host":"h","port":21,"username":"u","password":"p"}"#,
            r#"{"type":"disconnect"}"#,
        ] {
            assert!(serde_json::from_str::<crate::ClientMessage>(message).is_ok(), "{message}");
            assert!(serde_json::from_str::<GuestMessage>(message).is_err(), "{message}");
        }
    }

    #[test]
    fn a_guest_chooses_neither_what_is_replaced_nor_what_is_resumed() {
        let offer = r#"{"type":"offer","upload":1,"path":"a","size":5,"on_conflict":"overwrite","resume":"b"}"#;
        let GuestMessage::Offer(offer) = serde_json::from_str(offer).unwrap() else { panic!() };
        let written = serde_json::to_string(&GuestMessage::Offer(offer)).unwrap();
        assert_eq!(written, r#"{"type":"offer","upload":1,"path":"a","size":5}"#);
    }

    #[test]
    fn messages_have_the_documented_json() {
        let begin = GuestMessage::Begin {
            fields: [("name".to_owned(), "Anna".to_owned())].into(),
            arrival: None,
            key: None,
        };
        let json = r#"{"type":"begin","fields":{"name":"Anna"}}"#;
        assert_eq!(serde_json::to_string(&begin).unwrap(), json);
        assert_eq!(serde_json::from_str::<GuestMessage>(json).unwrap(), begin);
        let key = GuestMessage::Begin {
            fields: BTreeMap::new(),
            arrival: Some("a".to_owned()),
            key: Some(Secret::new("hush".to_owned())),
        };
        assert!(!format!("{key:?}").contains("hush"));
    }
}
