//! The portal: files from a browser to an FTPS server, nothing in between but a window.
//!
//! # Layers
//! - [`descriptors`]: how many connections the system lets the process have.
//! - [`settings`]: every setting, its unit, its default.
//! - [`policy`]: where the portal may connect to.
//! - [`host`]: a name or an address, however it is written.
//! - [`lookup`]: names and their addresses.
//! - [`outbound`]: whom it takes for an FTPS server, who it is itself, through which proxy.
//! - [`http`]: the page, its assets, the doors of a session, the headers.
//! - [`websocket`]: the frames between browser and portal.
//! - [`session`]: one page's conversation, from its hello to its end.
//! - [`speech`]: what the portal says to a person, in the person's language.
//! - [`relay`]: the bytes on their way through, and the budget that bounds them.
//! - [`portal`]: what all of them share.
//! - [`demo`]: an FTPS server to try the portal on.
//!
//! The portal keeps nothing on disk: no file, no credential, no state.

#[cfg(feature = "demo")]
pub mod demo;
pub mod descriptors;
pub mod host;
pub mod http;
pub mod lookup;
pub mod outbound;
pub mod policy;
pub mod portal;
pub mod relay;
pub mod serve;
pub mod session;
pub mod settings;
pub mod speech;
pub mod websocket;
