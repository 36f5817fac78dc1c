//! Several sessions to one server with one login: as many as raise the throughput and as the server
//! allows.
//!
//! A session opens when an upload needs it and none is idle. Their number grows while the
//! throughput grows with it, and shrinks when the server refuses more.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use self::growth::Growth;
use crate::{
    config::Sessions,
    connect::Connector,
    error::Error,
    lock::lock,
    profile::{MaxSessions, SharedProfile},
    transcript::Status,
};

mod growth;
mod managed_client;
mod pool_shared;
mod session_count;

pub use self::managed_client::ManagedClient;
pub(crate) use self::pool_shared::PoolShared;

/// Several sessions to one server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Pool {
    inner: Arc<Inner>,
}

/// A client that is leased from a pool; it returns when it is dropped.
#[derive(Debug)]
pub struct PooledClient {
    client: Option<ManagedClient>,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connector: Connector,
    sessions: Sessions,
    pool_shared: Arc<PoolShared>,
    state: Mutex<State>,
    /// Notified when a client has returned, or more may be leased.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// Clients that are leased.
    leased: u32,
    /// Uploads that wait for a client.
    uploads_waiting: u32,
    /// Requests that wait for a client.
    requests_waiting: u32,
    growth: Growth,
    is_closed: bool,
}

/// Counts one waiter for a client while it lives.
struct WaitingCount<'a> {
    inner: &'a Inner,
    purpose: Purpose,
}

/// The purpose of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Upload,
    Request,
}

impl Pool {
    /// Creates a pool without open sessions. All of them log in as `connector` does, and share what
    /// is learned about the host.
    #[must_use]
    pub fn new(connector: Connector) -> Self {
        let sessions = connector.config().sessions;
        let known = connector.shared_profile().get().max_sessions;
        let known = known.filter(|known| known.at.elapsed() < sessions.recheck);
        let state = State {
            leased: 0,
            uploads_waiting: 0,
            requests_waiting: 0,
            growth: Growth::new(sessions, known.map(|known| known.count), Instant::now()),
            is_closed: false,
        };
        let inner = Inner {
            connector,
            sessions,
            pool_shared: Arc::default(),
            state: Mutex::new(state),
            changed: Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Leases a client for an upload, as soon as one is available.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn lease(&self) -> PooledClient {
        self.take(Purpose::Upload).await
    }

    /// Leases a client for a short request, such as a listing, beside the uploads where the server
    /// allows one session more.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn lease_for_request(&self) -> PooledClient {
        self.take(Purpose::Request).await
    }

    /// How many sessions may be open for uploads now.
    #[must_use]
    pub fn allowed(&self) -> u32 {
        let mut state = self.inner.state();
        self.inner.update_growth(&mut state);
        state.growth.allowed()
    }

    /// The profile of the host.
    #[must_use]
    pub fn profile(&self) -> &SharedProfile {
        self.inner.connector.shared_profile()
    }

    /// Logs out of every idle session; leased ones are logged out when they return.
    pub async fn close(&self) {
        self.inner.state().is_closed = true;
        for idle in self.inner.pool_shared.take_all_idle() {
            idle.quit().await;
        }
    }

    async fn take(&self, purpose: Purpose) -> PooledClient {
        let _counted = WaitingCount::new(&self.inner, purpose);
        loop {
            let changed = self.inner.changed.notified();
            if let Some(client) = self.inner.try_take(purpose) {
                return PooledClient { client: Some(client), inner: Arc::clone(&self.inner) };
            }
            // The number of sessions is also reviewed on a timer.
            let _looked_again = timeout(self.inner.sessions.window, changed).await;
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; if one did, the numbers would still be
        // consistent.
        lock(&self.state)
    }

    fn try_take(&self, purpose: Purpose) -> Option<ManagedClient> {
        let mut state = self.state();
        self.update_growth(&mut state);
        if state.leased >= state.most(purpose) {
            return None;
        }
        state.leased += 1;
        self.pool_shared.client_leased();
        let idle = self.pool_shared.take_idle();
        Some(ManagedClient::of_pool(self.connector.clone(), Arc::clone(&self.pool_shared), idle))
    }

    /// Adapts the number of sessions to what was measured and to the server's refusals.
    fn update_growth(&self, state: &mut State) {
        if let Some(session_limit) = self.pool_shared.take_session_limit() {
            let before = state.growth.ceiling();
            state.growth.refused(session_limit, Instant::now());
            let max = state.growth.ceiling();
            let known = MaxSessions { count: max, at: Instant::now() };
            self.connector.shared_profile().update(|profile| profile.max_sessions = Some(known));
            if max < before {
                self.connector.transcript().control(Status::SessionsLimited { max });
            }
        }
        // Between two uploads a session is idle for a moment: waiting uploads count as running.
        let is_full = state.leased + state.uploads_waiting >= state.growth.allowed();
        let (bytes, files) = self.pool_shared.totals();
        state.growth.observe(Instant::now(), bytes, files, is_full);
    }

    fn take_back(&self, client: ManagedClient) {
        let mut state = self.state();
        self.update_growth(&mut state);
        state.leased = state.leased.saturating_sub(1);
        // The returning client's session is among the open ones.
        let is_wanted =
            || !state.is_closed && self.pool_shared.open_sessions() <= state.growth.with_request();
        if let Some(idle) = client.into_idle().filter(|_| is_wanted()) {
            self.pool_shared.put_idle(idle);
        }
        drop(state);
        self.pool_shared.client_returned();
        self.changed.notify_waiters();
    }
}

impl State {
    fn waiting(&mut self, purpose: Purpose) -> &mut u32 {
        match purpose {
            Purpose::Upload => &mut self.uploads_waiting,
            Purpose::Request => &mut self.requests_waiting,
        }
    }

    /// How many clients may be leased. Where none is left for a waiting request, the next one that
    /// returns is kept for it.
    fn most(&self, purpose: Purpose) -> u32 {
        let all = self.growth.with_request();
        match purpose {
            Purpose::Upload if self.requests_waiting > 0 => {
                self.growth.allowed().min(all.saturating_sub(1))
            }
            Purpose::Upload => self.growth.allowed(),
            Purpose::Request => all,
        }
    }
}

impl<'a> WaitingCount<'a> {
    fn new(inner: &'a Inner, purpose: Purpose) -> Self {
        *inner.state().waiting(purpose) += 1;
        Self { inner, purpose }
    }
}

impl Drop for WaitingCount<'_> {
    fn drop(&mut self) {
        *self.inner.state().waiting(self.purpose) -= 1;
        // A client that was kept for a request may be leased for an upload.
        self.inner.changed.notify_waiters();
    }
}

impl PooledClient {
    /// Returns whether more clients are leased than the server allows sessions, or a request waits
    /// for one: return this one before the next upload.
    #[must_use]
    pub fn is_surplus(&self) -> bool {
        let mut state = self.inner.state();
        self.inner.update_growth(&mut state);
        state.leased.saturating_add(state.requests_waiting) > state.growth.with_request()
    }

    /// Connects, unless it is connected.
    ///
    /// # Errors
    /// As [`ManagedClient::client`].
    ///
    /// # Cancel safety
    /// As [`ManagedClient::client`].
    pub async fn connect(&mut self) -> Result<(), Error> {
        self.client().await.map(drop)
    }
}

impl Deref for PooledClient {
    type Target = ManagedClient;

    #[expect(clippy::expect_used, reason = "only `drop` takes the client out")]
    fn deref(&self) -> &ManagedClient {
        self.client.as_ref().expect("a lease has its client")
    }
}

impl DerefMut for PooledClient {
    #[expect(clippy::expect_used, reason = "only `drop` takes the client out")]
    fn deref_mut(&mut self) -> &mut ManagedClient {
        self.client.as_mut().expect("a lease has its client")
    }
}

impl Drop for PooledClient {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            self.inner.take_back(client);
        }
    }
}
