//! Makes the files of a release, in `target/dist/`: an archive, Debian's package, a container image,
//! checksums, bills of materials and the notices of the dependencies.
//!
//! All of them hold the same program. docs/releasing.md says what else a release needs.
//!
//! # Layers
//! - `release`: the version, the program and the folders.
//! - `notices`: the licences of the dependencies.
//! - `materials`: the bills of materials.
//! - `debian`: Debian's package.
//! - `archive`: the archive for other systems.
//! - `image`: the container image.

mod archive;
mod debian;
mod image;
mod materials;
mod notices;
mod release;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail};

pub(crate) use self::release::Profile;
use self::release::Release;
use crate::{
    command::{self, output, run as run_command},
    needs::{self, AUDITABLE, Purpose},
};

/// The outcome of one step.
enum Made {
    Files(Vec<PathBuf>),
    /// This machine lacks what the step needs, for the reason given.
    Nothing(String),
}

/// Makes some of the files.
type Step = fn(&Release) -> Result<Made>;

/// Makes all files, and lists them with their sizes.
pub(crate) fn run(profile: Profile) -> Result<ExitCode> {
    needs::get(&[Purpose::Build, Purpose::Release])?;
    let release = Release::new(profile)?;
    check_changelog(&release)?;
    release.clear()?;
    build(&release)?;
    let steps: [(&str, Step); 5] = [
        ("notices", notices::make),
        ("bills of materials", materials::make),
        ("Debian's package", debian::make),
        ("archive", archive::make),
        ("container image", image::make),
    ];
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    for (name, make) in steps {
        match make(&release).with_context(|| format!("{name} cannot be made"))? {
            Made::Files(made) => files.extend(made),
            Made::Nothing(why) => missing.push(format!("no {name}: {why}")),
        }
    }
    files.push(checksums(&release, &files)?);
    println!("\nFerryport {}, {}:", release.version, profile.name());
    for file in files.iter().chain([&release.program()]) {
        println!("  {:>11} bytes  {}", fs::metadata(file)?.len(), file.display());
    }
    for what in missing {
        println!("  {what}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks that the changelog says what the version changes.
fn check_changelog(release: &Release) -> Result<()> {
    let changelog = fs::read_to_string(crate::workspace().join("CHANGELOG.md"))?;
    let heading = format!("## {} - ", release.version);
    if !changelog.lines().any(|line| line.starts_with(&heading)) {
        bail!("CHANGELOG.md has no heading `{heading}DATE`: docs/releasing.md says how it is cut");
    }
    Ok(())
}

/// Builds the portal, and makes manual pages, completions and configuration.
fn build(release: &Release) -> Result<()> {
    // As for the tests, which have built it mostly.
    let mut for_tests = command::cargo();
    for_tests.args(["test", "--workspace", "--locked", "--no-run", "--test", "package"]);
    run_command(&mut for_tests)?;
    let debug = crate::workspace().join("target/debug");
    run_command(Command::new(debug.join("package-files")).arg(release.package_files()))?;
    match release.profile {
        // Its dependencies are listed in it, so that scanners find them in an installed program.
        Profile::Distribution => {
            let mut portal = AUDITABLE.subcommand();
            portal.args(["build", "--profile", "distribution", "--package", "ferryport"]);
            run_command(portal.arg("--locked"))
        }
        Profile::Debug => {
            let portal = debug.join("portal-under-test");
            run_command(Command::new("strip").arg("-o").arg(release.program()).arg(portal))
        }
    }
}

/// Writes the SHA-256 of each file, as `sha256sum --check` reads it.
fn checksums(release: &Release, files: &[PathBuf]) -> Result<PathBuf> {
    let names = files.iter().filter_map(|file| file.file_name());
    let mut sum = Command::new("sha256sum");
    sum.current_dir(&release.folder).arg("--").args(names);
    let sums = output(&mut sum).context("sha256sum of coreutils is needed")?;
    let path = release.folder.join("SHA256SUMS");
    fs::write(&path, sums)?;
    Ok(path)
}

/// Creates a folder anew, with nothing in it.
fn create_empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}
