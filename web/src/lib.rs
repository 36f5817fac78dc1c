//! The page's program, which runs in the browser.
//!
//! Its core is pure: it takes events and returns effects. It does no I/O, reads no clock, knows no
//! browser, and is tested on the host. The shell around it is for wasm32 only: it listens to the
//! browser, hands events in, carries effects out and draws what changed. It writes no HTML: all
//! markup is in `templates/`, whose `<template>` elements it clones and fills with text.
//!
//! # Layers
//! A module uses only the modules above it in this list.
//! - [`time`]: points in time, durations, a stopwatch.
//! - [`rate`]: the rate of a transfer.
//! - [`chunk_size`]: the size of the next chunk.
//! - [`join`]: joins texts.
//! - [`path`]: paths with slashes.
//! - [`edges`]: the digest of both ends of a file.
//! - [`destination`]: a server, and the account to log in with.
//! - [`json`]: reads and writes JSON.
//! - [`virtual_list`]: the rows of a long list that are in the document.
//! - [`texts`]: the texts of the page's language.
//! - [`format`](mod@format): sizes, durations, foreign text.
//! - [`problem`]: the page's own problems, and the names of stages and parties.
//! - [`certificate`]: texts about a server's certificate.
//! - [`address`]: addresses that users type, and links.
//! - [`recent`]: the destinations that this browser remembers.
//! - [`delivery`]: messages that are repeated until they are acknowledged.
//! - [`connection`]: the connections to the portal and to the server behind it.
//! - [`connect_steps`]: the steps of connecting.
//! - [`log`]: the session log.
//! - [`queue`]: the uploads.
//! - [`upload_list`]: the rows of the list of uploads.
//! - [`summary`]: the result of all uploads.
//! - [`remote`]: the directory in view on the server.
//! - [`saved`]: what the browser stores for the page after a reload.
//! - [`page`]: joins the parts; all events enter here.
//! - `shell`: the browser's side.
//!
//! # Limits
//! The bytes of a file never pass through the memory of this program: a `Blob` of header and slice is
//! sent, or, of a small file, a buffer that the worker has filled.
//! The password stays in its form field, and is read only to be sent.

pub mod address;
pub mod certificate;
pub mod chunk_size;
pub mod connect_steps;
pub mod connection;
pub mod delivery;
pub mod destination;
pub mod edges;
pub mod format;
pub mod join;
pub mod json;
pub mod log;
pub mod page;
pub mod path;
pub mod problem;
pub mod queue;
pub mod rate;
pub mod recent;
pub mod remote;
pub mod saved;
pub mod summary;
pub mod texts;
pub mod time;
pub mod upload_list;
pub mod virtual_list;

#[cfg(target_arch = "wasm32")]
pub mod shell;
