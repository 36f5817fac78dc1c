//! What all sessions share.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use ftps::SharedProfile;
use lru::LruCache;
use protocol::Encryption;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    host::Host,
    outbound::Outbound,
    policy::Policy,
    relay::Budget,
    session::registry::Sessions,
    settings::{Origin, Settings},
};

/// The portal's state: settings, rules, the budget of all windows, the sessions.
///
/// Nothing of it is on disk, and nothing of it outlives the process.
#[derive(Debug)]
pub struct Portal {
    /// The operator's settings.
    pub settings: Settings,
    /// Where the portal may connect to.
    pub policy: Policy,
    /// The memory that all uploads share.
    pub budget: Budget,
    /// What was learned about the FTPS servers.
    pub profiles: Profiles,
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// How the portal connects to FTPS servers.
    pub outbound: Outbound,
    /// The origins that a page of this portal can have.
    pub origins: Vec<Origin>,
    /// Cancelled when the portal ends.
    pub shutdown: CancellationToken,
    /// The sessions' tasks, for the portal's end to wait for.
    pub tasks: TaskTracker,
}

impl Portal {
    /// A portal with these settings whose page is served at `port`.
    #[must_use]
    pub fn new(settings: Settings, port: u16, outbound: Outbound) -> Arc<Self> {
        Arc::new(Self {
            policy: Policy::new(settings.allow_network.clone(), settings.resolve_timeout),
            budget: Budget::new(settings.window_budget.0),
            sessions: Sessions::new(settings.max_sessions as usize, settings.session_start_timeout),
            profiles: Profiles::new(settings.max_known_servers),
            outbound,
            origins: settings.page_origins(port),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            settings,
        })
    }
}

/// What was learned about FTPS servers, for as long as the portal runs; the server that was not
/// used for the longest time is forgotten first.
#[derive(Debug)]
pub struct Profiles {
    known: Mutex<LruCache<(Host, u16, Encryption, String), SharedProfile>>,
}

impl Profiles {
    /// Of so many servers, at least one.
    #[must_use]
    pub fn new(max: u32) -> Self {
        let max = NonZeroUsize::new(max as usize).unwrap_or(NonZeroUsize::MIN);
        Self { known: Mutex::new(LruCache::new(max)) }
    }

    /// The profile of a server, a new one where nothing is known. Host and username have a greatest
    /// length: that of all that is remembered follows from it. Each user has one: what is
    /// permitted to one is not to another, and nobody spoils it for others.
    #[must_use]
    pub fn of(
        &self,
        host: &Host,
        port: u16,
        encryption: Encryption,
        username: &str,
    ) -> SharedProfile {
        // The cache is whole after a panic too.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.clone(), port, encryption, username.to_owned());
        known.get_or_insert(key, SharedProfile::default).clone()
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
    fn what_was_learned_is_there_for_the_next_session() {
        let profiles = Profiles::new(2);
        let explicit = Encryption::Explicit;
        let first = profiles.of(&host("ftp.example.org"), 21, explicit, "ada");
        first.update(|profile| profile.pipelining = Pipelining::Off);
        let again = profiles.of(&host("FTP.example.org"), 21, explicit, "ada");
        assert_eq!(again.get().pipelining, Pipelining::Off);
        let other = profiles.of(&host("ftp.example.org"), 21, explicit, "eve");
        assert_eq!(other.get().pipelining, Pipelining::On);
    }
}
