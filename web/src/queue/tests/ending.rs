//! Cancelled, failed and cleared uploads.

use super::*;

#[test]
fn cancelled_upload_keeps_its_place_until_the_portal_has_let_go() {
    let mut queue = queue(&[1, 1, 1]);
    queue.offers(&LIMITS);
    assert_eq!(queue.cancel(Row(0)), Some(UploadId(0)));
    assert_eq!(queue.offers(&LIMITS), []);
    queue.cancelled(UploadId(0));
    assert_eq!(ids(&queue.offers(&LIMITS)), [2]);
    assert!(matches!(queue.get(Row(0)).unwrap().state(), State::Skipped(Skipped::Cancelled)));
}

#[test]
fn upload_that_was_done_before_it_was_cancelled_is_done() {
    let mut queue = queue(&[1]);
    queue.offers(&LIMITS);
    queue.cancel(Row(0));
    queue.done(UploadId(0), stored());
    assert!(matches!(queue.get(Row(0)).unwrap().state(), State::Done { .. }));
}

#[test]
fn retry_is_offered_under_a_new_id_and_ignores_answers_to_the_old_one() {
    let mut queue = queue(&[10 * KIB]);
    queue.offers(&LIMITS);
    queue.cancel(Row(0));
    queue.retry(Row(0));
    assert_eq!(ids(&queue.offers(&LIMITS)), [1]);
    queue.failed(UploadId(0), problem(), None);
    grant(&mut queue, 0, 0, 10 * KIB);
    assert_eq!(queue.next_chunk(0, &LIMITS), NextChunk::Nothing);
    assert!(matches!(queue.get(Row(0)).unwrap().state(), State::Open(_)));
}

#[test]
fn retry_after_a_failure_goes_on_from_what_lies_on_the_server() {
    let mut queue = queue(&[10]);
    let first = queue.offers(&LIMITS).remove(0);
    assert_eq!(first.resume, None);
    let leftover = "/in/a.1a2b3c4d.part".to_owned();
    queue.failed(first.upload, problem(), Some(leftover.clone()));
    queue.retry(Row(0));
    assert_eq!(queue.offers(&LIMITS).remove(0).resume, Some(leftover));
}

#[test]
fn cancelled_upload_leaves_nothing_on_the_server_whatever_was_answered_first() {
    let mut queue = queue(&[10, 10]);
    queue.offers(&LIMITS);
    queue.pause(Row(0));
    queue.cancel(Row(0));
    queue.paused(UploadId(0), Some("/a".into()));
    assert_eq!(queue.take_leftovers(), ["/a"]);
    queue.pause(Row(1));
    queue.paused(UploadId(1), Some("/b".into()));
    assert_eq!(queue.cancel(Row(1)), None);
    assert_eq!(queue.take_leftovers(), ["/b"]);
}

#[test]
fn cancelled_upload_leaves_nothing_on_the_server_without_an_answer() {
    for lose in [Queue::session_lost, Queue::session_ended] {
        let mut queue = queue(&[10, 10]);
        queue.offers(&LIMITS);
        for id in [0, 1] {
            queue.opened(UploadId(id), format!("/{id}.part"));
            queue.cancel(Row(id as usize));
        }
        queue.cancelled(UploadId(1));
        assert!(queue.take_leftovers().is_empty(), "the portal removes them");
        lose(&mut queue);
        assert_eq!(queue.take_leftovers(), ["/0.part"]);
        lose(&mut queue);
        assert_eq!(queue.take_leftovers(), ["/0.part"], "the server has not confirmed it");
        queue.leftover_removed("/0.part");
        lose(&mut queue);
        assert!(queue.take_leftovers().is_empty());
    }
}

#[test]
fn upload_that_was_opened_after_it_was_cancelled_leaves_nothing_without_an_answer() {
    let mut queue = queue(&[10]);
    queue.offers(&LIMITS);
    queue.cancel(Row(0));
    queue.opened(UploadId(0), "/a".into());
    queue.session_lost();
    assert_eq!(queue.take_leftovers(), ["/a"]);
}

#[test]
fn part_of_a_cancelled_upload_is_removed_even_if_the_file_is_tried_again_meanwhile() {
    let mut queue = queue(&[10]);
    queue.offers(&LIMITS);
    queue.opened(UploadId(0), "/a".into());
    queue.cancel(Row(0));
    queue.retry(Row(0));
    assert_eq!(queue.offers(&LIMITS)[0].resume, None, "the portal is removing it");
    queue.failed(UploadId(0), problem(), Some("/a".into()));
    assert_eq!(queue.take_leftovers(), ["/a"]);
}

#[test]
fn list_is_cleared_of_what_ended_and_the_rows_keep_their_numbers() {
    let mut queue = queue(&[1, 1, 1]);
    queue.offers(&LIMITS);
    queue.done(UploadId(0), stored());
    assert_eq!(queue.clear_finished(), [Row(0)]);
    assert_eq!(queue.rows().collect::<Vec<_>>(), [Row(1), Row(2)]);
    assert_eq!((queue.len(), queue.totals().files), (2, 2));
    assert!(queue.get(Row(0)).is_none());
}
