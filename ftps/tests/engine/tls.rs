//! TLS: the names in the handshake, pinned certificates and client certificates.

use std::{sync::Arc, time::Duration};

use ftps::{
    Alpn, Cause, ClientCertificate, ClientIdentity, Diagnosis, Fallback, Fingerprint, Stage,
    TlsVersion, TlsVersions, Who,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{RootCertStore, pki_types::CertificateDer};

use crate::scripted::{
    Claims, Identity, ONLY_TLS12, ONLY_TLS13, Scenario, Script, connection, names_sent,
    read_to_end, session, upload,
};

const HOST_AND_FTP: (Option<&str>, Option<&str>) = (Some("localhost"), Some("ftp"));

fn borrowed(named: &(Option<String>, Option<String>)) -> (Option<&str>, Option<&str>) {
    (named.0.as_deref(), named.1.as_deref())
}

#[tokio::test]
async fn server_name_and_alpn_are_sent_on_control_and_data_connections() {
    for versions in [ONLY_TLS12, ONLY_TLS13] {
        let claims = Claims { versions, protocols: &["h2", "ftp"], ..Claims::default() };
        let server = Scenario::session(async |peer| {
            assert_eq!(borrowed(&peer.names_sent()), HOST_AND_FTP);
            for _ in 0..3 {
                let mut data = peer.receive("a").await;
                assert_eq!(borrowed(&names_sent(&data)), HOST_AND_FTP);
                read_to_end(&mut data).await;
                peer.say("226 done").await;
            }
        })
        .claiming(&claims)
        .start();
        let mut client = server.open().await;
        for _ in 0..3 {
            let stored = upload(&mut client, "a", b"a").await.unwrap();
            assert!(stored.tls.resumed, "naming the protocol does not stand in the way");
        }
    }
}

#[tokio::test]
async fn ip_address_is_not_sent_as_server_name() {
    let claims = Claims { name: "127.0.0.1", ..Claims::default() };
    let server = Scenario::session(async |peer| {
        assert_eq!(peer.names_sent(), (None, None));
    })
    .claiming(&claims)
    .start();
    let connector = server.connector_by_name("127.0.0.1");
    connector.open().await.unwrap();
}

/// A server that refuses what the client offers in the handshake.
fn refuses_tls() -> Script {
    connection(async |peer| peer.fail_handshake().await)
}

#[tokio::test]
async fn server_that_refuses_alpn_gets_a_connection_without_it() {
    let claims = Claims { protocols: &["h2"], ..Claims::default() };
    let accept = session(async |peer| {
        assert_eq!(borrowed(&peer.names_sent()), (Some("localhost"), None));
        peer.store("a").await;
    });
    let server = Scenario::of([refuses_tls(), accept]).claiming(&claims).start();
    let connector = server.connector();
    let mut client = connector.open().await.unwrap();
    upload(&mut client, "a", b"a").await.unwrap();
    assert_eq!(connector.profile().alpn, Alpn::Unnamed);
    server.log.must_have("refused TLS with ALPN");
    server.log.must_have("Reconnecting before the login");
}

#[tokio::test]
async fn alpn_is_not_sent_to_a_host_known_to_refuse_it() {
    let claims = Claims { protocols: &["h2"], ..Claims::default() };
    let server = Scenario::session(async |_| ()).claiming(&claims).start();
    let profile = ftps::HostProfile { alpn: Alpn::Unnamed, ..Default::default() };
    let connector = server.connector().with_profile(ftps::SharedProfile::new(profile));
    connector.open().await.unwrap();
}

#[tokio::test]
async fn alpn_refused_on_data_connections_only_is_learned() {
    let other = Identity::new(&Claims { protocols: &["h2"], ..Claims::default() });
    let server = Scenario::session(async move |peer| {
        let port = peer.extended_passive().await;
        peer.answer("STOR /home/a", "150 go").await;
        assert!(port.try_accept_as(&other).await.is_err());
        peer.expect_end().await;
    })
    .start();
    let connector =
        server.connector_with(|config| config.timeouts.verdict = Duration::from_millis(100));
    let mut client = connector.open().await.unwrap();
    let error = upload(&mut client, "a", b"a").await.unwrap_err();
    assert_eq!(error.stage(), Stage::DataTls);
    assert_eq!(connector.learn(&error), Some(Fallback::WithoutAlpn));
    assert_eq!(connector.profile().alpn, Alpn::Unnamed);
    assert_ne!(connector.learn(&error), Some(Fallback::WithoutAlpn), "it is learned once");
}

#[tokio::test]
async fn server_below_the_oldest_version_allowed_is_refused_before_the_login() {
    let claims = Claims { versions: ONLY_TLS12, ..Claims::default() };
    let server = Scenario::of([refuses_tls()]).claiming(&claims).start();
    let error = server
        .refused_with(|config| {
            config.tls.versions = TlsVersions { min: TlsVersion::Tls13, max: TlsVersion::Tls13 }
        })
        .await;
    assert_eq!(Cause::of(&error), Cause::TlsTooOld);
    assert!(!server.log.has("USER"));
}

#[tokio::test]
async fn pinned_certificate_is_accepted_whatever_the_doubts() {
    let claims = Claims { name: "example.org", years: (2000, 2001), ..Claims::default() };
    let server = Scenario::session(async |peer| {
        peer.store("a").await;
    })
    .claiming(&claims)
    .start();
    let another = Fingerprint::new([7; 32]);
    let mut client = server
        .open_with(|config| {
            config.tls.roots = Arc::new(RootCertStore::empty());
            config.tls.pins = vec![another, Fingerprint::of(&server.identity.certificate)];
        })
        .await;
    upload(&mut client, "a", b"a").await.unwrap();
}

#[tokio::test]
async fn certificate_that_is_not_pinned_is_refused_although_roots_and_user_trust_it() {
    let server = Scenario::of([refuses_tls()]).start();
    let shown = Fingerprint::of(&server.identity.certificate);
    let error = server
        .refused_with(|config| {
            config.tls.pins = vec![Fingerprint::new([7; 32])];
            config.tls.trusted_certificate = Some(shown);
        })
        .await;
    assert_eq!(error.stage(), Stage::Certificate);
    assert_eq!(error.is_certificate(), None, "it is no question to a person");
    assert!(error.is_permanent());
    let diagnosis = Diagnosis::of(&error);
    assert_eq!(
        (diagnosis.cause, diagnosis.who),
        (Cause::CertificateNotPinned, Who::PortalOperator)
    );
    assert!(error.to_string().contains(&shown.to_string()), "what was shown is said: {error}");
    assert!(!server.log.has("USER"));
}

/// An authority for clients, and a certificate from it.
struct Clients {
    root: CertificateDer<'static>,
    identity: ClientIdentity,
}

impl Clients {
    fn new() -> Self {
        let root_key = KeyPair::generate().unwrap();
        let mut root = CertificateParams::new([]).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = root.self_signed(&root_key).unwrap().der().clone();
        let issuer = Issuer::new(root, root_key);
        let key = KeyPair::generate().unwrap();
        let client = CertificateParams::new(["portal".to_owned()]).unwrap();
        let pem = client.signed_by(&key, &issuer).unwrap().pem();
        let key = key.serialize_pem();
        let identity = ClientIdentity::from_pem(pem.as_bytes(), key.as_bytes()).unwrap();
        Self { root: certificate, identity }
    }

    /// A server that requires a certificate of this authority.
    fn demanded(&self, versions: &'static [&'static rustls::SupportedProtocolVersion]) -> Identity {
        Identity::new(&Claims { versions, clients: Some(self.root.clone()), ..Claims::default() })
    }
}

#[tokio::test]
async fn client_certificate_is_shown_to_a_server_that_asks() {
    for versions in [ONLY_TLS12, ONLY_TLS13] {
        let clients = Clients::new();
        let server = Scenario::session(async |peer| {
            peer.store("a").await;
            peer.store("a").await;
        })
        .identified_by(clients.demanded(versions))
        .start();
        let mut client = server
            .open_with(|config| config.tls.client_identity = Some(clients.identity.clone()))
            .await;
        assert!(upload(&mut client, "a", b"a").await.unwrap().tls.resumed);
        assert!(upload(&mut client, "a", b"a").await.unwrap().tls.resumed);
    }
}

/// Returns the error at a server that requires a client certificate and gets `identity`.
async fn refused_client(
    versions: &'static [&'static rustls::SupportedProtocolVersion],
    identity: Option<ClientIdentity>,
) -> ftps::Error {
    let server =
        Scenario::of([refuses_tls()]).identified_by(Clients::new().demanded(versions)).start();
    server.refused_with(|config| config.tls.client_identity = identity).await
}

#[tokio::test]
async fn missing_client_certificate_is_named_as_the_cause() {
    for versions in [ONLY_TLS12, ONLY_TLS13] {
        let error = refused_client(versions, None).await;
        assert_eq!(error.evidence().client_certificate, ClientCertificate::Missing);
        assert_eq!(error.stage(), Stage::Tls);
        assert!(error.is_permanent());
        let diagnosis = Diagnosis::of(&error);
        assert_eq!(diagnosis.cause, Cause::ClientCertificateNeeded, "{}", error.chain());
        assert_eq!(diagnosis.who, Who::PortalOperator);
    }
}

#[tokio::test]
async fn client_certificate_of_another_authority_is_named_as_the_cause() {
    for versions in [ONLY_TLS12, ONLY_TLS13] {
        let error = refused_client(versions, Some(Clients::new().identity)).await;
        assert_eq!(error.evidence().client_certificate, ClientCertificate::Shown);
        let cause = Cause::of(&error);
        assert_eq!(cause, Cause::ClientCertificateRefused, "{}", error.chain());
    }
}
