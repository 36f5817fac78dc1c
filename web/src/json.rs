//! Reads and writes JSON (RFC 8259) with serde's types.
//!
//! The page reads only what its portal or the page itself has written, so an error needs no position
//! and no description. serde_json would bring both, floating point numbers and a generic reader for
//! each type: a third of the page's program. Here all code that does not depend on the type is in
//! [`read`]'s `Reader` and [`write()`]'s `Writer`, and an error has no size.
//!
//! # Limits
//! Numbers are integers of 64 bits. An enum is the name of its variant, or a message that starts with
//! its `type` ([`protocol::Tagged`]). Types that do not tell serde what they expect (`untagged`,
//! `flatten`), maps and tuples are not supported.

pub use self::{reader::read, writer::write};

mod reader;
mod writer;

/// The text is not JSON or not of the expected type, or the type is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not the JSON that was expected")
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests;
