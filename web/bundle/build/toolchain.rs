//! Chooses the toolchain for wasm32: the one that runs this build, or Debian's with the sources of
//! the standard library.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// The target of the page's modules.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LINKER: &str = "/usr/bin/rust-lld";

/// A toolchain that can build for wasm32.
pub(crate) enum Toolchain {
    /// The toolchain has a compiled standard library for the target.
    Ready { cargo: PathBuf, rustc: PathBuf },
    /// The toolchain has the sources of the standard library, and builds it with the modules.
    BuildsStd { cargo: PathBuf, rustc: PathBuf, sources: PathBuf },
}

/// Returns the toolchain that runs this build if it has the target, else Debian's.
///
/// # Errors
/// When there is neither; the message says how to install one.
pub(crate) fn choose() -> Result<Toolchain> {
    let cargo = PathBuf::from(env::var_os("CARGO").context("cargo did not set CARGO")?);
    let rustc = PathBuf::from(env::var_os("RUSTC").context("cargo did not set RUSTC")?);
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
        "the page's program needs a Rust toolchain for {TARGET}, and none is installed.\n\
         Run `cargo xtask setup`, or install one by hand with one of:\n\
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

/// Returns the sources of the standard library from the package rust-web-src, or `None` when a part
/// of the toolchain is missing.
fn debian_sources() -> Option<PathBuf> {
    let tools = [DEBIAN_CARGO, DEBIAN_RUSTC, DEBIAN_LINKER];
    let sources = Path::new("/usr/lib/rustlib/src/rust").canonicalize().ok()?;
    let complete = tools.iter().all(|tool| Path::new(tool).exists())
        && sources.join("library/std/Cargo.toml").is_file();
    complete.then_some(sources)
}
