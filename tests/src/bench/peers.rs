//! The other contestants: curl, lftp and rclone, as a user would call them.

use std::{
    ffi::OsString,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use ferryport_tests::{
    process::{Process, wait_for},
    servers::Server,
};
use tempfile::TempDir;

use crate::workload::Files;

/// After this a program that hangs is ended, in seconds; none that works comes near it.
const LIMIT_SECONDS: &str = "300";

/// `curl -T`: one file.
pub(crate) fn curl_one(server: &Server, files: &Files) -> Result<()> {
    succeed(curl(server, files))
}

/// `curl -T` with all names: one process, one session, file after file.
///
/// In TLS 1.3 it has no more tickets after a few files, and vsftpd and `ProFTPD` refuse its data
/// connections; with TLS 1.2, the usual advice to its users, it goes on.
pub(crate) fn curl_many(server: &Server, files: &Files) -> Result<()> {
    let mut curl = curl(server, files);
    curl.args(["--tls-max", "1.2"]);
    succeed(curl)
}

fn curl(server: &Server, files: &Files) -> Command {
    let mut curl = limited("curl");
    curl.args(["--silent", "--show-error", "--fail-early", "--ssl-reqd", "--insecure"])
        .args(["--user", &format!("{}:{}", server.username(), server.password())])
        .args(["--upload-file", &globbed(files)])
        .arg(format!("ftp://{}/", server.address()));
    curl
}

/// `lftp put`: one file.
pub(crate) fn lftp_put(server: &Server, files: &Files) -> Result<()> {
    let name = files.names.first().context("there is a file")?;
    let path = files.folder().join(name);
    lftp(server, &format!("put \"{}\"", path.display()))
}

/// `lftp mirror -R`: a folder, over a number of sessions.
pub(crate) fn lftp_mirror(server: &Server, files: &Files, sessions: u32) -> Result<()> {
    let folder = files.folder().display();
    lftp(server, &format!("mirror --reverse --parallel={sessions} \"{folder}\" ."))
}

fn lftp(server: &Server, what: &str) -> Result<()> {
    let (username, password) = (server.username(), server.password());
    let script = format!(
        "set cmd:fail-exit yes; set ssl:verify-certificate no; set ftp:ssl-force yes; \
         set ftp:ssl-protect-data yes; open --user \"{username}\" --password \"{password}\" \
         \"ftp://{}\"; {what}; bye",
        server.address()
    );
    let mut lftp = limited("lftp");
    lftp.args(["--norc", "-c", &script]);
    succeed(lftp)
}

/// `rclone serve webdav`: a relay between plain HTTP and an FTPS server.
pub(crate) struct Rclone {
    process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

impl Rclone {
    /// How long it may take to listen.
    const START_LIMIT: Duration = Duration::from_secs(30);

    pub(crate) fn start(server: &Server) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // It cannot say which port the system gave it.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let obscured = Command::new("rclone").args(["obscure", server.password()]).output()?;
        let password = String::from_utf8(obscured.stdout)?.trim().to_owned();
        let arguments = [
            "serve".to_owned(),
            "webdav".to_owned(),
            format!("--addr={address}"),
            "--config=".to_owned(),
            format!("--ftp-host={}", server.address().ip()),
            format!("--ftp-port={}", server.port()),
            format!("--ftp-user={}", server.username()),
            "--ftp-explicit-tls".to_owned(),
            "--ftp-no-check-certificate".to_owned(),
            ":ftp:".to_owned(),
        ];
        let environment = [("RCLONE_FTP_PASS", OsString::from(password))];
        let log = folder.path().join("output.log");
        let mut process = Process::start(Path::new("/usr/bin/rclone"), arguments, environment, log);
        let listens = wait_for(Self::START_LIMIT, || match process.exit_status() {
            Some(_) => Some(false),
            None => TcpStream::connect(address).is_ok().then_some(true),
        });
        if listens != Some(true) {
            bail!("rclone does not serve: {}", process.output());
        }
        Ok(Self { process, address, _folder: folder })
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// `curl -T` to it.
    pub(crate) fn put(&self, files: &Files) -> Result<()> {
        let mut curl = limited("curl");
        curl.args(["--silent", "--show-error", "--fail", "--upload-file", &globbed(files)])
            .arg(format!("http://{}/", self.address));
        succeed(curl)
    }
}

/// All files as curl wants them in one argument.
fn globbed(files: &Files) -> String {
    let folder = files.folder().display();
    match files.names.as_slice() {
        [name] => format!("{folder}/{name}"),
        names => format!("{folder}/{{{}}}", names.join(",")),
    }
}

fn limited(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", LIMIT_SECONDS, program]);
    command
}

fn succeed(mut command: Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().context("`timeout` cannot be started")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", output.status, said.lines().next().unwrap_or_default());
    }
    Ok(())
}
