//! The passwords of drops: argon2id (RFC 9106), as the string that all tools write (PHC).

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use protocol::client::Secret;
use tokio::sync::{Semaphore, TryAcquireError};

/// The memory in KiB, the passes and the lanes of a hash.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The lengths of salt and hash in bytes.
const SALT: usize = 16;
const HASH: usize = 32;

/// The hashes that are made at once, and the attempts that may wait for that.
const AT_ONCE: usize = 2;
const WAITING: usize = 32;

/// Compares passwords, a bounded number at a time: each takes 19 MiB and some milliseconds.
#[derive(Clone, Debug)]
pub struct PasswordChecks {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

/// Why a password is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many attempts wait.
    #[error("too many passwords are being compared")]
    Busy,
    /// The hash in the store is none.
    #[error("the hash of the password is damaged")]
    Damaged,
}

impl Default for PasswordChecks {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        }
    }
}

impl PasswordChecks {
    /// Returns whether a password is the one of a hash.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn fits(&self, password: Secret, hash: &str) -> Result<bool, PasswordError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned();
        let _admitted = admitted.map_err(|error| match error {
            TryAcquireError::NoPermits | TryAcquireError::Closed => PasswordError::Busy,
        })?;
        let _running = self.running.acquire().await.map_err(|_| PasswordError::Busy)?;
        let hash = hash.to_owned();
        let compared = tokio::task::spawn_blocking(move || compare(password.expose(), &hash)).await;
        compared.map_err(|_| PasswordError::Busy)?.ok_or(PasswordError::Damaged)
    }
}

/// Returns the hash of a password, with a salt of its own.
///
/// # Errors
/// When the system has no random numbers.
pub fn hash(password: &str) -> anyhow::Result<String> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt)?;
    let hash = derive(password, &salt, (MEMORY, PASSES, LANES));
    let hash = hash.ok_or_else(|| anyhow::anyhow!("the password cannot be hashed"))?;
    let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    Ok(format!(
        "$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${}${}",
        encode(&salt),
        encode(&hash)
    ))
}

/// Returns whether a password is the one of a hash; `None` where that is none.
fn compare(password: &str, hash: &str) -> Option<bool> {
    let mut parts = hash.strip_prefix("$argon2id$v=19$")?.split('$');
    let (costs, salt, expected) = (parts.next()?, parts.next()?, parts.next()?);
    let mut costs = costs.split(',').map(|cost| cost.split_once('=')?.1.parse().ok());
    let costs = (costs.next()??, costs.next()??, costs.next()??);
    let made = derive(password, &STANDARD_NO_PAD.decode(salt).ok()?, costs)?;
    let expected = STANDARD_NO_PAD.decode(expected).ok()?;
    Some(aws_lc_rs::constant_time::verify_slices_are_equal(&made, &expected).is_ok())
}

fn derive(password: &str, salt: &[u8], costs: (u32, u32, u32)) -> Option<[u8; HASH]> {
    let params = Params::new(costs.0, costs.1, costs.2, Some(HASH)).ok()?;
    let mut made = [0; HASH];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.as_bytes(), salt, &mut made).ok()?;
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_fits_its_hash() {
        let checks = PasswordChecks::default();
        let hashes = [hash("sesame").unwrap(), hash("sesame").unwrap()];
        assert_ne!(hashes[0], hashes[1], "each has a salt of its own");
        assert!(!hashes[0].contains("sesame"));
        for hash in &hashes {
            let fits = async |password: &str| checks.fits(Secret::new(password.into()), hash).await;
            assert_eq!(fits("sesame").await, Ok(true));
            assert_eq!(fits("Sesame").await, Ok(false));
            assert_eq!(fits("").await, Ok(false));
        }
        let damaged = checks.fits(Secret::new("sesame".into()), "$argon2id$v=19$m=8").await;
        assert_eq!(damaged, Err(PasswordError::Damaged));
    }

    /// The example of RFC 9106 has a secret and associated data; this one is of the reference
    /// implementation: `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1`.
    #[test]
    fn hashes_are_those_of_the_reference_implementation() {
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$\
                    CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert_eq!(compare("password", hash), Some(true));
        assert_eq!(compare("passwort", hash), Some(false));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_passwords_are_compared_than_may_wait() {
        let checks = PasswordChecks::default();
        let hash = hash("sesame").unwrap();
        let attempts: Vec<_> = (0..AT_ONCE + WAITING + 20)
            .map(|_| {
                let (checks, hash) = (checks.clone(), hash.clone());
                async move { checks.fits(Secret::new("x".into()), &hash).await }
            })
            .collect();
        let answers = futures_util::future::join_all(attempts).await;
        let busy = answers.iter().filter(|answer| **answer == Err(PasswordError::Busy)).count();
        assert_eq!(busy, 20);
        assert_eq!(checks.running.available_permits(), AT_ONCE);
    }
}
