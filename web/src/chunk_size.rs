//! The number of bytes of a file in one message.
//!
//! A browser sends large messages faster than small ones, but buffers each until it is sent: a pause
//! or a cancellation waits behind it. So chunks are small on a slow network and large on a fast
//! one: about a quarter of a second's bytes, between the portal's limits.

use protocol::server::Limits;

/// Chunks per second.
const CHUNKS_PER_SECOND: u64 = 4;
/// The size of the first chunk, before a rate is measured.
const FIRST_CHUNK_BYTES: u64 = 256 * 1024;

/// Returns the payload bytes of a chunk at `bytes_per_second`, with a window of `window_bytes`. Two
/// chunks fit into the window, so that one is in flight while the next waits.
#[must_use]
pub fn chunk_bytes(bytes_per_second: Option<u64>, window_bytes: u64, limits: &Limits) -> u64 {
    let min = u64::from(limits.min_chunk_bytes).max(1);
    let max = u64::from(limits.max_chunk_bytes).max(min);
    let wanted = bytes_per_second.map_or(FIRST_CHUNK_BYTES, |rate| rate / CHUNKS_PER_SECOND);
    wanted.min(window_bytes / 2).clamp(min, max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        max_chunk_bytes: 4 << 20,
        min_chunk_bytes: 16 << 10,
        max_open_uploads: 32,
        ping_interval_millis: 20_000,
        max_log_lines: 1000,
    };
    const WINDOW: u64 = 16 << 20;

    #[test]
    fn slow_link_gets_small_chunks_and_fast_link_the_biggest() {
        assert_eq!(chunk_bytes(Some(1_000), WINDOW, &LIMITS), 16 << 10);
        assert_eq!(chunk_bytes(Some(1_000_000), WINDOW, &LIMITS), 250_000);
        assert_eq!(chunk_bytes(Some(1_000_000_000), WINDOW, &LIMITS), 4 << 20);
    }

    #[test]
    fn two_chunks_fit_into_the_window() {
        assert_eq!(chunk_bytes(Some(1_000_000_000), 1 << 20, &LIMITS), 512 << 10);
    }

    #[test]
    fn window_smaller_than_two_least_chunks_does_not_lead_below_the_least() {
        assert_eq!(chunk_bytes(None, 20 << 10, &LIMITS), 16 << 10);
    }
}
