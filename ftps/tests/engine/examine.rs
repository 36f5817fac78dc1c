//! What a diagnosis asks of a server: before the login, and of its data ports.

use std::time::Duration;

use ftps::{
    Cause, CertificateFault, ChainOrder, OldTlsAnswer, OldTlsVersion, PassiveCommand, Stage,
    TlsVersion, TlsVersions, profile::AuthName,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::scripted::{
    Claims, FullPort, ONLY_TLS12, SECRET, Scenario, Server, path, port_where_each, upload,
};

const ONLY_TLS13: TlsVersions = TlsVersions { min: TlsVersion::Tls13, max: TlsVersion::Tls13 };

#[tokio::test]
async fn examination_of_tls_accepts_any_certificate_and_sends_no_login() {
    let server = Scenario::connection(async |peer| {
        peer.secure().await;
        peer.expect_quit().await;
    })
    .claiming(&Claims { name: "other.example", years: (2000, 2001), ..Claims::default() })
    .start();
    let examined = server.connector().examine_tls(TlsVersions::default()).await.unwrap();
    assert_eq!(examined.greeting.to_string(), "220 ready");
    assert_eq!(examined.facts.version, TlsVersion::Tls13);
    let faults = examined.untrusted.unwrap().faults;
    assert!(faults.iter().any(|fault| matches!(fault, CertificateFault::Expired { .. })));
    assert!(faults.iter().any(|fault| matches!(fault, CertificateFault::NameMismatch { .. })));
    let [shown] = examined.chain.certificates() else { panic!() };
    assert_eq!(shown.facts.names, ["other.example"]);
    assert_eq!(examined.chain.order(), ChainOrder::Right);
    assert!(!server.log.has("USER") && !server.log.text().contains(SECRET));
}

#[tokio::test]
async fn examination_ignores_the_certificate_that_a_user_trusted() {
    let server = Scenario::connection(async |peer| {
        peer.secure().await;
        peer.expect_quit().await;
    })
    .start();
    let fingerprint = ftps::Fingerprint::of(&server.identity.certificate);
    let connector = server.connector_with(|config| {
        config.tls.roots = std::sync::Arc::new(rustls::RootCertStore::empty());
        config.tls.trusted_certificate = Some(fingerprint);
    });
    let examined = connector.examine_tls(TlsVersions::default()).await.unwrap();
    assert!(examined.untrusted.is_some());
}

#[tokio::test]
async fn tickets_that_a_server_sends_are_counted() {
    for tickets in [0, 4] {
        let server = Scenario::connection(async |peer| {
            peer.secure().await;
            peer.expect_quit().await;
        })
        .claiming(&Claims { tickets: (tickets, 0), ..Claims::default() })
        .start();
        let examined = server.connector().examine_tls(ONLY_TLS13).await.unwrap();
        assert_eq!(examined.tickets as usize, tickets);
        assert_eq!(examined.is_resumable, tickets > 0);
    }
}

#[tokio::test]
async fn tls_12_session_is_resumable_without_a_ticket_of_tls_13() {
    let server = Scenario::connection(async |peer| {
        peer.secure().await;
        peer.expect_quit().await;
    })
    .start();
    let examined = server.connector().examine_tls(TlsVersions::ONLY_TLS12).await.unwrap();
    assert_eq!((examined.tickets, examined.is_resumable), (0, true));
}

#[tokio::test]
async fn version_that_the_server_lacks_is_an_error_of_tls() {
    let server = Scenario::connection(async |peer| peer.fail_handshake().await)
        .claiming(&Claims { versions: ONLY_TLS12, ..Claims::default() })
        .start();
    let error = server.connector().examine_tls(ONLY_TLS13).await.unwrap_err();
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Tls, Cause::TlsTooOld));
}

#[tokio::test]
async fn implicit_tls_is_examined_from_the_first_byte() {
    let server = Scenario::connection(async |peer| {
        peer.secure_as("220 implicit").await;
        peer.expect_quit().await;
    })
    .implicit()
    .start();
    let examined = server.connector().examine_tls(TlsVersions::default()).await.unwrap();
    assert_eq!(examined.greeting.to_string(), "220 implicit");
    assert!(examined.untrusted.is_none());
}

#[tokio::test]
async fn examination_of_auth_ends_before_tls() {
    let server = Scenario::connection(async |peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "504 not this").await;
        peer.answer("AUTH SSL", "234 go").await;
        peer.expect_end().await;
    })
    .start();
    let examined = server.connector().examine_auth().await.unwrap();
    assert_eq!(examined.greeting.to_string(), "220 ready");
    assert_eq!(examined.auth.unwrap(), AuthName::Ssl);
}

#[tokio::test]
async fn refused_auth_keeps_the_greeting() {
    let server = Scenario::connection(async |peer| {
        peer.say("220 plain").await;
        peer.answer("AUTH TLS", "500 unknown").await;
        peer.answer("AUTH SSL", "500 unknown").await;
        peer.expect_end().await;
    })
    .start();
    let examined = server.connector().examine_auth().await.unwrap();
    assert_eq!(examined.greeting.to_string(), "220 plain");
    assert_eq!(Cause::of(&examined.auth.unwrap_err()), Cause::NoTls);
}

/// A port that answers a ClientHello after `AUTH TLS` with these bytes.
fn answering_hello_with(answer: &'static [u8]) -> Server {
    Server::at(port_where_each(move |mut tcp| async move {
        tcp.write_all(b"220 ready\r\n").await.unwrap();
        let mut command = [0; 10];
        tcp.read_exact(&mut command).await.unwrap();
        tcp.write_all(b"234 go\r\n").await.unwrap();
        let mut hello = [0; 11];
        tcp.read_exact(&mut hello).await.unwrap();
        // A handshake record of TLS 1.0 with a ClientHello.
        assert_eq!((&hello[..3], hello[5]), (&[0x16, 3, 1][..], 1));
        tcp.write_all(answer).await.unwrap();
        tcp.shutdown().await.unwrap();
    }))
}

#[tokio::test]
async fn old_tls_is_accepted_by_a_server_hello_and_refused_by_an_alert() {
    let old = [
        (
            &[0x16, 3, 2, 0, 80, 2, 0, 0, 76, 3, 2, 0, 0][..],
            OldTlsAnswer::Accepted(OldTlsVersion::Tls11),
        ),
        (
            &[0x16, 3, 1, 0, 80, 2, 0, 0, 76, 3, 1, 0, 0],
            OldTlsAnswer::Accepted(OldTlsVersion::Tls10),
        ),
        (&[0x15, 3, 1, 0, 2, 2, 70], OldTlsAnswer::Refused),
        (b"", OldTlsAnswer::Refused),
        (b"500 no such command\r\n", OldTlsAnswer::Refused),
    ];
    for (answer, expected) in old {
        let server = answering_hello_with(answer);
        let answer = server.connector().examine_old_tls(OldTlsVersion::Tls11).await.unwrap();
        assert_eq!(answer, expected);
    }
}

/// rustls supports neither version: it answers with an alert.
#[tokio::test]
async fn modern_server_refuses_old_tls() {
    let server = Scenario::connection(async |peer| peer.fail_handshake().await).start();
    let answer = server.connector().examine_old_tls(OldTlsVersion::Tls10).await.unwrap();
    assert_eq!(answer, OldTlsAnswer::Refused);
}

#[tokio::test]
async fn data_ports_are_tried_without_a_transfer_and_the_session_goes_on() {
    let server = Scenario::session(async |peer| {
        let port = peer.extended_passive().await;
        drop(port.accept_tcp().await);
        let port = peer.passive([10, 0, 0, 7]).await;
        drop(port.accept_tcp().await);
        assert_eq!(peer.store("a").await, b"a");
    })
    .start();
    let mut client = server.open().await;
    let endpoint = client.ask_data_port(PassiveCommand::Epsv).await.unwrap();
    assert_eq!(endpoint.address, None);
    client.try_data_port(endpoint).await.unwrap();
    let endpoint = client.ask_data_port(PassiveCommand::Pasv).await.unwrap();
    assert_eq!(endpoint.address, Some([10, 0, 0, 7].into()));
    client.try_data_port(endpoint).await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
}

#[tokio::test]
async fn data_port_that_does_not_answer_is_named() {
    let full = FullPort::new().await;
    let reply = full.reply();
    let server = Scenario::session(async move |peer| peer.answer("EPSV", &reply).await).start();
    let soon = Duration::from_millis(300);
    let mut client = server.open_with(|config| config.timeouts.data_connect = soon).await;
    let endpoint = client.ask_data_port(PassiveCommand::Epsv).await.unwrap();
    let error = client.try_data_port(endpoint).await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::DataConnectionBlocked);
    assert_eq!(error.evidence().data_port, Some(endpoint.port));
    assert!(client.is_usable());
}

#[tokio::test]
async fn date_is_set_by_the_command_that_the_server_lists() {
    const MILLIS: i64 = 1_769_860_800_000;
    for (feature, command) in [
        (" MFMT\r\n", Some(("MFMT 20260131120000 /home/a", "213 done"))),
        (" MDTM YYYYMMDDHHMMSS\r\n", Some(("MDTM 20260131120000 /home/a", "213 done"))),
        (" SITE UTIME\r\n", Some(("SITE UTIME 20260131120000 /home/a", "200 done"))),
        ("", None),
    ] {
        let server = Scenario::session(async move |peer| {
            if let Some((command, reply)) = command {
                peer.answer(command, reply).await;
            }
        })
        .features(feature)
        .start();
        let mut client = server.open().await;
        let was_sent = client.set_modified(&path("a"), MILLIS).await.unwrap();
        assert_eq!(was_sent, command.is_some());
    }
}
