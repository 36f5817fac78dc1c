//! Digests of files, for the page's worker: bytes go in, hexadecimal digits come out.
//!
//! A module of its own beside the page's program, because the page's thread has other things to do
//! and the worker needs nothing else of the program. `web/static/digest.js` reads the files and
//! calls this; `web/bundle` builds it.

use std::sync::OnceLock;

use crc::{CRC_32_ISO_HDLC, Crc, Table};
use sha2::Digest as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// A digest in the making.
#[wasm_bindgen]
pub struct Digest(Maker);

/// One of the ways that `protocol::server::Algorithm` names.
enum Maker {
    /// The state is 2 KiB; the others are small.
    Blake3(Box<blake3::Hasher>),
    Crc32(crc::Digest<'static, u32, Table<16>>),
    Sha256(sha2::Sha256),
}

/// CRC-32 of ISO 3309. Its table, 16 KiB, is made when it is wanted: in the module it would be half
/// of what a browser has to load.
fn crc32() -> &'static Crc<u32, Table<16>> {
    static METHOD: OnceLock<Crc<u32, Table<16>>> = OnceLock::new();
    METHOD.get_or_init(|| Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC))
}

#[wasm_bindgen]
impl Digest {
    /// Begins a digest. `algorithm` is the name of a `protocol::server::Algorithm` on the wire:
    /// `blake3`, `crc32` or `sha256`; nothing for any other.
    #[must_use]
    pub fn begin(algorithm: &str) -> Option<Self> {
        Some(Self(match algorithm {
            "blake3" => Maker::Blake3(Box::default()),
            "crc32" => Maker::Crc32(crc32().digest()),
            "sha256" => Maker::Sha256(sha2::Sha256::new()),
            _ => return None,
        }))
    }

    /// Takes in the bytes that follow.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Maker::Blake3(hasher) => {
                hasher.update(bytes);
            }
            Maker::Crc32(hasher) => hasher.update(bytes),
            Maker::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// The digest in lower-case hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> String {
        match self.0 {
            Maker::Blake3(hasher) => hex(hasher.finalize().as_bytes()),
            Maker::Crc32(hasher) => hex(&hasher.finalize().to_be_bytes()),
            Maker::Sha256(hasher) => hex(&hasher.finalize()),
        }
    }
}

/// Without `format!`, whose machinery is larger than all of the rest.
fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(algorithm: &str, pieces: &[&[u8]]) -> String {
        let mut digest = Digest::begin(algorithm).unwrap();
        for piece in pieces {
            digest.update(piece);
        }
        digest.finish()
    }

    #[test]
    fn digests_are_those_of_the_published_vectors() {
        // FIPS 180-4's example, the check value of CRC-32, and BLAKE3's vector for no bytes.
        assert_eq!(
            of("sha256", &[b"abc"]),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(of("crc32", &[b"123456789"]), "cbf43926");
        assert_eq!(
            of("blake3", &[]),
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
    }

    #[test]
    fn digits_keep_their_leading_zeros() {
        assert_eq!(of("crc32", &[]), "00000000");
    }

    #[test]
    fn pieces_make_the_digest_of_the_whole() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0] ^ 7).collect();
        for algorithm in ["blake3", "crc32", "sha256"] {
            let (first, rest) = bytes.split_at(4097);
            assert_eq!(of(algorithm, &[first, &[], rest]), of(algorithm, &[&bytes]));
        }
    }

    #[test]
    fn unknown_algorithm_has_no_digest() {
        assert!(Digest::begin("md5").is_none());
    }
}
