//! The space for unacknowledged messages, and the senders that wait for it.
//!
//! A session has a share of its own. What its messages take beyond it comes out of the one budget of
//! all sessions.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::{
    select,
    sync::{Notify, Semaphore, TryAcquireError},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::SpaceLimits;
use crate::{
    locking::lock,
    relay::{Budget, Reservation},
};

/// A page acknowledges after this many bytes at the latest (`ACK_EVERY_BYTES` in `web`). A page that has
/// left fewer bytes unacknowledged is not stalled.
const LATE_ACK_BYTES: usize = 256 * 1024;

/// A message that was built for the space that is free may have this fraction of all space.
const BUILT_DIVISOR: usize = 2;

/// The bytes that unacknowledged messages may still take.
#[derive(Debug)]
pub(super) struct Space {
    free: Semaphore,
    capacity: usize,
    own_share: usize,
    budget: Budget,
    state: Mutex<SpaceState>,
    /// A sender waits.
    blocked: Notify,
    closed: CancellationToken,
}

/// The senders that wait for space.
#[derive(Debug)]
struct SpaceState {
    waiting: usize,
    /// The bytes of the session's own share that messages take.
    own_used: usize,
    /// When the page has acknowledged messages last, or has come.
    last_ack_at: Instant,
}

/// The space of one message. What it takes of the budget returns on drop.
#[derive(Debug)]
pub(super) struct Taken {
    /// The bytes of the session's own share.
    own_bytes: usize,
    _reservation: Option<Reservation>,
}

impl Taken {
    fn reserved(reservation: Reservation) -> Self {
        Self { own_bytes: 0, _reservation: Some(reservation) }
    }
}

/// The space of messages that were acknowledged or dropped.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Freed {
    bytes: usize,
    /// Bytes of the session's own share.
    own_bytes: usize,
}

/// Why a message gets no space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSpace {
    /// The page has to acknowledge messages first, or the budget is in use.
    Full,
    /// The outbox is closed: messages are dropped.
    Closed,
}

impl Freed {
    /// Adds the space of a message.
    pub(super) fn add(&mut self, bytes: u32, taken: &Taken) {
        self.bytes += bytes as usize;
        self.own_bytes += taken.own_bytes;
    }
}

impl Space {
    /// Creates a space.
    pub(super) fn new(limits: SpaceLimits, budget: Budget) -> Self {
        let capacity = limits.unacked_bytes.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Self {
            free: Semaphore::new(capacity),
            capacity,
            own_share: limits.own_share.min(capacity),
            budget,
            state: Mutex::new(SpaceState { waiting: 0, own_used: 0, last_ack_at: Instant::now() }),
            blocked: Notify::new(),
            closed: CancellationToken::new(),
        }
    }

    /// Returns the space that a message of `len` bytes takes: at most all of it.
    pub(super) fn needed(&self, len: usize) -> u32 {
        u32::try_from(len.min(self.capacity)).unwrap_or(u32::MAX)
    }

    /// Takes space, and waits for it while the page acknowledges nothing or the budget is in use.
    ///
    /// # Errors
    /// [`NoSpace::Closed`].
    pub(super) async fn take(&self, bytes: u32) -> Result<Taken, NoSpace> {
        match self.try_take(bytes) {
            Err(NoSpace::Full) => {}
            taken => return taken,
        }
        let _waiter = Waiter::new(self);
        let permits = self.free.acquire_many(bytes).await.map_err(|_| NoSpace::Closed)?;
        let taken = match self.take_own(bytes) {
            Some(own) => own,
            None => select! {
                () = self.closed.cancelled() => return Err(NoSpace::Closed),
                reservation = self.budget.reserve(u64::from(bytes)) => Taken::reserved(reservation),
            },
        };
        permits.forget();
        Ok(taken)
    }

    /// Takes space without waiting.
    ///
    /// # Errors
    /// [`NoSpace`].
    pub(super) fn try_take(&self, bytes: u32) -> Result<Taken, NoSpace> {
        let permits = self.free.try_acquire_many(bytes).map_err(|error| match error {
            TryAcquireError::Closed => NoSpace::Closed,
            TryAcquireError::NoPermits => NoSpace::Full,
        })?;
        let taken = self
            .take_own(bytes)
            .or_else(|| self.budget.try_reserve(u64::from(bytes)).map(Taken::reserved));
        let taken = taken.ok_or(NoSpace::Full)?;
        permits.forget();
        Ok(taken)
    }

    /// Takes a part of the session's own share, if it is free.
    fn take_own(&self, bytes: u32) -> Option<Taken> {
        let mut state = self.state();
        let used = state.own_used + bytes as usize;
        if used > self.own_share {
            return None;
        }
        state.own_used = used;
        Some(Taken { own_bytes: bytes as usize, _reservation: None })
    }

    /// Takes space for a message that is built for it: `build` gets its greatest length in bytes.
    /// While the budget is in use, that is a part of the session's own share.
    pub(super) fn room(&self) -> Room {
        let wanted = self.capacity / BUILT_DIVISOR;
        match self.budget.try_reserve_spare(wanted as u64) {
            Some(reservation) => Room { max_bytes: wanted, reservation: Some(reservation) },
            None => Room { max_bytes: self.own_share / BUILT_DIVISOR, reservation: None },
        }
    }

    /// Takes the part of a room that the message needs, and waits for the page.
    ///
    /// # Errors
    /// [`NoSpace::Closed`].
    pub(super) async fn take_room(&self, mut room: Room, bytes: u32) -> Result<Taken, NoSpace> {
        let Some(mut reservation) = room.reservation.take() else { return self.take(bytes).await };
        reservation.shrink(u64::MAX, u64::from(bytes));
        let _waiter = Waiter::new(self);
        let permits = self.free.acquire_many(bytes).await.map_err(|_| NoSpace::Closed)?;
        permits.forget();
        Ok(Taken::reserved(reservation))
    }

    /// Returns the space of messages that were acknowledged or dropped.
    pub(super) fn give_back(&self, freed: Freed) {
        self.state().own_used -= freed.own_bytes;
        self.free.add_permits(freed.bytes);
    }

    /// Notes that the page has acknowledged messages, or has just come and had no time for it.
    pub(super) fn restart_timer(&self) {
        self.state().last_ack_at = Instant::now();
    }

    /// Closes the space: senders that wait continue, and their messages are dropped.
    pub(super) fn close(&self) {
        self.free.close();
        self.closed.cancel();
    }

    /// Waits until the page has acknowledged nothing for `limit` while a sender of this session, or of
    /// another one, waited for the space that its messages take.
    pub(super) async fn wait_until_stalled(&self, limit: Duration) {
        loop {
            let waited = self.state().last_ack_at.elapsed();
            if waited >= limit && self.others_wait() {
                return;
            }
            let rest = limit.saturating_sub(waited).max(limit / 4);
            select! {
                () = self.blocked.notified() => {}
                () = sleep(rest) => {}
            }
        }
    }

    fn others_wait(&self) -> bool {
        self.state().waiting > 0
            || (self.budget.has_waiters() && self.used_bytes() > self.own_share + LATE_ACK_BYTES)
    }

    fn used_bytes(&self) -> usize {
        self.capacity - self.free.available_permits().min(self.capacity)
    }

    fn state(&self) -> MutexGuard<'_, SpaceState> {
        lock(&self.state)
    }
}

/// The space for a message that is built for it.
#[derive(Debug)]
pub(super) struct Room {
    /// The greatest length of the message in bytes.
    pub(super) max_bytes: usize,
    reservation: Option<Reservation>,
}

/// Counts a sender as waiting, until it is dropped.
struct Waiter<'a>(&'a Space);

impl<'a> Waiter<'a> {
    fn new(space: &'a Space) -> Self {
        let mut state = space.state();
        if state.waiting == 0 {
            state.last_ack_at = Instant::now();
        }
        state.waiting += 1;
        drop(state);
        space.blocked.notify_one();
        Self(space)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}
