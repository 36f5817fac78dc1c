//! `ferryport preset`: the passwords of presets that are in the store.

use std::io::{IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use super::open_store;
use crate::{
    sealed_store::SecretKind,
    settings::{PresetLogin, Settings, secret},
};

/// The most bytes of a password on standard input.
const MAX_INPUT: u64 = 4096;

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
    let password = read_password(name)?;
    secret(&password).map_err(anyhow::Error::msg).context("the password cannot be used")?;
    store.put_secret(SecretKind::PresetPassword, name, password.as_bytes()).await?;
    Ok(format!("the password of the preset {name} is stored; reload the portal to use it\n"))
}

/// Reads one line. A line break at its end does not belong to the password.
fn read_password(name: &str) -> anyhow::Result<Zeroizing<String>> {
    if std::io::stdin().is_terminal() {
        let typed = rpassword::prompt_password(format!("Password of the preset {name}: "))?;
        return Ok(Zeroizing::new(typed));
    }
    let mut input = Zeroizing::new(String::new());
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut input)?;
    let line = input.strip_suffix('\n').unwrap_or(&input);
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}
