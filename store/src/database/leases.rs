//! Work that only one portal may do at a time.

use std::time::Duration;

use super::{Store, as_ms};
use crate::error::StoreError;

impl Store {
    /// Takes or extends the lease `name` for `time`; returns whether `instance` has it now. A lease that
    /// its portal no longer extends is free once its time is over, by the database's clock.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn take_lease(
        &self,
        name: &str,
        instance: &str,
        time: Duration,
    ) -> Result<bool, StoreError> {
        let now_ms = self.now_ms().await?;
        let taken = sqlx::query(
            "INSERT INTO leases (name, instance, until_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET instance = excluded.instance, \
             until_ms = excluded.until_ms \
             WHERE leases.instance = excluded.instance OR leases.until_ms <= $4 \
             RETURNING instance",
        )
        .bind(name.to_owned())
        .bind(instance.to_owned())
        .bind(now_ms.saturating_add(as_ms(time)))
        .bind(now_ms)
        .fetch_optional(self.pool())
        .await;
        Ok(self.classified(taken)?.is_some())
    }

    /// Removes the leases of portals that have ended without giving them back. Only the portal that has
    /// the store alone may do that.
    pub(super) async fn remove_leases(&self) -> Result<(), StoreError> {
        let removed = sqlx::query("DELETE FROM leases").execute(self.pool()).await;
        self.classified(removed).map(drop)
    }

    /// Gives back a lease, if `instance` has it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn give_back_lease(&self, name: &str, instance: &str) -> Result<(), StoreError> {
        let given = sqlx::query("DELETE FROM leases WHERE name = $1 AND instance = $2")
            .bind(name.to_owned())
            .bind(instance.to_owned())
            .execute(self.pool())
            .await;
        self.classified(given).map(drop)
    }
}
