//! HTTPS requests of the portal itself: to the certificate authority, and of `ferryport check`.
//!
//! Each request has a connection of its own, because there are few of them.

use std::{io, sync::Arc};

use axum::http::{Request, Response};
use bytes::Bytes;
use hyper::{
    body::{Body, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{InvalidDnsNameError, ServerName},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The only protocol that is offered.
const ALPN: &[u8] = b"http/1.1";

/// Performs TLS handshakes with servers that these authorities vouch for.
#[derive(Clone)]
pub struct HttpsClient(TlsConnector);

impl HttpsClient {
    /// Creates a client that trusts these authorities.
    ///
    /// # Errors
    /// When the cryptography has none of the TLS versions.
    pub fn new(roots: RootCertStore) -> Result<Self, rustls::Error> {
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[&TLS13, &TLS12])?
                .with_root_certificates(roots)
                .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Performs the TLS handshake on a connection to a host.
    ///
    /// # Errors
    /// When it fails, or the certificate is not one of the host.
    pub async fn handshake(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = server_name(host).map_err(io::Error::other)?;
        self.0.connect(name, stream).await
    }
}

/// Returns a host of a URL without the brackets of an IPv6 address, which belong to the URL only (RFC 3986
/// §3.2.2).
#[must_use]
pub fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Returns the name that the certificate of a host of a URL has to have.
///
/// # Errors
/// When the host is neither a name nor an address.
pub fn server_name(host: &str) -> Result<ServerName<'static>, InvalidDnsNameError> {
    ServerName::try_from(bare(host).to_owned())
}

/// Sends the only request of a connection. The connection ends with the answer.
///
/// # Errors
/// When the answer does not begin.
pub async fn send<S, B>(stream: S, request: Request<B>) -> hyper::Result<Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request).await
}
