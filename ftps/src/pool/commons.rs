//! What the lines of a pool have in common: what they have brought to the server, and the sessions
//! that none of them uses.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

use tokio::sync::Notify;

use crate::line::Spare;

/// What all lines of a pool share.
#[derive(Debug, Default)]
pub(crate) struct Commons {
    bytes: AtomicU64,
    files: AtomicU64,
    is_crowded: AtomicBool,
    /// Lines that are taken out and do not wait for another one's session.
    working: AtomicU32,
    /// Sessions without a line, the one that was used last on top.
    spares: Mutex<Vec<Spare>>,
    /// A line came back.
    returned: Notify,
}

/// A line that waits for another one's session.
struct Waiting<'a>(&'a Commons);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_add(1, Ordering::Relaxed);
    }
}

impl Commons {
    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// The server takes no more sessions.
    pub(crate) fn note_crowded(&self) {
        self.is_crowded.store(true, Ordering::Relaxed);
    }

    /// Whether it said so since this was last asked.
    pub(super) fn take_crowded(&self) -> bool {
        self.is_crowded.swap(false, Ordering::Relaxed)
    }

    /// Bytes and files so far.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.files.load(Ordering::Relaxed))
    }

    /// A session that no line uses.
    pub(crate) fn take_spare(&self) -> Option<Spare> {
        self.spares().pop()
    }

    pub(super) fn take_spares(&self) -> Vec<Spare> {
        std::mem::take(&mut *self.spares())
    }

    pub(super) fn put_spare(&self, spare: Spare) {
        self.spares().push(spare);
    }

    /// How many sessions there are beside that of one line that is taken out.
    pub(super) fn others(&self) -> u32 {
        let spares = u32::try_from(self.spares().len()).unwrap_or(u32::MAX);
        self.working.load(Ordering::Relaxed).saturating_sub(1).saturating_add(spares)
    }

    /// A line was taken out.
    pub(super) fn line_left(&self) {
        self.working.fetch_add(1, Ordering::Relaxed);
    }

    /// A line came back, with its session or without.
    pub(super) fn line_returned(&self) {
        self.working.fetch_sub(1, Ordering::Relaxed);
        // One session at most became free; where nobody waits yet, the next one hears it.
        self.returned.notify_one();
    }

    /// Waits until another line comes back; `false` where there is none that could.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn another_returns(&self) -> bool {
        let returned = self.returned.notified();
        let before = self.working.fetch_sub(1, Ordering::Relaxed);
        let _waiting = Waiting(self);
        if before > 1 {
            returned.await;
        }
        before > 1
    }

    fn spares(&self) -> MutexGuard<'_, Vec<Spare>> {
        // The list is whole after a panic too.
        self.spares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
