//! The page in a headless Firefox: the main ways of a user, against a real FTPS server.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use ferryport_tests::{
    browser::{Browser, Node, Page},
    content::{Content, ODD_NAMES},
    page_proxy::PageProxy,
    portal,
    portal::{Options, Portal},
    servers::{self, Kind, Server},
    user::{
        Files, WIDE, assert_all_stored, assert_connects_again, connect, fail_with_wrong_password,
        fill_form, has_resumed, log_with, press_in_row, refuse_certificate, saved, status_of,
        trust, upload_one, wait_for_progress,
    },
};

/// So slow that a test finds its upload in progress.
const BYTES_PER_SECOND: u32 = 4 << 20;

async fn open(portal: &Portal) -> Page {
    Page::open_in(Browser::Firefox, &portal.support_url(), WIDE).await
}

/// Starts a server and connects the page to it.
async fn connected(portal: &Portal, kind: Kind) -> (Server, Page) {
    let server = servers::start(kind);
    let page = open(portal).await;
    connect(&page, &server).await;
    (server, page)
}

/// One Firefox at a time: two of them need more than two processors.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_refused_then_trusted_and_chosen_and_dropped_files_are_stored() {
    let _alone = ALONE.lock().await;
    let server = servers::start(Kind::Vsftpd);
    let portal = portal!();
    let page = open(&portal).await;
    fill_form(&page, &server).await;
    page.press_button("Connect").await;
    refuse_certificate(&page).await;
    page.press_button("Connect").await;
    trust(&page, &server).await;

    let files = Files::new();
    files.add("empty.bin", Content { len: 0, seed: 1 });
    files.add("5 MiB and 1.bin", Content { len: (5 << 20) + 1, seed: 3 });
    for (name, seed) in ODD_NAMES.into_iter().zip(100..) {
        files.add(name, Content { len: 1000, seed });
    }
    page.choose("Choose files", &files.paths()).await;
    assert_all_stored(&page, &server, &files, "").await;

    let dropped = Files::new();
    dropped.add("dropped.bin", Content { len: 100_000, seed: 1 });
    dropped.add("and another.bin", Content { len: 70_000, seed: 2 });
    let zone = page.find("button", "Choose files").await;
    page.drop_files(&zone, &dropped.paths()).await;
    assert_all_stored(&page, &server, &dropped, "").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_stored_and_the_log_holds_replies_verbatim_and_no_password() {
    let _alone = ALONE.lock().await;
    let portal = portal!();
    let (server, page) = connected(&portal, Kind::ProFtpd).await;

    let files = Files::new();
    for n in 0..40 {
        let path = format!("part {}/box {}/file {n}.txt", n % 4, n % 3);
        files.add(&path, Content { len: n * 41, seed: n });
    }
    page.choose("Choose folder", &[files.folder()]).await;
    assert_all_stored(&page, &server, &files, &format!("{}/", files.folder_name())).await;
    assert_eq!(server.files().len(), 40, "no temporary name stays behind");

    log_with(&page, &["220", "AUTH TLS", "PASS ********", "230", "STOR", "226"]).await;
    assert!(!page.all_text().await.contains(server.password()));
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_shows_the_servers_reply_and_the_page_connects_again() {
    let _alone = ALONE.lock().await;
    let server = servers::start(Kind::PureFtpd);
    let portal = portal!();
    let page = open(&portal).await;
    fail_with_wrong_password(&page, &server).await;
    assert_connects_again(&page, &server).await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_is_asked_about_and_the_choice_carried_out() {
    let _alone = ALONE.lock().await;
    let portal = portal!();
    let (server, page) = connected(&portal, Kind::ProFtpd).await;

    let names = ["overwrite", "skip", "rename"];
    let (old, new) = (Content { len: 10_000, seed: 1 }, Content { len: 25_000, seed: 2 });
    let files = Files::new();
    for name in names {
        let theirs = server.root().join(name);
        std::fs::write(theirs, old.piece(0, old.len)).unwrap();
        files.add(name, new);
    }
    page.choose("Choose files", &files.paths()).await;
    for (name, button) in names.into_iter().zip(["Replace", "Skip", "Keep both"]) {
        status_of(&page, name, "Needs a decision").await;
        press_in_row(&page, name, button).await;
    }
    status_of(&page, "overwrite", "Done").await;
    status_of(&page, "skip", "Skipped").await;
    status_of(&page, "rename", "Done").await;
    for (name, content) in [("overwrite", new), ("skip", old), ("rename", old), ("rename (2)", new)]
    {
        assert_eq!(server.sha256_of(name), Some(content.sha256()), "{name}");
    }
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_upload_leaves_no_part_file() {
    let _alone = ALONE.lock().await;
    let server = servers::start(Kind::Vsftpd);
    let (portal, page_proxy) = slow_portal().await;
    let page = Page::open_in(Browser::Firefox, &page_proxy.support_url(), WIDE).await;
    connect(&page, &server).await;

    let files = Files::new();
    files.add("under way", Content { len: 64 << 20, seed: 1 });
    page.choose("Choose files", &files.paths()).await;
    wait_for_progress(&page, "under way").await;
    press_in_row(&page, "under way", "Cancel").await;
    status_of(&page, "under way", "Skipped").await;
    upload_one(&page, &server, "kept").await;
    page.until("nothing but the file that was kept", async || {
        (server.files() == ["kept"]).then_some(())
    })
    .await;
    page.finish().await;
    drop(portal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reloaded_page_resumes_when_the_file_is_picked_again() {
    let _alone = ALONE.lock().await;
    let server = servers::start(Kind::PureFtpd);
    let (portal, page_proxy) = slow_portal().await;
    let page = Page::open_in(Browser::Firefox, &page_proxy.support_url(), WIDE).await;
    connect(&page, &server).await;

    let files = Files::new();
    files.add("freight.bin", Content { len: (32 << 20) + 12_345, seed: 42 });
    page.choose("Choose files", &files.paths()).await;
    page.until("a part of the upload", async || {
        let shown = page.uploads().await;
        shown.first().filter(|row| (15..80).contains(&row.percent)).map(|_| ())
    })
    .await;
    saved(&page).await;
    page.reload().await;
    page.see("choose or drop the same file again").await;
    page.choose("Choose files", &files.paths()).await;
    assert_all_stored(&page, &server, &files, "").await;
    assert_eq!(server.files(), ["freight.bin"], "nothing else is left behind");
    assert_eq!(page.uploads().await.len(), 1, "it is the same row");
    has_resumed(&page).await;
    drop(portal);
}

/// A portal behind a way that takes its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_fills_the_form_and_the_destination_is_remembered() {
    let _alone = ALONE.lock().await;
    let server = servers::start(Kind::ProFtpd);
    let portal = portal!();
    let (port, user) = (server.port().to_string(), server.username());
    let link = format!("{}#host=127.0.0.1&port={port}&user={user}", portal.support_url());
    let page = Page::open_in(Browser::Firefox, &link, WIDE).await;
    let wanted = [("Host", "127.0.0.1"), ("Port", &port), ("Username", user)];
    fields_to_be(&page, &wanted).await;

    page.fill("Password", server.password()).await;
    page.press("Enter").await;
    trust(&page, &server).await;
    page.press_button("Certificate and details").await;
    let security = page.find("region", "Security").await;
    let text = page.text(&security).await;
    let digits: String = text.to_lowercase().chars().filter(char::is_ascii_hexdigit).collect();
    assert!(digits.contains(&server.certificate_sha256()), "{text}");
    page.press_button("Security").await;
    wait_until_gone(&page, "button", "Copy fingerprint").await;

    page.press_button("Disconnect").await;
    page.fill("Host", "elsewhere.example.org").await;
    page.fill("Username", "nobody").await;
    let list = page.find("list", "Recent").await;
    let buttons = page.children(&list, "button").await;
    page.click(buttons.first().unwrap()).await;
    fields_to_be(&page, &wanted).await;
    page.fill("Password", server.password()).await;
    page.press("Enter").await;
    page.find("button", "Choose files").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_created_renamed_and_deleted_and_the_log_explains_it() {
    let _alone = ALONE.lock().await;
    let portal = portal!();
    let (server, page) = connected(&portal, Kind::ProFtpd).await;

    page.press_button("New folder").await;
    page.find("dialog", "New folder").await;
    page.fill("Name", "new").await;
    page.press("Enter").await;
    let row = row_of_remote(&page, "new").await;
    assert!(server.root().join("new").is_dir());
    has_focus(&page, &row).await;
    page.press("F2").await;
    page.find("dialog", "Rename “new”").await;
    page.fill("Name", "renamed").await;
    page.press("Enter").await;
    let row = row_of_remote(&page, "renamed").await;
    assert!(server.root().join("renamed").is_dir());
    has_focus(&page, &row).await;
    page.press("Delete").await;
    let dialog = page.find("dialog", "Delete the folder “renamed”?").await;
    let delete = page.find_in(&dialog, "button", "Delete").await;
    page.click(&delete).await;
    wait_until_gone(&page, "listitem", "renamed").await;
    assert!(!server.root().join("renamed").exists());

    log_with(&page, &["MKD /new", "RNTO /renamed", "RMD /renamed"]).await;
    let all = page.find("checkbox", "Explain all").await;
    page.click(&all).await;
    page.see("Asks the server to start TLS").await;
    page.click(&all).await;
    page.select("Show", "Status").await;
    let log = page.find("region", "Session log").await;
    page.until("a log of the status alone", async || {
        let text = page.text(&log).await;
        (text.contains("Status:") && !text.contains("Command:")).then_some(())
    })
    .await;
    page.select("Show", "All").await;
    page.fill("Find in the log", "renamed").await;
    page.press("Enter").await;
    page.until("a place of the words", async || {
        page.text(&log).await.contains("2 of ").then_some(())
    })
    .await;
    page.press_button("Session log").await;
    wait_until_gone(&page, "textbox", "Find in the log").await;
    page.finish().await;
}

/// Waits until the fields with these labels hold this.
async fn fields_to_be(page: &Page, wanted: &[(&str, &str)]) {
    for (label, value) in wanted {
        let holds = format!(
            "[...document.querySelectorAll('label')]
                .find(({{ textContent }}) => textContent === '{label}').control.value"
        );
        page.until(&format!("{value} as {label}"), async || {
            (page.run(&holds).await == *value).then_some(())
        })
        .await;
    }
}

/// Waits until the keyboard is on this row.
/// Waits until a row has the focus. The list may be drawn anew meanwhile.
async fn has_focus(page: &Page, row: &Node) {
    page.until(&format!("the focus on {:?}", row.name), async || {
        for row in page.all("listitem", &row.name).await {
            if page.has_focus(&row).await {
                return Some(());
            }
        }
        None
    })
    .await;
}

async fn row_of_remote(page: &Page, name: &str) -> Node {
    let list = page.find("list", "Remote files").await;
    page.find_in(&list, "listitem", name).await
}

/// Waits until nothing has this role and this name any more.
async fn wait_until_gone(page: &Page, role: &str, name: &str) {
    page.until(&format!("the {role} {name:?} to go"), async || {
        page.all(role, name).await.is_empty().then_some(())
    })
    .await;
}

async fn slow_portal() -> (Portal, PageProxy) {
    let page_proxy = PageProxy::open(BYTES_PER_SECOND).await;
    let origin = page_proxy.origin();
    let portal = portal!(Options::with(&["--origins", &origin]));
    page_proxy.lead_to(portal.address());
    (portal, page_proxy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_get_other_names_rows_are_removed_and_the_receipt_stays_after_a_reload() {
    let _alone = ALONE.lock().await;
    let portal = portal!();
    let (server, page) = connected(&portal, Kind::Vsftpd).await;
    upload_one(&page, &server, "there.bin").await;
    press_in_row(&page, "there.bin", "Remove from the list").await;
    let files = Files::new();
    let content = Content { len: 1000, seed: 3 };
    files.add("there.bin", content);
    page.choose("Choose files", &files.paths()).await;
    status_of(&page, "there.bin", "Needs a decision").await;
    press_in_row(&page, "there.bin", "Rename").await;
    let field = page.find("textbox", "New name").await;
    assert!(page.has_focus(&field).await);
    page.run("document.activeElement.value = 'new.bin'; null").await;
    page.press("Enter").await;
    status_of(&page, "new.bin", "Done").await;
    assert_eq!(server.sha256_of("new.bin"), Some(content.sha256()));
    page.reload().await;
    page.find("button", "Send more").await;
    page.see("1 file stored: 1.0\u{a0}kB in ").await;
    page.see("127.0.0.1, port ").await;
    page.finish().await;
}
