//! Measures Ferryport beside other programs.
//!
//! The bench itself is a program of `tests/`, which knows the engine and the portal. This module
//! installs what it needs and runs it, in the release profile.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::{command, needs};

/// One part of `cargo xtask bench`.
struct Suite {
    name: &'static str,
    /// What it measures.
    subject: &'static str,
}

const SUITES: [Suite; 2] = [
    Suite { name: "ftps", subject: "the FTPS engine beside curl and lftp, on real servers" },
    Suite { name: "portal", subject: "the portal beside curl, lftp, rclone and XHR in Chromium" },
];

/// The release profile.
const BUILD: [&str; 4] = ["--release", "--locked", "--package", "ferryport-tests"];

/// Prints the suites.
pub(crate) fn list() {
    for suite in &SUITES {
        println!("  {:<10} {}", suite.name, suite.subject);
    }
}

/// Runs the named suite with its arguments.
pub(crate) fn run(suite: &str, arguments: &[&str]) -> Result<ExitCode> {
    if !SUITES.iter().any(|known| known.name == suite) {
        let names: Vec<_> = SUITES.iter().map(|known| known.name).collect();
        bail!("there is no suite `{suite}`; there are: {}", names.join(", "));
    }
    needs::get(&[needs::Purpose::Build, needs::Purpose::Bench])?;
    // The bench runs the portal, so both are built.
    command::run(command::cargo().arg("build").args(BUILD).arg("--bins"))?;
    let mut bench = command::cargo();
    bench.arg("run").args(BUILD).args(["--bin", "bench", "--", suite]).args(arguments);
    command::exit_code(&mut bench)
}
