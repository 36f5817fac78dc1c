//! Replies of the control connection (RFC 959 §4.2): the code, and every line verbatim.
//!
//! [`decoder`] makes them from bytes. No I/O.

use std::{borrow::Cow, fmt};

pub mod decoder;

/// The three digits that start a reply, 100 to 599 (RFC 959 §4.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

impl Code {
    /// Restart marker or "ready in some minutes" (RFC 959 §4.2.2).
    pub const READY_SOON: Self = Self(120);
    /// The data connection is open and the transfer starts.
    pub const DATA_ALREADY_OPEN: Self = Self(125);
    /// File status okay, about to open the data connection.
    pub const OPENING_DATA: Self = Self(150);
    /// The command succeeded.
    pub const OKAY: Self = Self(200);
    /// File status: the answer to `SIZE`, `MDTM` and others (RFC 3659 §3, §4).
    pub const FILE_STATUS: Self = Self(213);
    /// Service ready: the greeting.
    pub const READY: Self = Self(220);
    /// Closing the data connection, the file action succeeded.
    pub const TRANSFER_COMPLETE: Self = Self(226);
    /// Entering passive mode, with an address (RFC 959 §4.1.2).
    pub const PASSIVE: Self = Self(227);
    /// Entering extended passive mode, with a port (RFC 2428 §3).
    pub const EXTENDED_PASSIVE: Self = Self(229);
    /// Logged in.
    pub const LOGGED_IN: Self = Self(230);
    /// The security data exchange is complete: TLS starts (RFC 4217 §4).
    pub const AUTH_ACCEPTED: Self = Self(234);
    /// The user name is okay, a password is needed.
    pub const PASSWORD_NEEDED: Self = Self(331);
    /// An account is needed.
    pub const ACCOUNT_NEEDED: Self = Self(332);
    /// Wrongly used by some servers where RFC 4217 §4 wants 234.
    pub const AUTH_CONTINUES: Self = Self(334);
    /// The service is not available; the control connection closes.
    pub const CLOSING: Self = Self(421);
    /// The data connection cannot be opened.
    pub const NO_DATA_CONNECTION: Self = Self(425);
    /// The data connection was closed, the transfer aborted.
    pub const TRANSFER_ABORTED: Self = Self(426);
    /// Some resource is unavailable to process security (RFC 2228 §3).
    pub const SECURITY_UNAVAILABLE: Self = Self(431);
    /// An error of the server's own while it processed the command.
    pub const LOCAL_ERROR: Self = Self(451);
    /// Insufficient storage space.
    pub const NO_SPACE: Self = Self(452);
    /// The command is not known.
    pub const UNKNOWN_COMMAND: Self = Self(500);
    /// The arguments are wrong.
    pub const BAD_ARGUMENTS: Self = Self(501);
    /// The command is not implemented.
    pub const NOT_IMPLEMENTED: Self = Self(502);
    /// The commands came in a bad order.
    pub const BAD_SEQUENCE: Self = Self(503);
    /// The command is not implemented for that argument.
    pub const BAD_PARAMETER: Self = Self(504);
    /// The data connection may not be opened with this `PROT` (RFC 4217 §10.2), or, from some
    /// servers, the directory exists.
    pub const PROT_REFUSED: Self = Self(521);
    /// The TLS of the data connection was not accepted (RFC 4217 §10.2), or, in answer to `EPSV`,
    /// the network protocol is not supported (RFC 2428 §2).
    pub const DATA_TLS_REFUSED: Self = Self(522);
    /// Not logged in.
    pub const NOT_LOGGED_IN: Self = Self(530);
    /// An account is needed to store files.
    pub const ACCOUNT_TO_STORE: Self = Self(532);
    /// The request was denied for policy reasons (RFC 2228 §3).
    pub const POLICY: Self = Self(534);
    /// The requested `PROT` level is not supported (RFC 2228 §3).
    pub const PROT_UNSUPPORTED: Self = Self(536);
    /// The file is unavailable: not found, no access, or anything else.
    pub const UNAVAILABLE: Self = Self(550);
    /// The storage allocation is exceeded.
    pub const QUOTA_EXCEEDED: Self = Self(552);
    /// The file name is not allowed.
    pub const NAME_NOT_ALLOWED: Self = Self(553);

    /// The code with this number; `None` unless it is 100 to 599.
    #[must_use]
    pub fn new(value: u16) -> Option<Self> {
        (100..600).contains(&value).then_some(Self(value))
    }

    /// The code at the start of a line, if there is one.
    pub(crate) fn at_start_of(line: &[u8]) -> Option<Self> {
        let digits = line.first_chunk::<3>()?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let value = digits.iter().fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
        Self::new(value)
    }

    /// The number, 100 to 599.
    #[must_use]
    pub fn value(self) -> u16 {
        self.0
    }

    /// The severity, from the first digit.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self.0 {
            ..200 => Severity::Preliminary,
            200..300 => Severity::Completion,
            300..400 => Severity::Intermediate,
            400..500 => Severity::TransientFailure,
            500.. => Severity::PermanentFailure,
        }
    }

    /// Whether the server does not support the command or its argument: 500, 501, 502 or 504.
    #[must_use]
    pub fn is_not_supported(self) -> bool {
        let codes = [
            Self::UNKNOWN_COMMAND,
            Self::BAD_ARGUMENTS,
            Self::NOT_IMPLEMENTED,
            Self::BAD_PARAMETER,
        ];
        codes.contains(&self)
    }

    /// Whether the server refuses: 4yz or 5yz.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        self.0 >= 400
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The meaning of a code's first digit (RFC 959 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// 1yz: the action has started, another reply follows.
    Preliminary,
    /// 2yz: the action is complete.
    Completion,
    /// 3yz: more information is needed.
    Intermediate,
    /// 4yz: the action failed, and may succeed later.
    TransientFailure,
    /// 5yz: the action failed.
    PermanentFailure,
}

/// A complete reply.
///
/// Its lines are kept as received, without their line ends.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    code: Code,
    lines: Vec<Vec<u8>>,
}

impl Reply {
    /// Creates a reply from its lines, as the decoder returns them.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn from_lines(code: Code, lines: Vec<Vec<u8>>) -> Self {
        Self { code, lines }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The lines as received, the code included, without CR LF.
    pub fn raw_lines(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.lines.iter().map(Vec::as_slice)
    }

    /// The lines as text for display: invalid UTF-8 and control characters show as U+FFFD.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = Cow<'_, str>> {
        self.lines.iter().map(|line| display_text(line))
    }

    /// What follows the code in the first line, as received.
    #[must_use]
    pub fn raw_text(&self) -> &[u8] {
        let first = self.lines.first().map_or(&[][..], Vec::as_slice);
        first.get(4..).unwrap_or_default()
    }

    /// What follows the code in the first line, as text for display.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        display_text(self.raw_text())
    }

    /// Whether any line contains `needle`, ignoring case.
    pub(crate) fn mentions(&self, needle: &str) -> bool {
        self.lines().any(|line| line.to_ascii_lowercase().contains(needle))
    }
}

/// All lines, verbatim, joined by LF.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&line)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({:?})", self.to_string())
    }
}

/// Decodes bytes of a peer for display: lossy UTF-8, control characters except the tab replaced.
pub(crate) fn display_text(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    let unfit = |c: char| c.is_control() && c != '\t';
    if !text.contains(unfit) {
        return text;
    }
    Cow::Owned(text.replace(unfit, "\u{fffd}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_three_digits_from_100_to_599() {
        assert_eq!(Code::at_start_of(b"220 hello"), Some(Code::READY));
        assert_eq!(Code::at_start_of(b"22"), None);
        assert_eq!(Code::at_start_of(b"099 x"), None);
        assert_eq!(Code::at_start_of(b"600 x"), None);
        assert_eq!(Code::at_start_of(b" 220 x"), None);
    }

    #[test]
    fn control_characters_of_a_peer_are_not_shown() {
        assert_eq!(display_text(b"a\0b\x1b[31m\tc\xff"), "a\u{fffd}b\u{fffd}[31m\tc\u{fffd}");
    }
}
