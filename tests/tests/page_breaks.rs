//! The page in a headless Chromium through breaks: a lost socket, no network, a portal that was
//! restarted, a page that was loaded again. Each upload resumes from its part file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{fs, io::Write as _, path::PathBuf, time::Duration};

use ferryport_tests::{
    browser::Page,
    content::Content,
    page_proxy::PageProxy,
    portal,
    portal::{Options, Portal},
    servers::{self, Kind, Server},
    user,
};
use tempfile::TempDir;

const WIDTH: u32 = 1200;
/// So slow that every test finds its upload in progress.
const BYTES_PER_SECOND: u32 = 4 << 20;
/// What is uploaded.
const CONTENT: Content = Content { len: (32 << 20) + 12_345, seed: 42 };
/// Much more than the page may digest before it sends.
const LONG_CONTENT: Content = Content { len: 64 << 20, seed: 44 };
/// How long that may take on a machine that is busy with everything else.
const UPLOAD_LIMIT: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_socket_is_opened_again_and_the_transfer_continues() {
    let setup = PageSetup::new(Kind::Vsftpd).await;
    setup.upload_in_part().await;
    setup.page_proxy.cut();
    setup.status("Interrupted").await;
    setup.page.find("button", "Reconnect now").await;
    setup.page_proxy.mend();
    setup.assert_all_stored().await;
    let log = setup.one_transfer().await;
    assert!(!log.contains("lines are missing"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_without_a_network_waits_and_resumes_as_soon_as_there_is_one() {
    let setup = PageSetup::new(Kind::Vsftpd).await;
    setup.upload_in_part().await;
    setup.page.go_offline(true).await;
    setup.page_proxy.cut();
    setup.page.see("You are offline").await;
    setup.status("Interrupted").await;
    setup.page_proxy.mend();
    setup.page.go_offline(false).await;
    setup.assert_all_stored().await;
    setup.one_transfer().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_portal_restart_the_page_logs_in_again_and_the_upload_resumes() {
    let mut setup = PageSetup::new(Kind::ProFtpd).await;
    setup.upload_in_part().await;
    setup.restart_portal().await;
    setup.assert_all_stored().await;
    setup.has_resumed().await;
    let log = user::log_with(&setup.page, &["RNTO "]).await;
    assert!(log.matches("PASS ********").count() >= 2, "with what is in the field:\n{log}");
}

/// The portal suspends the upload, tells the page, and ends. The page continues without its user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_portal_that_is_stopped_continues_by_itself_at_the_next_one() {
    let mut setup = PageSetup::new(Kind::PureFtpd).await;
    setup.upload_in_part().await;
    setup.portal.stop();
    setup.portal = start_portal(&setup.page_proxy);
    setup.page_proxy.lead_to(setup.portal.address());
    setup.assert_all_stored().await;
    setup.has_resumed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reloaded_page_resumes_without_a_password_when_the_file_is_picked_again() {
    let setup = PageSetup::new(Kind::PureFtpd).await;
    setup.upload_in_part().await;
    setup.saved().await;
    setup.page.reload().await;
    setup.page.see("Interrupted: choose or drop the same file again").await;
    setup.page.choose("Choose files", &[setup.file()]).await;
    setup.assert_all_stored().await;
    setup.has_resumed().await;
    assert_eq!(setup.page.uploads().await.len(), 1, "it is the same row");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_and_a_portal_restart_the_page_asks_for_the_password_and_resumes() {
    let mut setup = PageSetup::new(Kind::Vsftpd).await;
    setup.upload_in_part().await;
    setup.saved().await;
    setup.restart_portal().await;
    setup.page.crash().await;
    setup.page.see("Enter the password and connect again").await;
    setup.page.fill("Password", setup.server.password()).await;
    setup.page.press_button("Connect").await;
    setup.page.find("button", "Choose files").await;
    setup.page.choose("Choose files", &[setup.file()]).await;
    setup.assert_all_stored().await;
    setup.has_resumed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reload_a_dropped_file_needs_one_click_or_can_be_picked_again() {
    let setup = PageSetup::new(Kind::Vsftpd).await;
    let zone = setup.page.find("button", "Choose files").await;
    setup.page.drop_files(&zone, &[setup.file()]).await;
    setup.in_part().await;
    setup.saved().await;
    setup.page.reload().await;
    setup.page.see("Interrupted: press Continue to resume it").await;
    // The browser asks the user, and only a user can answer.
    setup.page.press_button("Continue").await;
    setup.page.choose("Choose files", &[setup.file()]).await;
    setup.assert_all_stored().await;
    setup.has_resumed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_file_of_the_same_name_size_and_time_is_not_mixed_into_the_upload() {
    let setup = PageSetup::new(Kind::Vsftpd).await;
    setup.upload_in_part().await;
    setup.saved().await;
    let before = fs::metadata(setup.file()).unwrap().modified().unwrap();
    setup.write(Content { seed: 43, ..CONTENT });
    let file = fs::File::options().write(true).open(setup.file()).unwrap();
    file.set_modified(before).unwrap();
    setup.page.reload().await;
    setup.page.see("Interrupted: choose or drop the same file again").await;
    setup.page.choose("Choose files", &[setup.file()]).await;
    setup.page.see("is not the file whose upload was interrupted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_discarded_upload_leaves_no_part_file_and_its_file_can_be_uploaded() {
    let setup = PageSetup::new(Kind::Vsftpd).await;
    setup.upload_in_part().await;
    setup.saved().await;
    setup.page.reload().await;
    setup.page.see("Interrupted: choose or drop the same file again").await;
    setup.page.press_button("Discard").await;
    setup.status("Skipped").await;
    assert!(setup.page.all("button", "Discard").await.is_empty(), "nothing waits any more");
    setup
        .page
        .until("the removal of the part file", async || {
            setup.server.files().is_empty().then_some(())
        })
        .await;
    setup.page.choose("Choose files", &[setup.file()]).await;
    setup.assert_all_stored().await;
    assert_eq!(setup.page.uploads().await.len(), 2, "it is a row of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_unreadable_for_a_moment_resumes_from_the_part_file() {
    let setup = PageSetup::new(Kind::Vsftpd).await;
    setup.upload_in_part().await;
    setup.page_proxy.cut();
    setup.status("Interrupted").await;
    let elsewhere = setup.folder.path().join("elsewhere");
    fs::rename(setup.file(), &elsewhere).unwrap();
    setup.page_proxy.mend();
    setup.status("Failed").await;
    assert_eq!(setup.server.files().len(), 1, "the part stays");
    fs::rename(&elsewhere, setup.file()).unwrap();
    user::press_in_row(&setup.page, "freight.bin", "Retry").await;
    setup
        .page
        .until("the next try", async || {
            let shown = setup.page.uploads().await;
            shown.iter().all(|row| !row.status.starts_with("Failed")).then_some(())
        })
        .await;
    setup.assert_all_stored().await;
    setup.has_resumed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_still_being_read_is_not_uploaded_to_another_server() {
    let setup = PageSetup::new(Kind::Vsftpd).await;
    let folder = setup.folder.path().join("late");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.txt"), "a").unwrap();
    // Reading the folder stops at its first entry.
    let hold = "const get = DataTransferItem.prototype.webkitGetAsEntry;
        window.reads = [];
        DataTransferItem.prototype.webkitGetAsEntry = function () {
            const entry = get.call(this);
            const reader = entry.createReader();
            const read = reader.readEntries;
            reader.readEntries = (...found) => reads.push(() => read.apply(reader, found));
            entry.createReader = () => reader;
            return entry;
        }; null";
    setup.page.run(hold).await;
    let zone = setup.page.find("button", "Choose files").await;
    setup.page.drop_files(&zone, &[folder]).await;
    setup
        .page
        .until("the walk", async || (setup.page.run("reads.length").await == 1).then_some(()))
        .await;

    let other = servers::start(Kind::ProFtpd);
    setup.page.press_button("Disconnect").await;
    setup.connect_to(&other).await;
    setup.page.run("window.reads.push = (read) => read(); reads.shift()(); null").await;
    setup.status("Interrupted").await;
    assert!(other.files().is_empty() && setup.server.files().is_empty());
    user::press_in_row(&setup.page, "late/a.txt", "Retry").await;
    setup.status("Done").await;
    assert_eq!(other.files(), ["late/a.txt"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_dropped_before_a_connection_wait_for_the_server() {
    let setup = PageSetup::open(Kind::Vsftpd, CONTENT).await;
    let button = setup.page.find("button", "Connect").await;
    setup.page.drop_files(&button, &[setup.file()]).await;
    setup.page.see("1 file is ready. Where to?").await;
    setup.page.see("Queued: connect to the server that it goes to").await;
    user::look(&setup.page, "files-ready", "#ready-files").await;
    setup.connect().await;
    setup.assert_all_stored().await;
    assert_eq!(setup.page.uploads().await.len(), 1);
    assert!(!setup.page.all_text().await.contains("Where to?"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_dropped_after_disconnecting_wait_for_the_server_too() {
    let setup = PageSetup::new(Kind::Vsftpd).await;
    setup.page.press_button("Disconnect").await;
    let button = setup.page.find("button", "Connect").await;
    setup.page.drop_files(&button, &[setup.file()]).await;
    setup.page.see("1 file is ready. Where to?").await;
    setup.page.press_button("Connect").await;
    setup.assert_all_stored().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disconnecting_in_mid_upload_asks_and_the_next_login_continues() {
    let setup = PageSetup::new(Kind::Vsftpd).await;
    setup.upload_in_part().await;
    setup.page.press_button("Disconnect").await;
    setup.page.find("dialog", "Disconnect now?").await;
    setup.page.press_button("Keep uploading").await;
    setup.status("Uploading").await;
    setup.page.press_button("Disconnect").await;
    let dialog = setup.page.find("dialog", "Disconnect now?").await;
    user::look(&setup.page, "disconnect-dialog", "#disconnect-dialog").await;
    let button = setup.page.find_in(&dialog, "button", "Disconnect").await;
    setup.page.click(&button).await;
    setup.status("Interrupted: you disconnected").await;
    user::look(&setup.page, "you-disconnected", "#uploads").await;
    setup.page.press_button("Connect").await;
    setup.assert_all_stored().await;
    setup.has_resumed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_just_after_the_start_keeps_the_row_and_leaves_no_part() {
    let setup = PageSetup::new(Kind::Vsftpd).await;
    setup.page.choose("Choose files", &[setup.file()]).await;
    setup.status("Uploading").await;
    setup.page.reload().await;
    setup.page.see("Interrupted: choose or drop the same file again").await;
    setup.page.choose("Choose files", &[setup.file()]).await;
    setup.assert_all_stored().await;
    assert_eq!(setup.page.uploads().await.len(), 1, "it is the same row");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_replaces_the_questioned_one_is_shown_before_it_is_trusted() {
    let mut setup = PageSetup::open(Kind::Vsftpd, CONTENT).await;
    let other = servers::start(Kind::ProFtpd);
    assert_ne!(setup.server.certificate_sha256(), other.certificate_sha256());
    let road = PageProxy::open(BYTES_PER_SECOND).await;
    road.lead_to(setup.server.address());
    let hear = "window.heard = []; const Socket = WebSocket;
        window.WebSocket = class extends Socket {
            constructor(...args) {
                super(...args);
                this.addEventListener('message', ({ data }) => heard.push(data));
            }
        };";
    setup.page.run_before_load(hear).await;
    setup.page.reload().await;
    let (_, port) =
        road.origin().rsplit_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    setup.fill_form(&setup.server, &port).await;
    setup.page.press_button("Connect").await;
    let dialog = setup.page.find("dialog", "Certificate not trusted").await;
    let trust = setup.page.find_in(&dialog, "button", "Trust this certificate").await;
    setup.dialog_shows(&setup.server).await;

    // As in a tab that is in the background: nothing is drawn.
    let freeze = "window.frames_held = []; window.draw = requestAnimationFrame;
        window.requestAnimationFrame = (frame) => frames_held.push(frame); null";
    setup.page.run(freeze).await;
    road.lead_to(other.address());
    setup.restart_portal().await;
    let asked = "heard.filter((text) => text.includes('certificate_not_trusted')).length";
    setup
        .page
        .until("the other question", async || (setup.page.run(asked).await == 2).then_some(()))
        .await;
    setup.page.click(&trust).await;
    let thaw = "window.requestAnimationFrame = draw;
        frames_held.forEach((frame) => requestAnimationFrame(frame)); null";
    setup.page.run(thaw).await;
    setup.dialog_shows(&other).await;
    let shown = setup.page.all_text().await;
    assert!(!shown.contains("PASS "), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicated_tab_takes_neither_the_session_nor_the_uploads() {
    let setup = PageSetup::new(Kind::Vsftpd).await;
    setup.upload_in_part().await;
    setup.saved().await;
    setup.page.duplicate().await;
    let queues = "navigator.locks.query().then(({ held }) =>
        new Set(held.map(({ name }) => name).filter((name) => name.startsWith('ferryport'))).size)";
    setup
        .page
        .until("a queue of its own in the other tab", async || {
            (setup.page.run(queues).await == 2).then_some(())
        })
        .await;
    let other = setup.page.run("window.twin.document.body.innerText").await;
    let other = other.as_str().unwrap_or_default();
    assert!(other.contains("Not connected") && !other.contains("Interrupted"), "{other}");
    setup.assert_all_stored().await;
    setup.one_transfer().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_without_locks_continues_after_a_reload_or_a_link_and_ignores_a_possible_copy() {
    let setup = PageSetup::new(Kind::ProFtpd).await;
    setup.page.press_button(Server::READ_ONLY).await;
    setup.page.see(&format!("Target folder: /{}", Server::READ_ONLY)).await;
    // As over plain HTTP from another machine.
    setup.page.run_before_load("delete Navigator.prototype.locks;").await;
    let own = setup.queue_other_than("").await;
    setup.page.go_to(&format!("{}?lang=en", setup.page_proxy.url())).await;
    setup.page.see(&format!("Target folder: /{}", Server::READ_ONLY)).await;
    assert_eq!(setup.queue_other_than("").await, own);
    setup.page.press_button("Up one directory").await;
    let directory = "document.getElementById('drop-directory').innerText";
    setup
        .page
        .until("the start folder", async || (setup.page.run(directory).await == "/").then_some(()))
        .await;
    setup.upload_in_part().await;
    setup.saved().await;

    setup.page.reload().await;
    setup.page.see("Interrupted: choose or drop the same file again").await;
    assert_eq!(setup.queue_other_than("").await, own);

    // A duplicated tab has a copy of what a page has stored that was not left.
    setup.page.run_before_load("sessionStorage.removeItem('ferryport-changes');").await;
    setup.page.go_to(&setup.page_proxy.url()).await;
    setup.queue_other_than(&own).await;
    let shown = setup.page.all_text().await;
    assert!(shown.contains("Not connected") && !shown.contains("Interrupted"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_completely_sent_file_is_done_as_soon_as_the_user_overwrites() {
    let setup = PageSetup::with(Kind::Vsftpd, LONG_CONTENT).await;
    setup.upload_in_part().await;
    fs::write(setup.server.root().join("freight.bin"), "Somebody took the name.").unwrap();
    setup.status("Needs a decision").await;
    user::press_in_row(&setup.page, "freight.bin", "Replace").await;
    setup.assert_all_stored().await;
    setup.page.run("document.querySelector('.digest').open = true; null").await;
    setup.page.see("The same in your browser and in the portal").await;
    setup.one_transfer().await;
}

/// A page that is connected through a way that can be cut.
struct PageSetup {
    content: Content,
    server: Server,
    portal: Portal,
    page_proxy: PageProxy,
    page: Page,
    folder: TempDir,
}

impl PageSetup {
    async fn new(kind: Kind) -> Self {
        Self::with(kind, CONTENT).await
    }

    async fn with(kind: Kind, content: Content) -> Self {
        let setup = Self::open(kind, content).await;
        setup.connect().await;
        setup
    }

    /// Before the page is connected.
    async fn open(kind: Kind, content: Content) -> Self {
        let server = servers::start(kind);
        let page_proxy = PageProxy::open(BYTES_PER_SECOND).await;
        let portal = start_portal(&page_proxy);
        page_proxy.lead_to(portal.address());
        let page = Page::open(&page_proxy.support_url(), WIDTH).await;
        let folder = tempfile::tempdir().unwrap();
        let setup = Self { content, server, portal, page_proxy, page, folder };
        setup.write(content);
        setup
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("freight.bin")
    }

    fn write(&self, content: Content) {
        let mut file = fs::File::create(self.file()).unwrap();
        for piece in content.pieces() {
            file.write_all(&piece).unwrap();
        }
    }

    async fn connect(&self) {
        self.connect_to(&self.server).await;
    }

    async fn fill_form(&self, server: &Server, port: &str) {
        self.page.fill("Host", "127.0.0.1").await;
        self.page.fill("Port", port).await;
        self.page.fill("Username", server.username()).await;
        self.page.fill("Password", server.password()).await;
    }

    async fn connect_to(&self, server: &Server) {
        self.fill_form(server, &server.port().to_string()).await;
        self.page.press_button("Connect").await;
        let dialog = self.page.find("dialog", "Certificate not trusted").await;
        let button = self.page.find_in(&dialog, "button", "Trust this certificate").await;
        self.page.click(&button).await;
        self.page.find("button", "Choose files").await;
    }

    /// Waits until the certificate of a server is in question.
    async fn dialog_shows(&self, server: &Server) {
        self.page
            .until("the certificate in the dialog", async || {
                let dialog = self.page.all("dialog", "Certificate not trusted").await.pop()?;
                let text = self.page.text(&dialog).await.to_lowercase();
                let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
                digits.contains(&server.certificate_sha256()).then_some(())
            })
            .await;
    }

    async fn upload_in_part(&self) {
        self.page.choose("Choose files", &[self.file()]).await;
        self.in_part().await;
    }

    /// Waits until the server has a part of the file.
    async fn in_part(&self) {
        self.page
            .until("a part of the upload", async || {
                let shown = self.page.uploads().await;
                shown.first().filter(|row| (15..80).contains(&row.percent)).map(|_| ())
            })
            .await;
    }

    /// Waits until the browser's store holds enough to resume.
    async fn saved(&self) {
        user::saved(&self.page).await;
    }

    /// Waits until the tab keeps a queue of another name.
    async fn queue_other_than(&self, name: &str) -> String {
        let queue = "JSON.parse(sessionStorage.getItem('ferryport'))?.queue";
        self.page
            .until("another queue in the tab", async || {
                let now = self.page.run(queue).await;
                now.as_str().filter(|now| *now != name).map(str::to_owned)
            })
            .await
    }

    async fn status(&self, word: &str) {
        self.page
            .within(UPLOAD_LIMIT, &format!("the status {word}"), async || {
                let shown = self.page.uploads().await;
                shown.iter().any(|row| row.status.starts_with(word)).then_some(())
            })
            .await;
    }

    /// Kills the portal and starts another one in its place.
    async fn restart_portal(&mut self) {
        self.page_proxy.cut();
        self.portal = start_portal(&self.page_proxy);
        self.page_proxy.lead_to(self.portal.address());
    }

    async fn assert_all_stored(&self) {
        self.page
            .within(UPLOAD_LIMIT, "the upload, done", async || {
                let shown = self.page.uploads().await;
                if shown.iter().any(|row| row.status.starts_with("Failed")) {
                    panic!("{shown:?}\n{}", self.page.all_text().await);
                }
                shown.iter().any(|row| row.status.starts_with("Done")).then_some(())
            })
            .await;
        assert_eq!(self.server.sha256_of("freight.bin"), Some(self.content.sha256()));
        assert_eq!(self.server.files(), ["freight.bin"], "nothing else is left behind");
    }

    /// The last transfer began where an earlier one had ended.
    async fn has_resumed(&self) {
        user::has_resumed(&self.page).await;
    }

    /// The log of one transfer, up to the name that the file got at its end.
    async fn one_transfer(&self) -> String {
        let log = user::log_with(&self.page, &["RNTO "]).await;
        assert_eq!(log.matches("STOR ").count(), 1, "one transfer:\n{log}");
        log
    }
}

fn start_portal(page_proxy: &PageProxy) -> Portal {
    let origin = page_proxy.origin();
    portal!(Options::with(&["--origins", &origin]))
}
