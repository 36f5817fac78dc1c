//! The texts about a stored file's digest.

use protocol::server::{Algorithm, FileDigest, Verified};

use super::Stored;
use crate::join::concat;
use crate::{format, texts::Text};

/// Hexadecimal digits of a short digest: enough to tell two files apart.
const SHORT_DIGITS: usize = 8;

/// The name of a digest algorithm.
#[must_use]
pub fn algorithm(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Blake3 => "BLAKE3",
        Algorithm::Crc32 => "CRC-32",
        Algorithm::Sha256 => "SHA-256",
    }
}

/// A digest in short: `BLAKE3 1f3a9c0d…`.
#[must_use]
pub fn short(digest: &FileDigest) -> String {
    let shown: String = digest.hex.chars().take(SHORT_DIGITS).collect();
    let rest = if shown.len() < digest.hex.len() { "…" } else { "" };
    concat(&[algorithm(digest.algorithm), " ", &*format::visible(&shown), rest])
}

/// Says which parties computed the digest and found it equal.
#[must_use]
pub fn confirmed_by(stored: &Stored) -> &'static str {
    let word = match (stored.page_agrees, stored.verified) {
        (true, Verified::Digest) => Text::DigestEverywhere,
        (true, Verified::Size | Verified::ReplyOnly) => Text::DigestBrowserAndPortal,
        (false, Verified::Digest) => Text::DigestPortalAndServer,
        (false, Verified::Size | Verified::ReplyOnly) => Text::DigestPortal,
    };
    word.text()
}
