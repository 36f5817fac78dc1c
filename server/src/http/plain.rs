//! The listener for plain HTTP beside HTTPS (`http_listen`): it answers the certificate authority, and
//! redirects everybody else to HTTPS.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri, header::HOST},
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    headers,
    listener::{ACCEPT_PAUSE, HEAD_BYTES},
};
use crate::{acme::Acme, app::App, metrics::labels::Listener, portal::Portal, settings::Origin};

/// The most connections. Further ones wait.
const MAX_CONNECTIONS: usize = 256;

/// The longest duration of a connection: a redirect takes less.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(15);

/// What the routes need.
#[derive(Clone)]
struct Plain {
    acme: Arc<Acme>,
    /// The addresses of the page: each a host and its origin.
    pages: Arc<[(String, String)]>,
}

/// Serves; never completes.
pub async fn serve(listener: TcpListener, app: App, acme: Arc<Acme>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let plain = Plain { acme, pages: pages(&app.portal).into() };
    let service = TowerToHyperService::new(router(plain));
    // The semaphore is never closed.
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(handle(stream, app.clone(), service.clone(), slot));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn handle(
    stream: TcpStream,
    app: App,
    service: TowerToHyperService<Router>,
    _slot: OwnedSemaphorePermit,
) {
    let _open = app.portal.metrics.connection_opened(Listener::Http);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_BYTES)
        .header_read_timeout(app.portal.settings.header_timeout.min(CONNECTION_LIFETIME))
        .serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = timeout(CONNECTION_LIFETIME, connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn router(plain: Plain) -> Router {
    Router::new()
        .route("/.well-known/acme-challenge/{token}", get(challenge))
        .fallback(redirect)
        .layer(middleware::map_response(headers::add))
        .with_state(plain)
}

/// Answers HTTP-01 (RFC 8555 §8.3).
async fn challenge(State(plain): State<Plain>, Path(token): Path<String>) -> Response {
    match plain.acme.challenges().key_authorization(&token).await {
        Some(answer) => answer.into_response(),
        None => (StatusCode::NOT_FOUND, "No order has this challenge.\n").into_response(),
    }
}

/// Redirects to the same path of the page. Only hosts that the settings name are redirected to: the
/// header `Host` is the client's.
async fn redirect(State(plain): State<Plain>, request: HeaderMap, uri: Uri) -> Response {
    let host = request.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let page = plain.pages.iter().find(|(name, _)| name.eq_ignore_ascii_case(host));
    let Some((_, origin)) = page.or(plain.pages.first()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Redirect::permanent(&format!("{origin}{path}")).into_response()
}

/// Returns each domain with its origin: the one that the setting `origins` has for it, else that of the
/// portal's own port.
fn pages(portal: &Portal) -> Vec<(String, String)> {
    let origin_of = |domain: &str| {
        let usual = format!("https://{domain}");
        let other = format!("{usual}:");
        let known = portal.settings.origins.iter().chain(&portal.origins).map(Origin::as_str);
        let mut known = known.filter(|origin| *origin == usual || origin.starts_with(&other));
        known.next().unwrap_or(&usual).to_owned()
    };
    let domains = portal.settings.acme_domains.iter().map(|domain| domain.as_str().to_owned());
    domains.map(|domain| (domain.clone(), origin_of(&domain))).collect()
}
