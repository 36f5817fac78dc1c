//! The digest of both ends of a file: tells whether a picked file is the one that an earlier page
//! was uploading, without reading it whole.

/// The number of bytes at each end of a file that go into [`edges`].
pub const EDGE_BYTES: u64 = 64 * 1024;

/// Returns the digest of both ends of a file, [`EDGE_BYTES`] each at most.
///
/// FNV-1a with 64 bits tells files apart that happen to have the same name, size and time. It is no
/// protection against manipulation; the digest of the whole upload is.
#[must_use]
pub fn edges(first: &[u8], last: &[u8]) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    first
        .iter()
        .chain(last)
        .fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_fnv_1a_of_both_ends() {
        assert_eq!(edges(b"", b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(edges(b"foo", b"bar"), 0x8594_4171_f739_67e8, "of the authors' test vectors");
        assert_ne!(edges(b"foo", b"bar"), edges(b"foo", b"baz"));
    }
}
