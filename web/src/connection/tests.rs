use protocol::{client::Secret, server::Tls};

use super::*;

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
        encryption: Encryption::Explicit,
        username: "u".into(),
    }
}

fn session() -> NewSession {
    NewSession { session: "s".into(), secret: Secret::new("x".into()) }
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
        address: "192.0.2.1:21".into(),
        tls: Tls { version: "TLS 1.3".into(), cipher_suite: "X".into(), resumed: false },
        certificate: certificate("00"),
        directory: "/".into(),
        digest: protocol::server::Algorithm::Blake3,
    }
}

fn problem() -> Problem {
    Problem { stage: Stage::Login, message: "no".into(), reply: None, cause: None, remedy: None }
}

/// A page that has pressed `Connect` and was welcomed by the portal.
fn welcomed() -> Connection {
    let mut connection = Connection::default();
    connection.connect(destination("a"));
    assert_eq!(connection.take_acts(), [Act::OpenLink(None)]);
    connection.socket_opened(session(), 0);
    assert!(matches!(connection.take_acts()[..], [Act::Say(ClientMessage::Hello { .. })]));
    connection.welcome(LIMITS, 0, None, Millis(0));
    connection
}

fn logged_in() -> Connection {
    let mut connection = welcomed();
    connection.take_acts();
    assert_eq!(connection.connected(facts()), Some(News::Connected { again: false }));
    connection
}

#[test]
fn welcome_leads_to_connect() {
    let mut connection = welcomed();
    assert_eq!(connection.take_acts(), [Act::Connect(destination("a"), None)]);
    assert!(connection.ready().is_none());
}

#[test]
fn exactly_the_certificate_that_was_shown_is_trusted() {
    let mut connection = welcomed();
    connection.take_acts();
    connection.certificate_not_trusted(certificate("aa"));
    connection.trust();
    assert_eq!(connection.take_acts(), [Act::Connect(destination("a"), Some("aa".into()))]);
    connection.certificate_not_trusted(certificate("bb"));
    let Ftps::Asking(asked) = connection.ftps() else { panic!("no question") };
    assert_eq!(asked.doubts[0], words::OTHER_CERTIFICATE);
}

#[test]
fn trust_is_remembered_for_its_host_and_for_no_other() {
    let mut connection = welcomed();
    connection.certificate_not_trusted(certificate("aa"));
    connection.trust();
    connection.connected(facts());
    connection.disconnect();
    connection.disconnected(None);
    connection.take_acts();
    connection.connect(destination("b"));
    assert_eq!(connection.take_acts(), [Act::Connect(destination("b"), None)]);
    connection.disconnected(Some(problem()));
    connection.connect(destination("a"));
    assert_eq!(connection.take_acts(), [Act::Connect(destination("a"), Some("aa".into()))]);
}

#[test]
fn refused_certificate_ends_in_a_problem_and_the_form() {
    let mut connection = welcomed();
    connection.certificate_not_trusted(certificate("aa"));
    connection.refuse();
    assert!(matches!(connection.ftps(), Ftps::Out));
    assert_eq!(connection.problem().unwrap().stage, Stage::Certificate);
}

#[test]
fn failure_to_connect_is_shown_and_the_link_stays_for_the_next_try() {
    let mut connection = welcomed();
    connection.take_acts();
    assert_eq!(connection.disconnected(Some(problem())), Some(News::Disconnected));
    assert_eq!(connection.problem(), Some(&problem()));
    connection.connect(destination("a"));
    assert!(connection.problem().is_none());
    assert_eq!(connection.take_acts(), [Act::Connect(destination("a"), None)]);
}

#[test]
fn connect_pressed_while_leaving_waits_for_the_portal() {
    let mut connection = logged_in();
    connection.disconnect();
    assert_eq!(connection.take_acts(), [Act::Say(ClientMessage::Disconnect)]);
    connection.connect(destination("b"));
    assert_eq!(connection.take_acts(), []);
    assert_eq!(connection.disconnected(None), None);
    assert_eq!(connection.take_acts(), [Act::Connect(destination("b"), None)]);
}

#[test]
fn login_that_completes_after_the_person_left_is_not_taken() {
    let mut connection = welcomed();
    connection.disconnect();
    assert_eq!(connection.connected(facts()), None);
    assert!(connection.ready().is_none());
}

#[test]
fn lost_link_is_opened_again_with_growing_capped_pauses() {
    let mut connection = logged_in();
    assert_eq!(connection.socket_closed(Millis(100), 0.0), Some(News::LinkLost));
    assert_eq!(connection.deadline(), Some(Millis(600)));
    connection.tick(Millis(600), 0.0);
    assert_eq!(connection.take_acts(), [Act::OpenLink(Some(session()))], "the same session");
    assert_eq!(connection.socket_closed(Millis(1000), 0.0), None);
    assert_eq!(connection.deadline(), Some(Millis(2000)));
    for _ in 0..40 {
        connection.tick(Millis(u64::MAX), 0.0);
        connection.socket_closed(Millis(0), 0.0);
    }
    assert_eq!(connection.deadline(), Some(Millis(30_000)));
    connection.retry_now();
    connection.socket_opened(session(), 0);
    assert_eq!(connection.welcome(LIMITS, 0, None, Millis(0)), Some(News::LinkBack));
    assert!(connection.ready().is_some());
}

#[test]
fn pauses_are_jittered() {
    assert_eq!(pause(0, 0.0), Duration::from_millis(500));
    assert_eq!(pause(0, 1.0), Duration::from_millis(250));
}

#[test]
fn first_try_that_finds_no_portal_is_a_problem_and_not_a_loop() {
    let mut connection = Connection::default();
    connection.connect(destination("a"));
    connection.session_refused(problem(), Millis(0), 0.0);
    assert_eq!(connection.deadline(), None);
    assert_eq!(connection.problem(), Some(&problem()));
    assert!(matches!(connection.ftps(), Ftps::Out));
}

#[test]
fn link_that_falls_silent_is_given_up() {
    let mut connection = logged_in();
    connection.take_acts();
    connection.tick(Millis(10_000), 0.0);
    assert_eq!(connection.take_acts(), [Act::Say(ClientMessage::Ping)]);
    connection.heard(&ServerMessage::Pong, Millis(10_050));
    assert_eq!(connection.tick(Millis(40_000), 0.0), None);
    assert_eq!(connection.tick(Millis(40_051), 0.0), Some(News::LinkLost));
    assert!(connection.take_acts().contains(&Act::CloseLink));
}

#[test]
fn other_version_asks_for_a_reload() {
    let mut connection = Connection::default();
    connection.connect(destination("a"));
    connection.socket_opened(session(), 0);
    connection.abandon(words::outdated());
    assert_eq!(connection.socket_closed(Millis(0), 0.0), None);
    assert!(matches!(connection.link(), Link::Outdated));
    connection.connect(destination("a"));
    assert!(connection.problem().is_some());
    assert!(matches!(connection.ftps(), Ftps::Out));
}
