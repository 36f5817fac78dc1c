//! Reads server and credentials out of a text that somebody was sent: an e-mail, a hosting panel's
//! page, a list with one value a line. In English, German, French and Spanish.
//!
//! What is not certain is left out: a field that stays empty is filled in by its user, a wrong one
//! fails the login.

use protocol::{Encryption, client::Secret};

use crate::address::{self, Address};
use crate::texts::Text;

/// Separates the pairs of a label and a value that stand in one line.
const PAIR_SEPARATORS: [&str; 4] = [", ", "; ", " | ", " / "];

/// The most words of a label.
const MAX_LABEL_WORDS: usize = 5;

/// The port of SFTP, which is another protocol.
const SSH_PORT: u16 = 22;

/// The meaning of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Host,
    Port,
    Username,
    Password,
    Folder,
    Encryption,
}

/// The beginnings of the words that a label consists of, first those that decide. A word that ends in
/// `.` here has to be whole.
const WORDS: [(Field, &[&str]); 7] = [
    (
        Field::Password,
        &["passw", "passe.", "pass.", "kennwort", "contrase", "clave.", "mdp.", "pwd.", "pw."],
    ),
    (Field::Port, &["port.", "puerto."]),
    (
        Field::Username,
        &[
            "user",
            "benutzer",
            "nutzer",
            "utilisateur",
            "identifiant",
            "usuario",
            "kennung.",
            "anmeldename",
        ],
    ),
    (
        Field::Folder,
        &[
            "folder",
            "directory",
            "path.",
            "ordner",
            "verzeichnis",
            "pfad.",
            "dossier",
            "répertoire",
            "repertoire",
            "carpeta",
            "directorio",
            "ruta.",
            "chemin",
        ],
    ),
    (
        Field::Host,
        &["host", "server", "serveur", "servidor", "hôte", "hote.", "adress", "address", "direcci"],
    ),
    (
        Field::Encryption,
        &["encrypt", "verschl", "chiffr", "cifrado", "protoc", "protok", "tls.", "ssl."],
    ),
    (Field::Username, &["login"]),
];

/// The beginnings of words that mean a user name beside FTP only.
const FTP_ACCOUNT: [&str; 4] = ["account", "konto", "compte", "cuenta"];

/// The beginnings of words that make a label one of something else.
const OTHER: [&str; 16] = [
    "mail",
    "e-mail",
    "email",
    "imap",
    "smtp",
    "pop",
    "mysql",
    "data",
    "datenbank",
    "db",
    "nameserver",
    "dns",
    "panel",
    "passiv",
    "home",
    "web",
];

/// Values of the fields, as they are found.
#[derive(Default)]
struct Found {
    hosts: Candidates,
    ports: Candidates,
    usernames: Candidates,
    passwords: Candidates,
    folders: Candidates,
    encryption: Option<Encryption>,
}

/// The values of one field. Those whose label says FTP go first.
#[derive(Default)]
struct Candidates {
    of_ftp: Vec<String>,
    others: Vec<String>,
}

impl Candidates {
    fn add(&mut self, is_ftp: bool, value: &str) {
        let values = if is_ftp { &mut self.of_ftp } else { &mut self.others };
        if !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }

    /// The value, unless there are several.
    fn only(self) -> Option<String> {
        let mut values = if self.of_ftp.is_empty() { self.others } else { self.of_ftp };
        if values.len() == 1 { values.pop() } else { None }
    }
}

/// Says that a pasted text names no server.
#[must_use]
pub fn nothing_found() -> &'static str {
    Text::FormNothingFound.text()
}

/// Reads an address with credentials out of a text; `None` if the text names neither a server nor a
/// user.
#[must_use]
pub fn read(text: &str) -> Option<Address> {
    let mut found = Found::default();
    let mut label: Option<(Field, bool)> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let pairs = pairs(line);
        if let (Some(before), [(None, value)]) = (label, pairs.as_slice())
            && label_of(value).is_none()
        {
            found.add(before, value);
        }
        label = None;
        let is_only = pairs.len() == 1;
        for (of, value) in pairs {
            match of {
                Some(field) if value.is_empty() => label = Some(field),
                // The full stop may end the sentence.
                Some((Field::Password, _)) if !is_only && value.ends_with('.') => {}
                Some(field) => found.add(field, value),
                None if is_only && is_heading(value) => label = label_of(value),
                None => {}
            }
        }
    }
    found.address(text)
}

/// Splits a line into pairs of a label and a value. A part without a label belongs to the value before
/// it.
fn pairs(line: &str) -> Vec<(Option<(Field, bool)>, &str)> {
    let mut pairs = Vec::new();
    let mut rest = line;
    loop {
        let (label, value_and_rest) = label_and_value(rest);
        let mut end = value_and_rest.len();
        for (at, _) in value_and_rest.char_indices() {
            let after = value_and_rest.get(at..).unwrap_or_default();
            let separator = PAIR_SEPARATORS.into_iter().find(|mark| after.starts_with(mark));
            let next = separator.and_then(|mark| after.get(mark.len()..));
            if next.is_some_and(|next| label_and_value(next).0.is_some()) {
                end = at;
                break;
            }
        }
        let (value, after) = value_and_rest.split_at(end);
        pairs.push((label, value.trim()));
        let Some(next) = PAIR_SEPARATORS.into_iter().find_map(|mark| after.strip_prefix(mark))
        else {
            return pairs;
        };
        rest = next;
    }
}

/// Splits a known label from what follows it.
fn label_and_value(text: &str) -> (Option<(Field, bool)>, &str) {
    for mark in ["\t", ":", "=", "  "] {
        if let Some((label, value)) = text.split_once(mark)
            && let Some(field) = label_of(label)
        {
            return (Some(field), value.trim_start_matches([':', '=']).trim());
        }
    }
    (None, text)
}

/// Returns the meaning of a label, and whether it is one of FTP.
fn label_of(label: &str) -> Option<(Field, bool)> {
    let label = label.to_ascii_lowercase();
    let words: Vec<_> = label
        .split([' ', '\u{a0}', '-', '_', '\'', '’', '/'])
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .collect();
    let is = |starts: &[&str]| {
        words.iter().any(|word| {
            starts.iter().any(|start| match start.strip_suffix('.') {
                Some(whole) => *word == whole,
                None => word.starts_with(start),
            })
        })
    };
    if words.len() > MAX_LABEL_WORDS || is(&OTHER) {
        return None;
    }
    let is_ftp = is(&["ftp"]);
    match WORDS.iter().find(|(_, starts)| is(starts)) {
        Some((field, _)) => Some((*field, is_ftp)),
        None => (is_ftp && is(&FTP_ACCOUNT)).then_some((Field::Username, true)),
    }
}

/// Whether a line without a colon may be a label, and the next line its value: `Password`, `FTP
/// server`, but no sentence.
fn is_heading(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.by_ref().filter(|word| !word.eq_ignore_ascii_case("ftp")).count() == 1
}

impl Found {
    fn add(&mut self, (field, is_ftp): (Field, bool), value: &str) {
        let is_word = !value.contains(char::is_whitespace);
        let first = value.split_whitespace().next().unwrap_or_default();
        match field {
            Field::Host => {
                let place = address::parse(first);
                let host = place.as_ref().map_or(first, |place| &place.host);
                if is_server(host) {
                    self.hosts.add(is_ftp, first);
                }
            }
            Field::Port => {
                let digits = first.trim_end_matches(|c: char| !c.is_ascii_digit());
                if digits.parse::<u16>().is_ok_and(|port| port != 0 && port != SSH_PORT) {
                    self.ports.add(is_ftp, digits);
                }
            }
            Field::Username if is_word && !value.contains("://") && !is_placeholder(value) => {
                self.usernames.add(is_ftp, value);
            }
            Field::Password if is_word && !is_placeholder(value) => {
                self.passwords.add(is_ftp, value);
            }
            // A path of the machine is not one of the login.
            Field::Folder if is_word && !is_placeholder(value) && !is_of_machine(value) => {
                self.folders.add(is_ftp, value);
            }
            Field::Encryption if value.to_ascii_lowercase().contains("impli") => {
                self.encryption = Some(Encryption::Implicit);
            }
            Field::Encryption if value.to_ascii_lowercase().contains("expli") => {
                self.encryption = Some(Encryption::Explicit);
            }
            _ => {}
        }
    }

    /// Joins the values with those of an address in the text. The address goes first.
    fn address(self, text: &str) -> Option<Address> {
        let host = url_in(text).or_else(|| self.hosts.only()).or_else(|| named_ftp(text));
        let host = host.unwrap_or_default();
        let parsed = address::parse(&host);
        let mut address = parsed.unwrap_or(Address { host, ..Address::default() });
        let port = self.ports.only().and_then(|port| port.parse().ok());
        address.port = address.port.filter(|port| *port != SSH_PORT).or(port);
        address.encryption = address.encryption.or(self.encryption);
        address.username = address.username.or_else(|| self.usernames.only());
        address.password = address.password.or_else(|| self.passwords.only().map(Secret::new));
        let folder = address.folder.filter(|folder| !folder.is_empty());
        address.folder = folder.or_else(|| self.folders.only());
        (!address.host.is_empty() || address.username.is_some()).then_some(address)
    }
}

/// Whether a text is the name or the address of a server, with a dot at least.
fn is_server(text: &str) -> bool {
    text.contains('.')
        && !text.ends_with('.')
        && address::host(text).is_some_and(|host| host == text)
}

/// Whether a value stands for one that is told elsewhere: `********`, `(separately)`, `<yours>`.
fn is_placeholder(value: &str) -> bool {
    let Some(first) = value.chars().next() else { return true };
    (value.len() > 2 && value.chars().all(|c| c == first)) || "([<{".contains(first)
}

fn is_of_machine(path: &str) -> bool {
    ["/home/", "/var/", "/srv/", "/usr/"].iter().any(|start| path.starts_with(start))
        || path.contains('\\')
}

/// Finds the only address with a scheme in a text.
fn url_in(text: &str) -> Option<String> {
    let mut urls = Candidates::default();
    for word in words(text) {
        if word.contains("://") && address::parse(word).is_some_and(|place| is_server(&place.host))
        {
            urls.add(true, word);
        }
    }
    urls.only()
}

/// Finds the only name of a server that begins as those of FTP do.
fn named_ftp(text: &str) -> Option<String> {
    let mut names = Candidates::default();
    for word in words(text) {
        let is_ftp = ["ftp.", "ftps.", "sftp."].iter().any(|start| word.starts_with(start));
        if is_ftp && is_server(word) {
            names.add(true, word);
        }
    }
    names.only()
}

/// The words of a text without the marks around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .map(|word| word.trim_matches(['.', ',', ';', '<', '>', '(', ')', '"', '»', '«', '“', '„']))
}

#[cfg(test)]
mod tests;
