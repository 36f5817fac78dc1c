//! The commands of an operator, besides running the portal.
//!
//! # Layers
//! - [`check`]: checks a portal from outside.
//! - [`config`]: prints and checks the settings.
//! - [`init`]: asks what a portal needs, and writes its configuration.
//! - [`reload`]: asks a running portal to read its configuration again.
//! - [`keys`]: `ferryport keys new`, `list` and `rotate`.
//! - `password`: reads a password.
//! - [`preset`]: `ferryport preset set-password`.
//! - [`doctor`]: `ferryport doctor`.
//! - [`drop`](mod@drop): `ferryport drop`.

pub mod check;
pub mod config;
pub mod doctor;
pub mod drop;
pub mod init;
pub mod keys;
mod password;
pub mod preset;
pub mod reload;

use store::Opener;

use crate::{sealed_store::SealedStore, settings::Settings};

/// Opens the store beside a portal that may be running.
///
/// # Errors
/// When the settings name no store, or it cannot be used.
async fn open_store(settings: &Settings) -> anyhow::Result<SealedStore> {
    let store = SealedStore::open(settings, Opener::Command).await?;
    store.ok_or_else(|| {
        anyhow::anyhow!(
            "this command needs the portal's settings `store` and `keyring_file`: name its \
             configuration file with --config"
        )
    })
}
