//! The portal's own certificate from a certificate authority (ACME, RFC 8555).
//!
//! One task orders the certificate, and renews it when the authority advises so
//! (RFC 9773), else after two thirds of its validity. A failed order is tried again with growing
//! pauses, and never keeps the portal from serving the certificate that it has. With a store, one
//! portal orders at a time, and all use the result.
//!
//! # Layers
//! - `http_client`: HTTPS requests to the authority.
//! - [`certificate`]: a certificate that is ready for use.
//! - `schedule`: when to renew, when to try again.
//! - [`challenges`]: the challenges that the authority may ask about now.
//! - `storage`: where account and certificate are kept.
//! - `order`: one order.
//! - this module: [`Acme`], the task.

pub mod certificate;
pub mod challenges;
mod http_client;
mod order;
mod schedule;
mod storage;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use instant_acme::CertificateIdentifier;
use rustls::RootCertStore;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use zeroize::Zeroizing;

use self::{
    certificate::Issued,
    challenges::Challenges,
    http_client::AuthorityClient,
    order::{ExternalAccount, Method, NewCertificate, OrderConfig, OrderError, Orderer},
    schedule::RetryPauses,
    storage::Storage,
};
use crate::{
    metrics::Metrics,
    outbound::authorities,
    sealed_store::SealedStore,
    settings::{
        Settings, SettingsError, SettingsErrors,
        file::{read, unusable_file},
    },
};

/// The interval at which the task looks whether something is due, and whether another portal has
/// renewed the certificate.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

/// The interval at which the log warns that a certificate ends soon.
const WARN_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// How much longer than an order, or than a step of a wait, its lease lasts.
const LEASE_RESERVE: Duration = Duration::from_secs(60);

/// The portal's certificate from an authority, and what orders and renews it.
pub struct Acme {
    config: OrderConfig,
    client: AuthorityClient,
    storage: Storage,
    challenges: Arc<Challenges>,
    /// The name of this run of the portal.
    instance: String,
    /// Whether the authority can ask by HTTP-01.
    has_http_listener: bool,
    /// The first and the longest wait after a failed order.
    retry_waits: (Duration, Duration),
    current: watch::Sender<Option<Issued>>,
}

/// Shows what is ordered, and no key.
impl std::fmt::Debug for Acme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acme").field("config", &self.config).finish_non_exhaustive()
    }
}

/// When the current certificate is renewed, and when the authority is asked again.
struct Renewal {
    /// The end of the certificate that this is about.
    of: SystemTime,
    due: SystemTime,
    ask_again: Instant,
    /// The window that the authority suggested, from which `due` was drawn.
    window: Option<(SystemTime, SystemTime)>,
}

/// The failures since the last certificate.
#[derive(Clone, Copy, Debug, Default)]
struct FailedOrders {
    orders: u32,
    /// Those of the orders in which the authority did not accept the proof.
    proofs: u32,
}

impl FailedOrders {
    fn add(&mut self, error: &OrderError) {
        self.orders = self.orders.saturating_add(1);
        self.proofs = self.proofs.saturating_add(u32::from(error.is_about_the_proof()));
    }
}

impl Acme {
    /// Reads what is kept and the files that the settings name; `None` where they name no domain.
    /// `instance` is the name of this run of the portal.
    ///
    /// # Errors
    /// When a file or the directory cannot be used. A certificate that cannot be read is ordered again.
    pub async fn load(
        settings: &Settings,
        store: Option<&SealedStore>,
        instance: &str,
    ) -> Result<Option<Arc<Self>>, SettingsError> {
        if settings.acme_domains.is_empty() {
            return Ok(None);
        }
        let storage = storage(settings, store)?;
        let client = AuthorityClient::new(roots(settings)?, settings.acme_timeout);
        let client = client.map_err(|error| SettingsError::Internal(error.to_string()))?;
        let domains = settings.acme_domains.iter().map(|domain| domain.as_str().to_owned());
        let config = OrderConfig {
            directory: settings.acme_directory.as_str().to_owned(),
            domains: domains.collect(),
            email: settings.acme_email.as_ref().map(|email| email.as_str().to_owned()),
            external_account: external_account(settings)?,
            limit: settings.acme_order_timeout,
        };
        let acme = Self {
            config,
            client,
            storage,
            challenges: Arc::new(Challenges::new(store.map(|store| store.store().clone()))),
            instance: instance.to_owned(),
            has_http_listener: settings.http_listen.is_some(),
            retry_waits: (settings.acme_retry_wait, settings.max_acme_retry_wait),
            current: watch::Sender::new(None),
        };
        acme.read_kept().await;
        Ok(Some(Arc::new(acme)))
    }

    /// Checks the files that the settings name, without creating any.
    ///
    /// # Errors
    /// All that cannot be used.
    pub fn check(settings: &Settings) -> Result<(), SettingsErrors> {
        let mut errors = SettingsErrors::default();
        if settings.acme_domains.is_empty() {
            return Ok(());
        }
        errors.collect(roots(settings));
        errors.collect(external_account(settings));
        // The start creates a directory that is missing.
        if settings.acme_dir.as_ref().is_some_and(|folder| folder.exists()) {
            errors.collect(storage(settings, None));
        }
        errors.into_result()
    }

    /// Returns the certificate that is in use; `None` until there is one.
    #[must_use]
    pub fn current(&self) -> watch::Receiver<Option<Issued>> {
        self.current.subscribe()
    }

    /// Returns the challenges that the authority may ask about now.
    #[must_use]
    pub fn challenges(&self) -> &Arc<Challenges> {
        &self.challenges
    }

    /// Orders and renews the certificate; never completes.
    pub async fn run(&self, metrics: &Metrics) {
        let mut pauses = RetryPauses::new(self.retry_waits.0, self.retry_waits.1);
        let mut failures = FailedOrders::default();
        let mut renewal = None;
        let mut warned: Option<Instant> = None;
        loop {
            self.read_kept().await;
            let current = self.current.borrow().clone();
            if let Some(issued) = &current {
                metrics.set_certificate_expiry(issued.validity.end);
                warn_before_the_end(issued, &mut warned);
            }
            let now = SystemTime::now();
            let due = match &current {
                Some(issued) => self.due(issued, &mut renewal).await,
                None => now,
            };
            if let Ok(left) = due.duration_since(now)
                && !left.is_zero()
            {
                sleep(left.min(LOOK_INTERVAL)).await;
                continue;
            }
            if !self.takes_lease(self.config.limit).await {
                tracing::debug!("another portal orders the certificate");
                sleep(self.retry_waits.0.min(LOOK_INTERVAL)).await;
                continue;
            }
            // Another portal may have renewed it before this one got the lease.
            if self.read_kept().await {
                self.gives_back_lease().await;
                continue;
            }
            match self.order(current.as_ref(), renewal.as_ref(), failures).await {
                Ok(()) => {
                    pauses.succeeded();
                    failures = FailedOrders::default();
                    self.gives_back_lease().await;
                    // Where the clock is wrong, the new certificate may be due at once.
                    sleep(self.retry_waits.0).await;
                }
                Err(error) => {
                    let wait = pauses.failed();
                    failures.add(&error);
                    let wait_seconds = wait.as_secs();
                    tracing::warn!(%error, wait_seconds, "no certificate was issued");
                    self.waits_with_lease(wait).await;
                }
            }
        }
    }

    /// Orders a certificate and uses it. After a proof that was not accepted the other way is tried. After
    /// any failure the order says no longer what it replaces: an authority may refuse that.
    async fn order(
        &self,
        current: Option<&Issued>,
        renewal: Option<&Renewal>,
        failures: FailedOrders,
    ) -> Result<(), OrderError> {
        let method = match self.has_http_listener && !failures.proofs.is_multiple_of(2) {
            true => Method::Http,
            false => Method::TlsAlpn,
        };
        let is_advised = renewal.is_some_and(|renewal| renewal.window.is_some());
        let leaf = current.and_then(Issued::leaf).filter(|_| is_advised && failures.orders == 0);
        let replaces = leaf.and_then(|leaf| CertificateIdentifier::try_from(leaf).ok());
        tracing::info!(domains = ?self.config.domains, ?method, "a certificate is ordered");
        let NewCertificate { chain, key } = self.orderer().order(method, replaces).await?;
        let issued = Issued::parse(&chain, key.as_bytes()).map_err(OrderError::Certificate)?;
        self.current.send_replace(Some(issued));
        tracing::info!("a new certificate is in use");
        // Another order would not help, and the authority counts them.
        if let Err(error) = self.storage.put_certificate(&self.name(), &chain, &key).await {
            tracing::warn!(%error, "the certificate is in use, but lost when the portal ends");
        }
        Ok(())
    }

    /// Returns when the certificate is renewed. The authority is asked when it wants to be asked.
    async fn due(&self, issued: &Issued, renewal: &mut Option<Renewal>) -> SystemTime {
        let end = issued.validity.end;
        if let Some(known) = renewal.as_ref().filter(|known| known.of == end)
            && Instant::now() < known.ask_again
        {
            return known.due;
        }
        let advice = self.advice(issued).await;
        let (window, ask_again) = match advice {
            Some((window, after)) => (Some(window), after),
            None => (None, self.retry_waits.1),
        };
        let known = renewal.take().filter(|known| known.of == end && known.window == window);
        let due = match (known, window) {
            (Some(known), _) => known.due,
            (None, Some((start, end))) => schedule::within(start, end, random()),
            (None, None) => schedule::after_two_thirds(issued.validity),
        };
        *renewal = Some(Renewal { of: end, due, ask_again: Instant::now() + ask_again, window });
        due
    }

    /// Asks the authority when to renew (RFC 9773). Returns the window, and when to ask again; `None`
    /// where it gives no advice.
    async fn advice(&self, issued: &Issued) -> Option<((SystemTime, SystemTime), Duration)> {
        let id = CertificateIdentifier::try_from(issued.leaf()?).ok()?;
        let account = self.orderer().account().await;
        let account = account
            .inspect_err(
                |error| tracing::debug!(%error, "the authority cannot be asked for advice"),
            )
            .ok()?;
        match account.renewal_info(&id).await {
            Ok((info, after)) => {
                let window = info.suggested_window;
                Some(((window.start.into(), window.end.into()), schedule::advice_interval(after)))
            }
            Err(error) => {
                tracing::debug!(%error, "the authority gives no advice on the renewal");
                None
            }
        }
    }

    /// Uses the certificate that is kept if it is newer; returns whether it was.
    async fn read_kept(&self) -> bool {
        let kept = match self.storage.certificate(&self.name()).await {
            Ok(Some(kept)) => kept,
            Ok(None) => return false,
            Err(error) => {
                tracing::warn!(%error, "the certificate that is kept cannot be read");
                return false;
            }
        };
        self.current.send_if_modified(|current| {
            let is_newer = current.as_ref().is_none_or(|old| old.validity.end < kept.validity.end);
            if is_newer {
                *current = Some(kept);
            }
            is_newer
        })
    }

    /// Returns the name under which the certificate is kept: another authority or other domains are
    /// another certificate.
    fn name(&self) -> String {
        format!("{} {}", self.config.directory, self.config.domains.join(","))
    }

    fn orderer(&self) -> Orderer<'_> {
        let Self { config, client, storage, challenges, .. } = self;
        Orderer { config, client, storage, challenges }
    }

    /// Lets another portal, or the next run of this one, order at once.
    pub async fn stop(&self) {
        self.gives_back_lease().await;
    }

    /// Returns the lease of the portal that orders this certificate.
    fn lease(&self) -> String {
        format!("acme {}", self.name())
    }

    /// Takes or extends the lease of the portal that orders. A directory has no other portal.
    async fn takes_lease(&self, time: Duration) -> bool {
        let Storage::Store(store) = &self.storage else { return true };
        let time = time + LEASE_RESERVE;
        match store.store().take_lease(&self.lease(), &self.instance, time).await {
            Ok(is_taken) => is_taken,
            Err(error) => {
                tracing::warn!(%error, "no certificate is ordered without the store");
                false
            }
        }
    }

    /// Waits after a failed order, and keeps the lease meanwhile: the other portals would fail too, and the
    /// authority counts failures. The lease is extended in short steps, so that it ends soon if this
    /// portal is killed.
    async fn waits_with_lease(&self, time: Duration) {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now())
            && !left.is_zero()
        {
            let step = left.min(LOOK_INTERVAL);
            self.takes_lease(step).await;
            sleep(step).await;
        }
    }

    async fn gives_back_lease(&self) {
        let Storage::Store(store) = &self.storage else { return };
        if let Err(error) = store.store().give_back_lease(&self.lease(), &self.instance).await {
            tracing::debug!(%error, "the lease ends by itself");
        }
    }
}

/// Logs once a day that a certificate ends soon.
fn warn_before_the_end(issued: &Issued, warned: &mut Option<Instant>) {
    let is_due = warned.is_none_or(|at| at.elapsed() >= WARN_INTERVAL);
    if is_due && schedule::is_urgent(issued.validity, SystemTime::now()) {
        let left = issued.validity.end.duration_since(SystemTime::now()).unwrap_or_default();
        tracing::warn!(
            left_seconds = left.as_secs(),
            "the certificate ends soon and is not renewed"
        );
        *warned = Some(Instant::now());
    }
}

fn storage(settings: &Settings, store: Option<&SealedStore>) -> Result<Storage, SettingsError> {
    match (store, &settings.acme_dir) {
        (Some(store), _) => Ok(Storage::Store(store.clone())),
        (None, Some(path)) => Storage::directory(path).map_err(|error| {
            unusable_file("acme_dir", path, format!("it cannot be used: {error}"))
        }),
        (None, None) => Err(SettingsError::Contradiction(
            "`acme_domains` needs `acme_dir` or `store`, to keep the certificate".to_owned(),
        )),
    }
}

fn roots(settings: &Settings) -> Result<RootCertStore, SettingsError> {
    authorities(&settings.acme_ca_file)
        .map_err(|(path, reason)| unusable_file("acme_ca_file", &path, reason))
}

fn external_account(settings: &Settings) -> Result<Option<ExternalAccount>, SettingsError> {
    let (Some(key_id), Some(path)) = (&settings.acme_eab_key_id, &settings.acme_eab_hmac_key_file)
    else {
        return Ok(None);
    };
    let unusable = |reason| unusable_file("acme_eab_hmac_key_file", path, reason);
    let text = read(path).map_err(unusable)?;
    let text = text.trim_ascii();
    let hmac_key =
        URL_SAFE_NO_PAD.decode(text.strip_suffix(b"=").unwrap_or(text)).map(Zeroizing::new);
    let hmac_key =
        hmac_key.map_err(|_| unusable("it holds no key in base64url (RFC 4648 §5)".to_owned()))?;
    Ok(Some(ExternalAccount { key_id: key_id.as_str().to_owned(), hmac_key }))
}

/// Returns a random number from 0 to 1; one half where the system has none.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}
