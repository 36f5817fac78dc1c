//! Uploads that go on with the file that has the name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use ftps::upload::{Existing, Plan, Stop};
use scripted::{
    Log, Peer, Server, read_to_end,
    uploads::{Memory, Script, bring, content, line, plan, read_some},
};
use tokio_util::sync::CancellationToken;

/// What has the name already, in bytes.
const HELD: usize = 150_000;

fn going_on(file: &[u8]) -> Plan {
    Plan { existing: Existing::Resume, ..plan("a", file) }
}

/// The beginning makes way to a temporary name, which comes back.
async fn taken_up(peer: &mut Peer) -> String {
    peer.look("a", &format!("213 {HELD}")).await;
    moved(peer).await
}

async fn moved(peer: &mut Peer) -> String {
    peer.answer("RNFR /home/a", "350 to?").await;
    let command = peer.command().await.unwrap();
    let temporary = command.strip_prefix("RNTO ").unwrap().to_owned();
    assert!(temporary.starts_with("/home/a.") && temporary.ends_with(".part"), "{temporary}");
    peer.say("250 ok").await;
    temporary
}

async fn moved_back(peer: &mut Peer, temporary: &str) {
    peer.answer(&format!("RNFR {temporary}"), "350 to?").await;
    peer.answer("RNTO /home/a", "250 ok").await;
}

/// The bytes from `HELD` on.
async fn rest(peer: &mut Peer, name: &str) -> Vec<u8> {
    let port = peer.extended_passive().await;
    peer.answer(&format!("REST {HELD}"), "350 from there").await;
    peer.answer(&format!("STOR {name}"), "150 go").await;
    let content = read_to_end(&mut port.accept().await).await;
    peer.say("226 done").await;
    content
}

#[tokio::test]
async fn file_that_has_the_name_is_gone_on_with_under_a_temporary_one() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        let temporary = taken_up(&mut peer).await;
        assert!(rest(&mut peer, &temporary).await == expected[HELD..]);
        peer.check_and_rename_at_once(&temporary, "a", expected.len()).await;
    })
    .await;
    let log = Log::default();
    let mut line = line(&server, &log);
    let mut source = Memory::new(&file);
    bring(&mut line, &going_on(&file), &mut source).await.unwrap();
    assert_eq!(source.seen, [format!("opened at {HELD}"), "confirming".to_owned()]);
    assert!(log.has("taken for the first 150000 bytes"), "{}", log.text());
    server.finished().await;
}

#[tokio::test]
async fn file_that_is_not_smaller_is_no_beginning() {
    let file = content(HELD);
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look_and_find("a", HELD).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let failed = bring(&mut line, &going_on(&file), &mut Memory::new(&file)).await.unwrap_err();
    let Stop::Exists { size, modified_millis } = failed.stop else { panic!("{failed:?}") };
    assert_eq!((size, modified_millis.is_some()), (Some(HELD as u64), true));
    server.finished().await;
}

#[tokio::test]
async fn name_that_is_free_is_uploaded_to_from_the_start() {
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", "550 none").await;
        let (temporary, content) = peer.stor_all().await;
        assert_eq!(content, b"abc");
        peer.check_and_rename_at_once(&temporary, "a", 3).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &going_on(b"abc"), &mut Memory::new(b"abc")).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn upload_that_is_given_up_before_it_sent_anything_leaves_the_file_as_it_was() {
    let file = content(300_000);
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        let temporary = taken_up(&mut peer).await;
        moved_back(&mut peer, &temporary).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file);
    source.stop_at = Some((HELD as u64, stop.clone()));
    let failed = line.upload(&going_on(&file), &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Cancelled), "{failed:?}");
    assert_eq!(failed.leftover, None);
    server.finished().await;
}

#[tokio::test]
async fn upload_that_is_given_up_after_it_sent_something_removes_nothing() {
    let file = content(3_000_000);
    let (name, temporary) = tokio::sync::oneshot::channel();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        let temporary = taken_up(&mut peer).await;
        let port = peer.extended_passive().await;
        peer.answer(&format!("REST {HELD}"), "350 from there").await;
        peer.answer(&format!("STOR {temporary}"), "150 go").await;
        name.send(temporary).unwrap();
        let mut data = port.accept().await;
        read_some(&mut data, 100_000).await;
        while tokio::io::AsyncReadExt::read(&mut data, &mut [0; 4096]).await.is_ok_and(|n| n > 0) {}
        drop(data);
        peer.say("426 aborted").await;
        peer.answer_noop().await;
        peer.expect_end().await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file);
    source.stop_at = Some((1_000_000, stop.clone()));
    let failed = line.upload(&going_on(&file), &mut source, &stop).await.unwrap_err();
    let leftover = failed.leftover.map(|leftover| leftover.display().into_owned());
    assert_eq!(leftover, temporary.await.ok());
    drop(line);
    server.finished().await;
}

#[tokio::test]
async fn where_nothing_may_be_renamed_it_is_gone_on_with_in_place() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        peer.look("a", &format!("213 {HELD}")).await;
        peer.answer("RNFR /home/a", "550 Permission denied").await;
        peer.look("a", &format!("213 {HELD}")).await;
        assert!(rest(&mut peer, "/home/a").await == expected[HELD..]);
        peer.answer("SIZE /home/a", &format!("213 {}", expected.len())).await;
    })
    .await;
    let log = Log::default();
    let mut line = line(&server, &log);
    bring(&mut line, &going_on(&file), &mut Memory::new(&file)).await.unwrap();
    assert!(log.has("in place"), "{}", log.text());
    server.finished().await;
}

/// In place there is no other copy: neither a cancelled upload nor one that fails removes it.
#[tokio::test]
async fn what_is_gone_on_with_in_place_is_never_removed() {
    let file = content(300_000);
    let server = Server::start(async |mut peer| {
        peer.log_in().await;
        peer.look("a", &format!("213 {HELD}")).await;
        peer.answer("RNFR /home/a", "550 Permission denied").await;
        peer.look("a", &format!("213 {HELD}")).await;
        let _port = peer.extended_passive().await;
        peer.expect_end().await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    let stop = CancellationToken::new();
    let mut source = Memory::new(&file);
    source.stop_at = Some((HELD as u64, stop.clone()));
    let failed = line.upload(&going_on(&file), &mut source, &stop).await.unwrap_err();
    assert!(matches!(failed.stop, Stop::Cancelled), "{failed:?}");
    assert_eq!(failed.leftover, None);
    drop(line);
    server.finished().await;
}

/// Half of a file would have to be written anew: it keeps its name until the whole is there.
#[tokio::test]
async fn where_nothing_can_be_gone_on_with_the_file_stays_until_the_whole_one_is_there() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Server::start(async move |mut peer| {
        peer.log_in().await;
        let first = taken_up(&mut peer).await;
        for (rest, verb) in [(HELD, "STOR"), (0, "APPE")] {
            let _port = peer.extended_passive().await;
            peer.answer(&format!("REST {rest}"), "350 from there").await;
            peer.answer(&format!("{verb} {first}"), "451 Append/Restart not permitted").await;
            peer.answer_noop().await;
            if rest == HELD {
                peer.look_again("a", &first, HELD).await;
            }
        }
        moved_back(&mut peer, &first).await;
        peer.look("a", &format!("213 {HELD}")).await;
        let (second, content) = peer.stor_all().await;
        assert!(content == expected && second != first);
        peer.answer(&format!("SIZE {second}"), "213 300000").await;
        moved_back(&mut peer, &second).await;
    })
    .await;
    let mut line = line(&server, &Log::default());
    bring(&mut line, &going_on(&file), &mut Memory::new(&file)).await.unwrap();
    server.finished().await;
}

/// The reply to the rename is lost: whichever name the beginning has, it is found.
#[tokio::test]
async fn break_while_the_file_makes_way_costs_no_byte() {
    for was_moved in [true, false] {
        let file = content(300_000);
        let expected = file.clone();
        let (name, temporary) = tokio::sync::oneshot::channel();
        let first = scripted::script(async move |mut peer: Peer| {
            peer.log_in().await;
            peer.look("a", &format!("213 {HELD}")).await;
            peer.answer("RNFR /home/a", "350 to?").await;
            let command = peer.command().await.unwrap();
            name.send(command.strip_prefix("RNTO ").unwrap().to_owned()).unwrap();
        });
        let second = scripted::script(async move |mut peer: Peer| {
            let temporary = temporary.await.unwrap();
            peer.log_in().await;
            if was_moved {
                peer.look_again("a", &temporary, HELD).await;
            } else {
                peer.look("a", &format!("213 {HELD}")).await;
                peer.answer(&format!("SIZE {temporary}"), "550 none").await;
                assert_eq!(moved(&mut peer).await, temporary);
            }
            assert!(rest(&mut peer, &temporary).await == expected[HELD..]);
            peer.check_and_rename_at_once(&temporary, "a", expected.len()).await;
        });
        let identity = scripted::Identity::default();
        let server = Server::start_with(identity, vec![first, second]).await;
        let mut line = line(&server, &Log::default());
        bring(&mut line, &going_on(&file), &mut Memory::new(&file)).await.unwrap();
        server.finished().await;
    }
}
