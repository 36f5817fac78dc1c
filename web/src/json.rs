//! JSON (RFC 8259) as the portal and the page's own store have it, in serde's types.
//!
//! The page reads what its own portal or it itself has written: who gets something else is told
//! that it was not understood, and needs no word on which byte was wrong. serde_json would bring
//! these words, floating point numbers and a generic reader for each type with it: a third of the
//! page's program. Here everything that does not depend on the type is in [`read`]'s `Reader` and
//! [`write`]'s `Writer`, and an error is of no size.
//!
//! # Limits
//! Numbers are whole ones of 64 bits; an enum is the name of its variant, or a message with its
//! `type` in front ([`protocol::Tagged`]). Nothing is read that does not say what it expects
//! (serde's `untagged` and `flatten`), and no map and no tuple.

pub use self::{reader::read, writer::write};

mod reader;
mod writer;

/// Not JSON, or not of the type that is wanted; or a type that is not written here.
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
