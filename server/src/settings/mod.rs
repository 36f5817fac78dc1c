//! Every setting of the portal: its name, its unit, its default, its example.
//!
//! A setting has one name. In the TOML file it is the key (`max_sessions`), on the command line
//! the flag (`--max-sessions`), in the environment the variable (`FERRYPORT_MAX_SESSIONS`). A flag
//! goes before a variable, a variable before the file, the file before the default. All of them
//! are read by the same parser, so that a value is written the same way everywhere.

use std::path::PathBuf;

pub mod file;
mod outbound;
mod source;
mod table;
mod value;

pub use outbound::{PinnedCertificate, ProxyUrl};
pub use source::{Sources, TomlError};
pub use table::{DESCRIPTIONS, Settings};
pub use value::{ByteCount, Origin, Scheme, SettingValue, TlsVersion};

/// What the table says about one setting.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// The TOML key.
    pub name: &'static str,
    /// The default, as it would be written in the TOML file.
    pub default: &'static str,
    /// A value that parses, for the error that another one does not.
    pub example: &'static str,
    /// What it is for: the lines of the setting's documentation.
    pub help: &'static [&'static str],
    /// Whether it may be given several times.
    pub repeatable: bool,
}

impl Description {
    /// The flag on the command line, without its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("FERRYPORT_{}", self.name.to_uppercase())
    }
}

/// A setting that ends the start.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value does not parse.
    #[error("the setting `{name}` from {place} does not parse: `{value}`: {reason}")]
    Value {
        /// The setting.
        name: &'static str,
        /// Where the value was given.
        place: String,
        /// The value, or asterisks where it may hold a secret.
        value: String,
        /// What is wrong with it.
        reason: String,
        /// A value that would do.
        example: &'static str,
    },
    /// A file that a setting names is not what it should be.
    #[error("the setting `{name}`: {}: {reason}", .path.display())]
    File {
        /// The setting.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file has a key that is no setting.
    #[error("`{key}` in the configuration file is not a setting")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// The file is not TOML, or a key has a table where a value belongs.
    #[error(transparent)]
    Toml(#[from] TomlError),
    /// Two settings that do not go together.
    #[error("{0}")]
    Contradiction(String),
}

impl SettingsError {
    /// What to do, for the line below the error.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Value { name, example, .. } => {
                format!("write it like this: {name} = {example}")
            }
            Self::File { .. } => "docs/operating.md says what belongs into the file".to_owned(),
            Self::UnknownKey { .. } | Self::Toml(_) => {
                "`ferryport serve --help` lists every setting".to_owned()
            }
            Self::Contradiction(_) => "docs/operating.md explains both settings".to_owned(),
        }
    }
}
