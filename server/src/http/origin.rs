//! Checks the origin of a socket: only the portal's own page may open one.
//!
//! A browser names the page's origin in every WebSocket handshake (RFC 6455 §10.2). The list of origins
//! comes from the settings. It is not derived from the header `Host`, because an attacker can make a
//! name of their own point to the portal.

use axum::http::{HeaderMap, header::ORIGIN};

use crate::{log_throttle, portal::Portal};

/// The origin of a request is not one of the portal's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a page of another origin: {origin:?}")]
pub(super) struct OtherOrigin {
    /// What the header says, cut to a length that can be logged. Empty without one.
    pub(super) origin: String,
}

/// Checks that there is exactly one `Origin`, and that it is one of the portal's.
///
/// # Errors
/// [`OtherOrigin`].
pub(super) fn check(portal: &Portal, headers: &HeaderMap) -> Result<(), OtherOrigin> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let origin = origins.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_ours =
        origins.next().is_none() && portal.origins.iter().any(|known| known.as_str() == origin);
    if is_ours {
        return Ok(());
    }
    let origin = log_throttle::cut(origin);
    if let Some(suppressed) = portal.log_throttles.other_origin.admit() {
        tracing::warn!(origin, suppressed, "socket of a page of another origin refused");
    }
    Err(OtherOrigin { origin })
}
