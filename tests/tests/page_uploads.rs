//! The list of uploads in a headless Chromium: filters, folders, keys, the summary, the tab's icon.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops and says why"
)]

use ferryport_tests::{
    browser::{Node, Page},
    content::Content,
    portal,
    servers::{Disk, Kind, Options, Server},
    user::{
        Files, button_of, connected_page, log_with, look, open_connected, press_in_row, status_of,
    },
};
use protocol::server::Algorithm;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_are_grouped_by_folder_and_those_that_need_the_user_come_first() {
    let portal = portal!();
    let (_server, page) = connected_page(&portal, Kind::PureFtpd).await;

    let files = Files::new();
    let content = Content { len: 1000, seed: 1 };
    let root = files.folder_name();
    let path = |name: &str| format!("{root}/{name}");
    let folder = |name: &str| format!("Folder {root}/{name}");
    // It exists on the server when it is chosen again.
    files.add("b/4", content);
    page.choose("Choose folder", &[files.folder()]).await;
    wait_for_title(&page, "Done – Ferryport").await;
    page.press_button("Remove finished from the list").await;
    for path in ["a/1", "a/2", "b/3"] {
        files.add(path, content);
    }
    page.choose("Choose folder", &[files.folder()]).await;

    let wanted = [path("b/4"), folder("a"), path("a/1"), path("a/2"), folder("b"), path("b/3")];
    page.until("what needs the user in front", async || {
        let lines = wait_for_rows(&page, &wanted).await;
        (lines[0] == path("b/4")).then_some(())
    })
    .await;
    let all = wait_for_rows(&page, &wanted).await;
    wait_for_title(&page, "! Ferryport").await;
    assert_eq!(icon(&page).await, "mark");

    filters_show_their_own(&page, &path, &folder).await;
    assert_eq!(wait_for_rows(&page, &wanted).await, all);
    folder_closes_and_opens(&page, &folder("a"), &all).await;
    keys_lead_through_the_list(&page, &all).await;

    let question = page.find("listitem", &path("b/4")).await;
    let overwrite = button_of(&page, &question, "Replace").await;
    page.click(&overwrite).await;
    wait_for_title(&page, "Done – Ferryport").await;
    assert_eq!(wait_for_rows(&page, &wanted).await, all, "lines move under the pointer");
    page.point_at(&page.find("heading", "Uploads").await).await;
    page.until("lines in order, since nothing needs the user any more", async || {
        first_line(&page).await.starts_with("Folder ").then_some(())
    })
    .await;
    wait_for_rows(&page, &wanted).await;
    assert_eq!(icon(&page).await, "check");
    summary_is_copied(&page, &path, content).await;
    page.finish().await;
}

/// What a file is called in the list, by its name.
type Names<'a> = &'a dyn Fn(&str) -> String;

async fn filters_show_their_own(page: &Page, path: Names<'_>, folder: Names<'_>) {
    let group = page.find("group", "Show").await;
    for (filter, shown) in [
        ("Needs you 1", vec![path("b/4")]),
        ("Failed 0", vec![]),
        ("Done 3", vec![folder("a"), path("a/1"), path("a/2"), folder("b"), path("b/3")]),
        ("Under way 0", vec![]),
        (
            "All 4",
            vec![path("b/4"), folder("a"), path("a/1"), path("a/2"), folder("b"), path("b/3")],
        ),
    ] {
        let button = page.find_in(&group, "button", filter).await;
        page.click(&button).await;
        wait_for_rows(page, &shown).await;
        let pressed =
            page.run("document.querySelector('[data-filter][aria-pressed=true]').innerText");
        assert_eq!(pressed.await, filter);
        let says_none = page.all_text().await.contains("No upload is in this state.");
        assert_eq!(says_none, shown.is_empty(), "{filter}");
    }
}

async fn folder_closes_and_opens(page: &Page, folder: &str, all: &[String]) {
    let expanded = async || {
        let toggles = page.run("document.activeElement.ariaExpanded").await;
        toggles.as_str().unwrap_or_default().to_owned()
    };
    page.press_button(folder).await;
    let closed: Vec<_> = all.iter().filter(|label| !label.contains("/a/")).cloned().collect();
    labels_to_be(page, &closed).await;
    assert_eq!(expanded().await, "false");
    page.press("Enter").await;
    labels_to_be(page, all).await;
    assert_eq!(expanded().await, "true");
    page.press_button("Group by folder").await;
    let files: Vec<_> = all.iter().filter(|label| !label.starts_with("Folder ")).cloned().collect();
    // In the order in which they came, which is not that of the folders.
    wait_for_rows(page, &files).await;
    page.press_button("Group by folder").await;
    labels_to_be(page, all).await;
}

/// Arrows, Home and End go from line to line; Enter opens what a line holds.
async fn keys_lead_through_the_list(page: &Page, all: &[String]) {
    page.run("document.querySelector('#uploads').focus(); null").await;
    let last = all.len() - 1;
    for (key, place) in
        [("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("End", last), ("ArrowDown", last)]
    {
        page.press(key).await;
        focus_to_be_on(page, &all[place]).await;
    }
    let number =
        page.run("document.activeElement.ariaPosInSet + '/' + document.activeElement.ariaSetSize");
    assert_eq!(number.await, format!("{}/{}", all.len(), all.len()));
    page.press("Enter").await;
    page.see("The same in your browser and in the portal").await;
    page.press("Home").await;
    focus_to_be_on(page, &all[0]).await;
}

async fn focus_to_be_on(page: &Page, label: &str) {
    page.until(&format!("the focus on {label}"), async || {
        (page.run("document.activeElement.ariaLabel").await == label).then_some(())
    })
    .await;
}

async fn summary_is_copied(page: &Page, path: Names<'_>, content: Content) {
    page.see("4 files stored: 4.0\u{a0}kB in ").await;
    page.run(
        "window.write = navigator.clipboard.writeText.bind(navigator.clipboard);
        navigator.clipboard.writeText = (text) => {
            window.copied = text;
            return window.write(text);
        }; null",
    )
    .await;
    page.press_button("Copy receipt").await;
    page.see("The summary is on the clipboard.").await;
    let copied = page.run("window.copied").await;
    let copied = copied.as_str().unwrap();
    // The sentence, four facts, an empty line, the names of the columns, and the files.
    assert_eq!(copied.lines().count(), 1 + 4 + 1 + 1 + 4, "{copied}");
    let digest = content.digest(0, Algorithm::Blake3);
    for name in ["a/1", "a/2", "b/3", "b/4"] {
        let begin = format!("{}\t/\t1000\tBLAKE3 {digest}\t20", path(name));
        let line = copied.lines().find(|line| line.starts_with(&begin));
        let line = line.unwrap_or_else(|| panic!("no {begin} in {copied}"));
        assert!(line.ends_with("\tDone, size confirmed by the server"), "{line}");
    }

    // A browser that lets no page write there.
    page.run("navigator.clipboard.writeText = () => Promise.reject(new Error('no')); null").await;
    page.press_button("Copy receipt").await;
    page.see("The summary is selected").await;
    page.find("textbox", "Summary").await;
    let selected = page.run("getSelection().toString() || document.activeElement.value").await;
    assert_eq!(selected, copied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_moves_no_row_under_the_pointer_or_after_scrolling() {
    let portal = portal!();
    let (_server, page) = connected_page(&portal, Kind::PureFtpd).await;

    // Files that are chosen a second time need a decision.
    let files = Files::new();
    let names: Vec<_> = (0..20).map(|n| format!("{n}.txt")).collect();
    for name in &names {
        files.add(name, Content { len: 100, seed: 1 });
    }
    page.choose("Choose files", &files.paths()).await;
    status_of(&page, "19.txt", "Done").await;

    let read = page.find("listitem", "7.txt").await;
    page.point_at(&read).await;
    watch(&page, "7.txt").await;
    page.drop_files(&read, &files.paths()[..3]).await;
    wait_for_decisions(&page, 3).await;
    assert!(!has_moved(&page).await, "it moves: {:?}", places(&page).await);
    assert_eq!(first_line(&page).await, "0.txt");
    let heading = page.find("heading", "Uploads").await;
    page.point_at(&heading).await;
    page.until("a question in front", async || {
        let list = page.find("list", "Uploads").await;
        let first = page.children(&list, "listitem").await.remove(0);
        page.text(&first).await.contains("Needs a decision").then_some(())
    })
    .await;

    // The first row in view, which the user reads.
    let read = "document.querySelector('[aria-label=\"7.txt\"]')";
    page.run(&format!("{read}.scrollIntoView({{ block: 'start', behavior: 'instant' }}); null"))
        .await;
    page.settle().await;
    watch(&page, "7.txt").await;
    page.drop_files(&heading, &files.paths()[15..]).await;
    wait_for_decisions(&page, 8).await;
    assert!(!has_moved(&page).await, "it moves: {:?}", places(&page).await);
    page.finish().await;
}

/// Waits until the page shows so many questions in its count of them.
async fn wait_for_decisions(page: &Page, number: usize) {
    let filter = format!("Needs you {number}");
    page.find("button", &filter).await;
    // Drawn and laid out.
    page.settle().await;
}

async fn first_line(page: &Page) -> String {
    let list = page.find("list", "Uploads").await;
    page.children(&list, "listitem").await.remove(0).name
}

/// Records the position of a row in each frame.
async fn watch(page: &Page, label: &str) {
    page.run(&format!(
        "(() => {{
            const line = document.querySelector('[aria-label=\"{label}\"]');
            const places = new Set();
            window.places = places;
            const look = () => {{
                places.add(line.getBoundingClientRect().top);
                if (window.places === places) requestAnimationFrame(look);
            }};
            look();
        }})()"
    ))
    .await;
}

/// Whether the line that is watched has moved by a pixel or more: scrolling rounds fractions.
async fn has_moved(page: &Page) -> bool {
    let places = places(page).await;
    let highest = places.iter().copied().fold(f64::INFINITY, f64::min);
    let lowest = places.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    lowest - highest >= 1.0
}

/// Returns the recorded positions, in pixels from the top.
async fn places(page: &Page) -> Vec<f64> {
    serde_json::from_value(page.run("[...window.places]").await).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_closes_its_large_folders_and_keys_reach_its_end() {
    let portal = portal!();
    let (_server, page) = connected_page(&portal, Kind::PureFtpd).await;

    let files = Files::new();
    for n in 0..420 {
        files.add(&format!("large/{n:03}"), Content { len: 10, seed: n });
    }
    files.add("small/1", Content { len: 10, seed: 0 });
    let root = files.folder_name();
    let (large, small) = (format!("Folder {root}/large"), format!("Folder {root}/small"));
    page.choose("Choose folder", &[files.folder()]).await;
    wait_for_rows(&page, &[large.clone(), small.clone(), format!("{root}/small/1")]).await;
    page.press_button(&large).await;
    let size = "document.querySelector('#uploads li')?.ariaSetSize";
    page.until("all files in the list", async || (page.run(size).await == "423").then_some(()))
        .await;
    let rows = page.run("document.querySelectorAll('#uploads li').length").await;
    assert!(rows.as_u64().unwrap() < 300, "{rows} rows");

    page.run("document.querySelector('#uploads').focus(); null").await;
    for (key, place) in [("ArrowDown", 1), ("End", 423), ("ArrowUp", 422), ("Home", 1)] {
        page.press(key).await;
        page.until(&format!("the focus on line {place} after {key}"), async || {
            let number = page.run("Number(document.activeElement.ariaPosInSet)").await;
            (number == place).then_some(())
        })
        .await;
    }
    page.see("421 of 421 done").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_paused_resumed_and_cancelled_as_one() {
    const LARGE: u64 = 256 << 20;
    let portal = portal!();
    let (_server, page) = connected_page(&portal, Kind::PureFtpd).await;

    let files = Files::new();
    files.add("small/1", Content { len: 10, seed: 0 });
    for name in ["large/1", "large/2"] {
        files.add_sparse(name, LARGE);
    }
    let root = files.folder_name();
    page.choose("Choose folder", &[files.folder()]).await;
    let large = page.find("listitem", &format!("Folder {root}/large")).await;
    press(&page, &large, "Pause folder").await;
    wait_for_status_of_all(&page, &root, "Paused").await;
    ring_is_shown(&page).await;
    press(&page, &large, "Resume folder").await;
    page.find_in(&large, "button", "Pause folder").await;
    press(&page, &large, "Cancel folder").await;
    wait_for_status_of_all(&page, &root, "Skipped").await;
    page.see("1 file stored: 10\u{a0}B in ").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_delete_key_cancels_the_focused_upload_only() {
    let portal = portal!();
    let (_server, page) = connected_page(&portal, Kind::PureFtpd).await;

    let files = Files::new();
    for name in ["1", "2", "3"] {
        files.add_sparse(name, 256 << 20);
    }
    page.choose("Choose files", &files.paths()).await;
    page.press_button("Pause all").await;
    for name in ["1", "2", "3"] {
        status_of(&page, name, "Paused").await;
    }
    page.run("document.querySelector('#uploads').focus(); null").await;
    for (key, label) in [("ArrowDown", "1"), ("ArrowDown", "2")] {
        page.press(key).await;
        focus_to_be_on(&page, label).await;
    }
    page.press("Delete").await;
    status_of(&page, "2", "Skipped").await;
    focus_to_be_on(&page, "2").await;
    // There is nothing to cancel any more.
    page.press("Delete").await;
    page.press("ArrowUp").await;
    focus_to_be_on(&page, "1").await;
    for name in ["1", "3"] {
        status_of(&page, name, "Paused").await;
    }
    page.press_button("Cancel all").await;
    status_of(&page, "3", "Skipped").await;
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_files_and_the_summary_survive_a_reload_until_the_next_batch() {
    let portal = portal!();
    let (server, page) = connected_page(&portal, Kind::Vsftpd).await;
    let files = Files::new();
    for (name, len) in [("a.bin", 3_000_000), ("b.bin", 4)] {
        files.add(name, Content { len, seed: 7 });
    }
    let [first, next] = files.paths().try_into().unwrap();
    page.choose("Choose files", &[first]).await;
    status_of(&page, "a.bin", "Done").await;
    // At once: the browser had no time to write it into its database.
    page.reload().await;
    page.see("1 file stored: 3.0\u{a0}MB").await;
    let shown = page.uploads().await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].status.starts_with("Done"), "{shown:?}");
    assert_eq!(shown[0].percent, 100);

    page.choose("Choose files", &[next]).await;
    status_of(&page, "b.bin", "Done").await;
    page.reload().await;
    page.see("1 file stored: 4\u{a0}B").await;
    assert_eq!(page.uploads().await.len(), 1);
    assert_eq!(server.files(), ["a.bin", "b.bin"]);
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_too_long_is_told_before_it_is_sent() {
    let portal = portal!();
    let (server, page) = connected_page(&portal, Kind::ProFtpd).await;
    // Longer than the names of this machine's files may be, but not than those of a Mac.
    let name = format!("{}.txt", "ü".repeat(200));
    let script = format!(
        "(() => {{
            const transfer = new DataTransfer();
            transfer.items.add(new File(['x'], '{name}'));
            const event = {{ dataTransfer: transfer, bubbles: true, cancelable: true }};
            document.body.dispatchEvent(new DragEvent('drop', event));
        }})()"
    );
    page.run(&script).await;
    status_of(&page, &name, "Needs a decision: the name is too long").await;
    let text = page.all_text().await;
    assert!(!text.contains("STOR "), "{text}");
    look(&page, "name-too-long", "#uploads").await;
    press_in_row(&page, &name, "Rename and upload").await;
    status_of(&page, &name, "Done").await;
    let stored = server.files();
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert!(stored[0].starts_with("üü") && stored[0].ends_with("ü.txt"), "{stored:?}");
    assert!(stored[0].len() <= 255, "{stored:?}");
    page.finish().await;
}

/// A disk that takes shorter names than most: the server says so once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_said_about_the_length_of_a_name_is_told_before_the_next_one_is_sent() {
    let portal = portal!();
    let options = Options { disk: Disk::ShortNames, ..Options::default() };
    let server = Server::start(Kind::Pyftpdlib, options);
    let page = open_connected(&portal, &server).await;
    let files = Files::new();
    let (first, second) = ("a".repeat(160) + ".txt", "b".repeat(160) + ".txt");
    for name in [&first, &second] {
        files.add(name, Content { len: 100, seed: 1 });
    }
    page.choose("Choose files", &files.paths()[..1]).await;
    status_of(&page, &first, "Needs a decision: the name is too long").await;
    log_with(&page, &["name too long"]).await;

    page.choose("Choose files", &files.paths()[1..]).await;
    status_of(&page, &second, "Needs a decision: the name is too long").await;
    let log = log_with(&page, &[]).await;
    assert!(!log.contains("STOR /bbb"), "nothing was sent: {log}");

    for name in [&first, &second] {
        press_in_row(&page, name, "Rename and upload").await;
        status_of(&page, name, "Done").await;
    }
    let stored = server.files();
    assert_eq!(stored.len(), 2, "{stored:?}");
    assert!(stored.iter().all(|name| name.len() <= 143 && name.ends_with(".txt")), "{stored:?}");
    page.finish().await;
}

async fn press(page: &Page, line: &Node, button: &str) {
    let button = button_of(page, line, button).await;
    page.click(&button).await;
}

/// Waits until the status of each large file begins so.
async fn wait_for_status_of_all(page: &Page, root: &str, status: &str) {
    page.until(&format!("the large files: {status}"), async || {
        let shown = page.uploads().await;
        let large = format!("{root}/large/");
        let mut large = shown.iter().filter(|shown| shown.label.starts_with(&large));
        large.all(|shown| shown.status.starts_with(status)).then_some(())
    })
    .await;
}

async fn ring_is_shown(page: &Page) {
    let shown = icon(page).await;
    assert!(shown.starts_with("ring "), "{shown}");
}

/// Which icon the tab has; the portal has it, and it is a picture.
async fn icon(page: &Page) -> String {
    let icon = page
        .run(
            "(async () => {
                const link = document.querySelector('link[rel=icon]');
                const icons = link.dataset.icons.split(' ');
                const picture = new Image();
                picture.src = link.href;
                await picture.decode();
                const place = icons.indexOf(link.getAttribute('href'));
                if (place === icons.length - 1) return 'mark';
                if (place === icons.length - 2) return 'check';
                return place > 0 ? `ring ${place}` : 'none';
            })()",
        )
        .await;
    icon.as_str().unwrap_or_default().to_owned()
}

async fn wait_for_title(page: &Page, title: &str) {
    page.until(&format!("the title {title:?}"), async || {
        (page.run("document.title").await == title).then_some(())
    })
    .await;
}

/// Waits until the list holds these lines; in which order, which is that of their folders.
async fn wait_for_rows(page: &Page, wanted: &[String]) -> Vec<String> {
    let mut wanted = wanted.to_vec();
    wanted.sort();
    let what = format!("the lines {wanted:?}");
    let shown = page.until(&what, async || {
        let shown: Vec<_> = page.uploads().await.into_iter().map(|shown| shown.label).collect();
        let mut sorted = shown.clone();
        sorted.sort();
        (sorted == wanted).then_some(shown)
    });
    let shown = shown.await;
    let mut folder = None;
    for line in &shown {
        match (line.strip_prefix("Folder "), folder) {
            (Some(heading), _) => folder = Some(heading),
            (None, Some(folder)) => assert!(line.starts_with(folder), "{shown:?}"),
            (None, None) => {}
        }
    }
    shown
}

/// Waits until the list holds these lines, in this order.
async fn labels_to_be(page: &Page, labels: &[String]) {
    page.until(&format!("the lines {labels:?}"), async || {
        let shown = page.uploads().await;
        shown.iter().map(|shown| &shown.label).eq(labels).then_some(())
    })
    .await;
}
