//! Checks the origin of a session's requests: only the portal's own page may send them.
//!
//! A browser names the page's origin in every WebSocket handshake (RFC 6455 §10.2) and every
//! `POST` (RFC 6454 §7). The list of origins is fixed at the start. It is not derived from the
//! header `Host`, because an attacker can make a name of their own point to the portal.

use axum::{
    extract::{Request, State},
    http::{StatusCode, header::ORIGIN},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    problems::other_origin,
    sessions::{problems, refuse},
};
use crate::{app::App, log_throttle};

/// Passes a request on when it has exactly one `Origin`, and that is one of the portal's.
pub(super) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut origins = request.headers().get_all(ORIGIN).iter();
    let origin = origins.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_ours =
        origins.next().is_none() && app.portal.origins.iter().any(|known| known.as_str() == origin);
    if is_ours {
        return next.run(request).await;
    }
    let origin = log_throttle::cut(origin);
    if let Some(suppressed) = app.portal.log_throttles.other_origin.admit() {
        tracing::warn!(origin, suppressed, "request from a page of another origin refused");
    }
    let problem = other_origin(problems(&request), &origin);
    refuse(StatusCode::FORBIDDEN, problem).into_response()
}
