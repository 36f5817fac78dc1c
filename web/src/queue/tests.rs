use std::collections::BTreeSet;

use proptest::prelude::*;
use protocol::{
    Attempt, OnConflict, Problem, Stage,
    client::Offer,
    server::{Existing, Limits, Verified},
};

use super::*;
use crate::time::Millis;

const KIB: u64 = 1024;

const LIMITS: Limits = Limits {
    max_chunk_bytes: 64 * 1024,
    min_chunk_bytes: 4 * 1024,
    max_open_uploads: 2,
    ping_interval_millis: 20_000,
    max_log_lines: 1000,
};

fn queue(sizes: &[u64]) -> Queue {
    let mut queue = Queue::default();
    let files = sizes.iter().enumerate().map(|(index, &size)| PickedFile {
        path: format!("folder/{index}"),
        size,
        modified_millis: None,
    });
    queue.add(files.collect(), "/home", || State::Queued);
    queue
}

fn problem() -> Problem {
    Problem {
        stage: Stage::Transfer,
        message: "no".into(),
        logged: None,
        reply: None,
        cause: None,
        remedy: None,
    }
}

fn stored() -> Stored {
    Stored { verified: Verified::Size, digest: None, page_agrees: false }
}

fn ids(offers: &[Offer]) -> Vec<u32> {
    offers.iter().map(|offer| offer.upload.0).collect()
}

fn chunk(queue: &mut Queue) -> Option<Chunk> {
    match queue.next_chunk(0, &LIMITS) {
        NextChunk::Send(chunk) => Some(chunk),
        NextChunk::WhenDrained | NextChunk::Nothing => None,
    }
}

fn grant(queue: &mut Queue, id: u32, taken: u64, limit: u64) {
    let credit = Credit { taken, received: taken, limit };
    queue.credit(UploadId(id), Attempt(0), credit, Millis(0));
}

/// Returns a credit for the first upload under another attempt.
fn credit_again(queue: &mut Queue, attempt: u32, taken: u64, received: u64, limit: u64) {
    let credit = Credit { taken, received, limit };
    queue.credit(UploadId(0), Attempt(attempt), credit, Millis(0));
}

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
fn conflict_is_offered_again_as_the_person_decides() {
    let mut queue = queue(&[1, 1]);
    queue.offers(&LIMITS);
    queue.conflict(UploadId(0), Existing { size: Some(9), modified_millis: None }, None);
    queue.conflict(UploadId(1), Existing { size: None, modified_millis: None }, None);
    queue.decide(Row(0), ConflictPolicy::Overwrite);
    queue.decide(Row(1), ConflictPolicy::Skip);
    let offers = queue.offers(&LIMITS);
    assert_eq!(ids(&offers), [2]);
    assert_eq!(offers[0].on_conflict, OnConflict::Overwrite);
    assert!(matches!(queue.get(Row(1)).unwrap().state(), State::Skipped(Skipped::ServerFileKept)));
}

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
    queue.disconnected();
    queue.moved("/other");
    assert_eq!(queue.offers(&LIMITS), []);
    queue.retry(Row(2));
    assert_eq!(queue.offers(&LIMITS)[0].path, "/other/folder/2");
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

/// A model of a portal with windows of `window` bytes, for one upload.
fn drive(queue: &mut Queue, size: u64, window: u64) -> u64 {
    let mut received = 0;
    grant(queue, 0, 0, window.min(size));
    while let Some(chunk) = chunk(queue) {
        assert_eq!(chunk.header.offset, received);
        let len = chunk.end - chunk.header.offset;
        assert!(len >= u64::from(LIMITS.min_chunk_bytes) || chunk.end == size);
        assert!(len <= u64::from(LIMITS.max_chunk_bytes));
        received = chunk.end;
        grant(queue, 0, received, (received + window).min(size));
    }
    received
}

proptest! {
    #[test]
    fn every_byte_is_sent_once_and_in_order(
        size in 0..2_000_000_u64,
        window in 4 * KIB..300 * KIB,
    ) {
        let mut queue = queue(&[size]);
        queue.offers(&LIMITS);
        prop_assert_eq!(drive(&mut queue, size, window), size);
    }

    #[test]
    fn whatever_happens_every_upload_can_still_be_finished(
        steps in prop::collection::vec((0..23_u8, 0..8_usize, 0..40_u32), 0..160),
    ) {
        let mut queue = queue(&[0, 1, 5 * KIB, 100 * KIB, 3, 70 * KIB]);
        queue.restore(vec![missing("x", Some(1)), missing("y", None)], |root| root == "x");
        for (step, row, id) in steps {
            let (row, id) = (Row(row), UploadId(id));
            match step {
                0 => { queue.pause(row); }
                1 => queue.resume(row),
                2 => { queue.cancel(row); }
                3 => queue.retry(row),
                4 => { queue.decide(row, ConflictPolicy::Skip); }
                5 => { queue.decide(row, ConflictPolicy::Overwrite); }
                6 => { queue.session_ended(); }
                7 => { queue.failed(id, problem(), None); }
                8 => { queue.conflict(id, Existing { size: None, modified_millis: None }, None); }
                9 => { queue.done(id, stored()); }
                10 => {
                    let credit = Credit { taken: 0, received: 0, limit: 50 * KIB };
                    queue.credit(id, Attempt(id.0 % 2), credit, Millis(0));
                }
                11 => { queue.paused(id, Some("/part".into())); }
                12 => { queue.pause_all(Scope::All); }
                13 => queue.resume_all(Scope::All),
                14 => { queue.cancel_all(Scope::All); }
                15 => { queue.retry_failed(Scope::All); }
                16 => { queue.decide_all(ConflictPolicy::Rename); }
                17 => { queue.set_order([OfferOrder::AsDropped, OfferOrder::LargestFirst][row.0 % 2]); },
                18 => { queue.file_unreadable(id); }
                19 => queue.file_found(row, Some(u64::from(id.0 % 2))),
                20 => { queue.take_leftovers(); }
                21 => { queue.session_lost(); }
                _ => { queue.offers(&LIMITS); chunk(&mut queue); }
            }
            let open: Vec<_> = queue.open().map(|(_, row)| row).collect();
            let distinct: BTreeSet<_> = open.iter().collect();
            prop_assert_eq!(open.len(), distinct.len(), "no row is open twice");
        }
        let recounted = queue
            .uploads
            .iter()
            .flatten()
            .fold(Totals::default(), |sum, upload| sum.with(upload.totals()));
        prop_assert_eq!(queue.totals(), recounted);
        let in_folders =
            queue.folders().fold(Totals::default(), |sum, (_, folder)| sum.with(*folder.totals()));
        prop_assert_eq!(in_folders, recounted);
        for group in [Group::UnderWay, Group::Attention, Group::Done, Group::Skipped] {
            let there: Vec<_> = queue.group(group).rows().iter().collect();
            prop_assert_eq!(there, queue.rows_where(|state| state.group() == group));
        }
        let misses_file = |row: &Row| queue.get(*row).is_some_and(Upload::misses_file);
        let missing: Vec<_> = queue.rows().filter(misses_file).collect();
        prop_assert_eq!(queue.missing().iter().collect::<Vec<_>>(), missing);
        queue.session_ended();
        for row in 0..8 {
            queue.file_found(Row(row), None);
            queue.resume(Row(row));
            queue.retry(Row(row));
        }
        // An upload that was cancelled without its file stays cancelled.
        let has_file = |row: &Row| queue.get(*row).is_some_and(|it| it.access() == FileAccess::Available);
        let files = queue.rows().filter(has_file).count() as u64;
        let mut rounds = 0;
        while queue.totals().done < files {
            rounds += 1;
            prop_assert!(rounds < 20);
            for offer in queue.offers(&LIMITS) {
                queue.done(offer.upload, stored());
            }
        }
    }
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

/// Returns the saved rows of a page whose first upload is open.
fn left_behind() -> Vec<SavedRow> {
    let mut queue = queue(&[100 * KIB, 7]);
    queue.offers(&LIMITS);
    queue.opened(UploadId(0), "/home/.a.part".into());
    queue.set_edges(Row(0), 99);
    queue.done(UploadId(1), stored());
    queue.rows().filter_map(|row| queue.saved_row(row)).collect()
}

fn like(size: u64, modified_millis: Option<i64>) -> PickedFile {
    PickedFile { path: "folder/0".into(), size, modified_millis }
}

#[test]
fn row_of_an_earlier_page_waits_for_its_file_and_goes_on_with_it() {
    let left = left_behind();
    assert_eq!(left.len(), 1, "what is stored is not kept");
    let mut queue = Queue::default();
    queue.restore(left, |_| false);
    queue.retry(Row(0));
    assert_eq!(queue.offers(&LIMITS), [], "there is nothing to read");
    assert_eq!(
        queue.match_row(&like(100 * KIB, None), &Rows::default()),
        RowMatch::Missing(Row(0))
    );
    assert_eq!(
        queue.match_row(&like(100 * KIB, Some(1)), &Rows::default()),
        RowMatch::OtherFile(Row(0))
    );
    assert_eq!(
        queue.match_row(&PickedFile { path: "b".into(), ..like(7, None) }, &Rows::default()),
        RowMatch::New
    );
    queue.file_found(Row(0), Some(99));
    let offers = queue.offers(&LIMITS);
    assert_eq!(offers[0].resume.as_deref(), Some("/home/.a.part"));
    assert!(!queue.misses_files());
}

#[test]
fn file_that_nobody_compared_starts_over() {
    let mut queue = Queue::default();
    let left = left_behind().into_iter().map(|row| SavedRow { edges: None, ..row });
    queue.restore(left.collect(), |_| true);
    assert_eq!(queue.get(Row(0)).unwrap().access(), FileAccess::ByHandle);
    queue.file_found(Row(0), None);
    assert_eq!(queue.offers(&LIMITS)[0].resume, None);
}

/// Returns the existing file of a conflict.
fn there() -> Existing {
    Existing { size: Some(9), modified_millis: Some(5_000) }
}

#[test]
fn pause_is_sent_once_and_ends_the_upload_for_now() {
    let mut queue = queue(&[10, 10, 10]);
    queue.offers(&LIMITS);
    assert_eq!(queue.pause(Row(0)), Some(UploadId(0)));
    assert_eq!(queue.pause(Row(0)), None);
    queue.paused(UploadId(0), Some("/part".into()));
    assert_eq!(ids(&queue.offers(&LIMITS)), [2], "a paused upload is in nobody's way");
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
fn cancelled_upload_leaves_nothing_on_the_server_when_nobody_answers() {
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
        assert_eq!(queue.take_leftovers(), ["/0.part"], "nobody has said that it is gone");
        queue.leftover_removed("/0.part");
        lose(&mut queue);
        assert!(queue.take_leftovers().is_empty());
    }
}

#[test]
fn upload_that_was_opened_after_it_was_cancelled_leaves_nothing_when_nobody_answers() {
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
fn free_name_is_found_by_offering_it() {
    let mut queue = queue(&[10]);
    queue.set_policy(ConflictPolicy::Rename);
    let paths: Vec<_> = (0..3)
        .map(|_| {
            let offer = queue.offers(&LIMITS).remove(0);
            assert_eq!(queue.conflict(offer.upload, there(), None), None, "nobody is asked");
            offer.path
        })
        .collect();
    assert_eq!(paths, ["/home/folder/0", "/home/folder/0 (2)", "/home/folder/0 (3)"]);
}

#[test]
fn decision_for_all_decides_what_is_asked_and_what_follows() {
    let mut queue = queue(&[10, 10, 10]);
    for offer in queue.offers(&LIMITS) {
        assert!(queue.conflict(offer.upload, there(), None).is_some());
    }
    queue.decide_all(ConflictPolicy::Skip);
    let third = queue.offers(&LIMITS).remove(0);
    assert_eq!(queue.conflict(third.upload, there(), None), None);
    assert_eq!(queue.totals().skipped, 3);
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

#[test]
fn upload_that_the_portal_paused_unasked_was_interrupted() {
    let mut queue = queue(&[10]);
    queue.offers(&LIMITS);
    queue.paused(UploadId(0), Some("/a".into()));
    assert!(matches!(queue.get(Row(0)).unwrap().state(), State::Interrupted));
    queue.retry_failed(Scope::All);
    assert_eq!(queue.offers(&LIMITS)[0].resume.as_deref(), Some("/a"));
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

#[test]
fn decision_for_all_holds_for_what_was_offered_before_it() {
    for (policy, tells) in [
        (ConflictPolicy::Overwrite, OnConflict::Overwrite),
        (ConflictPolicy::Resume, OnConflict::Resume),
    ] {
        let mut queue = queue(&[10, 10]);
        queue.offers(&LIMITS);
        queue.decide_all(policy);
        assert_eq!(queue.conflict(UploadId(0), there(), None), None, "nobody is asked");
        let again = queue.offers(&LIMITS).remove(0);
        assert_eq!((again.path.as_str(), again.on_conflict), ("/home/folder/0", tells));
        let asked = queue.conflict(again.upload, there(), None);
        assert_eq!(asked, Some(Row(0)), "it could not be done");
    }
}

#[test]
fn choice_for_one_file_outlives_the_policy_that_it_was_offered_with() {
    let mut queue = queue(&[10]);
    queue.set_policy(ConflictPolicy::Overwrite);
    let id = queue.offers(&LIMITS).remove(0).upload;
    queue.set_policy(ConflictPolicy::Ask);
    assert_eq!(queue.conflict(id, there(), None), Some(Row(0)));
    queue.decide(Row(0), ConflictPolicy::Overwrite);
    queue.set_policy(ConflictPolicy::Resume);
    assert_eq!(queue.offers(&LIMITS).remove(0).on_conflict, OnConflict::Overwrite);
    assert_eq!(queue.conflict(UploadId(1), there(), None), Some(Row(0)));
}

#[test]
fn upload_that_was_paused_stays_so_when_a_policy_decides_its_conflict() {
    for (policy, path) in [
        (ConflictPolicy::Rename, "/home/folder/0 (2)"),
        (ConflictPolicy::Overwrite, "/home/folder/0"),
    ] {
        let mut queue = queue(&[10]);
        let id = queue.offers(&LIMITS).remove(0).upload;
        queue.set_policy(policy);
        queue.pause(Row(0));
        assert_eq!(queue.conflict(id, there(), None), None, "nobody is asked");
        assert!(matches!(queue.get(Row(0)).unwrap().state(), State::Paused));
        assert_eq!(queue.offers(&LIMITS), []);
        queue.resume(Row(0));
        let again = queue.offers(&LIMITS).remove(0);
        assert_eq!((again.path.as_str(), again.on_conflict), (path, policy.on_conflict()));
    }
}

#[test]
fn upload_that_goes_on_after_its_pause_goes_on_through_a_conflict() {
    let mut queue = queue(&[10]);
    let id = queue.offers(&LIMITS).remove(0).upload;
    queue.set_policy(ConflictPolicy::Rename);
    queue.pause(Row(0));
    queue.resume(Row(0));
    queue.conflict(id, there(), None);
    assert_eq!(queue.offers(&LIMITS).len(), 1);
}

#[test]
fn nothing_of_what_one_server_holds_counts_at_another() {
    let mut queue = queue(&[10 * KIB]);
    let id = queue.offers(&LIMITS).remove(0).upload;
    queue.opened(id, "/home/.a.part".into());
    grant(&mut queue, 0, 0, 10 * KIB);
    while chunk(&mut queue).is_some() {}
    grant(&mut queue, 0, 4 * KIB, 10 * KIB);
    queue.disconnected();
    assert_eq!(queue.totals().taken, 4 * KIB);
    queue.moved("/other");
    assert_eq!((queue.get(Row(0)).unwrap().taken(), queue.totals().taken), (0, 0));
    queue.retry(Row(0));
    let offer = queue.offers(&LIMITS).remove(0);
    assert_eq!((offer.path.as_str(), offer.resume), ("/other/folder/0", None));
}

#[test]
fn rows_of_an_earlier_page_follow_those_that_are_there_already() {
    let mut queue = queue(&[1, 1]);
    queue.offers(&LIMITS);
    queue.done(UploadId(0), stored());
    queue.clear_finished();
    assert_eq!(
        queue.next_row(),
        Row(2),
        "the numbers of rows that were cleared are not used again"
    );
    queue.restore(left_behind(), |_| false);
    assert_eq!((queue.missing().iter().collect(), queue.next_row()), (vec![Row(2)], Row(3)));
}

/// Returns a restored row that misses its file; all of them are alike.
fn missing(path: &str, edges: Option<u64>) -> SavedRow {
    SavedRow { path: path.into(), edges, ..left_behind().remove(0) }
}

#[test]
fn file_is_taken_for_another_ones_row_only_if_nothing_speaks_against_it() {
    let fit = |rows: &[(&str, Option<u64>)], picked: &str| {
        let mut queue = Queue::default();
        let rows = rows.iter().map(|(path, edges)| missing(path, *edges)).collect();
        queue.restore(rows, |_| false);
        let file = PickedFile { path: picked.into(), ..like(100 * KIB, None) };
        queue.match_row(&file, &Rows::default())
    };
    assert_eq!(fit(&[("b/x", Some(1))], "a/x"), RowMatch::New, "it lies in another folder");
    assert_eq!(fit(&[("ab/x", Some(1))], "b/x"), RowMatch::New);
    assert_eq!(fit(&[("b/x", None)], "x"), RowMatch::New, "nobody could compare them");
    assert_eq!(fit(&[("b/x", Some(1)), ("a/x", Some(2))], "x"), RowMatch::New, "it may be either");
    assert_eq!(fit(&[("b/x", Some(1))], "x"), RowMatch::Missing(Row(0)));
    assert_eq!(fit(&[("b/x", Some(1))], "a/b/x"), RowMatch::Missing(Row(0)));
    assert_eq!(fit(&[("x", Some(1)), ("b/x", None)], "b/x"), RowMatch::Missing(Row(1)));
}

#[test]
fn row_gets_one_file_of_a_pick() {
    let mut queue = Queue::default();
    queue.restore(vec![missing("x", Some(1)), missing("x", Some(1))], |_| false);
    let file = PickedFile { path: "x".into(), ..like(100 * KIB, None) };
    let mut taken = Rows::default();
    for row in [Row(0), Row(1)] {
        assert_eq!(queue.match_row(&file, &taken), RowMatch::Missing(row));
        taken.insert(row);
    }
    assert_eq!(queue.match_row(&file, &taken), RowMatch::New);
}
