//! The path of the bytes through the portal: from the page's socket to the FTPS data connection.
//!
//! Nothing is spooled to disk. The bytes that an upload may have in flight are its window, and a
//! window is a [`Reservation`] of the one [`Budget`] of the portal.
//!
//! # Layers
//! - `budget`: the memory that all windows share.
//! - `upload_buffer`: the queue between the socket and the upload. Its bound is the credit that the
//!   page was granted, so it cannot overflow.
//! - `page_source`: the page's bytes for the engine; widens, narrows and announces the window.
//! - `problems`: the problems of uploads whose bytes do not arrive.

mod budget;
mod page_source;
mod problems;
mod upload_buffer;

pub use budget::{Budget, Reservation};
pub use page_source::{CreditSink, PageSource, PageSourceError};
pub use upload_buffer::{ChunkPart, ChunkViolation, Credit, UploadBuffer};
