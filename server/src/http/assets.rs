//! Style sheet, scripts and the page's program: hashed, compressed and embedded at build time.

use axum::{
    extract::Path,
    http::{
        HeaderMap, StatusCode,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
            VARY,
        },
    },
    response::{IntoResponse, Response},
};

/// The cache lifetime of a year. The name contains the hash, so the content of a name never changes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Handles `GET /assets/{name}`.
pub(super) async fn asset(Path(name): Path<String>, request: HeaderMap) -> Response {
    let Some(asset) = bundle::find(&format!("assets/{name}")) else {
        return (StatusCode::NOT_FOUND, "This asset is not of this version: reload the page.\n")
            .into_response();
    };
    let is_known = request.get(IF_NONE_MATCH).is_some_and(|etag| etag == asset.etag);
    let headers = [
        (CONTENT_TYPE, asset.content_type),
        (CACHE_CONTROL, IMMUTABLE),
        (ETAG, asset.etag),
        (VARY, "accept-encoding"),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    if !asset.brotli.is_empty() && accepts_brotli(&request) {
        return (headers, [(CONTENT_ENCODING, "br")], asset.brotli).into_response();
    }
    (headers, asset.identity).into_response()
}

/// Returns whether the browser accepts answers that are compressed with brotli.
pub(super) fn accepts_brotli(request: &HeaderMap) -> bool {
    let offered = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("br") && !parts.any(|weight| weight == "q=0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(name: &str, request: &[(axum::http::HeaderName, &str)]) -> Response {
        let headers = request
            .iter()
            .map(|(header, value)| (header.clone(), value.parse().unwrap()))
            .collect();
        asset(Path(name.to_owned()), headers).await
    }

    fn style() -> &'static str {
        bundle::url::STYLE.strip_prefix("assets/").unwrap()
    }

    #[tokio::test]
    async fn asset_is_compressed_where_the_browser_accepts_it() {
        let plain = get(style(), &[]).await;
        assert!(!plain.headers().contains_key(CONTENT_ENCODING));
        let compressed = get(style(), &[(ACCEPT_ENCODING, "gzip, br;q=0.9")]).await;
        assert_eq!(compressed.headers()[CONTENT_ENCODING], "br");
        let refused = get(style(), &[(ACCEPT_ENCODING, "br;q=0")]).await;
        assert!(!refused.headers().contains_key(CONTENT_ENCODING));
    }

    #[tokio::test]
    async fn known_asset_is_not_sent_again() {
        let etag = get(style(), &[]).await.headers()[ETAG].clone();
        let again = get(style(), &[(IF_NONE_MATCH, etag.to_str().unwrap())]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn unknown_asset_is_not_found() {
        assert_eq!(get("nothing-00000000.js", &[]).await.status(), StatusCode::NOT_FOUND);
    }
}
