//! The page's program: what runs in the browser.
//!
//! Its core is pure: events go in, effects come out. It does no I/O, reads no clock, knows no
//! browser, and is tested on the host. The shell around it is for wasm32 only: it listens to the
//! browser, hands events in, carries effects out and draws what changed. It writes no HTML: all
//! markup is in `templates/`, whose `<template>` elements it clones and fills with text.
//!
//! # Layers
//! - [`page`]: joins the parts; the one door for events.
//! - [`connection`]: the link to the portal and the connection to the server behind it;
//!   [`delivery`]: what of their talk survives a socket.
//! - [`saved`]: what survives the page itself.
//! - [`queue`]: the uploads; [`chunk_size`] and [`rate`] serve it.
//! - [`connect_steps`]: the steps on the way to the server. [`address`]: destinations as people write
//!   them; [`recent`]: the ones that this browser remembers.
//! - [`upload_list`]: the lines of the list of uploads; [`virtual_list`]: which of them are in the document.
//!   [`summary`]: what became of them.
//! - [`remote`]: the directory in view.
//! - [`log`]: the session log; [`mask`] hides in it who and where, [`log::find`] finds.
//! - [`json`]: reads what the portal says and what was saved.
//! - [`words`]: what is said of each thing. [`format`]: sizes, durations, foreign text.
//!   [`texts`]: the page's language, which both speak.
//! - `shell`: the browser's side of all that.
//!
//! # Limits
//! The bytes of a file never pass through the memory of this program: its worker reads them into
//! frames that are handed on, or, where there is none, a `Blob` of header and slice is sent. The password stays in its field and passes through on its way to
//! the socket only.

pub mod address;
pub mod chunk_size;
pub mod connect_steps;
pub mod connection;
pub mod delivery;
pub mod format;
pub mod json;
pub mod log;
pub mod mask;
pub mod page;
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
pub mod words;

#[cfg(target_arch = "wasm32")]
pub mod shell;
