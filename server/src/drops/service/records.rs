//! What is sealed of arrivals and files.

use protocol::server::Verified;
use serde::{Deserialize, Serialize};
use store::ArrivalRow;

use crate::sealed_store::{SealedStore, SealedStoreError, SecretKind};

/// What is sealed of an arrival.
#[derive(Debug, Serialize, Deserialize)]
pub struct Guest {
    /// What the guest answered, by key.
    pub fields: Vec<(String, String)>,
    /// The segments of the folder.
    pub folder: Vec<String>,
}

/// What is sealed of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The path as the guest sent it.
    pub name: String,
    /// The path below the folder of the arrival, without a number.
    pub path: String,
    /// The part file, where the upload goes on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary: Option<String>,
}

/// Opens what is sealed of an arrival; `None` once it was forgotten.
///
/// # Errors
/// When it does not open.
pub fn guest_of(store: &SealedStore, row: &ArrivalRow) -> Result<Option<Guest>, SealedStoreError> {
    let Some(sealed) = &row.guest else { return Ok(None) };
    let opened = store.unseal(SecretKind::DropArrival, &row.id, sealed)?;
    Ok(serde_json::from_slice(&opened).ok())
}

/// Opens what is sealed of a file.
///
/// # Errors
/// When it does not open.
pub fn record_of(
    store: &SealedStore,
    file: &str,
    sealed: &store::Sealed,
) -> Result<Option<FileRecord>, SealedStoreError> {
    let opened = store.unseal(SecretKind::DropFile, file, sealed)?;
    Ok(serde_json::from_slice(&opened).ok())
}

/// Encodes what is sealed. Texts are JSON, so this does not fail.
pub(in crate::drops) fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Returns the text by which the store keeps how a file was verified.
pub(in crate::drops) fn text_of(verified: Verified) -> &'static str {
    match verified {
        Verified::Digest => "digest",
        Verified::Size => "size",
        Verified::ReplyOnly => "reply_only",
    }
}

pub(super) fn verified_of(text: &str) -> Verified {
    match text {
        "digest" => Verified::Digest,
        "size" => Verified::Size,
        _ => Verified::ReplyOnly,
    }
}
