//! The sessions of the portal: creates them, finds them by name and secret, ends them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use protocol::{client::Secret, server::NewSession};
use sha2::{Digest, Sha256};
use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{EndReason, Session};
use crate::{locking::lock, portal::Portal};

/// The length of a session's name in bytes: enough to tell sessions apart in a log.
const NAME_BYTES: usize = 9;

/// The length of a session's secret in bytes: enough that it cannot be guessed.
const SECRET_BYTES: usize = 32;

/// The sessions of the portal, and their tasks.
#[derive(Debug)]
pub struct Sessions {
    portal: Arc<Portal>,
    entries: Mutex<HashMap<String, Entry>>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

#[derive(Debug)]
struct Entry {
    /// Digests are compared, so that the duration reveals nothing about the secret.
    secret_sha256: [u8; 32],
    created: Instant,
    /// Present from the first socket on.
    session: Option<Arc<Session>>,
}

/// No session could be created.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    /// There are as many sessions as the operator allows.
    #[error("the limit of {0} sessions is reached")]
    Full(usize),
    /// The operating system provides no random bytes.
    #[error("the operating system provides no random bytes")]
    NoRandomness(#[from] getrandom::Error),
}

/// Name and secret belong to no session, or the session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is unknown or has ended, or its secret is wrong")]
pub struct UnknownSession;

/// Too many sockets wait for their `hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many sockets wait for their `hello`")]
pub struct TooManySockets;

impl Sessions {
    /// Creates an empty registry.
    #[must_use]
    pub fn new(portal: Arc<Portal>) -> Arc<Self> {
        Arc::new(Self {
            portal,
            entries: Mutex::default(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        })
    }

    /// Creates a session that waits for its socket.
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
        self.remove_expired(&mut entries);
        let max = self.max_sessions();
        if entries.len() >= max {
            return Err(NoSession::Full(max));
        }
        entries.insert(session.clone(), entry);
        Ok(NewSession { session, secret: Secret::new(secret) })
    }

    /// Joins a session with its name and its secret. The first socket starts it.
    ///
    /// # Errors
    /// [`UnknownSession`], which does not reveal whether the name or the secret is wrong.
    pub fn join(
        self: &Arc<Self>,
        name: &str,
        secret: &Secret,
    ) -> Result<Arc<Session>, UnknownSession> {
        let digest: [u8; 32] = Sha256::digest(secret.expose()).into();
        let mut entries = self.entries();
        self.remove_expired(&mut entries);
        let entry = entries.get_mut(name).ok_or(UnknownSession)?;
        if entry.secret_sha256 != digest {
            return Err(UnknownSession);
        }
        let session = entry.session.get_or_insert_with(|| self.start(name));
        if session.has_ended() { Err(UnknownSession) } else { Ok(Arc::clone(session)) }
    }

    fn start(self: &Arc<Self>, name: &str) -> Arc<Session> {
        let session = Session::new(name.to_owned(), &self.portal);
        self.tasks.spawn(Arc::clone(self).run_to_end(Arc::clone(&session)));
        session
    }

    /// Waits for the end of a session, whatever the reason, then closes and removes it.
    async fn run_to_end(self: Arc<Self>, session: Arc<Session>) {
        let settings = &self.portal.settings;
        let reason = tokio::select! {
            reason = session.ended() => reason,
            () = session.page_absent_for(settings.session_grace) => {
                EndReason::Absent(settings.session_grace)
            }
            () = sleep(settings.session_lifetime) => EndReason::Lifetime(settings.session_lifetime),
            () = self.shutdown.cancelled() => EndReason::Shutdown,
        };
        session.end(reason);
        session.close().await;
        self.entries().remove(session.name());
        tracing::info!(session = session.name(), %reason, "session ended");
    }

    /// Checks whether there is room for another socket. A socket without its `hello` belongs to no
    /// session and still takes memory: beside a task for each session and one for its socket, as
    /// many sockets may wait.
    ///
    /// # Errors
    /// [`TooManySockets`].
    pub fn check_socket_limit(&self) -> Result<(), TooManySockets> {
        if self.tasks.len() >= 3 * self.max_sessions() { Err(TooManySockets) } else { Ok(()) }
    }

    /// Runs the task of a socket, which [`Self::all_ended`] waits for.
    pub fn spawn_socket(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Returns the state that the sessions share.
    #[must_use]
    pub fn portal(&self) -> &Portal {
        &self.portal
    }

    /// Ends all sessions.
    pub fn shut_down(&self) {
        self.shutdown.cancel();
        self.tasks.close();
    }

    /// Waits for [`Self::shut_down`].
    pub async fn shutting_down(&self) {
        self.shutdown.cancelled().await;
    }

    /// Waits, after [`Self::shut_down`], until all sessions and their sockets have ended.
    pub async fn all_ended(&self) {
        self.tasks.wait().await;
    }

    fn max_sessions(&self) -> usize {
        self.portal.settings.max_sessions as usize
    }

    fn remove_expired(&self, entries: &mut HashMap<String, Entry>) {
        let limit: Duration = self.portal.settings.session_start_timeout;
        entries.retain(|_, entry| entry.session.is_some() || entry.created.elapsed() < limit);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        lock(&self.entries)
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
    use crate::{outbound::Outbound, settings::Settings};

    fn sessions_with(max: u32, start_timeout: Duration) -> Arc<Sessions> {
        let mut settings = Settings::defaults().unwrap();
        settings.max_sessions = max;
        settings.session_start_timeout = start_timeout;
        let outbound = Outbound::load(&settings).unwrap();
        Sessions::new(Portal::new(settings, 0, outbound))
    }

    fn sessions() -> Arc<Sessions> {
        sessions_with(2, Duration::from_secs(60))
    }

    fn join(
        sessions: &Arc<Sessions>,
        name: &str,
        secret: &str,
    ) -> Result<Arc<Session>, UnknownSession> {
        sessions.join(name, &Secret::new(secret.to_owned()))
    }

    #[tokio::test]
    async fn session_is_joined_with_its_secret_and_again() {
        let sessions = sessions();
        let new = sessions.create().unwrap();
        assert_eq!(join(&sessions, &new.session, "guess").unwrap_err(), UnknownSession);
        let first = join(&sessions, &new.session, new.secret.expose()).unwrap();
        let second = join(&sessions, &new.session, new.secret.expose()).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[tokio::test]
    async fn session_that_has_ended_cannot_be_joined() {
        let sessions = sessions();
        let new = sessions.create().unwrap();
        join(&sessions, &new.session, new.secret.expose()).unwrap().end(EndReason::Closed);
        let again = join(&sessions, &new.session, new.secret.expose());
        assert_eq!(again.unwrap_err(), UnknownSession);
    }

    #[tokio::test]
    async fn secret_of_one_session_opens_no_other() {
        let sessions = sessions();
        let (one, other) = (sessions.create().unwrap(), sessions.create().unwrap());
        assert!(join(&sessions, &one.session, other.secret.expose()).is_err());
    }

    #[tokio::test]
    async fn no_more_sessions_than_allowed() {
        let sessions = sessions_with(1, Duration::from_secs(60));
        let new = sessions.create().unwrap();
        assert!(matches!(sessions.create(), Err(NoSession::Full(1))));
        let session = join(&sessions, &new.session, new.secret.expose()).unwrap();
        session.end(EndReason::Closed);
        sessions.tasks.close();
        sessions.all_ended().await;
        assert!(sessions.create().is_ok());
    }

    #[tokio::test]
    async fn session_that_is_never_joined_makes_room() {
        let sessions = sessions_with(1, Duration::ZERO);
        let new = sessions.create().unwrap();
        assert!(join(&sessions, &new.session, new.secret.expose()).is_err());
        assert!(sessions.create().is_ok());
    }
}
