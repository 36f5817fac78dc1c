//! Lost sockets, sessions and connections.

use super::*;

#[test]
fn ended_session_interrupts_open_uploads_and_keeps_the_rest_queued() {
    let mut queue = queue(&[1, 1, 1]);
    queue.offers(&LIMITS);
    assert_eq!(queue.session_ended(), 2);
    assert!(matches!(queue.get(Row(0)).unwrap().state(), State::Interrupted));
    queue.retry(Row(1));
    assert_eq!(ids(&queue.offers(&LIMITS)), [2, 3], "in the order of picking, with new ids");
    assert!(matches!(queue.get(Row(0)).unwrap().state(), State::Interrupted));
}

#[test]
fn nothing_goes_to_another_server_by_itself() {
    let mut queue = queue(&[1, 1, 1]);
    queue.offers(&LIMITS);
    queue.disconnected(Interruption::Break);
    queue.moved("/other");
    assert_eq!(queue.offers(&LIMITS), []);
    queue.retry(Row(2));
    assert_eq!(queue.offers(&LIMITS)[0].path, "/other/folder/2");
}

#[test]
fn uploads_that_the_user_interrupted_go_on_after_the_next_login_at_the_same_server() {
    let mut queue = queue(&[10, 10, 10]);
    let id = queue.offers(&LIMITS).remove(0).upload;
    queue.opened(id, "/in/.a.part".into());
    queue.pause(Row(2));
    queue.disconnected(Interruption::UserDisconnected);
    let state = |queue: &Queue, row| status::status(queue.get(Row(row)).unwrap());
    assert!(state(&queue, 0).starts_with("Interrupted: you disconnected"));
    queue.reconnected();
    assert!(matches!(queue.get(Row(2)).unwrap().state(), State::Paused));
    let offers = queue.offers(&LIMITS);
    assert_eq!(offers.len(), 2);
    assert_eq!(offers[0].resume.as_deref(), Some("/in/.a.part"));

    queue.disconnected(Interruption::UserDisconnected);
    queue.moved("/other");
    queue.reconnected();
    assert_eq!(queue.offers(&LIMITS), [], "not on another server");
}

#[test]
fn files_picked_before_there_is_a_server_wait_for_their_folder() {
    let mut queue = Queue::default();
    let file = |path: &str| PickedFile { path: path.into(), size: 1, modified_millis: None };
    queue.add_unplaced(vec![file("a"), file("b"), file(&"c".repeat(300))]);
    assert_eq!(queue.unplaced(), 2, "the long name needs a decision first");
    queue.cancel(Row(1));
    queue.disconnected(Interruption::Break);
    queue.moved("/home");
    assert_eq!(queue.offers(&LIMITS), []);
    queue.place("/in");
    let paths: Vec<_> = queue.offers(&LIMITS).into_iter().map(|offer| offer.path).collect();
    assert_eq!(paths, ["/in/a"]);
    queue.shorten(Row(2));
    let long = queue.offers(&LIMITS).remove(0).path;
    assert!(long.starts_with("/in/ccc") && long.len() < 255, "{long}");
}

fn phase(queue: &Queue) -> Phase {
    match queue.get(Row(0)).unwrap().state() {
        State::Open(open) => open.phase(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn upload_that_the_portal_tries_again_by_itself_stays_open() {
    let mut queue = queue(&[10]);
    let id = queue.offers(&LIMITS).remove(0).upload;
    queue.opened(id, "/in/.a.part".into());
    queue.interrupted(id);
    assert_eq!(phase(&queue), Phase::Retrying);
    credit_again(&mut queue, 1, 4, 4, 10);
    queue.opened(id, "/in/.a.part".into());
    assert_eq!(phase(&queue), Phase::Sending);
    assert_eq!(queue.get(Row(0)).unwrap().taken(), 4);
}

#[test]
fn upload_that_waits_for_another_one_to_the_same_file_starts_after_it() {
    let mut queue = queue(&[10]);
    let id = queue.offers(&LIMITS).remove(0).upload;
    queue.waiting(id);
    assert_eq!(phase(&queue), Phase::Waiting);
    // The portal grants the first window before the upload starts.
    grant(&mut queue, 0, 0, 10);
    assert_eq!(phase(&queue), Phase::Waiting);
    queue.opened(id, "/in/.a.part".into());
    assert_eq!(phase(&queue), Phase::Sending);
}

#[test]
fn credit_that_comes_while_the_portal_waits_for_the_server_does_not_end_the_wait() {
    let mut queue = queue(&[100 * KIB]);
    let id = queue.offers(&LIMITS).remove(0).upload;
    queue.opened(id, "/in/.a.part".into());
    grant(&mut queue, 0, 0, 64 * KIB);
    queue.interrupted(id);
    // Another socket opened meanwhile, or a credit from before the break arrives after it.
    credit_again(&mut queue, 1, 4 * KIB, 8 * KIB, 64 * KIB);
    assert_eq!(phase(&queue), Phase::Retrying);
    assert_eq!(chunk(&mut queue).unwrap().header.offset, 8 * KIB, "the portal has room for it");
    queue.verifying(id);
    assert_eq!(phase(&queue), Phase::Verifying);
}

#[test]
fn nothing_is_sent_on_another_socket_before_the_portal_says_from_where() {
    let mut queue = queue(&[100 * KIB]);
    queue.offers(&LIMITS);
    grant(&mut queue, 0, 0, 64 * KIB);
    chunk(&mut queue).unwrap();
    queue.set_outage(Outage { retry_in: None });
    queue.end_outage();
    assert_eq!(queue.next_chunk(0, &LIMITS), NextChunk::Nothing);
    credit_again(&mut queue, 1, 0, 4 * KIB, 64 * KIB);
    queue.take_due_check(UploadId(0)).unwrap();
    queue.file_readable(UploadId(0));
    assert_eq!(chunk(&mut queue).unwrap().header.offset, 4 * KIB, "from what the portal has");
}

#[test]
fn check_that_is_under_way_goes_on_through_a_lost_socket() {
    let mut queue = queue(&[8 * KIB]);
    let id = queue.offers(&LIMITS).remove(0).upload;
    grant(&mut queue, 0, 0, 8 * KIB);
    while chunk(&mut queue).is_some() {}
    queue.verifying(id);
    queue.set_outage(Outage { retry_in: None });
    queue.end_outage();
    credit_again(&mut queue, 1, 8 * KIB, 8 * KIB, 8 * KIB);
    let State::Open(open) = queue.get(Row(0)).unwrap().state() else { panic!("it has ended") };
    assert_eq!(open.phase(), Phase::Verifying);
}

#[test]
fn uploads_of_a_lost_session_are_offered_again_from_what_the_server_holds() {
    let mut queue = queue(&[100 * KIB, 100 * KIB]);
    queue.offers(&LIMITS);
    queue.opened(UploadId(0), "/home/.a.part".into());
    assert_eq!(queue.session_lost(), 2);
    let offers = queue.offers(&LIMITS);
    assert_eq!(ids(&offers), [2, 3]);
    assert_eq!(offers[0].resume.as_deref(), Some("/home/.a.part"));
    assert_eq!(offers[1].resume, None);
}

#[test]
fn nothing_of_what_one_server_holds_counts_at_another() {
    let mut queue = queue(&[10 * KIB]);
    let id = queue.offers(&LIMITS).remove(0).upload;
    queue.opened(id, "/home/.a.part".into());
    grant(&mut queue, 0, 0, 10 * KIB);
    while chunk(&mut queue).is_some() {}
    grant(&mut queue, 0, 4 * KIB, 10 * KIB);
    queue.disconnected(Interruption::Break);
    assert_eq!(queue.totals().taken, 4 * KIB);
    queue.moved("/other");
    assert_eq!((queue.get(Row(0)).unwrap().taken(), queue.totals().taken), (0, 0));
    queue.retry(Row(0));
    let offer = queue.offers(&LIMITS).remove(0);
    assert_eq!((offer.path.as_str(), offer.resume), ("/other/folder/0", None));
}

#[test]
fn no_time_is_promised_while_the_connection_is_lost_and_the_rate_starts_anew() {
    let mut queue = queue(&[1000 * KIB]);
    queue.offers(&LIMITS);
    for step in 0..50_u64 {
        let credit = Credit { taken: step * KIB, received: step * KIB, limit: 1000 * KIB };
        queue.credit(UploadId(0), Attempt(0), credit, Millis(step * 100));
        while chunk(&mut queue).is_some() {}
    }
    assert!(matches!(queue.pace(), Pace::Sending { rate: Some(_), left: Some(_) }));
    queue.set_outage(Outage { retry_in: None });
    queue.tick(Millis(6_000));
    assert_eq!(queue.pace(), Pace::Waiting);
    queue.end_outage();
    let credit = Credit { taken: 500 * KIB, received: 500 * KIB, limit: 1000 * KIB };
    queue.credit(UploadId(0), Attempt(1), credit, Millis(7_000));
    assert_eq!(queue.pace(), Pace::Sending { rate: None, left: None });
    queue.interrupted(UploadId(0));
    assert_eq!(queue.pace(), Pace::Waiting, "the server is away");
}
