//! The security headers of every answer.

use std::sync::LazyLock;

use axum::{
    http::{
        HeaderName, HeaderValue,
        header::{
            CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::page::EARLY_SCRIPT;

/// The content security policy: nothing from other origins, and nothing inline but [`EARLY_SCRIPT`]. The
/// page and its worker may compile wasm. Where the browser knows Trusted Types, the boot script's
/// policy decides which script may be loaded by its address.
///
/// `connect-src 'self'` covers the WebSocket of the same host (CSP 3 §6.7.2.8).
static CSP: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let early_script = STANDARD.encode(Sha256::digest(EARLY_SCRIPT));
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'sha256-{early_script}'; \
         style-src 'self'; worker-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types default"
    );
    HeaderValue::try_from(policy).ok()
});

/// The policy if [`CSP`] could not be built: nothing at all.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'");

/// The other headers and their values.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Adds the headers to an answer.
pub(super) async fn add(mut response: Response) -> Response {
    let csp = CSP.as_ref().cloned().unwrap_or(NOTHING);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, csp);
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_one_inline_script_is_allowed() {
        let answer = add(Response::default()).await;
        let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        // `openssl dgst -sha256 -binary templates/early.js | base64`
        let hash = "OlDm5IE3Vhx7QiHjuTKv18B+okdWV9phk07uZxWrZzg=";
        let scripts = format!("script-src 'self' 'wasm-unsafe-eval' 'sha256-{hash}';");
        assert!(policy.contains(&scripts), "{policy}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
    }
}
