//! Digests of files: the algorithms of FTP servers, and the digests of the bytes that are sent.
//!
//! Does no I/O. `client::digest` asks servers for digests.

use std::{collections::VecDeque, fmt, ops::Range};

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// The size of a block with a digest of its own, in bytes.
const BLOCK_BYTES: u64 = 256 * 1024;

/// The number of blocks that are kept: together more than the bytes in flight between us and the
/// server's disk.
const MAX_BLOCKS: usize = 128;

/// An algorithm for digests of files, the best first. Few servers support all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// BLAKE3 with 32 bytes. No known server supports it; senders use it because it is fast.
    Blake3,
    /// FIPS 180-4.
    Sha256,
    /// FIPS 180-4. Detects faults, but not attacks; so do those that follow.
    Sha1,
    /// RFC 1321.
    Md5,
    /// ISO 3309, as in Ethernet and ZIP.
    Crc32,
}

impl Algorithm {
    /// All of them, the best first.
    pub const ALL: [Self; 5] = [Self::Blake3, Self::Sha256, Self::Sha1, Self::Md5, Self::Crc32];

    /// The name in `HASH` and `OPTS HASH` (draft-bryan-ftpext-hash §3.2).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blake3 => "BLAKE3",
            Self::Sha256 => "SHA-256",
            Self::Sha1 => "SHA-1",
            Self::Md5 => "MD5",
            Self::Crc32 => "CRC32",
        }
    }

    /// The command for this algorithm alone, where servers have one.
    #[must_use]
    pub fn verb(self) -> Option<&'static str> {
        match self {
            Self::Blake3 => None,
            Self::Sha256 => Some("XSHA256"),
            Self::Sha1 => Some("XSHA1"),
            Self::Md5 => Some("XMD5"),
            Self::Crc32 => Some("XCRC"),
        }
    }

    /// Digits of the digest in hexadecimal.
    #[must_use]
    pub fn digits(self) -> usize {
        match self {
            Self::Blake3 | Self::Sha256 => 64,
            Self::Sha1 => 40,
            Self::Md5 => 32,
            Self::Crc32 => 8,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A digest of a file or of a part of one.
#[derive(Clone, PartialEq, Eq)]
pub struct FileDigest {
    algorithm: Algorithm,
    hex: String,
}

impl FileDigest {
    /// Parses hexadecimal digits; `None` unless they are a digest of that algorithm.
    #[must_use]
    pub fn new(algorithm: Algorithm, hex: &str) -> Option<Self> {
        let is_one = hex.len() == algorithm.digits() && is_hexadecimal(hex);
        is_one.then(|| Self { algorithm, hex: hex.to_ascii_lowercase() })
    }

    /// Its algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its digits, lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// Finds the digest in a server's reply; `None` where there is none that can be told from the
    /// file's name, which many servers repeat.
    pub(crate) fn in_answer(answer: &str, algorithm: Algorithm, file_name: &str) -> Option<Self> {
        let name = file_name.to_ascii_lowercase();
        let answer = answer.to_ascii_lowercase();
        let tokens = answer.split(|c: char| c.is_whitespace() || matches!(c, '"' | '=' | ';'));
        let mut found = tokens.filter(|token| is_digest(token, algorithm));
        let token = found.find(|token| !name.contains(*token))?;
        Some(Self { algorithm, hex: format!("{token:0>width$}", width = algorithm.digits()) })
    }
}

/// A CRC may lack its leading zeros, but at most two of them.
fn is_digest(token: &str, algorithm: Algorithm) -> bool {
    let length_fits = match algorithm {
        Algorithm::Crc32 => (6..=8).contains(&token.len()),
        Algorithm::Blake3 | Algorithm::Sha256 | Algorithm::Sha1 | Algorithm::Md5 => {
            token.len() == algorithm.digits()
        }
    };
    length_fits && is_hexadecimal(token)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Display for FileDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.hex)
    }
}

impl fmt::Debug for FileDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a complete upload was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The server's digest equals that of the sent bytes: this one, which may be by another
    /// algorithm than [`Plan::digest`](crate::upload::Plan::digest).
    Digest(FileDigest),
    /// The size is equal.
    Size {
        /// In bytes.
        bytes: u64,
    },
    /// By the server's reply to the transfer only: it reports neither digest nor size, or the size
    /// proves nothing, because the file begins with an existing one that no digest was compared of.
    ReplyOnly,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => {
                write!(f, "The server's digest equals that of the sent bytes: {digest}.")
            }
            Self::Size { bytes } => write!(f, "The server holds all {bytes} bytes."),
            Self::ReplyOnly => f.write_str(
                "No digest or size proves the content. The server's reply is the only confirmation.",
            ),
        }
    }
}

/// A digest in progress.
#[derive(Clone, Debug)]
enum Hasher {
    Blake3(Box<blake3::Hasher>),
    Sha256(Sha256),
    Sha1(Sha1),
    Md5(md5::Md5),
    Crc32(crc32fast::Hasher),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Blake3 => Self::Blake3(Box::default()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Md5 => Self::Md5(md5::Md5::new()),
            Algorithm::Crc32 => Self::Crc32(crc32fast::Hasher::new()),
        }
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Blake3(_) => Algorithm::Blake3,
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha1(_) => Algorithm::Sha1,
            Self::Md5(_) => Algorithm::Md5,
            Self::Crc32(_) => Algorithm::Crc32,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Blake3(hasher) => {
                hasher.update(bytes);
            }
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Crc32(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> FileDigest {
        let (algorithm, bytes) = match self {
            Self::Blake3(hasher) => (Algorithm::Blake3, hasher.finalize().as_bytes().to_vec()),
            Self::Sha256(hasher) => (Algorithm::Sha256, hasher.finalize().to_vec()),
            Self::Sha1(hasher) => (Algorithm::Sha1, hasher.finalize().to_vec()),
            Self::Md5(hasher) => (Algorithm::Md5, hasher.finalize().to_vec()),
            Self::Crc32(hasher) => (Algorithm::Crc32, hasher.finalize().to_be_bytes().to_vec()),
        };
        let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        FileDigest { algorithm, hex }
    }
}

/// The digests of one file's bytes while they are sent: of all of them, and of the last blocks, so
/// that the server can be asked for the digest of a block that it holds.
#[derive(Debug)]
pub(crate) struct RunningDigest {
    /// The digested part of the file.
    range: Range<u64>,
    /// One for each algorithm, updated in one pass.
    wholes: Vec<Hasher>,
    blocks: Option<Blocks>,
}

/// The last blocks of what was digested.
#[derive(Debug)]
struct Blocks {
    algorithm: Algorithm,
    hasher: Hasher,
    start: u64,
    ended: VecDeque<Block>,
}

/// A part of a file and its digest.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) range: Range<u64>,
    pub(crate) digest: FileDigest,
}

impl RunningDigest {
    /// Starts digests at `offset`. `of_blocks` is the algorithm of the blocks' digests, where the
    /// server can make digests of ranges.
    pub(crate) fn starting_at(
        offset: u64,
        algorithms: &[Algorithm],
        of_blocks: Option<Algorithm>,
    ) -> Self {
        Self {
            range: offset..offset,
            wholes: algorithms.iter().copied().map(Hasher::new).collect(),
            blocks: of_blocks.map(|algorithm| Blocks::from(offset, algorithm)),
        }
    }

    /// The digested part of the file.
    pub(crate) fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// Adds bytes of the file from `offset` on. Those that were added before are skipped: after a
    /// break they are sent again.
    pub(crate) fn update(&mut self, offset: u64, bytes: &[u8]) {
        let known = self.range.end.saturating_sub(offset);
        let known = usize::try_from(known).unwrap_or(usize::MAX).min(bytes.len());
        let news = bytes.get(known..).unwrap_or_default();
        for whole in &mut self.wholes {
            whole.update(news);
        }
        if let Some(blocks) = &mut self.blocks {
            blocks.update(self.range.end, news);
        }
        self.range.end += news.len() as u64;
    }

    /// The first of the algorithms.
    pub(crate) fn primary_algorithm(&self) -> Option<Algorithm> {
        self.wholes.first().map(Hasher::algorithm)
    }

    /// The digest of all bytes so far; `None` where it is not made by that algorithm.
    pub(crate) fn digest(&self, algorithm: Algorithm) -> Option<FileDigest> {
        let whole = self.wholes.iter().find(|whole| whole.algorithm() == algorithm)?;
        Some(whole.clone().finish())
    }

    /// The last block that ends at or before an offset, if it is remembered.
    pub(crate) fn block_before(&self, offset: u64) -> Option<&Block> {
        let blocks = self.blocks.as_ref()?;
        blocks.ended.iter().rev().find(|block| block.range.end <= offset)
    }
}

impl Blocks {
    fn from(offset: u64, algorithm: Algorithm) -> Self {
        let hasher = Hasher::new(algorithm);
        Self { algorithm, hasher, start: offset, ended: VecDeque::new() }
    }

    /// Adds the bytes from `end` on.
    fn update(&mut self, mut end: u64, mut news: &[u8]) {
        while !news.is_empty() {
            let missing = BLOCK_BYTES - (end - self.start);
            let part = usize::try_from(missing).unwrap_or(usize::MAX).min(news.len());
            let (now, later) = news.split_at(part);
            self.hasher.update(now);
            end += now.len() as u64;
            if end - self.start == BLOCK_BYTES {
                self.end_at(end);
            }
            news = later;
        }
    }

    fn end_at(&mut self, end: u64) {
        let hasher = std::mem::replace(&mut self.hasher, Hasher::new(self.algorithm));
        if self.ended.len() == MAX_BLOCKS {
            self.ended.pop_front();
        }
        self.ended.push_back(Block { range: self.start..end, digest: hasher.finish() });
        self.start = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut running = RunningDigest::starting_at(0, &[algorithm], None);
        running.update(0, bytes);
        running.digest(algorithm).unwrap().hex().to_owned()
    }

    #[test]
    fn digests_are_those_of_the_standards() {
        let abc = |algorithm| digest_of(algorithm, b"abc");
        assert_eq!(
            abc(Algorithm::Sha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            abc(Algorithm::Blake3),
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
        );
        assert_eq!(abc(Algorithm::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(abc(Algorithm::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(digest_of(Algorithm::Crc32, b"123456789"), "cbf43926");
        for algorithm in Algorithm::ALL {
            assert_eq!(abc(algorithm).len(), algorithm.digits());
        }
    }

    #[test]
    fn digest_is_found_in_every_dialect() {
        let md5 = "900150983cd24fb0d6963f7d28e17f72";
        let found = |answer: &str| {
            FileDigest::in_answer(answer, Algorithm::Md5, "a b.txt").map(|digest| digest.hex)
        };
        for answer in [
            md5.to_owned(),
            md5.to_uppercase(),
            format!("MD5 0-687104 {md5} a b.txt"),
            format!("\"/a b.txt\" {md5}"),
            format!("a b.txt;{md5}"),
            format!("XMD5={md5}"),
        ] {
            assert_eq!(found(&answer).as_deref(), Some(md5), "{answer}");
        }
        assert_eq!(found("no such thing"), None);
        assert_eq!(found("900150983cd24fb0"), None);
    }

    #[test]
    fn digits_of_another_length_or_another_kind_are_no_digest() {
        let digest = FileDigest::new(Algorithm::Crc32, "CBF43926").unwrap();
        assert_eq!((digest.algorithm(), digest.hex()), (Algorithm::Crc32, "cbf43926"));
        for hex in ["", "bf43926", "cbf439260", "cbf4392g"] {
            assert_eq!(FileDigest::new(Algorithm::Crc32, hex), None, "{hex}");
        }
    }

    #[test]
    fn crc_may_lack_leading_zeros() {
        let crc = FileDigest::in_answer("0A1B2C3", Algorithm::Crc32, "x").unwrap();
        assert_eq!(crc.hex(), "00a1b2c3");
    }

    #[test]
    fn name_that_looks_like_a_digest_is_not_taken_for_one() {
        let name = "900150983cd24fb0d6963f7d28e17f72.bin";
        let damaged = "d41d8cd98f00b204e9800998ecf8427e";
        let found = |answer: &str| FileDigest::in_answer(answer, Algorithm::Md5, name);
        assert_eq!(found("900150983cd24fb0d6963f7d28e17f72"), None);
        let answer = format!("900150983cd24fb0d6963f7d28e17f72 {damaged}");
        assert_eq!(found(&answer).unwrap().hex(), damaged);
    }

    #[test]
    fn block_before_an_offset_is_whole() {
        let mut running = RunningDigest::starting_at(10, &[], Some(Algorithm::Crc32));
        let bytes = vec![7; usize::try_from(BLOCK_BYTES * 3).unwrap()];
        running.update(10, &bytes);
        assert!(running.block_before(BLOCK_BYTES).is_none());
        let block = running.block_before(2 * BLOCK_BYTES + 10).unwrap();
        assert_eq!(block.range, BLOCK_BYTES + 10..2 * BLOCK_BYTES + 10);
        assert_eq!(block.digest.hex(), digest_of(Algorithm::Crc32, &bytes[..256 * 1024]));
    }

    proptest! {
        #[test]
        fn bytes_that_are_sent_again_change_nothing(
            bytes in prop::collection::vec(any::<u8>(), 1..2000),
            cuts in prop::collection::vec((0..2000_usize, 0..2000_usize), 0..8),
        ) {
            let both = [Algorithm::Sha256, Algorithm::Md5];
            let mut running = RunningDigest::starting_at(0, &both, Some(Algorithm::Md5));
            for (from, to) in cuts {
                let from = from.min(usize::try_from(running.range().end).unwrap());
                let to = to.clamp(from, bytes.len());
                running.update(from as u64, &bytes[from..to]);
            }
            let from = usize::try_from(running.range().end).unwrap();
            running.update(from as u64, &bytes[from..]);
            for algorithm in both {
                let digest = running.digest(algorithm).unwrap();
                prop_assert_eq!(digest.hex(), digest_of(algorithm, &bytes));
            }
            prop_assert_eq!(running.digest(Algorithm::Blake3), None);
        }
    }
}
