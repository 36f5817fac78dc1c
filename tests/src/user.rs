//! What a user does on the page: choose files, fill in the form, trust the certificate, and check
//! that the files are stored.

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
    portal::Portal,
    servers::{self, Kind, Server},
};

/// The width of a telephone's window, in pixels.
pub const NARROW: u32 = 360;

/// The width of a window on a desk, in pixels.
pub const WIDE: u32 = 1440;

/// How long 300 MiB may take on a busy machine.
const UPLOAD_LIMIT: Duration = Duration::from_secs(240);

/// Files on this machine's disk, and their content.
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
    /// Creates an empty folder whose name begins with `cargo `.
    #[must_use]
    pub fn new() -> Self {
        Self {
            folder: tempfile::Builder::new().prefix("cargo ").tempdir().unwrap(),
            known: RefCell::default(),
        }
    }

    /// Creates a file at a path inside the folder.
    pub fn add(&self, path: &str, content: Content) {
        let full = self.folder.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        let mut file = fs::File::create(full).unwrap();
        for piece in content.pieces() {
            file.write_all(&piece).unwrap();
        }
        self.known.borrow_mut().push((path.to_owned(), content));
    }

    /// Creates a file of zeros, which takes no space on the disk. [`assert_all_stored`] does not apply to it.
    pub fn add_sparse(&self, path: &str, len: u64) {
        self.add(path, Content { len: 0, seed: 0 });
        let file = fs::File::options().write(true).open(self.folder.path().join(path)).unwrap();
        file.set_len(len).unwrap();
    }

    /// Returns the path of the folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Returns the name of the folder.
    #[must_use]
    pub fn folder_name(&self) -> String {
        let name = Path::new(self.folder.path()).file_name().unwrap();
        name.to_string_lossy().into_owned()
    }

    /// Returns the path inside the folder and the content of each file.
    #[must_use]
    pub fn known(&self) -> Vec<(String, Content)> {
        self.known.borrow().clone()
    }

    /// Returns the path of each file, in the order of creation.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        let known = self.known.borrow();
        known.iter().map(|(path, _)| self.folder.path().join(path)).collect()
    }
}

/// Fills in the form with the server's address and login.
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

/// Compares the fingerprint in the dialog, and trusts the certificate.
pub async fn trust(page: &Page, server: &Server) {
    let dialog = page.find("dialog", "Certificate not trusted").await;
    let shown = page.text(&dialog).await.to_lowercase();
    let digits: String = shown.chars().filter(char::is_ascii_hexdigit).collect();
    assert!(digits.contains(&server.certificate_sha256()), "{shown}");
    let button = page.find_in(&dialog, "button", "Trust this certificate").await;
    page.click(&button).await;
}

/// Connects, and trusts the certificate if the page asks.
pub async fn connect(page: &Page, server: &Server) {
    fill_form(page, server).await;
    page.press_button("Connect").await;
    trust_if_asked(page, server).await;
}

/// Starts a server, opens the page in a wide window of Chromium, and connects.
pub async fn connected_page(portal: &Portal, kind: Kind) -> (Server, Page) {
    let server = servers::start(kind);
    let page = open_connected(portal, &server).await;
    (server, page)
}

/// Opens the page in a wide window of Chromium, and connects to a server.
pub async fn open_connected(portal: &Portal, server: &Server) -> Page {
    let page = Page::open(&portal.support_url(), WIDE).await;
    connect(&page, server).await;
    page
}

/// Connects with a wrong password, and checks that the page shows the server's reply.
pub async fn fail_with_wrong_password(page: &Page, server: &Server) {
    fill_form(page, server).await;
    page.fill("Password", "not the password").await;
    page.press_button("Connect").await;
    trust(page, server).await;
    let problem = problem(page).await;
    assert!(problem.contains("530"), "{problem}");
}

/// Connects to the server's port with the other encryption, and checks that the page names the right
/// one.
pub async fn fail_with_wrong_encryption(page: &Page, server: &Server) {
    let (wrong, right) = match server.encryption() {
        Encryption::Explicit => ("Implicit TLS", "Explicit TLS"),
        Encryption::Implicit => ("Explicit TLS", "Implicit TLS"),
    };
    fill_form(page, server).await;
    page.select("Encryption", wrong).await;
    page.fill("Port", &server.port().to_string()).await;
    page.press_button("Connect").await;
    let problem = problem(page).await;
    assert!(problem.contains(right), "{problem}");
}

/// Cancels the question about the certificate, and checks that the page says what that means.
pub async fn refuse_certificate(page: &Page) {
    let dialog = page.find("dialog", "Certificate not trusted").await;
    let button = page.find_in(&dialog, "button", "Cancel").await;
    page.click(&button).await;
    let problem = problem(page).await;
    assert!(problem.contains("ertificate"), "{problem}");
}

/// Waits until files can be chosen. The page may ask about the certificate or not.
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

/// Checks that the page works again: connects and uploads a file.
pub async fn assert_connects_again(page: &Page, server: &Server) {
    page.find("button", "Connect").await;
    connect(page, server).await;
    upload_one(page, server, "after all.bin").await;
}

/// Uploads a file of 100 kB, and compares it with the server's disk.
pub async fn upload_one(page: &Page, server: &Server, name: &str) {
    let files = Files::new();
    files.add(name, Content { len: 100_000, seed: 9 });
    page.choose("Choose files", &files.paths()).await;
    assert_all_stored(page, server, &files, "").await;
}

/// Waits until the page shows all files as done, and compares them with the server's disk.
pub async fn assert_all_stored(page: &Page, server: &Server, files: &Files, prefix: &str) {
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

/// Returns the page's explanation of a failed connection, with its technical details.
pub async fn problem(page: &Page) -> String {
    let group = page.find("group", "What went wrong").await;
    open_technical_details(page).await;
    page.text(&group).await
}

/// Opens the technical details of a failed connection.
pub async fn open_technical_details(page: &Page) {
    page.run(
        "for (const d of document.querySelectorAll('[role=group] > details')) d.open = true; null",
    )
    .await;
}

/// Waits until the session log holds all of these words, and returns its text. The page may show a
/// result before the log lines about it.
pub async fn log_with(page: &Page, words: &[&str]) -> String {
    page.until(&format!("{words:?} in the session log"), async || {
        let log = page.all("region", "Session log").await.pop()?;
        let text = page.text(&log).await;
        words.iter().all(|words| text.contains(words)).then_some(text)
    })
    .await
}

/// Waits until the session log shows that a transfer was resumed.
pub async fn has_resumed(page: &Page) {
    page.until("REST or APPE in the session log", async || {
        let log = log_with(page, &[]).await;
        let offsets =
            log.lines().filter_map(|line| line.split_once("REST ")?.1.trim().parse().ok());
        let has_rest = offsets.into_iter().any(|offset: u64| offset > 0);
        (has_rest || log.contains("APPE ")).then_some(())
    })
    .await;
}

/// Returns the item of the list `Uploads` for the file of this path.
pub async fn row(page: &Page, path: &str) -> Node {
    let list = page.find("list", "Uploads").await;
    page.find_in(&list, "listitem", path).await
}

/// Presses a button of the item for the file of this path.
pub async fn press_in_row(page: &Page, path: &str, button: &str) {
    let row = row(page, path).await;
    let button = button_of(page, &row, button).await;
    page.click(&button).await;
}

/// Returns the button of an item that does something; its name may go on with the file's.
pub async fn button_of(page: &Page, item: &Node, does: &str) -> Node {
    page.until(&format!("the button {does:?} of {:?}", item.name), async || {
        let buttons = page.children(item, "button").await;
        buttons.into_iter().find(|button| {
            let after = button.name.strip_prefix(does);
            after.is_some_and(|after| after.is_empty() || after.starts_with(' '))
        })
    })
    .await
}

/// Waits until the upload of a path has a status that begins with a word.
pub async fn status_of(page: &Page, path: &str, word: &str) -> Shown {
    page.within(UPLOAD_LIMIT, &format!("{path}: {word}"), async || {
        let shown = page.uploads().await;
        shown.into_iter().find(|row| row.label.ends_with(path) && row.status.starts_with(word))
    })
    .await
}

/// Waits until a part of a file is uploaded.
pub async fn wait_for_progress(page: &Page, path: &str) {
    page.within(UPLOAD_LIMIT, &format!("{path} on its way"), async || {
        let shown = page.uploads().await;
        let mut under_way = shown.iter().filter(|row| row.status.starts_with("Uploading"));
        under_way.any(|row| row.label.ends_with(path) && row.percent > 0).then_some(())
    })
    .await;
}

/// Waits until the browser's store holds enough to resume the upload.
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

/// Takes screenshots at the widths of a telephone and a desk, with the part that a selector finds in
/// view. The page must not be wider than the window.
pub async fn look(page: &Page, state: &str, part: &str) {
    for width in [NARROW, WIDE] {
        look_at_width(page, state, width, Some(part)).await;
    }
}

/// Takes a screenshot at a width, with the part that a selector finds in view. The page must not be
/// wider than the window, nor what is in a dialog wider than the dialog.
pub async fn look_at_width(page: &Page, state: &str, width: u32, part: Option<&str>) {
    page.resize(width).await;
    if let Some(part) = part {
        page.run(&format!("document.querySelector('{part}').scrollIntoView(); null")).await;
    }
    page.screenshot(&format!("{state}-{width}")).await;
    let excess = "Math.max(document.documentElement.scrollWidth - window.innerWidth,
        ...[...document.querySelectorAll('dialog[open]')].map((d) => d.scrollWidth - d.clientWidth))";
    let excess = page.run(excess).await;
    let excess = excess.as_i64().expect("widths are whole numbers");
    assert!(excess <= 0, "{state}, {width}: {excess} px too wide");
}
