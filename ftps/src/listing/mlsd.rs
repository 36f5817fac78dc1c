//! Lines of `MLSD` and `MLST`: `fact=value;fact=value; name` (RFC 3659 §7.2).

use super::{Entry, EntryKind, ListingLine, Permissions, digits, entry_of};
use crate::{
    path::RemotePath,
    time::{date, unix_seconds},
};

/// The facts of a line, and the name after them.
struct Facts<'a> {
    facts: &'a [u8],
    name: &'a [u8],
}

/// The value of the fact `type`.
enum Type {
    Entry(EntryKind),
    /// The directory itself.
    Directory,
    /// Its parent.
    Parent,
}

pub(super) fn parse(line: &[u8]) -> ListingLine {
    let Some(facts) = Facts::of(line) else {
        return ListingLine::Unknown;
    };
    match facts.kind() {
        Some(Type::Directory) => match RemotePath::new(facts.name) {
            Ok(path) if path.is_absolute() => ListingLine::Directory(path),
            Ok(_) | Err(_) => ListingLine::NoEntry,
        },
        Some(Type::Parent) => ListingLine::NoEntry,
        Some(Type::Entry(kind)) => entry_of(facts.name, |name| facts.entry(name, kind)),
        None => ListingLine::Unknown,
    }
}

/// Parses the facts that `MLST` returns for a path; the entry's name is the path's.
pub(crate) fn parse_facts(line: &[u8], path: &RemotePath) -> Option<Entry> {
    let facts = Facts::of(line.trim_ascii_start())?;
    let kind = match facts.kind()? {
        Type::Entry(kind) => kind,
        // Asked for by name, a directory may be called the current one.
        Type::Directory | Type::Parent => EntryKind::Directory,
    };
    Some(facts.entry(path.file_name().unwrap_or_else(RemotePath::root), kind))
}

/// The position of the space between facts and name.
///
/// Each fact ends with a semicolon, and the first space follows the last one. Some servers omit that
/// semicolon, and some put a space into a fact: `UNIX.groupname=domain users;`. Then more facts follow, or
/// the fact is the name of an owner or a group.
fn end_of_facts(line: &[u8]) -> Option<usize> {
    let space = line.iter().position(|&byte| byte == b' ')?;
    let (facts, rest) = line.split_at(space);
    if facts.last().is_none_or(|&byte| byte == b';') {
        return Some(space);
    }
    let Some(semicolon) = rest.windows(2).position(|pair| pair == b"; ") else {
        return Some(space);
    };
    let mut further = rest[..semicolon].split(|&byte| byte == b';').skip(1).peekable();
    let names_someone = facts
        .rsplit(|&byte| byte == b';')
        .next()
        .and_then(|fact| split_once(fact, b'='))
        .is_some_and(|(key, _)| key.to_ascii_lowercase().ends_with(b"name"));
    let are_facts = match further.peek() {
        None => names_someone,
        Some(_) => further.all(|fact| split_once(fact, b'=').is_some()),
    };
    Some(if are_facts { space + semicolon + 1 } else { space })
}

impl<'a> Facts<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        // Some servers indent their lines.
        let line = line.trim_ascii_start();
        let space = end_of_facts(line)?;
        Some(Self { facts: &line[..space], name: &line[space + 1..] })
    }

    fn get(&self, wanted: &str) -> Option<&'a [u8]> {
        self.facts.split(|&byte| byte == b';').find_map(|fact| {
            let (key, value) = split_once(fact, b'=')?;
            key.eq_ignore_ascii_case(wanted.as_bytes()).then_some(value)
        })
    }

    fn kind(&self) -> Option<Type> {
        Some(match self.get("type")?.to_ascii_lowercase().as_slice() {
            b"cdir" => Type::Directory,
            b"pdir" => Type::Parent,
            b"dir" => Type::Entry(EntryKind::Directory),
            b"file" => Type::Entry(EntryKind::File),
            _ => Type::Entry(EntryKind::Other),
        })
    }

    fn entry(&self, name: RemotePath, kind: EntryKind) -> Entry {
        Entry {
            size: self.get("size").and_then(digits),
            modified_millis: self.get("modify").and_then(parse_time),
            permissions: self.get("perm").map(Permissions::of_letters),
            mode: self.get("unix.mode").and_then(octal),
            ..Entry::new(name, kind)
        }
    }
}

/// `0644`: at most the twelve mode bits. Higher bits are the kind, which `type` reports.
fn octal(value: &[u8]) -> Option<u32> {
    if value.is_empty() || !value.iter().all(|byte| (b'0'..=b'7').contains(byte)) {
        return None;
    }
    let mode = u32::from_str_radix(std::str::from_utf8(value).ok()?, 8).ok()?;
    Some(mode & 0o7777)
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == at)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// `YYYYMMDDHHMMSS` and perhaps a fraction, UTC (RFC 3659 §2.3), in milliseconds since 1970.
pub(crate) fn parse_time(value: &[u8]) -> Option<i64> {
    let (whole, fraction) = split_once(value, b'.').unwrap_or((value, b""));
    if whole.len() != 14 {
        return None;
    }
    let part = |from: usize, to: usize| digits::<i64>(&whole[from..to]);
    let day = date(part(0, 4)?, part(4, 6)?, part(6, 8)?)?;
    let seconds = unix_seconds(day, part(8, 10)?, part(10, 12)?, part(12, 14)?)?;
    Some(seconds * 1000 + millis(fraction))
}

fn millis(fraction: &[u8]) -> i64 {
    let mut three: Vec<u8> = fraction.iter().copied().take(3).collect();
    three.resize(3, b'0');
    digits(&three).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str) -> Entry {
        match parse(line.as_bytes()) {
            ListingLine::Entry(entry) => entry,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn facts_are_read_in_any_order_and_case() {
        let entry = entry("Modify=20260131120000.5;SIZE=12;type=File;UNIX.mode=0644; a b; c");
        assert_eq!(entry.name.to_string(), "a b; c");
        assert_eq!(entry.kind, EntryKind::File);
        assert_eq!(entry.size, Some(12));
        assert_eq!(entry.modified_millis, Some(1_769_860_800_500));
        assert_eq!((entry.mode, entry.permissions), (Some(0o644), None));
    }

    #[test]
    fn permissions_and_mode_are_kept() {
        let entry = entry("type=dir;perm=CDEFLMP;unix.mode=040755; a");
        assert_eq!(entry.permissions.unwrap().to_string(), "cdeflmp");
        assert_eq!(entry.mode, Some(0o755));
    }

    #[test]
    fn facts_of_one_path_are_told_behind_a_space() {
        let path = RemotePath::try_from("/a/b c").unwrap();
        let entry = parse_facts(b" type=file;size=3; /a/b c", &path).unwrap();
        assert_eq!((entry.name.to_string().as_str(), entry.size), ("b c", Some(3)));
        let root = parse_facts(b" type=cdir; /", &RemotePath::root()).unwrap();
        assert_eq!((root.name, root.kind), (RemotePath::root(), EntryKind::Directory));
        assert_eq!(parse_facts(b"nonsense", &path), None);
    }

    #[test]
    fn fact_may_hold_a_space() {
        let group = "type=file;size=3;UNIX.groupname=domain users";
        for facts in [format!("{group};UNIX.mode=0600;"), format!("{group};")] {
            let entry = entry(&format!("{facts} .bash history; a=b; c"));
            assert_eq!(entry.name.to_string(), ".bash history; a=b; c", "{facts}");
            assert_eq!(entry.size, Some(3));
        }
        assert_eq!(entry("type=file;size=3 a b; c").name.to_string(), "a b; c");
    }

    #[test]
    fn name_may_start_with_a_space() {
        assert_eq!(entry("type=dir;  x").name.to_string(), " x");
    }

    #[test]
    fn directory_itself_and_its_parent_are_no_entries() {
        for line in ["type=cdir; .", "type=pdir; ..", "type=dir; .", "type=dir; .."] {
            assert_eq!(parse(line.as_bytes()), ListingLine::NoEntry, "{line}");
        }
        let path = RemotePath::try_from("/a").unwrap();
        assert_eq!(parse(b"type=cdir; /a"), ListingLine::Directory(path));
    }

    #[test]
    fn line_may_be_indented() {
        assert_eq!(entry(" type=file;size=3; a b").name.to_string(), "a b");
    }

    #[test]
    fn links_are_other() {
        assert_eq!(entry("type=OS.unix=slink:/x; l").kind, EntryKind::Other);
    }

    #[test]
    fn name_that_leaves_the_directory_is_not_an_entry() {
        assert_eq!(parse(b"type=file; ../x"), ListingLine::Unknown);
        assert_eq!(parse(b"nonsense"), ListingLine::Unknown);
        assert_eq!(parse(b"size=1; x"), ListingLine::Unknown);
    }
}
