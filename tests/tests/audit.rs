//! The audit: what happened, written before the page is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use ferryport_tests::{
    client::{Attempted, Client, Digest, File, Outcome, refusal, to},
    content::Content,
    portal,
    portal::{Options, Portal},
    process::wait_for,
    servers::{self, Kind},
};
use protocol::{ClientMessage, ServerMessage, client::Secret};
use serde_json::Value;
use tempfile::TempDir;

/// Long enough for a busy machine.
const WAIT_LIMIT: Duration = Duration::from_secs(30);

/// A portal that writes its audit into a folder of its own.
struct Audited {
    portal: Portal,
    folder: TempDir,
}

impl Audited {
    fn start(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.jsonl");
        let flags = [&["--audit", file.to_str().unwrap()], flags].concat();
        Self { portal: portal!(Options::with(&flags)), folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    fn lines(&self) -> Vec<Value> {
        lines(&self.file())
    }

    /// Returns the only line about an event with an outcome.
    fn line(&self, event: &str, outcome: &str) -> Value {
        let mut lines = self.lines();
        lines.retain(|line| line["event"] == event && line["outcome"] == outcome);
        assert_eq!(lines.len(), 1, "{event} {outcome}: {:?}", self.lines());
        lines.remove(0)
    }
}

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

fn small(path: &str) -> File {
    File::new(path, Content { len: 10_000, seed: 1 }).with_digest(Digest::Right)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_page_is_told_is_in_the_audit_already() {
    let audited = Audited::start(&[]);
    let server = servers::start(Kind::PureFtpd);
    let mut client = Client::open(&audited.portal).await;
    let session = client.session().name;

    let mut wrong = to(&server);
    wrong.trusted_certificate = Some(server.certificate_sha256());
    wrong.password = Secret::new("not-this-one".to_owned());
    assert!(matches!(client.attempt(wrong).await, Attempted::Failed(_)));
    let refused = audited.line("login", "failed");
    assert_eq!((&refused["stage"], &refused["code"]), (&"login".into(), &530.into()));

    client.connect(&server).await;
    let login = audited.line("login", "accepted");
    assert_eq!(login["actor"], server.username());
    assert_eq!(login["target"], server.address().to_string());
    assert_eq!(login["session"], session);
    assert_eq!(login["client"], "127.0.0.1");

    assert!(matches!(client.upload_one(&small("a.bin")).await, Outcome::Done { .. }));
    let upload = audited.line("upload", "done");
    let content = small("a.bin").content;
    assert_eq!(upload["bytes"], content.len);
    assert!(upload["path"].as_str().unwrap().ends_with("a.bin"), "{upload}");
    assert!(upload["digest"].as_str().unwrap().contains(':'), "{upload}");
    assert!(upload["took_ms"].is_u64(), "{upload}");
    assert!(matches!(client.upload_one(&small("a.bin")).await, Outcome::Conflict { .. }));
    audited.line("upload", "conflict");

    let rename = ClientMessage::Rename { from: "a.bin".into(), to: "b.bin".into() };
    client.send(&rename).await;
    while !matches!(client.receive().await, ServerMessage::Renamed { .. }) {}
    let renamed = audited.line("rename", "done");
    assert_eq!((&renamed["path"], &renamed["to"]), (&"a.bin".into(), &"b.bin".into()));

    client.leave().await;
    let ended = wait_for(WAIT_LIMIT, || {
        audited.lines().iter().any(|line| line["outcome"] == "ended").then_some(())
    });
    assert!(ended.is_some(), "{:?}", audited.lines());
    let all = fs::read_to_string(audited.file()).unwrap();
    assert!(!all.contains(server.password()) && !all.contains("not-this-one"), "{all}");
    let ids: std::collections::BTreeSet<String> =
        audited.lines().iter().map(|line| line["id"].to_string()).collect();
    assert_eq!(ids.len(), audited.lines().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operator_decides_whether_paths_and_addresses_are_in_the_audit() {
    let audited = Audited::start(&["--audit-paths", "false", "--audit-client", "none"]);
    let server = servers::start(Kind::PureFtpd);
    let mut client = Client::open(&audited.portal).await;
    client.connect(&server).await;
    assert!(matches!(client.upload_one(&small("private.bin")).await, Outcome::Done { .. }));
    let upload = audited.line("upload", "done");
    assert!(upload.get("path").is_none() && upload.get("client").is_none(), "{upload}");
}

/// `/dev/full` can be opened, and takes no byte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn portal_whose_audit_cannot_be_written_takes_no_session() {
    let flags = ["--audit", "/dev/full", "--admin-listen", "127.0.0.1:0"];
    let portal = portal!(Options::with(&flags));
    // The first line, about the configuration, is written after the admin listener answers.
    let fails = wait_for(WAIT_LIMIT, || {
        let ready = portal.ask_admin("/readyz")?;
        (ready.status == 503 && ready.body.contains(r#""audit":false"#)).then_some(())
    });
    assert!(fails.is_some(), "{}", portal.output());
    let refused = refusal(&portal.acceptor(), &[("Origin", &portal.origin())]).await;
    assert!(refused.message.contains("audit"), "{refused:?}");
    assert!(portal.output().contains("the audit cannot be written"), "{}", portal.output());
}

/// A small file system, until this is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(folder.path())
            .status();
        assert!(mounted.unwrap().success(), "the tests run as root, who may mount a tmpfs");
        Self(folder)
    }

    /// Takes all of its space.
    fn fill(&self) {
        let mut content = vec![b'x'; 4096];
        while fs::write(self.0.path().join("filler"), &content).is_ok() {
            content.extend_from_within(..4096);
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _stays = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_stops_new_sessions_until_there_is_room_and_loses_no_line() {
    let disk = SmallDisk::mount();
    let file = disk.0.path().join("audit.jsonl");
    let flags = ["--audit", file.to_str().unwrap(), "--admin-listen", "127.0.0.1:0"];
    let portal = portal!(Options::with(&flags));
    let server = servers::start(Kind::PureFtpd);
    let mut client = Client::open(&portal).await;
    client.connect(&server).await;
    disk.fill();
    // Lines go on until the file's last block is full too.
    let mut uploads = 0;
    while portal.ask_admin("/readyz").unwrap().status == 200 {
        let outcome = client.upload_one(&small(&format!("{uploads}.bin"))).await;
        assert!(matches!(outcome, Outcome::Done { .. }), "what runs goes on: {outcome:?}");
        uploads += 1;
        assert!(uploads < 100, "{}", portal.output());
    }
    let refused = refusal(&portal.acceptor(), &[("Origin", &portal.origin())]).await;
    assert!(refused.message.contains("audit"), "{refused:?}");

    disk.free();
    let ready = || (portal.ask_admin("/readyz")?.status == 200).then_some(());
    assert!(wait_for(WAIT_LIMIT, ready).is_some(), "{}", portal.output());
    let _welcomed = Client::open(&portal).await;
    let lines = lines(&file);
    let stored = lines.iter().filter(|line| line["event"] == "upload").count();
    assert_eq!(stored, uploads, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigusr1_opens_the_file_again_for_logrotate() {
    let audited = Audited::start(&[]);
    let server = servers::start(Kind::PureFtpd);
    let mut client = Client::open(&audited.portal).await;
    client.connect(&server).await;
    let rotated = audited.folder.path().join("audit.jsonl.1");
    fs::rename(audited.file(), &rotated).unwrap();
    audited.portal.signal("USR1");
    let reopened = wait_for(WAIT_LIMIT, || audited.file().exists().then_some(()));
    assert!(reopened.is_some(), "{}", audited.portal.output());
    assert!(matches!(client.upload_one(&small("a.bin")).await, Outcome::Done { .. }));
    audited.line("upload", "done");
    assert!(lines(&rotated).iter().any(|line| line["event"] == "login"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_in_json_is_one_object_a_line() {
    let portal = portal!(Options::with(&["--log-format", "json"]));
    refusal(&portal.acceptor(), &[("Origin", "https://evil.example")]).await;
    let logged = wait_for(WAIT_LIMIT, || {
        let output = portal.output();
        let line = output.lines().find(|line| line.starts_with('{'))?;
        Some(serde_json::from_str::<Value>(line).expect("a JSON object"))
    });
    let logged = logged.expect("a line of the log");
    assert_eq!(logged["level"], "WARN");
    assert_eq!(logged["origin"], "https://evil.example");
}
