//! The engine against a server that plays scripts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod scripted;

mod data;
mod diagnosis;
mod examine;
mod listing;
mod login;
mod other_clients;
mod pipelining;
mod pool;
mod proxy;
mod quirks;
mod reports;
mod tls;
mod transfer;
mod trees;
mod upload;
