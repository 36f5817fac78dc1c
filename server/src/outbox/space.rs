//! The space for unacknowledged messages, and the senders that wait for it.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore, TryAcquireError},
    time::{Instant, sleep_until},
};

use crate::locking::lock;

/// The bytes that unacknowledged messages may still take.
#[derive(Debug)]
pub(super) struct Space {
    free: Semaphore,
    capacity: usize,
    waiters: Mutex<Waiters>,
    /// A sender waits.
    blocked: Notify,
}

/// The senders that wait for space.
#[derive(Debug, Default)]
struct Waiters {
    number: usize,
    /// Since when one waits and the page has acknowledged nothing.
    since: Option<Instant>,
}

/// Why a message gets no space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSpace {
    /// The page has to acknowledge messages first.
    Full,
    /// The outbox is closed: messages are dropped.
    Closed,
}

impl Space {
    /// Creates a space of `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        let capacity = bytes.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Self {
            free: Semaphore::new(capacity),
            capacity,
            waiters: Mutex::default(),
            blocked: Notify::new(),
        }
    }

    /// Returns the space that a message of `len` bytes takes: at most all of it.
    pub(super) fn needed(&self, len: usize) -> u32 {
        u32::try_from(len.min(self.capacity)).unwrap_or(u32::MAX)
    }

    /// Takes space, and waits for it while the page acknowledges nothing.
    ///
    /// # Errors
    /// [`NoSpace::Closed`].
    pub(super) async fn take(&self, bytes: u32) -> Result<(), NoSpace> {
        let permits = match self.free.try_acquire_many(bytes) {
            Ok(permits) => permits,
            Err(_) => {
                let _waiter = Waiter::new(self);
                self.free.acquire_many(bytes).await.map_err(|_| NoSpace::Closed)?
            }
        };
        permits.forget();
        Ok(())
    }

    /// Takes space without waiting.
    ///
    /// # Errors
    /// [`NoSpace`].
    pub(super) fn try_take(&self, bytes: u32) -> Result<(), NoSpace> {
        let permits = self.free.try_acquire_many(bytes).map_err(|error| match error {
            TryAcquireError::Closed => NoSpace::Closed,
            TryAcquireError::NoPermits => NoSpace::Full,
        })?;
        permits.forget();
        Ok(())
    }

    /// Returns the space of messages that were acknowledged or dropped.
    pub(super) fn give_back(&self, bytes: usize) {
        self.free.add_permits(bytes);
    }

    /// Notes that the page has acknowledged messages, or has just come and had no time for it.
    pub(super) fn restart_timer(&self) {
        let mut waiters = self.waiters();
        waiters.since = waiters.since.map(|_| Instant::now());
    }

    /// Closes the space: senders that wait continue, and their messages are dropped.
    pub(super) fn close(&self) {
        self.free.close();
    }

    /// Waits until a sender has waited for `limit` while the page acknowledged nothing.
    pub(super) async fn is_stalled_for(&self, limit: Duration) {
        loop {
            let since = self.waiters().since;
            match since {
                Some(since) if since.elapsed() >= limit => return,
                Some(since) => sleep_until(since + limit).await,
                None => self.blocked.notified().await,
            }
        }
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        lock(&self.waiters)
    }
}

/// Counts a sender as waiting, until it is dropped.
struct Waiter<'a>(&'a Space);

impl<'a> Waiter<'a> {
    fn new(space: &'a Space) -> Self {
        let mut waiters = space.waiters();
        waiters.number += 1;
        waiters.since.get_or_insert_with(Instant::now);
        drop(waiters);
        space.blocked.notify_one();
        Self(space)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut waiters = self.0.waiters();
        waiters.number -= 1;
        if waiters.number == 0 {
            waiters.since = None;
        }
    }
}
