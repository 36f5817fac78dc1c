//! The portal's HTTP side: the page, its assets, the sockets of sessions.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page, in the language of `?lang=` or of the browser |
//! | `GET /assets/NAME-HASH.EXT` | style sheet, scripts and the page's program, cached for a year |
//! | `GET /explanations.json` | the explanations of log lines, by number |
//! | `GET /session/socket?session=NAME&lang=en` | a WebSocket of a new session, or of one that exists |
//! | `GET /healthz` | `ok`, for a supervisor |
//! | `GET /.well-known/ferryport-receipt.json` | the public keys of receipts of drops, where there is a store |
//! | `GET /check/client` | whom the portal sees, for `ferryport check` |
//! | `GET /check/stream` | an answer in pieces, for `ferryport check` |
//!
//! With a path in `public_url`, the same addresses exist below it too.
//!
//! A portal with a certificate serves all of it over HTTPS, and answers plain HTTP with a hint; on
//! `http_listen` it redirects plain HTTP.

pub mod admin;
mod assets;
pub mod check;
mod client_places;
mod explanations;
mod headers;
mod language;
pub mod listener;
mod origin;
mod page;
pub mod plain;
mod problems;
mod receipt;
mod request_id;
mod sessions;
mod short_listener;
mod sub_path;
pub mod tls;

use axum::{Router, http::StatusCode, middleware, routing::get};
use tower_http::{CompressionLevel, compression::CompressionLayer};

use crate::app::App;

/// How well answers are compressed that are made for each request, of 11 in Brotli and 9 in gzip: 5 makes
/// them an eighth smaller than 4, which is the default, in the same time. The page itself is kept
/// compressed by Brotli: [`page`].
const PAGE_COMPRESSION: CompressionLevel = CompressionLevel::Precise(5);

/// Returns all routes, with the headers of every answer.
pub fn router(app: App) -> Router {
    let public_url = app.portal.settings.public_url.as_ref();
    let pages = page::Pages::new(app.portal.policy.presets(), public_url);
    // Assets are compressed at build time, and better.
    let compressed = Router::new()
        .route("/", get(page::page).with_state(pages))
        .route("/explanations.json", get(explanations::explanations))
        .route_layer(CompressionLayer::new().quality(PAGE_COMPRESSION));
    Router::new()
        .merge(compressed)
        .route("/assets/{name}", get(assets::asset))
        .route("/healthz", get(async || "ok"))
        .route("/session/socket", get(sessions::socket))
        .route("/.well-known/ferryport-receipt.json", get(receipt::keys))
        .route("/check/client", get(check::client))
        .route("/check/stream", get(check::stream))
        .fallback(async || (StatusCode::NOT_FOUND, "There is nothing here.\n"))
        .layer(middleware::map_response(headers::add))
        .with_state(app)
}

/// Returns the routes that answer plain HTTP on an HTTPS port.
fn https_only() -> Router {
    let answer = (StatusCode::BAD_REQUEST, "This port speaks HTTPS: open https:// instead.\n");
    Router::new().fallback(async move || answer).layer(middleware::map_response(headers::add))
}
