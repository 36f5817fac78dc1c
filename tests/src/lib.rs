//! Ferryport end to end, on real parts.
//!
//! This crate is the harness: it starts real FTPS servers, the portal, a client of the portal's
//! WebSocket and a browser, each with its own directory and ports, and takes them down with the
//! test. The claims themselves are in `tests/tests/`, one file a subject. Nothing here is skipped
//! when something is missing: the test fails and says what to install.
//!
//! # Layers
//! - [`extent`]: how much of a wide matrix a test run covers.
//! - [`process`]: a child process that never outlives its test.
//! - [`link`]: a line to another network that takes its time.
//! - [`servers`]: vsftpd, `ProFTPD`, Pure-FTPd and pyftpdlib.
//! - [`fake_peers`]: what else may listen where somebody expects an FTPS server.
//! - [`fault_proxy`]: a network between a client and a server that fails as it is told.
//! - [`portal`]: `ferryport serve`.
//! - [`page_proxy`]: a way between the browser and the portal that is slow, cut and mended.
//! - [`content`]: the bytes and the names of what is uploaded.
//! - [`client`]: a session of the portal, without a page.
//! - [`axe`]: the rules of accessibility, put to the page.
//! - [`browser`]: a headless Chromium or Firefox, told what to do over its own protocol.
//! - [`person`]: what a person does on the page.
//! - [`states`]: the page brought into each of its states.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot go on stops its test and says why"
)]

pub mod axe;
pub mod browser;
pub mod client;
pub mod content;
pub mod extent;
pub mod fake_peers;
pub mod fault_proxy;
pub mod link;
pub mod page_proxy;
pub mod person;
pub mod portal;
mod ports;
pub mod process;
pub mod servers;
pub mod states;

/// Makes of each `async fn` a module of its name with one test a server: the claim has to hold
/// for vsftpd, `ProFTPD` and Pure-FTPd with explicit TLS.
#[macro_export]
macro_rules! with_each_server {
    ($($(#[doc = $doc:literal])* async fn $name:ident($server:ident: Server) $body:block)+) => {$(
        mod $name {
            use super::*;

            $(#[doc = $doc])*
            async fn claim($server: $crate::servers::Server) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn vsftpd() {
                claim($crate::servers::start($crate::servers::Kind::Vsftpd)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn proftpd() {
                claim($crate::servers::start($crate::servers::Kind::ProFtpd)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn pure_ftpd() {
                claim($crate::servers::start($crate::servers::Kind::PureFtpd)).await;
            }
        }
    )+};
}

/// Makes of each `async fn` a module of its name with one test a browser: the claim has to hold in
/// Chromium and in Firefox.
#[macro_export]
macro_rules! with_each_browser {
    ($($(#[doc = $doc:literal])* async fn $name:ident($browser:ident: Browser) $body:block)+) => {$(
        mod $name {
            use super::*;

            $(#[doc = $doc])*
            async fn claim($browser: $crate::browser::Browser) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn chromium() {
                claim($crate::browser::Browser::Chromium).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn firefox() {
                claim($crate::browser::Browser::Firefox).await;
            }
        }
    )+};
}
