//! The state that all sessions share.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, Weak},
    time::SystemTime,
};

use ftps::SharedProfile;
use lru::LruCache;
use protocol::Encryption;

use crate::{
    audit::Audit,
    client::TrustedProxies,
    drops::Drops,
    host::Host,
    limits::Limits,
    locking::lock,
    log_throttle::LogThrottle,
    lookup::LookupSlots,
    metrics::Metrics,
    outbound::Outbound,
    path_claims::PathClaims,
    policy::Policy,
    readiness::Readiness,
    relay::Budget,
    settings::{Origin, Scheme, Settings},
};

/// The settings, and the state that is derived from them.
///
/// Nothing of it is on disk, and nothing of it outlives the process.
#[derive(Debug)]
pub struct Portal {
    /// The operator's settings.
    pub settings: Settings,
    /// The rules about where the portal may connect to.
    pub policy: Policy,
    /// The memory that all uploads share.
    pub budget: Budget,
    /// The memory that the messages and logs of all sessions share.
    pub outbox_budget: Budget,
    /// The profiles of FTPS servers.
    pub profiles: Arc<Profiles>,
    /// The paths that uploads write to now.
    pub path_claims: Arc<PathClaims>,
    /// How the portal connects to FTPS servers.
    pub outbound: Outbound,
    /// The origins that a page of this portal can have.
    pub origins: Vec<Origin>,
    /// The reverse proxies that may say who a client is.
    pub proxies: TrustedProxies,
    /// The limits on clients, and on what they may do to FTPS servers.
    pub limits: Arc<Limits>,
    /// Divides the lookups of host names among the clients.
    pub lookup_slots: Arc<LookupSlots>,
    /// Bounds the log lines that strangers can cause.
    pub log_throttles: Arc<LogThrottles>,
    /// The figures for Prometheus.
    pub metrics: Arc<Metrics>,
    /// Whether new sessions are taken.
    pub readiness: Arc<Readiness>,
    /// What happens, for the operator's records.
    pub audit: Audit,
    /// The drops, where the portal has a store.
    pub drops: Option<Arc<Drops>>,
    /// The port of the page.
    port: u16,
    newest: Arc<Newest>,
}

/// The state with the settings that were read last.
#[derive(Debug, Default)]
struct Newest(Mutex<Weak<Portal>>);

/// A condition for new sessions, as `/readyz` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The portal accepts connections.
    Listening,
    /// The store answers, or there is none.
    Store,
    /// The keyring has all keys that the store needs, or there is no store.
    Keyring,
    /// The audit can be written, or is off.
    Audit,
    /// The certificate of the page is there and has not ended, or the portal has none of its own.
    Certificate,
    /// The portal is not being stopped.
    NotDraining,
}

impl Check {
    /// All conditions.
    pub const ALL: [Self; 6] = [
        Self::Listening,
        Self::Store,
        Self::Keyring,
        Self::Audit,
        Self::Certificate,
        Self::NotDraining,
    ];

    /// Returns the name in the answer of `/readyz`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::Store => "store",
            Self::Keyring => "keyring",
            Self::Audit => "audit",
            Self::Certificate => "certificate",
            Self::NotDraining => "not_draining",
        }
    }
}

/// The kinds of log lines that strangers can cause.
#[derive(Debug, Default)]
pub struct LogThrottles {
    /// A request of a page of another origin.
    pub other_origin: LogThrottle,
    /// A header that names a client, from an address that is not trusted.
    pub ignored_header: LogThrottle,
    /// A trusted proxy that does not name its client.
    pub unnamed_client: LogThrottle,
    /// A trusted proxy whose connection does not begin with a header of the PROXY protocol.
    pub no_proxy_header: LogThrottle,
    /// A socket that is refused.
    pub refused_socket: LogThrottle,
}

impl Portal {
    /// Creates the state of a portal whose page is served at `port`.
    #[must_use]
    pub fn new(settings: Settings, port: u16, outbound: Outbound, audit: Audit) -> Arc<Self> {
        Self::with_drops(settings, port, outbound, audit, None)
    }

    /// Creates the state of a portal that may have drops.
    #[must_use]
    pub fn with_drops(
        settings: Settings,
        port: u16,
        outbound: Outbound,
        audit: Audit,
        drops: Option<Arc<Drops>>,
    ) -> Arc<Self> {
        let policy = Policy::new(&settings);
        let outbound = outbound.sharing(policy.lookups());
        let portal = Arc::new(Self {
            policy,
            budget: Budget::new(settings.window_budget.0),
            outbox_budget: Budget::new(settings.outbox_budget.0),
            profiles: Arc::new(Profiles::new(settings.max_known_servers)),
            path_claims: Arc::default(),
            outbound,
            origins: settings.page_origins(port),
            proxies: TrustedProxies::new(&settings),
            limits: Limits::new(&settings),
            lookup_slots: Arc::default(),
            log_throttles: Arc::default(),
            metrics: Arc::default(),
            readiness: Arc::default(),
            audit,
            drops,
            settings,
            port,
            newest: Arc::default(),
        });
        portal.become_newest();
        portal
    }

    /// Creates the state with other settings. Memory, limits, figures and the audit are the same.
    #[must_use]
    pub fn with(&self, settings: Settings, outbound: Outbound) -> Arc<Self> {
        self.limits.set(&settings);
        let policy = self.policy.with(&settings);
        let outbound = outbound.sharing(policy.lookups());
        if let Some(drops) = &self.drops {
            drops.set(&settings);
        }
        let portal = Arc::new(Self {
            policy,
            budget: self.budget.clone(),
            outbox_budget: self.outbox_budget.clone(),
            profiles: Arc::clone(&self.profiles),
            path_claims: Arc::clone(&self.path_claims),
            outbound,
            origins: settings.page_origins(self.port),
            proxies: TrustedProxies::new(&settings),
            limits: Arc::clone(&self.limits),
            lookup_slots: Arc::clone(&self.lookup_slots),
            log_throttles: Arc::clone(&self.log_throttles),
            metrics: Arc::clone(&self.metrics),
            readiness: Arc::clone(&self.readiness),
            audit: self.audit.clone(),
            drops: self.drops.clone(),
            settings,
            port: self.port,
            newest: Arc::clone(&self.newest),
        });
        portal.become_newest();
        portal
    }

    fn become_newest(self: &Arc<Self>) {
        *lock(&self.newest.0) = Arc::downgrade(self);
    }

    /// Returns the state with the settings that were read last, for what begins now.
    #[must_use]
    pub fn newest(self: &Arc<Self>) -> Arc<Self> {
        lock(&self.newest.0).upgrade().unwrap_or_else(|| Arc::clone(self))
    }

    /// Returns whether the page has a certificate that has not ended, or needs none of the portal.
    #[must_use]
    pub fn has_valid_certificate(&self) -> bool {
        match self.settings.scheme() {
            Scheme::Http => true,
            Scheme::Https => {
                self.metrics.certificate_expiry().is_some_and(|end| SystemTime::now() < end)
            }
        }
    }
}

/// The profiles of FTPS servers that were used since the start. The least recently used one is dropped
/// first.
#[derive(Debug)]
pub struct Profiles {
    known: Mutex<LruCache<(Host, u16, Encryption, String), SharedProfile>>,
    /// The encryption of servers that proved to expect another than the first one at their port.
    encryptions: Mutex<LruCache<(Host, u16), Encryption>>,
}

impl Profiles {
    /// Creates an empty cache for `max` servers, at least one.
    #[must_use]
    pub fn new(max: u32) -> Self {
        let max = NonZeroUsize::new(max as usize).unwrap_or(NonZeroUsize::MIN);
        Self { known: Mutex::new(LruCache::new(max)), encryptions: Mutex::new(LruCache::new(max)) }
    }

    /// Returns the encryption to try first where the user leaves it to the portal.
    #[must_use]
    pub fn first_encryption(&self, host: &Host, port: u16) -> Encryption {
        let learned = lock(&self.encryptions).get(&(host.clone(), port)).copied();
        learned.unwrap_or_else(|| Encryption::first_at(port))
    }

    /// Remembers which encryption a server proved to expect.
    pub fn learn_encryption(&self, host: &Host, port: u16, encryption: Encryption) {
        lock(&self.encryptions).put((host.clone(), port), encryption);
    }

    /// Returns the profile of a server, or a new one. The lengths of host and username are bounded,
    /// and so is the cache. Each user has a profile of their own: servers permit different things
    /// to different users, and no user can spoil the profile of another.
    #[must_use]
    pub fn of(
        &self,
        host: &Host,
        port: u16,
        encryption: Encryption,
        username: &str,
    ) -> SharedProfile {
        let key = (host.clone(), port, encryption, username.to_owned());
        lock(&self.known).get_or_insert(key, SharedProfile::default).clone()
    }
}

#[cfg(test)]
mod tests {
    use ftps::profile::Pipelining;

    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn learned_profile_is_there_for_the_next_session() {
        let profiles = Profiles::new(2);
        let explicit = Encryption::Explicit;
        let first = profiles.of(&host("ftp.example.org"), 21, explicit, "ada");
        first.update(|profile| profile.pipelining = Pipelining::Off);
        let again = profiles.of(&host("FTP.example.org"), 21, explicit, "ada");
        assert_eq!(again.get().pipelining, Pipelining::Off);
        let other = profiles.of(&host("ftp.example.org"), 21, explicit, "eve");
        assert_eq!(other.get().pipelining, Pipelining::On);
    }

    #[test]
    fn encryption_that_a_server_proved_is_tried_first_at_this_server_only() {
        let profiles = Profiles::new(2);
        let name = host("ftp.example.org");
        profiles.learn_encryption(&name, 2121, Encryption::Implicit);
        assert_eq!(profiles.first_encryption(&name, 2121), Encryption::Implicit);
        assert_eq!(profiles.first_encryption(&name, 2122), Encryption::Explicit);
        assert_eq!(profiles.first_encryption(&host("ftp.example.com"), 2121), Encryption::Explicit);
        assert_eq!(profiles.first_encryption(&name, 990), Encryption::Implicit);
    }
}
