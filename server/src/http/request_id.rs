//! The id of a request, by which its lines in the log are found, beside those of a reverse proxy.

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::{Request, body::Incoming, service::Service as _};
use hyper_util::service::TowerToHyperService;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::client::{Peer, TrustedProxies};

/// The header in which a proxy says the id, and the portal answers with it.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id of a proxy in bytes. Those that proxies make have 32 or 36.
const MAX_LEN: usize = 64;

/// The random bytes of an id that the portal makes.
const RANDOM_BYTES: usize = 9;

/// The id of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    /// Takes over the id that a trusted proxy has given the request, if it is well formed; else makes
    /// one. Anybody else could write the id of another request.
    pub(super) fn of(proxies: &TrustedProxies, peer: Peer, headers: &HeaderMap) -> Self {
        let is_proxy = peer.address.is_some_and(|address| proxies.trust(address));
        let given = headers.get(HEADER).filter(|_| is_proxy).and_then(|id| id.to_str().ok());
        match given.filter(|id| is_well_formed(id)) {
            Some(id) => Self(id.to_owned()),
            None => Self::random(),
        }
    }

    /// Makes an id. Where the system has no random numbers, all requests have the same.
    fn random() -> Self {
        let mut bytes = [0; RANDOM_BYTES];
        let _best_effort = getrandom::fill(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// Returns whether an id is one word of letters, digits and what stands in UUIDs and in base64.
fn is_well_formed(id: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+/=@".contains(&byte);
    !id.is_empty() && id.len() <= MAX_LEN && id.bytes().all(is_part)
}

/// Answers a request. The log lines of its handler have the id, and so has the answer.
pub(super) fn answered(
    id: RequestId,
    request: Request<Incoming>,
    service: &TowerToHyperService<Router>,
) -> impl Future<Output = Result<Response, std::convert::Infallible>> + use<> {
    let span = tracing::info_span!("request", id = id.0);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let begun = Instant::now();
    let answer = service.call(request);
    async move {
        let mut answer = answer.await?;
        tracing::debug!(
            %method,
            path,
            status = answer.status().as_u16(),
            took_ms = begun.elapsed().as_millis(),
            "request answered"
        );
        if let Ok(value) = HeaderValue::try_from(id.0) {
            answer.headers_mut().insert(HEADER, value);
        }
        Ok(answer)
    }
    .instrument(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{DESCRIPTIONS, Settings, Sources};

    fn id_of(address: &str, given: &str) -> String {
        let mut sources = Sources::default();
        sources.file("trusted_proxies = [\"192.0.2.1\"]", DESCRIPTIONS).unwrap();
        let proxies = TrustedProxies::new(&Settings::from_sources(&sources).unwrap());
        let headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_str(given).unwrap())]);
        RequestId::of(&proxies, Peer::at(address.parse().unwrap()), &headers).0
    }

    #[test]
    fn id_of_a_trusted_proxy_is_taken_over_if_it_is_well_formed() {
        for id in ["7f1c-22", "Root=1-67891233-abcdef012345678912345678", &"a".repeat(MAX_LEN)] {
            assert_eq!(id_of("192.0.2.1", id), id);
        }
        for id in ["", "two words", "quote\"", "a,b", "{}", &"a".repeat(MAX_LEN + 1)] {
            assert_ne!(id_of("192.0.2.1", id), id);
        }
    }

    #[test]
    fn anybody_else_gets_an_id_of_their_own() {
        let (first, second) = (id_of("192.0.2.2", "7f1c-22"), id_of("192.0.2.2", "7f1c-22"));
        assert_ne!(first, second);
        assert!(is_well_formed(&first) && first.len() == 12, "{first}");
    }
}
