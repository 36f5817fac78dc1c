//! `ferryport preset`: the passwords of presets that are in the store.

use anyhow::{Context as _, bail};

use super::{open_store, password::read_password};
use crate::{
    sealed_store::SecretKind,
    settings::{PresetLogin, Settings, secret},
};

/// Stores the password of a preset. It comes from the terminal, which does not show it, or from standard
/// input.
///
/// # Errors
/// When there is no such preset, it takes its password from elsewhere, or the store cannot be used.
pub async fn set_password(settings: &Settings, name: &str) -> anyhow::Result<String> {
    let Some(preset) = settings.presets.iter().find(|preset| preset.name == name) else {
        let known: Vec<&str> = settings.presets.iter().map(|preset| preset.name.as_str()).collect();
        bail!("there is no preset `{name}`; there are: {}", known.join(", "));
    };
    if !matches!(preset.login, PresetLogin::PortalFromStore { .. }) {
        bail!("the preset `{name}` takes no password from the store: set `password_store = true`");
    }
    // Before the operator types: a store that cannot be used is told first.
    let store = open_store(settings).await?;
    let password = read_password(&format!("Password of the preset {name}: "))?;
    secret(&password).map_err(anyhow::Error::msg).context("the password cannot be used")?;
    store.put_secret(SecretKind::PresetPassword, name, password.as_bytes()).await?;
    Ok(format!("the password of the preset {name} is stored; reload the portal to use it\n"))
}
