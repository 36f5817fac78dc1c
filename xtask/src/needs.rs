//! What a command needs, and how to get it on Debian.
//!
//! Downloads what needs no root. Installs Debian's packages when it runs as root; otherwise it fails
//! with the exact command line to type, and changes nothing.

pub(crate) mod debian_root;
mod servers;
mod tools;
mod wasm;

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

pub(crate) use tools::{ABOUT, AUDITABLE, CYCLONEDX, DEB, DENY, MACHETE, Tool};
pub(crate) use wasm::is_in_toolchain as wasm_is_in_toolchain;

use crate::command::{cargo, find, output, run};

/// What a command does that needs something of the machine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Builds Ferryport, the page's program included.
    Build,
    /// Checks its dependencies.
    Dependencies,
    /// Runs its tests against real servers and a real browser.
    Test,
    /// Installs its package in a root directory of its own.
    Package,
    /// Makes the files of a release.
    Release,
    /// Takes pictures of the page.
    Pictures,
    /// Measures it beside other programs, against the same servers and in the same browser.
    Bench,
}

impl Purpose {
    pub(crate) const ALL: [Self; 7] = [
        Self::Build,
        Self::Dependencies,
        Self::Test,
        Self::Package,
        Self::Release,
        Self::Pictures,
        Self::Bench,
    ];

    /// The tools of cargo that it uses.
    fn tools(self) -> &'static [Tool] {
        match self {
            Self::Dependencies => &[DENY, MACHETE],
            Self::Package => &[DEB],
            Self::Release => &[DEB, AUDITABLE, CYCLONEDX, ABOUT],
            Self::Build | Self::Test | Self::Pictures | Self::Bench => &[],
        }
    }

    /// The packages that it needs whatever programs the machine has.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Package => &["debootstrap", "dpkg-dev"],
            Self::Release => &["ca-certificates", "dpkg-dev"],
            Self::Test => &FOR_STORE,
            Self::Bench => &FOR_BENCH,
            Self::Build | Self::Dependencies | Self::Pictures => &[],
        }
    }

    /// Whether it runs real FTPS servers.
    fn runs_servers(self) -> bool {
        matches!(self, Self::Test | Self::Pictures | Self::Bench)
    }

    /// Whether it shows every character that the tests put on the page.
    fn needs_fonts(self) -> bool {
        matches!(self, Self::Test | Self::Pictures)
    }
}

/// Chromium, by the names of its programs.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Firefox, by the names of its programs.
const FIREFOX: [&str; 2] = ["firefox-esr", "firefox"];

/// The oldest Firefox that the tests drive, by its major version: 140 ESR gives WebDriver BiDi
/// neither the browser's own window nor a say about file dialogs.
const OLDEST_FIREFOX: u32 = 153;

/// Fonts for every character that the tests put on the page.
const FONTS: [&str; 3] = ["fonts-dejavu-core", "fonts-noto-cjk", "fonts-noto-color-emoji"];

/// The packages that running the servers needs: pyftpdlib, a server as a Python library, and `ip`
/// for a network of their own.
const FOR_SERVERS: [&str; 3] = ["python3-pyftpdlib", "python3-openssl", "iproute2"];

/// The packages that the tests of the store and of the portal's certificate need.
const FOR_STORE: [&str; 2] = ["postgresql", "pebble"];

/// Checks the systemd unit; of Debian's package `systemd`.
const SYSTEMD_ANALYZE: &str = "systemd-analyze";

/// The programs that the bench compares Ferryport with, and `ping`, which measures the link.
const FOR_BENCH: [&str; 4] = ["curl", "lftp", "rclone", "iputils-ping"];

/// Gets what is missing for these purposes.
pub(crate) fn get(purposes: &[Purpose]) -> Result<()> {
    let mut missing = Vec::new();
    if purposes.contains(&Purpose::Build) {
        if find("cc").is_none() {
            missing.extend(["gcc", "libc6-dev"]);
        }
        if !wasm::is_there() && !wasm::add_with_rustup() {
            missing.extend(wasm::DEBIAN_PACKAGES);
        }
    }
    if purposes.contains(&Purpose::Test) {
        get_rust_tools()?;
        if find(SYSTEMD_ANALYZE).is_none() {
            missing.push("systemd");
        }
        if !has_firefox() {
            missing.push("firefox-esr");
        }
    }
    let packages = purposes.iter().flat_map(|purpose| purpose.packages());
    missing.extend(packages.filter(|package| !is_installed(package)));
    if purposes.iter().any(|purpose| purpose.needs_fonts()) {
        missing.extend(FONTS.into_iter().filter(|font| !is_installed(font)));
    }
    let runs_servers = purposes.iter().any(|purpose| purpose.runs_servers());
    // What runs servers opens the page in a browser too.
    if runs_servers {
        if BROWSERS.into_iter().all(|browser| find(browser).is_none()) {
            missing.push("chromium");
        }
        missing.extend(FOR_SERVERS.into_iter().filter(|package| !is_installed(package)));
    }
    install(&missing)?;
    if missing.contains(&"firefox-esr") && !has_firefox() {
        bail!(
            "the tests need Firefox {OLDEST_FIREFOX} or newer, and the packages have an older one"
        );
    }

    if purposes.contains(&Purpose::Build) && !wasm::is_there() {
        bail!("no Rust toolchain for {} was installed", wasm::TARGET);
    }
    for purpose in purposes {
        tools::get(purpose.tools())?;
    }
    if runs_servers {
        servers::get()?;
    }
    Ok(())
}

/// Whether there is a Firefox that is new enough.
fn has_firefox() -> bool {
    FIREFOX.into_iter().filter(|browser| find(browser).is_some()).any(|browser| {
        // "Mozilla Firefox 153.8.0esr"
        let version = output(Command::new(browser).arg("--version")).unwrap_or_default();
        let major = version.split_whitespace().last().and_then(|version| version.split('.').next());
        major.and_then(|major| major.parse::<u32>().ok()) >= Some(OLDEST_FIREFOX)
    })
}

/// The formatter and the linter, which rustup's minimal profile leaves out.
fn get_rust_tools() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if output(cargo().args([subcommand, "--version"])).is_some() {
            continue;
        }
        if find("rustup").is_none() {
            bail!("`cargo {subcommand}` is missing: install {component}, then try again");
        }
        run(Command::new("rustup").args(["component", "add", component]))?;
    }
    Ok(())
}

/// Installs Debian packages, or fails with the command line that does.
fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    if find("apt-get").is_none() {
        bail!(
            "this machine has no apt-get. Install the equivalents of these packages of Debian 12, \
             then try again: {}",
            packages.join(" ")
        );
    }
    if !is_root() {
        bail!(
            "some packages are missing. Type this, then try again:\n\n  \
             sudo apt-get update && sudo apt-get install --no-install-recommends {}\n",
            packages.join(" ")
        );
    }
    // The package lists of a fresh machine are empty or old, and old ones install old versions.
    run(Command::new("apt-get").arg("update"))?;
    run(&mut apt_get_install(packages))
}

fn apt_get_install(packages: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether dpkg knows the package as installed; true on a machine without dpkg, whose user has to
/// install the equivalent.
fn is_installed(package: &str) -> bool {
    if find("dpkg-query").is_none() {
        return true;
    }
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]);
    output(&mut query).is_some_and(|state| state == "installed")
}

pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0")
}

/// Whether the path leads to a directory with something in it.
fn has_entries(folder: &Path) -> bool {
    folder.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}
