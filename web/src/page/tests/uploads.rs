//! Offers, progress and ends of uploads.

use super::*;

#[test]
fn picked_files_are_offered_into_the_directory_in_view() {
    let mut page = connected();
    let effects = pick(&mut page, vec![file("d/a", 3)]);
    let [ClientMessage::Offer(offer)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(offer.path, "/home/d/a");
}

#[test]
fn nothing_is_offered_before_the_login() {
    let mut page = Page::default();
    at(&mut page, 0, Event::Connect(destination()));
    assert_eq!(page.drop_target(), None);
}

#[test]
fn end_of_uploads_is_announced_once_and_refreshes_the_view() {
    let mut page = connected();
    receive(
        &mut page,
        ServerMessage::Listing { path: "/home".into(), entries: Vec::new(), left_out: 0 },
    );
    pick(&mut page, vec![file("a", 0)]);
    let effects = receive(&mut page, done(0));
    assert!(effects.contains(&Effect::Announce("Finished: 1 file stored.".into())), "{effects:?}");
    let effects = at(&mut page, 900, Event::Tick);
    assert_eq!(sent(&effects), [&ClientMessage::List { path: "/home".into() }]);
}

#[test]
fn quarters_of_the_way_are_announced_and_ticks_are_not() {
    let mut page = connected();
    let files = (0..8).map(|index| file(&index.to_string(), 0)).collect();
    pick(&mut page, files);
    let announced: usize = (0..8)
        .map(|upload| {
            let effects = receive(&mut page, done(upload));
            effects.iter().filter(|effect| matches!(effect, Effect::Announce(_))).count()
        })
        .sum();
    assert_eq!(announced, 4, "25, 50, 75 percent and the end");
}

#[test]
fn cancel_tells_the_portal() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 10)]);
    let effects = at(&mut page, 0, Event::Upload(Row(0), UploadAction::Cancel));
    assert_eq!(sent(&effects), [&ClientMessage::Cancel { upload: UploadId(0) }]);
}

#[test]
fn late_credit_for_an_ended_upload_is_harmless() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 10)]);
    receive(&mut page, done(0));
    receive(
        &mut page,
        ServerMessage::Credit {
            upload: UploadId(0),
            attempt: Attempt(3),
            taken: 0,
            received: 0,
            limit: 10,
        },
    );
    assert_eq!(page.next_chunk(0), NextChunk::Nothing);
    assert_eq!(page.queue().totals().done, 1);
}

#[test]
fn upload_that_ended_with_its_connection_needs_no_digest_and_waits_to_be_tried_again() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 100_000)]);
    let paused = ServerMessage::Paused { upload: UploadId(0), resume: Some("/a.part".into()) };
    assert!(receive(&mut page, paused).contains(&Effect::StopDigest(UploadId(0))));
    receive(&mut page, ServerMessage::Disconnected { problem: Some(problems::outdated()) });
    at(&mut page, 0, Event::Connect(destination()));
    receive(&mut page, ServerMessage::Connected(facts()));
    assert_eq!(page.queue().totals().retryable, 1);
    let effects = at(&mut page, 0, Event::Bulk(Scope::All, BulkAction::RetryFailed));
    assert!(matches!(sent(&effects)[..], [ClientMessage::Offer(_)]), "{effects:?}");
}

#[test]
fn notices_about_a_pick_stay_until_the_next_one() {
    let mut page = connected();
    at(&mut page, 0, Event::PickStarted);
    at(&mut page, 0, Event::PickedUnreadable(vec!["secret".into()]));
    pick(&mut page, vec![file("a", 3)]);
    assert_eq!(page.notices().len(), 1);
    at(&mut page, 0, Event::PickStarted);
    assert!(page.notices().is_empty());
}

#[test]
fn nothing_is_accepted_before_there_is_a_connection_and_the_user_is_told() {
    let mut page = Page::default();
    assert_eq!(page.drop_target(), None);
    let names = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    at(&mut page, 0, Event::PickRejected(names));
    assert!(page.notices()[0].starts_with("Not added: a, b, c and 1 more."));
}
