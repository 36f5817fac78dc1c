use protocol::{
    Encryption, ServerMessage,
    client::Secret,
    server::{Certificate, Connected},
    session::{Join, ResumeState},
};

use super::{socket::retry_delay, *};
use crate::certificate;

const LIMITS: Limits = Limits {
    max_chunk_bytes: 1 << 20,
    min_chunk_bytes: 1 << 14,
    max_open_uploads: 8,
    ping_interval_millis: 10_000,
    max_log_lines: 1000,
};

fn destination(host: &str) -> Destination {
    Destination {
        host: host.into(),
        port: 21,
        encryption: Some(Encryption::Explicit),
        username: "u".into(),
    }
}

fn session() -> SessionCredentials {
    SessionCredentials { name: "s".into(), secret: Secret::new("x".into()) }
}

fn open_existing() -> ConnectionEffect {
    ConnectionEffect::OpenSocket(Some("s".into()))
}

fn certificate(sha256: &str) -> Certificate {
    Certificate {
        subject: "CN=a".into(),
        issuer: "CN=a".into(),
        names: Vec::new(),
        not_before: String::new(),
        not_after: String::new(),
        sha256: sha256.into(),
        doubts: vec!["self-signed".into()],
    }
}

fn facts() -> Connected {
    Connected {
        host: "a".into(),
        port: 21,
        encryption: Encryption::Explicit,
        username: "u".into(),
        address: "192.0.2.1:21".into(),
        tls: Tls { version: "TLS 1.3".into(), cipher_suite: "X".into(), resumed: false },
        certificate: certificate("00"),
        directory: "/".into(),
        digest: protocol::server::Algorithm::Blake3,
    }
}

fn problem() -> Problem {
    Problem::new(Stage::Login, "no".into())
}

/// A page that has pressed `Connect` and was welcomed by the portal.
fn welcomed() -> Connection {
    let mut connection = Connection::default();
    connection.connect(destination("a"));
    assert_eq!(connection.take_effects(), [ConnectionEffect::OpenSocket(None)]);
    connection.socket_opened(0);
    assert!(matches!(
        connection.take_effects()[..],
        [ConnectionEffect::Send(ClientMessage::Hello { .. })]
    ));
    connection.welcome(Some(session()), LIMITS, 0, None, Millis(0));
    connection
}

fn logged_in() -> Connection {
    let mut connection = welcomed();
    connection.take_effects();
    assert_eq!(connection.connected(facts()), Some(ConnectionEvent::LoggedIn(Login::First)));
    connection
}

#[test]
fn welcome_leads_to_connect() {
    let mut connection = welcomed();
    assert_eq!(connection.take_effects(), [ConnectionEffect::Connect(destination("a"), None)]);
    assert!(connection.ready().is_none());
}

#[test]
fn exactly_the_certificate_that_was_shown_is_trusted() {
    let mut connection = welcomed();
    connection.take_effects();
    connection.certificate_not_trusted(certificate("aa"));
    connection.trust("aa");
    assert_eq!(
        connection.take_effects(),
        [ConnectionEffect::Connect(destination("a"), Some("aa".into()))]
    );
    connection.certificate_not_trusted(certificate("bb"));
    let FtpsState::CertificateQuestion(asked) = connection.ftps() else { panic!("no question") };
    assert_eq!(asked.doubts[0], certificate::changed());
}

#[test]
fn trust_is_remembered_for_its_host_and_for_no_other() {
    let mut connection = welcomed();
    connection.certificate_not_trusted(certificate("aa"));
    connection.trust("aa");
    connection.connected(facts());
    connection.disconnect();
    connection.disconnected(None);
    connection.take_effects();
    connection.connect(destination("b"));
    assert_eq!(connection.take_effects(), [ConnectionEffect::Connect(destination("b"), None)]);
    connection.disconnected(Some(problem()));
    connection.connect(destination("a"));
    assert_eq!(
        connection.take_effects(),
        [ConnectionEffect::Connect(destination("a"), Some("aa".into()))]
    );
}

#[test]
fn refused_certificate_ends_in_a_problem_and_the_form() {
    let mut connection = welcomed();
    connection.certificate_not_trusted(certificate("aa"));
    connection.reject_certificate();
    assert!(matches!(connection.ftps(), FtpsState::Disconnected));
    assert_eq!(connection.problem().unwrap().stage, Stage::Certificate);
}

#[test]
fn failure_to_connect_is_shown_and_the_socket_stays_for_the_next_attempt() {
    let mut connection = welcomed();
    connection.take_effects();
    assert_eq!(connection.disconnected(Some(problem())), Some(ConnectionEvent::Disconnected));
    assert_eq!(connection.problem(), Some(&problem()));
    connection.connect(destination("a"));
    assert!(connection.problem().is_none());
    assert_eq!(connection.take_effects(), [ConnectionEffect::Connect(destination("a"), None)]);
}

#[test]
fn connect_pressed_while_disconnecting_waits_for_the_portal() {
    let mut connection = logged_in();
    connection.disconnect();
    assert_eq!(connection.take_effects(), [ConnectionEffect::Send(ClientMessage::Disconnect)]);
    connection.connect(destination("b"));
    assert_eq!(connection.take_effects(), []);
    assert_eq!(connection.disconnected(None), None);
    assert_eq!(connection.take_effects(), [ConnectionEffect::Connect(destination("b"), None)]);
}

#[test]
fn connect_pressed_while_disconnecting_outlives_the_socket() {
    let mut connection = logged_in();
    connection.disconnect();
    connection.connect(destination("b"));
    connection.take_effects();
    connection.socket_closed(Millis(0), 0.0);
    assert_eq!(connection.take_effects(), [ConnectionEffect::OpenSocket(None)]);
    assert_eq!(connection.wanted(), Some(&destination("b")));
    assert_eq!(connection.problem(), None);
}

#[test]
fn login_that_completes_after_the_user_disconnected_is_ignored() {
    let mut connection = welcomed();
    connection.disconnect();
    assert_eq!(connection.connected(facts()), None);
    assert!(connection.ready().is_none());
}

#[test]
fn lost_socket_is_opened_again_with_growing_capped_delays() {
    let mut connection = logged_in();
    assert_eq!(connection.socket_closed(Millis(100), 0.0), Some(ConnectionEvent::SocketLost));
    assert_eq!(connection.deadline(), Some(Millis(600)));
    connection.tick(Millis(600), 0.0);
    assert_eq!(connection.take_effects(), [open_existing()], "the same session");
    assert_eq!(connection.socket_closed(Millis(1000), 0.0), None);
    assert_eq!(connection.deadline(), Some(Millis(2000)));
    for _ in 0..40 {
        connection.tick(Millis(u64::MAX), 0.0);
        connection.socket_closed(Millis(0), 0.0);
    }
    assert_eq!(connection.deadline(), Some(Millis(30_000)));
    connection.retry_now();
    connection.socket_opened(0);
    assert_eq!(
        connection.welcome(Some(session()), LIMITS, 0, None, Millis(0)),
        Some(ConnectionEvent::SocketRestored)
    );
    assert!(connection.ready().is_some());
}

#[test]
fn delays_are_jittered() {
    assert_eq!(retry_delay(0, 0.0), Duration::from_millis(500));
    assert_eq!(retry_delay(0, 1.0), Duration::from_millis(250));
}

#[test]
fn first_attempt_that_finds_no_portal_is_a_problem_and_not_a_loop() {
    let mut connection = Connection::default();
    connection.connect(destination("a"));
    connection.socket_closed(Millis(0), 0.0);
    assert_eq!(connection.deadline(), None);
    assert_eq!(connection.problem(), Some(&problems::portal_unreachable()));
    assert!(matches!(connection.ftps(), FtpsState::Disconnected));
}

#[test]
fn portal_that_refuses_a_session_says_why() {
    let mut connection = Connection::default();
    connection.connect(destination("a"));
    connection.socket_opened(0);
    assert_eq!(connection.goodbye(problem()), None);
    connection.socket_closed(Millis(0), 0.0);
    assert_eq!(connection.deadline(), None);
    assert_eq!(connection.problem(), Some(&problem()));
    assert!(matches!(connection.ftps(), FtpsState::Disconnected));
}

#[test]
fn page_tries_again_while_a_portal_that_is_stopped_refuses_another_session() {
    let mut connection = logged_in();
    assert_eq!(connection.goodbye(problem()), Some(ConnectionEvent::SessionLost));
    connection.socket_closed(Millis(0), 0.0);
    connection.retry_now();
    connection.socket_opened(0);
    assert_eq!(connection.goodbye(problem()), None);
    connection.socket_closed(Millis(0), 0.0);
    assert!(matches!(connection.socket(), SocketState::Lost { .. }));
    assert!(connection.is_reconnecting());
}

#[test]
fn session_is_kept_from_its_welcome_on() {
    let mut connection = Connection::default();
    connection.connect(destination("a"));
    connection.socket_opened(0);
    assert_eq!(connection.session(), None);
    connection.welcome(None, LIMITS, 0, None, Millis(0));
    assert_eq!(connection.session(), None, "a welcome without a session");
    connection.welcome(Some(session()), LIMITS, 0, None, Millis(0));
    assert_eq!(connection.session(), Some(&session()));
    let other = SessionCredentials { name: "t".into(), ..session() };
    connection.welcome(Some(other), LIMITS, 0, None, Millis(0));
    assert_eq!(connection.session(), Some(&session()), "a session of its own");
}

#[test]
fn socket_that_falls_silent_is_given_up() {
    let mut connection = logged_in();
    connection.take_effects();
    connection.tick(Millis(10_000), 0.0);
    assert_eq!(connection.take_effects(), [ConnectionEffect::Send(ClientMessage::Ping)]);
    connection.received(&ServerMessage::Pong, 9, Millis(10_050));
    assert_eq!(connection.tick(Millis(40_000), 0.0), None);
    assert_eq!(connection.tick(Millis(40_051), 0.0), Some(ConnectionEvent::SocketLost));
    assert!(connection.take_effects().contains(&ConnectionEffect::CloseSocket));
}

#[test]
fn other_version_asks_for_a_reload() {
    let mut connection = Connection::default();
    connection.connect(destination("a"));
    connection.socket_opened(0);
    connection.outdated(problems::outdated());
    assert_eq!(connection.socket_closed(Millis(0), 0.0), None);
    assert!(matches!(connection.socket(), SocketState::Outdated));
    connection.connect(destination("a"));
    assert!(connection.problem().is_some());
    assert!(matches!(connection.ftps(), FtpsState::Disconnected));
}

/// A page that is logged in, and whose socket is lost.
fn cut_off() -> Connection {
    let mut connection = logged_in();
    connection.take_effects();
    assert_eq!(connection.socket_closed(Millis(100), 0.0), Some(ConnectionEvent::SocketLost));
    connection
}

fn hello(effects: &[ConnectionEffect]) -> Join {
    match effects {
        [.., ConnectionEffect::Send(ClientMessage::Hello { join, .. })] => join.clone(),
        other => panic!("no hello: {other:?}"),
    }
}

#[test]
fn page_that_reconnects_reports_its_position() {
    let mut connection = logged_in();
    connection.received(&ServerMessage::Connected(facts()), 9, Millis(0));
    connection.received(&ServerMessage::Pong, 9, Millis(0));
    connection.socket_closed(Millis(100), 0.0);
    connection.retry_now();
    connection.socket_opened(17);
    let resume = ResumeState { messages: 1, log: 17 };
    assert_eq!(hello(&connection.take_effects()), session().join(Some(resume)));
}

#[test]
fn messages_sent_while_the_socket_is_lost_are_sent_when_it_is_restored() {
    let mut connection = cut_off();
    let list = OutgoingMessage::Message(ClientMessage::List { path: "/".into() });
    assert!(!connection.keep(list.clone()), "there is no socket to send it on");
    connection.retry_now();
    connection.socket_opened(0);
    connection.welcome(Some(session()), LIMITS, 0, None, Millis(200));
    assert_eq!(connection.take_repeated(), [list]);
}

#[test]
fn portal_that_does_not_know_the_session_gets_a_new_one_and_the_login_once_more() {
    let mut connection = cut_off();
    connection.retry_now();
    connection.socket_opened(0);
    connection.take_effects();
    assert_eq!(connection.goodbye(problem()), Some(ConnectionEvent::SessionLost));
    assert_eq!(
        connection.take_effects(),
        [ConnectionEffect::CloseSocket, ConnectionEffect::OpenSocket(None)]
    );
    assert!(connection.is_reconnecting());
    connection.socket_opened(0);
    assert_eq!(hello(&connection.take_effects()), Join::New);
    connection.welcome(Some(session()), LIMITS, 0, None, Millis(0));
    assert_eq!(connection.take_effects(), [ConnectionEffect::Connect(destination("a"), None)]);
    assert_eq!(connection.connected(facts()), Some(ConnectionEvent::LoggedIn(Login::Restored)));
}

#[test]
fn acknowledgement_out_of_range_leads_to_a_new_session() {
    let mut connection = cut_off();
    connection.retry_now();
    connection.socket_opened(0);
    assert_eq!(
        connection.welcome(Some(session()), LIMITS, 9, None, Millis(0)),
        Some(ConnectionEvent::SessionLost)
    );
    assert!(connection.take_effects().contains(&ConnectionEffect::OpenSocket(None)));
}

#[test]
fn page_whose_session_goes_on_in_another_tab_does_not_take_it_back() {
    let mut connection = logged_in();
    connection.take_effects();
    assert_eq!(connection.taken_over(), Some(ConnectionEvent::SessionEnded));
    assert_eq!(connection.socket_closed(Millis(1), 0.0), None);
    assert_eq!(connection.deadline(), None);
    assert_eq!(connection.problem(), Some(&problems::taken_over()));
    assert!(connection.session().is_none());
}

#[test]
fn no_attempt_is_made_offline_and_one_at_once_when_online() {
    let mut connection = cut_off();
    connection.network_changed(Network::Offline, Millis(200));
    assert_eq!((connection.deadline(), connection.next_retry_in(Millis(200))), (None, None));
    connection.tick(Millis(100_000), 0.0);
    assert_eq!(connection.take_effects(), []);
    connection.network_changed(Network::Online, Millis(100_000));
    assert_eq!(connection.take_effects(), [open_existing()]);
}

#[test]
fn socket_that_outlived_the_network_is_pinged_at_once() {
    let mut connection = logged_in();
    connection.take_effects();
    connection.received(&ServerMessage::Pong, 9, Millis(60_000));
    connection.network_changed(Network::Offline, Millis(60_000));
    connection.network_changed(Network::Online, Millis(60_000));
    connection.tick(Millis(60_000), 0.0);
    assert_eq!(connection.take_effects(), [ConnectionEffect::Send(ClientMessage::Ping)]);
    assert_eq!(
        connection.tick(Millis(70_001), 0.0),
        Some(ConnectionEvent::SocketLost),
        "no answer to it"
    );
}

#[test]
fn page_that_was_loaded_again_goes_on_with_what_the_session_is_connected_to() {
    let mut connection = Connection::default();
    connection.restore(destination("a"), Some("aa".into()), Resume::Session(session()));
    assert_eq!(connection.take_effects(), [open_existing()]);
    connection.socket_opened(0);
    assert_eq!(hello(&connection.take_effects()), session().join(None));
    let news = connection.welcome(Some(session()), LIMITS, 0, Some(facts()), Millis(0));
    assert_eq!(news, Some(ConnectionEvent::LoggedIn(Login::Restored)));
    assert!(connection.ready().is_some());
}

#[test]
fn page_that_was_loaded_again_asks_for_the_password_when_the_session_is_over() {
    let mut connection = Connection::default();
    connection.restore(destination("a"), Some("aa".into()), Resume::Session(session()));
    connection.socket_opened(0);
    connection.take_effects();
    assert_eq!(connection.goodbye(problem()), None);
    assert_eq!(connection.problem(), Some(&problems::password_needed()));
    connection.take_effects();
    connection.connect(destination("a"));
    assert_eq!(connection.take_effects(), [ConnectionEffect::OpenSocket(None)]);
    connection.socket_opened(0);
    connection.take_effects();
    connection.welcome(Some(session()), LIMITS, 0, None, Millis(0));
    assert_eq!(
        connection.take_effects(),
        [ConnectionEffect::Connect(destination("a"), Some("aa".into()))],
        "what was trusted stays trusted"
    );
    assert_eq!(connection.connected(facts()), Some(ConnectionEvent::LoggedIn(Login::Restored)));
}

#[test]
fn certificate_that_is_trusted_while_the_socket_is_lost_is_not_forgotten() {
    let mut connection = welcomed();
    connection.take_effects();
    connection.certificate_not_trusted(certificate("aa"));
    assert_eq!(connection.socket_closed(Millis(1), 0.0), Some(ConnectionEvent::SocketLost));
    connection.trust("aa");
    assert_eq!(
        connection.take_effects(),
        [ConnectionEffect::Connect(destination("a"), Some("aa".into()))]
    );
}

#[test]
fn page_that_was_loaded_again_leaves_a_server_where_its_uploads_do_not_belong() {
    let home = destination("a");
    let others = [
        destination("b"),
        Destination { port: 990, ..home.clone() },
        Destination { username: "somebody else".into(), ..home.clone() },
        Destination { encryption: Some(Encryption::Implicit), ..home },
    ];
    for home in others {
        let mut connection = Connection::default();
        connection.restore(home.clone(), None, Resume::Session(session()));
        connection.socket_opened(0);
        connection.take_effects();
        assert_eq!(connection.welcome(Some(session()), LIMITS, 0, Some(facts()), Millis(0)), None);
        assert_eq!(connection.take_effects(), [ConnectionEffect::Send(ClientMessage::Disconnect)]);
        assert_eq!(connection.problem(), Some(&problems::password_needed()));
        assert_eq!(connection.home(), Some(&home));
        assert!(connection.ready().is_none());
        assert_eq!(connection.disconnected(None), None);
        connection.connect(home.clone());
        assert_eq!(connection.take_effects(), [ConnectionEffect::Connect(home, None)]);
    }
}

#[test]
fn login_at_another_server_than_the_user_wants_is_ignored() {
    let mut connection = welcomed();
    assert_eq!(connection.connected(Connected { host: "b".into(), ..facts() }), None);
    assert!(connection.ready().is_none());
    assert_eq!(connection.connected(facts()), Some(ConnectionEvent::LoggedIn(Login::First)));
}

#[test]
fn certificate_that_crosses_the_disconnect_ends_the_connection_as_well() {
    let mut connection = welcomed();
    connection.take_effects();
    connection.disconnect();
    connection.certificate_not_trusted(certificate("aa"));
    assert!(matches!(connection.ftps(), FtpsState::Disconnected), "{:?}", connection.ftps());

    let mut connection = welcomed();
    connection.disconnect();
    connection.connect(destination("b"));
    connection.take_effects();
    connection.certificate_not_trusted(certificate("aa"));
    assert_eq!(connection.take_effects(), [ConnectionEffect::Connect(destination("b"), None)]);
    assert_eq!(connection.disconnected(None), None, "the answer to the disconnect, if any");
    assert!(matches!(connection.ftps(), FtpsState::Connecting(_)));
}

#[test]
fn connect_that_was_pressed_before_the_page_knew_of_an_earlier_one_is_kept() {
    for earlier in [None, Some(session())] {
        let mut connection = Connection::default();
        connection.connect(destination("a"));
        assert_eq!(connection.take_effects(), [ConnectionEffect::OpenSocket(None)]);
        let resume = earlier.map_or(Resume::AskForPassword, Resume::Session);
        connection.restore(destination("a"), Some("aa".into()), resume);
        assert_eq!(connection.take_effects(), []);
        assert_eq!(connection.problem(), None);
        connection.socket_opened(0);
        connection.take_effects();
        connection.welcome(Some(session()), LIMITS, 0, None, Millis(0));
        let trusted = Some("aa".to_owned());
        assert_eq!(
            connection.take_effects(),
            [ConnectionEffect::Connect(destination("a"), trusted)]
        );
        assert_eq!(connection.connected(facts()), Some(ConnectionEvent::LoggedIn(Login::Restored)));
    }
}

#[test]
fn who_was_logged_in_before_the_page_knew_of_an_earlier_one_stays_there() {
    let mut connection = logged_in();
    connection.restore(destination("b"), None, Resume::AskForPassword);
    assert_eq!(connection.home(), Some(&destination("a")));
    assert!(connection.ready().is_some());
}

#[test]
fn certificate_that_was_never_shown_is_not_trusted() {
    let mut connection = welcomed();
    connection.take_effects();
    connection.certificate_not_trusted(certificate("bb"));
    connection.trust("aa");
    assert_eq!(connection.take_effects(), []);
    let FtpsState::CertificateQuestion(asked) = connection.ftps() else { panic!("no question") };
    assert_eq!(asked.sha256, "bb");
}

#[test]
fn encryption_that_the_portal_found_belongs_to_the_destination() {
    let mut connection = Connection::default();
    connection.connect(Destination { encryption: None, ..destination("a") });
    connection.socket_opened(0);
    connection.welcome(Some(session()), LIMITS, 0, None, Millis::default());
    let implicit = Connected { encryption: Encryption::Implicit, ..facts() };
    assert!(connection.connected(implicit).is_some());
    let found = Destination { encryption: Some(Encryption::Implicit), ..destination("a") };
    assert_eq!(connection.wanted(), Some(&found));
    assert_eq!(connection.home(), Some(&found));
}

#[test]
fn certificate_that_the_device_remembers_is_trusted_unless_the_user_trusted_another_since() {
    let mut connection = welcomed();
    connection.remember_certificate(&destination("a"), "11".into());
    assert_eq!(connection.trusted_at(&destination("a")).map(String::as_str), Some("11"));
    connection.certificate_not_trusted(certificate("22"));
    connection.trust("22");
    connection.remember_certificate(&destination("a"), "11".into());
    assert_eq!(connection.trusted_at(&destination("a")).map(String::as_str), Some("22"));
}
