//! HTTPS requests to the certificate authority.

use std::{io, pin::Pin, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::{
    Request, Uri,
    header::{HOST, HeaderValue},
};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::RootCertStore;
use tokio::{net::TcpStream, time::timeout};

use crate::https_client::{self, HttpsClient};

/// The most bytes of an answer. A certificate with its chain has some KiB.
const MAX_ANSWER: usize = 256 * 1024;

/// Sends requests to the certificate authority.
#[derive(Clone)]
pub(super) struct AuthorityClient {
    https: HttpsClient,
    limit: Duration,
}

/// Why the authority did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error("{0} is no https:// URL of a host")]
    Url(Uri),
    #[error("{host} cannot be reached: {source}")]
    Connect { host: String, source: io::Error },
    #[error("TLS with {host}: {source}")]
    Tls { host: String, source: io::Error },
    #[error("HTTP with {host}: {source}")]
    Http { host: String, source: hyper::Error },
    #[error("{host} did not answer completely: {reason}")]
    Body { host: String, reason: String },
    #[error("{host} did not answer within {limit:?}")]
    Timeout { host: String, limit: Duration },
}

impl AuthorityClient {
    /// Creates a client that trusts these authorities, with a time limit for each request.
    pub(super) fn new(roots: RootCertStore, limit: Duration) -> Result<Self, rustls::Error> {
        Ok(Self { https: HttpsClient::new(roots)?, limit })
    }

    async fn send(
        self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Result<BytesResponse, RequestError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let limit = self.limit;
        let answered = timeout(limit, self.send_without_limit(request)).await;
        answered.unwrap_or(Err(RequestError::Timeout { host, limit }))
    }

    async fn send_without_limit(
        self,
        mut request: Request<BodyWrapper<Bytes>>,
    ) -> Result<BytesResponse, RequestError> {
        let uri = request.uri().clone();
        let bad_url = || RequestError::Url(uri.clone());
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("https"));
        let authority = authority.ok_or_else(bad_url)?;
        let host = authority.host().to_owned();
        https_client::server_name(&host).map_err(|_| bad_url())?;
        let port = authority.port_u16().unwrap_or(443);
        let stream = TcpStream::connect((https_client::bare(&host), port)).await;
        let stream = stream
            .map_err(|source| RequestError::Connect { host: authority.to_string(), source })?;
        let stream = self.https.handshake(&host, stream).await;
        let stream = stream.map_err(|source| RequestError::Tls { host: host.clone(), source })?;

        let value = HeaderValue::from_str(authority.as_str()).map_err(|_| bad_url())?;
        request.headers_mut().insert(HOST, value);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(|_| bad_url())?;
        let answer = https_client::send(stream, request).await;
        let answer = answer.map_err(|source| RequestError::Http { host: host.clone(), source })?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| RequestError::Body {
            host: host.clone(),
            reason: error.to_string(),
        })?;
        Ok(BytesResponse { parts, body: Box::new(body.to_bytes()) })
    }
}

impl HttpClient for AuthorityClient {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.clone();
        Box::pin(async move {
            client.send(request).await.map_err(|error| Error::Other(Box::new(error)))
        })
    }
}
