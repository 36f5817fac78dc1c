//! Builds `web/` and `web/digest/` to wasm with a separate cargo process, and lets wasm-bindgen
//! write their glue.

use std::{
    collections::HashMap,
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::{Bindgen, Output};

use crate::toolchain::{TARGET, Toolchain};

/// A wasm module and its glue, ready to be served.
pub(crate) struct Program {
    /// The JavaScript module that loads the wasm and gives it access to the browser's interfaces.
    pub(crate) glue: String,
    pub(crate) wasm: Vec<u8>,
}

/// The paths of the wasm modules that cargo built.
pub(crate) struct Built {
    /// The page's program, from `web/`.
    pub(crate) page: PathBuf,
    /// The worker's digest module, from `web/digest/`.
    pub(crate) digest: PathBuf,
}

/// Builds `web/` and `web/digest/` for wasm32.
pub(crate) fn build(toolchain: &Toolchain, workspace: &Path, out: &Path) -> Result<Built> {
    let target_dir = target_dir(out);
    let mut cargo = command(toolchain);
    cargo
        .current_dir(workspace)
        .args(["build", "--locked", "--quiet", "--lib"])
        .args(["--package", "ferryport-web", "--package", "ferryport-digest"])
        .args(["--profile", "wasm", "--target", TARGET])
        .arg("--target-dir")
        .arg(&target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(toolchain, workspace).join("\x1f"));
    let output = cargo.output().context("cannot start the cargo that builds the page's program")?;
    if !output.status.success() {
        bail!(
            "the page's modules do not build for wasm32\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let made = |name: &str| {
        let wasm = target_dir.join(TARGET).join("wasm").join(name);
        if !wasm.is_file() {
            bail!("cargo built no {}", wasm.display());
        }
        Ok(wasm)
    };
    Ok(Built { page: made("web.wasm")?, digest: made("digest.wasm")? })
}

/// Lets wasm-bindgen write the glue of a module.
pub(crate) fn bind(wasm: &Path, name: &str) -> Result<Program> {
    let mut bound = Bindgen::new()
        .input_path(wasm)
        .out_name(name)
        .web(true)?
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .typescript(false)
        .generate_output()
        .with_context(|| format!("wasm-bindgen refuses {}", wasm.display()))?;
    let glue = shorten_names(&mut bound);
    Ok(Program { glue, wasm: bound.wasm_mut().emit_wasm() })
}

/// Gives the imports and exports of the module short names; returns the glue with the same names.
///
/// wasm-bindgen's names end in digests, which do not compress: in the page's program they took 5 of
/// 149 kB.
fn shorten_names(bound: &mut Output) -> String {
    let mut short = HashMap::new();
    let wasm = bound.wasm_mut();
    let imports = wasm.imports.iter_mut().map(|import| &mut import.name);
    let exports = wasm.exports.iter_mut().map(|export| &mut export.name);
    for name in imports.chain(exports).filter(|name| ends_in_digest(name)) {
        let shorter = format!("_{}", short.len());
        short.insert(std::mem::replace(name, shorter.clone()), shorter);
    }
    rename(bound.js(), &short)
}

/// Whether a name is of the form `__wbg_focus_0a8d513ea5d8338e`, which a number may follow.
fn ends_in_digest(name: &str) -> bool {
    let is_digest = |part: &str| {
        let digits = part.strip_prefix('h').unwrap_or(part);
        digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    name.rsplit('_').take(2).any(is_digest)
}

/// Returns the script with other identifiers. Only whole identifiers are replaced.
fn rename(script: &str, names: &HashMap<String, String>) -> String {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut renamed = String::with_capacity(script.len());
    let mut rest = script;
    while !rest.is_empty() {
        let (identifier, after) = rest.split_at(rest.find(|c| !is_inside(c)).unwrap_or(rest.len()));
        renamed.push_str(names.get(identifier).map_or(identifier, String::as_str));
        let (between, after) = after.split_at(after.find(is_inside).unwrap_or(after.len()));
        renamed.push_str(between);
        rest = after;
    }
    renamed
}

/// Returns a command for a cargo process that inherits nothing from the cargo that runs this build:
/// the outer cargo's variables and flags are those of another target.
fn command(toolchain: &Toolchain) -> Command {
    let (cargo, rustc) = match toolchain {
        Toolchain::Ready { cargo, rustc } | Toolchain::BuildsStd { cargo, rustc, .. } => {
            (cargo, rustc)
        }
    };
    let mut command = Command::new(cargo);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_outer_cargo) {
            command.env_remove(name);
        }
    }
    // Empty rather than unset: the user's cargo configuration may name a wrapper too.
    command.env("RUSTC_WRAPPER", "").env("RUSTC", rustc);
    // A stable compiler takes flags that begin with `-Z` only so.
    command.env("RUSTC_BOOTSTRAP", "1");
    if let Toolchain::BuildsStd { .. } = toolchain {
        command
            .arg("-Zbuild-std=std,panic_abort")
            // The outer cargo sets it to the libraries of its own toolchain.
            .env_remove("LD_LIBRARY_PATH");
    }
    command
}

/// Whether the outer cargo sets this variable for its own build.
fn is_of_outer_cargo(name: &str) -> bool {
    const FOR_BUILD_SCRIPTS: [&str; 9] = [
        "TARGET",
        "HOST",
        "NUM_JOBS",
        "OUT_DIR",
        "OPT_LEVEL",
        "PROFILE",
        "DEBUG",
        "RUSTDOC",
        "RUSTFLAGS",
    ];
    // Settings of the user: registries, the network, and the job server.
    const OF_USER: [&str; 5] =
        ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_MAKEFLAGS"];
    if OF_USER.iter().any(|kept| name.starts_with(kept)) {
        return false;
    }
    name.starts_with("CARGO")
        || name.starts_with("DEP_")
        || name.starts_with("RUSTC")
        || FOR_BUILD_SCRIPTS.contains(&name)
}

/// Returns the compiler flags of the modules. SIMD is in every current browser. Paths of the build
/// machine are replaced, so that panic messages do not disclose them.
fn rustflags(toolchain: &Toolchain, workspace: &Path) -> Vec<String> {
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags = vec![
        "-Ctarget-feature=+simd128".to_owned(),
        // A panic's message without its place in the source: the places take 2 kB, and the browser's
        // console shows where the program stopped.
        "-Zlocation-detail=none".to_owned(),
        // Nor the values of what was wrong, for the same reason.
        "-Zfmt-debug=none".to_owned(),
        remap(workspace, "."),
    ];
    if let Some(home) = cargo_home() {
        flags.push(remap(&home, "crates"));
    }
    if let Toolchain::BuildsStd { sources, .. } = toolchain {
        flags.push(remap(sources, "rust"));
        flags.push(remap(Path::new("/usr/lib/rustlib/src/rust"), "rust"));
    }
    flags
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))
}

/// Returns the target directory of the inner cargo: beside the profiles of the outer build, so that
/// all of them share it, and outside of those directories, which the outer cargo has locked.
fn target_dir(out: &Path) -> PathBuf {
    // <target>/<profile>/build/<package>-<hash>/out
    match out.ancestors().nth(4) {
        Some(target) => target.join("page"),
        None => out.join("page"),
    }
}
