//! The explanations of the lines of the session log, which the page shows on demand.
//!
//! A log has thousands of lines, and there are three hundred explanations: the page loads the list
//! once, and each line names its place in it.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::LazyLock,
};

use axum::{
    extract::RawQuery,
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
};
use ftps::Explanation;

use super::language;
use crate::texts::Language;

/// The explanations in one language, as JSON.
struct List {
    json: String,
    etag: String,
}

/// The lists, in the order of [`Language::index`].
static LISTS: LazyLock<Vec<List>> = LazyLock::new(|| Language::all().map(List::new).collect());

/// Handles `GET /explanations.json?lang=en`. The default is English. The list belongs to the portal's
/// version, so browsers revalidate it.
pub(super) async fn explanations(RawQuery(query): RawQuery, request: HeaderMap) -> Response {
    let language = language::in_address(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let Some(list) = LISTS.get(language.index()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-cache"),
        (ETAG, list.etag.as_str()),
    ];
    if request.get(IF_NONE_MATCH).is_some_and(|etag| etag == list.etag.as_str()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, list.json.as_str()).into_response()
}

impl List {
    fn new(language: Language) -> Self {
        let texts = Explanation::ALL.iter().map(|explanation| language.get(explanation.code()));
        let json = serde_json::Value::from_iter(texts).to_string();
        // Not a cryptographic hash: it only has to differ between versions.
        let mut hasher = DefaultHasher::new();
        json.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        Self { json, etag }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    const MAX_BYTES: usize = 1 << 20;

    async fn get(query: &str) -> Vec<String> {
        let answer = explanations(RawQuery(Some(query.to_owned())), HeaderMap::new()).await;
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/json");
        let body = to_bytes(answer.into_body(), MAX_BYTES).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn lists_have_the_numbers_of_the_engine_in_every_language() {
        assert_eq!(get("lang=tlh").await, get("lang=en").await);
        for language in Language::all() {
            let list = get(&format!("a=b&lang={}", language.tag())).await;
            assert_eq!(list.len(), Explanation::ALL.len());
            for explanation in Explanation::ALL {
                let text = language.find(explanation.code());
                assert_eq!(Some(list[usize::from(explanation.number())].as_str()), text);
            }
        }
    }

    #[tokio::test]
    async fn known_list_is_not_sent_again() {
        let answer = explanations(RawQuery(None), HeaderMap::new()).await;
        let mut known = HeaderMap::new();
        known.insert(IF_NONE_MATCH, answer.headers()[ETAG].clone());
        let again = explanations(RawQuery(None), known.clone()).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let german = explanations(RawQuery(Some("lang=de".to_owned())), known).await;
        assert_eq!(german.status(), StatusCode::OK);
    }
}
