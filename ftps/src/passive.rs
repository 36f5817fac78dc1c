//! Parses the replies to `EPSV` and `PASV`: where the server listens for a data connection.
//!
//! Only the port is used: the caller dials the control connection's peer. The address is kept to
//! log that it was ignored.

use std::{fmt, net::Ipv4Addr};

use thiserror::Error;

use crate::{
    reply::{Code, Reply},
    sentence::{Sentence, SentenceCode},
};

/// The lowest port that a data connection is made to; below it are the well-known services.
pub const LOWEST_DATA_PORT: u16 = 1024;

/// The endpoint that the server named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassiveEndpoint {
    /// The port, at least [`LOWEST_DATA_PORT`].
    pub port: u16,
    /// The address in a 227 reply; a 229 reply names none.
    pub address: Option<Ipv4Addr>,
}

/// A reply to `EPSV` or `PASV` that names no usable port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PassiveError {
    /// The reply's code is neither 227 nor 229.
    OtherCode(Code),
    /// The text is not in the form of RFC 959 §4.1.2 or RFC 2428 §3.
    NoPort,
    /// The port is 0 or one of the well-known ones.
    ForbiddenPort(u16),
}

impl PassiveError {
    /// Returns its sentence.
    #[must_use]
    pub fn sentence(&self) -> Sentence {
        use SentenceCode as Says;
        match self {
            Self::OtherCode(code) => Sentence::new(Says::ErrorPassiveOtherCode).with("code", code),
            Self::NoPort => Sentence::new(Says::ErrorPassiveNoPort),
            Self::ForbiddenPort(port) => Sentence::new(Says::ErrorPassiveForbiddenPort)
                .with("port", port)
                .with("lowest", LOWEST_DATA_PORT),
        }
    }
}

impl fmt::Display for PassiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

/// Parses a 227 or 229 reply: some servers reply to `EPSV` with 227.
///
/// # Errors
/// [`PassiveError`] when the reply names no port, or one below [`LOWEST_DATA_PORT`].
pub fn parse(reply: &Reply) -> Result<PassiveEndpoint, PassiveError> {
    let endpoint = match reply.code() {
        Code::EXTENDED_PASSIVE => extended(reply.raw_text()),
        Code::PASSIVE => octets(reply.raw_text()),
        other => return Err(PassiveError::OtherCode(other)),
    };
    let endpoint = endpoint.ok_or(PassiveError::NoPort)?;
    if endpoint.port < LOWEST_DATA_PORT {
        return Err(PassiveError::ForbiddenPort(endpoint.port));
    }
    Ok(endpoint)
}

/// `(<d><protocol><d><address><d><port><d>)`, where `<d>` is any one character.
fn extended(text: &[u8]) -> Option<PassiveEndpoint> {
    let open = text.iter().position(|&byte| byte == b'(')?;
    let (&delimiter, inner) = text.get(open + 1..)?.split_first()?;
    let mut fields = inner.split(|&byte| byte == delimiter);
    let (_protocol, _address, port) = (fields.next()?, fields.next()?, fields.next()?);
    // Without a delimiter after the port, the port may be truncated.
    fields.next()?;
    Some(PassiveEndpoint { port: number(port)?, address: None })
}

/// The first six numbers with commas between them: `h1,h2,h3,h4,p1,p2`.
fn octets(text: &[u8]) -> Option<PassiveEndpoint> {
    let starts = (0..text.len()).filter(|&at| {
        let before = &text[..at];
        let in_number = before.last().is_some_and(u8::is_ascii_digit);
        let in_run = before.trim_ascii_end().last() == Some(&b',');
        text[at].is_ascii_digit() && !in_number && !in_run
    });
    let mut six = starts.filter_map(|at| six_octets(&text[at..]));
    let [a, b, c, d, high, low] = six.next()?;
    Some(PassiveEndpoint {
        port: u16::from_be_bytes([high, low]),
        address: Some(Ipv4Addr::new(a, b, c, d)),
    })
}

fn six_octets(text: &[u8]) -> Option<[u8; 6]> {
    let end = text.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b',' | b' '));
    let run = &text[..end.unwrap_or(text.len())];
    let mut octets = [0; 6];
    let mut fields = run.split(|&byte| byte == b',');
    for octet in &mut octets {
        *octet = number(fields.next()?.trim_ascii())?;
    }
    fields.next().is_none().then_some(octets)
}

fn number<N: std::str::FromStr>(digits: &[u8]) -> Option<N> {
    let digits = std::str::from_utf8(digits).ok()?;
    // `parse` would accept a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reply::decoder::{Decoded, ReplyDecoder, ReplyLimits};

    fn reply(line: &[u8]) -> Option<Reply> {
        let mut decoder = ReplyDecoder::new(ReplyLimits::default());
        decoder.push(line);
        decoder.push(b"\r\n");
        while let Ok(Some(decoded)) = decoder.decode() {
            if let Decoded::Reply(reply) = decoded {
                return Some(reply);
            }
        }
        None
    }

    fn port(line: &str) -> Result<u16, PassiveError> {
        parse(&reply(line.as_bytes()).unwrap()).map(|endpoint| endpoint.port)
    }

    #[test]
    fn port_of_a_229_is_found() {
        assert_eq!(port("229 Entering (|||6446|)"), Ok(6446));
        assert_eq!(port("229 Entering (!!!6446!)"), Ok(6446));
        assert_eq!(port("229 Entering (|1|132.235.1.2|6275|)"), Ok(6275));
    }

    #[test]
    fn port_of_a_227_is_found_with_and_without_parentheses() {
        assert_eq!(port("227 Entering (127,0,0,1,200,1)."), Ok(51201));
        assert_eq!(port("227 Entering 127,0,0,1,200,1"), Ok(51201));
        assert_eq!(port("227 Entering [127, 0, 0, 1, 200, 1]"), Ok(51201));
        assert_eq!(port("227 Mode 2 =127,0,0,1,200,1"), Ok(51201));
    }

    #[test]
    fn address_of_a_227_is_kept_for_the_log() {
        let reply = reply(b"227 ok (10,0,0,7,200,1)").unwrap();
        let endpoint = parse(&reply).unwrap();
        assert_eq!(endpoint.address, Some(Ipv4Addr::new(10, 0, 0, 7)));
    }

    #[test]
    fn well_known_ports_are_refused() {
        assert_eq!(port("229 ok (|||22|)"), Err(PassiveError::ForbiddenPort(22)));
        assert_eq!(port("227 ok (1,2,3,4,0,0)"), Err(PassiveError::ForbiddenPort(0)));
    }

    #[test]
    fn text_without_a_port_is_refused() {
        for line in [
            "229 ok",
            "229 ok (|||65536|)",
            "229 ok (|||+6446|)",
            "229 ok (|||6446",
            "227 ok (1,2,3,4,5)",
            "227 ok (1,2,3,4,5,6,7)",
            "227 ok (1,2,3,4,256,1)",
        ] {
            assert_eq!(port(line), Err(PassiveError::NoPort), "{line}");
        }
        assert_eq!(port("200 ok"), Err(PassiveError::OtherCode(Code::new(200).unwrap())));
    }

    proptest! {
        #[test]
        fn every_address_comes_back(octets: [u8; 6]) {
            let [a, b, c, d, high, low] = octets;
            let port = u16::from_be_bytes([high, low]);
            let line = format!("227 Entering Passive Mode ({a},{b},{c},{d},{high},{low}).");
            let expected = if port < LOWEST_DATA_PORT {
                Err(PassiveError::ForbiddenPort(port))
            } else {
                Ok(PassiveEndpoint { port, address: Some(Ipv4Addr::new(a, b, c, d)) })
            };
            prop_assert_eq!(parse(&reply(line.as_bytes()).unwrap()), expected);
        }

        #[test]
        fn arbitrary_text_never_panics(code in prop::sample::select(vec!["227 ", "229 "]), text: Vec<u8>) {
            if let Some(reply) = reply(&[code.as_bytes(), &text].concat()) {
                let _ = parse(&reply);
            }
        }
    }
}
