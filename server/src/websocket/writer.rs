//! Encodes messages to frames.

use std::{io, sync::Arc};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::{
    Utf8Bytes,
    protocol::frame::{
        FrameHeader,
        coding::{CloseCode, Control, Data, OpCode},
    },
};

use super::Pings;

/// Writes the server's messages, each in one unmasked frame (RFC 6455 §5.1).
///
/// # Cancel safety
/// All methods are cancel safe: the next call completes a frame that was written in part.
#[derive(Debug)]
pub struct Writer<W> {
    io: W,
    pings: Arc<Pings>,
    /// Bytes of frames that were not written yet.
    unwritten: BytesMut,
    /// The rest of a text, which follows them. It is not copied.
    payload: Bytes,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(super) fn new(io: W, pings: Arc<Pings>) -> Self {
        Self { io, pings, unwritten: BytesMut::new(), payload: Bytes::new() }
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn text(&mut self, text: impl Into<Utf8Bytes>) -> io::Result<()> {
        self.flush().await?;
        if let Some(payload) = self.pings.take() {
            self.put(OpCode::Control(Control::Pong), &payload);
        }
        let payload = Bytes::from(text.into());
        self.put_header(OpCode::Data(Data::Text), payload.len());
        self.payload = payload;
        self.flush().await
    }

    /// Sends a close frame with a code of §7.4.1, and closes this direction of the connection.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn close(&mut self, code: CloseCode) -> io::Result<()> {
        self.flush().await?;
        self.put(OpCode::Control(Control::Close), &u16::from(code).to_be_bytes());
        self.flush().await?;
        self.io.shutdown().await
    }

    /// Sends a ping. A browser answers by itself, also in a background tab with throttled timers, and a
    /// proxy in between does not consider the connection idle.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn ping(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.put(OpCode::Control(Control::Ping), &[]);
        self.flush().await
    }

    /// Waits for a ping and answers it. A text that is sent meanwhile carries the answer.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn answer_ping(&mut self) -> io::Result<()> {
        self.flush().await?;
        let payload = loop {
            match self.pings.take() {
                Some(payload) => break payload,
                None => self.pings.arrived.notified().await,
            }
        };
        self.put(OpCode::Control(Control::Pong), &payload);
        self.flush().await
    }

    fn put(&mut self, opcode: OpCode, payload: &[u8]) {
        self.put_header(opcode, payload.len());
        self.unwritten.extend_from_slice(payload);
    }

    fn put_header(&mut self, opcode: OpCode, len: usize) {
        let header = FrameHeader { opcode, ..FrameHeader::default() };
        // Writing to memory does not fail.
        let _cannot_fail = header.format(len as u64, &mut (&mut self.unwritten).writer());
    }

    async fn flush(&mut self) -> io::Result<()> {
        loop {
            // Header and payload in one write, where the connection can.
            let mut both = (&mut self.unwritten).chain(&mut self.payload);
            if !both.has_remaining() {
                break;
            }
            if self.io.write_buf(&mut both).await? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        // Frees the memory of a large message.
        (self.unwritten, self.payload) = (BytesMut::new(), Bytes::new());
        self.io.flush().await
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use futures_util::FutureExt as _;
    use tokio::io::AsyncReadExt as _;
    use tokio_tungstenite::tungstenite::{
        Message, WebSocket, protocol::Role, protocol::frame::CloseFrame,
    };

    use super::*;

    /// Creates a writer without a reader.
    pub(crate) fn writer<W: AsyncWrite + Unpin>(io: W) -> Writer<W> {
        Writer::new(io, Arc::default())
    }

    /// Returns the messages that a client reads from `written`.
    pub(crate) fn read_by_a_client(written: &[u8]) -> Vec<Message> {
        let mut client =
            WebSocket::from_raw_socket(Cursor::new(written.to_vec()), Role::Client, None);
        std::iter::from_fn(|| client.read().ok()).collect()
    }

    #[tokio::test]
    async fn client_reads_what_was_written() {
        let mut written = Vec::new();
        let texts = ["", "short", &"é".repeat(100), &"x".repeat(70_000)];
        let mut writer = writer(&mut written);
        for text in texts {
            writer.text(text.to_owned()).await.unwrap();
        }
        writer.pings.put(b"1".to_vec());
        writer.pings.put(b"2".to_vec());
        writer.answer_ping().await.unwrap();
        writer.close(CloseCode::Away).await.unwrap();
        let mut expected: Vec<_> = texts.into_iter().map(Message::text).collect();
        expected.push(Message::Pong(b"2".to_vec().into()));
        let close = CloseFrame { code: CloseCode::Away, reason: "".into() };
        expected.push(Message::Close(Some(close)));
        assert_eq!(read_by_a_client(&written), expected);
    }

    #[tokio::test]
    async fn frame_whose_writing_was_cancelled_is_completed_by_the_next_call() {
        let (io, mut other_end) = tokio::io::duplex(10);
        let mut writer = writer(io);
        assert!(writer.text("longer than ten bytes").now_or_never().is_none());
        let mut written = Vec::new();
        let (said, read) = tokio::join!(
            async {
                writer.text("next").await?;
                writer.close(CloseCode::Normal).await
            },
            other_end.read_to_end(&mut written)
        );
        said.unwrap();
        read.unwrap();
        let read = read_by_a_client(&written);
        assert_eq!(read[..2], [Message::text("longer than ten bytes"), Message::text("next")]);
    }
}
