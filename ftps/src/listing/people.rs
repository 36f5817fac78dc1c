//! Lines of `LIST` (RFC 959 §4.1.3), which are for people: the dialects of Unix and DOS.
//!
//! The times in them are of the server's own zone, which is not known here; they are not read.

use super::{Entry, EntryKind, Line, digits, entry_of};

pub(super) fn parse(line: &[u8]) -> Line {
    if is_sum(line) {
        return Line::NoEntry;
    }
    unix(line).or_else(|| dos(line)).unwrap_or(Line::Unknown)
}

/// `total 12`, the blocks that the directory takes.
fn is_sum(line: &[u8]) -> bool {
    line.strip_prefix(b"total ").is_some_and(|sum| digits::<u64>(sum.trim_ascii()).is_some())
}

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// `-rw-r--r-- 1 owner group 12 Jan 31 12:00 name`; owner and group may hold spaces or be missing.
fn unix(line: &[u8]) -> Option<Line> {
    let kind = match line.first()? {
        b'd' => EntryKind::Directory,
        b'-' => EntryKind::File,
        b'l' | b'b' | b'c' | b'p' | b's' => EntryKind::Other,
        _ => return None,
    };
    let fields = fields(line);
    let month = (2..fields.len().saturating_sub(3)).find(|&at| is_date(line, &fields[at..]))?;
    let size = digits(&line[fields[month - 1].clone()]);
    // One space ends the time; any more are the name's.
    let name = line.get(fields[month + 2].end + 1..)?;
    let name = if line.first() == Some(&b'l') { without_target(name) } else { name };
    Some(entry_of(name, |name| Entry {
        name,
        kind,
        size: size.filter(|_| kind == EntryKind::File),
        modified_millis: None,
    }))
}

/// Where the fields between the spaces stand.
fn fields(line: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut fields = Vec::new();
    let mut start = 0;
    for (at, byte) in line.iter().chain(b" ").enumerate() {
        if *byte == b' ' {
            if start < at {
                fields.push(start..at);
            }
            start = at + 1;
        }
    }
    fields
}

/// Whether month, day, and time or year start here.
fn is_date(line: &[u8], fields: &[std::ops::Range<usize>]) -> bool {
    let [month, day, time, ..] = fields else {
        return false;
    };
    let is_month = MONTHS.iter().any(|name| name.eq_ignore_ascii_case(&line[month.clone()]));
    let is_day = digits::<u8>(&line[day.clone()]).is_some_and(|day| (1..=31).contains(&day));
    let time = &line[time.clone()];
    let is_time = time.len() <= 5 && time.iter().all(|byte| byte.is_ascii_digit() || *byte == b':');
    is_month && is_day && is_time
}

/// `name -> target` without the target.
fn without_target(name: &[u8]) -> &[u8] {
    let arrow = name.windows(4).position(|window| window == b" -> ");
    arrow.map_or(name, |arrow| &name[..arrow])
}

/// `01-31-26  12:00PM  <DIR>  name`, or a size where `<DIR>` stands.
fn dos(line: &[u8]) -> Option<Line> {
    let fields = fields(line);
    let [date, time, size, name, ..] = fields.as_slice() else {
        return None;
    };
    let is_date =
        line[date.clone()].iter().all(|byte| byte.is_ascii_digit() || b"-/.".contains(byte));
    let is_time = line[time.clone()].contains(&b':') && line[time.start].is_ascii_digit();
    if !(is_date && is_time) {
        return None;
    }
    let size = &line[size.clone()];
    let kind = if size.eq_ignore_ascii_case(b"<DIR>") {
        EntryKind::Directory
    } else if digits::<u64>(size).is_some() {
        EntryKind::File
    } else {
        EntryKind::Other
    };
    Some(entry_of(line.get(name.start..)?, |name| Entry {
        name,
        kind,
        size: digits(size),
        modified_millis: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str) -> (String, EntryKind, Option<u64>) {
        match parse(line.as_bytes()) {
            Line::Entry(entry) => (entry.name.to_string(), entry.kind, entry.size),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn unix_lines_are_read() {
        let file = |name: &str, size| (name.to_owned(), EntryKind::File, Some(size));
        assert_eq!(
            entry("-rw-r--r--    1 0        0              12 Jan 31 12:00 a b"),
            file("a b", 12)
        );
        assert_eq!(
            entry("-rw-r--r-- 1 owner group 5368709120 Jan  1  2020 big"),
            file("big", 5_368_709_120)
        );
        assert_eq!(entry("-rw-r--r-- 1 domain users group 7 Mar 3 09:05  led"), file(" led", 7));
        assert_eq!(
            entry("drwxr-xr-x 2 1000 1000 4096 Dec 24 2025 Jan 1 12:00"),
            ("Jan 1 12:00".to_owned(), EntryKind::Directory, None)
        );
        assert_eq!(
            entry("lrwxrwxrwx 1 0 0 3 Jan 31 12:00 link -> target"),
            ("link".to_owned(), EntryKind::Other, None)
        );
    }

    #[test]
    fn dos_lines_are_read() {
        assert_eq!(
            entry("01-31-26  12:00PM       <DIR>          my files"),
            ("my files".to_owned(), EntryKind::Directory, None)
        );
        assert_eq!(
            entry("2026-01-31  12:00AM              1234 a.txt"),
            ("a.txt".to_owned(), EntryKind::File, Some(1234))
        );
    }

    #[test]
    fn sums_and_dots_are_no_entries() {
        assert_eq!(parse(b"total 12"), Line::NoEntry);
        assert_eq!(parse(b"drwxr-xr-x 2 0 0 4096 Jan 31 12:00 .."), Line::NoEntry);
    }

    #[test]
    fn other_text_is_unknown() {
        for line in ["hello", "-rw", "d", "01-31-26", "drwx 1 0 0 4096 Foo 31 12:00 a"] {
            assert_eq!(parse(line.as_bytes()), Line::Unknown, "{line}");
        }
    }
}
