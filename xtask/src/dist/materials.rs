//! The bills of materials (CycloneDX): every dependency of each program with its version and checksum.

use std::fs;

use anyhow::{Context as _, Result};

use super::{Made, release::Release};
use crate::{command, needs::CYCLONEDX, workspace};

/// Each program with its folder: those of the page are in the portal, but no dependencies of it.
const PROGRAMS: [(&str, &str); 3] =
    [("ferryport", "server"), ("ferryport-page", "web"), ("ferryport-digest", "web/digest")];

/// What the programs of the page are compiled for.
const PAGE_TARGET: &str = "wasm32-unknown-unknown";

/// Writes a bill for each program.
pub(super) fn make(release: &Release) -> Result<Made> {
    let mut bills = Vec::new();
    for (name, folder) in PROGRAMS {
        let target = if folder == "server" { release.target.as_str() } else { PAGE_TARGET };
        let file = format!("{name}-{}.cdx", release.version);
        let folder = workspace().join(folder);
        let mut write = CYCLONEDX.subcommand();
        write.args(["--format", "json", "--spec-version", "1.5", "--quiet", "--target", target]);
        write.args(["--override-filename", &file]).arg("--manifest-path");
        write.arg(folder.join("Cargo.toml")).env("SOURCE_DATE_EPOCH", &release.time);
        command::run(&mut write)?;
        // The tool writes into the folder of the manifest, and nowhere else.
        let (written, bill) =
            (folder.join(format!("{file}.json")), release.folder.join(format!("{file}.json")));
        fs::copy(&written, &bill).with_context(|| format!("cannot copy {}", written.display()))?;
        fs::remove_file(written)?;
        bills.push(bill);
    }
    Ok(Made::Files(bills))
}
