//! Uploads that resume the existing file.

use std::ops::Range;

use ftps::{
    Verified,
    upload::{Existing, Plan, UploadError},
};
use sha2::{Digest as _, Sha256};

use crate::scripted::{
    Peer, Scenario, path, read_some, read_to_end, session,
    uploads::{Memory, cancelled_at, content, hex, plan},
};

/// The size of the existing file, in bytes.
const HELD: usize = 150_000;

fn resuming(file: &[u8]) -> Plan {
    Plan { existing: Existing::Resume, ..plan("a", file) }
}

/// The existing file gets a temporary name.
async fn adopt(peer: &mut Peer) {
    peer.expect_taken("a", HELD).await;
    move_to_temporary_name(peer).await;
}

/// The adopted file gets its name back, which is free.
async fn give_name_back(peer: &mut Peer) {
    peer.expect_free("a").await;
    peer.rename("a").await;
}

async fn move_to_temporary_name(peer: &mut Peer) {
    expect_temporary_name(peer).await;
    peer.say("250 ok").await;
}

/// Reads the rename to a temporary name, which is not answered yet.
async fn expect_temporary_name(peer: &mut Peer) {
    peer.answer("RNFR /home/a", "350 to?").await;
    let command = peer.command().await.unwrap();
    let temporary = command.strip_prefix("RNTO ").unwrap();
    assert!(temporary.starts_with("/home/a.") && temporary.ends_with(".part"), "{temporary}");
    peer.set_temporary(temporary);
}

/// The server refuses to continue the adopted file by either command.
async fn refuse_every_resume(peer: &mut Peer, held: usize) {
    peer.refuse_restart(held, "STOR").await;
    peer.expect_retry("a", held).await;
    peer.refuse_restart(0, "APPE").await;
}

/// The server resumes nothing: the adopted file gets its name back, and the whole file is uploaded
/// under another temporary name.
async fn refuse_to_resume(peer: &mut Peer, held: usize, file: &[u8]) {
    let adopted = peer.temporary();
    refuse_every_resume(peer, held).await;
    give_name_back(peer).await;
    peer.expect_taken("a", held).await;
    assert!(peer.stor_all().await == file);
    assert_ne!(peer.temporary(), adopted);
    peer.check_and_rename("a", file.len()).await;
}

#[tokio::test]
async fn existing_file_is_resumed_under_a_temporary_name() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        adopt(peer).await;
        assert!(peer.stor_from(HELD).await == expected[HELD..]);
        peer.check_and_rename("a", expected.len()).await;
    })
    .start();
    let mut source = Memory::new(&file);
    server.run(&resuming(&file), &mut source).await.unwrap();
    assert_eq!(source.seen, [format!("opened at {HELD}"), "confirming".to_owned()]);
    server.log.must_have("after its 150000 bytes");
}

#[tokio::test]
async fn existing_file_that_is_not_smaller_is_a_conflict() {
    let file = content(HELD);
    let server = Scenario::session(async |peer| {
        peer.expect_conflict("a", HELD).await;
    })
    .start();
    let failed = server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap_err();
    let UploadError::Exists { size, modified_millis } = failed.error else { panic!("{failed:?}") };
    assert_eq!((size, modified_millis.is_some()), (Some(HELD as u64), true));
}

#[tokio::test]
async fn free_name_is_uploaded_from_the_start() {
    let server = Scenario::session(async |peer| {
        assert_eq!(peer.upload("a").await, b"abc");
    })
    .start();
    server.run(&resuming(b"abc"), &mut Memory::new(b"abc")).await.unwrap();
}

#[tokio::test]
async fn cancel_before_the_first_byte_leaves_the_file_unchanged() {
    let file = content(300_000);
    let server = Scenario::session(async |peer| {
        adopt(peer).await;
        give_name_back(peer).await;
    })
    .start();
    let mut client = server.managed();
    let source = Memory::new(&file);
    let leftover = cancelled_at(&mut client, &resuming(&file), source, HELD as u64).await;
    assert_eq!(leftover, None);
}

#[tokio::test]
async fn cancel_after_some_bytes_gives_the_file_its_name_back() {
    let file = content(3_000_000);
    let server = Scenario::session(async move |peer| {
        adopt(peer).await;
        let data = peer.restart(HELD).await;
        peer.answer_abort(data).await;
        give_name_back(peer).await;
    })
    .start();
    let mut client = server.managed();
    let source = Memory::new(&file);
    let leftover = cancelled_at(&mut client, &resuming(&file), source, 1_000_000).await;
    assert_eq!(leftover, None);
}

/// Another client took the name: its file is not replaced.
#[tokio::test]
async fn a_name_that_was_taken_meanwhile_is_not_taken_back() {
    let file = content(3_000_000);
    let server = Scenario::session(async move |peer| {
        adopt(peer).await;
        let data = peer.restart(HELD).await;
        peer.answer_abort(data).await;
        peer.expect_taken("a", 7).await;
        peer.expect_end().await;
    })
    .start();
    let mut client = server.managed();
    let source = Memory::new(&file);
    let leftover = cancelled_at(&mut client, &resuming(&file), source, 1_000_000).await;
    assert_eq!(leftover, Some(path(&server.temporary())));
}

/// The digests of a server that holds these bytes.
async fn answer_digest(peer: &mut Peer, range: Option<Range<usize>>, bytes: &[u8]) {
    let hex = hex(&Sha256::digest(bytes));
    let range = range.map_or_else(String::new, |range| format!(" {} {}", range.start, range.end));
    peer.answer(&format!("XSHA256 /home/a{range}"), &format!("250 {hex}")).await;
}

#[tokio::test]
async fn existing_file_is_compared_by_digest_before_it_is_renamed() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        peer.expect_taken("a", HELD).await;
        answer_digest(peer, None, &expected[..HELD]).await;
        move_to_temporary_name(peer).await;
        assert!(peer.stor_from(HELD).await == expected[HELD..]);
        peer.check_and_rename("a", expected.len()).await;
    })
    .features(" XSHA256\r\n")
    .start();
    // The source knows no digest of the whole file.
    let uploaded = server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 300_000 });
}

#[tokio::test]
async fn another_existing_file_keeps_its_name_and_is_a_conflict() {
    let file = content(300_000);
    let server = Scenario::session(async move |peer| {
        peer.expect_taken("a", HELD).await;
        answer_digest(peer, None, &[b'A'; HELD]).await;
        peer.answer_date("a").await;
    })
    .features(" XSHA256\r\n MLST modify*;\r\n")
    .start();
    let failed = server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap_err();
    let UploadError::Exists { size, .. } = failed.error else { panic!("{failed:?}") };
    assert_eq!((size, failed.leftover), (Some(HELD as u64), None));
    server.log.must_have("is not the beginning of the uploaded file");
}

/// Reading the source costs the user's time: of a large file, both ends are compared.
#[tokio::test]
async fn a_large_existing_file_is_compared_by_both_ends() {
    const MIB: usize = 1 << 20;
    let file = content(6 * MIB);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        peer.expect_taken("a", 5 * MIB).await;
        answer_digest(peer, Some(0..MIB), &expected[..MIB]).await;
        answer_digest(peer, Some(4 * MIB..5 * MIB), &[0; MIB]).await;
        peer.answer_date("a").await;
    })
    .features(" XSHA256\r\n MLST modify*;\r\n")
    .start();
    let failed = server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Exists { .. }), "{failed:?}");
}

/// The size of two files that are joined proves nothing.
#[tokio::test]
async fn a_resumed_file_is_not_verified_where_the_server_computes_no_digest() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        adopt(peer).await;
        peer.stor_from(HELD).await;
        peer.check_and_rename("a", expected.len()).await;
    })
    .start();
    let uploaded = server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap();
    assert_eq!(uploaded.verified, Verified::ReplyOnly);
    server.log.must_have("cannot confirm that the existing file is the beginning");
}

#[tokio::test]
async fn existing_file_is_resumed_in_place_where_renames_are_refused() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        peer.expect_taken("a", HELD).await;
        peer.answer("RNFR /home/a", "550 Permission denied").await;
        peer.expect_taken("a", HELD).await;
        peer.set_temporary("/home/a");
        assert!(peer.stor_from(HELD).await == expected[HELD..]);
        peer.answer("SIZE /home/a", &format!("213 {}", expected.len())).await;
    })
    .start();
    server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap();
    server.log.must_have("without a temporary name");
}

/// The existing file is the only copy: neither a cancelled nor a failed upload removes it.
#[tokio::test]
async fn file_resumed_in_place_is_never_removed() {
    let file = content(300_000);
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a", HELD).await;
        peer.answer("RNFR /home/a", "550 Permission denied").await;
        peer.expect_taken("a", HELD).await;
        let _port = peer.extended_passive().await;
        peer.expect_end().await;
    })
    .start();
    let mut client = server.managed();
    let source = Memory::new(&file);
    let leftover = cancelled_at(&mut client, &resuming(&file), source, HELD as u64).await;
    assert_eq!(leftover, None);
}

/// The part file is the only copy of the existing file: an upload from its start would cut it off.
#[tokio::test]
async fn adopted_file_whose_size_is_refused_for_now_is_not_overwritten() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        adopt(peer).await;
        peer.refuse_restart(HELD, "STOR").await;
        peer.answer_size("a", "550 none").await;
        peer.answer_for_temporary("SIZE", "450 busy, try again later").await;
        let port = peer.extended_passive().await;
        // The client asks again.
        peer.answer_temporary_size(HELD).await;
        peer.answer("REST 0", "350 from there").await;
        peer.answer_for_temporary("APPE", "150 go").await;
        assert!(read_to_end(&mut port.accept().await).await == expected[HELD..]);
        peer.say("226 done").await;
        peer.check_and_rename("a", expected.len()).await;
    })
    .start();
    server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap();
}

/// The existing file cannot be extended: it keeps its name until a whole new one is stored.
#[tokio::test]
async fn existing_file_stays_until_the_new_one_is_complete_where_resuming_is_refused() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        adopt(peer).await;
        refuse_to_resume(peer, HELD, &expected).await;
    })
    .start();
    server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap();
}

/// Another client took the name while the server refused to resume: its file is not replaced.
#[tokio::test]
async fn adopted_file_does_not_take_its_name_back_from_another_file() {
    let file = content(300_000);
    let server = Scenario::session(async move |peer| {
        adopt(peer).await;
        refuse_every_resume(peer, HELD).await;
        peer.expect_conflict("a", 7).await;
        peer.expect_taken("a", 7).await;
    })
    .start();
    let failed = server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Exists { size: Some(7), .. }), "{failed:?}");
    assert_eq!(failed.leftover, Some(path(&server.temporary())));
}

/// The server refused to resume after it had added bytes: sending the whole file under the same name
/// would cut off the only copy.
#[tokio::test]
async fn extended_file_gets_its_name_back_where_resuming_is_refused_later() {
    let file = content(300_000);
    let expected = file.clone();
    let held = HELD + 5_000;
    let first = session(async |peer| {
        adopt(peer).await;
        read_some(&mut peer.restart(HELD).await, 10_000).await;
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.expect_retry("a", held).await;
        refuse_to_resume(peer, held, &expected).await;
    });
    let server = Scenario::of([first, second]).start();
    server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap();
}

/// Another client added to the part file: sending the whole file under its name would cut off the
/// existing one.
#[tokio::test]
async fn adopted_file_that_cannot_be_continued_gets_its_name_back() {
    let file = content(300_000);
    let expected = file.clone();
    let first = session(async |peer| {
        adopt(peer).await;
        read_some(&mut peer.restart(HELD).await, 10_000).await;
        peer.disconnect();
    });
    let second = session(async move |peer| {
        let adopted = peer.temporary();
        peer.expect_retry("a", 300_001).await;
        give_name_back(peer).await;
        peer.expect_taken("a", 300_001).await;
        assert!(peer.stor_all().await == expected);
        assert_ne!(peer.temporary(), adopted);
        peer.check_and_rename("a", 300_000).await;
    });
    let server = Scenario::of([first, second]).start();
    server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap();
}

/// The reply to the rename is lost: the file is found under either name.
#[tokio::test]
async fn break_during_the_rename_of_an_existing_file_costs_no_byte() {
    for was_moved in [true, false] {
        let file = content(300_000);
        let expected = file.clone();
        let first = session(async move |peer| {
            peer.expect_taken("a", HELD).await;
            expect_temporary_name(peer).await;
            peer.disconnect();
        });
        let second = session(async move |peer| {
            if was_moved {
                peer.expect_retry("a", HELD).await;
            } else {
                peer.answer_size("a", &format!("213 {HELD}")).await;
                peer.answer_for_temporary("SIZE", "550 none").await;
                let temporary = peer.temporary();
                move_to_temporary_name(peer).await;
                assert_eq!(peer.temporary(), temporary);
            }
            assert!(peer.stor_from(HELD).await == expected[HELD..]);
            peer.check_and_rename("a", expected.len()).await;
        });
        let server = Scenario::of([first, second]).start();
        server.run(&resuming(&file), &mut Memory::new(&file)).await.unwrap();
    }
}

/// The size may be one that is reported late: bytes that are sent to the file would cut it off.
#[tokio::test]
async fn existing_file_of_size_0_is_replaced_by_the_complete_new_one() {
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a", 0).await;
        assert_eq!(peer.stor_all().await, b"abc");
        peer.check_and_rename("a", 3).await;
    })
    .start();
    server.run(&resuming(b"abc"), &mut Memory::new(b"abc")).await.unwrap();
}

/// An earlier upload may have adopted the file whose part file is resumed: its first bytes may be the
/// only copy of another client's file.
#[tokio::test]
async fn part_file_that_may_be_adopted_is_not_deleted_when_the_server_rejects_the_file() {
    let file = content(300_000);
    let part = "/home/a.0123abcd.part";
    let server = Scenario::session(async move |peer| {
        peer.set_temporary(part);
        peer.expect_retry("a", HELD).await;
        read_to_end(&mut peer.restart(HELD).await).await;
        peer.say("451 Virus found").await;
        peer.expect_end().await;
    })
    .start();
    let plan = Plan { resume: Some(path(part)), ..resuming(&file) };
    let failed = server.run(&plan, &mut Memory::new(&file)).await.unwrap_err();
    assert_eq!(failed.leftover, Some(path(part)));
}

#[tokio::test]
async fn part_file_that_may_be_adopted_is_not_deleted_by_a_cancel() {
    let server = Scenario::session(async |peer| peer.expect_end().await).start();
    let mut client = server.managed();
    let part = path("/home/a.0123abcd.part");
    let plan = Plan { resume: Some(part.clone()), ..resuming(b"xyz") };
    assert_eq!(cancelled_at(&mut client, &plan, Memory::new(b"xyz"), 0).await, Some(part));
}
