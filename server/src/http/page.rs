//! The page, in the language of the browser.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    extract::RawQuery,
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_LANGUAGE, SET_COOKIE, VARY},
    },
    response::{AppendHeaders, Html, IntoResponse, Response},
};

use super::language;
use crate::texts::Language;

/// Adds a missing slash to the path of the page. All URLs of the page are relative, and behind a proxy
/// that strips the prefix `/upload`, the portal cannot see that the browser's path lacks the slash.
///
/// It is inline, because without the slash no asset could be loaded.
pub(super) const ADD_SLASH: &str = "location.pathname.endsWith(\"/\")||location.replace(location.pathname+\"/\"+location.search+location.hash)";

/// `templates/index.html`.
#[derive(Template)]
#[template(path = "index.html")]
struct Page {
    add_slash: &'static str,
    style: &'static str,
    boot: &'static str,
    glue: &'static str,
    wasm: &'static str,
    digest_worker: &'static str,
    digest_glue: &'static str,
    digest_wasm: &'static str,
    icon: &'static str,
    state_icons: &'static [&'static str],
    version: &'static str,
    language: Language,
}

/// The page in each language. A page does not change while the portal runs, so it is rendered once.
static PAGES: LazyLock<Vec<askama::Result<String>>> =
    LazyLock::new(|| Language::all().map(|language| Page::new(language).render()).collect());

/// Handles `GET /`.
pub(super) async fn page(RawQuery(query): RawQuery, request: HeaderMap) -> Response {
    let language = language::of(query.as_deref(), &request);
    let headers = [
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_LANGUAGE, language.tag()),
        (VARY, "accept-language, cookie"),
    ];
    let is_chosen = language::in_address(query.as_deref().unwrap_or_default()).is_some();
    let remember = is_chosen.then(|| (SET_COOKIE, language::cookie(language)));
    match PAGES.get(language.index()) {
        Some(Ok(html)) => (headers, AppendHeaders(remember), Html(html.as_str())).into_response(),
        failed => {
            let error = failed.and_then(|page| page.as_ref().err());
            tracing::error!(?error, language = language.tag(), "the page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be rendered.\n").into_response()
        }
    }
}

impl Page {
    fn new(language: Language) -> Self {
        Self {
            add_slash: ADD_SLASH,
            style: bundle::url::STYLE,
            boot: bundle::url::BOOT,
            glue: bundle::url::GLUE,
            wasm: bundle::url::WASM,
            digest_worker: bundle::url::DIGEST_WORKER,
            digest_glue: bundle::url::DIGEST_GLUE,
            digest_wasm: bundle::url::DIGEST_WASM,
            icon: bundle::url::ICON,
            state_icons: bundle::url::STATE_ICONS,
            version: env!("CARGO_PKG_VERSION"),
            language,
        }
    }

    fn other_languages(&self) -> impl Iterator<Item = Language> {
        let own = self.language;
        Language::all().filter(move |other| *other != own)
    }

    /// Returns the data block for the page's program, as a JSON array. Nothing in it can end the block.
    fn program_texts(&self) -> String {
        data_block(self.language.program())
    }
}

fn data_block<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(texts).to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, http::header::ACCEPT_LANGUAGE};

    use super::*;

    /// A bound that is larger than the page.
    const MAX_BYTES: usize = 1 << 20;

    async fn get(query: &str, accepted: &str) -> (HeaderMap, String) {
        let request = HeaderMap::from_iter([(ACCEPT_LANGUAGE, accepted.parse().unwrap())]);
        let answer = page(RawQuery(Some(query.to_owned())), request).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let headers = answer.headers().clone();
        let body = to_bytes(answer.into_body(), MAX_BYTES).await.unwrap();
        (headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn page_is_in_the_language_of_the_browser_and_says_so() {
        for (query, accepted, tag, sentence) in [
            ("", "de-DE,de;q=0.9,en;q=0.8", "de", "Dateien auswählen"),
            ("", "en-GB", "en", "Choose files"),
            ("lang=de", "en", "de", "Dateien auswählen"),
            ("lang=en", "de", "en", "Choose files"),
            ("", "fr-CA", "fr", "Choisir des fichiers"),
            ("", "es-419,en;q=0.5", "es", "Elegir archivos"),
        ] {
            let (headers, html) = get(query, accepted).await;
            assert_eq!(headers[CONTENT_LANGUAGE], tag);
            assert_eq!(headers[VARY], "accept-language, cookie");
            assert_eq!(headers.contains_key(SET_COOKIE), query.contains("lang"));
            assert!(html.contains(&format!("<html lang=\"{tag}\">")), "{html}");
            assert!(html.contains(sentence), "{html}");
        }
    }

    #[tokio::test]
    async fn page_adds_the_missing_slash_before_anything_is_loaded() {
        let (_, html) = get("", "en").await;
        let (before, after) = html.split_once(&format!("<script>{ADD_SLASH}</script>")).unwrap();
        assert!(!before.contains("href=") && !before.contains("src="), "{before}");
        assert!(after.contains("href="), "{after}");
    }

    #[test]
    fn data_block_cannot_be_ended_by_its_texts() {
        let block = data_block(["</script><b>\"{path}\""].into_iter());
        assert!(!block.contains('<'), "{block}");
        let read: Vec<String> = serde_json::from_str(&block).unwrap();
        assert_eq!(read, ["</script><b>\"{path}\""]);
    }

    #[tokio::test]
    async fn page_links_to_its_other_languages_and_not_to_its_own() {
        let (_, html) = get("", "en").await;
        for other in Language::all().skip(1) {
            let (tag, name) = (other.tag(), other.name());
            let link =
                format!("<a href=\"?lang={tag}\" lang=\"{tag}\" hreflang=\"{tag}\">{name}</a>");
            assert!(html.contains(&link), "{html}");
        }
        assert!(!html.contains("?lang=en"), "{html}");
    }

    #[tokio::test]
    async fn page_brings_its_program_the_texts_of_one_language() {
        let (_, html) = get("", "de").await;
        let (_, block) =
            html.split_once("<script type=\"application/json\" id=\"texts\">").unwrap();
        let (block, _) = block.split_once("</script>").unwrap();
        let words: Vec<String> = serde_json::from_str(block).unwrap();
        assert!(words.contains(&"Nicht verbunden".to_owned()), "{words:?}");
        assert!(!words.contains(&"Not connected".to_owned()), "{words:?}");
    }
}
