//! The state that the clients of a pool share: totals, the session count, and the idle sessions.

use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use tokio::sync::Notify;

use super::{
    managed_client::IdleSession,
    session_count::{SessionCount, SessionSlot},
};
use crate::lock::lock;

/// The server has not reported a session limit.
const NO_LIMIT: u32 = u32::MAX;

/// The state that the clients of a pool share.
#[derive(Debug)]
pub(crate) struct PoolShared {
    bytes: AtomicU64,
    files: AtomicU64,
    /// The lowest session limit that was found since this was last taken.
    session_limit: AtomicU32,
    session_count: Arc<SessionCount>,
    /// Leased clients that do not wait for an idle session.
    working: AtomicU32,
    /// Idle sessions, the one used last on top.
    idle: Mutex<Vec<IdleSession>>,
    /// Notified when a client returns.
    returned: Notify,
}

/// Marks a client as waiting for an idle session while it lives.
struct WaitingForIdle<'a>(&'a PoolShared);

impl Drop for WaitingForIdle<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_add(1, Ordering::Relaxed);
    }
}

impl Default for PoolShared {
    fn default() -> Self {
        Self {
            bytes: AtomicU64::default(),
            files: AtomicU64::default(),
            session_limit: AtomicU32::new(NO_LIMIT),
            session_count: Arc::default(),
            working: AtomicU32::default(),
            idle: Mutex::default(),
            returned: Notify::default(),
        }
    }
}

impl PoolShared {
    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// Begins an attempt to open a session.
    pub(crate) fn attempt(&self) -> SessionSlot {
        self.session_count.attempt()
    }

    /// Notes that the server allows no more than so many sessions.
    pub(crate) fn note_session_limit(&self, session_limit: u32) {
        self.session_limit.fetch_min(session_limit, Ordering::Relaxed);
    }

    /// Takes the session limit, if one was found since the last call.
    pub(super) fn take_session_limit(&self) -> Option<u32> {
        let session_limit = self.session_limit.swap(NO_LIMIT, Ordering::Relaxed);
        (session_limit != NO_LIMIT).then_some(session_limit)
    }

    /// Bytes and files so far.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.files.load(Ordering::Relaxed))
    }

    /// Takes an idle session.
    pub(super) fn take_idle(&self) -> Option<IdleSession> {
        self.idle().pop()
    }

    pub(super) fn take_all_idle(&self) -> Vec<IdleSession> {
        std::mem::take(&mut *self.idle())
    }

    pub(super) fn put_idle(&self, idle: IdleSession) {
        self.idle().push(idle);
    }

    /// How many sessions are logged in, idle ones included.
    pub(super) fn open_sessions(&self) -> u32 {
        self.session_count.open()
    }

    /// Whether the server accepts this login: see [`SessionCount::accepts_logins`].
    pub(crate) fn accepts_logins(&self) -> bool {
        self.session_count.accepts_logins()
    }

    /// Notes that a client was leased.
    pub(super) fn client_leased(&self) {
        self.working.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a client returned, with its session or without.
    pub(super) fn client_returned(&self) {
        self.working.fetch_sub(1, Ordering::Relaxed);
        // At most one session became idle. Where none waits yet, the next waiter is notified.
        self.returned.notify_one();
    }

    /// Waits until another client returns; `None` where none can.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) fn next_return(&self) -> Option<impl Future<Output = ()> + use<'_>> {
        let returned = self.returned.notified();
        let before = self.working.fetch_sub(1, Ordering::Relaxed);
        let waiting = WaitingForIdle(self);
        (before > 1).then_some(async move {
            let _waiting = waiting;
            returned.await;
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<IdleSession>> {
        // A panic leaves the list consistent.
        lock(&self.idle)
    }
}
