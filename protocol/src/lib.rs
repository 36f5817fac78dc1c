//! The messages between the page and the portal.
//!
//! Each page has one WebSocket (RFC 6455). A text frame contains JSON messages, one a line:
//! [`ClientMessage`]s from the page, [`ServerMessage`]s from the portal; see [`lines`]. A guest of a drop sends
//! [`GuestMessage`]s after its `hello`, and gets [`ToGuest`]. A binary
//! frame, which only the page sends, is a [`ChunkHeader`] and bytes of one file.
//!
//! This crate does no I/O and reads no clock; it builds for the host and for wasm32. It uses no other
//! part of Ferryport: the portal converts the FTPS engine's events to these types, and the page
//! shows them to the user. `docs/wire-protocol.md` specifies the protocol in prose.
//!
//! # Layers
//! - `tagged`: reads messages by their `type`.
//! - [`chunk`]: the fixed header of a binary frame.
//! - [`flow`]: the arithmetic of windows and credit, the same on both sides.
//! - [`lines`]: several messages in one text frame.
//! - [`secret`]: a password or a session's secret.
//! - [`session`]: the session that a socket is for.
//! - [`language`]: the language of the user.
//! - [`connect`]: the destination and the credentials of a connection.
//! - [`problem`]: an error with its stage, its cause and its remedy.
//! - [`doctor`]: the report of an examination of an FTPS server.
//! - [`entry`]: files and directories on the server.
//! - [`client`]: the page's messages.
//! - [`server`]: the portal's messages.
//! - [`guest`]: the messages between a guest of a drop and the portal.
//! - [`delivery`]: the messages that survive their socket.

pub mod chunk;
pub mod client;
pub mod connect;
pub mod delivery;
pub mod doctor;
pub mod entry;
pub mod flow;
pub mod guest;
pub mod language;
pub mod lines;
pub mod problem;
pub mod secret;
pub mod server;
pub mod session;
mod tagged;

pub use chunk::{Attempt, CHUNK_HEADER_LEN, ChunkHeader, UploadId};
pub use client::{ClientMessage, OnConflict};
pub use connect::Encryption;
pub use flow::Window;
pub use guest::{GuestMessage, ToGuest};
pub use problem::{Problem, Remedy, Stage};
pub use server::ServerMessage;
#[doc(hidden)]
pub use tagged::Tagged;

/// The version of the protocol that this crate implements.
///
/// The page sends it in [`ClientMessage::Hello`]. A portal of another version answers
/// [`ServerMessage::Unsupported`], and the page asks the user to reload it.
pub const VERSION: u32 = 3;

/// The path of the WebSocket, relative to the page. See [`ClientMessage::Hello`].
pub const SOCKET_PATH: &str = "session/socket";

/// The path of the explanations of log lines, relative to the page: a JSON list of sentences, in
/// the language of the query's `lang` (`en`, `de`). [`server::LogLine::explanation`] is an index of
/// it.
pub const EXPLANATIONS_PATH: &str = "explanations.json";
