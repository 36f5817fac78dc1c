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
    servers::{self, Kind},
    user::{
        Files, connect, fill_form, has_resumed, log_with, must_arrive, must_work_again, on_its_way,
        press_in_row, problem, saved, status_of, trust, upload_one,
    },
};

const WIDTH: u32 = 1440;

/// So slow that a test finds its upload in progress.
const BYTES_PER_SECOND: u32 = 4 << 20;

async fn open(portal: &Portal) -> Page {
    Page::open_in(Browser::Firefox, &portal.url(), WIDTH).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_refused_then_trusted_and_files_arrive_chosen_and_dropped() {
    let server = servers::start(Kind::Vsftpd);
    let portal = portal!();
    let page = open(&portal).await;
    fill_form(&page, &server).await;
    page.press_button("Connect").await;
    let dialog = page.find("dialog", "Certificate not trusted").await;
    let button = page.find_in(&dialog, "button", "Cancel").await;
    page.click(&button).await;
    let problem = problem(&page).await;
    assert!(problem.contains("ertificate"), "{problem}");
    page.press_button("Connect").await;
    trust(&page, &server).await;

    let files = Files::new();
    files.add("empty.bin", Content { len: 0, seed: 1 });
    files.add("5 MiB and 1.bin", Content { len: (5 << 20) + 1, seed: 3 });
    for (name, seed) in ODD_NAMES.into_iter().zip(100..) {
        files.add(name, Content { len: 1000, seed });
    }
    page.choose("Choose files", &files.paths()).await;
    must_arrive(&page, &server, &files, "").await;

    let dropped = Files::new();
    dropped.add("dropped.bin", Content { len: 100_000, seed: 1 });
    dropped.add("and another.bin", Content { len: 70_000, seed: 2 });
    let zone = page.find("button", "Choose files").await;
    page.drop_files(&zone, &dropped.paths()).await;
    must_arrive(&page, &server, &dropped, "").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_arrives_and_the_log_holds_the_real_words_and_not_the_password() {
    let server = servers::start(Kind::ProFtpd);
    let portal = portal!();
    let page = open(&portal).await;
    connect(&page, &server).await;

    let files = Files::new();
    for n in 0..40 {
        let path = format!("part {}/box {}/file {n}.txt", n % 4, n % 3);
        files.add(&path, Content { len: n * 41, seed: n });
    }
    page.choose("Choose folder", &[files.folder()]).await;
    must_arrive(&page, &server, &files, &format!("{}/", files.folder_name())).await;
    assert_eq!(server.files().len(), 40, "no temporary name stays behind");

    log_with(&page, &["220", "AUTH TLS", "PASS ********", "230", "STOR", "226"]).await;
    assert!(!page.all_text().await.contains(server.password()));
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_in_the_servers_words_and_the_page_goes_on() {
    let server = servers::start(Kind::PureFtpd);
    let portal = portal!();
    let page = open(&portal).await;
    fill_form(&page, &server).await;
    page.fill("Password", "not the password").await;
    page.press_button("Connect").await;
    trust(&page, &server).await;
    let problem = problem(&page).await;
    assert!(problem.contains("530"), "{problem}");
    must_work_again(&page, &server).await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_is_asked_about_and_the_choice_is_done() {
    let server = servers::start(Kind::ProFtpd);
    let portal = portal!();
    let page = open(&portal).await;
    connect(&page, &server).await;

    let names = ["overwrite", "skip", "rename"];
    let (old, new) = (Content { len: 10_000, seed: 1 }, Content { len: 25_000, seed: 2 });
    let files = Files::new();
    for name in names {
        let theirs = server.root().join(name);
        std::fs::write(theirs, old.piece(0, old.len)).unwrap();
        files.add(name, new);
    }
    page.choose("Choose files", &files.paths()).await;
    for (name, button) in names.into_iter().zip(["Overwrite", "Skip", "Rename"]) {
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
async fn what_is_cancelled_leaves_nothing_behind() {
    let server = servers::start(Kind::Vsftpd);
    let (portal, page_proxy) = slow_portal().await;
    let page = Page::open_in(Browser::Firefox, &page_proxy.url(), WIDTH).await;
    connect(&page, &server).await;

    let files = Files::new();
    files.add("under way", Content { len: 64 << 20, seed: 1 });
    page.choose("Choose files", &files.paths()).await;
    on_its_way(&page, "under way").await;
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
async fn a_page_that_was_loaded_again_resumes_with_the_file_picked_again() {
    let server = servers::start(Kind::PureFtpd);
    let (portal, page_proxy) = slow_portal().await;
    let page = Page::open_in(Browser::Firefox, &page_proxy.url(), WIDTH).await;
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
    must_arrive(&page, &server, &files, "").await;
    assert_eq!(server.files(), ["freight.bin"], "nothing else is left behind");
    assert_eq!(page.uploads().await.len(), 1, "it is the same row");
    has_resumed(&page).await;
    drop(portal);
}

/// A portal behind a way that takes its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_fills_the_form_the_connection_is_proven_and_the_destination_remembered() {
    let server = servers::start(Kind::ProFtpd);
    let portal = portal!();
    let (port, user) = (server.port().to_string(), server.username());
    let link = format!("{}#host=127.0.0.1&port={port}&user={user}", portal.url());
    let page = Page::open_in(Browser::Firefox, &link, WIDTH).await;
    let wanted = [("Host", "127.0.0.1"), ("Port", &port), ("Username", user)];
    fields_to_be(&page, &wanted).await;

    page.fill("Password", server.password()).await;
    page.press("Enter").await;
    trust(&page, &server).await;
    page.press_button("Certificate and details").await;
    let dialog = page.find("dialog", "How this connection is protected").await;
    let text = page.text(&dialog).await;
    let digits: String = text.to_lowercase().chars().filter(char::is_ascii_hexdigit).collect();
    assert!(digits.contains(&server.certificate_sha256()), "{text}");
    page.press("Escape").await;
    gone(&page, "dialog", "How this connection is protected").await;

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
async fn a_folder_is_made_renamed_and_deleted_and_the_log_tells_of_it_on_demand() {
    let server = servers::start(Kind::ProFtpd);
    let portal = portal!();
    let page = open(&portal).await;
    connect(&page, &server).await;

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
    gone(&page, "listitem", "renamed").await;
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
    gone(&page, "textbox", "Find in the log").await;
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
async fn has_focus(page: &Page, row: &Node) {
    page.until(&format!("the focus on {:?}", row.name), async || {
        page.has_focus(row).await.then_some(())
    })
    .await;
}

async fn row_of_remote(page: &Page, name: &str) -> Node {
    let list = page.find("list", "Remote files").await;
    page.find_in(&list, "listitem", name).await
}

/// Waits until nothing has this role and this name any more.
async fn gone(page: &Page, role: &str, name: &str) {
    page.until(&format!("the {role} {name:?} to go"), async || {
        page.all(role, name).await.is_empty().then_some(())
    })
    .await;
}

async fn slow_portal() -> (Portal, PageProxy) {
    let page_proxy = PageProxy::open(BYTES_PER_SECOND).await;
    let origin = page_proxy.origin();
    let flags = ["--allow-network", "127.0.0.0/8", "--origins", &origin];
    let portal = portal!(Options { flags: &flags, log: "info" });
    page_proxy.lead_to(portal.address());
    (portal, page_proxy)
}
