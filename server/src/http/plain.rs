//! The listener for plain HTTP beside HTTPS (`http_listen`): it answers the certificate authority, and
//! redirects everybody else to HTTPS.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri, header::HOST},
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use tokio::net::TcpListener;

use super::{headers, short_listener::ShortListener};
use crate::{
    acme::Acme, app::App, metrics::labels::Listener, portal::Portal, session::registry::Sessions,
    settings::Origin,
};

/// What the routes need.
#[derive(Clone)]
struct Plain {
    acme: Arc<Acme>,
    /// Redirects are those of the settings that were read last.
    sessions: Arc<Sessions>,
}

/// Serves; never completes.
pub async fn serve(listener: TcpListener, app: App, acme: Arc<Acme>) {
    let settings = &app.portal.settings;
    let bounds = ShortListener {
        which: Listener::Http,
        max_connections: settings.max_http_connections,
        max_client_connections: settings.max_client_connections,
        lifetime: settings.http_connection_lifetime,
    };
    let routes = router(Plain { acme, sessions: Arc::clone(&app.sessions) });
    bounds.serve(listener, app.sessions, routes).await;
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
    let pages = pages(&plain.sessions.portal());
    let page = pages.iter().find(|(name, _)| name.eq_ignore_ascii_case(host));
    let Some((_, origin)) = page.or(pages.first()) else {
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
