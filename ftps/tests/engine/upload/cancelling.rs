//! Cancelled and paused uploads, and the part files that they leave.

use std::time::Duration;

use ftps::upload::Plan;

use crate::scripted::{
    Scenario, path, session,
    uploads::{Memory, breaks_after, cancelled_at, content, plan, run, size_in_conflict, store},
};

#[tokio::test]
async fn cancelled_upload_leaves_nothing_behind() {
    let file = content(3_000_000);
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let data = peer.stor().await;
        peer.answer_abort(data).await;
        peer.delete_temporary().await;
        peer.upload("b").await;
    })
    .start();
    let mut client = server.managed();
    let plan = plan("a", &file);
    let leftover = cancelled_at(&mut client, &plan, Memory::new(&file), 1_000_000).await;
    assert_eq!(leftover, None);
    // The session is in step.
    store(&mut client, "b", b"xyz").await.unwrap();
}

/// The part file is of an earlier upload of the same file.
#[tokio::test]
async fn cancel_before_resuming_removes_the_part_file() {
    let server = Scenario::session(async |peer| {
        peer.answer("DELE /home/a.0123abcd.part", "250 gone").await;
    })
    .start();
    let mut client = server.managed();
    let plan = Plan { resume: Some(path("a.0123abcd.part")), ..plan("a", b"xyz") };
    assert_eq!(cancelled_at(&mut client, &plan, Memory::new(b"xyz"), 0).await, None);
}

/// The name to resume comes from the caller, and may be that of another user's file.
#[tokio::test]
async fn cancel_deletes_no_name_that_is_not_a_temporary_one() {
    let server = Scenario::session(async |peer| {
        peer.upload("b").await;
    })
    .start();
    let mut client = server.managed();
    for precious in ["/etc/passwd", "/home/other.0123abcd.part"] {
        let plan = Plan { resume: Some(path(precious)), ..plan("a", b"xyz") };
        let leftover = cancelled_at(&mut client, &plan, Memory::new(b"xyz"), 0).await;
        assert_eq!(leftover, Some(path(precious)));
    }
    // The session got no command for them.
    store(&mut client, "b", b"xyz").await.unwrap();
}

/// The server locks the file, and does not remove it now.
#[tokio::test]
async fn part_file_that_cannot_be_removed_is_reported() {
    let file = content(3_000_000);
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let data = peer.stor().await;
        peer.answer_abort(data).await;
        peer.answer_for_temporary("DELE", "450 in use").await;
    })
    .start();
    let mut client = server.managed();
    let plan = plan("a", &file);
    let leftover = cancelled_at(&mut client, &plan, Memory::new(&file), 1_000_000).await;
    assert_eq!(leftover, Some(path(&server.temporary())));
}

/// The transfer ends properly, so that the server keeps every byte that it received.
#[tokio::test]
async fn paused_upload_resumes_from_every_byte_that_was_sent() {
    let file = content(3_000_000);
    let expected = file.clone();
    let server = Scenario::session(async move |peer| {
        peer.expect_free("a").await;
        let held = peer.stor_all().await;
        assert!(held.len() >= 1_000_000 && held == expected[..held.len()]);
        peer.expect_retry("a", held.len()).await;
        assert!(peer.stor_from(held.len()).await == expected[held.len()..]);
        peer.check_both_and_rename("a", expected.len()).await;
    })
    .start();
    let mut client = server.managed();
    let mut plan = plan("a", &file);
    let paused = Memory::new(&file).keeping();
    plan.resume = cancelled_at(&mut client, &plan, paused, 1_000_000).await;
    assert!(plan.resume.is_some() && server.log.has("Transfer stopped"), "{}", server.log.text());
    run(&mut client, &plan, &mut Memory::new(&file)).await.unwrap();
    assert_eq!(server.log.sessions_with("230 in"), [Some(1)], "one session is enough");
}

#[tokio::test]
async fn unconfirmed_pause_ends_the_session_and_keeps_the_part_file() {
    let file = content(3_000_000);
    let silent = session(async |peer| {
        peer.expect_free("a").await;
        peer.stor_unconfirmed().await;
        peer.expect_end().await;
    });
    let next = session(async |peer| {
        peer.upload("b").await;
    });
    let server = Scenario::of([silent, next]).start();
    let mut client =
        server.managed_with(|config| config.timeouts.abort = Duration::from_millis(100));
    let paused = Memory::new(&file).keeping();
    let leftover = cancelled_at(&mut client, &plan("a", &file), paused, 1_000_000).await;
    assert!(leftover.is_some());
    store(&mut client, "b", b"xyz").await.unwrap();
}

#[tokio::test]
async fn pause_between_attempts_keeps_the_part_file() {
    let file = content(300_000);
    let server = Scenario::of([breaks_after(200_000, &file)]).start();
    let mut client = server.managed_with(|config| {
        config.retry.first = Duration::from_secs(3600);
        config.retry.max = Duration::from_secs(3600);
        config.timeouts.verdict = Duration::from_millis(200);
    });
    let paused = Memory::new(&file).keeping();
    let leftover = cancelled_at(&mut client, &plan("a", &file), paused, u64::MAX).await;
    assert_eq!(leftover, Some(path(&server.temporary())));
}

/// The late reply to an aborted transfer is not the reply to the `NOOP` after it.
#[tokio::test]
async fn two_replies_to_an_abort_do_not_shift_those_that_follow() {
    let file = content(3_000_000);
    let server = Scenario::session(async |peer| {
        peer.expect_free("a").await;
        let mut data = peer.stor().await;
        let _ended = tokio::io::AsyncReadExt::read_to_end(&mut data, &mut Vec::new()).await;
        drop(data);
        peer.say("426 aborted").await;
        peer.expect("NOOP").await;
        peer.say("226 closed").await;
        peer.say("200 ok").await;
        peer.answer_for_temporary("DELE", "550 not yours").await;
        peer.expect_taken("b", 7).await;
        let _port = peer.extended_passive().await;
        peer.answer_date("b").await;
    })
    .start();
    let mut client = server.managed();
    cancelled_at(&mut client, &plan("a", &file), Memory::new(&file), 1_000_000).await;
    let failed = store(&mut client, "b", b"x").await.unwrap_err();
    assert_eq!(size_in_conflict(&failed), Some(7), "{}", server.log.text());
}
