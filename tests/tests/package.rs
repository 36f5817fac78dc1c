//! Debian's package: what it installs, that it works there, and what it leaves behind.
//!
//! The package holds the portal of the tests, not that of a release. How it is packaged is the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use ferryport::{
    command_line,
    settings::{DESCRIPTIONS, Settings, Sources},
};
use ferryport_tests::{package_files, portal_program};
use tempfile::TempDir;

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn contrib(path: &str) -> Vec<u8> {
    fs::read(workspace().join("contrib").join(path)).unwrap()
}

/// Runs a command; its failure fails the test.
fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask setup` installs it"));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}{stderr}");
    stdout.into_owned()
}

/// The package, made once.
fn package() -> &'static Path {
    static PACKAGE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    &PACKAGE
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let package = folder.path().join("ferryport.deb");
            // Where cargo-deb looks for what cargo has built.
            let built = folder.path().join("distribution");
            let files = built.join("package");
            package_files::write(&files).unwrap();
            // The notices of a release are collected by another tool; that they are packaged is tested here.
            fs::write(files.join("THIRD-PARTY-NOTICES.txt"), "notices\n").unwrap();
            run(Command::new("strip")
                .arg("-o")
                .arg(built.join("ferryport"))
                .arg(portal_program!()));
            let tool = workspace().join("target/tools/bin/cargo-deb");
            let tool = if tool.exists() { tool } else { "cargo-deb".into() };
            let mut deb = Command::new(tool);
            deb.args(["deb", "--no-build", "--no-strip", "--locked", "--package", "ferryport"])
                .args(["--profile", "distribution", "--output"])
                .arg(&package)
                .current_dir(workspace())
                .env("CARGO_TARGET_DIR", folder.path());
            run(&mut deb);
            (folder, package)
        })
        .1
}

/// A Debian 12 in a directory, with nothing installed that it does not need.
struct Debian(TempDir);

impl Debian {
    fn unpack() -> Self {
        let archive = workspace().join("target/tools/debian-12.tar");
        assert!(archive.exists(), "`cargo xtask test package` makes {}", archive.display());
        let root = tempfile::tempdir().unwrap();
        run(Command::new("tar")
            .arg("--extract")
            .arg("--file")
            .arg(archive)
            .arg("--directory")
            .arg(root.path()));
        Self(root)
    }

    fn with_package() -> Self {
        let debian = Self::unpack();
        fs::copy(package(), debian.at("tmp/ferryport.deb")).unwrap();
        debian.run(&["dpkg", "--install", "/tmp/ferryport.deb"]);
        fs::remove_file(debian.at("tmp/ferryport.deb")).unwrap();
        debian
    }

    /// Returns where a path of it is.
    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(self.0.path()).args(words).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        command
    }

    /// Runs a command in it.
    fn run(&self, words: &[&str]) -> String {
        run(&mut self.command(words))
    }

    /// Lists all files but those of the package manager's own records.
    fn files(&self) -> BTreeSet<String> {
        let own = ["/var/lib/dpkg", "/var/log/dpkg.log", "/var/cache", "/var/lib/apt"];
        let listed =
            run(Command::new("find").arg(self.0.path()).args(["-xdev", "-printf", "/%P\n"]));
        let kept = listed.lines().filter(|path| !own.iter().any(|own| path.starts_with(own)));
        kept.map(str::to_owned).collect()
    }

    /// Returns owner, group and mode of a path.
    fn owner_and_mode(&self, path: &str) -> (u32, u32, u32) {
        let found = fs::metadata(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        (found.uid(), found.gid(), found.permissions().mode() & 0o7777)
    }
}

#[test]
#[ignore = "`cargo xtask test package` runs it, as root"]
fn package_installs_and_the_portal_works() {
    let debian = Debian::with_package();
    let expected = BTreeMap::from([
        ("/usr/bin/ferryport", 0o755),
        ("/etc/ferryport", 0o755),
        ("/etc/ferryport/ferryport.toml", 0o644),
        ("/usr/lib/systemd/system/ferryport.service", 0o644),
        ("/usr/lib/systemd/system/ferryport.socket", 0o644),
        ("/usr/share/man/man1/ferryport.1.gz", 0o644),
        ("/usr/share/man/man1/ferryport-serve.1.gz", 0o644),
        ("/usr/share/bash-completion/completions/ferryport", 0o644),
        ("/usr/share/zsh/vendor-completions/_ferryport", 0o644),
        ("/usr/share/fish/vendor_completions.d/ferryport.fish", 0o644),
        ("/usr/share/doc/ferryport/copyright", 0o644),
    ]);
    for (path, mode) in expected {
        assert_eq!(debian.owner_and_mode(path), (0, 0, mode), "{path}");
    }
    let listed = debian.run(&["dpkg", "--listfiles", "ferryport"]);
    for document in ["README.md", "CHANGELOG.md", "THIRD-PARTY-NOTICES.txt", "docs/operating.md"] {
        assert!(listed.contains(&format!("/usr/share/doc/ferryport/{document}")), "{listed}");
    }
    let unit = fs::read(debian.at("/usr/lib/systemd/system/ferryport.service")).unwrap();
    assert_eq!(unit, contrib("systemd/ferryport.service"), "the unit that is tested elsewhere");
    let conffiles = debian.run(&["dpkg-query", "--show", "--showformat=${Conffiles}", "ferryport"]);
    assert!(conffiles.contains(" /etc/ferryport/ferryport.toml "), "{conffiles}");
    let depends = debian.run(&["dpkg-query", "--show", "--showformat=${Depends}", "ferryport"]);
    assert!(depends.contains("libc6 (>= ") && depends.contains("ca-certificates"), "{depends}");

    let version = debian.run(&["ferryport", "--version"]);
    assert_eq!(version.trim(), concat!("ferryport ", env!("CARGO_PKG_VERSION")));
    let config = "/etc/ferryport/ferryport.toml";
    let checked = debian.run(&["ferryport", "config", "check", "--config", config]);
    assert!(checked.starts_with("the configuration can be used"), "{checked}");
    fs::write(debian.at(config), "max_sesions = 3\n").unwrap();
    let refused = debian.command(&["ferryport", "config", "check", "--config", config]).output();
    assert_eq!(refused.unwrap().status.code(), Some(78));
}

#[test]
#[ignore = "`cargo xtask test package` runs it, as root"]
fn package_keeps_what_the_operator_wrote_and_leaves_nothing_behind_once_purged() {
    let before = Debian::unpack();
    let clean = before.files();
    drop(before);
    let debian = Debian::with_package();
    // As systemd lays them out for a `DynamicUser`.
    for kind in ["lib", "log"] {
        let private = debian.at(&format!("/var/{kind}/private/ferryport"));
        fs::create_dir_all(&private).unwrap();
        fs::write(private.join("written"), "").unwrap();
        let link = debian.at(&format!("/var/{kind}/ferryport"));
        std::os::unix::fs::symlink("private/ferryport", link).unwrap();
    }
    let (keys, config) = ("/etc/ferryport/keyring", "/etc/ferryport/ferryport.toml");
    fs::write(debian.at(keys), "key\n").unwrap();
    fs::write(debian.at(config), "max_sessions = 3\n").unwrap();

    debian.run(&["dpkg", "--remove", "ferryport"]);
    assert!(!debian.at("/usr/bin/ferryport").exists());
    for path in [keys, config, "/var/lib/ferryport/written", "/var/log/private/ferryport/written"] {
        assert!(debian.at(path).exists(), "{path}");
    }

    debian.run(&["dpkg", "--purge", "ferryport"]);
    let after = debian.files();
    let left: Vec<_> = after.difference(&clean).collect();
    // systemd's own directories, in which the portal's were.
    let left: Vec<_> = left.into_iter().filter(|path| !path.ends_with("/private")).collect();
    assert!(left.is_empty(), "{left:?}");
    let gone: Vec<_> = clean.difference(&after).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[test]
fn every_command_has_a_manual_page_and_every_shell_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    package_files::write(folder.path()).unwrap();
    let page = |name: &str| {
        let path = folder.path().join(package_files::MANUAL).join(format!("{name}.1.gz"));
        run(Command::new("gzip").args(["--decompress", "--stdout"]).arg(path))
    };
    for command in command_line::command().get_subcommands() {
        let name = format!("ferryport-{}", command.get_name());
        page(&name);
        for subcommand in command.get_subcommands() {
            page(&format!("{name}-{}", subcommand.get_name()));
        }
    }
    // roff writes a hyphen of an option as `\-`.
    let (serve, health) = (page("ferryport-serve"), page("ferryport-health"));
    for setting in DESCRIPTIONS {
        let flag = format!("\\-\\-{}", setting.flag().replace('-', "\\-"));
        assert!(serve.contains(&flag), "{flag}");
        assert!(!health.contains(&flag), "{flag}");
    }
    for file in ["ferryport.bash", "_ferryport", "ferryport.fish"] {
        let path = folder.path().join(package_files::COMPLETIONS).join(file);
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains("public-url") && text.contains("set-password"), "{file}");
    }
}

#[test]
fn packaged_configuration_sets_nothing_and_has_every_setting() {
    let folder = tempfile::tempdir().unwrap();
    package_files::write(folder.path()).unwrap();
    let text = fs::read_to_string(folder.path().join(package_files::CONFIGURATION)).unwrap();
    assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')), "{text}");
    for setting in DESCRIPTIONS {
        assert!(text.contains(&format!("# {} = ", setting.name)), "{}", setting.name);
    }
    let mut sources = Sources::default();
    sources.file(&text, DESCRIPTIONS).unwrap();
    Settings::from_sources(&sources).unwrap();
}
