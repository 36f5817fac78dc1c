//! Computes digests of files in the page's worker: bytes in, hexadecimal digits out.
//!
//! This is a wasm module of its own: hashing on the page's main thread would make the page
//! unresponsive, and the worker needs nothing else from the page's program.
//! `web/static/digest.js` reads the files and calls this module; `web/bundle` builds it.

use std::sync::OnceLock;

use crc::{CRC_32_ISO_HDLC, Crc, Table};
use sha2::Digest as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// A running digest.
#[wasm_bindgen]
pub struct Digest(Hasher);

/// The state of one of the algorithms of `protocol::server::Algorithm`.
enum Hasher {
    /// Boxed: its state takes 2 KiB, those of the others are small.
    Blake3(Box<blake3::Hasher>),
    Crc32(crc::Digest<'static, u32, Table<16>>),
    Sha256(sha2::Sha256),
}

/// Returns CRC-32 of ISO 3309. Its table of 16 KiB is computed at the first call: as a constant it
/// would be half of the module that a browser has to load.
fn crc32() -> &'static Crc<u32, Table<16>> {
    static CRC32: OnceLock<Crc<u32, Table<16>>> = OnceLock::new();
    CRC32.get_or_init(|| Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC))
}

#[wasm_bindgen]
impl Digest {
    /// Begins a digest. `algorithm` is the wire name of a `protocol::server::Algorithm`: `blake3`,
    /// `crc32` or `sha256`. Returns `None` for any other.
    #[must_use]
    pub fn begin(algorithm: &str) -> Option<Self> {
        Some(Self(match algorithm {
            "blake3" => Hasher::Blake3(Box::default()),
            "crc32" => Hasher::Crc32(crc32().digest()),
            "sha256" => Hasher::Sha256(sha2::Sha256::new()),
            _ => return None,
        }))
    }

    /// Hashes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Hasher::Blake3(hasher) => {
                hasher.update(bytes);
            }
            Hasher::Crc32(hasher) => hasher.update(bytes),
            Hasher::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// Returns the digest in lower-case hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> String {
        match self.0 {
            Hasher::Blake3(hasher) => hex(hasher.finalize().as_bytes()),
            Hasher::Crc32(hasher) => hex(&hasher.finalize().to_be_bytes()),
            Hasher::Sha256(hasher) => hex(&hasher.finalize()),
        }
    }
}

/// Returns lower-case hexadecimal digits. `format!` would more than double the size of the module.
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
