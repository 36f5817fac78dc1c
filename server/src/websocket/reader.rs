//! Decodes frames to messages.

use std::{
    io::{self, Cursor},
    mem,
    sync::Arc,
};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{CloseCode, Control, Data, OpCode},
};

use zeroize::{Zeroize as _, Zeroizing};

use super::{CONTROL_LEN, FrameViolation, MessageLimits, Pings, mask::Mask};
use crate::settings::ByteCount;

/// The size of the read buffer for headers and short frames, in bytes. Each socket has one.
const HEAD_BYTES: usize = 4 * 1024;

/// The most bytes of a payload that are read at a time: the length of a TLS record (RFC 8446 §5.1).
/// rustls clears the buffer before each read, so a larger one would cost time.
const READ_BYTES: usize = 16 * 1024;

/// The longest [`MessagePart`] in bytes: the engine hands the data connection this many at a time.
pub const PART_BYTES: usize = 64 * 1024;

/// The unused memory of a part may be 1/8 of its length.
const MAX_UNUSED_DIVISOR: usize = 8;

/// What the client has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A text message. It may contain a password, so it is overwritten on drop.
    Text(Zeroizing<String>),
    /// A part of a binary message.
    Binary(MessagePart),
    /// The answer to a ping.
    Pong,
    /// A close frame with its code. Nothing follows.
    Close(Option<CloseCode>),
}

/// A part of a binary message. All parts but the last are [`PART_BYTES`] long, however the client has
/// divided the message into frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePart {
    /// The bytes; the last part of a message may have none.
    pub bytes: Bytes,
    /// Whether the message ends with this part.
    pub is_last: bool,
}

/// The connection cannot be read further.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The connection ended without a close frame.
    #[error("the connection ended")]
    Ended,
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// The client broke the protocol: close with [`FrameViolation::close_code`].
    #[error(transparent)]
    Violation(#[from] FrameViolation),
}

/// Reads a client's messages. Pings go to the [writer](super::Writer), which answers them. A pong is
/// an [event](Event::Pong), because it shows that the client is alive.
#[derive(Debug)]
pub struct Reader<R> {
    io: R,
    limits: MessageLimits,
    pings: Arc<Pings>,
    /// Bytes that were read and not decoded yet.
    head: BytesMut,
    /// The frame whose payload is being read.
    frame: Option<Frame>,
    /// The message that is being read.
    message: Option<Message>,
}

/// The rest of a data frame.
#[derive(Clone, Copy, Debug)]
struct Frame {
    rest: u64,
    mask: Mask,
    /// Whether the message ends with this frame.
    is_final: bool,
}

impl Frame {
    fn rest_up_to(&self, max: usize) -> usize {
        usize::try_from(self.rest).unwrap_or(usize::MAX).min(max)
    }
}

/// The part of a message that has arrived.
#[derive(Debug)]
enum Message {
    /// A text, which is overwritten on drop.
    Text(Zeroizing<Vec<u8>>),
    Binary {
        /// The length of all frames so far, in bytes.
        len: u64,
        part: BytesMut,
    },
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(io: R, limits: MessageLimits, pings: Arc<Pings>) -> Self {
        Self { io, limits, pings, head: BytesMut::new(), frame: None, message: None }
    }

    /// Waits for the next event.
    ///
    /// # Errors
    /// [`ReadError`]; then nothing follows.
    ///
    /// # Cancel safety
    /// Cancel safe: bytes that have arrived are kept.
    pub async fn next(&mut self) -> Result<Event, ReadError> {
        loop {
            if let Some(event) = self.decode()? {
                return Ok(event);
            }
            self.read().await?;
        }
    }

    /// Replaces the limits. They apply to the frames that follow.
    pub fn set_limits(&mut self, limits: MessageLimits) {
        self.limits = limits;
    }

    /// Reads and discards until the client has closed its side, or the connection fails.
    pub async fn drain(&mut self) {
        (self.frame, self.message) = (None, None);
        loop {
            self.head.clear();
            if self.read().await.is_err() {
                return;
            }
        }
    }

    /// Returns the bytes that have arrived of a binary message that is not read to its end.
    pub fn take_rest(&mut self) -> Option<MessagePart> {
        match &mut self.message {
            Some(Message::Binary { part, .. }) if !part.is_empty() => {
                Some(MessagePart { bytes: into_bytes(mem::take(part)), is_last: false })
            }
            Some(Message::Binary { .. } | Message::Text(_)) | None => None,
        }
    }

    /// Decodes the next event, if enough bytes were read.
    fn decode(&mut self) -> Result<Option<Event>, FrameViolation> {
        loop {
            let event = match self.frame {
                Some(frame) => self.take_payload(frame)?,
                None => match self.next_header()? {
                    Some(event) => event,
                    None => return Ok(None),
                },
            };
            match event {
                Decoded::Event(event) => return Ok(Some(event)),
                Decoded::Continue => {}
                Decoded::NeedsMore => return Ok(None),
            }
        }
    }

    /// Decodes a frame's header. A control frame is decoded with its payload.
    fn next_header(&mut self) -> Result<Option<Decoded>, FrameViolation> {
        let mut cursor = Cursor::new(&self.head);
        // Only a reserved opcode is an error: reading from memory does not fail.
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| FrameViolation::ReservedOpcode)?;
        let Some((header, len)) = parsed else { return Ok(None) };
        let header_len = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(FrameViolation::ReservedBit);
        }
        let mask = Mask::new(header.mask.ok_or(FrameViolation::Unmasked)?);
        match header.opcode {
            OpCode::Control(control) => {
                let len = control_len(&header, len)?;
                if self.head.len() < header_len + len {
                    return Ok(None);
                }
                self.head.advance(header_len);
                self.take_control(control, mask, len).map(Some)
            }
            OpCode::Data(data) => {
                self.begin_frame(data, len)?;
                self.head.advance(header_len);
                self.frame = Some(Frame { rest: len, mask, is_final: header.is_final });
                Ok(Some(Decoded::Continue))
            }
        }
    }

    fn take_control(
        &mut self,
        control: Control,
        mut mask: Mask,
        len: usize,
    ) -> Result<Decoded, FrameViolation> {
        let mut payload = self.head.split_to(len).to_vec();
        mask.unmask(&mut payload);
        match control {
            Control::Close => Ok(Decoded::Event(Event::Close(close_code(&payload)?))),
            Control::Ping => {
                self.pings.put(payload);
                Ok(Decoded::Continue)
            }
            Control::Pong => Ok(Decoded::Event(Event::Pong)),
            Control::Reserved(_) => Err(FrameViolation::ReservedOpcode),
        }
    }

    /// Checks that a data frame is allowed here, and the length of its message.
    fn begin_frame(&mut self, data: Data, len: u64) -> Result<(), FrameViolation> {
        let message = match (data, &mut self.message) {
            (Data::Continue, Some(message)) => message,
            (Data::Continue, None) => return Err(FrameViolation::NothingToContinue),
            (Data::Text | Data::Binary, Some(_)) => return Err(FrameViolation::MessageInMessage),
            (Data::Text, none) => none.insert(Message::Text(Zeroizing::default())),
            (Data::Binary, none) => none.insert(Message::Binary { len: 0, part: BytesMut::new() }),
            (Data::Reserved(_), _) => return Err(FrameViolation::ReservedOpcode),
        };
        match message {
            Message::Text(text) => {
                within(self.limits.text, len.saturating_add(text.len() as u64))?;
                reserve_secret(text, usize::try_from(len).unwrap_or(usize::MAX));
                Ok(())
            }
            Message::Binary { len: so_far, .. } => {
                *so_far = so_far.saturating_add(len);
                within(self.limits.binary, *so_far)
            }
        }
    }

    /// Decodes the payload that was read.
    fn take_payload(&mut self, mut frame: Frame) -> Result<Decoded, FrameViolation> {
        let here = frame.rest_up_to(self.head.len());
        let taken = match &mut self.message {
            Some(Message::Text(text)) => {
                let mut bytes = self.head.split_to(here);
                frame.mask.unmask(&mut bytes);
                text.extend_from_slice(&bytes);
                bytes.as_mut().zeroize();
                bytes.len()
            }
            Some(Message::Binary { part, .. }) => {
                let mut bytes = self.head.split_to(here.min(PART_BYTES - part.len()));
                frame.mask.unmask(&mut bytes);
                allocate(part, frame);
                part.extend_from_slice(&bytes);
                bytes.len()
            }
            None => return Err(FrameViolation::NothingToContinue),
        };
        frame.rest -= taken as u64;
        self.frame = (frame.rest > 0).then_some(frame);
        if self.frame.is_none() && frame.is_final {
            return self.end_message().map(Decoded::Event);
        }
        match &mut self.message {
            Some(Message::Binary { part, .. }) if part.len() == PART_BYTES => {
                let bytes = into_bytes(mem::take(part));
                Ok(Decoded::Event(Event::Binary(MessagePart { bytes, is_last: false })))
            }
            _ if self.frame.is_none() => Ok(Decoded::Continue),
            _ if self.head.is_empty() => Ok(Decoded::NeedsMore),
            _ => Ok(Decoded::Continue),
        }
    }

    fn end_message(&mut self) -> Result<Event, FrameViolation> {
        match self.message.take() {
            Some(Message::Text(mut text)) => match String::from_utf8(mem::take(&mut *text)) {
                Ok(text) => Ok(Event::Text(text.into())),
                Err(error) => {
                    error.into_bytes().zeroize();
                    Err(FrameViolation::NotUtf8)
                }
            },
            Some(Message::Binary { part, .. }) => {
                Ok(Event::Binary(MessagePart { bytes: into_bytes(part), is_last: true }))
            }
            None => Err(FrameViolation::NothingToContinue),
        }
    }

    /// Reads some bytes. Those of a binary payload go directly to the message part.
    async fn read(&mut self) -> Result<(), ReadError> {
        let read = match (&mut self.frame, &mut self.message) {
            (Some(frame), Some(Message::Binary { part, .. })) if self.head.is_empty() => {
                allocate(part, *frame);
                let start = part.len();
                let room = frame.rest_up_to(READ_BYTES.min(PART_BYTES - start));
                let read = self.io.read_buf(&mut part.limit(room)).await?;
                frame.mask.unmask(part.get_mut(start..).unwrap_or_default());
                frame.rest -= read as u64;
                read
            }
            _ => {
                self.head.reserve(HEAD_BYTES - self.head.len().min(HEAD_BYTES));
                self.io.read_buf(&mut (&mut self.head).limit(HEAD_BYTES)).await?
            }
        };
        if read == 0 { Err(ReadError::Ended) } else { Ok(()) }
    }
}

/// The result of decoding some of the bytes that were read.
enum Decoded {
    Event(Event),
    /// More can be decoded.
    Continue,
    /// More has to be read first.
    NeedsMore,
}

/// Reserves space for `additional` bytes. A reallocation would leave a copy of the text behind.
fn reserve_secret(text: &mut Zeroizing<Vec<u8>>, additional: usize) {
    if text.capacity() - text.len() < additional {
        let mut grown = Vec::with_capacity(text.len() + additional);
        grown.extend_from_slice(text);
        *text = Zeroizing::new(grown);
    }
}

fn within(max: ByteCount, len: u64) -> Result<(), FrameViolation> {
    if len > max.0 { Err(FrameViolation::TooLong { max }) } else { Ok(()) }
}

fn control_len(header: &FrameHeader, len: u64) -> Result<usize, FrameViolation> {
    if !header.is_final {
        return Err(FrameViolation::ControlInFragments);
    }
    match usize::try_from(len) {
        Ok(len) if len <= CONTROL_LEN => Ok(len),
        _ => Err(FrameViolation::ControlTooLong),
    }
}

/// Returns the code of a close frame. The reason is checked, but not used.
fn close_code(payload: &[u8]) -> Result<Option<CloseCode>, FrameViolation> {
    match payload.split_first_chunk::<2>() {
        None if payload.is_empty() => Ok(None),
        None => Err(FrameViolation::BadClose),
        Some((code, reason)) => {
            let code = CloseCode::from(u16::from_be_bytes(*code));
            if !code.is_allowed() {
                return Err(FrameViolation::BadClose);
            }
            std::str::from_utf8(reason).map_err(|_| FrameViolation::NotUtf8)?;
            Ok(Some(code))
        }
    }
}

/// Allocates a new part: for the rest of the last frame, or for the longest part.
fn allocate(part: &mut BytesMut, frame: Frame) {
    if part.capacity() == 0 {
        part.reserve(if frame.is_final { frame.rest_up_to(PART_BYTES) } else { PART_BYTES });
    }
}

/// Returns the bytes of a part. The window counts its bytes, so its memory is not much larger.
fn into_bytes(part: BytesMut) -> Bytes {
    let unused = part.capacity() - part.len();
    if unused > part.len() / MAX_UNUSED_DIVISOR {
        Bytes::copy_from_slice(&part)
    } else {
        part.freeze()
    }
}
