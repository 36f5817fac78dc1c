//! One page's conversation with the portal, from its `POST session` to its end. It outlives its
//! sockets: a page that comes back within the grace finds everything as it left it.
//!
//! # Layers, in the order of a session's life
//! - [`registry`]: sessions are made, found by name and secret, and counted.
//! - [`life`]: a session from its first socket to its end, and whose turn it is.
//! - [`socket`]: one WebSocket: hello, frames in, pings, deadlines.
//! - [`chunks`]: the pieces of files in what arrives.
//! - [`outbox`]: messages and log lines on their way to the page, whichever socket it has.
//! - [`conversation`]: what each message of the page sets in motion.
//! - [`offers`], [`digests`]: the uploads that have not ended, and what the page says of them.
//! - [`link`]: the task that holds the FTPS connections: connect, then errands.
//! - [`remote`]: files and directories that are renamed and deleted on the server.
//! - [`uploader`]: the uploads that wait, and those who take one after the other.
//! - [`upload`]: one upload between the page and the engine.
//! - [`narration`]: what each line of the session log means.
//! - [`words`]: the engine's values in the words of the protocol.

pub mod chunks;
pub mod conversation;
pub mod digests;
pub mod life;
pub mod link;
pub mod narration;
pub mod offers;
pub mod outbox;
pub mod registry;
pub mod remote;
pub mod socket;
pub mod upload;
pub mod uploader;
pub mod words;
