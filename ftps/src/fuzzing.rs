//! Properties of the parsers that hold for any bytes from a server: one function for each parser.
//!
//! Each builds a valid message from the bytes, encodes it as servers do, parses it, and panics
//! unless the result is equal. It also parses the bytes themselves, which must not panic and must
//! respect the limits. The fuzz targets in `ftps/fuzz` call these with guided input, the tests
//! below with random input.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "an oracle that is not satisfied panics, and its name is its claim"
)]

use std::net::Ipv4Addr;

use ::time::{Date, Month, Time, UtcDateTime};
use arbitrary::{Arbitrary, Result, Unstructured};

use crate::{
    features::Features,
    listing::{
        Entry, EntryKind, Listing, ListingFormat, ListingLimits, ListingReader, Permission,
        Permissions,
    },
    passive::{self, LOWEST_DATA_PORT, PassiveEndpoint, PassiveError},
    path::RemotePath,
    reply::{
        Code, Reply,
        decoder::{DecodeError, Decoded, ReplyDecoder, ReplyLimits},
    },
    time::{LocalTime, Precision},
};

/// Small enough to be reached by inputs of a few hundred bytes.
const SMALL_REPLIES: ReplyLimits =
    ReplyLimits { line_bytes: 40, lines: 6, bytes: 150, preliminary: 1, log_lines_per_second: 1 };

/// 2026-01-31T12:00:00Z.
const NOW: i64 = 1_769_860_800;

/// The most of anything that is made of one input.
const MOST: usize = 12;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Replies → bytes → replies, in whatever pieces the bytes come.
pub fn replies(data: &[u8]) {
    let _ = replies_come_back(&mut Unstructured::new(data));
    let _ = arbitrary_bytes_keep_to_the_limits(Unstructured::new(data));
}

/// Features → a reply to `FEAT` → features.
pub fn features(data: &[u8]) {
    let _ = features_come_back(&mut Unstructured::new(data));
    if let Some(reply) = first_reply(&[b"211-x\r\n", data, b"\r\n211 End\r\n"].concat()) {
        let features = Features::from_reply(&reply);
        assert!(features.lines().len() <= reply.lines().len());
        assert!(features.lines().all(|line| !line.is_empty() && line.trim() == line));
    }
}

/// Port and address → 227 or 229 → port and address.
pub fn passive(data: &[u8]) {
    let _ = endpoint_comes_back(&mut Unstructured::new(data));
    for code in ["227 ", "229 "] {
        let reply = first_reply(&[code.as_bytes(), data, b"\r\n"].concat());
        let endpoint = reply.and_then(|reply| passive::parse(&reply).ok());
        assert!(endpoint.is_none_or(|endpoint| endpoint.port >= LOWEST_DATA_PORT));
    }
}

/// Entries → lines of `MLSD` → entries.
pub fn mlsd(data: &[u8]) {
    let _ = entries_come_back(&mut Unstructured::new(data), ListingFormat::Mlsd, mlsd_line);
    let _ = arbitrary_listing_keeps_to_the_limits(data, ListingFormat::Mlsd);
}

/// Entries → lines of `LIST` → entries, in the formats of Unix and DOS.
pub fn list(data: &[u8]) {
    let format = ListingFormat::List { now: NOW };
    let _ = entries_come_back(&mut Unstructured::new(data), format, list_line);
    let _ = arbitrary_listing_keeps_to_the_limits(data, format);
}

fn replies_come_back(source: &mut Unstructured<'_>) -> Result<()> {
    let sent =
        (0..source.int_in_range(0..=4)?).map(|_| reply(source)).collect::<Result<Vec<_>>>()?;
    let bytes: Vec<u8> = sent.iter().flat_map(encode).collect();
    let (came, error) = decode(pieces(source, &bytes)?, ReplyLimits::default());
    assert_eq!((came, error), (sent, None));
    Ok(())
}

/// Whole and in pieces the same comes out, and no more is held than the limits say.
fn arbitrary_bytes_keep_to_the_limits(mut source: Unstructured<'_>) -> Result<()> {
    let seed: [u8; 8] = source.arbitrary()?;
    let bytes = source.take_rest();
    let in_pieces = pieces(&mut Unstructured::new(&seed.repeat(8)), bytes)?;
    let whole = decode(vec![bytes], SMALL_REPLIES);
    assert_eq!(whole, decode(in_pieces, SMALL_REPLIES));
    for reply in whole.0 {
        let lengths = reply.raw_lines().map(<[u8]>::len);
        assert!(lengths.len() <= SMALL_REPLIES.lines);
        assert!(lengths.sum::<usize>() <= SMALL_REPLIES.bytes);
        assert!(reply.raw_lines().all(|line| line.len() <= SMALL_REPLIES.line_bytes));
        assert!(reply.lines().all(|line| !line.contains(|c: char| c.is_control() && c != '\t')));
    }
    Ok(())
}

/// A reply in the format of RFC 959 §4.2: no inner line can be taken for the last one.
fn reply(source: &mut Unstructured<'_>) -> Result<Reply> {
    let code = Code::new(source.int_in_range(100..=599)?).unwrap();
    let last = source.int_in_range(0..=5_usize)?;
    let lines = (0..=last).map(|index| {
        let mark = if index == last { b' ' } else { b'-' };
        let mut line = if index == 0 || index == last || source.arbitrary()? {
            [code.to_string().as_bytes(), &[mark]].concat()
        } else {
            vec![b' ']
        };
        line.extend(text(source)?);
        Ok(line)
    });
    Ok(Reply::from_lines(code, lines.collect::<Result<_>>()?))
}

/// Bytes that stand within a line.
fn text(source: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let length = source.int_in_range(0..=30_usize)?.min(source.len());
    let bytes = source.bytes(length)?;
    Ok(bytes.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect())
}

fn encode(reply: &Reply) -> Vec<u8> {
    reply.raw_lines().flat_map(|line| [line, b"\r\n"].concat()).collect()
}

/// The bytes in pieces of any length.
fn pieces<'b>(source: &mut Unstructured<'_>, bytes: &'b [u8]) -> Result<Vec<&'b [u8]>> {
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let length = if source.is_empty() { rest.len() } else { source.int_in_range(1..=9)? };
        let (piece, after) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    Ok(pieces)
}

/// The replies up to the first error.
fn decode(pieces: Vec<&[u8]>, limits: ReplyLimits) -> (Vec<Reply>, Option<DecodeError>) {
    let mut decoder = ReplyDecoder::new(limits);
    let mut replies = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.decode() {
                Ok(Some(Decoded::Reply(reply))) => replies.push(reply),
                Ok(Some(Decoded::ReplyLine(_))) => (),
                Ok(None) => break,
                Err(error) => return (replies, Some(error)),
            }
        }
        assert!(decoder.held() <= limits.line_bytes + 1);
    }
    (replies, None)
}

fn first_reply(bytes: &[u8]) -> Option<Reply> {
    let (replies, _) = decode(vec![bytes], ReplyLimits::default());
    replies.into_iter().next()
}

fn features_come_back(source: &mut Unstructured<'_>) -> Result<()> {
    let prefix = *source.choose(&[" ", "\t", "211-", "  "])?;
    let mut sent = Vec::new();
    for _ in 0..source.int_in_range(0..=MOST)? {
        let name = word(source)?;
        let parameters = word(source)?;
        sent.push(if source.arbitrary()? { format!("{name} {parameters}") } else { name });
    }
    let lines: String = sent.iter().map(|line| format!("{prefix}{line}\r\n")).collect();
    let reply = format!("211-Features\r\n{lines}211 End\r\n");
    let features = Features::from_reply(&first_reply(reply.as_bytes()).unwrap());
    assert_eq!(features.lines().collect::<Vec<_>>(), sent);
    for line in &sent {
        let (name, _) = line.split_once(' ').unwrap_or((line, ""));
        assert!(features.has(&name.to_lowercase()));
    }
    Ok(())
}

/// A word of a feature.
fn word(source: &mut Unstructured<'_>) -> Result<String> {
    let length = source.int_in_range(1..=8)?;
    let letters = b"ABCDEFMRSTUXabz0189*;-_.";
    (0..length).map(|_| Ok(char::from(*source.choose(letters)?))).collect()
}

fn endpoint_comes_back(source: &mut Unstructured<'_>) -> Result<()> {
    let port: u16 = source.arbitrary()?;
    let octets: [u8; 4] = source.arbitrary()?;
    let delimiter = char::from(*source.choose(b"|!#,;")?);
    let (open, close) = *source.choose(&[("(", ")."), ("", ""), ("[", "]"), ("=", " ok")])?;
    let ([a, b, c, d], [high, low]) = (octets, port.to_be_bytes());
    let space = if source.arbitrary()? { " " } else { "" };
    let words = *source.choose(&["Entering Passive Mode", "ok", "Mode 2"])?;
    let with_address = format!(
        "227 {words} {open}{a},{space}{b},{space}{c},{space}{d},{space}{high},{low}{close}"
    );
    let of_port = format!("229 {words} ({delimiter}{delimiter}{delimiter}{port}{delimiter})");
    for (line, address) in [(with_address, Some(Ipv4Addr::from(octets))), (of_port, None)] {
        let reply = first_reply(format!("{line}\r\n").as_bytes()).unwrap();
        let expected = if port < LOWEST_DATA_PORT {
            Err(PassiveError::ForbiddenPort(port))
        } else {
            Ok(PassiveEndpoint { port, address })
        };
        assert_eq!(passive::parse(&reply), expected, "{line}");
    }
    Ok(())
}

type LineOf = fn(&mut Unstructured<'_>) -> Result<(Entry, Vec<u8>)>;

fn entries_come_back(
    source: &mut Unstructured<'_>,
    format: ListingFormat,
    line: LineOf,
) -> Result<()> {
    let (mut entries, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..source.int_in_range(0..=MOST)? {
        let (entry, line) = line(source)?;
        entries.push(entry);
        bytes.extend(line);
        bytes.extend_from_slice(if source.arbitrary()? { b"\r\n" } else { b"\n" });
    }
    let pieces = pieces(source, &bytes)?;
    let came = read(pieces, format, &ListingLimits::default());
    let sent = Listing { entries, ..Listing::default() };
    assert_eq!(came, sent, "{}", String::from_utf8_lossy(&bytes));
    Ok(())
}

fn arbitrary_listing_keeps_to_the_limits(data: &[u8], format: ListingFormat) -> Result<()> {
    let limits = ListingLimits { entries: 3, line_bytes: 60, ..ListingLimits::default() };
    let whole = read(vec![data], format, &limits);
    let seed = [data, &[1, 200, 3]].concat();
    assert_eq!(whole, read(pieces(&mut Unstructured::new(&seed), data)?, format, &limits));
    let lines = data.split(|&byte| byte == b'\n').count();
    assert!(whole.entries.len() <= limits.entries);
    assert!(whole.entries.len() + usize::try_from(whole.left_out).unwrap() <= lines);
    for entry in whole.entries {
        let name = entry.name.as_bytes();
        assert!(!name.is_empty() && name.len() <= limits.line_bytes);
        assert!(!name.iter().any(|byte| b"/\r\n\0".contains(byte)));
        assert!(name != b"." && name != b"..");
        assert!(entry.mode.is_none_or(|mode| mode <= 0o7777));
    }
    Ok(())
}

fn read(pieces: Vec<&[u8]>, format: ListingFormat, limits: &ListingLimits) -> Listing {
    let mut reader = ListingReader::new(format, limits);
    pieces.into_iter().for_each(|piece| reader.push(piece));
    reader.finish()
}

/// A name that can stand in a listing; CR is left to the ends of lines.
fn name(source: &mut Unstructured<'_>) -> Result<RemotePath> {
    let length = source.int_in_range(1..=20_usize)?.min(source.len());
    let bytes = source.bytes(length)?;
    let mut name: Vec<u8> =
        bytes.iter().copied().filter(|byte| !b"/\r\n\0".contains(byte)).collect();
    if matches!(name.as_slice(), b"" | b"." | b"..") {
        name.push(b'x');
    }
    Ok(RemotePath::new(name).unwrap())
}

fn kind(source: &mut Unstructured<'_>) -> Result<EntryKind> {
    Ok(*source.choose(&[EntryKind::Directory, EntryKind::File, EntryKind::Other])?)
}

fn moment(
    source: &mut Unstructured<'_>,
    years: std::ops::RangeInclusive<i32>,
) -> Result<UtcDateTime> {
    let month = Month::try_from(source.int_in_range(1..=12)?).unwrap();
    let day = source.int_in_range(1..=28)?;
    let date = Date::from_calendar_date(source.int_in_range(years)?, month, day).unwrap();
    let hour = source.int_in_range(0..=23)?;
    let minute = source.int_in_range(0..=59)?;
    let second = source.int_in_range(0..=59)?;
    Ok(UtcDateTime::new(date, Time::from_hms(hour, minute, second).unwrap()))
}

fn mlsd_line(source: &mut Unstructured<'_>) -> Result<(Entry, Vec<u8>)> {
    let mut entry = Entry::new(name(source)?, kind(source)?);
    let mut facts = vec![match entry.kind {
        EntryKind::Directory => "Type=dir".to_owned(),
        EntryKind::File => "type=File".to_owned(),
        EntryKind::Other => "TYPE=OS.unix=slink:/x".to_owned(),
    }];
    if let Some(size) = Option::<u64>::arbitrary(source)? {
        entry.size = Some(size);
        facts.push(format!("Size={size}"));
    }
    if source.arbitrary()? {
        let moment = moment(source, 0..=9999)?;
        let millis = source.int_in_range(0..=999)?;
        entry.modified_millis = Some(moment.unix_timestamp() * 1000 + millis);
        let (year, month, day) = moment.to_calendar_date();
        let (hour, minute, second) = moment.as_hms();
        facts.push(format!(
            "modify={year:04}{:02}{day:02}{hour:02}{minute:02}{second:02}.{millis:03}",
            u8::from(month)
        ));
    }
    if source.arbitrary()? {
        let mut allowed = Vec::new();
        for permission in Permission::ALL {
            if source.arbitrary()? {
                allowed.push(permission);
            }
        }
        let permissions: Permissions = allowed.into_iter().collect();
        entry.permissions = Some(permissions);
        facts.push(format!("perm={permissions}"));
    }
    if source.arbitrary()? {
        let mode = source.int_in_range(0..=0o7777)?;
        entry.mode = Some(mode);
        facts.push(format!("UNIX.mode={mode:04o}"));
    }
    let turn = source.int_in_range(0..=facts.len() - 1)?;
    facts.rotate_left(turn);
    let mut line = facts.join(";").into_bytes();
    line.extend_from_slice(b"; ");
    line.extend_from_slice(entry.name.as_bytes());
    Ok((entry, line))
}

fn list_line(source: &mut Unstructured<'_>) -> Result<(Entry, Vec<u8>)> {
    if source.arbitrary()? { unix_line(source) } else { dos_line(source) }
}

fn unix_line(source: &mut Unstructured<'_>) -> Result<(Entry, Vec<u8>)> {
    let mut entry = Entry::new(name(source)?, kind(source)?);
    let mode = source.int_in_range(0..=0o7777)?;
    entry.mode = Some(mode);
    let size: u64 = source.arbitrary()?;
    entry.size = (entry.kind == EntryKind::File).then_some(size);
    let (letter, size) = match entry.kind {
        EntryKind::Directory => ('d', size.to_string()),
        EntryKind::File => ('-', size.to_string()),
        EntryKind::Other => (*source.choose(&['b', 'c', 'p', 's'])?, "1, 3".to_owned()),
    };
    let mark = *source.choose(&["", "+", ".", "@"])?;
    let owners =
        *source.choose(&["1 ada group", "  12 0        0", "1 domain users x", "ada", "1"])?;
    let (date, listed) = unix_date(source)?;
    entry.listed = Some(listed);
    let rights = letters_of(mode);
    let mut line = format!("{letter}{rights}{mark} {owners}   {size} {date} ").into_bytes();
    line.extend_from_slice(entry.name.as_bytes());
    Ok((entry, line))
}

fn letters_of(mode: u32) -> String {
    let mut letters = String::new();
    for (class, special) in [(6, 's'), (3, 's'), (0, 't')] {
        let bits = mode >> class & 7;
        let is_special = mode & (0o1000 << (class / 3)) != 0;
        letters.push(if bits & 4 != 0 { 'r' } else { '-' });
        letters.push(if bits & 2 != 0 { 'w' } else { '-' });
        letters.push(match (bits & 1 != 0, is_special) {
            (true, true) => special,
            (false, true) => special.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    letters
}

fn unix_date(source: &mut Unstructured<'_>) -> Result<(String, LocalTime)> {
    let at = moment(source, 1980..=2025)?;
    let recent = UtcDateTime::new(in_2025(at.date()), at.time());
    let number = |at: UtcDateTime| u8::from(at.month());
    let name = |at: UtcDateTime| MONTHS[usize::from(number(at)) - 1];
    let time = |at: UtcDateTime| format!("{:02}:{:02}", at.hour(), at.minute());
    let (year, day) = (at.year(), at.day());
    let iso = format!("{year:04}-{:02}-{day:02}", number(at));
    Ok(match source.int_in_range(0..=5)? {
        0 => (format!("{} {day:2}  {year}", name(at)), to_the_day(at)),
        1 => (format!("{day:2} {} {year}", name(at)), to_the_day(at)),
        2 => (format!("{} {day:2} {}", name(recent), time(recent)), to_the_minute(recent)),
        3 => (format!("{iso} {}", time(at)), to_the_minute(at)),
        4 => (format!("{iso} {}:{:02}", time(at), at.second()), to_the_second(at)),
        _ => (format!("{:02}-{day:02} {}", number(recent), time(recent)), to_the_minute(recent)),
    })
}

/// The same day of 2025, from March on: [`NOW`] is in January 2026.
fn in_2025(date: Date) -> Date {
    let month = Month::try_from(u8::from(date.month()).max(3)).unwrap();
    Date::from_calendar_date(2025, month, date.day()).unwrap()
}

fn to_the_day(at: UtcDateTime) -> LocalTime {
    let midnight = UtcDateTime::new(at.date(), Time::MIDNIGHT);
    LocalTime { seconds: midnight.unix_timestamp(), precision: Precision::Day }
}

fn to_the_minute(at: UtcDateTime) -> LocalTime {
    let seconds = at.unix_timestamp() - i64::from(at.second());
    LocalTime { seconds, precision: Precision::Minute }
}

fn to_the_second(at: UtcDateTime) -> LocalTime {
    LocalTime { seconds: at.unix_timestamp(), precision: Precision::Second }
}

fn dos_line(source: &mut Unstructured<'_>) -> Result<(Entry, Vec<u8>)> {
    let name = name(source)?;
    let trimmed: Vec<u8> =
        name.as_bytes().iter().copied().skip_while(|&byte| byte == b' ').collect();
    let name = match trimmed.as_slice() {
        b"" | b"." | b".." => RemotePath::new("x").unwrap(),
        name => RemotePath::new(name).unwrap(),
    };
    let mut entry = Entry::new(name, kind(source)?);
    let size: u64 = source.arbitrary()?;
    let column = match entry.kind {
        EntryKind::Directory => "<DIR>         ".to_owned(),
        EntryKind::File => {
            entry.size = Some(size);
            size.to_string()
        }
        EntryKind::Other => "<JUNCTION>    ".to_owned(),
    };
    let at = moment(source, 1970..=2069)?;
    entry.listed = Some(to_the_minute(at));
    let (year, month, day) = at.to_calendar_date();
    let month = u8::from(month);
    let (hour, minute, _second) = at.as_hms();
    let order = source.int_in_range(0..=3)?;
    let date = match order {
        0 => format!("{month:02}-{day:02}-{:02}", year % 100),
        1 => format!("{month:02}/{day:02}/{year}"),
        2 => format!("{year}-{month:02}-{day:02}"),
        _ => format!("{day:02}.{month:02}.{year}"),
    };
    // Only beside AM and PM does the month stand first for certain.
    let time = if order < 2 || source.arbitrary()? {
        let half = if hour < 12 { "AM" } else { "PM" };
        format!("{:02}:{minute:02}{half}", (hour + 11) % 12 + 1)
    } else {
        format!("{hour:02}:{minute:02}")
    };
    let mut line = format!("{date}  {time}       {column} ").into_bytes();
    line.extend_from_slice(entry.name.as_bytes());
    Ok((entry, line))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        vec(any::<u8>(), 0..600)
    }

    proptest! {
        #[test]
        fn replies_come_back_and_keep_to_the_limits(data in bytes()) {
            replies(&data);
        }

        #[test]
        fn features_come_back_from_a_reply(data in bytes()) {
            features(&data);
        }

        #[test]
        fn ports_come_back_from_a_227_and_a_229(data in bytes()) {
            passive(&data);
        }

        #[test]
        fn entries_come_back_from_mlsd(data in bytes()) {
            mlsd(&data);
        }

        #[test]
        fn entries_come_back_from_list(data in bytes()) {
            list(&data);
        }
    }
}
