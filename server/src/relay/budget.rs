//! The memory that all windows of the portal share.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit of the semaphore stands for: a `u32` of them is 4 TiB.
const UNIT_BYTES: u64 = 1024;

/// The sum of all windows that may be open at once.
#[derive(Clone, Debug)]
pub struct Budget {
    units: Arc<Semaphore>,
    total_bytes: u64,
    /// How many wait for a part.
    wanted: Arc<AtomicUsize>,
}

/// A part of the budget; it returns when it is dropped.
#[derive(Debug, Default)]
pub struct Lease {
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// A budget of `bytes`, rounded down to whole KiB.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let units = usize::try_from(bytes / UNIT_BYTES).unwrap_or(usize::MAX);
        let units = units.min(Semaphore::MAX_PERMITS);
        Self {
            units: Arc::new(Semaphore::new(units)),
            total_bytes: units as u64 * UNIT_BYTES,
            wanted: Arc::default(),
        }
    }

    /// A part of at least `bytes`, if it is free now.
    #[must_use]
    pub fn try_lease(&self, bytes: u64) -> Option<Lease> {
        let permit = Arc::clone(&self.units).try_acquire_many_owned(units(bytes)).ok()?;
        Some(Lease { permit: Some(permit) })
    }

    /// A part of at least `bytes` (never more than the whole budget), as soon as it is free;
    /// who asks first is served first.
    pub async fn lease(&self, bytes: u64) -> Lease {
        let bytes = bytes.min(self.total_bytes);
        let _wants = Wants::new(&self.wanted);
        // The semaphore is never closed, so there is always a permit in the end.
        let permit = Arc::clone(&self.units).acquire_many_owned(units(bytes)).await.ok();
        Lease { permit }
    }

    /// A part of at least `bytes`, if half of the budget stays free: for what could as well wait.
    #[must_use]
    pub fn try_lease_spare(&self, bytes: u64) -> Option<Lease> {
        let stays = self.free_bytes().saturating_sub(bytes);
        if stays >= self.total_bytes / 2 { self.try_lease(bytes) } else { None }
    }

    /// Whether somebody waits for a part: whoever has more than the least gives of it.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) > 0
    }

    /// Bytes that nobody holds.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        self.units.available_permits() as u64 * UNIT_BYTES
    }
}

impl Lease {
    /// The part's size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.permit.as_ref().map_or(0, |permit| permit.num_permits() as u64 * UNIT_BYTES)
    }

    /// Gives back as much of `bytes` as leaves `least`; so much it was.
    pub fn give_back(&mut self, bytes: u64, least: u64) -> u64 {
        let spare = self.bytes().saturating_sub(least).min(bytes) / UNIT_BYTES;
        let spare_units = usize::try_from(spare).unwrap_or(0);
        let given = self.permit.as_mut().and_then(|permit| permit.split(spare_units));
        given.map_or(0, |permit| permit.num_permits() as u64 * UNIT_BYTES)
    }

    /// Adds another part to this one.
    pub fn merge(&mut self, other: Self) {
        match (&mut self.permit, other.permit) {
            (Some(mine), Some(more)) => mine.merge(more),
            (mine @ None, more) => *mine = more,
            (Some(_), None) => {}
        }
    }
}

/// Somebody waits, until this is dropped.
struct Wants<'a>(&'a AtomicUsize);

impl<'a> Wants<'a> {
    fn new(wanted: &'a AtomicUsize) -> Self {
        wanted.fetch_add(1, Ordering::Relaxed);
        Self(wanted)
    }
}

impl Drop for Wants<'_> {
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
    fn what_is_leased_is_not_free_until_it_is_dropped() {
        let budget = Budget::new(10 * 1024);
        let mut lease = budget.try_lease(4 * 1024).unwrap();
        lease.merge(budget.try_lease(4 * 1024).unwrap());
        assert_eq!(lease.bytes(), 8 * 1024);
        assert!(budget.try_lease(4 * 1024).is_none());
        drop(lease);
        assert_eq!(budget.free_bytes(), 10 * 1024);
    }

    #[tokio::test]
    async fn who_waits_is_known_and_gets_what_is_given_back() {
        let budget = Budget::new(10 * 1024);
        let mut greedy = budget.try_lease(10 * 1024).unwrap();
        let waits = budget.clone();
        let waiting = tokio::spawn(async move { waits.lease(2 * 1024).await.bytes() });
        while !budget.is_wanted() {
            tokio::task::yield_now().await;
        }
        assert_eq!(greedy.give_back(9 * 1024, 8 * 1024), 2 * 1024);
        assert_eq!(waiting.await.unwrap(), 2 * 1024);
        assert!(!budget.is_wanted());
        assert_eq!(greedy.give_back(9 * 1024, 8 * 1024), 0);
    }

    #[test]
    fn spare_part_leaves_half_of_the_budget() {
        let budget = Budget::new(10 * 1024);
        assert!(budget.try_lease_spare(6 * 1024).is_none());
        let _spare = budget.try_lease_spare(5 * 1024).unwrap();
        assert!(budget.try_lease_spare(1024).is_none());
        assert!(budget.try_lease(1024).is_some());
    }

    #[tokio::test]
    async fn more_than_the_whole_budget_is_the_whole_budget() {
        let budget = Budget::new(10 * 1024);
        assert_eq!(budget.lease(1 << 40).await.bytes(), 10 * 1024);
    }
}
