//! The server's end of a WebSocket (RFC 6455), made for great binary messages.
//!
//! A library that hands over whole messages holds each of them whole, and a buffer of the greatest
//! one's size for as long as the socket lives; both would be memory that no window counts. Here a
//! binary message comes in [parts](reader::MessagePart) as it arrives.
//!
//! # Layers
//! - [`handshake`]: from an HTTP request to a connection that speaks frames.
//! - [`reader`]: frames into messages, and whatever the RFC forbids into a [`FrameViolation`].
//! - [`mask`]: what each byte of a client is masked with.
//! - [`writer`]: messages into frames, and pings into pongs.

pub mod handshake;
pub mod mask;
pub mod reader;
pub mod writer;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf},
    sync::Notify,
};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

pub use self::{
    reader::{Event, MessagePart, ReadError, Reader},
    writer::Writer,
};
use crate::settings::ByteCount;

/// The longest payload of a control frame in bytes (RFC 6455 §5.5).
const CONTROL_LEN: usize = 125;

/// What a client may send.
#[derive(Clone, Copy, Debug)]
pub struct MessageLimits {
    /// The longest text message in bytes.
    pub text: ByteCount,
    /// The longest binary message in bytes.
    pub binary: ByteCount,
}

/// The client broke RFC 6455, or sent more than it was allowed to.
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
    #[error("a fragment goes on with a message that was not begun")]
    NothingToContinue,
    /// §5.4.
    #[error("a message begins in the middle of another")]
    MessageInMessage,
    /// §5.5.1 and §7.4.
    #[error("a close frame has no code that a client may send")]
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
    /// What the connection is closed with (§7.4.1).
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

/// The two directions of a connection on which the [`handshake`] is done.
pub fn split<S>(io: S, limits: MessageLimits) -> (Reader<ReadHalf<S>>, Writer<WriteHalf<S>>)
where
    S: AsyncRead + AsyncWrite,
{
    let (read, write) = tokio::io::split(io);
    let pings = Arc::new(Pings::default());
    (Reader::new(read, limits, Arc::clone(&pings)), Writer::new(write, pings))
}

/// The ping that is not answered yet: only the newest has to be (§5.5.3).
#[derive(Debug, Default)]
pub(crate) struct Pings {
    newest: Mutex<Option<Vec<u8>>>,
    arrived: Notify,
}

impl Pings {
    fn put(&self, payload: Vec<u8>) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
        self.arrived.notify_one();
    }

    fn take(&self) -> Option<Vec<u8>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests;
