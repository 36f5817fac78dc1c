//! Which sessions there are, and who may take part in them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use protocol::{client::Secret, server::NewSession};
use sha2::{Digest, Sha256};

use super::life::Session;

/// Bytes of a session's name: enough to tell sessions apart in a log.
const NAME_BYTES: usize = 9;

/// Bytes of a session's secret: beyond guessing.
const SECRET_BYTES: usize = 32;

/// The sessions of the portal.
#[derive(Debug)]
pub struct Sessions {
    max: usize,
    start_timeout: Duration,
    entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    /// Digests are compared, so that the time it takes tells nothing about the secret.
    secret_sha256: [u8; 32],
    created: Instant,
    /// Since its first socket.
    session: Option<Arc<Session>>,
}

/// No session could be made.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    /// There are as many sessions as the operator allows.
    #[error("the portal has as many sessions as it may have ({0})")]
    Full(usize),
    /// The operating system gives no random bytes.
    #[error("the portal has no random numbers")]
    NoRandomness(#[from] getrandom::Error),
}

/// A session's name and secret do not fit, or the session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is not known, has expired, or its secret does not fit")]
pub struct NotYours;

impl Sessions {
    /// No session yet, at most `max`, each to be joined within `start_timeout`.
    #[must_use]
    pub fn new(max: usize, start_timeout: Duration) -> Arc<Self> {
        Arc::new(Self { max, start_timeout, entries: Mutex::default() })
    }

    /// Makes a session that waits for its socket.
    ///
    /// # Errors
    /// [`NoSession`].
    pub fn create(&self) -> Result<NewSession, NoSession> {
        let session = random_text::<NAME_BYTES>()?;
        let secret = random_text::<SECRET_BYTES>()?;
        let entry = Entry {
            secret_sha256: Sha256::digest(&secret).into(),
            created: Instant::now(),
            session: None,
        };
        let mut entries = self.entries();
        self.forget_expired(&mut entries);
        if entries.len() >= self.max {
            return Err(NoSession::Full(self.max));
        }
        entries.insert(session.clone(), entry);
        Ok(NewSession { session, secret: Secret::new(secret) })
    }

    /// Joins a session with its name and its secret; `begin` makes it for its first socket.
    ///
    /// # Errors
    /// [`NotYours`], without saying which of them did not fit.
    pub fn join(
        &self,
        name: &str,
        secret: &Secret,
        begin: impl FnOnce() -> Arc<Session>,
    ) -> Result<Arc<Session>, NotYours> {
        let digest: [u8; 32] = Sha256::digest(secret.expose()).into();
        let mut entries = self.entries();
        self.forget_expired(&mut entries);
        let entry = entries.get_mut(name).ok_or(NotYours)?;
        if entry.secret_sha256 != digest {
            return Err(NotYours);
        }
        let session = entry.session.get_or_insert_with(begin);
        if session.is_over() { Err(NotYours) } else { Ok(Arc::clone(session)) }
    }

    /// Takes out a session that is over; its place is free again.
    pub fn remove(&self, name: &str) {
        self.entries().remove(name);
    }

    fn forget_expired(&self, entries: &mut HashMap<String, Entry>) {
        entries.retain(|_, entry| {
            entry.session.is_some() || entry.created.elapsed() < self.start_timeout
        });
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // No code panics while it holds the lock; if one did, the map would still be whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn random_text<const BYTES: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{outbound::Outbound, portal::Portal, session::life::Over, settings::Settings};

    fn portal_with(max: u32, start_timeout: Duration) -> Arc<Portal> {
        let mut settings = Settings::defaults().unwrap();
        settings.max_sessions = max;
        settings.session_start_timeout = start_timeout;
        let outbound = Outbound::load(&settings).unwrap();
        Portal::new(settings, 0, outbound)
    }

    fn portal() -> Arc<Portal> {
        portal_with(2, Duration::from_secs(60))
    }

    fn join(portal: &Arc<Portal>, name: &str, secret: &str) -> Result<Arc<Session>, NotYours> {
        let begin = || Session::begin(name.to_owned(), portal);
        portal.sessions.join(name, &Secret::new(secret.to_owned()), begin)
    }

    #[tokio::test]
    async fn session_is_joined_with_its_secret_and_again() {
        let portal = portal();
        let new = portal.sessions.create().unwrap();
        assert_eq!(join(&portal, &new.session, "guess").unwrap_err(), NotYours);
        let first = join(&portal, &new.session, new.secret.expose()).unwrap();
        let second = join(&portal, &new.session, new.secret.expose()).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[tokio::test]
    async fn session_that_is_over_is_nobodys() {
        let portal = portal();
        let new = portal.sessions.create().unwrap();
        join(&portal, &new.session, new.secret.expose()).unwrap().end(Over::Left);
        assert_eq!(join(&portal, &new.session, new.secret.expose()).unwrap_err(), NotYours);
    }

    #[tokio::test]
    async fn secret_of_one_session_opens_no_other() {
        let portal = portal();
        let (one, other) = (portal.sessions.create().unwrap(), portal.sessions.create().unwrap());
        assert!(join(&portal, &one.session, other.secret.expose()).is_err());
    }

    #[tokio::test]
    async fn no_more_sessions_than_allowed() {
        let portal = portal_with(1, Duration::from_secs(60));
        let new = portal.sessions.create().unwrap();
        assert!(matches!(portal.sessions.create(), Err(NoSession::Full(1))));
        let session = join(&portal, &new.session, new.secret.expose()).unwrap();
        session.end(Over::Left);
        portal.tasks.close();
        portal.tasks.wait().await;
        assert!(portal.sessions.create().is_ok());
    }

    #[tokio::test]
    async fn session_that_nobody_joins_makes_room() {
        let portal = portal_with(1, Duration::ZERO);
        let new = portal.sessions.create().unwrap();
        assert!(join(&portal, &new.session, new.secret.expose()).is_err());
        assert!(portal.sessions.create().is_ok());
    }
}
