//! From the parts of binary messages to the pieces of files.

use bytes::Bytes;
use protocol::{ChunkHeader, chunk::ShortChunk};

use crate::{relay::Piece, websocket::Part};

/// The chunk under way on one socket.
#[derive(Debug, Default)]
pub struct Chunks {
    begun: Option<Begun>,
}

#[derive(Clone, Copy, Debug)]
struct Begun {
    header: ChunkHeader,
    /// Bytes of its payload that were taken out.
    len: u64,
}

impl Chunks {
    /// Takes in what arrived.
    ///
    /// # Errors
    /// [`ShortChunk`] when a chunk begins with less than a header.
    pub fn take(&mut self, part: Part) -> Result<Piece, ShortChunk> {
        let (begun, payload) = match self.begun {
            Some(begun) => (begun, part.bytes),
            None => begin(&part.bytes)?,
        };
        let len = begun.len + payload.len() as u64;
        self.begun = (!part.is_last).then_some(Begun { len, ..begun });
        let offset = begun.header.offset.saturating_add(begun.len);
        Ok(Piece {
            header: ChunkHeader { offset, ..begun.header },
            payload,
            ends_chunk_of: part.is_last.then_some(len),
        })
    }
}

fn begin(bytes: &Bytes) -> Result<(Begun, Bytes), ShortChunk> {
    let (header, payload) = ChunkHeader::decode(bytes)?;
    Ok((Begun { header, len: 0 }, bytes.slice_ref(payload)))
}

#[cfg(test)]
mod tests {
    use protocol::{Attempt, CHUNK_HEADER_LEN, UploadId};

    use super::*;

    fn header(offset: u64) -> ChunkHeader {
        ChunkHeader { upload: UploadId(1), attempt: Attempt(2), offset }
    }

    fn part(bytes: Vec<u8>, is_last: bool) -> Part {
        Part { bytes: bytes.into(), is_last }
    }

    fn begun_with(offset: u64, payload: &[u8]) -> Vec<u8> {
        [&header(offset).encode(), payload].concat()
    }

    #[test]
    fn each_piece_says_where_it_lies_and_the_last_how_long_the_chunk_was() {
        let mut chunks = Chunks::default();
        let mut piece = |bytes, is_last| chunks.take(part(bytes, is_last)).unwrap();
        let first = piece(begun_with(100, b"abc"), false);
        let second = piece(b"de".to_vec(), true);
        let next = piece(begun_with(105, b"f"), true);
        assert_eq!((first.header, &first.payload[..]), (header(100), &b"abc"[..]));
        assert_eq!((second.header, &second.payload[..]), (header(103), &b"de"[..]));
        assert_eq!((next.header, &next.payload[..]), (header(105), &b"f"[..]));
        let lens = [first, second, next].map(|piece| piece.ends_chunk_of);
        assert_eq!(lens, [None, Some(5), Some(1)]);
    }

    #[test]
    fn message_that_is_shorter_than_a_header_is_no_chunk() {
        let short = part(vec![0; CHUNK_HEADER_LEN - 1], true);
        assert_eq!(Chunks::default().take(short), Err(ShortChunk { len: 15 }));
    }
}
