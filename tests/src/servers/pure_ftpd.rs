//! Pure-FTPd, with a user in its own database. It has no implicit TLS in Debian.

use std::{fs, process::Command};

use protocol::Encryption;

use super::{
    Renaming,
    installation::{library_path, program},
    site::{CommandLine, DAEMON, Login, Site},
};

pub(super) const LOGIN: Login = Login { username: "ferry", password: "Fähre-26-pure-ftpd" };

/// crypt(3) of the password.
const PASSWORD_HASH: &str = "$6$nPB.IdUw4HlT2PAK$Rt/A1J6vnH5xJ5/EEbvuSgV/EmFH47rDZ47fsUxcrAHCgFto2kSfkSYQggjJTQx3nD2Yw199twCqPTxeWLpcV.";

pub(super) fn command_line(site: &Site<'_>) -> CommandLine {
    assert_eq!(
        site.options.encryption,
        Encryption::Explicit,
        "Pure-FTPd has no implicit TLS in Debian"
    );
    let users = site.folder.join("users");
    let database = site.folder.join("users.pdb");
    // Name, password, user, group, comment, directory ("/./" makes it the root), then limits.
    let user = format!(
        "{}:{PASSWORD_HASH}:{DAEMON}:{DAEMON}::{}/./::::::::::::\n",
        LOGIN.username,
        site.root.display()
    );
    fs::write(&users, user).expect("the folder is ours");
    let made = Command::new(program("usr/bin/pure-pw"))
        .arg("mkdb")
        .arg(&database)
        .arg("-f")
        .arg(&users)
        .envs(library_path())
        .output()
        .expect("pure-pw can be started");
    assert!(made.status.success(), "pure-pw failed: {made:?}");
    let mut arguments = vec![
        "--bind".into(),
        format!("{},{}", site.address(), site.ports.control()).into(),
        "--passiveportrange".into(),
        format!("{}:{}", site.ports.passive().start(), site.ports.passive().end()).into(),
        "--login".into(),
        format!("puredb:{}", database.display()).into(),
        "--tls".into(),
        "2".into(),
        "--certfile".into(),
        site.pem.into(),
        "--pidfile".into(),
        site.folder.join("pid").into(),
        "--noanonymous".into(),
        "--ipv4only".into(),
        "--dontresolve".into(),
        "--umask".into(),
        "133:022".into(),
        "--syslogfacility".into(),
        "none".into(),
        "--altlog".into(),
        format!("clf:{}/transfers.log", site.folder.display()).into(),
    ];
    if site.options.renaming == Renaming::Forbidden {
        arguments.push("--norename".into());
    }
    if let Some(max) = site.options.max_sessions {
        arguments.extend(["--maxclientsperip".into(), max.to_string().into()]);
        // By default, 50 of all addresses together.
        arguments.extend(["--maxclientsnumber".into(), max.max(50).to_string().into()]);
    }
    CommandLine { program: program("usr/sbin/pure-ftpd"), arguments }
}
