//! The FTPS servers and reverse proxies of the tests: Debian's, unpacked and not installed.
//!
//! Their packages conflict with each other and would start services, so they are downloaded and
//! unpacked into `target/servers/` of the workspace, together with those of their libraries that
//! this machine does not have. `tests/src/servers.rs` and
//! `tests/src/reverse_proxy.rs` run them from there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::is_root;
use crate::{
    command::{find, output, run, status},
    workspace,
};

const PACKAGES: [&str; 8] = [
    "vsftpd",
    "proftpd-core",
    "proftpd-mod-crypto",
    "pure-ftpd",
    "pure-ftpd-common",
    "nginx",
    "haproxy",
    "caddy",
];

/// Their programs: all of them exist when the download is complete.
const PROGRAMS: [&str; 7] = [
    "usr/sbin/vsftpd",
    "usr/sbin/proftpd",
    "usr/sbin/pure-ftpd",
    "usr/bin/pure-pw",
    "usr/sbin/nginx",
    "usr/sbin/haproxy",
    "usr/bin/caddy",
];

/// The file that lists each package with its version. It is written last: its presence means that
/// the rest is complete.
const VERSIONS: &str = "versions.txt";

/// Downloads the servers unless that was done before.
pub(super) fn get() -> Result<()> {
    let target = workspace().join("target");
    let home = target.join("servers");
    if is_complete(&home) {
        return Ok(());
    }
    for tool in ["apt-get", "dpkg-deb"] {
        if find(tool).is_none() {
            bail!(
                "the FTPS servers of the tests come from Debian's packages, and this machine has \
                 no {tool}: run the tests on Debian 12"
            );
        }
    }
    let fresh = target.join("servers.partial");
    remove(&fresh)?;
    fs::create_dir_all(&fresh).with_context(|| format!("cannot make {}", fresh.display()))?;
    download(&fresh)?;
    unpack(&fresh)?;
    remove(&home)?;
    fs::rename(&fresh, &home)
        .with_context(|| format!("cannot rename {} to {}", fresh.display(), home.display()))?;
    Ok(())
}

fn is_complete(home: &Path) -> bool {
    let versions = fs::read_to_string(home.join(VERSIONS)).unwrap_or_default();
    let named =
        |package: &str| versions.lines().any(|line| line.split(' ').next() == Some(package));
    PACKAGES.into_iter().all(named) && PROGRAMS.iter().all(|program| home.join(program).exists())
}

fn download(folder: &Path) -> Result<()> {
    if status(&mut apt_get_download(folder))?.success() {
        return Ok(());
    }
    if !is_root() {
        bail!(
            "apt's package lists are missing or old. Type this, then try again:\n\n  sudo apt-get update\n"
        );
    }
    run(Command::new("apt-get").arg("update"))?;
    run(&mut apt_get_download(folder))
}

fn apt_get_download(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command
        .current_dir(folder)
        // The user `_apt`, as which apt downloads by default, cannot write to root's directories.
        .args(["--option", "APT::Sandbox::User=root", "download"])
        .args(PACKAGES)
        .args(missing_libraries());
    command
}

/// The libraries that apt would install with the servers. One query a server, because the packages
/// conflict with each other.
fn missing_libraries() -> Vec<String> {
    let mut libraries = Vec::new();
    for package in PACKAGES {
        let mut ask = Command::new("apt-get");
        ask.args(["install", "--simulate", "--no-install-recommends", package]);
        let answer = output(&mut ask).unwrap_or_default();
        // `Inst libhiredis0.14 (0.14.1-3 Debian:12.11/oldstable [amd64])`
        let named = answer
            .lines()
            .filter_map(|line| line.strip_prefix("Inst "))
            .filter_map(|line| line.split(' ').next())
            .filter(|name| name.starts_with("lib") && !name.ends_with("-perl"));
        libraries.extend(named.map(str::to_owned));
    }
    libraries.sort();
    libraries.dedup();
    libraries
}

fn unpack(folder: &Path) -> Result<()> {
    let mut versions = String::new();
    for archive in archives(folder)? {
        let mut extract = Command::new("dpkg-deb");
        extract.arg("--extract").arg(&archive).arg(folder);
        output(&mut extract)
            .with_context(|| format!("dpkg-deb cannot unpack {}", archive.display()))?;
        let mut show = Command::new("dpkg-deb");
        show.args(["--show", "--showformat=${Package} ${Version}\n"]).arg(&archive);
        let version = output(&mut show).context("dpkg-deb cannot read what it unpacked")?;
        if !version.starts_with("lib") {
            versions.push_str(&version);
        }
        fs::remove_file(&archive)?;
    }
    fs::write(folder.join(VERSIONS), versions)?;
    Ok(())
}

fn archives(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut archives = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            archives.push(path);
        }
    }
    archives.sort();
    Ok(archives)
}

fn remove(folder: &Path) -> Result<()> {
    if folder.is_symlink() {
        fs::remove_file(folder)?;
    } else if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
