//! Resuming: an upload continues a part file or an existing file.

use std::fs;

use ferryport_tests::{
    content::Content,
    engine::{SessionLog, remote},
    servers::{Kind, Restart, Server},
    with_each_server,
};
use ftps::{
    RemotePath,
    upload::{Existing, Failed, Plan, UploadError},
};
use tokio_util::sync::CancellationToken;

use crate::{
    setup::{
        assert_stored, leave_part_file, managed_client, on_disk, plan, server, try_upload, upload,
        write_as_server,
    },
    source::FileSource,
};

const LEN: u64 = 8 << 20;

/// Uploads `a b` with a part file to resume.
async fn resume(
    server: &Server,
    content: Content,
    leftover: RemotePath,
) -> (SessionLog, FileSource) {
    let log = SessionLog::default();
    let mut session = managed_client(server, &log);
    let mut source = FileSource::of(content);
    let plan = Plan { resume: Some(leftover), ..plan("a b", content) };
    upload(&mut session, &plan, &mut source, &log).await;
    assert_stored(server, "a b", content, &log);
    assert_eq!(server.files(), ["a b"], "{}", log.text());
    session.quit().await;
    (log, source)
}

with_each_server! {
    async fn an_upload_continues_the_part_file_of_an_earlier_one(server: Server) {
        let content = Content { len: LEN, seed: 4 };
        let leftover = leave_part_file(&server, "a b", content, 5 << 20).await;
        let held = fs::metadata(on_disk(&server, &leftover)).unwrap().len();
        let (log, source) = resume(&server, content, leftover).await;
        println!("{}: resumed at {held}, sent {}", server.kind().name(), source.sent);
        if server.resumes_uploads() {
            assert_eq!((source.offsets, source.sent), (vec![held], LEN - held), "{}", log.text());
            assert!(log.has("Resuming there"), "{}", log.text());
        } else {
            assert!(log.has("does not accept REST"), "{}", log.text());
            assert!(log.has("Starting over"), "{}", log.text());
            assert_eq!(source.offsets, [0], "{}", log.text());
        }
    }

    async fn an_upload_that_was_stopped_and_kept_loses_no_byte_that_was_taken(server: Server) {
        let content = Content { len: 64 << 20, seed: 12 };
        let log = SessionLog::default();
        let mut session = managed_client(&server, &log);
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let mut source = FileSource::of(content).kept_on_cancel().before_each(move |offset, _| {
            if offset >= 20 << 20 {
                stopping.cancel();
            }
        });
        let failed = ftps::upload::upload(&mut session, &plan("a b", content), &mut source, &stop).await.unwrap_err();
        assert!(matches!(failed.error, UploadError::Cancelled), "{failed:?}\n{}", log.text());
        let leftover = failed.leftover.expect("the part is on the server");
        let held = fs::metadata(on_disk(&server, &leftover)).unwrap().len();
        println!("{}: took {}, holds {held}", server.kind().name(), source.taken);
        assert_eq!(held, source.taken, "{}", log.text());
        // The session is in step.
        upload(&mut session, &plan("other", content), &mut FileSource::of(content), &log).await;
        assert_eq!((log.logins(), log.count("Error: ")), (1, 0), "{}", log.text());
        fs::remove_file(server.root().join("other")).unwrap();
        let (log, source) = resume(&server, content, leftover).await;
        let from = if server.resumes_uploads() { held } else { 0 };
        assert_eq!(source.offsets, [from], "{}", log.text());
    }

    async fn an_upload_continues_an_existing_file_that_is_its_beginning(server: Server) {
        let content = Content { len: LEN, seed: 13 };
        let held = 3 << 20;
        for (round, name) in ["a b", "c"].into_iter().enumerate() {
            write_as_server(&server, name, &content.piece(0, held));
            let log = SessionLog::default();
            let mut session = managed_client(&server, &log);
            let mut source = FileSource::of(content);
            let plan = Plan { existing: Existing::Resume, ..plan(name, content) };
            upload(&mut session, &plan, &mut source, &log).await;
            assert_stored(&server, name, content, &log);
            assert_eq!(server.files().len(), round + 1, "{}", log.text());
            let from = if server.resumes_uploads() { held } else { 0 };
            assert_eq!(source.offsets, [from], "{}", log.text());
            // A complete file is not resumed.
            let ended = try_upload(&mut session, &plan, &mut FileSource::of(content)).await;
            let Err(Failed { error: UploadError::Exists { size, .. }, leftover: None, .. }) = ended else {
                panic!("{ended:?}\n{}", log.text())
            };
            assert_eq!(size, Some(LEN));
        }
    }

    async fn a_truncated_part_file_is_continued_from_its_end(server: Server) {
        let content = Content { len: LEN, seed: 5 };
        let leftover = leave_part_file(&server, "a b", content, 5 << 20).await;
        let file = fs::File::options().write(true).open(on_disk(&server, &leftover)).unwrap();
        file.set_len(1_000_000).unwrap();
        let (log, source) = resume(&server, content, leftover).await;
        let from = if server.resumes_uploads() { 1_000_000 } else { 0 };
        assert_eq!(source.offsets, [from], "{}", log.text());
    }

    async fn a_part_file_longer_than_the_file_is_sent_again_from_the_start(server: Server) {
        let content = Content { len: LEN, seed: 6 };
        let leftover = leave_part_file(&server, "a b", content, 5 << 20).await;
        let file = fs::File::options().write(true).open(on_disk(&server, &leftover)).unwrap();
        file.set_len(LEN + 1).unwrap();
        let (log, source) = resume(&server, content, leftover).await;
        assert!(log.has("Starting over"), "{}", log.text());
        assert_eq!(source.offsets, [0], "{}", log.text());
    }

    async fn a_part_file_that_is_gone_is_sent_again_from_the_start(server: Server) {
        let content = Content { len: LEN, seed: 7 };
        let leftover = leave_part_file(&server, "a b", content, 5 << 20).await;
        fs::remove_file(on_disk(&server, &leftover)).unwrap();
        let (log, source) = resume(&server, content, leftover).await;
        assert_eq!((source.offsets, source.sent), (vec![0], LEN), "{}", log.text());
    }

    async fn a_complete_part_file_is_renamed_and_nothing_is_sent(server: Server) {
        let content = Content { len: LEN, seed: 8 };
        let leftover = leave_part_file(&server, "a b", content, 5 << 20).await;
        fs::write(on_disk(&server, &leftover), content.piece(0, LEN)).unwrap();
        let (log, source) = resume(&server, content, leftover).await;
        assert_eq!(source.sent, 0, "{}", log.text());
    }

    async fn only_a_part_file_of_the_same_path_is_resumed(server: Server) {
        let content = Content { len: 100_000, seed: 9 };
        let others = ["other", "other.0123abcd.part", "sub/a b.0123abcd.part"];
        fs::create_dir(server.root().join("sub")).unwrap();
        std::os::unix::fs::chown(server.root().join("sub"), Some(1), Some(1)).unwrap();
        for other in others {
            write_as_server(&server, other, &content.piece(0, 50_000));
        }
        for other in others {
            let log = SessionLog::default();
            let mut session = managed_client(&server, &log);
            let mut source = FileSource::of(content);
            let plan = Plan {
                resume: Some(remote(other)),
                existing: Existing::Replace,
                ..plan("a b", content)
            };
            upload(&mut session, &plan, &mut source, &log).await;
            assert_eq!((source.offsets, source.sent), (vec![0], content.len), "{}", log.text());
            assert_stored(&server, "a b", content, &log);
        }
        for other in others {
            let stored = fs::read(server.root().join(other)).unwrap();
            assert_eq!(stored, content.piece(0, 50_000), "{other}");
        }
    }

    async fn leftovers_are_listed_and_none_is_removed_unasked(server: Server) {
        let content = Content { len: LEN, seed: 10 };
        let leftover = leave_part_file(&server, "a b", content, 5 << 20).await;
        let size = fs::metadata(on_disk(&server, &leftover)).unwrap().len();
        let log = SessionLog::default();
        let mut session = managed_client(&server, &log);
        upload(&mut session, &plan("a b", content), &mut FileSource::of(content), &log).await;
        let client = session.client().await.unwrap();
        let found = ftps::upload::leftovers(client, &remote(".")).await.unwrap();
        let [found] = found.as_slice() else { panic!("{found:?}\n{}", log.text()) };
        assert_eq!(found.path.file_name(), leftover.file_name());
        assert_eq!((&found.target, found.size), (&remote("a b"), Some(size)));
        assert!(found.modified_millis.is_some(), "{found:?}");
        let found = found.path.clone();
        ftps::upload::remove(&mut session, &found).await.unwrap();
        ftps::upload::remove(&mut session, &found).await.unwrap();
        assert_eq!(server.files(), ["a b"]);
    }
}

#[tokio::test]
async fn proftpd_resumes_where_it_is_configured_to() {
    let server = server(Kind::ProFtpd, |options| options.restart = Restart::Allowed);
    let content = Content { len: LEN, seed: 11 };
    let leftover = leave_part_file(&server, "a b", content, 5 << 20).await;
    let held = fs::metadata(on_disk(&server, &leftover)).unwrap().len();
    let (log, source) = resume(&server, content, leftover).await;
    assert_eq!((source.offsets, source.sent), (vec![held], LEN - held), "{}", log.text());
}
