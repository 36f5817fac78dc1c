//! File descriptors: each connection takes one, and a shell gives a process 1,024 of them.

use crate::settings::Settings;

/// What the process holds besides its connections: standard streams, the runtime, the listener, a
/// file that is read.
const OTHERS: u64 = 64;

/// Raises the soft limit of the process to its hard one, and says so where even that is less than
/// what the settings promise.
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

/// How many there are when everything is in use: the pages' connections, and for each session a
/// control connection for errands, and control and data connection for each upload.
fn needed(settings: &Settings) -> u64 {
    let of_session = 1 + 2 * u64::from(settings.max_ftps_connections.max(1));
    let of_sessions = u64::from(settings.max_sessions).saturating_mul(of_session);
    of_sessions.saturating_add(settings.max_connections.into()).saturating_add(OTHERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_uploads_of_all_sessions_are_counted() {
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
