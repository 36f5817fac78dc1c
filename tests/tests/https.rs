//! HTTPS by the portal itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{fs, process::Command, time::Duration};

use ferryport_tests::{
    client::{Client, File, Outcome, ask_for_session, refusal},
    content::Content,
    portal::{Options, PageCertificate, Portal},
    portal_program,
    process::wait_for,
    servers::{self, Kind},
};
use protocol::{ServerMessage, server::Verified};

/// A portal that checks its certificate's file often.
const WITH_FREQUENT_CHECKS: Options<'static> = Options::only(&["--tls-file-interval", "20 ms"]);

/// How long a renewed certificate may take on a busy machine.
const RENEWAL_LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_over_the_portals_own_https() {
    let server = servers::start(Kind::PureFtpd);
    let portal = Portal::start_https(portal_program!(), Options::default());
    assert!(portal.output().contains("listening on https://127.0.0.1:"), "{}", portal.output());
    let mut client = Client::open(&portal).await;
    client.connect(&server).await;
    let files: Vec<File> = [0, 1, (9 << 20) + 1]
        .into_iter()
        .map(|len| File::new(format!("{len}.bin"), Content { len, seed: len }))
        .collect();
    let outcomes = client.upload(&files).await;
    for (file, outcome) in files.iter().zip(outcomes) {
        let path = format!("/{}", file.path);
        let stored = matches!(&outcome, Outcome::Done { path: at, verified: Verified::Size, .. } if *at == path);
        assert!(stored, "{outcome:?}");
        assert_eq!(server.sha256_of(&file.path), Some(file.content.sha256()), "{}", file.path);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_served_over_https_and_its_origin_is_https() {
    let portal = Portal::start_https(portal_program!(), Options::default());
    let page = portal.ask("GET", "/", &[]);
    assert_eq!(page.status, 200);
    assert_eq!(page.header("strict-transport-security"), None, "that is for the host's owner");
    let origin = portal.origin();
    assert!(origin.starts_with("https://"));
    let answer = ask_for_session(&portal.acceptor(), &[("Origin", &origin)]).await;
    assert!(matches!(answer, ServerMessage::Welcome { .. }), "{answer:?}");
    let in_clear = origin.replace("https://", "http://");
    let problem = refusal(&portal.acceptor(), &[("Origin", &in_clear)]).await;
    assert!(problem.message.contains("the page was opened at"), "{problem:?}");
}

#[test]
fn a_plain_http_request_is_told_to_use_https_and_gets_nothing_else() {
    let portal = Portal::start_https(portal_program!(), Options::default());
    for path in ["/", "/session/socket", "/healthz"] {
        let answer = portal.ask_in_clear("GET", path).unwrap();
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.contains("open https://"), "{answer:?}");
    }
}

#[test]
fn a_renewed_certificate_is_used_without_a_restart_and_a_bad_one_is_not() {
    let mut portal = Portal::start_https(portal_program!(), WITH_FREQUENT_CHECKS);
    assert_eq!(portal.ask("GET", "/healthz", &[]).status, 200);

    // The clients trust the old certificate still, so the answers show that it stays.
    portal.write_certificate_file("this is no certificate");
    let warned = wait_for(RENEWAL_LIMIT, || {
        portal.output().contains("the old certificate stays in use").then_some(())
    });
    assert!(warned.is_some(), "{}", portal.output());
    assert!(portal.output().contains("tls_certificate_file"), "{}", portal.output());
    assert_eq!(portal.ask("GET", "/healthz", &[]).status, 200);

    portal.renew_certificate(&PageCertificate::generate());
    let shown = wait_for(RENEWAL_LIMIT, || portal.try_ask("GET", "/healthz", &[]).ok());
    let shown = shown.unwrap_or_else(|| panic!("the old one stays:\n{}", portal.output()));
    assert_eq!(shown.status, 200);
}

#[test]
fn a_key_of_another_certificate_ends_the_start_and_names_its_setting() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
    fs::write(&certificate, PageCertificate::generate().pem).unwrap();
    fs::write(&key, PageCertificate::generate().pem).unwrap();
    let started = Command::new(portal_program!())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .arg("--tls-certificate-file")
        .arg(&certificate)
        .arg("--tls-key-file")
        .arg(&key)
        .output()
        .unwrap();
    assert!(!started.status.success());
    let said = String::from_utf8(started.stderr).unwrap();
    assert!(said.contains("`tls_key_file`") && said.contains("key.pem"), "{said}");
    assert!(said.contains("hint: "), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_starts_no_tls_is_disconnected() {
    let hasty = Options::only(&["--page-tls-timeout", "100 ms"]);
    let portal = Portal::start_https(portal_program!(), hasty);
    let mut silent = tokio::net::TcpStream::connect(portal.address()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut silent, &mut answer);
    tokio::time::timeout(RENEWAL_LIMIT, read).await.expect("the portal closes it").unwrap();
    assert!(answer.is_empty());
}
