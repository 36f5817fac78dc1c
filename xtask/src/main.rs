//! Ferryport's chores: `cargo xtask setup`, `demo`, `test`, `screenshots`, `bench`, `fuzz`.
//!
//! What a fresh machine needs is in here and nowhere else. Each command first gets what is
//! missing, or says exactly what to install and stops. Nothing of Ferryport itself is linked in,
//! so that this builds in seconds where the rest cannot build yet.
//!
//! # Layers
//! - `needs`: what a command needs, and how to get it: the wasm target, Debian's packages, the
//!   FTPS servers of the tests.
//! - `test`: the checks and tests, one section after the other, with a summary.
//! - `bench`: Ferryport measured beside other programs.
//! - `screenshots`: pictures of the page in all of its states.
//! - `fuzz`: the fuzz targets of the FTPS engine.
//! - `command`: running programs.

mod bench;
mod command;
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

const USAGE: &str = "\
cargo xtask setup                      get all that building, testing and measuring need
cargo xtask demo [ARGUMENT]            build Ferryport and start `ferryport demo`
cargo xtask test [SECTION]             all checks and tests, or the one section that is named
cargo xtask screenshots [STATE]...     pictures of the page in each state, in target/screenshots/
cargo xtask bench [SUITE [ARGUMENT]]   the suites, or measure with the one that is named
cargo xtask fuzz [TARGET] [SECONDS]    look for input that the FTPS engine does not stand";

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
            println!("Everything is there.");
            Ok(ExitCode::SUCCESS)
        }
        ["demo", rest @ ..] => demo(rest),
        ["test"] => test::run(None),
        ["test", "--list"] => {
            test::list();
            Ok(ExitCode::SUCCESS)
        }
        ["test", section] => test::run(Some(section)),
        ["screenshots", states @ ..] => screenshots::run(states),
        ["bench"] | ["bench", "--list"] => {
            bench::list();
            Ok(ExitCode::SUCCESS)
        }
        ["bench", suite, rest @ ..] => bench::run(suite, rest),
        ["fuzz", rest @ ..] => fuzz::fuzz(rest),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}\n\nSections of `cargo xtask test`:");
            test::list();
            println!("\nSuites of `cargo xtask bench`:");
            bench::list();
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("this is not a chore: `{}`\n\n{USAGE}", arguments.join(" ")),
    }
}

/// Starts the demo from a debug build: it is ready in a fraction of a release build's time, and
/// the crates that move bytes are optimised in it too.
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
