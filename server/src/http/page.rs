//! The page.

use askama::Template;
use axum::{
    http::{StatusCode, header::CACHE_CONTROL},
    response::{Html, IntoResponse, Response},
};

/// `templates/index.html`.
#[derive(Template)]
#[template(path = "index.html")]
struct Page {
    style: &'static str,
    boot: &'static str,
    glue: &'static str,
    wasm: &'static str,
    digest_worker: &'static str,
    digest_glue: &'static str,
    digest_wasm: &'static str,
    icon: &'static str,
    version: &'static str,
}

/// `GET /`.
pub(super) async fn page() -> Response {
    let page = Page {
        style: bundle::url::STYLE,
        boot: bundle::url::BOOT,
        glue: bundle::url::GLUE,
        wasm: bundle::url::WASM,
        digest_worker: bundle::url::DIGEST_WORKER,
        digest_glue: bundle::url::DIGEST_GLUE,
        digest_wasm: bundle::url::DIGEST_WASM,
        icon: bundle::url::ICON,
        version: env!("CARGO_PKG_VERSION"),
    };
    match page.render() {
        Ok(html) => ([(CACHE_CONTROL, "no-cache")], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be made.\n").into_response()
        }
    }
}
