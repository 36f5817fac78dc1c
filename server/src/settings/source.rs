//! The sources of settings: flags, environment, file.

use std::{collections::BTreeMap, ffi::OsString, fmt};

use super::{
    Description, Preset, SettingValue, SettingsError, nearest, preset,
    toml_text::{self, Entry, Table, Value},
};

/// The configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TomlError {
    /// The file is not TOML.
    #[error("the configuration file is not TOML: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A key has a table as its value.
    #[error("line {line} of the configuration file: `{key}` has a table where a value belongs")]
    Table {
        /// The key.
        key: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// `preset` is not an array of tables.
    #[error("line {line} of the configuration file: a preset is written as a table `[[preset]]`")]
    Preset {
        /// The line, counted from 1.
        line: usize,
    },
}

/// Replaces a text that may contain a secret.
const ASTERISKS: &str = "********";

/// The key of the presets, which are tables and no setting.
const PRESET: &str = "preset";

/// The texts that were given for settings, by the names of the settings.
#[derive(Default)]
pub struct Sources {
    flags: BTreeMap<&'static str, String>,
    variables: BTreeMap<&'static str, OsString>,
    file: BTreeMap<String, FileText>,
    presets: Vec<Table>,
}

/// The text of a setting in the configuration file.
struct FileText {
    text: String,
    /// The line, counted from 1.
    line: usize,
}

/// Shows the names only, because a text may contain a secret.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("flags", &self.flags.keys())
            .field("variables", &self.variables.keys())
            .field("file", &self.file.keys())
            .finish()
    }
}

impl Sources {
    /// Adds a flag of the command line.
    pub fn flag(&mut self, name: &'static str, text: String) {
        self.flags.insert(name, text);
    }

    /// Adds a variable of the environment.
    pub fn variable(&mut self, name: &'static str, text: impl Into<OsString>) {
        self.variables.insert(name, text.into());
    }

    /// Adds the settings of the configuration file.
    ///
    /// # Errors
    /// When the text is not TOML, or has a key that is no setting.
    pub fn file(&mut self, text: &str, known: &[Description]) -> Result<(), SettingsError> {
        for Entry { key, value, line } in toml_text::read(text).map_err(TomlError::Syntax)? {
            if key == PRESET {
                let Value::Tables(tables) = value else {
                    return Err(TomlError::Preset { line }.into());
                };
                self.presets = tables;
                continue;
            }
            if !known.iter().any(|setting| setting.name == key) {
                let nearest = nearest(&key, known.iter().map(|setting| setting.name));
                return Err(SettingsError::UnknownKey { key, line, nearest });
            }
            let Value::Text(text) = value else {
                return Err(TomlError::Table { key, line }.into());
            };
            self.file.insert(key, FileText { text, line });
        }
        Ok(())
    }

    /// Parses the presets.
    pub(super) fn presets(&self) -> Result<Vec<Preset>, SettingsError> {
        preset::parse_all(&self.presets).map_err(SettingsError::Presets)
    }

    /// Parses a setting from the first source that has it.
    pub(super) fn value<T: SettingValue>(&self, setting: &Description) -> Result<T, SettingsError> {
        let (text, place) = self.text(setting);
        let parsed = match text.to_str() {
            Some(text) => T::parse(text.trim()),
            None => Err("it is not UTF-8".to_owned()),
        };
        parsed.map_err(|reason| SettingsError::Value {
            name: setting.name,
            place,
            value: if T::SECRET { ASTERISKS.to_owned() } else { text.display().to_string() },
            reason,
            example: setting.example,
        })
    }

    /// Returns the text of a setting and its source. In the environment it may be invalid UTF-8.
    fn text(&self, setting: &Description) -> (OsString, String) {
        if let Some(text) = self.flags.get(setting.name) {
            (text.into(), format!("the flag --{}", setting.flag()))
        } else if let Some(text) = self.variables.get(setting.name) {
            (text.clone(), format!("the variable {}", setting.variable()))
        } else if let Some(FileText { text, line }) = self.file.get(setting.name) {
            (text.into(), format!("line {line} of the configuration file"))
        } else {
            (default_text(setting).into(), "the defaults".to_owned())
        }
    }
}

/// Returns the default as a plain text, without TOML syntax.
fn default_text(setting: &Description) -> String {
    toml_text::read_value(setting.default).unwrap_or_else(|| setting.default.to_owned())
}
