//! Builds the page's program to wasm and embeds it with the page's other assets.
//!
//! In this order: choose a toolchain that can build for wasm32 ([`toolchain`]), build `web/` and
//! `web/digest/` with a cargo of its own ([`program`]), let wasm-bindgen write the glue, then hash,
//! compress and tabulate every asset ([`assets`]). Everything that goes in is named to cargo, so that a stale
//! program cannot be embedded and an unchanged one costs nothing.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

mod assets;
mod icons;
mod program;
mod toolchain;

fn main() {
    if let Err(error) = run() {
        for line in format!("{error:#}").lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../..");
    let workspace = workspace.canonicalize().context("the workspace's root")?;
    let out = PathBuf::from(variable("OUT_DIR")?);

    // Cargo.toml and Cargo.lock: the profile and the versions of what the program is built from.
    for input in [
        "Cargo.lock",
        "Cargo.toml",
        "protocol/Cargo.toml",
        "protocol/src",
        "web/Cargo.toml",
        "web/bundle/build",
        "web/digest/Cargo.toml",
        "web/digest/src",
        "web/src",
        "web/static",
    ] {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }

    let toolchain = toolchain::choose()?;
    let built = program::build(&toolchain, &workspace, &out)?;
    let page = program::bind(&built.page, "app")?;
    let digest = program::bind(&built.digest, "digest")?;
    assets::embed(&page, &digest, &workspace.join("web/static"), &out)
}

fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("cargo sets {name} for build scripts"))
}
