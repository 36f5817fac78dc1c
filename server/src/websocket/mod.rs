//! The server's side of a WebSocket (RFC 6455), for large binary messages.
//!
//! A library that returns whole messages holds each message in memory, and a buffer of the size of the
//! largest one for as long as the socket lives: memory that no window counts. Here a binary message is
//! returned in [parts](reader::MessagePart) as it arrives.
//!
//! # Layers
//! - [`handshake`]: the opening handshake.
//! - [`mask`]: the mask of a client's frames.
//! - [`reader`]: decodes frames to messages, or to a [`FrameViolation`].
//! - [`writer`]: encodes messages to frames, and answers pings.

pub mod handshake;
pub mod mask;
pub mod reader;
pub mod writer;

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf},
    sync::Notify,
};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

pub use self::{
    reader::{Event, MessagePart, ReadError, Reader},
    writer::Writer,
};
use crate::{locking::lock, settings::ByteCount};

/// The longest payload of a control frame in bytes (RFC 6455 §5.5).
const CONTROL_LEN: usize = 125;

/// The limits of a client's messages.
#[derive(Clone, Copy, Debug)]
pub struct MessageLimits {
    /// The longest text message in bytes.
    pub text: ByteCount,
    /// The longest binary message in bytes.
    pub binary: ByteCount,
}

/// The client broke RFC 6455 or exceeded a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameViolation {
    /// §5.1: a client masks its frames.
    #[error("a frame is not masked")]
    Unmasked,
    /// §5.2: no extension was agreed on.
    #[error("a frame has a reserved bit set")]
    ReservedBit,
    /// §5.2.
    #[error("a frame has a reserved opcode")]
    ReservedOpcode,
    /// §5.5.
    #[error("a control frame is a fragment")]
    ControlInFragments,
    /// §5.5.
    #[error("a control frame is longer than {CONTROL_LEN} bytes")]
    ControlTooLong,
    /// §5.4.
    #[error("a continuation frame does not continue any message")]
    NothingToContinue,
    /// §5.4.
    #[error("a message begins in the middle of another")]
    MessageInMessage,
    /// §5.5.1 and §7.4.
    #[error("a close frame has a code that a client may not send")]
    BadClose,
    /// §8.1.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// §10.4.
    #[error("a message is longer than {max}")]
    TooLong {
        /// The limit.
        max: ByteCount,
    },
}

impl FrameViolation {
    /// Returns the code of the close frame (§7.4.1).
    #[must_use]
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::NotUtf8 => CloseCode::Invalid,
            Self::TooLong { .. } => CloseCode::Size,
            Self::Unmasked
            | Self::ReservedBit
            | Self::ReservedOpcode
            | Self::ControlInFragments
            | Self::ControlTooLong
            | Self::NothingToContinue
            | Self::MessageInMessage
            | Self::BadClose => CloseCode::Protocol,
        }
    }
}

/// Splits a connection after the [`handshake`] into its two directions.
pub fn split<S>(io: S, limits: MessageLimits) -> (Reader<ReadHalf<S>>, Writer<WriteHalf<S>>)
where
    S: AsyncRead + AsyncWrite,
{
    let (read, write) = tokio::io::split(io);
    let pings = Arc::new(Pings::default());
    (Reader::new(read, limits, Arc::clone(&pings)), Writer::new(write, pings))
}

/// The newest ping without an answer: the only one that needs one (§5.5.3).
#[derive(Debug, Default)]
pub(crate) struct Pings {
    newest: Mutex<Option<Vec<u8>>>,
    arrived: Notify,
}

impl Pings {
    fn put(&self, payload: Vec<u8>) {
        *lock(&self.newest) = Some(payload);
        self.arrived.notify_one();
    }

    fn take(&self) -> Option<Vec<u8>> {
        lock(&self.newest).take()
    }
}

#[cfg(test)]
mod tests;
