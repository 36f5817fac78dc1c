//! The conversation between the page and the portal.
//!
//! One WebSocket (RFC 6455) a page. A text frame holds JSON messages, one a line:
//! [`ClientMessage`]s from the page, [`ServerMessage`]s from the portal; see [`lines`]. A binary frame, only ever from the page, is a
//! [`ChunkHeader`] and a piece of one file.
//!
//! This crate does no I/O and reads no clock; it builds for the host and for wasm32. It knows no
//! other part of Ferryport: the portal translates the FTPS engine's events into these types, the
//! page translates these types into what a person sees. `docs/wire-protocol.md` is its prose.
//!
//! # Layers
//! - [`chunk`]: the fixed header of a binary frame.
//! - [`client`]: what the page says.
//! - [`server`]: what the portal says.
//! - [`problem`]: an error with its stage, its cause and its remedy.
//! - [`lines`]: several messages in one text frame.
//! - `tagged`: how their `type` is read.
//! - [`delivery`]: which messages survive their socket.
//! - [`flow`]: the arithmetic of windows and credit, the same on both sides.

pub mod chunk;
pub mod client;
pub mod delivery;
pub mod flow;
pub mod lines;
pub mod problem;
pub mod server;
mod tagged;

pub use chunk::{Attempt, CHUNK_HEADER_LEN, ChunkHeader, UploadId};
pub use client::{ClientMessage, Encryption, OnConflict};
pub use flow::Window;
pub use problem::{Problem, Remedy, Stage};
pub use server::ServerMessage;
#[doc(hidden)]
pub use tagged::Tagged;

/// The version of the conversation that this crate speaks.
///
/// The page names it in [`ClientMessage::Hello`]; a portal that speaks another answers
/// [`ServerMessage::Unsupported`], and the page asks the person to reload it.
pub const VERSION: u32 = 2;

/// The path of the WebSocket, relative to the page.
pub const SOCKET_PATH: &str = "session/socket";

/// The path of the explanations of log lines, relative to the page: a JSON list of sentences, in
/// the language of the query's `lang` (`en`, `de`). [`server::LogLine::explanation`] is a place in
/// it.
pub const EXPLANATIONS_PATH: &str = "explanations.json";

/// The path that a `POST` creates a session at, relative to the page: see [`server::NewSession`].
pub const SESSION_PATH: &str = "session";
