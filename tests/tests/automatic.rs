//! `connect` without an encryption: the portal finds out which one the server expects.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use ferryport_tests::{
    browser::Page,
    client::{Attempted, Client, to, to_port},
    fake_peers::FakePeer,
    page_proxy::PageProxy,
    portal,
    portal::Options,
    servers::{self, Kind, Server},
    user::{WIDE, log_with, trust},
};
use protocol::{Encryption, client::Connect};

/// A server that stays silent is probed soon.
const SHORT_SILENCE: [&str; 4] = ["--silence-timeout", "200 ms", "--greeting-timeout", "2 s"];

const SWITCHED_TO_IMPLICIT: &str = "The server expects implicit TLS: connecting again with it";
const SWITCHED_TO_EXPLICIT: &str = "The server expects explicit TLS: connecting again with it";

fn server_with(encryption: Encryption) -> Server {
    Server::start(Kind::ProFtpd, servers::Options { encryption, ..servers::Options::default() })
}

/// The request to connect to a server with whatever encryption it expects.
fn automatic(server: &Server) -> Connect {
    let trusted_certificate = Some(server.certificate_sha256());
    Connect { encryption: None, trusted_certificate, ..to(server) }
}

async fn encryption_found(client: &mut Client, connect: Connect) -> Encryption {
    match client.attempt(connect).await {
        Attempted::Connected(connected) => connected.encryption,
        other => panic!("{other:?}\n{}", client.transcript()),
    }
}

fn times(client: &Client, words: &str) -> usize {
    client.transcript().matches(words).count()
}

#[tokio::test]
async fn a_server_for_explicit_tls_is_connected_to_at_once() {
    let portal = portal!();
    let server = server_with(Encryption::Explicit);
    let mut client = Client::open(&portal).await;
    let found = encryption_found(&mut client, automatic(&server)).await;
    assert_eq!(found, Encryption::Explicit);
    assert_eq!(times(&client, "connecting again"), 0, "{}", client.transcript());
}

#[tokio::test]
async fn a_server_for_implicit_tls_at_another_port_is_found_and_remembered() {
    let portal = portal!(Options::with(&SHORT_SILENCE));
    let server = server_with(Encryption::Implicit);
    let mut client = Client::open(&portal).await;
    let found = encryption_found(&mut client, automatic(&server)).await;
    assert_eq!(found, Encryption::Implicit);
    assert_eq!(times(&client, SWITCHED_TO_IMPLICIT), 1, "{}", client.transcript());
    let mut another = Client::open(&portal).await;
    assert_eq!(encryption_found(&mut another, automatic(&server)).await, Encryption::Implicit);
    assert_eq!(times(&another, "connecting again"), 0, "{}", another.transcript());
}

/// Where implicit TLS is tried first: at port 990, and where a server expected it before.
#[tokio::test]
async fn a_server_for_explicit_tls_is_found_where_implicit_tls_is_tried_first() {
    let portal = portal!(Options::with(&SHORT_SILENCE));
    let (implicit, explicit) =
        (server_with(Encryption::Implicit), server_with(Encryption::Explicit));
    let relay = PageProxy::open(1 << 30).await;
    let port = relay.origin().rsplit(':').next().unwrap().parse().unwrap();
    let mut client = Client::open(&portal).await;
    relay.lead_to(implicit.address());
    let through_relay = |server| Connect { port, ..automatic(server) };
    let found = encryption_found(&mut client, through_relay(&implicit)).await;
    assert_eq!(found, Encryption::Implicit);
    relay.lead_to(explicit.address());
    let found = encryption_found(&mut client, through_relay(&explicit)).await;
    assert_eq!(found, Encryption::Explicit);
    assert_eq!(times(&client, SWITCHED_TO_EXPLICIT), 1, "{}", client.transcript());
}

#[tokio::test]
async fn a_silent_server_is_not_tried_again() {
    let portal = portal!(Options::with(&[&SHORT_SILENCE[..], &["--tls-timeout", "1 s"]].concat()));
    let silent = FakePeer::silent();
    let mut client = Client::open(&portal).await;
    let connect = to_port("127.0.0.1", silent.port(), Encryption::Explicit);
    let attempted = client.attempt(Connect { encryption: None, ..connect }).await;
    assert!(matches!(attempted, Attempted::Failed(_)), "{attempted:?}");
    assert_eq!(silent.connections(), 2, "one, and the probe");
    assert_eq!(times(&client, "connecting again"), 0, "{}", client.transcript());
}

#[tokio::test]
async fn a_server_without_tls_gets_no_login() {
    let portal = portal!();
    let plain = FakePeer::start("220 ready\r\n", |line| {
        Some(if line.starts_with("AUTH") { "502 no\r\n" } else { "331 go on\r\n" })
    });
    let mut client = Client::open(&portal).await;
    let connect = to_port("127.0.0.1", plain.port(), Encryption::Explicit);
    let attempted = client.attempt(Connect { encryption: None, ..connect }).await;
    assert!(matches!(attempted, Attempted::Failed(_)), "{attempted:?}");
    let lines = plain.lines();
    assert!(!lines.iter().any(|line| line.starts_with("USER")), "{lines:?}");
    assert_eq!(plain.connections(), 1);
}

#[tokio::test]
async fn an_encryption_that_the_user_chose_stays() {
    let portal = portal!(Options::with(&SHORT_SILENCE));
    let server = server_with(Encryption::Implicit);
    let mut client = Client::open(&portal).await;
    let connect = Connect { encryption: Some(Encryption::Explicit), ..automatic(&server) };
    let attempted = client.attempt(connect).await;
    assert!(matches!(attempted, Attempted::Failed(_)), "{attempted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_leaves_the_encryption_to_the_portal_and_remembers_which_it_was() {
    let portal = portal!(Options::with(&SHORT_SILENCE));
    let server = server_with(Encryption::Implicit);
    let page = Page::open(&portal.support_url(), WIDE).await;
    page.fill("Host", &format!("127.0.0.1:{}", server.port())).await;
    page.fill("Username", server.username()).await;
    page.fill("Password", server.password()).await;
    let chosen = "document.getElementById('encryption').value";
    assert_eq!(page.run(chosen).await, "automatic");
    page.press_button("Connect").await;
    trust(&page, &server).await;
    page.find("button", "Choose files").await;
    log_with(&page, &[SWITCHED_TO_IMPLICIT]).await;
    let recent = page.run("localStorage.getItem('ferryport-recent')").await;
    assert!(recent.as_str().unwrap().contains("encryption=implicit"), "{recent}");
    page.finish().await;
}
