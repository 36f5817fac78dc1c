//! Ferryport end to end, on real parts.
//!
//! This crate is the harness: it starts real FTPS servers, the portal, a client of the portal's
//! WebSocket and a browser, each with its own directory and ports, and takes them down with the
//! test. The claims themselves are in `tests/tests/`, one file a subject. Nothing here is skipped
//! when something is missing: the test fails and says what to install.
//!
//! # Layers
//! - [`process`]: a child process that never outlives its test.
//! - [`servers`]: vsftpd, `ProFTPD` and Pure-FTPd.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot go on stops its test and says why"
)]

mod ports;
pub mod process;
pub mod servers;
