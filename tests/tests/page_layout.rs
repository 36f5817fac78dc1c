//! The page's shape in a headless Chromium: on a telephone, closed and opened, zoomed, and in the
//! colours of the system.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use ferryport_tests::{
    browser::Page,
    person::{connect, log_with},
    portal::{Options, Portal},
    servers::{self, Kind},
};

/// Cargo builds it from the portal's own `main.rs`.
const PORTAL: &str = env!("CARGO_BIN_EXE_portal-under-test");

/// A telephone and a desk, in pixels.
const NARROW: u32 = 360;
const WIDE: u32 = 1440;

/// On a telephone the buttons that choose files end above this, in pixels from the top.
const NEAR_THE_TOP: u32 = 340;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_telephone_the_server_is_one_line_and_the_log_stands_at_the_edge() {
    let server = servers::start(Kind::PureFtpd);
    let portal = Portal::start(PORTAL, Options::default());
    let page = Page::open(&portal.url(), NARROW).await;
    connect(&page, &server).await;

    let line = format!("127.0.0.1 {} · TLS 1.3", server.username());
    let line = page.find("button", &line).await;
    page.find("button", "Disconnect").await;
    let end = "[...document.querySelectorAll('button')]
        .find(({ textContent }) => textContent === 'Choose files').getBoundingClientRect().bottom";
    let end = page.run(end).await.as_f64().expect("a place");
    assert!(end <= NEAR_THE_TOP.into(), "{end} px");

    // The rest is there on demand, by keyboard too.
    assert!(page.all("group", "Encryption").await.is_empty());
    page.click(&line).await;
    page.find("group", "Encryption").await;
    page.press("Enter").await;
    page.until("the line alone", async || {
        page.all("group", "Encryption").await.is_empty().then_some(())
    })
    .await;

    log_with(&page, &["Entries listed"]).await;
    newest_line_is_in_view(&page).await;
    assert!(page.all("textbox", "Find in the log").await.is_empty());
    page.press_button("Session log").await;
    page.find("textbox", "Find in the log").await;
    newest_line_is_in_view(&page).await;
    page.press_button("Session log").await;
    page.press_button("Disconnect").await;
    page.find("button", "Connect").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_closes_but_for_its_newest_line_and_the_visit_remembers_it() {
    let server = servers::start(Kind::PureFtpd);
    let portal = Portal::start(PORTAL, Options::default());
    let page = Page::open(&portal.url(), WIDE).await;
    connect(&page, &server).await;
    page.find("textbox", "Find in the log").await;
    log_with(&page, &["Entries listed"]).await;

    // Who has scrolled up finds what is new in the line that stays.
    let to_the_top = "document.querySelector('[role=log]').scrollTop = 0; null";
    page.run(to_the_top).await;
    let toggle = page.find("button", "Session log").await;
    page.press_up_to("Shift+Tab", &toggle, 60).await;
    page.press("Enter").await;
    log_is_closed(&page).await;
    newest_line_is_in_view(&page).await;
    log_with(&page, &["AUTH TLS", "Entries listed"]).await;

    page.reload().await;
    page.find("button", "Choose files").await;
    log_is_closed(&page).await;
    page.press_button("Session log").await;
    page.find("textbox", "Find in the log").await;
    newest_line_is_in_view(&page).await;
    page.finish().await;
}

async fn log_is_closed(page: &Page) {
    page.until("a log without its tools", async || {
        page.all("textbox", "Find in the log").await.is_empty().then_some(())
    })
    .await;
}

/// Waits until the log's last line is where it is seen.
async fn newest_line_is_in_view(page: &Page) {
    let is_seen = "(() => {
        const log = document.querySelector('[role=log]');
        const [line, around] = [log.lastElementChild, log].map((it) => it.getBoundingClientRect());
        const middle = (line.top + line.bottom) / 2;
        return around.top < middle && middle < around.bottom && middle > 0 && middle < innerHeight;
    })()";
    page.until("the newest line in view", async || (page.run(is_seen).await == true).then_some(()))
        .await;
}
