//! Verification: sizes and digests, and files that fail it.

use std::{convert::Infallible, time::Duration};

use ftps::{
    Cause, Verified,
    upload::{Progress, Source, UploadError},
};

use crate::scripted::{
    Scenario, read_some, read_to_end,
    uploads::{Memory, content, engine_error, plan, replacing, run, store},
};

/// The server replies 226 although the file is short: a full disk, or a filter.
#[tokio::test]
async fn short_file_loses_its_name_and_is_removed() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.check_and_rename_short("a", 2).await;
        peer.take_back("a").await;
        // The client sends the rest again, as often as it may retry without progress.
        for _ in 0..2 {
            peer.expect_retry("a", 2).await;
            assert_eq!(peer.stor_from(2).await, b"c");
            peer.check_and_rename_short("a", 2).await;
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

#[tokio::test]
async fn good_file_is_not_replaced_by_a_short_one() {
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a", 9).await;
        peer.stor_all().await;
        peer.answer_temporary_size(2).await;
        // The client sends the rest again, as often as it may retry without progress.
        for _ in 0..2 {
            peer.answer_size("a", "213 9").await;
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

/// The server reads the file for it, so it may take longer than the other replies to the batch.
#[tokio::test]
async fn digest_in_a_batch_has_a_deadline_of_its_own() {
    const BATCH: Duration = Duration::from_millis(300);
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        tokio::time::sleep(3 * BATCH).await;
        peer.answer_for_temporary("XSHA256", &format!("250 {SHA256_OF_ABC}")).await;
        peer.rename_and_look("a", 3).await;
    })
    .features(" XSHA256\r\n")
    .start();
    let mut client = server.managed_with(|config| config.timeouts.batch = BATCH);
    let uploaded = store(&mut client, "a", b"abc").await.unwrap();
    assert!(matches!(uploaded.verified, Verified::Digest(_)), "{:?}", uploaded.verified);
    assert_eq!(uploaded.attempts, 1);
}

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

#[tokio::test]
async fn refused_hash_algorithm_leaves_the_check_to_the_size() {
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
async fn refused_digest_command_is_not_sent_again() {
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
    engine_error(server.store("a", b"abc").await.unwrap_err())
}

#[tokio::test]
async fn wrong_file_that_cannot_be_renamed_back_is_deleted() {
    let error = misnamed(true).await;
    assert_eq!(Cause::of(&error), Cause::NotWhole);
}

#[tokio::test]
async fn error_names_a_wrong_file_that_can_be_neither_renamed_nor_deleted() {
    let error = misnamed(false).await;
    assert_eq!(Cause::of(&error), Cause::IncompleteFileRemains);
    let chain = error.chain();
    assert!(chain.contains("/home/a") && chain.contains("other content"), "{chain}");
}

/// On a full disk the client does not retry, and removes the part.
#[tokio::test]
async fn full_disk_fails_at_once_and_removes_the_part_file() {
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

/// An empty piece would be requested without end; too many bytes mean that the file has changed.
#[tokio::test]
async fn empty_or_oversized_piece_ends_the_upload_and_not_the_session() {
    for length in [0, 4] {
        let server = Scenario::session(async |peer| {
            peer.expect_free("a").await;
            let data = peer.stor().await;
            peer.answer_abort(data).await;
            peer.delete_temporary().await;
            peer.expect_quit().await;
        })
        .start();
        let mut client = server.managed();
        let mut source = ConstantPieces { length };
        let failed = run(&mut client, &plan("a", b"abc"), &mut source).await.unwrap_err();
        let error = engine_error(failed);
        assert_eq!(Cause::of(&error), Cause::SourceLengthMismatch, "{error}");
        client.quit().await;
    }
}

/// A source whose pieces all have this length.
struct ConstantPieces {
    length: usize,
}

impl Source for ConstantPieces {
    type Error = Infallible;

    async fn next(&mut self) -> Result<bytes::Bytes, Self::Error> {
        Ok(vec![7; self.length].into())
    }

    async fn seek(&mut self, _: u64) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn progress(&mut self, _: Progress<'_>) {}
}

#[tokio::test]
async fn file_that_a_virus_scanner_rejects_is_not_sent_again() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_unconfirmed().await;
        peer.say("451 Virus found").await;
        peer.answer_noop().await;
        peer.delete_temporary().await;
    })
    .start();
    let failed = server.store("a", b"abc").await.unwrap_err();
    assert_eq!(failed.leftover, None);
    assert_eq!(Cause::of(&engine_error(failed)), Cause::ContentRejected);
}

/// The part file holds every byte, but the server did not confirm them.
#[tokio::test]
async fn file_that_is_refused_complete_is_sent_again_once() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let mut port = peer.extended_passive().await;
        for count in 1..=2 {
            peer.expect_stor().await;
            peer.say("150 go").await;
            read_to_end(&mut port.accept().await).await;
            peer.say("451 Local error in processing").await;
            peer.answer_noop().await;
            peer.expect_retry("a", 3).await;
            port = peer.extended_passive().await;
            peer.delete_temporary().await;
            if count == 1 {
                peer.expect_free("a").await;
            }
        }
    })
    .start();
    let failed = server.store("a", b"abc").await.unwrap_err();
    assert_eq!(failed.leftover, None);
    assert_eq!(Cause::of(&engine_error(failed)), Cause::ServerFault);
}

/// The data connection broke after the client had sent the last byte, and before the server had
/// received it. The replies are Pure-FTPd's and one without any word about that.
#[tokio::test]
async fn transfer_that_is_cut_at_its_end_is_resumed_whatever_the_reply_says() {
    for reply in ["451-Transfer aborted\r\n451 0.062 seconds (measured here)", "451 Error"] {
        let server = Scenario::session(async move |peer| {
            peer.expect_free("a").await;
            peer.stor_unconfirmed().await;
            peer.say(reply).await;
            peer.answer_noop().await;
            peer.complete("a", 2, b"abc").await;
        })
        .start();
        server.store("a", b"abc").await.unwrap();
    }
}
