//! A root directory of Debian 12 as an archive, in which the tests install the package.

use std::{fs, process::Command};

use anyhow::{Context as _, Result};

use crate::{
    command::{run, status},
    workspace,
};

/// The archive, relative to the workspace; `tests/tests/package.rs` unpacks it.
const ARCHIVE: &str = "target/tools/debian-12.tar";

/// Makes the archive unless that was done before, which takes a minute. Returns whether it is there: it
/// is not where Debian's mirror cannot be reached. Needs root.
pub(crate) fn get() -> Result<bool> {
    let archive = workspace().join(ARCHIVE);
    if archive.exists() {
        return Ok(true);
    }
    let folder = archive.with_extension("partial");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    // What the package depends on, beside what every Debian has.
    let mut bootstrap = Command::new("debootstrap");
    bootstrap.args(["--variant=minbase", "--include=ca-certificates", "bookworm"]).arg(&folder);
    let made = status(&mut bootstrap)?.success();
    if made {
        let partial = archive.with_extension("tar.partial");
        let mut pack = Command::new("tar");
        pack.arg("--directory").arg(&folder).arg("--create").arg("--file").arg(&partial).arg(".");
        run(&mut pack)?;
        fs::rename(&partial, &archive)?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(made)
}
