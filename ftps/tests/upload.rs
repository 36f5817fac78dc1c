//! Uploads: broken connections, refusals of servers, and leftover files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use std::time::Duration;

use ftps::{
    Cause, ManagedClient, Verified,
    upload::{Existing, Plan, UploadError},
};
use scripted::{
    Scenario, connection, path, read_some, read_to_end, session,
    uploads::{MODIFIED_MILLIS, Memory, content, engine_error, plan, replacing, run, store},
};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

/// Within this time nothing may come.
const A_WHILE: Duration = Duration::from_millis(20);

#[tokio::test]
async fn small_file_goes_to_a_temporary_name_and_is_renamed_and_checked_in_one_batch() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        assert_eq!(peer.stor_all().await, b"abc");
        let temporary = peer.temporary();
        assert!(temporary.starts_with("/home/a.") && temporary.ends_with(".part"));
        peer.expect_for_temporary("SIZE").await;
        peer.expect_for_temporary("RNFR").await;
        peer.expect("RNTO /home/a").await;
        peer.say("213 3\r\n350 to?\r\n250 ok").await;
    })
    .start();
    let mut client = server.managed();
    let uploaded = store(&mut client, "a", b"abc").await.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
    assert_eq!(uploaded.path, path("/home/a"));
}

#[tokio::test]
async fn what_the_next_upload_needs_goes_with_the_end_of_the_last() {
    let server = Scenario::session(async |peer| {
        peer.upload("a").await;
        peer.expect_free("b").await;
        // The reply to EPSV is used by the next upload.
        let content = peer.stor_all().await;
        assert_eq!(content, b"xyz");
        peer.check_and_rename("b", 3).await;
    })
    .start();
    let mut client = server.managed();
    let mut source = Memory::new(b"abc");
    source.upcoming = Some(path("b"));
    run(&mut client, &plan("a", b"abc"), &mut source).await.unwrap();
    store(&mut client, "b", b"xyz").await.unwrap();
}

#[tokio::test]
async fn file_that_exists_is_kept_unless_it_is_to_be_replaced() {
    let server = Scenario::session(async |peer| {
        peer.expect_conflict("a", 9).await;
        let port = peer.extended_passive().await;
        drop(port);
        peer.expect_taken("a", 9).await;
        peer.stor_all().await;
        // An existing file is replaced only by a verified one.
        peer.check_and_rename("a", 3).await;
    })
    .start();
    let mut client = server.managed();
    let mut plan = plan("a", b"abc");
    let failed = run(&mut client, &plan, &mut Memory::new(b"abc")).await.unwrap_err();
    let UploadError::Exists { size: Some(9), modified_millis } = failed.error else {
        panic!("{failed:?}")
    };
    assert_eq!((modified_millis, failed.leftover), (Some(MODIFIED_MILLIS), None));
    plan.existing = Existing::Replace;
    run(&mut client, &plan, &mut Memory::new(b"abc")).await.unwrap();
}

/// The name was taken during the upload: nothing is sent again if the user replaces the file.
#[tokio::test]
async fn name_that_is_taken_in_the_end_costs_no_byte_that_was_sent() {
    let file = content(2_000_000);
    let size = file.len();
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(size).await;
        peer.expect_conflict("a", 9).await;
        peer.expect_taken("a", 9).await;
        peer.answer_temporary_size(size).await;
        let _port = peer.extended_passive().await;
        peer.check_and_rename("a", size).await;
    })
    .start();
    let mut client = server.managed();
    let mut plan = plan("a", &file);
    let failed = run(&mut client, &plan, &mut Memory::new(&file)).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Exists { size: Some(9), .. }), "{failed:?}");
    plan.resume = failed.leftover;
    plan.existing = Existing::Replace;
    let uploaded = run(&mut client, &plan, &mut Memory::new(&file)).await.unwrap();
    assert_eq!(uploaded.attempts, 0);
    server.log.must_have("already holds all 2000000 bytes");
}

#[tokio::test]
async fn upload_resumes_from_what_the_server_holds_after_a_break() {
    let file = content(300_000);
    let (sent, expected) = (file.clone(), file.clone());
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        assert_eq!(read_some(&mut data, 200_000).await, sent[..200_000]);
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_retry("a", 150_000).await;
        assert!(peer.stor_from(150_000).await == expected[150_000..]);
        peer.check_and_rename("a", 300_000).await;
    });
    let server = Scenario::of([first, second]).start();
    let mut client = server.managed();
    let mut source = Memory::new(&file);
    let uploaded = run(&mut client, &plan("a", &file), &mut source).await.unwrap();
    assert_eq!(uploaded.attempts, 2);
    // The client may have written all bytes to its own buffers before the break.
    source.seen.retain(|seen| seen != "confirming");
    assert_eq!(source.seen, ["opened at 0", "interrupted", "opened at 150000"]);
    server.log.must_have("holds 150000 of 300000 bytes. Resuming there.");
}

#[tokio::test]
async fn lost_reply_is_no_lost_file() {
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        assert_eq!(read_to_end(&mut data).await, b"abc");
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_retry("a", 3).await;
        let _port = peer.extended_passive().await;
        peer.check_and_rename("a", 3).await;
    });
    let server = Scenario::of([first, second]).start();
    let mut client = server.managed();
    let uploaded = store(&mut client, "a", b"abc").await.unwrap();
    assert_eq!(uploaded.attempts, 1);
    server.log.must_have("reply was lost");
}

#[tokio::test]
async fn server_that_refuses_rest_gets_appe_and_then_the_whole_file() {
    let file = content(300_000);
    let (first_part, rest, whole) = (file.clone(), file.clone(), file.clone());
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        assert_eq!(read_some(&mut data, 100_000).await, first_part[..100_000]);
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_retry("a", 100_000).await;
        peer.refuse_restart(100000, "STOR").await;
        peer.expect_retry("a", 100_000).await;
        peer.refuse_restart(0, "APPE").await;
        peer.expect_retry("a", 100_000).await;
        assert!(peer.stor_from(0).await == whole);
        peer.check_and_rename("a", rest.len()).await;
    });
    let server = Scenario::of([first, second]).start();
    let mut client = server.managed();
    store(&mut client, "a", &file).await.unwrap();
    server.log.must_have("Trying APPE instead");
    server.log.must_have("Starting over");
}

#[tokio::test]
async fn more_than_was_sent_is_somebody_elses() {
    let file = content(300_000);
    let expected = file.clone();
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        read_some(&mut data, 100_000).await;
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_retry("a", 300_001).await;
        let temporary = peer.temporary();
        assert!(peer.stor_all().await == expected);
        assert_eq!(peer.temporary(), temporary);
        peer.check_and_rename("a", 300_000).await;
    });
    let server = Scenario::of([first, second]).start();
    let mut client = server.managed();
    store(&mut client, "a", &file).await.unwrap();
    server.log.must_have("Starting over");
}

/// The server replies 226 although the file is short: a full disk, or a filter.
#[tokio::test]
async fn file_that_is_short_is_not_done_and_does_not_stay() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.check_and_rename("a", 2).await;
        peer.take_back("a").await;
        // The client sends the rest again, as often as it may retry without progress.
        for _ in 0..2 {
            peer.expect_retry("a", 2).await;
            assert_eq!(peer.stor_from(2).await, b"c");
            peer.check_and_rename("a", 2).await;
            peer.take_back("a").await;
        }
        peer.delete_temporary().await;
    })
    .start();
    let mut client = server.managed();
    let failed = store(&mut client, "a", b"abc").await.unwrap_err();
    assert_eq!(failed.leftover, None);
    assert_eq!(Cause::of(&engine_error(failed)), Cause::NotWhole);
}

/// The existing file stays when the new one is short.
#[tokio::test]
async fn good_file_is_not_replaced_by_a_short_one() {
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a", 9).await;
        peer.stor_all().await;
        peer.answer_temporary_size(2).await;
        // The client sends the rest again, as often as it may retry without progress.
        for _ in 0..2 {
            peer.expect_taken("a", 9).await;
            peer.answer_temporary_size(2).await;
            assert_eq!(peer.stor_from(2).await, b"c");
            peer.answer_temporary_size(2).await;
        }
        peer.delete_temporary().await;
    })
    .start();
    let mut client = server.managed();
    let plan = replacing("a", b"abc");
    let failed = run(&mut client, &plan, &mut Memory::new(b"abc")).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Engine(_)));
}

const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[tokio::test]
async fn digest_of_the_server_is_compared() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer("OPTS HASH SHA-256", "200 SHA-256").await;
        peer.answer_for_temporary("MFMT 20260131120000", "213 ok").await;
        let answer = format!("213 SHA-256 0-3 {SHA256_OF_ABC} {}", peer.temporary());
        peer.hash_and_rename("a", ("HASH", 3, &answer)).await;
        peer.expect_free("b").await;
        peer.stor_all().await;
        let other = SHA256_OF_ABC.replace('b', "c");
        let answer = format!("213 SHA-256 0-3 {other} {}", peer.temporary());
        peer.hash_and_rename("b", ("HASH", 3, &answer)).await;
        // The wrong file loses its name again.
        peer.take_back("b").await;
        peer.delete_temporary().await;
    })
    .features(" HASH MD5*;SHA-256\r\n XSHA256\r\n MFMT\r\n")
    .start();
    let mut client = server.managed();
    let mut dated = plan("a", b"abc");
    dated.modified_millis = Some(1_769_860_800_000);
    let uploaded = run(&mut client, &dated, &mut Memory::new(b"abc")).await.unwrap();
    let Verified::Digest(digest) = &uploaded.verified else { panic!("{uploaded:?}") };
    assert_eq!(digest.hex(), SHA256_OF_ABC);
    let error = engine_error(store(&mut client, "b", b"abc").await.unwrap_err());
    assert_eq!(Cause::of(&error), Cause::NotWhole);
}

/// The size proves the file where the server cannot use the client's algorithm.
#[tokio::test]
async fn server_that_does_not_change_its_algorithm_stores_files_all_the_same() {
    let server = Scenario::session(async |peer| {
        for name in ["a", "b"] {
            peer.expect_free(name).await;
            peer.stor_all().await;
            if name == "a" {
                peer.answer("OPTS HASH SHA-256", "501 no").await;
            }
            peer.check_and_rename(name, 3).await;
        }
    })
    .features(" HASH MD5*;SHA-256\r\n")
    .start();
    let mut client = server.managed();
    for name in ["a", "b"] {
        let uploaded = store(&mut client, name, b"abc").await.unwrap();
        assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
    }
    server.log.must_have("DigestRefused");
}

#[tokio::test]
async fn digest_that_the_server_does_not_make_after_all_is_done_without() {
    let server = Scenario::session(async |peer| {
        for (name, asks) in [("a", true), ("b", false)] {
            peer.expect_free(name).await;
            peer.stor_all().await;
            match asks {
                true => {
                    let refused = ("XCRC", 3, "502 not today");
                    peer.hash_and_rename(name, refused).await;
                }
                false => peer.check_and_rename(name, 3).await,
            }
        }
    })
    .features(" XCRC\r\n")
    .start();
    let mut client = server.managed();
    for name in ["a", "b"] {
        let uploaded = store(&mut client, name, b"abc").await.unwrap();
        assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
    }
    assert_eq!(server.log.count("made no digest"), 1);
}

/// Returns the error of a file that got its name, failed its check, and may not be renamed back.
async fn misnamed(deletes: bool) -> ftps::Error {
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        let other = format!("250 {}", SHA256_OF_ABC.replace('b', "c"));
        peer.hash_and_rename("a", ("XSHA256", 3, &other)).await;
        peer.answer("RNFR /home/a", "550 Permission denied").await;
        let gone = if deletes { "250 gone" } else { "550 Permission denied" };
        peer.answer("DELE /home/a", gone).await;
        peer.answer_for_temporary("DELE", "550 none").await;
    })
    .features(" XSHA256\r\n")
    .start();
    let mut client = server.managed();
    engine_error(store(&mut client, "a", b"abc").await.unwrap_err())
}

#[tokio::test]
async fn wrong_file_that_may_not_be_renamed_back_is_removed() {
    let error = misnamed(true).await;
    assert_eq!(Cause::of(&error), Cause::NotWhole);
}

#[tokio::test]
async fn wrong_file_that_cannot_be_taken_back_is_told_with_its_name_and_what_is_wrong() {
    let error = misnamed(false).await;
    assert_eq!(Cause::of(&error), Cause::IncompleteFileRemains);
    let chain = error.chain();
    assert!(chain.contains("/home/a") && chain.contains("other content"), "{chain}");
}

/// The next upload does not wait for one that is retried.
#[tokio::test]
async fn upload_that_is_tried_again_gives_back_the_one_that_was_to_follow() {
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_retry("a", 3).await;
        let _port = peer.extended_passive().await;
        peer.check_and_rename("a", 3).await;
        peer.expect_free("b").await;
    });
    let server = Scenario::of([first, second]).start();
    let mut client = server.managed();
    let mut source = Memory::new(b"abc");
    source.upcoming = Some(path("b"));
    run(&mut client, &plan("a", b"abc"), &mut source).await.unwrap();
    let given_back = source.seen.iter().filter(|seen| *seen == "upcoming given back").count();
    assert_eq!(given_back, 1, "{:?}", source.seen);
    assert_eq!(source.upcoming, None, "it was asked for again in the end");
}

/// The host is new: the client asks for both sizes at once.
#[tokio::test]
async fn first_file_is_checked_in_one_round_trip() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.expect_for_temporary("SIZE").await;
        peer.expect("SIZE /home/a").await;
        peer.say("213 3\r\n550 none").await;
        peer.rename("a").await;
    })
    .start();
    let mut client = ManagedClient::new(server.stranger());
    store(&mut client, "a", b"abc").await.unwrap();
}

/// An empty piece would be asked for without end; too many bytes mean that the file has changed.
#[tokio::test]
async fn piece_without_bytes_or_with_too_many_ends_the_upload_and_not_the_session() {
    for given in [0, 4] {
        let server = Scenario::session(async |peer| {
            peer.expect_free("a").await;
            let mut data = peer.stor().await;
            while data.read(&mut [0; 100]).await.is_ok_and(|count| count > 0) {}
            drop(data);
            peer.say("426 aborted").await;
            peer.answer_noop().await;
            peer.delete_temporary().await;
            peer.expect_quit().await;
        })
        .start();
        let mut client = server.managed();
        let mut source = Odd { given };
        let stop = CancellationToken::new();
        let error = engine_error(
            ftps::upload::upload(&mut client, &plan("a", b"abc"), &mut source, &stop)
                .await
                .unwrap_err(),
        );
        assert_eq!(Cause::of(&error), Cause::SourceLengthMismatch, "{error}");
        client.quit().await;
    }
}

/// A source whose pieces all have this length.
struct Odd {
    given: usize,
}

impl ftps::upload::Source for Odd {
    type Error = std::convert::Infallible;

    async fn next(&mut self) -> Result<bytes::Bytes, Self::Error> {
        Ok(vec![7; self.given].into())
    }

    async fn seek(&mut self, _: u64) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn progress(&mut self, _: ftps::upload::Progress<'_>) {}
}

/// Resumes after a break, where the digest of the last block proves the part.
async fn tail(equal: bool) {
    let file = content(700_000);
    let (sent, expected) = (file.clone(), file.clone());
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        assert_eq!(read_some(&mut data, 600_000).await, sent[..600_000]);
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_retry("a", 550_000).await;
        let port = peer.extended_passive().await;
        let block = Sha256::digest(&expected[262_144..524_288]);
        let mut digest: String = block.iter().map(|byte| format!("{byte:02X}")).collect();
        if !equal {
            digest = digest.replace('A', "B");
        }
        peer.expect(&format!("XSHA256 {} 262144 524288", peer.temporary())).await;
        peer.say(&format!("250 {digest}")).await;
        let start = if equal { 524_288 } else { 0 };
        if equal {
            peer.answer("REST 524288", "350 from there").await;
        }
        peer.answer_for_temporary("STOR", "150 go").await;
        let mut data = port.accept().await;
        assert!(read_to_end(&mut data).await == expected[start..]);
        drop(data);
        peer.say("226 done").await;
        let whole = Sha256::digest(&expected);
        let digest: String = whole.iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = ("XSHA256", 700_000, format!("250 {digest}"));
        peer.hash_and_rename("a", (hash.0, hash.1, &hash.2)).await;
    });
    let server = Scenario::of([first, second]).features(" XSHA256\r\n").start();
    let mut client = server.managed();
    let uploaded = store(&mut client, "a", &file).await.unwrap();
    assert!(matches!(uploaded.verified, Verified::Digest(_)));
    assert_eq!(server.log.has("equals that of the sent bytes, up to"), equal);
    assert_eq!(server.log.has("Starting over"), !equal);
}

#[tokio::test]
async fn tail_that_is_proved_is_resumed_from() {
    tail(true).await;
}

#[tokio::test]
async fn tail_that_differs_is_started_over() {
    tail(false).await;
}

#[tokio::test]
async fn server_that_renames_nothing_is_written_to_in_place_and_says_so_before() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.answer_for_temporary("RNFR", "550 Permission denied").await;
        peer.answer("RNTO /home/a", "503 RNFR first").await;
        peer.answer_temporary_size(3).await;
        peer.answer_for_temporary("DELE", "550 Permission denied").await;
        peer.expect_free("a").await;
        assert_eq!(peer.stor_all().await, b"abc");
        assert_eq!(peer.temporary(), "/home/a");
        peer.expect_taken("a", 3).await;
    })
    .start();
    let mut client = server.managed();
    store(&mut client, "a", b"abc").await.unwrap();
    server.log.must_have("does not allow renames in this directory");
    server.log.must_have("without a temporary name");
}

/// The break comes with `STOR`: what has the name may still be the old file, and an upload that goes
/// on behind its bytes would mix both.
#[tokio::test]
async fn old_file_that_is_written_over_in_place_is_not_reported_to_go_on_with() {
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a", 9).await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.answer_for_temporary("RNFR", "550 Permission denied").await;
        peer.answer("RNTO /home/a", "503 RNFR first").await;
        peer.answer_temporary_size(3).await;
        peer.delete_temporary().await;
        peer.expect_taken("a", 9).await;
        let _port = peer.extended_passive().await;
        peer.expect("STOR /home/a").await;
        peer.disconnect();
    })
    .start();
    let mut client = server.managed();
    let plan = replacing("a", b"abc");
    let failed = run(&mut client, &plan, &mut Memory::new(b"abc")).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Engine(_)), "{failed:?}");
    assert_eq!(failed.leftover, None);
}

/// The server tells no size of it, and a listing shows that the name is free: what has it then is
/// the upload's own.
#[tokio::test]
async fn part_that_was_written_in_place_under_a_free_name_is_removed() {
    let server = Scenario::session(async |peer| {
        peer.answer_size("a", "502 unknown").await;
        peer.list("MLSD /home", b"").await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.answer("SIZE /home/a", "502 unknown").await;
        peer.list("MLSD /home", b"").await;
        peer.answer_for_temporary("RNFR", "550 Permission denied").await;
        peer.answer("RNTO /home/a", "503 RNFR first").await;
        peer.answer_temporary_size(3).await;
        peer.delete_temporary().await;
        peer.answer_size("a", "502 unknown").await;
        peer.list("MLSD /home", b"").await;
        let mut data = peer.stor().await;
        assert_eq!(peer.temporary(), "/home/a");
        read_to_end(&mut data).await;
        drop(data);
        peer.say("552 disk full").await;
        peer.answer_noop().await;
        peer.delete_temporary().await;
    })
    .start();
    let mut client = server.managed();
    let failed = store(&mut client, "a", b"abc").await.unwrap_err();
    assert_eq!(Cause::of(&engine_error(failed)), Cause::DiskFull);
}

#[tokio::test]
async fn cancelled_upload_leaves_nothing_behind() {
    let file = content(3_000_000);
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        let mut rest = Vec::new();
        // The TCP connection ends with FIN or RST, depending on bytes in flight.
        let _ = data.read_to_end(&mut rest).await;
        drop(data);
        peer.say("426 aborted").await;
        peer.answer_noop().await;
        peer.delete_temporary().await;
        peer.upload("b").await;
    })
    .start();
    let mut client = server.managed();
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file).stopping_at(1_000_000, &stop);
    let failed =
        ftps::upload::upload(&mut client, &plan("a", &file), &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Cancelled));
    assert_eq!(failed.leftover, None);
    // The session is in step.
    store(&mut client, "b", b"xyz").await.unwrap();
}

/// An earlier upload of the same file left the part: cancelling removes it.
#[tokio::test]
async fn upload_that_is_cancelled_before_it_resumes_removes_the_part_it_would_have_resumed() {
    let server = Scenario::session(async |peer| {
        peer.answer("DELE /home/a.0123abcd.part", "250 gone").await;
        peer.upload("b").await;
    })
    .start();
    let mut client = server.managed();
    let stop = CancellationToken::new();
    stop.cancel();
    for (name, given_up) in [("a.0123abcd.part", "a"), ("/home/other.0123abcd.part", "a")] {
        let given_up = Plan { resume: Some(path(name)), ..plan(given_up, b"xyz") };
        let failed = ftps::upload::upload(&mut client, &given_up, &mut Memory::new(b"xyz"), &stop)
            .await
            .unwrap_err();
        assert!(matches!(failed.error, UploadError::Cancelled));
        let is_anothers = name.contains("other");
        assert_eq!(failed.leftover.is_some(), is_anothers, "{name}");
    }
    // The session is in step.
    store(&mut client, "b", b"xyz").await.unwrap();
}

/// It is locked, so the server does not remove it now.
#[tokio::test]
async fn part_file_that_cannot_be_removed_is_reported() {
    let file = content(3_000_000);
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        let _broken = data.read_to_end(&mut Vec::new()).await;
        drop(data);
        peer.say("426 aborted").await;
        peer.answer_noop().await;
        peer.answer_for_temporary("DELE", "450 in use").await;
    })
    .start();
    let mut client = server.managed();
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file).stopping_at(1_000_000, &stop);
    let failed =
        ftps::upload::upload(&mut client, &plan("a", &file), &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Cancelled));
    assert_eq!(failed.leftover, Some(path(&server.temporary())));
}

/// The server creates the file, and refuses the data connection after that.
#[tokio::test]
async fn part_file_that_was_created_before_the_data_connection_was_refused_is_not_forgotten() {
    let first = session(async |peer| {
        peer.expect_free("a").await;
        let port = peer.extended_passive().await;
        let stor = peer.command().await.unwrap();
        peer.set_temporary(stor.strip_prefix("STOR ").unwrap());
        peer.say("150 go").await;
        drop(port.accept_tcp().await);
        peer.say("425 Unable to build data connection: TLS failed").await;
    });
    let second = session(async |peer| {
        peer.expect_retry("a", 0).await;
        assert_eq!(peer.stor_all().await, b"abc");
        peer.check_and_rename("a", 3).await;
    });
    let server = Scenario::of([first, second]).start();
    let mut client = server.managed();
    store(&mut client, "a", b"abc").await.unwrap();
}

/// The connection breaks while the file under the name that is given up is removed.
#[tokio::test]
async fn part_file_under_a_name_that_is_given_up_is_removed_after_a_break() {
    let first = session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.answer_for_temporary("RNFR", "550 Permission denied").await;
        peer.answer("RNTO /home/a", "503 RNFR first").await;
        peer.answer_temporary_size(3).await;
        peer.expect_for_temporary("DELE").await;
        peer.disconnect();
    });
    let second = session(async |peer| {
        peer.delete_temporary().await;
        peer.expect_free("a").await;
        assert_eq!(peer.stor_all().await, b"abc");
        peer.expect_taken("a", 3).await;
    });
    let server = Scenario::of([first, second]).start();
    let mut client = server.managed();
    store(&mut client, "a", b"abc").await.unwrap();
}

/// Another file in the directory showed meanwhile that nothing may be renamed there.
#[tokio::test]
async fn part_file_is_removed_where_another_upload_found_that_nothing_may_be_renamed() {
    let (broken, breaks) = tokio::sync::oneshot::channel();
    let (learned, learns) = tokio::sync::oneshot::channel::<()>();
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        read_some(&mut data, 100_000).await;
        broken.send(peer.temporary()).unwrap();
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_free("b").await;
        peer.stor_all().await;
        peer.answer_temporary_size(1).await;
        peer.answer_for_temporary("RNFR", "550 Permission denied").await;
        peer.answer("RNTO /home/b", "503 RNFR first").await;
        peer.answer_temporary_size(1).await;
        peer.delete_temporary().await;
        peer.expect_free("b").await;
        peer.stor_all().await;
        peer.expect_taken("b", 1).await;
        learned.send(()).unwrap();
    });
    let third = session(async move |peer| {
        peer.answer(&format!("DELE {}", breaks.await.unwrap()), "250 gone").await;
        peer.expect_free("a").await;
        assert_eq!(peer.stor_all().await.len(), 200_000);
        peer.expect_taken("a", 200_000).await;
    });
    let server = Scenario::of([first, second, third]).side_by_side().start();
    let pool = ftps::Pool::new(server.connector_with(|config| {
        config.retry.first = Duration::from_millis(500);
    }));
    let (mut client, other) = (pool.lease().await, pool.lease().await);
    let second = tokio::spawn(async move {
        let mut other = other;
        tokio::time::sleep(Duration::from_millis(100)).await;
        store(&mut other, "b", b"x").await.unwrap();
        learns.await.unwrap();
    });
    store(&mut client, "a", &content(200_000)).await.unwrap();
    second.await.unwrap();
}

/// A name to resume from the caller may be another user's file.
#[tokio::test]
async fn name_that_was_handed_in_and_never_looked_at_is_not_removed() {
    let server = Scenario::session(async |peer| {
        peer.upload("b").await;
    })
    .start();
    let mut client = server.managed();
    let stop = CancellationToken::new();
    stop.cancel();
    let precious = path("/etc/passwd");
    let given_up = Plan { resume: Some(precious.clone()), ..plan("a", b"xyz") };
    let failed = ftps::upload::upload(&mut client, &given_up, &mut Memory::new(b"xyz"), &stop)
        .await
        .unwrap_err();
    assert!(matches!(failed.error, UploadError::Cancelled));
    assert_eq!(failed.leftover, Some(precious));
    // The session got no command for it.
    store(&mut client, "b", b"xyz").await.unwrap();
}

/// The transfer ends properly, so that the server keeps every byte that it received.
#[tokio::test]
async fn paused_upload_keeps_what_the_server_was_given() {
    let file = content(3_000_000);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        let held = read_to_end(&mut data).await;
        assert!(held.len() >= 1_000_000 && held == expected[..held.len()]);
        drop(data);
        peer.say("226 stored").await;
        peer.expect_retry("a", held.len()).await;
        let port = peer.extended_passive().await;
        peer.answer(&format!("REST {}", held.len()), "350 from there").await;
        peer.answer_for_temporary("STOR", "150 go").await;
        assert!(read_to_end(&mut port.accept().await).await == expected[held.len()..]);
        peer.say("226 done").await;
        peer.check_both_and_rename("a", expected.len()).await;
    })
    .start();
    let mut client = server.managed();
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file).stopping_at(1_000_000, &stop).keeping();
    let mut plan = plan("a", &file);
    let failed = ftps::upload::upload(&mut client, &plan, &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Cancelled), "{failed:?}");
    plan.resume = failed.leftover;
    assert!(plan.resume.is_some() && server.log.has("Transfer stopped"), "{}", server.log.text());
    run(&mut client, &plan, &mut Memory::new(&file)).await.unwrap();
    // One session was enough.
    assert_eq!(server.log.sessions_with("230 in"), [Some(1)]);
}

#[tokio::test]
async fn server_that_does_not_confirm_a_paused_upload_costs_its_session_and_no_file() {
    let file = content(3_000_000);
    let silent = session(async |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect_end().await;
    });
    let next = session(async |peer| {
        peer.upload("b").await;
    });
    let server = Scenario::of([silent, next]).start();
    let mut client =
        server.managed_with(|config| config.timeouts.abort = Duration::from_millis(100));
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file).stopping_at(1_000_000, &stop).keeping();
    let failed =
        ftps::upload::upload(&mut client, &plan("a", &file), &mut source, &stop).await.unwrap_err();
    assert!(
        matches!(failed.error, UploadError::Cancelled) && failed.leftover.is_some(),
        "{failed:?}"
    );
    store(&mut client, "b", b"xyz").await.unwrap();
}

/// There is no connection: the part stays for the next upload.
#[tokio::test]
async fn upload_that_is_paused_while_it_waits_to_try_again_keeps_its_part() {
    let file = content(300_000);
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        read_some(&mut data, 200_000).await;
        peer.disconnect();
    })
    .start();
    let mut client = server.managed_with(|config| {
        config.retry.first = Duration::from_secs(3600);
        config.retry.max = Duration::from_secs(3600);
        config.timeouts.verdict = Duration::from_millis(200);
    });
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file).stopping_at(u64::MAX, &stop).keeping();
    let failed =
        ftps::upload::upload(&mut client, &plan("a", &file), &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Cancelled), "{failed:?}");
    let leftover = failed.leftover.map(|leftover| leftover.display().into_owned());
    assert_eq!(leftover, Some(server.temporary()));
}

#[tokio::test]
async fn upload_that_gave_up_can_be_resumed_later() {
    let file = content(300_000);
    let (sent, expected) = (file.clone(), file.clone());
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        assert_eq!(read_some(&mut data, 200_000).await, sent[..200_000]);
        peer.disconnect();
    });
    let refuses = || connection(async |peer| peer.say("421 restarting").await);
    let last = session(async move |peer| {
        peer.expect_retry("a", 200_000).await;
        assert!(peer.stor_from(200_000).await == expected[200_000..]);
        peer.check_and_rename("a", 300_000).await;
    });
    let server = Scenario::of([first, refuses(), refuses(), refuses(), last]).start();
    let mut client = server.managed();
    let mut plan = plan("a", &file);
    let failed = run(&mut client, &plan, &mut Memory::new(&file)).await.unwrap_err();
    assert!(
        matches!(&failed.error, UploadError::Engine(error) if error.is_transient()),
        "{failed:?}"
    );
    plan.resume = failed.leftover;
    assert!(plan.resume.is_some());
    let mut source = Memory::new(&file);
    run(&mut client, &plan, &mut source).await.unwrap();
    assert_eq!(source.seen.first().map(String::as_str), Some("opened at 200000"));
}

#[tokio::test]
async fn lost_reply_to_the_rename_is_no_conflict() {
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.expect_for_temporary("RNFR").await;
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_taken("a", 3).await;
        peer.answer_for_temporary("SIZE", "550 none").await;
        let _port = peer.extended_passive().await;
        peer.expect_taken("a", 3).await;
    });
    let server = Scenario::of([first, second]).start();
    let mut client = server.managed();
    store(&mut client, "a", b"abc").await.unwrap();
    server.log.must_have("it was renamed");
}

/// Any other name could be an existing file.
#[tokio::test]
async fn name_to_resume_with_has_to_be_a_temporary_one_of_the_file() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        assert!(peer.temporary().starts_with("/home/a."));
        peer.check_and_rename("a", 3).await;
    })
    .start();
    let mut client = server.managed();
    let mut plan = plan("a", b"abc");
    plan.resume = Some(path("/etc/passwd"));
    run(&mut client, &plan, &mut Memory::new(b"abc")).await.unwrap();
}

/// On a full disk the client does not retry, and removes the part.
#[tokio::test]
async fn full_disk_is_said_at_once_and_the_part_is_removed() {
    let file = content(3_000_000);
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        read_some(&mut data, 100_000).await;
        peer.say("452 No space left on device").await;
        drop(data);
        peer.answer_noop().await;
        peer.delete_temporary().await;
    })
    .start();
    let mut client = server.managed();
    let error = engine_error(store(&mut client, "a", &file).await.unwrap_err());
    assert_eq!(Cause::of(&error), Cause::DiskFull);
}

#[tokio::test]
async fn directory_that_is_gone_is_made_again() {
    let server = Scenario::session(async |peer| {
        peer.answer("CWD /home/d", "550 none").await;
        peer.answer("MKD /home/d", "257 made").await;
        peer.upload("d/a").await;
        peer.expect_free("d/b").await;
        let _port = peer.extended_passive().await;
        assert!(peer.command().await.unwrap().starts_with("STOR /home/d/b."));
        peer.say("553 Could not create file.").await;
        peer.answer_noop().await;
        peer.answer("CWD /home/d", "550 none").await;
        peer.answer("MKD /home/d", "257 made").await;
        peer.upload("d/b").await;
    })
    .start();
    let mut client = server.managed();
    store(&mut client, "d/a", b"x").await.unwrap();
    store(&mut client, "d/b", b"x").await.unwrap();
}

/// A large file is checked before it gets its name.
#[tokio::test]
async fn large_file_is_checked_before_it_is_renamed() {
    let file = content(2_000_000);
    let size = file.len();
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.check_both_and_rename("a", size).await;
    })
    .start();
    let mut client = server.managed();
    store(&mut client, "a", &file).await.unwrap();
}

/// Some servers run commands of a batch in parallel and reply out of order.
#[tokio::test]
async fn server_that_answers_out_of_order_gets_commands_one_by_one() {
    let mixes = session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.expect_for_temporary("SIZE").await;
        peer.expect_for_temporary("RNFR").await;
        peer.expect("RNTO /home/a").await;
        peer.say("350 to?\r\n213 3\r\n250 ok").await;
        while peer.command().await.is_some() {}
    });
    let careful = connection(async |peer| {
        peer.secure().await;
        peer.authenticate().await;
        peer.set_up_one_by_one(A_WHILE).await;
        peer.expect_taken("a", 3).await;
        let temporary = peer.command().await.unwrap();
        assert!(temporary.starts_with("SIZE /home/a."), "{temporary}");
        peer.expect_silence(A_WHILE).await;
        peer.say("550 none").await;
        let _port = peer.extended_passive().await;
        peer.expect_taken("a", 3).await;
    });
    let server = Scenario::of([mixes, careful]).start();
    let mut client = server.managed();
    store(&mut client, "a", b"abc").await.unwrap();
    server.log.must_have("in another order");
    server.log.must_have("one by one");
}

/// A temporary name to resume does not permit to write over the target.
#[tokio::test]
async fn leftover_of_another_way_to_write_is_no_excuse_to_write_over_a_file() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("x").await;
        peer.stor_all().await;
        peer.answer_temporary_size(1).await;
        peer.answer_for_temporary("RNFR", "550 Permission denied").await;
        peer.answer("RNTO /home/x", "503 RNFR first").await;
        peer.answer_temporary_size(1).await;
        peer.delete_temporary().await;
        peer.expect_free("x").await;
        peer.stor_all().await;
        peer.expect_taken("x", 1).await;
        // Now the directory is known to forbid renames.
        peer.expect_taken("a", 2).await;
        let _port = peer.extended_passive().await;
        peer.answer_date("a").await;
    })
    .start();
    let mut client = server.managed();
    store(&mut client, "x", b"x").await.unwrap();
    let mut plan = plan("a", b"abc");
    plan.resume = Some(path("a.12345678.part"));
    let failed = run(&mut client, &plan, &mut Memory::new(b"abc")).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Exists { size: Some(2), .. }), "{failed:?}");
}

/// A refused `SIZE` does not tell whether the file exists.
#[tokio::test]
async fn size_that_nobody_is_told_costs_no_file() {
    let server = Scenario::session(async |peer| {
        peer.answer_size("a", "550 a: Operation not permitted").await;
        // The client looks for the name in the listing.
        peer.list("LIST", b"-rw-r--r-- 1 0 0 9 Jan 31 2025 a\r\n").await;
    })
    .features("")
    .start();
    let mut client = server.managed();
    let failed = store(&mut client, "a", b"abc").await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Exists { size: Some(9), .. }), "{failed:?}");
}

#[tokio::test]
async fn directory_is_not_moved_out_of_the_way() {
    let server = Scenario::session(async |peer| {
        peer.answer_size("a", "550 a: not a plain file").await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.refuse_rename("a", "550 Is a directory").await;
        peer.answer_size("a", "550 a: not a plain file").await;
        let port = peer.extended_passive().await;
        peer.answer("MLSD /home", "150 here").await;
        let mut data = port.accept().await;
        data.write_all(b"type=dir; a\r\n").await.unwrap();
        data.shutdown().await.unwrap();
        peer.say("226 done").await;
        peer.delete_temporary().await;
    })
    .start();
    let mut client = server.managed();
    let plan = replacing("a", b"abc");
    let error = engine_error(run(&mut client, &plan, &mut Memory::new(b"abc")).await.unwrap_err());
    assert_eq!(error.reply().unwrap().to_string(), "550 Is a directory");
}

#[tokio::test]
async fn reply_lost_while_the_old_file_makes_way_costs_neither_file() {
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a", 9).await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.refuse_rename("a", "553 exists").await;
        peer.expect_taken("a", 9).await;
        peer.answer("RNFR /home/a", "350 to?").await;
        peer.command().await;
        peer.disconnect();
    })
    .start();
    let mut client = server.managed();
    let plan = replacing("a", b"abc");
    let failed = run(&mut client, &plan, &mut Memory::new(b"abc")).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::NotReplaced { .. }), "{failed:?}");
}

#[tokio::test]
async fn file_without_a_byte_is_stored_after_a_break_too() {
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        let _port = peer.extended_passive().await;
        peer.expect_stor().await;
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_free("a").await;
        peer.answer_for_temporary("SIZE", "550 none").await;
        let temporary = peer.temporary();
        assert_eq!(peer.stor_all().await, b"");
        assert_eq!(peer.temporary(), temporary);
        peer.check_and_rename("a", 0).await;
    });
    let server = Scenario::of([first, second]).start();
    let mut client = server.managed();
    store(&mut client, "a", b"").await.unwrap();
}

/// The late reply to an aborted transfer is not the reply to the `NOOP` after it.
#[tokio::test]
async fn two_replies_to_an_abort_do_not_shift_those_that_follow() {
    let file = content(3_000_000);
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        let _ = data.read_to_end(&mut Vec::new()).await;
        drop(data);
        peer.say("426 aborted").await;
        peer.expect("NOOP").await;
        peer.say("226 closed").await;
        peer.say("200 ok").await;
        peer.answer_for_temporary("DELE", "550 not yours").await;
        peer.expect_taken("b", 7).await;
        let _port = peer.extended_passive().await;
        peer.answer_date("b").await;
    })
    .start();
    let mut client = server.managed();
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file).stopping_at(1_000_000, &stop);
    ftps::upload::upload(&mut client, &plan("a", &file), &mut source, &stop).await.unwrap_err();
    let failed = store(&mut client, "b", b"x").await.unwrap_err();
    assert!(
        matches!(failed.error, UploadError::Exists { size: Some(7), .. }),
        "{failed:?}\n{}",
        server.log.text()
    );
}
