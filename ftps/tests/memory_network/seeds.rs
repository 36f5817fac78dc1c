//! Plays many seeds, and reports those that fail.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::runtime::Runtime;

/// The seeds to play.
pub(crate) struct Seeds {
    first: u64,
    count: u64,
    threads: u64,
}

impl Seeds {
    /// As the environment variables `<prefix>_FIRST`, `<prefix>_<plural>` and `<prefix>_THREADS`
    /// say; else `count` seeds from 0 on, on every core.
    pub(crate) fn from_environment(prefix: &str, plural: &str, count: u64) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let number = |name: &str| from_environment(&format!("{prefix}_{name}"));
        Self {
            first: number("FIRST").unwrap_or(0),
            count: number(plural).unwrap_or(count),
            threads: number("THREADS").unwrap_or(cores as u64),
        }
    }

    /// Plays every seed. `play` returns the claim that does not hold.
    pub(crate) fn assert_all(&self, play: impl Fn(u64) -> Option<String> + Sync) {
        let Self { first, count, threads } = *self;
        let next = AtomicU64::new(first);
        let failures = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + count {
                            return;
                        }
                        if let Some(failure) = play(seed) {
                            failures.lock().unwrap().push(format!("seed {seed}: {failure}"));
                        }
                    }
                });
            }
        });
        let failures = failures.into_inner().unwrap();
        assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    }
}

/// The number in an environment variable.
pub(crate) fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A runtime of one thread, whose clock moves on when every task waits.
pub(crate) fn paused_runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

/// The message of the panic in which `claims` ended, if it did.
pub(crate) fn failure_of(claims: impl FnOnce()) -> Option<String> {
    let panic = std::panic::catch_unwind(AssertUnwindSafe(claims)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap_or(&"a panic")).to_owned()))
}
