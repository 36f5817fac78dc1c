//! `ferryport config print` and `ferryport config check`.

use std::fmt::Write as _;

use protocol::Problem;

use crate::{
    acme::Acme,
    audit::Audit,
    ftps_connection::trial::{self, Trial},
    outbound::Outbound,
    portal::Portal,
    sealed_store::SealedStore,
    serve::Files,
    settings::{AuditTarget, DESCRIPTIONS, Settings, SettingsErrors, Sources},
};

/// The settings that `ferryport config print` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those that are not the default.
    Given,
}

/// Returns the settings as a TOML file, each with the place that it is from. Secrets are masked.
#[must_use]
pub fn print(sources: &Sources, which: Which) -> String {
    let mut text = String::new();
    for setting in DESCRIPTIONS {
        let shown = sources.shown(setting);
        if which == Which::Given && shown.place.is_none() {
            continue;
        }
        let place = shown.place.as_deref().unwrap_or("default");
        // Writing to memory does not fail.
        let _cannot_fail = writeln!(text, "{} = {}  # {place}", setting.name, shown.toml);
    }
    let presets = sources.shown_presets();
    if !presets.is_empty() {
        let _cannot_fail = write!(text, "\n{presets}");
    }
    text
}

/// Checks the files and the store that the settings name.
///
/// # Errors
/// All that cannot be used.
pub async fn check(settings: &Settings) -> Result<(), SettingsErrors> {
    let mut errors = SettingsErrors::default();
    errors.collect_all(Files::load(settings, None));
    errors.collect_all(Acme::check(settings));
    errors.collect_all(SealedStore::check(settings).await);
    // Opening it creates it, as at the start of the portal.
    if settings.audit != Some(AuditTarget::Stdout) {
        errors.collect(Audit::open(settings, String::new()));
    }
    errors.into_result()
}

/// The outcome of a trial of a preset's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// The server was reached, and its encryption works.
    Works(String),
    /// A user could not log in.
    Fails(String),
}

/// Connects to the server of each preset up to TLS. Nothing is listened on, and nobody is logged in.
///
/// # Errors
/// When a file that the settings name cannot be used.
pub async fn try_servers(settings: &Settings) -> Result<Vec<(String, Tried)>, SettingsErrors> {
    let settings = Settings { audit: None, ..settings.clone() };
    let outbound = Outbound::load(&settings)?;
    let audit = Audit::open(&settings, String::new())?;
    let presets = settings.presets.clone();
    let port = settings.listen.port();
    let portal = Portal::new(settings, port, outbound, audit);
    let mut all = Vec::new();
    for preset in presets {
        let tried = match trial::try_tls(&portal, &preset).await {
            Ok(Trial::Encrypted(facts)) => {
                Tried::Works(format!("{} with {}", facts.version, facts.cipher_suite))
            }
            Ok(Trial::Asks(problem)) => Tried::Works(format!(
                "each user is asked about its certificate: {}",
                problem.message
            )),
            Err(problem) => Tried::Fails(told(&problem)),
        };
        all.push((preset.name, tried));
    }
    Ok(all)
}

/// Returns a problem as lines for the command line.
fn told(problem: &Problem) -> String {
    let mut lines = vec![problem.message.clone()];
    lines.extend(problem.reply.iter().map(|reply| format!("reply: {reply}")));
    lines.extend(problem.cause.iter().map(|cause| format!("cause: {cause}")));
    lines.extend(problem.remedy.iter().map(|remedy| format!("hint: {}", remedy.what)));
    lines.join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_settings_name_their_places_and_hide_secrets() {
        let mut sources = Sources::default();
        let text = "max_sessions = 3\norigins = [\"https://a.example\"]\n[[preset]]\n\
                    name = \"acme\"\nhost = \"ftp.acme.example\"\nport = 2121\n\
                    pasword = \"s3same\"\n";
        sources.file(text, DESCRIPTIONS).unwrap();
        sources.variable("proxy", "socks5://porter:sesame@10.0.0.1:1080");
        sources.flag("reply_timeout", "30 s".to_owned());
        let printed = print(&sources, Which::Given);
        for line in [
            "max_sessions = 3  # line 1 of the configuration file\n",
            "origins = [\"https://a.example\"]  # line 2 of the configuration file\n",
            "reply_timeout = \"30 s\"  # the flag --reply-timeout\n",
            "proxy = \"********\"  # the variable FERRYPORT_PROXY\n",
            "[[preset]]\nname = \"acme\"\nhost = \"ftp.acme.example\"\nport = \"2121\"\n\
             pasword = \"********\"\n",
        ] {
            assert!(printed.contains(line), "{line}\n{printed}");
        }
        assert!(!printed.contains("sesame") && !printed.contains("listen"), "{printed}");
        let all = print(&sources, Which::All);
        assert!(all.contains("listen = \"127.0.0.1:8080\"  # default\n"), "{all}");
    }

    #[test]
    fn what_is_printed_is_a_configuration_with_the_same_values() {
        let mut sources = Sources::default();
        sources.flag("trusted_proxies", "10.0.0.0/8,192.0.2.1".to_owned());
        sources.flag("public_url", "https://example.com/up".to_owned());
        let printed = print(&sources, Which::All);
        let mut again = Sources::default();
        again.file(&printed, DESCRIPTIONS).unwrap();
        let settings = Settings::from_sources(&again).unwrap();
        assert_eq!(settings.trusted_proxies.len(), 2);
        assert_eq!(settings.public_url.unwrap().path(), "/up");
    }

    #[tokio::test]
    async fn all_unusable_files_are_told_at_once() {
        let mut sources = Sources::default();
        let text = "tls_certificate_file = \"/no/c.pem\"\nca_file = [\"/no/ca.pem\"]\n\
                    audit = \"/no/such/folder/audit.jsonl\"";
        sources.file(text, DESCRIPTIONS).unwrap();
        let settings = Settings::from_sources(&sources).unwrap();
        let errors = check(&settings).await.unwrap_err();
        assert_eq!(errors.iter().count(), 3, "{errors}");
    }
}
