//! The commands of an operator, besides running the portal.
//!
//! # Layers
//! - [`config`]: prints and checks the settings.
//! - [`init`]: asks what a portal needs, and writes its configuration.

pub mod config;
pub mod init;
