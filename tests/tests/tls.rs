//! TLS beyond the handshake against vsftpd, `ProFTPD` and Pure-FTPd: the protocol's name (ALPN),
//! client certificates, pins, and proxies in front of them.
//!
//! Each run of uploads prints how many data connections resumed the session:
//! `cargo test --test tls -- --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{
    fs,
    sync::{Arc, Mutex},
};

use ferryport_tests::{
    client::{Attempted, Client, File, Outcome, to},
    content::Content,
    engine::{EngineSetup, remote},
    portal,
    portal::Portal,
    servers::{ClientCertificate, Kind, Options, Server, TlsMax},
};
use ftps::{Cause, ClientIdentity, Config, Connector, Stage, TlsVersion, TlsVersions};
use protocol::{Problem, problem::Who};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// Uploads in one session: more than the tickets that any server gives at the login.
const UPLOADS: usize = 10;

fn connector(server: &Server, change: impl FnOnce(&mut Config)) -> Connector {
    EngineSetup::of(server).configure(change).connector()
}

/// Uploads files one after the other in one session; how many data connections resumed it.
async fn resumed_of_ten(server: &Server, connector: &Connector) -> usize {
    let opened = connector.open().await;
    let mut client = opened.unwrap_or_else(|error| panic!("{error:?}\n{}", server.log()));
    let mut resumed = 0;
    for number in 0..UPLOADS {
        let path = remote(&format!("file-{number}"));
        let stored = async {
            let mut upload = client.store(&path, 0).await?;
            upload.write(b"four thousand and some bytes").await?;
            upload.finish().await
        };
        let stored = stored.await.unwrap_or_else(|e| panic!("{number}: {e:?}\n{}", server.log()));
        resumed += usize::from(stored.tls.resumed);
    }
    println!(
        "{}, {}: {resumed} of {UPLOADS} resumed",
        server.kind().name(),
        client.facts().tls.version
    );
    client.quit().await;
    resumed
}

/// `ProFTPD`'s greeting makes the engine choose TLS 1.2 by itself, as everywhere.
#[tokio::test]
async fn alpn_does_not_prevent_session_resumption() {
    for kind in Kind::ALL {
        for tls_max in TlsMax::ALL {
            let server = Server::start(kind, Options { tls_max, ..Options::default() });
            let connector = connector(&server, |_| ());
            let resumed = resumed_of_ten(&server, &connector).await;
            assert_eq!(connector.profile().alpn, ftps::Alpn::Named);
            // Pure-FTPd resumes nothing with TLS 1.3, and does not ask for it.
            if kind != Kind::PureFtpd || tls_max == TlsMax::V12 {
                assert_eq!(resumed, UPLOADS, "{}, {tls_max:?}", kind.name());
            }
        }
    }
}

const WITH_CLIENT_CERTIFICATES: [Kind; 2] = [Kind::Vsftpd, Kind::ProFtpd];

fn certified(kind: Kind, tls_max: TlsMax) -> Server {
    Server::start(
        kind,
        Options { tls_max, client_certificate: ClientCertificate::Required, ..Options::default() },
    )
}

fn identity(server: &Server) -> ClientIdentity {
    let (certificate, key) = (&server.client().certificate, &server.client().key);
    ClientIdentity::from_pem(&fs::read(certificate).unwrap(), &fs::read(key).unwrap()).unwrap()
}

#[tokio::test]
async fn a_client_certificate_is_presented_on_every_connection() {
    for kind in WITH_CLIENT_CERTIFICATES {
        for tls_max in TlsMax::ALL {
            let server = certified(kind, tls_max);
            let connector = connector(&server, |config| {
                config.tls.client_identity = Some(identity(&server));
            });
            assert_eq!(resumed_of_ten(&server, &connector).await, UPLOADS, "{}", kind.name());
        }
    }
}

/// Returns the error at a server that requires a client certificate.
async fn refused(server: &Server, identity: Option<ClientIdentity>) -> ftps::Error {
    let connector = connector(server, |config| config.tls.client_identity = identity);
    connector.open().await.expect_err("the server requires a client certificate")
}

#[tokio::test]
async fn a_required_client_certificate_is_diagnosed() {
    for kind in WITH_CLIENT_CERTIFICATES {
        for tls_max in TlsMax::ALL {
            let server = certified(kind, tls_max);
            let error = refused(&server, None).await;
            println!("{}, {tls_max:?}, none: {:?} {}", kind.name(), error.stage(), error.chain());
            let cause = Cause::of(&error);
            assert_eq!(cause, Cause::ClientCertificateNeeded, "{error:?}\n{}", server.log());
            assert_eq!(error.stage(), Stage::Tls);

            let stranger = certified(Kind::Vsftpd, tls_max);
            let error = refused(&server, Some(identity(&stranger))).await;
            println!("{}, {tls_max:?}, other: {:?} {}", kind.name(), error.stage(), error.chain());
            let cause = Cause::of(&error);
            assert_eq!(cause, Cause::ClientCertificateRefused, "{error:?}\n{}", server.log());
        }
    }
}

#[tokio::test]
async fn the_engine_connects_with_no_older_tls_version_than_allowed() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Options { tls_max: TlsMax::V12, ..Options::default() });
        let connector = connector(&server, |config| {
            config.tls.versions = TlsVersions { min: TlsVersion::Tls13, max: TlsVersion::Tls13 };
        });
        let error = connector.open().await.unwrap_err();
        assert_eq!(Cause::of(&error), Cause::TlsTooOld, "{}: {error:?}", kind.name());
        assert_eq!(error.stage(), Stage::Tls);
    }
}

/// A portal that may connect to this machine, with further flags.
fn portal_with(flags: &[&str]) -> Portal {
    portal!(portal::Options { log: "trace", ..portal::Options::with(flags) })
}

/// Connects without trusting anything.
async fn attempt(portal: &Portal, server: &Server) -> Attempted {
    Client::open(portal).await.attempt(to(server)).await
}

fn failed(attempted: Attempted) -> Problem {
    match attempted {
        Attempted::Failed(problem) => *problem,
        other => panic!("no failure: {other:?}"),
    }
}

#[tokio::test]
async fn another_certificate_of_a_pinned_host_is_an_error_and_no_question() {
    let server = Server::start(Kind::Vsftpd, Options::default());
    let stranger = Server::start(Kind::PureFtpd, Options::default());
    let pin = format!("127.0.0.1={}", server.certificate_sha256());
    let portal = portal_with(&["--pinned-certificates", &pin]);
    assert!(matches!(attempt(&portal, &server).await, Attempted::Connected(_)));

    let problem = failed(attempt(&portal, &stranger).await);
    assert_eq!(problem.stage, protocol::Stage::Certificate, "{problem:?}");
    assert_eq!(problem.remedy.unwrap().who, Who::PortalOperator);
    let mut connect = to(&stranger);
    connect.trusted_certificate = Some(stranger.certificate_sha256());
    let insisting = Client::open(&portal).await.attempt(connect).await;
    assert_eq!(failed(insisting).stage, protocol::Stage::Certificate);
}

#[tokio::test]
async fn a_server_certified_by_the_operators_authority_is_trusted() {
    let server = Server::start(Kind::Vsftpd, Options::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, server.certificate_pem()).unwrap();
    let flags = ["--ca-file", file.to_str().unwrap(), "--system-roots", "false"];
    let with = attempt(&portal_with(&flags), &server).await;
    assert!(matches!(with, Attempted::Connected(_)), "{with:?}");
    let without = attempt(&portal_with(&[]), &server).await;
    assert!(matches!(without, Attempted::CertificateNotTrusted(_)), "{without:?}");
}

#[tokio::test]
async fn the_portals_client_certificate_is_presented_to_servers_that_require_one() {
    let server = certified(Kind::Vsftpd, TlsMax::V13);
    let certificate = server.client().certificate.to_str().unwrap();
    let key = server.client().key.to_str().unwrap();
    let flags = ["--client-certificate-file", certificate, "--client-key-file", key];
    let portal = portal_with(&flags);
    let mut client = Client::open(&portal).await;
    client.connect(&server).await;
    let file = File::new("a.bin", Content { len: 100_000, seed: 1 });
    assert!(matches!(client.upload_one(&file).await, Outcome::Done { .. }));

    let pin = format!("127.0.0.1={}", server.certificate_sha256());
    let problem = failed(attempt(&portal_with(&["--pinned-certificates", &pin]), &server).await);
    assert!(problem.cause.unwrap().contains("requires a client certificate"));
    assert_eq!(problem.remedy.unwrap().who, Who::PortalOperator);
}

#[tokio::test]
async fn the_oldest_allowed_tls_version_is_a_setting() {
    let v12 = Options { tls_max: TlsMax::V12, ..Options::default() };
    let server = Server::start(Kind::Vsftpd, v12);
    let portal = portal_with(&["--tls-min", "1.3"]);
    let problem = failed(attempt(&portal, &server).await);
    assert_eq!(problem.stage, protocol::Stage::Tls, "{problem:?}");
}

/// An HTTP proxy that accepts `porter` with the password `sesame`, and records its requests.
async fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(connect_through(tcp, Arc::clone(&noted)));
        }
    });
    (place, asked)
}

async fn connect_through(mut tcp: TcpStream, asked: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap();
    asked.lock().unwrap().push(target.to_owned());
    if !head.contains("Basic cG9ydGVyOnNlc2FtZQ==") {
        return tcp.write_all(b"HTTP/1.1 407 Who are you?\r\n\r\n").await.unwrap();
    }
    let mut server = TcpStream::connect(target).await.unwrap();
    tcp.write_all(b"HTTP/1.1 200 Go ahead\r\n\r\n").await.unwrap();
    let _ = copy_bidirectional(&mut tcp, &mut server).await;
}

#[tokio::test]
async fn uploads_go_through_the_proxy_and_its_password_goes_only_there() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Options::default());
        let (place, asked) = proxy().await;
        let portal = portal_with(&["--proxy", &format!("http://porter:sesame@{place}")]);
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let files: Vec<File> = (0..5)
            .map(|seed| File::new(format!("{seed}.bin"), Content { len: 1 << 20, seed }))
            .collect();
        for outcome in client.upload(&files).await {
            assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        }
        for file in &files {
            assert_eq!(server.sha256_of(&file.path), Some(file.content.sha256()));
        }
        let asked = asked.lock().unwrap().clone();
        println!("{}: {} connections through the proxy", kind.name(), asked.len());
        assert_eq!(asked[0], server.address().to_string());
        assert!(asked.len() > files.len(), "data connections too: {asked:?}");
        let told = format!("{}{}", client.frames().concat(), portal.output());
        assert!(told.contains("through the HTTP proxy"));
        assert!(!told.contains("sesame") && !told.contains("porter") && !told.contains(&place));
    }
}

#[tokio::test]
async fn the_proxy_is_not_asked_for_addresses_that_the_policy_forbids() {
    let server = Server::start(Kind::PureFtpd, Options::default());
    let (place, asked) = proxy().await;
    let url = format!("http://porter:sesame@{place}");
    let portal = portal!(portal::Options::only(&["--proxy", &url]));
    let problem = failed(attempt(&portal, &server).await);
    assert_eq!(problem.stage, protocol::Stage::Policy);
    assert_eq!(*asked.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_proxy_that_refuses_its_credentials_is_a_problem_for_the_operator() {
    let server = Server::start(Kind::PureFtpd, Options::default());
    let (place, _) = proxy().await;
    let portal = portal_with(&["--proxy", &format!("http://porter:wrong@{place}")]);
    let problem = failed(attempt(&portal, &server).await);
    assert_eq!(problem.stage, protocol::Stage::Connect);
    assert!(problem.message.contains("407 Who are you?"), "{problem:?}");
    assert_eq!(problem.remedy.unwrap().who, Who::PortalOperator);
}
