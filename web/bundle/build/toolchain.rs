//! Chooses who builds for wasm32: the toolchain at work, or Debian's with its library sources.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// What the program is compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LINKER: &str = "/usr/bin/rust-lld";

/// A toolchain that can build for wasm32.
pub(crate) enum Toolchain {
    /// It has the target's std at hand.
    Ready { cargo: PathBuf, rustc: PathBuf },
    /// It has the sources of std, and builds them with the program.
    BuildsStd { cargo: PathBuf, rustc: PathBuf, sources: PathBuf },
}

/// The toolchain that runs this build if it has the target, else Debian's.
pub(crate) fn choose() -> Result<Toolchain> {
    let cargo = PathBuf::from(env::var_os("CARGO").context("cargo sets CARGO")?);
    let rustc = PathBuf::from(env::var_os("RUSTC").context("cargo sets RUSTC")?);
    if has_target(&rustc) {
        return Ok(Toolchain::Ready { cargo, rustc });
    }
    if let Some(sources) = debian_sources() {
        return Ok(Toolchain::BuildsStd {
            cargo: DEBIAN_CARGO.into(),
            rustc: DEBIAN_RUSTC.into(),
            sources,
        });
    }
    bail!(
        "the page's program needs a Rust toolchain for {TARGET}, and there is none.\n\
         Run `cargo xtask setup`, or do by hand one of\n\
         rustup target add {TARGET}\n\
         apt-get install --no-install-recommends rustc-web cargo-web rust-web-src \
         rust-web-llvm lld-22"
    );
}

fn has_target(rustc: &Path) -> bool {
    let asked = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    match asked {
        Ok(output) if output.status.success() => {
            Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
        }
        Ok(_) | Err(_) => false,
    }
}

/// Where rust-web-src puts the sources of std; nothing when a part of the toolchain is missing.
fn debian_sources() -> Option<PathBuf> {
    let tools = [DEBIAN_CARGO, DEBIAN_RUSTC, DEBIAN_LINKER];
    let sources = Path::new("/usr/lib/rustlib/src/rust").canonicalize().ok()?;
    let complete = tools.iter().all(|tool| Path::new(tool).exists())
        && sources.join("library/std/Cargo.toml").is_file();
    complete.then_some(sources)
}
