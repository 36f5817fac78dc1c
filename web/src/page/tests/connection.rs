//! The socket, the session, and the steps of connecting.

use super::*;

#[test]
fn login_opens_the_directory() {
    let mut page = Page::default();
    at(&mut page, 0, Event::Connect(destination()));
    let effects = log_in(&mut page);
    assert_eq!(sent(&effects), [&ClientMessage::List { path: "/home".into() }]);
}

#[test]
fn portal_that_opens_the_socket_and_says_nothing_is_out_of_reach() {
    let mut page = Page::default();
    at(&mut page, 1000, Event::Connect(destination()));
    at(&mut page, 11_000, Event::SocketOpened);
    at(&mut page, 11_000, Event::Tick);
    assert_eq!(page.deadline(), Some(Millis(31_000)), "for both together");
    let effects = at(&mut page, 31_000, Event::Tick);
    assert!(effects.contains(&Effect::CloseSocket), "{effects:?}");
    assert_eq!(page.connection().problem(), Some(&problems::portal_unreachable()));
    assert!(matches!(page.connection().socket(), SocketState::Closed));
}

#[test]
fn page_that_comes_back_to_a_silent_portal_tries_again() {
    let mut page = connected();
    at(&mut page, 0, Event::SocketClosed);
    at(&mut page, 40_000, Event::ReconnectNow);
    let effects = at(&mut page, 70_000, Event::Tick);
    assert!(effects.contains(&Effect::CloseSocket), "{effects:?}");
    assert!(page.connection().next_retry_in(Millis(70_000)).is_some());
    at(&mut page, 80_000, Event::Tick);
    let limit = page.deadline().unwrap();
    assert!(limit > Millis(80_000), "each try has its own time: {limit:?}");
}

#[test]
fn socket_that_was_welcomed_is_not_given_up_because_of_its_greeting_timeout() {
    let mut page = connected();
    let effects = at(&mut page, 30_000, Event::Tick);
    assert!(!effects.contains(&Effect::CloseSocket), "{effects:?}");
    assert!(page.connection().ready().is_some());
}

#[test]
fn encryption_of_the_data_connections_is_known_until_the_next_connection() {
    let mut page = connected();
    assert_eq!(page.connection().data_tls(), None);
    let tls = Tls { version: "TLS 1.2".into(), cipher_suite: "Y".into(), resumed: true };
    let facts = protocol::server::DataTls { tls: tls.clone(), connection: Some(1) };
    receive(&mut page, ServerMessage::DataTls(facts));
    assert_eq!(page.connection().data_tls(), Some(&tls));
    assert!(page.take_changed_regions().contains(Region::Connection));
    at(&mut page, 0, Event::Disconnect);
    receive(&mut page, ServerMessage::Disconnected { problem: None });
    at(&mut page, 0, Event::Connect(destination()));
    receive(&mut page, ServerMessage::Connected(self::facts()));
    assert_eq!(page.connection().data_tls(), None);
}

#[test]
fn steps_end_with_the_first_listing() {
    let mut page = connected();
    assert!(page.connect_steps().is_running());
    listed(&mut page, "/home");
    assert!(!page.connect_steps().is_running() && !page.connect_steps().has_failed());
}

#[test]
fn step_that_failed_is_known_until_the_next_try() {
    let mut page = Page::default();
    at(&mut page, 0, Event::Connect(destination()));
    at(&mut page, 0, Event::SocketOpened);
    receive(&mut page, welcome(0, None));
    receive(&mut page, ServerMessage::Connecting { stage: Stage::Login });
    let problem = Problem { stage: Stage::Login, ..problems::outdated() };
    receive(&mut page, ServerMessage::Disconnected { problem: Some(problem) });
    assert!(page.connect_steps().has_failed());
    at(&mut page, 0, Event::Connect(destination()));
    assert!(!page.connect_steps().has_failed());
}

#[test]
fn portal_is_told_the_language_of_the_user() {
    let mut page = Page::default();
    let german = Language::try_from("de".to_owned()).unwrap();
    page.set_language(german.clone());
    at(&mut page, 0, Event::Connect(destination()));
    let effects = at(&mut page, 0, Event::SocketOpened);
    let hello = |effect: &Effect| matches!(effect, Effect::Send(ClientMessage::Hello { language, .. }) if *language == german);
    assert!(effects.iter().any(hello), "{effects:?}");
}

#[test]
fn countdown_is_over_while_a_try_is_under_way() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 9)]);
    at(&mut page, 0, Event::SocketClosed);
    assert!(page.queue().outage().unwrap().retry_in.is_some());
    at(&mut page, 0, Event::ReconnectNow);
    assert_eq!(page.queue().outage().unwrap().retry_in, None);
    at(&mut page, 0, Event::SocketClosed);
    let retry_at = page.deadline().unwrap();
    assert!(page.queue().outage().unwrap().retry_in.is_some());
    page.handle(Event::Tick, retry_at, 0.0);
    assert_eq!(page.queue().outage().unwrap().retry_in, None);
}

#[test]
fn question_that_is_answered_between_two_sessions_stands_again() {
    let mut page = connected();
    list_home(&mut page, "/home", &[]);
    at(
        &mut page,
        0,
        Event::Remote(remote::RemoteAction::OpenDialog(remote::RemoteCommand::MakeDirectory)),
    );
    receive(&mut page, ServerMessage::Goodbye { problem: problems::not_understood() });
    let effects =
        at(&mut page, 0, Event::Remote(remote::RemoteAction::ConfirmDialog("art".into())));
    assert!(sent(&effects).is_empty(), "{effects:?}");
    let dialog = page.remote().dialog().unwrap();
    assert!(!dialog.is_pending() && dialog.problem().is_some());
}

#[test]
fn blocked_data_connections_are_an_obstacle_until_a_listing_arrives() {
    let mut page = connected();
    let blocked = Problem { stage: Stage::DataConnection, ..problems::outdated() };
    let failed = ServerMessage::ListingFailed { path: "/home".into(), problem: blocked.clone() };
    receive(&mut page, failed);
    assert_eq!(page.obstacle(), Some(Obstacle::DataConnection(&blocked)));
    assert_eq!(page.drop_target(), None);
    let line = LogLine {
        seq: 0,
        at_millis: 0,
        connection: None,
        kind: LogKind::Response,
        explanation: None,
        text: "227 Entering Passive Mode".into(),
    };
    receive(&mut page, ServerMessage::Log { lines: vec![line] });
    let message = page.operator_message("Sunday");
    for part in ["Sunday", "a, port 21", &blocked.message, "227 Entering Passive Mode"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let effects = at(&mut page, 0, Event::Refresh);
    assert_eq!(sent(&effects), [&ClientMessage::List { path: "/home".into() }]);
    listed(&mut page, "/home");
    assert_eq!(page.obstacle(), None);
    assert!(page.drop_target().is_some());
    assert_eq!(page.operator_message(""), "");
}

#[test]
fn message_about_a_failed_connection_is_in_english_and_has_time_server_reply_and_log() {
    let mut page = Page::default();
    assert_eq!(page.failure_message(&destination(), "Sunday"), "");
    at(&mut page, 0, Event::Connect(destination()));
    at(&mut page, 0, Event::SocketOpened);
    receive(&mut page, welcome(0, None));
    let problem = Problem {
        stage: Stage::Login,
        message: "abgelehnt".into(),
        logged: Some("the server refused the login".into()),
        reply: Some("530 No.".into()),
        ..problems::outdated()
    };
    receive(&mut page, ServerMessage::Disconnected { problem: Some(problem) });
    let message = page.failure_message(&destination(), "Sunday");
    for line in [
        "Time: Sunday\n",
        "Host: a\n",
        "Port: 21\n",
        "What failed: the server refused the login\n",
        "The server's reply: 530 No.\n",
    ] {
        assert!(message.contains(line), "{line}: {message}");
    }
    assert!(!message.contains("abgelehnt"), "{message}");
}
