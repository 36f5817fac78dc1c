//! Drops: links that anybody can upload to, onto the server of a preset.
//!
//! # Layers
//! - `text`: texts of guests as parts of a path.
//! - [`folder`]: the folder of an arrival, from the template of its drop.
//! - [`names`]: names and paths of a guest's files.
//! - [`content`]: programs under the name of something else.
//! - [`ask`]: what guests are asked, and their answers.
//! - [`password`]: the passwords of drops.
//! - [`link`]: the links of drops.
//! - [`receipt`]: receipts, and their signatures.
//! - [`visit`]: a drop as a guest has opened it.
//! - [`problems`]: what guests are told.
//! - [`service`]: the drops of a portal.
//! - [`delivery`]: one file of a guest.

pub mod ask;
pub mod content;
pub mod delivery;
pub mod folder;
pub mod link;
pub mod names;
pub mod password;
pub mod problems;
pub mod receipt;
pub mod service;
mod text;
pub mod visit;

pub use self::{
    delivery::Delivery,
    service::Drops,
    visit::{DropEnd, Visit},
};
