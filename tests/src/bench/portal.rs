//! The suite of the portal: one module a table.
//!
//! # Layers
//! - `large_file`, `large_memory`, `browser`, `small_files`, `idle`, `together`: the tables.
//! - `figure`: a row of a table, with its aim and what bounds it.
//! - `user`: the actions of a user on the page.
//! - `sink`: a page that sends a file to a server that discards it.

mod browser;
mod figure;
mod idle;
mod large_file;
mod large_memory;
mod sink;
mod small_files;
mod together;
mod user;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use ferryport_tests::{
    browser::Browser,
    portal::{Options, Portal},
    servers::Server,
};
use tokio::runtime::Runtime;

use crate::{
    measure::{Who, measured},
    native,
    report::{self, Conditions, Table},
    watch::{Tree, Usages, watch},
    workload::{self, Files},
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Runs of each contestant; the figure is their median.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// The curve of the portal's memory over 10 GiB too: takes 10 GiB of memory for the server's
    /// file.
    #[arg(long)]
    large: bool,
    /// A flag of the portal beside its defaults, as `--portal-flag=--max-chunk=1MiB`; may be given
    /// several times.
    #[arg(long, allow_hyphen_values = true)]
    portal_flag: Vec<String>,
    /// Only this table, which is printed and not written to docs/benchmarks.md.
    #[arg(long)]
    only: Option<Subject>,
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Subject {
    LargeFile,
    LargeMemory,
    Chromium,
    Firefox,
    SmallFiles,
    Idle,
    Together,
}

/// What every table is measured with.
struct Bench {
    runs: u32,
    /// The portal's.
    program: String,
    portal_flags: Vec<String>,
    /// For the browser's protocol and the sink.
    runtime: Runtime,
}

/// The log level: log lines of a busy session would cost time.
const LOG: &str = "warn";

/// Measures all tables, prints them, and writes them down.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let load = report::load();
    let place = workload::settle()?;
    let bench = Bench {
        runs: arguments.runs,
        program: program()?,
        portal_flags: arguments.portal_flag.clone(),
        runtime: Runtime::new()?,
    };
    let mut tables = Vec::new();
    for subject in Subject::value_variants() {
        if arguments.wants(*subject) {
            tables.push(bench.measure(*subject).with_context(|| format!("{subject:?}"))?);
        }
    }

    let remarks = vec![
        format!("sources and servers' folders in {place}"),
        format!("median of {} runs", arguments.runs),
    ];
    let programs = vec![
        report::version("curl", 0),
        report::version("lftp", 2),
        report::version("rclone", 0),
        report::version("chromium", 0),
        report::version("firefox-esr", 1),
    ];
    let conditions = Conditions { command: arguments.command(), programs, remarks, load };
    let section = report::section(&conditions, &tables);
    println!("{section}");
    if arguments.only.is_none() {
        eprintln!("written to {}", report::write("portal", &section)?.display());
    }
    Ok(())
}

impl Bench {
    fn measure(&self, subject: Subject) -> Result<Table> {
        match subject {
            Subject::LargeFile => large_file::measure(self),
            Subject::LargeMemory => large_memory::measure(self),
            Subject::Chromium => browser::measure(self, Browser::Chromium),
            Subject::Firefox => browser::measure(self, Browser::Firefox),
            Subject::SmallFiles => small_files::measure(self),
            Subject::Idle => idle::measure(self),
            Subject::Together => together::measure(self),
        }
    }

    /// A portal that speaks HTTPS.
    fn portal_https(&self) -> Portal {
        Portal::start_https(&self.program, Options { log: LOG, ..Options::with(&self.flags()) })
    }

    /// A portal that speaks HTTP.
    fn portal_http(&self) -> Portal {
        Portal::start(&self.program, Options { log: LOG, ..Options::with(&self.flags()) })
    }

    fn flags(&self) -> Vec<&str> {
        self.portal_flags.iter().map(String::as_str).collect()
    }
}

impl Arguments {
    fn wants(&self, subject: Subject) -> bool {
        match self.only {
            Some(only) => only == subject,
            None => self.large || subject != Subject::LargeMemory,
        }
    }

    fn command(&self) -> String {
        let large = if self.large { " --large" } else { "" };
        let flags = self.portal_flag.iter().map(|flag| format!(" --portal-flag={flag}"));
        let flags: String = flags.collect();
        format!("cargo xtask bench portal --runs {}{large}{flags}", self.runs)
    }
}

fn tree(portal: &Portal) -> Tree {
    Tree { name: "portal", root: portal.id() }
}

/// Uploads files natively, and returns the usages of the portal, the server and the client.
fn native_upload(
    client: &Runtime,
    portal: &Portal,
    server: &Server,
    files: &Files,
    interval: Duration,
) -> Result<Usages> {
    let trees = [tree(portal), Tree { name: "server", root: server.id() }];
    let (cost, mut usages) = watch(&trees, interval, || {
        measured(Who::Us, || client.block_on(native::upload(portal, server, files)))
    })?;
    usages.add("client", cost.cpu_seconds);
    Ok(usages)
}

/// The portal that was built beside this program.
fn program() -> Result<String> {
    let here: PathBuf = std::env::current_exe()?;
    let program = here.with_file_name("portal-under-test");
    ensure!(program.exists(), "there is no {}: `cargo xtask bench` builds it", program.display());
    Ok(program.to_str().context("a path of plain text")?.to_owned())
}
