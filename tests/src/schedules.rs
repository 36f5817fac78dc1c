//! Random schedules of faults, each from its number alone.

use std::env;

use tokio::task::JoinSet;

/// Schedules for each of the three servers: 201 altogether.
const SCHEDULES: u64 = 67;

/// Schedules that run in parallel.
const AT_ONCE: u64 = 4;

/// Runs all schedules, or the one that the variable `FAULT_SEED` names. `play` runs those of the
/// numbers that it is given, one after the other.
///
/// # Panics
/// When a schedule does.
pub async fn run<F: Future<Output = ()> + Send + 'static>(play: impl Fn(Vec<u64>) -> F) {
    let only = env::var("FAULT_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let mut tasks = JoinSet::new();
    for first in 0..AT_ONCE {
        let seeds = (first..SCHEDULES).filter(|seed| seed % AT_ONCE == first);
        tasks.spawn(play(seeds.filter(|seed| only.is_none_or(|only| only == *seed)).collect()));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}
