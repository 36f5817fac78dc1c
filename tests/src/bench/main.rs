//! Ferryport measured beside other programs, on one machine, in one run.
//!
//! `cargo xtask bench` installs what this needs, builds it in the release profile and starts it.
//! Figures of two machines or two days say little beside each other; those of one run do, so each
//! table begins with a ratio. The contestants take turns, and a figure is the median of the runs.
//!
//! # Layers
//! - `ftps`: the suite of the FTPS engine, one module a table.
//! - `portal`: the suite of the portal, one module a table.
//! - `engine`, `native`, `peers`: the contestants. All that is known of the engine's API is in
//!   `engine`, and all that is known of the portal's protocol in `native`.
//! - `contest`: contestants that take turns.
//! - `workload`: the files that are uploaded, and the servers that they go to.
//! - `measure`: what one run cost, and the median of several.
//! - `watch`: what other processes cost meanwhile.
//! - `report`: Markdown, printed and written to `docs/benchmarks.md`.

mod contest;
mod engine;
mod ftps;
mod measure;
mod native;
mod peers;
mod portal;
mod report;
mod watch;
mod workload;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measures Ferryport beside other programs.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Arguments {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Subcommand)]
enum Suite {
    /// The FTPS engine beside curl and lftp, on real servers.
    Ftps(ftps::Arguments),
    /// The portal beside the programs that it replaces, with a native client and in Chromium.
    Portal(portal::Arguments),
}

fn main() -> Result<()> {
    match Arguments::parse().suite {
        Suite::Ftps(arguments) => ftps::run(&arguments),
        Suite::Portal(arguments) => portal::run(&arguments),
    }
}
