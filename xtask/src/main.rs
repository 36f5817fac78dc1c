//! Ferryport's development tasks: `cargo xtask setup`, `demo`, `test`, `screenshots`, `bench`,
//! `fuzz`, `dist`.
//!
//! Each command first installs what is missing, or says exactly what to install and stops. No other
//! file of the project installs anything. xtask depends on no other crate of the workspace, so that
//! it builds in seconds on a machine where the others cannot build yet.
//!
//! # Layers
//! - `command`: runs programs.
//! - `needs`: what a command needs on the machine, and how to get it: the wasm target, Debian's
//!   packages, the FTPS servers of the tests, the tools of cargo.
//! - `test`: the checks and tests, one section after the other, with a summary.
//! - `bench`: measures Ferryport beside other programs.
//! - `screenshots`: takes pictures of the page in all of its states.
//! - `fuzz`: runs the fuzz targets of the FTPS engine.
//! - `dist`: makes the files of a release.

mod bench;
mod command;
mod dist;
mod fuzz;
mod needs;
mod screenshots;
mod test;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};

use test::Extent;

const USAGE: &str = "\
cargo xtask setup                      install all that building, testing and measuring need
cargo xtask demo [ARGUMENT]            build Ferryport and start `ferryport demo`
cargo xtask test [--all] [SECTION]     run all checks and tests, or one section; --all: each
                                       combination of wide matrices, not a selection of them
cargo xtask screenshots [STATE]...     take pictures of the page's states, in target/screenshots/
cargo xtask bench [SUITE [ARGUMENT]]   list the suites, or measure with one
cargo xtask fuzz [TARGET] [SECONDS]    look for input that breaks the FTPS engine's parsers
cargo xtask dist [--debug]             make the files of a release, in target/dist/; --debug: of a debug
                                       build, to try how it is packaged";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<ExitCode> {
    match arguments {
        ["setup"] => {
            needs::get(&needs::Purpose::ALL)?;
            println!("Everything is installed.");
            Ok(ExitCode::SUCCESS)
        }
        ["demo", rest @ ..] => demo(rest),
        ["test", "--list"] => {
            test::list();
            Ok(ExitCode::SUCCESS)
        }
        ["test"] => test::run(None, Extent::Pairwise),
        ["test", "--all"] => test::run(None, Extent::All),
        ["test", "--all", section] => test::run(Some(section), Extent::All),
        ["test", section] => test::run(Some(section), Extent::Pairwise),
        ["screenshots", states @ ..] => screenshots::run(states),
        ["bench"] | ["bench", "--list"] => {
            bench::list();
            Ok(ExitCode::SUCCESS)
        }
        ["bench", suite, rest @ ..] => bench::run(suite, rest),
        ["fuzz", rest @ ..] => fuzz::fuzz(rest),
        ["dist"] => dist::run(dist::Profile::Distribution),
        ["dist", "--debug"] => dist::run(dist::Profile::Debug),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}\n\nSections of `cargo xtask test`:");
            test::list();
            println!("\nSuites of `cargo xtask bench`:");
            bench::list();
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("there is no task `{}`\n\n{USAGE}", arguments.join(" ")),
    }
}

/// Starts the demo from a debug build: it builds in a fraction of a release build's time, and
/// optimises the dependencies that move bytes too.
fn demo(arguments: &[&str]) -> Result<ExitCode> {
    needs::get(&[needs::Purpose::Build])?;
    let mut run = command::cargo();
    run.args(["run", "--locked", "--package", "ferryport", "--", "demo"]).args(arguments);
    command::exit_code(&mut run)
}

/// The root of the workspace.
fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
