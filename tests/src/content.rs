//! Content of uploads, computed instead of stored.

use protocol::server::Algorithm;
use sha2::{Digest as _, Sha256};

use crate::servers::hex;

/// The bytes of a file: pseudo-random, so that a piece in the wrong place is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// The number of bytes.
    pub len: u64,
    /// Files of different seeds have different bytes.
    pub seed: u64,
}

/// The size of one computed piece.
const PIECE: u64 = 1 << 20;
const PIECE_STEP: usize = 1 << 20;

impl Content {
    /// Returns the bytes from `offset` on, at most `len`.
    #[must_use]
    pub fn piece(&self, offset: u64, len: u64) -> Vec<u8> {
        let end = self.len.min(offset.saturating_add(len));
        let start = offset.min(end);
        let first_word = start / 8;
        let mut bytes = Vec::with_capacity(usize::try_from(end - first_word * 8).unwrap() + 8);
        for word in first_word..end.div_ceil(8) {
            bytes.extend_from_slice(&self.word(word).to_le_bytes());
        }
        bytes.truncate(usize::try_from(end - first_word * 8).unwrap());
        bytes.drain(..usize::try_from(start - first_word * 8).unwrap());
        bytes
    }

    /// Returns all bytes in pieces of 1 MiB.
    pub fn pieces(&self) -> impl Iterator<Item = Vec<u8>> {
        (0..self.len.div_ceil(PIECE)).map(|index| self.piece(index * PIECE, PIECE))
    }

    /// Returns the SHA-256 in 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for piece in self.pieces() {
            hasher.update(&piece);
        }
        hex(&hasher.finalize())
    }

    /// Returns a digest of the bytes from `from` on, in lower-case hexadecimal digits.
    #[must_use]
    pub fn digest(&self, from: u64, algorithm: Algorithm) -> String {
        let pieces = (from..self.len).step_by(PIECE_STEP).map(|offset| self.piece(offset, PIECE));
        match algorithm {
            Algorithm::Blake3 => {
                let mut hasher = blake3::Hasher::new();
                pieces.for_each(|piece| {
                    hasher.update(&piece);
                });
                hasher.finalize().to_hex().to_string()
            }
            Algorithm::Crc32 => {
                let mut hasher = crc32fast::Hasher::new();
                pieces.for_each(|piece| hasher.update(&piece));
                format!("{:08x}", hasher.finalize())
            }
            Algorithm::Sha256 => {
                let mut hasher = Sha256::new();
                pieces.for_each(|piece| hasher.update(&piece));
                hex(&hasher.finalize())
            }
        }
    }

    /// Sebastiano Vigna's SplitMix64, whose state after `index` steps is known.
    fn word(&self, index: u64) -> u64 {
        let state = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = self.seed.wrapping_mul(0xd605_bbb5_8c8a_bc03).wrapping_add(state);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Unusual file names that all three servers can store.
pub const ODD_NAMES: [&str; 12] = [
    "with some  spaces.txt",
    "Grüße aus Köln.txt",
    "船の荷物.txt",
    "선적 서류.txt",
    "ferry ⛴️ and 🧑‍✈️.bin",
    "number #1.txt",
    "100% of a%20b.txt",
    "-rf",
    "a+b&c=d;e?f.txt",
    "quote'and\"double.txt",
    "brackets [1] {2} (3).txt",
    "no-extension",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_put_together_are_the_whole() {
        let content = Content { len: 1003, seed: 7 };
        let whole = content.piece(0, u64::MAX);
        assert_eq!(whole.len(), 1003);
        let mut put_together = Vec::new();
        for offset in (0..1003).step_by(17) {
            put_together.extend(content.piece(offset, 17));
        }
        assert_eq!(put_together, whole);
        assert_ne!(whole, Content { len: 1003, seed: 8 }.piece(0, u64::MAX));
    }
}
