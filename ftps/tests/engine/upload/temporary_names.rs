//! Servers that allow certain names only.

use std::time::Duration;

use ftps::{
    Cause, ManagedClient,
    profile::{FinalNames, HostProfile, PartNames, SharedProfile, SizeSupport},
    upload::{Existing, Plan},
};
use tokio::sync::oneshot;

use crate::scripted::{
    Peer, Scenario, Server, path, read_some, read_to_end, session,
    uploads::{
        Memory, cancelled_at, content, engine_error, plan, replacing, run, size_in_conflict, store,
    },
};

/// The reply of a server that allows certain names only.
const NOT_ALLOWED: &str = "553 file name not allowed";

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
        let refused = peer.refuse_stor("553 Only *.csv: file name not allowed").await;
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
async fn file_bears_its_final_name_in_a_temporary_directory_where_only_that_is_allowed() {
    let server = Scenario::session(async |peer| {
        peer.refuse_temporary_names("a.csv", NOT_ALLOWED).await;
        for target in ["a.csv", "b"] {
            peer.upload_through_directory(target).await;
        }
    })
    .start();
    let mut client = server.managed();
    for name in ["a.csv", "b"] {
        let uploaded = store(&mut client, name, b"abc").await.unwrap();
        assert_eq!(uploaded.path, path(&format!("/home/{name}")));
        assert_eq!(uploaded.not_deleted, []);
    }
    assert_eq!(server.log.count("Making the temporary directory"), 2);
}

/// The directory is not made: perhaps another client has one of that name. Another directory may permit it.
#[tokio::test]
async fn file_is_written_in_place_where_no_temporary_directory_can_be_made() {
    let server = Scenario::session(async |peer| {
        peer.refuse_temporary_names("a.csv", NOT_ALLOWED).await;
        peer.expect_free("a.csv").await;
        let port = peer.extended_passive().await;
        peer.answer_mkd("550 Permission denied").await;
        peer.keep_port(port);
        for target in ["a.csv", "b.csv"] {
            peer.upload_in_place(target).await;
        }
        // A file that exists is asked about.
        peer.expect_taken("c.csv", 9).await;
        let port = peer.extended_passive().await;
        peer.answer_date("c.csv").await;
        peer.keep_port(port);
        peer.answer("CWD /home/d", "250 ok").await;
        peer.upload_through_directory("d/a.csv").await;
    })
    .start();
    let mut client = server.managed();
    for name in ["a.csv", "b.csv"] {
        store(&mut client, name, b"abc").await.unwrap();
    }
    server.log.must_have("Writing to \"/home/a.csv\" directly");
    let conflict = store(&mut client, "c.csv", b"abc").await.unwrap_err();
    assert_eq!(size_in_conflict(&conflict), Some(9));
    store(&mut client, "d/a.csv", b"abc").await.unwrap();
}

#[tokio::test]
async fn file_is_written_in_place_where_it_is_not_moved_to_another_directory() {
    let server = Scenario::session(async |peer| {
        peer.refuse_temporary_names("a.csv", NOT_ALLOWED).await;
        let directory = peer.stor_in_directory("a.csv").await;
        peer.answer_temporary_size(3).await;
        peer.refuse_rename("a.csv", "550 Invalid cross-device link", "550 none").await;
        peer.expect_free("a.csv").await;
        peer.delete_temporary().await;
        peer.upload_in_place("a.csv").await;
        peer.remove_directory(&directory).await;
        peer.upload_in_place("b.csv").await;
    })
    .start();
    let mut client = server.managed();
    for name in ["a.csv", "b.csv"] {
        let uploaded = store(&mut client, name, b"abc").await.unwrap();
        assert_eq!(uploaded.not_deleted, []);
    }
    server.log.must_have("does not allow renames in this directory");
}

/// The name itself is refused, and that is the error. Nothing is learned.
#[tokio::test]
async fn refused_final_name_is_the_error() {
    let server = Scenario::session(async |peer| {
        peer.refuse_temporary_names("a.txt", NOT_ALLOWED).await;
        peer.expect_free("a.txt").await;
        let _port = peer.extended_passive().await;
        let directory = peer.make_temporary_directory().await;
        peer.answer(&format!("STOR {directory}/a.txt"), NOT_ALLOWED).await;
        peer.answer_noop().await;
        peer.expect_free("a.txt").await;
        assert_eq!(peer.refuse_stor(NOT_ALLOWED).await, "/home/a.txt");
        peer.remove_directory(&directory).await;
        peer.upload("b").await;
    })
    .start();
    let mut client = server.managed();
    let error = engine_error(store(&mut client, "a.txt", b"abc").await.unwrap_err());
    assert_eq!(Cause::of(&error), Cause::NameNotAllowed);
    store(&mut client, "b", b"abc").await.unwrap();
}

/// Each form of the temporary name is tried once, also if the file's extension is that of part files.
#[tokio::test]
async fn refused_names_of_a_file_that_ends_with_part_come_to_an_end() {
    let server = Scenario::session(async |peer| {
        peer.refuse_temporary_names("a.part", "550 Permission denied").await;
        peer.expect_free("a.part").await;
        let port = peer.extended_passive().await;
        peer.answer_mkd("550 Permission denied").await;
        peer.keep_port(port);
        peer.expect_free("a.part").await;
        let _port = peer.extended_passive().await;
        peer.answer("STOR /home/a.part", "550 Permission denied").await;
    })
    .start();
    engine_error(server.store("a.part", b"abc").await.unwrap_err());
}

/// A client of a server that is known to refuse temporary names.
fn client_of(server: &Server) -> ManagedClient {
    let known = HostProfile {
        sizes: SizeSupport::Proven,
        final_names: FinalNames::Proven,
        part_names: PartNames::InDirectory,
        ..HostProfile::default()
    };
    let connector = server.connector_with(|config| {
        config.retry.first = Duration::from_millis(10);
    });
    ManagedClient::new(connector.with_profile(SharedProfile::new(known)))
}

#[tokio::test]
async fn cancelled_upload_leaves_no_temporary_directory() {
    let file = content(3_000_000);
    let server = Scenario::session(async |peer| {
        peer.expect_free("a.csv").await;
        let port = peer.extended_passive().await;
        let directory = peer.make_temporary_directory().await;
        peer.expect_stor().await;
        peer.say("150 go").await;
        let data = port.accept().await;
        peer.answer_abort(data).await;
        peer.delete_temporary().await;
        peer.remove_directory(&directory).await;
    })
    .start();
    let plan = plan("a.csv", &file);
    let source = Memory::new(&file);
    let leftover = cancelled_at(&mut client_of(&server), &plan, source, 1_000_000).await;
    assert_eq!(leftover, None);
}

#[tokio::test]
async fn part_file_in_a_temporary_directory_is_resumed_after_a_break() {
    let file = content(200_000);
    let expected = file.clone();
    let first = session(async |peer| {
        peer.expect_free("a.csv").await;
        let port = peer.extended_passive().await;
        peer.make_temporary_directory().await;
        peer.expect_stor().await;
        peer.say("150 go").await;
        read_some(&mut port.accept().await, 100_000).await;
        peer.disconnect();
    });
    let second = session(async move |peer| {
        peer.complete("a.csv", 100_000, &expected).await;
        let temporary = peer.temporary();
        peer.remove_directory(temporary.strip_suffix("/a.csv").unwrap()).await;
    });
    let server = Scenario::of([first, second]).start();
    let plan = plan("a.csv", &file);
    run(&mut client_of(&server), &plan, &mut Memory::new(&file)).await.unwrap();
}

/// The upload ended before, perhaps in a crash.
#[tokio::test]
async fn part_file_that_was_left_in_a_temporary_directory_is_resumed() {
    let server = Scenario::session(async |peer| {
        peer.set_temporary("/home/ferryport-1a2b3c4d/a.csv");
        peer.complete("a.csv", 2, b"abc").await;
        peer.remove_directory("/home/ferryport-1a2b3c4d").await;
    })
    .start();
    let resume = Some(path("ferryport-1a2b3c4d/a.csv"));
    let plan = Plan { resume, ..plan("a.csv", b"abc") };
    server.run(&plan, &mut Memory::new(b"abc")).await.unwrap();
}

#[tokio::test]
async fn temporary_directory_that_is_gone_is_made_again_for_a_resumed_upload() {
    let server = Scenario::session(async |peer| {
        peer.set_temporary("/home/ferryport-1a2b3c4d/a.csv");
        peer.answer_size("a.csv", "550 none").await;
        peer.answer_for_temporary("SIZE", "550 none").await;
        let port = peer.extended_passive().await;
        assert_eq!(peer.make_temporary_directory().await, "/home/ferryport-1a2b3c4d");
        peer.keep_port(port);
        assert_eq!(peer.stor_from(0).await, b"abc");
        peer.check_and_rename("a.csv", 3).await;
        peer.remove_directory("/home/ferryport-1a2b3c4d").await;
    })
    .start();
    let resume = Some(path("ferryport-1a2b3c4d/a.csv"));
    let plan = Plan { resume, ..plan("a.csv", b"abc") };
    server.run(&plan, &mut Memory::new(b"abc")).await.unwrap();
}

/// A paused upload is resumed from there: the directory stays with its file.
#[tokio::test]
async fn temporary_directory_of_a_kept_part_file_stays() {
    let file = content(3_000_000);
    let server = Scenario::session(async |peer| {
        peer.expect_free("a.csv").await;
        let port = peer.extended_passive().await;
        peer.make_temporary_directory().await;
        peer.expect_stor().await;
        peer.say("150 go").await;
        read_to_end(&mut port.accept().await).await;
        peer.say("226 done").await;
    })
    .start();
    let plan = plan("a.csv", &file);
    let source = Memory::new(&file).keeping();
    let leftover = cancelled_at(&mut client_of(&server), &plan, source, 1_000_000).await;
    assert_eq!(leftover, Some(path(&server.temporary())));
}

#[tokio::test]
async fn leftover_is_removed_together_with_its_temporary_directory() {
    let server = Scenario::session(async |peer| {
        peer.answer("DELE /home/ferryport-1a2b3c4d/a.csv", "250 gone").await;
        peer.remove_directory("/home/ferryport-1a2b3c4d").await;
    })
    .start();
    let leftover = path("/home/ferryport-1a2b3c4d/a.csv");
    ftps::upload::remove(&mut server.managed(), &leftover).await.unwrap();
}

/// The reply to `MKD` is lost: the directory is this upload's.
#[tokio::test]
async fn temporary_directory_is_found_again_after_a_break() {
    let (tell, made) = oneshot::channel();
    let first = session(async move |peer| {
        peer.expect_free("a.csv").await;
        let _port = peer.extended_passive().await;
        let command = peer.command().await.unwrap();
        tell.send(command.strip_prefix("MKD ").unwrap().to_owned()).unwrap();
        peer.disconnect();
    });
    let second = session(async move |peer| {
        let directory: String = made.await.unwrap();
        peer.expect_free("a.csv").await;
        let port = peer.extended_passive().await;
        assert_eq!(peer.answer_mkd("550 exists").await, directory);
        peer.answer(&format!("CWD {directory}"), "250 there").await;
        peer.keep_port(port);
        assert_eq!(peer.stor_all().await, b"abc");
        peer.check_and_rename("a.csv", 3).await;
        // The session is in it.
        peer.answer("CWD /home", "250 ok").await;
        peer.remove_directory(&directory).await;
    });
    let server = Scenario::of([first, second]).start();
    store(&mut client_of(&server), "a.csv", b"abc").await.unwrap();
}

/// Another client has put a file into it.
#[tokio::test]
async fn temporary_directory_that_cannot_be_removed_is_reported() {
    let server = Scenario::session(async |peer| {
        let directory = peer.stor_in_directory("a.csv").await;
        peer.check_and_rename("a.csv", 3).await;
        peer.answer(&format!("RMD {directory}"), "550 not empty").await;
        peer.answer(&format!("CWD {directory}"), "250 there").await;
        peer.answer("CWD /home", "250 ok").await;
    })
    .start();
    let uploaded = store(&mut client_of(&server), "a.csv", b"abc").await.unwrap();
    let directory = path(&server.temporary()).parent().unwrap();
    assert_eq!(uploaded.not_deleted, [directory]);
}

#[tokio::test]
async fn old_file_is_moved_aside_into_a_temporary_directory() {
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a.csv", 9).await;
        let port = peer.extended_passive().await;
        let first = peer.make_temporary_directory().await;
        peer.keep_port(port);
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.refuse_rename("a.csv", "550 File exists", "213 9").await;
        peer.expect_taken("a.csv", 9).await;
        let second = peer.make_temporary_directory().await;
        assert_eq!(peer.move_aside("a.csv").await, format!("{second}/a.csv"));
        peer.rename_and_look("a.csv", 3).await;
        peer.answer(&format!("DELE {second}/a.csv"), "250 gone").await;
        for directory in [first, second] {
            peer.remove_directory(&directory).await;
        }
    })
    .start();
    let plan = replacing("a.csv", b"abc");
    run(&mut client_of(&server), &plan, &mut Memory::new(b"abc")).await.unwrap();
}

#[tokio::test]
async fn adopted_file_is_moved_into_a_temporary_directory() {
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a.csv", 2).await;
        let port = peer.extended_passive().await;
        let directory = peer.make_temporary_directory().await;
        let temporary = peer.move_aside("a.csv").await;
        assert_eq!(temporary, format!("{directory}/a.csv"));
        peer.set_temporary(&temporary);
        peer.keep_port(port);
        assert_eq!(peer.stor_from(2).await, b"c");
        peer.check_and_rename("a.csv", 3).await;
        peer.remove_directory(&directory).await;
    })
    .start();
    let plan = Plan { existing: Existing::Resume, ..plan("a.csv", b"abc") };
    run(&mut client_of(&server), &plan, &mut Memory::new(b"abc")).await.unwrap();
}

#[tokio::test]
async fn part_file_with_the_extension_is_resumed() {
    let server = Scenario::session(async |peer| {
        peer.set_temporary("/home/a.1a2b3c4d.part.csv");
        peer.complete("a.csv", 2, b"abc").await;
    })
    .start();
    let resume = Some(path("a.1a2b3c4d.part.csv"));
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
