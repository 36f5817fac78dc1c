//! The chunks of files in the binary messages of one socket.

use bytes::Bytes;
use protocol::{ChunkHeader, chunk::ShortChunk};

use crate::{relay::ChunkPart, websocket::MessagePart};

/// Decodes the parts of binary messages to parts of chunks.
#[derive(Debug, Default)]
pub(super) struct ChunkDecoder {
    /// The chunk whose end has not arrived.
    current: Option<CurrentChunk>,
}

#[derive(Clone, Copy, Debug)]
struct CurrentChunk {
    header: ChunkHeader,
    /// The number of payload bytes that were decoded.
    len: u64,
}

impl ChunkDecoder {
    /// Decodes the next part.
    ///
    /// # Errors
    /// [`ShortChunk`] when the first part of a chunk is shorter than the header.
    pub(super) fn decode(&mut self, part: MessagePart) -> Result<ChunkPart, ShortChunk> {
        let (chunk, payload) = match self.current {
            Some(chunk) => (chunk, part.bytes),
            None => decode_header(&part.bytes)?,
        };
        let len = chunk.len + payload.len() as u64;
        self.current = (!part.is_last).then_some(CurrentChunk { len, ..chunk });
        let offset = chunk.header.offset.saturating_add(chunk.len);
        Ok(ChunkPart {
            header: ChunkHeader { offset, ..chunk.header },
            payload,
            ends_chunk_of: part.is_last.then_some(len),
        })
    }
}

fn decode_header(bytes: &Bytes) -> Result<(CurrentChunk, Bytes), ShortChunk> {
    let (header, payload) = ChunkHeader::decode(bytes)?;
    Ok((CurrentChunk { header, len: 0 }, bytes.slice_ref(payload)))
}

#[cfg(test)]
mod tests {
    use protocol::{Attempt, CHUNK_HEADER_LEN, UploadId};

    use super::*;

    fn header(offset: u64) -> ChunkHeader {
        ChunkHeader { upload: UploadId(1), attempt: Attempt(2), offset }
    }

    fn part(bytes: Vec<u8>, is_last: bool) -> MessagePart {
        MessagePart { bytes: bytes.into(), is_last }
    }

    fn first_part(offset: u64, payload: &[u8]) -> Vec<u8> {
        [&header(offset).encode(), payload].concat()
    }

    #[test]
    fn each_part_has_its_offset_and_the_last_one_the_length_of_the_chunk() {
        let mut chunks = ChunkDecoder::default();
        let mut decode = |bytes, is_last| chunks.decode(part(bytes, is_last)).unwrap();
        let first = decode(first_part(100, b"abc"), false);
        let second = decode(b"de".to_vec(), true);
        let next = decode(first_part(105, b"f"), true);
        assert_eq!((first.header, &first.payload[..]), (header(100), &b"abc"[..]));
        assert_eq!((second.header, &second.payload[..]), (header(103), &b"de"[..]));
        assert_eq!((next.header, &next.payload[..]), (header(105), &b"f"[..]));
        let lens = [first, second, next].map(|part| part.ends_chunk_of);
        assert_eq!(lens, [None, Some(5), Some(1)]);
    }

    #[test]
    fn message_that_is_shorter_than_a_header_is_no_chunk() {
        let short = part(vec![0; CHUNK_HEADER_LEN - 1], true);
        assert_eq!(ChunkDecoder::default().decode(short), Err(ShortChunk { len: 15 }));
    }
}
