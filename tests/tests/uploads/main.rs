//! Uploads of the engine to vsftpd, `ProFTPD` and Pure-FTPd: dates, digests, resuming, several
//! sessions, unusual names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod dates;
mod digests;
mod in_place;
mod names;
mod replacing;
mod resume;
mod setup;
mod several_sessions;
mod source;
