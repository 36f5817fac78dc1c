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
    Effect::Remember(RecentDestination { destination: destination(), folder: folder.into() })
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
