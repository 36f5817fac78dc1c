//! Uploads of the engine to vsftpd, `ProFTPD` and Pure-FTPd: dates, digests, resuming, several
//! sessions, unusual names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{
    fs,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use ferryport_tests::{
    content::Content,
    fault_proxy::{Fault, FaultKind, FaultProxy, On, Way},
    process::wait_for,
    servers::{Dates, Digests, Kind, Options, Renaming, Restart, Server},
    with_each_server,
};
use ftps::{
    Algorithm, Cause, Config, Connector, Credentials, Encryption, ManagedClient, Password, Pool,
    RemotePath, Stage, Target, Transcript, Username, Verified,
    config::RotationScope,
    upload::{Existing, Failed, Plan, Progress, Source, UploadError, Uploaded},
};
use futures_util::future::join_all;
use rustls::RootCertStore;
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The date of the files, in milliseconds and in seconds.
const MODIFIED_MILLIS: i64 = 1_700_000_000_000;
const MODIFIED: i64 = MODIFIED_MILLIS / 1000;

/// The size of a source's pieces, in bytes.
const PIECE: u64 = 128 * 1024;

/// The longest wait for an event that comes soon.
const PATIENCE: Duration = Duration::from_secs(20);

/// The lines of a transcript.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }

    fn has(&self, part: &str) -> bool {
        self.count(part) > 0
    }

    fn count(&self, part: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }

    fn place_of(&self, part: &str) -> usize {
        let place = self.0.lock().unwrap().iter().position(|line| line.contains(part));
        place.unwrap_or_else(|| panic!("no {part:?} in\n{}", self.text()))
    }

    /// Returns how many logins there were.
    fn sessions(&self) -> usize {
        self.count("Response: 230")
    }
}

type Before = dyn FnMut(u64, &RemotePath) + Send + Sync;

/// A source that records how it is read.
struct FileSource {
    content: Content,
    position: u64,
    sent: u64,
    /// It fails when it is read at this offset.
    gives_up_at: Option<u64>,
    /// Called with the offset and the temporary name before each piece.
    before: Box<Before>,
    temporary: Option<RemotePath>,
    offsets: Vec<u64>,
    /// The pause before each piece.
    pause: Duration,
    /// Whether the part on the server stays when the upload is cancelled.
    keeps: bool,
    /// The end of the bytes that the data connection has taken.
    taken: u64,
    /// The digest of the whole file, if it tells one.
    whole: Option<ftps::FileDigest>,
}

/// The error of a source that fails on purpose.
#[derive(Debug)]
struct GaveUp;

impl FileSource {
    fn of(content: Content) -> Self {
        Self {
            content,
            position: 0,
            sent: 0,
            gives_up_at: None,
            before: Box::new(|_, _| ()),
            temporary: None,
            offsets: Vec::new(),
            pause: Duration::ZERO,
            keeps: false,
            taken: 0,
            whole: None,
        }
    }

    fn giving_up_at(self, offset: u64) -> Self {
        Self { gives_up_at: Some(offset), ..self }
    }

    fn before_each(self, before: impl FnMut(u64, &RemotePath) + Send + Sync + 'static) -> Self {
        Self { before: Box::new(before), ..self }
    }
}

impl Source for FileSource {
    type Error = GaveUp;

    async fn next(&mut self) -> Result<Bytes, GaveUp> {
        if self.gives_up_at.is_some_and(|offset| self.position >= offset) {
            return Err(GaveUp);
        }
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        let temporary = self.temporary.clone().expect("opened before it is asked for bytes");
        (self.before)(self.position, &temporary);
        let piece = self.content.piece(self.position, PIECE);
        self.position += piece.len() as u64;
        self.sent += piece.len() as u64;
        Ok(piece.into())
    }

    async fn seek(&mut self, offset: u64) -> Result<(), GaveUp> {
        self.position = offset;
        Ok(())
    }

    async fn progress(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Opened { temporary, offset } => {
                self.temporary = Some(temporary.clone());
                self.offsets.push(offset);
            }
            Progress::Taken { offset } => self.taken = offset,
            Progress::Confirming | Progress::Interrupted { .. } => (),
        }
    }

    async fn check_digest(
        &mut self,
        _: std::ops::Range<u64>,
        _: &ftps::FileDigest,
    ) -> Result<Option<ftps::FileDigest>, ftps::upload::DigestError<GaveUp>> {
        Ok(self.whole.clone())
    }

    fn keeps_on_cancel(&self) -> bool {
        self.keeps
    }
}

fn path(text: &str) -> RemotePath {
    RemotePath::try_from(text).unwrap()
}

fn plan(name: &str, content: Content) -> Plan {
    Plan {
        path: path(name),
        size: content.len,
        modified_millis: Some(MODIFIED_MILLIS),
        existing: Existing::Keep,
        resume: None,
        digest: None,
    }
}

fn connector(server: &Server, lines: &Lines, change: impl FnOnce(&mut Config)) -> Connector {
    connector_at(server, server.address(), lines, change)
}

fn connector_at(
    server: &Server,
    address: std::net::SocketAddr,
    lines: &Lines,
    change: impl FnOnce(&mut Config),
) -> Connector {
    let mut roots = RootCertStore::empty();
    roots.add(server.certificate()).unwrap();
    let mut config = Config::new(Arc::new(roots));
    config.retry.first = Duration::from_millis(20);
    config.retry.max = Duration::from_millis(500);
    change(&mut config);
    let target = Target { address, host: "localhost".to_owned(), encryption: Encryption::Explicit };
    let credentials = Credentials {
        username: Username::new(server.username()).unwrap(),
        password: Password::new(server.password()).unwrap(),
    };
    let lines = Arc::clone(&lines.0);
    let transcript = Transcript::new(move |event| {
        lines.lock().unwrap().push(format!("{:?}: {event}", event.line_kind()));
    });
    Connector::new(target, config, credentials, transcript)
}

fn line(server: &Server, lines: &Lines) -> ManagedClient {
    ManagedClient::new(connector(server, lines, |_| ()))
}

async fn try_bring(
    line: &mut ManagedClient,
    plan: &Plan,
    feed: &mut FileSource,
) -> Result<Uploaded, Failed<GaveUp>> {
    ftps::upload::upload(line, plan, feed, &CancellationToken::new()).await
}

async fn bring(
    line: &mut ManagedClient,
    plan: &Plan,
    feed: &mut FileSource,
    lines: &Lines,
) -> Uploaded {
    let brought = try_bring(line, plan, feed).await;
    brought.unwrap_or_else(|failed| panic!("{}: {failed:?}\n{}", plan.path, lines.text()))
}

fn assert_stored(server: &Server, name: &str, content: Content, lines: &Lines) {
    assert_eq!(server.sha256_of(name), Some(content.sha256()), "{name}\n{}", lines.text());
}

fn modified(server: &Server, name: &str) -> i64 {
    fs::metadata(server.root().join(name)).unwrap().mtime()
}

/// Returns the path on this disk of a path on the server. vsftpd's paths are this machine's own.
fn on_disk(server: &Server, path: &RemotePath) -> PathBuf {
    server.root().join(path.file_name().unwrap().to_string())
}

/// Runs an upload that fails in the middle, and returns its leftover.
async fn leave_a_part(server: &Server, name: &str, content: Content, sent: u64) -> RemotePath {
    let lines = Lines::default();
    let mut line = line(server, &lines);
    let mut feed = FileSource::of(content).giving_up_at(sent);
    let failed = try_bring(&mut line, &plan(name, content), &mut feed).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Source(GaveUp)), "{failed:?}\n{}", lines.text());
    line.quit().await;
    let leftover = failed.leftover.expect("a part is on the server");
    let file = on_disk(server, &leftover);
    // The server may write for a moment before it notices the closed data connection.
    let mut before = None;
    let settled = wait_for(PATIENCE, || {
        let len = fs::metadata(&file).ok().map(|file| file.len());
        std::thread::sleep(Duration::from_millis(100));
        (std::mem::replace(&mut before, len) == len && len > Some(0)).then_some(())
    });
    assert!(settled.is_some(), "{}", lines.text());
    leftover
}

fn flip_a_byte(file: &std::path::Path, offset: u64) {
    let file = fs::File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[!byte[0]], offset).unwrap();
}

fn proftpd(change: impl FnOnce(&mut Options)) -> Server {
    server(Kind::ProFtpd, change)
}

fn server(kind: Kind, change: impl FnOnce(&mut Options)) -> Server {
    let mut options = Options::default();
    change(&mut options);
    Server::start(kind, options)
}

/// Returns whether the server resumes uploads at Debian's defaults.
fn resumes_uploads(server: &Server) -> bool {
    server.kind() != Kind::ProFtpd
}

mod dates {
    use super::*;

    with_each_server! {
        async fn a_file_has_the_date_of_its_plan_to_the_second(server: Server) {
            let lines = Lines::default();
            let mut line = line(&server, &lines);
            // A small file, finished in one batch, and a large one, in several.
            for (name, len) in [("small one", 1000), ("large one", 3 << 20)] {
                let content = Content { len, seed: len };
                bring(&mut line, &plan(name, content), &mut FileSource::of(content), &lines).await;
                assert_stored(&server, name, content, &lines);
                assert_eq!(modified(&server, name), MODIFIED, "{name}\n{}", lines.text());
            }
            let verb = ["MFMT 20231114221320", "MDTM 20231114221320", "SITE UTIME 20231114221320"]
                .into_iter()
                .find(|verb| lines.has(&format!("Command: {verb}")));
            println!("{}: {verb:?}", server.kind().name());
        }
    }

    with_each_server! {
        async fn a_file_that_is_in_the_way_is_told_with_its_size_and_its_date(server: Server) {
            let lines = Lines::default();
            let mut line = line(&server, &lines);
            let content = Content { len: 1000, seed: 1 };
            bring(&mut line, &plan("a b", content), &mut FileSource::of(content), &lines).await;
            let other = Content { len: 2000, seed: 2 };
            let kept = try_bring(&mut line, &plan("a b", other), &mut FileSource::of(other)).await;
            let Err(Failed { error: UploadError::Exists { size, modified_millis }, leftover }) = kept else {
                panic!("{kept:?}\n{}", lines.text())
            };
            assert_eq!((size, modified_millis), (Some(1000), Some(MODIFIED_MILLIS)));
            assert_eq!(leftover, None);
            assert_stored(&server, "a b", content, &lines);
        }
    }

    async fn refused(kind: Kind) {
        let server = server(kind, |options| options.dates = Dates::Refused);
        let lines = Lines::default();
        let mut line = line(&server, &lines);
        for seed in 0..3 {
            let content = Content { len: 1000, seed };
            let plan = plan(&seed.to_string(), content);
            bring(&mut line, &plan, &mut FileSource::of(content), &lines).await;
            assert_stored(&server, &seed.to_string(), content, &lines);
        }
        // A refusal of one file does not affect the next one.
        let asked = lines.count("Command: MFMT") + lines.count("Command: MDTM");
        assert_eq!(asked, 3, "{}", lines.text());
        assert_eq!(lines.count("Error: "), 0, "{}", lines.text());
    }

    mod a_server_that_refuses_dates_stores_the_files_all_the_same {
        use super::*;

        #[tokio::test]
        async fn vsftpd() {
            refused(Kind::Vsftpd).await;
        }

        #[tokio::test]
        async fn proftpd() {
            refused(Kind::ProFtpd).await;
        }
    }
}

mod digests {
    use super::*;

    fn server(digests: Digests) -> Server {
        proftpd(|options| {
            options.digests = digests;
            options.restart = Restart::Allowed;
        })
    }

    async fn compared(digests: Digests, algorithm: Algorithm) {
        let server = server(digests);
        let lines = Lines::default();
        let mut line = line(&server, &lines);
        let files =
            [("empty", 0), ("small", 1000), ("with some  spaces", 5000), ("large", 20 << 20)];
        for (name, len) in files {
            let content = Content { len, seed: len };
            let uploaded =
                bring(&mut line, &plan(name, content), &mut FileSource::of(content), &lines).await;
            let Verified::Digest(digest) = &uploaded.verified else {
                panic!("{name}: {:?}\n{}", uploaded.verified, lines.text());
            };
            assert_eq!(digest.algorithm(), algorithm, "{name}");
            assert_stored(&server, name, content, &lines);
        }
    }

    #[tokio::test]
    async fn the_servers_sha_256_is_compared() {
        compared(Digests::All, Algorithm::Sha256).await;
    }

    #[tokio::test]
    async fn the_servers_crc_32_is_compared_where_it_makes_no_better_one() {
        compared(Digests::Crc, Algorithm::Crc32).await;
    }

    #[tokio::test]
    async fn the_size_is_compared_where_the_server_refuses_digests_and_it_is_said() {
        let server = server(Digests::Refused);
        let lines = Lines::default();
        let mut line = line(&server, &lines);
        for (name, len) in [("a", 10), ("b", 3 << 20)] {
            let content = Content { len, seed: len };
            let uploaded =
                bring(&mut line, &plan(name, content), &mut FileSource::of(content), &lines).await;
            assert_eq!(uploaded.verified, Verified::Size { bytes: len }, "{}", lines.text());
        }
        assert_eq!(lines.count("made no digest"), 2, "{}", lines.text());
    }

    /// The server's digest shows that the resumed part was another file's, where the sender tells the
    /// digest of the whole file.
    #[tokio::test]
    async fn a_beginning_of_another_file_is_found_by_the_senders_digest() {
        let server = server(Digests::All);
        let content = Content { len: 3 << 20, seed: 1 };
        let other = Content { seed: 2, ..content };
        for (name, beginning) in [("right", content), ("wrong", other)] {
            let file = server.root().join(name);
            fs::write(&file, beginning.piece(0, 1 << 20)).unwrap();
            std::os::unix::fs::chown(&file, Some(1), Some(1)).unwrap();
            let lines = Lines::default();
            let mut line = line(&server, &lines);
            let client = line.client().await.unwrap();
            let digest = client.makes_digest(&[Algorithm::Blake3, Algorithm::Sha256]);
            assert_eq!(digest, Some(Algorithm::Sha256));
            let mut feed = FileSource::of(content);
            feed.whole = ftps::FileDigest::new(Algorithm::Sha256, &content.sha256());
            let plan = Plan { existing: Existing::Resume, digest, ..plan(name, content) };
            let ended = try_bring(&mut line, &plan, &mut feed).await;
            assert_eq!(feed.offsets, [1 << 20], "{}", lines.text());
            if name == "right" {
                let uploaded =
                    ended.unwrap_or_else(|failed| panic!("{failed:?}\n{}", lines.text()));
                assert!(matches!(uploaded.verified, Verified::Digest(_)), "{}", lines.text());
                assert_stored(&server, name, content, &lines);
                continue;
            }
            let Err(Failed { error: UploadError::Engine(error), leftover }) = ended else {
                panic!("{ended:?}\n{}", lines.text())
            };
            assert_eq!((Cause::of(&error), leftover), (Cause::NotWhole, None));
            // The earlier part is neither removed nor under the name.
            assert!(lines.has("is not the beginning of the uploaded one"), "{}", lines.text());
            assert_eq!(server.sha256_of(name), None);
            assert_eq!(server.files().len(), 2, "{:?}", server.files());
        }
    }

    #[tokio::test]
    async fn a_byte_that_changed_on_the_servers_disk_is_noticed_and_nothing_stays() {
        let server = server(Digests::All);
        let root = server.root();
        for len in [900_000, 8 << 20] {
            let lines = Lines::default();
            let mut line = line(&server, &lines);
            let content = Content { len, seed: len };
            let last = (len - 1) / PIECE * PIECE;
            let root = root.clone();
            let mut feed = FileSource::of(content).before_each(move |offset, temporary| {
                if offset == last {
                    let file = root.join(temporary.file_name().unwrap().to_string());
                    let written = wait_for(PATIENCE, || {
                        (fs::metadata(&file).ok()?.len() > 100_000).then_some(())
                    });
                    written.expect("the server writes what it gets");
                    flip_a_byte(&file, 77_777);
                }
            });
            let failed = try_bring(&mut line, &plan("a", content), &mut feed).await.unwrap_err();
            let UploadError::Engine(error) = &failed.error else {
                panic!("{failed:?}\n{}", lines.text())
            };
            assert_eq!(error.stage(), Stage::Verify, "{error:?}\n{}", lines.text());
            assert!(error.to_string().contains("other content"), "{error}");
            assert_eq!(failed.leftover, None, "nobody is to go on with it");
            assert_eq!(server.files(), Vec::<String>::new(), "{}", lines.text());
        }
    }

    #[tokio::test]
    async fn a_good_file_is_not_replaced_by_one_that_was_damaged() {
        let server = server(Digests::All);
        let good = Content { len: 300_000, seed: 1 };
        let lines = Lines::default();
        let mut line = line(&server, &lines);
        bring(&mut line, &plan("a", good), &mut FileSource::of(good), &lines).await;
        let new = Content { len: 1 << 20, seed: 2 };
        let root = server.root();
        let mut feed = FileSource::of(new).before_each(move |offset, temporary| {
            if offset == new.len - PIECE {
                let file = root.join(temporary.file_name().unwrap().to_string());
                let written =
                    wait_for(PATIENCE, || (fs::metadata(&file).ok()?.len() > 1000).then_some(()));
                written.expect("the server writes what it gets");
                flip_a_byte(&file, 77);
            }
        });
        let plan = Plan { existing: Existing::Replace, ..plan("a", new) };
        let failed = try_bring(&mut line, &plan, &mut feed).await.unwrap_err();
        assert!(matches!(failed.error, UploadError::Engine(_)), "{failed:?}");
        assert_stored(&server, "a", good, &lines);
        assert_eq!(server.files(), ["a"]);
    }

    /// The data connection breaks; before the upload resumes, `then` changes the part on the server.
    async fn break_and(
        name: &str,
        then: impl Fn(&std::path::Path) + Send + Sync + 'static,
    ) -> (Server, Lines, Uploaded, FileSource) {
        let server = server(Digests::All);
        let fault_proxy = FaultProxy::before(&server).await;
        fault_proxy.plan([Fault {
            on: On::Data,
            way: Way::ToServer,
            after: 9_000_000,
            kind: FaultKind::Reset,
        }]);
        let lines = Lines::default();
        let address = fault_proxy.address();
        // Time for the server to notice, and for the test to change the file.
        let connector = connector_at(&server, address, &lines, |config| {
            config.retry.first = Duration::from_secs(2);
        });
        let mut line = ManagedClient::new(connector);
        let content = Content { len: 20 << 20, seed: 3 };
        let mut feed = FileSource::of(content);
        let plan = plan(name, content);
        let (root, log) = (server.root(), lines.clone());
        let meddler = tokio::spawn(async move {
            while !log.has("Retrying in") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            let entry = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
            let part = entry.into_iter().find(|path| path.extension().is_some_and(|e| e == "part"));
            then(&part.expect("the part is there"));
        });
        let uploaded = bring(&mut line, &plan, &mut feed, &lines).await;
        meddler.await.unwrap();
        assert_stored(&server, name, content, &lines);
        assert!(matches!(uploaded.verified, Verified::Digest(_)), "{}", lines.text());
        (server, lines, uploaded, feed)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn after_a_break_the_end_of_what_the_server_holds_is_proved_by_its_digest() {
        for name in ["plain", "with some  spaces"] {
            let (_server, lines, uploaded, feed) = break_and(name, |_| ()).await;
            assert_eq!(uploaded.attempts, 2);
            assert!(lines.has("digest equals that of the sent bytes, up to"), "{}", lines.text());
            assert!(feed.offsets[1] > 0, "{:?}\n{}", feed.offsets, lines.text());
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn after_a_break_what_changed_at_the_end_is_sent_again() {
        let (_server, lines, _uploaded, feed) = break_and("a", |part| {
            let len = fs::metadata(part).unwrap().len();
            // Within the last whole block whose digest is kept.
            for offset in (0..len).rev().step_by(100_000).take(8) {
                flip_a_byte(part, offset);
            }
        })
        .await;
        assert!(lines.has("Starting over"), "{}", lines.text());
        assert_eq!(feed.offsets, [0, 0], "{}", lines.text());
    }
}

mod going_on {
    use super::*;

    const LEN: u64 = 8 << 20;

    async fn go_on(server: &Server, content: Content, leftover: RemotePath) -> (Lines, FileSource) {
        let lines = Lines::default();
        let mut line = line(server, &lines);
        let mut feed = FileSource::of(content);
        let plan = Plan { resume: Some(leftover), ..plan("a b", content) };
        bring(&mut line, &plan, &mut feed, &lines).await;
        assert_stored(server, "a b", content, &lines);
        assert_eq!(server.files(), ["a b"], "{}", lines.text());
        line.quit().await;
        (lines, feed)
    }

    with_each_server! {
        async fn with_what_an_earlier_upload_left(server: Server) {
            let content = Content { len: LEN, seed: 4 };
            let leftover = leave_a_part(&server, "a b", content, 5 << 20).await;
            let held = fs::metadata(on_disk(&server, &leftover)).unwrap().len();
            let (lines, feed) = go_on(&server, content, leftover).await;
            println!("{}: went on from {held}, sent {}", server.kind().name(), feed.sent);
            if resumes_uploads(&server) {
                assert_eq!((feed.offsets, feed.sent), (vec![held], LEN - held), "{}", lines.text());
                assert!(lines.has("Resuming there"), "{}", lines.text());
            } else {
                assert!(lines.has("does not accept REST"), "{}", lines.text());
                assert!(lines.has("Starting over"), "{}", lines.text());
                assert_eq!(feed.offsets, [0], "{}", lines.text());
            }
        }

        async fn with_all_that_was_taken_when_an_upload_was_ended_for_now(server: Server) {
            let content = Content { len: 64 << 20, seed: 12 };
            let lines = Lines::default();
            let mut line = line(&server, &lines);
            let stop = CancellationToken::new();
            let stopping = stop.clone();
            let mut feed = FileSource { keeps: true, ..FileSource::of(content) }.before_each(move |offset, _| {
                if offset >= 20 << 20 {
                    stopping.cancel();
                }
            });
            let failed = ftps::upload::upload(&mut line, &plan("a b", content), &mut feed, &stop).await.unwrap_err();
            assert!(matches!(failed.error, UploadError::Cancelled), "{failed:?}\n{}", lines.text());
            let leftover = failed.leftover.expect("the part is on the server");
            let held = fs::metadata(on_disk(&server, &leftover)).unwrap().len();
            println!("{}: took {}, holds {held}", server.kind().name(), feed.taken);
            assert_eq!(held, feed.taken, "{}", lines.text());
            // The session is in step.
            bring(&mut line, &plan("other", content), &mut FileSource::of(content), &lines).await;
            assert_eq!((lines.sessions(), lines.count("Error: ")), (1, 0), "{}", lines.text());
            fs::remove_file(server.root().join("other")).unwrap();
            let (lines, feed) = go_on(&server, content, leftover).await;
            let from = if resumes_uploads(&server) { held } else { 0 };
            assert_eq!(feed.offsets, [from], "{}", lines.text());
        }

        async fn with_the_file_that_has_the_name_and_is_its_beginning(server: Server) {
            let content = Content { len: LEN, seed: 13 };
            let held = 3 << 20;
            for (round, name) in ["a b", "c"].into_iter().enumerate() {
                let file = server.root().join(name);
                fs::write(&file, content.piece(0, held)).unwrap();
                std::os::unix::fs::chown(&file, Some(1), Some(1)).unwrap();
                let lines = Lines::default();
                let mut line = line(&server, &lines);
                let mut feed = FileSource::of(content);
                let plan = Plan { existing: Existing::Resume, ..plan(name, content) };
                bring(&mut line, &plan, &mut feed, &lines).await;
                assert_stored(&server, name, content, &lines);
                assert_eq!(server.files().len(), round + 1, "{}", lines.text());
                let from = if resumes_uploads(&server) { held } else { 0 };
                assert_eq!(feed.offsets, [from], "{}", lines.text());
                // A complete file is not resumed.
                let ended = try_bring(&mut line, &plan, &mut FileSource::of(content)).await;
                let Err(Failed { error: UploadError::Exists { size, .. }, leftover: None }) = ended else {
                    panic!("{ended:?}\n{}", lines.text())
                };
                assert_eq!(size, Some(LEN));
            }
        }

        async fn with_a_part_that_was_cut_off_from_where_it_ends_now(server: Server) {
            let content = Content { len: LEN, seed: 5 };
            let leftover = leave_a_part(&server, "a b", content, 5 << 20).await;
            let file = fs::File::options().write(true).open(on_disk(&server, &leftover)).unwrap();
            file.set_len(1_000_000).unwrap();
            let (lines, feed) = go_on(&server, content, leftover).await;
            let from = if resumes_uploads(&server) { 1_000_000 } else { 0 };
            assert_eq!(feed.offsets, [from], "{}", lines.text());
        }

        async fn with_a_part_that_is_longer_than_the_file_from_the_start(server: Server) {
            let content = Content { len: LEN, seed: 6 };
            let leftover = leave_a_part(&server, "a b", content, 5 << 20).await;
            let file = fs::File::options().write(true).open(on_disk(&server, &leftover)).unwrap();
            file.set_len(LEN + 1).unwrap();
            let (lines, feed) = go_on(&server, content, leftover).await;
            assert!(lines.has("Starting over"), "{}", lines.text());
            assert_eq!(feed.offsets, [0], "{}", lines.text());
        }

        async fn with_a_part_that_is_gone_from_the_start(server: Server) {
            let content = Content { len: LEN, seed: 7 };
            let leftover = leave_a_part(&server, "a b", content, 5 << 20).await;
            fs::remove_file(on_disk(&server, &leftover)).unwrap();
            let (lines, feed) = go_on(&server, content, leftover).await;
            assert_eq!((feed.offsets, feed.sent), (vec![0], LEN), "{}", lines.text());
        }

        async fn with_a_part_that_is_the_whole_file_sends_nothing(server: Server) {
            let content = Content { len: LEN, seed: 8 };
            let leftover = leave_a_part(&server, "a b", content, 5 << 20).await;
            fs::write(on_disk(&server, &leftover), content.piece(0, LEN)).unwrap();
            let (lines, feed) = go_on(&server, content, leftover).await;
            assert_eq!(feed.sent, 0, "{}", lines.text());
        }

        async fn with_no_file_but_a_temporary_one_of_the_same_path(server: Server) {
            let content = Content { len: 100_000, seed: 9 };
            let others = ["other", "other.0123abcd.part", "sub/a b.0123abcd.part"];
            fs::create_dir(server.root().join("sub")).unwrap();
            std::os::unix::fs::chown(server.root().join("sub"), Some(1), Some(1)).unwrap();
            for other in others {
                let file = server.root().join(other);
                fs::write(&file, content.piece(0, 50_000)).unwrap();
                std::os::unix::fs::chown(&file, Some(1), Some(1)).unwrap();
            }
            for other in others {
                let lines = Lines::default();
                let mut line = line(&server, &lines);
                let mut feed = FileSource::of(content);
                let plan = Plan {
                    resume: Some(path(other)),
                    existing: Existing::Replace,
                    ..plan("a b", content)
                };
                bring(&mut line, &plan, &mut feed, &lines).await;
                assert_eq!((feed.offsets, feed.sent), (vec![0], content.len), "{}", lines.text());
                assert_stored(&server, "a b", content, &lines);
            }
            for other in others {
                let stored = fs::read(server.root().join(other)).unwrap();
                assert_eq!(stored, content.piece(0, 50_000), "{other}");
            }
        }

        async fn leftovers_are_found_and_none_is_touched_unasked(server: Server) {
            let content = Content { len: LEN, seed: 10 };
            let leftover = leave_a_part(&server, "a b", content, 5 << 20).await;
            let size = fs::metadata(on_disk(&server, &leftover)).unwrap().len();
            let lines = Lines::default();
            let mut line = line(&server, &lines);
            bring(&mut line, &plan("a b", content), &mut FileSource::of(content), &lines).await;
            let client = line.client().await.unwrap();
            let found = ftps::upload::leftovers(client, &path(".")).await.unwrap();
            let [found] = found.as_slice() else { panic!("{found:?}\n{}", lines.text()) };
            assert_eq!(found.path.file_name(), leftover.file_name());
            assert_eq!((&found.target, found.size), (&path("a b"), Some(size)));
            assert!(found.modified_millis.is_some(), "{found:?}");
            let found = found.path.clone();
            ftps::upload::remove(&mut line, &found).await.unwrap();
            ftps::upload::remove(&mut line, &found).await.unwrap();
            assert_eq!(server.files(), ["a b"]);
        }
    }

    #[tokio::test]
    async fn proftpd_that_allows_it_resumes_too() {
        let server = proftpd(|options| options.restart = Restart::Allowed);
        let content = Content { len: LEN, seed: 11 };
        let leftover = leave_a_part(&server, "a b", content, 5 << 20).await;
        let held = fs::metadata(on_disk(&server, &leftover)).unwrap().len();
        let (lines, feed) = go_on(&server, content, leftover).await;
        assert_eq!((feed.offsets, feed.sent), (vec![held], LEN - held), "{}", lines.text());
    }
}

mod several_sessions {
    use super::*;

    /// Uploads all files at once through a pool. Returns how many were in transfer at once at most.
    async fn bring_all(pool: &Pool, files: &[(String, Content)], pause: Duration, lines: &Lines) {
        let uploads = files.iter().map(|(name, content)| {
            let pool = pool.clone();
            async move {
                let mut lease = pool.lease().await;
                let mut feed = FileSource { pause, ..FileSource::of(*content) };
                bring(&mut lease, &plan(name, *content), &mut feed, lines).await;
            }
        });
        join_all(uploads).await;
    }

    fn files(count: u64, len: u64) -> Vec<(String, Content)> {
        (0..count).map(|seed| (format!("file {seed}"), Content { len, seed })).collect()
    }

    fn assert_all_stored(server: &Server, files: &[(String, Content)], lines: &Lines) {
        for (name, content) in files {
            assert_stored(server, name, *content, lines);
        }
        assert_eq!(server.files().len(), files.len(), "{:?}\n{}", server.files(), lines.text());
    }

    async fn crowded(kind: Kind) {
        let server = server(kind, |options| options.max_sessions = Some(2));
        let lines = Lines::default();
        let connector = connector(&server, &lines, |config| {
            config.sessions.start = 4;
            config.sessions.max = 4;
        });
        let pool = Pool::new(connector);
        let profile = pool.profile().clone();
        let files = files(40, 100_000);
        bring_all(&pool, &files, Duration::from_millis(20), &lines).await;
        assert_all_stored(&server, &files, &lines);
        let refused = lines.count("Response: 421") + lines.count("Response: 530");
        println!(
            "{}: {} sessions, {refused} refused, {} allowed in the end, profile {:?}",
            kind.name(),
            lines.sessions(),
            pool.allowed(),
            profile.get().max_sessions
        );
        assert!(refused > 0, "{}", lines.text());
        assert_eq!(pool.allowed(), 2, "{}", lines.text());
        assert_eq!(profile.get().max_sessions.map(|known| known.count), Some(2));
        assert!(lines.has("accepts at most"), "{}", lines.text());
        // Uploads beyond the limit wait instead of failing.
        pool.lease_for_request().await.client().await.unwrap().list(&path(".")).await.unwrap();
        pool.close().await;
    }

    mod a_server_with_room_for_two_gets_all_of_forty_files {
        use super::*;

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn vsftpd() {
            crowded(Kind::Vsftpd).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn proftpd() {
            crowded(Kind::ProFtpd).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn pure_ftpd() {
            crowded(Kind::PureFtpd).await;
        }
    }

    with_each_server! {
        async fn another_session_is_tried_although_the_leases_change(server: Server) {
            let lines = Lines::default();
            let connector = connector(&server, &lines, |config| {
                config.sessions.start = 1;
                config.sessions.window = Duration::from_millis(200);
            });
            let pool = Pool::new(connector);
            // Many windows for one session, and several files in each.
            let files = files(40, PIECE);
            bring_all(&pool, &files, Duration::from_millis(50), &lines).await;
            assert_all_stored(&server, &files, &lines);
            println!(
                "{}: {} sessions, {} allowed in the end",
                server.kind().name(), lines.sessions(), pool.allowed()
            );
            assert!(lines.sessions() > 1, "{}", lines.text());
            pool.close().await;
        }

        async fn uploads_that_stand_still_make_room_for_others(server: Server) {
            let lines = Lines::default();
            let connector = connector(&server, &lines, |config| {
                config.sessions.start = 1;
                config.sessions.max = 4;
                config.sessions.window = Duration::from_millis(100);
            });
            let pool = Pool::new(connector);
            let gate = Arc::new(Semaphore::new(0));
            let uploads = start_held(&pool, 4, &gate, &lines);
            until_files_are(&server, 4).await;
            gate.add_permits(1000);
            for upload in uploads {
                upload.await.unwrap();
            }
            assert_eq!(lines.sessions(), 4, "{}", lines.text());
            pool.close().await;
        }

        async fn a_listing_is_answered_while_uploads_run(server: Server) {
            let lines = Lines::default();
            let connector = connector(&server, &lines, |config| {
                config.sessions.start = 2;
                config.sessions.max = 2;
            });
            let pool = Pool::new(connector);
            let gate = Arc::new(Semaphore::new(0));
            let uploads = start_held(&pool, 2, &gate, &lines);
            until_files_are(&server, 2).await;
            let mut request = pool.lease_for_request().await;
            let listing = request.client().await.unwrap().list(&path(".")).await.unwrap();
            assert_eq!(listing.entries.len(), 3, "two parts and a directory: {listing:?}");
            drop(request);
            gate.add_permits(1000);
            for upload in uploads {
                upload.await.unwrap();
            }
            pool.close().await;
        }

        async fn directories_that_four_sessions_share_are_made_once(server: Server) {
            let lines = Lines::default();
            let connector = connector(&server, &lines, |config| config.sessions.start = 4);
            let pool = Pool::new(connector);
            let files: Vec<_> = (0..40)
                .map(|seed| {
                    let name = format!("new/of {}/folder {}/file {seed}", seed % 2, seed % 10);
                    (name, Content { len: 1000, seed })
                })
                .collect();
            bring_all(&pool, &files, Duration::ZERO, &lines).await;
            assert_all_stored(&server, &files, &lines);
            assert_eq!(lines.count("Error: "), 0, "{}", lines.text());
            for folder in 0..10 {
                let made = format!("/new/of {}/folder {folder}", folder % 2);
                let asked = lines.0.lock().unwrap().iter()
                    .filter(|line| line.starts_with("Command: MKD") && line.ends_with(&made))
                    .count();
                assert_eq!(asked, 1, "{made}\n{}", lines.text());
            }
            pool.close().await;
        }

        async fn two_uploads_to_one_path_do_not_mix_their_bytes(server: Server) {
            for round in 0..5 {
                let contents = [1, 2].map(|seed| Content { len: 2 << 20, seed: round * 2 + seed });
                let lines = Lines::default();
                let ended = join_all(contents.map(|content| {
                    let mut line = line(&server, &lines);
                    let plan = Plan { existing: Existing::Replace, ..plan("same", content) };
                    async move { try_bring(&mut line, &plan, &mut FileSource::of(content)).await }
                }))
                .await;
                for ended in ended {
                    ended.unwrap_or_else(|failed| panic!("{failed:?}\n{}", lines.text()));
                }
                let stored = server.sha256_of("same").unwrap();
                assert!(contents.map(|content| content.sha256()).contains(&stored), "{}", lines.text());
                assert_eq!(server.files(), ["same"], "{}", lines.text());
            }
        }

        async fn of_two_uploads_to_one_path_that_is_to_be_kept_one_is_stored_whole(server: Server) {
            for round in 0..5 {
                let contents = [1, 2].map(|seed| Content { len: 2 << 20, seed: round * 2 + seed });
                let name = format!("same {round}");
                let lines = Lines::default();
                let ended = join_all(contents.map(|content| {
                    let (mut line, plan) = (line(&server, &lines), plan(&name, content));
                    async move { try_bring(&mut line, &plan, &mut FileSource::of(content)).await }
                }))
                .await;
                let stored = server.sha256_of(&name).unwrap();
                let mut whole = Vec::new();
                let mut leftovers = Vec::new();
                for (content, ended) in contents.iter().zip(ended) {
                    match ended {
                        Ok(_) => whole.push(content.sha256()),
                        Err(Failed { error: UploadError::Exists { size, .. }, leftover }) => {
                            assert_eq!(size, Some(content.len), "{}", lines.text());
                            leftovers.extend(leftover.map(|leftover| (leftover, content)));
                        }
                        Err(failed) => panic!("{failed:?}\n{}", lines.text()),
                    }
                }
                // If both checked the name before either renamed, the last one has it.
                assert!(whole.contains(&stored), "{}", lines.text());
                // The other file is complete too, under a name of its own.
                for (leftover, content) in leftovers {
                    let held = fs::read(on_disk(&server, &leftover)).unwrap();
                    assert!(held == content.piece(0, content.len), "{}", lines.text());
                    fs::remove_file(on_disk(&server, &leftover)).unwrap();
                }
                assert_eq!(server.files().len(), usize::try_from(round).unwrap() + 1);
            }
        }

        async fn a_session_is_replaced_after_its_number_of_commands(server: Server) {
            let lines = Lines::default();
            let connector = connector(&server, &lines, |config| {
                config.rotation.commands = 50;
                config.rotation.applies_to = RotationScope::All;
            });
            let mut line = ManagedClient::new(connector);
            let files = files(100, 500);
            for (name, content) in &files {
                bring(&mut line, &plan(name, *content), &mut FileSource::of(*content), &lines).await;
            }
            line.quit().await;
            assert_all_stored(&server, &files, &lines);
            println!("{}: {} sessions for 100 files", server.kind().name(), lines.sessions());
            assert!(lines.sessions() >= 5, "{}", lines.text());
            assert_eq!(lines.count("Replacing this session"), lines.sessions() - 1);
            assert_eq!(lines.count("Error: "), 0, "{}", lines.text());
        }

        async fn a_session_is_replaced_when_it_is_old(server: Server) {
            let lines = Lines::default();
            let age = Duration::from_millis(500);
            let mut line = ManagedClient::new(connector(&server, &lines, |config| config.rotation.age = age));
            let files = files(2, 500);
            for (name, content) in &files {
                bring(&mut line, &plan(name, *content), &mut FileSource::of(*content), &lines).await;
                tokio::time::sleep(age).await;
            }
            line.quit().await;
            assert_all_stored(&server, &files, &lines);
            assert_eq!(lines.sessions(), 2, "{}", lines.text());
        }
    }

    /// Parallel uploads whose sources give a piece for each permit.
    fn start_held(
        pool: &Pool,
        count: u64,
        gate: &Arc<Semaphore>,
        lines: &Lines,
    ) -> Vec<JoinHandle<()>> {
        let start = |seed| {
            let (pool, gate, lines) = (pool.clone(), Arc::clone(gate), lines.clone());
            tokio::spawn(async move {
                let content = Content { len: 1 << 20, seed };
                let mut lease = pool.lease().await;
                let mut source = Held { feed: FileSource::of(content), gate };
                let plan = plan(&format!("file {seed}"), content);
                let ended =
                    ftps::upload::upload(&mut lease, &plan, &mut source, &CancellationToken::new())
                        .await;
                ended.unwrap_or_else(|failed| panic!("{failed:?}\n{}", lines.text()));
            })
        };
        (0..count).map(start).collect()
    }

    async fn until_files_are(server: &Server, count: usize) {
        let there = async {
            while server.files().len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, there).await.expect("the uploads begin");
    }

    /// A source that gives a piece for each permit.
    struct Held {
        feed: FileSource,
        gate: Arc<Semaphore>,
    }

    impl Source for Held {
        type Error = GaveUp;

        async fn next(&mut self) -> Result<Bytes, GaveUp> {
            self.gate.acquire().await.unwrap().forget();
            self.feed.next().await
        }

        async fn seek(&mut self, offset: u64) -> Result<(), GaveUp> {
            self.feed.seek(offset).await
        }

        async fn progress(&mut self, progress: Progress<'_>) {
            self.feed.progress(progress).await;
        }
    }
}

mod in_place {
    use super::*;

    async fn written(kind: Kind, deletes: bool) {
        let server = server(kind, |options| options.renaming = Renaming::Forbidden);
        let lines = Lines::default();
        let mut line = line(&server, &lines);
        for (name, len) in [("small", 1000), ("large", 3 << 20)] {
            let content = Content { len, seed: len };
            bring(&mut line, &plan(name, content), &mut FileSource::of(content), &lines).await;
            assert_stored(&server, name, content, &lines);
        }
        assert_eq!(lines.count("does not allow renames in this directory"), 1, "{}", lines.text());
        let said = lines.place_of("without a temporary name");
        let stored = lines
            .0
            .lock()
            .unwrap()
            .iter()
            .position(|line| line.starts_with("Command: STOR") && line.ends_with("/small"));
        assert!(stored.is_some_and(|stored| said < stored), "{}", lines.text());
        let left = server.files().iter().filter(|name| name.ends_with(".part")).count();
        // Where deleting is forbidden too, the first attempt's file stays.
        assert_eq!(left, usize::from(!deletes), "{:?}\n{}", server.files(), lines.text());
        println!("{}: files {:?}", kind.name(), server.files());
    }

    mod a_file_that_may_not_be_renamed_is_written_in_place_and_that_is_said_before {
        use super::*;

        #[tokio::test]
        async fn vsftpd() {
            written(Kind::Vsftpd, false).await;
        }

        #[tokio::test]
        async fn proftpd() {
            written(Kind::ProFtpd, true).await;
        }

        #[tokio::test]
        async fn pure_ftpd() {
            written(Kind::PureFtpd, true).await;
        }
    }
}

mod names {
    use super::*;

    /// Names that servers, shells and listings may misread.
    fn odd_names() -> Vec<String> {
        let mut names: Vec<String> = [
            "with some  spaces",
            "quote'and\"double",
            "\"quoted\"",
            "Grüße 船 선적 ⛴️",
            "-dash",
            "-la",
            "trailing ",
            " leading",
            "[x]",
            "{x}",
            "*",
            "a*b?c",
            "~",
            "#",
            "%41",
            "a\\b",
            "a;b=c",
            "...",
            "name.part",
            "name.0123abcd.part",
            "-rw-r--r-- 1 0 0 1 Jan 1 12:00 x",
        ]
        .map(str::to_owned)
        .into();
        names.push("n".repeat(200));
        names.push("ü".repeat(120));
        names
    }

    async fn arrive(server: Server) {
        let lines = Lines::default();
        let mut line = line(&server, &lines);
        let mut names = odd_names();
        if server.kind() == Kind::PureFtpd {
            // It forbids the one, and stores the other under another name: see below.
            names.retain(|name| !name.contains('\\') && !name.ends_with(' '));
        }
        let mut expected = Vec::new();
        for (name, seed) in names.iter().zip(1..) {
            let full = format!("odd names/{name}");
            for len in [1000, (1 << 20) + seed] {
                let content = Content { len, seed };
                let plan = Plan { existing: Existing::Replace, ..plan(&full, content) };
                bring(&mut line, &plan, &mut FileSource::of(content), &lines).await;
                assert_stored(&server, &full, content, &lines);
            }
            let content = Content { len: 10, seed };
            let kept =
                try_bring(&mut line, &plan(&full, content), &mut FileSource::of(content)).await;
            let exists = Some((1 << 20) + seed);
            assert!(
                matches!(&kept, Err(Failed { error: UploadError::Exists { size, .. }, .. }) if *size == exists),
                "{name}: {kept:?}\n{}",
                lines.text()
            );
            expected.push(full);
        }
        expected.sort();
        assert_eq!(server.files(), expected, "{}", lines.text());
        assert!(!lines.has("made no digest"), "{}", lines.text());
    }

    with_each_server! {
        async fn odd_names_are_stored_exactly_so(server: Server) {
            arrive(server).await;
        }
    }

    /// Pure-FTPd replaces a space at the end of a name by an underscore.
    #[tokio::test]
    async fn a_name_that_the_server_would_change_is_refused_and_no_other_file_is_harmed() {
        let server = Server::start(Kind::PureFtpd, Options::default());
        let lines = Lines::default();
        let mut line = line(&server, &lines);
        let content = Content { len: 1000, seed: 1 };
        bring(&mut line, &plan("trailing_", content), &mut FileSource::of(content), &lines).await;
        let other = Content { len: 1000, seed: 2 };
        let plan = Plan { existing: Existing::Replace, ..plan("trailing ", other) };
        let ended = try_bring(&mut line, &plan, &mut FileSource::of(other)).await;
        let Err(Failed { error: UploadError::Engine(error), leftover: None }) = ended else {
            panic!("{ended:?}\n{}", lines.text())
        };
        assert_eq!(Cause::of(&error), Cause::NameNotAllowed, "{error:?}");
        assert_stored(&server, "trailing_", content, &lines);
        assert_eq!(server.files(), ["trailing_"]);
    }

    #[tokio::test]
    async fn odd_names_have_their_digests_compared() {
        arrive(proftpd(|options| options.digests = Digests::All)).await;
    }
}
