//! Masks names in a session log that is shown to others: hosts and addresses, users, paths. A name
//! gets the same label everywhere, also inside replies.
//!
//! The arguments of commands are names. In replies and sentences a name is recognised by its form
//! (an address, a quoted or absolute path) or because a command has used it. In doubt, too much is
//! masked rather than too little. Passwords are in no log.
//!
//! # Limits
//! A name that no command has used, and that looks like any word, is not recognised: a server's own
//! prose may contain one.

use protocol::server::{LogKind, LogLine};

use crate::texts::Text;

/// The most names of a kind that are remembered. Then all are forgotten and the count goes on: later
/// they get other numbers, and are still masked.
const MAX_NAMES: usize = 20_000;

/// Commands whose arguments contain no names.
const PLAIN_VERBS: [&str; 23] = [
    "ABOR", "ALLO", "AUTH", "CCC", "CDUP", "CLNT", "EPSV", "FEAT", "HELP", "LANG", "MODE", "NOOP",
    "OPTS", "PASS", "PASV", "PBSZ", "PROT", "PWD", "QUIT", "REST", "STRU", "SYST", "TYPE",
];

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

/// The known names and their numbers.
#[derive(Debug, Default)]
pub struct Masker {
    options: MaskOptions,
    hosts: Names,
    users: Names,
    paths: Names,
}

impl Masker {
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
                true => [verb, " ", &*self.users.label(NameKind::User, argument)].concat(),
                false => line.to_owned(),
            };
        }
        if let Some(path) = path_of(verb, argument)
            && self.options.paths
            && is_telling(path)
        {
            let before = line.strip_suffix(path).unwrap_or_default();
            return [before, &*self.paths.label(NameKind::Path, path)].concat();
        }
        self.hide_text(line, false)
    }

    /// Subject, issuer and digest identify the server.
    fn hide_certificate(&mut self, line: &str) -> String {
        let label = self.hosts.label(NameKind::Host, line);
        [CERTIFICATE, &*label].concat()
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
        Some((length, names.label(kind, &name)))
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

/// Returns the length of a text without these ASCII bytes at its end.
fn length_without(text: &str, ends: &[u8]) -> usize {
    let kept = text.bytes().rposition(|byte| !ends.contains(&byte));
    kept.map_or(0, |last| last + 1)
}

/// Returns whether a path is more than dots and slashes.
fn is_telling(path: &str) -> bool {
    path.bytes().any(|byte| byte != b'/' && byte != b'.')
}

/// The start of a line about a server's certificate.
const CERTIFICATE: &str = "Certificate: ";

/// The names of one kind with their numbers, sorted.
#[derive(Debug, Default)]
struct Names {
    sorted: Vec<(String, u32)>,
    last: u32,
}

impl Names {
    fn label(&mut self, kind: NameKind, name: &str) -> String {
        let number = self.number_of(name);
        label(kind, number)
    }

    /// Returns the number of a name; a new name gets the next one.
    fn number_of(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        match self.sorted.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
            Ok(at) => self.sorted.get(at).map_or(0, |(_, number)| *number),
            Err(at) => {
                self.last += 1;
                if self.sorted.len() < MAX_NAMES {
                    self.sorted.insert(at, (name.to_owned(), self.last));
                } else {
                    self.sorted.clear();
                    self.sorted.push((name.to_owned(), self.last));
                }
                self.last
            }
        }
    }

    /// Returns the length of the longest known name at the start of `text` for which `ends` accepts
    /// the text after it.
    fn known(&self, text: &str, ends: fn(&str) -> bool) -> Option<usize> {
        // All prefixes of `key` sort at or before `key`, and so do names that share a longer prefix
        // with it.
        let mut key = text;
        loop {
            let after = self.sorted.partition_point(|(name, _)| name.as_str() <= key);
            let (name, _) = self.sorted.get(after.checked_sub(1)?)?;
            if let Some(rest) = text.strip_prefix(name.as_str()) {
                if ends(rest) {
                    return Some(name.len());
                }
                key = text.get(..before_last(name)?)?;
            } else {
                key = text.get(..shared(name, key))?;
            }
        }
    }
}

/// Returns the length of a name without its last character; `None` for a single one.
fn before_last(name: &str) -> Option<usize> {
    let (length, _) = name.char_indices().next_back()?;
    (length > 0).then_some(length)
}

/// Returns the length of the common prefix of two texts.
fn shared(one: &str, other: &str) -> usize {
    let alike = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
    alike.map(|(c, _)| c.len_utf8()).sum()
}

/// Returns a command's verb and its argument.
fn verb_and_argument(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

/// Returns the path at the end of a command's argument. The argument of an unknown command counts
/// as a path.
fn path_of<'a>(verb: &str, argument: &'a str) -> Option<&'a str> {
    let path = match verb {
        verb if PLAIN_VERBS.contains(&verb) => return None,
        "USER" | "HOST" | "PORT" | "EPRT" => return None,
        // A date or facts stand in front (draft-somers-ftp-mfxx §3).
        "MFMT" | "MFF" => after_first(argument)?,
        "MDTM" if has_digits_first(argument) => after_first(argument).unwrap_or(argument),
        "SITE" => after_numbers(after_first(argument)?),
        "LIST" | "NLST" | "STAT" if argument.starts_with('-') => after_first(argument)?,
        _ => argument,
    };
    (!path.is_empty()).then_some(path)
}

fn after_first(argument: &str) -> Option<&str> {
    Some(argument.split_once(' ')?.1)
}

/// Returns the text after a mode or after dates.
fn after_numbers(argument: &str) -> &str {
    let mut rest = argument;
    while let Some((number, after)) = rest.split_once(' ')
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        rest = after;
    }
    rest
}

/// Returns whether a text starts with a date of the form of `MDTM`.
fn has_digits_first(argument: &str) -> bool {
    argument.len() > 15 && argument.bytes().take(14).all(|byte| byte.is_ascii_digit())
}

/// Returns the first quoted text, with its doubled quotes replaced by single ones (RFC 959
/// Appendix II).
fn quoted(text: &str) -> Option<String> {
    let (_, inside) = text.split_once('"')?;
    Some(undoubled(inside.get(..closing_quote(inside)?)?))
}

/// Returns the position of the quote that ends the quoted text.
fn closing_quote(inside: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + inside.get(from..)?.find('"')?;
        if !inside.get(end + 1..)?.starts_with('"') {
            return Some(end);
        }
        from = end + 2;
    }
}

fn undoubled(text: &str) -> String {
    let mut single = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        if (before, c) == (Some('"'), '"') {
            before = None;
        } else {
            single.push(c);
            before = Some(c);
        }
    }
    single
}

/// Returns the name after the facts in a line of the reply to `MLST` (RFC 3659 §7.2).
fn listed(text: &str) -> Option<&str> {
    let (facts, name) = text.strip_prefix(' ')?.split_once(' ')?;
    (facts.ends_with(';') && facts.bytes().any(|byte| byte == b'=')).then_some(name)
}

/// Returns whether a reply may contain the host name of the server.
fn is_greeting(text: &str) -> bool {
    ["220", "221", "230", "421"].iter().any(|code| text.starts_with(code))
}

/// Returns whether a name may start with `next`, after `before`.
fn begins_name(before: Option<char>, next: char) -> bool {
    let inside = before.is_some_and(belongs_to_word);
    next != ' ' && !(inside && (belongs_to_word(next) || next == ':'))
}

/// Returns whether a character counts as a letter or a digit, as most beyond ASCII are.
fn belongs_to_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii()
}

/// Returns whether a word ends before `rest`.
fn ends_word(rest: &str) -> bool {
    !rest.chars().next().is_some_and(|c| belongs_to_word(c) || c == '_' || c == '-')
}

/// Returns whether a path ends before `rest`.
fn ends_path(rest: &str) -> bool {
    match rest.as_bytes() {
        [] | [b'.'] | [b'.', b' ', ..] => true,
        [byte, ..] => *byte <= b' ' || b"\"'`,;:!?()[]<>".contains(byte),
    }
}

/// Returns the length of the characters of a host name or an address.
fn word_length(text: &str) -> usize {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:".contains(byte);
    text.bytes().take_while(belongs).count()
}

/// Returns the length of an IPv4 address: four numbers with up to three digits.
fn ipv4(text: &str, separator: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut end = 0;
    for index in 0..4 {
        if index > 0 {
            (bytes.get(end) == Some(&separator)).then_some(())?;
            end += 1;
        }
        let digits = bytes.get(end..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (1..=3).contains(&digits).then_some(())?;
        end += digits;
    }
    ends_word(text.get(end..)?).then_some(end)
}

/// Returns the length of an IPv6 address (RFC 4291 §2.2): eight groups with up to four digits, or
/// fewer around `::`. An ambiguous text counts as an address; a time of day is not ambiguous.
fn ipv6(text: &str) -> Option<usize> {
    let belongs = |byte: &u8| byte.is_ascii_hexdigit() || b":.".contains(byte);
    let word = text.get(..text.bytes().take_while(belongs).count())?;
    let ends: &[u8] = if word.ends_with("::") { b"." } else { b".:" };
    let word = text.get(..length_without(word, ends))?;
    let mut groups = 0;
    let mut empty = 0;
    for group in word.split(':') {
        groups += 1;
        empty += usize::from(group.is_empty());
        (group.len() <= 4 || ipv4(group, b'.') == Some(group.len())).then_some(())?;
    }
    let is_address = groups == 8 || (groups > 2 && groups < 8 && empty > 0 && word.len() > 2);
    (is_address && ends_word(text.get(word.len()..)?)).then_some(word.len())
}

/// Returns a host name with a domain. It ends in letters, unlike the version of a program.
fn host_name(word: &str) -> Option<&str> {
    let name = word.split(':').next()?;
    let name = name.get(..length_without(name, b".-"))?;
    let (host, domain) = name.rsplit_once('.')?;
    let is_domain = domain.len() > 1 && domain.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_domain && !host.is_empty()).then_some(name)
}

/// The label in place of a masked name.
#[must_use]
pub fn label(kind: NameKind, number: u32) -> String {
    let word = match kind {
        NameKind::Host => Text::LogMaskedHost,
        NameKind::User => Text::LogMaskedUser,
        NameKind::Path => Text::LogMaskedPath,
    };
    word.fill(&[&number])
}

#[cfg(test)]
mod tests;
