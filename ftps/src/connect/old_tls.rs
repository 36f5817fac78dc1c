//! Tells whether a server supports TLS 1.0 or 1.1 (RFC 2246, RFC 4346; both deprecated by RFC 8996).
//!
//! The engine does not support them. A ClientHello is written by hand, and the server's first record
//! is read: a ServerHello names the version. The handshake ends there, without any cryptography.

use std::{fmt, io};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::{Duration, timeout},
};

use crate::random::Random;

/// A version of TLS that is no longer safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OldTlsVersion {
    /// RFC 2246.
    Tls10,
    /// RFC 4346.
    Tls11,
}

impl OldTlsVersion {
    /// Both, the newer one first.
    pub const ALL: [Self; 2] = [Self::Tls11, Self::Tls10];

    fn bytes(self) -> [u8; 2] {
        match self {
            Self::Tls10 => [3, 1],
            Self::Tls11 => [3, 2],
        }
    }

    fn of_bytes(bytes: [u8; 2]) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.bytes() == bytes)
    }
}

impl fmt::Display for OldTlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
        })
    }
}

/// What a server answers to a client that knows nothing newer than an old version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldTlsAnswer {
    /// It agrees to this version.
    Accepted(OldTlsVersion),
    /// It refuses: by an alert, by closing the connection, or by anything else.
    Refused,
}

/// Cipher suites that servers of that time have (RFC 8422, RFC 5246 appendix A.5), and the mark of
/// secure renegotiation (RFC 5746 §3.3).
const CIPHER_SUITES: [u16; 11] =
    [0xc00a, 0xc009, 0xc014, 0xc013, 0x0039, 0x0033, 0x0035, 0x002f, 0xc012, 0x000a, 0x00ff];

/// `secp256r1`, `secp384r1`, `secp521r1` (RFC 8422 §5.1.1).
const CURVES: [u16; 3] = [23, 24, 25];

/// The type of a record with a message of the handshake (RFC 4346 §6.2.1).
const HANDSHAKE: u8 = 0x16;

/// The header of a record: type, version, length (RFC 4346 §6.2.1).
const RECORD_HEADER_BYTES: usize = 5;

/// What is read of the first record: its header, the message's header and the version.
const ANSWER_BYTES: usize = RECORD_HEADER_BYTES + 4 + 2;

/// Sends a ClientHello and reads the answer.
///
/// # Errors
/// When there are no random bytes.
pub(super) async fn offer<S>(
    mut stream: S,
    version: OldTlsVersion,
    name: &ServerName<'_>,
    random: &dyn Random,
    within: Duration,
) -> io::Result<OldTlsAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut bytes = [0; 32];
    random.fill(&mut bytes)?;
    let hello = client_hello(version, name, bytes);
    let answer = async {
        stream.write_all(&hello).await?;
        stream.flush().await?;
        let mut answer = Vec::new();
        // An alert is shorter than a ServerHello, and a text has any length.
        while answer.len() < ANSWER_BYTES && answer.first().is_none_or(|kind| *kind == HANDSHAKE) {
            let missing = ANSWER_BYTES.saturating_sub(answer.len());
            let limit = u64::try_from(missing).unwrap_or(u64::MAX);
            if (&mut stream).take(limit).read_buf(&mut answer).await? == 0 {
                break;
            }
        }
        io::Result::Ok(answer)
    };
    let answer = timeout(within, answer).await;
    Ok(answer
        .ok()
        .and_then(Result::ok)
        .map_or(OldTlsAnswer::Refused, |answer| read(&answer, version)))
}

/// Reads the beginning of a ServerHello (RFC 4346 §7.4.1.3).
fn read(answer: &[u8], offered: OldTlsVersion) -> OldTlsAnswer {
    let chosen = match answer {
        [HANDSHAKE, 3, _, _, _, 0x02, _, _, _, major, minor] => {
            OldTlsVersion::of_bytes([*major, *minor])
        }
        _ => None,
    };
    // A newer version than was offered is a fault, and no session.
    chosen
        .filter(|version| *version <= offered)
        .map_or(OldTlsAnswer::Refused, OldTlsAnswer::Accepted)
}

/// Writes a ClientHello (RFC 4346 §7.4.1.2) in one record.
fn client_hello(version: OldTlsVersion, name: &ServerName<'_>, random: [u8; 32]) -> Vec<u8> {
    let suites: Vec<u8> = CIPHER_SUITES.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let extensions = extensions(name);
    let body = [
        &version.bytes()[..],
        &random,
        // No session to resume.
        &[0],
        &with_length(&suites),
        // No compression.
        &[1, 0],
        &with_length(&extensions),
    ]
    .concat();
    // A length of three bytes; the message is far shorter than 64 KiB.
    let handshake = [&[0x01, 0][..], &with_length(&body)].concat();
    // Any server has to read a record of TLS 1.0.
    [&[HANDSHAKE, 3, 1][..], &with_length(&handshake)].concat()
}

fn extensions(name: &ServerName<'_>) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let ServerName::DnsName(name) = name {
        // RFC 6066 §3: a list of names, of which one is of the type 0, a host.
        let host = [&[0][..], &with_length(name.as_ref().as_bytes())].concat();
        extensions.extend(extension(0, &with_length(&host)));
    }
    let curves: Vec<u8> = CURVES.iter().flat_map(|curve| curve.to_be_bytes()).collect();
    extensions.extend(extension(10, &with_length(&curves)));
    // Uncompressed points.
    extensions.extend(extension(11, &[1, 0]));
    extensions
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &with_length(content)].concat()
}

/// Puts the length in two bytes in front of a content.
fn with_length(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], content].concat()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn server_hello_of_an_old_version_accepts_it() {
        let hello = |minor| [0x16, 3, minor, 0, 80, 2, 0, 0, 76, 3, minor];
        let read = |minor, offered| read(&hello(minor), offered);
        assert_eq!(read(2, OldTlsVersion::Tls11), OldTlsAnswer::Accepted(OldTlsVersion::Tls11));
        assert_eq!(read(1, OldTlsVersion::Tls11), OldTlsAnswer::Accepted(OldTlsVersion::Tls10));
        assert_eq!(read(1, OldTlsVersion::Tls10), OldTlsAnswer::Accepted(OldTlsVersion::Tls10));
        for (minor, offered) in [(2, OldTlsVersion::Tls10), (3, OldTlsVersion::Tls11)] {
            assert_eq!(read(minor, offered), OldTlsAnswer::Refused);
        }
    }

    #[test]
    fn anything_but_a_server_hello_refuses() {
        let alert = [0x15, 3, 1, 0, 2, 2, 70];
        for answer in [&alert[..], b"", b"500 what?\r\n", &[0x16, 3, 1]] {
            assert_eq!(read(answer, OldTlsVersion::Tls11), OldTlsAnswer::Refused, "{answer:?}");
        }
    }

    #[test]
    fn lengths_of_a_client_hello_add_up() {
        for (name, has_name) in [("ftp.example.org", true), ("192.0.2.7", false)] {
            let name = ServerName::try_from(name).unwrap();
            let hello = client_hello(OldTlsVersion::Tls10, &name, [7; 32]);
            let length = |at: usize| usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
            assert_eq!(length(3), hello.len() - 5);
            assert_eq!(length(7), hello.len() - 9);
            let extensions_at = 9 + 2 + 32 + 1 + 2 + 2 * CIPHER_SUITES.len() + 2;
            assert_eq!(length(extensions_at), hello.len() - extensions_at - 2);
            let names = hello.windows(15).any(|window| window == b"ftp.example.org");
            assert_eq!(names, has_name);
        }
        let ip = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
        assert!(extensions(&ip).len() < extensions(&ServerName::try_from("a").unwrap()).len());
    }
}
