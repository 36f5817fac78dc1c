//! Uploads: breaks, what servers forbid, and what is left behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use std::time::Duration;

use ftps::{
    Cause, Verified,
    upload::{Existing, Plan, Stop},
};
use scripted::{
    Identity, Log, Peer, Server, path, read_to_end, script,
    uploads::{
        MODIFIED_MILLIS, Memory, Script, bring, content, line, log_in_with, plan, read_some,
    },
};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn small_file_goes_to_a_temporary_name_and_is_renamed_and_checked_in_one_flight() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, content) = peer.stor_all().await;
        assert!(temporary.starts_with("/home/a.") && temporary.ends_with(".part"));
        assert_eq!(content, b"abc");
        for command in
            [format!("SIZE {temporary}"), format!("RNFR {temporary}"), "RNTO /home/a".to_owned()]
        {
            peer.expect(&command).await;
        }
        peer.say("213 3\r\n350 to?\r\n250 ok").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let uploaded = bring(&mut line, &plan("a", b"abc"), &mut Memory::new(b"abc")).await.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
    assert_eq!(uploaded.path, path("/home/a"));
    server.finished().await;
}

#[tokio::test]
async fn what_the_next_upload_needs_goes_with_the_end_of_the_last() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "a", 3).await;
        peer.look("b", "550 none").await;
        // The answer to EPSV counts for the upload that follows.
        let (temporary, content) = peer.stor_all().await;
        assert_eq!(content, b"xyz");
        peer.check_and_rename_at_once(&temporary, "b", 3).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut source = Memory::new(b"abc");
    source.upcoming = Some(path("b"));
    bring(&mut line, &plan("a", b"abc"), &mut source).await.unwrap();
    bring(&mut line, &plan("b", b"xyz"), &mut Memory::new(b"xyz")).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn file_that_exists_is_kept_unless_it_is_to_be_replaced() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look_and_find("a", 9).await;
        let port = peer.extended_passive().await;
        drop(port);
        peer.look("a", "213 9").await;
        let (temporary, _) = peer.stor_all().await;
        // What is there is replaced only by what is known to be whole.
        peer.answer(&format!("SIZE {temporary}"), "213 3").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "250 ok").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut plan = plan("a", b"abc");
    let failed = bring(&mut line, &plan, &mut Memory::new(b"abc")).await.unwrap_err();
    let Stop::Exists { size: Some(9), modified_millis } = failed.stop else { panic!("{failed:?}") };
    assert_eq!((modified_millis, failed.leftover), (Some(MODIFIED_MILLIS), None));
    plan.existing = Existing::Replace;
    bring(&mut line, &plan, &mut Memory::new(b"abc")).await.unwrap();
    server.finished().await;
}

/// Somebody was quicker: nothing has to be sent again if the person chooses to replace the file.
#[tokio::test]
async fn name_that_is_taken_in_the_end_costs_no_byte_that_was_sent() {
    let file = content(2_000_000);
    let size = file.len();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("SIZE {temporary}"), &format!("213 {size}")).await;
        peer.look_and_find("a", 9).await;
        peer.look("a", "213 9").await;
        peer.answer(&format!("SIZE {temporary}"), &format!("213 {size}")).await;
        let _port = peer.extended_passive().await;
        peer.answer(&format!("SIZE {temporary}"), &format!("213 {size}")).await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "250 ok").await;
    })
    .await;
    let log = Log::default();
    let mut line = line(&server, &log);
    let mut plan = plan("a", &file);
    let failed = bring(&mut line, &plan, &mut Memory::new(&file)).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Exists { size: Some(9), .. }), "{failed:?}");
    plan.resume = failed.leftover;
    plan.existing = Existing::Replace;
    let uploaded = bring(&mut line, &plan, &mut Memory::new(&file)).await.unwrap();
    assert_eq!(uploaded.attempts, 0);
    assert!(log.has("holds all 2000000 bytes already"), "{}", log.text());
    server.finished().await;
}

#[tokio::test]
async fn upload_goes_on_from_what_the_server_holds_after_a_break() {
    let file = content(300_000);
    let (sent, expected) = (file.clone(), file.clone());
    let (name, temporary) = tokio::sync::oneshot::channel();
    let first = script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        assert_eq!(read_some(&mut data, 200_000).await, sent[..200_000]);
        name.send(temporary).unwrap();
    });
    let second = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in().await;
        peer.look_again("a", &temporary, 150_000).await;
        let port = peer.extended_passive().await;
        peer.answer("REST 150000", "350 from there").await;
        peer.answer(&format!("STOR {temporary}"), "150 go").await;
        let mut data = port.accept().await;
        assert!(read_to_end(&mut data).await == expected[150_000..]);
        drop(data);
        peer.say("226 done").await;
        peer.check_and_rename_at_once(&temporary, "a", 300_000).await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let log = Log::default();
    let mut line = line(&server, &log);
    let mut source = Memory::new(&file);
    let uploaded = bring(&mut line, &plan("a", &file), &mut source).await.unwrap();
    assert_eq!(uploaded.attempts, 2);
    // What was sent before the break may have been all of it, as far as our own buffers go.
    source.seen.retain(|seen| seen != "confirming");
    assert_eq!(source.seen, ["opened at 0", "interrupted", "opened at 150000"]);
    assert!(log.has("holds 150000 of 300000 bytes. Going on from there."), "{}", log.text());
    server.finished().await;
}

#[tokio::test]
async fn lost_reply_is_no_lost_file() {
    let (name, temporary) = tokio::sync::oneshot::channel();
    let first = script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        assert_eq!(read_to_end(&mut data).await, b"abc");
        name.send(temporary).unwrap();
        // And the connection breaks before the 226.
    });
    let second = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in().await;
        peer.look_again("a", &temporary, 3).await;
        let _port = peer.extended_passive().await;
        peer.check_and_rename_at_once(&temporary, "a", 3).await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let log = Log::default();
    let mut line = line(&server, &log);
    let uploaded = bring(&mut line, &plan("a", b"abc"), &mut Memory::new(b"abc")).await.unwrap();
    assert_eq!(uploaded.attempts, 1);
    assert!(log.has("reply was lost"));
    server.finished().await;
}

#[tokio::test]
async fn server_that_refuses_rest_gets_appe_and_then_the_whole_file() {
    let file = content(300_000);
    let (first_part, rest, whole) = (file.clone(), file.clone(), file.clone());
    let (name, temporary) = tokio::sync::oneshot::channel();
    let first = script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        assert_eq!(read_some(&mut data, 100_000).await, first_part[..100_000]);
        name.send(temporary).unwrap();
    });
    let second = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in().await;
        peer.look_again("a", &temporary, 100_000).await;
        let _port = peer.extended_passive().await;
        peer.answer("REST 100000", "350 from there").await;
        peer.answer(&format!("STOR {temporary}"), "451 Append/Restart not permitted").await;
        peer.answer_noop().await;
        peer.look_again("a", &temporary, 100_000).await;
        let _port = peer.extended_passive().await;
        peer.answer("REST 0", "350 from the start").await;
        peer.answer(&format!("APPE {temporary}"), "451 Append/Restart not permitted").await;
        peer.answer_noop().await;
        peer.look_again("a", &temporary, 100_000).await;
        let port = peer.extended_passive().await;
        peer.answer(&format!("STOR {temporary}"), "150 go").await;
        let mut data = port.accept().await;
        assert!(read_to_end(&mut data).await == whole);
        drop(data);
        peer.say("226 done").await;
        peer.check_and_rename_at_once(&temporary, "a", rest.len()).await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let log = Log::default();
    let mut line = line(&server, &log);
    bring(&mut line, &plan("a", &file), &mut Memory::new(&file)).await.unwrap();
    assert!(log.has("Trying APPE instead") && log.has("It starts over"), "{}", log.text());
    server.finished().await;
}

#[tokio::test]
async fn more_than_was_sent_is_somebody_elses() {
    let file = content(300_000);
    let expected = file.clone();
    let (name, temporary) = tokio::sync::oneshot::channel();
    let first = script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_some(&mut data, 100_000).await;
        name.send(temporary).unwrap();
    });
    let second = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in().await;
        peer.look_again("a", &temporary, 300_001).await;
        let (again, content) = peer.stor_all().await;
        assert_eq!(again, temporary);
        assert!(content == expected);
        peer.check_and_rename_at_once(&temporary, "a", 300_000).await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let log = Log::default();
    let mut line = line(&server, &log);
    bring(&mut line, &plan("a", &file), &mut Memory::new(&file)).await.unwrap();
    assert!(log.has("Starting over"));
    server.finished().await;
}

/// 226, and yet the file is short, twice: a full disk, or a filter.
#[tokio::test]
async fn file_that_is_short_is_not_done_and_does_not_stay() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "a", 2).await;
        peer.answer("RNFR /home/a", "350 to?").await;
        peer.answer(&format!("RNTO {temporary}"), "250 ok").await;
        // It may have been a break: the rest is sent once more, as often as that helps.
        for _ in 0..2 {
            peer.look_again("a", &temporary, 2).await;
            let port = peer.extended_passive().await;
            peer.answer("REST 2", "350 from there").await;
            peer.answer(&format!("STOR {temporary}"), "150 go").await;
            assert_eq!(read_to_end(&mut port.accept().await).await, b"c");
            peer.say("226 done").await;
            peer.check_and_rename_at_once(&temporary, "a", 2).await;
            peer.answer("RNFR /home/a", "350 to?").await;
            peer.answer(&format!("RNTO {temporary}"), "250 ok").await;
        }
        peer.answer(&format!("DELE {temporary}"), "250 gone").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let failed = bring(&mut line, &plan("a", b"abc"), &mut Memory::new(b"abc")).await.unwrap_err();
    let Stop::Engine(error) = &failed.stop else { panic!("{failed:?}") };
    assert_eq!(Cause::of(&error), Cause::NotWhole);
    assert_eq!(failed.leftover, None);
    server.finished().await;
}

/// What is there stays untouched when the new file is not whole.
#[tokio::test]
async fn good_file_is_not_replaced_by_a_short_one() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "213 9").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("SIZE {temporary}"), "213 2").await;
        // It may have been a break: the rest is sent once more, as often as that helps.
        for _ in 0..2 {
            peer.look("a", "213 9").await;
            peer.answer(&format!("SIZE {temporary}"), "213 2").await;
            let port = peer.extended_passive().await;
            peer.answer("REST 2", "350 from there").await;
            peer.answer(&format!("STOR {temporary}"), "150 go").await;
            assert_eq!(read_to_end(&mut port.accept().await).await, b"c");
            peer.say("226 done").await;
            peer.answer(&format!("SIZE {temporary}"), "213 2").await;
        }
        peer.answer(&format!("DELE {temporary}"), "250 gone").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut plan = plan("a", b"abc");
    plan.existing = Existing::Replace;
    let failed = bring(&mut line, &plan, &mut Memory::new(b"abc")).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Engine(_)));
    server.finished().await;
}

const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[tokio::test]
async fn digest_of_the_server_is_compared() {
    let server = Server::start(async |mut peer| {
        log_in_with(&mut peer, " HASH MD5*;SHA-256\r\n XSHA256\r\n MFMT\r\n").await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer("OPTS HASH SHA-256", "200 SHA-256").await;
        peer.answer(&format!("MFMT 20260131120000 {temporary}"), "213 ok").await;
        let answer = format!("213 SHA-256 0-3 {SHA256_OF_ABC} {temporary}");
        peer.hash_and_rename_at_once(&temporary, "a", ("HASH", 3, &answer)).await;
        peer.look("b", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        let other = SHA256_OF_ABC.replace('b', "c");
        let answer = format!("213 SHA-256 0-3 {other} {temporary}");
        peer.hash_and_rename_at_once(&temporary, "b", ("HASH", 3, &answer)).await;
        // Nobody is to find it under that name.
        peer.answer("RNFR /home/b", "350 to?").await;
        peer.answer(&format!("RNTO {temporary}"), "250 ok").await;
        peer.answer(&format!("DELE {temporary}"), "250 gone").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut dated = plan("a", b"abc");
    dated.modified_millis = Some(1_769_860_800_000);
    let uploaded = bring(&mut line, &dated, &mut Memory::new(b"abc")).await.unwrap();
    let Verified::Digest(digest) = &uploaded.verified else { panic!("{uploaded:?}") };
    assert_eq!(digest.hex(), SHA256_OF_ABC);
    let failed = bring(&mut line, &plan("b", b"abc"), &mut Memory::new(b"abc")).await.unwrap_err();
    let Stop::Engine(error) = &failed.stop else { panic!("{failed:?}") };
    assert_eq!(Cause::of(&error), Cause::NotWhole);
    server.finished().await;
}

/// The file is stored and its size is right: that the server makes another digest is no reason to
/// give it up.
#[tokio::test]
async fn server_that_does_not_change_its_algorithm_stores_files_all_the_same() {
    let server = Server::start(async |mut peer| {
        log_in_with(&mut peer, " HASH MD5*;SHA-256\r\n").await;
        for name in ["a", "b"] {
            peer.look(name, "550 none").await;
            let (temporary, _) = peer.stor_all().await;
            if name == "a" {
                peer.answer("OPTS HASH SHA-256", "501 no").await;
            }
            peer.check_and_rename_at_once(&temporary, name, 3).await;
        }
    })
    .await;
    let log = Log::default();
    let mut line = line(&server, &log);
    for name in ["a", "b"] {
        let plan = plan(name, b"abc");
        let uploaded = bring(&mut line, &plan, &mut Memory::new(b"abc")).await.unwrap();
        assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
    }
    assert!(log.has("DigestRefused"), "{}", log.text());
    server.finished().await;
}

#[tokio::test]
async fn digest_that_the_server_does_not_make_after_all_is_done_without() {
    let server = Server::start(async |mut peer| {
        log_in_with(&mut peer, " XCRC\r\n").await;
        for (name, asks) in [("a", true), ("b", false)] {
            peer.look(name, "550 none").await;
            let (temporary, _) = peer.stor_all().await;
            match asks {
                true => {
                    let refused = ("XCRC", 3, "502 not today");
                    peer.hash_and_rename_at_once(&temporary, name, refused).await;
                }
                false => peer.check_and_rename_at_once(&temporary, name, 3).await,
            }
        }
    })
    .await;
    let log = Log::default();
    let mut line = line(&server, &log);
    for name in ["a", "b"] {
        let plan = plan(name, b"abc");
        let uploaded = bring(&mut line, &plan, &mut Memory::new(b"abc")).await.unwrap();
        assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
    }
    assert_eq!(log.count("made no digest"), 1);
    server.finished().await;
}

/// The file got its name with the check that it did not pass, and may not be renamed back.
async fn misnamed(deletes: bool) -> ftps::Error {
    let server = Server::start(async move |mut peer| {
        log_in_with(&mut peer, " XSHA256\r\n").await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        let other = format!("250 {}", SHA256_OF_ABC.replace('b', "c"));
        peer.hash_and_rename_at_once(&temporary, "a", ("XSHA256", 3, &other)).await;
        peer.answer("RNFR /home/a", "550 Permission denied").await;
        let gone = if deletes { "250 gone" } else { "550 Permission denied" };
        peer.answer("DELE /home/a", gone).await;
        peer.answer(&format!("DELE {temporary}"), "550 none").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let failed = bring(&mut line, &plan("a", b"abc"), &mut Memory::new(b"abc")).await.unwrap_err();
    let Stop::Engine(error) = failed.stop else { panic!("{failed:?}") };
    server.finished().await;
    error
}

#[tokio::test]
async fn wrong_file_that_may_not_be_renamed_back_is_removed() {
    let error = misnamed(true).await;
    assert_eq!(Cause::of(&error), Cause::NotWhole);
}

#[tokio::test]
async fn wrong_file_that_cannot_be_taken_back_is_told_with_its_name_and_what_is_wrong() {
    let error = misnamed(false).await;
    assert_eq!(Cause::of(&error), Cause::NotTakenBack);
    let chain = error.chain();
    assert!(chain.contains("/home/a") && chain.contains("another content"), "{chain}");
}

/// Nobody is to wait for an upload that has to go through everything again.
#[tokio::test]
async fn upload_that_is_tried_again_gives_back_the_one_that_was_to_follow() {
    let (name, temporary) = tokio::sync::oneshot::channel();
    let first = script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("SIZE {temporary}"), "213 3").await;
        name.send(temporary).unwrap();
        // And the connection breaks in the flight that asks about the next one, too.
    });
    let second = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in().await;
        peer.look_again("a", &temporary, 3).await;
        let _port = peer.extended_passive().await;
        peer.check_and_rename_at_once(&temporary, "a", 3).await;
        peer.look("b", "550 none").await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let mut line = line(&server, &Log::default());
    let mut source = Memory::new(b"abc");
    source.upcoming = Some(path("b"));
    bring(&mut line, &plan("a", b"abc"), &mut source).await.unwrap();
    let given_back = source.seen.iter().filter(|seen| *seen == "upcoming given back").count();
    assert_eq!(given_back, 1, "{:?}", source.seen);
    assert_eq!(source.upcoming, None, "it was asked for again in the end");
    server.finished().await;
}

/// Nothing is known of the host yet: both sizes are asked for before either is answered.
#[tokio::test]
async fn first_file_is_checked_in_one_round_trip() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.expect(&format!("SIZE {temporary}")).await;
        peer.expect("SIZE /home/a").await;
        peer.say("213 3\r\n550 none").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "250 ok").await;
    })
    .await;
    let log = Log::default();
    let connector = server.connector_for("localhost", ftps::Encryption::Explicit, &log);
    let mut line = ftps::ManagedClient::new(connector);
    bring(&mut line, &plan("a", b"abc"), &mut Memory::new(b"abc")).await.unwrap();
    server.finished().await;
}

/// A source that gives nothing would be asked for ever, and one that gives too much has another
/// file.
#[tokio::test]
async fn piece_without_bytes_or_with_too_many_ends_the_upload_and_not_the_session() {
    for given in [0, 4] {
        let server = Server::start(async |mut peer| {
            peer.log_in().await;
            peer.look("a", "550 none").await;
            let (temporary, mut data) = peer.stor().await;
            while data.read(&mut [0; 100]).await.is_ok_and(|count| count > 0) {}
            drop(data);
            peer.say("426 aborted").await;
            peer.answer_noop().await;
            peer.answer(&format!("DELE {temporary}"), "250 gone").await;
            peer.let_go().await;
        })
        .await;
        let mut line = line(&server, &Log::default());
        let mut source = Odd { given };
        let stop = CancellationToken::new();
        let failed = line.upload(&plan("a", b"abc"), &mut source, &stop).await.unwrap_err();
        let Stop::Engine(error) = &failed.stop else { panic!("{failed:?}") };
        assert_eq!(Cause::of(&error), Cause::WrongPiece, "{error}");
        line.quit().await;
        server.finished().await;
    }
}

/// A source that gives so many bytes whenever it is asked.
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

/// The part that was sent before the break is proved by the digest of its last block.
async fn tail(equal: bool) {
    let file = content(700_000);
    let (sent, expected) = (file.clone(), file.clone());
    let (name, temporary) = tokio::sync::oneshot::channel();
    let first = script(async move |mut peer: Peer| {
        log_in_with(&mut peer, " XSHA256\r\n").await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        assert_eq!(read_some(&mut data, 600_000).await, sent[..600_000]);
        name.send(temporary).unwrap();
    });
    let second = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        log_in_with(&mut peer, " XSHA256\r\n").await;
        peer.look_again("a", &temporary, 550_000).await;
        let port = peer.extended_passive().await;
        let block = Sha256::digest(&expected[262_144..524_288]);
        let mut digest: String = block.iter().map(|byte| format!("{byte:02X}")).collect();
        if !equal {
            digest = digest.replace('A', "B");
        }
        peer.answer(&format!("XSHA256 {temporary} 262144 524288"), &format!("250 {digest}")).await;
        let start = if equal { 524_288 } else { 0 };
        if equal {
            peer.answer("REST 524288", "350 from there").await;
        }
        peer.answer(&format!("STOR {temporary}"), "150 go").await;
        let mut data = port.accept().await;
        assert!(read_to_end(&mut data).await == expected[start..]);
        drop(data);
        peer.say("226 done").await;
        let whole = Sha256::digest(&expected);
        let digest: String = whole.iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = ("XSHA256", 700_000, format!("250 {digest}"));
        peer.hash_and_rename_at_once(&temporary, "a", (hash.0, hash.1, &hash.2)).await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let log = Log::default();
    let mut line = line(&server, &log);
    let uploaded = bring(&mut line, &plan("a", &file), &mut Memory::new(&file)).await.unwrap();
    assert!(matches!(uploaded.verified, Verified::Digest(_)));
    assert_eq!(log.has("shows that it holds what was sent"), equal);
    assert_eq!(log.has("Starting over"), !equal);
    server.finished().await;
}

#[tokio::test]
async fn tail_that_is_proved_is_gone_on_from() {
    tail(true).await;
}

#[tokio::test]
async fn tail_that_differs_is_started_over() {
    tail(false).await;
}

#[tokio::test]
async fn server_that_renames_nothing_is_written_to_in_place_and_says_so_before() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("SIZE {temporary}"), "213 3").await;
        peer.answer(&format!("RNFR {temporary}"), "550 Permission denied").await;
        peer.answer("RNTO /home/a", "503 RNFR first").await;
        peer.answer(&format!("SIZE {temporary}"), "213 3").await;
        peer.answer(&format!("DELE {temporary}"), "550 Permission denied").await;
        peer.look("a", "550 none").await;
        let (name, content) = peer.stor_all().await;
        assert_eq!((name.as_str(), content.as_slice()), ("/home/a", &b"abc"[..]));
        peer.answer("SIZE /home/a", "213 3").await;
    })
    .await;
    let log = Log::default();
    let mut line = line(&server, &log);
    bring(&mut line, &plan("a", b"abc"), &mut Memory::new(b"abc")).await.unwrap();
    assert!(log.has("does not let files be renamed") && log.has("in place"), "{}", log.text());
    server.finished().await;
}

#[tokio::test]
async fn cancelled_upload_leaves_nothing_behind() {
    let file = content(3_000_000);
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        let mut rest = Vec::new();
        // Whether the TCP connection ends with FIN or RST depends on what is under way.
        let _ = data.read_to_end(&mut rest).await;
        drop(data);
        peer.say("426 aborted").await;
        peer.answer_noop().await;
        peer.answer(&format!("DELE {temporary}"), "250 gone").await;
        peer.look("b", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "b", 3).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file);
    source.stop_at = Some((1_000_000, stop.clone()));
    let failed = line.upload(&plan("a", &file), &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Cancelled));
    assert_eq!(failed.leftover, None);
    // The session is in step.
    bring(&mut line, &plan("b", b"xyz"), &mut Memory::new(b"xyz")).await.unwrap();
    server.finished().await;
}

/// An earlier upload of the same file left it: who cancels gives it up.
#[tokio::test]
async fn upload_that_is_cancelled_before_it_goes_on_removes_what_it_would_have_gone_on_with() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.answer("DELE /home/a.0123abcd.part", "250 gone").await;
        peer.look("b", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "b", 3).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let stop = CancellationToken::new();
    stop.cancel();
    for (name, given_up) in [("a.0123abcd.part", "a"), ("/home/other.0123abcd.part", "a")] {
        let given_up = Plan { resume: Some(path(name)), ..plan(given_up, b"xyz") };
        let failed = line.upload(&given_up, &mut Memory::new(b"xyz"), &stop).await.unwrap_err();
        assert!(matches!(failed.stop, Stop::Cancelled));
        let is_anothers = name.contains("other");
        assert_eq!(failed.leftover.is_some(), is_anothers, "{name}");
    }
    // The session is in step.
    bring(&mut line, &plan("b", b"xyz"), &mut Memory::new(b"xyz")).await.unwrap();
    server.finished().await;
}

/// Whatever a caller hands in to go on with: it may be somebody's good file.
#[tokio::test]
async fn name_that_was_handed_in_and_never_looked_at_is_not_removed() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("b", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "b", 3).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let stop = CancellationToken::new();
    stop.cancel();
    let precious = path("/etc/passwd");
    let given_up = Plan { resume: Some(precious.clone()), ..plan("a", b"xyz") };
    let failed = line.upload(&given_up, &mut Memory::new(b"xyz"), &stop).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Cancelled));
    assert_eq!(failed.leftover, Some(precious));
    // The session heard nothing of it.
    bring(&mut line, &plan("b", b"xyz"), &mut Memory::new(b"xyz")).await.unwrap();
    server.finished().await;
}

/// The file is closed properly where it is, so that the server keeps every byte that it was given.
#[tokio::test]
async fn upload_that_is_ended_for_now_keeps_what_the_server_was_given() {
    let file = content(3_000_000);
    let expected = file.clone();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        let held = read_to_end(&mut data).await;
        assert!(held.len() >= 1_000_000 && held == expected[..held.len()]);
        drop(data);
        peer.say("226 stored").await;
        peer.look_again("a", &temporary, held.len()).await;
        let port = peer.extended_passive().await;
        peer.answer(&format!("REST {}", held.len()), "350 from there").await;
        peer.answer(&format!("STOR {temporary}"), "150 go").await;
        assert!(read_to_end(&mut port.accept().await).await == expected[held.len()..]);
        peer.say("226 done").await;
        peer.check_and_rename(&temporary, "a", expected.len()).await;
    })
    .await;
    let log = Log::default();
    let mut line = line(&server, &log);
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file);
    source.stop_at = Some((1_000_000, stop.clone()));
    source.keeps = true;
    let mut plan = plan("a", &file);
    let failed = line.upload(&plan, &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Cancelled), "{failed:?}");
    plan.resume = failed.leftover;
    assert!(plan.resume.is_some() && log.has("ended for now"), "{}", log.text());
    bring(&mut line, &plan, &mut Memory::new(&file)).await.unwrap();
    // The session was in step all the time.
    assert_eq!(log.sessions_that_say("230 in"), [Some(1)]);
    server.finished().await;
}

#[tokio::test]
async fn server_that_does_not_confirm_what_was_ended_for_now_costs_its_session_and_no_file() {
    let file = content(3_000_000);
    let silent = script(async |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (_, mut data) = peer.stor().await;
        read_to_end(&mut data).await;
        peer.expect_end().await;
    });
    let next = script(async |mut peer: Peer| {
        peer.log_in().await;
        peer.look("b", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "b", 3).await;
    });
    let server = Server::start_with(Identity::default(), vec![silent, next]).await;
    let mut config = server.config();
    config.timeouts.abort = Duration::from_millis(100);
    let mut line = ftps::ManagedClient::new(server.connector(config, &Log::default()));
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file);
    source.stop_at = Some((1_000_000, stop.clone()));
    source.keeps = true;
    let failed = line.upload(&plan("a", &file), &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Cancelled) && failed.leftover.is_some(), "{failed:?}");
    bring(&mut line, &plan("b", b"xyz"), &mut Memory::new(b"xyz")).await.unwrap();
    server.finished().await;
}

/// There is no connection to say anything over: what is there stays for the next upload.
#[tokio::test]
async fn upload_that_is_ended_for_now_while_it_waits_to_try_again_keeps_its_part() {
    let file = content(300_000);
    let (name, temporary) = tokio::sync::oneshot::channel();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_some(&mut data, 200_000).await;
        name.send(temporary).unwrap();
    })
    .await;
    let mut config = server.config();
    config.retry.first = Duration::from_secs(3600);
    config.retry.max = Duration::from_secs(3600);
    config.timeouts.verdict = Duration::from_millis(200);
    let mut line = ftps::ManagedClient::new(server.connector(config, &Log::default()));
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file);
    source.stop_at = Some((u64::MAX, stop.clone()));
    source.keeps = true;
    let failed = line.upload(&plan("a", &file), &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Cancelled), "{failed:?}");
    let leftover = failed.leftover.map(|leftover| leftover.display().into_owned());
    assert_eq!(leftover, temporary.await.ok());
    server.finished().await;
}

#[tokio::test]
async fn upload_that_gave_up_can_be_gone_on_with_later() {
    let file = content(300_000);
    let (sent, expected) = (file.clone(), file.clone());
    let (name, temporary) = tokio::sync::oneshot::channel();
    let first = script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        assert_eq!(read_some(&mut data, 200_000).await, sent[..200_000]);
        name.send(temporary).unwrap();
    });
    let refuses = || script(async |mut peer: Peer| peer.say("421 restarting").await);
    let last = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in().await;
        peer.look_again("a", &temporary, 200_000).await;
        let port = peer.extended_passive().await;
        peer.answer("REST 200000", "350 from there").await;
        peer.answer(&format!("STOR {temporary}"), "150 go").await;
        let mut data = port.accept().await;
        assert!(read_to_end(&mut data).await == expected[200_000..]);
        drop(data);
        peer.say("226 done").await;
        peer.check_and_rename_at_once(&temporary, "a", 300_000).await;
    });
    let scripts = vec![first, refuses(), refuses(), refuses(), last];
    let server = Server::start_with(Identity::default(), scripts).await;
    let mut line = line(&server, &Log::default());
    let mut plan = plan("a", &file);
    let failed = bring(&mut line, &plan, &mut Memory::new(&file)).await.unwrap_err();
    assert!(matches!(&failed.stop, Stop::Engine(error) if error.is_transient()), "{failed:?}");
    plan.resume = failed.leftover;
    assert!(plan.resume.is_some());
    let mut source = Memory::new(&file);
    bring(&mut line, &plan, &mut source).await.unwrap();
    assert_eq!(source.seen.first().map(String::as_str), Some("opened at 200000"));
    server.finished().await;
}

#[tokio::test]
async fn lost_reply_to_the_rename_is_no_conflict() {
    let (name, temporary) = tokio::sync::oneshot::channel();
    let first = script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("SIZE {temporary}"), "213 3").await;
        peer.expect(&format!("RNFR {temporary}")).await;
        name.send(temporary).unwrap();
    });
    let second = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in().await;
        peer.look("a", "213 3").await;
        peer.answer(&format!("SIZE {temporary}"), "550 none").await;
        let _port = peer.extended_passive().await;
        peer.answer("SIZE /home/a", "213 3").await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let log = Log::default();
    let mut line = line(&server, &log);
    bring(&mut line, &plan("a", b"abc"), &mut Memory::new(b"abc")).await.unwrap();
    assert!(log.has("it was renamed"));
    server.finished().await;
}

/// A name that is no temporary one of this file would be written over.
#[tokio::test]
async fn name_to_go_on_with_has_to_be_a_temporary_one_of_the_file() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        assert!(temporary.starts_with("/home/a."));
        peer.check_and_rename_at_once(&temporary, "a", 3).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut plan = plan("a", b"abc");
    plan.resume = Some(path("/etc/passwd"));
    bring(&mut line, &plan, &mut Memory::new(b"abc")).await.unwrap();
    server.finished().await;
}

/// The disk is full: no use in trying again, and what was written makes room.
#[tokio::test]
async fn full_disk_is_said_at_once_and_the_part_is_removed() {
    let file = content(3_000_000);
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        read_some(&mut data, 100_000).await;
        peer.say("452 No space left on device").await;
        drop(data);
        peer.answer_noop().await;
        peer.answer(&format!("DELE {temporary}"), "250 gone").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let failed = bring(&mut line, &plan("a", &file), &mut Memory::new(&file)).await.unwrap_err();
    let Stop::Engine(error) = &failed.stop else { panic!("{failed:?}") };
    assert_eq!(Cause::of(&error), Cause::DiskFull);
    server.finished().await;
}

#[tokio::test]
async fn directory_that_is_gone_is_made_again() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.answer("CWD /home/d", "550 none").await;
        peer.answer("MKD /home/d", "257 made").await;
        peer.look("d/a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "d/a", 1).await;
        peer.look("d/b", "550 none").await;
        let _port = peer.extended_passive().await;
        assert!(peer.command().await.unwrap().starts_with("STOR /home/d/b."));
        peer.say("553 Could not create file.").await;
        peer.answer_noop().await;
        peer.answer("CWD /home/d", "550 none").await;
        peer.answer("MKD /home/d", "257 made").await;
        peer.look("d/b", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename_at_once(&temporary, "d/b", 1).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("d/a", b"x"), &mut Memory::new(b"x")).await.unwrap();
    bring(&mut line, &plan("d/b", b"x"), &mut Memory::new(b"x")).await.unwrap();
    server.finished().await;
}

/// The file is great: it is checked before it gets its name.
#[tokio::test]
async fn great_file_is_checked_before_it_is_renamed() {
    let file = content(2_000_000);
    let size = file.len();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.check_and_rename(&temporary, "a", size).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("a", &file), &mut Memory::new(&file)).await.unwrap();
    server.finished().await;
}

/// Servers that do several things at once answer first what is done first.
#[tokio::test]
async fn server_that_answers_out_of_order_gets_commands_one_by_one() {
    let mixes = script(async |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.expect(&format!("SIZE {temporary}")).await;
        peer.expect(&format!("RNFR {temporary}")).await;
        peer.expect("RNTO /home/a").await;
        peer.say("350 to?\r\n213 3\r\n250 ok").await;
        while peer.command().await.is_some() {}
    });
    let careful = script(async |mut peer: Peer| {
        peer.secure().await;
        peer.answer("USER ada", "331 password").await;
        peer.answer(&format!("PASS {}", scripted::SECRET), "230 in").await;
        for command in ["PBSZ 0", "PROT P", "FEAT", "OPTS UTF8 ON", "TYPE I", "PWD"] {
            peer.expect(command).await;
            peer.expect_silence(Duration::from_millis(20)).await;
            peer.say(if command == "PWD" { "257 \"/home\"" } else { "200 ok" }).await;
        }
        peer.look("a", "213 3").await;
        let temporary = peer.command().await.unwrap();
        assert!(temporary.starts_with("SIZE /home/a."), "{temporary}");
        peer.expect_silence(Duration::from_millis(20)).await;
        peer.say("550 none").await;
        let _port = peer.extended_passive().await;
        peer.answer("SIZE /home/a", "213 3").await;
    });
    let server = Server::start_with(Identity::default(), vec![mixes, careful]).await;
    let log = Log::default();
    let mut line = line(&server, &log);
    bring(&mut line, &plan("a", b"abc"), &mut Memory::new(b"abc")).await.unwrap();
    assert!(log.has("in another order") && log.has("one by one"), "{}", log.text());
    server.finished().await;
}

/// A `resume` of the temporary kind says nothing of a file that has the name itself.
#[tokio::test]
async fn leftover_of_another_way_to_write_is_no_excuse_to_write_over_a_file() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("x", "550 none").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("SIZE {temporary}"), "213 1").await;
        peer.answer(&format!("RNFR {temporary}"), "550 Permission denied").await;
        peer.answer("RNTO /home/x", "503 RNFR first").await;
        peer.answer(&format!("SIZE {temporary}"), "213 1").await;
        peer.answer(&format!("DELE {temporary}"), "250 gone").await;
        peer.look("x", "550 none").await;
        let (_, _) = peer.stor_all().await;
        peer.answer("SIZE /home/x", "213 1").await;
        // From here on the directory is known to rename nothing.
        peer.look("a", "213 2").await;
        let _port = peer.extended_passive().await;
        peer.date("a").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("x", b"x"), &mut Memory::new(b"x")).await.unwrap();
    let mut plan = plan("a", b"abc");
    plan.resume = Some(path("a.12345678.part"));
    let failed = bring(&mut line, &plan, &mut Memory::new(b"abc")).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Exists { size: Some(2), .. }), "{failed:?}");
}

/// "Permission denied" is no word about whether there is a file.
#[tokio::test]
async fn size_that_nobody_is_told_costs_no_file() {
    let server = Server::start(async |mut peer| {
        log_in_with(&mut peer, "").await;
        peer.look("a", "550 a: Operation not permitted").await;
        // Whether the name is free is looked for in the listing.
        let port = peer.extended_passive().await;
        peer.answer("LIST", "150 here").await;
        let mut data = port.accept().await;
        data.write_all(b"-rw-r--r-- 1 0 0 9 Jan 31 2025 a\r\n").await.unwrap();
        data.shutdown().await.unwrap();
        peer.say("226 done").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let failed = bring(&mut line, &plan("a", b"abc"), &mut Memory::new(b"abc")).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Exists { size: Some(9), .. }), "{failed:?}");
}

#[tokio::test]
async fn directory_is_not_moved_out_of_the_way() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 a: not a plain file").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("SIZE {temporary}"), "213 3").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "550 Is a directory").await;
        peer.answer("SIZE /home/a", "550 a: not a plain file").await;
        let port = peer.extended_passive().await;
        peer.answer("MLSD /home", "150 here").await;
        let mut data = port.accept().await;
        data.write_all(b"type=dir; a\r\n").await.unwrap();
        data.shutdown().await.unwrap();
        peer.say("226 done").await;
        peer.answer(&format!("DELE {temporary}"), "250 gone").await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut plan = plan("a", b"abc");
    plan.existing = Existing::Replace;
    let failed = bring(&mut line, &plan, &mut Memory::new(b"abc")).await.unwrap_err();
    let Stop::Engine(error) = &failed.stop else { panic!("{failed:?}") };
    assert_eq!(error.reply().unwrap().to_string(), "550 Is a directory");
    server.finished().await;
}

#[tokio::test]
async fn reply_lost_while_the_old_file_makes_way_costs_neither_file() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "213 9").await;
        let (temporary, _) = peer.stor_all().await;
        peer.answer(&format!("SIZE {temporary}"), "213 3").await;
        peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
        peer.answer("RNTO /home/a", "553 exists").await;
        peer.answer("SIZE /home/a", "213 9").await;
        peer.answer("RNFR /home/a", "350 to?").await;
        peer.command().await;
        // And the connection breaks.
    })
    .await;
    let mut line = line(&server, &Log::default());
    let mut plan = plan("a", b"abc");
    plan.existing = Existing::Replace;
    let failed = bring(&mut line, &plan, &mut Memory::new(b"abc")).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::NotReplaced { .. }), "{failed:?}");
    server.finished().await;
}

#[tokio::test]
async fn file_without_a_byte_is_stored_after_a_break_too() {
    let (name, temporary) = tokio::sync::oneshot::channel();
    let first = script(async move |mut peer: Peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let _port = peer.extended_passive().await;
        let command = peer.command().await.unwrap();
        name.send(command.strip_prefix("STOR ").unwrap().to_owned()).unwrap();
    });
    let second = script(async move |mut peer: Peer| {
        let temporary = temporary.await.unwrap();
        peer.log_in().await;
        peer.look("a", "550 none").await;
        peer.answer(&format!("SIZE {temporary}"), "550 none").await;
        assert_eq!(peer.stor_all().await, (temporary.clone(), Vec::new()));
        peer.check_and_rename_at_once(&temporary, "a", 0).await;
    });
    let server = Server::start_with(Identity::default(), vec![first, second]).await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &plan("a", b""), &mut Memory::new(b"")).await.unwrap();
    server.finished().await;
}

/// The late reply to an aborted transfer is not that to the `NOOP` behind it.
#[tokio::test]
async fn two_replies_to_an_abort_do_not_shift_those_that_follow() {
    let file = content(3_000_000);
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, mut data) = peer.stor().await;
        let _ = data.read_to_end(&mut Vec::new()).await;
        drop(data);
        peer.say("426 aborted").await;
        peer.expect("NOOP").await;
        peer.say("226 closed").await;
        peer.say("200 ok").await;
        peer.answer(&format!("DELE {temporary}"), "550 not yours").await;
        peer.look("b", "213 7").await;
        let _port = peer.extended_passive().await;
        peer.date("b").await;
    })
    .await;
    let log = Log::default();
    let mut line = line(&server, &log);
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file);
    source.stop_at = Some((1_000_000, stop.clone()));
    line.upload(&plan("a", &file), &mut source, &stop).await.unwrap_err();
    let failed = bring(&mut line, &plan("b", b"x"), &mut Memory::new(b"x")).await.unwrap_err();
    assert!(
        matches!(failed.stop, Stop::Exists { size: Some(7), .. }),
        "{failed:?}\n{}",
        log.text()
    );
}
