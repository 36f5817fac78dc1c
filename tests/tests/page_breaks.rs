//! The page in a headless Chromium through breaks: a lost socket, no network, a portal that was
//! restarted, a page that was loaded again. Each upload goes on from what the server holds.
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
    crossing::Crossing,
    person,
    portal::{Options, Portal},
    servers::{self, Kind, Server},
};
use tempfile::TempDir;

/// Cargo builds it from the portal's own `main.rs`.
const PORTAL: &str = env!("CARGO_BIN_EXE_portal-under-test");
const WIDTH: u32 = 1200;
/// So slow that every test finds its upload under way.
const BYTES_PER_SECOND: u32 = 4 << 20;
/// What is uploaded.
const CONTENT: Content = Content { len: (32 << 20) + 12_345, seed: 42 };
/// Much more than the page's digest may be ahead of the sending.
const LONG_CONTENT: Content = Content { len: 64 << 20, seed: 44 };
/// How long that may take on a machine that is busy with everything else.
const UPLOAD_LIMIT: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_socket_is_opened_again_and_the_transfer_never_stopped() {
    let scene = Scene::new(Kind::Vsftpd).await;
    scene.upload_in_part().await;
    scene.crossing.cut();
    scene.status("Interrupted").await;
    scene.page.find("button", "Reconnect now").await;
    scene.crossing.mend();
    scene.must_arrive().await;
    let log = scene.one_transfer().await;
    assert!(!log.contains("lines are missing"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn page_without_a_network_waits_and_goes_on_at_once_when_there_is_one() {
    let scene = Scene::new(Kind::Vsftpd).await;
    scene.upload_in_part().await;
    scene.page.go_offline(true).await;
    scene.crossing.cut();
    scene.page.see("You are offline").await;
    scene.status("Interrupted").await;
    scene.crossing.mend();
    scene.page.go_offline(false).await;
    scene.must_arrive().await;
    scene.one_transfer().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn portal_that_was_restarted_is_logged_in_to_again_and_the_upload_goes_on() {
    let mut scene = Scene::new(Kind::ProFtpd).await;
    scene.upload_in_part().await;
    scene.restart_portal().await;
    scene.must_arrive().await;
    scene.went_on().await;
    let log = person::log_with(&scene.page, &["RNTO "]).await;
    assert!(log.matches("PASS ********").count() >= 2, "with what is in the field:\n{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn page_that_was_loaded_again_goes_on_without_a_password_with_the_file_picked_again() {
    let scene = Scene::new(Kind::PureFtpd).await;
    scene.upload_in_part().await;
    scene.saved().await;
    scene.page.reload().await;
    scene.page.see("Interrupted: choose or drop the same file again").await;
    scene.page.choose("Choose files", &[scene.file()]).await;
    scene.must_arrive().await;
    scene.went_on().await;
    assert_eq!(scene.page.uploads().await.len(), 1, "it is the same row");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashed_tab_and_restarted_portal_take_the_password_once_more_and_then_go_on() {
    let mut scene = Scene::new(Kind::Vsftpd).await;
    scene.upload_in_part().await;
    scene.saved().await;
    scene.restart_portal().await;
    scene.page.crash().await;
    scene.page.see("Enter the password and connect again").await;
    scene.page.fill("Password", scene.server.password()).await;
    scene.page.press_button("Connect").await;
    scene.page.find("button", "Choose files").await;
    scene.page.choose("Choose files", &[scene.file()]).await;
    scene.must_arrive().await;
    scene.went_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn file_that_was_dropped_waits_for_one_press_and_may_be_picked_again_all_the_same() {
    let scene = Scene::new(Kind::Vsftpd).await;
    let zone = scene.page.find("button", "Choose files").await;
    scene.page.drop_files(&zone, &[scene.file()]).await;
    scene.in_part().await;
    scene.saved().await;
    scene.page.reload().await;
    scene.page.see("Interrupted: press Continue to go on").await;
    // The browser asks the person, and nothing but a person can answer it.
    scene.page.press_button("Continue").await;
    scene.page.choose("Choose files", &[scene.file()]).await;
    scene.must_arrive().await;
    scene.went_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_file_of_the_same_name_size_and_time_is_not_mixed_into_the_upload() {
    let scene = Scene::new(Kind::Vsftpd).await;
    scene.upload_in_part().await;
    scene.saved().await;
    let before = fs::metadata(scene.file()).unwrap().modified().unwrap();
    scene.write(Content { seed: 43, ..CONTENT });
    let file = fs::File::options().write(true).open(scene.file()).unwrap();
    file.set_modified(before).unwrap();
    scene.page.reload().await;
    scene.page.see("Interrupted: choose or drop the same file again").await;
    scene.page.choose("Choose files", &[scene.file()]).await;
    scene.page.see("is another file than the one whose upload was interrupted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tab_that_was_duplicated_neither_takes_the_session_nor_the_uploads() {
    let scene = Scene::new(Kind::Vsftpd).await;
    scene.upload_in_part().await;
    scene.saved().await;
    scene.page.duplicate().await;
    let queues = "navigator.locks.query().then(({ held }) =>
        new Set(held.map(({ name }) => name).filter((name) => name.startsWith('ferryport'))).size)";
    scene
        .page
        .until("a queue of its own in the other tab", async || {
            (scene.page.run(queues).await == 2).then_some(())
        })
        .await;
    let other = scene.page.run("window.twin.document.body.innerText").await;
    let other = other.as_str().unwrap_or_default();
    assert!(other.contains("Not connected") && !other.contains("Interrupted"), "{other}");
    scene.must_arrive().await;
    scene.one_transfer().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn page_without_locks_goes_on_after_a_reload_and_takes_nothing_that_may_be_a_copy() {
    let scene = Scene::new(Kind::Vsftpd).await;
    // As over plain HTTP from another machine.
    scene.page.run_before_load("delete Navigator.prototype.locks;").await;
    let connected = scene.queue_other_than("").await;
    scene.page.go_to(&scene.crossing.url()).await;
    let own = scene.queue_other_than(&connected).await;
    scene.connect().await;
    scene.upload_in_part().await;
    scene.saved().await;

    scene.page.reload().await;
    scene.page.see("Interrupted: choose or drop the same file again").await;
    assert_eq!(scene.queue_other_than("").await, own);

    scene.page.go_to(&scene.crossing.url()).await;
    scene.queue_other_than(&own).await;
    let shown = scene.page.all_text().await;
    assert!(shown.contains("Not connected") && !shown.contains("Interrupted"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn file_whose_bytes_are_all_on_the_server_is_done_as_soon_as_the_person_overwrites() {
    let scene = Scene::with(Kind::Vsftpd, LONG_CONTENT).await;
    scene.upload_in_part().await;
    fs::write(scene.server.root().join("freight.bin"), "Somebody took the name.").unwrap();
    scene.status("Needs a decision").await;
    scene.page.press_button("Overwrite").await;
    scene.must_arrive().await;
    scene.page.run("document.querySelector('.digest').open = true; null").await;
    scene.page.see("The same in your browser and in the portal").await;
    scene.one_transfer().await;
}

/// A page that is connected through a way that can be cut.
struct Scene {
    content: Content,
    server: Server,
    portal: Portal,
    crossing: Crossing,
    page: Page,
    folder: TempDir,
}

impl Scene {
    async fn new(kind: Kind) -> Self {
        Self::with(kind, CONTENT).await
    }

    async fn with(kind: Kind, content: Content) -> Self {
        let server = servers::start(kind);
        let crossing = Crossing::open(BYTES_PER_SECOND).await;
        let portal = start_portal(&crossing);
        crossing.lead_to(portal.address());
        let page = Page::open(&crossing.url(), WIDTH).await;
        let folder = tempfile::tempdir().unwrap();
        let scene = Self { content, server, portal, crossing, page, folder };
        scene.write(content);
        scene.connect().await;
        scene
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
        self.page.fill("Host", "127.0.0.1").await;
        self.page.fill("Port", &self.server.port().to_string()).await;
        self.page.fill("Username", self.server.username()).await;
        self.page.fill("Password", self.server.password()).await;
        self.page.press_button("Connect").await;
        let dialog = self.page.find("dialog", "Certificate not trusted").await;
        let button = self.page.find_in(&dialog, "button", "Trust this certificate").await;
        self.page.click(&button).await;
        self.page.find("button", "Choose files").await;
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

    /// Waits until the browser's store has what it takes to go on.
    async fn saved(&self) {
        person::saved(&self.page).await;
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
        self.crossing.cut();
        self.portal = start_portal(&self.crossing);
        self.crossing.lead_to(self.portal.address());
    }

    async fn must_arrive(&self) {
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
    async fn went_on(&self) {
        person::went_on(&self.page).await;
    }

    /// The log of one transfer, up to the name that the file got at its end.
    async fn one_transfer(&self) -> String {
        let log = person::log_with(&self.page, &["RNTO "]).await;
        assert_eq!(log.matches("STOR ").count(), 1, "one transfer:\n{log}");
        log
    }
}

fn start_portal(crossing: &Crossing) -> Portal {
    let origin = crossing.origin();
    let flags = ["--allow-network", "127.0.0.0/8", "--origins", &origin];
    Portal::start(PORTAL, Options { flags: &flags, log: "info" })
}
