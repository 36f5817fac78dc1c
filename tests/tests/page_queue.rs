//! The page's queue in a headless Chromium: choices, pauses, digests, and thousands of files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use ferryport_tests::{
    browser::{Node, Page, Shown},
    content::Content,
    portal,
    servers::{self, Kind},
    user::{WIDE, button_of, connect, connected_page, has_resumed, look, press_in_row, status_of},
};
use tempfile::TempDir;

/// How long 2 GiB, or thousands of files, may take on a machine that is busy with everything else.
const LONG: Duration = Duration::from_secs(400);

/// Sends commands to the worker that computes digests, about three uploads: the first is stopped, the
/// second was sent, and the third is sent once there are digests. Returns the digests of both messages.
const DIGEST_BY_THE_WORKER: &str = "(async () => {
    const { digestWorker, digestGlue, digestWasm } =
        document.querySelector('script[data-glue]').dataset;
    const at = (path) => new URL(path, document.baseURI).href;
    const worker = new Worker(at(digestWorker), { type: 'module' });
    const say = (...message) => worker.postMessage(message);
    const next = () => new Promise((resolve, reject) => {
        worker.onerror = reject;
        worker.onmessage = ({ data: [kind, ...digests] }) => resolve(digests);
    });
    const stopped = new File([new Uint8Array(8 << 20)], 'stopped');
    const whole = new File(['123456789'], 'whole');
    say('load', at(digestGlue), at(digestWasm));
    say('digest', [1, 'crc32', stopped, false, 0], [2, 'crc32', whole, false, 0, 4],
        [3, 'crc32', whole, false, 0]);
    say('sent', 1, 8 << 20);
    say('stop', 1);
    say('sent', 2, 9);
    const first = await next();
    say('sent', 3, 9);
    return JSON.stringify([first, await next()]);
})()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_digests_what_was_sent_and_nothing_of_a_stopped_upload() {
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;
    let answer = page.run(DIGEST_BY_THE_WORKER).await;
    let answer: serde_json::Value = serde_json::from_str(answer.as_str().unwrap()).unwrap();
    // The check values of CRC-32 (ISO-HDLC) of `123456789` and of `56789`.
    let (all, end) = ("cbf43926", "131da070");
    assert_eq!(
        answer,
        serde_json::json!([[[2, 0, all, null], [2, 4, end, null]], [[3, 0, all, null]]])
    );
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_choice_of_a_conflict_has_its_effect() {
    let portal = portal!();
    let (server, page) = connected_page(&portal, Kind::ProFtpd).await;

    let names = ["overwrite", "skip", "rename", "resume", "newer", "older"];
    let old = Content { len: 10_000, seed: 1 };
    let files = Folder::new();
    for name in names {
        files.write(name, old);
    }
    page.choose("Choose files", &files.paths(&names)).await;
    wait_for_statuses(&page, &names, "Done").await;
    clear(&page).await;

    // The same beginning, so that the one that is resumed is the file that it was.
    let new = Content { len: 25_000, seed: 1 };
    let other = Content { len: 25_000, seed: 2 };
    for name in names {
        files.write(name, if name == "resume" { new } else { other });
    }
    let hour = Duration::from_secs(3600);
    files.date("newer", SystemTime::now() + hour);
    files.date("older", SystemTime::now() - 24 * hour);
    page.choose("Choose files", &files.paths(&names)).await;
    wait_for_statuses(&page, &names, "Needs a decision").await;
    look(&page, "queue-1-decisions", "#total").await;

    // A question does not block other uploads.
    files.write("unasked", other);
    page.choose("Choose files", &files.paths(&["unasked"])).await;
    wait_for_statuses(&page, &["unasked"], "Done").await;

    for (name, button) in [
        ("overwrite", "Replace"),
        ("skip", "Skip"),
        ("rename", "Keep both"),
        ("resume", "Resume"),
        ("newer", "Replace if newer"),
        ("older", "Replace if newer"),
    ] {
        press(&page, name, button).await;
    }
    wait_for_statuses(&page, &["overwrite", "rename", "resume", "newer"], "Done").await;
    wait_for_statuses(&page, &["skip", "older"], "Skipped").await;
    look(&page, "queue-2-decided", "#total").await;
    let stored = |name: &str| server.sha256_of(name);
    assert_eq!(stored("overwrite"), Some(other.sha256()));
    assert_eq!(stored("skip"), Some(old.sha256()));
    assert_eq!(stored("rename"), Some(old.sha256()));
    assert_eq!(stored("rename (2)"), Some(other.sha256()));
    assert_eq!(stored("resume"), Some(new.sha256()));
    assert_eq!(stored("newer"), Some(other.sha256()));
    assert_eq!(stored("older"), Some(old.sha256()));

    // The answer was chosen before: the next free name is used without a question.
    page.select("If a file is there already", "Keep both").await;
    clear(&page).await;
    page.choose("Choose files", &files.paths(&["rename"])).await;
    wait_for_statuses(&page, &["rename"], "Done").await;
    assert_eq!(stored("rename (3)"), Some(other.sha256()));

    // For this one, and for all that follow.
    page.select("If a file is there already", "Ask").await;
    clear(&page).await;
    let three = ["overwrite", "newer", "resume"];
    page.choose("Choose files", &files.paths(&three)).await;
    wait_for_statuses(&page, &three, "Needs a decision").await;
    let row = row(&page, "newer").await;
    let check = page.find_in(&row, "checkbox", "Apply to all").await;
    page.click(&check).await;
    press(&page, "newer", "Skip").await;
    wait_for_statuses(&page, &three, "Skipped").await;
    page.choose("Choose files", &files.paths(&["skip"])).await;
    wait_for_statuses(&page, &["skip"], "Skipped").await;
    page.finish().await;
}

/// Without digests only the user can tell whether the server's file is the beginning of this one: the
/// size of two files that are joined proves nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resumed_file_is_not_called_verified_without_digests() {
    let portal = portal!();
    let (_server, page) = connected_page(&portal, Kind::Vsftpd).await;
    let files = Folder::new();
    files.write("report", Content { len: 100_000, seed: 1 });
    page.choose("Choose files", &files.paths(&["report"])).await;
    wait_for_statuses(&page, &["report"], "Done").await;
    clear(&page).await;
    files.write("report", Content { len: 200_000, seed: 2 });
    page.choose("Choose files", &files.paths(&["report"])).await;
    wait_for_statuses(&page, &["report"], "Needs a decision").await;
    press(&page, "report", "Resume").await;
    wait_for_statuses(&page, &["report"], "Done").await;
    let shown = status_of(&page, "report", "Done").await;
    assert_eq!(shown.status, "Done, confirmed by the server", "neither size nor checksum");
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_there_is_recognised_and_a_stored_row_offers_nothing() {
    let portal = portal!();
    let (_server, page) = connected_page(&portal, Kind::ProFtpd).await;
    let files = Folder::new();
    let names = ["a", "b"];
    for name in names {
        files.write(name, Content { len: 10_000, seed: 1 });
    }
    page.choose("Choose files", &files.paths(&names)).await;
    wait_for_statuses(&page, &names, "Done").await;
    clear(&page).await;

    page.choose("Choose files", &files.paths(&names)).await;
    wait_for_statuses(&page, &names, "Needs a decision").await;
    page.see("Probably the same file").await;
    let first = "document.querySelector('#uploads .upload-buttons button').dataset.action";
    assert_eq!(page.run(first).await, "skip");
    page.find("button", "Needs you 2").await;
    page.find("button", "Failed 0").await;
    assert!(page.all("button", "Retry failed").await.is_empty(), "nothing has failed");

    // A row above the pointer does not change its height, but keeps no button that cannot act.
    press(&page, "a", "Replace").await;
    let below = row(&page, "b").await;
    page.point_at(&below).await;
    wait_for_statuses(&page, &["a"], "Done").await;
    let done = row(&page, "a").await;
    page.until("no button but that to remove it", async || {
        let buttons = page.children(&done, "button").await;
        matches!(&buttons[..], [button] if button.name == "Remove from the list a").then_some(())
    })
    .await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_2_gib_and_a_byte_is_stored_after_a_pause() {
    let server = servers::start(Kind::PureFtpd);
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;
    watch_wake_locks(&page).await;
    connect(&page, &server).await;

    let files = Folder::new();
    let big = files.write_sparse("big", (2 << 30) + 1);
    page.choose("Choose files", std::slice::from_ref(&big)).await;
    wait_for_progress(&page, "big").await;
    press(&page, "big", "Pause").await;
    wait_for_statuses(&page, &["big"], "Paused").await;
    // Other files are not held up by one that is paused.
    files.write("small", Content { len: 1000, seed: 3 });
    page.choose("Choose files", &files.paths(&["small"])).await;
    wait_for_statuses(&page, &["small"], "Done").await;
    look(&page, "queue-3-paused", "#total").await;

    press(&page, "big", "Resume").await;
    wait_for_statuses(&page, &["big"], "Done").await;
    has_resumed(&page).await;
    assert_same_files(&big, &server.root().join("big"));
    assert_eq!(server.files(), ["big", "small"], "no temporary name stays behind");
    let released = "window.locks.length > 0 && window.locks.every((lock) => lock.released)";
    page.until("the wake lock to be released", async || {
        (page.run(released).await == true).then_some(())
    })
    .await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_upload_leaves_no_part_file() {
    let portal = portal!();
    let (server, page) = connected_page(&portal, Kind::Vsftpd).await;

    let files = Folder::new();
    for name in ["under way", "paused"] {
        files.write_sparse(name, 1 << 30);
    }
    files.write("kept", Content { len: 50_000, seed: 4 });
    page.choose("Choose files", &files.paths(&["under way"])).await;
    wait_for_progress(&page, "under way").await;
    press(&page, "under way", "Cancel").await;
    wait_for_statuses(&page, &["under way"], "Skipped").await;

    page.choose("Choose files", &files.paths(&["paused"])).await;
    wait_for_progress(&page, "paused").await;
    page.press_button("Pause all").await;
    wait_for_statuses(&page, &["paused"], "Paused").await;
    page.press_button("Cancel all").await;
    wait_for_statuses(&page, &["paused"], "Skipped").await;

    page.choose("Choose files", &files.paths(&["kept"])).await;
    wait_for_statuses(&page, &["kept"], "Done").await;
    page.until("nothing but the file that was kept", async || {
        (server.files() == ["kept"]).then_some(())
    })
    .await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_files_are_stored_with_few_rows_in_the_document() {
    const FILES: u64 = 5000;
    let portal = portal!();
    let (server, page) = connected_page(&portal, Kind::PureFtpd).await;
    page.run(
        "window.longTasks = [];
        new PerformanceObserver((list) => {
            window.longTasks.push(...list.getEntries().map((task) => task.duration));
        }).observe({ type: 'longtask', buffered: true }); null",
    )
    .await;

    // An ARIA property is text.
    let all = FILES.to_string();
    let files = Folder::new();
    for n in 0..FILES {
        files.write(&format!("part {}/{n}", n % 10), Content { len: 1000, seed: n });
    }
    page.choose("Choose folder", &[files.path("")]).await;
    // Large folders of a long list are closed.
    page.press_button("Group by folder").await;
    page.within(LONG, "a list that is longer than the window", async || {
        let size = page.run("document.querySelector('#uploads li')?.ariaSetSize").await;
        (size == all).then_some(())
    })
    .await;
    let rows = page.run("document.querySelectorAll('#uploads li').length").await;
    assert!(rows.as_u64().unwrap() <= 300, "{rows} rows");
    look(&page, "queue-4-thousands", "#total").await;
    // The last row is there as soon as it is in view.
    page.until("the last row", async || {
        page.run("document.querySelector('#uploads').scrollTop = 1e9; null").await;
        let last = page.run("[...document.querySelectorAll('#uploads li')].pop()?.ariaPosInSet");
        (last.await == all).then_some(())
    })
    .await;

    page.within(LONG, "the end", async || {
        let text = page.all_text().await;
        assert!(!text.contains("failed"), "{text}\n{}", server.log());
        text.contains(&format!("{FILES} of {FILES} done")).then_some(())
    })
    .await;
    let prefix = files.name();
    for n in 0..FILES {
        let path = format!("{prefix}/part {}/{n}", n % 10);
        let stored = fs::read(server.root().join(&path)).unwrap();
        assert!(stored == Content { len: 1000, seed: n }.piece(0, 1000), "{path}");
    }
    assert_eq!(server.files().len(), 5000);
    let long = page.run("window.longTasks.join(' ')").await;
    println!("tasks of more than 50 ms, in ms: {long}");
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_during_its_upload_fails_and_others_are_stored() {
    let portal = portal!();
    let (server, page) = connected_page(&portal, Kind::ProFtpd).await;

    let files = Folder::new();
    let path = files.write_sparse("changes", 1 << 30);
    page.choose("Choose files", std::slice::from_ref(&path)).await;
    wait_for_progress(&page, "changes").await;
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    file.write_all(b"more").unwrap();
    drop(file);
    wait_for_statuses(&page, &["changes"], "Failed").await;
    page.see("The file changed while it was read").await;
    look(&page, "queue-5-changed", "#total").await;

    files.write("steady", Content { len: 3_000_000, seed: 5 });
    page.choose("Choose files", &files.paths(&["steady"])).await;
    wait_for_statuses(&page, &["steady"], "Done").await;
    // The file may be unreadable for a moment only: its part file stays until the upload is cancelled.
    assert_eq!(server.files().len(), 2, "{:?}", server.files());
    press_in_row(&page, "changes", "Cancel").await;
    page.until("nothing but the other file", async || (server.files() == ["steady"]).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_digest_of_a_file_is_shown_and_correct() {
    let portal = portal!();
    let (_server, page) = connected_page(&portal, Kind::Vsftpd).await;

    let files = Folder::new();
    let content = Content { len: 9_000_001, seed: 6 };
    files.write("known", content);
    page.choose("Choose files", &files.paths(&["known"])).await;
    wait_for_statuses(&page, &["known"], "Done").await;
    let mut hasher = blake3::Hasher::new();
    content.pieces().for_each(|piece| {
        hasher.update(&piece);
    });
    let digest = hasher.finalize().to_hex();
    page.see(&format!("Checksum BLAKE3 {}…", &digest[..8])).await;
    page.run("document.querySelector('.digest').open = true; null").await;
    page.see(digest.as_str()).await;
    page.see("The same in your browser and in the portal").await;
    look(&page, "queue-6-digest", "#total").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_without_digests_uploads_too() {
    let server = servers::start(Kind::ProFtpd);
    let portal = portal!();
    let page = Page::open(&portal.support_url(), WIDE).await;
    page.run("window.Worker = function () { throw new Error('no workers here'); }; null").await;
    connect(&page, &server).await;

    let files = Folder::new();
    let content = Content { len: 3_000_000, seed: 7 };
    files.write("plain", content);
    page.choose("Choose files", &files.paths(&["plain"])).await;
    wait_for_statuses(&page, &["plain"], "Done").await;
    assert_eq!(server.sha256_of("plain"), Some(content.sha256()));
    assert!(!page.all_text().await.contains("The same in your browser"));
}

/// Files on this machine's disk to choose from.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("queue ").tempdir().unwrap())
    }

    fn name(&self) -> String {
        self.0.path().file_name().unwrap().to_string_lossy().into_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn paths(&self, names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(|name| self.path(name)).collect()
    }

    fn write(&self, name: &str, content: Content) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.piece(0, content.len)).unwrap();
    }

    fn date(&self, name: &str, modified: SystemTime) {
        let file = fs::File::options().append(true).open(self.path(name)).unwrap();
        file.set_modified(modified).unwrap();
    }

    /// A file that takes little of the disk: holes, with something here and there, so that a piece
    /// in the wrong place is noticed.
    fn write_sparse(&self, name: &str, len: u64) -> PathBuf {
        const STEP: u64 = 37 << 20;
        let path = self.path(name);
        let mut file = fs::File::create(&path).unwrap();
        file.set_len(len).unwrap();
        for offset in (0..len - 1).step_by(usize::try_from(STEP).unwrap()) {
            file.seek(SeekFrom::Start(offset)).unwrap();
            let piece = Content { len: 5000, seed: offset }.piece(0, len - offset);
            file.write_all(&piece).unwrap();
        }
        file.seek(SeekFrom::Start(len - 1)).unwrap();
        file.write_all(b"!").unwrap();
        path
    }
}

fn assert_same_files(ours: &Path, theirs: &Path) {
    let same = Command::new("cmp").arg(ours).arg(theirs).output().unwrap();
    let said = String::from_utf8_lossy(&same.stdout);
    assert!(same.status.success(), "{said}");
    let mut byte = [0];
    fs::File::open(theirs).unwrap().read_exact(&mut byte).unwrap();
}

async fn row(page: &Page, name: &str) -> Node {
    let list = page.find("list", "Uploads").await;
    page.find_in(&list, "listitem", name).await
}

async fn press(page: &Page, name: &str, button: &str) {
    let row = row(page, name).await;
    let button = button_of(page, &row, button).await;
    page.click(&button).await;
}

/// Waits until the status of each of these begins so.
async fn wait_for_statuses(page: &Page, names: &[&str], status: &str) {
    page.within(LONG, &format!("{names:?}: {status}"), async || {
        let shown = page.uploads().await;
        let is = |name: &&str| {
            let mut rows = shown.iter().filter(|shown| shown.label == **name);
            rows.next_back().is_some_and(|Shown { status: is, .. }| is.starts_with(status))
        };
        names.iter().all(is).then_some(())
    })
    .await;
}

/// Waits until the server has taken something of a file.
async fn wait_for_progress(page: &Page, name: &str) {
    page.until(&format!("{name} on its way"), async || {
        let shown = page.uploads().await;
        shown
            .iter()
            .any(|shown| {
                shown.label == name && shown.status.starts_with("Uploading") && shown.percent > 0
            })
            .then_some(())
    })
    .await;
}

/// Clears a list of which everything has ended.
async fn clear(page: &Page) {
    page.press_button("Remove finished from the list").await;
    page.until("an empty list", async || page.uploads().await.is_empty().then_some(())).await;
}

/// Keeps every wake lock that the page takes.
async fn watch_wake_locks(page: &Page) {
    page.run(
        "window.locks = [];
        const take = navigator.wakeLock.request.bind(navigator.wakeLock);
        navigator.wakeLock.request = async (kind) => {
            const lock = await take(kind);
            window.locks.push(lock);
            return lock;
        }; null",
    )
    .await;
}
