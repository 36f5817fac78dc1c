//! Takes pictures of the page in all of its states.
//!
//! A program of `tests/` takes them, which knows how the page gets into each state. This module
//! installs what it needs and runs it, in the debug profile: it shows the same page and builds
//! faster.

use std::process::ExitCode;

use anyhow::Result;

use crate::{command, needs};

const BUILD: [&str; 3] = ["--locked", "--package", "ferryport-tests"];

/// Takes pictures of the named states, or of all.
pub(crate) fn run(states: &[&str]) -> Result<ExitCode> {
    needs::get(&[needs::Purpose::Build, needs::Purpose::Pictures])?;
    // The program runs the portal, so both are built.
    let bins = ["--bin", "portal-under-test", "--bin", "screenshots"];
    command::run(command::cargo().arg("build").args(BUILD).args(bins))?;
    let mut pictures = command::cargo();
    pictures.arg("run").args(BUILD).args(["--bin", "screenshots", "--"]).args(states);
    command::exit_code(&mut pictures)
}
