//! Runs the fuzz targets of the FTPS engine, one after the other.
//!
//! libFuzzer needs nightly Rust and cargo-fuzz. `needs` installs neither: the same oracles run in
//! `cargo xtask test` with random inputs.

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    command::{find, output, run},
    workspace,
};

/// How long a target runs by default, in seconds.
const SECONDS: &str = "300";

/// The longest input in bytes. Replies and lines of listings are shorter, and longer inputs would
/// slow the search down.
const MAX_INPUT: u32 = 1024;

/// Runs one target or all of them, each for the given number of seconds.
pub(crate) fn fuzz(arguments: &[&str]) -> Result<ExitCode> {
    let (target, seconds) = match arguments {
        [] => (None, SECONDS),
        [one] if is_number(one) => (None, *one),
        [target] => (Some(*target), SECONDS),
        [target, seconds] if is_number(seconds) => (Some(*target), *seconds),
        _ => bail!("the arguments are [TARGET] [SECONDS]"),
    };
    let all = targets()?;
    let chosen = match target {
        None => all,
        Some(name) if all.iter().any(|target| target == name) => vec![name.to_owned()],
        Some(name) => bail!("there is no target `{name}`; there are: {}", all.join(", ")),
    };
    must_have_tools()?;
    for target in chosen {
        let limits = [format!("-max_total_time={seconds}"), format!("-max_len={MAX_INPUT}")];
        run(nightly_cargo().args(["fuzz", "run", &target, "--"]).args(limits))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn is_number(text: &str) -> bool {
    text.parse::<u32>().is_ok()
}

/// The targets, by the names of their files.
fn targets() -> Result<Vec<String>> {
    let folder = engine().join("fuzz/fuzz_targets");
    let files =
        folder.read_dir().with_context(|| format!("{} cannot be read", folder.display()))?;
    let stems = files.flatten().filter_map(|file| {
        let path = file.path();
        path.file_stem().map(|stem| stem.to_string_lossy().into_owned())
    });
    let mut targets: Vec<String> = stems.collect();
    targets.sort();
    Ok(targets)
}

fn must_have_tools() -> Result<()> {
    if find("rustup").is_none() {
        bail!("rustup is missing, and with it nightly Rust: install it, then try again");
    }
    if output(nightly_cargo().arg("--version")).is_none() {
        bail!("nightly Rust is missing: type `rustup toolchain install nightly`, then try again");
    }
    if output(nightly_cargo().args(["fuzz", "--version"])).is_none() {
        bail!("cargo-fuzz is missing: type `cargo install cargo-fuzz`, then try again");
    }
    Ok(())
}

fn engine() -> PathBuf {
    workspace().join("ftps")
}

/// The nightly toolchain's cargo, without the variables of the toolchain that runs this.
fn nightly_cargo() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]).current_dir(engine());
    command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
    command
}
