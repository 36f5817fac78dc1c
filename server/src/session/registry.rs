//! Which sessions there are, and who may take part in them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use protocol::{client::Secret, server::NewSession};
use sha2::{Digest, Sha256};

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
    attached: bool,
}

/// A place among the sessions; it is free again when this is dropped.
#[derive(Debug)]
pub struct Attached {
    sessions: Arc<Sessions>,
    name: String,
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

/// A session's name and secret do not fit, or the session has its socket already.
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
            attached: false,
        };
        let mut entries = self.entries();
        self.forget_expired(&mut entries);
        if entries.len() >= self.max {
            return Err(NoSession::Full(self.max));
        }
        entries.insert(session.clone(), entry);
        Ok(NewSession { session, secret: Secret::new(secret) })
    }

    /// Joins a session with its name and its secret.
    ///
    /// # Errors
    /// [`NotYours`], without saying which of them did not fit.
    pub fn attach(self: &Arc<Self>, name: &str, secret: &Secret) -> Result<Attached, NotYours> {
        let digest: [u8; 32] = Sha256::digest(secret.expose()).into();
        let mut entries = self.entries();
        self.forget_expired(&mut entries);
        let entry = entries.get_mut(name).ok_or(NotYours)?;
        if entry.secret_sha256 != digest || entry.attached {
            return Err(NotYours);
        }
        entry.attached = true;
        Ok(Attached { sessions: Arc::clone(self), name: name.to_owned() })
    }

    fn forget_expired(&self, entries: &mut HashMap<String, Entry>) {
        entries.retain(|_, entry| entry.attached || entry.created.elapsed() < self.start_timeout);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // No code panics while it holds the lock; if one did, the map would still be whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attached {
    /// The session's name: it may be logged.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.sessions.entries().remove(&self.name);
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

    #[test]
    fn session_is_joined_once_with_its_secret() {
        let sessions = Sessions::new(2, Duration::from_secs(60));
        let new = sessions.create().unwrap();
        assert_eq!(
            sessions.attach(&new.session, &Secret::new("guess".into())).unwrap_err(),
            NotYours
        );
        let attached = sessions.attach(&new.session, &new.secret).unwrap();
        assert_eq!(sessions.attach(&new.session, &new.secret).unwrap_err(), NotYours);
        drop(attached);
        assert_eq!(sessions.attach(&new.session, &new.secret).unwrap_err(), NotYours);
    }

    #[test]
    fn secret_of_one_session_opens_no_other() {
        let sessions = Sessions::new(2, Duration::from_secs(60));
        let (one, other) = (sessions.create().unwrap(), sessions.create().unwrap());
        assert!(sessions.attach(&one.session, &other.secret).is_err());
    }

    #[test]
    fn no_more_sessions_than_allowed() {
        let sessions = Sessions::new(1, Duration::from_secs(60));
        let new = sessions.create().unwrap();
        assert!(matches!(sessions.create(), Err(NoSession::Full(1))));
        drop(sessions.attach(&new.session, &new.secret).unwrap());
        assert!(sessions.create().is_ok());
    }

    #[test]
    fn session_that_nobody_joins_makes_room() {
        let sessions = Sessions::new(1, Duration::ZERO);
        let new = sessions.create().unwrap();
        assert!(sessions.attach(&new.session, &new.secret).is_err());
        assert!(sessions.create().is_ok());
    }
}
