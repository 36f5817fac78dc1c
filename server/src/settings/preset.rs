//! Presets: the servers that the operator offers, each a table `[[preset]]` of the configuration file.

use std::{env, ffi::OsString, fmt, fs, path::PathBuf};

use ftps::{Credentials, Fingerprint, Password, RemotePath, Username};
use protocol::Encryption;
use zeroize::Zeroizing;

mod drops;

pub use self::drops::PresetDrops;
use super::{
    SettingValue, TlsVersion,
    toml_text::{Entry, Table, Value},
};
use crate::host::Host;

/// The longest name and the longest title of a preset, in bytes.
const MAX_NAME: usize = 64;
const MAX_TITLE: usize = 200;

/// A server that the operator offers.
#[derive(Clone, Debug)]
pub struct Preset {
    /// The name that pages send.
    pub name: String,
    /// The title that users see.
    pub title: String,
    /// The server.
    pub host: Host,
    /// The port of the control connection.
    pub port: u16,
    /// When TLS starts.
    pub encryption: Encryption,
    /// The folder that opens after the login; empty for the one that the login opens.
    pub folder: String,
    /// Who logs in.
    pub login: PresetLogin,
    /// The certificates that the server may show.
    pub trust: PresetTrust,
    /// Whether files may arrive through drops, and by which rules.
    pub drops: Option<PresetDrops>,
}

/// Who logs in to the server of a preset.
#[derive(Clone, Debug)]
pub enum PresetLogin {
    /// Every user with an account of their own.
    Person {
        /// The username that the form suggests; may be empty.
        username: String,
    },
    /// The portal, for every user.
    Portal(Credentials),
    /// The portal, with a password that is in the store. The start replaces it with
    /// [`PresetLogin::Portal`].
    PortalFromStore {
        /// The portal's account.
        username: Username,
    },
}

impl PresetLogin {
    /// Returns whether the portal logs in itself.
    #[must_use]
    pub fn is_by_portal(&self) -> bool {
        match self {
            Self::Person { .. } => false,
            Self::Portal(_) | Self::PortalFromStore { .. } => true,
        }
    }
}

/// The certificates that the server of a preset may show.
#[derive(Clone, Debug, Default)]
pub struct PresetTrust {
    /// The only certificates to accept; none to accept those of the trusted authorities.
    pub pins: Vec<Fingerprint>,
    /// PEM files of the only authorities to trust; none for those of the portal's settings.
    pub ca_file: Vec<PathBuf>,
    /// The oldest TLS version; `None` for that of the portal's settings.
    pub tls_min: Option<TlsVersion>,
}

impl Preset {
    /// Returns the username that the form sends or suggests.
    #[must_use]
    pub fn username(&self) -> &str {
        match &self.login {
            PresetLogin::Person { username } => username,
            PresetLogin::Portal(credentials) => credentials.username.as_str(),
            PresetLogin::PortalFromStore { username } => username.as_str(),
        }
    }
}

/// What is wrong with a preset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresetError {
    /// The preset's name, or its place in the file.
    preset: String,
    /// The key.
    key: String,
    /// The line of the configuration file, counted from 1.
    line: usize,
    /// The value; `None` where the key is missing.
    value: Option<String>,
    reason: String,
    example: &'static str,
}

impl fmt::Display for PresetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { preset, key, line, value, reason, .. } = self;
        write!(f, "line {line}: the preset {preset}: `{key}`")?;
        match value {
            Some(value) => write!(f, " = `{value}`: {reason}"),
            None => write!(f, ": {reason}"),
        }
    }
}

impl PresetError {
    /// Returns what is wrong with the value of a key that is not a secret; `None` where nothing is.
    #[must_use]
    pub fn of_value(key: &str, text: &str) -> Option<String> {
        match key {
            "name" => parse_name(text).err(),
            "title" => parse_title(text).err(),
            "host" => parse_host(text).err(),
            "encryption" => parse_encryption(text).err(),
            _ => None,
        }
    }

    /// Returns what to write instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self.example {
            "" => "docs/operating.md describes the keys of a preset".to_owned(),
            example => format!("write it like this: {example}"),
        }
    }
}

/// The keys of a preset, each with an example.
const KEYS: &[(&str, &str)] = &[
    ("name", "name = \"acme\""),
    ("title", "title = \"ACME intake\""),
    ("protocol", "protocol = \"ftps\""),
    ("host", "host = \"ftp.acme.example\""),
    ("port", "port = 21"),
    ("encryption", "encryption = \"explicit\""),
    ("username", "username = \"intake\""),
    ("password_file", "password_file = \"/run/credentials/ferryport/acme\""),
    ("password_env", "password_env = \"ACME_PASSWORD\""),
    ("password_store", "password_store = true"),
    ("folder", "folder = \"incoming\""),
    ("login", "login = \"portal\""),
    ("pins", "pins = [\"039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81\"]"),
    ("ca_file", "ca_file = [\"/etc/ferryport/acme-ca.pem\"]"),
    ("tls_min", "tls_min = \"1.3\""),
    ("drops", "drops = true"),
    ("web_root", "web_root = false"),
    ("check_content", "check_content = false"),
];

/// Returns whether a preset has such a key. The values of all of them may be shown.
pub(super) fn is_key(name: &str) -> bool {
    KEYS.iter().any(|(key, _)| *key == name)
}

/// Parses the presets of a configuration file. Either all of them are usable, or all errors are
/// returned.
///
/// # Errors
/// [`PresetError`]s, in the order of the file.
pub(super) fn parse_all(tables: &[Table]) -> Result<Vec<Preset>, Vec<PresetError>> {
    let mut errors = Vec::new();
    let mut presets: Vec<Preset> = Vec::new();
    for (position, table) in tables.iter().enumerate() {
        let mut reader = Reader::new(table, position);
        let preset = reader.preset();
        if let Some(preset) = &preset
            && presets.iter().any(|earlier| earlier.name == preset.name)
        {
            reader.refuse("name", "another preset has this name");
        }
        errors.append(&mut reader.errors);
        presets.extend(preset);
    }
    if errors.is_empty() { Ok(presets) } else { Err(errors) }
}

/// Reads one preset and collects its errors.
struct Reader<'t> {
    preset: String,
    table: &'t Table,
    errors: Vec<PresetError>,
}

/// A required value is missing or wrong; the error is collected.
struct Unusable;

impl<'t> Reader<'t> {
    fn new(table: &'t Table, position: usize) -> Self {
        let name = table.entries.iter().find(|entry| entry.key == "name");
        let preset = match name.map(|name| &name.value) {
            Some(Value::Text(name)) => format!("`{name}`"),
            _ => format!("number {}", position + 1),
        };
        let mut reader = Self { preset, table, errors: Vec::new() };
        reader.refuse_unknown_keys();
        reader
    }

    fn entry(&self, key: &str) -> Option<&'t Entry> {
        self.table.entries.iter().find(|entry| entry.key == key)
    }

    fn refuse_unknown_keys(&mut self) {
        for Entry { key, .. } in &self.table.entries {
            if is_key(key) {
                continue;
            }
            let nearest = super::nearest(key, KEYS.iter().map(|(name, _)| *name));
            let reason = match nearest {
                Some(name) => format!("a preset has no such key; did you mean `{name}`?"),
                None => "a preset has no such key".to_owned(),
            };
            self.refuse(key, reason);
        }
    }

    /// Collects an error about a key of the preset, or about its absence.
    fn refuse(&mut self, key: &str, reason: impl Into<String>) {
        let entry = self.entry(key);
        self.errors.push(PresetError {
            preset: self.preset.clone(),
            key: key.to_owned(),
            line: entry.map_or(self.table.line, |entry| entry.line),
            // An unknown key could be a misspelt password.
            value: entry.filter(|_| is_key(key)).map(|entry| match &entry.value {
                Value::Text(text) => text.clone(),
                Value::Tables(_) | Value::Other => "{…}".to_owned(),
            }),
            reason: reason.into(),
            example: KEYS.iter().find(|(name, _)| *name == key).map_or("", |(_, example)| example),
        });
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, Unusable> {
        let Some(entry) = self.entry(key) else { return Ok(None) };
        match &entry.value {
            Value::Text(text) => Ok(Some(text.trim().to_owned())),
            Value::Tables(_) | Value::Other => {
                self.refuse(key, "a table stands where a value belongs");
                Err(Unusable)
            }
        }
    }

    fn parsed<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Unusable> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        parse(&text).map(Some).map_err(|reason| {
            self.refuse(key, reason);
            Unusable
        })
    }

    fn required<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Unusable> {
        match self.parsed(key, parse)? {
            Some(value) => Ok(value),
            None => {
                self.refuse(key, "it is missing");
                Err(Unusable)
            }
        }
    }

    /// Reads all keys before it gives up, so that all errors are found.
    fn preset(&mut self) -> Option<Preset> {
        let name = self.required("name", parse_name);
        let title = self.parsed("title", parse_title);
        let protocol = self.parsed("protocol", parse_protocol);
        let host = self.required("host", parse_host);
        let encryption = self.parsed("encryption", parse_encryption);
        let port = self.parsed("port", parse_port);
        let folder = self.parsed("folder", parse_folder);
        let trust = self.trust();
        let login = self.login();
        let drops = self.drops();
        let ((), name, host) = (protocol.ok().map(drop)?, name.ok()?, host.ok()?);
        let encryption = encryption.ok()?.unwrap_or(Encryption::Explicit);
        Some(Preset {
            title: title.ok()?.unwrap_or_else(|| name.clone()),
            name,
            host,
            port: port.ok()?.unwrap_or_else(|| encryption.default_port()),
            encryption,
            folder: folder.ok()?.unwrap_or_default(),
            login: login.ok()?,
            trust: trust.ok()?,
            drops: drops.ok()?,
        })
    }

    fn drops(&mut self) -> Result<Option<PresetDrops>, Unusable> {
        let [drops, web_root, content] =
            ["drops", "web_root", "check_content"].map(|key| self.parsed(key, bool::parse));
        PresetDrops::of_keys(drops?, web_root?, content?).map_err(|key| {
            self.refuse(key, "it is of no use without `drops = true`");
            Unusable
        })
    }

    fn trust(&mut self) -> Result<PresetTrust, Unusable> {
        let pins = self.parsed("pins", |text| list(text, parse_pin));
        let ca_file = self.parsed("ca_file", <Vec<PathBuf> as SettingValue>::parse);
        let tls_min = self.parsed("tls_min", TlsVersion::parse);
        Ok(PresetTrust {
            pins: pins?.unwrap_or_default(),
            ca_file: ca_file?.unwrap_or_default(),
            tls_min: tls_min?,
        })
    }

    fn login(&mut self) -> Result<PresetLogin, Unusable> {
        let who = self.parsed("login", parse_who);
        let username = self.parsed("username", parse_username);
        let password = self.password();
        let (who, username, password) = (who?.unwrap_or(Who::Person), username?, password?);
        match (who, username, password) {
            (Who::Portal, Some(username), Some(PasswordSource::Given(password))) => {
                Ok(PresetLogin::Portal(Credentials { username, password }))
            }
            (Who::Portal, Some(username), Some(PasswordSource::Store)) => {
                Ok(PresetLogin::PortalFromStore { username })
            }
            (Who::Portal, None, _) => {
                self.refuse("username", "the portal cannot log in without a username");
                Err(Unusable)
            }
            (Who::Portal, _, None) => {
                self.refuse(
                    "password_file",
                    "the portal cannot log in without a password: set `password_file`, `password_env` \
                     or `password_store`",
                );
                Err(Unusable)
            }
            (Who::Person, _, Some(_)) => {
                self.refuse(
                    "login",
                    "a password is of no use unless the portal logs in: set `login = \"portal\"`",
                );
                Err(Unusable)
            }
            (Who::Person, username, None) => {
                let username = username.map_or_else(String::new, |name| name.as_str().to_owned());
                Ok(PresetLogin::Person { username })
            }
        }
    }

    fn password(&mut self) -> Result<Option<PasswordSource>, Unusable> {
        let file = self.parsed("password_file", secret_of_file);
        let variable = self.parsed("password_env", |name| secret_of(env::var_os(name)));
        let is_in_store = self.parsed("password_store", bool::parse);
        let (file, variable, is_in_store) = (file?, variable?, is_in_store?.unwrap_or(false));
        match (file, variable, is_in_store) {
            (Some(_), Some(_), _) => {
                self.refuse("password_env", "the preset has a `password_file` already");
                Err(Unusable)
            }
            (None, None, is_in_store) => Ok(is_in_store.then_some(PasswordSource::Store)),
            (_, _, true) => {
                self.refuse("password_store", "the preset has another password already");
                Err(Unusable)
            }
            (file, variable, false) => Ok(file.or(variable).map(PasswordSource::Given)),
        }
    }
}

/// Where the password of a preset is.
enum PasswordSource {
    /// In a file or a variable, which was read.
    Given(Password),
    /// In the store.
    Store,
}

#[derive(Clone, Copy)]
enum Who {
    Person,
    Portal,
}

fn parse_who(text: &str) -> Result<Who, String> {
    match text {
        "person" => Ok(Who::Person),
        "portal" => Ok(Who::Portal),
        _ => Err("it has to be `person` or `portal`".to_owned()),
    }
}

/// The characters are those that the page's form and its links carry unchanged.
fn parse_name(text: &str) -> Result<String, String> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(is_part) {
        return Err(format!(
            "a name has small letters, digits and hyphens, at most {MAX_NAME} of them"
        ));
    }
    Ok(text.to_owned())
}

fn parse_title(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > MAX_TITLE || text.chars().any(char::is_control) {
        return Err(format!("a title has one line and at most {MAX_TITLE} bytes"));
    }
    Ok(text.to_owned())
}

fn parse_protocol(text: &str) -> Result<(), String> {
    if text == "ftps" { Ok(()) } else { Err("it has to be `ftps`".to_owned()) }
}

fn parse_host(text: &str) -> Result<Host, String> {
    Host::parse(text).ok_or_else(|| "a host name or an address is needed".to_owned())
}

fn parse_port(text: &str) -> Result<u16, String> {
    let port = text.parse::<u16>().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "a port from 1 to 65535 is needed".to_owned())
}

fn parse_encryption(text: &str) -> Result<Encryption, String> {
    match text {
        "explicit" => Ok(Encryption::Explicit),
        "implicit" => Ok(Encryption::Implicit),
        _ => Err("it has to be `explicit` or `implicit`".to_owned()),
    }
}

fn parse_folder(text: &str) -> Result<String, String> {
    let is_path = RemotePath::new(text).is_ok() && text.split('/').all(|part| part != "..");
    let folder = is_path.then(|| text.to_owned());
    folder.ok_or_else(|| "a path on the server is needed, without `..`".to_owned())
}

fn parse_username(text: &str) -> Result<Username, String> {
    Username::new(text).map_err(|error| error.to_string())
}

fn parse_pin(text: &str) -> Result<Fingerprint, String> {
    text.parse().map_err(|error: <Fingerprint as std::str::FromStr>::Err| error.to_string())
}

fn list<T>(text: &str, parse: fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(parse).collect()
}

/// Reads a secret from a file. A line break at its end does not belong to it: editors add one.
fn secret_of_file(path: &str) -> Result<Password, String> {
    let bytes = fs::read(path).map(Zeroizing::new);
    let bytes = bytes.map_err(|error| format!("it cannot be read: {error}"))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "its content is not UTF-8".to_owned())?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    secret(line.strip_suffix('\r').unwrap_or(line))
}

fn secret_of(variable: Option<OsString>) -> Result<Password, String> {
    let text = variable.ok_or_else(|| "the environment has no such variable".to_owned())?;
    let text = text.into_string().map_err(|_| "its content is not UTF-8".to_owned())?;
    secret(&Zeroizing::new(text))
}

/// Parses a password.
///
/// # Errors
/// A sentence about why it cannot be used.
pub fn secret(text: &str) -> Result<Password, String> {
    if text.is_empty() {
        return Err("it holds no password".to_owned());
    }
    Password::new(text).map_err(|_| "a password is one line".to_owned())
}

#[cfg(test)]
mod tests;
