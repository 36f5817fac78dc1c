//! The suite of the FTPS engine: one module a table.
//!
//! # Layers
//! - `one_file`, `many_files`, `far_files`, `first_byte`: the tables.
//! - `far`: the servers behind a link of 50 ms.

mod far;
mod far_files;
mod first_byte;
mod many_files;
mod one_file;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use ferryport_tests::{delayed_link::DelayedLink, servers::Kind};
use tokio::runtime::Runtime;

use crate::{
    report::{self, Conditions, Table},
    workload,
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Runs of each contestant on the loopback address; the figure is their median.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// The same over the link of 50 ms, whose length leaves less to chance.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    far_runs: u32,
    /// Only this table, which is printed and not written to docs/benchmarks.md.
    #[arg(long)]
    only: Option<Subject>,
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Subject {
    OneFile,
    ManyFiles,
    FarFiles,
    FirstByte,
}

/// What every table is measured with.
struct Bench {
    /// The engine's.
    runtime: Runtime,
    runs: u32,
    far_runs: u32,
    link: DelayedLink,
}

/// Measures all tables, prints them, and writes them down.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let load = report::load();
    let place = workload::settle()?;
    let (link, round_trip) = far::lay_link()?;
    let Arguments { runs, far_runs, only } = *arguments;
    let bench = Bench { runtime: Runtime::new()?, runs, far_runs, link };
    let wanted = |subject: &&Subject| only.is_none_or(|only| only == **subject);
    let mut tables = Vec::new();
    for subject in Subject::value_variants().iter().filter(wanted) {
        tables.push(bench.measure(*subject).with_context(|| format!("{subject:?}"))?);
    }

    let remarks = vec![
        format!("sources and servers' folders in {place}"),
        format!("median of {runs} runs on loopback, of {far_runs} over the link"),
        round_trip,
    ];
    let programs = vec![report::version("curl", 0), report::version("lftp", 2)];
    let conditions = Conditions { command: arguments.command(), programs, remarks, load };
    let section = report::section(&conditions, &tables);
    println!("{section}");
    if only.is_none() {
        eprintln!("written to {}", report::write("ftps", &section)?.display());
    }
    Ok(())
}

impl Bench {
    fn measure(&self, subject: Subject) -> Result<Table> {
        match subject {
            Subject::OneFile => one_file::measure(self),
            Subject::ManyFiles => many_files::measure(self),
            Subject::FarFiles => far_files::measure(self),
            Subject::FirstByte => first_byte::measure(self),
        }
    }
}

impl Arguments {
    fn command(&self) -> String {
        format!("cargo xtask bench ftps --runs {} --far-runs {}", self.runs, self.far_runs)
    }
}

/// The servers that people have.
const SERVERS: [Kind; 3] = Kind::ALL;
