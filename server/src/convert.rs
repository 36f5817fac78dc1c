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

/// Converts a listing; directories come first.
#[must_use]
pub fn listing(directory: &RemotePath, listing: &ftps::Listing) -> ServerMessage {
    let mut entries: Vec<Entry> = listing.entries.iter().map(entry).collect();
    entries.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    ServerMessage::Listing {
        path: directory.display().into_owned(),
        entries,
        left_out: listing.left_out,
    }
}

fn entry(entry: &ftps::Entry) -> Entry {
    Entry {
        name: entry.name.display().into_owned(),
        kind: match entry.kind {
            ftps::EntryKind::Directory => EntryKind::Directory,
            ftps::EntryKind::File => EntryKind::File,
            ftps::EntryKind::Other => EntryKind::Other,
        },
        size: entry.size,
        modified_millis: entry.modified_millis,
        leftover_of: leftover_of(entry).map(|target| target.display().into_owned()),
    }
}

/// Returns the final name of a file that has a temporary one.
fn leftover_of(entry: &ftps::Entry) -> Option<RemotePath> {
    let is_file = entry.kind == ftps::EntryKind::File;
    is_file.then(|| ftps::upload::temporary::target_of(&entry.name)).flatten()
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
