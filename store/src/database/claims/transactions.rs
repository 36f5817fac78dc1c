//! The steps of transactions that change what a drop has used.

use sqlx::{Any, Row as _, Transaction};

use super::{
    ARRIVAL_SECRET, ClaimOutcome, ClaimRefusal, ClaimRequest, Claimant, ExpiredClaim, FILE_SECRET,
    MAX_CLAIMS, MAX_NUMBERS, NewArrival, PAUSED,
};
use crate::database::{
    drops::{DropState, drop_row, stored},
    secrets,
};

/// What a transaction of claims came to.
pub(super) enum Claimed {
    Files(Vec<ClaimOutcome>),
    /// The arrival would be one too many: the transaction has to be undone.
    NoArrival,
}

/// One transaction of claims.
pub(super) struct Claiming<'a> {
    pub(super) claimant: &'a Claimant,
    pub(super) now_ms: i64,
    pub(super) lease_until_ms: i64,
}

impl Claiming<'_> {
    pub(super) async fn all(
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

/// A claim that was ended.
pub(super) struct Ended {
    pub(super) claim: ExpiredClaim,
    pub(super) was_paused: bool,
}

/// Who has the claim that is ended.
pub(super) enum Holder<'a> {
    Instance(&'a str),
    /// Nobody renewed it in time.
    Nobody,
}

/// The end of a claim without a stored file.
pub(super) struct Ending<'a> {
    pub(super) file: &'a str,
    pub(super) state: &'static str,
    pub(super) problem: &'a str,
    pub(super) now_ms: i64,
}

impl Ending<'_> {
    /// Ends the claim if it is the holder's.
    pub(super) async fn run(
        &self,
        transaction: &mut Transaction<'static, Any>,
        holder: Holder<'_>,
    ) -> Result<Option<Ended>, sqlx::Error> {
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
             RETURNING arrival_id, size, preset, instance",
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
        let was_paused = row.try_get::<String, _>("instance")? == PAUSED;
        let claim = ExpiredClaim {
            file: self.file.to_owned(),
            arrival: row.try_get("arrival_id")?,
            drop,
            preset: row.try_get("preset")?,
            paused: None,
        };
        Ok(Some(Ended { claim, was_paused }))
    }
}

/// Locks the row of a drop until the end of the transaction.
pub(super) async fn lock_drop(
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
pub(super) async fn give_back(
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
