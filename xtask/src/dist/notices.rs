//! The licences of the dependencies, as their authors ask for them to be passed on.

use std::fs;

use anyhow::Result;

use super::{Made, release::Release};
use crate::{command, needs::ABOUT};

/// Each program with its manifest: those of the page are in the portal, but no dependencies of it.
const PROGRAMS: [(&str, &str); 3] = [
    ("the portal", "server/Cargo.toml"),
    ("the page's program", "web/Cargo.toml"),
    ("the page's digests", "web/digest/Cargo.toml"),
];

/// Writes the notices of all programs into one file.
pub(super) fn make(release: &Release) -> Result<Made> {
    let mut all = "Ferryport contains software of others. Their licences follow.\n".to_owned();
    for (name, manifest) in PROGRAMS {
        let part = release.package_files().join("notices.part");
        let mut about = ABOUT.subcommand();
        about.args(["generate", "--locked", "--fail", "--config", "xtask/about.toml"]);
        about.args(["--manifest-path", manifest]).arg("--output-file").arg(&part);
        command::run(about.arg("xtask/notices.hbs"))?;
        let rule = "=".repeat(80);
        all.push_str(&format!("\n{rule}\nIn {name}\n{rule}\n\n{}", fs::read_to_string(&part)?));
        fs::remove_file(part)?;
    }
    fs::write(release.notices(), &all)?;
    let published = release.folder.join("THIRD-PARTY-NOTICES.txt");
    fs::write(&published, all)?;
    Ok(Made::Files(vec![published]))
}
