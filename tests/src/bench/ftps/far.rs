//! The servers behind a link of 50 ms.

use std::{process::Command, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use ferryport_tests::{
    delayed_link::DelayedLink,
    servers::{Kind, Options, Server},
};

use super::Bench;
use crate::measure::median;

/// From Europe to the east of America and back, about.
pub(super) const ROUND_TRIP: Duration = Duration::from_millis(50);

/// How far the link may be off, in milliseconds.
const TOLERANCE_MS: f64 = 1.0;

/// How often it is looked again, when something else keeps the machine busy.
const LOOKS: usize = 3;

/// Creates the link, checks its delay, and returns the delay that `ping` measures.
pub(super) fn lay_link() -> Result<(DelayedLink, String)> {
    let link = DelayedLink::start(ROUND_TRIP);
    let mut found = String::new();
    for _ in 0..LOOKS {
        let times = ping(&link)?;
        let middle = median(times.iter().copied()).unwrap_or_default();
        let least = times.iter().copied().fold(f64::INFINITY, f64::min);
        let most = times.iter().copied().fold(0.0, f64::max);
        found = format!("link: a round trip of {middle:.1} ms by ping ({least:.1} to {most:.1})");
        eprintln!("{found}");
        if (middle - ROUND_TRIP.as_secs_f64() * 1000.0).abs() <= TOLERANCE_MS {
            return Ok((link, found));
        }
    }
    bail!("{found}: this machine is too busy for it")
}

pub(super) fn start(kind: Kind, bench: &Bench) -> Server {
    Server::start(kind, Options { place: bench.link.place(), ..Options::default() })
}

/// Some round trips, in milliseconds.
fn ping(link: &DelayedLink) -> Result<Vec<f64>> {
    let mut ping = Command::new("ping");
    ping.args(["-c", "20", "-i", "0.1", &link.far().to_string()]);
    let output = ping.output().context("`ping` cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // 64 bytes from 198.18.0.2: icmp_seq=1 ttl=64 time=50.3 ms
    let time = |line: &str| line.split("time=").nth(1)?.split(' ').next()?.parse().ok();
    let times: Vec<f64> = text.lines().filter_map(time).collect();
    ensure!(!times.is_empty(), "ping found no round trip: {text}");
    Ok(times)
}
