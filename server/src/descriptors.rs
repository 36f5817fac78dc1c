//! The process's limit of file descriptors: each connection takes one, and shells set the limit to
//! 1,024.

use crate::settings::Settings;

/// The file descriptors besides connections: standard streams, the runtime, the listener, files that
/// are read.
const OTHERS: u64 = 64;

/// Raises the soft limit of the process to the hard limit, and logs a warning where that is too low
/// for the settings.
pub fn raise_limit(settings: &Settings) {
    let needed = needed(settings);
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit < needed => tracing::warn!(
            limit,
            needed,
            "fewer file descriptors than `max_connections`, `max_sessions` and \
             `max_ftps_connections` may need: raise the limit (`LimitNOFILE` of systemd, \
             `ulimit -n` of a shell), or lower the settings"
        ),
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(%error, needed, "the limit of file descriptors could not be raised");
        }
    }
}

/// Returns the number of file descriptors under full load: the browsers' connections, and for each
/// session a control connection for requests and two connections for each upload.
fn needed(settings: &Settings) -> u64 {
    let of_session = 1 + 2 * u64::from(settings.max_ftps_connections.max(1));
    let of_sessions = u64::from(settings.max_sessions).saturating_mul(of_session);
    of_sessions.saturating_add(settings.max_connections.into()).saturating_add(OTHERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_of_browsers_and_of_all_uploads_are_counted() {
        let mut settings = Settings::defaults().unwrap();
        settings.max_connections = 10;
        settings.max_sessions = 3;
        settings.max_ftps_connections = 4;
        assert_eq!(needed(&settings), 10 + 3 * 9 + OTHERS);
        settings.max_ftps_connections = u32::MAX;
        settings.max_sessions = u32::MAX;
        assert!(needed(&settings) > u64::from(u32::MAX));
    }
}
