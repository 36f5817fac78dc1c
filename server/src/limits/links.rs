//! Attempts to open the links of drops, and their passwords.

use std::time::{Duration, Instant};

use super::{
    backoff::{Backoff, BackoffRules},
    rate::Rate,
};
use crate::{client::Client, settings::Settings};

/// The waits of one client after too many wrong passwords of one drop, and the time after which they are
/// forgotten.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

/// The wrong passwords of one drop in an hour after which nobody may try, and for how long.
const MAX_FAILURES_OF_DROP: u32 = 100;
const WAIT_OF_DROP: Duration = Duration::from_secs(10 * 60);

/// The limits of attempts to open links.
#[derive(Debug)]
pub struct LinkAttempts {
    links_of_client: Rate<Client>,
    failures_of_client: Backoff<(String, Client)>,
    failures_of_drop: Backoff<String>,
}

/// An attempt with a password. Until its outcome is known, it counts as a failure, so that attempts at the
/// same time cannot evade the limits.
#[derive(Debug)]
pub struct PasswordAttempt<'l> {
    attempts: &'l LinkAttempts,
    drop: String,
    client: Client,
    failed: Option<Instant>,
}

impl LinkAttempts {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            links_of_client: Rate::new(settings.client_drop_links_per_minute),
            failures_of_client: Backoff::new(BackoffRules {
                free: settings.max_failed_drop_passwords,
                first: FIRST_WAIT,
                max: MAX_WAIT,
                memory: MAX_WAIT,
            }),
            failures_of_drop: Backoff::new(BackoffRules {
                free: MAX_FAILURES_OF_DROP,
                first: WAIT_OF_DROP,
                max: WAIT_OF_DROP,
                memory: MAX_WAIT,
            }),
        }
    }

    pub(super) fn set(&self, settings: &Settings) {
        self.links_of_client.set(settings.client_drop_links_per_minute);
        self.failures_of_client.set_free(settings.max_failed_drop_passwords);
    }

    /// Counts an attempt of a client to open a link.
    ///
    /// # Errors
    /// The time until another attempt is permitted.
    pub fn open(&self, client: Client) -> Result<(), Duration> {
        match client.is_counted() {
            true => self.links_of_client.take(client, Instant::now()),
            false => Ok(()),
        }
    }

    /// Begins an attempt with a password of a drop.
    ///
    /// # Errors
    /// The time until another attempt is permitted.
    pub fn begin_password(
        &self,
        drop: &str,
        client: Client,
    ) -> Result<PasswordAttempt<'_>, Duration> {
        let now = Instant::now();
        let key = (drop.to_owned(), client);
        if client.is_counted() {
            self.failures_of_client.check(&key, now)?;
        }
        self.failures_of_drop.check(&key.0, now)?;
        self.failures_of_client.begin(key);
        self.failures_of_drop.begin(drop.to_owned());
        Ok(PasswordAttempt { attempts: self, drop: drop.to_owned(), client, failed: None })
    }
}

impl PasswordAttempt<'_> {
    /// Notes that the password is wrong. Returns the time until the client may try again; zero where it may
    /// at once.
    #[must_use]
    pub fn refused(mut self) -> Duration {
        let now = Instant::now();
        self.failed = Some(now);
        let (attempts, key) = (self.attempts, (self.drop.clone(), self.client));
        drop(self);
        match key.1.is_counted() {
            true => attempts.failures_of_client.check(&key, now).err().unwrap_or_default(),
            false => Duration::ZERO,
        }
    }

    /// Notes that the password is right.
    pub fn accepted(self) {
        self.attempts.failures_of_client.forget(&(self.drop.clone(), self.client));
    }
}

impl Drop for PasswordAttempt<'_> {
    fn drop(&mut self) {
        let key = (std::mem::take(&mut self.drop), self.client);
        self.attempts.failures_of_drop.end(&key.0, self.failed);
        self.attempts.failures_of_client.end(&key, self.failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts() -> LinkAttempts {
        LinkAttempts::new(&Settings::defaults().unwrap())
    }

    fn client(n: u8) -> Client {
        Client::at([192, 0, 2, n].into())
    }

    #[test]
    fn a_client_tries_five_passwords_of_a_drop_and_then_waits_a_minute() {
        let attempts = attempts();
        for number in 1..=5 {
            let wait = attempts.begin_password("d", client(1)).unwrap().refused();
            assert_eq!(wait.is_zero(), number < 5, "{number}");
        }
        let wait = attempts.begin_password("d", client(1)).unwrap_err();
        assert!(wait > Duration::from_secs(50) && wait <= FIRST_WAIT, "{wait:?}");
        assert!(attempts.begin_password("other", client(1)).is_ok());
        assert!(attempts.begin_password("d", client(2)).is_ok());
    }

    #[test]
    fn a_right_password_forgets_the_wrong_ones() {
        let attempts = attempts();
        for _ in 0..4 {
            let _no_wait = attempts.begin_password("d", client(1)).unwrap().refused();
        }
        attempts.begin_password("d", client(1)).unwrap().accepted();
        assert!(attempts.begin_password("d", client(1)).unwrap().refused().is_zero());
    }

    #[test]
    fn a_hundred_wrong_passwords_of_a_drop_pause_it_for_everybody() {
        let attempts = attempts();
        for number in 0..100 {
            let _wait = attempts.begin_password("d", client(number)).unwrap().refused();
        }
        let wait = attempts.begin_password("d", client(200)).unwrap_err();
        assert!(wait > FIRST_WAIT && wait <= WAIT_OF_DROP, "{wait:?}");
    }

    #[test]
    fn a_client_opens_thirty_links_a_minute() {
        let attempts = attempts();
        assert!((0..30).all(|_| attempts.open(client(1)).is_ok()));
        assert!(attempts.open(client(1)).is_err());
        assert!(attempts.open(client(2)).is_ok());
    }
}
