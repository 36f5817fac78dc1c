//! The page's shape in a headless Chromium: on a telephone, closed and opened, zoomed, and in the
//! colours of the system.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use ferryport_tests::{
    browser::{Page, Scheme},
    portal, portal_program,
    servers::{self, Kind},
    states::{PreparedState, State},
    user::{NARROW, WIDE, connect, connected_page, log_with},
};

/// On a telephone the buttons that choose files end above this, in pixels from the top.
const NEAR_THE_TOP: u32 = 340;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_narrow_window_the_server_is_one_line_and_the_log_is_at_the_edge() {
    let server = servers::start(Kind::PureFtpd);
    let portal = portal!();
    let page = Page::open(&portal.support_url(), NARROW).await;
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

    log_with(&page, &["Directory listing:"]).await;
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
async fn a_closed_log_shows_its_newest_line_and_stays_closed_after_a_reload() {
    let portal = portal!();
    let (_server, page) = connected_page(&portal, Kind::PureFtpd).await;
    page.find("textbox", "Find in the log").await;
    log_with(&page, &["Directory listing:"]).await;

    // The log is scrolled up; the closed log shows the newest line.
    let to_the_top = "document.querySelector('[role=log]').scrollTop = 0; null";
    page.run(to_the_top).await;
    let toggle = page.find("button", "Session log").await;
    page.press_up_to("Shift+Tab", &toggle, 60).await;
    page.press("Enter").await;
    log_is_closed(&page).await;
    newest_line_is_in_view(&page).await;
    log_with(&page, &["AUTH TLS", "Directory listing:"]).await;

    page.reload().await;
    page.find("button", "Choose files").await;
    log_is_closed(&page).await;
    page.press_button("Session log").await;
    page.find("textbox", "Find in the log").await;
    newest_line_is_in_view(&page).await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_200_percent_zoom_nothing_overflows_and_every_control_can_be_pressed() {
    let page = Page::open("about:blank", WIDE).await;
    let mut found = Vec::new();
    for state in State::ALL {
        let _state = PreparedState::prepare(&page, portal_program!(), state).await;
        // A window of 1280 x 800 pixels, zoomed.
        page.resize_to(640, 400).await;
        found.extend(out_of_reach(&page, &format!("{state}-zoomed")).await);
        // The same window, with the letters alone twice as high.
        page.resize_to(1280, 800).await;
        page.run("document.documentElement.style.fontSize = '200%'; null").await;
        found.extend(out_of_reach(&page, &format!("{state}-large-letters")).await);
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_forced_colours_everything_is_visible() {
    let page = Page::open("about:blank", WIDE).await;
    let mut found = Vec::new();
    for state in State::ALL {
        let _state = PreparedState::prepare(&page, portal_program!(), state).await;
        for scheme in Scheme::ALL {
            page.force_colours(scheme).await;
            let look = format!("{state}-forced-{}", scheme.name());
            found.extend(unseen(&page, &look).await);
            let outline = focus_outline(&page).await;
            if outline != "solid" {
                found.push(format!("{look}: the focus has the outline {outline}"));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Returns how each element that Tab reaches shows that it has the focus.
async fn focus_outline(page: &Page) -> String {
    let style = "(() => {
        const { activeElement, body } = document;
        return activeElement === body ? null : getComputedStyle(activeElement).outlineStyle;
    })()";
    page.until("the focus on a control", async || {
        page.press("Tab").await;
        page.run(style).await.as_str().map(str::to_owned)
    })
    .await
}

/// Returns elements that overflow, and controls that cannot be brought into view or are covered.
async fn out_of_reach(page: &Page, look: &str) -> Vec<String> {
    let script = "(() => {
        const found = [];
        const root = document.documentElement;
        if (root.scrollWidth > innerWidth) found.push(`${root.scrollWidth} px wide`);
        const all = 'button, input, select, textarea, summary, a[href]:not(.skip-link)';
        for (const control of (document.querySelector('dialog[open]') ?? document).querySelectorAll(all)) {
            if (!control.checkVisibility()) continue;
            control.scrollIntoView({ block: 'center', inline: 'nearest', behavior: 'instant' });
            const { left, right, top, bottom } = control.getBoundingClientRect();
            const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
            if (left < 0 || right > innerWidth || !control.contains(hit)) {
                const name = control.ariaLabel || control.textContent.trim() || control.id;
                found.push(`${name}: ${left},${top} to ${right},${bottom} under ${hit?.outerHTML.slice(0, 60)}`);
            }
        }
        scrollTo(0, 0);
        return found;
    })()";
    problems(page, look, script).await
}

/// Returns icons, bars and paths that have the colour of their background.
async fn unseen(page: &Page, look: &str) -> Vec<String> {
    let script = "(() => {
        const found = [];
        const behind = (element) => {
            for (let at = element.parentElement; at; at = at.parentElement) {
                const colour = getComputedStyle(at).backgroundColor;
                if (colour !== 'rgba(0, 0, 0, 0)') return colour;
            }
            return getComputedStyle(document.documentElement).backgroundColor;
        };
        const parts = { 'svg': 'stroke', '.progress-fill': 'backgroundColor', '.progress-end': 'borderTopColor' };
        for (const [part, property] of Object.entries(parts)) {
            for (const element of document.querySelectorAll(part)) {
                if (!element.checkVisibility()) continue;
                const colour = getComputedStyle(element)[property];
                if (colour === behind(element) || colour === 'rgba(0, 0, 0, 0)') {
                    found.push(`${part} in ${element.parentElement.outerHTML.slice(0, 80)}: ${colour}`);
                }
            }
        }
        return found;
    })()";
    problems(page, look, script).await
}

/// What a script finds, after a picture of it.
async fn problems(page: &Page, look: &str, script: &str) -> Vec<String> {
    page.screenshot(look).await;
    let found: Vec<String> = serde_json::from_value(page.run(script).await).unwrap();
    found.into_iter().map(|problem| format!("{look}: {problem}")).collect()
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
