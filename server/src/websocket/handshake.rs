//! The server's side of the opening handshake (RFC 6455 §4.2).

use axum::{
    body::Body,
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{ALLOW, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
    },
    response::Response,
};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::{
    self, error::ProtocolError, handshake::server::create_response_with_body,
};

/// The only version of the protocol (§4.1).
const VERSION: &str = "13";

/// A request is not a valid opening handshake (§4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The method is not `GET`.
    #[error("the method is not GET")]
    Method,
    /// The HTTP version is not 1.1.
    #[error("the request is not HTTP/1.1")]
    Http,
    /// A required header is missing or has another value.
    #[error("the header `{0}` is missing or invalid")]
    Header(&'static str),
    /// Another version of the WebSocket protocol is requested.
    #[error("the portal supports only version {VERSION} of the WebSocket protocol")]
    Version,
}

impl HandshakeError {
    /// Returns the status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Http | Self::Header(_) => StatusCode::BAD_REQUEST,
            Self::Version => StatusCode::UPGRADE_REQUIRED,
        }
    }

    /// Returns further headers of the answer (RFC 6455 §4.4, RFC 9110 §15.5.6 and §15.5.22).
    #[must_use]
    pub fn headers(self) -> HeaderMap {
        let pairs: &[(HeaderName, &'static str)] = match self {
            Self::Method => &[(ALLOW, "GET")],
            Self::Version => &[(SEC_WEBSOCKET_VERSION, VERSION), (UPGRADE, "websocket")],
            Self::Http | Self::Header(_) => &[],
        };
        let value = |(name, text): &(HeaderName, &'static str)| {
            (name.clone(), HeaderValue::from_static(text))
        };
        pairs.iter().map(value).collect()
    }
}

impl From<tungstenite::Error> for HandshakeError {
    fn from(error: tungstenite::Error) -> Self {
        let tungstenite::Error::Protocol(error) = error else { return Self::Http };
        match error {
            ProtocolError::WrongHttpMethod => Self::Method,
            ProtocolError::MissingConnectionUpgradeHeader => Self::Header("Connection"),
            ProtocolError::MissingUpgradeWebSocketHeader => Self::Header("Upgrade"),
            ProtocolError::MissingSecWebSocketVersionHeader => Self::Version,
            ProtocolError::MissingSecWebSocketKey | ProtocolError::InvalidSecWebSocketKey => {
                Self::Header("Sec-WebSocket-Key")
            }
            _ => Self::Http,
        }
    }
}

/// Returns the answer to a request for a WebSocket, and the connection, which is available once the
/// answer was sent. There are no subprotocols and no extensions.
///
/// # Errors
/// [`HandshakeError`].
pub fn accept(request: &mut Request) -> Result<(Response, OnUpgrade), HandshakeError> {
    let answer = answer(request)?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or(HandshakeError::Http)?;
    Ok((answer, upgrade))
}

/// Checks the request and returns its answer. tungstenite accepts a request without `Host`, and the
/// first of several keys.
fn answer(request: &Request) -> Result<Response, HandshakeError> {
    let answer = create_response_with_body(request, Body::empty)?;
    if !request.headers().contains_key(HOST) {
        return Err(HandshakeError::Header("Host"));
    }
    if request.headers().get_all(SEC_WEBSOCKET_KEY).iter().count() > 1 {
        return Err(HandshakeError::Header("Sec-WebSocket-Key"));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use axum::http::{Method, Version, header::SEC_WEBSOCKET_ACCEPT};

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

    fn refusal(request: &Request) -> HandshakeError {
        answer(request).unwrap_err()
    }

    #[test]
    fn request_of_the_rfc_is_accepted_with_its_answer() {
        let request = request("origin", "http://example.com");
        let answer = answer(&request).unwrap();
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(answer.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn every_header_that_is_missing_or_wrong_is_named() {
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
        for (name, value, error) in cases {
            assert_eq!(refusal(&request(name, value)), error, "{name}: {value}");
        }
    }

    #[test]
    fn key_that_comes_twice_is_refused() {
        let mut request = request("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let again = HeaderValue::from_static("AQIDBAUGBwgJCgsMDQ4PEA==");
        request.headers_mut().append(SEC_WEBSOCKET_KEY, again);
        assert_eq!(refusal(&request), HandshakeError::Header("Sec-WebSocket-Key"));
    }

    #[test]
    fn another_method_and_an_older_http_are_refused() {
        let mut head = request("origin", "http://example.com");
        *head.method_mut() = Method::HEAD;
        assert_eq!(refusal(&head), HandshakeError::Method);
        let mut old = request("origin", "http://example.com");
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(refusal(&old), HandshakeError::Http);
    }

    #[test]
    fn refusal_of_another_version_names_the_supported_one() {
        assert_eq!(HandshakeError::Version.status(), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(HandshakeError::Version.headers()[SEC_WEBSOCKET_VERSION], "13");
    }
}
