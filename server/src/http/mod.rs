//! The portal's HTTP side: the page, its assets, the two doors of a session.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page, in the language of who asks or of `?lang=` |
//! | `GET /assets/NAME-HASH.EXT` | style sheet, scripts and the page's program, for ever |
//! | `GET /explanations.json` | what log lines mean, by number |
//! | `POST /session` | a new session's name and secret |
//! | `GET /session/socket` | the session's WebSocket |
//! | `GET /healthz` | `ok`, for a supervisor |
//!
//! Where the portal has a certificate, all of it is HTTPS, and whoever speaks plain HTTP is told.

mod assets;
mod explanations;
mod headers;
mod language;
pub mod listener;
mod origin;
mod page;
mod sessions;
pub mod tls;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    middleware,
    routing::{get, post},
};
use tower_http::compression::CompressionLayer;

use crate::portal::Portal;

/// Every route, with the headers that each answer carries.
pub fn router(portal: Arc<Portal>) -> Router {
    let session = Router::new()
        .route("/session", post(sessions::create))
        .route("/session/socket", get(sessions::socket))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&portal), origin::check));
    // What is made anew with each version; assets are compressed already, and better.
    let compressed = Router::new()
        .route("/", get(page::page))
        .route("/explanations.json", get(explanations::explanations))
        .route_layer(CompressionLayer::new());
    Router::new()
        .merge(compressed)
        .route("/assets/{name}", get(assets::asset))
        .route("/healthz", get(async || "ok"))
        .merge(session)
        .fallback(async || (StatusCode::NOT_FOUND, "There is nothing here.\n"))
        .layer(middleware::map_response(headers::add))
        .with_state(portal)
}

/// What plain HTTP is answered where HTTPS is spoken.
fn speak_https() -> Router {
    let answer = (StatusCode::BAD_REQUEST, "This port speaks HTTPS: open https:// instead.\n");
    Router::new().fallback(async move || answer).layer(middleware::map_response(headers::add))
}
