//! The harness of the end-to-end tests, which run on real servers and browsers.
//!
//! It starts real FTPS servers, the portal, a client of the portal's WebSocket and a browser, each
//! with its own directory and ports, and stops them with the test. The tests are in
//! `tests/tests/`, one file a subject. No test is skipped when a program is missing: it fails and
//! says what to install.
//!
//! # Layers
//! - [`extent`]: how much of a wide matrix a test run covers.
//! - [`package_files`]: the files of the packages that are made from the portal's command line.
//! - [`process`]: a child process that never outlives its test.
//! - `ports`: ports that no other test takes.
//! - [`postgres`]: a PostgreSQL cluster.
//! - [`pebble`]: a certificate authority.
//! - [`peer_certificate`]: what certificate a TLS server shows.
//! - [`delayed_link`]: a link to another network with a delay.
//! - [`servers`]: vsftpd, `ProFTPD`, Pure-FTPd and pyftpdlib.
//! - [`engine`]: the FTPS engine, set up for such a server.
//! - [`fake_peers`]: peers that are no FTPS servers, and closed ports.
//! - [`greeting_relay`]: a relay to a server that hides the server's name in the greeting.
//! - [`schedules`]: random schedules of faults.
//! - [`fault_proxy`]: a proxy before a server that breaks connections on demand.
//! - `portal`: `ferryport serve` and `ferryport demo`.
//! - [`reverse_proxy`]: nginx, Caddy and `HAProxy` in front of the portal.
//! - [`page_proxy`]: a proxy between the browser and the portal that limits and cuts connections.
//! - [`content`]: the bytes and the names of uploaded files.
//! - [`client`]: a native client of the portal's WebSocket.
//! - [`guest`]: a native guest of a drop.
//! - [`drop_site`]: a portal with a store, a keyring and a preset for drops.
//! - [`hostile_server`]: an FTPS server that sends as much as it can.
//! - [`faulty_server`]: an FTPS server that is wrong in one thing.
//! - [`browser`]: a headless Chromium or Firefox, controlled over its own protocol.
//! - [`axe`]: the accessibility rules of axe-core, run on the page.
//! - [`user`]: what a user does on the page.
//! - [`states`]: the page in each of its states.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot continue fails its test"
)]

pub mod axe;
pub mod browser;
pub mod client;
pub mod content;
pub mod delayed_link;
pub mod drop_site;
pub mod engine;
pub mod extent;
pub mod fake_peers;
pub mod fault_proxy;
pub mod faulty_server;
pub mod greeting_relay;
pub mod guest;
pub mod hostile_server;
pub mod package_files;
pub mod page_proxy;
pub mod pebble;
pub mod peer_certificate;
pub mod portal;
mod ports;
pub mod postgres;
pub mod process;
pub mod reverse_proxy;
pub mod schedules;
pub mod servers;
pub mod states;
pub mod user;

/// The path of the portal's program, which cargo builds from the portal's own `main.rs`.
#[macro_export]
macro_rules! portal_program {
    () => {
        env!("CARGO_BIN_EXE_portal-under-test")
    };
}

/// Starts the portal, with [`Options::default`](portal::Options::default) or others.
#[macro_export]
macro_rules! portal {
    () => {
        $crate::portal!($crate::portal::Options::default())
    };
    ($options:expr) => {
        $crate::portal::Portal::start($crate::portal_program!(), $options)
    };
}

/// Turns each `async fn` into a module with one test a kind of server: vsftpd, `ProFTPD` and
/// Pure-FTPd.
#[macro_export]
macro_rules! with_each_kind {
    ($($(#[doc = $doc:literal])* async fn $name:ident($kind:ident: Kind) $body:block)+) => {$(
        mod $name {
            use super::*;

            $(#[doc = $doc])*
            async fn claim($kind: $crate::servers::Kind) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn vsftpd() {
                claim($crate::servers::Kind::Vsftpd).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn proftpd() {
                claim($crate::servers::Kind::ProFtpd).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn pure_ftpd() {
                claim($crate::servers::Kind::PureFtpd).await;
            }
        }
    )+};
}

/// Like [`with_each_kind!`], with the server started: explicit TLS, default options.
#[macro_export]
macro_rules! with_each_server {
    ($($(#[doc = $doc:literal])* async fn $name:ident($server:ident: Server) $body:block)+) => {
        $crate::with_each_kind! {$(
            $(#[doc = $doc])*
            async fn $name(kind: Kind) {
                let $server: $crate::servers::Server = $crate::servers::start(kind);
                $body
            }
        )+}
    };
}

/// Turns each `async fn` into a module with one test a browser: Chromium and Firefox.
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
