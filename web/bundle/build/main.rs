//! Builds the page's wasm modules and embeds them with the page's other assets.
//!
//! The steps: choose a toolchain that can build for wasm32 ([`toolchain`]); build `web/` and
//! `web/digest/` with a separate cargo process and let wasm-bindgen write the glue ([`program`]);
//! remove comments and white space ([`compact`]); hash and compress every asset and write a table of them
//! as Rust source ([`assets`]). Cargo gets
//! all inputs by `rerun-if-changed`: it reruns this script when one has changed, and only then.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

mod assets;
mod compact;
mod icons;
mod manifest;
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
    let workspace = workspace.canonicalize().context("cannot find the root of the workspace")?;
    let out = PathBuf::from(variable("OUT_DIR")?);

    // Cargo.toml and Cargo.lock hold the build profile and the versions of the dependencies.
    for input in [
        "Cargo.lock",
        "Cargo.toml",
        "mask/Cargo.toml",
        "mask/src",
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
    env::var(name).with_context(|| format!("cargo did not set {name} for the build script"))
}
