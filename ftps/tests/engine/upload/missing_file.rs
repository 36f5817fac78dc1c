//! Files that the server confirmed and does not have under their names.

use ftps::{Cause, Verified};

use crate::scripted::{
    Peer, Scenario,
    uploads::{engine_error, store},
};

/// The server has nothing under the temporary name when the transfer is complete.
async fn lose_part_file(peer: &mut Peer) {
    peer.expect_free("a").await;
    lose_stored_part_file(peer).await;
}

async fn lose_stored_part_file(peer: &mut Peer) {
    peer.stor_all().await;
    peer.answer_for_temporary("SIZE", "550 none").await;
    peer.answer_for_temporary("RNFR", "550 none").await;
    peer.answer("RNTO /home/a", "503 RNFR first").await;
    peer.answer_size("a", "550 none").await;
}

/// A file that is written under its final name and is not there at the end.
async fn take_in_place(peer: &mut Peer, target: &str) {
    peer.expect_free(target).await;
    assert_eq!(peer.stor_all().await, b"abc");
    assert_eq!(peer.temporary(), format!("/home/{target}"));
    peer.answer_size(target, "550 none").await;
}

#[tokio::test]
async fn mailbox_gets_files_under_their_final_names() {
    let server = Scenario::session(async |peer| {
        lose_part_file(peer).await;
        peer.list("LIST", b"-rw-r--r-- 1 0 0 9 Jan 31 2025 other\r\n").await;
        for target in ["a", "b"] {
            take_in_place(peer, target).await;
        }
    })
    .features("")
    .start();
    let mut client = server.managed();
    for name in ["a", "b"] {
        let uploaded = store(&mut client, name, b"abc").await.unwrap();
        assert_eq!(uploaded.verified, Verified::ReplyOnly);
    }
    assert_eq!(server.log.count("is sent again under its final name"), 1);
    server.log.must_have("\"/home/b\" is not there any more");
}

/// The first part file was lost for another reason.
#[tokio::test]
async fn server_that_keeps_files_gets_temporary_names_again() {
    let server = Scenario::session(async |peer| {
        lose_part_file(peer).await;
        peer.list("LIST", b"").await;
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_size("a", "213 3").await;
        peer.answer_size("a", "213 3").await;
        peer.upload("b").await;
    })
    .features("")
    .start();
    let mut client = server.managed();
    for name in ["a", "b"] {
        let uploaded = store(&mut client, name, b"abc").await.unwrap();
        assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
    }
}

#[tokio::test]
async fn file_that_is_stored_under_another_name_is_no_success() {
    let server = Scenario::session(async |peer| {
        lose_part_file(peer).await;
        let temporary = peer.temporary();
        let name = temporary.strip_prefix("/home/").unwrap();
        let listing = format!("-rw-r--r-- 1 0 0 3 Jan 31 2025 {name}.1\r\n");
        peer.list("LIST", listing.as_bytes()).await;
        peer.answer(&format!("DELE {temporary}.1"), "250 gone").await;
        peer.delete_temporary().await;
    })
    .features("")
    .start();
    let error = engine_error(server.store("a", b"abc").await.unwrap_err());
    assert_eq!(Cause::of(&error), Cause::StoredElsewhere);
    assert!(error.to_string().contains(&format!("{}.1\"", server.temporary())), "{error}");
}

/// A file in place that is gone at its end, beside another file.
async fn lose_file_in_place(peer: &mut Peer, listed: &str) {
    peer.give_up_renames("report", 3).await;
    peer.expect_free("report").await;
    peer.stor_all().await;
    peer.answer_size("report", "550 none").await;
    let listing = format!("-rw-r--r-- 1 0 0 {listed}\r\n");
    peer.list("LIST", listing.as_bytes()).await;
}

/// The longer name is that of another file.
#[tokio::test]
async fn file_that_was_taken_away_is_not_looked_for_under_names_of_other_files() {
    for other in ["3 Jan 31 2025 report2", "9 Jan 31 2025 report.1"] {
        let server = Scenario::session(async move |peer| lose_file_in_place(peer, other).await)
            .features("")
            .start();
        let uploaded = server.store("report", b"abc").await.unwrap();
        assert_eq!(uploaded.verified, Verified::ReplyOnly);
    }
}

#[tokio::test]
async fn file_in_place_that_got_a_number_is_no_success() {
    let server = Scenario::session(async |peer| {
        lose_file_in_place(peer, "3 Jan 31 2025 report.1").await;
        peer.answer("DELE /home/report", "550 none").await;
    })
    .features("")
    .start();
    let error = engine_error(server.store("report", b"abc").await.unwrap_err());
    assert_eq!(Cause::of(&error), Cause::StoredElsewhere);
    assert!(error.to_string().contains("/home/report.1\""), "{error}");
}

/// No size and no listing can be read: the file may have been taken away.
#[tokio::test]
async fn file_that_the_server_does_not_have_and_does_not_list_is_no_success() {
    let server = Scenario::session(async |peer| {
        lose_part_file(peer).await;
        peer.list_refused("LIST", "550 Permission denied").await;
        peer.answer_noop().await;
        peer.answer_size("a", "550 none").await;
        peer.answer_for_temporary("SIZE", "550 none").await;
        lose_stored_part_file(peer).await;
        peer.list_refused("LIST", "550 Permission denied").await;
        peer.answer_noop().await;
        peer.delete_temporary().await;
    })
    .features("")
    .start();
    let error = engine_error(server.store("a", b"abc").await.unwrap_err());
    assert_eq!(Cause::of(&error), Cause::NotWhole);
}
