//! The page's two views in a headless Chromium: the simple one, and the support view with everything
//! side by side.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use ferryport_tests::{
    browser::Page,
    content::Content,
    portal,
    servers::{self, Kind, Server},
    user::{Files, NARROW, WIDE, assert_all_stored, connect, log_with, status_of},
};

/// How many controls the simple view shows after connecting, at most.
const MAX_CONTROLS: u64 = 15;

/// Where the first upload begins on a telephone, at most, in pixels from the top.
const FIRST_ROW: f64 = 320.0;

/// The size of the telephone's window, in pixels.
const TELEPHONE: (u32, u32) = (360, 740);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simple_view_shows_few_controls_and_opens_what_is_asked_for() {
    let portal = portal!();
    let server = servers::start(Kind::PureFtpd);
    let page = Page::open(&portal.url(), WIDE).await;
    assert!(page.all("button", "Session log").await.is_empty(), "there is no log yet");
    connect(&page, &server).await;

    let controls = page.run(CONTROLS).await;
    let controls = controls.as_array().unwrap();
    assert!(controls.len() as u64 <= MAX_CONTROLS, "{}: {controls:?}", controls.len());
    for (role, name) in [("list", "Remote files"), ("log", "Session log lines")] {
        assert!(page.all(role, name).await.is_empty(), "{name} is closed");
    }

    page.press_button("Session log").await;
    page.find("log", "Session log lines").await;
    log_with(&page, &["PASS ********"]).await;
    page.press_button("Remote files").await;
    page.find("list", "Remote files").await;

    // What is open stays open over a reload; in the other view everything is.
    page.press_button("Session log").await;
    page.reload().await;
    page.find("list", "Remote files").await;
    assert!(page.all("log", "Session log lines").await.is_empty(), "the log was closed");
    page.press_button("Technical view").await;
    page.find("log", "Session log lines").await;
    page.find("combobox", "If a file is there already").await;
    page.reload().await;
    page.find("log", "Session log lines").await;
    page.press_button("Technical view").await;
    page.until("the simple view", async || {
        page.all("log", "Session log lines").await.is_empty().then_some(())
    })
    .await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_telephone_the_first_upload_is_in_view_and_one_sheet_is_open_at_a_time() {
    let portal = portal!();
    let server = servers::start(Kind::PureFtpd);
    let page = Page::open(&portal.url(), NARROW).await;
    page.resize_to(TELEPHONE.0, TELEPHONE.1).await;
    connect(&page, &server).await;
    let files = Files::new();
    for n in 0..4 {
        files.add(&format!("{n}.txt"), Content { len: 1000, seed: n });
    }
    page.choose("Choose files", &files.paths()).await;
    assert_all_stored(&page, &server, &files, "").await;
    let top = "document.querySelector('.upload').getBoundingClientRect().top + scrollY";
    let top = page.run(top).await.as_f64().unwrap();
    assert!(top <= FIRST_ROW, "{top} px");

    page.press_button("Remote files").await;
    page.find("list", "Remote files").await;
    page.press_button("Session log").await;
    page.find("log", "Session log lines").await;
    assert!(page.all("list", "Remote files").await.is_empty(), "there is space for one");
    page.press_button("Session log").await;
    page.find("button", "Choose files").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_answer_is_about_all_files_that_exist_already() {
    let portal = portal!();
    let server = servers::start(Kind::PureFtpd);
    let page = Page::open(&portal.url(), WIDE).await;
    connect(&page, &server).await;
    let files = existing_files(&server);
    page.choose("Choose files", &files.paths()).await;
    let question = page.find("group", "4 files exist on the server already.").await;
    let filters = page.find("group", "Show").await;
    let shown = page.children(&filters, "button").await;
    let shown: Vec<_> = shown.iter().map(|button| button.name.as_str()).collect();
    assert_eq!(shown, ["All 4", "Needs you 4"], "those without files are hidden");
    let keep_both = page.find_in(&question, "button", "Keep both").await;
    page.click(&keep_both).await;
    for n in 0..4 {
        status_of(&page, &format!("{n}.txt"), "Done").await;
        let new = Content { len: 1000, seed: n }.sha256();
        assert_eq!(server.sha256_of(&format!("{n} (2).txt")), Some(new));
        let old = Content { len: 10, seed: 100 + n }.sha256();
        assert_eq!(server.sha256_of(&format!("{n}.txt")), Some(old), "the old file is unharmed");
    }
    page.until("no question", async || {
        page.all("group", "4 files exist on the server already.").await.is_empty().then_some(())
    })
    .await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_colours_that_were_chosen_stay_after_a_reload() {
    let portal = portal!();
    let page = Page::open(&portal.url(), WIDE).await;
    let background = "getComputedStyle(document.body).backgroundColor";
    let light = page.run(background).await;
    page.select("Appearance", "Dark").await;
    let dark = page.run(background).await;
    assert_ne!(dark, light);
    page.reload().await;
    page.find("button", "Connect").await;
    assert_eq!(page.run(background).await, dark);
    page.select("Appearance", "Automatic").await;
    assert_eq!(page.run(background).await, light);
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_can_be_installed() {
    let portal = portal!();
    let page = Page::open(&portal.url(), WIDE).await;
    // It is no part of the first load.
    let linked = "document.querySelector('link[rel=manifest]') !== null";
    assert_eq!(page.run(linked).await, false);
    let field = page.field("Host").await;
    page.click(&field).await;
    page.until("the manifest", async || (page.run(linked).await == true).then_some(())).await;
    let loaded = "(async () => {
        const address = document.querySelector('link[rel=manifest]').href;
        const manifest = await (await fetch(address)).json();
        const icons = await Promise.all(manifest.icons.map(async ({ src, sizes }) => {
            const image = new Image();
            image.src = new URL(src, address);
            await image.decode();
            return sizes === 'any' || sizes === `${image.naturalWidth}x${image.naturalHeight}`;
        }));
        const start = new URL(manifest.start_url, address).href;
        return [start === location.origin + location.pathname, ...icons];
    })()";
    assert_eq!(page.run(loaded).await, serde_json::json!([true, true, true, true]));
    page.finish().await;
}

/// The names of the controls that are visible.
const CONTROLS: &str = "[...document.querySelectorAll(
    'button, select, summary, input, textarea, a[href]:not(.skip-link)')]
    .filter((control) => control.checkVisibility())
    .map((control) => control.textContent.trim() || control.id)";

/// Files, each with an older one of its name on the server.
fn existing_files(server: &Server) -> Files {
    let files = Files::new();
    for n in 0..4 {
        let name = format!("{n}.txt");
        files.add(&name, Content { len: 1000, seed: n });
        let old = Content { len: 10, seed: 100 + n }.piece(0, 10);
        std::fs::write(server.root().join(name), old).expect("the folder is ours");
    }
    files
}
