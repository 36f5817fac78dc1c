//! Names with several addresses, which no test can have from a name service.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use rcgen::{CertificateParams, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use protocol::doctor::{CheckState, DoctorReport};

use super::*;
use crate::{
    settings::{Settings, Sources},
    texts::Language,
};

const NAME: &str = "ftp.example.org";

fn acceptor() -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Greets, starts TLS and logs out.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor) -> std::io::Result<()> {
    let mut plain = BufReader::new(stream);
    plain.write_all(b"220 ready\r\n").await?;
    plain.read_line(&mut String::new()).await?;
    plain.write_all(b"234 go\r\n").await?;
    let mut tls = BufReader::new(acceptor.accept(plain.into_inner()).await?);
    tls.read_line(&mut String::new()).await?;
    tls.write_all(b"221 bye\r\n").await?;
    tls.shutdown().await
}

/// Starts a server at each address, all at one port. Returns the port.
async fn servers(first: (IpAddr, TlsAcceptor), second: Option<(IpAddr, TlsAcceptor)>) -> u16 {
    let listener = TcpListener::bind((first.0, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut all = vec![(listener, first.1)];
    if let Some((address, acceptor)) = second {
        all.push((TcpListener::bind((address, port)).await.unwrap(), acceptor));
    }
    for (listener, acceptor) in all {
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, acceptor.clone()));
            }
        });
    }
    port
}

/// Examines a name with these two addresses.
async fn report(addresses: [IpAddr; 2], port: u16) -> DoctorReport {
    let mut sources = Sources::default();
    sources.flag("allow_network", format!("127.0.0.0/8:{port}"));
    let policy = Policy::new(&Settings::from_sources(&sources).unwrap());
    policy.remember(NAME, &addresses);
    let examination = Examination {
        host: NAME.to_owned(),
        port,
        encryption: None,
        credentials: None,
        folder: None,
        test_upload: TestUpload::NotMade,
        trusted_certificate: None,
        language: Language::default(),
    };
    let roots = Arc::new(RootCertStore::empty());
    let doctor = Doctor::new(policy, roots, LookupSlot::default());
    doctor.examine(&examination, &mut |_| ()).await
}

#[track_caller]
fn expect(report: &DoctorReport, state: CheckState, words: &str) {
    let check = report.checks.iter().find(|check| check.id == CheckId::AddressesAgree).unwrap();
    assert_eq!(check.state, state, "{report:#?}");
    assert!(check.says.contains(words), "{}", check.says);
}

fn addresses(last: u8) -> [IpAddr; 2] {
    [SocketAddr::from(([127, 78, 0, last], 0)).ip(), SocketAddr::from(([127, 79, 0, last], 0)).ip()]
}

#[tokio::test]
async fn addresses_with_one_certificate_agree() {
    let both @ [one, other] = addresses(1);
    let acceptor = acceptor();
    let port = servers((one, acceptor.clone()), Some((other, acceptor))).await;
    expect(&report(both, port).await, CheckState::Ok, "show the same certificate");
}

#[tokio::test]
async fn addresses_with_different_certificates_are_a_remark() {
    let both @ [one, other] = addresses(2);
    let port = servers((one, acceptor()), Some((other, acceptor()))).await;
    let words = "127.78.0.2, 127.79.0.2 show different certificates";
    expect(&report(both, port).await, CheckState::Warning, words);
}

#[tokio::test]
async fn address_at_which_nothing_listens_is_a_remark() {
    let both @ [one, _] = addresses(3);
    let port = servers((one, acceptor()), None).await;
    expect(&report(both, port).await, CheckState::Warning, "127.79.0.3 is possible");
}
