//! Uploads that resume the existing file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use ftps::upload::{Existing, Plan, UploadError};
use scripted::{
    Peer, Scenario, read_some, session,
    uploads::{Memory, content, plan, run},
};
use tokio_util::sync::CancellationToken;

/// The size of the existing file, in bytes.
const HELD: usize = 150_000;

fn going_on(file: &[u8]) -> Plan {
    Plan { existing: Existing::Resume, ..plan("a", file) }
}

/// The existing file gets a temporary name.
async fn adopt(peer: &mut Peer) {
    peer.expect_taken("a", HELD).await;
    make_way(peer).await;
}

async fn make_way(peer: &mut Peer) {
    expect_way(peer).await;
    peer.say("250 ok").await;
}

/// Reads the rename to a temporary name, which is not answered yet.
async fn expect_way(peer: &mut Peer) {
    peer.answer("RNFR /home/a", "350 to?").await;
    let command = peer.command().await.unwrap();
    let temporary = command.strip_prefix("RNTO ").unwrap();
    assert!(temporary.starts_with("/home/a.") && temporary.ends_with(".part"), "{temporary}");
    peer.set_temporary(temporary);
}

#[tokio::test]
async fn file_that_has_the_name_is_resumed_under_a_temporary_one() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        adopt(peer).await;
        assert!(peer.stor_from(HELD).await == expected[HELD..]);
        peer.check_and_rename("a", expected.len()).await;
    })
    .start();
    let mut client = server.managed();
    let mut source = Memory::new(&file);
    run(&mut client, &going_on(&file), &mut source).await.unwrap();
    assert_eq!(source.seen, [format!("opened at {HELD}"), "confirming".to_owned()]);
    server.log.must_have("after its 150000 bytes");
}

#[tokio::test]
async fn file_that_is_not_smaller_is_no_beginning() {
    let file = content(HELD);
    let server = Scenario::session(async |peer| {
        peer.expect_conflict("a", HELD).await;
    })
    .start();
    let mut client = server.managed();
    let failed = run(&mut client, &going_on(&file), &mut Memory::new(&file)).await.unwrap_err();
    let UploadError::Exists { size, modified_millis } = failed.error else { panic!("{failed:?}") };
    assert_eq!((size, modified_millis.is_some()), (Some(HELD as u64), true));
}

#[tokio::test]
async fn name_that_is_free_is_uploaded_to_from_the_start() {
    let server = Scenario::session(async |peer| {
        assert_eq!(peer.upload("a").await, b"abc");
    })
    .start();
    let mut client = server.managed();
    run(&mut client, &going_on(b"abc"), &mut Memory::new(b"abc")).await.unwrap();
}

#[tokio::test]
async fn upload_that_is_given_up_before_it_sent_anything_leaves_the_file_as_it_was() {
    let file = content(300_000);
    let server = Scenario::session(async |peer| {
        adopt(peer).await;
        peer.rename("a").await;
    })
    .start();
    let mut client = server.managed();
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file).stopping_at(HELD as u64, &stop);
    let failed =
        ftps::upload::upload(&mut client, &going_on(&file), &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Cancelled), "{failed:?}");
    assert_eq!(failed.leftover, None);
}

#[tokio::test]
async fn upload_that_is_given_up_after_it_sent_something_removes_nothing() {
    let file = content(3_000_000);
    let server = Scenario::session(async move |peer| {
        adopt(peer).await;
        let port = peer.extended_passive().await;
        peer.answer(&format!("REST {HELD}"), "350 from there").await;
        peer.answer_for_temporary("STOR", "150 go").await;
        let mut data = port.accept().await;
        read_some(&mut data, 100_000).await;
        while tokio::io::AsyncReadExt::read(&mut data, &mut [0; 4096]).await.is_ok_and(|n| n > 0) {}
        drop(data);
        peer.say("426 aborted").await;
        peer.answer_noop().await;
        peer.expect_end().await;
    })
    .start();
    let mut client = server.managed();
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file).stopping_at(1_000_000, &stop);
    let failed =
        ftps::upload::upload(&mut client, &going_on(&file), &mut source, &stop).await.unwrap_err();
    let leftover = failed.leftover.map(|leftover| leftover.display().into_owned());
    assert_eq!(leftover, Some(server.temporary()));
}

#[tokio::test]
async fn where_nothing_may_be_renamed_it_is_resumed_in_place() {
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
    let mut client = server.managed();
    run(&mut client, &going_on(&file), &mut Memory::new(&file)).await.unwrap();
    server.log.must_have("without a temporary name");
}

/// The existing file is the only copy: neither a cancelled nor a failed upload removes it.
#[tokio::test]
async fn what_is_resumed_in_place_is_never_removed() {
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
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file).stopping_at(HELD as u64, &stop);
    let failed =
        ftps::upload::upload(&mut client, &going_on(&file), &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Cancelled), "{failed:?}");
    assert_eq!(failed.leftover, None);
}

/// The existing file cannot be extended: it keeps its name until a whole new one is stored.
#[tokio::test]
async fn where_nothing_can_be_resumed_the_file_stays_until_the_whole_one_is_there() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        adopt(peer).await;
        let first = peer.temporary();
        peer.refuse_restart(HELD, "STOR").await;
        peer.expect_retry("a", HELD).await;
        peer.refuse_restart(0, "APPE").await;
        peer.rename("a").await;
        peer.expect_taken("a", HELD).await;
        assert!(peer.stor_all().await == expected);
        assert_ne!(peer.temporary(), first);
        peer.check_and_rename("a", 300_000).await;
    })
    .start();
    let mut client = server.managed();
    run(&mut client, &going_on(&file), &mut Memory::new(&file)).await.unwrap();
}

/// Bytes were added to it before the server refused to go on: to send the whole file under the same
/// name would cut off the only copy.
#[tokio::test]
async fn extended_file_gets_its_name_back_where_nothing_can_be_resumed_any_more() {
    let file = content(300_000);
    let expected = file.clone();
    let held = HELD + 5_000;
    let first = session(async |peer| {
        adopt(peer).await;
        let port = peer.extended_passive().await;
        peer.answer(&format!("REST {HELD}"), "350 from there").await;
        peer.answer_for_temporary("STOR", "150 go").await;
        read_some(&mut port.accept().await, 10_000).await;
        peer.disconnect();
    });
    let second = session(async move |peer| {
        let adopted = peer.temporary();
        peer.expect_retry("a", held).await;
        peer.refuse_restart(held, "STOR").await;
        peer.expect_retry("a", held).await;
        peer.refuse_restart(0, "APPE").await;
        peer.rename("a").await;
        peer.expect_taken("a", held).await;
        assert!(peer.stor_all().await == expected);
        assert_ne!(peer.temporary(), adopted);
        peer.check_and_rename("a", 300_000).await;
    });
    let server = Scenario::of([first, second]).start();
    let mut client = server.managed();
    run(&mut client, &going_on(&file), &mut Memory::new(&file)).await.unwrap();
}

/// The reply to the rename is lost: the file is found under either name.
#[tokio::test]
async fn break_while_the_file_makes_way_costs_no_byte() {
    for was_moved in [true, false] {
        let file = content(300_000);
        let expected = file.clone();
        let first = session(async move |peer| {
            peer.expect_taken("a", HELD).await;
            expect_way(peer).await;
            peer.disconnect();
        });
        let second = session(async move |peer| {
            if was_moved {
                peer.expect_retry("a", HELD).await;
            } else {
                peer.expect_taken("a", HELD).await;
                peer.answer_for_temporary("SIZE", "550 none").await;
                let temporary = peer.temporary();
                make_way(peer).await;
                assert_eq!(peer.temporary(), temporary);
            }
            assert!(peer.stor_from(HELD).await == expected[HELD..]);
            peer.check_and_rename("a", expected.len()).await;
        });
        let server = Scenario::of([first, second]).start();
        let mut client = server.managed();
        run(&mut client, &going_on(&file), &mut Memory::new(&file)).await.unwrap();
    }
}
