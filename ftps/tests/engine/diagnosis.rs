//! Diagnoses of failed sessions: each symptom on the wire and its cause. The meaning of a reply's
//! text alone is tested beside the code.

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
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use crate::scripted::{
    Identity, Log, Scenario, connector_to, path, port_of_tls, port_where_each, read_to_end, upload,
};

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
async fn silent_port_that_expects_tls_means_implicit_tls() {
    let acceptor = Identity::default().acceptor();
    let error = error_from(port_of_tls(acceptor), Encryption::Explicit).await;
    let diagnosis = Diagnosis::of(&error);
    assert_eq!((diagnosis.cause, diagnosis.who), (Cause::ImplicitTlsExpected, Who::You));
}

#[tokio::test]
async fn tls_alert_instead_of_a_greeting_means_implicit_tls() {
    let error = error_at(Encryption::Explicit, |tcp| say(tcp, b"\x15\x03\x03\x00\x02\x02\x28"));
    assert_eq!(Cause::of(&error.await), Cause::ImplicitTlsExpected);
}

#[tokio::test]
async fn greeting_instead_of_a_server_hello_means_explicit_tls() {
    let error = error_at(Encryption::Implicit, |tcp| say(tcp, b"220 ready\r\n")).await;
    assert_eq!(Cause::of(&error), Cause::ExplicitTlsExpected);
}

#[tokio::test]
async fn banner_of_ssh_means_an_sftp_port() {
    for encryption in [Encryption::Explicit, Encryption::Implicit] {
        let error = error_at(encryption, |tcp| say(tcp, b"SSH-2.0-OpenSSH_9.2p1\r\n")).await;
        assert_eq!(Cause::of(&error), Cause::SshServer);
    }
}

#[tokio::test]
async fn http_400_means_a_web_server() {
    for encryption in [Encryption::Explicit, Encryption::Implicit] {
        let words = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
        let error = error_at(encryption, |tcp| say(tcp, words)).await;
        assert_eq!(Cause::of(&error), Cause::HttpServer);
    }
}

#[tokio::test]
async fn greeting_of_another_protocol_means_no_ftp_server() {
    let error = error_at(Encryption::Explicit, |tcp| say(tcp, b"+OK POP3 ready\r\n")).await;
    assert_eq!(Cause::of(&error), Cause::NotFtp);
}

#[tokio::test]
async fn server_without_tls_never_gets_a_user_name() {
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
        assert_eq!((diagnosis.cause, diagnosis.who), (Cause::NoTls, Who::ServerOperator), "{line}");
        assert_eq!(error.reply().unwrap().to_string(), line);
    }
}

#[tokio::test]
async fn reset_after_auth_means_that_the_network_cuts_tls() {
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
async fn text_of_a_refused_login_tells_the_cause() {
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
    params.distinguished_name.push(rcgen::DnType::CommonName, "an authority");
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
    connector.open().await.expect_err("the certificate must not be trusted")
}

#[tokio::test]
async fn missing_intermediate_certificate_is_told_from_an_unknown_authority() {
    let shown = doubts_of_issued_certificate(true).await;
    assert_eq!(shown.is_certificate().unwrap().faults, [CertificateFault::UnknownIssuer]);
    assert_eq!(Cause::of(&shown), Cause::CertificateUnknownIssuer);
    let left_out = doubts_of_issued_certificate(false).await;
    assert_eq!(left_out.is_certificate().unwrap().faults, [CertificateFault::NoIssuerShown]);
    assert_eq!(Cause::of(&left_out), Cause::CertificateChainIncomplete);
    assert_eq!(Diagnosis::of(&left_out).who, Who::ServerOperator);
}

#[tokio::test]
async fn unreachable_port_is_blamed_on_a_private_address_in_the_227() {
    let server = Scenario::session(async |peer| {
        peer.answer("EPSV", "502 no").await;
        // Nothing listens at port 1024.
        peer.answer("PASV", "227 Passive (192,168,7,8,4,0)").await;
        peer.expect_quit().await;
    })
    .start();
    let (client, error) = server.failed_upload().await;
    let diagnosis = Diagnosis::of(&error);
    assert_eq!((diagnosis.cause, diagnosis.who), (Cause::PrivateAddress, Who::ServerOperator));
    assert_eq!(error.evidence().passive_address, Some(Ipv4Addr::new(192, 168, 7, 8)));
    assert_eq!(error.evidence().data_port, Some(1024));
    client.quit().await;
}

#[tokio::test]
async fn private_address_is_blamed_too_where_epsv_was_tried_first() {
    let server = Scenario::session(async |peer| {
        peer.answer("EPSV", "229 ok (|||1024|)").await;
        peer.answer("PASV", "227 Passive (10,0,0,9,4,0)").await;
        peer.expect_quit().await;
    })
    .start();
    let (client, error) = server.failed_upload().await;
    assert_eq!(Cause::of(&error), Cause::PrivateAddress);
    client.quit().await;
}

#[tokio::test]
async fn refused_tls_session_after_an_upload_that_worked_means_that_tickets_ran_out() {
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
async fn reply_426_after_the_last_byte_means_a_refused_end() {
    let error = error_after_last_byte("426 Failure reading network stream.").await;
    assert_eq!((error.stage(), Cause::of(&error)), (Stage::Verify, Cause::EndRefused));
}

#[tokio::test]
async fn reply_452_after_the_last_byte_means_a_full_disk() {
    let error = error_after_last_byte("452 Insufficient storage space.").await;
    assert_eq!(Cause::of(&error), Cause::DiskFull);
}

#[tokio::test]
async fn reply_421_during_a_transfer_means_the_servers_timeout() {
    let error = error_after_last_byte("421 Timeout.").await;
    let diagnosis = Diagnosis::of(&error);
    assert_eq!((diagnosis.cause, diagnosis.who), (Cause::TransferTimedOut, Who::ServerOperator));
}

#[tokio::test]
async fn missing_final_reply_has_a_cause_of_its_own() {
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
