//! Brings the page into each of its states, and keeps it there.
//!
//! Elements are found by role and name, so that the states do not depend on the page's looks. A
//! state that would pass is kept by real means: a silent server, a slow connection to the portal, a
//! connection that is cut.

use std::{fmt, time::Duration};

use crate::{
    browser::Page,
    content::Content,
    fake_peers::FakePeer,
    fault_proxy::FaultProxy,
    page_proxy::PageProxy,
    portal::{Options, Portal},
    servers::{self, Kind, Server},
    user::{Files, connect, fill_form, status_of, trust},
};

/// A state of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// As it is when it has loaded.
    Empty,
    /// Connecting to a server that sends nothing.
    Connecting,
    /// Asking about a certificate.
    Certificate,
    /// The same, with another fingerprint than the certificate's.
    Mismatch,
    /// Logged in, with nothing to upload.
    Ready,
    /// Logged in, with data connections that are blocked.
    Blocked,
    /// Logged in, with how the connection is protected.
    Security,
    /// Logged in, with files held over it.
    Dragging,
    /// Uploading a folder: some files done, some in transfer, some queued.
    Uploading,
    /// Asking about files that the server has already.
    Conflict,
    /// With a file whose name is too long.
    LongName,
    /// With uploads that failed, and one that is done.
    Failed,
    /// Cut off from the portal during uploads.
    Interrupted,
    /// Everything uploaded, with the receipt.
    Done,
    /// With 5,000 files to upload.
    Thousands,
    /// During uploads, with the files on the server and the session log open.
    Opened,
    /// During uploads, in the support view.
    Support,
}

impl State {
    /// All states, in the order in which a user sees them.
    pub const ALL: [Self; 17] = [
        Self::Empty,
        Self::Connecting,
        Self::Certificate,
        Self::Mismatch,
        Self::Ready,
        Self::Blocked,
        Self::Security,
        Self::Dragging,
        Self::Uploading,
        Self::Conflict,
        Self::LongName,
        Self::Failed,
        Self::Interrupted,
        Self::Done,
        Self::Thousands,
        Self::Opened,
        Self::Support,
    ];

    /// Returns its name, one word that fits into a file name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Connecting => "connecting",
            Self::Certificate => "certificate",
            Self::Mismatch => "mismatch",
            Self::Ready => "ready",
            Self::Blocked => "blocked",
            Self::Security => "security",
            Self::Dragging => "dragging",
            Self::Uploading => "uploading",
            Self::Conflict => "conflict",
            Self::LongName => "long-name",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Done => "done",
            Self::Thousands => "thousands",
            Self::Opened => "opened",
            Self::Support => "support",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Fast enough that no test waits for it.
const FREE: u32 = 256 << 20;

/// So slow that transfers last for minutes.
const SLOW: u32 = 128 << 10;

/// How long the portal may try blocked data connections.
const BLOCKED_LIMIT: Duration = Duration::from_secs(120);

/// The number of files of [`State::Thousands`].
const THOUSANDS: u64 = 5000;

/// Timeouts longer than any test of a silent server.
const LONG_TIMEOUTS: [&str; 4] = ["--greeting-timeout", "10 min", "--tls-timeout", "10 min"];

/// Names as people give them, short and long.
const NAMES: [&str; 8] = [
    "Harbour at dawn.jpg",
    "Crew list 2026.xlsx",
    "Minutes.pdf",
    "Aerial survey of the eastern breakwater, second flight, stabilised and graded.mov",
    "Tide tables.csv",
    "Backup.tar.zst",
    "Ünterlagen für den Zoll.docx",
    "manifest.json",
];

/// The portal, the server and the files behind a state of the page; the state ends with them.
pub struct PreparedState {
    _portal: Portal,
    _silent: Option<FakePeer>,
    _fault_proxy: Option<FaultProxy>,
    server: Server,
    page_proxy: PageProxy,
    files: Files,
}

impl PreparedState {
    /// Brings the page into a state, whatever it showed before. `portal` is the portal's program.
    ///
    /// # Panics
    /// When the page does not come into it.
    pub async fn prepare(page: &Page, portal: &str, state: State) -> Self {
        let prepared = Self::empty(page, portal, state).await;
        match state {
            State::Empty => prepared,
            State::Connecting => prepared.connecting(page).await,
            State::Certificate => prepared.certificate(page).await,
            State::Mismatch => prepared.mismatch(page).await,
            State::Ready => prepared.ready(page).await,
            State::Blocked => prepared.blocked(page).await,
            State::Security => prepared.security(page).await,
            State::Dragging => prepared.dragging(page).await,
            State::Uploading => prepared.uploading(page).await,
            State::Conflict => prepared.conflict(page).await,
            State::LongName => prepared.long_name(page).await,
            State::Failed => prepared.failed(page).await,
            State::Interrupted => prepared.interrupted(page).await,
            State::Done => prepared.done(page).await,
            State::Thousands => prepared.thousands(page).await,
            State::Opened => prepared.opened(page).await,
            State::Support => prepared.uploading(page).await,
        }
    }

    /// Each state has its own origin, so that the browser keeps nothing for the next one.
    async fn empty(page: &Page, program: &str, state: State) -> Self {
        let page_proxy = PageProxy::open(rate(state)).await;
        let origin = page_proxy.origin();
        let flags = [&["--origins", &origin], &LONG_TIMEOUTS[..]].concat();
        let portal = Portal::start(program, Options::with(&flags));
        page_proxy.lead_to(portal.address());
        let url = match state {
            State::Support => page_proxy.support_url(),
            _ => page_proxy.url(),
        };
        page.go_to(&url).await;
        page.find("button", "Connect").await;
        let server = servers::start(Kind::PureFtpd);
        Self {
            _portal: portal,
            _silent: None,
            _fault_proxy: None,
            server,
            page_proxy,
            files: Files::new(),
        }
    }

    async fn connecting(self, page: &Page) -> Self {
        let silent = FakePeer::silent();
        fill_form(page, &self.server).await;
        page.fill("Port", &silent.port().to_string()).await;
        page.press_button("Connect").await;
        page.until("the portal to call the server", async || {
            (silent.connections() > 0).then_some(())
        })
        .await;
        page.find("group", "Connecting").await;
        Self { _silent: Some(silent), ..self }
    }

    async fn certificate(self, page: &Page) -> Self {
        fill_form(page, &self.server).await;
        page.press_button("Connect").await;
        page.find("dialog", "Certificate not trusted").await;
        self
    }

    async fn mismatch(self, page: &Page) -> Self {
        let prepared = self.certificate(page).await;
        let other = "0".repeat(64);
        page.fill("Fingerprint that the server's administrator gave you", &other).await;
        page.see("Wrong fingerprint").await;
        prepared
    }

    async fn blocked(self, page: &Page) -> Self {
        let fault_proxy = FaultProxy::with_blocked_data_ports(&self.server).await;
        fill_form(page, &self.server).await;
        page.fill("Host", &fault_proxy.address().ip().to_string()).await;
        page.press_button("Connect").await;
        trust(page, &self.server).await;
        page.within(BLOCKED_LIMIT, "the obstacle", async || {
            let obstacle = page.all("group", "What keeps files from being uploaded").await;
            (!obstacle.is_empty()).then_some(())
        })
        .await;
        Self { _fault_proxy: Some(fault_proxy), ..self }
    }

    async fn security(self, page: &Page) -> Self {
        let prepared = self.ready(page).await;
        page.press_button("Security").await;
        page.find("button", "Copy fingerprint").await;
        page.run("document.querySelector('#security details').open = true; null").await;
        prepared
    }

    async fn long_name(self, page: &Page) -> Self {
        let prepared = self.ready(page).await;
        // Longer than this machine's files may be named, but not than those of a Mac.
        let name = "ü".repeat(200);
        let script = format!(
            "const transfer = new DataTransfer();
            transfer.items.add(new File(['x'], '{name}.txt'));
            const event = {{ dataTransfer: transfer, bubbles: true, cancelable: true }};
            document.body.dispatchEvent(new DragEvent('drop', event)); null"
        );
        page.run(&format!("{{ {script} }}")).await;
        status_of(page, ".txt", "Needs a decision: the name is too long").await;
        prepared
    }

    async fn ready(self, page: &Page) -> Self {
        connect(page, &self.server).await;
        self
    }

    async fn dragging(self, page: &Page) -> Self {
        let prepared = self.ready(page).await;
        prepared.add_all(1000);
        let zone = page.find("button", "Choose files").await;
        page.hold_files(&zone, &prepared.files.paths()).await;
        prepared
    }

    async fn uploading(self, page: &Page) -> Self {
        let prepared = self.ready(page).await;
        for (name, seed) in NAMES.into_iter().zip(1..) {
            prepared.files.add(&format!("Letters/{name}"), Content { len: 900 * seed, seed });
            prepared.files.add(&format!("Photos/{name}"), Content { len: 7_300_000 * seed, seed });
        }
        page.choose("Choose folder", &[prepared.files.folder().join("Letters")]).await;
        for name in NAMES {
            status_of(page, &format!("Letters/{name}"), "Done").await;
        }
        page.choose("Choose folder", &[prepared.files.folder().join("Photos")]).await;
        page.until("a part of a file", async || {
            let shown = page.uploads().await;
            let mut under_way = shown.iter().filter(|row| row.status.starts_with("Uploading"));
            under_way.any(|row| row.percent > 0).then_some(())
        })
        .await;
        prepared
    }

    async fn conflict(self, page: &Page) -> Self {
        let prepared = self.ready(page).await;
        prepared.add_all(40_000);
        for name in &NAMES[..2] {
            let theirs = Content { len: 25_000, seed: 9 }.piece(0, 25_000);
            std::fs::write(prepared.server.root().join(name), theirs).expect("the folder is ours");
        }
        page.choose("Choose files", &prepared.files.paths()).await;
        for name in &NAMES[..2] {
            status_of(page, name, "Needs a decision").await;
        }
        for name in &NAMES[2..] {
            status_of(page, name, "Done").await;
        }
        prepared
    }

    async fn failed(self, page: &Page) -> Self {
        let prepared = self.ready(page).await;
        prepared.add_all(40_000);
        let refused = Server::READ_ONLY;
        for name in &NAMES[..3] {
            prepared.files.add(&format!("{refused}/{name}"), Content { len: 2000, seed: 1 });
        }
        page.choose("Choose files", &prepared.files.paths()[..2]).await;
        for name in &NAMES[..2] {
            status_of(page, name, "Done").await;
        }
        page.choose("Choose folder", &[prepared.files.folder().join(refused)]).await;
        for name in &NAMES[..3] {
            status_of(page, &format!("{refused}/{name}"), "Failed").await;
        }
        prepared
    }

    async fn opened(self, page: &Page) -> Self {
        let prepared = self.uploading(page).await;
        page.press_button("Remote files").await;
        page.press_button("Session log").await;
        prepared
    }

    async fn interrupted(self, page: &Page) -> Self {
        let prepared = self.uploading(page).await;
        prepared.page_proxy.cut();
        page.until("an interrupted upload", async || {
            let shown = page.uploads().await;
            shown.iter().any(|row| row.status.starts_with("Interrupted")).then_some(())
        })
        .await;
        prepared
    }

    async fn done(self, page: &Page) -> Self {
        let prepared = self.ready(page).await;
        prepared.add_all(40_000);
        page.choose("Choose files", &prepared.files.paths()).await;
        for name in NAMES {
            status_of(page, name, "Done").await;
        }
        prepared
    }

    async fn thousands(self, page: &Page) -> Self {
        let prepared = self.ready(page).await;
        for n in 0..THOUSANDS {
            prepared
                .files
                .add(&format!("part {}/{n}.tif", n % 10), Content { len: 20_000, seed: n });
        }
        page.choose("Choose folder", &[prepared.files.folder()]).await;
        // Until then the content above the button grows, and a click may miss it.
        page.see(&format!("of {THOUSANDS} done")).await;
        // Great folders of a long list are closed.
        page.press_button("Group by folder").await;
        // Assistive technology counts the rows that are not in the document.
        let all = format!("[aria-setsize='{THOUSANDS}'], [aria-rowcount='{THOUSANDS}']");
        let listed = format!("document.querySelector(\"{all}\") !== null");
        page.until("a list of all files", async || (page.run(&listed).await == true).then_some(()))
            .await;
        prepared
    }

    fn add_all(&self, len: u64) {
        for (name, seed) in NAMES.into_iter().zip(1..) {
            self.files.add(name, Content { len: len * seed, seed });
        }
    }
}

/// Returns the limit of bytes a second to the portal.
fn rate(state: State) -> u32 {
    match state {
        State::Uploading
        | State::Interrupted
        | State::Thousands
        | State::Opened
        | State::Support => SLOW,
        _ => FREE,
    }
}
