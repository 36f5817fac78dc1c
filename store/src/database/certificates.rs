//! The portal's certificates, and the challenges for them.

use std::time::Duration;

use sqlx::{Row as _, any::AnyRow};

use super::{
    Store, as_ms,
    secrets::{self, Sealed},
};
use crate::error::StoreError;

/// The kind of secret that the private key of a certificate is.
pub const PRIVATE_KEY: &str = "acme_certificate";

/// A certificate with its chain, and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCertificate {
    /// The certificate and its chain in PEM form.
    pub chain: String,
    /// The private key, sealed as the secret [`PRIVATE_KEY`] of the certificate's name.
    pub key: Sealed,
}

/// A challenge of a certificate authority (RFC 8555 §8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The token, which is part of the URL of HTTP-01.
    pub token: String,
    /// The domain that is validated.
    pub domain: String,
    /// The key authorization, which answers the challenge (RFC 8555 §8.1).
    pub key_authorization: String,
}

impl Store {
    /// Returns a certificate with its key, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn certificate(&self, name: &str) -> Result<Option<StoredCertificate>, StoreError> {
        let found = sqlx::query(
            "SELECT chain, key_id, ciphertext FROM acme_certificates JOIN secrets \
             ON secrets.kind = $1 AND secrets.name = acme_certificates.name \
             WHERE acme_certificates.name = $2",
        )
        .bind(PRIVATE_KEY.to_owned())
        .bind(name.to_owned())
        .fetch_optional(self.pool())
        .await
        .and_then(|row| {
            row.map(|row| {
                let (key_id, ciphertext) = (row.try_get("key_id")?, row.try_get("ciphertext")?);
                let key = Sealed { key_id, ciphertext };
                Ok(StoredCertificate { chain: row.try_get("chain")?, key })
            })
            .transpose()
        });
        self.classified(found)
    }

    /// Stores a certificate and its key together, in the place of earlier ones.
    ///
    /// # Errors
    /// When the store cannot be written; then neither has changed.
    pub async fn put_certificate(
        &self,
        name: &str,
        certificate: &StoredCertificate,
    ) -> Result<(), StoreError> {
        let now_ms = self.now_ms().await?;
        let mut transaction = self.begin().await?;
        let written = async {
            secrets::write(&mut transaction, PRIVATE_KEY, name, &certificate.key, now_ms).await?;
            sqlx::query(
                "INSERT INTO acme_certificates (name, chain, changed_ms) VALUES ($1, $2, $3) \
                 ON CONFLICT (name) DO UPDATE SET chain = excluded.chain, \
                 changed_ms = excluded.changed_ms",
            )
            .bind(name.to_owned())
            .bind(certificate.chain.clone())
            .bind(now_ms)
            .execute(&mut *transaction)
            .await
        };
        self.classified(written.await)?;
        self.classified(transaction.commit().await)
    }

    /// Stores a challenge, which all portals of the store can answer for `time`. Challenges that are over
    /// are removed.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn put_challenge(
        &self,
        challenge: &Challenge,
        time: Duration,
    ) -> Result<(), StoreError> {
        let now_ms = self.now_ms().await?;
        let removed = sqlx::query("DELETE FROM acme_challenges WHERE until_ms <= $1")
            .bind(now_ms)
            .execute(self.pool())
            .await;
        self.classified(removed)?;
        let written = sqlx::query(
            "INSERT INTO acme_challenges (token, domain, key_authorization, until_ms) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (token) DO UPDATE SET domain = excluded.domain, \
             key_authorization = excluded.key_authorization, until_ms = excluded.until_ms",
        )
        .bind(challenge.token.clone())
        .bind(challenge.domain.clone())
        .bind(challenge.key_authorization.clone())
        .bind(now_ms.saturating_add(as_ms(time)))
        .execute(self.pool())
        .await;
        self.classified(written).map(drop)
    }

    /// Removes a challenge that is over.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn remove_challenge(&self, token: &str) -> Result<(), StoreError> {
        let removed = sqlx::query("DELETE FROM acme_challenges WHERE token = $1")
            .bind(token.to_owned())
            .execute(self.pool())
            .await;
        self.classified(removed).map(drop)
    }

    /// Returns the challenges that a certificate authority may ask about now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn challenges(&self) -> Result<Vec<Challenge>, StoreError> {
        let now_ms = self.now_ms().await?;
        let rows = sqlx::query(
            "SELECT token, domain, key_authorization FROM acme_challenges WHERE until_ms > $1",
        )
        .bind(now_ms)
        .fetch_all(self.pool())
        .await;
        let read = |row: &AnyRow| {
            Ok(Challenge {
                token: row.try_get("token")?,
                domain: row.try_get("domain")?,
                key_authorization: row.try_get("key_authorization")?,
            })
        };
        let challenges = rows.and_then(|rows| rows.iter().map(read).collect());
        self.classified(challenges)
    }
}
