//! The page, in the language of the browser.

use std::{
    io::Write as _,
    sync::{Arc, OnceLock},
};

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, SET_COOKIE, VARY},
    },
    response::{AppendHeaders, Html, IntoResponse, Response},
};

use brotli::CompressorWriter;
use bytes::Bytes;
use protocol::Encryption;

use super::{assets::accepts_brotli, language};
use crate::{
    settings::{Preset, PublicUrl},
    texts::Language,
};

/// The quality and the window of the compression: the highest quality, and more than a page has.
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 18;

/// Runs before anything is loaded or drawn. It is inline, because without the slash that it adds no
/// asset could be loaded, and because the view and the colours must not change after the first
/// drawing.
pub(super) const EARLY_SCRIPT: &str = include_str!("../../../templates/early.js");

/// `templates/index.html`.
#[derive(Template)]
#[template(path = "index.html")]
struct Page<'p> {
    early: &'static str,
    style: &'static str,
    boot: &'static str,
    glue: &'static str,
    wasm: &'static str,
    login_mail: &'static str,
    receipt: &'static str,
    rename: &'static str,
    notify: &'static str,
    log_links: &'static str,
    log_export: &'static str,
    digest_worker: &'static str,
    digest_glue: &'static str,
    digest_wasm: &'static str,
    icon: &'static str,
    manifest: &'static str,
    state_icons: &'static [&'static str],
    version: &'static str,
    language: Language,
    /// The servers that the user chooses from; none where the user types a host.
    presets: Vec<PresetOption<'p>>,
}

/// What the form needs to know about a preset. The address of the server is not part of it.
struct PresetOption<'p> {
    name: &'p str,
    title: &'p str,
    port: u16,
    encryption: &'static str,
    username: &'p str,
    folder: &'p str,
    /// Whether the portal logs in, so that username and password are not asked for.
    by_portal: bool,
}

/// The page in each language. A page does not change while the portal runs, so it is rendered once.
#[derive(Debug)]
pub(super) struct Pages {
    presets: Vec<Arc<Preset>>,
    /// The path of the page, where the portal knows it.
    path: Option<String>,
    rendered: Vec<OnceLock<askama::Result<RenderedPage>>>,
}

/// A page in one language.
#[derive(Debug)]
struct RenderedPage {
    html: Bytes,
    /// The same, compressed as well as brotli can: it takes a tenth of a second, once.
    brotli: Bytes,
}

impl Pages {
    /// Creates the pages of a portal that offers these presets, at the path of `public_url`.
    pub(super) fn new(presets: &[Arc<Preset>], public_url: Option<&PublicUrl>) -> Arc<Self> {
        let rendered = Language::all().map(|_| OnceLock::new()).collect();
        let path = public_url.map(|url| match url.path() {
            "" => "/".to_owned(),
            path => path.to_owned(),
        });
        Arc::new(Self { presets: presets.to_vec(), path, rendered })
    }

    fn of(&self, language: Language) -> Option<&askama::Result<RenderedPage>> {
        let page = self.rendered.get(language.index())?;
        Some(page.get_or_init(|| {
            Page::new(language, &self.presets).render().map(|html| RenderedPage::new(&html))
        }))
    }
}

impl RenderedPage {
    fn new(html: &str) -> Self {
        let html = without_indentation(html);
        let mut writer = CompressorWriter::new(Vec::new(), 4096, BROTLI_QUALITY, BROTLI_WINDOW);
        // Writing into memory cannot fail.
        let _ = writer.write_all(html.as_bytes());
        Self { html: html.into(), brotli: writer.into_inner().into() }
    }
}

/// Removes the indentation of a page, apart from that of its script, whose digest the browser knows.
fn without_indentation(html: &str) -> String {
    let (script, rest) = html.split_once("</script>").unwrap_or(("", html));
    let lines: Vec<_> = rest.lines().map(str::trim_start).collect();
    [script, "</script>", &lines.join("\n")].concat()
}

/// Handles `GET /`.
pub(super) async fn page(
    State(pages): State<Arc<Pages>>,
    RawQuery(query): RawQuery,
    request: HeaderMap,
) -> Response {
    let language = language::of(query.as_deref(), &request);
    let headers = [
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_LANGUAGE, language.tag()),
        (VARY, "accept-language, accept-encoding, cookie"),
    ];
    let is_chosen = language::in_address(query.as_deref().unwrap_or_default()).is_some();
    let remember =
        is_chosen.then(|| (SET_COOKIE, language::cookie(language, pages.path.as_deref())));
    match pages.of(language) {
        Some(Ok(page)) if accepts_brotli(&request) => {
            let coding = [(CONTENT_ENCODING, "br")];
            let page = Html(page.brotli.clone());
            (headers, coding, AppendHeaders(remember), page).into_response()
        }
        Some(Ok(page)) => {
            (headers, AppendHeaders(remember), Html(page.html.clone())).into_response()
        }
        failed => {
            let error = failed.and_then(|page| page.as_ref().err());
            tracing::error!(?error, language = language.tag(), "the page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be rendered.\n").into_response()
        }
    }
}

impl<'p> PresetOption<'p> {
    fn new(preset: &'p Preset) -> Self {
        Self {
            name: &preset.name,
            title: &preset.title,
            port: preset.port,
            encryption: match preset.encryption {
                Encryption::Explicit => "explicit",
                Encryption::Implicit => "implicit",
            },
            username: preset.username(),
            folder: &preset.folder,
            by_portal: preset.login.is_by_portal(),
        }
    }
}

impl<'p> Page<'p> {
    fn new(language: Language, presets: &'p [Arc<Preset>]) -> Self {
        Self {
            early: EARLY_SCRIPT,
            style: bundle::url::STYLE,
            boot: bundle::url::BOOT,
            glue: bundle::url::GLUE,
            wasm: bundle::url::WASM,
            login_mail: bundle::url::LOGIN_MAIL,
            receipt: bundle::url::RECEIPT,
            rename: bundle::url::RENAME,
            notify: bundle::url::NOTIFY,
            log_links: bundle::url::LOG_LINKS,
            log_export: bundle::url::LOG_EXPORT,
            digest_worker: bundle::url::DIGEST_WORKER,
            digest_glue: bundle::url::DIGEST_GLUE,
            digest_wasm: bundle::url::DIGEST_WASM,
            icon: bundle::url::ICON,
            manifest: bundle::url::MANIFEST,
            state_icons: bundle::url::STATE_ICONS,
            version: env!("CARGO_PKG_VERSION"),
            language,
            presets: presets.iter().map(|preset| PresetOption::new(preset)).collect(),
        }
    }

    /// Returns whether the portal logs in to the server that is chosen at first.
    fn portal_logs_in(&self) -> bool {
        self.presets.first().is_some_and(|first| first.by_portal)
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
    use std::io::Read as _;

    use axum::{
        body::to_bytes,
        http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE},
    };

    use super::*;
    use crate::settings::{DESCRIPTIONS, SettingValue as _, Settings, Sources};

    /// A bound that is larger than the page.
    const MAX_BYTES: usize = 1 << 20;

    async fn get(query: &str, accepted: &str) -> (HeaderMap, String) {
        get_of(Pages::new(&[], None), query, accepted).await
    }

    async fn get_of(pages: Arc<Pages>, query: &str, accepted: &str) -> (HeaderMap, String) {
        let request = HeaderMap::from_iter([(ACCEPT_LANGUAGE, accepted.parse().unwrap())]);
        let answer = page(State(pages), RawQuery(Some(query.to_owned())), request).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let headers = answer.headers().clone();
        let body = to_bytes(answer.into_body(), MAX_BYTES).await.unwrap();
        (headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn compressed_page_is_the_page() {
        let pages = Pages::new(&[], None);
        let request = HeaderMap::from_iter([(ACCEPT_ENCODING, "gzip, br".parse().unwrap())]);
        let answer = page(State(pages.clone()), RawQuery(None), request).await;
        assert_eq!(answer.headers()[CONTENT_ENCODING], "br");
        let body = to_bytes(answer.into_body(), MAX_BYTES).await.unwrap();
        let mut html = String::new();
        brotli::Decompressor::new(&*body, 4096).read_to_string(&mut html).unwrap();
        assert_eq!(html, get_of(pages, "", "en").await.1);
        assert!(html.contains(EARLY_SCRIPT), "the script whose digest the browser knows");
    }

    #[tokio::test]
    async fn page_is_in_the_language_of_the_browser_and_says_so() {
        for (query, accepted, tag, sentence) in [
            ("", "de-DE,de;q=0.9,en;q=0.8", "de", "Dateien wählen"),
            ("", "en-GB", "en", "Choose files"),
            ("lang=de", "en", "de", "Dateien wählen"),
            ("lang=en", "de", "en", "Choose files"),
            ("", "fr-CA", "fr", "Choisir des fichiers"),
            ("", "es-419,en;q=0.5", "es", "Elegir archivos"),
        ] {
            let (headers, html) = get(query, accepted).await;
            assert_eq!(headers[CONTENT_LANGUAGE], tag);
            assert_eq!(headers[VARY], "accept-language, accept-encoding, cookie");
            assert_eq!(headers.contains_key(SET_COOKIE), query.contains("lang"));
            assert!(html.contains(&format!("<html lang=\"{tag}\">")), "{html}");
            assert!(html.contains(sentence), "{html}");
        }
    }

    #[tokio::test]
    async fn page_adds_the_missing_slash_before_anything_is_loaded() {
        let (_, html) = get("", "en").await;
        let (before, after) = html.split_once(&format!("<script>{EARLY_SCRIPT}</script>")).unwrap();
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

    fn presets(text: &str) -> Arc<Pages> {
        let mut sources = Sources::default();
        sources.file(text, DESCRIPTIONS).unwrap();
        let presets = Settings::from_sources(&sources).unwrap().presets;
        Pages::new(&presets.into_iter().map(Arc::new).collect::<Vec<_>>(), None)
    }

    #[tokio::test]
    async fn language_is_remembered_for_the_path_of_the_page() {
        for (url, path) in
            [("https://example.com/up", "; Path=/up"), ("https://example.com", "; Path=/")]
        {
            let url = PublicUrl::parse(url).unwrap();
            let (headers, _) = get_of(Pages::new(&[], Some(&url)), "lang=de", "en").await;
            assert!(headers[SET_COOKIE].to_str().unwrap().ends_with(path), "{headers:?}");
        }
    }

    #[tokio::test]
    async fn page_offers_presets_by_their_titles_and_names_no_host() {
        let pages = presets(
            "[[preset]]\nname = \"acme\"\ntitle = \"ACME <intake>\"\nhost = \"secret.example\"\n\
             [[preset]]\nname = \"b\"\ntitle = \"Bea\"\nhost = \"hidden.example\"\n",
        );
        let (_, html) = get_of(pages, "", "en").await;
        let (_, select) = html.split_once("<select id=\"host\"").unwrap();
        let (select, _) = select.split_once("</select>").unwrap();
        assert!(select.contains("value=\"acme\"") && select.contains(">Bea</option>"), "{select}");
        assert!(select.contains("ACME &#60;intake&#62;"), "{select}");
        assert!(!html.contains("secret.example") && !html.contains("hidden.example"), "{html}");
        let (_, typed) = get("", "en").await;
        assert!(typed.contains("<input id=\"host\"") && !typed.contains("<select id=\"host\""));
    }
}
