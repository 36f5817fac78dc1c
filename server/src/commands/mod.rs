//! The commands of an operator, besides running the portal.
//!
//! # Layers
//! - [`config`]: prints and checks the settings.
//! - [`init`]: asks what a portal needs, and writes its configuration.
//! - [`reload`]: asks a running portal to read its configuration again.

pub mod config;
pub mod init;
pub mod reload;
