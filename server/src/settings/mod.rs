//! Every setting of the portal: its name, its unit, its default, its example.
//!
//! A setting has one name: the key `max_sessions` in the TOML file is the flag `--max-sessions` on the
//! command line and the variable `FERRYPORT_MAX_SESSIONS` in the environment. A flag overrides a
//! variable, a variable the file, the file the default. All of them go through the same parser, so a
//! value is written in the same way everywhere.
//!
//! # Layers
//! - `value`: the types of values, and how they are written.
//! - `outbound`: the types of values about connections to FTPS servers.
//! - `source`: flags, environment and file.
//! - `table`: the settings themselves.
//! - [`mod@file`]: the files that settings name.

use std::path::PathBuf;

pub mod file;
mod outbound;
mod source;
mod table;
mod value;

pub use outbound::{AllowedNetwork, PinnedCertificate, ProxyUrl};
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
    /// The configuration file has a key that is no setting.
    #[error("`{key}` in the configuration file is not a setting")]
    UnknownKey {
        /// The key.
        key: String,
    },
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
            Self::File { .. } => "docs/operating.md describes the contents of the file".to_owned(),
            Self::UnknownKey { .. } | Self::Toml(_) => {
                "`ferryport serve --help` lists every setting".to_owned()
            }
            Self::Contradiction(_) => "docs/operating.md explains both settings".to_owned(),
        }
    }
}
