//! Names: part files, renames, and files written in place where renames are refused.

use std::time::Duration;

use ftps::{Cause, ManagedClient, Verified, upload::UploadError};
use tokio::sync::oneshot;

use crate::scripted::{
    Scenario, connection, path, read_some, read_to_end, session,
    uploads::{Memory, content, engine_error, plan, replacing, run, size_in_conflict, store},
};

#[tokio::test]
async fn small_file_is_checked_and_renamed_in_one_batch() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        assert_eq!(peer.stor_all().await, b"abc");
        let temporary = peer.temporary();
        assert!(temporary.starts_with("/home/a.") && temporary.ends_with(".part"));
        peer.expect_for_temporary("SIZE").await;
        peer.expect_for_temporary("RNFR").await;
        peer.expect("RNTO /home/a").await;
        peer.expect("SIZE /home/a").await;
        peer.say("213 3\r\n350 to?\r\n250 ok\r\n213 3").await;
    })
    .start();
    let uploaded = server.store("a", b"abc").await.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
    assert_eq!(uploaded.path, path("/home/a"));
}

#[tokio::test]
async fn missing_directory_is_made_again() {
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

/// The reply to `MKD` names the directory for later commands (RFC 959 Appendix II).
#[tokio::test]
async fn directory_is_used_under_the_name_that_the_server_gave_it() {
    let server = Scenario::session(async |peer| {
        peer.answer("CWD /home/My Files/b", "550 none").await;
        peer.expect("MKD /home/My Files").await;
        peer.expect("MKD /home/My Files/b").await;
        peer.say("257 \"/home/MY_FILES\" made\r\n550 no such directory").await;
        peer.answer("CWD /home/My Files", "550 none").await;
        peer.answer("CWD /home/MY_FILES", "250 there").await;
        peer.answer("MKD /home/MY_FILES/b", "257 \"/home/MY_FILES/b\" made").await;
        peer.upload("MY_FILES/b/x").await;
        peer.upload("MY_FILES/b/y").await;
        // The session is in that directory.
        peer.list("MLSD", b"type=dir; b\r\n").await;
    })
    .start();
    let mut client = server.managed();
    let uploaded = store(&mut client, "My Files/b/x", b"x").await.unwrap();
    assert_eq!(uploaded.path, path("/home/MY_FILES/b/x"));
    store(&mut client, "My Files/b/y", b"x").await.unwrap();
    let listing = client.client().await.unwrap().list(&path("My Files")).await.unwrap();
    assert_eq!(listing.entries.len(), 1);
    server.log.must_have("The server names the directory");
}

/// Some servers name a directory as it is from another root.
#[tokio::test]
async fn requested_name_of_a_directory_is_kept_where_it_works() {
    let server = Scenario::session(async |peer| {
        peer.answer("CWD /home/d", "550 none").await;
        peer.answer("MKD /home/d", "257 \"/srv/ftp/D\" made").await;
        peer.answer("CWD /home/d", "250 there").await;
        peer.upload("d/a").await;
    })
    .start();
    let uploaded = server.store("d/a", b"x").await.unwrap();
    assert_eq!(uploaded.path, path("/home/d/a"));
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
    server.store("a", &file).await.unwrap();
}

/// The host is new: the client asks for both sizes at once.
#[tokio::test]
async fn first_upload_to_a_new_host_is_checked_in_one_batch() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.expect_for_temporary("SIZE").await;
        peer.expect("SIZE /home/a").await;
        peer.say("213 3\r\n550 none").await;
        peer.rename_and_look("a", 3).await;
    })
    .start();
    let mut client = ManagedClient::new(server.stranger());
    store(&mut client, "a", b"abc").await.unwrap();
}

#[tokio::test]
async fn file_is_written_in_place_where_renames_are_refused() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.refuse_every_rename("a", 3).await;
        peer.answer_for_temporary("DELE", "550 Permission denied").await;
        let part = peer.temporary();
        peer.upload_in_place("a").await;
        // The part file that may not be deleted is tried again, and reported.
        peer.set_temporary(&part);
        peer.answer_for_temporary("DELE", "550 Permission denied").await;
    })
    .start();
    let uploaded = server.store("a", b"abc").await.unwrap();
    assert_eq!(uploaded.not_deleted, [path(&server.temporary())]);
    server.log.must_have("does not allow renames in this directory");
    server.log.must_have("without a temporary name");
}

/// vsftpd with `cmds_denied=RNTO`.
#[tokio::test]
async fn files_are_written_in_place_on_a_server_that_refuses_every_rnto() {
    let server = Scenario::session(async |peer| {
        for directory in ["d", "e", "f"] {
            let target = format!("{directory}/a");
            peer.answer(&format!("CWD /home/{directory}"), "250 ok").await;
            peer.give_up_rnto(&target, 3).await;
            peer.upload_in_place(&target).await;
        }
        // The server is known now, also in another directory. A file that exists is asked about.
        peer.answer("CWD /home/g", "250 ok").await;
        peer.expect_taken("g/b", 2).await;
        let port = peer.extended_passive().await;
        peer.answer_date("g/b").await;
        peer.expect_taken("g/b", 2).await;
        peer.answer("STOR /home/g/b", "150 go").await;
        assert_eq!(read_to_end(&mut port.accept().await).await, b"xyz");
        peer.say("226 done").await;
        peer.answer_size("g/b", "213 3").await;
    })
    .start();
    let mut client = server.managed();
    for name in ["d/a", "e/a", "f/a"] {
        store(&mut client, name, b"abc").await.unwrap();
    }
    let conflict = store(&mut client, "g/b", b"xyz").await.unwrap_err();
    assert_eq!(size_in_conflict(&conflict), Some(2));
    run(&mut client, &replacing("g/b", b"xyz"), &mut Memory::new(b"xyz")).await.unwrap();
    assert_eq!(server.log.count("refuses every rename"), 1, "{}", server.log.text());
    server.log.must_have("Writing to \"/home/g/b\" directly");
}

/// A login may have other rights in each directory.
#[tokio::test]
async fn refused_rnto_in_one_directory_says_nothing_of_others() {
    let server = Scenario::session(async |peer| {
        peer.give_up_rnto("a", 3).await;
        for target in ["a", "b"] {
            peer.upload_in_place(target).await;
        }
        peer.answer("CWD /home/d", "250 ok").await;
        peer.upload("d/c").await;
    })
    .start();
    let mut client = server.managed();
    for name in ["a", "b", "d/c"] {
        store(&mut client, name, b"abc").await.unwrap();
    }
    assert_eq!(server.log.count("does not allow renames in this directory"), 1);
}

/// Only this name is refused: the part file can be renamed to another temporary name.
#[tokio::test]
async fn name_that_is_refused_does_not_forbid_renames() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.refuse_rename("a", "553 a: forbidden filename", "550 none").await;
        peer.expect_free("a").await;
        peer.answer_for_temporary("RNFR", "350 to?").await;
        let command = peer.command().await.unwrap();
        peer.set_temporary(command.strip_prefix("RNTO ").unwrap());
        peer.say("250 ok").await;
        peer.delete_temporary().await;
        // Other files are renamed as before.
        peer.upload("b").await;
    })
    .start();
    let mut client = server.managed();
    let error = engine_error(store(&mut client, "a", b"abc").await.unwrap_err());
    assert_eq!(Cause::of(&error), Cause::NameNotAllowed);
    store(&mut client, "b", b"abc").await.unwrap();
}

/// A server that stored the bytes under another name would report the same size.
#[tokio::test]
async fn size_of_the_old_file_proves_nothing_about_the_file_written_over_it() {
    let server = Scenario::session(async |peer| {
        peer.give_up_rnto("a", 3).await;
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_size("a", "213 3").await;
        peer.expect_taken("b", 3).await;
        let port = peer.extended_passive().await;
        peer.answer("STOR /home/b", "150 go").await;
        assert_eq!(read_to_end(&mut port.accept().await).await, b"xyz");
        peer.say("226 done").await;
        peer.answer_size("b", "213 3").await;
    })
    .start();
    let mut client = server.managed();
    store(&mut client, "a", b"abc").await.unwrap();
    let replaced = run(&mut client, &replacing("b", b"xyz"), &mut Memory::new(b"xyz")).await;
    assert_eq!(replaced.unwrap().verified, Verified::ReplyOnly);
}

/// The connection breaks after `STOR`: the old file may still have the name, and an upload that resumed
/// behind its bytes would mix both.
#[tokio::test]
async fn file_that_was_to_be_overwritten_in_place_is_not_reported_for_resuming() {
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a", 9).await;
        peer.stor_all().await;
        peer.refuse_every_rename("a", 3).await;
        peer.delete_temporary().await;
        peer.expect_taken("a", 9).await;
        let _port = peer.extended_passive().await;
        peer.expect("STOR /home/a").await;
        peer.disconnect();
    })
    .start();
    let plan = replacing("a", b"abc");
    let failed = server.run(&plan, &mut Memory::new(b"abc")).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Engine(_)), "{failed:?}");
    assert_eq!(failed.leftover, None);
}

/// The server does not tell sizes, and a listing shows that the name is free: the file that has it
/// later is the upload's own.
#[tokio::test]
async fn part_file_written_in_place_under_a_free_name_is_removed() {
    let server = Scenario::session(async |peer| {
        peer.stor_without_size("a").await;
        peer.answer_temporary_size(3).await;
        peer.answer_size("a", "502 unknown").await;
        peer.answer("MLST /home/a", "550 none").await;
        peer.answer_for_temporary("RNFR", "550 Permission denied").await;
        peer.answer("RNTO /home/a", "503 RNFR first").await;
        peer.answer_temporary_size(3).await;
        peer.delete_temporary().await;
        peer.answer_size("a", "502 unknown").await;
        peer.answer_no_directory("a").await;
        let port = peer.extended_passive().await;
        peer.answer("MLST /home/a", "550 none").await;
        peer.expect_stor().await;
        peer.say("150 go").await;
        read_to_end(&mut port.accept().await).await;
        assert_eq!(peer.temporary(), "/home/a");
        peer.say("552 disk full").await;
        peer.answer_noop().await;
        peer.delete_temporary().await;
    })
    .start();
    let failed = server.store("a", b"abc").await.unwrap_err();
    assert_eq!(Cause::of(&engine_error(failed)), Cause::DiskFull);
}

/// The connection breaks while the client removes the part file.
#[tokio::test]
async fn abandoned_part_file_is_removed_after_a_break() {
    let first = session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.refuse_every_rename("a", 3).await;
        peer.expect_for_temporary("DELE").await;
        peer.disconnect();
    });
    let second = session(async |peer| {
        peer.delete_temporary().await;
        peer.upload_in_place("a").await;
    });
    let server = Scenario::of([first, second]).start();
    server.store("a", b"abc").await.unwrap();
}

/// The other upload goes to the same directory, over another session of the pool.
#[tokio::test]
async fn part_file_is_abandoned_when_another_upload_learns_that_renames_are_refused() {
    let (broken, breaks) = oneshot::channel();
    let (learned, learns) = oneshot::channel();
    let other = session(async |peer| {
        peer.give_up_renames("b", 1).await;
        peer.expect_free("b").await;
        peer.stor_all().await;
        peer.answer_size("b", "213 1").await;
    });
    let first = session(async move |peer| {
        peer.expect_free("a").await;
        read_some(&mut peer.stor().await, 100_000).await;
        broken.send(peer.temporary()).unwrap();
        peer.disconnect();
    });
    let second = connection(async move |peer| {
        let temporary: String = learns.await.unwrap();
        peer.log_in().await;
        peer.answer(&format!("DELE {temporary}"), "250 gone").await;
        peer.expect_free("a").await;
        assert_eq!(peer.stor_all().await.len(), 200_000);
        peer.answer_size("a", "213 200000").await;
    });
    let server = Scenario::of([other, first, second]).side_by_side().start();
    let pool = ftps::Pool::new(server.connector_with(|config| {
        config.retry.first = Duration::from_millis(10);
    }));
    let (mut other, mut client) = (pool.lease().await, pool.lease().await);
    other.connect().await.unwrap();
    let learning = async {
        let temporary = breaks.await.unwrap();
        store(&mut other, "b", b"x").await.unwrap();
        learned.send(temporary).unwrap();
    };
    let file = content(200_000);
    let (stored, ()) = tokio::join!(store(&mut client, "a", &file), learning);
    stored.unwrap();
}

/// The part file cannot be renamed, so that resuming would write to the existing file.
#[tokio::test]
async fn part_file_to_resume_does_not_permit_writing_over_a_file() {
    let server = Scenario::session(async |peer| {
        peer.give_up_renames("x", 1).await;
        peer.expect_free("x").await;
        peer.stor_all().await;
        peer.answer_size("x", "213 1").await;
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
    assert_eq!(size_in_conflict(&failed), Some(2));
}
