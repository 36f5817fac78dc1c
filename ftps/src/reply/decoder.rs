//! Decodes the bytes of the control connection into replies.
//!
//! Does no I/O and reads no clock: bytes go in with [`ReplyDecoder::push`], lines and replies come
//! out of [`ReplyDecoder::decode`]. [`ReplyLimits`] bound its memory.
//!
//! RFC 959 §4.2 ends a multi-line reply with a line of the same code and a space. Real servers also
//! end lines with a lone LF, repeat the code on every line, indent, and leave the text out; all of
//! that is accepted. Some end with another code: see [`ReplyDecoder::ends_with_another_code`].

use std::{borrow::Cow, collections::VecDeque, fmt};

use thiserror::Error;

use super::{Code, Reply, display_text};
use crate::sentence::{Sentence, SentenceCode};

/// The maximum size of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplyLimits {
    /// Bytes of one line, its end not counted.
    pub line_bytes: usize,
    /// Lines of one reply.
    pub lines: usize,
    /// Bytes of one reply, all its lines together.
    pub bytes: usize,
    /// Preliminary replies (1yz) to one command.
    pub preliminary: usize,
    /// Lines that are logged in a second; the others are counted.
    pub log_lines_per_second: usize,
}

impl Default for ReplyLimits {
    /// 8 KiB a line, 2,048 lines, 256 KiB a reply: four times the largest greeting that other
    /// clients are known to accept. 16 preliminary replies; 1,000 logged lines a second.
    fn default() -> Self {
        Self {
            line_bytes: 8 * 1024,
            lines: 2048,
            bytes: 256 * 1024,
            preliminary: 16,
            log_lines_per_second: 1000,
        }
    }
}

/// A result of the decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// One line of a reply, which may not be complete yet; for a log.
    ReplyLine(ReplyLine),
    /// The reply is complete. Each of its lines was returned before.
    Reply(Reply),
}

/// One line of a reply, as received, without its line end.
#[derive(Clone, PartialEq, Eq)]
pub struct ReplyLine(Vec<u8>);

impl ReplyLine {
    /// The bytes as received.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The line as text for display: invalid UTF-8 and control characters show as U+FFFD.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        display_text(&self.0)
    }
}

impl fmt::Display for ReplyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for ReplyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplyLine({:?})", self.text())
    }
}

/// Bytes that are no reply. The decoder accepts nothing more after it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A line without a code, where a reply has to start.
    NotAReply {
        /// The line's first bytes, at most [`EVIDENCE_BYTES`].
        start: Vec<u8>,
    },
    /// A line without an end.
    LineTooLong {
        /// [`ReplyLimits::line_bytes`].
        limit: usize,
    },
    /// A multi-line reply without an end.
    TooManyLines {
        /// [`ReplyLimits::lines`].
        limit: usize,
    },
    /// A reply that is too long in total.
    ReplyTooLong {
        /// [`ReplyLimits::bytes`].
        limit: usize,
    },
    /// Preliminary replies without end.
    TooManyPreliminary {
        /// [`ReplyLimits::preliminary`].
        limit: usize,
    },
}

impl DecodeError {
    /// Returns its sentence.
    #[must_use]
    pub fn sentence(&self) -> Sentence {
        use SentenceCode as Says;
        match self {
            Self::NotAReply { start } => {
                Sentence::new(Says::ErrorMalformedNotAReply).with("start", display_text(start))
            }
            Self::LineTooLong { limit } => {
                Sentence::new(Says::ErrorMalformedLineTooLong).with("limit", limit)
            }
            Self::TooManyLines { limit } => {
                Sentence::new(Says::ErrorMalformedTooManyLines).with("limit", limit)
            }
            Self::ReplyTooLong { limit } => {
                Sentence::new(Says::ErrorMalformedReplyTooLong).with("limit", limit)
            }
            Self::TooManyPreliminary { limit } => {
                Sentence::new(Says::ErrorMalformedTooManyPreliminary).with("limit", limit)
            }
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

/// The number of bytes of a peer's non-reply that are kept as evidence.
pub const EVIDENCE_BYTES: usize = 80;

/// The decoder of one control connection.
#[derive(Debug)]
pub struct ReplyDecoder {
    limits: ReplyLimits,
    buffer: VecDeque<u8>,
    /// Bytes of `buffer` that are known to hold no LF.
    searched: usize,
    partial: Option<Partial>,
    complete: Option<Reply>,
    poison: Option<DecodeError>,
}

/// A multi-line reply that has not ended.
#[derive(Debug)]
struct Partial {
    code: Code,
    lines: Vec<Vec<u8>>,
    bytes: usize,
    /// Whether the latest line would end a reply of another code.
    foreign_end: bool,
}

impl ReplyDecoder {
    /// Creates an empty decoder.
    #[must_use]
    pub fn new(limits: ReplyLimits) -> Self {
        Self {
            limits,
            buffer: VecDeque::new(),
            searched: 0,
            partial: None,
            complete: None,
            poison: None,
        }
    }

    /// Adds bytes as received from the server.
    ///
    /// Call [`Self::decode`] until it returns `None` before adding more: added bytes are kept.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.poison.is_none() {
            self.buffer.extend(bytes);
        }
    }

    /// Returns the next line or reply; `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no reply or a limit is exceeded; the same from then on.
    pub fn decode(&mut self) -> Result<Option<Decoded>, DecodeError> {
        if let Some(poison) = &self.poison {
            return Err(poison.clone());
        }
        self.step().inspect_err(|error| {
            self.poison = Some(error.clone());
            self.buffer = VecDeque::new();
        })
    }

    /// Whether everything added was decoded: no byte, no line, no reply is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held() == 0 && self.partial.is_none() && self.complete.is_none()
    }

    /// Bytes that were added and not decoded.
    #[must_use]
    pub fn held(&self) -> usize {
        self.buffer.len()
    }

    /// Whether a multi-line reply's latest line would end a reply of another code.
    ///
    /// Some servers mistype the code of the last line. When nothing more arrives for a while, that
    /// line was the end: [`Self::end_here`]. If more arrives, it was text.
    #[must_use]
    pub fn ends_with_another_code(&self) -> bool {
        self.buffer.is_empty() && self.partial.as_ref().is_some_and(|p| p.foreign_end)
    }

    /// Ends a reply whose last line has another code; `None` where there is none.
    pub fn end_here(&mut self) -> Option<Reply> {
        if !self.ends_with_another_code() {
            return None;
        }
        self.partial.take().map(Partial::into_reply)
    }

    fn step(&mut self) -> Result<Option<Decoded>, DecodeError> {
        if let Some(reply) = self.complete.take() {
            return Ok(Some(Decoded::Reply(reply)));
        }
        while let Some(line) = self.take_line()? {
            if self.take_into_reply(&line)? {
                return Ok(Some(Decoded::ReplyLine(ReplyLine(line))));
            }
        }
        Ok(None)
    }

    /// A TLS record where a reply has to start: it may hold no LF for long, so it is reported at
    /// once.
    fn refuse_tls(&self) -> Result<(), DecodeError> {
        if self.partial.is_some() {
            return Ok(());
        }
        match (self.buffer.front(), self.buffer.get(1)) {
            (Some(&kind @ (0x15 | 0x16)), Some(&3)) => {
                Err(DecodeError::NotAReply { start: vec![kind, 3] })
            }
            _ => Ok(()),
        }
    }

    /// The next complete line, without its LF and the CRs before it.
    fn take_line(&mut self) -> Result<Option<Vec<u8>>, DecodeError> {
        self.refuse_tls()?;
        let limit = self.limits.line_bytes;
        let unsearched = self.buffer.range(self.searched..);
        let Some(found) = unsearched.into_iter().position(|&byte| byte == b'\n') else {
            self.searched = self.buffer.len();
            // The CR that may precede the LF does not count.
            if self.searched > limit.saturating_add(1) {
                return Err(DecodeError::LineTooLong { limit });
            }
            return Ok(None);
        };
        let end = self.searched + found;
        self.searched = 0;
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        line.pop();
        // One CR belongs to the line end. Further ones are removed too, but count: the limit must
        // not depend on how the bytes are split.
        if line.strip_suffix(b"\r").unwrap_or(&line).len() > limit {
            return Err(DecodeError::LineTooLong { limit });
        }
        while line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }

    /// Whether the line belongs to a reply; an empty line between two replies does not.
    fn take_into_reply(&mut self, line: &[u8]) -> Result<bool, DecodeError> {
        match &mut self.partial {
            Some(partial) => {
                partial.add(line, self.limits)?;
                if ends(line, partial.code) {
                    self.complete = self.partial.take().map(Partial::into_reply);
                }
                Ok(true)
            }
            None if line.is_empty() => Ok(false),
            None => self.start(line).map(|()| true),
        }
    }

    fn start(&mut self, line: &[u8]) -> Result<(), DecodeError> {
        let not_a_reply = || DecodeError::NotAReply {
            start: line.iter().copied().take(EVIDENCE_BYTES).collect(),
        };
        let code = Code::at_start_of(line).ok_or_else(not_a_reply)?;
        let mut partial = Partial::new(code);
        partial.add(line, self.limits)?;
        match line.get(3) {
            None | Some(b' ') => self.complete = Some(partial.into_reply()),
            Some(b'-') => self.partial = Some(partial),
            Some(_) => return Err(not_a_reply()),
        }
        Ok(())
    }
}

/// Whether the line ends a multi-line reply of that code.
fn ends(line: &[u8], code: Code) -> bool {
    Code::at_start_of(line) == Some(code) && matches!(line.get(3), None | Some(b' '))
}

impl Partial {
    fn new(code: Code) -> Self {
        Self { code, lines: Vec::new(), bytes: 0, foreign_end: false }
    }

    fn add(&mut self, line: &[u8], limits: ReplyLimits) -> Result<(), DecodeError> {
        if self.lines.len() == limits.lines {
            return Err(DecodeError::TooManyLines { limit: limits.lines });
        }
        self.bytes += line.len();
        if self.bytes > limits.bytes {
            return Err(DecodeError::ReplyTooLong { limit: limits.bytes });
        }
        self.foreign_end = Code::at_start_of(line).is_some_and(|code| code != self.code)
            && line.get(3) == Some(&b' ');
        self.lines.push(line.to_vec());
        Ok(())
    }

    fn into_reply(self) -> Reply {
        Reply { code: self.code, lines: self.lines }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replies(bytes: &[u8]) -> Result<Vec<Reply>, DecodeError> {
        replies_of_chunks([bytes], ReplyLimits::default())
    }

    fn replies_of_chunks<'a>(
        chunks: impl IntoIterator<Item = &'a [u8]>,
        limits: ReplyLimits,
    ) -> Result<Vec<Reply>, DecodeError> {
        let mut decoder = ReplyDecoder::new(limits);
        let mut replies = Vec::new();
        for chunk in chunks {
            decoder.push(chunk);
            while let Some(decoded) = decoder.decode()? {
                if let Decoded::Reply(reply) = decoded {
                    replies.push(reply);
                }
            }
        }
        Ok(replies)
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        replies(bytes).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn single_lines_are_replies() {
        assert_eq!(texts(b"220 a\r\n331 b\r\n"), ["220 a", "331 b"]);
    }

    #[test]
    fn lone_lf_ends_a_line_too() {
        assert_eq!(texts(b"220 a\n331 b\n"), ["220 a", "331 b"]);
    }

    #[test]
    fn code_without_text_is_a_reply() {
        assert_eq!(texts(b"220\r\n200 \r\n"), ["220", "200 "]);
    }

    #[test]
    fn multi_line_reply_ends_with_the_same_code_and_a_space() {
        assert_eq!(
            texts(b"220-a\r\n 500 b\r\n220-c\r\n\r\n220 d\r\n"),
            ["220-a\n 500 b\n220-c\n\n220 d"]
        );
    }

    #[test]
    fn other_code_inside_a_multi_line_reply_is_text_if_more_comes() {
        assert_eq!(texts(b"211-a\r\n500 b\r\n211 End\r\n"), ["211-a\n500 b\n211 End"]);
    }

    #[test]
    fn other_code_ends_a_reply_where_nothing_more_comes() {
        let mut decoder = ReplyDecoder::new(ReplyLimits::default());
        decoder.push(b"230-a\r\n226 b\r\n");
        while decoder.decode().unwrap().is_some() {}
        assert!(decoder.ends_with_another_code());
        assert_eq!(decoder.end_here().unwrap().to_string(), "230-a\n226 b");
        assert!(decoder.is_empty());
    }

    #[test]
    fn half_a_line_is_not_the_end_of_a_reply_with_another_code() {
        let mut decoder = ReplyDecoder::new(ReplyLimits::default());
        decoder.push(b"230-a\r\n226 b\r\n23");
        while decoder.decode().unwrap().is_some() {}
        assert_eq!(decoder.end_here(), None);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_kept() {
        let reply = replies(b"220 \xe4\r\n").unwrap().remove(0);
        assert_eq!(reply.raw_text(), b"\xe4");
        assert_eq!(reply.text(), "\u{fffd}");
    }

    #[test]
    fn empty_lines_between_replies_are_skipped() {
        assert_eq!(texts(b"\r\n220 a\r\n\r\n331 b\r\n"), ["220 a", "331 b"]);
    }

    #[test]
    fn line_of_another_protocol_is_refused_with_its_start() {
        assert_eq!(
            replies(b"SSH-2.0-OpenSSH_9.2\r\n"),
            Err(DecodeError::NotAReply { start: b"SSH-2.0-OpenSSH_9.2".to_vec() })
        );
    }

    #[test]
    fn tls_record_is_refused_without_waiting_for_a_line_end() {
        let refused = Err(DecodeError::NotAReply { start: vec![0x15, 3] });
        assert_eq!(replies(b"\x15\x03\x03\x00\x02\x02\x28"), refused);
        assert_eq!(replies_of_chunks([&b"\x15"[..], b"\x03"], ReplyLimits::default()), refused);
        assert_eq!(texts(b"220-a\r\n\x15\x03\r\n220 b\r\n").len(), 1);
    }

    #[test]
    fn nothing_is_decoded_after_an_error() {
        let mut decoder = ReplyDecoder::new(ReplyLimits::default());
        decoder.push(b"nonsense\r\n230 in\r\n");
        assert!(decoder.decode().is_err());
        decoder.push(b"230 in\r\n");
        assert!(decoder.decode().is_err());
    }

    const SMALL: ReplyLimits =
        ReplyLimits { line_bytes: 8, lines: 3, bytes: 20, preliminary: 1, log_lines_per_second: 1 };

    #[test]
    fn line_without_an_end_is_cut_off() {
        assert_eq!(
            replies_of_chunks([&b"220 56789\n"[..]], SMALL),
            Err(DecodeError::LineTooLong { limit: 8 })
        );
        assert_eq!(
            replies_of_chunks([&b"220 567890123"[..]], SMALL),
            Err(DecodeError::LineTooLong { limit: 8 })
        );
        assert!(replies_of_chunks([&b"220 5678\r\n"[..]], SMALL).is_ok());
    }

    #[test]
    fn line_of_many_carriage_returns_is_cut_off_in_whatever_pieces_it_comes() {
        let bytes = b"220 a\r\r\r\r\r\r\r\r\n";
        let refused = Err(DecodeError::LineTooLong { limit: 8 });
        assert_eq!(replies_of_chunks([&bytes[..]], SMALL), refused);
        assert_eq!(replies_of_chunks(bytes.chunks(1), SMALL), refused);
        assert!(replies_of_chunks([&b"220 a\r\r\r\r\n"[..]], SMALL).is_ok());
    }

    #[test]
    fn reply_without_an_end_is_cut_off() {
        assert_eq!(
            replies_of_chunks([&b"220-\n\n\n\n"[..]], SMALL),
            Err(DecodeError::TooManyLines { limit: 3 })
        );
        assert_eq!(
            replies_of_chunks([&b"220-5678\n12345678\n12345678\n"[..]], SMALL),
            Err(DecodeError::ReplyTooLong { limit: 20 })
        );
    }

    /// A reply whose inner lines cannot be taken for its end.
    fn reply() -> impl Strategy<Value = Reply> {
        let text = proptest::collection::vec(
            any::<u8>().prop_filter("line ends", |b| !b"\r\n".contains(b)),
            0..20,
        );
        (100..600_u16, proptest::collection::vec(text, 1..6)).prop_map(|(code, texts)| {
            let code = Code::new(code).unwrap();
            let last = texts.len() - 1;
            let lines = texts.into_iter().enumerate().map(|(index, text)| {
                let mark = if index == last { ' ' } else { '-' };
                let mut line = format!("{code}{mark}").into_bytes();
                line.extend(text);
                line
            });
            Reply { code, lines: lines.collect() }
        })
    }

    fn encode(replies: &[Reply]) -> Vec<u8> {
        let lines = replies.iter().flat_map(|reply| &reply.lines);
        lines.flat_map(|line| [line, &b"\r\n"[..]].concat()).collect()
    }

    proptest! {
        #[test]
        fn replies_come_back(sent in proptest::collection::vec(reply(), 0..5)) {
            prop_assert_eq!(replies(&encode(&sent)), Ok(sent));
        }

        #[test]
        fn chunking_does_not_matter(
            sent in proptest::collection::vec(reply(), 1..4),
            noise in proptest::collection::vec(any::<u8>(), 0..20),
            size in 1..20_usize,
        ) {
            let mut bytes = encode(&sent);
            bytes.extend(noise);
            let chunked = replies_of_chunks(bytes.chunks(size), ReplyLimits::default());
            prop_assert_eq!(chunked, replies(&bytes));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, size in 1..8_usize) {
            let _ = replies_of_chunks(bytes.chunks(size), SMALL);
        }

        #[test]
        fn what_is_held_is_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let mut decoder = ReplyDecoder::new(SMALL);
            for byte in bytes {
                decoder.push(&[byte]);
                let _ = decoder.decode();
                prop_assert!(decoder.held() <= SMALL.line_bytes + 1);
            }
        }
    }
}
