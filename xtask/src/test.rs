//! All checks and tests, one section after the other; a section that fails does not hide the next.

use std::{
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{command, needs};

/// One part of `cargo xtask test`.
struct Section {
    name: &'static str,
    /// What holds when it is green.
    claim: &'static str,
    /// What it needs on the machine.
    needs: &'static [needs::Purpose],
    run: fn() -> Result<Outcome>,
}

/// How a section ended.
enum Outcome {
    Green,
    Red(String),
    /// The tools of this machine cannot do it, and what they cannot do is said.
    Impossible(&'static str),
}

const SECTIONS: [Section; 4] = [
    Section {
        name: "format",
        claim: "the sources are formatted",
        needs: &[],
        run: || cargo(&["fmt", "--all", "--check"]),
    },
    Section {
        name: "lint",
        claim: "clippy has nothing to say",
        needs: &[needs::Purpose::Build],
        run: || {
            cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny=warnings"])
        },
    },
    Section {
        name: "lint-wasm",
        claim: "clippy has nothing to say about the page's program as the browser gets it",
        needs: &[needs::Purpose::Build],
        run: lint_wasm,
    },
    Section {
        name: "tests",
        claim: "units, and everything end to end against real servers and a real browser",
        needs: &[needs::Purpose::Build, needs::Purpose::Test],
        run: || cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]),
    },
];

/// Prints the sections.
pub(crate) fn list() {
    for section in &SECTIONS {
        println!("  {:<10} {}", section.name, section.claim);
    }
}

/// Runs all sections, or the one that is named.
pub(crate) fn run(only: Option<&str>) -> Result<ExitCode> {
    let chosen: Vec<&Section> =
        SECTIONS.iter().filter(|section| only.is_none_or(|name| name == section.name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
        bail!(
            "there is no section `{}`; there are: {}",
            only.unwrap_or_default(),
            names.join(", ")
        );
    }

    header("setup");
    let start = Instant::now();
    // Before anything runs: what cannot run must not look green.
    let wanted: Vec<_> = chosen.iter().flat_map(|section| section.needs).copied().collect();
    needs::get(&wanted)?;
    let mut summary = vec![("setup", start.elapsed(), Outcome::Green)];

    for section in chosen {
        header(section.name);
        let start = Instant::now();
        let outcome = (section.run)().unwrap_or_else(|error| Outcome::Red(format!("{error:#}")));
        summary.push((section.name, start.elapsed(), outcome));
    }
    Ok(report(&summary))
}

fn lint_wasm() -> Result<Outcome> {
    if !needs::wasm_is_in_toolchain() {
        return Ok(Outcome::Impossible(
            "Debian's toolchain for wasm32 has no clippy; its warnings at build time still count",
        ));
    }
    cargo(&[
        "clippy",
        "--package=ferryport-web",
        "--lib",
        "--target=wasm32-unknown-unknown",
        "--locked",
        "--",
        "--deny=warnings",
    ])
}

fn cargo(arguments: &[&str]) -> Result<Outcome> {
    let mut command: Command = command::cargo();
    command.args(arguments);
    let status = command::status(&mut command)?;
    Ok(match status.success() {
        true => Outcome::Green,
        false => Outcome::Red(format!("cargo {}: {status}", arguments[0])),
    })
}

fn header(name: &str) {
    eprintln!("\n==== {name} {}", "=".repeat(72 - name.len()));
}

fn report(summary: &[(&str, Duration, Outcome)]) -> ExitCode {
    header("summary");
    let mut code = ExitCode::SUCCESS;
    for (name, duration, outcome) in summary {
        let verdict = match outcome {
            Outcome::Green => "ok".to_owned(),
            Outcome::Impossible(why) => format!("not run: {why}"),
            Outcome::Red(why) => {
                code = ExitCode::FAILURE;
                format!("FAILED: {why}")
            }
        };
        eprintln!("{name:<10} {:>7.1} s  {verdict}", duration.as_secs_f64());
    }
    code
}
