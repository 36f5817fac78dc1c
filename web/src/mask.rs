//! Hides who and where in a session log, for a log that is shown to others: hosts and addresses,
//! users, paths. What is the same gets the same label everywhere, also inside replies.
//!
//! What commands name is taken as it is; what replies and sentences hold is known by its form (an
//! address, a path in quotes or from the root) or because a command named it before. Where that is
//! not certain, rather too much is hidden. Passwords are in no log to begin with.
//!
//! # Limits
//! A name that no command has said, and that looks like any word, is not known: a server's own
//! prose may hold one.

use protocol::server::{LogKind, LogLine};

use crate::texts::Text;

/// Names that are remembered, of each kind. Beyond it they are forgotten and counted on: they get
/// other numbers later, and are still hidden.
const MAX_NAMES: usize = 20_000;

/// Commands whose arguments tell nothing about anybody.
const PLAIN_VERBS: [&str; 23] = [
    "ABOR", "ALLO", "AUTH", "CCC", "CDUP", "CLNT", "EPSV", "FEAT", "HELP", "LANG", "MODE", "NOOP",
    "OPTS", "PASS", "PASV", "PBSZ", "PROT", "PWD", "QUIT", "REST", "STRU", "SYST", "TYPE",
];

/// What is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaskOptions {
    /// Host names and addresses.
    pub hosts: bool,
    /// Names that log in.
    pub users: bool,
    /// Paths and file names.
    pub paths: bool,
}

impl MaskOptions {
    /// Whether anything is hidden at all.
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
    /// Who logs in.
    User,
    /// A path, or a name in one.
    Path,
}

/// The names that were met, and their numbers.
#[derive(Debug, Default)]
pub struct Masker {
    options: MaskOptions,
    hosts: Names,
    users: Names,
    paths: Names,
}

impl Masker {
    /// Hides what is chosen. Numbers are kept, so that what is hidden later fits what was before.
    pub fn set_options(&mut self, options: MaskOptions) {
        self.options = options;
    }

    /// What is hidden.
    #[must_use]
    pub fn options(&self) -> MaskOptions {
        self.options
    }

    /// Learns a name from elsewhere, such as the connect form.
    pub fn learn_name(&mut self, kind: NameKind, name: &str) {
        match kind {
            NameKind::Host => self.hosts.number_of(&name.to_ascii_lowercase()),
            NameKind::User => self.users.number_of(name),
            NameKind::Path => self.paths.number_of(name),
        };
    }

    /// Learns the names in a line. A line is learned before it is hidden; that of a later one is
    /// hidden in an earlier one too, where that is hidden afterwards.
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

    /// A path is known by its last name too: many servers say no more.
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

    /// The line's text without what is to be hidden.
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

    /// Any other text without what is to be hidden, such as that of a problem.
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

    /// Subject and issuer say whose server it is, and the digest which.
    fn hide_certificate(&mut self, line: &str) -> String {
        let label = self.hosts.label(NameKind::Host, line);
        [CERTIFICATE, &*label].concat()
    }

    /// Looks at each place where a name may begin.
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

    /// A name at the beginning of `rest`: its length and its label.
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

    /// A host's length, and its name as it is known.
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
        // What stands in quotes is a path from its first to its last character.
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

/// The length of a text without these bytes of ASCII at its end.
fn length_without(text: &str, ends: &[u8]) -> usize {
    let kept = text.bytes().rposition(|byte| !ends.contains(&byte));
    kept.map_or(0, |last| last + 1)
}

/// Whether a path says more than where a tree begins.
fn is_telling(path: &str) -> bool {
    path.bytes().any(|byte| byte != b'/' && byte != b'.')
}

/// In front of what a server's certificate says.
const CERTIFICATE: &str = "Certificate: ";

/// Names of one kind with their numbers, sorted.
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

    /// The number of a name, a new one if need be.
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

    /// The length of the longest known name that `text` begins with, and that ends there.
    fn known(&self, text: &str, ends: fn(&str) -> bool) -> Option<usize> {
        // Every name that `key` begins with is at or before the place of `key`, and so is one that
        // is no beginning of it but shares more of it with it.
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

/// The length of a name without its last character; none for one that has no other.
fn before_last(name: &str) -> Option<usize> {
    let (length, _) = name.char_indices().next_back()?;
    (length > 0).then_some(length)
}

/// The length of what two texts begin with alike.
fn shared(one: &str, other: &str) -> usize {
    let alike = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
    alike.map(|(c, _)| c.len_utf8()).sum()
}

/// A command's verb, and what stands behind it.
fn verb_and_argument(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

/// The path in a command's argument, which is its end. Commands that are not known here are taken
/// for ones with a path.
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

/// What stands behind a mode, or behind dates.
fn after_numbers(argument: &str) -> &str {
    let mut rest = argument;
    while let Some((number, after)) = rest.split_once(' ')
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        rest = after;
    }
    rest
}

/// Whether a date as `MDTM` has it stands first.
fn has_digits_first(argument: &str) -> bool {
    argument.len() > 15 && argument.bytes().take(14).all(|byte| byte.is_ascii_digit())
}

/// What stands in the first quotes, as it was before its own quotes were doubled (RFC 959
/// Appendix II).
fn quoted(text: &str) -> Option<String> {
    let (_, inside) = text.split_once('"')?;
    Some(undoubled(inside.get(..closing_quote(inside)?)?))
}

/// Where the quotes end that `inside` is in.
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

/// The name behind the facts in a line of `MLST`'s reply (RFC 3659 §7.2).
fn listed(text: &str) -> Option<&str> {
    let (facts, name) = text.strip_prefix(' ')?.split_once(' ')?;
    (facts.ends_with(';') && facts.bytes().any(|byte| byte == b'=')).then_some(name)
}

/// Replies in which servers say what they are called.
fn is_greeting(text: &str) -> bool {
    ["220", "221", "230", "421"].iter().any(|code| text.starts_with(code))
}

/// Whether a name may begin with `next`, behind `before`.
fn begins_name(before: Option<char>, next: char) -> bool {
    let inside = before.is_some_and(belongs_to_word);
    next != ' ' && !(inside && (belongs_to_word(next) || next == ':'))
}

/// Whether a character is taken for a letter or a digit: of those beyond ASCII most are.
fn belongs_to_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii()
}

/// Whether a word ends before `rest`.
fn ends_word(rest: &str) -> bool {
    !rest.chars().next().is_some_and(|c| belongs_to_word(c) || c == '_' || c == '-')
}

/// Whether a path ends before `rest`.
fn ends_path(rest: &str) -> bool {
    match rest.as_bytes() {
        [] | [b'.'] | [b'.', b' ', ..] => true,
        [byte, ..] => *byte <= b' ' || b"\"'`,;:!?()[]<>".contains(byte),
    }
}

/// The length of what belongs to a host's name or an address.
fn word_length(text: &str) -> usize {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:".contains(byte);
    text.bytes().take_while(belongs).count()
}

/// The length of an IPv4 address: four numbers of up to three digits.
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

/// The length of an IPv6 address (RFC 4291 §2.2): eight groups of up to four digits, or fewer around
/// `::`. What cannot be told from one is taken for one; a time of day can.
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

/// A host's name with a domain: letters at the end, no version of a program.
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
