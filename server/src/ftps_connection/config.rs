//! The engine's configuration of a connection, from the portal's settings and the connect form.

use ftps::{Credentials, Limits, Password, Timeouts, Username};
use protocol::{Problem, client::Connect};

use super::problems::{not_a_fingerprint, password_invalid, username_invalid, username_too_long};
use crate::{
    policy::Destination,
    portal::Portal,
    problems::ProblemBuilder,
    settings::{ByteCount, Preset, PresetLogin, Settings, TlsVersion},
    uploads,
};

/// The longest username in bytes: longer than any server accepts, and short enough to remember.
const MAX_USERNAME_LEN: usize = 512;

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
            Some(preset) if preset.login.is_by_portal() => Self::Portal(preset),
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
    set_limits(&mut config, settings);
    Ok(config)
}

/// Sets the limits and timeouts.
fn set_limits(config: &mut ftps::Config, settings: &Settings) {
    set_timeouts(&mut config.timeouts, settings);
    set_sizes(&mut config.limits, settings);
    config.keepalive.idle = settings.keepalive_idle;
    config.keepalive.interval = settings.keepalive_interval;
    config.rotation.commands = settings.max_ftps_session_commands;
    config.rotation.age = settings.max_ftps_session_age;
    config.retry.tries = settings.retries;
    config.retry.first = settings.retry_wait;
    config.retry.max = settings.max_retry_wait;
    config.sessions.start = settings.start_ftps_connections.max(1);
    config.sessions.max = settings.max_ftps_connections.max(1);
    config.sessions.window = settings.growth_interval;
    config.sessions.recheck = settings.session_limit_memory;
}

fn set_timeouts(timeouts: &mut Timeouts, settings: &Settings) {
    timeouts.connect = settings.connect_timeout;
    timeouts.tls_handshake = settings.tls_timeout;
    timeouts.greeting = settings.greeting_timeout;
    timeouts.silence = settings.silence_timeout;
    timeouts.reply = settings.reply_timeout;
    timeouts.batch = settings.batch_timeout;
    timeouts.digest = settings.digest_timeout;
    timeouts.digest_start = settings.digest_start_timeout;
    timeouts.listing = settings.listing_timeout;
    timeouts.tls_pause = settings.tls_pause;
    timeouts.data_connect = settings.connect_timeout;
    timeouts.stall = settings.stall_timeout;
    timeouts.final_reply = settings.final_reply_timeout;
    timeouts.size_lag = settings.size_lag_timeout;
    timeouts.verdict = settings.verdict_timeout;
    timeouts.drain = settings.data_close_timeout;
    timeouts.abort = settings.cancel_timeout;
    timeouts.settle = settings.settle_timeout;
    timeouts.quit = settings.quit_timeout;
}

fn set_sizes(limits: &mut Limits, settings: &Settings) {
    let data_buffer = ByteCount(uploads::data_buffer_bytes(settings));
    limits.data_buffer_bytes = data_buffer.as_usize();
    limits.known_directories = settings.max_known_directories as usize;
    limits.min_digest_bytes_per_second = settings.min_digest_rate.0;
    let reply = &mut limits.reply;
    reply.line_bytes = settings.max_reply_line.as_usize();
    reply.lines = settings.max_reply_lines as usize;
    reply.bytes = settings.max_reply.as_usize();
    reply.preliminary = settings.max_preliminary_replies as usize;
    reply.log_lines_per_second = settings.max_log_lines_per_second as usize;
    let listing = &mut limits.listing;
    listing.entries = settings.max_listing_entries as usize;
    listing.bytes = settings.max_listing.0;
    listing.line_bytes = settings.max_listing_line.as_usize();
    listing.min_bytes_per_second = settings.min_listing_rate.0;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{outbound::Outbound, settings::Sources};

    fn config_with(flags: &[(&'static str, &str)]) -> String {
        let mut sources = Sources::default();
        for &(name, value) in flags {
            sources.flag(name, value.to_owned());
        }
        let settings = Settings::from_sources(&sources).unwrap();
        let outbound = Outbound::load(&settings).unwrap();
        let mut config = ftps::Config::new(outbound.roots(None));
        set_limits(&mut config, &settings);
        let ftps::Config { timeouts, limits, keepalive, rotation, retry, sessions, .. } = config;
        format!("{timeouts:?} {limits:?} {keepalive:?} {rotation:?} {retry:?} {sessions:?}")
    }

    /// Every limit and timeout of the engine that is a setting.
    const LIMITS: [(&str, &str); 40] = [
        ("connect_timeout", "7 s"),
        ("greeting_timeout", "7 s"),
        ("silence_timeout", "7 s"),
        ("tls_timeout", "7 s"),
        ("tls_pause", "7 s"),
        ("reply_timeout", "7 s"),
        ("batch_timeout", "7 s"),
        ("stall_timeout", "7 s"),
        ("final_reply_timeout", "7 s"),
        ("size_lag_timeout", "7 s"),
        ("verdict_timeout", "7 s"),
        ("data_close_timeout", "7 s"),
        ("settle_timeout", "7 s"),
        ("quit_timeout", "7 s"),
        ("digest_timeout", "7 s"),
        ("digest_start_timeout", "7 s"),
        ("min_digest_rate", "7 B"),
        ("listing_timeout", "7 s"),
        ("min_listing_rate", "7 B"),
        ("max_listing", "7 KiB"),
        ("max_listing_line", "7 KiB"),
        ("max_listing_entries", "7"),
        ("cancel_timeout", "7 s"),
        ("max_reply", "7 KiB"),
        ("max_reply_line", "7 KiB"),
        ("max_reply_lines", "7"),
        ("max_preliminary_replies", "7"),
        ("max_log_lines_per_second", "7"),
        ("max_known_directories", "7"),
        ("start_ftps_connections", "7"),
        ("max_ftps_connections", "7"),
        ("growth_interval", "7 s"),
        ("session_limit_memory", "7 s"),
        ("keepalive_idle", "7 s"),
        ("keepalive_interval", "7 s"),
        ("max_ftps_session_commands", "7"),
        ("max_ftps_session_age", "7 s"),
        ("retries", "7"),
        ("retry_wait", "7 s"),
        ("max_retry_wait", "7 s"),
    ];

    #[test]
    fn each_limit_of_the_engine_follows_its_setting() {
        let default = config_with(&[]);
        for limit in LIMITS {
            assert_ne!(config_with(&[limit]), default, "{}", limit.0);
        }
    }

    /// A timeout of the engine that no setting sets would keep its default.
    #[test]
    fn no_timeout_of_the_engine_is_without_a_setting() {
        let all = config_with(&LIMITS);
        let (timeouts, _) = all.split_once('}').unwrap();
        let values = timeouts.split(": ").skip(1);
        let others: Vec<_> = values.filter(|value| !value.starts_with("7s")).collect();
        assert!(others.is_empty(), "{others:?}");
    }
}
