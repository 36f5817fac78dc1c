//! The version, the program and the folders of a release.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result};

use super::create_empty;
use crate::{command::output, workspace};

/// How the program is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Small and fast; building it takes long.
    Distribution,
    /// As for tests, to try how it is packaged.
    Debug,
}

impl Profile {
    /// What the profile is, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Distribution => "a release build",
            Self::Debug => "a debug build, which is not for release",
        }
    }

    /// The name that cargo has for it.
    pub(super) fn of_cargo(self) -> &'static str {
        match self {
            Self::Distribution => "distribution",
            Self::Debug => "dev",
        }
    }

    /// The folder in `target/` in which cargo puts the program.
    fn folder(self) -> &'static str {
        match self {
            Self::Distribution => "distribution",
            Self::Debug => "debug",
        }
    }
}

/// A release.
pub(super) struct Release {
    pub(super) profile: Profile,
    /// The version of the workspace.
    pub(super) version: String,
    /// What the program runs on: `x86_64-unknown-linux-gnu`.
    pub(super) target: String,
    /// The folder of the files that are published.
    pub(super) folder: PathBuf,
    /// The time of the last commit, in seconds since 1970: files have it, so that the same sources give
    /// the same archive.
    pub(super) time: String,
}

impl Release {
    pub(super) fn new(profile: Profile) -> Result<Self> {
        let manifest = std::fs::read_to_string(workspace().join("Cargo.toml"))?;
        let version = manifest.lines().find_map(|line| line.strip_prefix("version = "));
        let version = version.context("Cargo.toml has no version")?.trim_matches('"').to_owned();
        let rustc = output(Command::new("rustc").arg("-vV")).context("rustc is missing")?;
        let target = rustc.lines().find_map(|line| line.strip_prefix("host: "));
        let target = target.context("rustc does not name its host")?.to_owned();
        let mut ask = Command::new("git");
        ask.current_dir(workspace()).args(["log", "-1", "--format=%ct"]);
        let time = output(&mut ask).context("the time of the last commit is needed: no git")?;
        let folder = workspace().join("target/dist");
        Ok(Self { profile, version, target, folder, time: time.trim().to_owned() })
    }

    /// Removes what an earlier release left.
    pub(super) fn clear(&self) -> Result<()> {
        create_empty(&self.folder)?;
        create_empty(&self.package_files())
    }

    /// The folder in which cargo puts the program.
    fn built(&self) -> PathBuf {
        workspace().join("target").join(self.profile.folder())
    }

    /// The program.
    pub(super) fn program(&self) -> PathBuf {
        self.built().join("ferryport")
    }

    /// The folder of the files that are made for packages, where cargo-deb looks for them.
    pub(super) fn package_files(&self) -> PathBuf {
        self.built().join("package")
    }

    /// The notices of the dependencies.
    pub(super) fn notices(&self) -> PathBuf {
        self.package_files().join("THIRD-PARTY-NOTICES.txt")
    }

    /// The name of the archive without its ending, which is that of its folder too.
    pub(super) fn archive_name(&self) -> String {
        format!("ferryport-{}-{}", self.version, self.target)
    }
}
