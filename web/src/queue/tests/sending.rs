//! Offers, credit and chunks.

use super::*;

#[test]
fn uploads_are_offered_in_advance_up_to_the_limit() {
    let mut queue = queue(&[1, 2, 3]);
    let offers = queue.offers(&LIMITS);
    assert_eq!(ids(&offers), [0, 1]);
    assert_eq!(offers[0].path, "/home/folder/0");
    assert_eq!(queue.offers(&LIMITS), []);
    queue.done(UploadId(0), stored());
    assert_eq!(ids(&queue.offers(&LIMITS)), [2]);
}

#[test]
fn offers_follow_some_at_a_time() {
    let limits = Limits { max_open_uploads: 8, ..LIMITS };
    let mut queue = queue(&[1; 12]);
    assert_eq!(queue.offers(&limits).len(), 8);
    queue.done(UploadId(0), stored());
    assert_eq!(queue.offers(&limits), []);
    queue.done(UploadId(1), stored());
    assert_eq!(ids(&queue.offers(&limits)), [8, 9]);
}

#[test]
fn nothing_is_sent_without_credit_and_never_beyond_it() {
    let mut queue = queue(&[100 * KIB]);
    queue.offers(&LIMITS);
    assert_eq!(queue.next_chunk(0, &LIMITS), NextChunk::Nothing);
    grant(&mut queue, 0, 0, 32 * KIB);
    let mut sent = 0;
    while let Some(chunk) = chunk(&mut queue) {
        assert_eq!(chunk.header.offset, sent);
        sent = chunk.end;
    }
    assert_eq!(sent, 32 * KIB);
}

#[test]
fn only_the_last_chunk_is_smaller_than_the_least() {
    let mut queue = queue(&[10 * KIB + 1]);
    queue.offers(&LIMITS);
    grant(&mut queue, 0, 0, KIB);
    assert_eq!(chunk(&mut queue), None, "a window of less than the least chunk is not used");
    grant(&mut queue, 0, 0, 10 * KIB);
    let first = chunk(&mut queue).unwrap();
    assert!(first.end - first.header.offset >= 4 * KIB);
    while chunk(&mut queue).is_some() {}
    grant(&mut queue, 0, 10 * KIB, 10 * KIB + 1);
    let last = chunk(&mut queue).unwrap();
    assert_eq!((last.header.offset, last.end), (10 * KIB, 10 * KIB + 1));
}

#[test]
fn uploads_take_turns() {
    let mut queue = queue(&[100 * KIB, 100 * KIB]);
    queue.offers(&LIMITS);
    grant(&mut queue, 0, 0, 64 * KIB);
    grant(&mut queue, 1, 0, 64 * KIB);
    let rows: Vec<_> = (0..4).map(|_| chunk(&mut queue).unwrap().row.0).collect();
    assert_eq!(rows, [0, 1, 0, 1]);
}

#[test]
fn full_send_buffer_holds_the_next_chunk_back() {
    let mut queue = queue(&[1024 * KIB]);
    queue.offers(&LIMITS);
    grant(&mut queue, 0, 0, 512 * KIB);
    assert_eq!(queue.next_chunk(512 * KIB, &LIMITS), NextChunk::WhenDrained);
}

#[test]
fn empty_file_needs_no_chunk() {
    let mut queue = queue(&[0]);
    queue.offers(&LIMITS);
    grant(&mut queue, 0, 0, 0);
    assert_eq!(queue.next_chunk(0, &LIMITS), NextChunk::Nothing);
    queue.done(UploadId(0), stored());
    assert_eq!(queue.get(Row(0)).unwrap().permille(), 1000);
    assert_eq!(queue.totals().permille(), 1000);
}

#[test]
fn later_attempt_starts_again_at_what_was_taken() {
    let mut queue = queue(&[100 * KIB]);
    queue.offers(&LIMITS);
    grant(&mut queue, 0, 0, 64 * KIB);
    while chunk(&mut queue).is_some() {}
    credit_again(&mut queue, 1, 8 * KIB, 8 * KIB, 72 * KIB);
    let again = chunk(&mut queue).unwrap();
    assert_eq!(again.header.attempt, Attempt(1));
    assert_eq!(again.header.offset, 8 * KIB);
    grant(&mut queue, 0, 60 * KIB, 100 * KIB);
    assert_eq!(queue.get(Row(0)).unwrap().taken(), 8 * KIB, "an earlier attempt counts no more");
}

#[test]
fn bar_reaches_its_end_only_when_the_file_is_stored() {
    let mut queue = queue(&[10 * KIB]);
    queue.offers(&LIMITS);
    grant(&mut queue, 0, 0, 10 * KIB);
    while chunk(&mut queue).is_some() {}
    grant(&mut queue, 0, 10 * KIB, 10 * KIB);
    queue.verifying(UploadId(0));
    assert_eq!(queue.get(Row(0)).unwrap().permille(), 999);
    assert_eq!(queue.totals().permille(), 999);
    queue.done(UploadId(0), stored());
    assert_eq!(queue.get(Row(0)).unwrap().permille(), 1000);
}

#[test]
fn order_that_was_chosen_is_that_of_the_offers() {
    let mut queue = queue(&[2, 3, 1]);
    queue.set_order(OfferOrder::SmallestFirst);
    let sizes = |offers: Vec<Offer>| offers.iter().map(|offer| offer.size).collect::<Vec<_>>();
    assert_eq!(sizes(queue.offers(&LIMITS)), [1, 2]);
    queue.session_ended();
    queue.retry_failed(Scope::All);
    queue.set_order(OfferOrder::LargestFirst);
    assert_eq!(sizes(queue.offers(&LIMITS)), [3, 2]);
}

#[test]
fn file_in_doubt_is_not_sent_and_one_that_cannot_be_read_fails_alone() {
    let mut queue = queue(&[10 * KIB, 10 * KIB]);
    queue.offers(&LIMITS);
    for id in [0, 1] {
        queue.await_file_check(UploadId(id));
        grant(&mut queue, id, 0, 10 * KIB);
    }
    assert_eq!(queue.next_chunk(0, &LIMITS), NextChunk::Nothing);
    assert_eq!(queue.file_unreadable(UploadId(0)), Some(Row(0)));
    queue.file_readable(UploadId(1));
    assert_eq!(chunk(&mut queue).unwrap().row, Row(1));
    queue.paused(UploadId(0), Some("/a".into()));
    assert_eq!(queue.totals().failed, 1);
    queue.retry(Row(0));
    assert_eq!(queue.offers(&LIMITS)[0].resume.as_deref(), Some("/a"), "the server keeps it");
}

#[test]
fn file_that_cannot_be_read_does_not_undo_an_upload_that_is_stored() {
    let mut queue = queue(&[10]);
    queue.offers(&LIMITS);
    queue.file_unreadable(UploadId(0));
    queue.done(UploadId(0), stored());
    assert!(matches!(queue.get(Row(0)).unwrap().state(), State::Done(_)));
}

#[test]
fn file_is_looked_at_after_a_break_only_if_more_of_it_is_to_be_sent() {
    let mut queue = queue(&[8 * KIB, 8 * KIB]);
    queue.offers(&LIMITS);
    for id in [0, 1] {
        grant(&mut queue, id, 0, 8 * KIB);
    }
    while chunk(&mut queue).is_some() {}
    queue.set_outage(Outage { retry_in: None });
    queue.end_outage();
    credit_again(&mut queue, 1, 8 * KIB, 8 * KIB, 8 * KIB);
    assert_eq!(queue.take_due_check(UploadId(0)), None);
    let credit = Credit { taken: 0, received: 4 * KIB, limit: 8 * KIB };
    queue.credit(UploadId(1), Attempt(1), credit, Millis(0));
    assert_eq!(chunk(&mut queue), None);
    assert_eq!(queue.take_due_check(UploadId(1)), Some(Row(1)));
    assert_eq!(queue.take_due_check(UploadId(1)), None, "once is enough");
    queue.file_readable(UploadId(1));
    assert_eq!(chunk(&mut queue).unwrap().header.offset, 4 * KIB);
}
