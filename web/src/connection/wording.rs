//! The texts about the state of the connection.

use std::time::Duration;

use crate::{format, texts::Text};

/// Says that there is no connection.
#[must_use]
pub fn not_connected() -> &'static str {
    Text::ConnectionNone.text()
}

/// Says that the user disconnected.
#[must_use]
pub fn disconnected() -> &'static str {
    Text::ConnectionEnded.text()
}

/// Says that the connection to the portal is lost and being restored.
#[must_use]
pub fn reconnecting() -> &'static str {
    Text::ConnectionLost.text()
}

/// Says that uploads were interrupted and can be retried.
#[must_use]
pub fn retry_to_continue() -> &'static str {
    Text::ConnectionRetryToGoOn.text()
}

/// Says that the browser has no network.
#[must_use]
pub fn offline() -> &'static str {
    Text::ConnectionOffline.text()
}

/// Says that the connection is restored.
#[must_use]
pub fn restored() -> &'static str {
    Text::ConnectionRestored.text()
}

/// Names the server that the page is connected to.
#[must_use]
pub fn connected_to(host: &str) -> String {
    Text::ConnectionTo.fill(&[&format::name(host)])
}

/// Names the server that the page is connecting to.
#[must_use]
pub fn connecting_to(host: &str) -> String {
    Text::ConnectionConnectingTo.fill(&[&format::name(host)])
}

/// The time until the next attempt to reach the portal.
#[must_use]
pub fn retry_in(left: Duration) -> String {
    Text::ConnectionLostNextTry.fill(&[&format::duration(left)])
}
