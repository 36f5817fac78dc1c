//! Converts values of the FTPS engine to values of the protocol.

use ftps::RemotePath;
use protocol::{
    ServerMessage, Stage,
    server::{
        Algorithm, Certificate, DeletedCounts, Entry, EntryKind, FileDigest, LogKind, Tls, Verified,
    },
};

/// Converts what the TLS handshake agreed on.
#[must_use]
pub fn tls(facts: &ftps::TlsFacts) -> Tls {
    Tls {
        version: facts.version.to_string(),
        cipher_suite: facts.cipher_suite.to_string(),
        resumed: facts.resumed,
    }
}

/// Converts a certificate; `doubts` are the reasons not to trust it, one sentence each.
#[must_use]
pub fn certificate(facts: &ftps::CertificateFacts, doubts: Vec<String>) -> Certificate {
    Certificate {
        subject: facts.subject.clone(),
        issuer: facts.issuer.clone(),
        names: facts.names.clone(),
        not_before: facts.not_before.clone(),
        not_after: facts.not_after.clone(),
        sha256: facts.sha256.to_string(),
        doubts,
    }
}

/// Converts how a stored file was verified.
#[must_use]
pub fn verified(verified: &ftps::Verified) -> Verified {
    match verified {
        ftps::Verified::Digest(_) => Verified::Digest,
        ftps::Verified::Size { .. } => Verified::Size,
        ftps::Verified::ReplyOnly => Verified::ReplyOnly,
    }
}

/// Converts a digest algorithm; `None` for one that the page cannot compute.
#[must_use]
pub fn algorithm(algorithm: ftps::Algorithm) -> Option<Algorithm> {
    match algorithm {
        ftps::Algorithm::Blake3 => Some(Algorithm::Blake3),
        ftps::Algorithm::Crc32 => Some(Algorithm::Crc32),
        ftps::Algorithm::Sha256 => Some(Algorithm::Sha256),
        _ => None,
    }
}

/// Converts a digest; `None` for an algorithm that the page cannot compute.
#[must_use]
pub fn file_digest(digest: &ftps::FileDigest) -> Option<FileDigest> {
    let algorithm = algorithm(digest.algorithm())?;
    Some(FileDigest { algorithm, hex: digest.hex().to_owned() })
}

/// The longest name of a listing in bytes. File systems have names of at most 255 bytes or UTF-16 units.
const MAX_NAME_BYTES: usize = 1024;

/// The bytes of an entry in JSON besides its names, at most: keys, kind, size and time.
const ENTRY_BYTES: usize = 128;

/// Converts a listing to a message of at most `max_bytes`, if its path is not longer; entries beyond it
/// are counted as left out. Directories come first.
#[must_use]
pub fn listing(directory: &RemotePath, listing: ftps::Listing, max_bytes: usize) -> ServerMessage {
    let ftps::Listing { entries: mut listed, mut left_out, .. } = listing;
    listed.sort_by(|a, b| (a.kind, a.name.as_bytes()).cmp(&(b.kind, b.name.as_bytes())));
    let mut free = max_bytes.saturating_sub(ENTRY_BYTES + json_len(&directory.display()));
    let mut entries = Vec::new();
    // Each entry of the engine is dropped when it was converted, so that names are not held twice.
    for entry in listed {
        let entry = convert_entry(directory, &entry);
        match free.checked_sub(entry_len(&entry)) {
            Some(rest) => {
                free = rest;
                entries.push(entry);
            }
            None => {
                free = 0;
                left_out += 1;
            }
        }
    }
    ServerMessage::Listing { path: directory.display().into_owned(), entries, left_out }
}

fn entry_len(entry: &Entry) -> usize {
    let leftover = entry.leftover_of.as_deref().map_or(0, json_len);
    ENTRY_BYTES + json_len(&entry.name) + leftover
}

/// Returns the length of a text in JSON without its quotes (RFC 8259 §7).
fn json_len(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

/// Returns a name as the page shows it. A name that is cut ends with U+FFFD, so that no request can name
/// another file with it.
fn shown_name(name: &RemotePath) -> String {
    let mut shown = name.display().into_owned();
    if shown.len() > MAX_NAME_BYTES {
        let end = (0..=MAX_NAME_BYTES).rev().find(|end| shown.is_char_boundary(*end));
        shown.truncate(end.unwrap_or_default());
        shown.push('…');
        shown.push(char::REPLACEMENT_CHARACTER);
        shown.shrink_to_fit();
    }
    shown
}

fn convert_entry(directory: &RemotePath, entry: &ftps::Entry) -> Entry {
    Entry {
        name: shown_name(&entry.name),
        kind: match entry.kind {
            ftps::EntryKind::Directory => EntryKind::Directory,
            ftps::EntryKind::File => EntryKind::File,
            ftps::EntryKind::Other => EntryKind::Other,
        },
        size: entry.size,
        modified_millis: entry.modified_millis,
        leftover_of: leftover_of(directory, entry).map(|target| shown_name(&target)),
    }
}

/// Returns the final name of a file that has a temporary one, or is in a temporary directory.
fn leftover_of(directory: &RemotePath, entry: &ftps::Entry) -> Option<RemotePath> {
    let is_file = entry.kind == ftps::EntryKind::File;
    let path = is_file.then(|| directory.join(&entry.name))?;
    ftps::upload::temporary::target_of(&path)?.file_name()
}

/// Converts the counts of a recursive delete.
#[must_use]
pub fn deleted_counts(counts: ftps::DeletedCounts) -> DeletedCounts {
    DeletedCounts { files: counts.files, directories: counts.directories }
}

/// Converts the kind of a log line.
#[must_use]
pub fn log_kind(kind: ftps::LineKind) -> LogKind {
    match kind {
        ftps::LineKind::Status => LogKind::Status,
        ftps::LineKind::Command => LogKind::Command,
        ftps::LineKind::Response => LogKind::Response,
        ftps::LineKind::Error => LogKind::Error,
    }
}

/// Converts a stage.
#[must_use]
pub fn stage(stage: ftps::Stage) -> Stage {
    match stage {
        ftps::Stage::Connect => Stage::Connect,
        ftps::Stage::Greeting => Stage::Greeting,
        ftps::Stage::Auth => Stage::Auth,
        ftps::Stage::Tls => Stage::Tls,
        ftps::Stage::Certificate => Stage::Certificate,
        ftps::Stage::Login => Stage::Login,
        ftps::Stage::Protect => Stage::Protect,
        ftps::Stage::Setup => Stage::Setup,
        ftps::Stage::List => Stage::List,
        ftps::Stage::MakeDirectory => Stage::MakeDirectory,
        ftps::Stage::DataConnection => Stage::DataConnection,
        ftps::Stage::DataTls => Stage::DataTls,
        ftps::Stage::Transfer => Stage::Transfer,
        ftps::Stage::Verify => Stage::Verify,
        ftps::Stage::Rename => Stage::Rename,
        ftps::Stage::Delete => Stage::Delete,
        ftps::Stage::Idle => Stage::Idle,
        // The engine's enum is non-exhaustive.
        _ => Stage::Transfer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing_of(names: impl Iterator<Item = Vec<u8>>) -> ftps::Listing {
        let entry = |name: Vec<u8>| ftps::Entry {
            name: RemotePath::new(name).unwrap(),
            kind: ftps::EntryKind::File,
            size: Some(u64::MAX),
            modified_millis: Some(i64::MIN),
            listed: None,
            permissions: None,
            mode: None,
        };
        ftps::Listing { entries: names.map(entry).collect(), ..ftps::Listing::default() }
    }

    #[test]
    fn hostile_listing_is_a_message_of_bounded_length_that_counts_what_is_left_out() {
        const MAX: usize = 100_000;
        // Each byte that is not UTF-8 is shown in three, a control character in six.
        for byte in [0xff, 0x01, b'"', b'a'] {
            for len in [1, 800, 16_000] {
                let names = (0..500_u32).map(|n| [vec![byte; len], n.to_string().into()].concat());
                let message = listing(&RemotePath::root(), listing_of(names), MAX);
                assert!(serde_json::to_string(&message).unwrap().len() <= MAX);
                let ServerMessage::Listing { entries, left_out, .. } = message else { panic!() };
                assert_eq!(entries.len() as u64 + left_out, 500);
                assert!(!entries.is_empty());
            }
        }
    }

    #[test]
    fn part_files_are_marked_with_their_final_names() {
        let leftover_of = |directory: &str, name: &str| {
            let directory = RemotePath::try_from(directory).unwrap();
            let names = std::iter::once(name.as_bytes().to_vec());
            let message = listing(&directory, listing_of(names), 1 << 20);
            let ServerMessage::Listing { mut entries, .. } = message else { panic!() };
            entries.remove(0).leftover_of
        };
        let target = Some("a.csv".to_owned());
        assert_eq!(leftover_of("/home", "a.csv.0123abcd.part"), target);
        assert_eq!(leftover_of("/home/ferryport-0123abcd", "a.csv"), target);
        assert_eq!(leftover_of("/home/ferryport", "a.csv"), None);
    }

    #[test]
    fn name_that_is_cut_cannot_be_renamed_or_deleted() {
        let names = [vec![b'a'; 2000]].into_iter();
        let ServerMessage::Listing { entries, .. } =
            listing(&RemotePath::root(), listing_of(names), 1 << 20)
        else {
            panic!()
        };
        let name = &entries[0].name;
        assert!(name.len() < MAX_NAME_BYTES + 10);
        let refused = crate::remote_path::changeable(&RemotePath::root(), name);
        assert!(matches!(refused, Err(crate::remote_path::PathRefusal::NotExact(_))));
    }
}
