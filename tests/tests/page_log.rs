//! The page's session log in a headless Chromium: what lines mean, filter, find, masks, copies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops and says why"
)]

use std::fs;

use ferryport_tests::{
    browser::{Node, Page},
    fake_peers::FakePeer,
    portal,
    servers::{Kind, Server},
    user::{WIDE, connected_page},
};

/// A greeting that turns, hides and clears, and is no markup.
const HOSTILE_GREETING: &str =
    "220 \u{202e}evil\u{2066} \u{200b}\u{61c}\u{1b}[2J<b>bold</b>\u{2028}end\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_explains_filters_finds_masks_and_copies() {
    let portal = portal!();
    let (server, page) = connected_page(&portal, Kind::ProFtpd).await;
    page.see("Directory listing:").await;

    lines_are_explained_on_demand(&page).await;
    kinds_are_chosen(&page).await;
    text_is_found(&page).await;
    names_are_hidden_and_the_log_is_taken_along(&page, &server).await;
    the_scroll_waits_for_a_line_that_has_the_focus(&page, &server).await;
    page.screenshot("log-1-ready").await;
    page.finish().await;
}

async fn lines_are_explained_on_demand(page: &Page) {
    let auth = line(page, "Command: AUTH TLS").await;
    assert!(!text(page).await.contains("Asks the server to start TLS"));
    page.click(&auth).await;
    page.see("Asks the server to start TLS").await;
    // The line after it, by keyboard alone.
    page.press("ArrowDown").await;
    page.press("Enter").await;
    page.see("The server agrees: TLS starts now.").await;
    page.press("Enter").await;
    wait_until_gone(page, "The server agrees: TLS starts now.").await;
    page.click(&auth).await;
    wait_until_gone(page, "Asks the server to start TLS").await;

    let all = page.find("checkbox", "Explain all").await;
    page.click(&all).await;
    page.see("Sends the password, which is never shown.").await;
    page.screenshot("log-2-explained").await;
    page.click(&all).await;
    wait_until_gone(page, "Sends the password, which is never shown.").await;
}

async fn kinds_are_chosen(page: &Page) {
    page.select("Show", "Commands and replies").await;
    wait_until_gone(page, "Status:").await;
    page.see("AUTH TLS").await;
    page.select("Show", "Status").await;
    wait_until_gone(page, "AUTH TLS").await;
    page.see("Status:").await;
    // The certificate was asked about and trusted: that is no error.
    page.see("the server's certificate is not trusted").await;
    page.select("Show", "Errors").await;
    wait_until_gone(page, "Status:").await;
    wait_until_gone(page, "the server's certificate is not trusted").await;
    page.select("Show", "All").await;
    page.see("AUTH TLS").await;
}

async fn text_is_found(page: &Page) {
    page.fill("Find in the log", "tls").await;
    let number = marks(page, "mark").await;
    assert!(number > 1, "{number} places");
    assert_eq!(said(page).await, format!("1 of {number}"));
    page.press("Enter").await;
    assert_eq!(said(page).await, format!("2 of {number}"));
    assert_eq!(marks(page, "mark[aria-current]").await, 1);
    page.fill("Find in the log", "no such words").await;
    assert_eq!(said(page).await, "Not found");
    page.press("Escape").await;
    assert_eq!((marks(page, "mark").await, said(page).await), (0, String::new()));
}

async fn names_are_hidden_and_the_log_is_taken_along(page: &Page, server: &Server) {
    for name in ["Host and addresses", "User", "Paths"] {
        let group = page.find("group", "Mask").await;
        let check = page.find_in(&group, "checkbox", name).await;
        page.click(&check).await;
    }
    page.see("USER [user 1]").await;
    let shown = text(page).await;
    assert!(!shown.contains("127.0.0.1") && shown.contains("[host 1]"), "{shown}");

    let folder = tempfile::tempdir().unwrap();
    page.allow_downloads(folder.path()).await;
    page.press_button("Copy log").await;
    page.see("Lines copied: ").await;
    let copied = page.run("navigator.clipboard.readText()").await;
    let copied = copied.as_str().unwrap().to_owned();
    page.press_button("Download log").await;
    let saved = page
        .until("the file", async || {
            let file = fs::read_dir(folder.path()).unwrap().next()?.unwrap().path();
            let name = file.file_name()?.to_str()?.to_owned();
            let is_whole = name.starts_with("ferryport-log-2") && name.ends_with(".txt");
            is_whole.then(|| fs::read_to_string(&file).unwrap())
        })
        .await;
    for taken in [&copied, &saved] {
        assert!(taken.starts_with("Ferryport ") && taken.contains("Server: 220 "), "{taken}");
        assert!(taken.contains("#1 Command: AUTH TLS\n"), "{taken}");
        assert!(taken.contains("Command: PASS ********\n"), "{taken}");
        for secret in ["127.0.0.1", server.username(), server.password()] {
            assert!(!taken.contains(secret), "{secret} in:\n{taken}");
        }
    }
    let group = page.find("group", "Mask").await;
    let check = page.find_in(&group, "checkbox", "User").await;
    page.click(&check).await;
    page.see(&format!("USER {}", server.username())).await;
}

async fn the_scroll_waits_for_a_line_that_has_the_focus(page: &Page, server: &Server) {
    let pass = line(page, "PASS").await;
    page.click(&pass).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("logged.bin");
    fs::write(&file, "some bytes").unwrap();
    page.choose("Choose files", &[file]).await;
    page.until("the file on the server", async || server.sha256_of("logged.bin")).await;
    // Choosing files took the focus away; the visible lines stay in view.
    page.press_button("Jump to the newest line").await;
    page.until("the newest line in view", async || {
        let below = page
            .run(
                "(({ scrollTop, clientHeight, scrollHeight }) =>
                  scrollHeight - clientHeight - scrollTop)(document.getElementById('log'))",
            )
            .await;
        (below.as_f64()? < 24.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_greeting_is_shown_as_text_and_a_failure_shows_its_remedy() {
    let server = FakePeer::start(HOSTILE_GREETING, |_| Some("502 \u{202e}no TLS here\r\n"));
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;
    page.fill("Host", "127.0.0.1").await;
    page.fill("Port", &server.port().to_string()).await;
    page.fill("Username", "anybody").await;
    page.fill("Password", "a password").await;
    page.press_button("Connect").await;
    page.see("\u{2039}U+202E\u{203a}no TLS here").await;
    let shown = text(&page).await;
    let expected = "220 \u{2039}U+202E\u{203a}evil\u{2039}U+2066\u{203a} \u{2039}U+200B\u{203a}\
                    \u{2039}U+061C\u{203a}\u{fffd}[2J<b>bold</b>\u{2039}U+2028\u{203a}end";
    assert!(shown.contains(expected), "{shown}");
    let whole = page.all_text().await;
    for hidden in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{61c}', '\u{1b}', '\u{2028}'] {
        assert!(!whole.contains(hidden), "{hidden:?}");
    }

    page.find("group", "What went wrong").await;
    let error = line(&page, "Error:").await;
    page.click(&error).await;
    page.until("the remedy under the line", async || {
        let shown = text(&page).await;
        shown.contains("The server's administrator can help:").then_some(())
    })
    .await;
    page.screenshot("log-3-failed").await;
    page.finish().await;
}

async fn text(page: &Page) -> String {
    let log = page.find("log", "Session log lines").await;
    page.text(&log).await
}

/// The last line of the log whose words hold these.
async fn line(page: &Page, words: &str) -> Node {
    let log = page.find("log", "Session log lines").await;
    page.until(&format!("the line {words:?}"), async || {
        let lines = page.children(&log, "button").await;
        lines.into_iter().rev().find(|line| line.name.contains(words))
    })
    .await
}

async fn wait_until_gone(page: &Page, words: &str) {
    page.until(&format!("a log without {words:?}"), async || {
        (!text(page).await.contains(words)).then_some(())
    })
    .await;
}

async fn marks(page: &Page, selector: &str) -> u64 {
    let number = page.run(&format!("document.querySelectorAll('#log {selector}').length")).await;
    number.as_u64().unwrap()
}

/// Returns the text about the number of matches.
async fn said(page: &Page) -> String {
    let said = page.run("document.getElementById('log-status').textContent").await;
    said.as_str().unwrap().to_owned()
}
