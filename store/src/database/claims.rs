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

use std::{fmt, time::Duration};

use sqlx::{Any, Row as _, Transaction, any::AnyRow};

use super::{
    Store, as_ms,
    drops::{DropState, drop_row, number, stored},
    secrets::{self, Sealed},
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

/// How often a transaction is tried that the database aborts because of another one.
const TRIES: u32 = 3;

/// Who claims files.
#[derive(Clone, Debug)]
pub struct Claimant {
    /// The id of the drop.
    pub drop: String,
    /// The preset of the drop.
    pub preset: String,
    /// The arrival, which begins with its first claimed file.
    pub arrival: NewArrival,
    /// The portal.
    pub instance: String,
    /// The time after which the claims of a portal end that does not renew them.
    pub lease: Duration,
}

/// An arrival that may begin.
#[derive(Clone, Debug)]
pub struct NewArrival {
    /// Its id, which is also the number of its receipt.
    pub id: String,
    /// The SHA-256 of the key with which its guest comes back.
    pub key_sha256: Vec<u8>,
    /// The guest's address, as far as it is kept.
    pub client: String,
    /// Who the guest is, and the folder, sealed as [`ARRIVAL_SECRET`] of the id.
    pub guest: Sealed,
}

/// A file that is to be claimed.
#[derive(Clone)]
pub struct ClaimRequest<'a> {
    /// The id of the file.
    pub file: String,
    /// The SHA-256 of its name as the guest sent it.
    pub name_sha256: Vec<u8>,
    /// Its size in bytes.
    pub size: u64,
    /// Name and path, sealed as [`FILE_SECRET`] of the id.
    pub sealed: Sealed,
    /// Returns the SHA-256 of the path with a number; 1 stands for the path as it is.
    pub path_sha256: &'a (dyn Fn(u32) -> Vec<u8> + Send + Sync),
    /// The first number.
    pub number: u32,
}

impl fmt::Debug for ClaimRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimRequest").field("file", &self.file).finish_non_exhaustive()
    }
}

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// It is the portal's; the path has this number.
    Claimed {
        /// 1 for the path as it is.
        number: u32,
    },
    /// It is not.
    Refused(ClaimRefusal),
}

/// Why a file is not claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimRefusal {
    /// The drop was withdrawn, or there is none.
    Revoked,
    /// The drop has not begun.
    TooEarly,
    /// The drop's time is over.
    Expired,
    /// The file is larger than a file may be.
    FileTooLarge {
        /// The most bytes of a file.
        max: u64,
    },
    /// There are as many files as there may be.
    NoFiles,
    /// The file is larger than what is left.
    NoBytes {
        /// The bytes that are left.
        left: u64,
    },
    /// There are as many arrivals as there may be.
    NoArrivals,
    /// All numbers of the path are claimed.
    NoName,
}

/// A file of an arrival that its guest offers again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierFile {
    /// Its id.
    pub file: String,
    /// The number of its path.
    pub number: u32,
    /// Name and path.
    pub sealed: Sealed,
    /// What its claim is now.
    pub claim: EarlierClaim,
}

/// The claim of a file that is offered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlierClaim {
    /// It is the portal's now, and nobody else writes the file.
    Resumed,
    /// It is the portal's now, and another portal may still write under the temporary name.
    TakenOver,
    /// It was given back: the file has to be claimed again.
    Released,
}

/// A stored file's facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFacts {
    /// The SHA-256 in hexadecimal digits; empty where it is unknown.
    pub sha256: String,
    /// How it was verified, as the portal writes it.
    pub verified: String,
}

/// How a claim ends without a stored file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStored {
    /// The guest cancelled it, or it was given up.
    Released,
    /// It failed.
    Failed,
}

impl NotStored {
    fn text(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Failed => "failed",
        }
    }
}

/// A claim that has ended because no portal renewed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredClaim {
    /// The file.
    pub file: String,
    /// Its arrival.
    pub arrival: String,
    /// Its drop.
    pub drop: String,
}

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
            "UPDATE arrival_files SET instance = '', lease_until_ms = $3, at_ms = $4 WHERE id = $1 \
             AND state = 'claimed' AND instance = $2",
        )
        .bind(file.to_owned())
        .bind(instance.to_owned())
        .bind(now_ms.saturating_add(as_ms(window)))
        .bind(now_ms)
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
            released.extend(ended);
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
    pub(super) async fn pause_all_claims(&self) -> Result<(), StoreError> {
        let paused = sqlx::query("UPDATE arrival_files SET instance = '' WHERE state = 'claimed'")
            .execute(self.pool())
            .await;
        self.classified(paused).map(drop)
    }
}

/// What a transaction of claims came to.
enum Claimed {
    Files(Vec<ClaimOutcome>),
    /// The arrival would be one too many: the transaction has to be undone.
    NoArrival,
}

/// One transaction of claims.
struct Claiming<'a> {
    claimant: &'a Claimant,
    now_ms: i64,
    lease_until_ms: i64,
}

impl Claiming<'_> {
    async fn all(
        &self,
        transaction: &mut Transaction<'static, Any>,
        requests: &[ClaimRequest<'_>],
    ) -> Result<Claimed, sqlx::Error> {
        let mut outcomes = Vec::new();
        let mut has_arrived = false;
        for request in requests.iter().take(MAX_CLAIMS) {
            let outcome = match self.take_from_limits(transaction, request.size).await? {
                true => self.take_path(transaction, request).await?,
                false => ClaimOutcome::Refused(self.refusal(transaction, request.size).await?),
            };
            outcomes.push(outcome);
            if matches!(outcome, ClaimOutcome::Claimed { .. }) && !has_arrived {
                has_arrived = true;
                if !self.begin_arrival(transaction).await? {
                    return Ok(Claimed::NoArrival);
                }
            }
        }
        Ok(Claimed::Files(outcomes))
    }

    /// Takes one file of this size from the limits of the drop. Returns whether they have room.
    async fn take_from_limits(
        &self,
        transaction: &mut Transaction<'static, Any>,
        size: u64,
    ) -> Result<bool, sqlx::Error> {
        let taken = sqlx::query(
            "UPDATE drops SET used_files = used_files + 1, used_bytes = used_bytes + $2 \
             WHERE id = $1 AND revoked_ms = 0 AND starts_ms <= $3 AND expires_ms > $3 \
             AND $2 <= max_file_bytes AND used_files < max_files AND $2 <= max_bytes - used_bytes",
        )
        .bind(self.claimant.drop.clone())
        .bind(stored(size))
        .bind(self.now_ms)
        .execute(&mut **transaction)
        .await?;
        Ok(taken.rows_affected() > 0)
    }

    /// Says which limit refused a file.
    async fn refusal(
        &self,
        transaction: &mut Transaction<'static, Any>,
        size: u64,
    ) -> Result<ClaimRefusal, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM drops WHERE id = $1")
            .bind(self.claimant.drop.clone())
            .fetch_optional(&mut **transaction)
            .await?;
        let Some(row) = row else { return Ok(ClaimRefusal::Revoked) };
        let row = drop_row(&row)?;
        let (limits, used) = (&row.terms.limits, &row.used);
        let left = limits.bytes.saturating_sub(used.bytes);
        Ok(match row.state_at(self.now_ms) {
            DropState::Revoked => ClaimRefusal::Revoked,
            DropState::TooEarly => ClaimRefusal::TooEarly,
            DropState::Expired => ClaimRefusal::Expired,
            DropState::Open | DropState::Full if size > limits.file_bytes => {
                ClaimRefusal::FileTooLarge { max: limits.file_bytes }
            }
            DropState::Open | DropState::Full if used.files >= limits.files => {
                ClaimRefusal::NoFiles
            }
            DropState::Open | DropState::Full => ClaimRefusal::NoBytes { left },
        })
    }

    /// Takes the first number of the path that nobody has claimed.
    async fn take_path(
        &self,
        transaction: &mut Transaction<'static, Any>,
        request: &ClaimRequest<'_>,
    ) -> Result<ClaimOutcome, sqlx::Error> {
        for number in request.number..=MAX_NUMBERS {
            let inserted = sqlx::query(
                "INSERT INTO arrival_files (id, drop_id, arrival_id, preset, name_sha256, \
                 path_sha256, number, size, state, instance, lease_until_ms, at_ms, sha256, verified, \
                 problem) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'claimed', $9, $10, $11, '', '', '') \
                 ON CONFLICT (preset, path_sha256) WHERE state = 'claimed' DO NOTHING",
            )
            .bind(request.file.clone())
            .bind(self.claimant.drop.clone())
            .bind(self.claimant.arrival.id.clone())
            .bind(self.claimant.preset.clone())
            .bind(request.name_sha256.clone())
            .bind((request.path_sha256)(number))
            .bind(i64::from(number))
            .bind(stored(request.size))
            .bind(self.claimant.instance.clone())
            .bind(self.lease_until_ms)
            .bind(self.now_ms)
            .execute(&mut **transaction)
            .await?;
            if inserted.rows_affected() > 0 {
                let (file, sealed) = (&request.file, &request.sealed);
                secrets::write(transaction, FILE_SECRET, file, sealed, self.now_ms).await?;
                return Ok(ClaimOutcome::Claimed { number });
            }
        }
        give_back(transaction, &self.claimant.drop, stored(request.size)).await?;
        Ok(ClaimOutcome::Refused(ClaimRefusal::NoName))
    }

    /// Begins the arrival, unless it has begun. Returns whether the drop permits it.
    async fn begin_arrival(
        &self,
        transaction: &mut Transaction<'static, Any>,
    ) -> Result<bool, sqlx::Error> {
        let NewArrival { id, key_sha256, client, guest } = &self.claimant.arrival;
        let begun = sqlx::query(
            "INSERT INTO arrivals (id, drop_id, key_sha256, client, started_ms, last_ms, finished_ms, \
             files, bytes) VALUES ($1, $2, $3, $4, $5, $5, 0, 0, 0) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.clone())
        .bind(self.claimant.drop.clone())
        .bind(key_sha256.clone())
        .bind(client.clone())
        .bind(self.now_ms)
        .execute(&mut **transaction)
        .await?;
        if begun.rows_affected() == 0 {
            return Ok(true);
        }
        secrets::write(transaction, ARRIVAL_SECRET, id, guest, self.now_ms).await?;
        let counted = sqlx::query(
            "UPDATE drops SET used_arrivals = used_arrivals + 1 WHERE id = $1 \
             AND used_arrivals < max_arrivals",
        )
        .bind(self.claimant.drop.clone())
        .execute(&mut **transaction)
        .await?;
        Ok(counted.rows_affected() > 0)
    }
}

/// Who has the claim that is ended.
enum Holder<'a> {
    Instance(&'a str),
    /// Nobody renewed it in time.
    Nobody,
}

/// The end of a claim without a stored file.
struct Ending<'a> {
    file: &'a str,
    state: &'static str,
    problem: &'a str,
    now_ms: i64,
}

impl Ending<'_> {
    /// Ends the claim if it is the holder's.
    async fn run(
        &self,
        transaction: &mut Transaction<'static, Any>,
        holder: Holder<'_>,
    ) -> Result<Option<ExpiredClaim>, sqlx::Error> {
        let row = sqlx::query("SELECT drop_id FROM arrival_files WHERE id = $1")
            .bind(self.file.to_owned())
            .fetch_optional(&mut **transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let drop: String = row.try_get("drop_id")?;
        lock_drop(transaction, &drop).await?;
        let (instance, expired_ms) = match holder {
            Holder::Instance(instance) => (instance, -1),
            Holder::Nobody => ("", self.now_ms),
        };
        let row = sqlx::query(
            "UPDATE arrival_files SET state = $2, problem = $3, at_ms = $4 WHERE id = $1 \
             AND state = 'claimed' AND ((instance = $5 AND $6 = -1) OR lease_until_ms <= $6) \
             RETURNING arrival_id, size",
        )
        .bind(self.file.to_owned())
        .bind(self.state.to_owned())
        .bind(self.problem.to_owned())
        .bind(self.now_ms)
        .bind(instance.to_owned())
        .bind(expired_ms)
        .fetch_optional(&mut **transaction)
        .await?;
        let Some(row) = row else { return Ok(None) };
        give_back(transaction, &drop, row.try_get("size")?).await?;
        Ok(Some(ExpiredClaim {
            file: self.file.to_owned(),
            arrival: row.try_get("arrival_id")?,
            drop,
        }))
    }
}

/// Locks the row of a drop until the end of the transaction.
async fn lock_drop(
    transaction: &mut Transaction<'static, Any>,
    drop: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE drops SET used_files = used_files WHERE id = $1")
        .bind(drop.to_owned())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Gives back what a file took from the limits of its drop.
async fn give_back(
    transaction: &mut Transaction<'static, Any>,
    drop: &str,
    size: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE drops SET used_files = used_files - 1, used_bytes = used_bytes - $2 WHERE id = $1",
    )
    .bind(drop.to_owned())
    .bind(size)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

fn earlier_file(row: &AnyRow, instance: &str, now_ms: i64) -> Result<EarlierFile, sqlx::Error> {
    let holder: String = row.try_get("instance")?;
    let is_over = row.try_get::<i64, _>("lease_until_ms")? <= now_ms;
    let claim = match row.try_get::<String, _>("state")?.as_str() {
        "claimed" if holder.is_empty() || holder == instance || is_over => EarlierClaim::Resumed,
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
