//! Files of the same name on the server.

use super::*;

#[test]
fn conflict_is_offered_again_as_the_user_decides() {
    let mut queue = queue(&[1, 1]);
    queue.offers(&LIMITS);
    queue.conflict(
        UploadId(0),
        Existing { size: Some(9), modified_millis: None, digest: None },
        None,
    );
    queue.conflict(UploadId(1), Existing { size: None, modified_millis: None, digest: None }, None);
    queue.decide(Row(0), ConflictPolicy::Overwrite);
    queue.decide(Row(1), ConflictPolicy::Skip);
    let offers = queue.offers(&LIMITS);
    assert_eq!(ids(&offers), [2]);
    assert_eq!(offers[0].on_conflict, OnConflict::Overwrite);
    assert!(matches!(queue.get(Row(1)).unwrap().state(), State::Skipped(Skipped::ServerFileKept)));
}

#[test]
fn free_name_is_found_by_offering_it() {
    let mut queue = queue(&[10]);
    queue.set_policy(ConflictPolicy::Rename);
    let paths: Vec<_> = (0..3)
        .map(|_| {
            let offer = queue.offers(&LIMITS).remove(0);
            assert_eq!(queue.conflict(offer.upload, there(), None), None, "the user is not asked");
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
fn decision_for_all_holds_for_what_was_offered_before_it() {
    for (policy, tells) in [
        (ConflictPolicy::Overwrite, OnConflict::Overwrite),
        (ConflictPolicy::Resume, OnConflict::Resume),
    ] {
        let mut queue = queue(&[10, 10]);
        queue.offers(&LIMITS);
        queue.decide_all(policy);
        assert_eq!(queue.conflict(UploadId(0), there(), None), None, "the user is not asked");
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
        assert_eq!(queue.conflict(id, there(), None), None, "the user is not asked");
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
fn upload_that_waits_for_the_user_has_not_failed() {
    let mut queue = queue(&[10, 10]);
    queue.offers(&LIMITS);
    queue.conflict(UploadId(0), there(), None);
    assert_eq!(queue.get(Row(0)).unwrap().state().group(), Group::NeedsUser);
    assert_eq!((queue.totals().waiting, queue.totals().retryable), (1, 0), "nothing to retry");
    queue.failed(UploadId(1), problem(), None);
    assert_eq!(queue.totals().retryable, 1);
    queue.restore(vec![missing("x", None)], |_| false);
    assert_eq!(queue.totals().retryable, 1, "a row without its file cannot be retried");
}

/// Where the server's digests cannot tell whether a file is the beginning of another, each file is asked
/// about.
#[test]
fn without_digests_only_a_single_file_is_resumed() {
    for (scope, resumed) in [(ResumeScope::All, 2), (ResumeScope::One, 1)] {
        let mut queue = queue(&[10, 10, 10]);
        queue.set_resume_scope(scope);
        for offer in queue.offers(&LIMITS) {
            assert!(queue.conflict(offer.upload, there(), None).is_some());
        }
        queue.decide_all(ConflictPolicy::Resume);
        queue.decide(Row(0), ConflictPolicy::Resume);
        let offers = queue.offers(&LIMITS);
        let resuming = offers.iter().filter(|offer| offer.on_conflict == OnConflict::Resume);
        assert_eq!((offers.len(), resuming.count()), (2, resumed), "{scope:?}");
    }
}
