//! Stopping the portal: running uploads continue, pages go on with another portal, no file is lost, and
//! the page asks nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    ffi::OsString, net::TcpListener, os::unix::net::UnixDatagram, path::Path, time::Duration,
};

use ferryport_tests::{
    client::{Client, File, Outcome, refusal},
    content::Content,
    portal,
    portal::{Options, Portal},
    portal_program,
    process::{Process, wait_for},
    servers::{self, Kind, Server},
};
use protocol::{Attempt, ChunkHeader, ServerMessage, UploadId};
use tokio_tungstenite::tungstenite::Message;

/// Long enough for a busy machine.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// The exit code for a configuration that cannot be used.
const BAD_CONFIGURATION: i32 = 78;

/// The exit code for an error that another start may not meet.
const TEMPORARY_FAILURE: i32 = 75;

/// A portal that waits for uploads until it is told again.
const PATIENT: Options<'static> = Options::with(&[
    "--drain-timeout",
    "1 h",
    "--drain-delay",
    "0 s",
    "--admin-listen",
    "127.0.0.1:0",
]);

/// How much of each file a page sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Half,
    Whole,
}

/// A page with uploads under way.
struct Uploading {
    client: Client,
    uploads: Vec<Upload>,
}

struct Upload {
    id: UploadId,
    file: File,
    attempt: Attempt,
    sent: u64,
    limit: u64,
    temporary: Option<String>,
    is_done: bool,
}

/// How a session ended, as its page saw it.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    AllDone,
    Goodbye,
}

impl Uploading {
    /// Starts to upload the files, and sends half of each.
    async fn half(portal: &Portal, server: &Server, files: Vec<File>) -> Self {
        let mut client = Client::open(portal).await;
        client.connect(server).await;
        let mut page = Self { client, uploads: Vec::new() };
        for file in files {
            page.offer(file).await;
        }
        while !page.uploads.iter().all(|upload| upload.temporary.is_some() && upload.is_half_sent())
        {
            let message = page.client.receive().await;
            assert!(page.take(message, Part::Half).await.is_none());
        }
        page
    }

    async fn offer(&mut self, file: File) {
        let id = self.client.offer(&file).await;
        let attempt = Attempt(0);
        let (sent, limit, temporary, is_done) = (0, 0, None, false);
        self.uploads.push(Upload { id, file, attempt, sent, limit, temporary, is_done });
    }

    /// Sends on until all uploads are done, or the session ends.
    async fn send_on(&mut self, part: Part) -> Seen {
        for index in 0..self.uploads.len() {
            self.send(index, part).await;
        }
        loop {
            let message = self.client.receive().await;
            if let Some(seen) = self.take(message, part).await {
                return seen;
            }
        }
    }

    async fn take(&mut self, message: ServerMessage, part: Part) -> Option<Seen> {
        match message {
            ServerMessage::Credit { upload, attempt, received, limit, .. } => {
                let index = self.index_of(upload);
                let upload = &mut self.uploads[index];
                if attempt > upload.attempt {
                    (upload.attempt, upload.sent) = (attempt, received);
                }
                upload.limit = limit;
                self.send(index, part).await;
            }
            ServerMessage::Opened { upload, temporary_path, .. } => {
                let index = self.index_of(upload);
                self.uploads[index].temporary = Some(temporary_path);
            }
            ServerMessage::Done { upload, .. } => {
                let index = self.index_of(upload);
                self.uploads[index].is_done = true;
                if self.uploads.iter().all(|upload| upload.is_done) {
                    return Some(Seen::AllDone);
                }
            }
            ServerMessage::Goodbye { .. } => return Some(Seen::Goodbye),
            ServerMessage::Verifying { .. }
            | ServerMessage::DataTls(_)
            | ServerMessage::Connecting { .. } => {}
            // A conflict asks the user; a paused upload waits for them.
            other => panic!("{other:?}\n{}", self.client.transcript()),
        }
        None
    }

    fn index_of(&self, id: UploadId) -> usize {
        self.uploads.iter().position(|upload| upload.id == id).expect("an upload of this page")
    }

    async fn send(&mut self, index: usize, part: Part) {
        let upload = &mut self.uploads[index];
        let end = match part {
            Part::Half => upload.half(),
            Part::Whole => upload.file.content.len,
        };
        let end = end.min(upload.limit);
        let len = end.saturating_sub(upload.sent);
        let ends = upload.sent + len == upload.file.content.len;
        if len == 0 || (len < u64::from(self.client.limits().min_chunk_bytes) && !ends) {
            return;
        }
        let header =
            ChunkHeader { upload: upload.id, attempt: upload.attempt, offset: upload.sent };
        let mut frame = header.encode().to_vec();
        frame.extend(upload.file.content.piece(upload.sent, len));
        upload.sent += len;
        self.client.send_frame(Message::binary(frame)).await;
    }
}

impl Upload {
    fn half(&self) -> u64 {
        self.file.content.len / 2
    }

    /// Less than the least chunk may be missing.
    fn is_half_sent(&self) -> bool {
        self.sent + (16 << 10) > self.half()
    }
}

fn file(session: u64, number: u64) -> File {
    File::new(
        format!("{session}-{number}.bin"),
        Content { len: 2 << 20, seed: session * 10 + number },
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_52_uploads_loses_none_and_asks_nobody() {
    const SESSIONS: u64 = 13;
    const FILES: u64 = 4;
    let options = servers::Options { max_sessions: Some(100), ..servers::Options::default() };
    let server = Server::start(Kind::PureFtpd, options);
    let flags = ["--drain-timeout", "10 s", "--start-ftps-connections", "4"];
    let mut portal = portal!(Options::with(&flags));
    let mut pages = Vec::new();
    for session in 0..SESSIONS {
        let files = (0..FILES).map(|number| file(session, number)).collect();
        pages.push(Uploading::half(&portal, &server, files).await);
    }

    portal.signal("TERM");
    // Some pages send on. The others send nothing more, until the portal gives them up.
    let mut waiting = pages.split_off(pages.len() / 2);
    for page in &mut pages {
        assert_eq!(page.send_on(Part::Whole).await, Seen::AllDone);
        assert!(matches!(page.client.receive().await, ServerMessage::Goodbye { .. }));
    }
    for page in &mut waiting {
        assert_eq!(page.send_on(Part::Half).await, Seen::Goodbye);
    }
    assert_eq!(portal.wait_for_exit(WAIT_LIMIT), Some(0), "{}", portal.output());

    let portal = portal!();
    for page in &waiting {
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        for upload in &page.uploads {
            let resumed = upload.file.clone().resuming(upload.temporary.clone().unwrap());
            let outcome = client.upload_one(&resumed).await;
            assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        }
        let resumed = client.transcript().matches("Resuming there").count();
        assert_eq!(resumed, page.uploads.len(), "{}", client.transcript());
    }
    for session in 0..SESSIONS {
        for number in 0..FILES {
            let File { path, content, .. } = file(session, number);
            assert_eq!(server.sha256_of(&path), Some(content.sha256()), "{path}");
        }
    }
    assert_eq!(server.files().len() as u64, SESSIONS * FILES, "{:?}", server.files());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_drains_the_portal_takes_nothing_new_and_moves_idle_sessions() {
    let server = servers::start(Kind::PureFtpd);
    let mut portal = portal!(PATIENT);
    let mut idle = Client::open(&portal).await;
    idle.connect(&server).await;
    let mut page = Uploading::half(&portal, &server, vec![file(1, 1)]).await;

    portal.signal("TERM");
    assert!(matches!(idle.receive_to_end().await.pop(), Some(ServerMessage::Goodbye { .. })));
    let ready = portal.ask_admin("/readyz").unwrap();
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(ready.body.contains(r#""not_draining":false"#), "{ready:?}");
    assert!(portal.ask_admin("/metrics").unwrap().body.contains("\nferryport_draining 1\n"));
    let refused = refusal(&portal.acceptor(), &[("Origin", &portal.origin())]).await;
    assert!(refused.message.contains("shutting down"), "{refused:?}");

    // The page offers another file; it is not begun, and the one under way is stored.
    page.offer(file(1, 2)).await;
    assert_eq!(page.send_on(Part::Whole).await, Seen::Goodbye);
    let done: Vec<bool> = page.uploads.iter().map(|upload| upload.is_done).collect();
    assert_eq!(done, [true, false], "{}", page.client.transcript());
    assert_eq!(portal.wait_for_exit(WAIT_LIMIT), Some(0), "{}", portal.output());
    assert_eq!(server.files(), ["1-1.bin"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_sigterm_ends_the_portal_at_once() {
    let server = servers::start(Kind::PureFtpd);
    let mut portal = portal!(PATIENT);
    let _page = Uploading::half(&portal, &server, vec![file(1, 1)]).await;
    portal.signal("TERM");
    let drains =
        wait_for(WAIT_LIMIT, || portal.output().contains("is being stopped").then_some(()));
    assert!(drains.is_some(), "{}", portal.output());
    assert_eq!(portal.wait_for_exit(Duration::from_millis(200)), None);
    portal.signal("TERM");
    assert_eq!(portal.wait_for_exit(WAIT_LIMIT), Some(1), "{}", portal.output());
}

#[test]
fn supervisor_is_told_when_the_portal_serves_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let supervisor = UnixDatagram::bind(&socket).unwrap();
    supervisor.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    let received = || {
        let mut text = [0; 100];
        let len = supervisor.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..len]).trim().to_owned()
    };
    let mut portal = start(
        &["serve", "--listen", "127.0.0.1:0"],
        [("NOTIFY_SOCKET", socket.into_os_string())],
        folder.path(),
    );
    assert_eq!(received(), "READY=1");
    portal.signal("TERM");
    assert_eq!(received(), "STOPPING=1");
    assert_eq!(exit_code(&mut portal), Some(0));
}

#[test]
fn exit_code_tells_a_bad_configuration_from_a_temporary_failure() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let file = folder.path().join("ferryport.toml");
    std::fs::write(&file, "max_sesions = 3\n").unwrap();
    for (flags, expected) in [
        (["serve", "--listen", "nowhere"], BAD_CONFIGURATION),
        (["serve", "--config", file.to_str().unwrap()], BAD_CONFIGURATION),
        (["serve", "--config", "/nowhere/ferryport.toml"], BAD_CONFIGURATION),
        (["serve", "--listen", &taken], TEMPORARY_FAILURE),
    ] {
        let mut portal = start(&flags, [], folder.path());
        assert_eq!(exit_code(&mut portal), Some(expected), "{flags:?}: {}", portal.output());
    }
}

fn start<const N: usize>(
    flags: &[&str],
    environment: [(&'static str, OsString); N],
    folder: &Path,
) -> Process {
    Process::start(Path::new(portal_program!()), flags, environment, folder.join("output.log"))
}

fn exit_code(process: &mut Process) -> Option<i32> {
    wait_for(WAIT_LIMIT, || process.exit_status())?.code()
}
