//! The memory that all upload windows of the portal share.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit of the semaphore stands for: `u32::MAX` permits are 4 TiB.
const UNIT_BYTES: u64 = 1024;

/// The upper bound of the sum of all windows.
#[derive(Clone, Debug)]
pub struct Budget {
    units: Arc<Semaphore>,
    total_bytes: u64,
    /// How many callers of [`Budget::reserve`] wait.
    waiters: Arc<AtomicUsize>,
}

/// A reserved part of the budget, which is returned on drop.
#[derive(Debug, Default)]
pub struct Reservation {
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// Creates a budget of `bytes`, rounded down to whole KiB.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let units = usize::try_from(bytes / UNIT_BYTES).unwrap_or(usize::MAX);
        let units = units.min(Semaphore::MAX_PERMITS);
        Self {
            units: Arc::new(Semaphore::new(units)),
            total_bytes: units as u64 * UNIT_BYTES,
            waiters: Arc::default(),
        }
    }

    /// Reserves at least `bytes`, if they are free now.
    #[must_use]
    pub fn try_reserve(&self, bytes: u64) -> Option<Reservation> {
        let permit = Arc::clone(&self.units).try_acquire_many_owned(units(bytes)).ok()?;
        Some(Reservation { permit: Some(permit) })
    }

    /// Reserves at least `bytes`, but never more than the whole budget, as soon as they are free.
    /// Callers are served in the order of their calls.
    pub async fn reserve(&self, bytes: u64) -> Reservation {
        let bytes = bytes.min(self.total_bytes);
        let _waiter = Waiter::new(&self.waiters);
        // The semaphore is never closed, so a permit comes in the end.
        let permit = Arc::clone(&self.units).acquire_many_owned(units(bytes)).await.ok();
        Reservation { permit }
    }

    /// Reserves at least `bytes`, if half of the budget stays free: for bytes that could also wait.
    #[must_use]
    pub fn try_reserve_spare(&self, bytes: u64) -> Option<Reservation> {
        let free_afterwards = self.free_bytes().saturating_sub(bytes);
        if free_afterwards >= self.total_bytes / 2 { self.try_reserve(bytes) } else { None }
    }

    /// Returns whether an upload waits for a part of the budget: then wider windows shrink.
    #[must_use]
    pub fn has_waiters(&self) -> bool {
        self.waiters.load(Ordering::Relaxed) > 0
    }

    /// Returns the size of the budget in bytes.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Returns the number of bytes that are not reserved.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        self.units.available_permits() as u64 * UNIT_BYTES
    }
}

impl Reservation {
    /// Returns the size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.permit.as_ref().map_or(0, |permit| permit.num_permits() as u64 * UNIT_BYTES)
    }

    /// Returns up to `bytes` to the budget, but keeps `least`. The result is the number of bytes
    /// that were returned.
    pub fn shrink(&mut self, bytes: u64, least: u64) -> u64 {
        let surplus = self.bytes().saturating_sub(least).min(bytes) / UNIT_BYTES;
        let surplus_units = usize::try_from(surplus).unwrap_or(0);
        let returned = self.permit.as_mut().and_then(|permit| permit.split(surplus_units));
        returned.map_or(0, |permit| permit.num_permits() as u64 * UNIT_BYTES)
    }

    /// Adds another reservation to this one.
    pub fn merge(&mut self, other: Self) {
        match (&mut self.permit, other.permit) {
            (Some(mine), Some(more)) => mine.merge(more),
            (mine @ None, more) => *mine = more,
            (Some(_), None) => {}
        }
    }
}

/// Counts a caller as waiting, until it is dropped.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn new(waiters: &'a AtomicUsize) -> Self {
        waiters.fetch_add(1, Ordering::Relaxed);
        Self(waiters)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_bytes_are_not_free_until_the_reservation_is_dropped() {
        let budget = Budget::new(10 * 1024);
        let mut reservation = budget.try_reserve(4 * 1024).unwrap();
        reservation.merge(budget.try_reserve(4 * 1024).unwrap());
        assert_eq!(reservation.bytes(), 8 * 1024);
        assert!(budget.try_reserve(4 * 1024).is_none());
        drop(reservation);
        assert_eq!(budget.free_bytes(), 10 * 1024);
    }

    #[tokio::test]
    async fn waiter_is_counted_and_gets_what_another_reservation_returns() {
        let budget = Budget::new(10 * 1024);
        let mut wide = budget.try_reserve(10 * 1024).unwrap();
        let shared = budget.clone();
        let waiting = tokio::spawn(async move { shared.reserve(2 * 1024).await.bytes() });
        while !budget.has_waiters() {
            tokio::task::yield_now().await;
        }
        assert_eq!(wide.shrink(9 * 1024, 8 * 1024), 2 * 1024);
        assert_eq!(waiting.await.unwrap(), 2 * 1024);
        assert!(!budget.has_waiters());
        assert_eq!(wide.shrink(9 * 1024, 8 * 1024), 0);
    }

    #[test]
    fn spare_reservation_leaves_half_of_the_budget_free() {
        let budget = Budget::new(10 * 1024);
        assert!(budget.try_reserve_spare(6 * 1024).is_none());
        let _spare = budget.try_reserve_spare(5 * 1024).unwrap();
        assert!(budget.try_reserve_spare(1024).is_none());
        assert!(budget.try_reserve(1024).is_some());
    }

    #[tokio::test]
    async fn more_than_the_whole_budget_is_the_whole_budget() {
        let budget = Budget::new(10 * 1024);
        assert_eq!(budget.reserve(1 << 40).await.bytes(), 10 * 1024);
    }
}
