//! Whose page is it: the doors of a session open to the portal's own page alone.
//!
//! A browser names the page's origin in every WebSocket handshake (RFC 6455 §10.2) and every
//! `POST` (RFC 6454 §7). The list is fixed at the start and not read off the header `Host`,
//! because a name that an attacker owns can be made to point at the portal.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{StatusCode, header::ORIGIN},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::sessions::{refuse, speech};
use crate::portal::Portal;

/// Lets a request through when its one `Origin` is one of the portal's.
pub(super) async fn check(
    State(portal): State<Arc<Portal>>,
    request: Request,
    next: Next,
) -> Response {
    let mut origins = request.headers().get_all(ORIGIN).iter();
    let origin = origins.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_ours =
        origins.next().is_none() && portal.origins.iter().any(|known| known.as_str() == origin);
    if is_ours {
        return next.run(request).await;
    }
    tracing::warn!(origin, "request from a page of another origin refused");
    let problem = speech(&request).other_origin(origin);
    refuse(StatusCode::FORBIDDEN, problem).into_response()
}
