//! The engine's configuration of a connection, from the portal's settings and the connect form.

use ftps::{Credentials, Password, Username, reply::decoder::ReplyLimits};
use protocol::{Problem, client::Connect};

use super::problems::{not_a_fingerprint, password_invalid, username_invalid, username_too_long};
use crate::{
    policy::Destination,
    portal::Portal,
    problems::ProblemBuilder,
    settings::{Preset, PresetLogin, Settings, TlsVersion},
    uploads,
};

/// The longest username in bytes: longer than any server accepts, and short enough to remember.
const MAX_USERNAME_LEN: usize = 512;

/// The longest line of a listing: a name of 1,024 bytes and the facts about it.
const MAX_LISTING_LINE_BYTES: usize = 4 * 1024;

/// The longest reply of a server. A session keeps the greeting and the list of features: 64 KiB each.
const REPLY_LIMITS: ReplyLimits = ReplyLimits {
    line_bytes: 8 * 1024,
    lines: 1024,
    bytes: 64 * 1024,
    preliminary: 16,
    log_lines_per_second: 1000,
};

/// The most directories of a server that a connection remembers, of at most 4 KiB each.
const MAX_KNOWN_DIRECTORIES: usize = 512;

/// The algorithms of the page that servers support too, fastest first: 2000 and 400 MB/s in wasm in
/// a browser. A digest must not slow down the upload, and has to detect errors of memory, disks and
/// networks; both do.
const SHARED_ALGORITHMS: [ftps::Algorithm; 2] = [ftps::Algorithm::Crc32, ftps::Algorithm::Sha256];

/// Returns the algorithm of the page's digests: one that this server supports too, or else the one
/// that is both fast and strong.
#[must_use]
pub(super) fn digest_algorithm(client: &ftps::Client) -> ftps::Algorithm {
    client.makes_digest(&SHARED_ALGORITHMS).unwrap_or(ftps::Algorithm::Blake3)
}

/// Whose account is logged in to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Account<'p> {
    /// The user's, who also decides about an unknown certificate.
    Person,
    /// That of a preset. Nobody can be asked about its server's certificate.
    Portal(&'p Preset),
}

impl<'p> Account<'p> {
    /// Returns the account for a destination.
    pub(super) fn at(destination: &'p Destination) -> Self {
        match destination.preset() {
            Some(preset) if matches!(preset.login, PresetLogin::Portal(_)) => Self::Portal(preset),
            Some(_) | None => Self::Person,
        }
    }
}

/// Returns the engine's configuration for a destination, without the proxy.
///
/// # Errors
/// When `trusted_certificate` is not a fingerprint.
pub(super) fn engine_config(
    portal: &Portal,
    destination: &Destination,
    trusted_certificate: Option<&str>,
    problems: ProblemBuilder,
) -> Result<ftps::Config, Problem> {
    // A user who trusts a certificate may not send the portal's password to its owner.
    let trusted_certificate = match Account::at(destination) {
        Account::Person => trusted_certificate,
        Account::Portal(_) => None,
    };
    let trusted_certificate = trusted_certificate
        .map(str::parse::<ftps::Fingerprint>)
        .transpose()
        .map_err(|_| not_a_fingerprint(problems))?;
    let settings = &portal.settings;
    let (host, preset) = (destination.host(), destination.preset());
    let mut config = ftps::Config::new(portal.outbound.roots(preset));
    config.tls.versions = tls_versions(settings, preset);
    config.tls.trusted_certificate = trusted_certificate;
    config.tls.pins = portal.outbound.pins(host, preset);
    config.tls.client_identity = portal.outbound.identity();
    config.timeouts.connect = settings.connect_timeout;
    config.timeouts.data_connect = settings.connect_timeout;
    config.timeouts.greeting = settings.greeting_timeout;
    config.timeouts.silence = settings.silence_timeout;
    config.timeouts.tls_handshake = settings.tls_timeout;
    config.timeouts.reply = settings.reply_timeout;
    config.timeouts.stall = settings.stall_timeout;
    config.timeouts.final_reply = settings.final_reply_timeout;
    config.timeouts.size_lag = settings.size_lag_timeout;
    config.timeouts.digest = settings.digest_timeout;
    config.timeouts.abort = settings.cancel_timeout;
    config.retry.tries = settings.retries;
    config.retry.first = settings.retry_wait;
    config.retry.max = settings.max_retry_wait;
    config.sessions.max = settings.max_ftps_connections.max(1);
    config.limits.listing.bytes = settings.max_listing.0;
    config.limits.listing.entries = settings.max_listing_entries as usize;
    config.limits.listing.line_bytes = MAX_LISTING_LINE_BYTES;
    config.limits.reply = REPLY_LIMITS;
    config.limits.known_directories = MAX_KNOWN_DIRECTORIES;
    config.limits.data_buffer_bytes =
        usize::try_from(uploads::data_buffer_bytes(settings)).unwrap_or(usize::MAX);
    Ok(config)
}

fn tls_versions(settings: &Settings, preset: Option<&Preset>) -> ftps::TlsVersions {
    let version = |version| match version {
        TlsVersion::Tls12 => ftps::TlsVersion::Tls12,
        TlsVersion::Tls13 => ftps::TlsVersion::Tls13,
    };
    let min = preset.and_then(|preset| preset.trust.tls_min).unwrap_or(settings.tls_min);
    ftps::TlsVersions { min: version(min), max: version(settings.tls_max) }
}

/// Returns the username and the password for the engine: those of the preset if the portal logs in
/// itself, else the page's, whose copies are erased.
///
/// # Errors
/// When no FTP command can carry one of them, or the username is too long.
pub(super) fn credentials(
    connect: Connect,
    destination: &Destination,
    problems: ProblemBuilder,
) -> Result<Credentials, Problem> {
    if let Some(PresetLogin::Portal(own)) = destination.preset().map(|preset| &preset.login) {
        return Ok(own.clone());
    }
    if connect.username.len() > MAX_USERNAME_LEN {
        return Err(username_too_long(problems, MAX_USERNAME_LEN));
    }
    Ok(Credentials {
        username: Username::new(connect.username).map_err(|_| username_invalid(problems))?,
        password: Password::new(connect.password.into_exposed())
            .map_err(|_| password_invalid(problems))?,
    })
}
