//! Whether the portal takes new sessions: what `/readyz` answers.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// The conditions for new sessions.
#[derive(Debug, Default)]
pub struct Readiness {
    listening: AtomicBool,
    draining: CancellationToken,
}

/// A condition for new sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The portal accepts connections.
    Listening,
    /// The portal is not being stopped.
    NotDraining,
}

impl Check {
    /// All conditions.
    pub const ALL: [Self; 2] = [Self::Listening, Self::NotDraining];

    /// Returns the name in the answer of `/readyz`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::NotDraining => "not_draining",
        }
    }
}

impl Readiness {
    /// Notes that the portal accepts connections.
    pub fn set_listening(&self) {
        self.listening.store(true, Ordering::Relaxed);
    }

    /// Notes that the portal is being stopped.
    pub fn set_draining(&self) {
        self.draining.cancel();
    }

    /// Returns whether the portal is being stopped.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Waits until the portal is being stopped.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// Returns whether a condition is met.
    #[must_use]
    pub fn passes(&self, check: Check) -> bool {
        match check {
            Check::Listening => self.listening.load(Ordering::Relaxed),
            Check::NotDraining => !self.is_draining(),
        }
    }

    /// Returns whether all conditions are met.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        Check::ALL.into_iter().all(|check| self.passes(check))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portal_is_ready_between_its_start_and_its_drain() {
        let readiness = Readiness::default();
        assert!(!readiness.is_ready());
        readiness.set_listening();
        assert!(readiness.is_ready());
        readiness.set_draining();
        assert!(!readiness.is_ready() && readiness.passes(Check::Listening));
    }
}
