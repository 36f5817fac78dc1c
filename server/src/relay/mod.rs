//! The way of the bytes through the portal: from the socket loop to the FTPS data connection.
//!
//! Nothing is spooled. What an upload may have under way is its window; a window is a [`Lease`]
//! out of the one [`Budget`] of the whole portal. An [`Inlet`] is the queue between the two
//! sides: its bound is the credit that the page was given, so that it can never be full.

mod budget;
mod inlet;

pub use budget::{Budget, Lease};
pub use inlet::{Credit, Inlet, Piece, Violation};
