//! Pictures of the page in all of its states.
//!
//! They are taken by a program of `tests/`, which knows how the page comes into each state; here is
//! only what it needs on the machine. A debug build shows the same page, and is there sooner.

use std::process::ExitCode;

use anyhow::Result;

use crate::{command, needs};

const BUILD: [&str; 3] = ["--locked", "--package", "ferryport-tests"];

/// Takes pictures of the states that are named, or of all.
pub(crate) fn run(states: &[&str]) -> Result<ExitCode> {
    needs::get(&[needs::Purpose::Build, needs::Purpose::Pictures])?;
    // The portal beside the program that takes the pictures, which runs it.
    let bins = ["--bin", "portal-under-test", "--bin", "screenshots"];
    command::run(command::cargo().arg("build").args(BUILD).args(bins))?;
    let mut pictures = command::cargo();
    pictures.arg("run").args(BUILD).args(["--bin", "screenshots", "--"]).args(states);
    command::exit_code(&mut pictures)
}
