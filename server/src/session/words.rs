//! The FTPS engine's values in the words of the protocol, and the protocol's in the engine's. What is
//! said to a person is [`crate::speech`]'s.

use ftps::{Credentials, Password, RemotePath, Transcript, Username};
use protocol::{
    Problem, ServerMessage, Stage, UploadId,
    client::{Connect, Language},
    server::{
        Algorithm, Certificate, DataTls, Entry, EntryKind, FileDigest, LogKind, Tally, Tls,
        Verified,
    },
};

use super::{
    narration::LogExplainers,
    outbox::{Outbox, OutgoingLine},
};
use crate::{
    host::Host,
    portal::Portal,
    relay::Credit,
    settings::{Settings, TlsVersion},
    speech::Speech,
};

/// The transcript of the engine as lines of the session log and stages of the connection.
#[must_use]
pub fn transcript(outbox: Outbox) -> Transcript {
    let narration = LogExplainers::default();
    Transcript::new(move |event| {
        // Before any of them is left out: a narrator has to hear all.
        let explanation = narration.explain(&event);
        if let ftps::EventKind::Stage(stage) = &event.kind {
            // Past the login, the commands and replies themselves say where it is.
            if *stage > ftps::Stage::Setup {
                return;
            }
            outbox.hint(ServerMessage::Connecting { stage: self::stage(*stage) });
            // The next line says what it connects to.
            if *stage == ftps::Stage::Connect {
                return;
            }
        }
        if let (ftps::EventKind::Tls(facts), ftps::Connection::Data(_)) =
            (&event.kind, event.connection)
        {
            outbox.data_tls(DataTls { tls: tls(facts), connection: event.session });
        }
        outbox.log(OutgoingLine {
            connection: event.session,
            explanation,
            kind: log_kind(event.line_kind()),
            text: event.to_string(),
        });
    })
}

fn log_kind(kind: ftps::LineKind) -> LogKind {
    match kind {
        ftps::LineKind::Status => LogKind::Status,
        ftps::LineKind::Command => LogKind::Command,
        ftps::LineKind::Response => LogKind::Response,
        ftps::LineKind::Error => LogKind::Error,
    }
}

/// What TLS agreed on.
#[must_use]
pub fn tls(facts: &ftps::TlsFacts) -> Tls {
    Tls {
        version: facts.version.to_string(),
        cipher_suite: facts.cipher_suite.to_string(),
        resumed: facts.resumed,
    }
}

/// A certificate and what speaks against it.
#[must_use]
pub fn certificate(
    facts: &ftps::CertificateFacts,
    doubts: &[ftps::Doubt],
    speech: Speech,
) -> Certificate {
    Certificate {
        subject: facts.subject.clone(),
        issuer: facts.issuer.clone(),
        names: facts.names.clone(),
        not_before: facts.not_before.clone(),
        not_after: facts.not_after.clone(),
        sha256: facts.sha256.to_string(),
        doubts: speech.doubts(doubts),
    }
}

/// The directory that the login opened, or the root of a server that does not say.
#[must_use]
pub fn directory(client: &ftps::Client) -> RemotePath {
    client.facts().initial_directory.clone().unwrap_or_else(RemotePath::root)
}

/// How a file is known to be whole.
#[must_use]
pub fn verified(verified: &ftps::Verified) -> Verified {
    match verified {
        ftps::Verified::Digest(_) => Verified::Digest,
        ftps::Verified::Size { .. } => Verified::Size,
        ftps::Verified::ReplyOnly => Verified::ReplyOnly,
    }
}

/// The digests that a page makes too, the fastest first, as measured in a browser (megabytes a
/// second in wasm): 2000 and 400. A digest may not hold up the upload, and what it is to find are
/// faults of memories, disks and networks; both do.
const PAGE_DIGESTS: [ftps::Algorithm; 2] = [ftps::Algorithm::Crc32, ftps::Algorithm::Sha256];

/// How digests are made with this server: so that it can make them too, or else by the one that is
/// both fast and strong.
#[must_use]
pub fn digest_algorithm(client: &ftps::Client) -> ftps::Algorithm {
    client.makes_digest(&PAGE_DIGESTS).unwrap_or(ftps::Algorithm::Blake3)
}

/// How a page makes digests.
#[must_use]
pub fn digest_in_protocol(algorithm: ftps::Algorithm) -> Algorithm {
    match algorithm {
        ftps::Algorithm::Crc32 => Algorithm::Crc32,
        ftps::Algorithm::Sha256 => Algorithm::Sha256,
        // The list above has no others.
        _ => Algorithm::Blake3,
    }
}

/// A digest, if a page knows its algorithm.
#[must_use]
pub fn file_digest(digest: &ftps::FileDigest) -> Option<FileDigest> {
    let algorithm = match digest.algorithm() {
        ftps::Algorithm::Blake3 => Algorithm::Blake3,
        ftps::Algorithm::Crc32 => Algorithm::Crc32,
        ftps::Algorithm::Sha256 => Algorithm::Sha256,
        _ => return None,
    };
    Some(FileDigest { algorithm, hex: digest.hex().to_owned() })
}

/// A directory's entries, directories first.
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

/// The name that a file under a temporary name was to have.
fn leftover_of(entry: &ftps::Entry) -> Option<RemotePath> {
    let is_file = entry.kind == ftps::EntryKind::File;
    is_file.then(|| ftps::upload::temporary::target_of(&entry.name)).flatten()
}

/// The message that carries a credit.
#[must_use]
pub fn credit(upload: UploadId, credit: Credit) -> ServerMessage {
    ServerMessage::Credit {
        upload,
        attempt: credit.attempt,
        taken: credit.taken,
        received: credit.received,
        limit: credit.limit,
    }
}

/// What a page's person is told things in.
#[must_use]
pub fn speech(language: Language) -> Speech {
    Speech::new(match language {
        Language::En => ftps::Language::English,
        Language::De => ftps::Language::German,
    })
}

/// The engine's stage in the protocol's words.
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
        // The engine's list may grow.
        _ => Stage::Transfer,
    }
}

/// The engine's configuration for a host, from the portal's settings and the person's trust; the
/// proxy is not in it yet.
///
/// # Errors
/// When `trusted_certificate` is no fingerprint.
pub fn engine_config(
    portal: &Portal,
    host: &Host,
    trusted_certificate: Option<&str>,
    speech: Speech,
) -> Result<ftps::Config, Problem> {
    let trusted_certificate = trusted_certificate
        .map(str::parse::<ftps::Fingerprint>)
        .transpose()
        .map_err(|_| speech.not_a_fingerprint())?;
    let settings = &portal.settings;
    let mut config = ftps::Config::new(portal.outbound.roots());
    config.tls.versions = tls_versions(settings);
    config.tls.trusted_certificate = trusted_certificate;
    config.tls.pins = portal.outbound.pins(host);
    config.tls.client_identity = portal.outbound.identity();
    config.timeouts.connect = settings.connect_timeout;
    config.timeouts.data_connect = settings.connect_timeout;
    config.timeouts.greeting = settings.greeting_timeout;
    config.timeouts.silence = settings.silence_timeout;
    config.timeouts.tls_handshake = settings.tls_timeout;
    config.timeouts.reply = settings.reply_timeout;
    config.timeouts.stall = settings.stall_timeout;
    config.timeouts.final_reply = settings.final_reply_timeout;
    config.timeouts.digest = settings.digest_timeout;
    config.timeouts.abort = settings.cancel_timeout;
    config.retry.tries = settings.retries;
    config.retry.first = settings.retry_wait;
    config.retry.max = settings.max_retry_wait;
    config.sessions.max = settings.max_ftps_connections.max(1);
    config.limits.listing.bytes = settings.max_listing.0;
    config.limits.listing.entries = settings.max_listing_entries as usize;
    Ok(config)
}

fn tls_versions(settings: &Settings) -> ftps::TlsVersions {
    let version = |version| match version {
        TlsVersion::Tls12 => ftps::TlsVersion::Tls12,
        TlsVersion::Tls13 => ftps::TlsVersion::Tls13,
    };
    ftps::TlsVersions { min: version(settings.tls_min), max: version(settings.tls_max) }
}

/// The longest username in bytes: more than any server takes, and little to remember.
const MAX_USERNAME_LEN: usize = 512;

/// Username and password for the engine; the page's copies are gone afterwards.
///
/// # Errors
/// When one of them holds what no FTP command can carry, or the username is longer than any.
pub fn credentials(connect: Connect, speech: Speech) -> Result<Credentials, Problem> {
    if connect.username.len() > MAX_USERNAME_LEN {
        return Err(speech.long_username(MAX_USERNAME_LEN));
    }
    Ok(Credentials {
        username: Username::new(connect.username).map_err(|_| speech.unfit_username())?,
        password: Password::new(connect.password.into_exposed())
            .map_err(|_| speech.unfit_password())?,
    })
}

/// A path of the page as an absolute one: relative ones start at the login's directory.
///
/// # Errors
/// When no FTP command can carry it, or it climbs.
pub fn absolute_path(
    directory: &RemotePath,
    path: &str,
    speech: Speech,
) -> Result<RemotePath, Problem> {
    if path.is_empty() {
        return Ok(directory.clone());
    }
    let path = checked_path(path).ok_or_else(|| speech.bad_path(path))?;
    Ok(directory.join(&path))
}

/// A path of the page as it is; where it is relative, it starts at the login's directory. `None`
/// when no FTP command can carry it, or it climbs.
#[must_use]
pub fn checked_path(path: &str) -> Option<RemotePath> {
    let climbs = path.split('/').any(|part| part == "..");
    if climbs { None } else { RemotePath::new(path).ok() }
}

/// A path of the page as an absolute one, where an upload may have left something behind.
///
/// # Errors
/// When the name is no temporary one, and as for [`absolute_path`].
pub fn leftover_path(
    directory: &RemotePath,
    path: &str,
    speech: Speech,
) -> Result<RemotePath, Problem> {
    let absolute = absolute_path(directory, path, speech)?;
    let is_leftover = ftps::upload::temporary::target_of(&absolute).is_some();
    is_leftover.then_some(absolute).ok_or_else(|| speech.not_a_leftover(path))
}

/// A path of the page as an absolute one, without what a server may read in two ways.
///
/// # Errors
/// As for [`absolute_path`], and when the text does not tell which file is meant: the portal shows
/// with U+FFFD what is no text in a name.
pub fn tidy_path(
    directory: &RemotePath,
    path: &str,
    speech: Speech,
) -> Result<RemotePath, Problem> {
    if path.contains(char::REPLACEMENT_CHARACTER) {
        return Err(speech.name_not_exact(path));
    }
    Ok(tidied(&absolute_path(directory, path, speech)?))
}

/// An absolute path without empty parts and `.`.
#[must_use]
pub fn tidied(path: &RemotePath) -> RemotePath {
    let parts = path.as_bytes().split(|&byte| byte == b'/');
    let names = parts.filter_map(|part| RemotePath::new(part).ok());
    let names = names.filter(|name| name.as_bytes() != b".");
    names.fold(RemotePath::root(), |path, name| path.join(&name))
}

/// How much was deleted or is left.
#[must_use]
pub fn tally(tally: ftps::Tally) -> Tally {
    Tally { files: tally.files, directories: tally.directories }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEECH: Speech = Speech::new(ftps::Language::English);

    #[test]
    fn relative_path_starts_at_the_directory_of_the_login() {
        let home = RemotePath::new("/home").unwrap();
        assert_eq!(absolute_path(&home, "a/b", SPEECH).unwrap().display(), "/home/a/b");
        assert_eq!(absolute_path(&home, "/a/b", SPEECH).unwrap().display(), "/a/b");
        assert_eq!(absolute_path(&home, "", SPEECH).unwrap().display(), "/home");
        assert!(absolute_path(&home, "../b", SPEECH).is_err());
        assert!(absolute_path(&home, "a\r\nDELE b", SPEECH).is_err());
    }

    #[test]
    fn only_temporary_names_may_be_removed() {
        let home = RemotePath::new("/home").unwrap();
        let leftover = leftover_path(&home, "a/b.txt.0123abcd.part", SPEECH).unwrap();
        assert_eq!(leftover.display(), "/home/a/b.txt.0123abcd.part");
        let others = ["", "/", "b.txt", "b.part", "../b.0123abcd.part", "b.0123abcd.part/c"];
        for other in others {
            assert!(leftover_path(&home, other, SPEECH).is_err(), "{other}");
        }
    }
}
