//! Pause and resume.

use super::*;

#[test]
fn paused_upload_sends_nothing_and_goes_on_where_it_was() {
    let mut queue = queue(&[100 * KIB]);
    queue.offers(&LIMITS);
    grant(&mut queue, 0, 0, 64 * KIB);
    let first = chunk(&mut queue).unwrap();
    queue.pause(Row(0));
    assert_eq!(queue.next_chunk(0, &LIMITS), NextChunk::Nothing);
    queue.paused(UploadId(0), Some("/home/folder/0.part".into()));
    queue.resume(Row(0));
    assert_eq!(queue.offers(&LIMITS)[0].resume.as_deref(), Some("/home/folder/0.part"));
    let credit = Credit { taken: first.end, received: first.end, limit: 64 * KIB };
    queue.credit(UploadId(1), Attempt(1), credit, Millis(0));
    assert_eq!(chunk(&mut queue).unwrap().header.offset, first.end);
}

#[test]
fn upload_paused_before_its_offer_is_not_offered() {
    let mut queue = queue(&[1, 1]);
    queue.pause(Row(0));
    let offers = queue.offers(&LIMITS);
    assert_eq!(offers[0].path, "/home/folder/1");
    queue.resume(Row(0));
    assert_eq!(queue.offers(&LIMITS)[0].path, "/home/folder/0");
}

#[test]
fn pause_is_sent_once_and_ends_the_upload_for_now() {
    let mut queue = queue(&[10, 10, 10]);
    queue.offers(&LIMITS);
    assert_eq!(queue.pause(Row(0)), Some(UploadId(0)));
    assert_eq!(queue.pause(Row(0)), None);
    queue.paused(UploadId(0), Some("/part".into()));
    assert_eq!(ids(&queue.offers(&LIMITS)), [2], "a paused upload holds no other back");
    queue.done(UploadId(1), stored());
    queue.resume(Row(0));
    let again = queue.offers(&LIMITS).remove(0);
    assert_eq!((again.upload, again.resume.as_deref()), (UploadId(3), Some("/part")));
}

#[test]
fn upload_that_goes_on_before_its_pause_was_answered_is_offered_with_the_answer() {
    let mut queue = queue(&[10]);
    queue.offers(&LIMITS);
    queue.pause(Row(0));
    queue.resume(Row(0));
    assert_eq!(queue.offers(&LIMITS), []);
    queue.paused(UploadId(0), Some("/part".into()));
    assert_eq!(queue.offers(&LIMITS).remove(0).resume.as_deref(), Some("/part"));
}

#[test]
fn upload_that_the_portal_paused_unasked_was_interrupted() {
    let mut queue = queue(&[10]);
    queue.offers(&LIMITS);
    queue.paused(UploadId(0), Some("/a".into()));
    assert!(matches!(queue.get(Row(0)).unwrap().state(), State::Interrupted));
    queue.retry_failed(Scope::All);
    assert_eq!(queue.offers(&LIMITS)[0].resume.as_deref(), Some("/a"));
}
