//! What the lines of a pool have in common: what they have brought to the server, and the sessions
//! that none of them uses.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use tokio::sync::Notify;

use super::{
    managed_client::IdleSession,
    session_count::{SessionCount, SessionSlot},
};

/// The server has not said how many sessions it takes.
const NO_LIMIT: u32 = u32::MAX;

/// What all lines of a pool share.
#[derive(Debug)]
pub(crate) struct PoolShared {
    bytes: AtomicU64,
    files: AtomicU64,
    /// The fewest sessions that the server was found to take, since this was last asked.
    room: AtomicU32,
    session_count: Arc<SessionCount>,
    /// Lines that are taken out and do not wait for another one's session.
    working: AtomicU32,
    /// Sessions without a line, the one that was used last on top.
    idle: Mutex<Vec<IdleSession>>,
    /// A line came back.
    returned: Notify,
}

/// A line that waits for another one's session.
struct WorkingCount<'a>(&'a PoolShared);

impl Drop for WorkingCount<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_add(1, Ordering::Relaxed);
    }
}

impl Default for PoolShared {
    fn default() -> Self {
        Self {
            bytes: AtomicU64::default(),
            files: AtomicU64::default(),
            room: AtomicU32::new(NO_LIMIT),
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

    /// An attempt to open a session begins.
    pub(crate) fn attempt(&self) -> SessionSlot {
        self.session_count.attempt()
    }

    /// The server takes no more than so many sessions.
    pub(crate) fn note_session_limit(&self, room: u32) {
        self.room.fetch_min(room, Ordering::Relaxed);
    }

    /// How many it takes, if it was found out since this was last asked.
    pub(super) fn take_session_limit(&self) -> Option<u32> {
        let room = self.room.swap(NO_LIMIT, Ordering::Relaxed);
        (room != NO_LIMIT).then_some(room)
    }

    /// Bytes and files so far.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.files.load(Ordering::Relaxed))
    }

    /// A session that no line uses.
    pub(super) fn take_idle(&self) -> Option<IdleSession> {
        self.idle().pop()
    }

    pub(super) fn take_all_idle(&self) -> Vec<IdleSession> {
        std::mem::take(&mut *self.idle())
    }

    pub(super) fn put_idle(&self, idle: IdleSession) {
        self.idle().push(idle);
    }

    /// How many sessions are logged in, those that no line uses included.
    pub(super) fn open_sessions(&self) -> u32 {
        self.session_count.open()
    }

    /// Whether the server lets in whoever logs in as these lines do: see [`SessionCount::accepts_logins`].
    pub(crate) fn accepts_logins(&self) -> bool {
        self.session_count.accepts_logins()
    }

    /// A line was taken out.
    pub(super) fn client_leased(&self) {
        self.working.fetch_add(1, Ordering::Relaxed);
    }

    /// A line came back, with its session or without.
    pub(super) fn client_returned(&self) {
        self.working.fetch_sub(1, Ordering::Relaxed);
        // One session at most became free; where nobody waits yet, the next one hears it.
        self.returned.notify_one();
    }

    /// Waits until another line comes back; `None` where there is none that could.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) fn next_return(&self) -> Option<impl Future<Output = ()> + use<'_>> {
        let returned = self.returned.notified();
        let before = self.working.fetch_sub(1, Ordering::Relaxed);
        let waiting = WorkingCount(self);
        (before > 1).then_some(async move {
            let _waiting = waiting;
            returned.await;
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<IdleSession>> {
        // The list is whole after a panic too.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
