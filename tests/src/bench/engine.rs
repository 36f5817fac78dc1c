//! Our contestant: the FTPS engine in this process. All that the bench knows of its API is here.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::UNIX_EPOCH,
};

use anyhow::{Result, anyhow};
use bytes::Bytes;
use ferryport_tests::{engine::EngineSetup, servers::Server};
use ftps::{
    Connector, Pool, RemotePath,
    upload::{Existing, Plan, Progress, Source},
};
use tokio::{runtime::Runtime, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::workload::Files;

/// What it does for a file besides sending it, for the words of the tables.
pub(crate) const PER_FILE: &str = "Ferryport writes to a temporary name, checks the file, renames \
                                   it and sets its date; the others write in place, and lftp's \
                                   `mirror` sets the date too.";

/// What the engine is given at a time.
const PIECE_BYTES: u64 = 256 * 1024;

/// Uploads all files over a number of sessions.
pub(crate) fn upload(
    runtime: &Runtime,
    server: &Server,
    files: &Files,
    sessions: u32,
) -> Result<()> {
    let pool = Pool::new(connector(server, sessions));
    let work = Arc::new(Work::of(files)?);
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..sessions {
            tasks.spawn(take_and_upload(pool.clone(), Arc::clone(&work)));
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    })?;
    // It is not waited for, as in lftp.
    runtime.spawn(async move { pool.close().await });
    Ok(())
}

/// Files that sessions take one after the other.
struct Work {
    files: Vec<Job>,
    next: AtomicUsize,
}

/// One file.
struct Job {
    from: PathBuf,
    plan: Plan,
}

/// A file, and the one that follows it over the same session.
struct OnDisk {
    file: File,
    upcoming: Option<RemotePath>,
}

impl Work {
    fn of(files: &Files) -> Result<Self> {
        let files = files.names.iter().map(|name| Job::of(files, name));
        Ok(Self { files: files.collect::<Result<_>>()?, next: AtomicUsize::new(0) })
    }

    fn take(&self) -> Option<&Job> {
        self.files.get(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl Job {
    fn of(files: &Files, name: &str) -> Result<Self> {
        let from = files.folder().join(name);
        let modified = fs::metadata(&from)?.modified()?.duration_since(UNIX_EPOCH)?;
        let plan = Plan {
            path: RemotePath::try_from(name)?,
            size: files.bytes,
            modified_millis: Some(i64::try_from(modified.as_millis())?),
            existing: Existing::Keep,
            resume: None,
            digest: None,
        };
        Ok(Self { from, plan })
    }
}

impl Source for OnDisk {
    type Error = io::Error;

    async fn next(&mut self) -> io::Result<Bytes> {
        // The file is in memory, so reading it takes no time.
        let mut piece = Vec::with_capacity(usize::try_from(PIECE_BYTES).unwrap_or_default());
        (&mut self.file).take(PIECE_BYTES).read_to_end(&mut piece)?;
        Ok(piece.into())
    }

    async fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset)).map(drop)
    }

    async fn progress(&mut self, _: Progress<'_>) {}

    fn next_upload(&mut self) -> Option<RemotePath> {
        self.upcoming.take()
    }
}

async fn take_and_upload(pool: Pool, work: Arc<Work>) -> Result<()> {
    let mut session = pool.lease().await;
    let mut next = work.take();
    while let Some(job) = next {
        next = work.take();
        let upcoming = next.map(|job| job.plan.path.clone());
        let mut source = OnDisk { file: File::open(&job.from)?, upcoming };
        let ended =
            ftps::upload::upload(&mut session, &job.plan, &mut source, &CancellationToken::new())
                .await;
        ended.map_err(|failed| anyhow!("{}: {:?}", job.plan.path, failed.error))?;
    }
    Ok(())
}

/// A connector for a pool that has all its sessions from the start.
fn connector(server: &Server, sessions: u32) -> Connector {
    let setup = EngineSetup::of(server).configure(|config| {
        config.sessions.start = sessions;
        config.sessions.max = sessions;
    });
    setup.connector()
}
