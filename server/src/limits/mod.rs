//! Limits on what one client may do, and on what all clients together may do to one FTPS server, so
//! that the portal neither guesses passwords nor floods a server for anybody.
//!
//! # Layers
//! - `rate`: events a minute, by key.
//! - `backoff`: a growing wait after failures, by key.
//! - `links`: attempts to open the links of drops.
//! - `problems`: the problems of refused attempts.
//! - this module: [`Limits`] of sessions, connections and logins.

mod backoff;
mod links;
mod problems;
mod rate;

pub use links::{LinkAttempts, PasswordAttempt};

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use self::{
    backoff::{Backoff, BackoffRules},
    rate::Rate,
};
use crate::{client::Client, locking::lock, metrics::labels::RefusedBy, settings::Settings};

/// The most keys of one limit that are remembered. The least recently used ones are dropped.
const MAX_KEYS: usize = 65_536;

/// The first wait after too many failed logins.
const FIRST_WAIT: Duration = Duration::from_secs(30);

/// The longest wait after failed logins, and the time without failures after which they are forgotten.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

/// The time after which a client's failed logins are forgotten.
const CLIENT_MEMORY: Duration = Duration::from_secs(10 * 60);

/// The limits, and the events that they count.
#[derive(Debug)]
pub struct Limits {
    sessions_of_client: Rate<Client>,
    connects_of_session: Rate<String>,
    connects_of_client: Rate<Client>,
    connects_to_target: Rate<IpAddr>,
    failures_of_user: Backoff<(IpAddr, String)>,
    failures_of_client: Backoff<Client>,
    failures_at_target: Backoff<IpAddr>,
    /// Attempts that are not logged in yet, by target.
    attempts: Mutex<HashMap<IpAddr, u32>>,
    max_attempts: AtomicU32,
    /// Attempts to open the links of drops.
    pub links: LinkAttempts,
}

/// Who attempts to log in, and where.
#[derive(Clone, Debug)]
pub struct Login {
    /// The session's name.
    pub session: String,
    /// The client of the session.
    pub client: Client,
    /// The server's address.
    pub target: IpAddr,
    /// Whose server it is.
    pub owner: TargetOwner,
    /// The username.
    pub username: String,
}

/// Whose server a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetOwner {
    /// The operator's: a preset, or in a network of `allow_network`. Any number of users may connect to it.
    Operator,
    /// Somebody else's, on the internet.
    Other,
}

/// Why an attempt is refused, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limit}; wait {}", humantime::format_duration(Duration::from_secs(.wait.as_secs())))]
pub struct Refused {
    /// The limit that was reached.
    pub limit: Limit,
    /// The time until another attempt may succeed.
    pub wait: Duration,
}

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// Sessions that a client creates in a minute.
    #[error("too many new sessions of one client")]
    Sessions,
    /// Connections that a session or a client opens in a minute.
    #[error("too many connections in a minute")]
    Connects,
    /// Connections to a server: in a minute, or attempts at the same time.
    #[error("too many connections to this server")]
    Target,
    /// Failed logins of a user at a server.
    #[error("too many failed logins of this user")]
    UserFailures,
    /// Failed logins of a client.
    #[error("too many failed logins of one client")]
    ClientFailures,
    /// Failed logins at a server.
    #[error("too many failed logins at this server")]
    TargetFailures,
}

impl Limit {
    /// Returns the limit as the metrics count it.
    #[must_use]
    pub fn label(self) -> RefusedBy {
        match self {
            Self::Sessions => RefusedBy::SessionRate,
            Self::Connects => RefusedBy::ConnectRate,
            Self::Target => RefusedBy::Target,
            Self::UserFailures => RefusedBy::UserFailures,
            Self::ClientFailures => RefusedBy::ClientFailures,
            Self::TargetFailures => RefusedBy::TargetFailures,
        }
    }
}

/// An attempt to log in. Until its outcome is known, it counts as a failure, so that attempts at the
/// same time cannot evade the limits.
#[derive(Debug)]
pub struct LoginAttempt {
    limits: Arc<Limits>,
    login: Login,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The password was not checked.
    None,
    Accepted,
    Refused(Instant),
}

impl Limits {
    /// Creates the limits of the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Arc<Self> {
        let rules =
            |free: u32, memory| BackoffRules { free, first: FIRST_WAIT, max: MAX_WAIT, memory };
        Arc::new(Self {
            sessions_of_client: Rate::new(settings.client_sessions_per_minute),
            connects_of_session: Rate::new(settings.session_connects_per_minute),
            connects_of_client: Rate::new(settings.client_connects_per_minute),
            connects_to_target: Rate::new(settings.target_connects_per_minute),
            failures_of_user: Backoff::new(rules(settings.max_failed_logins, MAX_WAIT)),
            failures_of_client: Backoff::new(rules(
                settings.max_client_failed_logins,
                CLIENT_MEMORY,
            )),
            failures_at_target: Backoff::new(rules(settings.max_target_failed_logins, MAX_WAIT)),
            attempts: Mutex::default(),
            max_attempts: settings.max_target_attempts.into(),
            links: LinkAttempts::new(settings),
        })
    }

    /// Uses the limits of other settings from now on. What was counted stays counted.
    pub fn set(&self, settings: &Settings) {
        self.sessions_of_client.set(settings.client_sessions_per_minute);
        self.connects_of_session.set(settings.session_connects_per_minute);
        self.connects_of_client.set(settings.client_connects_per_minute);
        self.connects_to_target.set(settings.target_connects_per_minute);
        self.failures_of_user.set_free(settings.max_failed_logins);
        self.failures_of_client.set_free(settings.max_client_failed_logins);
        self.failures_at_target.set_free(settings.max_target_failed_logins);
        self.max_attempts.store(settings.max_target_attempts, Ordering::Relaxed);
        self.links.set(settings);
    }

    /// Counts a new session of a client.
    ///
    /// # Errors
    /// [`Limit::Sessions`].
    pub fn start_session(&self, client: Client) -> Result<(), Refused> {
        if !client.is_counted() {
            return Ok(());
        }
        let taken = self.sessions_of_client.take(client, Instant::now());
        taken.map_err(|wait| Refused { limit: Limit::Sessions, wait })
    }

    /// Counts an attempt to connect and to log in.
    ///
    /// # Errors
    /// [`Refused`]; nothing may be connected to.
    pub fn begin(self: &Arc<Self>, login: Login) -> Result<LoginAttempt, Refused> {
        self.begin_at(login, Instant::now())
    }

    fn begin_at(self: &Arc<Self>, login: Login, now: Instant) -> Result<LoginAttempt, Refused> {
        self.check_failures(&login, now)?;
        self.check_rates(&login, now)?;
        let max_attempts = self.max_attempts.load(Ordering::Relaxed);
        let mut attempts = lock(&self.attempts);
        let of_target = attempts.entry(login.target).or_default();
        if login.owner == TargetOwner::Other && *of_target >= max_attempts {
            return Err(Refused { limit: Limit::Target, wait: FIRST_WAIT });
        }
        *of_target += 1;
        drop(attempts);
        self.failures_of_user.begin(user(&login));
        self.failures_at_target.begin(login.target);
        if login.client.is_counted() {
            self.failures_of_client.begin(login.client);
        }
        Ok(LoginAttempt { limits: Arc::clone(self), login, outcome: Outcome::None })
    }

    fn check_failures(&self, login: &Login, now: Instant) -> Result<(), Refused> {
        let refused = |limit| move |wait| Refused { limit, wait };
        self.failures_of_user.check(&user(login), now).map_err(refused(Limit::UserFailures))?;
        if login.client.is_counted() {
            let checked = self.failures_of_client.check(&login.client, now);
            checked.map_err(refused(Limit::ClientFailures))?;
        }
        self.failures_at_target.check(&login.target, now).map_err(refused(Limit::TargetFailures))
    }

    fn check_rates(&self, login: &Login, now: Instant) -> Result<(), Refused> {
        let refused = |limit| move |wait| Refused { limit, wait };
        let of_session = self.connects_of_session.take(login.session.clone(), now);
        of_session.map_err(refused(Limit::Connects))?;
        if login.client.is_counted() {
            let of_client = self.connects_of_client.take(login.client, now);
            of_client.map_err(refused(Limit::Connects))?;
        }
        match login.owner {
            TargetOwner::Operator => Ok(()),
            TargetOwner::Other => {
                let to_target = self.connects_to_target.take(login.target, now);
                to_target.map_err(refused(Limit::Target))
            }
        }
    }
}

fn user(login: &Login) -> (IpAddr, String) {
    (login.target, login.username.clone())
}

impl LoginAttempt {
    /// Notes that the server accepted the login.
    pub fn accepted(mut self) {
        self.outcome = Outcome::Accepted;
    }

    /// Notes that the server refused the login.
    pub fn refused(self) {
        self.refused_at(Instant::now());
    }

    fn refused_at(mut self, now: Instant) {
        self.outcome = Outcome::Refused(now);
    }
}

impl Drop for LoginAttempt {
    fn drop(&mut self) {
        let (limits, login) = (&self.limits, &self.login);
        let mut attempts = lock(&limits.attempts);
        if let Some(of_target) = attempts.get_mut(&login.target) {
            *of_target -= 1;
            if *of_target == 0 {
                attempts.remove(&login.target);
            }
        }
        drop(attempts);
        let failed = match self.outcome {
            Outcome::Refused(now) => Some(now),
            Outcome::None | Outcome::Accepted => None,
        };
        limits.failures_of_user.end(&user(login), failed);
        limits.failures_at_target.end(&login.target, failed);
        if login.client.is_counted() {
            limits.failures_of_client.end(&login.client, failed);
        }
        if self.outcome == Outcome::Accepted {
            limits.failures_of_user.forget(&user(login));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Arc<Limits> {
        Limits::new(&Settings::defaults().unwrap())
    }

    fn login(n: u8, target: u8, username: &str) -> Login {
        Login {
            session: format!("session {n}"),
            client: Client::at([192, 0, 2, n].into()),
            target: [198, 51, 100, target].into(),
            owner: TargetOwner::Other,
            username: username.to_owned(),
        }
    }

    fn limit(begun: Result<LoginAttempt, Refused>) -> Option<Limit> {
        begun.err().map(|refused| refused.limit)
    }

    #[test]
    fn password_of_one_user_is_guessed_five_times_whatever_the_client() {
        let limits = limits();
        for n in 0..5 {
            limits.begin(login(n, 1, "ada")).unwrap().refused();
        }
        assert_eq!(limit(limits.begin(login(9, 1, "ada"))), Some(Limit::UserFailures));
        assert_eq!(limit(limits.begin(login(9, 1, "eve"))), None);
        assert_eq!(limit(limits.begin(login(9, 2, "ada"))), None);
    }

    #[test]
    fn wait_of_a_user_doubles_and_a_login_ends_it() {
        let limits = limits();
        let mut now = Instant::now();
        for n in 0..5 {
            limits.begin_at(login(n, 1, "ada"), now).unwrap().refused_at(now);
        }
        let mut waits = Vec::new();
        for n in 10..13 {
            let refused = limits.begin_at(login(n, 1, "ada"), now).unwrap_err();
            waits.push(refused.wait.as_secs_f32().ceil() as u64);
            now += refused.wait;
            limits.begin_at(login(n, 1, "ada"), now).unwrap().refused_at(now);
        }
        assert_eq!(waits, [30, 60, 120]);
        now += MAX_WAIT;
        limits.begin_at(login(20, 1, "ada"), now).unwrap().accepted();
        assert_eq!(limit(limits.begin_at(login(21, 1, "ada"), now)), None);
    }

    #[test]
    fn client_that_guesses_at_many_servers_has_to_wait() {
        let limits = limits();
        for target in 0..10 {
            limits.begin(login(1, target, "ada")).unwrap().refused();
        }
        assert_eq!(limit(limits.begin(login(1, 99, "ada"))), Some(Limit::ClientFailures));
        assert_eq!(limit(limits.begin(login(2, 99, "ada"))), None);
    }

    #[test]
    fn other_limits_act_at_once_and_forget_nothing() {
        let limits = limits();
        for n in 0..5 {
            limits.begin(login(n, 1, "ada")).unwrap().refused();
        }
        let settings = Settings { max_failed_logins: 6, ..Settings::defaults().unwrap() };
        limits.set(&settings);
        limits.begin(login(6, 1, "ada")).unwrap().refused();
        assert_eq!(limit(limits.begin(login(7, 1, "ada"))), Some(Limit::UserFailures));
        limits.set(&Settings { client_sessions_per_minute: 1, ..settings });
        let client = Client::at([192, 0, 2, 99].into());
        assert!(limits.start_session(client).is_ok() && limits.start_session(client).is_err());
    }

    #[test]
    fn many_clients_cannot_guess_at_one_server() {
        let limits = Limits::new(&Settings {
            target_connects_per_minute: 1000,
            ..Settings::defaults().unwrap()
        });
        for n in 0..100 {
            limits.begin(login(n, 1, &n.to_string())).unwrap().refused();
        }
        assert_eq!(limit(limits.begin(login(200, 1, "ada"))), Some(Limit::TargetFailures));
    }

    #[test]
    fn guesses_at_the_same_time_are_counted_before_their_outcome() {
        let limits = limits();
        limits.begin(login(0, 1, "ada")).unwrap().refused();
        let _four: Vec<_> = (1..5).map(|n| limits.begin(login(n, 1, "ada")).unwrap()).collect();
        assert_eq!(limit(limits.begin(login(5, 1, "ada"))), Some(Limit::UserFailures));
    }

    #[test]
    fn attempts_at_one_server_at_the_same_time_are_bounded() {
        let limits = limits();
        let max = Settings::defaults().unwrap().max_target_attempts;
        let all: Vec<_> =
            (0..max).map(|n| limits.begin(login(n as u8, 1, &n.to_string())).unwrap()).collect();
        assert_eq!(limit(limits.begin(login(200, 1, "ada"))), Some(Limit::Target));
        assert_eq!(limit(limits.begin(login(200, 2, "ada"))), None);
        drop(all);
        assert_eq!(limit(limits.begin(login(201, 1, "ada"))), None);
    }

    #[test]
    fn any_number_of_users_may_connect_to_a_server_of_the_operator() {
        let limits = limits();
        let own = |n| Login { owner: TargetOwner::Operator, ..login(n, 1, &n.to_string()) };
        let all: Vec<_> = (0..200).map(|n| limits.begin(own(n)).unwrap()).collect();
        all.into_iter().for_each(LoginAttempt::accepted);
    }

    #[test]
    fn connections_of_a_session_and_of_a_client_are_bounded() {
        let limits = limits();
        let settings = Settings::defaults().unwrap();
        let now = Instant::now();
        let local = |target| Login { client: Client::default(), ..login(1, target, "ada") };
        for target in 0..settings.session_connects_per_minute {
            drop(limits.begin_at(local(target as u8), now).unwrap());
        }
        assert_eq!(limit(limits.begin_at(local(200), now)), Some(Limit::Connects));
        let of_client = |n: u32| Login { session: n.to_string(), ..login(2, n as u8, "ada") };
        for n in 0..settings.client_connects_per_minute {
            drop(limits.begin_at(of_client(n), now).unwrap());
        }
        assert_eq!(limit(limits.begin_at(of_client(200), now)), Some(Limit::Connects));
    }

    #[test]
    fn new_sessions_of_a_client_are_bounded() {
        let limits = limits();
        let client = Client::at([192, 0, 2, 1].into());
        for _ in 0..Settings::defaults().unwrap().client_sessions_per_minute {
            limits.start_session(client).unwrap();
        }
        assert_eq!(limits.start_session(client).unwrap_err().limit, Limit::Sessions);
        assert!(limits.start_session(Client::at([192, 0, 2, 2].into())).is_ok());
        assert!(limits.start_session(Client::default()).is_ok());
    }
}
