//! Why settings cannot be used.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::{PresetError, Removed};

/// The configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TomlError {
    /// The file is not TOML.
    #[error("line {line} of {file} is not TOML: {reason}")]
    Syntax {
        /// The file.
        file: ConfigFile,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it. The line itself may hold a password.
        reason: String,
    },
    /// A key has a table as its value.
    #[error("line {line} of {file}: `{key}` has a table where a value belongs")]
    Table {
        /// The file.
        file: ConfigFile,
        /// The key.
        key: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// `preset` is not an array of tables.
    #[error("line {line} of {file}: a preset is written as a table `[[preset]]`")]
    Preset {
        /// The file.
        file: ConfigFile,
        /// The line, counted from 1.
        line: usize,
    },
}

/// The configuration file, by its path where it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigFile(Option<PathBuf>);

impl fmt::Display for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(path) => path.display().fmt(f),
            None => f.write_str("the configuration file"),
        }
    }
}

impl ConfigFile {
    /// Returns the file with this path.
    pub(super) fn at(path: &Path) -> Self {
        Self(Some(path.to_owned()))
    }

    /// Returns the path, where it is known.
    fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

/// One reason why the settings cannot be used; it ends the start.
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
    #[error("line {line} of {file}: `{key}` is not a setting")]
    UnknownKey {
        /// The file.
        file: ConfigFile,
        /// The key.
        key: String,
        /// The line, counted from 1.
        line: usize,
        /// The setting with a similar name.
        nearest: Option<&'static str>,
    },
    /// A setting that an earlier version had is given.
    #[error("`{}` from {place} is not a setting any more", .removed.name)]
    Removed {
        /// The source of the value.
        place: String,
        /// The setting.
        removed: &'static Removed,
    },
    /// A preset cannot be used.
    #[error("{}{error}", prefix(.file))]
    Preset {
        /// The file.
        file: ConfigFile,
        /// What is wrong.
        error: Box<PresetError>,
    },
    /// The file is not TOML, or a key has a table where a value belongs.
    #[error(transparent)]
    Toml(#[from] TomlError),
    /// Two settings contradict each other.
    #[error("{0}")]
    Contradiction(String),
    /// The store, or a secret in it, cannot be used.
    #[error("the store: {reason}")]
    Store {
        /// Why.
        reason: String,
        /// Whether another attempt may succeed without a change of the configuration.
        is_temporary: bool,
    },
    /// Something other than the configuration failed.
    #[error("{0}")]
    Internal(String),
}

/// Returns the path of the file, for the beginning of a line.
fn prefix(file: &ConfigFile) -> String {
    file.path().map_or_else(String::new, |path| format!("{}: ", path.display()))
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
            Self::Removed { removed, .. } => format!("write this instead: {}", removed.instead),
            Self::UnknownKey { nearest: None, .. } | Self::Toml(_) => {
                "`ferryport serve --help` lists every setting".to_owned()
            }
            Self::Preset { error, .. } => error.hint(),
            Self::Contradiction(_) => "docs/operating.md explains both settings".to_owned(),
            Self::Store { is_temporary: true, .. } => {
                "the settings are not to blame: try again when the store answers".to_owned()
            }
            Self::Store { is_temporary: false, .. } => {
                "`store` and `keyring_file` say where the store is and what opens it".to_owned()
            }
            Self::Internal(_) => "try again; if it happens again, it is an error of the portal".to_owned(),
        }
    }
}

/// All reasons why the settings cannot be used.
#[derive(Debug, Default, thiserror::Error)]
pub struct SettingsErrors(Vec<SettingsError>);

impl SettingsErrors {
    /// Adds a reason.
    pub(super) fn push(&mut self, error: SettingsError) {
        self.0.push(error);
    }

    /// Adds reasons.
    pub(super) fn extend(&mut self, errors: impl IntoIterator<Item = SettingsError>) {
        self.0.extend(errors);
    }

    /// Adds all reasons of a result.
    pub fn collect_all<T>(&mut self, result: Result<T, Self>) -> Option<T> {
        result.map_err(|errors| self.0.extend(errors.0)).ok()
    }

    /// Returns the value of a result; its error is added.
    pub fn collect<T>(&mut self, result: Result<T, SettingsError>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Returns whether there is no reason.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether another attempt may succeed without a change of the configuration.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        let is_temporary = |error: &SettingsError| {
            matches!(error, SettingsError::Store { is_temporary: true, .. })
        };
        !self.0.is_empty() && self.0.iter().all(is_temporary)
    }

    /// Returns the reasons.
    pub fn iter(&self) -> impl Iterator<Item = &SettingsError> {
        self.0.iter()
    }

    /// Returns an error if there is a reason.
    ///
    /// # Errors
    /// All reasons.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    /// Returns what to do, one line for each reason.
    #[must_use]
    pub fn hint(&self) -> String {
        self.0.iter().map(SettingsError::hint).collect::<Vec<_>>().join("\n")
    }

    /// Returns every reason with what to do, as the command line shows them.
    #[must_use]
    pub fn report(&self) -> String {
        let shown = self.0.iter().map(|error| format!("error: {error}\nhint: {}\n", error.hint()));
        shown.collect::<Vec<_>>().join("\n")
    }
}

impl From<SettingsError> for SettingsErrors {
    fn from(error: SettingsError) -> Self {
        Self(vec![error])
    }
}

/// One reason a line.
impl fmt::Display for SettingsErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
