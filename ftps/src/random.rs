//! Random bytes: for temporary names, and for the jitter of retries. TLS has its own.

use std::{fmt, io};

/// Gives random bytes. [`SystemRandom`] is the one for real uploads; a test that repeats a run
/// passes one with a seed.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills `bytes` with random ones.
    ///
    /// # Errors
    /// When there are none.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()>;
}

/// The random bytes of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
    }
}
