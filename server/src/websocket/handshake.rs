//! The server's side of the opening handshake (RFC 6455 §4.2).

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
        header::{
            CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
            UPGRADE,
        },
    },
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The one version that there is (§4.1).
const VERSION: &str = "13";

/// The length of the key behind its base64, in bytes (§4.1).
const KEY_LEN: usize = 16;

/// A request that asks for no WebSocket as §4.2.1 wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// Another method than `GET`.
    #[error("a WebSocket is opened with GET")]
    Method,
    /// An HTTP before 1.1, or one that upgrades in another way.
    #[error("a WebSocket is opened over HTTP/1.1")]
    Http,
    /// A header that has to be there is not, or says something else.
    #[error("the header `{0}` does not ask for a WebSocket")]
    Header(&'static str),
    /// Another version of the WebSocket protocol.
    #[error("the portal speaks version {VERSION} of the WebSocket protocol")]
    Version,
}

impl HandshakeError {
    /// The status that it is answered with.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Http | Self::Header(_) => StatusCode::BAD_REQUEST,
            Self::Version => StatusCode::UPGRADE_REQUIRED,
        }
    }

    /// What the answer says besides (RFC 6455 §4.4, RFC 9110 §15.5.6 and §15.5.22).
    #[must_use]
    pub fn headers(self) -> HeaderMap {
        let pairs: &[(HeaderName, &'static str)] = match self {
            Self::Method => &[(axum::http::header::ALLOW, "GET")],
            Self::Version => &[(SEC_WEBSOCKET_VERSION, VERSION), (UPGRADE, "websocket")],
            Self::Http | Self::Header(_) => &[],
        };
        let value = |(name, text): &(HeaderName, &'static str)| {
            (name.clone(), HeaderValue::from_static(text))
        };
        pairs.iter().map(value).collect()
    }
}

/// What to answer a request for a WebSocket, and what its connection is had from once the answer
/// was sent. Subprotocols and extensions are not agreed on.
///
/// # Errors
/// [`HandshakeError`].
pub fn accept(request: &mut Request) -> Result<(Response, OnUpgrade), HandshakeError> {
    check(request)?;
    let key = key(request.headers())?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or(HandshakeError::Http)?;
    // The key is base64 of ASCII alone, and so is what is derived of it.
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()))
        .map_err(|_| HandshakeError::Header("Sec-WebSocket-Key"))?;
    let headers = [
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok(((StatusCode::SWITCHING_PROTOCOLS, headers).into_response(), upgrade))
}

fn check(request: &Request) -> Result<(), HandshakeError> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(HandshakeError::Method);
    }
    if request.version() != Version::HTTP_11 {
        return Err(HandshakeError::Http);
    }
    if !headers.contains_key(HOST) {
        return Err(HandshakeError::Header("Host"));
    }
    if !names(headers, &UPGRADE, "websocket") {
        return Err(HandshakeError::Header("Upgrade"));
    }
    if !names(headers, &CONNECTION, "upgrade") {
        return Err(HandshakeError::Header("Connection"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        return Err(HandshakeError::Version);
    }
    Ok(())
}

/// Whether a header that is a list names a token.
fn names(headers: &HeaderMap, header: &HeaderName, token: &str) -> bool {
    let lists = headers.get_all(header).into_iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|named| named.trim().eq_ignore_ascii_case(token))
}

fn key(headers: &HeaderMap) -> Result<String, HandshakeError> {
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let key = keys.next().and_then(|key| key.to_str().ok()).filter(|_| keys.next().is_none());
    let is_key = |key: &&str| BASE64_STANDARD.decode(key).is_ok_and(|key| key.len() == KEY_LEN);
    key.filter(is_key).map(str::to_owned).ok_or(HandshakeError::Header("Sec-WebSocket-Key"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// The request of §1.3, with one header set to something else.
    fn request(name: &'static str, value: &'static str) -> Request {
        let mut request = Request::builder().uri("/session/socket").body(Body::empty()).unwrap();
        let headers = [
            ("host", "server.example.com"),
            ("upgrade", "websocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
        ];
        for (name, value) in headers {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if value.is_empty() {
            request.headers_mut().remove(name);
        } else {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        request
    }

    #[test]
    fn request_of_the_rfc_is_taken() {
        let request = request("origin", "http://example.com");
        assert_eq!(check(&request), Ok(()));
        assert_eq!(key(request.headers()).unwrap(), "dGhlIHNhbXBsZSBub25jZQ==");
    }

    #[test]
    fn every_header_that_is_not_as_it_has_to_be_is_named() {
        let cases = [
            ("host", "", HandshakeError::Header("Host")),
            ("upgrade", "h2c", HandshakeError::Header("Upgrade")),
            ("upgrade", "", HandshakeError::Header("Upgrade")),
            ("connection", "keep-alive", HandshakeError::Header("Connection")),
            ("sec-websocket-version", "8", HandshakeError::Version),
            ("sec-websocket-version", "", HandshakeError::Version),
            ("sec-websocket-key", "", HandshakeError::Header("Sec-WebSocket-Key")),
            ("sec-websocket-key", "c2hvcnQ=", HandshakeError::Header("Sec-WebSocket-Key")),
            ("sec-websocket-key", "no base64", HandshakeError::Header("Sec-WebSocket-Key")),
        ];
        for (name, value, refusal) in cases {
            let refused = accept(&mut request(name, value)).map(|_| ()).unwrap_err();
            assert_eq!(refused, refusal, "{name}: {value}");
        }
    }

    #[test]
    fn key_that_comes_twice_is_refused() {
        let mut request = request("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let again = HeaderValue::from_static("AQIDBAUGBwgJCgsMDQ4PEA==");
        request.headers_mut().append(SEC_WEBSOCKET_KEY, again);
        assert_eq!(key(request.headers()), Err(HandshakeError::Header("Sec-WebSocket-Key")));
    }

    #[test]
    fn another_method_and_an_older_http_are_refused() {
        let mut head = request("origin", "http://example.com");
        *head.method_mut() = Method::HEAD;
        assert_eq!(check(&head), Err(HandshakeError::Method));
        let mut old = request("origin", "http://example.com");
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(check(&old), Err(HandshakeError::Http));
    }

    #[test]
    fn another_version_is_told_which_one_is_spoken() {
        assert_eq!(HandshakeError::Version.status(), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(HandshakeError::Version.headers()[SEC_WEBSOCKET_VERSION], "13");
    }
}
