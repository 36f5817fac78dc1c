//! What all sessions share.

use std::sync::Arc;

use rustls::RootCertStore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
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
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// The authorities that vouch for FTPS servers.
    pub roots: Arc<RootCertStore>,
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
    pub fn new(settings: Settings, port: u16, roots: Arc<RootCertStore>) -> Arc<Self> {
        Arc::new(Self {
            policy: Policy::new(settings.allow_network.clone(), settings.resolve_timeout),
            budget: Budget::new(settings.window_budget.0),
            sessions: Sessions::new(settings.max_sessions as usize, settings.session_start_timeout),
            roots,
            origins: settings.page_origins(port),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            settings,
        })
    }
}

/// The authorities that the operating system trusts.
#[must_use]
pub fn system_roots() -> Arc<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a file of the system's certificates could not be read");
    }
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(added, ignored, "loaded the system's certificates");
    if roots.is_empty() {
        tracing::warn!("the system has no certificates: every server's will be asked about");
    }
    Arc::new(roots)
}
