//! The final name after the rename, and sizes that are reported late.

use std::time::Duration;

use ftps::{
    Cause, ManagedClient, Verified,
    profile::{FinalNames, HostProfile, SharedProfile},
};

use crate::scripted::{
    Peer, Scenario,
    uploads::{Memory, engine_error, plan, replacing, run, store},
};

/// The client looks at both names again, and the part file still has its own.
async fn answer_part_kept(peer: &mut Peer, target_reply: &str, size: usize) {
    peer.answer_size("a", target_reply).await;
    peer.answer_temporary_size(size).await;
}

#[tokio::test]
async fn rename_that_is_confirmed_without_effect_leads_to_writing_in_place() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.rename("a").await;
        peer.answer_size("a", "550 none").await;
        answer_part_kept(peer, "550 none", 3).await;
        peer.delete_temporary().await;
        for target in ["a", "b"] {
            peer.upload_in_place(target).await;
        }
    })
    .start();
    let mut client = server.managed();
    for name in ["a", "b"] {
        let uploaded = store(&mut client, name, b"abc").await.unwrap();
        assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
    }
    assert_eq!(server.log.count("does not carry them out"), 1);
}

/// The old file, which still has the name, is as large as the new one.
#[tokio::test]
async fn rename_without_effect_is_noticed_where_the_old_file_has_the_same_size() {
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a", 3).await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.rename("a").await;
        answer_part_kept(peer, "213 3", 3).await;
        answer_part_kept(peer, "213 3", 3).await;
        peer.delete_temporary().await;
        peer.expect_taken("a", 3).await;
        peer.store_in_place("a").await;
    })
    .start();
    server.run(&replacing("a", b"abc"), &mut Memory::new(b"abc")).await.unwrap();
}

#[tokio::test]
async fn rename_without_effect_is_noticed_without_size() {
    rename_without_effect_is_noticed(FinalNames::Unproven).await;
}

/// A file that was written in place proves nothing about renames.
#[tokio::test]
async fn rename_without_effect_is_noticed_after_a_file_was_written_in_place() {
    rename_without_effect_is_noticed(FinalNames::InPlace).await;
}

async fn rename_without_effect_is_noticed(final_names: FinalNames) {
    let facts = |path: &str| format!("250-Facts\r\n type=file;size=3; {path}\r\n250 End");
    let server = Scenario::session(async move |peer| {
        peer.stor_without_size("a").await;
        let temporary = peer.temporary();
        peer.answer_for_temporary("SIZE", "502 unknown").await;
        peer.answer_size("a", "502 unknown").await;
        peer.answer_for_temporary("MLST", &facts(&temporary)).await;
        peer.answer("MLST /home/a", "550 none").await;
        peer.rename("a").await;
        peer.answer("MLST /home/a", "550 none").await;
        peer.answer_for_temporary("MLST", &facts(&temporary)).await;
        peer.delete_temporary().await;
        peer.answer_size("a", "502 unknown").await;
        peer.answer_no_directory("a").await;
        let port = peer.extended_passive().await;
        peer.answer("MLST /home/a", "550 none").await;
        peer.answer("STOR /home/a", "150 go").await;
        crate::scripted::read_to_end(&mut port.accept().await).await;
        peer.say("226 done").await;
        peer.answer_size("a", "502 unknown").await;
        peer.answer("MLST /home/a", &facts("/home/a")).await;
    })
    .features(" MLST type*;size*;\r\n")
    .start();
    let known = HostProfile { final_names, ..HostProfile::default() };
    let connector = server.stranger().with_profile(SharedProfile::new(known));
    store(&mut ManagedClient::new(connector), "a", b"abc").await.unwrap();
    server.log.must_have("does not carry them out");
}

/// Some servers move a file away as soon as it has its final name.
#[tokio::test]
async fn file_that_is_taken_away_after_its_rename_is_done_by_the_reply_alone() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(3).await;
        peer.rename("a").await;
        peer.answer_size("a", "550 none").await;
        peer.answer_size("a", "550 none").await;
        peer.answer_for_temporary("SIZE", "550 none").await;
    })
    .start();
    let uploaded = server.store("a", b"abc").await.unwrap();
    assert_eq!(uploaded.verified, Verified::ReplyOnly);
    server.log.must_have("\"/home/a\" is not there any more");
}

fn patient(server: &crate::scripted::ScriptedServer) -> ManagedClient {
    server.managed_with(|config| config.timeouts.size_lag = Duration::from_secs(10))
}

#[tokio::test]
async fn size_that_is_reported_late_costs_no_file() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(0).await;
        peer.rename("a").await;
        peer.answer_size("a", "213 0").await;
        for size in ["213 0", "213 0", "213 3"] {
            peer.answer_size("a", size).await;
            peer.answer_for_temporary("SIZE", "550 none").await;
        }
    })
    .start();
    let uploaded = store(&mut patient(&server), "a", b"abc").await.unwrap();
    assert_eq!(uploaded.verified, Verified::Size { bytes: 3 });
}

#[tokio::test]
async fn size_that_is_reported_late_before_a_file_is_replaced_costs_no_file() {
    let server = Scenario::session(async |peer| {
        peer.expect_taken("a", 9).await;
        peer.stor_all().await;
        peer.answer_for_temporary("SIZE", "550 none").await;
        for size in [0, 3] {
            peer.answer_temporary_size(size).await;
        }
        peer.rename_and_look("a", 3).await;
    })
    .start();
    let plan = replacing("a", b"abc");
    run(&mut patient(&server), &plan, &mut Memory::new(b"abc")).await.unwrap();
    server.log.must_have("only after a while");
}

/// The server's digest proves the content, whatever size it reports.
#[tokio::test]
async fn equal_digest_outweighs_a_size_that_is_reported_late() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_temporary_size(0).await;
        peer.answer_for_temporary("XCRC", "250 352441C2").await;
        peer.rename_and_look("a", 3).await;
    })
    .features(" XCRC\r\n")
    .start();
    let uploaded = server.store("a", b"abc").await.unwrap();
    assert!(matches!(uploaded.verified, Verified::Digest(_)), "{uploaded:?}");
}

/// Another client may have stored a file under the name.
#[tokio::test]
async fn file_with_the_final_name_is_never_deleted_for_its_size() {
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.check_and_rename_short("a", 2).await;
        peer.answer("RNFR /home/a", "550 Permission denied").await;
        peer.answer_for_temporary("DELE", "550 none").await;
    })
    .start();
    let error = engine_error(server.store("a", b"abc").await.unwrap_err());
    assert_eq!(Cause::of(&error), Cause::IncompleteFileRemains);
}

#[tokio::test]
async fn file_written_in_place_is_never_deleted_for_its_size() {
    let server = Scenario::session(async |peer| {
        peer.give_up_renames("a", 3).await;
        peer.expect_free("a").await;
        peer.stor_all().await;
        peer.answer_size("a", "213 7").await;
    })
    .start();
    let plan = plan("a", b"abc");
    let failed = server.run(&plan, &mut Memory::new(b"abc")).await.unwrap_err();
    assert_eq!(failed.leftover, Some(crate::scripted::path("/home/a")));
    assert_eq!(Cause::of(&engine_error(failed)), Cause::NotWhole);
}
