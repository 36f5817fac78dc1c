//! One page's conversation with the portal, from its `POST session` to the end of its socket.
//!
//! # Layers, in the order of a session's life
//! - [`registry`]: sessions are made, found by name and secret, and counted.
//! - [`socket`]: the WebSocket: hello, frames in, pings, deadlines.
//! - [`outbox`]: messages and log lines on their way to the page.
//! - [`conversation`]: what each message of the page sets in motion.
//! - [`link`]: the task that holds the FTPS connections: connect, then errands.
//! - [`uploader`]: the uploads that wait, and those who take one after the other.
//! - [`upload`]: one upload between the page and the engine.
//! - [`words`]: the engine's events and errors in the words of the protocol.

pub mod conversation;
pub mod link;
pub mod outbox;
pub mod registry;
pub mod socket;
pub mod upload;
pub mod uploader;
pub mod words;
