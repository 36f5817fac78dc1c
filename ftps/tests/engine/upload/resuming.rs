//! Uploads that break and resume, and lost replies.

use ftps::{Verified, upload::UploadError};
use sha2::{Digest as _, Sha256};

use crate::scripted::{
    DataPort, Peer, Scenario, connection, path, read_to_end, session,
    uploads::{Memory, breaks_after, content, hex, plan, run, store},
};

#[tokio::test]
async fn broken_upload_resumes_from_the_size_on_the_server() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Scenario::after_break(200_000, &file, async move |peer| {
        peer.complete("a", 150_000, &expected).await;
    })
    .start();
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
async fn lost_226_is_no_failure_if_the_size_is_right() {
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
    let uploaded = server.store("a", b"abc").await.unwrap();
    assert_eq!(uploaded.attempts, 1);
    server.log.must_have("reply was lost");
}

#[tokio::test]
async fn server_that_refuses_rest_and_appe_gets_the_whole_file() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Scenario::after_break(100_000, &file, async move |peer| {
        peer.expect_retry("a", 100_000).await;
        peer.refuse_restart(100000, "STOR").await;
        peer.expect_retry("a", 100_000).await;
        peer.refuse_restart(0, "APPE").await;
        peer.expect_retry("a", 100_000).await;
        assert!(peer.stor_from(0).await == expected);
        peer.check_and_rename("a", expected.len()).await;
    })
    .start();
    server.store("a", &file).await.unwrap();
    server.log.must_have("Trying APPE instead");
    server.log.must_have("Starting over");
}

#[tokio::test]
async fn part_file_larger_than_the_file_is_sent_again_from_the_start() {
    let file = content(300_000);
    let expected = file.clone();
    let server = Scenario::after_break(100_000, &file, async move |peer| {
        peer.expect_retry("a", 300_001).await;
        let temporary = peer.temporary();
        assert!(peer.stor_all().await == expected);
        assert_eq!(peer.temporary(), temporary);
        peer.check_and_rename("a", 300_000).await;
    })
    .start();
    server.store("a", &file).await.unwrap();
    server.log.must_have("Starting over");
}

/// Resumes after a break, where the server's digest of the last block equals that of the sent bytes or
/// does not.
async fn tail(equal: bool) {
    let file = content(700_000);
    let expected = file.clone();
    let server = Scenario::after_break(600_000, &file, async move |peer| {
        peer.expect_retry("a", 550_000).await;
        let port = peer.extended_passive().await;
        let mut digest = hex(&Sha256::digest(&expected[262_144..524_288]));
        if !equal {
            digest = digest.replace('a', "b");
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
        let answer = format!("250 {}", hex(&Sha256::digest(&expected)));
        peer.hash_and_rename("a", ("XSHA256", 700_000, &answer)).await;
    })
    .features(" XSHA256\r\n")
    .start();
    let uploaded = server.store("a", &file).await.unwrap();
    assert!(matches!(uploaded.verified, Verified::Digest(_)));
    assert_eq!(server.log.has("equals that of the sent bytes, up to"), equal);
    assert_eq!(server.log.has("Starting over"), !equal);
}

#[tokio::test]
async fn part_file_whose_tail_has_the_right_digest_is_resumed() {
    tail(true).await;
}

#[tokio::test]
async fn part_file_whose_tail_has_another_digest_is_started_over() {
    tail(false).await;
}

/// The server creates the file, and refuses the data connection after that.
#[tokio::test]
async fn part_file_of_a_refused_data_connection_is_used_again() {
    let first = session(async |peer| {
        peer.expect_free("a").await;
        let port = peer.extended_passive().await;
        peer.expect_stor().await;
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
    server.store("a", b"abc").await.unwrap();
}

#[tokio::test]
async fn failed_upload_reports_the_part_file_to_resume() {
    let file = content(300_000);
    let expected = file.clone();
    let first = breaks_after(200_000, &file);
    let refuses = || connection(async |peer| peer.say("421 restarting").await);
    let last = session(async move |peer| {
        peer.complete("a", 200_000, &expected).await;
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
        peer.answer_size("a", "213 3").await;
        peer.answer_for_temporary("SIZE", "550 none").await;
        let _port = peer.extended_passive().await;
        peer.answer_size("a", "213 3").await;
    });
    let server = Scenario::of([first, second]).start();
    server.store("a", b"abc").await.unwrap();
    server.log.must_have("it was renamed");
}

/// Any other name could be an existing file.
#[tokio::test]
async fn only_a_temporary_name_of_the_file_is_resumed() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        assert!(peer.temporary().starts_with("/home/a."));
        peer.check_and_rename("a", 3).await;
    })
    .start();
    let mut plan = plan("a", b"abc");
    plan.resume = Some(path("/etc/passwd"));
    server.run(&plan, &mut Memory::new(b"abc")).await.unwrap();
}

#[tokio::test]
async fn empty_file_is_stored_after_a_break() {
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        let _port = peer.extended_passive().await;
        peer.expect_stor().await;
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.answer_size("a", "550 none").await;
        peer.answer_for_temporary("SIZE", "550 none").await;
        let temporary = peer.temporary();
        assert_eq!(peer.stor_all().await, b"");
        assert_eq!(peer.temporary(), temporary);
        peer.check_and_rename("a", 0).await;
    });
    let server = Scenario::of([first, second]).start();
    server.store("a", b"").await.unwrap();
}

/// After a break, `APPE` sends only the missing bytes.
#[tokio::test]
async fn server_that_refuses_rest_and_takes_appe_gets_the_rest() {
    let file = content(300_000);
    let rest = file[100_000..].to_vec();
    let server = Scenario::after_break(100_000, &file, async move |peer| {
        peer.expect_retry("a", 100_000).await;
        let _port = peer.extended_passive().await;
        peer.answer("REST 100000", "502 not here").await;
        peer.expect_retry("a", 100_000).await;
        let port = peer.extended_passive().await;
        peer.answer("REST 0", "502 not here").await;
        peer.answer_for_temporary("APPE", "150 go").await;
        assert!(read_to_end(&mut port.accept().await).await == rest);
        peer.say("226 done").await;
        peer.check_and_rename("a", 300_000).await;
    })
    .start();
    server.store("a", &file).await.unwrap();
}

#[tokio::test]
async fn upload_with_nothing_left_to_resume_from_starts_at_the_first_byte() {
    let server = Scenario::session(async |peer| {
        peer.answer_size("a", "550 none").await;
        peer.answer_size("a.0123abcd.part", "550 none").await;
        assert_eq!(peer.stor_all().await, b"abc");
        assert_eq!(peer.temporary(), "/home/a.0123abcd.part");
        peer.check_and_rename("a", 3).await;
    })
    .start();
    let mut plan = plan("a", b"abc");
    plan.resume = Some(path("/home/a.0123abcd.part"));
    server.run(&plan, &mut Memory::new(b"abc")).await.unwrap();
}

#[tokio::test]
async fn reply_450_without_a_data_connection_is_retried() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let port = peer.extended_passive().await;
        peer.expect_stor().await;
        drop(port.accept_tcp().await);
        peer.say("450 try again, there are too few ports").await;
        peer.answer_noop().await;
        peer.expect_free("a").await;
        let temporary = peer.temporary();
        peer.stor_all().await;
        assert_eq!(peer.temporary(), temporary);
        peer.check_and_rename("a", 1).await;
    })
    .start();
    server.store("a", b"x").await.unwrap();
}

/// The state of a server that stores one file.
#[derive(Default)]
struct OneFile {
    is_stored: bool,
    is_named: bool,
    port: Option<DataPort>,
}

impl OneFile {
    async fn answer(&mut self, peer: &mut Peer, command: &str) {
        let (verb, path) = command.split_once(' ').unwrap_or((command, ""));
        let is_there = if path == "/home/a" { self.is_named } else { self.is_stored };
        match verb {
            "SIZE" if is_there => peer.say("213 1").await,
            "SIZE" => peer.say("550 none").await,
            "EPSV" => {
                let port = peer.open_port().await;
                peer.say(&port.reply()).await;
                self.port = Some(port);
            }
            "STOR" => {
                assert!(!self.is_stored && !self.is_named, "what is there is not sent again");
                peer.say("150 go").await;
                read_to_end(&mut self.port.take().unwrap().accept().await).await;
                self.is_stored = true;
                peer.say("226 done").await;
            }
            "CWD" => peer.say("550 no such directory").await,
            "RNFR" => peer.say("350 to?").await,
            "RNTO" => {
                (self.is_stored, self.is_named) = (false, true);
                peer.say("250 ok").await;
            }
            other => panic!("{other}"),
        }
    }
}

/// The session ends after each reply in turn: that costs a connection, and no byte is sent twice.
#[tokio::test]
async fn session_that_ends_after_any_reply_costs_no_byte() {
    for answers in 0..8 {
        let (give, take) = tokio::sync::oneshot::channel();
        let breaks = connection(async move |peer| {
            let mut file = OneFile::default();
            peer.secure().await;
            peer.authenticate().await;
            peer.set_up().await;
            for _ in 0..answers {
                let command = peer.command().await.unwrap();
                file.answer(peer, &command).await;
            }
            let _taken = give.send(file);
            peer.disconnect();
        });
        let works = connection(async move |peer| {
            let mut file = take.await.unwrap();
            peer.secure().await;
            peer.authenticate().await;
            peer.set_up().await;
            while let Some(command) = peer.command().await.filter(|command| command != "QUIT") {
                file.answer(peer, &command).await;
            }
            peer.disconnect();
        });
        let server = Scenario::of([breaks, works]).start();
        let mut client = server.managed();
        let uploaded = store(&mut client, "a", b"x").await;
        uploaded.unwrap_or_else(|failed| panic!("after {answers} answers: {failed:?}"));
        client.quit().await;
    }
}
