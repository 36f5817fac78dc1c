//! Servers that allow certain names only.

use ftps::{
    Cause,
    upload::{Existing, Plan},
};

use crate::scripted::{
    Peer, Scenario,
    uploads::{Memory, engine_error, plan, run, size_in_conflict, store},
};

/// Refuses a transfer, and keeps its data port.
async fn refuse_stor(peer: &mut Peer, reply: &str) -> String {
    let _port = peer.extended_passive().await;
    let command = peer.command().await.unwrap();
    peer.say(reply).await;
    peer.answer_noop().await;
    command.strip_prefix("STOR ").unwrap().to_owned()
}

/// A file under a temporary name that ends with its extension.
async fn store_with_extension(peer: &mut Peer, target: &str) {
    peer.expect_free(target).await;
    peer.stor_all().await;
    let temporary = peer.temporary();
    let (start, end) = target.split_once('.').unwrap();
    assert!(temporary.starts_with(&format!("/home/{start}.")), "{temporary}");
    assert!(temporary.ends_with(&format!(".part.{end}")), "{temporary}");
    peer.check_and_rename(target, 3).await;
}

#[tokio::test]
async fn temporary_name_gets_the_extension_where_only_that_is_allowed() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a.csv").await;
        let refused = refuse_stor(peer, "553 Only *.csv: file name not allowed").await;
        assert!(refused.ends_with(".part"), "{refused}");
        for target in ["a.csv", "b.csv"] {
            store_with_extension(peer, target).await;
        }
    })
    .start();
    let mut client = server.managed();
    for name in ["a.csv", "b.csv"] {
        store(&mut client, name, b"abc").await.unwrap();
    }
    assert_eq!(server.log.count("Perhaps it allows certain names only"), 1);
}

#[tokio::test]
async fn file_is_written_in_place_where_no_temporary_name_is_allowed() {
    let server = Scenario::session(async |peer| {
        for _ in 0..2 {
            peer.expect_free("a.csv").await;
            refuse_stor(peer, "553 file name not allowed").await;
        }
        for target in ["a.csv", "b.csv"] {
            peer.expect_free(target).await;
            peer.stor_all().await;
            assert_eq!(peer.temporary(), format!("/home/{target}"));
            peer.answer_size(target, "213 3").await;
        }
        // A file that exists is asked about.
        peer.expect_taken("c.csv", 9).await;
        let _port = peer.extended_passive().await;
        peer.answer_date("c.csv").await;
    })
    .start();
    let mut client = server.managed();
    for name in ["a.csv", "b.csv"] {
        store(&mut client, name, b"abc").await.unwrap();
    }
    server.log.must_have("Writing to \"/home/a.csv\" directly");
    let conflict = store(&mut client, "c.csv", b"abc").await.unwrap_err();
    assert_eq!(size_in_conflict(&conflict), Some(9));
}

/// The name itself is refused, and that is the error. Nothing is learned.
#[tokio::test]
async fn refused_final_name_is_the_error() {
    let server = Scenario::session(async |peer| {
        for end in [".part", ".part.txt", "/a.txt"] {
            peer.expect_free("a.txt").await;
            let refused = refuse_stor(peer, "553 file name not allowed").await;
            assert!(refused.ends_with(end), "{refused}");
        }
        peer.upload("b").await;
    })
    .start();
    let mut client = server.managed();
    let error = engine_error(store(&mut client, "a.txt", b"abc").await.unwrap_err());
    assert_eq!(Cause::of(&error), Cause::NameNotAllowed);
    store(&mut client, "b", b"abc").await.unwrap();
}

#[tokio::test]
async fn part_file_with_the_extension_is_resumed() {
    let server = Scenario::session(async |peer| {
        peer.set_temporary("/home/a.1a2b3c4d.part.csv");
        peer.complete("a.csv", 2, b"abc").await;
    })
    .start();
    let resume = Some(crate::scripted::path("a.1a2b3c4d.part.csv"));
    let plan = Plan { resume, ..plan("a.csv", b"abc") };
    server.run(&plan, &mut Memory::new(b"abc")).await.unwrap();
}

/// The existing file is renamed to a temporary name while bytes are appended to it.
#[tokio::test]
async fn adopted_file_gets_a_temporary_name_with_its_extension() {
    let server = Scenario::session(async |peer| {
        for end in [".part", ".part.csv"] {
            peer.expect_taken("a.csv", 2).await;
            peer.answer("RNFR /home/a.csv", "350 to?").await;
            let command = peer.command().await.unwrap();
            let temporary = command.strip_prefix("RNTO ").unwrap();
            assert!(temporary.ends_with(end), "{temporary}");
            peer.set_temporary(temporary);
            let is_allowed = end.ends_with(".csv");
            peer.say(if is_allowed { "250 ok" } else { "553 file name not allowed" }).await;
        }
        assert_eq!(peer.stor_from(2).await, b"c");
        peer.check_and_rename("a.csv", 3).await;
    })
    .start();
    let plan = Plan { existing: Existing::Resume, ..plan("a.csv", b"abc") };
    run(&mut server.managed(), &plan, &mut Memory::new(b"abc")).await.unwrap();
}
