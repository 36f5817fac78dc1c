//! pyftpdlib, with a launcher of ours: it is a library.
//!
//! It is Debian's, installed and not unpacked, because it wants Debian's Python with its OpenSSL,
//! starts no service and conflicts with nothing. It checks no session reuse, but it shares one TLS
//! context between control and data connections, so they can be resumed.

use std::{fs, os::unix::fs::chown, path::Path};

use protocol::Encryption;

use super::{
    Disk,
    site::{CommandLine, DAEMON, Login, Site},
};

pub(super) const LOGIN: Login = Login { username: "ferry", password: "Fähre-26-pyftpdlib" };

const LAUNCHER: &str = include_str!("pyftpdlib.py");

/// Debian's: another Python on `PATH` does not have Debian's packages.
const PYTHON: &str = "/usr/bin/python3";

/// The path of Debian's package.
const LIBRARY: &str = "/usr/lib/python3/dist-packages/pyftpdlib";

pub(super) fn command_line(site: &Site<'_>) -> CommandLine {
    assert!(
        Path::new(LIBRARY).exists(),
        "{LIBRARY} is missing: run `cargo xtask setup`, which installs pyftpdlib"
    );
    // Not named after the library, which it would hide from itself.
    let launcher = site.folder.join("launcher.py");
    fs::write(&launcher, LAUNCHER).expect("the folder is ours");
    chown(site.pem, Some(DAEMON), Some(DAEMON)).expect("root may change the owner");
    let mode = match site.options.encryption {
        Encryption::Explicit => "explicit",
        Encryption::Implicit => "implicit",
    };
    let disk = match site.options.disk {
        Disk::Exact => "exact",
        Disk::Folding => "folding",
        Disk::ShortNames => "short-names",
    };
    CommandLine::as_daemon(
        PYTHON,
        vec![
            // The machine's own settings for Python are not for this one, nor is its locale.
            "-I".into(),
            "-X".into(),
            "utf8".into(),
            launcher.into(),
            site.address().to_string().into(),
            site.ports.control().to_string().into(),
            site.ports.passive().start().to_string().into(),
            site.ports.passive().end().to_string().into(),
            site.root.into(),
            site.pem.into(),
            mode.into(),
            disk.into(),
            LOGIN.username.into(),
            LOGIN.password.into(),
        ],
    )
}
