//! Masks names in a session log that is shown to others: hosts and addresses, users, paths. A name
//! gets the same label everywhere, also inside replies.
//!
//! The arguments of commands are names. In replies and sentences a name is recognised by its form
//! (an address, a quoted or absolute path) or because a command has used it. In doubt, too much is
//! masked rather than too little. Passwords are in no log.
//!
//! # Layers
//! - `names`: the names that are known.
//! - `arguments`: the paths in commands and replies.
//! - `forms`: the forms by which names are recognised.
//!
//! # Limits
//! A name that no command has used, and that looks like any word, is not recognised: a server's own
//! prose may contain one.

use protocol::server::{LogKind, LogLine};

use self::{
    arguments::{
        closing_quote, is_telling, length_without, listed, path_of, quoted, undoubled,
        verb_and_argument,
    },
    forms::{
        begins_name, belongs_to_word, ends_path, ends_word, host_name, ipv4, ipv6, is_greeting,
        word_length,
    },
    names::Names,
};

mod arguments;
mod forms;
mod names;

/// The kinds of names to mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaskOptions {
    /// Host names and addresses.
    pub hosts: bool,
    /// User names.
    pub users: bool,
    /// Paths and file names.
    pub paths: bool,
}

impl MaskOptions {
    /// Returns whether any kind is masked.
    #[must_use]
    pub fn is_any(self) -> bool {
        self.hosts || self.users || self.paths
    }
}

/// A kind of name, in the order of `Masker::known`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A host name or an address.
    Host,
    /// A user name.
    User,
    /// A path, or a file name.
    Path,
}

/// Returns the label in place of a name: of its kind and with its number.
pub type Label = fn(NameKind, u32) -> String;

/// The known names and their numbers.
#[derive(Debug)]
pub struct Masker<L = Label> {
    label: L,
    options: MaskOptions,
    hosts: Names,
    users: Names,
    paths: Names,
}

impl<L: Fn(NameKind, u32) -> String> Masker<L> {
    /// Creates a masker that masks nothing yet, with labels in the user's language.
    #[must_use]
    pub fn new(label: L) -> Self {
        Self {
            label,
            options: MaskOptions::default(),
            hosts: Names::default(),
            users: Names::default(),
            paths: Names::default(),
        }
    }

    /// Sets the kinds of names to mask. The numbers of known names stay.
    pub fn set_options(&mut self, options: MaskOptions) {
        self.options = options;
    }

    /// Returns the kinds of names that are masked.
    #[must_use]
    pub fn options(&self) -> MaskOptions {
        self.options
    }

    /// Learns a name from outside of the log, such as from the connect form.
    pub fn learn_name(&mut self, kind: NameKind, name: &str) {
        match kind {
            NameKind::Host => self.hosts.number_of(&name.to_ascii_lowercase()),
            NameKind::User => self.users.number_of(name),
            NameKind::Path => self.paths.number_of(name),
        };
    }

    /// Learns the names in a line. Learn all lines before masking the first: a later line may contain
    /// the command that makes a name in an earlier line known.
    pub fn learn(&mut self, line: &LogLine) {
        match line.kind {
            LogKind::Command => self.learn_command(&line.text),
            LogKind::Response if !line.text.starts_with("257") => {
                if let Some(path) = listed(&line.text) {
                    self.learn_path(path);
                }
            }
            LogKind::Response | LogKind::Status => {
                if let Some(path) = quoted(&line.text) {
                    self.learn_path(&path);
                }
            }
            LogKind::Error => {}
        }
    }

    fn learn_command(&mut self, line: &str) {
        let (verb, argument) = verb_and_argument(line);
        match verb {
            "USER" => self.learn_name(NameKind::User, argument),
            "HOST" => self.learn_name(NameKind::Host, argument),
            _ => {
                if let Some(path) = path_of(verb, argument) {
                    self.learn_path(path);
                }
            }
        }
    }

    /// Learns a path and its file name: many servers report only that.
    fn learn_path(&mut self, path: &str) {
        if !is_telling(path) {
            return;
        }
        self.paths.number_of(path);
        let path = path.get(..length_without(path, b"/")).unwrap_or_default();
        if let Some((_, name)) = path.rsplit_once('/') {
            self.paths.number_of(name);
        }
    }

    /// Returns the text of a line with masked names.
    #[must_use]
    pub fn mask_line(&mut self, line: &LogLine) -> String {
        if !self.options.is_any() {
            return line.text.clone();
        }
        if line.kind == LogKind::Command {
            return self.hide_command(&line.text);
        }
        if self.options.hosts && line.text.starts_with(CERTIFICATE) {
            return self.hide_certificate(&line.text);
        }
        let is_greeting = line.kind == LogKind::Response && is_greeting(&line.text);
        self.hide_text(&line.text, is_greeting)
    }

    /// Returns another text with masked names, such as that of a problem.
    #[must_use]
    pub fn mask_text(&mut self, text: &str) -> String {
        if self.options.is_any() { self.hide_text(text, false) } else { text.to_owned() }
    }

    fn hide_command(&mut self, line: &str) -> String {
        let (verb, argument) = verb_and_argument(line);
        if verb == "USER" {
            return match self.options.users {
                true => joined(&[
                    verb,
                    " ",
                    &*(self.label)(NameKind::User, self.users.number_of(argument)),
                ]),
                false => line.to_owned(),
            };
        }
        if let Some(path) = path_of(verb, argument)
            && self.options.paths
            && is_telling(path)
        {
            let before = line.strip_suffix(path).unwrap_or_default();
            return joined(&[before, &*(self.label)(NameKind::Path, self.paths.number_of(path))]);
        }
        self.hide_text(line, false)
    }

    /// Subject, issuer and digest identify the server.
    fn hide_certificate(&mut self, line: &str) -> String {
        let label = (self.label)(NameKind::Host, self.hosts.number_of(line));
        joined(&[CERTIFICATE, &*label])
    }

    /// Masks the names in a text, looking at each position where one may begin.
    fn hide_text(&mut self, text: &str, names_hosts: bool) -> String {
        let mut hidden = String::with_capacity(text.len());
        let mut before = None;
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let found = if begins_name(before, next) {
                self.name_at(rest, before, names_hosts)
            } else {
                None
            };
            let length = match found {
                Some((length, label)) => {
                    hidden.push_str(&label);
                    length
                }
                None => {
                    hidden.push(next);
                    next.len_utf8()
                }
            };
            before = rest.get(..length).and_then(|taken| taken.chars().next_back());
            rest = rest.get(length..).unwrap_or_default();
        }
        hidden
    }

    /// Returns the length and the label of a name at the start of `rest`.
    fn name_at(
        &mut self,
        rest: &str,
        before: Option<char>,
        names_hosts: bool,
    ) -> Option<(usize, String)> {
        let user = || Some((self.users.known(rest, ends_word)?, None));
        let host = || self.host_at(rest, names_hosts);
        let path = || Some((self.path_at(rest, before)?, None));
        let (kind, (length, name)) = (self.options.users.then(user).flatten())
            .map(|found| (NameKind::User, found))
            .or_else(|| Some((NameKind::Host, self.options.hosts.then(host).flatten()?)))
            .or_else(|| Some((NameKind::Path, self.options.paths.then(path).flatten()?)))?;
        let name = match name {
            Some(name) => name,
            None => undoubled(rest.get(..length)?),
        };
        let names = match kind {
            NameKind::Host => &mut self.hosts,
            NameKind::User => &mut self.users,
            NameKind::Path => &mut self.paths,
        };
        Some((length, (self.label)(kind, names.number_of(&name))))
    }

    /// Returns the length of a host at the start of `rest`, and its normalised name.
    fn host_at(&self, rest: &str, names_hosts: bool) -> Option<(usize, Option<String>)> {
        let lower = rest.get(..word_length(rest))?.to_ascii_lowercase();
        // RFC 959 §4.1.2: h1,h2,h3,h4,p1,p2.
        if let Some(length) = ipv4(rest, b',') {
            let dotted = rest.get(..length)?.chars().map(|c| if c == ',' { '.' } else { c });
            return Some((length, Some(dotted.collect())));
        }
        let name = host_name(&lower).filter(|_| names_hosts).map(str::len);
        let length = [self.hosts.known(&lower, ends_word), ipv4(rest, b'.'), ipv6(rest), name];
        let length = length.into_iter().flatten().max()?;
        Some((length, Some(lower.get(..length)?.to_owned())))
    }

    fn path_at(&self, rest: &str, before: Option<char>) -> Option<usize> {
        // A quoted path may contain any character.
        if before == Some('"')
            && let Some(length) = closing_quote(rest)
            && let Some(path) = rest.get(..length)
            && is_telling(path)
            && path.bytes().any(|byte| byte == b'/')
        {
            return Some(length);
        }
        if let Some(length) = self.paths.known(rest, ends_path) {
            return Some(length);
        }
        if !rest.starts_with('/') || before.is_some_and(belongs_to_word) {
            return None;
        }
        let goes_on = |byte: &u8| *byte > b' ' && !b"\"'<>()[]".contains(byte);
        let path = rest.get(..rest.bytes().take_while(|byte| goes_on(byte)).count())?;
        let length = length_without(path, b",;:.");
        (length > 1 && is_telling(path)).then_some(length)
    }
}

/// The start of a line about a server's certificate.
const CERTIFICATE: &str = "Certificate: ";

/// Joins texts. The standard library's `concat` has code for each type of text, a kilobyte in the page's
/// program.
fn joined(parts: &[&str]) -> String {
    let mut joined = String::new();
    parts.iter().for_each(|part| joined.push_str(part));
    joined
}

#[cfg(test)]
mod tests;
