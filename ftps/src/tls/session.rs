//! The TLS session of one FTP session: one configuration and one store for the control connection
//! and all its data connections.
//!
//! Servers demand that a data connection resumes the session of *its* control connection
//! (RFC 4217 §10.2), so nothing here is ever shared between two FTP sessions. rustls hands each
//! TLS 1.3 ticket out once (RFC 8446 §C.4): new ones come over the data connections, if they are
//! read, and with some servers over the control connection.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use rustls::{
    ClientConfig, NamedGroup, SupportedProtocolVersion,
    client::{
        ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
        Tls13ClientSessionValue,
    },
    crypto::CryptoProvider,
    pki_types::ServerName,
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsConnector;

use super::{
    Alpn, TlsConfig, TlsVersion, TlsVersions,
    identity::{ClientCertResolver, ClientCertificate},
    verifier::{OnRefusal, RefusedCertificate, Verifier},
};
use crate::certificate::Fingerprint;

/// Servers whose sessions the store keeps: there is one.
const STORED_SERVERS: usize = 1;

/// FTP's name in IANA's registry for ALPN (RFC 7301 §6). A server for another protocol can refuse
/// it.
const PROTOCOL_NAME: &[u8] = b"ftp";

static BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
static ONLY_12: [&SupportedProtocolVersion; 1] = [&TLS12];
static ONLY_13: [&SupportedProtocolVersion; 1] = [&TLS13];

/// The state that the handshakes of one FTP session share.
#[derive(Debug)]
pub(crate) struct TlsSession {
    config: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    client_cert: Arc<ClientCertResolver>,
    store: Arc<CountingStore>,
    name: ServerName<'static>,
}

/// The options of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) versions: TlsVersions,
    pub(crate) alpn: Alpn,
    pub(crate) on_refusal: OnRefusal,
}

impl TlsSession {
    /// Creates a session without tickets.
    ///
    /// A host name is sent to the server (SNI, RFC 6066 §3), an address is not; rustls does both by
    /// itself.
    pub(crate) fn new(
        config: &TlsConfig,
        offer: Offer,
        name: ServerName<'static>,
    ) -> Result<Self, rustls::Error> {
        let provider = Arc::new(with_p256_first(&config.provider));
        let verifier = Arc::new(Verifier::new(config, Arc::clone(&provider), offer.on_refusal)?);
        let client_cert = Arc::new(ClientCertResolver::new(config.client_identity.clone()));
        let store = Arc::new(CountingStore::new());
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(protocol_versions(offer.versions))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
            .with_client_cert_resolver(Arc::clone(&client_cert) as _);
        client.resumption = Resumption::store(Arc::clone(&store) as _);
        client.alpn_protocols = protocol_names(offer.alpn);
        Ok(Self { config: Arc::new(client), verifier, client_cert, store, name })
    }

    /// Starts a handshake. All connections of the session use the same server name, by which the
    /// store finds tickets.
    pub(crate) fn handshake<S>(&self, stream: S, buffer_bytes: usize) -> tokio_rustls::Connect<S>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        connector.connect_with(self.name.clone(), stream, |connection| {
            connection.set_buffer_limit(Some(buffer_bytes));
        })
    }

    /// Requires a full handshake to show this certificate from here on.
    pub(crate) fn require_certificate(&self, certificate: Fingerprint) {
        self.verifier.require_certificate(certificate);
    }

    /// The certificate that the last failed handshake was refused for.
    pub(crate) fn take_refused(&self) -> Option<RefusedCertificate> {
        self.verifier.take_refused()
    }

    /// Whether the server asked for the client certificate, and got it.
    pub(crate) fn client_certificate(&self) -> ClientCertificate {
        self.client_cert.outcome()
    }

    /// TLS 1.3 tickets received so far.
    pub(crate) fn tickets(&self) -> u32 {
        self.store.tickets.load(Ordering::Relaxed)
    }

    /// Whether the server has offered to resume the session: by a ticket or, with TLS 1.2, by a name.
    pub(crate) fn is_resumable(&self) -> bool {
        self.tickets() > 0 || self.store.inner.tls12_session(&self.name).is_some()
    }
}

/// The provider with P-256 as the first group, which every TLS 1.3 server must support (RFC 8446
/// §9.1): vsftpd and Pure-FTPd do not support X25519, and a wrong first guess costs a round trip.
fn with_p256_first(provider: &CryptoProvider) -> CryptoProvider {
    let mut provider = provider.clone();
    provider.kx_groups.sort_by_key(|group| group.name() != NamedGroup::secp256r1);
    provider
}

fn protocol_versions(versions: TlsVersions) -> &'static [&'static SupportedProtocolVersion] {
    match (versions.allows(TlsVersion::Tls12), versions.allows(TlsVersion::Tls13)) {
        (true, true) => &BOTH,
        (true, false) => &ONLY_12,
        (false, _) => &ONLY_13,
    }
}

fn protocol_names(alpn: Alpn) -> Vec<Vec<u8>> {
    match alpn {
        Alpn::Named => vec![PROTOCOL_NAME.to_vec()],
        Alpn::Unnamed => Vec::new(),
    }
}

/// rustls' own store, which also counts the tickets.
#[derive(Debug)]
struct CountingStore {
    inner: ClientSessionMemoryCache,
    tickets: AtomicU32,
}

impl CountingStore {
    fn new() -> Self {
        Self { inner: ClientSessionMemoryCache::new(STORED_SERVERS), tickets: AtomicU32::new(0) }
    }
}

impl ClientSessionStore for CountingStore {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.inner.set_kx_hint(name, group);
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.inner.kx_hint(name)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.inner.set_tls12_session(name, value);
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.inner.tls12_session(name)
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.inner.remove_tls12_session(name);
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.tickets.fetch_add(1, Ordering::Relaxed);
        self.inner.insert_tls13_ticket(name, value);
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.inner.take_tls13_ticket(name)
    }
}
