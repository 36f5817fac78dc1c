//! The sessions of the portal: creates them, finds them by name and secret, ends them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use arc_swap::ArcSwap;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use protocol::client::Secret;
use protocol::session::SessionCredentials;
use sha2::{Digest, Sha256};
use tokio::{sync::Notify, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{EndReason, Session, fair_queue::FairQueue, guest::GuestOwner};
use crate::{
    audit::{Entry, Event, Outcome},
    client::{Client, Peer},
    drops::{Visit, service::LinkRefusal},
    limits::Refused,
    locking::lock,
    metrics::labels::RefusedBy,
    portal::Portal,
};

/// The length of a session's name in bytes: enough to tell sessions apart in a log.
const NAME_BYTES: usize = 9;

/// The length of a session's secret in bytes: enough that it cannot be guessed.
const SECRET_BYTES: usize = 32;

/// The sessions of the portal, and their tasks.
#[derive(Debug)]
pub struct Sessions {
    /// The state with the settings that were read last.
    portal: ArcSwap<Portal>,
    running: Mutex<HashMap<String, RunningSession>>,
    sockets: Mutex<FairQueue<WaitingSocket>>,
    tasks: TaskTracker,
    /// A session was removed.
    removed: Notify,
    shutdown: CancellationToken,
}

#[derive(Debug)]
struct RunningSession {
    client: Client,
    secret: SecretDigest,
    session: Arc<Session>,
    /// Its further sockets that wait for their `hello`.
    waiting: VecDeque<CancellationToken>,
}

/// The SHA-256 of a secret. Digests are compared, so that the duration reveals nothing about the
/// secret.
type SecretDigest = [u8; 32];

/// A socket that waits for its `hello`, and names no session that runs.
#[derive(Debug)]
struct WaitingSocket {
    displaced: CancellationToken,
}

/// The place of a socket that waits for its `hello`, until this is dropped.
#[derive(Debug)]
pub struct SocketPlace {
    sessions: Arc<Sessions>,
    displaced: CancellationToken,
    among: WaitingAmong,
}

/// The sockets among which a socket waits for its `hello`.
#[derive(Debug)]
enum WaitingAmong {
    /// Those that name no session that runs.
    All,
    /// Those of the session with this name.
    OfSession(String),
}

/// A session that was just created.
#[derive(Debug)]
pub struct NewSession {
    /// The session.
    pub session: Arc<Session>,
    /// What its page needs to come back to it.
    pub credentials: SessionCredentials,
}

/// There is no place for another session.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    /// There are as many sessions as the operator allows.
    #[error("the limit of {0} sessions is reached")]
    Full(usize),
    /// The client has as many sessions as the operator allows.
    #[error("the limit of {0} sessions of one client is reached")]
    ClientFull(usize),
    /// The client creates sessions too fast.
    #[error(transparent)]
    TooFast(#[from] Refused),
    /// The portal is being stopped.
    #[error("the portal is being stopped")]
    Draining,
    /// The audit cannot be written.
    #[error("the audit cannot be written")]
    NoAudit,
    /// The operating system provides no random bytes.
    #[error("the operating system provides no random bytes")]
    NoRandomness(#[from] getrandom::Error),
}

/// A socket does not join a session.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// There is no such session.
    #[error(transparent)]
    Unknown(#[from] UnknownSession),
    /// There is no place for another session.
    #[error(transparent)]
    NoSession(#[from] NoSession),
    /// The link of a drop opens nothing.
    #[error(transparent)]
    Link(#[from] LinkRefusal),
}

/// The link of a drop, as a guest's client sends it.
#[derive(Debug)]
pub struct DropLink {
    /// The id.
    pub id: String,
    /// The secret.
    pub secret: Secret,
    /// The password, where there is one.
    pub password: Option<Secret>,
}

/// Name and secret belong to no session, or the session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is unknown or has ended, or its secret is wrong")]
pub struct UnknownSession;

/// A socket lost its place to a newer one before its `hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many sockets wait for their `hello`")]
pub struct TooManySockets;

impl Sessions {
    /// Creates an empty registry.
    #[must_use]
    pub fn new(portal: Arc<Portal>) -> Arc<Self> {
        let sockets = FairQueue::new(portal.settings.max_waiting_sockets as usize);
        Arc::new(Self {
            portal: ArcSwap::from(portal),
            running: Mutex::default(),
            sockets: Mutex::new(sockets),
            tasks: TaskTracker::new(),
            removed: Notify::new(),
            shutdown: CancellationToken::new(),
        })
    }

    /// Creates a session and starts it.
    ///
    /// # Errors
    /// [`NoSession`].
    pub fn create(self: &Arc<Self>, peer: Peer) -> Result<NewSession, NoSession> {
        let created = self.try_create(peer, None);
        created.inspect_err(|refused| self.count_refused(refused))
    }

    /// Opens the link of a drop, and creates and starts a session of its guest.
    ///
    /// # Errors
    /// [`JoinError`].
    pub async fn create_guest(
        self: &Arc<Self>,
        peer: Peer,
        link: DropLink,
    ) -> Result<NewSession, JoinError> {
        let portal = self.portal();
        let drops = portal.drops.clone().ok_or(LinkRefusal::NotValid)?;
        let DropLink { id, secret, password } = link;
        let rules = (&portal.settings, &*portal.limits);
        let visit: Arc<Visit> = drops.open(rules, (&id, &secret), password, peer.client).await?;
        let created = self.try_create(peer, Some(GuestOwner { drops, visit }));
        Ok(created.inspect_err(|refused| self.count_refused(refused))?)
    }

    fn try_create(
        self: &Arc<Self>,
        peer: Peer,
        guest: Option<GuestOwner>,
    ) -> Result<NewSession, NoSession> {
        let client = peer.client;
        self.portal().limits.start_session(client)?;
        let name = random_text::<NAME_BYTES>()?;
        let secret = random_text::<SECRET_BYTES>()?;
        let mut running = self.running();
        self.check_places(&running, client)?;
        let session = self.start(&name, peer, guest);
        let entry = RunningSession {
            client,
            secret: Sha256::digest(&secret).into(),
            session: Arc::clone(&session),
            waiting: VecDeque::new(),
        };
        running.insert(name.clone(), entry);
        let credentials = SessionCredentials { name, secret: Secret::new(secret) };
        Ok(NewSession { session, credentials })
    }

    /// Joins a session with its name and its secret.
    ///
    /// # Errors
    /// [`UnknownSession`] does not reveal whether the name or the secret is wrong.
    pub fn join(&self, name: &str, secret: &Secret) -> Result<Arc<Session>, UnknownSession> {
        let secret: SecretDigest = Sha256::digest(secret.expose()).into();
        let running = self.running();
        let known = running.get(name).filter(|running| running.secret == secret);
        let known = known.filter(|running| !running.session.has_ended());
        known.map(|running| Arc::clone(&running.session)).ok_or(UnknownSession)
    }

    fn count_refused(&self, refused: &NoSession) {
        let by = match refused {
            NoSession::Full(_) => RefusedBy::Sessions,
            NoSession::ClientFull(_) => RefusedBy::ClientSessions,
            NoSession::TooFast(refused) => refused.limit.label(),
            NoSession::Draining | NoSession::NoAudit | NoSession::NoRandomness(_) => return,
        };
        self.portal().metrics.count_refused(by);
    }

    fn check_places(
        &self,
        running: &HashMap<String, RunningSession>,
        client: Client,
    ) -> Result<(), NoSession> {
        let portal = self.portal();
        if portal.readiness.is_draining() {
            return Err(NoSession::Draining);
        }
        if !portal.audit.is_writable() {
            return Err(NoSession::NoAudit);
        }
        let settings = &portal.settings;
        let max = settings.max_sessions as usize;
        if running.len() >= max {
            return Err(NoSession::Full(max));
        }
        let max_of_client = settings.max_client_sessions as usize;
        if client.is_counted() && max_of_client > 0 {
            let of_client = running.values().filter(|running| running.client == client);
            if of_client.count() >= max_of_client {
                return Err(NoSession::ClientFull(max_of_client));
            }
        }
        Ok(())
    }

    fn start(self: &Arc<Self>, name: &str, peer: Peer, guest: Option<GuestOwner>) -> Arc<Session> {
        let session = Session::new(name.to_owned(), peer, &self.portal(), guest);
        self.tasks.spawn(Arc::clone(self).run_to_end(Arc::clone(&session)));
        session
    }

    /// Waits for the end of a session, whatever the reason, then closes and removes it.
    async fn run_to_end(self: Arc<Self>, session: Arc<Session>) {
        let portal = self.portal();
        let Portal { settings, audit, .. } = &*portal;
        let subject = session.audit_subject();
        audit.write(&subject, Entry::new(Event::Session, Outcome::Started)).await;
        let begun = Instant::now();
        let reason = tokio::select! {
            reason = session.ended() => reason,
            () = session.page_absent_for(settings.session_grace) => {
                EndReason::Absent(settings.session_grace)
            }
            () = sleep(settings.session_lifetime) => EndReason::Lifetime(settings.session_lifetime),
            () = self.can_move(&session) => EndReason::Moved,
            end = session.drop_ended() => EndReason::DropEnded(end),
            () = self.shutdown.cancelled() => EndReason::Shutdown,
        };
        session.end(reason);
        session.close().await;
        let ended = Entry::new(Event::Session, Outcome::Ended).took(begun.elapsed());
        audit.write(&subject, Entry { reason: Some(reason.to_string()), ..ended }).await;
        self.running().remove(session.name());
        self.removed.notify_waiters();
        tracing::info!(session = session.name(), %reason, "session ended");
    }

    /// Waits until the portal is being stopped and a session has nothing under way.
    async fn can_move(&self, session: &Session) {
        self.portal().readiness.draining().await;
        session.nothing_under_way().await;
    }

    /// Gives a socket a place to wait for its `hello`. A full queue loses its oldest socket: pages send
    /// their `hello` at once, so those that do not make room. `name` is that of the socket's session: one
    /// that runs has places of its own, which other sockets do not take.
    pub fn admit_socket(self: &Arc<Self>, client: Client, name: Option<&str>) -> SocketPlace {
        let displaced = CancellationToken::new();
        let sessions = Arc::clone(self);
        if let Some(name) = name
            && self.admit_to_session(name, &displaced)
        {
            let among = WaitingAmong::OfSession(name.to_owned());
            return SocketPlace { sessions, displaced, among };
        }
        let waiting = WaitingSocket { displaced: displaced.clone() };
        if let Some(oldest) = lock(&self.sockets).push(client, waiting) {
            self.displace(&oldest.displaced);
        }
        SocketPlace { sessions, displaced, among: WaitingAmong::All }
    }

    /// Gives a socket a place among those of a session that runs. Returns whether there is one.
    fn admit_to_session(&self, name: &str, socket: &CancellationToken) -> bool {
        let mut sessions = self.running();
        let Some(running) = sessions.get_mut(name) else { return false };
        if running.session.has_ended() {
            return false;
        }
        running.waiting.push_back(socket.clone());
        let max = self.portal().settings.max_session_waiting_sockets;
        if running.waiting.len() > max as usize
            && let Some(oldest) = running.waiting.pop_front()
        {
            self.displace(&oldest);
        }
        true
    }

    /// Takes the place of a socket that waits for its `hello`.
    fn displace(&self, socket: &CancellationToken) {
        socket.cancel();
        self.portal().metrics.count_refused(RefusedBy::WaitingSockets);
    }

    /// Returns the number of sessions that run.
    #[must_use]
    pub fn count(&self) -> usize {
        self.running().len()
    }

    /// Returns the number of sessions of guests that run.
    #[must_use]
    pub fn count_guests(&self) -> usize {
        self.running().values().filter(|running| running.session.is_guests()).count()
    }

    /// Returns whether a client has a session that runs.
    #[must_use]
    pub fn has_session_of(&self, client: Client) -> bool {
        self.running().values().any(|running| running.client == client)
    }

    /// Runs the task of a socket, which [`Self::all_ended`] waits for.
    pub fn spawn_socket(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Returns the state that the sessions share.
    #[must_use]
    pub fn portal(&self) -> Arc<Portal> {
        self.portal.load_full()
    }

    /// Replaces the state that sessions share from now on. Sessions that run keep theirs.
    pub fn replace_portal(&self, portal: Arc<Portal>) {
        self.portal.store(portal);
    }

    /// Waits until no session runs.
    pub async fn none(&self) {
        loop {
            let mut removed = std::pin::pin!(self.removed.notified());
            // Registered before the check, so that no removal in between is missed.
            removed.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            removed.await;
        }
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

    fn running(&self) -> MutexGuard<'_, HashMap<String, RunningSession>> {
        lock(&self.running)
    }
}

impl SocketPlace {
    /// Waits until the socket has lost its place to a newer one.
    pub async fn displaced(&self) {
        self.displaced.cancelled().await;
    }
}

impl Drop for SocketPlace {
    fn drop(&mut self) {
        // The token identifies the place; it is cancelled so that it can be found.
        self.displaced.cancel();
        match &self.among {
            WaitingAmong::All => {
                let is_this = |waiting: &WaitingSocket| waiting.displaced.is_cancelled();
                let _left = lock(&self.sessions.sockets).remove(is_this);
            }
            WaitingAmong::OfSession(name) => {
                if let Some(running) = self.sessions.running().get_mut(name) {
                    running.waiting.retain(|socket| !socket.is_cancelled());
                }
            }
        }
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
    use crate::{audit::Audit, outbound::Outbound, settings::Settings};

    fn sessions_with(change: impl FnOnce(&mut Settings)) -> Arc<Sessions> {
        let mut settings = Settings::defaults().unwrap();
        change(&mut settings);
        let outbound = Outbound::load(&settings).unwrap();
        Sessions::new(Portal::new(settings, 0, outbound, Audit::default()))
    }

    fn join(sessions: &Sessions, name: &str, secret: &str) -> Result<Arc<Session>, UnknownSession> {
        sessions.join(name, &Secret::new(secret.to_owned()))
    }

    fn create(sessions: &Arc<Sessions>, client: Client) -> Result<NewSession, NoSession> {
        sessions.create(client.into())
    }

    #[tokio::test]
    async fn session_is_joined_with_its_secret_and_again() {
        let sessions = sessions_with(|_| {});
        let new = create(&sessions, Client::default()).unwrap();
        let SessionCredentials { name, secret } = &new.credentials;
        assert!(join(&sessions, name, "guess").is_err());
        for _ in 0..2 {
            let joined = join(&sessions, name, secret.expose()).unwrap();
            assert!(Arc::ptr_eq(&joined, &new.session));
        }
    }

    #[tokio::test]
    async fn session_that_has_ended_cannot_be_joined() {
        let sessions = sessions_with(|_| {});
        let new = create(&sessions, Client::default()).unwrap();
        new.session.end(EndReason::Closed);
        assert!(join(&sessions, &new.credentials.name, new.credentials.secret.expose()).is_err());
    }

    #[tokio::test]
    async fn secret_of_one_session_opens_no_other() {
        let sessions = sessions_with(|_| {});
        let one = create(&sessions, Client::default()).unwrap().credentials;
        let other = create(&sessions, Client::default()).unwrap().credentials;
        assert!(join(&sessions, &one.name, other.secret.expose()).is_err());
    }

    #[tokio::test]
    async fn no_more_sessions_than_allowed() {
        let sessions = sessions_with(|settings| settings.max_sessions = 1);
        let new = create(&sessions, Client::default()).unwrap();
        let late = create(&sessions, Client::default());
        assert!(matches!(late, Err(NoSession::Full(1))));
        new.session.end(EndReason::Closed);
        sessions.tasks.close();
        sessions.all_ended().await;
        assert!(create(&sessions, Client::default()).is_ok());
    }

    #[tokio::test]
    async fn one_client_has_no_more_sessions_than_allowed() {
        let sessions = sessions_with(|settings| settings.max_client_sessions = 2);
        let client = |n| Client::at([192, 0, 2, n].into());
        for _ in 0..2 {
            create(&sessions, client(1)).unwrap();
        }
        assert!(matches!(create(&sessions, client(1)), Err(NoSession::ClientFull(2))));
        assert!(create(&sessions, client(2)).is_ok());
    }

    #[tokio::test]
    async fn socket_without_hello_makes_room_for_a_newer_one() {
        let sessions = sessions_with(|settings| settings.max_waiting_sockets = 8);
        let page = sessions.admit_socket(Client::at([192, 0, 2, 2].into()), None);
        let stranger = Client::at([192, 0, 2, 1].into());
        let idle: Vec<_> = (0..100).map(|_| sessions.admit_socket(stranger, None)).collect();
        assert!(!page.displaced.is_cancelled(), "a stranger displaces its own sockets only");
        assert_eq!(idle.iter().filter(|place| !place.displaced.is_cancelled()).count(), 2);
        let others: Vec<_> =
            (0..8).map(|_| sessions.admit_socket(Client::default(), None)).collect();
        assert!(page.displaced.is_cancelled(), "the oldest");
        drop(idle);
        assert!(others.iter().all(|place| !place.displaced.is_cancelled()));
    }

    #[tokio::test]
    async fn socket_of_a_session_that_runs_keeps_its_place_whatever_others_open() {
        let sessions = sessions_with(|_| {});
        let NewSession { session, credentials } = create(&sessions, Client::default()).unwrap();
        let name = credentials.name;
        let admit = |name: &str| sessions.admit_socket(Client::default(), Some(name));
        let page = admit(&name);
        let strangers: Vec<_> = (0..3000).map(|n| admit(&n.to_string())).collect();
        assert!(!page.displaced.is_cancelled());
        let max = Settings::defaults().unwrap().max_waiting_sockets as usize;
        assert_eq!(strangers.iter().filter(|place| !place.displaced.is_cancelled()).count(), max);
        // The session has no more than its places, and those that left count no more.
        for _ in 0..10 {
            drop(admit(&name));
        }
        assert!(!page.displaced.is_cancelled());
        let _two = [admit(&name), admit(&name)];
        assert!(page.displaced.is_cancelled());
        session.end(EndReason::Closed);
        assert!(!sessions.admit_to_session(&name, &CancellationToken::new()));
    }
}
