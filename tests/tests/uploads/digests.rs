//! Digests: the server's digest is compared where it computes one, and the size elsewhere.

use std::{fs, path::Path, time::Duration};

use ferryport_tests::{
    content::Content,
    engine::SessionLog,
    fault_proxy::{Fault, FaultKind, FaultProxy, On, Way},
    process::wait_for,
    servers::{Digests, Kind, Restart, Server},
};
use ftps::{
    Algorithm, FileDigest, ManagedClient, RemotePath, Stage, Verified,
    upload::{Existing, Failed, Plan, UploadError, Uploaded},
};

use crate::{
    setup::{
        WAIT_LIMIT, assert_stored, flip_byte, managed_client, plan, setup, try_upload, upload,
        write_as_server,
    },
    source::{FileSource, PIECE},
};

/// `ProFTPD` with these digests, which resumes uploads.
fn server(digests: Digests) -> Server {
    crate::setup::server(Kind::ProFtpd, |options| {
        options.digests = digests;
        options.restart = Restart::Allowed;
    })
}

async fn digests_are_compared(digests: Digests, algorithm: Algorithm) {
    let server = server(digests);
    let log = SessionLog::default();
    let mut session = managed_client(&server, &log);
    let files = [("empty", 0), ("small", 1000), ("with some  spaces", 5000), ("large", 20 << 20)];
    for (name, len) in files {
        let content = Content { len, seed: len };
        let uploaded =
            upload(&mut session, &plan(name, content), &mut FileSource::of(content), &log).await;
        let Verified::Digest(digest) = &uploaded.verified else {
            panic!("{name}: {:?}\n{}", uploaded.verified, log.text());
        };
        assert_eq!(digest.algorithm(), algorithm, "{name}");
        assert_stored(&server, name, content, &log);
    }
}

#[tokio::test]
async fn the_servers_sha_256_is_compared() {
    digests_are_compared(Digests::All, Algorithm::Sha256).await;
}

#[tokio::test]
async fn the_servers_crc_32_is_compared_where_it_computes_no_sha_256() {
    digests_are_compared(Digests::Crc, Algorithm::Crc32).await;
}

#[tokio::test]
async fn where_the_server_refuses_digests_the_size_is_compared_and_the_log_says_so() {
    let server = server(Digests::Refused);
    let log = SessionLog::default();
    let mut session = managed_client(&server, &log);
    for (name, len) in [("a", 10), ("b", 3 << 20)] {
        let content = Content { len, seed: len };
        let uploaded =
            upload(&mut session, &plan(name, content), &mut FileSource::of(content), &log).await;
        assert_eq!(uploaded.verified, Verified::Size { bytes: len }, "{}", log.text());
    }
    assert_eq!(log.count("made no digest"), 2, "{}", log.text());
}

/// The server's digest shows that the existing file is another one: it keeps its name and its bytes.
#[tokio::test]
async fn another_file_is_not_resumed_where_the_server_computes_digests() {
    let server = server(Digests::All);
    let content = Content { len: 3 << 20, seed: 1 };
    let other = Content { seed: 2, ..content };
    for (name, beginning) in [("right", content), ("wrong", other)] {
        write_as_server(&server, name, &beginning.piece(0, 1 << 20));
        let log = SessionLog::default();
        let mut session = managed_client(&server, &log);
        let client = session.client().await.unwrap();
        let digest = client.makes_digest(&[Algorithm::Blake3, Algorithm::Sha256]);
        assert_eq!(digest, Some(Algorithm::Sha256));
        let mut source = FileSource::of(content);
        source.whole = FileDigest::new(Algorithm::Sha256, &content.sha256());
        let plan = Plan { existing: Existing::Resume, digest, ..plan(name, content) };
        let ended = try_upload(&mut session, &plan, &mut source).await;
        if name == "right" {
            assert_eq!(source.offsets, [1 << 20], "{}", log.text());
            let uploaded = ended.unwrap_or_else(|failed| panic!("{failed:?}\n{}", log.text()));
            assert!(matches!(uploaded.verified, Verified::Digest(_)), "{}", log.text());
            assert_stored(&server, name, content, &log);
            continue;
        }
        let Err(Failed { error: UploadError::Exists { size, .. }, leftover, .. }) = ended else {
            panic!("{ended:?}\n{}", log.text())
        };
        assert_eq!((size, leftover), (Some(1 << 20), None), "{}", log.text());
        assert!(log.has("is not the beginning of the uploaded file"), "{}", log.text());
        let stored = fs::read(server.root().join(name)).unwrap();
        assert!(stored == other.piece(0, 1 << 20), "the existing file stays as it was");
        assert_eq!(source.offsets, [0; 0], "nothing was sent");
    }
}

#[tokio::test]
async fn a_byte_that_changed_on_the_servers_disk_is_detected_and_the_part_file_removed() {
    let server = server(Digests::All);
    for len in [900_000, 8 << 20] {
        let log = SessionLog::default();
        let mut session = managed_client(&server, &log);
        let content = Content { len, seed: len };
        let mut source = damaged_at_the_end(&server, content);
        let failed = try_upload(&mut session, &plan("a", content), &mut source).await.unwrap_err();
        let UploadError::Engine(error) = &failed.error else {
            panic!("{failed:?}\n{}", log.text())
        };
        assert_eq!(error.stage(), Stage::Verify, "{error:?}\n{}", log.text());
        assert!(error.to_string().contains("other content"), "{error}");
        assert_eq!(failed.leftover, None, "a damaged part file is not resumed");
        assert_eq!(server.files(), Vec::<String>::new(), "{}", log.text());
    }
}

/// A source that damages its part file on the server's disk before it gives the last piece.
fn damaged_at_the_end(server: &Server, content: Content) -> FileSource {
    let (root, last) = (server.root(), (content.len - 1) / PIECE * PIECE);
    FileSource::of(content).before_each(move |offset, temporary: &RemotePath| {
        if offset == last {
            let file = root.join(temporary.file_name().unwrap().to_string());
            let has_bytes = || (fs::metadata(&file).ok()?.len() > 100_000).then_some(());
            wait_for(WAIT_LIMIT, has_bytes).expect("the server writes the bytes it received");
            flip_byte(&file, 77_777);
        }
    })
}

#[tokio::test]
async fn an_existing_file_is_not_replaced_by_a_damaged_one() {
    let server = server(Digests::All);
    let good = Content { len: 300_000, seed: 1 };
    let log = SessionLog::default();
    let mut session = managed_client(&server, &log);
    upload(&mut session, &plan("a", good), &mut FileSource::of(good), &log).await;
    let new = Content { len: 1 << 20, seed: 2 };
    let mut source = damaged_at_the_end(&server, new);
    let plan = Plan { existing: Existing::Replace, ..plan("a", new) };
    let failed = try_upload(&mut session, &plan, &mut source).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Engine(_)), "{failed:?}");
    assert_stored(&server, "a", good, &log);
    assert_eq!(server.files(), ["a"]);
}

/// The data connection breaks; before the upload resumes, `then` changes the part on the server.
async fn break_and(
    name: &str,
    then: impl Fn(&Path) + Send + Sync + 'static,
) -> (Server, SessionLog, Uploaded, FileSource) {
    let server = server(Digests::All);
    let fault_proxy = FaultProxy::before(&server).await;
    fault_proxy.plan([Fault {
        on: On::Data,
        way: Way::ToServer,
        after: 9_000_000,
        kind: FaultKind::Reset,
    }]);
    let log = SessionLog::default();
    // Time for the server to notice, and for the test to change the file.
    let setup = setup(&server, &log).at(fault_proxy.address());
    let setup = setup.configure(|config| config.retry.first = Duration::from_secs(2));
    let mut session = ManagedClient::new(setup.connector());
    let content = Content { len: 20 << 20, seed: 3 };
    let mut source = FileSource::of(content);
    let plan = plan(name, content);
    let (root, progress) = (server.root(), log.clone());
    let changer = tokio::spawn(async move {
        while !progress.has("Retrying in") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let entry = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
        let part = entry.into_iter().find(|path| path.extension().is_some_and(|e| e == "part"));
        then(&part.expect("the part is there"));
    });
    let uploaded = upload(&mut session, &plan, &mut source, &log).await;
    changer.await.unwrap();
    assert_stored(&server, name, content, &log);
    assert!(matches!(uploaded.verified, Verified::Digest(_)), "{}", log.text());
    (server, log, uploaded, source)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_break_the_end_of_the_part_file_is_checked_by_its_digest() {
    for name in ["plain", "with some  spaces"] {
        let (_server, log, uploaded, source) = break_and(name, |_| ()).await;
        assert_eq!(uploaded.attempts, 2);
        assert!(log.has("digest equals that of the sent bytes, up to"), "{}", log.text());
        assert!(source.offsets[1] > 0, "{:?}\n{}", source.offsets, log.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_break_a_part_file_that_changed_is_sent_again() {
    let (_server, log, _uploaded, source) = break_and("a", |part| {
        let len = fs::metadata(part).unwrap().len();
        // Within the last whole block whose digest is kept.
        for offset in (0..len).rev().step_by(100_000).take(8) {
            flip_byte(part, offset);
        }
    })
    .await;
    assert!(log.has("Starting over"), "{}", log.text());
    assert_eq!(source.offsets, [0, 0], "{}", log.text());
}
