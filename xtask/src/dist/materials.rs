//! The bills of materials (CycloneDX): every dependency of each program with its version and licence.

use std::fs;

use anyhow::{Context as _, Result};

use super::{Made, release::Release};
use crate::{command, needs::CYCLONEDX, workspace};

/// The bill of a program.
struct Bill {
    /// The name of the program.
    name: &'static str,
    /// The folder of its package.
    folder: &'static str,
}

const PORTAL: Bill = Bill { name: "ferryport", folder: "server" };

/// The programs of the page, which are in the portal, but no dependencies of it.
const PAGE: [Bill; 2] = [
    Bill { name: "ferryport-page", folder: "web" },
    Bill { name: "ferryport-digest", folder: "web/digest" },
];

/// What the programs of the page are compiled for.
const PAGE_TARGET: &str = "wasm32-unknown-unknown";

/// What stands in the bills in the place of the workspace's path, which is that of this machine.
const ANYWHERE: &str = "/ferryport";

/// Writes a bill for each program.
pub(super) fn make(release: &Release) -> Result<Made> {
    let mut bills = Vec::new();
    for (target, wanted) in [(release.target.as_str(), &[PORTAL][..]), (PAGE_TARGET, &PAGE)] {
        let file = format!("bill-of-materials-{target}.cdx");
        let mut write = CYCLONEDX.subcommand();
        write.args(["--format", "json", "--spec-version", "1.5", "--no-build-deps", "--quiet"]);
        write.args(["--target", target, "--override-filename", &file]);
        let written = command::run(write.env("SOURCE_DATE_EPOCH", &release.time));
        // The tool writes a bill for each package of the workspace, beside its manifest.
        let mut texts = Vec::new();
        for folder in packages()? {
            let path = workspace().join(&folder).join(format!("{file}.json"));
            if let Ok(text) = fs::read_to_string(&path) {
                fs::remove_file(&path)?;
                texts.push((folder, text));
            }
        }
        written?;
        for bill in wanted {
            let (_, text) = texts
                .iter()
                .find(|(folder, _)| folder == bill.folder)
                .with_context(|| format!("there is no bill of {}", bill.folder))?;
            let name = format!("{}-{}.cdx.json", bill.name, release.version);
            let path = release.folder.join(name);
            fs::write(&path, text.replace(&*workspace().to_string_lossy(), ANYWHERE))?;
            bills.push(path);
        }
    }
    Ok(Made::Files(bills))
}

/// The folders of the packages of the workspace.
fn packages() -> Result<Vec<String>> {
    let manifest = fs::read_to_string(workspace().join("Cargo.toml"))?;
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = ["));
    let members = members.context("Cargo.toml has no members in one line")?.trim_end_matches(']');
    let folders = members.split(',').map(|member| member.trim().trim_matches('"').to_owned());
    Ok(folders.collect())
}
