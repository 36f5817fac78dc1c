//! Builds `web/` and `web/digest/` to wasm with a cargo of its own, and binds them to the browser.

use std::{
    collections::HashMap,
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::{Bindgen, Output};

use crate::toolchain::{TARGET, Toolchain};

/// A module of the page, ready to be served.
pub(crate) struct Program {
    /// The module that loads the wasm and lends it the browser's interfaces.
    pub(crate) glue: Vec<u8>,
    pub(crate) wasm: Vec<u8>,
}

/// The modules that rustc made.
pub(crate) struct Built {
    /// Of `web/`: the page's program.
    pub(crate) page: PathBuf,
    /// Of `web/digest/`: what the worker calls.
    pub(crate) digest: PathBuf,
}

/// Runs cargo for `web/` and `web/digest/`.
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
    let output = cargo.output().context("cannot start the cargo that builds the program")?;
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

/// Lets wasm-bindgen write the glue for a browser.
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
    Ok(Program { glue: glue.into_bytes(), wasm: bound.wasm_mut().emit_wasm() })
}

/// Gives what module and glue lend each other names of a few letters; returns the glue with them.
///
/// wasm-bindgen's names end in digests, which no compression makes smaller: of the page's program
/// they were 5 of 149 kB.
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

/// `__wbg_focus_0a8d513ea5d8338e`, and with a number behind it where there are several.
fn ends_in_digest(name: &str) -> bool {
    let is_digest = |part: &str| {
        let digits = part.strip_prefix('h').unwrap_or(part);
        digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    name.rsplit('_').take(2).any(is_digest)
}

/// The script with other identifiers; an identifier is replaced as a whole only.
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

/// A cargo that knows nothing of the one that runs this build: its variables, its flags and its
/// lock on the target directory are not for the program.
fn command(toolchain: &Toolchain) -> Command {
    let (cargo, rustc) = match toolchain {
        Toolchain::Ready { cargo, rustc } | Toolchain::BuildsStd { cargo, rustc, .. } => {
            (cargo, rustc)
        }
    };
    let mut command = Command::new(cargo);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_the_outer_cargo) {
            command.env_remove(name);
        }
    }
    // Empty, and not only absent: the person's configuration may name a wrapper too.
    command.env("RUSTC_WRAPPER", "").env("RUSTC", rustc);
    if let Toolchain::BuildsStd { .. } = toolchain {
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .arg("-Zbuild-std=std,panic_abort")
            // Leads to the libraries of the outer toolchain.
            .env_remove("LD_LIBRARY_PATH");
    }
    command
}

fn is_of_the_outer_cargo(name: &str) -> bool {
    const OF_BUILD_SCRIPTS: [&str; 9] = [
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
    // Where crates come from and how to get there, and whose turn it is to use a processor.
    const OF_THE_PERSON: [&str; 5] =
        ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_MAKEFLAGS"];
    if OF_THE_PERSON.iter().any(|kept| name.starts_with(kept)) {
        return false;
    }
    name.starts_with("CARGO")
        || name.starts_with("DEP_")
        || name.starts_with("RUSTC")
        || OF_BUILD_SCRIPTS.contains(&name)
}

/// SIMD is in every current browser. The paths of this machine are nobody's business: a panic's
/// place is named from the workspace's root.
fn rustflags(toolchain: &Toolchain, workspace: &Path) -> Vec<String> {
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags = vec!["-Ctarget-feature=+simd128".to_owned(), remap(workspace, ".")];
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

/// Beside the outer build's profiles, so that all of them share one warm program, and not inside
/// one that the outer cargo has locked.
fn target_dir(out: &Path) -> PathBuf {
    // <target>/<profile>/build/<package>-<hash>/out
    match out.ancestors().nth(4) {
        Some(target) => target.join("page"),
        None => out.join("page"),
    }
}
