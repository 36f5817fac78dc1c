//! Existing files: kept, replaced, or moved aside.

use ftps::{
    Cause, Renamed, TargetState, UnknownTarget, Verified,
    upload::{Existing, Plan, UploadError},
};
use tokio::{io::AsyncWriteExt as _, sync::oneshot};

use crate::scripted::{
    Peer, Scenario, path, read_to_end, session,
    uploads::{
        MODIFIED_MILLIS, Memory, content, engine_error, plan, replacing, run, size_in_conflict,
        store,
    },
};

#[tokio::test]
async fn existing_file_is_replaced_only_if_the_plan_says_so() {
    let server = Scenario::session(async |peer| {
        peer.expect_conflict("a", 9).await;
        let port = peer.extended_passive().await;
        drop(port);
        peer.expect_taken("a", 9).await;
        peer.stor_all().await;
        // An existing file is replaced only by a verified one.
        peer.check_and_rename("a", 3).await;
    })
    .start();
    let mut client = server.managed();
    let mut plan = plan("a", b"abc");
    let failed = run(&mut client, &plan, &mut Memory::new(b"abc")).await.unwrap_err();
    let UploadError::Exists { size: Some(9), modified_millis } = failed.error else {
        panic!("{failed:?}")
    };
    assert_eq!((modified_millis, failed.leftover), (Some(MODIFIED_MILLIS), None));
    plan.existing = Existing::Replace;
    run(&mut client, &plan, &mut Memory::new(b"abc")).await.unwrap();
}

/// The name was taken during the upload: nothing is sent again if the user replaces the file.
#[tokio::test]
async fn conflict_after_the_transfer_costs_no_byte() {
    let file = content(2_000_000);
    let size = file.len();
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(size).await;
        peer.answer_size("a", "213 9").await;
        peer.answer_date("a").await;
        peer.answer_size("a", "213 9").await;
        peer.answer_temporary_size(size).await;
        let _port = peer.extended_passive().await;
        peer.check_and_rename("a", size).await;
    })
    .start();
    let mut client = server.managed();
    let mut plan = plan("a", &file);
    let failed = run(&mut client, &plan, &mut Memory::new(&file)).await.unwrap_err();
    assert_eq!(size_in_conflict(&failed), Some(9));
    plan.resume = failed.leftover;
    plan.existing = Existing::Replace;
    let uploaded = run(&mut client, &plan, &mut Memory::new(&file)).await.unwrap();
    assert_eq!(uploaded.attempts, 0);
    server.log.must_have("already holds all 2000000 bytes");
}

/// A refused `SIZE` does not tell whether the file exists.
#[tokio::test]
async fn refused_size_is_settled_by_a_listing() {
    let server = Scenario::session(async |peer| {
        peer.answer_size("a", "550 a: Operation not permitted").await;
        peer.answer_no_directory("a").await;
        // The client looks for the name in the listing.
        let listing = b"-rw-r--r-- 1 0 0 9 Jan 31 2025 a\r\n";
        peer.list("LIST", listing).await;
        // For the date.
        peer.list("LIST", listing).await;
    })
    .features("")
    .start();
    let mut client = server.managed();
    let failed = store(&mut client, "a", b"abc").await.unwrap_err();
    assert_eq!(size_in_conflict(&failed), Some(9));
}

#[tokio::test]
async fn directory_with_the_name_is_found_before_the_first_byte() {
    for existing in [Existing::Keep, Existing::Replace, Existing::Resume] {
        let server = Scenario::session(async |peer| {
            peer.answer_size("a", "550 a: not a plain file").await;
            peer.answer("CWD /home/a", "250 ok").await;
            let _port = peer.extended_passive().await;
            // Some servers accept every directory: then it proves nothing.
            let missing = "CWD /home/a/ferryport-0f7c1b52-no-such-directory";
            peer.answer(missing, "550 no such directory").await;
        })
        .start();
        let plan = Plan { existing, ..plan("a", b"abc") };
        let failed = server.run(&plan, &mut Memory::new(b"abc")).await.unwrap_err();
        assert_eq!(failed.leftover, None);
        assert_eq!(Cause::of(&engine_error(failed)), Cause::NameIsDirectory);
    }
}

#[tokio::test]
async fn server_that_accepts_every_directory_takes_files() {
    let server = Scenario::session(async |peer| {
        peer.answer_size("a", "550 none").await;
        peer.answer("CWD /home/a", "250 ok").await;
        let port = peer.extended_passive().await;
        peer.answer("CWD /home/a/ferryport-0f7c1b52-no-such-directory", "250 ok").await;
        peer.answer("MLST /home/a", "550 none").await;
        peer.expect_stor().await;
        peer.say("150 go").await;
        read_to_end(&mut port.accept().await).await;
        peer.say("226 done").await;
        peer.check_and_rename("a", 3).await;
    })
    .start();
    server.store("a", b"abc").await.unwrap();
}

/// The new file is complete, and the server does not rename it over the old one.
async fn refuse_to_replace(peer: &mut Peer, refusal: &str) {
    peer.expect_taken("a", 9).await;
    peer.stor_all().await;
    peer.answer_temporary_size(1).await;
    peer.refuse_rename("a", refusal, "213 9").await;
    // Only a file may be moved aside.
    peer.expect_taken("a", 9).await;
}

#[tokio::test]
async fn reply_lost_while_the_old_file_is_moved_aside_costs_neither_file() {
    let server = Scenario::session(async |peer| {
        refuse_to_replace(peer, "553 exists").await;
        peer.answer("RNFR /home/a", "350 to?").await;
        peer.command().await;
        peer.disconnect();
    })
    .start();
    let plan = replacing("a", b"x");
    let failed = server.run(&plan, &mut Memory::new(b"x")).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::NotReplaced { .. }), "{failed:?}");
}

/// IIS does not rename over an existing file; the user chose to replace it.
#[tokio::test]
async fn old_file_is_moved_aside_where_renames_replace_nothing() {
    let server = Scenario::session(async |peer| {
        refuse_to_replace(peer, "550 File exists").await;
        let aside = peer.move_aside("a").await;
        peer.rename_and_look("a", 1).await;
        peer.answer(&format!("DELE {aside}"), "250 gone").await;
    })
    .start();
    let plan = replacing("a", b"x");
    server.run(&plan, &mut Memory::new(b"x")).await.unwrap();
    server.log.must_have("Moved the old file");
}

/// The server locks it.
#[tokio::test]
async fn old_file_that_cannot_be_deleted_is_reported() {
    let server = Scenario::session(async |peer| {
        refuse_to_replace(peer, "550 File exists").await;
        let aside = peer.move_aside("a").await;
        peer.rename_and_look("a", 1).await;
        peer.set_temporary(&aside);
        for _ in 0..2 {
            peer.answer_for_temporary("DELE", "450 in use").await;
        }
    })
    .start();
    let uploaded = server.run(&replacing("a", b"x"), &mut Memory::new(b"x")).await.unwrap();
    assert_eq!(uploaded.not_deleted, [path(&server.temporary())]);
}

/// The connection breaks when only the old file is left to delete.
#[tokio::test]
async fn old_file_moved_aside_is_deleted_in_another_session_after_a_break() {
    let first = session(async |peer| {
        refuse_to_replace(peer, "550 File exists").await;
        let aside = peer.move_aside("a").await;
        peer.rename_and_look("a", 1).await;
        peer.set_temporary(&aside);
        peer.expect_for_temporary("DELE").await;
        peer.disconnect();
    });
    let second = session(async |peer| {
        peer.answer_for_temporary("DELE", "250 gone").await;
    });
    let server = Scenario::of([first, second]).start();
    server.run(&replacing("a", b"x"), &mut Memory::new(b"x")).await.unwrap();
}

/// The old file is deleted only when the new one has its name.
#[tokio::test]
async fn rename_without_effect_costs_no_old_file_that_was_moved_aside() {
    let server = Scenario::session(async |peer| {
        refuse_to_replace(peer, "550 File exists").await;
        peer.move_aside("a").await;
        peer.rename("a").await;
        for _ in 0..2 {
            peer.answer_size("a", "550 none").await;
        }
        peer.answer_temporary_size(1).await;
    })
    .start();
    let failed = server.run(&replacing("a", b"x"), &mut Memory::new(b"x")).await.unwrap_err();
    let UploadError::NotReplaced { new, old, .. } = failed.error else { panic!("{failed:?}") };
    assert_eq!(new, path(&server.temporary()));
    assert!(old.to_string().starts_with("/home/a."), "{old}");
    assert_eq!(failed.leftover, None);
}

/// The new file has its name, and the connection breaks before the client has seen that.
#[tokio::test]
async fn old_file_that_was_moved_aside_is_deleted_once_the_new_one_is_found_after_a_break() {
    let (tell, moved) = oneshot::channel();
    let first = session(async move |peer| {
        refuse_to_replace(peer, "550 File exists").await;
        tell.send(peer.move_aside("a").await).unwrap();
        peer.rename("a").await;
        peer.expect("SIZE /home/a").await;
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.answer_size("a", "213 1").await;
        peer.answer_for_temporary("SIZE", "550 none").await;
        let _port = peer.extended_passive().await;
        peer.answer_size("a", "213 1").await;
        let aside: String = moved.await.unwrap();
        peer.answer(&format!("DELE {aside}"), "250 gone").await;
    });
    let server = Scenario::of([first, second]).start();
    let uploaded = server.run(&replacing("a", b"x"), &mut Memory::new(b"x")).await.unwrap();
    assert_eq!(uploaded.not_deleted, []);
}

#[tokio::test]
async fn mode_of_a_replaced_file_is_set_as_a_fact_where_site_chmod_is_refused() {
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a", 9).await;
        let port = peer.extended_passive().await;
        let facts = "250-Facts\r\n type=file;size=9;UNIX.mode=0755; /home/a\r\n250 End";
        peer.answer("MLST /home/a", facts).await;
        peer.keep_port(port);
        peer.stor_all().await;
        peer.answer_temporary_size(1).await;
        peer.answer_for_temporary("SITE CHMOD 755", "502 unknown").await;
        peer.answer_for_temporary("MFF UNIX.mode=0755;", "213 UNIX.mode=0755;").await;
        peer.rename_and_look("a", 1).await;
    })
    .features(" MLST type*;size*;UNIX.mode*;\r\n MFF modify;UNIX.group;UNIX.mode;\r\n")
    .start();
    server.run(&replacing("a", b"x"), &mut Memory::new(b"x")).await.unwrap();
    assert!(!server.log.has("does not give the new file the mode"), "{}", server.log.text());
}

#[tokio::test]
async fn old_file_gets_its_name_back_if_moving_it_aside_does_not_help() {
    let server = Scenario::session(async |peer| {
        refuse_to_replace(peer, "553 no").await;
        let aside = peer.move_aside("a").await;
        peer.answer_for_temporary("RNFR", "350 to?").await;
        peer.answer("RNTO /home/a", "553 no").await;
        peer.answer(&format!("RNFR {aside}"), "350 to?").await;
        peer.answer("RNTO /home/a", "250 ok").await;
    })
    .start();
    let plan = replacing("a", b"x");
    let failed = server.run(&plan, &mut Memory::new(b"x")).await.unwrap_err();
    assert!(matches!(failed.error, UploadError::NotReplaced { old, .. } if old == path("/home/a")));
}

/// Without `SIZE`, the client looks for existing files in the listing.
#[tokio::test]
async fn existing_file_is_found_by_its_facts_where_size_is_unknown() {
    let server = Scenario::session(async |peer| {
        let facts = |path: &str, size| {
            format!("250-Facts\r\n type=file;size={size};modify=20250131120000; {path}\r\n250 End")
        };
        peer.answer_size("taken", "502 unknown").await;
        peer.answer_no_directory("taken").await;
        peer.answer("MLST /home/taken", &facts("/home/taken", 9)).await;
        peer.answer_size("a", "502 unknown").await;
        peer.answer_no_directory("a").await;
        peer.answer("MLST /home/a", "550 none").await;
        peer.stor_all().await;
        // The name is still free.
        peer.answer_for_temporary("SIZE", "502 unknown").await;
        peer.answer_size("a", "502 unknown").await;
        let temporary = peer.temporary();
        peer.answer_for_temporary("MLST", &facts(&temporary, 1)).await;
        peer.answer("MLST /home/a", "550 none").await;
        peer.rename("a").await;
    })
    .features(" MLST type*;size*;\r\n")
    .start();
    let mut client = server.managed();
    let taken = store(&mut client, "taken", b"x").await.unwrap_err();
    assert_eq!(size_in_conflict(&taken), Some(9));
    let uploaded = store(&mut client, "a", b"x").await.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 1 });
}

/// A line of `LIST` with the month of another language.
const UNREADABLE_LINE: &str = "-rw-r--r-- 1 u g 9 12|09|15 report.txt\r\n";

/// A server without `SIZE`, whose listing has a line that cannot be read.
async fn expect_unreadable_listing(peer: &mut Peer) {
    peer.answer_size("report.txt", "502 unknown").await;
    peer.answer_no_directory("report.txt").await;
    peer.list("LIST", UNREADABLE_LINE.as_bytes()).await;
}

/// A server that tells nothing about the name, also by `NLST` and `RNFR`.
async fn expect_name_that_may_be_taken(peer: &mut Peer) {
    expect_unreadable_listing(peer).await;
    peer.list_refused("NLST", "502 unknown").await;
    peer.answer_noop().await;
    peer.answer("RNFR /home/report.txt", "350 to?").await;
}

#[tokio::test]
async fn file_whose_line_cannot_be_read_is_found_by_its_name() {
    let server = Scenario::session(async |peer| {
        expect_unreadable_listing(peer).await;
        peer.list("NLST", b"other.txt\r\nreport.txt\r\n").await;
    })
    .features("")
    .start();
    let failed = server.store("report.txt", b"new").await.unwrap_err();
    assert!(matches!(failed.error, UploadError::Exists { size: None, .. }), "{failed:?}");
}

#[tokio::test]
async fn name_that_cannot_be_seen_to_be_free_is_a_conflict_without_a_size() {
    let server = Scenario::session(async |peer| {
        expect_name_that_may_be_taken(peer).await;
        peer.answer("TYPE I", "200 ok").await;
    })
    .features("")
    .start();
    let failed = server.store("report.txt", b"new").await.unwrap_err();
    let UploadError::MayExist { reason } = failed.error else { panic!("{failed:?}") };
    assert_eq!(reason, UnknownTarget::IncompleteListing);
    server.log.must_have("does not tell whether \"/home/report.txt\" exists");
}

#[tokio::test]
async fn nothing_is_renamed_to_a_name_that_may_be_taken() {
    let server = Scenario::session(async |peer| {
        expect_name_that_may_be_taken(peer).await;
        peer.answer("TYPE I", "200 ok").await;
    })
    .features("")
    .start();
    let mut client = server.open().await;
    let renamed = client.rename_to_free(&path("a"), &path("report.txt")).await.unwrap();
    assert_eq!(renamed, Renamed::MayBeTaken);
}

/// ProFTPD refuses every command but `RNTO` after an `RNFR`, whatever its greeting says.
#[tokio::test]
async fn server_that_insists_on_rnto_gets_no_rnfr_without_it_again() {
    let first = session(async |peer| {
        expect_name_that_may_be_taken(peer).await;
        peer.answer("TYPE I", "501 Bad sequence of commands").await;
        peer.expect_end().await;
    });
    let second = session(async |peer| {
        expect_unreadable_listing(peer).await;
        peer.list_refused("NLST", "502 unknown").await;
        peer.expect_quit().await;
    });
    let server = Scenario::of([first, second]).features("").start();
    let mut client = server.managed();
    for _ in 0..2 {
        let failed = store(&mut client, "report.txt", b"new").await.unwrap_err();
        assert!(matches!(failed.error, UploadError::MayExist { .. }), "{failed:?}");
    }
    client.quit().await;
}

/// Where nothing can be listed, `RNFR` still tells that a name is free.
#[tokio::test]
async fn missing_file_is_told_by_rnfr_where_nothing_else_tells() {
    let server = Scenario::session(async |peer| {
        peer.answer_size("a", "550 Permission denied").await;
        peer.answer_no_directory("a").await;
        peer.list_refused("LIST", "550 Permission denied").await;
        peer.answer_noop().await;
        peer.answer("RNFR /home/a", "550 No such file or directory").await;
    })
    .greeting("220 ProFTPD Server")
    .features("")
    .start();
    let state = server.open().await.target_state(&path("a")).await.unwrap();
    assert_eq!(state, TargetState::Absent);
}

/// Pure-FTPd keeps the name of an accepted `RNFR` when a later one is refused: an `RNTO` would rename
/// the existing file.
#[tokio::test]
async fn rnfr_that_only_asked_for_a_name_is_never_completed() {
    let server = Scenario::session(async |peer| {
        expect_name_that_may_be_taken(peer).await;
        peer.answer("TYPE I", "200 ok").await;
        peer.list("LIST", UNREADABLE_LINE.as_bytes()).await;
        peer.stor_all().await;
        peer.answer_for_temporary("SIZE", "502 unknown").await;
        peer.answer_for_temporary("RNFR", "550 none").await;
        peer.expect_for_temporary("SIZE").await;
        peer.disconnect();
    })
    .features("")
    .start();
    let plan = replacing("report.txt", b"new");
    server.run(&plan, &mut Memory::new(b"new")).await.unwrap_err();
    assert!(!server.log.has("Command: RNTO"), "{}", server.log.text());
    server.log.must_have("does not tell the mode of \"/home/report.txt\"");
}

/// The lookup of the next upload changed the session's directory, in the batch whose rename was refused.
#[tokio::test]
async fn listing_after_a_refused_rename_is_of_the_right_directory() {
    let listing = b"-rw-r--r-- 1 0 0 9 Jan 31 2025 a\r\n";
    let server = Scenario::session(async move |peer| {
        peer.expect_taken("a", 9).await;
        peer.list("LIST", listing).await;
        peer.stor_all().await;
        peer.answer_temporary_size(1).await;
        peer.answer_for_temporary("SITE CHMOD 644", "200 ok").await;
        peer.refuse_rename("a", "553 exists", "213 9").await;
        peer.answer_size("b", "550 none").await;
        peer.answer("CWD /home/b", "250 ok").await;
        let port = peer.extended_passive().await;
        peer.answer_size("a", "550 a: Operation not permitted").await;
        peer.answer_no_directory("a").await;
        peer.answer("CWD /home", "250 ok").await;
        peer.answer("LIST", "150 here it comes").await;
        let mut data = port.accept().await;
        data.write_all(listing).await.unwrap();
        data.shutdown().await.unwrap();
        peer.say("226 done").await;
        let aside = peer.move_aside("a").await;
        peer.rename_and_look("a", 1).await;
        peer.answer(&format!("DELE {aside}"), "250 gone").await;
    })
    .features("")
    .start();
    server.run(&replacing("a", b"x"), &mut Memory::followed_by("b")).await.unwrap();
}
