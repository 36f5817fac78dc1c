//! The sources of settings: flags, environment, file.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::Path,
};

use super::{
    ConfigFile, Description, Preset, Removed, SettingValue, SettingsError, SettingsErrors,
    TomlError, file, nearest, preset,
    toml_text::{self, Entry, Table, Value},
};

/// Replaces a text that may contain a secret.
const ASTERISKS: &str = "********";

/// The key of the presets, which are tables and no setting.
const PRESET: &str = "preset";

/// The texts that were given for settings, by the names of the settings.
#[derive(Default)]
pub struct Sources {
    /// What the supervisor decides, such as the address of a socket that it has opened.
    fixed: BTreeMap<&'static str, Given>,
    flags: BTreeMap<&'static str, String>,
    variables: BTreeMap<&'static str, Given>,
    file: BTreeMap<String, FileText>,
    config_file: ConfigFile,
    presets: Vec<Table>,
}

/// A text and where it is from.
struct Given {
    text: OsString,
    place: String,
}

/// The text of a setting in the configuration file.
struct FileText {
    text: String,
    /// The line, counted from 1.
    line: usize,
}

/// A value as `ferryport config print` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownValue {
    /// The value as in the TOML file; asterisks where it may hold a secret.
    pub toml: String,
    /// Where it is from; `None` for the default.
    pub place: Option<String>,
}

/// Shows the names only, because a text may contain a secret.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("flags", &self.flags.keys())
            .field("variables", &self.variables.keys())
            .field("file", &self.file.keys())
            .finish_non_exhaustive()
    }
}

impl Sources {
    /// Adds a flag of the command line.
    pub fn flag(&mut self, name: &'static str, text: String) {
        self.flags.insert(name, text);
    }

    /// Adds a variable of the environment.
    pub fn variable(&mut self, name: &'static str, text: impl Into<OsString>) {
        let place = format!("the variable {}", super::variable_of(name));
        self.variables.insert(name, Given { text: text.into(), place });
    }

    /// Adds a value that no flag, variable or file overrides.
    pub fn fix(&mut self, name: &'static str, text: String, place: &str) {
        self.fixed.insert(name, Given { text: text.into(), place: place.to_owned() });
    }

    /// Adds the variables of the environment: `FERRYPORT_X`, or `FERRYPORT_X_FILE` with the path of a file
    /// that holds the value.
    ///
    /// # Errors
    /// When such a file cannot be read, or two variables are set for one setting.
    pub fn environment(
        &mut self,
        known: &[Description],
        get: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), SettingsErrors> {
        let mut errors = SettingsErrors::default();
        for setting in known {
            let variable = setting.variable();
            let file_variable = format!("{variable}_FILE");
            let is_other = known.iter().any(|other| other.variable() == file_variable);
            let path = if is_other { None } else { get(&file_variable) };
            match (get(&variable), path) {
                (None, None) => {}
                (Some(text), None) => self.variable(setting.name, text),
                (None, Some(path)) => {
                    errors.collect(self.variable_file(setting, &file_variable, &path));
                }
                (Some(_), Some(_)) => errors.push(SettingsError::Contradiction(format!(
                    "{variable} and {file_variable} are both set: remove one of them"
                ))),
            }
        }
        for removed in Removed::ALL {
            let variable = super::variable_of(removed.name);
            if get(&variable).is_some() {
                let place = format!("the variable {variable}");
                errors.push(SettingsError::Removed { place, removed });
            }
        }
        errors.into_result()
    }

    fn variable_file(
        &mut self,
        setting: &Description,
        variable: &str,
        path: &OsStr,
    ) -> Result<(), SettingsError> {
        let path = Path::new(path);
        let text = file::read(path).and_then(|bytes| {
            let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8".to_owned())?;
            Ok(text.trim_end_matches(['\r', '\n']).into())
        });
        let text = text.map_err(|reason| file::unusable_file(setting.name, path, reason))?;
        let place = format!("the file {}, which {variable} names", path.display());
        self.variables.insert(setting.name, Given { text, place });
        Ok(())
    }

    /// Adds the settings of a configuration file without a name.
    ///
    /// # Errors
    /// When the text is not TOML, or has a key that is no setting.
    pub fn file(&mut self, text: &str, known: &[Description]) -> Result<(), SettingsErrors> {
        let file = self.config_file.clone();
        let entries = toml_text::read(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            let reason = error.message().to_owned();
            SettingsErrors::from(SettingsError::from(TomlError::Syntax { file, line, reason }))
        })?;
        let mut errors = SettingsErrors::default();
        for entry in entries {
            errors.collect(self.add_entry(entry, known));
        }
        errors.into_result()
    }

    /// Adds the settings of the configuration file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, or has a key that is no setting.
    pub fn file_at(&mut self, path: &Path, known: &[Description]) -> Result<(), SettingsErrors> {
        self.config_file = ConfigFile::at(path);
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })?;
        self.file(&text, known)
    }

    fn add_entry(
        &mut self,
        Entry { key, value, line }: Entry,
        known: &[Description],
    ) -> Result<(), SettingsError> {
        let file = self.config_file.clone();
        match value {
            Value::Tables(tables) if key == PRESET => self.presets = tables,
            _ if key == PRESET => return Err(TomlError::Preset { file, line }.into()),
            _ if !known.iter().any(|setting| setting.name == key) => {
                return Err(unknown_key(file, key, line, known));
            }
            Value::Text(text) => {
                self.file.insert(key, FileText { text, line });
            }
            Value::Tables(_) | Value::Other => {
                return Err(TomlError::Table { file, key, line }.into());
            }
        }
        Ok(())
    }

    /// Parses the presets.
    pub(super) fn presets(&self) -> Result<Vec<Preset>, Vec<SettingsError>> {
        preset::parse_all(&self.presets).map_err(|errors| {
            let file = &self.config_file;
            let of_file =
                |error| SettingsError::Preset { file: file.clone(), error: Box::new(error) };
            errors.into_iter().map(of_file).collect()
        })
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
            place: place.unwrap_or_else(|| "the defaults".to_owned()),
            value: if T::SECRET { ASTERISKS.to_owned() } else { text.display().to_string() },
            reason,
            example: setting.example,
        })
    }

    /// Returns the value of a setting for people.
    #[must_use]
    pub fn shown(&self, setting: &Description) -> ShownValue {
        let (text, place) = self.text(setting);
        let toml = match &place {
            None => setting.default.to_owned(),
            Some(_) if setting.is_secret && !text.is_empty() => toml_text::quoted(ASTERISKS),
            Some(_) => toml_text::write(&text.to_string_lossy(), setting),
        };
        ShownValue { toml, place }
    }

    /// Returns the presets as in the TOML file.
    #[must_use]
    pub fn shown_presets(&self) -> String {
        let tables = self.presets.iter().map(|table| {
            let entries = table.entries.iter().map(|entry| match &entry.value {
                Value::Text(text) => {
                    let shown = if preset::is_key(&entry.key) { text } else { ASTERISKS };
                    format!("{} = {}\n", entry.key, toml_text::quoted(shown))
                }
                Value::Tables(_) | Value::Other => format!("# {} is a table\n", entry.key),
            });
            let heading = format!("# line {} of {}\n[[preset]]\n", table.line, self.config_file);
            heading + &entries.collect::<String>()
        });
        tables.collect::<Vec<_>>().join("\n")
    }

    /// Says where the settings are from that a text names in backticks; empty where none of them was given.
    pub(super) fn places_of(&self, text: &str, known: &[Description]) -> String {
        let named = text.split('`').skip(1).step_by(2);
        let words = named.filter_map(|name| name.split([' ', '=']).next());
        let mut places: Vec<String> = Vec::new();
        for setting in words.filter_map(|word| known.iter().find(|known| known.name == word)) {
            let ShownValue { toml, place: Some(place) } = self.shown(setting) else { continue };
            let place = format!("{} = {toml} is from {place}", setting.name);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places.join("; ")
    }

    /// Returns the text of a setting and its source, unless it is the default. In the environment it may be
    /// invalid UTF-8.
    fn text(&self, setting: &Description) -> (OsString, Option<String>) {
        let given = |given: &Given| (given.text.clone(), Some(given.place.clone()));
        if let Some(fixed) = self.fixed.get(setting.name) {
            given(fixed)
        } else if let Some(text) = self.flags.get(setting.name) {
            (text.into(), Some(format!("the flag --{}", setting.flag())))
        } else if let Some(variable) = self.variables.get(setting.name) {
            given(variable)
        } else if let Some(FileText { text, line }) = self.file.get(setting.name) {
            (text.into(), Some(format!("line {line} of {}", self.config_file)))
        } else {
            (default_text(setting).into(), None)
        }
    }
}

fn unknown_key(file: ConfigFile, key: String, line: usize, known: &[Description]) -> SettingsError {
    if let Some(removed) = Removed::ALL.iter().find(|removed| removed.name == key) {
        return SettingsError::Removed { place: format!("line {line} of {file}"), removed };
    }
    let nearest = nearest(&key, known.iter().map(|setting| setting.name));
    SettingsError::UnknownKey { file, key, line, nearest }
}

/// Returns the default as a plain text, without TOML syntax.
fn default_text(setting: &Description) -> String {
    toml_text::read_value(setting.default).unwrap_or_else(|| setting.default.to_owned())
}
