//! The links of drops: `https://up.example.com/d/ID#SECRET`. What stands behind `#` is in no access log, in no
//! `Referer`, and no scanner of mails sends it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::settings::PublicUrl;

/// The length of an id in bytes: enough to tell drops apart. It may be logged.
const ID_BYTES: usize = 9;

/// The length of a secret in bytes: enough that it cannot be guessed.
const SECRET_BYTES: usize = 32;

/// Returns a new id, of a drop, an arrival or a file.
///
/// # Errors
/// When the system has no random numbers.
pub fn new_id() -> Result<String, getrandom::Error> {
    random_text::<ID_BYTES>()
}

/// Returns a new secret, of a link or an arrival.
///
/// # Errors
/// When the system has no random numbers.
pub fn new_secret() -> Result<String, getrandom::Error> {
    random_text::<SECRET_BYTES>()
}

/// Returns the digest of a secret. Digests are compared, so that the duration reveals nothing about the
/// secret.
#[must_use]
pub fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

/// Returns the link of a drop.
#[must_use]
pub fn link(public_url: &PublicUrl, id: &str, secret: &str) -> String {
    format!("{}d/{id}#{secret}", public_url.page())
}

fn random_text<const BYTES: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
