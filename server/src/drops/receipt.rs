//! Receipts: what an arrival has delivered, signed as a JWS (RFC 7515) by Ed25519 (RFC 8037).

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use protocol::guest::{Receipt, ReceiptFile};
use serde::Serialize;

use crate::keyring::{Keyring, Purpose};

/// The files of one receipt. An arrival with more has several.
pub const MAX_FILES: usize = 500;

/// The header of a signature.
#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    kid: &'a str,
    typ: &'static str,
}

/// What is signed.
#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    jti: &'a str,
    title: &'a str,
    finished_millis: i64,
    files: &'a [ReceiptFile],
}

/// The public keys of a portal's receipts, as a JWK Set (RFC 7517 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiptKeys {
    keys: Vec<ReceiptKey>,
}

/// A public key (RFC 8037 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ReceiptKey {
    kty: &'static str,
    crv: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: String,
    x: String,
}

/// A receipt cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receipt cannot be signed")]
pub struct NotSigned;

/// Signs a receipt.
///
/// # Errors
/// [`NotSigned`].
pub fn sign(keyring: &Keyring, receipt: Receipt) -> Result<Receipt, NotSigned> {
    let header = Header { alg: "EdDSA", kid: keyring.sealing_id(), typ: "ferryport-receipt+jws" };
    let payload = Payload {
        iss: &receipt.portal,
        jti: &receipt.number,
        title: &receipt.title,
        finished_millis: receipt.finished_millis,
        files: &receipt.files,
    };
    let signed = format!("{}.{}", encoded(&header)?, encoded(&payload)?);
    let key = key_pair(&*keyring.sub_key(Purpose::Receipt))?;
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    Ok(Receipt { signed: format!("{signed}.{signature}"), ..receipt })
}

/// Returns the public keys that check receipts: those of all keys of the keyring, so that the receipts of an
/// earlier one are checked too.
#[must_use]
pub fn public_keys(keyring: &Keyring) -> ReceiptKeys {
    let keys = keyring.sub_keys(Purpose::Receipt).filter_map(|(id, seed)| {
        let pair = key_pair(&*seed).ok()?;
        Some(ReceiptKey {
            kty: "OKP",
            crv: "Ed25519",
            usage: "sig",
            alg: "EdDSA",
            kid: id.to_owned(),
            x: URL_SAFE_NO_PAD.encode(pair.public_key()),
        })
    });
    ReceiptKeys { keys: keys.collect() }
}

fn key_pair(seed: &[u8]) -> Result<Ed25519KeyPair, NotSigned> {
    Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NotSigned)
}

fn encoded<T: Serialize>(part: &T) -> Result<String, NotSigned> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).map_err(|_| NotSigned)?))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use protocol::server::Verified;

    use super::*;
    use crate::keyring::new_line;

    fn receipt() -> Receipt {
        let file = ReceiptFile {
            path: "a/ü.pdf".to_owned(),
            bytes: 5,
            sha256: Some("ab".repeat(32)),
            stored_millis: 1,
            verified: Verified::Size,
        };
        Receipt {
            number: "n".to_owned(),
            portal: "https://up.example.com/".to_owned(),
            title: "t".to_owned(),
            finished_millis: 2,
            files: vec![file],
            signed: String::new(),
        }
    }

    /// Checks a signature with the published key of its `kid`.
    fn checks(keys: &ReceiptKeys, signed: &str) -> bool {
        let (signed, signature) = signed.rsplit_once('.').unwrap();
        let header = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().0).unwrap();
        let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
        let Some(key) = keys.keys.iter().find(|key| header["kid"] == key.kid) else { return false };
        let key = UnparsedPublicKey::new(&ED25519, URL_SAFE_NO_PAD.decode(&key.x).unwrap());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        key.verify(signed.as_bytes(), &signature).is_ok()
    }

    #[test]
    fn a_receipt_is_checked_with_the_published_keys_also_after_a_new_key() {
        let old = new_line("old").unwrap();
        let keyring = Keyring::parse(&old).unwrap();
        let signed = sign(&keyring, receipt()).unwrap().signed;
        assert!(checks(&public_keys(&keyring), &signed));
        let both = format!("{}\n{}", *new_line("new").unwrap(), *old);
        assert!(checks(&public_keys(&Keyring::parse(&both).unwrap()), &signed));
        let other = Keyring::parse(&new_line("old").unwrap()).unwrap();
        assert!(!checks(&public_keys(&other), &signed));
    }

    #[test]
    fn one_changed_byte_of_a_receipt_is_refused() {
        let keyring = Keyring::parse(&new_line("k").unwrap()).unwrap();
        let keys = public_keys(&keyring);
        let signed = sign(&keyring, receipt()).unwrap().signed;
        let header = signed.find('.').unwrap() + 1;
        for position in (header..signed.len()).filter(|at| signed.as_bytes()[*at] != b'.') {
            let mut changed = signed.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last sign of a base64 text may have bits that stand for nothing.
            assert!(!checks(&keys, &changed) || position + 1 == signed.len(), "{position}");
        }
    }
}
