//! The public keys of receipts.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

use crate::app::App;

/// Handles `GET /.well-known/ferryport-receipt.json`: a JWK Set (RFC 7517 §5).
pub(super) async fn keys(State(app): State<App>) -> Response {
    match &app.portal.drops {
        Some(drops) => Json(drops.receipt_keys()).into_response(),
        None => (StatusCode::NOT_FOUND, "This portal has no drops.\n").into_response(),
    }
}
