//! TLS 1.0 and 1.1 of a real server: OpenSSL's `s_server` at security level 0.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{net::TcpStream, path::Path, sync::Arc, time::Duration};

use ferryport_tests::{
    fake_peers::ClosedPort,
    process::{Process, wait_for},
};
use ftps::{
    Config, Connector, Credentials, Encryption, OldTlsAnswer, OldTlsVersion, Password, Target,
    Transcript, Username,
};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use rustls::RootCertStore;

/// Starts a TLS server with these versions. It ends with the process.
fn start(port: u16, folder: &Path, versions: &[&str]) -> Process {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let pem = folder.join("both.pem");
    let both = certificate.self_signed(&key).unwrap().pem() + &key.serialize_pem();
    std::fs::write(&pem, both).unwrap();
    let (pem, port) = (pem.to_str().unwrap().to_owned(), port.to_string());
    let fixed = ["s_server", "-accept", &port, "-cert", &pem, "-www", "-cipher", "ALL:@SECLEVEL=0"];
    let arguments = fixed.iter().chain(versions).map(|argument| (*argument).to_owned());
    let output = folder.join("output.log");
    let arguments: Vec<_> = arguments.collect();
    Process::start(Path::new("/usr/bin/openssl"), arguments, [], output)
}

async fn answer(port: u16, version: OldTlsVersion) -> OldTlsAnswer {
    let target = Target {
        address: ([127, 0, 0, 1], port).into(),
        host: "localhost".to_owned(),
        encryption: Encryption::Implicit,
    };
    let nobody = Credentials {
        username: Username::new("nobody").unwrap(),
        password: Password::new("").unwrap(),
    };
    let config = Config::new(Arc::new(RootCertStore::empty()));
    let connector = Connector::new(target, config, nobody, Transcript::discard());
    connector.examine_old_tls(version).await.unwrap()
}

#[tokio::test]
async fn old_tls_is_recognised_at_openssl() {
    use OldTlsVersion::{Tls10, Tls11};
    for (versions, newer, older) in [
        (
            &["-min_protocol", "TLSv1", "-max_protocol", "TLSv1.3"][..],
            OldTlsAnswer::Accepted(Tls11),
            OldTlsAnswer::Accepted(Tls10),
        ),
        (&["-tls1"], OldTlsAnswer::Accepted(Tls10), OldTlsAnswer::Accepted(Tls10)),
        (&["-tls1_2"], OldTlsAnswer::Refused, OldTlsAnswer::Refused),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let reserved = ClosedPort::take();
        let port = reserved.port();
        let server = start(port, folder.path(), versions);
        let limit = Duration::from_secs(20);
        let up = wait_for(limit, || TcpStream::connect(("127.0.0.1", port)).ok());
        assert!(up.is_some(), "openssl does not listen: {}", server.output());
        drop(up);
        assert_eq!(answer(port, Tls11).await, newer, "{versions:?}");
        assert_eq!(answer(port, Tls10).await, older, "{versions:?}");
    }
}
