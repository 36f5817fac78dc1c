//! The sources of settings: flags, environment, file.

use std::{collections::BTreeMap, ffi::OsString, fmt};

use super::{Description, SettingValue, SettingsError};

/// The configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TomlError {
    /// The file is not TOML.
    #[error("the configuration file is not TOML: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A key has a table as its value.
    #[error("`{0}` in the configuration file has a table where a value belongs")]
    Table(String),
}

/// Replaces a text that may contain a secret.
const ASTERISKS: &str = "********";

/// The texts that were given for settings, by the names of the settings.
#[derive(Default)]
pub struct Sources {
    flags: BTreeMap<&'static str, String>,
    variables: BTreeMap<&'static str, OsString>,
    file: BTreeMap<String, String>,
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
        let table: toml::Table = text.parse().map_err(TomlError::Syntax)?;
        for (key, value) in table {
            if !known.iter().any(|setting| setting.name == key) {
                return Err(SettingsError::UnknownKey { key });
            }
            let text = text_of(&value).ok_or_else(|| TomlError::Table(key.clone()))?;
            self.file.insert(key, text);
        }
        Ok(())
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
        } else if let Some(text) = self.file.get(setting.name) {
            (text.into(), "the configuration file".to_owned())
        } else {
            (default_text(setting).into(), "the defaults".to_owned())
        }
    }
}

/// Returns the default as a plain text, without TOML syntax.
fn default_text(setting: &Description) -> String {
    let assignment: Option<toml::Table> = format!("default = {}", setting.default).parse().ok();
    let value = assignment.as_ref().and_then(|table| table.get("default"));
    value.and_then(text_of).unwrap_or_else(|| setting.default.to_owned())
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Datetime(time) => Some(time.to_string()),
        toml::Value::Array(values) => {
            let texts: Option<Vec<String>> = values.iter().map(text_of).collect();
            Some(texts?.join(","))
        }
        toml::Value::Table(_) => None,
    }
}
