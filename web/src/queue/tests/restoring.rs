//! The rows of an earlier page, and their files.

use super::*;

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
fn row_that_had_failed_comes_back_with_its_cause_and_is_tried_again_with_its_file() {
    let mut before = queue(&[100]);
    before.offers(&LIMITS);
    before.failed(UploadId(0), problem(), None);
    let saved = before.saved_row(Row(0)).unwrap();
    let mut queue = Queue::default();
    queue.restore(vec![saved], |_| false);
    assert_eq!(queue.get(Row(0)).unwrap().state().problem(), Some(&problem()));
    assert_eq!(queue.offers(&LIMITS), [], "there is nothing to read");
    assert_eq!(queue.match_row(&like(7, None), &Rows::default()), RowMatch::New, "a better file");
    assert_eq!(queue.match_row(&like(100, None), &Rows::default()), RowMatch::Missing(Row(0)));
    queue.file_found(Row(0), None);
    assert_eq!(queue.offers(&LIMITS).len(), 1);
}

#[test]
fn file_that_was_not_compared_starts_over() {
    let mut queue = Queue::default();
    let left = left_behind().into_iter().map(|row| SavedRow { edges: None, ..row });
    queue.restore(left.collect(), |_| true);
    assert_eq!(queue.get(Row(0)).unwrap().access(), FileAccess::ByHandle);
    queue.file_found(Row(0), None);
    assert_eq!(queue.offers(&LIMITS)[0].resume, None);
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
    assert_eq!(fit(&[("b/x", None)], "x"), RowMatch::New, "they could not be compared");
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

#[test]
fn finished_uploads_of_the_last_batch_are_restored_as_they_ended() {
    let mut queue = queue(&[3, 4]);
    let offers = queue.offers(&LIMITS);
    queue.done(offers[0].upload, stored());
    queue.cancel(Row(1));
    queue.cancelled(offers[1].upload);
    let saved =
        |queue: &Queue| -> Vec<_> { queue.rows().filter_map(|row| queue.saved_row(row)).collect() };
    let rows = saved(&queue);
    let mut next = Queue::default();
    next.restore(rows, |_| false);
    assert_eq!((next.totals().done, next.totals().skipped), (1, 1));
    assert!(next.missing().is_empty());
    assert_eq!(next.get(Row(0)).unwrap().state().stored(), Some(&stored()));

    let file = PickedFile { path: "new".into(), size: 1, modified_millis: None };
    next.take_unsaved();
    next.add(vec![file], "/", || State::Queued);
    assert_eq!(next.take_unsaved().len(), 3, "the store drops the batch before");
    assert_eq!(saved(&next).len(), 1);
}
