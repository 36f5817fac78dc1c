//! The receipt of the page, and its notifications, in a headless Chromium.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops and says why"
)]

use std::fs;

use ferryport_tests::{
    browser::Page,
    content::Content,
    portal,
    servers::{self, Kind, Server},
    user::{Files, NARROW, WIDE, connect, connected_page, status_of},
};
use protocol::server::Algorithm;

/// Keeps the sheet that the page prints: a headless browser has no printer.
const KEEP_PRINTED: &str = "window.print = () => {
    window.printed = document.querySelector('.receipt-sheet').innerText;
    window.dispatchEvent(new Event('afterprint'));
}; null";

/// A small telephone's window, in CSS pixels.
const TELEPHONE: (u32, u32) = (360, 740);

/// The first row is in view there: at most this many CSS pixels below the top.
const FIRST_ROW: f64 = 320.0;

/// Names that are formulas for a spreadsheet, or need quotes in a table.
const NAMES: [&str; 3] = ["=1+2.txt", "a \"quoted\", name.txt", "plain.txt"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receipt_stays_after_a_reload_and_is_copied_saved_and_printed() {
    let portal = portal!();
    let server = servers::start(Kind::ProFtpd);
    let page = Page::open(&portal.url(), WIDE).await;
    connect(&page, &server).await;
    let files = Files::new();
    let content = Content { len: 1000, seed: 1 };
    for name in NAMES {
        files.add(name, content);
    }
    page.choose("Choose files", &files.paths()).await;
    page.find("button", "Send more").await;
    page.see("Finished. You may close this page.").await;
    page.see("3 files stored: 3.0\u{a0}kB in ").await;
    let facts = facts(&page, &server).await;

    page.reload().await;
    page.find("button", "Send more").await;
    page.see("3 files stored: 3.0\u{a0}kB in ").await;
    page.see(&facts).await;
    page.screenshot("receipt-1-reloaded").await;

    receipt_is_saved(&page, content).await;
    receipt_is_printed(&page, &server, content).await;

    // The next files are chosen with its button.
    let more = Files::new();
    more.add("more.txt", content);
    page.choose("Send more", &more.paths()).await;
    status_of(&page, "more.txt", "Done").await;
    page.see("4 files stored: ").await;
    page.finish().await;
}

/// The words of the other languages are longer than the English ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_telephone_the_first_file_is_in_view_below_the_receipt_in_every_language() {
    let portal = portal!();
    let server = servers::start(Kind::PureFtpd);
    let page = Page::open(&portal.url(), NARROW).await;
    page.resize_to(TELEPHONE.0, TELEPHONE.1).await;
    connect(&page, &server).await;
    let files = Files::new();
    files.add("report.txt", Content { len: 1000, seed: 1 });
    page.choose("Choose files", &files.paths()).await;
    page.see("Finished. You may close this page.").await;
    for language in ["de", "es", "fr", "en"] {
        page.run(&format!("location.search = '?lang={language}'; null")).await;
        let top = format!(
            "document.documentElement?.lang === '{language}'
                && document.querySelector('.finished')?.checkVisibility()
                && document.getElementById('receipt-facts')?.innerText.includes('127.0.0.1')
                && document.getElementById('connected-head')?.checkVisibility()
                && document.querySelector('.upload')?.getBoundingClientRect().top + scrollY"
        );
        // The page is drawn in several steps.
        page.until(&format!("the first row in view, {language}"), async || {
            page.run(&top).await.as_f64().filter(|top| *top <= FIRST_ROW)
        })
        .await;
        page.screenshot(&format!("receipt-telephone-{language}")).await;
    }
    page.finish().await;
}

/// Returns the line of the receipt with the server, the user, the folder and the time.
async fn facts(page: &Page, server: &Server) -> String {
    let line = page
        .until("the facts", async || {
            let line = page.run("document.getElementById('receipt-facts').innerText").await;
            line.as_str().filter(|line| line.contains('/')).map(str::to_owned)
        })
        .await;
    let port = format!("127.0.0.1, port {}", server.port());
    for fact in [&port, server.username(), " · / · ", "UTC"] {
        assert!(line.contains(fact), "{fact} in {line}");
    }
    line
}

async fn receipt_is_saved(page: &Page, content: Content) {
    let folder = tempfile::tempdir().unwrap();
    page.allow_downloads(folder.path()).await;
    page.press_button("Receipt as CSV").await;
    let saved = page
        .until("the file", async || {
            let file = fs::read_dir(folder.path()).unwrap().next()?.unwrap().path();
            let name = file.file_name()?.to_str()?.to_owned();
            let is_whole = name.starts_with("ferryport-2") && name.ends_with(".csv");
            is_whole.then(|| fs::read_to_string(&file).unwrap())
        })
        .await;
    let lines: Vec<_> = saved.strip_prefix('\u{feff}').unwrap().split("\r\n").collect();
    assert_eq!(lines.len(), 1 + 3 + 1, "{saved}");
    let columns =
        ["File", "Folder", "Size in bytes", "Checksum", "Time", "Result", "Server", "Username"];
    assert_eq!(lines[0], columns.map(|name| format!("\"{name}\"")).join(","));
    let digest = content.digest(0, Algorithm::Blake3);
    for (line, name) in
        lines[1..].iter().zip(["\"'=1+2.txt\"", "\"a \"\"quoted\"\", name.txt\"", "\"plain.txt\""])
    {
        assert!(
            line.starts_with(&format!("{name},\"/\",\"1000\",\"BLAKE3 {digest}\",\"20")),
            "{line}"
        );
        assert!(line.contains("+00:00\",\"Done, size confirmed by the server\""), "{line}");
    }
}

async fn receipt_is_printed(page: &Page, server: &Server, content: Content) {
    page.run(KEEP_PRINTED).await;
    page.press_button("Print").await;
    let printed = page
        .until("the printed sheet", async || {
            page.run("window.printed ?? null").await.as_str().map(str::to_owned)
        })
        .await;
    let digest = content.digest(0, Algorithm::Blake3);
    for text in ["Upload receipt", "3 files stored", server.username(), "=1+2.txt", &digest] {
        assert!(printed.contains(text), "{text} in {printed}");
    }
    let left = page.run("document.querySelectorAll('.receipt-sheet').length").await;
    assert_eq!(left, 0, "the sheet is gone");
}

/// Makes a minute short, the page hidden, and keeps notifications: a headless browser shows none.
const NOTIFICATIONS: &str = "(() => {
    const later = window.setTimeout;
    window.setTimeout = (then, pause, ...rest) => later(then, pause === 60000 ? 500 : pause, ...rest);
    window.told = [];
    window.asked = 0;
    window.Notification = class extends EventTarget {
        static permission = 'default';
        static async requestPermission() {
            window.asked += 1;
            Notification.permission = 'granted';
            return 'granted';
        }
        constructor(title, { body }) {
            super();
            window.told.push(`${title}: ${body}`);
        }
    };
})()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_page_tells_of_the_end_of_long_uploads_once_the_user_has_asked_for_it() {
    let portal = portal!();
    let (server, page) = connected_page(&portal, Kind::PureFtpd).await;
    page.run_before_load(NOTIFICATIONS).await;
    page.reload().await;
    page.find("button", "Choose files").await;
    let files = Files::new();
    files.add_sparse("long.bin", 2 << 30);
    page.choose("Choose files", &files.paths()).await;
    assert_eq!(page.run("window.asked").await, 0, "nobody is asked unasked");
    page.press_button("Notify me").await;
    page.see("You will be notified").await;
    assert!(page.all("button", "Notify me").await.is_empty(), "it has been asked for");

    // One file needs the user.
    page.run("Object.defineProperty(document, 'hidden', { get: () => true }); null").await;
    fs::write(server.root().join("there.txt"), "another").unwrap();
    let there = Files::new();
    there.add("there.txt", Content { len: 10, seed: 1 });
    page.choose("Choose files", &there.paths()).await;
    told(&page, 1).await;
    status_of(&page, "long.bin", "Done").await;
    let told = told(&page, 2).await;
    assert!(told[1].starts_with("! Ferryport: "), "{told:?}");
    page.finish().await;
}

/// Waits until the page has shown so many notifications, and returns them.
async fn told(page: &Page, number: usize) -> Vec<String> {
    page.until(&format!("{number} notifications"), async || {
        let told = page.run("window.told.join('\\n')").await;
        let told: Vec<_> = told.as_str()?.lines().map(str::to_owned).collect();
        (told.len() >= number).then_some(told)
    })
    .await
}
