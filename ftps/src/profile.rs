//! What was learned about a host, and the ladder of other ways to try.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::tls::TlsVersion;

/// What was learned about a host. Kept between sessions, it spares the next one the same detours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostProfile {
    /// The newest TLS version that works with the host, where it is not the newest there is.
    pub tls_max: Option<TlsVersion>,
    /// How data connections are asked for.
    pub passive: PassiveMode,
    /// How TLS is asked for.
    pub auth: AuthName,
}

/// The command that asks for a data connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PassiveMode {
    /// `EPSV`, and `PASV` where it is refused or its port cannot be reached.
    #[default]
    Extended,
    /// `PASV`: `EPSV` was refused.
    PassiveOnly,
    /// `PASV`: `EPSV` was accepted and its port could not be reached.
    ExtendedSuspect,
}

/// The argument of `AUTH` that the host knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthName {
    /// `AUTH TLS`, and `AUTH SSL` where it is refused.
    #[default]
    Tls,
    /// `AUTH SSL`.
    Ssl,
}

/// Another way to try after an error; its `Display` is a sentence for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rung {
    /// Connect again and use no TLS newer than 1.2.
    Tls12,
    /// Connect again: the session was too old for the server to resume, or out of step.
    NewConnection,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => {
                "The server did not accept the TLS 1.3 session of the data connection. The next \
                 connection uses TLS 1.2, whose sessions can be resumed any number of times."
            }
            Self::NewConnection => {
                "This session cannot go on. A new connection starts with a fresh one."
            }
        })
    }
}

/// The profile that a connector and its clients share.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedProfile(Arc<Mutex<HostProfile>>);

impl SharedProfile {
    pub(crate) fn new(profile: HostProfile) -> Self {
        Self(Arc::new(Mutex::new(profile)))
    }

    pub(crate) fn get(&self) -> HostProfile {
        *self.lock()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut HostProfile)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, HostProfile> {
        // The profile is plain data: it is whole after a panic too.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
