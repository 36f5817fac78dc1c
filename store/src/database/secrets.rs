//! Sealed secrets. The store does not open them: it holds the ciphertext and the id of its key.

use sqlx::{Row as _, any::AnyRow};

use super::Store;
use crate::error::StoreError;

/// A secret that is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The id of the key that sealed it.
    pub key_id: String,
    /// The bytes, which the owner of the key can open.
    pub ciphertext: Vec<u8>,
}

/// A sealed secret with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRow {
    /// What kind of secret it is.
    pub kind: String,
    /// Its name among those of the kind.
    pub name: String,
    /// The secret.
    pub sealed: Sealed,
}

/// Why secrets were not sealed with another key.
#[derive(Debug, thiserror::Error)]
pub enum ResealError<E> {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret cannot be opened or sealed.
    #[error("{0}")]
    Secret(E),
}

impl Store {
    /// Returns a secret, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn secret(&self, kind: &str, name: &str) -> Result<Option<Sealed>, StoreError> {
        let found =
            sqlx::query("SELECT key_id, ciphertext FROM secrets WHERE kind = $1 AND name = $2")
                .bind(kind.to_owned())
                .bind(name.to_owned())
                .fetch_optional(self.pool())
                .await
                .and_then(|row| row.as_ref().map(sealed).transpose());
        self.classified(found)
    }

    /// Stores a secret, in the place of an earlier one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn put_secret(
        &self,
        kind: &str,
        name: &str,
        sealed: &Sealed,
    ) -> Result<(), StoreError> {
        let now_ms = self.now_ms().await?;
        let mut transaction = self.begin().await?;
        self.classified(write(&mut transaction, kind, name, sealed, now_ms).await)?;
        self.classified(transaction.commit().await)
    }

    /// Removes a secret; returns whether there was one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn remove_secret(&self, kind: &str, name: &str) -> Result<bool, StoreError> {
        let removed = sqlx::query("DELETE FROM secrets WHERE kind = $1 AND name = $2")
            .bind(kind.to_owned())
            .bind(name.to_owned())
            .execute(self.pool())
            .await;
        Ok(self.classified(removed)?.rows_affected() > 0)
    }

    /// Returns the ids of all keys that secrets are sealed with, and the number of secrets of each.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn secret_keys(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT key_id, COUNT(*) AS secrets FROM secrets GROUP BY key_id ORDER BY key_id",
        )
        .fetch_all(self.pool())
        .await;
        let read = |row: &AnyRow| {
            let count: i64 = row.try_get("secrets")?;
            Ok((row.try_get("key_id")?, u64::try_from(count).unwrap_or_default()))
        };
        let keys = rows.and_then(|rows| rows.iter().map(read).collect());
        self.classified(keys)
    }

    /// Seals up to `limit` secrets again that another key than `key_id` has sealed, in one transaction;
    /// returns how many. None are left when it returns 0.
    ///
    /// # Errors
    /// When the store cannot be written, or `reseal` fails; then no secret has changed.
    pub async fn reseal<E>(
        &self,
        key_id: &str,
        limit: u32,
        mut reseal: impl FnMut(&SecretRow) -> Result<Sealed, E> + Send,
    ) -> Result<usize, ResealError<E>> {
        let now_ms = self.now_ms().await?;
        let mut transaction = self.begin().await?;
        let rows = sqlx::query(self.kind().secrets_to_seal_again())
            .bind(key_id.to_owned())
            .bind(i64::from(limit))
            .fetch_all(&mut *transaction)
            .await
            .and_then(|rows| rows.iter().map(secret_row).collect::<Result<Vec<_>, _>>());
        let rows = self.classified(rows)?;
        for row in &rows {
            let sealed = reseal(row).map_err(ResealError::Secret)?;
            let written = write(&mut transaction, &row.kind, &row.name, &sealed, now_ms).await;
            self.classified(written)?;
        }
        self.classified(transaction.commit().await)?;
        Ok(rows.len())
    }
}

/// Writes a secret as a part of a transaction.
pub(super) async fn write(
    connection: &mut sqlx::AnyConnection,
    kind: &str,
    name: &str,
    sealed: &Sealed,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO secrets (kind, name, key_id, ciphertext, changed_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (kind, name) DO UPDATE SET key_id = excluded.key_id, \
         ciphertext = excluded.ciphertext, changed_ms = excluded.changed_ms",
    )
    .bind(kind.to_owned())
    .bind(name.to_owned())
    .bind(sealed.key_id.clone())
    .bind(sealed.ciphertext.clone())
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

fn sealed(row: &AnyRow) -> Result<Sealed, sqlx::Error> {
    Ok(Sealed { key_id: row.try_get("key_id")?, ciphertext: row.try_get("ciphertext")? })
}

fn secret_row(row: &AnyRow) -> Result<SecretRow, sqlx::Error> {
    let (kind, name) = (row.try_get("kind")?, row.try_get("name")?);
    Ok(SecretRow { kind, name, sealed: sealed(row)? })
}
