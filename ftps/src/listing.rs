//! Listings: lines of bytes in, entries out. Does no I/O.
//!
//! - `machine`: the facts of `MLSD` (RFC 3659 §7.2).
//! - `people`: what `LIST` gives, in the dialects of Unix and DOS.

use crate::{config::Limits, path::RemotePath};

mod machine;
mod people;

/// What is in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The files and directories, in the server's order.
    pub entries: Vec<Entry>,
    /// Lines that are not among the entries: beyond the limit, or in no dialect that is known.
    pub left_out: u64,
    /// `false` when the listing was so long that it was cut off.
    pub is_complete: bool,
}

impl Default for Listing {
    /// Nothing, and all of it.
    fn default() -> Self {
        Self { entries: Vec::new(), left_out: 0, is_complete: true }
    }
}

/// A file or a directory on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in its directory, without a slash.
    pub name: RemotePath,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes, where the server says one.
    pub size: Option<u64>,
    /// Its modification, in milliseconds since 1970-01-01T00:00:00Z, where the server says it for
    /// UTC: `MLSD` does, `LIST` does not.
    pub modified_millis: Option<i64>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A link, a device, or what the server calls otherwise.
    Other,
}

/// The language of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Machine,
    People,
}

/// What a line of a listing is.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Entry(Entry),
    /// The directory itself, the one above it, or a sum: nothing that is missed.
    NoEntry,
    Unknown,
}

/// Makes a listing of what comes over a data connection, line by line.
#[derive(Debug)]
pub(crate) struct ListingReader {
    dialect: Dialect,
    max_entries: usize,
    max_line_bytes: usize,
    line: Vec<u8>,
    /// Whether the line under way is longer than its limit.
    is_too_long: bool,
    listing: Listing,
}

impl ListingReader {
    pub(crate) fn new(dialect: Dialect, limits: &Limits) -> Self {
        Self {
            dialect,
            max_entries: limits.listing_entries,
            max_line_bytes: limits.listing_line_bytes,
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

    /// The listing so far; what follows is not known.
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
        let parsed = match self.dialect {
            _ if std::mem::take(&mut self.is_too_long) => Line::Unknown,
            _ if line.is_empty() => Line::NoEntry,
            Dialect::Machine => machine::parse(line),
            Dialect::People => people::parse(line),
        };
        match parsed {
            Line::Entry(entry) if self.listing.entries.len() < self.max_entries => {
                self.listing.entries.push(entry);
            }
            Line::Entry(_) | Line::Unknown => self.listing.left_out += 1,
            Line::NoEntry => (),
        }
    }
}

/// A name as an entry of its directory; `.` and `..` are none, and a path is no name.
fn entry_of(name: &[u8], entry: impl FnOnce(RemotePath) -> Entry) -> Line {
    if matches!(name, b"." | b"..") {
        return Line::NoEntry;
    }
    if name.contains(&b'/') {
        return Line::Unknown;
    }
    RemotePath::new(name).map_or(Line::Unknown, |name| Line::Entry(entry(name)))
}

/// A number of nothing but digits.
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

    fn limits(entries: usize, line: usize) -> Limits {
        Limits { listing_entries: entries, listing_line_bytes: line, ..Limits::default() }
    }

    fn read(bytes: &[u8], limits: Limits) -> Listing {
        let mut reader = ListingReader::new(Dialect::Machine, &limits);
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

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_chunking_does_not_matter(
            bytes: Vec<u8>, size in 1..9_usize, people: bool,
        ) {
            let dialect = if people { Dialect::People } else { Dialect::Machine };
            let mut whole = ListingReader::new(dialect, &limits(5, 50));
            whole.push(&bytes);
            let mut chunked = ListingReader::new(dialect, &limits(5, 50));
            bytes.chunks(size).for_each(|chunk| chunked.push(chunk));
            prop_assert_eq!(whole.finish(), chunked.finish());
        }
    }
}
