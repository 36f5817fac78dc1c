//! A Rust toolchain for the page's program.
//!
//! `web/bundle` chooses between the same two toolchains at build time, by the same two checks.

use std::{path::Path, process::Command};

use crate::command::{find, output, status};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's Rust for wasm: std's sources, which are compiled with the program, come with it. Its
/// `rust-lld` is a link to `lld-22`.
pub(super) const DEBIAN_PACKAGES: [&str; 5] =
    ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"];

/// Whether one of the two toolchains is installed completely.
pub(super) fn is_there() -> bool {
    is_in_toolchain() || is_from_debian()
}

/// Whether the active toolchain has the target's std.
pub(crate) fn is_in_toolchain() -> bool {
    let mut ask = Command::new("rustc");
    ask.args(["--print", "target-libdir", "--target", TARGET]);
    output(&mut ask).is_some_and(|folder| super::has_entries(Path::new(folder.trim())))
}

/// Adds the target with rustup; false where there is no rustup or it cannot download the target.
pub(super) fn add_with_rustup() -> bool {
    if find("rustup").is_none() {
        return false;
    }
    let mut add = Command::new("rustup");
    add.args(["target", "add", TARGET]);
    let added = status(&mut add).is_ok_and(|status| status.success());
    if !added {
        eprintln!("rustup cannot add {TARGET}; Debian's packages have it too");
    }
    added && is_in_toolchain()
}

fn is_from_debian() -> bool {
    [
        "/usr/bin/cargo",
        "/usr/bin/rustc",
        "/usr/bin/rust-lld",
        "/usr/lib/rustlib/src/rust/library/std/Cargo.toml",
    ]
    .iter()
    .all(|path| Path::new(path).exists())
}
