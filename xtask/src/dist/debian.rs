//! Debian's package, as `server/Cargo.toml` describes it.

use anyhow::Result;

use super::{Made, release::Release};
use crate::{command, needs::DEB};

/// Makes the package of the program that was built.
pub(super) fn make(release: &Release) -> Result<Made> {
    let mut deb = DEB.subcommand();
    deb.args(["--no-build", "--no-strip", "--locked", "--package", "ferryport"]);
    deb.args(["--profile", release.profile.of_cargo()]);
    deb.arg("--output").arg(&release.folder).env("SOURCE_DATE_EPOCH", &release.time);
    command::run(&mut deb)?;
    let mut packages = Vec::new();
    for entry in release.folder.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            packages.push(path);
        }
    }
    Ok(Made::Files(packages))
}
