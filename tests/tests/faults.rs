//! Uploads over a network with faults: no file is lost, and none is reported as done that is not.
//!
//! Each schedule depends on its number only, which a failure prints:
//! `FAULT_SEED=17 cargo test --test faults vsftpd`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{
    convert::Infallible, net::SocketAddr, path::Path, process::Command, sync::Arc, time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;
use ferryport_tests::{
    engine::{EngineSetup, SessionLog, remote},
    fault_proxy::{Fault, FaultKind, FaultProxy, On, Way},
    schedules,
    servers::{self, Server, hex},
    with_each_kind, with_each_server,
};
use ftps::{
    Cause, Connector, ManagedClient, Pool,
    upload::{Existing, Failed, Plan, Progress, Source, UploadError, Uploaded},
};
use futures_util::future::join_all;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

/// Faults of one schedule at most.
const MAX_FAULTS: usize = 4;

/// A file in memory, and how often it was sent.
struct Memory {
    content: Arc<[u8]>,
    position: usize,
    sent: u64,
    interrupted: u32,
}

impl Memory {
    fn new(content: &[u8]) -> Self {
        Self { content: content.into(), position: 0, sent: 0, interrupted: 0 }
    }
}

impl Source for Memory {
    type Error = Infallible;

    async fn next(&mut self) -> Result<Bytes, Infallible> {
        let end = self.content.len().min(self.position + 128 * 1024);
        let bytes = Bytes::copy_from_slice(&self.content[self.position..end]);
        self.position = end;
        self.sent += bytes.len() as u64;
        Ok(bytes)
    }

    async fn seek(&mut self, offset: u64) -> Result<(), Infallible> {
        self.position = usize::try_from(offset).unwrap();
        Ok(())
    }

    async fn progress(&mut self, progress: Progress<'_>) {
        if let Progress::Interrupted { .. } = progress {
            self.interrupted += 1;
        }
    }
}

fn content(rng: &mut Rng, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rng.fill(&mut bytes);
    bytes
}

fn plan(name: &str, content: &[u8]) -> Plan {
    Plan {
        path: remote(name),
        size: content.len() as u64,
        modified_millis: Some(1_700_000_000_000),
        existing: Existing::Keep,
        resume: None,
        digest: None,
    }
}

/// A client with short deadlines and retries.
fn managed_client(server: &Server, address: SocketAddr, log: &SessionLog) -> ManagedClient {
    ManagedClient::new(connector(server, address, log))
}

fn connector(server: &Server, address: SocketAddr, log: &SessionLog) -> Connector {
    let setup = EngineSetup::of(server).at(address).logging(log).configure(|config| {
        let timeouts = &mut config.timeouts;
        timeouts.connect = Duration::from_secs(5);
        timeouts.tls_handshake = Duration::from_secs(3);
        timeouts.greeting = Duration::from_secs(5);
        timeouts.silence = Duration::from_secs(5);
        timeouts.reply = Duration::from_secs(3);
        timeouts.batch = Duration::from_secs(3);
        timeouts.data_connect = Duration::from_secs(2);
        timeouts.stall = Duration::from_secs(3);
        timeouts.final_reply = Duration::from_secs(3);
        timeouts.verdict = Duration::from_millis(500);
        timeouts.drain = Duration::from_millis(500);
        timeouts.abort = Duration::from_secs(3);
        config.retry.first = Duration::from_millis(20);
        config.retry.tries = 10;
    });
    setup.connector()
}

async fn upload(
    session: &mut ManagedClient,
    plan: &Plan,
    source: &mut Memory,
) -> Result<Uploaded, Failed<Infallible>> {
    ftps::upload::upload(session, plan, source, &CancellationToken::new()).await
}

/// Checks that a name has the whole content or does not exist.
fn assert_stored(server: &Server, name: &str, content: &[u8], log: &SessionLog) {
    let expected = hex(&Sha256::digest(content));
    assert_eq!(server.sha256_of(name), Some(expected), "{name}\n{}", log.text());
}

/// Runs one schedule: uploads over two sessions, with faults of the network.
async fn play(server: &Server, fault_proxy: &FaultProxy, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let files = files(&mut rng, seed);
    let faults = faults(&mut rng);
    let log = SessionLog::default();
    println!("{} {seed}: {faults:?}", server.kind().name());
    fault_proxy.plan(faults.clone());
    let pool = Pool::new(connector(server, fault_proxy.address(), &log));
    let uploads = files.iter().map(|(name, content)| {
        let pool = pool.clone();
        let (plan, mut source) = (plan(name, content), Memory::new(content));
        async move {
            let mut lease = pool.lease().await;
            upload(&mut lease, &plan, &mut source).await
        }
    });
    for ended in join_all(uploads).await {
        // There are fewer faults than retries: each file must be stored.
        if let Err(failed) = ended {
            panic!("seed {seed}, {faults:?}: {failed:?}\n{}", log.text());
        }
    }
    fault_proxy.plan([]);
    pool.close().await;
    for (name, content) in &files {
        assert_stored(server, name, content, &log);
    }
    let left: Vec<_> = std::fs::read_dir(server.root().join(seed.to_string()))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "part"))
        .collect();
    assert_eq!(left, Vec::<String>::new(), "seed {seed}\n{}", log.text());
}

fn files(rng: &mut Rng, seed: u64) -> Vec<(String, Vec<u8>)> {
    let sizes = [0, 1, 5000, 300_000, 1_500_000, 4_000_000];
    let count = rng.usize(2..5);
    let name = |index| format!("{seed}/file-{index}");
    (0..count)
        .map(|index| {
            let size = sizes[rng.usize(..sizes.len())];
            (name(index), content(rng, size))
        })
        .collect()
}

fn faults(rng: &mut Rng) -> Vec<Fault> {
    let count = rng.usize(1..=MAX_FAULTS);
    (0..count).map(|_| Fault::random(rng)).collect()
}

with_each_kind! {
    async fn every_file_is_stored_whole_in_random_schedules(kind: Kind) {
        let server = Arc::new(servers::start(kind));
        schedules::run(|seeds| {
            let server = Arc::clone(&server);
            async move {
                let fault_proxy = FaultProxy::before(&server).await;
                for seed in seeds {
                    play(&server, &fault_proxy, seed).await;
                }
            }
        })
        .await;
    }
}

with_each_server! {
    /// The data connection breaks at ten points of an upload, which resumes from the part.
    async fn a_break_at_ten_points_costs_only_the_bytes_in_flight(server: Server) {
        let fault_proxy = FaultProxy::before(&server).await;
        let mut rng = Rng::with_seed(10);
        let content = content(&mut rng, 24_000_000);
        let points: Vec<u64> = (0..10).map(|_| rng.u64(..24_000_000)).collect();
        for (index, after) in points.into_iter().enumerate() {
            let log = SessionLog::default();
            let fault = Fault { on: On::Data, way: Way::ToServer, after, kind: FaultKind::Reset };
            fault_proxy.plan([fault]);
            let mut session = managed_client(&server, fault_proxy.address(), &log);
            let mut source = Memory::new(&content);
            let name = format!("file-{index}");
            let uploaded = upload(&mut session, &plan(&name, &content), &mut source).await;
            let uploaded = uploaded.unwrap_or_else(|e| panic!("{e:?}\n{}", log.text()));
            assert_stored(&server, &name, &content, &log);
            assert!(uploaded.attempts > 1 && source.interrupted > 0, "{}", log.text());
            let again = source.sent - content.len() as u64;
            // The bytes in the buffers of both sides and of the network.
            let in_flight = 16_000_000;
            assert!(!server.resumes_uploads() || again <= in_flight, "{again}\n{}", log.text());
            if server.resumes_uploads() && after > in_flight {
                assert!(log.text().contains("Resuming there"), "{}", log.text());
            }
            session.quit().await;
        }
    }

    /// The control connection breaks at ten points of an upload.
    async fn an_upload_survives_a_control_connection_broken_at_ten_points(server: Server) {
        let fault_proxy = FaultProxy::before(&server).await;
        let mut rng = Rng::with_seed(11);
        for index in 0..10 {
            let log = SessionLog::default();
            let content = content(&mut rng, 2_000_000);
            let way = if rng.bool() { Way::ToServer } else { Way::ToClient };
            // From the login to the rename.
            let fault = Fault { on: On::Control, way, after: rng.u64(..6000), kind: FaultKind::Reset };
            fault_proxy.plan([fault]);
            let mut session = managed_client(&server, fault_proxy.address(), &log);
            let name = format!("file-{index}");
            let mut source = Memory::new(&content);
            let uploaded = upload(&mut session, &plan(&name, &content), &mut source).await;
            uploaded.unwrap_or_else(|e| panic!("{fault:?} {e:?}\n{}", log.text()));
            assert_stored(&server, &name, &content, &log);
            session.quit().await;
        }
    }

    /// The reply to the transfer never comes, but the file does.
    async fn a_lost_reply_is_replaced_by_the_size(server: Server) {
        let fault_proxy = FaultProxy::before(&server).await;
        let fault_proxy = Arc::new(fault_proxy);
        let log = SessionLog::default();
        let content = content(&mut Rng::with_seed(12), 100_000);
        let mut session = managed_client(&server, fault_proxy.address(), &log);
        let network = Arc::clone(&fault_proxy);
        let mut source = Watched::new(&content, move |position| {
            if position == 100_000 {
                network.mute();
            }
        });
        let plan = plan("a", &content);
        let uploaded = ftps::upload::upload(&mut session, &plan, &mut source, &CancellationToken::new()).await;
        let uploaded = uploaded.unwrap_or_else(|e| panic!("{e:?}\n{}", log.text()));
        assert_eq!(uploaded.attempts, 1, "{}", log.text());
        assert!(log.text().contains("reply was lost"), "{}", log.text());
        assert_stored(&server, "a", &content, &log);
    }

    /// The server is restarted in the middle of an upload.
    async fn a_restarted_server_gets_the_rest_of_the_file(server: Server) {
        let mut server = server;
        let log = SessionLog::default();
        let content = content(&mut Rng::with_seed(13), 60_000_000);
        let mut session = managed_client(&server, server.address(), &log);
        let (began, mut begun) = tokio::sync::mpsc::channel(1);
        let mut source = Watched::new(&content, move |position| {
            if position > 30_000_000 {
                let _told_before = began.try_send(());
            }
        });
        let plan = plan("a", &content);
        let upload = tokio::spawn(async move {
            ftps::upload::upload(&mut session, &plan, &mut source, &CancellationToken::new()).await
        });
        begun.recv().await.unwrap();
        server.restart();
        let uploaded = upload.await.unwrap();
        let uploaded = uploaded.unwrap_or_else(|e| panic!("{e:?}\n{}", log.text()));
        assert!(uploaded.attempts > 1, "{}", log.text());
        assert_stored(&server, "a", &content, &log);
    }

    /// The disk is full: the error comes at once, and the part is removed.
    async fn a_full_disk_is_diagnosed_and_the_part_file_removed(server: Server) {
        let disk = SmallDisk::mount(&server.root().join("disk"));
        let log = SessionLog::default();
        let content = content(&mut Rng::with_seed(14), 4_000_000);
        let mut session = managed_client(&server, server.address(), &log);
        let plan = plan("disk/a", &content);
        let failed = upload(&mut session, &plan, &mut Memory::new(&content)).await.unwrap_err();
        let UploadError::Engine(error) = &failed.error else { panic!("{failed:?}\n{}", log.text()) };
        let cause = Cause::of(error);
        assert_eq!(cause, Cause::DiskFull, "{error:?}\n{}", log.text());
        assert_eq!(disk.files(), Vec::<String>::new(), "{}", log.text());
    }

    /// A firewall blocks the data ports: the diagnosis names the port and who can open it.
    async fn blocked_data_ports_are_diagnosed(server: Server) {
        let fault_proxy = FaultProxy::with_blocked_data_ports(&server).await;
        let log = SessionLog::default();
        let mut session = managed_client(&server, fault_proxy.address(), &log);
        let content = b"abc";
        let failed = upload(&mut session, &plan("a", content), &mut Memory::new(content)).await;
        let failed = failed.unwrap_err();
        let UploadError::Engine(error) = &failed.error else { panic!("{failed:?}\n{}", log.text()) };
        assert!(error.evidence().data_port.is_some(), "{error:?}\n{}", log.text());
        assert_eq!(error.stage(), ftps::Stage::DataConnection);
        assert_eq!(server.files(), Vec::<String>::new());
    }
}

/// A source that reports how far it is.
struct Watched<W> {
    memory: Memory,
    watch: W,
}

impl<W: FnMut(usize)> Watched<W> {
    fn new(content: &[u8], watch: W) -> Self {
        Self { memory: Memory::new(content), watch }
    }
}

impl<W: FnMut(usize) + Send> Source for Watched<W> {
    type Error = Infallible;

    async fn next(&mut self) -> Result<Bytes, Infallible> {
        let bytes = self.memory.next().await;
        (self.watch)(self.memory.position);
        bytes
    }

    async fn seek(&mut self, offset: u64) -> Result<(), Infallible> {
        self.memory.seek(offset).await
    }

    async fn progress(&mut self, progress: Progress<'_>) {
        self.memory.progress(progress).await;
    }
}

/// A file system of 1 MiB, unmounted when dropped.
struct SmallDisk {
    folder: std::path::PathBuf,
}

impl SmallDisk {
    fn mount(folder: &Path) -> Self {
        std::fs::create_dir(folder).unwrap();
        let options = "size=1m,mode=777";
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(folder);
        assert!(mount.status().unwrap().success(), "the tests run as root and may mount");
        Self { folder: folder.to_owned() }
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}
