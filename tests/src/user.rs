//! What a user does on the page, and what they then find: files to choose, the form filled in,
//! the question about the certificate answered, everything arrived.

use std::{
    cell::RefCell,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use protocol::Encryption;
use tempfile::TempDir;

use crate::{
    browser::{Node, Page, Shown},
    content::Content,
    servers::Server,
};

/// The widths of a telephone and of a window on a desk, in pixels.
const NARROW: u32 = 390;
const WIDE: u32 = 1440;

/// How long 300 MiB may take on a machine that is busy with everything else.
const UPLOAD_LIMIT: Duration = Duration::from_secs(240);

/// Files on this machine's disk to choose from, and what is in them.
pub struct Files {
    folder: TempDir,
    known: RefCell<Vec<(String, Content)>>,
}

impl Default for Files {
    fn default() -> Self {
        Self::new()
    }
}

impl Files {
    /// None yet, in a folder whose name begins with `cargo `.
    #[must_use]
    pub fn new() -> Self {
        Self {
            folder: tempfile::Builder::new().prefix("cargo ").tempdir().unwrap(),
            known: RefCell::default(),
        }
    }

    /// Makes a file at a path inside the folder.
    pub fn add(&self, path: &str, content: Content) {
        let full = self.folder.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        let mut file = fs::File::create(full).unwrap();
        for piece in content.pieces() {
            file.write_all(&piece).unwrap();
        }
        self.known.borrow_mut().push((path.to_owned(), content));
    }

    /// Where they are.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The last part of where they are.
    #[must_use]
    pub fn folder_name(&self) -> String {
        let name = Path::new(self.folder.path()).file_name().unwrap();
        name.to_string_lossy().into_owned()
    }

    /// The path of each inside the folder, and what is in it.
    #[must_use]
    pub fn known(&self) -> Vec<(String, Content)> {
        self.known.borrow().clone()
    }

    /// Where each of them is, in the order in which they were made.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        let known = self.known.borrow();
        known.iter().map(|(path, _)| self.folder.path().join(path)).collect()
    }
}

/// Fills in the form what it takes to log in.
pub async fn fill_form(page: &Page, server: &Server) {
    page.fill("Host", "127.0.0.1").await;
    let encryption = match server.encryption() {
        Encryption::Explicit => "Explicit TLS",
        Encryption::Implicit => "Implicit TLS",
    };
    page.select("Encryption", encryption).await;
    page.fill("Port", &server.port().to_string()).await;
    page.fill("Username", server.username()).await;
    page.fill("Password", server.password()).await;
}

/// Answers the question about the certificate as a user does who compared the fingerprint.
pub async fn trust(page: &Page, server: &Server) {
    let dialog = page.find("dialog", "Certificate not trusted").await;
    let shown = page.text(&dialog).await.to_lowercase();
    let digits: String = shown.chars().filter(char::is_ascii_hexdigit).collect();
    assert!(digits.contains(&server.certificate_sha256()), "{shown}");
    let button = page.find_in(&dialog, "button", "Trust this certificate").await;
    page.click(&button).await;
}

/// Connects for the first time: the page asks about the certificate.
pub async fn connect(page: &Page, server: &Server) {
    fill_form(page, server).await;
    page.press_button("Connect").await;
    trust_if_asked(page, server).await;
}

/// Waits until files can be chosen. Whether the page asks about a certificate that was trusted
/// before, is its own business.
async fn trust_if_asked(page: &Page, server: &Server) {
    let asked = page.until("the question about the certificate, or the drop zone", async || {
        if !page.all("button", "Choose files").await.is_empty() {
            return Some(false);
        }
        let dialogs = page.all("dialog", "Certificate not trusted").await;
        (!dialogs.is_empty()).then_some(true)
    });
    if asked.await {
        trust(page, server).await;
        page.find("button", "Choose files").await;
    }
}

/// The page is as good as new: connect, upload.
pub async fn must_go_on(page: &Page, server: &Server) {
    page.find("button", "Connect").await;
    connect(page, server).await;
    upload_one(page, server, "after all.bin").await;
}

/// Uploads a file of 100 kB and compares what lies on the server's disk.
pub async fn upload_one(page: &Page, server: &Server, name: &str) {
    let files = Files::new();
    files.add(name, Content { len: 100_000, seed: 9 });
    page.choose("Choose files", &files.paths()).await;
    must_arrive(page, server, &files, "").await;
}

/// Waits until the page says that all of the files are done, and compares what lies on the
/// server's disk.
pub async fn must_arrive(page: &Page, server: &Server, files: &Files, prefix: &str) {
    let known = files.known();
    let done = page.within(UPLOAD_LIMIT, "the files, done", async || {
        let shown = page.uploads().await;
        let failed = shown.iter().find(|shown| shown.status.starts_with("Failed"));
        if let Some(Shown { label, .. }) = failed
            && known.iter().any(|(path, _)| label.ends_with(path))
        {
            let text = page.all_text().await;
            panic!("{failed:?}\n{text}\n{}", server.log());
        }
        let is_done = |path: &str| {
            shown
                .iter()
                .any(|shown| shown.label.ends_with(path) && shown.status.starts_with("Done"))
        };
        known.iter().all(|(path, _)| is_done(path)).then_some(shown)
    });
    for shown in done.await {
        assert!(shown.percent == 100 || !shown.status.starts_with("Done"), "{shown:?}");
    }
    for (path, content) in known {
        let stored = server.sha256_of(&format!("{prefix}{path}"));
        assert_eq!(stored, Some(content.sha256()), "{path} among {:?}", server.files());
    }
}

/// The text of the page's explanation of what went wrong while it connected.
pub async fn problem(page: &Page) -> String {
    let group = page.find("group", "What went wrong").await;
    page.text(&group).await
}

/// The text of the session log, as soon as it holds all of these words: a frame draws some of the
/// lines only, and what is done may be shown before the lines about it.
pub async fn log_with(page: &Page, words: &[&str]) -> String {
    page.until(&format!("{words:?} in the session log"), async || {
        let log = page.all("region", "Session log").await.pop()?;
        let text = page.text(&log).await;
        words.iter().all(|words| text.contains(words)).then_some(text)
    })
    .await
}

/// Waits until the session log says that a transfer began where an earlier one had ended.
pub async fn went_on(page: &Page) {
    page.until("REST or APPE in the session log", async || {
        let log = log_with(page, &[]).await;
        let offsets =
            log.lines().filter_map(|line| line.split_once("REST ")?.1.trim().parse().ok());
        let has_rest = offsets.into_iter().any(|offset: u64| offset > 0);
        (has_rest || log.contains("APPE ")).then_some(())
    })
    .await;
}

/// The item of the list `Uploads` for the file of this path.
pub async fn row(page: &Page, path: &str) -> Node {
    let list = page.find("list", "Uploads").await;
    page.find_in(&list, "listitem", path).await
}

/// Presses a button of the item for the file of this path.
pub async fn press_in_row(page: &Page, path: &str, button: &str) {
    let row = row(page, path).await;
    let button = page.find_in(&row, "button", button).await;
    page.click(&button).await;
}

/// Waits until an upload whose path ends so has a status that begins with a word.
pub async fn status_of(page: &Page, path: &str, word: &str) -> Shown {
    page.within(UPLOAD_LIMIT, &format!("{path}: {word}"), async || {
        let shown = page.uploads().await;
        shown.into_iter().find(|row| row.label.ends_with(path) && row.status.starts_with(word))
    })
    .await
}

/// Waits until the server has taken something of a file, and not all of it.
pub async fn on_its_way(page: &Page, path: &str) {
    page.within(UPLOAD_LIMIT, &format!("{path} on its way"), async || {
        let shown = page.uploads().await;
        let mut under_way = shown.iter().filter(|row| row.status.starts_with("Uploading"));
        under_way.any(|row| row.label.ends_with(path) && row.percent > 0).then_some(())
    })
    .await;
}

/// Waits until the browser's store has what it takes to go on.
pub async fn saved(page: &Page) {
    let stored = "new Promise((resolve, reject) => {
        const open = indexedDB.open('ferryport');
        open.onerror = () => reject(open.error);
        open.onsuccess = () => {
            const rows = open.result.transaction('rows').objectStore('rows').getAll();
            rows.onsuccess = () => { open.result.close(); resolve(rows.result.join()); };
        };
    })";
    page.until("the upload in the browser's store", async || {
        let rows = page.run(stored).await;
        let rows = rows.as_str().unwrap_or_default();
        (rows.contains("\"edges\":") && !rows.contains("\"edges\":null")).then_some(())
    })
    .await;
}

/// Pictures of a state on a telephone and on a desk, with the part of the page that a selector
/// finds in view; nothing may stick out to the side.
pub async fn look(page: &Page, state: &str, part: &str) {
    for width in [NARROW, WIDE] {
        page.resize(width).await;
        page.run(&format!("document.querySelector('{part}').scrollIntoView(); null")).await;
        page.screenshot(&format!("{state}-{width}")).await;
        let sticks_out = page.run("document.documentElement.scrollWidth - window.innerWidth").await;
        let sticks_out = sticks_out.as_i64().expect("widths are whole numbers");
        assert!(sticks_out <= 0, "{state}, {width}: {sticks_out} px too wide");
    }
}
