//! Connections to the portal that is checked, and requests over them.

use std::{io, pin::Pin, time::Duration};

use axum::http::{HeaderMap, Method, Request, StatusCode, header::HOST, uri::Authority};
use bytes::Bytes;
use ftps::CertificateFacts;
use hyper::body::{Body as _, Incoming};
use rustls::{RootCertStore, pki_types::CertificateDer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::{
    https_client::{self, HttpsClient},
    settings::{PublicUrl, Scheme},
};

/// The timeout of a connection, of a handshake, and of an answer.
pub(super) const LIMIT: Duration = Duration::from_secs(15);

/// The most bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A connection to the portal, or to a proxy in front of it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The portal that is checked.
#[derive(Clone)]
pub(super) struct CheckedPortal {
    pub(super) url: PublicUrl,
    scheme: Scheme,
    authority: Authority,
    https: HttpsClient,
}

/// The facts of a TLS connection.
pub(super) struct TlsFound {
    pub(super) version: &'static str,
    pub(super) valid_until: String,
}

/// An answer to a request.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The time of each piece of the body, since the headers arrived.
    pub(super) pieces: Vec<Duration>,
}

impl CheckedPortal {
    /// Creates the target at an address. Its certificate has to be one that the system trusts.
    pub(super) fn new(url: PublicUrl) -> Result<Self, String> {
        let origin = url.origin().as_str();
        let (scheme, authority) = match origin.split_once("://") {
            Some(("https", authority)) => (Scheme::Https, authority),
            Some((_, authority)) => (Scheme::Http, authority),
            None => return Err("the address has no scheme".to_owned()),
        };
        let authority = authority.parse().map_err(|_| "the address has no host".to_owned())?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let https = HttpsClient::new(roots).map_err(|error| error.to_string())?;
        Ok(Self { url, scheme, authority, https })
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(super) fn host(&self) -> &str {
        https_client::bare(self.authority.host())
    }

    fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(match self.scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        })
    }

    /// Opens a TCP connection.
    pub(super) async fn connect(&self) -> io::Result<TcpStream> {
        let stream = timeout(LIMIT, TcpStream::connect((self.host(), self.port()))).await??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Performs the TLS handshake.
    pub(super) async fn try_tls(&self, stream: TcpStream) -> io::Result<TlsFound> {
        let stream = self.handshake(stream).await?;
        let (_, connection) = stream.get_ref();
        let certificate = connection.peer_certificates().and_then(<[CertificateDer<'_>]>::first);
        let valid_until =
            certificate.map(|certificate| CertificateFacts::of(certificate).not_after);
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        };
        Ok(TlsFound { version, valid_until: valid_until.unwrap_or_default() })
    }

    async fn handshake(
        &self,
        stream: TcpStream,
    ) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        timeout(LIMIT, self.https.handshake(self.host(), stream)).await?
    }

    /// Opens a connection for HTTP.
    pub(super) async fn open(&self) -> io::Result<Box<dyn Stream>> {
        let stream = self.connect().await?;
        Ok(match self.scheme {
            Scheme::Http => Box::new(stream),
            Scheme::Https => Box::new(self.handshake(stream).await?),
        })
    }

    /// Returns the address of a WebSocket below the page.
    pub(super) fn socket_url(&self, path: &str) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "ws",
            Scheme::Https => "wss",
        };
        format!("{scheme}://{}{}/{path}", self.authority, self.url.path())
    }

    /// Sends a request without a body to an address below the page, over a connection of its own.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        origin: Option<&str>,
    ) -> io::Result<Answer> {
        timeout(LIMIT, self.ask_without_limit(method, path, origin)).await?
    }

    async fn ask_without_limit(
        &self,
        method: Method,
        path: &str,
        origin: Option<&str>,
    ) -> io::Result<Answer> {
        let stream = self.open().await?;
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/{path}", self.url.path()))
            .header(HOST, self.authority.as_str())
            .header("content-length", "0");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let request = request.body(axum::body::Body::empty()).map_err(io::Error::other)?;
        let answer = https_client::send(stream, request).await.map_err(io::Error::other)?;
        let (head, body) = answer.into_parts();
        let (body, pieces) = read(body).await?;
        Ok(Answer { status: head.status, headers: head.headers, body, pieces })
    }
}

/// Reads a body, with the time of each piece.
async fn read(mut body: Incoming) -> io::Result<(Vec<u8>, Vec<Duration>)> {
    let begun = Instant::now();
    let (mut bytes, mut pieces) = (Vec::new(), Vec::new());
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let data: Option<Bytes> = frame.map_err(io::Error::other)?.into_data().ok();
        if let Some(data) = data.filter(|data| bytes.len() + data.len() <= MAX_ANSWER_BYTES) {
            bytes.extend_from_slice(&data);
            pieces.push(begun.elapsed());
        }
    }
    Ok((bytes, pieces))
}

impl Answer {
    /// Returns the program that says that it passed the answer on; the portal itself names none.
    pub(super) fn proxy(&self) -> Option<String> {
        let name = self.headers.get("server").or_else(|| self.headers.get("via"))?;
        Some(String::from_utf8_lossy(name.as_bytes()).into_owned())
    }
}
