//! Arrivals: what guests have delivered through drops.

use std::time::Duration;

use sqlx::{Row as _, any::AnyRow};

use super::{
    Store, as_ms,
    claims::{ARRIVAL_SECRET, FILE_SECRET},
    drops::number,
    secrets::Sealed,
};
use crate::error::StoreError;

/// An arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivalRow {
    /// Its id, which is also the number of its receipt.
    pub id: String,
    /// Its drop.
    pub drop: String,
    /// The guest's address, as far as it is kept.
    pub client: String,
    /// When it began, in milliseconds since 1970.
    pub started_ms: i64,
    /// When its last file was stored.
    pub last_ms: i64,
    /// When the guest finished it.
    pub finished_ms: Option<i64>,
    /// The stored files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Who the guest is, and the folder; absent once `arrival_retention` is over.
    pub guest: Option<Sealed>,
}

/// A file of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Its id.
    pub id: String,
    /// The number of its path; 1 for the path as it is.
    pub number: u32,
    /// Its size in bytes.
    pub size: u64,
    /// `claimed`, `stored`, `failed` or `released`.
    pub state: String,
    /// Its SHA-256 in hexadecimal digits; empty where it is unknown.
    pub sha256: String,
    /// How it was verified, as the portal writes it.
    pub verified: String,
    /// When it got its state, in milliseconds since 1970.
    pub at_ms: i64,
    /// Name and path; absent once `arrival_retention` is over.
    pub sealed: Option<Sealed>,
}

impl Store {
    /// Returns the arrivals of a drop, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn arrivals(&self, drop: &str) -> Result<Vec<ArrivalRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT arrivals.*, key_id, ciphertext FROM arrivals LEFT JOIN secrets \
             ON secrets.kind = $1 AND secrets.name = arrivals.id WHERE drop_id = $2 \
             ORDER BY started_ms, id",
        )
        .bind(ARRIVAL_SECRET.to_owned())
        .bind(drop.to_owned())
        .fetch_all(self.pool())
        .await;
        self.classified(rows.and_then(|rows| rows.iter().map(arrival).collect()))
    }

    /// Returns an arrival of a drop, if its key has this SHA-256.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn arrival_by_key(
        &self,
        drop: &str,
        id: &str,
        key_sha256: &[u8],
    ) -> Result<Option<ArrivalRow>, StoreError> {
        let row = sqlx::query(
            "SELECT arrivals.*, key_id, ciphertext FROM arrivals LEFT JOIN secrets \
             ON secrets.kind = $1 AND secrets.name = arrivals.id \
             WHERE drop_id = $2 AND arrivals.id = $3 AND key_sha256 = $4",
        )
        .bind(ARRIVAL_SECRET.to_owned())
        .bind(drop.to_owned())
        .bind(id.to_owned())
        .bind(key_sha256.to_vec())
        .fetch_optional(self.pool())
        .await;
        self.classified(row.and_then(|row| row.as_ref().map(arrival).transpose()))
    }

    /// Returns whether a drop has arrivals that were not finished.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_open_arrivals(&self, drop: &str) -> Result<bool, StoreError> {
        let row =
            sqlx::query("SELECT id FROM arrivals WHERE drop_id = $1 AND finished_ms = 0 LIMIT 1")
                .bind(drop.to_owned())
                .fetch_optional(self.pool())
                .await;
        Ok(self.classified(row)?.is_some())
    }

    /// Returns the files of an arrival, in the order in which they got their states.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn arrival_files(&self, arrival: &str) -> Result<Vec<FileRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT arrival_files.*, key_id, ciphertext FROM arrival_files LEFT JOIN secrets \
             ON secrets.kind = $1 AND secrets.name = arrival_files.id WHERE arrival_id = $2 \
             ORDER BY at_ms, id",
        )
        .bind(FILE_SECRET.to_owned())
        .bind(arrival.to_owned())
        .fetch_all(self.pool())
        .await;
        self.classified(rows.and_then(|rows| rows.iter().map(file).collect()))
    }

    /// Notes that a guest has finished an arrival; the first time counts. Returns when that was.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn finish_arrival(&self, id: &str) -> Result<Option<i64>, StoreError> {
        let now_ms = self.now_ms().await?;
        let row = sqlx::query(
            "UPDATE arrivals SET finished_ms = CASE WHEN finished_ms = 0 THEN $2 ELSE finished_ms END \
             WHERE id = $1 RETURNING finished_ms",
        )
        .bind(id.to_owned())
        .bind(now_ms)
        .fetch_optional(self.pool())
        .await;
        let finished = row.and_then(|row| row.map(|row| row.try_get("finished_ms")).transpose());
        self.classified(finished)
    }

    /// Deletes who the guests were and what their files were called, of drops that ended longer than
    /// `retention` ago. Counts and sizes stay. Returns how many sealed values were deleted.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget_guests(&self, retention: Duration) -> Result<u64, StoreError> {
        let now_ms = self.now_ms().await?;
        let ended_before = now_ms.saturating_sub(as_ms(retention));
        let mut transaction = self.begin().await?;
        let deleted = async {
            let files = sqlx::query(
                "DELETE FROM secrets WHERE kind = $1 AND name IN (SELECT arrival_files.id FROM \
                 arrival_files JOIN drops ON drops.id = arrival_files.drop_id WHERE expires_ms < $2 \
                 OR (revoked_ms > 0 AND revoked_ms < $2))",
            )
            .bind(FILE_SECRET.to_owned())
            .bind(ended_before)
            .execute(&mut *transaction)
            .await?;
            let arrivals = sqlx::query(
                "DELETE FROM secrets WHERE kind = $1 AND name IN (SELECT arrivals.id FROM arrivals \
                 JOIN drops ON drops.id = arrivals.drop_id WHERE expires_ms < $2 \
                 OR (revoked_ms > 0 AND revoked_ms < $2))",
            )
            .bind(ARRIVAL_SECRET.to_owned())
            .bind(ended_before)
            .execute(&mut *transaction)
            .await?;
            sqlx::query(
                "UPDATE arrivals SET client = '' WHERE client <> '' AND drop_id IN (SELECT id FROM \
                 drops WHERE expires_ms < $1 OR (revoked_ms > 0 AND revoked_ms < $1))",
            )
            .bind(ended_before)
            .execute(&mut *transaction)
            .await?;
            Ok(files.rows_affected() + arrivals.rows_affected())
        };
        let deleted = self.classified(deleted.await)?;
        self.classified(transaction.commit().await)?;
        Ok(deleted)
    }
}

fn sealed(row: &AnyRow) -> Result<Option<Sealed>, sqlx::Error> {
    let Some(key_id) = row.try_get::<Option<String>, _>("key_id")? else { return Ok(None) };
    Ok(Some(Sealed { key_id, ciphertext: row.try_get("ciphertext")? }))
}

fn arrival(row: &AnyRow) -> Result<ArrivalRow, sqlx::Error> {
    let finished_ms: i64 = row.try_get("finished_ms")?;
    Ok(ArrivalRow {
        id: row.try_get("id")?,
        drop: row.try_get("drop_id")?,
        client: row.try_get("client")?,
        started_ms: row.try_get("started_ms")?,
        last_ms: row.try_get("last_ms")?,
        finished_ms: (finished_ms != 0).then_some(finished_ms),
        files: number(row, "files")?,
        bytes: number(row, "bytes")?,
        guest: sealed(row)?,
    })
}

fn file(row: &AnyRow) -> Result<FileRow, sqlx::Error> {
    Ok(FileRow {
        id: row.try_get("id")?,
        number: u32::try_from(row.try_get::<i64, _>("number")?).unwrap_or(1),
        size: number(row, "size")?,
        state: row.try_get("state")?,
        sha256: row.try_get("sha256")?,
        verified: row.try_get("verified")?,
        at_ms: row.try_get("at_ms")?,
        sealed: sealed(row)?,
    })
}
