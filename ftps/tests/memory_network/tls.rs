//! The TLS of the servers.

use std::sync::{Arc, OnceLock};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::ServerSessionMemoryCache,
};
use tokio_rustls::TlsAcceptor;

/// The TLS sessions that a server remembers.
const SESSIONS: usize = 256;

/// The certificate of every server, made once, and its TLS.
///
/// Serial number, key and signature have the same length in every run: breaks count bytes.
fn identity() -> &'static (CertificateDer<'static>, ServerConfig) {
    static IDENTITY: OnceLock<(CertificateDer<'static>, ServerConfig)> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.serial_number = Some(1_u64.into());
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        (certificate, config)
    })
}

/// The certificate of every server.
pub(crate) fn certificate() -> CertificateDer<'static> {
    identity().0.clone()
}

/// TLS whose sessions no other server knows: which handshakes are short depends on this server alone.
pub(crate) fn acceptor() -> TlsAcceptor {
    let mut config = identity().1.clone();
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    TlsAcceptor::from(Arc::new(config))
}
