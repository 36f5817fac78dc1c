//! Runs all checks and tests, one section after the other. A section that fails does not keep the
//! next one from running.

use std::{
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    command::{self, find, output},
    needs::{self, DENY, MACHETE, Purpose},
};

/// How much of the tests runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Of wide matrices a selection in which each pair of values meets.
    Pairwise,
    /// Wide matrices whole.
    All,
}

/// The environment variable that has tests cover their matrices whole; `tests/src/extent.rs` reads
/// it.
const ALL_VARIABLE: &str = "FERRYPORT_TEST_ALL";

/// One part of `cargo xtask test`.
struct Section {
    name: &'static str,
    /// What is true when the section succeeds.
    claim: &'static str,
    /// What it needs on the machine.
    needs: &'static [Purpose],
    /// From which extent on it runs if no section is named.
    from: Extent,
    run: fn(Extent) -> Result<Outcome>,
}

/// How a section ended.
enum Outcome {
    Green,
    Red(String),
    /// This machine lacks what the section needs, for the reason given.
    NotRun(String),
}

const SECTIONS: [Section; 11] = [
    Section {
        name: "format",
        claim: "the sources are formatted",
        needs: &[],
        from: Extent::Pairwise,
        run: |_| cargo(&["fmt", "--all", "--check"]),
    },
    Section {
        name: "lint",
        claim: "clippy finds nothing in any target of the workspace",
        needs: &[Purpose::Build],
        from: Extent::Pairwise,
        run: |_| {
            cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny=warnings"])
        },
    },
    Section {
        name: "lint-portal",
        claim: "clippy finds nothing in the portal without the demo",
        needs: &[Purpose::Build],
        from: Extent::Pairwise,
        run: |_| {
            cargo(&[
                "clippy",
                "--package=ferryport",
                "--no-default-features",
                "--all-targets",
                "--locked",
                "--",
                "--deny=warnings",
            ])
        },
    },
    Section {
        name: "lint-engine",
        claim: "clippy finds nothing in the engine for a caller with other cryptography",
        needs: &[Purpose::Build],
        from: Extent::Pairwise,
        run: |_| {
            cargo(&[
                "clippy",
                "--package=ferryport-ftps",
                "--no-default-features",
                "--locked",
                "--",
                "--deny=warnings",
            ])
        },
    },
    Section {
        name: "lint-wasm",
        claim: "clippy finds nothing in the page's programs as the browser gets them",
        needs: &[Purpose::Build],
        from: Extent::Pairwise,
        run: |_| lint_wasm(),
    },
    Section {
        name: "docs",
        claim: "rustdoc warns of nothing",
        needs: &[Purpose::Build],
        from: Extent::Pairwise,
        run: |_| docs(),
    },
    Section {
        name: "dependencies",
        claim: "licences, bans and sources are as deny.toml has them, and no dependency is unused",
        needs: &[Purpose::Dependencies],
        from: Extent::Pairwise,
        run: |_| dependencies(),
    },
    Section {
        name: "advisories",
        claim: "RustSec's database lists no advisory on a dependency",
        needs: &[Purpose::Dependencies],
        from: Extent::Pairwise,
        run: |_| advisories(),
    },
    Section {
        name: "msrv",
        claim: "the portal builds with the oldest Rust that Cargo.toml names",
        needs: &[Purpose::Build],
        from: Extent::Pairwise,
        run: |_| oldest_rust(),
    },
    Section {
        name: "tests",
        claim: "unit tests, and end-to-end tests against real servers and in real browsers",
        needs: &[Purpose::Build, Purpose::Test],
        from: Extent::Pairwise,
        run: tests,
    },
    Section {
        name: "package",
        claim: "Debian's package installs in a clean Debian 12, works, and leaves nothing behind",
        needs: &[Purpose::Build, Purpose::Package],
        // Its tool takes minutes to build.
        from: Extent::All,
        run: |_| package(),
    },
];

/// Prints the sections.
pub(crate) fn list() {
    for section in &SECTIONS {
        println!("  {:<12} {}", section.name, section.claim);
    }
}

/// Runs all sections, or the named one.
pub(crate) fn run(only: Option<&str>, extent: Extent) -> Result<ExitCode> {
    let is_chosen = |section: &&Section| match only {
        Some(name) => section.name == name,
        None => section.from == Extent::Pairwise || extent == Extent::All,
    };
    let chosen: Vec<&Section> = SECTIONS.iter().filter(is_chosen).collect();
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
    // Before anything runs, so that a section which cannot run does not look like a success.
    let wanted: Vec<_> = chosen.iter().flat_map(|section| section.needs).copied().collect();
    needs::get(&wanted)?;
    let mut summary = vec![("setup", start.elapsed(), Outcome::Green)];

    for section in chosen {
        header(section.name);
        let start = Instant::now();
        let outcome =
            (section.run)(extent).unwrap_or_else(|error| Outcome::Red(format!("{error:#}")));
        summary.push((section.name, start.elapsed(), outcome));
    }
    Ok(report(&summary))
}

fn lint_wasm() -> Result<Outcome> {
    if !needs::wasm_is_in_toolchain() {
        let reason =
            "Debian's toolchain for wasm32 has no clippy; its warnings at build time still count";
        return Ok(Outcome::NotRun(reason.to_owned()));
    }
    cargo(&[
        "clippy",
        "--package=ferryport-web",
        "--package=ferryport-digest",
        "--lib",
        "--target=wasm32-unknown-unknown",
        "--locked",
        "--",
        "--deny=warnings",
    ])
}

fn docs() -> Result<Outcome> {
    let mut doc = command::cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--locked"]);
    judge(doc.env("RUSTDOCFLAGS", "--deny=warnings"))
}

fn dependencies() -> Result<Outcome> {
    let checks = ["check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    let denied = judge(DENY.command().arg("--locked").args(checks))?;
    match denied {
        Outcome::Green => judge(&mut MACHETE.command()),
        Outcome::Red(_) | Outcome::NotRun(_) => Ok(denied),
    }
}

fn advisories() -> Result<Outcome> {
    // Two steps, so that a database which cannot be downloaded is told from an advisory.
    let fetched = command::status(DENY.command().args(["fetch", "db"]))?;
    if !fetched.success() {
        let reason = "RustSec's database on github.com cannot be downloaded from here";
        return Ok(Outcome::NotRun(reason.to_owned()));
    }
    judge(DENY.command().args(["--offline", "check", "advisories"]))
}

/// Checks the portal with the toolchain of `rust-version`, where rustup has it.
fn oldest_rust() -> Result<Outcome> {
    let version = rust_version()?;
    let installed = output(Command::new("rustup").args(["toolchain", "list"])).unwrap_or_default();
    let toolchain =
        installed.lines().filter_map(|line| line.split_whitespace().next()).find(|name| {
            name.starts_with(&format!("{version}.")) || name.starts_with(&format!("{version}-"))
        });
    let Some(toolchain) = toolchain.filter(|_| find("rustup").is_some()) else {
        return Ok(Outcome::NotRun(format!(
            "Rust {version} is missing: `rustup toolchain install {version}` gets it"
        )));
    };
    let mut check = Command::new("rustup");
    check
        .args(["run", toolchain, "cargo", "check", "--package=ferryport", "--locked"])
        .current_dir(crate::workspace());
    judge(check.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN"))
}

/// The value of `rust-version` in the workspace's manifest.
fn rust_version() -> Result<String> {
    let manifest = std::fs::read_to_string(crate::workspace().join("Cargo.toml"))?;
    let value = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let value = value.context("Cargo.toml has no rust-version")?;
    Ok(value.trim_matches('"').to_owned())
}

fn tests(extent: Extent) -> Result<Outcome> {
    let mut tests = command::cargo();
    tests.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    match extent {
        Extent::Pairwise => {}
        Extent::All => {
            // Those of Debian's package run in their own section.
            let all = [
                "--",
                "--include-ignored",
                "--skip",
                "package_installs",
                "--skip",
                "package_keeps",
            ];
            tests.args(all).env(ALL_VARIABLE, "1");
        }
    }
    judge(&mut tests)
}

fn package() -> Result<Outcome> {
    if !needs::is_root() {
        return Ok(Outcome::NotRun("installing in another root directory needs root".to_owned()));
    }
    if !needs::debian_root::get()? {
        return Ok(Outcome::NotRun("Debian's mirror cannot be reached".to_owned()));
    }
    // The whole workspace, so that cargo builds nothing that the tests have not built already.
    let tests = ["test", "--workspace", "--locked", "--test", "package"];
    judge(command::cargo().args(tests).args(["--", "--include-ignored"]))
}

fn cargo(arguments: &[&str]) -> Result<Outcome> {
    judge(command::cargo().args(arguments))
}

/// Runs a command; its success is the section's.
fn judge(command: &mut Command) -> Result<Outcome> {
    let status = command::status(command)?;
    Ok(match status.success() {
        true => Outcome::Green,
        false => Outcome::Red(format!("{}: {status}", command::line(command))),
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
            Outcome::NotRun(why) => format!("not run: {why}"),
            Outcome::Red(why) => {
                code = ExitCode::FAILURE;
                format!("FAILED: {why}")
            }
        };
        eprintln!("{name:<12} {:>7.1} s  {verdict}", duration.as_secs_f64());
    }
    code
}
