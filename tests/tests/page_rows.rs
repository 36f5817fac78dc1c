//! The rows of the list of uploads in a headless Chromium: removed, renamed, sorted, by keyboard alone, and
//! the way from a problem to its line in the session log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{fs, os::unix::fs::PermissionsExt as _};

use ferryport_tests::{
    browser::Page,
    content::Content,
    portal,
    servers::{self, Digests, Kind, Options, Server},
    user::{
        Files, WIDE, button_of, connect, connected_page, log_with, open_connected, press_in_row,
        row, status_of,
    },
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
    press_in_row(&page, "first.txt", "Rename").await;
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

    // The line leads back to the row.
    page.press("Enter").await;
    page.press_button("Show where it happened").await;
    page.until("the focus on the row", async || {
        (page.run("document.activeElement.ariaLabel").await == name.as_str()).then_some(())
    })
    .await;

    // The support view says which command a reply answers, and when.
    page.press_button("Technical view").await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_row_comes_back_after_a_reload_with_its_cause_and_is_tried_again_with_its_file() {
    let portal = portal!();
    let (server, page) = connected_page(&portal, Kind::PureFtpd).await;
    let files = Files::new();
    let name = format!("{}/a.txt", Server::READ_ONLY);
    files.add(&name, Content { len: 10, seed: 1 });
    let folder = files.folder().join(Server::READ_ONLY);
    page.choose("Choose folder", std::slice::from_ref(&folder)).await;
    status_of(&page, &name, "Failed").await;
    let problem = "document.querySelector('.upload .problem')?.innerText ?? ''";
    let cause = page.run(problem).await;
    assert!(cause.as_str().is_some_and(|cause| cause.contains("553")), "{cause}");

    page.reload().await;
    status_of(&page, &name, "Failed").await;
    assert_eq!(page.run(problem).await, cause);

    let writable = fs::Permissions::from_mode(0o777);
    fs::set_permissions(server.root().join(Server::READ_ONLY), writable).unwrap();
    page.choose("Choose folder", &[folder]).await;
    status_of(&page, &name, "Done").await;
    assert_eq!(page.uploads().await.len(), 1, "it is the same row");
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_the_server_has_already_is_recognised_by_its_digest_before_it_is_sent() {
    let portal = portal!();
    let options = Options { digests: Digests::All, ..Options::default() };
    let server = Server::start(Kind::ProFtpd, options);
    let page = open_connected(&portal, &server).await;
    let files = Files::new();
    // Large ones are digested while they are sent, small ones before that.
    let same = [("small.bin", 1000), ("large.bin", 3_000_000)];
    for (name, len) in same.into_iter().chain([("other.bin", 1000)]) {
        files.add(name, Content { len, seed: 1 });
        let theirs = Content { len, seed: if name == "other.bin" { 2 } else { 1 } };
        fs::write(server.root().join(name), theirs.piece(0, len)).unwrap();
    }
    page.choose("Choose files", &files.paths()).await;
    for (name, _) in same {
        status_of(&page, name, "Needs a decision").await;
        let row = row(&page, name).await;
        page.until(&format!("the comparison of {name}"), async || {
            let text = page.text(&row).await;
            text.contains("The same file is already there: the checksums are equal.").then_some(())
        })
        .await;
        let first = page.children(&row, "button").await.remove(0);
        assert_eq!(first.name, format!("Skip {name}"));
    }
    status_of(&page, "other.bin", "Needs a decision").await;
    let text = page.text(&row(&page, "other.bin").await).await;
    assert!(!text.contains("The same file"), "{text}");
    let log = log_with(&page, &["HASH "]).await;
    assert!(!log.contains("STOR "), "nothing was sent: {log}");
    press_in_row(&page, "large.bin", "Skip").await;
    status_of(&page, "large.bin", "Skipped").await;
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
