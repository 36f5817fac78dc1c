//! Transfers: replies that come early, late, twice or never, and connections that break.

use std::time::Duration;

use ftps::{Cause, EntryKind, Fallback, Stage};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::sleep,
};

use crate::scripted::{Scenario, path, read_some, read_to_end, upload, uploads::assert_in_step};

/// More bytes than all buffers between client and server hold.
const MUCH: usize = 64 * 1024 * 1024;

/// Writes until an error comes.
async fn write_until_error(upload: &mut ftps::Store<'_>) -> ftps::Error {
    let piece = vec![7; 256 * 1024];
    for _ in 0..MUCH / piece.len() {
        if let Err(error) = upload.write(&piece).await {
            return error;
        }
    }
    panic!("the server took it all");
}

#[tokio::test]
async fn empty_file_is_stored() {
    let server = Scenario::session(async |peer| {
        assert_eq!(peer.store("empty").await, b"");
    })
    .start();
    let mut client = server.open().await;
    assert_eq!(upload(&mut client, "empty", b"").await.unwrap().bytes, 0);
}

#[tokio::test]
async fn file_larger_than_all_buffers_arrives_complete() {
    let content: Vec<u8> =
        (0..u32::try_from(MUCH / 4).unwrap()).flat_map(u32::to_le_bytes).collect();
    let expected = content.clone();
    let server = Scenario::session(async move |peer| {
        assert!(peer.store("big").await == expected);
    })
    .start();
    let mut client = server.open().await;
    let stored = upload(&mut client, "big", &content).await.unwrap();
    assert_eq!(stored.bytes, MUCH as u64);
}

/// Bytes that cannot be sent are an error at once; the client does not wait for a confirmation.
#[tokio::test]
async fn last_bytes_that_the_server_does_not_accept_are_an_error() {
    let (ended, has_ended) = tokio::sync::oneshot::channel();
    let server = Scenario::session(async move |peer| {
        let mut data = peer.receive("a").await;
        data.shutdown().await.unwrap();
        drop(data);
        ended.send(()).unwrap();
        peer.expect_end().await;
    })
    .start();
    let mut client =
        server.open_with(|config| config.timeouts.verdict = Duration::from_millis(100)).await;
    let mut store = client.store(&path("a"), 0).await.unwrap();
    has_ended.await.unwrap();
    // Time to see the server's close, and its reaction to another byte.
    for bytes in [&b""[..], b"x"] {
        store.write(bytes).await.unwrap();
        let nothing_wrong = tokio::time::timeout(Duration::from_millis(50), store.watch()).await;
        nothing_wrong.unwrap_err();
    }
    let error = store.finish().await.unwrap_err();
    assert!(!error.is_timeout(), "{error:?}");
    assert!(error.to_string().contains("the data connection failed"), "{error:?}");
}

#[tokio::test]
async fn late_226_is_awaited() {
    let server = Scenario::session(async |peer| {
        let mut data = peer.receive("a").await;
        read_to_end(&mut data).await;
        data.shutdown().await.unwrap();
        drop(data);
        // Longer than every other deadline of this test.
        sleep(Duration::from_millis(600)).await;
        peer.say("226 done at last").await;
    })
    .start();
    let mut client = server
        .open_with(|config| {
            config.timeouts.stall = Duration::from_millis(300);
            config.timeouts.drain = Duration::from_millis(100);
        })
        .await;
    let stored = upload(&mut client, "a", b"a").await.unwrap();
    assert_eq!(stored.reply.to_string(), "226 done at last");
}

#[tokio::test]
async fn missing_226_ends_within_the_deadline() {
    let server = Scenario::session(async |peer| {
        peer.receive_all("a").await;
        peer.expect_end().await;
    })
    .start();
    let mut client =
        server.open_with(|config| config.timeouts.final_reply = Duration::from_millis(100)).await;
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert_eq!(error.stage(), Stage::Verify);
    assert!(error.is_timeout() && !client.is_usable());
}

#[tokio::test]
async fn reply_226_before_the_data_connection_closes_is_success() {
    let server = Scenario::session(async |peer| {
        peer.receive_all("a").await;
        peer.say("226 done").await;
        // The server leaves the data connection open.
        peer.answer_size("a", "213 1").await;
    })
    .start();
    let mut client = server.open().await;
    upload(&mut client, "a", b"a").await.unwrap();
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(1));
}

#[tokio::test]
async fn reply_226_before_the_last_byte_is_no_success() {
    let server = Scenario::session(async |peer| {
        let _data = peer.receive("a").await;
        peer.say("226 enough").await;
        peer.expect_end().await;
    })
    .start();
    let mut client = server.open().await;
    let mut upload = client.store(&path("a"), 0).await.unwrap();
    let error = write_until_error(&mut upload).await;
    assert_eq!(error.reply().unwrap().to_string(), "226 enough");
    assert_eq!(Cause::of(&error), Cause::TransferBroken);
}

#[tokio::test]
async fn transfer_without_a_1yz_reply_succeeds() {
    let server = Scenario::session(async |peer| {
        for _ in 0..2 {
            let port = peer.extended_passive().await;
            peer.expect("STOR /home/a").await;
            let mut data = port.accept().await;
            assert_eq!(read_to_end(&mut data).await, b"a");
            peer.say("226 done").await;
        }
    })
    .start();
    server.upload_twice().await;
}

#[tokio::test]
async fn second_1yz_reply_is_ignored() {
    let server = Scenario::session(async |peer| {
        for _ in 0..2 {
            let mut data = peer.receive("a").await;
            peer.say("125-going\r\n125 on").await;
            read_to_end(&mut data).await;
            peer.say("250 done").await;
        }
    })
    .start();
    let mut client = server.open().await;
    upload(&mut client, "a", b"a").await.unwrap();
    assert_eq!(upload(&mut client, "a", b"a").await.unwrap().reply.to_string(), "250 done");
}

#[tokio::test]
async fn two_final_replies_do_not_shift_those_that_follow() {
    let server = Scenario::session(async |peer| {
        peer.receive_all("a").await;
        peer.say("451 no").await;
        peer.say("550 and no again").await;
        peer.answer_noop().await;
        peer.expect_in_step().await;
    })
    .start();
    let (mut client, error) = server.failed_upload().await;
    assert_eq!(error.reply().unwrap().to_string(), "451 no");
    assert_in_step(&mut client).await;
    server.log.must_have("no command was waiting for it");
}

#[tokio::test]
async fn stray_reply_is_no_reply_to_the_next_command() {
    let server = Scenario::session(async |peer| {
        peer.answer_size("a", "213 4\r\n213 5").await;
        peer.expect_end().await;
    })
    .start();
    let mut client = server.open().await;
    assert_in_step(&mut client).await;
    assert!(client.size(&path("b")).await.is_err());
    assert!(!client.is_usable());
}

#[tokio::test]
async fn reply_421_during_a_transfer_is_its_error() {
    let server = Scenario::session(async |peer| {
        let mut data = peer.receive("a").await;
        read_some(&mut data, 1000).await;
        peer.say("421 Timeout.").await;
    })
    .start();
    let connector = server.connector();
    let mut client = connector.open().await.unwrap();
    let mut upload = client.store(&path("a"), 0).await.unwrap();
    let error = write_until_error(&mut upload).await;
    assert_eq!(error.reply().unwrap().to_string(), "421 Timeout.");
    assert_eq!(error.stage(), Stage::Transfer);
    assert_eq!(Cause::of(&error), Cause::TransferTimedOut);
    assert!(!client.is_usable());
    assert_eq!(connector.learn(&error), None);
}

#[tokio::test]
async fn reply_552_during_a_transfer_means_an_exceeded_quota() {
    let server = Scenario::session(async |peer| {
        let mut data = peer.receive("a").await;
        read_some(&mut data, 1000).await;
        peer.say("552 Quota exceeded").await;
        drop(data);
        peer.answer_noop().await;
        peer.answer("DELE /home/a", "250 gone").await;
    })
    .start();
    let mut client = server.open().await;
    let mut upload = client.store(&path("a"), 0).await.unwrap();
    let error = write_until_error(&mut upload).await;
    assert_eq!(error.reply().unwrap().to_string(), "552 Quota exceeded");
    assert_eq!(error.stage(), Stage::Transfer);
    assert_eq!(Cause::of(&error), Cause::QuotaExceeded);
    client.delete(&path("a")).await.unwrap();
}

#[tokio::test]
async fn refusal_is_read_while_there_is_nothing_to_write() {
    let server = Scenario::session(async |peer| {
        let mut data = peer.receive("a").await;
        read_some(&mut data, 4).await;
        peer.say("452 full").await;
        peer.expect("NOOP").await;
    })
    .start();
    let mut client = server.open().await;
    let mut upload = client.store(&path("a"), 0).await.unwrap();
    upload.write(b"some").await.unwrap();
    let error = upload.watch().await;
    assert_eq!(error.reply().unwrap().to_string(), "452 full");
    let _ = upload.abort().await;
}

#[tokio::test]
async fn control_connection_that_breaks_mid_transfer_is_an_error() {
    let server = Scenario::session(async |peer| {
        let data = peer.receive("a").await;
        drop((peer, data));
    })
    .start();
    let mut client = server.open().await;
    let mut upload = client.store(&path("a"), 0).await.unwrap();
    let error = write_until_error(&mut upload).await;
    assert!(error.is_transient() && error.reply().is_none());
    assert!(!client.is_usable());
}

#[tokio::test]
async fn data_connection_that_takes_nothing_ends_within_the_deadline() {
    let server = Scenario::session(async |peer| {
        let _data = peer.receive("a").await;
        peer.expect_end().await;
    })
    .start();
    let mut client = server
        .open_with(|config| {
            config.timeouts.stall = Duration::from_millis(200);
            config.timeouts.verdict = Duration::from_millis(100);
        })
        .await;
    let mut upload = client.store(&path("a"), 0).await.unwrap();
    let error = write_until_error(&mut upload).await;
    assert!(error.is_timeout());
    assert_eq!(error.stage(), Stage::Transfer);
}

#[tokio::test]
async fn transfer_succeeds_without_close_notify_of_the_server() {
    let server = Scenario::session(async |peer| {
        for _ in 0..2 {
            let mut data = peer.receive("a").await;
            read_to_end(&mut data).await;
            // Only the FIN ends the data.
            let (mut tcp, _) = data.into_inner();
            tcp.shutdown().await.unwrap();
            peer.say("226 done").await;
        }
    })
    .start();
    server.upload_twice().await;
}

#[tokio::test]
async fn data_sent_by_the_server_during_an_upload_is_an_error() {
    let server = Scenario::session(async |peer| {
        let mut data = peer.receive("a").await;
        data.write_all(b"here, have some").await.unwrap();
        data.flush().await.unwrap();
        peer.expect_end().await;
    })
    .start();
    let mut client =
        server.open_with(|config| config.timeouts.verdict = Duration::from_millis(50)).await;
    let mut upload = client.store(&path("a"), 0).await.unwrap();
    let error = write_until_error(&mut upload).await;
    assert_eq!(Cause::of(&error), Cause::ProtocolViolation);
}

#[tokio::test]
async fn aborted_upload_leaves_the_client_in_step() {
    let server = Scenario::session(async |peer| {
        let mut data = peer.receive("a").await;
        let mut content = Vec::new();
        let ended = data.read_to_end(&mut content).await;
        assert!(ended.is_err(), "without close_notify the server can tell that it is not whole");
        peer.say("426 aborted").await;
        peer.answer_noop().await;
        assert_eq!(peer.store("b").await, b"b");
    })
    .start();
    let mut client = server.open().await;
    let mut half = client.store(&path("a"), 0).await.unwrap();
    half.write(b"half").await.unwrap();
    half.abort().await.unwrap();
    assert!(client.is_usable());
    upload(&mut client, "b", b"b").await.unwrap();
}

#[tokio::test]
async fn aborted_upload_that_is_never_answered_leaves_the_client_unusable() {
    let server = Scenario::session(async |peer| {
        let _data = peer.receive("a").await;
        peer.expect_end().await;
    })
    .start();
    let mut client =
        server.open_with(|config| config.timeouts.abort = Duration::from_millis(100)).await;
    let upload = client.store(&path("a"), 0).await.unwrap();
    assert!(upload.abort().await.unwrap_err().is_timeout());
    assert!(!client.is_usable());
}

#[tokio::test]
async fn dropped_upload_leaves_the_client_unusable() {
    let server = Scenario::session(async |peer| {
        let _data = peer.receive("a").await;
        peer.expect_end().await;
    })
    .start();
    let connector = server.connector();
    let mut client = connector.open().await.unwrap();
    drop(client.store(&path("a"), 0).await.unwrap());
    assert!(!client.is_usable());
    let error = client.size(&path("a")).await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::ConnectionLost);
    assert_eq!(connector.learn(&error), None::<Fallback>);
}

#[tokio::test]
async fn dropped_write_can_go_on_with_the_next_byte() {
    let content: Vec<u8> = (0..8_000_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let expected = content.clone();
    let server = Scenario::session(async move |peer| {
        let mut data = peer.receive("a").await;
        sleep(Duration::from_millis(200)).await;
        assert!(read_to_end(&mut data).await == expected);
        peer.say("226 done").await;
    })
    .start();
    let mut client = server.open().await;
    let mut upload = client.store(&path("a"), 0).await.unwrap();
    let mut drops = 0;
    loop {
        let from = usize::try_from(upload.taken()).unwrap();
        let write = upload.write(&content[from..]);
        match tokio::time::timeout(Duration::from_millis(5), write).await {
            Ok(written) => break written.unwrap(),
            Err(_) => drops += 1,
        }
    }
    assert!(drops > 0);
    upload.finish().await.unwrap();
}

#[tokio::test]
async fn listing_is_read_and_the_session_goes_on() {
    let server = Scenario::session(async |peer| {
        peer.answer("CWD /home/dir", "250 there").await;
        let port = peer.extended_passive().await;
        peer.answer("MLSD", "150 go").await;
        let mut data = port.accept().await;
        data.write_all(b"type=cdir; .\r\ntype=dir; sub\r\ntype=file;size=3; a b\r\n")
            .await
            .unwrap();
        data.shutdown().await.unwrap();
        peer.say("226 done").await;
        peer.store("x").await;
    })
    .start();
    let mut client = server.open().await;
    let listing = client.list(&path("dir")).await.unwrap();
    let entries: Vec<_> =
        listing.entries.iter().map(|e| (e.name.to_string(), e.kind, e.size)).collect();
    assert_eq!(
        entries,
        [
            ("sub".to_owned(), EntryKind::Directory, None),
            ("a b".to_owned(), EntryKind::File, Some(3))
        ]
    );
    upload(&mut client, "x", b"x").await.unwrap();
}

#[tokio::test]
async fn listing_without_close_notify_is_whole_if_the_reply_says_so() {
    let server = Scenario::session(async |peer| {
        peer.answer("CWD /home/dir", "250 there").await;
        for reply in ["226 done", "451 broken off"] {
            let port = peer.extended_passive().await;
            peer.answer("MLSD", "150 go").await;
            let mut data = port.accept().await;
            data.write_all(b"type=dir; sub\r\n").await.unwrap();
            data.flush().await.unwrap();
            let (mut tcp, _) = data.into_inner();
            tcp.shutdown().await.unwrap();
            peer.say(reply).await;
        }
    })
    .start();
    let mut client = server.open().await;
    assert_eq!(client.list(&path("dir")).await.unwrap().entries.len(), 1);
    server.log.must_have("without close_notify");
    let error = client.list(&path("dir")).await.unwrap_err();
    assert_eq!(error.reply().unwrap().to_string(), "451 broken off");
}

#[tokio::test]
async fn endless_listing_is_cut_off_and_the_session_goes_on() {
    let server = Scenario::session(async |peer| {
        peer.answer("CWD /home/dir", "250 there").await;
        let port = peer.extended_passive().await;
        peer.answer("MLSD", "150 go").await;
        let mut data = port.accept().await;
        while data.write_all(b"type=file; another\r\n").await.is_ok() {}
        peer.say("426 aborted").await;
        peer.answer_noop().await;
        peer.store("x").await;
    })
    .start();
    let mut client = server
        .open_with(|config| {
            config.limits.listing.bytes = 100_000;
            config.limits.listing.entries = 10;
        })
        .await;
    let listing = client.list(&path("dir")).await.unwrap();
    assert_eq!((listing.entries.len(), listing.is_complete), (10, false));
    assert!(listing.left_out > 4000);
    upload(&mut client, "x", b"x").await.unwrap();
}

#[tokio::test]
async fn directories_that_exist_are_found_and_made_once() {
    let server = Scenario::session(async |peer| {
        peer.answer("CWD /home/a/b", "550 no such directory").await;
        peer.answer("MKD /home/a", "550 exists").await;
        peer.answer("MKD /home/a/b", "257 \"/home/a/b\" made").await;
        peer.answer("CWD /home/a/c", "550 no").await;
        peer.answer("MKD /home/a/c", "550 no").await;
        peer.answer("CWD /home/a/c", "550 no").await;
        peer.expect_quit().await;
    })
    .start();
    let mut client = server.open().await;
    client.make_directories(&path("a/b")).await.unwrap();
    client.make_directories(&path("/home/a/b")).await.unwrap();
    let error = client.make_directories(&path("a/c")).await.unwrap_err();
    assert_eq!(error.stage(), Stage::MakeDirectory);
    assert_eq!(error.reply().unwrap().to_string(), "550 no");
    client.quit().await;
}

#[tokio::test]
async fn unknown_size_is_told_from_a_missing_file() {
    let server = Scenario::session(async |peer| {
        peer.answer_size("a", "213 18446744073709551615").await;
        peer.answer_size("b", "550 no such file").await;
        peer.answer_size("c", "502 what?").await;
        peer.answer_size("d", "213 many").await;
    })
    .start();
    let mut client = server.open().await;
    assert_eq!(client.size(&path("a")).await.unwrap(), Some(u64::MAX));
    assert_eq!(client.size(&path("b")).await.unwrap(), None);
    assert!(client.size(&path("c")).await.unwrap_err().is_not_supported());
    assert!(!client.size(&path("d")).await.unwrap_err().is_not_supported());
}

/// The server keeps the data connection open after its reply.
#[tokio::test]
async fn listing_that_the_server_confirmed_needs_no_end() {
    let server = Scenario::session(async |peer| {
        let port = peer.extended_passive().await;
        peer.answer("MLSD", "150 go").await;
        let mut data = port.accept().await;
        data.write_all(b"type=dir; sub\r\n").await.unwrap();
        data.flush().await.unwrap();
        peer.say("226 done").await;
        peer.expect_in_step().await;
    })
    .start();
    let mut client = server.open().await;
    assert_eq!(client.list(&path("/home")).await.unwrap().entries.len(), 1);
    assert_in_step(&mut client).await;
}

/// Each byte comes in time, and yet the listing does not end.
#[tokio::test]
async fn listing_that_is_too_slow_ends_within_its_deadline() {
    let server = Scenario::session(async |peer| {
        let port = peer.extended_passive().await;
        peer.answer("MLSD", "150 go").await;
        let mut data = port.accept().await;
        while data.write_all(b"x").await.is_ok() && data.flush().await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
        peer.expect_end().await;
    })
    .start();
    let mut client = server
        .open_with(|config| {
            config.timeouts.listing = Duration::from_millis(200);
            config.timeouts.verdict = Duration::from_millis(50);
        })
        .await;
    let error = client.list(&path("/home")).await.unwrap_err();
    assert!(error.is_timeout() && !client.is_usable(), "{error:?}");
}

#[tokio::test]
async fn reply_332_to_stor_means_a_missing_account_for_good() {
    let server = Scenario::session(async |peer| {
        let _port = peer.extended_passive().await;
        peer.answer("STOR /home/a", "332 Need account for storing files").await;
        peer.answer_noop().await;
        peer.expect_in_step().await;
    })
    .start();
    let (mut client, error) = server.failed_upload().await;
    assert_eq!(Cause::of(&error), Cause::AccountNeeded);
    assert!(error.is_permanent());
    assert_in_step(&mut client).await;
}

#[tokio::test]
async fn preliminary_replies_without_end_are_an_error() {
    let server = Scenario::session(async |peer| {
        let _port = peer.extended_passive().await;
        peer.expect("STOR /home/a").await;
        while peer.try_send(b"150 soon\r\n").await.is_ok() {}
    })
    .start();
    let (client, error) = server.failed_upload().await;
    assert_eq!(Cause::of(&error), Cause::ProtocolViolation);
    assert!(!client.is_usable());
    assert_eq!(server.log.count("Response: 150 soon"), 3);
    server.log.must_have("The last line came 14 more times.");
}
