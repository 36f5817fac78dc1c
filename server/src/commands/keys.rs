//! `ferryport keys`: the keys that seal what is secret in the store.

use std::time::SystemTime;

use zeroize::Zeroizing;

use super::open_store;
use crate::{
    keyring,
    sealed_store::load_keyring,
    settings::{Settings, SettingsError, SettingsErrors},
};

/// Returns the line of a new key. Its id is today's date, unless there is another one.
///
/// # Errors
/// When the id cannot be one.
pub fn new(id: Option<&str>) -> anyhow::Result<Zeroizing<String>> {
    match id {
        Some(id) => keyring::new_line(id),
        None => keyring::new_line(&today()),
    }
}

/// Returns one line for each key of the keyring: what it does, and how many secrets it has sealed, where
/// there is a store.
///
/// # Errors
/// When keyring or store cannot be used.
pub async fn list(settings: &Settings) -> anyhow::Result<String> {
    let Some(keyring) = load_keyring(settings)? else {
        let missing = "`ferryport keys list` needs the setting `keyring_file`".to_owned();
        return Err(SettingsErrors::from(SettingsError::Contradiction(missing)).into());
    };
    let store = open_store(settings).await?;
    let secrets = store.store().secret_keys().await?;
    let lines = keyring.ids().map(|id| {
        let role = if id == keyring.sealing_id() { "seals" } else { "opens" };
        let count = secrets.iter().find(|(key, _)| key == id).map_or(0, |(_, count)| *count);
        format!("{id}  {role}  {count} secrets\n")
    });
    Ok(lines.collect())
}

/// Seals all secrets with the first key of the keyring. Returns what was done, and which keys can be
/// removed.
///
/// # Errors
/// When keyring or store cannot be used, or a secret does not open.
pub async fn rotate(settings: &Settings) -> anyhow::Result<String> {
    let store = open_store(settings).await?;
    let resealed = store.reseal_all().await?;
    let keyring = store.keyring();
    let sealing = keyring.sealing_id();
    let mut text =
        format!("{resealed} secrets were sealed again; all are sealed with key {sealing}\n");
    for id in keyring.ids().filter(|id| *id != sealing) {
        text.push_str(&format!("key {id} can be removed\n"));
    }
    Ok(text)
}

/// Returns today's date: `2026-11-30`.
fn today() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    now.chars().take_while(|character| *character != 'T').collect()
}
