//! From bytes to messages.

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

use super::{CONTROL_LEN, FrameViolation, MessageLimits, Pings, mask::Mask};
use crate::settings::ByteCount;

/// What is read at a time while it is not known what comes, in bytes: whatever is short comes
/// through it, and each socket holds as many.
const HEAD_BYTES: usize = 4 * 1024;

/// What is read of a payload at a time, in bytes: what a TLS record brings (RFC 8446 §5.1). rustls
/// clears as many before each read, so that more would cost time.
const READ_BYTES: usize = 16 * 1024;

/// The longest [`MessagePart`] in bytes: what the engine sends at a time.
pub const PART_BYTES: usize = 64 * 1024;

/// What has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A text message.
    Text(String),
    /// A part of a binary message.
    Binary(MessagePart),
    /// The client is there: it answers a ping.
    Pong,
    /// The client closes the socket, with its code; nothing follows.
    Close(Option<CloseCode>),
}

/// Some bytes of a binary message. All of its parts but the last are [`PART_BYTES`] long, however
/// the client has cut it into frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePart {
    /// The bytes; the last part of a message may have none.
    pub bytes: Bytes,
    /// Whether the message ends with it.
    pub is_last: bool,
}

/// Why nothing follows.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The connection ended without a close frame.
    #[error("the connection ended")]
    Ended,
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// The client broke the rules: close with [`FrameViolation::close_code`].
    #[error(transparent)]
    Violation(#[from] FrameViolation),
}

/// Reads what a client sends. Pings go to the [writer](super::Writer) to be answered; a pong is an
/// [event](Event::Pong), as it shows that the client is there.
#[derive(Debug)]
pub struct Reader<R> {
    io: R,
    limits: MessageLimits,
    pings: Arc<Pings>,
    /// Read and not looked at yet.
    head: BytesMut,
    /// The frame whose payload is under way.
    frame: Option<Frame>,
    /// The message under way.
    message: Option<Message>,
}

/// What is left of a data frame.
#[derive(Clone, Copy, Debug)]
struct Frame {
    rest: u64,
    mask: Mask,
    /// Whether its message ends with it.
    is_final: bool,
}

impl Frame {
    fn rest_up_to(&self, most: usize) -> usize {
        usize::try_from(self.rest).unwrap_or(usize::MAX).min(most)
    }
}

/// What is there of a message.
#[derive(Debug)]
enum Message {
    Text(Vec<u8>),
    Binary {
        /// Of all frames that have begun, in bytes.
        len: u64,
        part: BytesMut,
    },
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(io: R, limits: MessageLimits, pings: Arc<Pings>) -> Self {
        Self { io, limits, pings, head: BytesMut::new(), frame: None, message: None }
    }

    /// What arrives next.
    ///
    /// # Errors
    /// [`ReadError`]; nothing follows then.
    ///
    /// # Cancel safety
    /// Cancel safe: what has arrived is kept.
    pub async fn next(&mut self) -> Result<Event, ReadError> {
        loop {
            if let Some(event) = self.decode()? {
                return Ok(event);
            }
            self.read().await?;
        }
    }

    /// Reads and forgets until the client has ended its side too, or the connection fails.
    pub async fn drain(&mut self) {
        (self.frame, self.message) = (None, None);
        loop {
            self.head.clear();
            if self.read().await.is_err() {
                return;
            }
        }
    }

    /// What has arrived of a binary message that will not be read to its end.
    pub fn take_rest(&mut self) -> Option<MessagePart> {
        match &mut self.message {
            Some(Message::Binary { part, .. }) if !part.is_empty() => {
                Some(MessagePart { bytes: finished(mem::take(part)), is_last: false })
            }
            Some(Message::Binary { .. } | Message::Text(_)) | None => None,
        }
    }

    /// The next event of what was read; nothing when more has to be read for it.
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
                Step::Event(event) => return Ok(Some(event)),
                Step::On => {}
                Step::Starved => return Ok(None),
            }
        }
    }

    /// Takes a header off what was read, with the whole payload where it is a control frame.
    fn next_header(&mut self) -> Result<Option<Step>, FrameViolation> {
        let mut cursor = Cursor::new(&self.head);
        // It fails for a reserved opcode alone: to read from memory does not.
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
                Ok(Some(Step::On))
            }
        }
    }

    fn take_control(
        &mut self,
        control: Control,
        mut mask: Mask,
        len: usize,
    ) -> Result<Step, FrameViolation> {
        let mut payload = self.head.split_to(len).to_vec();
        mask.take_off(&mut payload);
        match control {
            Control::Close => Ok(Step::Event(Event::Close(close_code(&payload)?))),
            Control::Ping => {
                self.pings.put(payload);
                Ok(Step::On)
            }
            Control::Pong => Ok(Step::Event(Event::Pong)),
            Control::Reserved(_) => Err(FrameViolation::ReservedOpcode),
        }
    }

    /// Checks that a data frame may come now, and how long its message becomes.
    fn begin_frame(&mut self, data: Data, len: u64) -> Result<(), FrameViolation> {
        let message = match (data, &mut self.message) {
            (Data::Continue, Some(message)) => message,
            (Data::Continue, None) => return Err(FrameViolation::NothingToContinue),
            (Data::Text | Data::Binary, Some(_)) => return Err(FrameViolation::MessageInMessage),
            (Data::Text, none) => none.insert(Message::Text(Vec::new())),
            (Data::Binary, none) => none.insert(Message::Binary { len: 0, part: BytesMut::new() }),
            (Data::Reserved(_), _) => return Err(FrameViolation::ReservedOpcode),
        };
        match message {
            Message::Text(text) => within(self.limits.text, len.saturating_add(text.len() as u64)),
            Message::Binary { len: so_far, .. } => {
                *so_far = so_far.saturating_add(len);
                within(self.limits.binary, *so_far)
            }
        }
    }

    /// Moves on with the payload under way, as far as it was read.
    fn take_payload(&mut self, mut frame: Frame) -> Result<Step, FrameViolation> {
        let here = frame.rest_up_to(self.head.len());
        let taken = match &mut self.message {
            Some(Message::Text(text)) => {
                let mut bytes = self.head.split_to(here);
                frame.mask.take_off(&mut bytes);
                text.extend_from_slice(&bytes);
                bytes.len()
            }
            Some(Message::Binary { part, .. }) => {
                let mut bytes = self.head.split_to(here.min(PART_BYTES - part.len()));
                frame.mask.take_off(&mut bytes);
                make_room(part, frame);
                part.extend_from_slice(&bytes);
                bytes.len()
            }
            None => return Err(FrameViolation::NothingToContinue),
        };
        frame.rest -= taken as u64;
        self.frame = (frame.rest > 0).then_some(frame);
        if self.frame.is_none() && frame.is_final {
            return self.end_message().map(Step::Event);
        }
        match &mut self.message {
            Some(Message::Binary { part, .. }) if part.len() == PART_BYTES => {
                let bytes = finished(mem::take(part));
                Ok(Step::Event(Event::Binary(MessagePart { bytes, is_last: false })))
            }
            _ if self.frame.is_none() => Ok(Step::On),
            _ if self.head.is_empty() => Ok(Step::Starved),
            _ => Ok(Step::On),
        }
    }

    fn end_message(&mut self) -> Result<Event, FrameViolation> {
        match self.message.take() {
            Some(Message::Text(text)) => {
                String::from_utf8(text).map(Event::Text).map_err(|_| FrameViolation::NotUtf8)
            }
            Some(Message::Binary { part, .. }) => {
                Ok(Event::Binary(MessagePart { bytes: finished(part), is_last: true }))
            }
            None => Err(FrameViolation::NothingToContinue),
        }
    }

    /// Reads some bytes: of a binary payload straight to where they stay.
    async fn read(&mut self) -> Result<(), ReadError> {
        let read = match (&mut self.frame, &mut self.message) {
            (Some(frame), Some(Message::Binary { part, .. })) if self.head.is_empty() => {
                make_room(part, *frame);
                let start = part.len();
                let room = frame.rest_up_to(READ_BYTES.min(PART_BYTES - start));
                let read = self.io.read_buf(&mut part.limit(room)).await?;
                frame.mask.take_off(part.get_mut(start..).unwrap_or_default());
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

/// What a look at what was read has come to.
enum Step {
    Event(Event),
    /// There may be more in it.
    On,
    /// There is nothing left of it.
    Starved,
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

/// The code of a close frame, its reason checked and not used.
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

/// Memory for a part that begins: as much as is known to come, or all that may.
fn make_room(part: &mut BytesMut, frame: Frame) {
    if part.capacity() == 0 {
        part.reserve(if frame.is_final { frame.rest_up_to(PART_BYTES) } else { PART_BYTES });
    }
}

/// A part as it is handed over: it waits in a window that counts its bytes, and may not hold much
/// more than those.
fn finished(part: BytesMut) -> Bytes {
    if part.len() < part.capacity() / 2 { Bytes::copy_from_slice(&part) } else { part.freeze() }
}
