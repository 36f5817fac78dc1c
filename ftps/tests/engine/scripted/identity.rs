//! The certificate and the TLS of a server.

use std::sync::Arc;

use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use tokio_rustls::TlsAcceptor;

/// The versions of a server that speaks TLS 1.2 only.
pub(crate) static ONLY_TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// The versions of a server that speaks TLS 1.3 only.
pub(crate) static ONLY_TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// A certificate, and how a server with it performs TLS.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(super) acceptor: TlsAcceptor,
    /// For data connections.
    pub(super) data_acceptor: TlsAcceptor,
}

/// What the certificate says and what the server does in TLS. The default is valid for
/// `localhost`.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(crate) name: &'static str,
    pub(crate) years: (i32, i32),
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
    /// The protocols that it accepts by ALPN; an empty list accepts any.
    pub(crate) protocols: &'static [&'static str],
    /// The authority of client certificates; `None` asks for no certificate.
    pub(crate) clients: Option<CertificateDer<'static>>,
    /// How many TLS 1.3 tickets a control connection and a data connection send.
    pub(crate) tickets: (usize, usize),
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            name: "localhost",
            years: (2000, 2100),
            versions: rustls::ALL_VERSIONS,
            protocols: &[],
            clients: None,
            tickets: (2, 2),
        }
    }
}

impl Identity {
    pub(crate) fn new(claims: &Claims) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new([claims.name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(claims.years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(claims.years.1, 1, 1);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(claims.versions)
            .unwrap();
        let builder = match &claims.clients {
            None => builder.with_no_client_auth(),
            Some(root) => builder.with_client_cert_verifier(expect_clients_of(root)),
        };
        let mut config = builder.with_single_cert(vec![certificate.clone()], key).unwrap();
        config.alpn_protocols =
            claims.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        // Both share one cache of sessions.
        let mut data_config = config.clone();
        (config.send_tls13_tickets, data_config.send_tls13_tickets) = claims.tickets;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let data_acceptor = TlsAcceptor::from(Arc::new(data_config));
        Self { certificate, acceptor, data_acceptor }
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self::new(&Claims::default())
    }
}

fn expect_clients_of(
    root: &CertificateDer<'static>,
) -> Arc<dyn rustls::server::danger::ClientCertVerifier> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap()
}
