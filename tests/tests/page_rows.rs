//! The rows of the list of uploads in a headless Chromium: removed, renamed, sorted, by keyboard alone, and
//! the way from a problem to its line in the session log.
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
    user::{Files, WIDE, button_of, connect, connected_page, press_in_row, row, status_of},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_is_removed_for_good_and_a_file_is_stored_under_the_name_that_it_was_given() {
    let portal = portal!();
    let (server, page) = connected_page(&portal, Kind::PureFtpd).await;
    let files = Files::new();
    let content = Content { len: 1000, seed: 1 };
    for name in ["first.txt", "second.txt"] {
        files.add(name, content);
    }
    page.choose("Choose files", &files.paths()).await;
    status_of(&page, "second.txt", "Done").await;
    press_in_row(&page, "first.txt", "Remove from the list").await;
    rows_are(&page, &["second.txt"]).await;

    // The server has a file of this name: the user gives theirs another one.
    page.choose("Choose files", &files.paths()[..1]).await;
    status_of(&page, "first.txt", "Needs a decision").await;
    press_in_row(&page, "first.txt", "Change name").await;
    let field = page.find("textbox", "New name").await;
    assert!(page.has_focus(&field).await);
    // The name is selected up to its extension.
    page.press("a").await;
    page.run("document.activeElement.value = 'x/y'; null").await;
    page.press("Enter").await;
    page.see("A name cannot contain a slash").await;
    page.run("document.activeElement.value = 'second.txt'; null").await;
    page.press("Enter").await;
    page.see("Another file in the list").await;
    page.run("document.activeElement.value = 'third.txt'; null").await;
    page.press("Enter").await;
    status_of(&page, "third.txt", "Done").await;
    assert_eq!(server.sha256_of("third.txt"), Some(content.sha256()));
    assert_eq!(server.files(), ["first.txt", "second.txt", "third.txt"]);
    let renamed = row(&page, "third.txt").await;
    button_of(&page, &renamed, "Remove from the list third.txt").await;

    // The list after a reload has the new name, and not what was removed.
    page.reload().await;
    page.find("button", "Choose files").await;
    status_of(&page, "third.txt", "Done").await;
    assert!(page.uploads().await.iter().all(|row| row.label != "first.txt"));
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_sorted_by_name_and_a_row_is_one_stop_of_the_tab_key() {
    let portal = portal!();
    let (_server, page) = connected_page(&portal, Kind::PureFtpd).await;
    let files = Files::new();
    for (name, len) in [("file 10", 30), ("file 2", 10), ("Älter", 20)] {
        files.add(name, Content { len, seed: 1 });
    }
    page.choose("Choose files", &files.paths()).await;
    status_of(&page, "Älter", "Done").await;
    rows_are(&page, &["file 10", "file 2", "Älter"]).await;
    page.select("Order", "By name").await;
    rows_are(&page, &["Älter", "file 2", "file 10"]).await;
    page.select("Order", "Smallest first").await;
    rows_are(&page, &["file 2", "Älter", "file 10"]).await;

    let first = row(&page, "file 2").await;
    page.press_up_to("Tab", &first, 40).await;
    page.press("ArrowRight").await;
    let button = button_of(&page, &first, "Remove from the list file 2").await;
    assert!(page.has_focus(&button).await);
    page.press("Tab").await;
    assert!(page.has_focus(&row(&page, "Älter").await).await, "the next row");
    page.press("Shift+Tab").await;
    page.press("Delete").await;
    rows_are(&page, &["Älter", "file 10"]).await;

    page.press("?").await;
    page.find("dialog", "Keyboard shortcuts").await;
    page.press("Escape").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_problem_leads_to_its_line_in_the_session_log() {
    let portal = portal!();
    let server = servers::start(Kind::PureFtpd);
    let page = Page::open(&portal.url(), WIDE).await;
    connect(&page, &server).await;
    let files = Files::new();
    files.add(&format!("{}/a.txt", Server::READ_ONLY), Content { len: 10, seed: 1 });
    page.choose("Choose folder", &[files.folder().join(Server::READ_ONLY)]).await;
    let name = format!("{}/a.txt", Server::READ_ONLY);
    status_of(&page, &name, "Failed").await;
    assert!(page.all("log", "Session log lines").await.is_empty(), "the log is closed");
    press_in_row(&page, &name, "Show in the session log").await;
    page.find("log", "Session log lines").await;
    let focused = "document.activeElement.closest('.line')?.innerText ?? ''";
    page.until("the focus on the line of the reply", async || {
        let line = page.run(focused).await;
        line.as_str()?.contains("553 Can't open that file").then_some(())
    })
    .await;

    // The support view says which command a reply answers, and when.
    page.press_button("Support view").await;
    let pair =
        "getComputedStyle(document.querySelector('[data-answers^=STOR]'), '::after').content";
    let pair = page.run(pair).await;
    let pair = pair.as_str().unwrap();
    assert!(pair.contains("STOR, ") && pair.contains("\u{a0}ms"), "{pair}");
    let time = "getComputedStyle(document.querySelector('.line-time'), '::after').content";
    let time = page.run(time).await;
    assert_eq!(time.as_str().unwrap().len(), "\".123\"".len(), "{time}");
    page.finish().await;
}

/// Waits until the list holds these rows, in this order.
async fn rows_are(page: &Page, labels: &[&str]) {
    page.until(&format!("the rows {labels:?}"), async || {
        let shown = page.uploads().await;
        shown.iter().map(|row| row.label.as_str()).eq(labels.iter().copied()).then_some(())
    })
    .await;
}
