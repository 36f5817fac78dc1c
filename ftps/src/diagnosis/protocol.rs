//! Causes of answers that are not FTP, or that FTP does not allow.

use super::Cause;
use crate::{
    error::Error,
    reply::{Code, Reply, decoder::DecodeError},
    stage::Stage,
};

/// Returns the cause of a reply whose code does not answer the command.
pub(super) fn unexpected_cause(reply: &Reply) -> Cause {
    match reply.code() {
        Code::ACCOUNT_NEEDED => Cause::AccountNeeded,
        _ => Cause::ProtocolViolation,
    }
}

/// Returns the cause of bytes that are no reply.
pub(super) fn malformed_cause(error: &Error, malformed: &DecodeError) -> Cause {
    let cause = match malformed {
        DecodeError::NotAReply { start } => plaintext_cause(start),
        DecodeError::LineTooLong { .. }
        | DecodeError::TooManyLines { .. }
        | DecodeError::ReplyTooLong { .. }
        | DecodeError::TooManyPreliminary { .. } => Cause::ProtocolViolation,
    };
    match cause {
        // After an FTP greeting, the port does speak FTP.
        Cause::NotFtp if error.stage() > Stage::Greeting => Cause::ProtocolViolation,
        cause => cause,
    }
}

/// Returns the cause where a server expects TLS from the first byte.
pub(super) fn implicit_tls_cause(error: &Error) -> Cause {
    let is_https_port = error.evidence().target.is_some_and(|(address, _)| address.port() == 443);
    if is_https_port { Cause::HttpServer } else { Cause::ImplicitTlsExpected }
}

/// Recognises the protocol of a server by its first bytes.
pub(super) fn plaintext_cause(start: &[u8]) -> Cause {
    let text = start.to_ascii_lowercase();
    match text.as_slice() {
        [0x15 | 0x16, 0x03, ..] => Cause::ImplicitTlsExpected,
        [b's', b's', b'h', b'-', ..] => Cause::SshServer,
        [b'h', b't', b't', b'p', b'/', ..] | [b'<', b'h' | b'!', ..] => Cause::HttpServer,
        [b'1' | b'2' | b'4', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..] => {
            Cause::ExplicitTlsExpected
        }
        _ => Cause::NotFtp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::samples::{cause_with, diagnosed, reply},
        error::{Evidence, Kind},
        passive::PassiveError,
    };

    #[test]
    fn first_byte_of_tls_instead_of_a_greeting() {
        let start = vec![0x15, 3];
        let error = Kind::Malformed(DecodeError::NotAReply { start }).at(Stage::Greeting);
        assert_eq!(diagnosed(&error).cause, Cause::ImplicitTlsExpected);
    }

    #[test]
    fn answer_to_epsv_that_names_no_port() {
        let (verb, source) = ("EPSV", PassiveError::NoPort);
        let kind = Kind::Passive { verb, reply: reply("229 ok"), source };
        assert_eq!(
            cause_with(kind, Stage::DataConnection, Evidence::default()),
            Cause::PassiveUnusable
        );
    }
}
