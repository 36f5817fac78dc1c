//! The folder that the page opens after a login.

use super::*;

#[test]
fn who_disconnects_and_comes_back_begins_where_the_login_does() {
    let mut page = connected();
    receive(
        &mut page,
        ServerMessage::Listing { path: "/home".into(), entries: Vec::new(), left_out: 0 },
    );
    at(&mut page, 0, Event::OpenDirectory("read-only".into()));
    receive(
        &mut page,
        ServerMessage::Listing { path: "/home/read-only".into(), entries: Vec::new(), left_out: 0 },
    );
    assert_eq!(page.remote().directory(), "/home/read-only");
    at(&mut page, 0, Event::Disconnect);
    receive(&mut page, ServerMessage::Disconnected { problem: None });
    at(&mut page, 0, Event::Connect(destination()));
    receive(&mut page, ServerMessage::Connected(facts()));
    assert_eq!(page.remote().directory(), "/home");
}

/// Connects with a start folder. Returns the messages and the remembered destinations.
fn connect_with_start_folder(folder: &str) -> (Page, Vec<Effect>) {
    let mut page = Page::default();
    at(&mut page, 0, Event::StartIn(folder.into()));
    at(&mut page, 0, Event::Connect(destination()));
    let effects = log_in(&mut page);
    (page, effects)
}

fn remember(folder: &str) -> Effect {
    Effect::Remember(RecentDestination {
        destination: destination(),
        folder: folder.into(),
        certificate: None,
    })
}

fn list(path: &str) -> Effect {
    Effect::Send(ClientMessage::List { path: path.into() })
}

#[test]
fn folder_to_begin_in_is_opened_after_the_logins_and_kept_for_the_next_time() {
    for (folder, path) in [("a/b", "/home/a/b"), ("/srv", "/srv")] {
        let (mut page, effects) = connect_with_start_folder(folder);
        assert!(effects.contains(&remember(folder)), "{effects:?}");
        assert!(effects.contains(&list("/home")), "{effects:?}");
        assert!(listed(&mut page, "/home").contains(&list(path)));
        listed(&mut page, path);
        assert_eq!(page.remote().directory(), path);
    }
}

#[test]
fn upload_only_folder_to_begin_in_is_used_and_says_why_it_looks_empty() {
    let (mut page, _) = connect_with_start_folder("drop");
    listed(&mut page, "/home");
    let path = "/home/drop".to_owned();
    let problem = problems::outdated();
    let effects = receive(&mut page, ServerMessage::ListingHidden { path, problem });
    assert!(!effects.contains(&remember("")), "{effects:?}");
    assert_eq!(page.remote().directory(), "/home/drop");
    assert!(page.remote().entries().is_empty() && page.remote().problem().is_some());
    assert!(page.drop_target().is_some(), "it takes uploads");
}

#[test]
fn folder_that_is_not_there_leaves_the_page_in_the_logins_and_is_not_asked_for_again() {
    let (mut page, _) = connect_with_start_folder("gone");
    listed(&mut page, "/home");
    let path = "/home/gone".to_owned();
    let problem = problems::outdated();
    let effects = receive(&mut page, ServerMessage::ListingFailed { path, problem });
    assert!(effects.contains(&remember("")), "{effects:?}");
    assert!(matches!(&effects[..], [Effect::Announce(sent), ..] if sent.contains("/home/gone")));
    assert_eq!(page.remote().directory(), "/home");
    let shown = page.remote().problem().unwrap();
    assert!(shown.message.contains("/home/gone"), "{}", shown.message);
}

#[test]
fn who_disconnects_and_connects_again_begins_in_the_folder_too() {
    let (mut page, _) = connect_with_start_folder("");
    listed(&mut page, "/home");
    at(&mut page, 0, Event::Disconnect);
    receive(&mut page, ServerMessage::Disconnected { problem: None });
    at(&mut page, 0, Event::StartIn("a".into()));
    at(&mut page, 0, Event::Connect(destination()));
    receive(&mut page, ServerMessage::Connected(facts()));
    assert!(listed(&mut page, "/home").contains(&list("/home/a")));
}

#[test]
fn page_without_a_wish_begins_where_the_login_does() {
    let (mut page, effects) = connect_with_start_folder("");
    assert!(effects.contains(&remember("")));
    assert!(listed(&mut page, "/home").is_empty());
    assert!(!connected_effects().iter().any(|effect| matches!(effect, Effect::Remember(_))));
}

fn missing_start_folder() -> Page {
    let (mut page, _) = connect_with_start_folder("gone");
    assert_eq!(page.drop_target(), None, "the folder was not opened yet");
    listed(&mut page, "/home");
    let (path, problem) = ("/home/gone".to_owned(), problems::outdated());
    receive(&mut page, ServerMessage::ListingFailed { path, problem });
    page
}

#[test]
fn no_file_goes_anywhere_before_the_user_decides_about_a_missing_folder() {
    let mut page = missing_start_folder();
    assert_eq!(page.obstacle(), Some(Obstacle::StartFolder("/home/gone")));
    assert_eq!(page.drop_target(), None);
    at(&mut page, 0, Event::Refresh);
    listed(&mut page, "/home");
    assert_eq!(page.drop_target(), None, "a refresh decides nothing");
    at(&mut page, 0, Event::ChooseStartFolder(StartFolderChoice::UseFolderInView));
    assert_eq!(page.obstacle(), None);
    assert!(page.drop_target().is_some());

    let mut page = missing_start_folder();
    at(&mut page, 0, Event::OpenDirectory("other".into()));
    assert!(page.drop_target().is_some(), "another folder was chosen");
}

#[test]
fn missing_folder_is_created_and_opened() {
    let mut page = missing_start_folder();
    let effects = at(&mut page, 0, Event::ChooseStartFolder(StartFolderChoice::Create));
    let path = "/home/gone".to_owned();
    assert_eq!(sent(&effects), [&ClientMessage::MakeDirectory { path: path.clone() }]);
    let effects = receive(&mut page, ServerMessage::DirectoryMade { path: path.clone() });
    assert!(effects.contains(&list(&path)), "{effects:?}");
    assert_eq!(page.drop_target(), None, "it was not listed yet");
    listed(&mut page, &path);
    assert_eq!(page.remote().directory(), path);
    assert!(page.drop_target().is_some());

    let mut page = missing_start_folder();
    at(&mut page, 0, Event::ChooseStartFolder(StartFolderChoice::Create));
    let problem = problems::outdated();
    receive(&mut page, ServerMessage::MakeDirectoryFailed { path, problem });
    assert_eq!(page.drop_target(), None);
    assert!(page.notices()[0].contains("/home/gone"), "{:?}", page.notices());
}

#[test]
fn folder_in_view_is_that_of_the_page_before_a_reload() {
    let mut page = Page::default();
    let mut restored = left_at("a");
    restored.directory = "/home/deep".into();
    at(&mut page, 0, Event::Restored(Box::new(restored)));
    at(&mut page, 0, Event::StartIn(String::new()));
    at(&mut page, 0, Event::Connect(destination()));
    let effects = log_in(&mut page);
    assert!(effects.contains(&list("/home/deep")), "{effects:?}");
    listed(&mut page, "/home/deep");
    assert_eq!(page.remote().directory(), "/home/deep");

    // Another server has other folders.
    let mut page = Page::default();
    let mut restored = left_at("elsewhere");
    restored.directory = "/home/deep".into();
    at(&mut page, 0, Event::Restored(Box::new(restored)));
    at(&mut page, 0, Event::Connect(destination()));
    assert!(log_in(&mut page).contains(&list("/home")));
}
