//! Part files that no upload resumes, and the uploads of an earlier page.

use super::*;

#[test]
fn uploads_of_an_earlier_page_stay_with_its_server_even_after_a_login_elsewhere() {
    for (host, path, resume) in
        [("a", "/there/a", Some("/there/.a.part")), ("elsewhere", "/home/a", None)]
    {
        let mut page = connected();
        at(&mut page, 0, Event::Restored(Box::new(left_at(host))));
        assert_eq!(page.connection().home(), Some(&destination()));
        let effects = at(&mut page, 0, Event::FilesFound(vec![(Row(0), Some(7))]));
        let [ClientMessage::Offer(offer)] = sent(&effects)[..] else { panic!("{effects:?}") };
        assert_eq!((offer.path.as_str(), offer.resume.as_deref()), (path, resume));
    }
}

fn remove(path: &str) -> Effect {
    Effect::Send(ClientMessage::Remove { path: path.into() })
}

/// Reconnects to a restarted portal, up to the login.
fn come_back_to_another_portal(page: &mut Page) -> Vec<Effect> {
    at(page, 0, Event::SocketClosed);
    at(page, 0, Event::ReconnectNow);
    at(page, 0, Event::SocketOpened);
    receive(page, ServerMessage::Goodbye { problem: problems::not_understood() });
    at(page, 0, Event::SocketOpened);
    receive(page, welcome(0, None));
    receive(page, ServerMessage::Connected(facts()))
}

#[test]
fn row_that_was_given_up_claims_no_file() {
    for give_up in [Event::DiscardRestored, Event::Upload(Row(0), UploadAction::Cancel)] {
        let mut page = connected();
        at(&mut page, 0, Event::Restored(Box::new(left_at("a"))));
        let effects = at(&mut page, 0, give_up);
        assert!(effects.contains(&remove("/there/.a.part")), "{effects:?}");
        assert!(!page.queue().misses_files());
        assert_eq!(page.queue().match_row(&file("a", 9), &Rows::default()), RowMatch::New);
    }
}

#[test]
fn upload_cancelled_during_a_break_leaves_nothing_when_its_session_is_lost() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 9)]);
    receive(&mut page, opened(0, 0));
    at(&mut page, 0, Event::SocketClosed);
    at(&mut page, 0, Event::Upload(Row(0), UploadAction::Cancel));
    at(&mut page, 0, Event::ReconnectNow);
    let effects = come_back_to_another_portal(&mut page);
    assert!(effects.contains(&remove("/there/.a.part")), "{effects:?}");
}

#[test]
fn leftover_is_removed_once_more_when_the_session_was_lost_before_the_answer() {
    let mut page = connected();
    at(&mut page, 0, Event::Restored(Box::new(left_at("a"))));
    let effects = at(&mut page, 0, Event::DiscardRestored);
    assert!(effects.contains(&remove("/there/.a.part")), "{effects:?}");
    let effects = come_back_to_another_portal(&mut page);
    assert!(effects.contains(&remove("/there/.a.part")), "{effects:?}");
    receive(&mut page, ServerMessage::Removed { path: "/there/.a.part".into() });
    let effects = come_back_to_another_portal(&mut page);
    assert!(!effects.contains(&remove("/there/.a.part")), "{effects:?}");
}

#[test]
fn part_file_that_cannot_be_compared_with_its_file_is_removed() {
    let mut page = connected();
    let mut left = left_at("a");
    left.rows[0].edges = None;
    at(&mut page, 0, Event::Restored(Box::new(left)));
    let effects = at(&mut page, 0, Event::FilesFound(vec![(Row(0), None)]));
    assert!(effects.contains(&remove("/there/.a.part")), "{effects:?}");
    let [.., ClientMessage::Offer(offer)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(offer.resume, None);
}
