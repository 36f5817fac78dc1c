//! Servers, sessions, plans and part files of the uploads.

use std::{
    fs,
    os::unix::fs::{FileExt as _, MetadataExt as _, chown},
    path::{Path, PathBuf},
    time::Duration,
};

use ferryport_tests::{
    content::Content,
    engine::{EngineSetup, SessionLog, remote},
    process::wait_for,
    servers::{Kind, Options, Server},
};
use ftps::{
    Config, Connector, ManagedClient, RemotePath,
    upload::{Existing, Failed, Plan, UploadError, Uploaded},
};
use tokio_util::sync::CancellationToken;

use crate::source::{FileSource, SourceFailed};

/// The date of the files, in milliseconds and in seconds.
pub(crate) const MODIFIED_MILLIS: i64 = 1_700_000_000_000;
pub(crate) const MODIFIED: i64 = MODIFIED_MILLIS / 1000;

/// The longest wait for an event that comes soon.
pub(crate) const WAIT_LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn plan(name: &str, content: Content) -> Plan {
    Plan {
        path: remote(name),
        size: content.len,
        modified_millis: Some(MODIFIED_MILLIS),
        existing: Existing::Keep,
        resume: None,
        digest: None,
    }
}

/// Starts a server with the options that `change` sets.
pub(crate) fn server(kind: Kind, change: impl FnOnce(&mut Options)) -> Server {
    let mut options = Options::default();
    change(&mut options);
    Server::start(kind, options)
}

/// A setup that retries soon.
pub(crate) fn setup(server: &Server, log: &SessionLog) -> EngineSetup {
    EngineSetup::of(server).logging(log).configure(|config| {
        config.retry.first = Duration::from_millis(20);
        config.retry.max = Duration::from_millis(500);
    })
}

pub(crate) fn connector(
    server: &Server,
    log: &SessionLog,
    change: impl FnOnce(&mut Config),
) -> Connector {
    setup(server, log).configure(change).connector()
}

pub(crate) fn managed_client(server: &Server, log: &SessionLog) -> ManagedClient {
    ManagedClient::new(setup(server, log).connector())
}

pub(crate) async fn try_upload(
    session: &mut ManagedClient,
    plan: &Plan,
    source: &mut FileSource,
) -> Result<Uploaded, Failed<SourceFailed>> {
    ftps::upload::upload(session, plan, source, &CancellationToken::new()).await
}

/// Uploads a file; the test fails if the upload does.
pub(crate) async fn upload(
    session: &mut ManagedClient,
    plan: &Plan,
    source: &mut FileSource,
    log: &SessionLog,
) -> Uploaded {
    let uploaded = try_upload(session, plan, source).await;
    uploaded.unwrap_or_else(|failed| panic!("{}: {failed:?}\n{}", plan.path, log.text()))
}

pub(crate) fn assert_stored(server: &Server, name: &str, content: Content, log: &SessionLog) {
    assert_eq!(server.sha256_of(name), Some(content.sha256()), "{name}\n{}", log.text());
}

/// Returns the date of a file on the server's disk, in seconds.
pub(crate) fn modified(server: &Server, name: &str) -> i64 {
    fs::metadata(server.root().join(name)).unwrap().mtime()
}

/// Returns the path on this disk of a path on the server. vsftpd's paths are this machine's own.
pub(crate) fn on_disk(server: &Server, path: &RemotePath) -> PathBuf {
    server.root().join(path.file_name().unwrap().to_string())
}

/// Writes a file of the server's own user.
pub(crate) fn write_as_server(server: &Server, name: &str, bytes: &[u8]) {
    let file = server.root().join(name);
    fs::write(&file, bytes).unwrap();
    chown(&file, Some(1), Some(1)).unwrap();
}

/// Runs an upload that fails in the middle, and returns its part file.
pub(crate) async fn leave_part_file(
    server: &Server,
    name: &str,
    content: Content,
    sent: u64,
) -> RemotePath {
    let log = SessionLog::default();
    let mut session = managed_client(server, &log);
    let mut source = FileSource::of(content).failing_at(sent);
    let failed = try_upload(&mut session, &plan(name, content), &mut source).await.unwrap_err();
    let is_from_source = matches!(failed.error, UploadError::Source(SourceFailed));
    assert!(is_from_source, "{failed:?}\n{}", log.text());
    session.quit().await;
    let leftover = failed.leftover.expect("a part file is on the server");
    let file = on_disk(server, &leftover);
    // The server may write for a moment before it notices the closed data connection.
    let mut before = None;
    let settled = wait_for(WAIT_LIMIT, || {
        let len = fs::metadata(&file).ok().map(|file| file.len());
        std::thread::sleep(Duration::from_millis(100));
        (std::mem::replace(&mut before, len) == len && len > Some(0)).then_some(())
    });
    assert!(settled.is_some(), "{}", log.text());
    leftover
}

/// Inverts the byte at an offset of a file.
pub(crate) fn flip_byte(file: &Path, offset: u64) {
    let file = fs::File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[!byte[0]], offset).unwrap();
}
