//! Lines of `MLSD`: `fact=value;fact=value; name` (RFC 3659 §7.2).

use super::{Entry, EntryKind, Line, digits, entry_of};
use crate::time::Civil;

pub(super) fn parse(line: &[u8]) -> Line {
    let Some(space) = line.iter().position(|&byte| byte == b' ') else {
        return Line::Unknown;
    };
    let (facts, name) = (&line[..space], &line[space + 1..]);
    let fact = |wanted: &str| {
        facts.split(|&byte| byte == b';').find_map(|fact| {
            let (key, value) = split_once(fact, b'=')?;
            key.eq_ignore_ascii_case(wanted.as_bytes()).then_some(value)
        })
    };
    let kind = match fact("type").map(<[u8]>::to_ascii_lowercase).as_deref() {
        Some(b"cdir" | b"pdir") => return Line::NoEntry,
        Some(b"dir") => EntryKind::Directory,
        Some(b"file") => EntryKind::File,
        Some(_) => EntryKind::Other,
        None => return Line::Unknown,
    };
    entry_of(name, |name| Entry {
        name,
        kind,
        size: fact("size").and_then(digits),
        modified_millis: fact("modify").and_then(time),
    })
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == at)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// `YYYYMMDDHHMMSS` and perhaps a fraction, UTC (RFC 3659 §2.3).
fn time(value: &[u8]) -> Option<i64> {
    let (whole, fraction) = split_once(value, b'.').unwrap_or((value, b""));
    if whole.len() != 14 {
        return None;
    }
    let part = |from: usize, to: usize| digits::<i64>(&whole[from..to]);
    let civil = Civil {
        year: part(0, 4)?,
        month: part(4, 6)?,
        day: part(6, 8)?,
        hour: part(8, 10)?,
        minute: part(10, 12)?,
        second: part(12, 14)?,
    };
    Some(civil.to_unix()? * 1000 + millis(fraction))
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
            Line::Entry(entry) => entry,
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
    }

    #[test]
    fn name_may_start_with_a_space() {
        assert_eq!(entry("type=dir;  x").name.to_string(), " x");
    }

    #[test]
    fn directory_itself_and_its_parent_are_no_entries() {
        for line in ["type=cdir; /a", "type=pdir; ..", "type=dir; .", "type=dir; .."] {
            assert_eq!(parse(line.as_bytes()), Line::NoEntry, "{line}");
        }
    }

    #[test]
    fn links_are_other() {
        assert_eq!(entry("type=OS.unix=slink:/x; l").kind, EntryKind::Other);
    }

    #[test]
    fn name_that_leaves_the_directory_is_not_an_entry() {
        assert_eq!(parse(b"type=file; ../x"), Line::Unknown);
        assert_eq!(parse(b"nonsense"), Line::Unknown);
        assert_eq!(parse(b"size=1; x"), Line::Unknown);
    }
}
