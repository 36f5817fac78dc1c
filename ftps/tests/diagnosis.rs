//! Diagnoses of failed sessions: each symptom on the wire and its cause. The meaning of a reply's
//! text alone is tested beside the code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use ftps::{Cause, CertificateFault, Config, Diagnosis, Encryption, Error, Stage, TlsVersion, Who};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use scripted::{
    Identity, Log, Scenario, connector_to, path, port_of_tls, port_where_each, read_to_end, upload,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

/// Returns the error of a session at a port that treats each connection in the same way.
async fn error_at<F, R>(encryption: Encryption, each: F) -> Error
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    error_from(port_where_each(each), encryption).await
}

/// Returns the error of a session at an address.
async fn error_from(address: SocketAddr, encryption: Encryption) -> Error {
    let mut config = Config::new(Arc::new(RootCertStore::empty()));
    config.timeouts.silence = Duration::from_millis(100);
    config.timeouts.greeting = Duration::from_secs(4);
    config.timeouts.tls_handshake = Duration::from_secs(4);
    let connector = connector_to(address, encryption, config, &Log::default());
    connector.open().await.expect_err("the session must not open")
}

/// Sends something and waits until the client closes the connection.
async fn say(mut tcp: TcpStream, words: &[u8]) {
    tcp.write_all(words).await.unwrap();
    let _ = tcp.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn port_990_that_waits_for_tls_is_told_to_be_implicit() {
    let acceptor = Identity::default().acceptor();
    let error = error_from(port_of_tls(acceptor), Encryption::Explicit).await;
    let diagnosis = Diagnosis::of(&error);
    assert_eq!((diagnosis.cause, diagnosis.who), (Cause::ImplicitTlsExpected, Who::You));
}

#[tokio::test]
async fn tls_alert_instead_of_a_greeting_is_told_to_be_implicit() {
    let error = error_at(Encryption::Explicit, |tcp| say(tcp, b"\x15\x03\x03\x00\x02\x02\x28"));
    assert_eq!(Cause::of(&error.await), Cause::ImplicitTlsExpected);
}

#[tokio::test]
async fn greeting_instead_of_a_server_hello_is_told_to_be_explicit() {
    let error = error_at(Encryption::Implicit, |tcp| say(tcp, b"220 ready\r\n")).await;
    assert_eq!(Cause::of(&error), Cause::ExplicitTlsExpected);
}

#[tokio::test]
async fn banner_of_ssh_is_told_to_be_sftp() {
    for encryption in [Encryption::Explicit, Encryption::Implicit] {
        let error = error_at(encryption, |tcp| say(tcp, b"SSH-2.0-OpenSSH_9.2p1\r\n")).await;
        assert_eq!(Cause::of(&error), Cause::SshServer);
    }
}

#[tokio::test]
async fn http_400_is_told_to_be_a_web_server() {
    for encryption in [Encryption::Explicit, Encryption::Implicit] {
        let words = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
        let error = error_at(encryption, |tcp| say(tcp, words)).await;
        assert_eq!(Cause::of(&error), Cause::HttpServer);
    }
}

#[tokio::test]
async fn plaintext_only_server_is_told_and_never_hears_the_user() {
    for line in ["500 what?", "502 no", "504 no", "530 Please login with USER and PASS."] {
        let server = Scenario::connection(async move |peer| {
            peer.say("220 ready").await;
            peer.answer("AUTH TLS", line).await;
            peer.answer("AUTH SSL", line).await;
            peer.expect_end().await;
        })
        .start();
        let error = server.refused().await;
        let diagnosis = Diagnosis::of(&error);
        assert_eq!((diagnosis.cause, diagnosis.who), (Cause::NoTls, Who::Host), "{line}");
        assert_eq!(error.reply().unwrap().to_string(), line);
    }
}

#[tokio::test]
async fn connection_that_is_reset_after_auth_is_told_to_be_cut_on_the_way() {
    let server = Scenario::connection(async |peer| {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "234 go").await;
        peer.disconnect();
    })
    .start();
    let error = server.refused().await;
    let diagnosis = Diagnosis::of(&error);
    assert_eq!((error.stage(), diagnosis.cause), (Stage::Tls, Cause::TlsCut), "{error:?}");
    assert_eq!(diagnosis.who, Who::Network);
}

/// Returns the error where the server refuses the password with this reply.
async fn refused_at_login(line: &'static str) -> Error {
    let server = Scenario::connection(async move |peer| peer.refuse_login(line).await).start();
    server.refused().await
}

#[tokio::test]
async fn login_that_fails_is_told_apart_by_the_servers_words() {
    for (line, cause) in [
        ("530 Login incorrect.", Cause::WrongCredentials),
        ("530 User cannot log in, home directory inaccessible.", Cause::HomeUnavailable),
        ("530 Sorry, the maximum number of clients (5) is connected", Cause::TooManyConnections),
        ("421 Too many connections, try again later", Cause::TooManyConnections),
        ("421 TLS: weak ciphers are not accepted", Cause::WeakCiphers),
        (
            "500 OOPS: vsftpd: refusing to run with writable root inside chroot()",
            Cause::WritableRoot,
        ),
        ("530 Non-anonymous sessions must use encryption.", Cause::EncryptionDemanded),
    ] {
        let error = refused_at_login(line).await;
        assert_eq!(Cause::of(&error), cause, "{line}");
        assert_eq!(error.reply().unwrap().to_string(), line);
        assert!(!error.chain().contains(&line[4..]), "{}", error.chain());
        assert!(error.evidence().tls.is_some());
    }
}

/// Returns the error at a server whose certificate is of an unknown authority. The server sends the
/// authority's certificate or leaves it out.
async fn doubts_of_issued_certificate(shows_issuer: bool) -> Error {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "somebody's authority");
    let authority = params.self_signed(&key).unwrap().der().clone();
    let issuer = rcgen::Issuer::new(params, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap().der().clone();
    let mut chain = vec![certificate];
    chain.extend(shows_issuer.then_some(authority));
    let acceptor = acceptor(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap());
    let roots = Identity::default().certificate;
    error_with_roots(acceptor, roots).await
}

fn acceptor(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Returns the error over implicit TLS, with a root that vouches for another server.
async fn error_with_roots(acceptor: TlsAcceptor, root: CertificateDer<'static>) -> Error {
    let address = port_of_tls(acceptor);
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let config = Config::new(Arc::new(roots));
    let connector = connector_to(address, Encryption::Implicit, config, &Log::default());
    connector.open().await.expect_err("nobody vouches for the certificate")
}

#[tokio::test]
async fn issuer_that_is_not_shown_is_told_from_one_that_is_not_known() {
    let shown = doubts_of_issued_certificate(true).await;
    assert_eq!(shown.is_certificate().unwrap().faults, [CertificateFault::UnknownIssuer]);
    assert_eq!(Cause::of(&shown), Cause::CertificateUnknownIssuer);
    let left_out = doubts_of_issued_certificate(false).await;
    assert_eq!(left_out.is_certificate().unwrap().faults, [CertificateFault::NoIssuerShown]);
    assert_eq!(Cause::of(&left_out), Cause::CertificateChainIncomplete);
    assert_eq!(Diagnosis::of(&left_out).who, Who::Host);
}

#[tokio::test]
async fn private_address_in_the_227_is_evidence_when_its_port_cannot_be_reached() {
    let server = Scenario::session(async |peer| {
        peer.answer("EPSV", "502 no").await;
        // Nothing listens at port 1024.
        peer.answer("PASV", "227 Passive (192,168,7,8,4,0)").await;
        peer.expect_quit().await;
    })
    .start();
    let mut client = server.open().await;
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    let diagnosis = Diagnosis::of(&error);
    assert_eq!((diagnosis.cause, diagnosis.who), (Cause::PrivateAddress, Who::Host));
    assert_eq!(error.evidence().passive_address, Some(Ipv4Addr::new(192, 168, 7, 8)));
    assert_eq!(error.evidence().data_port, Some(1024));
    client.quit().await;
}

#[tokio::test]
async fn private_address_is_evidence_too_where_epsv_was_tried_first() {
    let server = Scenario::session(async |peer| {
        peer.answer("EPSV", "229 ok (|||1024|)").await;
        peer.answer("PASV", "227 Passive (10,0,0,9,4,0)").await;
        peer.expect_quit().await;
    })
    .start();
    let mut client = server.open().await;
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::PrivateAddress);
    client.quit().await;
}

#[tokio::test]
async fn upload_after_one_that_worked_is_told_that_tickets_ran_out() {
    let server = Scenario::session(async |peer| {
        peer.store("a").await;
        let port = peer.extended_passive().await;
        peer.answer("STOR /home/b", "150 go").await;
        let data = port.accept().await;
        peer.say("522 SSL connection failed: session reuse required").await;
        drop(data);
    })
    .start();
    let mut client = server.open().await;
    upload(&mut client, "a", b"a").await.unwrap();
    let error = upload(&mut client, "b", b"b").await.unwrap_err();
    assert_eq!(error.evidence().tls.as_ref().unwrap().version, TlsVersion::Tls13);
    assert_eq!(error.evidence().data_connections, 1);
    assert_eq!(Cause::of(&error), Cause::TicketsRunOut, "{error:?}");
}

/// Returns the error of an upload that the server answers with this after the last byte.
async fn error_after_last_byte(line: &'static str) -> Error {
    let server = Scenario::session(async move |peer| {
        peer.receive_all("a").await;
        peer.say(line).await;
        // Until the client has read the reply.
        let _ = peer.command().await;
    })
    .start();
    let mut client = server.open().await;
    upload(&mut client, "a", b"content").await.unwrap_err()
}

#[tokio::test]
async fn reply_426_after_the_last_byte_is_told_to_be_about_the_end() {
    let error = error_after_last_byte("426 Failure reading network stream.").await;
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Verify, Cause::EndRefused));
}

#[tokio::test]
async fn reply_452_after_the_last_byte_is_told_to_be_a_full_disk() {
    let error = error_after_last_byte("452 Insufficient storage space.").await;
    assert_eq!(Cause::of(&error), Cause::DiskFull);
}

#[tokio::test]
async fn reply_421_in_the_middle_is_told_to_be_the_servers_timer() {
    let error = error_after_last_byte("421 Timeout.").await;
    let diagnosis = Diagnosis::of(&error);
    assert_eq!((diagnosis.cause, diagnosis.who), (Cause::TransferTimedOut, Who::Host));
}

#[tokio::test]
async fn confirmation_that_does_not_come_is_told_to_be_missing() {
    let server = Scenario::session(async |peer| {
        let mut data = peer.receive("a").await;
        read_to_end(&mut data).await;
        data.shutdown().await.unwrap();
        let _ = peer.command().await;
    })
    .start();
    let mut client =
        server.open_with(|config| config.timeouts.final_reply = Duration::from_millis(200)).await;
    let error = upload(&mut client, "a", b"content").await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::ConfirmationMissing);
    assert!(error.is_timeout());
}

#[tokio::test]
async fn size_in_ascii_mode_is_not_taken_for_a_missing_file() {
    let server = Scenario::session(async |peer| {
        peer.answer_size("a", "550 SIZE not allowed in ASCII mode").await;
        peer.expect_quit().await;
    })
    .start();
    let mut client = server.open().await;
    let error = client.size(&path("a")).await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::AsciiMode);
    client.quit().await;
}
