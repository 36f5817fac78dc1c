//! Lines of `LIST` (RFC 959 §4.1.3), in the formats of Unix, DOS, VMS, IBM i and EPLF.
//!
//! Their times are in the server's time zone, which is unknown here. Lines in other formats are
//! counted and skipped.

use super::{
    Entry, EntryKind, ListingLine,
    date::{Date, Fields, Time, ranges},
    digits, entry_of,
};

pub(super) fn parse(line: &[u8], now: i64) -> ListingLine {
    if is_sum(line) {
        return ListingLine::NoEntry;
    }
    if let Some(facts) = line.strip_prefix(b"+") {
        return eplf(facts).unwrap_or(ListingLine::Unknown);
    }
    let ranges = ranges(line);
    let fields = Fields::new(line, &ranges);
    unix(line, fields, now)
        .or_else(|| dos(line, fields, now))
        .or_else(|| vms(fields))
        .or_else(|| ibm_i(line, fields, now))
        .unwrap_or(ListingLine::Unknown)
}

/// `total 12`, the directory's blocks.
fn is_sum(line: &[u8]) -> bool {
    line.strip_prefix(b"total ").is_some_and(|sum| digits::<u64>(sum.trim_ascii()).is_some())
}

/// `-rw-r--r-- 1 owner group 12 Jan 31 12:00 name`; owner and group may hold spaces or be missing.
fn unix(line: &[u8], fields: Fields<'_>, now: i64) -> Option<ListingLine> {
    let kind = match line.first()? {
        b'd' => EntryKind::Directory,
        b'-' => EntryKind::File,
        b'l' | b'b' | b'c' | b'p' | b's' => EntryKind::Other,
        _ => return None,
    };
    let (at, date) = date_in(fields, now)?;
    let size = fields.get(at - 1).and_then(digits);
    // One space ends the date; further ones belong to the name.
    let name = line.get(date.end + 1..)?;
    let name = if line.first() == Some(&b'l') { without_target(name) } else { name };
    Some(entry_of(name, |name| Entry {
        size: size.filter(|_| kind == EntryKind::File),
        mode: fields.get(0).and_then(mode),
        ..dated(Entry::new(name, kind), date)
    }))
}

/// The first date that has something before it, and the number of its first field.
fn date_in(fields: Fields<'_>, now: i64) -> Option<(usize, Date)> {
    let find = |date: &dyn Fn(usize) -> Option<Date>| {
        (2..fields.len()).find_map(|at| Some((at, date(at)?)))
    };
    find(&|at| fields.unix_date(at, now))
        .or_else(|| find(&|at| fields.short_date(at, now)))
        .or_else(|| find(&|at| fields.unknown_month_date(at)))
        .or_else(|| find(&|at| fields.numeric_date(at, now)))
}

fn dated(entry: Entry, date: Date) -> Entry {
    match date.time {
        Time::Local(listed) => Entry { listed: Some(listed), ..entry },
        Time::Utc(seconds) => Entry { modified_millis: Some(seconds * 1000), ..entry },
        Time::Ambiguous => entry,
    }
}

/// `rwxr-xr-x` after the kind; a following `+`, `.` or `@` has no mode bits.
fn mode(field: &[u8]) -> Option<u32> {
    let letters = field.get(1..10)?;
    if !matches!(field.get(10..)?, [] | [b'+' | b'.' | b'@']) {
        return None;
    }
    let mut mode = 0;
    for (at, &letter) in letters.iter().enumerate() {
        let (class, right) = (2 - at / 3, at % 3);
        let (plain, special) = (0o400 >> at, 0o1000 << class);
        mode |= match (right, letter) {
            (_, b'-') => 0,
            (0, b'r') | (1, b'w') | (2, b'x') => plain,
            (2, b's' | b't') => plain | special,
            (2, b'S' | b'T') => special,
            _ => return None,
        };
    }
    Some(mode)
}

/// `name -> target` without the target.
fn without_target(name: &[u8]) -> &[u8] {
    let arrow = name.windows(4).position(|window| window == b" -> ");
    arrow.map_or(name, |arrow| &name[..arrow])
}

/// `01-31-26  12:00PM  <DIR>  name`, or a size in place of `<DIR>`.
fn dos(line: &[u8], fields: Fields<'_>, now: i64) -> Option<ListingLine> {
    let date = fields.dos_date(now)?;
    let size = fields.get(2)?;
    let kind = if size.eq_ignore_ascii_case(b"<DIR>") {
        EntryKind::Directory
    } else if digits::<u64>(size).is_some() {
        EntryKind::File
    } else {
        EntryKind::Other
    };
    // The number of spaces before the name differs, so names that start with a space are not
    // supported.
    let rest = line.get(fields.end(2)?..)?;
    let name = match rest.strip_prefix(b"\t") {
        Some(name) => name,
        None => &rest[rest.iter().position(|&byte| byte != b' ')?..],
    };
    Some(entry_of(name, |name| Entry { size: digits(size), ..dated(Entry::new(name, kind), date) }))
}

/// `NAME.TXT;1  5/6  31-JAN-2026 12:00:00  [OWNER]  (RWED,RE)`: the size is in blocks, and the name
/// without its version names the newest one.
fn vms(fields: Fields<'_>) -> Option<ListingLine> {
    let named = fields.get(0)?;
    let at = named.iter().position(|&byte| byte == b';')?;
    digits::<u32>(&named[at + 1..])?;
    let date = (1..fields.len()).find_map(|at| fields.vms_date(at))?;
    let name = &named[..at];
    Some(match name.strip_suffix(b".DIR") {
        Some(name) => entry_of(name, |name| dated(Entry::new(name, EntryKind::Directory), date)),
        None => entry_of(name, |name| dated(Entry::new(name, EntryKind::File), date)),
    })
}

/// `OWNER  4096 01/31/26 12:00:00 *STMF  name`, as IBM i (AS/400) writes it; directories end with a
/// slash.
fn ibm_i(line: &[u8], fields: Fields<'_>, now: i64) -> Option<ListingLine> {
    let date = fields.short_date(2, now)?;
    let (size, object) = (fields.get(1)?, fields.get(4)?.strip_prefix(b"*")?);
    digits::<u64>(size)?;
    let name = line.get(fields.start(5)?..)?;
    let directory = name.strip_suffix(b"/");
    let kind = match (directory, object) {
        (Some(_), _) | (None, b"DIR" | b"DDIR") => EntryKind::Directory,
        (None, b"STMF" | b"DSTMF" | b"FILE") => EntryKind::File,
        (None, _) => EntryKind::Other,
    };
    let size = digits(size).filter(|_| object.ends_with(b"STMF"));
    let name = directory.unwrap_or(name);
    Some(entry_of(name, |name| Entry { size, ..dated(Entry::new(name, kind), date) }))
}

/// `+i8388621.48594,m825718503,r,s280,` and a tab before the name: Easily Parsed LIST Format, without
/// its first byte.
fn eplf(line: &[u8]) -> Option<ListingLine> {
    let tab = line.iter().position(|&byte| byte == b'\t')?;
    let (facts, name) = (&line[..tab], &line[tab + 1..]);
    let fact = |letter: &[u8]| {
        facts.split(|&byte| byte == b',').find_map(|fact| fact.strip_prefix(letter))
    };
    let kind = match (fact(b"/"), fact(b"r")) {
        (Some(_), _) => EntryKind::Directory,
        (None, Some(_)) => EntryKind::File,
        (None, None) => EntryKind::Other,
    };
    let modified: Option<i64> = fact(b"m").and_then(digits);
    Some(entry_of(name, |name| Entry {
        size: fact(b"s").and_then(digits),
        modified_millis: modified.and_then(|seconds| seconds.checked_mul(1000)),
        ..Entry::new(name, kind)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{LocalTime, Precision, rfc3339};

    /// 2026-01-31T12:00:00Z.
    const NOW: i64 = 1_769_860_800;

    fn entry(line: &str) -> Entry {
        match parse(line.as_bytes(), NOW) {
            ListingLine::Entry(entry) => entry,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn brief(line: &str) -> (String, EntryKind, Option<u64>) {
        let entry = entry(line);
        (entry.name.to_string(), entry.kind, entry.size)
    }

    fn file(name: &str, size: u64) -> (String, EntryKind, Option<u64>) {
        (name.to_owned(), EntryKind::File, Some(size))
    }

    #[test]
    fn unix_lines_are_read() {
        assert_eq!(
            brief("-rw-r--r--    1 0        0              12 Jan 31 12:00 a b"),
            file("a b", 12)
        );
        assert_eq!(
            brief("-rw-r--r-- 1 owner group 5368709120 Jan  1  2020 big"),
            file("big", 5_368_709_120)
        );
        assert_eq!(brief("-rw-r--r-- 1 domain users group 7 Mar 3 09:05  led"), file(" led", 7));
        assert_eq!(
            brief("drwxr-xr-x 2 1000 1000 4096 Dec 24 2025 Jan 1 12:00"),
            ("Jan 1 12:00".to_owned(), EntryKind::Directory, None)
        );
        assert_eq!(
            brief("lrwxrwxrwx 1 0 0 3 Jan 31 12:00 link -> target"),
            ("link".to_owned(), EntryKind::Other, None)
        );
    }

    #[test]
    fn columns_that_are_missing_or_of_another_kind_do_no_harm() {
        assert_eq!(brief("-rw-r--r-- 1 owner 12 Jan 31 12:00 a"), file("a", 12));
        assert_eq!(brief("-rw-r--r-- 12 Jan 31 12:00 a"), file("a", 12));
        assert_eq!(brief("-rw-rw-r--+ 1 u g 12 Jan 31 12:00 acl"), file("acl", 12));
        assert_eq!(brief("-rw-rw-r--. 1 u g 12 31 Jan 12:00 day first"), file("day first", 12));
        assert_eq!(brief("-rw-r--r-- 1 u g 12 2026-01-31 12:00 iso"), file("iso", 12));
        assert_eq!(brief("-rw-r--r-- 1 u g 12 2024-01-31  old"), file("old", 12));
        assert_eq!(brief("-rw-r--r-- 1 u g 12 01-31 12:00 short"), file("short", 12));
        assert_eq!(brief("-rw-r--r-- 1 5 7 12 01 31 12:00 numbers"), file("numbers", 12));
        assert_eq!(brief("-rw-r--r-- 1 5 7 2024 Jan 31 12:00 1 2 12:00"), file("1 2 12:00", 2024));
        assert_eq!(
            brief("-rw-r--r-- 1 u g 12 2026-01-31 12:00:07.000000000 +0100 full"),
            file("full", 12)
        );
        assert_eq!(
            brief("crw-rw-rw- 1 0 0 1, 3 Jan 31 12:00 null"),
            ("null".to_owned(), EntryKind::Other, None)
        );
        assert_eq!(
            brief("d [RWCEAFMS] admin 512 Jan 31 12:00 netware"),
            ("netware".to_owned(), EntryKind::Directory, None)
        );
    }

    #[test]
    fn mode_is_read_with_its_special_bits() {
        let mode = |field: &str| entry(&format!("{field} 1 u g 1 Jan 31 12:00 a")).mode;
        assert_eq!(mode("-rw-r--r--"), Some(0o644));
        assert_eq!(mode("drwxrwxrwt"), Some(0o1777));
        assert_eq!(mode("-rwsr-Sr-x"), Some(0o6745));
        assert_eq!(mode("-rwxr-x---+"), Some(0o750));
        assert_eq!(mode("-rw-r--r"), None);
        assert_eq!(mode("-wr-r--r--"), None);
    }

    #[test]
    fn times_are_the_servers_own() {
        let listed = |line: &str| {
            let LocalTime { seconds, precision } = entry(line).listed.unwrap();
            (rfc3339(seconds), precision)
        };
        assert_eq!(
            listed("-rw-r--r-- 1 u g 12 Dec 31 23:59 a"),
            ("2025-12-31T23:59:00Z".to_owned(), Precision::Minute)
        );
        assert_eq!(
            listed("-rw-r--r-- 1 u g 12 Dec 31 2019 a"),
            ("2019-12-31T00:00:00Z".to_owned(), Precision::Day)
        );
        assert_eq!(
            listed("01-31-26  01:30PM  12 a"),
            ("2026-01-31T13:30:00Z".to_owned(), Precision::Minute)
        );
        let zoned = entry("-rw-r--r-- 1 u g 12 2026-01-31 13:00:00.000000000 +0100 a");
        assert_eq!((zoned.listed, zoned.modified_millis), (None, Some(NOW * 1000)));
    }

    #[test]
    fn dos_lines_are_read() {
        assert_eq!(
            brief("01-31-26  12:00PM       <DIR>          my files"),
            ("my files".to_owned(), EntryKind::Directory, None)
        );
        assert_eq!(brief("2026-01-31  12:00AM              1234 a.txt"), file("a.txt", 1234));
        assert_eq!(
            brief("01-31-2026  12:00PM    <JUNCTION>     link"),
            ("link".to_owned(), EntryKind::Other, None)
        );
    }

    /// The name, and the date as far as it is sure.
    fn named(line: &[u8]) -> Option<(String, Option<String>)> {
        match parse(line, NOW) {
            ListingLine::Entry(entry) => {
                let date = entry.listed.map(|listed| rfc3339(listed.seconds));
                Some((entry.name.display().into_owned(), date))
            }
            ListingLine::NoEntry | ListingLine::Directory(_) | ListingLine::Unknown => None,
        }
    }

    #[test]
    fn date_in_another_form_or_language_leaves_the_name_right() {
        let day = "2026-01-12T09:15:00Z";
        for (line, date) in [
            (&b"-rw-r--r-- 1 u g 9 Jan 12 09:15 report.txt"[..], Some(day)),
            (b"-rw-r--r--\t1\tu\tg\t9\tJan 12 09:15\treport.txt", Some(day)),
            (b"-rw-r--r-- 1 u g 9 12. Jan 09:15 report.txt", Some(day)),
            (b"-rw-r--r-- 1 u g 9 Jan 12 2026 09:15 report.txt", Some(day)),
            ("-rw-r--r-- 1 u g 9 Mär 12 09:15 report.txt".as_bytes(), Some("2025-03-12T09:15:00Z")),
            (b"-rw-r--r-- 1 u g 9 M\xe4r 12 09:15 report.txt", Some("2025-03-12T09:15:00Z")),
            ("-rw-r--r-- 1 u g 9 1月 12 09:15 report.txt".as_bytes(), Some(day)),
            (b"-rw-r--r-- 1 u g 9 Foo 12 09:15 report.txt", None),
            (b"-rw-r--r-- 1 u g 9 12-03-25 09:15 report.txt", None),
            (b"-rw-r--r-- 1 u g 9 31-12-25 09:15 report.txt", Some("2025-12-31T09:15:00Z")),
            (b"-rw-r--r-- 1 u g 9 12.01.2026 09:15 report.txt", Some(day)),
            (b"01-12-26  09:15AM  9 report.txt", Some(day)),
            (b"REPORT.TXT;1  1/3  12-JAN-2026 09:15:00.00  [U]  (RWED,RWED,RE,)", Some(day)),
            (b"REPORT.TXT;12  12-JAN-2026 09:15", Some(day)),
            (b"QUSER  9 12.01.26 09:15:00 *STMF      report.txt", Some(day)),
            (b"QUSER  9 01/12/25 09:15:00 *STMF      report.txt", None),
            (b"+i8388621.48594,m825718503,r,s9,\treport.txt", None),
        ] {
            let text = String::from_utf8_lossy(line);
            let (name, told) = named(line).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(name.to_ascii_lowercase(), "report.txt", "{text}");
            assert_eq!(told.as_deref(), date, "{text}");
        }
    }

    /// `ls` writes two spaces before a year.
    #[test]
    fn clock_after_the_year_may_be_the_name() {
        let line = b"-rw-r--r-- 1 u g 9 Jan 12  2025 09:15 noon";
        assert_eq!(named(line).unwrap().0, "09:15 noon");
    }

    #[test]
    fn directories_of_other_systems_are_directories() {
        for line in [
            "SUB.DIR;1  1/3  12-JAN-2026 09:15  [U]",
            "QUSER  8192 12.01.26 09:15:00 *DIR       SUB/",
            "+/,m825718503,\tSUB",
        ] {
            assert_eq!(brief(line), ("SUB".to_owned(), EntryKind::Directory, None), "{line}");
        }
    }

    #[test]
    fn eplf_has_its_time_in_utc() {
        let entry = entry("+i8388621.48594,m825718503,r,s280,\tdjb.html");
        assert_eq!((entry.size, entry.modified_millis), (Some(280), Some(825_718_503_000)));
    }

    #[test]
    fn sums_and_dots_are_no_entries() {
        assert_eq!(parse(b"total 12", NOW), ListingLine::NoEntry);
        assert_eq!(parse(b"drwxr-xr-x 2 0 0 4096 Jan 31 12:00 ..", NOW), ListingLine::NoEntry);
    }

    #[test]
    fn other_text_is_unknown() {
        for line in [
            "hello",
            "-rw",
            "d",
            "01-31-26",
            "-rw-r--r-- 1 0 0 12 Jan 31 12:00",
            "-rw-r--r-- 1 0 0 12 Jan 31 12:00 ",
            "A-NAME-THAT-FILLS-ITS-LINE.TXT;1",
            "+i8388621.48594,r,s280",
        ] {
            assert_eq!(parse(line.as_bytes(), NOW), ListingLine::Unknown, "{line}");
        }
    }
}
