//! The archive for systems without a package: the program with what belongs to it.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result};

use super::{Made, create_empty, release::Release};
use crate::{command, workspace};

/// What is taken from the sources. Documents that README.md links to are among them.
const SOURCES: [&str; 7] = [
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "SECURITY.md",
    "contrib/systemd",
    "contrib/grafana",
    "docs",
];

/// Packs the archive.
pub(super) fn make(release: &Release) -> Result<Made> {
    let name = release.archive_name();
    // Beside the published files, because it is none.
    let parent = release.package_files().join("archive");
    let folder = parent.join(&name);
    create_empty(&folder)?;
    fs::copy(release.program(), folder.join("ferryport"))?;
    for path in SOURCES {
        copy(&workspace().join(path), &folder.join(path))?;
    }
    for entry in release.package_files().read_dir()? {
        let entry = entry?;
        if entry.path() != parent {
            copy(&entry.path(), &folder.join(entry.file_name()))?;
        }
    }
    let archive = release.folder.join(format!("{name}.tar.gz"));
    let mut pack = Command::new("tar");
    pack.args(["--create", "--use-compress-program=gzip --no-name --best", "--sort=name"])
        .args(["--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"])
        .arg(format!("--mtime=@{}", release.time))
        .arg("--file")
        .arg(&archive)
        .arg("--directory")
        .arg(&parent)
        .arg(&name);
    command::run(&mut pack)?;
    fs::remove_dir_all(parent)?;
    Ok(Made::Files(vec![archive]))
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        for entry in from.read_dir()? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}
