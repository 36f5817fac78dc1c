//! Folders: where dropped files go, and empty ones.

use super::*;

fn pick_empty_folders(page: &mut Page, folders: Vec<String>) -> Vec<Effect> {
    let target = page.drop_target().unwrap();
    at(page, 0, Event::PickedEmptyFolders(folders, target))
}

#[test]
fn empty_folders_are_made_in_the_directory_in_view_a_few_at_a_time() {
    let mut page = connected();
    let folders = (0..3).map(|index| format!("d/{index}")).collect();
    let effects = pick_empty_folders(&mut page, folders);
    let make = |path: &str| ClientMessage::MakeDirectory { path: path.into() };
    assert_eq!(sent(&effects), [&make("/home/d/0"), &make("/home/d/1")]);
    let effects = receive(&mut page, ServerMessage::DirectoryMade { path: "/home/d/0".into() });
    assert_eq!(sent(&effects), [&make("/home/d/2")]);
}

#[test]
fn files_go_to_the_directory_that_they_were_dropped_on_wherever_the_user_is_meanwhile() {
    let mut page = connected();
    list_home(&mut page, "/home", &["docs"]);
    let target = page.drop_target().unwrap();
    at(&mut page, 0, Event::OpenDirectory("docs".into()));
    list_home(&mut page, "/home/docs", &[]);
    let effects = at(&mut page, 0, Event::Picked(vec![file("a", 3)], target));
    let is_offer = |message: &ClientMessage| match message {
        ClientMessage::Offer(offer) => offer.path == "/home/a",
        _ => false,
    };
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Send(m) if is_offer(m))));
}

#[test]
fn folder_of_the_user_and_those_of_uploads_are_answered_in_their_turns() {
    let mut page = connected();
    list_home(&mut page, "/home", &[]);
    let folders = vec!["x".to_owned()];
    pick_empty_folders(&mut page, folders);
    at(
        &mut page,
        0,
        Event::Remote(remote::RemoteAction::OpenDialog(remote::RemoteCommand::MakeDirectory)),
    );
    at(&mut page, 0, Event::Remote(remote::RemoteAction::ConfirmDialog("y".into())));
    receive(&mut page, ServerMessage::DirectoryMade { path: "/home/x".into() });
    assert!(page.remote().dialog().is_some());
    let problem = problems::not_understood();
    let path = "/home/y".to_owned();
    receive(&mut page, ServerMessage::MakeDirectoryFailed { path, problem: problem.clone() });
    assert_eq!(page.remote().dialog().unwrap().problem(), Some(&problem));
    assert!(page.notices().is_empty(), "it is shown where it was asked");
}

/// Disconnects the page, and connects it to `host`.
fn go_to(page: &mut Page, host: &str) -> Vec<Effect> {
    at(page, 0, Event::Disconnect);
    receive(page, ServerMessage::Disconnected { problem: None });
    at(page, 0, Event::Connect(Destination { host: host.into(), ..destination() }));
    receive(page, ServerMessage::Connected(Connected { host: host.into(), ..facts() }))
}

#[test]
fn what_is_found_in_a_folder_after_its_connection_ended_waits_for_the_user() {
    for (host, path) in [("a", "/home/late"), ("b", "late")] {
        let mut page = connected();
        let target = page.drop_target().unwrap();
        go_to(&mut page, host);
        if host == "a" {
            at(&mut page, 0, Event::Disconnect);
        }
        let effects = at(&mut page, 0, Event::Picked(vec![file("late", 3)], target.clone()));
        assert!(sent(&effects).is_empty(), "{effects:?}");
        assert_eq!(page.queue().totals().retryable, 1);
        at(&mut page, 0, Event::PickedEmptyFolders(vec!["empty".into()], target));
        assert!(page.notices()[0].contains("empty"), "{:?}", page.notices());
        go_to(&mut page, host);
        let effects = at(&mut page, 0, Event::Bulk(Scope::All, BulkAction::RetryFailed));
        let [ClientMessage::Offer(offer)] = sent(&effects)[..] else { panic!("{effects:?}") };
        assert_eq!(offer.path, path);
    }
}

#[test]
fn folder_that_is_still_walked_goes_on_where_the_user_comes_back_to() {
    let mut page = connected();
    let target = page.drop_target().unwrap();
    go_to(&mut page, "a");
    let effects = at(&mut page, 0, Event::Picked(vec![file("late", 3)], target));
    assert!(matches!(sent(&effects)[..], [ClientMessage::Offer(_)]), "{effects:?}");
}
