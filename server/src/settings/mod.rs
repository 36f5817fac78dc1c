//! Every setting of the portal: its name, its unit, its default, its example.
//!
//! A setting has one name: the key `max_sessions` in the TOML file is the flag `--max-sessions` on the
//! command line and the variable `FERRYPORT_MAX_SESSIONS` in the environment. A flag overrides a
//! variable, a variable the file, the file the default. All of them go through the same parser, so a
//! value is written in the same way everywhere.
//!
//! Presets are the only structure: tables `[[preset]]` of the TOML file.
//!
//! # Layers
//! - `value`: the types of values, and how they are written.
//! - `address`: the types of values about the portal's address and its proxies.
//! - `records`: the types of values about the log and the audit.
//! - `destination`: the types of values about hosts and ports that users may type.
//! - `outbound`: the types of values about connections to FTPS servers.
//! - `toml_text`: the configuration file as texts with their lines.
//! - `acme`: the types of values about the certificate that the portal gets by itself.
//! - `kept`: the types of values about what the portal keeps.
//! - `preset`: the servers that the operator offers.
//! - `removed`: the settings that an earlier version had.
//! - `errors`: why settings cannot be used.
//! - [`mod@file`]: the files that settings name.
//! - `source`: flags, environment and file.
//! - `table`: the settings themselves.
//! - `checks`: whether they fit together.
//! - `fixed`: those that act at the start only.
//! - `groups`: their groups, for `--help`.

mod acme;
mod address;
mod checks;
mod destination;
mod errors;
pub mod file;
mod fixed;
mod groups;
mod kept;
mod outbound;
mod preset;
mod records;
mod removed;
mod source;
mod table;
mod toml_text;
mod value;

pub use acme::{AccountId, AcmeDomain, AuthorityUrl, EmailAddress};
pub use address::{ForwardedHeader, PublicUrl};
pub use destination::{HostPattern, PortRange};
pub use errors::{ConfigFile, SettingsError, SettingsErrors, TomlError};
pub use fixed::FIXED;
pub use groups::heading_before;
pub use outbound::{AllowedNetwork, PinnedCertificate, ProxyUrl};
pub use preset::{Preset, PresetDrops, PresetError, PresetLogin, PresetTrust, secret};
pub use records::{AuditClient, AuditTarget, LogFormat};
pub use removed::Removed;
pub use source::{ShownValue, Sources};
pub use table::{DESCRIPTIONS, Settings};
pub use toml_text::quoted as toml_string;
pub use value::{ByteCount, Origin, Scheme, SettingValue, TlsVersion};

/// The description of one setting.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// The TOML key.
    pub name: &'static str,
    /// The default, as it would be written in the TOML file.
    pub default: &'static str,
    /// A value that parses, for error messages.
    pub example: &'static str,
    /// The lines of its help text.
    pub help: &'static [&'static str],
    /// The notation of its value: `DURATION`.
    pub notation: &'static str,
    /// Whether the flag may be given several times.
    pub repeatable: bool,
    /// Whether its value may hold a secret.
    pub is_secret: bool,
}

impl Description {
    /// Returns the flag on the command line, without its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Returns the name of the environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        variable_of(self.name)
    }
}

/// Returns the name of the environment variable of a setting.
fn variable_of(name: &str) -> String {
    format!("FERRYPORT_{}", name.to_uppercase())
}

/// Returns the name that is most like a text, if one is like it.
fn nearest<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    /// Transposed letters and a missing plural are above it, other words below.
    const LIKENESS: f64 = 0.8;
    let likeness = |name: &'n str| (strsim::jaro_winkler(text, name), name);
    let (likeness, name) = names.map(likeness).max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (likeness >= LIKENESS).then_some(name)
}
