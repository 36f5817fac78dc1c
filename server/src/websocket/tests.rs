//! The messages of tungstenite's client are read correctly, however they arrive, and protocol
//! violations are named.

mod memory_scan;

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::FutureExt as _;
use proptest::prelude::*;
use tokio::io::ReadBuf;
use tokio_tungstenite::tungstenite::{
    Message, WebSocket,
    protocol::{
        Role, WebSocketConfig,
        frame::{
            CloseFrame, Frame,
            coding::{Data, OpCode},
        },
    },
};

use self::memory_scan::HiddenSecret;
use super::{reader::PART_BYTES, *};

const LIMIT: u64 = 300_000;

const LIMITS: MessageLimits = MessageLimits { text: ByteCount(LIMIT), binary: ByteCount(LIMIT) };

/// A connection that delivers bytes in pieces, and is pending after each.
struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    is_due: bool,
}

impl Pieces {
    /// Divides `bytes` into pieces of these lengths, repeatedly.
    fn new(mut bytes: &[u8], lens: &[usize]) -> Self {
        let mut pieces = VecDeque::new();
        for len in lens.iter().cycle() {
            let (piece, rest) = bytes.split_at((*len).min(bytes.len()));
            pieces.push_back(piece.to_vec());
            bytes = rest;
            if bytes.is_empty() {
                break;
            }
        }
        Self { pieces, is_due: false }
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_due = !self.is_due;
        if !self.is_due {
            return Poll::Pending;
        }
        if let Some(mut piece) = self.pieces.pop_front() {
            let rest = piece.split_off(piece.len().min(buf.remaining()));
            buf.put_slice(&piece);
            if !rest.is_empty() {
                self.pieces.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn reader(bytes: &[u8], lens: &[usize]) -> Reader<Pieces> {
    Reader::new(Pieces::new(bytes, lens), LIMITS, Arc::default())
}

/// Returns the next event; every wait is cancelled and started again.
fn next(reader: &mut Reader<Pieces>) -> Result<Event, ReadError> {
    loop {
        if let Some(event) = reader.next().now_or_never() {
            return event;
        }
    }
}

/// Returns the text and binary messages up to the end, and the end itself.
fn read_all(reader: &mut Reader<Pieces>) -> (Vec<Message>, Result<Option<CloseCode>, ReadError>) {
    let mut messages = Vec::new();
    let mut binary = Vec::new();
    loop {
        match next(reader) {
            Ok(Event::Text(text)) => messages.push(Message::text(text.to_string())),
            Ok(Event::Pong) => {}
            Ok(Event::Binary(part)) => {
                binary.extend_from_slice(&part.bytes);
                assert!(part.is_last || part.bytes.len() == PART_BYTES);
                assert!(part.bytes.len() <= PART_BYTES);
                if part.is_last {
                    messages.push(Message::binary(std::mem::take(&mut binary)));
                }
            }
            Ok(Event::Close(code)) => return (messages, Ok(code)),
            Err(error) => return (messages, Err(error)),
        }
    }
}

/// A connection for tungstenite that records what it writes.
#[derive(Default)]
struct Tape {
    to_read: io::Cursor<Vec<u8>>,
    written: Vec<u8>,
}

impl io::Read for Tape {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut self.to_read, buf)
    }
}

impl io::Write for Tape {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A message, how it is divided into frames, and the ping before each of them.
#[derive(Clone, Debug)]
struct SentMessage {
    message: Message,
    cuts: Vec<usize>,
    pings: Vec<Option<u8>>,
}

fn messages() -> impl Strategy<Value = SentMessage> {
    let len = prop_oneof![3 => 0..300_usize, 1 => 0..LIMIT as usize];
    let binary = (len, any::<u8>()).prop_map(|(len, seed)| {
        let byte = |n: usize| (n as u8).wrapping_mul(31).wrapping_add((n >> 8) as u8) ^ seed;
        Message::binary((0..len).map(byte).collect::<Vec<_>>())
    });
    let text = "\\PC{0,300}".prop_map(Message::text);
    let cuts = prop::collection::vec(prop_oneof![0..100_usize, 0..100_000_usize], 0..6);
    let pings = prop::collection::vec(any::<Option<u8>>(), 0..6);
    (prop_oneof![binary, text], cuts, pings).prop_map(|(message, cuts, pings)| SentMessage {
        message,
        cuts,
        pings,
    })
}

/// Returns what tungstenite's client writes.
fn written(all: &[SentMessage]) -> Vec<u8> {
    let mut client = WebSocket::from_raw_socket(Tape::default(), Role::Client, None);
    for sent in all {
        let kind = if sent.message.is_text() { Data::Text } else { Data::Binary };
        let mut rest = sent.message.clone().into_data();
        let mut pings = sent.pings.iter().flatten();
        let mut opcode = OpCode::Data(kind);
        for cut in &sent.cuts {
            let fragment = rest.split_to((*cut).min(rest.len()));
            client.send(Message::Frame(Frame::message(fragment, opcode, false))).unwrap();
            opcode = OpCode::Data(Data::Continue);
            if let Some(ping) = pings.next() {
                client.send(Message::Ping(vec![*ping; 125].into())).unwrap();
                client.send(Message::Pong(vec![*ping].into())).unwrap();
            }
        }
        client.send(Message::Frame(Frame::message(rest, opcode, true))).unwrap();
    }
    let frame = CloseFrame { code: CloseCode::Away, reason: "reload".into() };
    client.close(Some(frame)).unwrap();
    client.flush().unwrap();
    std::mem::take(&mut client.get_mut().written)
}

/// Returns the text and binary messages that tungstenite's server reads.
fn read_by_tungstenite(bytes: &[u8]) -> Vec<Message> {
    let tape = Tape { to_read: io::Cursor::new(bytes.to_vec()), written: Vec::new() };
    let limit = Some(LIMIT as usize);
    let config = WebSocketConfig::default().max_message_size(limit).max_frame_size(limit);
    let mut server = WebSocket::from_raw_socket(tape, Role::Server, Some(config));
    let messages = std::iter::from_fn(|| server.read().ok().filter(|read| !read.is_close()));
    messages.filter(|message| message.is_text() || message.is_binary()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn messages_are_read_however_they_are_divided_and_however_they_arrive(
        all in prop::collection::vec(messages(), 0..6),
        lens in prop::collection::vec(prop_oneof![1..50_usize, 1..40_000_usize], 1..6),
    ) {
        let mut reader = reader(&written(&all), &lens);
        let (messages, end) = read_all(&mut reader);
        let expected: Vec<_> = all.iter().map(|sent| sent.message.clone()).collect();
        prop_assert!(messages == expected);
        prop_assert_eq!(end.unwrap(), Some(CloseCode::Away));
    }

    #[test]
    fn damaged_bytes_are_read_as_tungstenite_reads_them(
        all in prop::collection::vec(messages(), 1..4),
        damage in prop::collection::vec((0..600_usize, any::<u8>()), 1..4),
        lens in prop::collection::vec(1..40_000_usize, 1..6),
    ) {
        let mut bytes = written(&all);
        for (at, byte) in damage {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let (messages, _) = read_all(&mut reader(&bytes, &lens));
        prop_assert!(messages == read_by_tungstenite(&bytes));
    }

    #[test]
    fn any_bytes_come_to_an_end(bytes: Vec<u8>, lens in prop::collection::vec(1..40_usize, 1..6)) {
        let (messages, _) = read_all(&mut reader(&bytes, &lens));
        prop_assert!(messages == read_by_tungstenite(&bytes));
    }
}

/// A masked frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [1, 2, 3, 4];
    let mut bytes = match payload.len() {
        len @ 0..=125 => vec![first, 0x80 | len as u8],
        len => [&[first, 0x80 | 126][..], &(len as u16).to_be_bytes()].concat(),
    };
    bytes.extend(KEY);
    bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

#[test]
fn every_violation_is_named_and_has_its_code() {
    let too_long = FrameViolation::TooLong { max: ByteCount(LIMIT) };
    let [text, binary, close, ping] = [0x81, 0x82, 0x88, 0x89];
    let cases: [(&str, Vec<u8>, FrameViolation, CloseCode); 17] = [
        ("unmasked", vec![text, 1, b'a'], FrameViolation::Unmasked, CloseCode::Protocol),
        ("rsv1", frame(text | 0x40, b"a"), FrameViolation::ReservedBit, CloseCode::Protocol),
        ("rsv2", frame(binary | 0x20, b"a"), FrameViolation::ReservedBit, CloseCode::Protocol),
        ("rsv3", frame(ping | 0x10, b""), FrameViolation::ReservedBit, CloseCode::Protocol),
        ("data opcode", frame(0x83, b""), FrameViolation::ReservedOpcode, CloseCode::Protocol),
        ("control opcode", frame(0x8b, b""), FrameViolation::ReservedOpcode, CloseCode::Protocol),
        (
            "part of a ping",
            frame(0x09, b""),
            FrameViolation::ControlInFragments,
            CloseCode::Protocol,
        ),
        ("long ping", frame(ping, &[0; 126]), FrameViolation::ControlTooLong, CloseCode::Protocol),
        ("continuation", frame(0x80, b"a"), FrameViolation::NothingToContinue, CloseCode::Protocol),
        (
            "message in a message",
            [frame(0x01, b"a"), frame(binary, b"b")].concat(),
            FrameViolation::MessageInMessage,
            CloseCode::Protocol,
        ),
        ("half a code", frame(close, &[3]), FrameViolation::BadClose, CloseCode::Protocol),
        ("code 1005", frame(close, &[3, 0xed]), FrameViolation::BadClose, CloseCode::Protocol),
        ("reason", frame(close, &[3, 0xe8, 0xff]), FrameViolation::NotUtf8, CloseCode::Invalid),
        ("text", frame(text, &[0xff]), FrameViolation::NotUtf8, CloseCode::Invalid),
        (
            "text in fragments",
            [frame(0x01, &[0xc3]), frame(0x80, b"a")].concat(),
            FrameViolation::NotUtf8,
            CloseCode::Invalid,
        ),
        (
            "long message",
            [&[binary, 0xff][..], &(LIMIT + 1).to_be_bytes(), &[0; 4]].concat(),
            too_long,
            CloseCode::Size,
        ),
        (
            "endless message",
            [frame(0x01, b"a"), [&[0x80, 0xff][..], &[0xff; 8], &[0; 4]].concat()].concat(),
            too_long,
            CloseCode::Size,
        ),
    ];
    for (name, bytes, violation, code) in cases {
        for lens in [&[usize::MAX][..], &[1]] {
            let (_, end) = read_all(&mut reader(&bytes, lens));
            assert!(
                matches!(end, Err(ReadError::Violation(v)) if v == violation),
                "{name}: {end:?}"
            );
            assert_eq!(violation.close_code(), code, "{name}");
        }
    }
}

#[test]
fn bytes_before_the_end_of_a_connection_are_kept() {
    let mut reader = reader(&frame(0x82, &[7; 1000])[..500], &[100]);
    assert!(matches!(next(&mut reader), Err(ReadError::Ended)));
    let rest = reader.take_rest().unwrap();
    assert_eq!(rest, MessagePart { bytes: vec![7; 500 - 8].into(), is_last: false });
    assert_eq!(reader.take_rest(), None);
}

#[test]
fn only_one_part_of_a_long_message_is_held_in_memory() {
    let mut bytes = frame(0x02, &[7; 60_000]);
    bytes.extend(frame(0x00, &[7; 60_000]));
    bytes.extend(frame(0x80, &[7; 100]));
    let mut reader = reader(&bytes, &[10_000]);
    let first = next(&mut reader).unwrap();
    let last = next(&mut reader).unwrap();
    let lens = [first, last].map(|event| match event {
        Event::Binary(part) => (part.bytes.len(), part.is_last),
        other => panic!("{other:?}"),
    });
    assert_eq!(lens, [(PART_BYTES, false), (120_100 - PART_BYTES, true)]);
}

#[test]
fn fragmented_part_holds_little_more_memory_than_its_bytes() {
    // A part in two frames: the first one does not tell the length of the message.
    let mut bytes = frame(0x02, &[7; 40_000]);
    bytes.extend(frame(0x80, &[7; 1]));
    let mut reader = reader(&bytes, &[10_000]);
    let Ok(Event::Binary(part)) = next(&mut reader) else { panic!("no part") };
    let held = part.bytes.try_into_mut().unwrap().capacity();
    assert!(held <= 40_001 * 9 / 8, "{held}");
}

#[test]
fn text_leaves_no_copy_in_memory() {
    let secret = HiddenSecret::random();
    let mut payload = secret.masked_with(b"mask");
    payload.splice(0..0, [0x81, 0x80 | secret.len() as u8, b'm', b'a', b's', b'k']);
    let mut fragments = vec![0x01, 0x80 | 10, b'm', b'a', b's', b'k'];
    fragments.extend_from_slice(&payload[6..16]);
    // The mask starts anew with each frame: the second fragment starts at its third byte.
    fragments.extend([0x80, 0x80 | (secret.len() - 10) as u8, b's', b'k', b'm', b'a']);
    fragments.extend_from_slice(&payload[16..]);
    for bytes in [payload, fragments] {
        let mut reader = reader(&bytes, &[1000]);
        let Ok(Event::Text(text)) = next(&mut reader) else { panic!("no text") };
        assert!(secret.is(text.as_bytes()));
        assert!(secret.copies_in_memory() > 0, "the search finds a copy that is there");
        drop(text);
        assert_eq!(secret.copies_in_memory(), 0);
        drop(reader);
    }
}

#[tokio::test]
async fn ping_is_answered_in_the_middle_of_a_message() {
    let (portal, mut client) = tokio::io::duplex(1000);
    let (mut reader, mut writer) = split(portal, LIMITS);
    let sent = [frame(0x01, b"a"), frame(0x89, b"are you there"), frame(0x80, b"b")].concat();
    tokio::io::AsyncWriteExt::write_all(&mut client, &sent).await.unwrap();
    assert_eq!(reader.next().await.unwrap(), Event::Text("ab".to_owned().into()));
    writer.answer_ping().await.unwrap();
    writer.close(CloseCode::Normal).await.unwrap();
    let mut received = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut client, &mut received).await.unwrap();
    let received = writer::tests::read_by_a_client(&received);
    assert_eq!(received[0], Message::Pong(b"are you there".to_vec().into()));
}
