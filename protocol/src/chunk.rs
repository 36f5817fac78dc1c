//! The header of a binary frame: upload, attempt and offset.
//!
//! ```text
//!  0        4        8                16
//! +--------+--------+----------------+----------------
//! | upload | attempt|     offset     | bytes of the file
//! +--------+--------+----------------+----------------
//!   u32 LE   u32 LE       u64 LE
//! ```
//! The header has a fixed length, so that the page's worker can put the bytes of the file right behind
//! it, into the frame that is sent. The payload does not pass through the memory of wasm.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The length of a [`ChunkHeader`] on the wire in bytes.
pub const CHUNK_HEADER_LEN: usize = 16;

/// Identifies an upload of a session. The page chooses it, greater than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct UploadId(pub u32);

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The number of the portal's attempt at one upload, from 0.
///
/// When the FTPS side of an upload breaks, or the page returns on another socket, the portal requests
/// the bytes from some offset on again, under the next attempt. The number identifies chunks in flight
/// that belong to an earlier one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Attempt(pub u32);

impl Attempt {
    /// Returns the next attempt.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The header of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkHeader {
    /// The upload that the chunk belongs to.
    pub upload: UploadId,
    /// The attempt that the chunk was sent for.
    pub attempt: Attempt,
    /// The offset of the payload in the file, in bytes.
    pub offset: u64,
}

impl ChunkHeader {
    /// Encodes the header for the wire.
    #[must_use]
    pub fn encode(self) -> [u8; CHUNK_HEADER_LEN] {
        let mut bytes = [0; CHUNK_HEADER_LEN];
        bytes[0..4].copy_from_slice(&self.upload.0.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.attempt.0.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes
    }

    /// Decodes a binary frame to its header and its payload.
    ///
    /// # Errors
    /// [`ShortChunk`] when the frame is shorter than the header.
    pub fn decode(frame: &[u8]) -> Result<(Self, &[u8]), ShortChunk> {
        let Some((header, payload)) = frame.split_first_chunk::<CHUNK_HEADER_LEN>() else {
            return Err(ShortChunk { len: frame.len() });
        };
        let [u0, u1, u2, u3, a0, a1, a2, a3, o @ ..] = *header;
        let decoded = Self {
            upload: UploadId(u32::from_le_bytes([u0, u1, u2, u3])),
            attempt: Attempt(u32::from_le_bytes([a0, a1, a2, a3])),
            offset: u64::from_le_bytes(o),
        };
        Ok((decoded, payload))
    }
}

/// A binary frame that is shorter than its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortChunk {
    /// The frame's length in bytes.
    pub len: usize,
}

impl fmt::Display for ShortChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a binary frame of {} bytes is shorter than its header of {CHUNK_HEADER_LEN}",
            self.len
        )
    }
}

impl std::error::Error for ShortChunk {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn header_is_little_endian_on_the_wire() {
        let header = ChunkHeader {
            upload: UploadId(0x0403_0201),
            attempt: Attempt(0x0807_0605),
            offset: 0x100f_0e0d_0c0b_0a09,
        };
        assert_eq!(header.encode(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    }

    #[test]
    fn frame_shorter_than_the_header_is_refused() {
        assert_eq!(ChunkHeader::decode(&[0; 15]), Err(ShortChunk { len: 15 }));
    }

    proptest! {
        #[test]
        fn header_and_payload_come_back(upload: u32, attempt: u32, offset: u64, payload: Vec<u8>) {
            let header =
                ChunkHeader { upload: UploadId(upload), attempt: Attempt(attempt), offset };
            let mut frame = header.encode().to_vec();
            frame.extend_from_slice(&payload);
            prop_assert_eq!(ChunkHeader::decode(&frame), Ok((header, payload.as_slice())));
        }
    }
}
