//! Character sets of names: text for users, bytes for the server.
//!
//! A [`RemotePath`] is bytes, so names from a listing are sent back unchanged. A character set is
//! needed in two places only: to encode typed and local names, and to display a path.

use std::{borrow::Cow, fmt, str::FromStr};

use encoding_rs::{EncoderResult, Encoding, UTF_8};
use thiserror::Error;

use crate::path::{ForbiddenByte, RemotePath};

/// The character set of a server's names; UTF-8 (RFC 2640) by default.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

/// A character set that cannot be used for names.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is not a character set for names; windows-1252 and shift_jis are")]
pub struct UnknownCharset(String);

/// A text that cannot be encoded as a path.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// The character set lacks the character.
    #[error("the character set {charset} does not have the character \"{character}\"")]
    Unmappable {
        /// The first such character.
        character: char,
        /// The character set.
        charset: Charset,
    },
    /// The text is empty, or could end its command.
    #[error(transparent)]
    Forbidden(#[from] ForbiddenByte),
}

impl Charset {
    /// UTF-8.
    pub const UTF_8: Self = Self(UTF_8);

    /// Its name in the WHATWG's Encoding Standard.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether it is UTF-8.
    #[must_use]
    pub fn is_utf8(self) -> bool {
        self.0 == UTF_8
    }

    /// Encodes a text as a path.
    ///
    /// # Errors
    /// [`NameError`] where the character set lacks one of the characters, or where the path cannot
    /// be the argument of a command.
    pub fn encode(self, text: &str) -> Result<RemotePath, NameError> {
        if self.is_utf8() {
            return Ok(RemotePath::try_from(text)?);
        }
        let mut bytes = Vec::new();
        let mut encoder = self.0.new_encoder();
        let longest = encoder.max_buffer_length_from_utf8_without_replacement(text.len());
        bytes.reserve(longest.unwrap_or(0));
        let (result, _) =
            encoder.encode_from_utf8_to_vec_without_replacement(text, &mut bytes, true);
        match result {
            EncoderResult::InputEmpty => Ok(RemotePath::new(bytes)?),
            EncoderResult::Unmappable(character) => {
                Err(NameError::Unmappable { character, charset: self })
            }
            // There is room for the longest encoding of the text.
            EncoderResult::OutputFull => Err(NameError::Forbidden(ForbiddenByte::Empty)),
        }
    }

    /// Decodes a path for display: undecodable bytes and control characters show as U+FFFD.
    #[must_use]
    pub fn decode(self, path: &RemotePath) -> Cow<'_, str> {
        if self.is_utf8() {
            return path.display();
        }
        let (text, _) = self.0.decode_without_bom_handling(path.as_bytes());
        let unfit = |c: char| c.is_control() && c != '\t';
        if text.contains(unfit) { Cow::Owned(text.replace(unfit, "\u{fffd}")) } else { text }
    }
}

impl Default for Charset {
    fn default() -> Self {
        Self::UTF_8
    }
}

/// Accepts every label of the WHATWG's Encoding Standard, such as `windows-1252`, `latin1`,
/// `shift_jis` and `gbk`, in either case.
impl FromStr for Charset {
    type Err = UnknownCharset;

    fn from_str(label: &str) -> Result<Self, UnknownCharset> {
        let unknown = || UnknownCharset(label.to_owned());
        let encoding = Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(unknown)?;
        // A slash and line ends must have the same bytes as in ASCII.
        let fits = encoding.is_ascii_compatible() && encoding.output_encoding() == encoding;
        if fits { Ok(Self(encoding)) } else { Err(unknown()) }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Charset({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn charset(label: &str) -> Charset {
        label.parse().unwrap()
    }

    #[test]
    fn names_go_out_in_the_charset_and_come_back() {
        for (label, text, bytes) in [
            ("utf-8", "ü", &b"\xc3\xbc"[..]),
            ("latin1", "ü", b"\xfc"),
            ("Windows-1252", "€", b"\x80"),
            ("shift_jis", "\u{8868}", b"\x95\x5c"),
            ("koi8-r", "\u{44f}", b"\xd1"),
        ] {
            let path = charset(label).encode(text).unwrap();
            assert_eq!(path.as_bytes(), bytes, "{label}");
            assert_eq!(charset(label).decode(&path), text, "{label}");
        }
    }

    #[test]
    fn character_that_the_charset_does_not_have_is_named() {
        let error = charset("latin1").encode("a\u{8868}b\u{44f}").unwrap_err();
        let latin1 = charset("windows-1252");
        assert_eq!(error, NameError::Unmappable { character: '\u{8868}', charset: latin1 });
        assert!(error.to_string().contains("windows-1252"));
    }

    #[test]
    fn text_that_would_end_its_command_is_refused_in_every_charset() {
        for label in ["utf-8", "latin1", "gb18030", "big5", "euc-kr"] {
            assert!(charset(label).encode("a\r\nDELE b").is_err(), "{label}");
            assert!(charset(label).encode("").is_err(), "{label}");
        }
    }

    #[test]
    fn charset_that_does_not_keep_ascii_is_refused() {
        for label in ["utf-16le", "utf-16be", "iso-2022-jp", "replacement", "klingon", ""] {
            assert_eq!(label.parse::<Charset>(), Err(UnknownCharset(label.to_owned())));
        }
    }

    #[test]
    fn bytes_that_the_charset_does_not_have_are_shown_and_kept() {
        let path = RemotePath::new(&b"a\xff\x01"[..]).unwrap();
        assert_eq!(charset("utf-8").decode(&path), "a\u{fffd}\u{fffd}");
        assert_eq!(charset("shift_jis").decode(&path), "a\u{fffd}\u{fffd}");
        assert_eq!(path.as_bytes(), b"a\xff\x01");
    }

    proptest! {
        #[test]
        fn what_can_be_encoded_keeps_its_slashes(
            text: String,
            label in prop::sample::select(vec!["latin1", "gbk", "shift_jis", "big5", "utf-8"]),
        ) {
            if let Ok(path) = charset(label).encode(&text) {
                let slashes = path.as_bytes().iter().filter(|&&byte| byte == b'/').count();
                prop_assert_eq!(slashes, text.matches('/').count());
            }
        }
    }
}
