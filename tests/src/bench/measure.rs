//! What one run cost, and the median of several.

use std::time::{Duration, Instant};

use anyhow::Result;
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};

/// What one run cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// From the start of the client to its end, in seconds.
    pub(crate) seconds: f64,
    /// What the client's processor time was, user and system, in seconds; the server's is not in
    /// it.
    pub(crate) cpu_seconds: f64,
}

/// Whose processor time counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// The engine runs in this process.
    Us,
    /// A program that is started and waited for.
    Child,
}

/// Does the work and measures it.
pub(crate) fn measured(who: Who, work: impl FnOnce() -> Result<()>) -> Result<Cost> {
    let cpu_before = cpu_time(who)?;
    let start = Instant::now();
    work()?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu_seconds = cpu_time(who)?.saturating_sub(cpu_before).as_secs_f64();
    Ok(Cost { seconds, cpu_seconds })
}

fn cpu_time(who: Who) -> Result<Duration> {
    let usage = getrusage(match who {
        Who::Us => UsageWho::RUSAGE_SELF,
        // Of those that were waited for: the servers still run and are not among them.
        Who::Child => UsageWho::RUSAGE_CHILDREN,
    })?;
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
    let micros = u64::try_from(time.tv_usec()).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

/// The processor's cores that this may run on.
pub(crate) fn cores() -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores).map_or(f64::INFINITY, f64::from)
}

/// The middle one, or the mean of the two in the middle; nothing of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let lower = values.len().checked_sub(1)? / 2;
    Some((values.get(lower)? + values.get(upper)?) / 2.0)
}
