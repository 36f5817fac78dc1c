//! Uploads by seed against servers in memory, on paused time.
//!
//! - `faults`: what goes wrong.
//! - `network`: connections that break.
//! - `control`: a server's control and data connections.
//! - `tls`: the TLS of the servers.
//! - `client`: the engine's connector, with seeded random bytes.
//! - `seeds`: plays many seeds, and reports those that fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

pub(crate) mod client;
pub(crate) mod control;
pub(crate) mod faults;
pub(crate) mod network;
pub(crate) mod seeds;
pub(crate) mod tls;
