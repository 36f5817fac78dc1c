//! Messages to the supervisor, as `sd_notify(3)` describes them. Without one they are dropped.

use sd_notify::NotifyState;

/// The portal serves.
pub(crate) fn ready() {
    tell(NotifyState::Ready);
}

/// The portal reads its configuration again; [`ready`] follows.
pub(crate) fn reloading() {
    tell(NotifyState::Reloading);
}

/// The portal is being stopped.
pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the supervisor cannot be told the portal's state");
    }
}
