//! The forms by which names are recognised: words, paths, addresses, host names.

use super::arguments::length_without;

/// Returns whether a reply may contain the host name of the server.
pub(super) fn is_greeting(text: &str) -> bool {
    ["220", "221", "230", "421"].iter().any(|code| text.starts_with(code))
}

/// Returns whether a name may start with `next`, after `before`.
pub(super) fn begins_name(before: Option<char>, next: char) -> bool {
    let inside = before.is_some_and(belongs_to_word);
    next != ' ' && !(inside && (belongs_to_word(next) || next == ':'))
}

/// Returns whether a character counts as a letter or a digit, as most beyond ASCII are.
pub(super) fn belongs_to_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii()
}

/// Returns whether a word ends before `rest`.
pub(super) fn ends_word(rest: &str) -> bool {
    !rest.chars().next().is_some_and(|c| belongs_to_word(c) || c == '_' || c == '-')
}

/// Returns whether a path ends before `rest`.
pub(super) fn ends_path(rest: &str) -> bool {
    match rest.as_bytes() {
        [] | [b'.'] | [b'.', b' ', ..] => true,
        [byte, ..] => *byte <= b' ' || b"\"'`,;:!?()[]<>".contains(byte),
    }
}

/// Returns the length of the characters of a host name or an address.
pub(super) fn word_length(text: &str) -> usize {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:".contains(byte);
    text.bytes().take_while(belongs).count()
}

/// Returns the length of an IPv4 address: four numbers with up to three digits.
pub(super) fn ipv4(text: &str, separator: u8) -> Option<usize> {
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
pub(super) fn ipv6(text: &str) -> Option<usize> {
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
pub(super) fn host_name(word: &str) -> Option<&str> {
    let name = word.split(':').next()?;
    let name = name.get(..length_without(name, b".-"))?;
    let (host, domain) = name.rsplit_once('.')?;
    let is_domain = domain.len() > 1 && domain.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_domain && !host.is_empty()).then_some(name)
}
