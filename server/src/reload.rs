//! Reads the configuration of a running portal again: on `SIGHUP`, and for `ferryport reload`.
//!
//! Everything is read and checked before anything changes. What begins afterwards uses the new settings:
//! sessions, connections to FTPS servers, requests. What runs keeps those with which it began.

use std::{fmt, sync::Arc};

use tokio::sync::Mutex;

use crate::{
    audit::{Entry, Event, Outcome, Subject},
    outbound::Outbound,
    sealed_store::SealedStore,
    session::registry::Sessions,
    settings::{Settings, SettingsError, SettingsErrors},
    supervisor,
};

/// Reads all settings from their sources.
pub type ReadSettings = dyn Fn() -> Result<Settings, SettingsErrors> + Send + Sync;

/// Reloads the configuration of a portal.
#[derive(Clone)]
pub struct Reloader {
    sessions: Arc<Sessions>,
    /// The passwords of presets, where the portal has a store.
    store: Option<SealedStore>,
    read: Arc<ReadSettings>,
    /// One reload at a time.
    running: Arc<Mutex<()>>,
}

/// The outcome of a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The changed settings that need a restart.
    pub need_restart: Vec<&'static str>,
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the new configuration is in use")?;
        if self.need_restart.is_empty() {
            return Ok(());
        }
        write!(f, "; these settings act after a restart: {}", self.need_restart.join(", "))
    }
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").finish_non_exhaustive()
    }
}

impl Reloader {
    /// Creates a reloader, which reads the settings as the start did.
    #[must_use]
    pub fn new(
        sessions: Arc<Sessions>,
        store: Option<SealedStore>,
        read: Arc<ReadSettings>,
    ) -> Self {
        Self { sessions, store, read, running: Arc::default() }
    }

    /// Reads and checks the configuration, and uses it from now on. The outcome is logged.
    ///
    /// # Errors
    /// All reasons why it cannot be used; nothing has changed then.
    pub async fn reload(&self) -> Result<Reloaded, SettingsErrors> {
        let _one_at_a_time = self.running.lock().await;
        supervisor::reloading();
        let outcome = self.try_reload().await;
        supervisor::ready();
        match &outcome {
            Ok(reloaded) => {
                tracing::info!("{reloaded}");
                let entry = Entry::new(Event::Configuration, Outcome::Loaded);
                self.sessions.portal().audit.write(&Subject::default(), entry).await;
            }
            Err(errors) => {
                tracing::error!("the old configuration stays in use:\n{}", errors.report());
            }
        }
        outcome
    }

    async fn try_reload(&self) -> Result<Reloaded, SettingsErrors> {
        let portal = self.sessions.portal();
        let (read, running) = (Arc::clone(&self.read), portal.settings.clone());
        let loaded = tokio::task::spawn_blocking(move || load(&*read, &running)).await;
        let (mut settings, outbound, need_restart) = loaded.map_err(|error| {
            SettingsError::Internal(format!("the configuration cannot be read: {error}"))
        })??;
        if let Some(store) = &self.store {
            let read = store.read_passwords(&mut settings).await;
            read.map_err(SettingsError::from)?;
        }
        self.sessions.replace_portal(portal.with(settings, outbound));
        Ok(Reloaded { need_restart })
    }
}

type Loaded = (Settings, Outbound, Vec<&'static str>);

fn load(read: &ReadSettings, running: &Settings) -> Result<Loaded, SettingsErrors> {
    let mut settings = read()?;
    let need_restart = settings.keep_fixed(running);
    // What is kept may contradict what is new.
    settings.check()?;
    let outbound = Outbound::load(&settings)?;
    Ok((settings, outbound, need_restart))
}
