//! Proxies that connect to the server: SOCKS5 (RFC 1928, RFC 1929) and HTTP `CONNECT` (RFC 9110
//! §9.3.6).
//!
//! The proxy is asked for an address, never for a name: the address was vetted, and a name could
//! resolve to another one at the proxy. The server still has to show its certificate.
//!
//! Credentials are sent to the proxy unencrypted, as both protocols specify.

use std::{fmt, io, net::SocketAddr, str};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_socks::{Error as SocksError, tcp::Socks5Stream};
use zeroize::Zeroizing;

use crate::{
    credentials::{ASTERISKS, Credentials},
    reply::display_text,
    sentence::{Sentence, SentenceCode},
};

/// The longest user name and password that SOCKS5 can carry, in bytes (RFC 1929 §2).
const MAX_SOCKS_CREDENTIAL_BYTES: usize = 255;

/// The maximum head of an HTTP response, in bytes; those of proxies have some hundred.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The maximum number of header fields of an HTTP response.
const MAX_HEAD_FIELDS: usize = 64;

/// How much of an invalid response is shown, in bytes.
const SHOWN_BYTES: usize = 60;

/// A proxy, and the credentials for it.
#[derive(Clone)]
pub struct Proxy {
    protocol: ProxyProtocol,
    /// At least one.
    addresses: Vec<SocketAddr>,
    credentials: Option<Credentials>,
}

/// The protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyProtocol {
    /// SOCKS version 5 (RFC 1928), with user name and password where there are any (RFC 1929).
    Socks5,
    /// HTTP/1.1 `CONNECT` (RFC 9110 §9.3.6), with `Basic` credentials where there are any
    /// (RFC 7617).
    HttpConnect,
}

/// `SOCKS5 proxy`.
impl fmt::Display for ProxyProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socks5 => "SOCKS5 proxy",
            Self::HttpConnect => "HTTP proxy",
        })
    }
}

/// An invalid proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// It has no address.
    #[error("a proxy has at least one address")]
    NoAddress,
    /// SOCKS5 has one byte for the length of each.
    #[error("SOCKS5 takes a user name and a password of 1 to 255 bytes each")]
    Length,
    /// `Basic` separates user name and password with a colon.
    #[error("a user name for an HTTP proxy can have no colon")]
    Colon,
}

impl Proxy {
    /// Creates a proxy with one or several addresses, which are tried in order. The caller decides
    /// whether they may be dialled.
    ///
    /// # Errors
    /// [`ProxyError`] when there is no address, or the protocol cannot carry the credentials.
    pub fn new(
        protocol: ProxyProtocol,
        addresses: Vec<SocketAddr>,
        credentials: Option<Credentials>,
    ) -> Result<Self, ProxyError> {
        if addresses.is_empty() {
            return Err(ProxyError::NoAddress);
        }
        if let Some(who) = &credentials {
            match protocol {
                ProxyProtocol::Socks5 => check_lengths(who)?,
                ProxyProtocol::HttpConnect => check_colon(who)?,
            }
        }
        Ok(Self { protocol, addresses, credentials })
    }

    /// Its protocol.
    #[must_use]
    pub fn protocol(&self) -> ProxyProtocol {
        self.protocol
    }

    /// Its addresses.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Asks the proxy, over a connection to it, to connect to the server. Reads none of the
    /// server's bytes.
    pub(crate) async fn connect_to(
        &self,
        server: SocketAddr,
        tcp: TcpStream,
    ) -> Result<TcpStream, ProxyFailure> {
        match self.protocol {
            ProxyProtocol::Socks5 => self.socks(server, tcp).await,
            ProxyProtocol::HttpConnect => self.http(server, tcp).await,
        }
    }

    async fn socks(&self, server: SocketAddr, tcp: TcpStream) -> Result<TcpStream, ProxyFailure> {
        let connected = match &self.credentials {
            None => Socks5Stream::connect_with_socket(tcp, server).await,
            Some(who) => {
                let (name, password) = (who.username.as_str(), who.password.expose_for_proxy());
                Socks5Stream::connect_with_password_and_socket(tcp, server, name, password).await
            }
        };
        connected.map(Socks5Stream::into_inner).map_err(socks_failure)
    }

    async fn http(
        &self,
        server: SocketAddr,
        mut tcp: TcpStream,
    ) -> Result<TcpStream, ProxyFailure> {
        tcp.write_all(self.http_request(server).as_bytes()).await.map_err(ProxyFailure::Lost)?;
        let (status, reason) = read_head(&mut tcp).await?;
        if (200..300).contains(&status) { Ok(tcp) } else { Err(http_failure(status, &reason)) }
    }

    /// A text with a secret is allocated once: a growing one leaves copies behind.
    fn http_request(&self, server: SocketAddr) -> Zeroizing<String> {
        let start = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n");
        let authorization = self.credentials.as_ref().map(basic_authorization);
        let authorization = authorization.as_ref().map_or("", |field| field.as_str());
        Zeroizing::new([start.as_str(), authorization, "\r\n"].concat())
    }
}

/// The header field with user name and password (RFC 7617 §2).
fn basic_authorization(who: &Credentials) -> Zeroizing<String> {
    let (name, password) = (who.username.as_str(), who.password.expose_for_proxy());
    let pair = Zeroizing::new([name, ":", password].concat());
    let encoded = Zeroizing::new(BASE64.encode(pair.as_bytes()));
    Zeroizing::new(["Proxy-Authorization: Basic ", encoded.as_str(), "\r\n"].concat())
}

/// Neither user name nor password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("protocol", &self.protocol)
            .field("addresses", &self.addresses)
            .field("credentials", &self.credentials.as_ref().map(|_| ASTERISKS))
            .finish()
    }
}

fn check_lengths(who: &Credentials) -> Result<(), ProxyError> {
    let fits = |text: &str| (1..=MAX_SOCKS_CREDENTIAL_BYTES).contains(&text.len());
    let all_fit = fits(who.username.as_str()) && fits(who.password.expose_for_proxy());
    if all_fit { Ok(()) } else { Err(ProxyError::Length) }
}

fn check_colon(who: &Credentials) -> Result<(), ProxyError> {
    if who.username.as_str().contains(':') { Err(ProxyError::Colon) } else { Ok(()) }
}

/// Why a proxy made no connection. Its response is kept as text of limited length.
#[derive(Debug, Error)]
pub(crate) enum ProxyFailure {
    Unreachable(#[source] io::Error),
    Lost(#[source] io::Error),
    Silent,
    Credentials(String),
    Refused(String),
    Server { trouble: ServerTrouble, answer: String },
    NotAProxy(String),
}

impl ProxyFailure {
    /// Returns its sentence about the proxy.
    pub(crate) fn sentence(&self) -> Sentence {
        use SentenceCode as Says;
        match self {
            Self::Unreachable(_) => Sentence::new(Says::ErrorProxyUnreachable),
            Self::Lost(_) => Sentence::new(Says::ErrorProxyLost),
            Self::Silent => Sentence::new(Says::ErrorProxySilent),
            Self::Credentials(answer) => {
                Sentence::new(Says::ErrorProxyCredentials).with("answer", answer)
            }
            Self::Refused(answer) => Sentence::new(Says::ErrorProxyRefused).with("answer", answer),
            Self::Server { answer, .. } => {
                Sentence::new(Says::ErrorProxyServer).with("answer", answer)
            }
            Self::NotAProxy(answer) => {
                Sentence::new(Says::ErrorProxyNotAProxy).with("answer", answer)
            }
        }
    }

    /// Whether a later attempt may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Lost(_) | Self::Silent | Self::Server { .. } => true,
            Self::Credentials(_) | Self::Refused(_) | Self::NotAProxy(_) => false,
        }
    }
}

impl fmt::Display for ProxyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

/// Why a proxy could not connect to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerTrouble {
    Refused,
    Unreachable,
    NoAnswer,
}

/// The replies of RFC 1928 §6 by their numbers, as the library tells them apart.
fn socks_failure(error: SocksError) -> ProxyFailure {
    let server = |trouble, answer: &str| {
        let answer = answer.to_owned();
        ProxyFailure::Server { trouble, answer }
    };
    let refused = |answer: &str| ProxyFailure::Refused(answer.to_owned());
    let credentials = |answer: &str| ProxyFailure::Credentials(answer.to_owned());
    match error {
        SocksError::Io(source) => ProxyFailure::Lost(source),
        SocksError::GeneralSocksServerFailure => {
            server(ServerTrouble::Unreachable, "1, general failure")
        }
        SocksError::ConnectionNotAllowedByRuleset => refused("2, not allowed by its rules"),
        SocksError::NetworkUnreachable => {
            server(ServerTrouble::Unreachable, "3, network unreachable")
        }
        SocksError::HostUnreachable => server(ServerTrouble::Unreachable, "4, host unreachable"),
        SocksError::ConnectionRefused => server(ServerTrouble::Refused, "5, connection refused"),
        SocksError::TtlExpired => server(ServerTrouble::NoAnswer, "6, TTL expired"),
        SocksError::CommandNotSupported => refused("7, command not supported"),
        SocksError::AddressTypeNotSupported => refused("8, address type not supported"),
        SocksError::NoAcceptableAuthMethods => credentials("no acceptable methods"),
        SocksError::AuthorizationRequired => credentials("user name and password"),
        SocksError::PasswordAuthFailure(status) => credentials(&format!("failure {status}")),
        other => ProxyFailure::NotAProxy(other.to_string()),
    }
}

/// Statuses as RFC 9110 §15 has them; proxies use 502 to 504 for a server that they cannot reach.
fn http_failure(status: u16, reason: &str) -> ProxyFailure {
    let answer = format!("{status} {reason}").trim_end().to_owned();
    match status {
        401 | 407 => ProxyFailure::Credentials(answer),
        502 | 503 => ProxyFailure::Server { trouble: ServerTrouble::Unreachable, answer },
        504 => ProxyFailure::Server { trouble: ServerTrouble::NoAnswer, answer },
        _ => ProxyFailure::Refused(answer),
    }
}

/// Reads the head of an HTTP response and not a byte more: the server's greeting follows.
///
/// The bytes are peeked at first, so that the end of the head is known when they are read.
async fn read_head(tcp: &mut TcpStream) -> Result<(u16, String), ProxyFailure> {
    let mut head = vec![0; MAX_HEAD_BYTES];
    let mut taken = 0;
    loop {
        let room = head.get_mut(taken..).unwrap_or_default();
        if room.is_empty() {
            return Err(ProxyFailure::NotAProxy(format!("more than {MAX_HEAD_BYTES} bytes")));
        }
        let seen = tcp.peek(room).await.map_err(ProxyFailure::Lost)?;
        if seen == 0 {
            return Err(ProxyFailure::Lost(io::ErrorKind::UnexpectedEof.into()));
        }
        let parsed = parse_head(head.get(..taken + seen).unwrap_or_default())?;
        let end = parsed.as_ref().map_or(taken + seen, |parsed| parsed.bytes);
        let part = head.get_mut(taken..end).unwrap_or_default();
        tcp.read_exact(part).await.map_err(ProxyFailure::Lost)?;
        taken = end;
        if let Some(Head { status, reason, .. }) = parsed {
            return Ok((status, reason));
        }
    }
}

/// The head of an HTTP answer.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    reason: String,
    bytes: usize,
}

/// `None` while it is incomplete.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>, ProxyFailure> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEAD_FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    match answer.parse(bytes) {
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(bytes)) => Ok(Some(Head {
            status: answer.code.unwrap_or_default(),
            reason: display_text(answer.reason.unwrap_or_default().as_bytes()).into_owned(),
            bytes,
        })),
        Err(error) => {
            let start = bytes.get(..bytes.len().min(SHOWN_BYTES)).unwrap_or_default();
            let start = display_text(start);
            Err(ProxyFailure::NotAProxy(format!("\"{start}\" ({error})")))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::credentials::{Password, Username};

    fn proxy(protocol: ProxyProtocol, username: &str, password: &str) -> Result<Proxy, ProxyError> {
        let credentials = Credentials {
            username: Username::new(username).unwrap(),
            password: Password::new(password).unwrap(),
        };
        Proxy::new(protocol, vec!["192.0.2.1:1080".parse().unwrap()], Some(credentials))
    }

    #[test]
    fn proxy_has_an_address() {
        let nowhere = Proxy::new(ProxyProtocol::Socks5, Vec::new(), None);
        assert_eq!(nowhere.err(), Some(ProxyError::NoAddress));
    }

    #[test]
    fn credentials_that_the_protocol_cannot_carry_are_refused() {
        let long = "x".repeat(256);
        assert_eq!(proxy(ProxyProtocol::Socks5, "ada", "").err(), Some(ProxyError::Length));
        assert_eq!(proxy(ProxyProtocol::Socks5, &long, "x").err(), Some(ProxyError::Length));
        assert!(proxy(ProxyProtocol::Socks5, "a:b", &long[1..]).is_ok());
        assert_eq!(proxy(ProxyProtocol::HttpConnect, "a:b", "x").err(), Some(ProxyError::Colon));
        assert!(proxy(ProxyProtocol::HttpConnect, "ada", "x:y").is_ok());
    }

    #[test]
    fn request_is_for_the_address_and_holds_the_credentials_once() {
        let proxy = proxy(ProxyProtocol::HttpConnect, "Aladdin", "open sesame").unwrap();
        let request = proxy.http_request("[2001:db8::1]:21".parse().unwrap());
        assert_eq!(
            *request,
            "CONNECT [2001:db8::1]:21 HTTP/1.1\r\nHost: [2001:db8::1]:21\r\n\
             Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
        );
    }

    #[test]
    fn debug_shows_neither_user_name_nor_password() {
        let proxy = proxy(ProxyProtocol::Socks5, "ada", "sesame").unwrap();
        let shown = format!("{proxy:?}");
        assert!(shown.contains("192.0.2.1:1080") && shown.contains(ASTERISKS), "{shown}");
        assert!(!shown.contains("ada") && !shown.contains("sesame"), "{shown}");
    }

    #[test]
    fn head_ends_where_the_greeting_starts() {
        let bytes = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n220 ready\r\n";
        let head = parse_head(bytes).unwrap().unwrap();
        assert_eq!((head.status, &bytes[head.bytes..]), (200, &b"220 ready\r\n"[..]));
        assert!(parse_head(b"HTTP/1.1 200 OK\r\nVia: x\r\n").unwrap().is_none());
        assert!(parse_head(b"220 ready\r\n").is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_no_panic(bytes: Vec<u8>) {
            let _ = parse_head(&bytes);
            let _ = parse_head(&[b"HTTP/1.1 ", bytes.as_slice()].concat());
        }
    }
}
