//! The paths in commands and replies.

/// Commands whose arguments contain no names.
const PLAIN_VERBS: [&str; 23] = [
    "ABOR", "ALLO", "AUTH", "CCC", "CDUP", "CLNT", "EPSV", "FEAT", "HELP", "LANG", "MODE", "NOOP",
    "OPTS", "PASS", "PASV", "PBSZ", "PROT", "PWD", "QUIT", "REST", "STRU", "SYST", "TYPE",
];

/// Returns a command's verb and its argument.
pub(super) fn verb_and_argument(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

/// Returns the path at the end of a command's argument. The argument of an unknown command counts
/// as a path.
pub(super) fn path_of<'a>(verb: &str, argument: &'a str) -> Option<&'a str> {
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
pub(super) fn quoted(text: &str) -> Option<String> {
    let (_, inside) = text.split_once('"')?;
    Some(undoubled(inside.get(..closing_quote(inside)?)?))
}

/// Returns the position of the quote that ends the quoted text.
pub(super) fn closing_quote(inside: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + inside.get(from..)?.find('"')?;
        if !inside.get(end + 1..)?.starts_with('"') {
            return Some(end);
        }
        from = end + 2;
    }
}

pub(super) fn undoubled(text: &str) -> String {
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
pub(super) fn listed(text: &str) -> Option<&str> {
    let (facts, name) = text.strip_prefix(' ')?.split_once(' ')?;
    (facts.ends_with(';') && facts.bytes().any(|byte| byte == b'=')).then_some(name)
}

/// Returns the length of a text without these ASCII bytes at its end.
pub(super) fn length_without(text: &str, ends: &[u8]) -> usize {
    let kept = text.bytes().rposition(|byte| !ends.contains(&byte));
    kept.map_or(0, |last| last + 1)
}

/// Returns whether a path is more than dots and slashes.
pub(super) fn is_telling(path: &str) -> bool {
    path.bytes().any(|byte| byte != b'/' && byte != b'.')
}
