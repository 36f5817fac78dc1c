//! The challenges that a certificate authority may ask about now.
//!
//! A portal answers for its own orders. With a store, each portal answers for all of them, because
//! the authority may reach any.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs as provider,
    pki_types::PrivateKeyDer,
    server::ClientHello,
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use store::{Challenge, Store, StoreError};
use tokio::time::Instant;

use crate::locking::lock;

/// The protocol by which an authority asks about TLS-ALPN-01 (RFC 8737 §6.2).
const ALPN: &[u8] = b"acme-tls/1";

/// The longest time in which an authority asks.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The interval at which challenges of other portals are read, so that strangers who ask cannot keep the
/// store busy.
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// The challenges of this portal, and with a store those of all.
#[derive(Debug)]
pub struct Challenges {
    own: Mutex<Vec<Challenge>>,
    shared: Option<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    last: tokio::sync::Mutex<Option<(Instant, Vec<Challenge>)>>,
}

impl Challenges {
    pub(super) fn new(store: Option<Store>) -> Self {
        let shared = store.map(|store| Shared { store, last: tokio::sync::Mutex::default() });
        Self { own: Mutex::default(), shared }
    }

    /// Adds a challenge, and waits until all portals know it.
    pub(super) async fn add(&self, challenge: Challenge) -> Result<(), StoreError> {
        lock(&self.own).push(challenge.clone());
        if let Some(Shared { store, .. }) = &self.shared {
            store.put_challenge(&challenge, LIFETIME).await?;
            tokio::time::sleep(READ_INTERVAL).await;
        }
        Ok(())
    }

    /// Removes the challenges of this portal: the order has ended.
    pub(super) async fn clear(&self) {
        let ended = std::mem::take(&mut *lock(&self.own));
        let Some(Shared { store, .. }) = &self.shared else { return };
        for challenge in ended {
            // One that stays is over after its lifetime.
            if let Err(error) = store.remove_challenge(&challenge.token).await {
                tracing::debug!(%error, "a challenge stays in the store for a while");
            }
        }
    }

    /// Returns the answer to HTTP-01 for a token (RFC 8555 §8.3).
    pub async fn key_authorization(&self, token: &str) -> Option<String> {
        let found = self.find(|challenge| challenge.token == token).await;
        found.map(|challenge| challenge.key_authorization)
    }

    /// Returns the TLS configuration that answers TLS-ALPN-01 for a domain; `None` where no order asks
    /// for it.
    pub async fn tls_config(&self, domain: &str) -> Option<Arc<ServerConfig>> {
        let challenge =
            self.find(|challenge| challenge.domain.eq_ignore_ascii_case(domain)).await?;
        match tls_config(&challenge) {
            Ok(config) => Some(Arc::new(config)),
            Err(error) => {
                tracing::warn!(%error, domain, "the challenge of an authority cannot be answered");
                None
            }
        }
    }

    async fn find(&self, is_it: impl Fn(&Challenge) -> bool) -> Option<Challenge> {
        let own = lock(&self.own).iter().find(|challenge| is_it(challenge)).cloned();
        match (own, &self.shared) {
            (Some(challenge), _) => Some(challenge),
            (None, Some(shared)) => shared.all().await.into_iter().find(is_it),
            (None, None) => None,
        }
    }
}

impl Shared {
    async fn all(&self) -> Vec<Challenge> {
        let mut last = self.last.lock().await;
        if let Some((at, challenges)) = &*last
            && at.elapsed() < READ_INTERVAL
        {
            return challenges.clone();
        }
        // Its age is that of the question: a challenge that comes while the store answers is not in it.
        let asked = Instant::now();
        let read = self.store.challenges().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the challenges of other portals cannot be read");
            Vec::new()
        });
        *last = Some((asked, read.clone()));
        read
    }
}

/// Returns whether a TLS client is an authority that asks about TLS-ALPN-01, and about which domain.
#[must_use]
pub fn asked_domain(hello: &ClientHello<'_>) -> Option<String> {
    let mut protocols = hello.alpn()?;
    let is_asking = protocols.any(|protocol| protocol == ALPN);
    is_asking.then(|| hello.server_name().unwrap_or_default().to_owned())
}

/// Returns the TLS configuration with the certificate that answers (RFC 8737 §3).
fn tls_config(challenge: &Challenge) -> anyhow::Result<ServerConfig> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new([challenge.domain.clone()])?;
    let digest = digest(&SHA256, challenge.key_authorization.as_bytes());
    parameters.custom_extensions = vec![CustomExtension::new_acme_identifier(digest.as_ref())];
    let certificate = parameters.self_signed(&key)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let key = provider::sign::any_supported_type(&key)?;
    // Not `with_single_cert`, which refuses a certificate with a critical extension that it does not know.
    let certified = CertifiedKey::new(vec![certificate.der().clone()], key);
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}
