//! Where the portal is between its start and its end.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// Whether the portal has started to listen, and whether it is being stopped.
#[derive(Debug, Default)]
pub struct Readiness {
    listening: AtomicBool,
    draining: CancellationToken,
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

    /// Returns whether the portal accepts connections.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }
}
