//! The files of arrivals, from the claim before their first byte to their end.
//!
//! ```text
//!            claim              +----------+   store    +--------+
//!  offer ---------------------> | claimed  | ---------> | stored |
//!                               +----------+            +--------+
//!                 resume ^  |     |      |   fail        +--------+
//!                        |  |     |      +-------------> | failed |
//!                        |  v     |                      +--------+
//!                 claimed, without|  release, or the     +----------+
//!                 a portal: paused|  lease is over       | released |
//!                                 +--------------------> +----------+
//! ```
//!
//! Invariant: `used_files` and `used_bytes` of a drop are number and size of its files that are claimed or
//! stored. A transaction that changes them writes to the drop's row first, so that all of one drop wait for
//! each other.

mod model;
mod transactions;

use std::time::Duration;

use sqlx::{Row as _, any::AnyRow};

pub use self::model::{
    ClaimOutcome, ClaimRefusal, ClaimRequest, Claimant, EarlierClaim, EarlierFile, ExpiredClaim,
    NewArrival, NotStored, StoredFacts,
};
use self::transactions::{Claimed, Claiming, Ended, Ending, Holder, lock_drop};
use super::{
    Store, as_ms,
    drops::{number, stored},
    secrets::Sealed,
};
use crate::error::StoreError;

/// The kind of secret that name and path of a file are, by the file's id.
pub const FILE_SECRET: &str = "drop_file";

/// The kind of secret that the guest of an arrival is, by the arrival's id.
pub const ARRIVAL_SECRET: &str = "drop_arrival";

/// The most files that one call claims.
pub const MAX_CLAIMS: usize = 64;

/// The most numbers that are tried for a file whose path is claimed by others.
const MAX_NUMBERS: u32 = 1000;

/// The instance of a claim whose upload is paused.
const PAUSED: &str = "";

/// The instance of a claim whose portal has ended without a warning. Names of portals have no such sign.
const GONE: &str = "-";

/// How often a transaction is tried that the database aborts because of another one.
const TRIES: u32 = 3;

impl Store {
    /// Claims files in the order of the requests, at most [`MAX_CLAIMS`], in one transaction. The limits of
    /// the drop hold exactly, whatever other portals claim at the same time.
    ///
    /// # Errors
    /// When the store cannot be written; then no file is claimed.
    pub async fn claim(
        &self,
        claimant: &Claimant,
        requests: &[ClaimRequest<'_>],
    ) -> Result<Vec<ClaimOutcome>, StoreError> {
        let mut tries = 1;
        loop {
            match self.try_claim(claimant, requests).await {
                Err(StoreError::Aborted { .. }) if tries < TRIES => tries += 1,
                claimed => return claimed,
            }
        }
    }

    async fn try_claim(
        &self,
        claimant: &Claimant,
        requests: &[ClaimRequest<'_>],
    ) -> Result<Vec<ClaimOutcome>, StoreError> {
        let now_ms = self.now_ms().await?;
        let mut transaction = self.begin().await?;
        let claiming = Claiming { claimant, now_ms, lease_until_ms: self.until(now_ms, claimant) };
        let claimed = claiming.all(&mut transaction, requests).await;
        match self.classified(claimed)? {
            Claimed::Files(outcomes) => {
                self.classified(transaction.commit().await)?;
                Ok(outcomes)
            }
            Claimed::NoArrival => {
                self.classified(transaction.rollback().await)?;
                let refused = ClaimOutcome::Refused(ClaimRefusal::NoArrivals);
                Ok(vec![refused; requests.len()])
            }
        }
    }

    fn until(&self, now_ms: i64, claimant: &Claimant) -> i64 {
        now_ms.saturating_add(as_ms(claimant.lease))
    }

    /// Looks for a file that a guest offers again. A claim of it that has not ended becomes that of
    /// `instance`.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn resume_claim(
        &self,
        arrival: &str,
        name_sha256: &[u8],
        size: u64,
        (instance, lease): (&str, Duration),
    ) -> Result<Option<EarlierFile>, StoreError> {
        let now_ms = self.now_ms().await?;
        let mut transaction = self.begin().await?;
        let found = async {
            let row = sqlx::query(
                "SELECT id, number, state, instance, lease_until_ms, key_id, ciphertext \
                 FROM arrival_files JOIN secrets ON secrets.kind = $1 \
                 AND secrets.name = arrival_files.id WHERE arrival_id = $2 AND name_sha256 = $3 \
                 AND size = $4 AND state IN ('claimed', 'released') ORDER BY state, at_ms DESC LIMIT 1",
            )
            .bind(FILE_SECRET.to_owned())
            .bind(arrival.to_owned())
            .bind(name_sha256.to_vec())
            .bind(stored(size))
            .fetch_optional(&mut *transaction)
            .await?;
            let Some(row) = row else { return Ok(None) };
            let mut earlier = earlier_file(&row, instance, now_ms)?;
            if earlier.claim != EarlierClaim::Released {
                let changed = sqlx::query(
                    "UPDATE arrival_files SET instance = $2, lease_until_ms = $3, at_ms = $4 \
                     WHERE id = $1 AND state = 'claimed' AND instance = $5",
                )
                .bind(earlier.file.clone())
                .bind(instance.to_owned())
                .bind(now_ms.saturating_add(as_ms(lease)))
                .bind(now_ms)
                .bind(row.try_get::<String, _>("instance")?)
                .execute(&mut *transaction)
                .await?;
                if changed.rows_affected() == 0 {
                    earlier.claim = EarlierClaim::Released;
                }
            }
            Ok(Some(earlier))
        };
        let found = self.classified(found.await)?;
        self.classified(transaction.commit().await)?;
        Ok(found)
    }

    /// Writes name and path of a claimed file again, for example with the name of its part file.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn describe_file(&self, file: &str, sealed: &Sealed) -> Result<(), StoreError> {
        self.put_secret(FILE_SECRET, file, sealed).await
    }

    /// Gives a claimed file another number, from `number` on: the server has a file of its name. Returns the
    /// number; `None` where all are claimed, or the claim is no longer the portal's.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn renumber_claim(
        &self,
        file: &str,
        instance: &str,
        number: u32,
        path_sha256: &(dyn Fn(u32) -> Vec<u8> + Send + Sync),
    ) -> Result<Option<u32>, StoreError> {
        for number in number..=MAX_NUMBERS {
            let path = path_sha256(number);
            let changed = sqlx::query(
                "UPDATE arrival_files SET number = $3, path_sha256 = $4 WHERE id = $1 \
                 AND state = 'claimed' AND instance = $2 AND NOT EXISTS (SELECT 1 FROM arrival_files \
                 AS other WHERE other.preset = arrival_files.preset AND other.path_sha256 = $4 \
                 AND other.state = 'claimed' AND other.id <> $1)",
            )
            .bind(file.to_owned())
            .bind(instance.to_owned())
            .bind(i64::from(number))
            .bind(path)
            .execute(self.pool())
            .await;
            match changed {
                Ok(changed) if changed.rows_affected() > 0 => return Ok(Some(number)),
                Ok(_) if self.has_claim(file, instance).await? => {}
                Ok(_) => return Ok(None),
                // Another portal claimed the path at the same time.
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {}
                Err(error) => return self.classified(Err(error)),
            }
        }
        Ok(None)
    }

    async fn has_claim(&self, file: &str, instance: &str) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT id FROM arrival_files WHERE id = $1 AND state = 'claimed' AND instance = $2",
        )
        .bind(file.to_owned())
        .bind(instance.to_owned())
        .fetch_optional(self.pool())
        .await;
        Ok(self.classified(row)?.is_some())
    }

    /// Notes that a file is stored on the server. A claim that was released meanwhile counts again: the file
    /// is there. Returns whether it counts; it does not where another portal has taken over the claim.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn store_claim(
        &self,
        file: &str,
        instance: &str,
        facts: &StoredFacts,
    ) -> Result<bool, StoreError> {
        let now_ms = self.now_ms().await?;
        let mut transaction = self.begin().await?;
        let done = async {
            let row = sqlx::query("SELECT drop_id FROM arrival_files WHERE id = $1")
                .bind(file.to_owned())
                .fetch_optional(&mut *transaction)
                .await?;
            let Some(row) = row else { return Ok(false) };
            lock_drop(&mut transaction, &row.try_get::<String, _>("drop_id")?).await?;
            let released = sqlx::query(
                "UPDATE drops SET used_files = used_files + 1, used_bytes = used_bytes + \
                 (SELECT size FROM arrival_files WHERE id = $1) WHERE id = (SELECT drop_id FROM \
                 arrival_files WHERE id = $1 AND state = 'released')",
            )
            .bind(file.to_owned())
            .execute(&mut *transaction)
            .await?;
            let row = sqlx::query(
                "UPDATE arrival_files SET state = 'stored', sha256 = $3, verified = $4, at_ms = $5, \
                 lease_until_ms = 0 WHERE id = $1 AND ((state = 'claimed' AND instance = $2) \
                 OR (state = 'released' AND $6 = 1)) RETURNING arrival_id, size",
            )
            .bind(file.to_owned())
            .bind(instance.to_owned())
            .bind(facts.sha256.clone())
            .bind(facts.verified.clone())
            .bind(now_ms)
            .bind(i64::from(released.rows_affected() > 0))
            .fetch_optional(&mut *transaction)
            .await?;
            let Some(row) = row else { return Ok(false) };
            sqlx::query(
                "UPDATE arrivals SET files = files + 1, bytes = bytes + $2, last_ms = $3 WHERE id = $1",
            )
            .bind(row.try_get::<String, _>("arrival_id")?)
            .bind(row.try_get::<i64, _>("size")?)
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
            Ok(true)
        };
        let counts = self.classified(done.await)?;
        self.classified(transaction.commit().await)?;
        Ok(counts)
    }

    /// Ends a claim without a stored file, and gives back what it took. Returns whether it was the portal's.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn end_claim(
        &self,
        file: &str,
        instance: &str,
        end: NotStored,
        problem: &str,
    ) -> Result<bool, StoreError> {
        let now_ms = self.now_ms().await?;
        let mut transaction = self.begin().await?;
        let ending = Ending { file, state: end.text(), problem, now_ms };
        let ended = ending.run(&mut transaction, Holder::Instance(instance)).await;
        let ended = self.classified(ended)?;
        self.classified(transaction.commit().await)?;
        Ok(ended.is_some())
    }

    /// Keeps the claim of a paused file for `window` without a portal. Returns whether it was the portal's.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn pause_claim(
        &self,
        file: &str,
        instance: &str,
        window: Duration,
    ) -> Result<bool, StoreError> {
        let now_ms = self.now_ms().await?;
        let paused = sqlx::query(
            "UPDATE arrival_files SET instance = $5, lease_until_ms = $3, at_ms = $4 WHERE id = $1 \
             AND state = 'claimed' AND instance = $2",
        )
        .bind(file.to_owned())
        .bind(instance.to_owned())
        .bind(now_ms.saturating_add(as_ms(window)))
        .bind(now_ms)
        .bind(PAUSED.to_owned())
        .execute(self.pool())
        .await;
        Ok(self.classified(paused)?.rows_affected() > 0)
    }

    /// Renews the claims of a portal. Returns the ids of their files: a file that is missing belongs to
    /// another portal, or was released.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn renew_claims(
        &self,
        instance: &str,
        lease: Duration,
    ) -> Result<Vec<String>, StoreError> {
        let now_ms = self.now_ms().await?;
        let rows = sqlx::query(
            "UPDATE arrival_files SET lease_until_ms = $2 WHERE state = 'claimed' AND instance = $1 \
             RETURNING id",
        )
        .bind(instance.to_owned())
        .bind(now_ms.saturating_add(as_ms(lease)))
        .fetch_all(self.pool())
        .await;
        let ids = rows.and_then(|rows| rows.iter().map(|row| row.try_get("id")).collect());
        self.classified(ids)
    }

    /// Releases claims whose lease is over, at most [`MAX_CLAIMS`] of them, and gives back what they took.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn release_expired_claims(&self) -> Result<Vec<ExpiredClaim>, StoreError> {
        let now_ms = self.now_ms().await?;
        let rows = sqlx::query(
            "SELECT id FROM arrival_files WHERE state = 'claimed' AND lease_until_ms <= $1 \
             ORDER BY lease_until_ms LIMIT $2",
        )
        .bind(now_ms)
        .bind(i64::try_from(MAX_CLAIMS).unwrap_or(i64::MAX))
        .fetch_all(self.pool())
        .await;
        let ids = rows.and_then(|rows| rows.iter().map(|row| row.try_get("id")).collect());
        let ids: Vec<String> = self.classified(ids)?;
        let mut released = Vec::new();
        for file in ids {
            let mut transaction = self.begin().await?;
            let ending = Ending { file: &file, state: "released", problem: "", now_ms };
            let ended = ending.run(&mut transaction, Holder::Nobody).await;
            let ended = self.classified(ended)?;
            self.classified(transaction.commit().await)?;
            let Some(Ended { claim, was_paused }) = ended else { continue };
            let paused = match was_paused {
                true => self.secret(FILE_SECRET, &claim.file).await?,
                false => None,
            };
            released.push(ExpiredClaim { paused, ..claim });
        }
        Ok(released)
    }

    /// Returns the sum of files and bytes of a drop that are claimed or stored. It equals the drop's use.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sum_of_files(&self, drop: &str) -> Result<(u64, u64), StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS files, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes \
             FROM arrival_files WHERE drop_id = $1 AND state IN ('claimed', 'stored')",
        )
        .bind(drop.to_owned())
        .fetch_one(self.pool())
        .await;
        let sums = row.and_then(|row| Ok((number(&row, "files")?, number(&row, "bytes")?)));
        self.classified(sums)
    }

    /// Takes the claims from a portal that has ended. Only the portal that has the store alone may do that.
    pub(super) async fn take_all_claims(&self) -> Result<(), StoreError> {
        let taken = sqlx::query(
            "UPDATE arrival_files SET instance = $1 WHERE state = 'claimed' AND instance <> $2",
        )
        .bind(GONE.to_owned())
        .bind(PAUSED.to_owned())
        .execute(self.pool())
        .await;
        self.classified(taken).map(drop)
    }
}

fn earlier_file(row: &AnyRow, instance: &str, now_ms: i64) -> Result<EarlierFile, sqlx::Error> {
    let holder: String = row.try_get("instance")?;
    let is_over = row.try_get::<i64, _>("lease_until_ms")? <= now_ms;
    let is_free = [PAUSED, GONE, instance].contains(&holder.as_str()) || is_over;
    let claim = match row.try_get::<String, _>("state")?.as_str() {
        "claimed" if is_free => EarlierClaim::Resumed,
        "claimed" => EarlierClaim::TakenOver,
        _ => EarlierClaim::Released,
    };
    Ok(EarlierFile {
        file: row.try_get("id")?,
        number: u32::try_from(row.try_get::<i64, _>("number")?).unwrap_or(1),
        sealed: Sealed { key_id: row.try_get("key_id")?, ciphertext: row.try_get("ciphertext")? },
        claim,
    })
}
