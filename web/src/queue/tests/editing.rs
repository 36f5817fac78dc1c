//! Removed, renamed and sorted rows.

use super::*;

fn named(paths: &[(&str, u64)]) -> Queue {
    let mut queue = Queue::default();
    let file = |(path, size): &(&str, u64)| PickedFile {
        path: (*path).into(),
        size: *size,
        modified_millis: None,
    };
    queue.add(paths.iter().map(file).collect(), "/home", || State::Queued);
    queue
}

/// Returns ranks in the order of the names' bytes.
fn by_bytes(names: &[&str]) -> Vec<u64> {
    let rank = |name: &&str| names.iter().filter(|other| *other < name).count() as u64;
    names.iter().map(rank).collect()
}

#[test]
fn removed_row_leaves_the_list_the_store_and_nothing_on_the_server() {
    let mut queue = queue(&[10, 10, 10]);
    queue.offers(&LIMITS);
    assert!(!queue.remove(Row(0)), "the portal has it");
    queue.done(UploadId(0), stored());
    queue.failed(UploadId(1), problem(), Some("/b".into()));
    queue.take_unsaved();
    let version = queue.list_version();
    for row in 0..3 {
        assert!(queue.remove(Row(row)), "{row}");
        assert!(queue.take_unsaved().contains(Row(row)), "its record is removed");
        assert_eq!(queue.saved_row(Row(row)), None);
    }
    assert!(!queue.remove(Row(0)), "it is gone");
    assert!(queue.is_empty() && queue.totals() == Totals::default());
    assert_ne!(queue.list_version(), version);
    assert_eq!(queue.take_leftovers(), ["/b"]);
    assert_eq!(queue.offers(&LIMITS), []);
}

#[test]
fn cancelled_upload_is_not_removed_before_the_portal_has_let_go() {
    let mut queue = queue(&[10]);
    queue.offers(&LIMITS);
    queue.cancel(Row(0));
    assert!(!queue.remove(Row(0)), "it may turn out to be stored");
    queue.cancelled(UploadId(0));
    assert!(queue.remove(Row(0)));
}

#[test]
fn renamed_file_is_offered_and_saved_under_its_new_name() {
    let mut queue = named(&[("a/b.txt", 1), ("a/c.txt", 1)]);
    queue.rename(Row(0), "d.txt");
    let saved = queue.saved_row(Row(0)).unwrap();
    assert_eq!((&*saved.path, saved.new_path.as_deref()), ("a/b.txt", Some("a/d.txt")));
    let offers = queue.offers(&LIMITS);
    assert_eq!(offers[0].path, "/home/a/d.txt");
    let mut restored = Queue::default();
    restored.restore(vec![saved], |_| false);
    assert_eq!(restored.get(Row(0)).unwrap().name_on_server(), "a/d.txt");
    // It is known by the name under which it was picked.
    let picked = PickedFile { path: "a/b.txt".into(), size: 1, modified_millis: None };
    assert_eq!(restored.match_row(&picked, &Rows::default()), RowMatch::Missing(Row(0)));
}

#[test]
fn answer_about_the_old_name_is_not_one_about_the_new_name() {
    let mut queue = named(&[("a", 1)]);
    let offers = queue.offers(&LIMITS);
    queue.conflict(offers[0].upload, there(), None);
    queue.decide(Row(0), ConflictPolicy::Overwrite);
    let offers = queue.offers(&LIMITS);
    assert_eq!(offers[0].on_conflict, OnConflict::Overwrite);
    queue.failed(offers[0].upload, problem(), None);
    queue.rename(Row(0), "b");
    let offers = queue.offers(&LIMITS);
    assert_eq!((&*offers[0].path, offers[0].on_conflict), ("/home/b", OnConflict::Ask));
}

#[test]
fn file_that_the_portal_has_not_let_go_of_is_not_renamed() {
    let mut queue = named(&[("a", 1)]);
    let offers = queue.offers(&LIMITS);
    queue.cancel(Row(0));
    assert_eq!(queue.name_problem(Row(0), "b"), Some(NameProblem::Late));
    queue.rename(Row(0), "b");
    queue.done(offers[0].upload, stored());
    assert_eq!(queue.get(Row(0)).unwrap().name_on_server(), "a");
}

#[test]
fn own_name_keeps_what_the_server_holds() {
    let mut queue = named(&[("a", 10)]);
    let offers = queue.offers(&LIMITS);
    queue.pause(Row(0));
    queue.paused(offers[0].upload, Some("/home/.a.part".into()));
    queue.rename(Row(0), "a");
    assert_eq!(queue.take_leftovers(), [""; 0]);
    queue.resume(Row(0));
    assert_eq!(queue.offers(&LIMITS)[0].resume.as_deref(), Some("/home/.a.part"));
}

#[test]
fn failed_file_goes_into_the_queue_again_with_its_new_name_and_a_paused_one_stays_paused() {
    let mut queue = named(&[("a", 1), ("b", 1)]);
    let offers = queue.offers(&LIMITS);
    queue.failed(offers[0].upload, problem(), Some("/home/.a.part".into()));
    queue.pause(Row(1));
    queue.paused(offers[1].upload, None);
    for (row, name) in [(Row(0), "new a"), (Row(1), "new b")] {
        queue.rename(row, name);
    }
    let offers = queue.offers(&LIMITS);
    assert_eq!(offers.len(), 1);
    assert_eq!((&*offers[0].path, &offers[0].resume), ("/home/new a", &None));
    assert_eq!(queue.take_leftovers(), ["/home/.a.part"]);
    assert!(matches!(queue.get(Row(1)).unwrap().state(), State::Paused));
    // Once it is being sent, its name stays.
    assert_eq!(queue.name_problem(Row(0), "other"), Some(NameProblem::Late));
    queue.rename(Row(0), "other");
    assert_eq!(queue.get(Row(0)).unwrap().path(), "new a");
}

#[test]
fn name_that_a_server_or_the_list_cannot_have_changes_nothing() {
    let mut queue = named(&[("a/b", 1), ("a/c", 1), ("b", 1)]);
    let long = "ü".repeat(128);
    for (name, problem) in [
        ("", NameProblem::Empty),
        (".", NameProblem::Empty),
        ("..", NameProblem::Empty),
        ("x/y", NameProblem::Character),
        ("x\ny", NameProblem::Character),
        (&*long, NameProblem::Long),
        ("c", NameProblem::Taken),
    ] {
        assert_eq!(queue.name_problem(Row(0), name), Some(problem), "{name}");
        queue.rename(Row(0), name);
        assert_eq!(queue.get(Row(0)).unwrap().path(), "a/b");
    }
    // The same name in another folder is another file, and so is one that does not go out.
    assert_eq!(queue.name_problem(Row(2), "c"), None);
    queue.cancel(Row(1));
    assert_eq!(queue.name_problem(Row(0), "c"), None);
}

#[test]
fn rows_are_ranked_and_offered_by_name_also_those_that_come_later() {
    let mut queue = named(&[("c", 1), ("a", 3)]);
    queue.set_collation(by_bytes);
    queue.set_order(OfferOrder::ByName);
    let later = PickedFile { path: "b".into(), size: 2, modified_millis: None };
    queue.add(vec![later], "/home", || State::Queued);
    assert!(queue.rank(Row(1)) < queue.rank(Row(2)) && queue.rank(Row(2)) < queue.rank(Row(0)));
    queue.rename(Row(0), "0");
    let paths: Vec<_> = queue.offers(&LIMITS).into_iter().map(|offer| offer.path).collect();
    assert_eq!(paths, ["/home/0", "/home/a"]);
    queue.set_order(OfferOrder::SmallestFirst);
    assert!(queue.rank(Row(2)) < queue.rank(Row(1)));
}

#[test]
fn length_that_the_server_refused_is_asked_about_before_further_files_are_sent() {
    let file = |path: String| PickedFile { path, size: 1, modified_millis: None };
    let long = |letter: &str| file(letter.repeat(150));
    let mut queue = Queue::default();
    let files = vec![long("a"), long("b"), long("c"), file("d".to_owned())];
    queue.add(files, "/home", || State::Queued);
    assert_eq!(queue.offers(&LIMITS).len(), 2);
    let reply = Some("553 a: File name too long".to_owned());
    queue.failed(UploadId(0), Problem { reply, ..problem() }, None);
    let asks = |queue: &Queue, row| {
        matches!(queue.get(Row(row)), Some(Upload { state: State::NameTooLong, .. }))
    };
    let asked: Vec<_> = (0..4).map(|row| asks(&queue, row)).collect();
    assert_eq!(asked, [true, false, true, false], "b is on its way");
    assert_eq!(queue.get(Row(0)).unwrap().name_on_server().len(), 149 - 25);
    queue.add(vec![long("e")], "/home", || State::Queued);
    assert!(asks(&queue, 4));

    let saved = queue.saved_row(Row(0)).unwrap();
    let mut restored = Queue::default();
    restored.restore(vec![saved], |_| false);
    assert_eq!(restored.get(Row(0)).unwrap().name_on_server().len(), 149 - 25);

    queue.forget_name_limit();
    queue.add(vec![long("f")], "/home", || State::Queued);
    assert!(!asks(&queue, 5), "another server may take it");
    // A short name is not refused for its length, whatever the server says.
    let mut queue = super::queue(&[1]);
    queue.offers(&LIMITS);
    let reply = Some("553 File name too long".to_owned());
    queue.failed(UploadId(0), Problem { reply, ..problem() }, None);
    assert!(queue.get(Row(0)).unwrap().state.problem().is_some());
}
