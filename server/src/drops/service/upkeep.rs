//! What a portal does for its drops beside its guests: tells them that a drop has ended, renews and releases
//! claims, forgets guests.

use std::{sync::Weak, time::Duration};

use store::{DropState, ExpiredClaim, StoreError};
use tokio::time::Instant;

use super::{DropTimes, Drops, ExpiredPart, record_of};
use crate::{drops::visit::DropEnd, locking::lock};

/// The pause between two looks for drops that were withdrawn or have expired.
const WATCH_INTERVAL: Duration = Duration::from_millis(400);

/// Drops that ended up to so long before the last look are found again: their transaction may have ended after
/// that.
const WATCH_OVERLAP_MS: i64 = 10_000;

/// The part of a lease after which it is renewed.
const RENEWALS: u32 = 3;

/// The pause between two looks for guests to forget.
const FORGET_INTERVAL: Duration = Duration::from_secs(60 * 60);

impl Drops {
    /// Watches over the drops and their claims; never completes.
    pub async fn run(&self) {
        tokio::join!(self.watch(), self.keep_claims(), self.forget());
    }

    /// Tells visits that their drops have ended.
    async fn watch(&self) {
        let mut since_ms = 0;
        loop {
            tokio::time::sleep(WATCH_INTERVAL).await;
            let has_visits = {
                let mut visits = lock(&self.visits);
                visits.retain(|_, of_drop| of_drop.iter().any(|visit| visit.strong_count() > 0));
                !visits.is_empty()
            };
            if !has_visits {
                since_ms = 0;
                continue;
            }
            match self.tell_ended(since_ms).await {
                Ok(now_ms) => since_ms = now_ms.saturating_sub(WATCH_OVERLAP_MS),
                Err(error) => tracing::warn!(%error, "drops are not watched for their ends"),
            }
        }
    }

    async fn tell_ended(&self, since_ms: i64) -> Result<i64, StoreError> {
        let now_ms = self.rows().now_ms().await?;
        for id in self.rows().drops_ended_since(since_ms).await? {
            let visits = lock(&self.visits).get(&id).cloned().unwrap_or_default();
            let visits: Vec<_> = visits.iter().filter_map(Weak::upgrade).collect();
            if visits.is_empty() {
                continue;
            }
            let row = self.rows().drop_by_id(&id).await?;
            let end = match row.map(|row| row.state_at(now_ms)) {
                Some(DropState::Open | DropState::Full | DropState::TooEarly) => continue,
                Some(DropState::Expired) => DropEnd::Over,
                Some(DropState::Revoked) | None => DropEnd::Withdrawn,
            };
            visits.iter().for_each(|visit| visit.set_ended(end));
        }
        Ok(now_ms)
    }

    /// Renews the portal's claims, and releases those that no portal renews.
    async fn keep_claims(&self) {
        loop {
            let DropTimes { lease, .. } = self.times();
            tokio::time::sleep(lease / RENEWALS).await;
            if let Err(error) = self.renew(lease).await {
                tracing::warn!(%error, "claims of drops cannot be renewed");
            }
            match self.rows().release_expired_claims().await {
                Ok(released) => {
                    for claim in released {
                        tracing::info!(drop = claim.drop, file = claim.file, "a claim has expired");
                        self.give_up(&claim);
                    }
                }
                Err(error) => tracing::warn!(%error, "claims of drops cannot be released"),
            }
        }
    }

    /// Queues the part file of a paused upload, whose guest did not come back, for removal.
    fn give_up(&self, claim: &ExpiredClaim) {
        let Some(sealed) = &claim.paused else { return };
        let path = match record_of(&self.store, &claim.file, sealed) {
            Ok(record) => record.and_then(|record| record.temporary),
            Err(error) => {
                tracing::warn!(%error, file = claim.file, "a part file stays on its server");
                return;
            }
        };
        if let Some(path) = path {
            let part = ExpiredPart { preset: claim.preset.clone(), path };
            let _stays_on_the_server = self.expired_parts.sender.try_send(part);
        }
    }

    /// Waits for the next part file that has to be removed.
    pub async fn next_expired_part(&self) -> ExpiredPart {
        match self.expired_parts.receiver.lock().await.recv().await {
            Some(part) => part,
            // The sender is a part of this.
            None => std::future::pending().await,
        }
    }

    async fn renew(&self, lease: Duration) -> Result<(), StoreError> {
        let open: Vec<String> = lock(&self.files).keys().cloned().collect();
        if open.is_empty() {
            return Ok(());
        }
        let renewed = self.rows().renew_claims(&self.instance, lease).await?;
        let files = lock(&self.files);
        for lost in open.iter().filter(|file| !renewed.contains(file)) {
            // Another portal goes on with it.
            if let Some(open) = files.get(lost) {
                open.stop.cancel();
            }
        }
        Ok(())
    }

    async fn forget(&self) {
        loop {
            match self.rows().forget_guests(self.times().retention).await {
                Ok(0) => {}
                Ok(values) => tracing::info!(values, "guests of old drops were forgotten"),
                Err(error) => tracing::warn!(%error, "guests of old drops cannot be forgotten"),
            }
            tokio::time::sleep_until(Instant::now() + FORGET_INTERVAL).await;
        }
    }
}
