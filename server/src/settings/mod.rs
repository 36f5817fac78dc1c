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
//! - `records`: the types of values about the log and the audit.
//! - `destination`: the types of values about hosts and ports that users may type.
//! - `outbound`: the types of values about connections to FTPS servers.
//! - `toml_text`: the configuration file as texts with their lines.
//! - `preset`: the servers that the operator offers.
//! - `source`: flags, environment and file.
//! - `table`: the settings themselves.
//! - [`mod@file`]: the files that settings name.

use std::{fmt, io, path::PathBuf};

mod destination;
pub mod file;
mod outbound;
mod preset;
mod records;
mod source;
mod table;
mod toml_text;
mod value;

pub use destination::{HostPattern, PortRange};
pub use outbound::{AllowedNetwork, PinnedCertificate, ProxyUrl};
pub use preset::{Preset, PresetError, PresetLogin, PresetTrust};
pub use records::{AuditClient, AuditTarget, LogFormat};
pub use source::{Sources, TomlError};
pub use table::{DESCRIPTIONS, Settings};
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
        format!("FERRYPORT_{}", self.name.to_uppercase())
    }
}

/// Why the settings cannot be used; it ends the start.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The configuration file cannot be read.
    #[error("the configuration file {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A value does not parse.
    #[error("the setting `{name}` from {place} does not parse: `{value}`: {reason}")]
    Value {
        /// The setting.
        name: &'static str,
        /// The source of the value.
        place: String,
        /// The value, or asterisks where it may hold a secret.
        value: String,
        /// What is wrong with it.
        reason: String,
        /// A value that parses.
        example: &'static str,
    },
    /// A file that a setting names cannot be used.
    #[error("the setting `{name}`: {}: {reason}", .path.display())]
    File {
        /// The setting.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that a preset names cannot be used.
    #[error("the preset `{preset}`: `{key}`: {}: {reason}", .path.display())]
    PresetFile {
        /// The preset.
        preset: String,
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration file has a key that is no setting.
    #[error("line {line} of the configuration file: `{key}` is not a setting")]
    UnknownKey {
        /// The key.
        key: String,
        /// The line, counted from 1.
        line: usize,
        /// The setting with a similar name.
        nearest: Option<&'static str>,
    },
    /// Presets cannot be used.
    #[error("{}", lines(.0.iter()))]
    Presets(Vec<PresetError>),
    /// The file is not TOML, or a key has a table where a value belongs.
    #[error(transparent)]
    Toml(#[from] TomlError),
    /// Two settings contradict each other.
    #[error("{0}")]
    Contradiction(String),
}

impl SettingsError {
    /// Returns what to do, for the line below the error.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Value { name, example, .. } => {
                format!("write it like this: {name} = {example}")
            }
            Self::Unreadable { .. } => {
                "`--config` or FERRYPORT_CONFIG names the file; the portal's user has to be able to \
                 read it"
                    .to_owned()
            }
            Self::File { .. } | Self::PresetFile { .. } => {
                "docs/operating.md describes the contents of the file".to_owned()
            }
            Self::UnknownKey { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`?")
            }
            Self::UnknownKey { nearest: None, .. } | Self::Toml(_) => {
                "`ferryport serve --help` lists every setting".to_owned()
            }
            Self::Presets(errors) => lines(errors.iter().map(PresetError::hint)),
            Self::Contradiction(_) => "docs/operating.md explains both settings".to_owned(),
        }
    }
}

fn lines(items: impl Iterator<Item = impl fmt::Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join("\n")
}

/// Returns the name that is most like a text, if one is like it.
fn nearest<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    /// Transposed letters and a missing plural are above it, other words below.
    const LIKENESS: f64 = 0.8;
    let likeness = |name: &'n str| (strsim::jaro_winkler(text, name), name);
    let (likeness, name) = names.map(likeness).max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (likeness >= LIKENESS).then_some(name)
}
