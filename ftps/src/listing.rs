//! Listings: lines of bytes in, entries out. Does no I/O and reads no clock.
//!
//! - `mlsd`: the facts of `MLSD` and `MLST` (RFC 3659 §7.2).
//! - `list`: the lines of `LIST`, in the formats of Unix, DOS, VMS, IBM i and EPLF.
//! - `month`: the names of months.
//! - `date`: the dates in those formats.

use std::fmt;

use crate::{
    path::RemotePath,
    time::{LocalTime, UtcOffset},
};

mod date;
mod list;
mod mlsd;
mod month;

pub(crate) use mlsd::{parse_facts, parse_time};

/// The contents of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The files and directories, in the server's order.
    pub entries: Vec<Entry>,
    /// Lines that are not among the entries: beyond the limit, or in an unknown format.
    pub left_out: u64,
    /// `false` when the listing was too long and was truncated.
    pub is_complete: bool,
    /// The path of the listed directory from the root, where the server names it (`type=cdir`).
    pub directory: Option<RemotePath>,
}

impl Default for Listing {
    /// An empty, complete listing.
    fn default() -> Self {
        Self { entries: Vec::new(), left_out: 0, is_complete: true, directory: None }
    }
}

impl Listing {
    /// Converts the times that are known in the server's local time only.
    pub(crate) fn apply(&mut self, offset: UtcOffset) {
        for entry in &mut self.entries {
            let millis = || entry.listed.map(|listed| offset.to_utc(listed) * 1000);
            entry.modified_millis = entry.modified_millis.or_else(millis);
        }
    }
}

/// A file or a directory on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in its directory, without a slash.
    pub name: RemotePath,
    /// Its kind.
    pub kind: EntryKind,
    /// Its size in bytes, where the server says one.
    pub size: Option<u64>,
    /// Its modification time, in milliseconds since 1970-01-01T00:00:00Z. `MLSD` reports it in UTC.
    /// From `LIST` it is converted from [`Self::listed`] once the server's offset from UTC is
    /// known, with the same precision.
    pub modified_millis: Option<i64>,
    /// Its modification time in the server's local time, where `LIST` shows it.
    pub listed: Option<LocalTime>,
    /// What the session may do with it (`perm`, RFC 3659 §7.5.5), where `MLSD` reports it.
    pub permissions: Option<Permissions>,
    /// Its mode bits as Unix has them, 0 to 0o7777, where the server says them.
    pub mode: Option<u32>,
}

impl Entry {
    /// An entry with name and kind only.
    pub(crate) fn new(name: RemotePath, kind: EntryKind) -> Self {
        Self {
            name,
            kind,
            size: None,
            modified_millis: None,
            listed: None,
            permissions: None,
            mode: None,
        }
    }
}

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A link, a device, or anything else.
    Other,
}

/// One thing that a session may do with an entry (RFC 3659 §7.5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// `APPE` to the file.
    Append,
    /// Create files in the directory.
    Create,
    /// Delete it.
    Delete,
    /// Change into the directory.
    Enter,
    /// Rename it.
    Rename,
    /// List the directory.
    List,
    /// Make directories in the directory.
    MakeDirectory,
    /// Delete the contents of the directory.
    Purge,
    /// `RETR` the file.
    Read,
    /// `STOR` to the file.
    Write,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Append,
        Self::Create,
        Self::Delete,
        Self::Enter,
        Self::Rename,
        Self::List,
        Self::MakeDirectory,
        Self::Purge,
        Self::Read,
        Self::Write,
    ];

    /// Its letter in the fact `perm`.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Append => 'a',
            Self::Create => 'c',
            Self::Delete => 'd',
            Self::Enter => 'e',
            Self::Rename => 'f',
            Self::List => 'l',
            Self::MakeDirectory => 'm',
            Self::Purge => 'p',
            Self::Read => 'r',
            Self::Write => 'w',
        }
    }
}

/// The operations that the server permits on an entry. A hint: it may still refuse them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u16);

impl Permissions {
    /// Parses the value of the fact `perm`. Unknown letters are skipped, and case does not matter.
    #[must_use]
    pub fn of_letters(letters: &[u8]) -> Self {
        let known = |letter: &u8| {
            let letter = char::from(letter.to_ascii_lowercase());
            Permission::ALL.into_iter().find(|permission| permission.letter() == letter)
        };
        letters.iter().filter_map(known).collect()
    }

    /// Whether the server reports the permission.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        self.0 & bit(permission) != 0
    }
}

fn bit(permission: Permission) -> u16 {
    1 << (permission as u16)
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | bit(permission)))
    }
}

/// The letters of RFC 3659 §7.5.5, in alphabetical order.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let allowed = Permission::ALL.into_iter().filter(|permission| self.allows(*permission));
        allowed.into_iter().try_for_each(|permission| write!(f, "{}", permission.letter()))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({self})")
    }
}

/// The maximum size of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListingLimits {
    /// Entries that are kept; the others are counted.
    pub entries: usize,
    /// Bytes that are read; then the transfer is aborted.
    pub bytes: u64,
    /// Bytes of one line; a longer one is counted as left out.
    pub line_bytes: usize,
    /// The bytes that must arrive in a second, on average after the first
    /// [`Timeouts::stall`](crate::Timeouts::stall).
    pub min_bytes_per_second: u64,
}

impl Default for ListingLimits {
    /// 10,000 entries in 64 MiB, in lines of 16 KiB, at 1 KiB/s.
    fn default() -> Self {
        Self {
            entries: 10_000,
            bytes: 64 * 1024 * 1024,
            line_bytes: 16 * 1024,
            min_bytes_per_second: 1024,
        }
    }
}

/// The format of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListingFormat {
    /// `MLSD`.
    Mlsd,
    /// `LIST`. Dates may lack the year; it is derived from the current time, in seconds since
    /// 1970-01-01T00:00:00Z.
    List { now: i64 },
}

/// The meaning of a line of a listing.
#[derive(Debug, PartialEq, Eq)]
enum ListingLine {
    Entry(Entry),
    /// The directory itself, with its path from the root.
    Directory(RemotePath),
    /// The directory itself, its parent, or a total: nothing to count as left out.
    NoEntry,
    Unknown,
}

/// Parses a listing line by line.
#[derive(Debug)]
pub(crate) struct ListingReader {
    format: ListingFormat,
    max_entries: usize,
    max_line_bytes: usize,
    line: Vec<u8>,
    /// Whether the current line is longer than its limit.
    is_too_long: bool,
    listing: Listing,
}

impl ListingReader {
    pub(crate) fn new(format: ListingFormat, limits: &ListingLimits) -> Self {
        Self {
            format,
            max_entries: limits.entries,
            max_line_bytes: limits.line_bytes,
            line: Vec::new(),
            is_too_long: false,
            listing: Listing::default(),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut parts = bytes.split(|&byte| byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            self.extend_line(part);
            if parts.peek().is_some() {
                self.end_line();
            }
        }
    }

    /// The listing; the last line may lack its end.
    pub(crate) fn finish(mut self) -> Listing {
        self.end_line();
        self.listing
    }

    /// The listing so far, marked as incomplete.
    pub(crate) fn cut_off(mut self) -> Listing {
        self.listing.is_complete = false;
        self.listing
    }

    fn extend_line(&mut self, part: &[u8]) {
        self.is_too_long |= self.line.len() + part.len() > self.max_line_bytes;
        if !self.is_too_long {
            self.line.extend_from_slice(part);
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let parsed = match self.format {
            _ if std::mem::take(&mut self.is_too_long) => ListingLine::Unknown,
            _ if line.is_empty() => ListingLine::NoEntry,
            ListingFormat::Mlsd => mlsd::parse(line),
            ListingFormat::List { now } => list::parse(line, now),
        };
        match parsed {
            ListingLine::Entry(entry) if self.listing.entries.len() < self.max_entries => {
                self.listing.entries.push(entry);
            }
            ListingLine::Entry(_) | ListingLine::Unknown => self.listing.left_out += 1,
            ListingLine::Directory(path) => self.listing.directory = Some(path),
            ListingLine::NoEntry => (),
        }
    }
}

/// Makes an entry of a name. `.` and `..` are skipped, and a path is no name.
fn entry_of(name: &[u8], entry: impl FnOnce(RemotePath) -> Entry) -> ListingLine {
    if matches!(name, b"." | b"..") {
        return ListingLine::NoEntry;
    }
    if name.contains(&b'/') {
        return ListingLine::Unknown;
    }
    RemotePath::new(name).map_or(ListingLine::Unknown, |name| ListingLine::Entry(entry(name)))
}

/// Parses a number that consists of digits only.
fn digits<N: std::str::FromStr>(bytes: &[u8]) -> Option<N> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Precision;

    fn limits(entries: usize, line: usize) -> ListingLimits {
        ListingLimits { entries, line_bytes: line, ..ListingLimits::default() }
    }

    fn read(bytes: &[u8], limits: ListingLimits) -> Listing {
        let mut reader = ListingReader::new(ListingFormat::Mlsd, &limits);
        reader.push(bytes);
        reader.finish()
    }

    #[test]
    fn entries_beyond_the_limit_are_counted() {
        let listing = read(b"type=file; a\r\ntype=file; b\r\ntype=file; c\r\n", limits(2, 100));
        assert_eq!((listing.entries.len(), listing.left_out), (2, 1));
    }

    #[test]
    fn line_beyond_the_limit_is_counted_and_not_held() {
        let listing = read(b"type=file; aaaaaaaaaaaaaaaaaaaaaa\ntype=file; b\n", limits(9, 20));
        assert_eq!((listing.entries.len(), listing.left_out), (1, 1));
    }

    #[test]
    fn last_line_may_lack_its_end() {
        assert_eq!(read(b"type=file; a\r\ntype=file; b", limits(9, 99)).entries.len(), 2);
    }

    #[test]
    fn permissions_come_back_from_their_letters() {
        let all = Permissions::of_letters(b"acdeflmprw");
        assert_eq!(all.to_string(), "acdeflmprw");
        let some = Permissions::of_letters(b"Wr?z");
        assert!(some.allows(Permission::Write) && some.allows(Permission::Read));
        assert!(!some.allows(Permission::Delete));
        assert_eq!(some.to_string(), "rw");
    }

    #[test]
    fn offset_fills_in_what_only_the_server_s_own_time_was_told_for() {
        let entry = |modified_millis, listed| Entry {
            modified_millis,
            listed,
            ..Entry::new(RemotePath::try_from("a").unwrap(), EntryKind::File)
        };
        let listed = Some(LocalTime { seconds: 7200, precision: Precision::Minute });
        let entries = vec![entry(None, listed), entry(Some(5), listed), entry(None, None)];
        let mut listing = Listing { entries, ..Listing::default() };
        listing.apply(UtcOffset::new(60).unwrap());
        let millis: Vec<_> = listing.entries.iter().map(|entry| entry.modified_millis).collect();
        assert_eq!(millis, [Some(3_600_000), Some(5), None]);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_chunking_does_not_matter(
            bytes: Vec<u8>, size in 1..9_usize, list: bool, now: i64,
        ) {
            let format = if list { ListingFormat::List { now } } else { ListingFormat::Mlsd };
            let mut whole = ListingReader::new(format, &limits(5, 50));
            whole.push(&bytes);
            let mut chunked = ListingReader::new(format, &limits(5, 50));
            bytes.chunks(size).for_each(|chunk| chunked.push(chunk));
            prop_assert_eq!(whole.finish(), chunked.finish());
        }
    }
}
