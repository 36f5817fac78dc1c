//! A client that reconnects when its session has ended, and replaces a session that is old.

use std::sync::Arc;

use tokio::time::sleep;

use super::{
    pool_shared::PoolShared,
    session_count::{SessionRefusal, SessionSlot},
};
use crate::{
    client::{Client, Directories, PrefetchedFile},
    config::{Config, Rotation, RotationScope},
    connect::Connector,
    diagnosis::Cause,
    error::Error,
    profile::{CommandLimit, DataPorts, Fallback, SharedProfile},
    stage::Stage,
    transcript::Status,
};

/// The most fallbacks that are tried to open one session.
const MAX_FALLBACKS: usize = 6;

/// A client that reconnects when its session has ended, and replaces a session that is old.
///
/// [`upload`](crate::upload::upload()) uploads a file over it, across breaks of the connection.
#[derive(Debug)]
pub struct ManagedClient {
    connector: Connector,
    session: Option<OpenSession>,
    prefetched: Option<PrefetchedFile>,
    pool_shared: Arc<PoolShared>,
}

/// A client, and its slot among the sessions that the server may count.
#[derive(Debug)]
struct OpenSession {
    client: Client,
    slot: SessionSlot,
}

/// A session that is not leased, and its prefetched lookup.
#[derive(Debug)]
pub(super) struct IdleSession {
    session: OpenSession,
    prefetched: Option<PrefetchedFile>,
}

impl OpenSession {
    /// Logs out, where the client is usable. The server may count the session until then.
    async fn quit(self) {
        let Self { client, slot } = self;
        if client.is_usable() {
            client.quit().await;
        }
        drop(slot);
    }
}

impl IdleSession {
    /// Logs out.
    pub(crate) async fn quit(self) {
        self.session.quit().await;
    }
}

impl ManagedClient {
    /// Creates a client that connects when it is needed.
    #[must_use]
    pub fn new(connector: Connector) -> Self {
        let connector = connector.prefetching_port();
        Self { connector, session: None, prefetched: None, pool_shared: Arc::default() }
    }

    /// Creates a client of a pool, with an idle session or without.
    pub(super) fn of_pool(
        connector: Connector,
        pool_shared: Arc<PoolShared>,
        idle: Option<IdleSession>,
    ) -> Self {
        let (session, prefetched) = idle.map(|idle| (idle.session, idle.prefetched)).unzip();
        Self {
            connector: connector.prefetching_port(),
            session,
            prefetched: prefetched.flatten(),
            pool_shared,
        }
    }

    /// Takes the session, if it is usable.
    pub(super) fn into_idle(self) -> Option<IdleSession> {
        let session = self.session.filter(|session| session.client.is_usable())?;
        Some(IdleSession { session, prefetched: self.prefetched })
    }

    pub(crate) fn pool_shared(&self) -> &Arc<PoolShared> {
        &self.pool_shared
    }

    /// Returns a client that is logged in and usable; connects, with fallbacks, if there is none.
    ///
    /// # Errors
    /// The last error, when no fallback is left.
    ///
    /// # Cancel safety
    /// Dropping the future closes a connection that was being made.
    pub async fn client(&mut self) -> Result<&mut Client, Error> {
        let mut session = self.session.take();
        // A session that the server has ended is noticed here.
        let is_alive = session.as_mut().is_some_and(|session| session.client.is_alive());
        let session = match session.filter(|_| is_alive) {
            Some(session) => self.fresh(session).await?,
            None => self.open().await?,
        };
        Ok(&mut self.session.insert(session).client)
    }

    /// Returns the session, or a new one where it has reached its age or command limit.
    async fn fresh(&mut self, session: OpenSession) -> Result<OpenSession, Error> {
        let Rotation { commands, applies_to, age } = self.config().rotation;
        let client = &session.client;
        let counts = applies_to == RotationScope::All
            || !runs_on_unix(client)
            || self.profile().get().command_limit == CommandLimit::Limited;
        let is_worn = (counts && client.commands() >= commands) || client.age() >= age;
        if !is_worn {
            return Ok(session);
        }
        client.log(Status::Rotating { commands: client.commands(), age: client.age() });
        session.quit().await;
        self.open().await
    }

    async fn open(&mut self) -> Result<OpenSession, Error> {
        let mut fallbacks = 0;
        let mut was_doubted = false;
        loop {
            let attempt = self.pool_shared.attempt();
            let error = match self.connector.open().await {
                Ok(client) => return Ok(OpenSession { client, slot: attempt.opened() }),
                Err(error) => error,
            };
            if fallbacks < MAX_FALLBACKS && self.connector.learn(&error).is_some() {
                fallbacks += 1;
                continue;
            }
            if !self.is_session_limit(&error) {
                return Err(error);
            }
            if let Some(session) =
                self.use_another_session(attempt, error, &mut was_doubted).await?
            {
                return Ok(session);
            }
        }
    }

    /// Whether the server's session limit is reached: it says so, or it refuses a login while
    /// another session is logged in. Not every server names the reason, or in English.
    fn is_session_limit(&self, error: &Error) -> bool {
        let refuses_login =
            error.reply().is_some() && matches!(error.stage(), Stage::Greeting | Stage::Login);
        Cause::of(error) == Cause::TooManyConnections
            || (refuses_login && self.pool_shared.accepts_logins())
    }

    /// Handles a refused session: takes an idle one of the pool. `None` where another attempt is
    /// worthwhile.
    async fn use_another_session(
        &self,
        attempt: SessionSlot,
        error: Error,
        was_doubted: &mut bool,
    ) -> Result<Option<OpenSession>, Error> {
        let idle = self.take_idle();
        let refusal = attempt.refused(*was_doubted);
        if let SessionRefusal::Full(session_limit) = refusal {
            self.pool_shared.note_session_limit(session_limit);
        }
        if idle.is_some() {
            return Ok(idle);
        }
        match refusal {
            SessionRefusal::Unrelated => Err(error),
            SessionRefusal::Doubtful => {
                *was_doubted = true;
                sleep(self.config().retry.first).await;
                Ok(None)
            }
            SessionRefusal::TooEarly | SessionRefusal::Full(_) => {
                self.wait_for_idle_session(error).await
            }
        }
    }

    /// Waits for an idle session of the pool, since the server allows no more. `None` where a
    /// client returned without its session, so that another one may be opened.
    async fn wait_for_idle_session(&self, error: Error) -> Result<Option<OpenSession>, Error> {
        let Some(returning) = self.pool_shared.next_return() else {
            // One may have returned a moment ago.
            return self.take_idle().map(Some).ok_or(error);
        };
        self.log_about(&error, Status::WaitingForSession);
        returning.await;
        Ok(self.take_idle())
    }

    fn take_idle(&self) -> Option<OpenSession> {
        let idle = std::iter::from_fn(|| self.pool_shared.take_idle());
        let mut sessions = idle.map(|idle| idle.session);
        sessions.find_map(|mut session| session.client.is_alive().then_some(session))
    }

    /// Drops the session and applies the fallback that `error` suggests; `None` when there is none.
    pub fn fall_back(&mut self, error: &Error) -> Option<Fallback> {
        if Cause::of(error) == Cause::CutAfterMany {
            self.profile().update(|profile| profile.command_limit = CommandLimit::Limited);
        }
        let fallback = self.connector.learn(error)?;
        self.session = None;
        Some(fallback)
    }

    /// Whether a command can be sent over the current session.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.client.is_usable())
    }

    /// Waits until the server ends the idle session; the next call of [`client`](Self::client)
    /// opens another. Without a session it waits forever.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn idle(&mut self) {
        match &mut self.session {
            Some(session) => {
                let _reported_in_the_transcript = session.client.idle().await;
                self.session = None;
            }
            None => std::future::pending().await,
        }
    }

    /// Logs out, if there is a session.
    pub async fn quit(self) {
        if let Some(session) = self.session {
            session.quit().await;
        }
    }

    /// Closes the connection without logging out.
    pub(crate) fn disconnect(&mut self) {
        self.session = None;
    }

    pub(crate) fn config(&self) -> &Config {
        self.connector.config()
    }

    /// Logs a status of the current session, or of no session.
    pub(crate) fn log(&self, status: Status) {
        match &self.session {
            Some(session) => session.client.log(status),
            None => self.connector.transcript().control(status),
        }
    }

    /// Logs how an error is handled.
    pub(crate) fn log_about(&self, error: &Error, status: Status) {
        self.connector.transcript_about(error).control(status);
    }

    pub(crate) fn profile(&self) -> &SharedProfile {
        self.connector.shared_profile()
    }

    /// Whether a data port was unreachable and none of the host was ever reached: then waiting does
    /// not help.
    pub(crate) fn cannot_reach_data_ports(&self, error: &Error) -> bool {
        error.is_unreachable_data_port() && self.profile().get().data_ports == DataPorts::Untried
    }

    pub(crate) fn directories(&self) -> &Directories {
        self.connector.directories()
    }

    /// Forgets the known directories; returns whether any were known.
    pub(crate) fn forget_directories(&self) -> bool {
        self.directories().forget_all()
    }

    /// Takes the prefetched lookup of the next file.
    pub(crate) fn take_prefetched_file(&mut self) -> Option<PrefetchedFile> {
        self.prefetched.take()
    }

    pub(crate) fn put_prefetched_file(&mut self, prefetched: PrefetchedFile) {
        self.prefetched = Some(prefetched);
    }
}

/// Whether the greeting names a server that runs on Unix only.
fn runs_on_unix(client: &Client) -> bool {
    let banner = &client.facts().banner;
    ["vsftpd", "proftpd", "pure-ftpd"].iter().any(|name| banner.mentions(name))
}
