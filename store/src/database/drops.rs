//! Drops: links that anybody can upload to. What is secret of them arrives sealed, and is kept among the
//! [`secrets`], so that a rotation of keys covers it.

use sqlx::{Row as _, any::AnyRow};

use super::{
    Store,
    secrets::{self, Sealed},
};
use crate::error::StoreError;

/// The kind of secret that the secret of a drop's link is.
pub const LINK_SECRET: &str = "drop_link";

/// A limit that a drop does not have.
pub const UNLIMITED: u64 = i64::MAX as u64;

/// What may arrive through a drop. [`UNLIMITED`] stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropLimits {
    /// Files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes of each file.
    pub file_bytes: u64,
    /// Arrivals.
    pub arrivals: u64,
}

impl DropLimits {
    /// No limits.
    pub const NONE: Self =
        Self { files: UNLIMITED, bytes: UNLIMITED, file_bytes: UNLIMITED, arrivals: UNLIMITED };
}

/// What has arrived through a drop, or is claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropUse {
    /// Files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Arrivals.
    pub arrivals: u64,
}

/// A drop that is made.
#[derive(Clone, Debug)]
pub struct NewDrop {
    /// Its id, which may be logged.
    pub id: String,
    /// The SHA-256 of the secret in its link.
    pub secret_sha256: Vec<u8>,
    /// That secret, sealed as [`LINK_SECRET`] of the id.
    pub secret: Sealed,
    /// What it is.
    pub terms: DropTerms,
}

/// What the maker of a drop decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropTerms {
    /// The name of the preset whose server gets the files.
    pub preset: String,
    /// The title that guests see.
    pub title: String,
    /// The note that guests see; may be empty.
    pub note: String,
    /// The template of the folder of an arrival.
    pub folder: String,
    /// The hash of the password; empty where there is none.
    pub password_hash: String,
    /// The permitted types of files, as the portal writes them; empty for all.
    pub types: String,
    /// What guests are asked, as the portal writes it.
    pub ask: String,
    /// When it begins, in milliseconds since 1970.
    pub starts_ms: i64,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
    /// What may arrive.
    pub limits: DropLimits,
}

/// A drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropRow {
    /// Its id.
    pub id: String,
    /// What its maker decided.
    pub terms: DropTerms,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was withdrawn.
    pub revoked_ms: Option<i64>,
    /// What has arrived, or is claimed.
    pub used: DropUse,
}

/// Whether a drop takes files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropState {
    /// It takes files.
    Open,
    /// It has not begun.
    TooEarly,
    /// Its time is over.
    Expired,
    /// As much has arrived as may arrive.
    Full,
    /// It was withdrawn.
    Revoked,
}

impl DropRow {
    /// Returns the drop's state at a time in milliseconds since 1970.
    #[must_use]
    pub fn state_at(&self, now_ms: i64) -> DropState {
        let (limits, used) = (&self.terms.limits, &self.used);
        match () {
            () if self.revoked_ms.is_some() => DropState::Revoked,
            () if now_ms >= self.terms.expires_ms => DropState::Expired,
            () if now_ms < self.terms.starts_ms => DropState::TooEarly,
            () if used.files >= limits.files || used.bytes >= limits.bytes => DropState::Full,
            () => DropState::Open,
        }
    }
}

impl Store {
    /// Makes a drop.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn create_drop(&self, new: &NewDrop) -> Result<(), StoreError> {
        let now_ms = self.now_ms().await?;
        let NewDrop { id, secret_sha256, secret, terms } = new;
        let mut transaction = self.begin().await?;
        let written = async {
            secrets::write(&mut transaction, LINK_SECRET, id, secret, now_ms).await?;
            sqlx::query(
                "INSERT INTO drops (id, secret_sha256, preset, title, note, folder, password_hash, \
                 types, ask, starts_ms, expires_ms, created_ms, revoked_ms, max_files, max_bytes, \
                 max_file_bytes, max_arrivals, used_files, used_bytes, used_arrivals) VALUES \
                 ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14, $15, $16, 0, 0, 0)",
            )
            .bind(id.clone())
            .bind(secret_sha256.clone())
            .bind(terms.preset.clone())
            .bind(terms.title.clone())
            .bind(terms.note.clone())
            .bind(terms.folder.clone())
            .bind(terms.password_hash.clone())
            .bind(terms.types.clone())
            .bind(terms.ask.clone())
            .bind(terms.starts_ms)
            .bind(terms.expires_ms)
            .bind(now_ms)
            .bind(stored(terms.limits.files))
            .bind(stored(terms.limits.bytes))
            .bind(stored(terms.limits.file_bytes))
            .bind(stored(terms.limits.arrivals))
            .execute(&mut *transaction)
            .await
        };
        self.classified(written.await)?;
        self.classified(transaction.commit().await)
    }

    /// Returns a drop, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn drop_by_id(&self, id: &str) -> Result<Option<DropRow>, StoreError> {
        let row = self.find_drop(id).await?;
        self.classified(row.as_ref().map(drop_row).transpose())
    }

    /// Returns the drop of a link: its id and the SHA-256 of its secret. An unknown id and a wrong secret
    /// get the same answer.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn drop_by_link(
        &self,
        id: &str,
        secret_sha256: &[u8],
    ) -> Result<Option<DropRow>, StoreError> {
        let Some(row) = self.find_drop(id).await? else { return Ok(None) };
        let fits = row.try_get::<Vec<u8>, _>("secret_sha256").map(|own| own == secret_sha256);
        match self.classified(fits)? {
            true => self.classified(drop_row(&row)).map(Some),
            false => Ok(None),
        }
    }

    async fn find_drop(&self, id: &str) -> Result<Option<AnyRow>, StoreError> {
        let found = sqlx::query("SELECT * FROM drops WHERE id = $1")
            .bind(id.to_owned())
            .fetch_optional(self.pool())
            .await;
        self.classified(found)
    }

    /// Returns all drops, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn drops(&self) -> Result<Vec<DropRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM drops ORDER BY created_ms DESC, id")
            .fetch_all(self.pool())
            .await;
        self.classified(rows.and_then(|rows| rows.iter().map(drop_row).collect()))
    }

    /// Sets when a drop ends, in milliseconds since 1970. Returns whether there is such a drop that was not
    /// withdrawn.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn extend_drop(&self, id: &str, expires_ms: i64) -> Result<bool, StoreError> {
        let changed =
            sqlx::query("UPDATE drops SET expires_ms = $2 WHERE id = $1 AND revoked_ms = 0")
                .bind(id.to_owned())
                .bind(expires_ms)
                .execute(self.pool())
                .await;
        Ok(self.classified(changed)?.rows_affected() > 0)
    }

    /// Withdraws a drop. Returns whether there is such a drop that was not withdrawn before.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn revoke_drop(&self, id: &str) -> Result<bool, StoreError> {
        let now_ms = self.now_ms().await?;
        let changed =
            sqlx::query("UPDATE drops SET revoked_ms = $2 WHERE id = $1 AND revoked_ms = 0")
                .bind(id.to_owned())
                .bind(now_ms)
                .execute(self.pool())
                .await;
        Ok(self.classified(changed)?.rows_affected() > 0)
    }

    /// Returns the ids of the drops that were withdrawn or have expired since a time in milliseconds since
    /// 1970.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn drops_ended_since(&self, since_ms: i64) -> Result<Vec<String>, StoreError> {
        let now_ms = self.now_ms().await?;
        let rows = sqlx::query(
            "SELECT id FROM drops WHERE revoked_ms >= $1 OR (expires_ms >= $1 AND expires_ms <= $2)",
        )
        .bind(since_ms)
        .bind(now_ms)
        .fetch_all(self.pool())
        .await;
        let ids = rows.and_then(|rows| rows.iter().map(|row| row.try_get("id")).collect());
        self.classified(ids)
    }
}

/// Returns a number as the store keeps it.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a number that is never negative.
pub(super) fn number(row: &AnyRow, column: &str) -> Result<u64, sqlx::Error> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or_default())
}

pub(super) fn drop_row(row: &AnyRow) -> Result<DropRow, sqlx::Error> {
    let terms = DropTerms {
        preset: row.try_get("preset")?,
        title: row.try_get("title")?,
        note: row.try_get("note")?,
        folder: row.try_get("folder")?,
        password_hash: row.try_get("password_hash")?,
        types: row.try_get("types")?,
        ask: row.try_get("ask")?,
        starts_ms: row.try_get("starts_ms")?,
        expires_ms: row.try_get("expires_ms")?,
        limits: DropLimits {
            files: number(row, "max_files")?,
            bytes: number(row, "max_bytes")?,
            file_bytes: number(row, "max_file_bytes")?,
            arrivals: number(row, "max_arrivals")?,
        },
    };
    let revoked_ms: i64 = row.try_get("revoked_ms")?;
    Ok(DropRow {
        id: row.try_get("id")?,
        terms,
        created_ms: row.try_get("created_ms")?,
        revoked_ms: (revoked_ms != 0).then_some(revoked_ms),
        used: DropUse {
            files: number(row, "used_files")?,
            bytes: number(row, "used_bytes")?,
            arrivals: number(row, "used_arrivals")?,
        },
    })
}
