//! The digests of files, and files that cannot be read.

use super::*;

/// Returns the first offsets of the requested digests.
fn digests(effects: &[Effect]) -> Vec<&[u64]> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Digest(job) => Some(job.from.as_slice()),
            _ => None,
        })
        .collect()
}

#[test]
fn no_digest_is_made_twice_however_often_an_upload_is_opened() {
    let mut page = connected();
    at(&mut page, 0, Event::Restored(Box::new(left_at("a"))));
    let effects = at(&mut page, 0, Event::FilesFound(vec![(Row(0), Some(7))]));
    assert!(digests(&effects).is_empty(), "it is not known from where on");
    assert_eq!(digests(&receive(&mut page, opened(0, 5))), [[0, 5]]);
    assert!(digests(&receive(&mut page, opened(0, 5))).is_empty());
    assert_eq!(digests(&receive(&mut page, opened(0, 3))), [[3]], "it starts over before that");
    for offset in [3, 5, 0] {
        assert!(digests(&receive(&mut page, opened(0, offset))).is_empty());
    }
}

#[test]
fn upload_that_begins_with_its_offer_is_read_once() {
    let mut page = connected();
    let effects = pick(&mut page, vec![file("a", 9)]);
    assert_eq!(digests(&effects), [[0]]);
    assert!(digests(&receive(&mut page, opened(0, 0))).is_empty());
    assert!(digests(&receive(&mut page, opened(0, 0))).is_empty());
}

#[test]
fn file_that_cannot_be_read_costs_nothing_of_what_the_server_holds() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 100_000)]);
    receive(&mut page, opened(0, 0));
    let effects = at(&mut page, 0, Event::FileUnreadable(UploadId(0), Row(0)));
    assert_eq!(sent(&effects), [&ClientMessage::Pause { upload: UploadId(0) }]);
    assert!(effects.contains(&Effect::StopDigest(UploadId(0))));
    let resume = Some("/there/.a.part".to_owned());
    receive(&mut page, ServerMessage::Paused { upload: UploadId(0), resume: resume.clone() });
    let State::Failed(problem) = page.queue().get(Row(0)).unwrap().state() else { panic!() };
    assert_eq!(*problem, crate::queue::problems::file_changed());
    let effects = at(&mut page, 0, Event::Upload(Row(0), UploadAction::Retry));
    let [ClientMessage::Offer(offer)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(offer.resume, resume);
}
