//! Random schedules of breaks, refusals, late and lost replies, full disks and cancels over several
//! uploads, on paused time, against a server in memory. After each: what the engine said is true, no
//! file was harmed, and nothing is left on the server that was not reported.
//!
//! A seed determines its schedule. Only the keys and nonces of TLS are not seeded: their lengths are
//! fixed. A schedule that fails prints its seed. `UPLOAD_MODEL_SEED=<seed>`
//! runs that one alone and prints what the server saw. `UPLOAD_MODEL_SCHEDULES=<count>` runs another
//! number of them, from `UPLOAD_MODEL_FIRST=<seed>` on, on `UPLOAD_MODEL_THREADS=<count>` threads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use ftps::{
    Algorithm, Connector, FileDigest, Pool, RemotePath, Transcript,
    upload::{
        DigestError, Existing, Failed, Plan, Progress, Source, UploadError, Uploaded, temporary,
        upload,
    },
};
use memory_network::{
    client,
    seeds::{Seeds, failure_of, from_environment, paused_runtime},
};
use memory_server::{HOME, Renames, World};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

mod memory_network;
mod memory_server;

/// Schedules in the suite.
const SCHEDULES: u64 = 2_000;

/// Everything ends within this time on the paused clock.
const TIME_LIMIT: Duration = Duration::from_secs(48 * 3600);

/// One upload of a schedule.
#[derive(Clone, Debug)]
struct Job {
    name: String,
    content: Arc<[u8]>,
    /// The file that has the name before.
    old: Option<Vec<u8>>,
    existing: Existing,
    digest: Option<Algorithm>,
    modified: bool,
    piece: usize,
    /// The wait before each piece.
    pace: Duration,
    /// The source fails at this offset.
    fails_at: Option<usize>,
    cancel: Option<Cancel>,
}

#[derive(Clone, Copy, Debug)]
struct Cancel {
    at: CancelAt,
    keeps: bool,
}

#[derive(Clone, Copy, Debug)]
enum CancelAt {
    After(Duration),
    Offset(u64),
    Confirming,
}

impl Job {
    fn random(rng: &mut fastrand::Rng, index: usize) -> Self {
        let length = match rng.u32(..6) {
            0 => rng.usize(..3),
            1 | 2 => rng.usize(..2_000),
            _ => rng.usize(..40_000),
        };
        let content: Arc<[u8]> = (0..length).map(|_| rng.u8(..)).collect();
        let existing =
            [Existing::Keep, Existing::Keep, Existing::Replace, Existing::Resume][rng.usize(..4)];
        let old = match existing {
            Existing::Resume if rng.bool() => Some(content[..rng.usize(..=length)].to_vec()),
            Existing::Resume => None,
            _ if rng.u32(..3) == 0 => Some((0..rng.usize(..500)).map(|_| rng.u8(..)).collect()),
            _ => None,
        };
        let directory = ["", "", "d/", "d/e/"][rng.usize(..4)];
        Self {
            name: format!("{directory}file{index}"),
            content,
            old,
            existing,
            digest: [None, Some(Algorithm::Crc32), Some(Algorithm::Sha256)][rng.usize(..3)],
            modified: rng.bool(),
            piece: rng.usize(1..20_000).max(length / 20).max(1),
            pace: Duration::from_millis(if rng.u32(..3) == 0 { rng.u64(..2_000) } else { 0 }),
            fails_at: (rng.u32(..15) == 0).then(|| rng.usize(..=length)),
            cancel: (rng.u32(..5) == 0).then(|| Cancel::random(rng, length)),
        }
    }

    fn path(&self) -> String {
        format!("{HOME}/{}", self.name)
    }

    fn plan(&self) -> Plan {
        Plan {
            path: RemotePath::try_from(self.name.as_str()).unwrap(),
            size: self.content.len() as u64,
            modified_millis: self.modified.then_some(1_738_324_800_000),
            existing: self.existing,
            resume: None,
            digest: self.digest,
        }
    }
}

impl Cancel {
    fn random(rng: &mut fastrand::Rng, length: usize) -> Self {
        let at = match rng.u32(..4) {
            0 => CancelAt::Confirming,
            1 => CancelAt::After(Duration::from_millis(rng.u64(..200_000))),
            2 => CancelAt::After(Duration::from_millis(rng.u64(..50))),
            _ => CancelAt::Offset(rng.u64(..=length as u64)),
        };
        Self { at, keeps: rng.bool() }
    }
}

/// The jobs that nothing has taken yet.
type Queue = Arc<Mutex<VecDeque<usize>>>;

/// The bytes of one job.
struct JobSource<'a> {
    job: &'a Job,
    jobs: &'a [Job],
    position: usize,
    queue: &'a Queue,
    /// The job that follows over the same client.
    next: Option<usize>,
    cancel: CancellationToken,
}

#[derive(Debug)]
struct SourceFailed;

impl JobSource<'_> {
    fn cancel_if(&self, is_due: impl FnOnce(CancelAt) -> bool) {
        if self.job.cancel.is_some_and(|cancel| is_due(cancel.at)) {
            self.cancel.cancel();
        }
    }
}

impl Source for JobSource<'_> {
    type Error = SourceFailed;

    async fn next(&mut self) -> Result<Bytes, SourceFailed> {
        sleep(self.job.pace).await;
        if self.job.fails_at.is_some_and(|at| self.position >= at) {
            return Err(SourceFailed);
        }
        let end = self.job.content.len().min(self.position + self.job.piece);
        let bytes = Bytes::copy_from_slice(&self.job.content[self.position..end]);
        self.position = end;
        Ok(bytes)
    }

    async fn seek(&mut self, offset: u64) -> Result<(), SourceFailed> {
        self.position = usize::try_from(offset).unwrap();
        Ok(())
    }

    async fn progress(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Taken { offset } => {
                self.cancel_if(|at| matches!(at, CancelAt::Offset(from) if offset >= from));
            }
            Progress::Confirming => self.cancel_if(|at| matches!(at, CancelAt::Confirming)),
            Progress::Opened { .. } | Progress::Interrupted { .. } => (),
        }
    }

    async fn check_digest(
        &mut self,
        range: std::ops::Range<u64>,
        digest: &FileDigest,
    ) -> Result<Option<FileDigest>, DigestError<SourceFailed>> {
        let start = usize::try_from(range.start).unwrap();
        if digest.algorithm() != Algorithm::Crc32 {
            return Ok(None);
        }
        let crc = |bytes: &[u8]| {
            FileDigest::new(Algorithm::Crc32, &format!("{:08x}", crc32fast::hash(bytes))).unwrap()
        };
        assert_eq!(
            *digest,
            crc(&self.job.content[start..]),
            "the engine's digest is that of the file"
        );
        Ok(Some(crc(&self.job.content)))
    }

    fn keeps_on_cancel(&self) -> bool {
        self.job.cancel.is_some_and(|cancel| cancel.keeps)
    }

    fn next_upload(&mut self) -> Option<RemotePath> {
        if self.next.is_none() {
            self.next = self.queue.lock().unwrap().pop_front();
        }
        let job = &self.jobs[self.next?];
        Some(RemotePath::try_from(job.name.as_str()).unwrap())
    }

    fn release_next_upload(&mut self) {
        let next = self.next.take().expect("a job was named");
        self.queue.lock().unwrap().push_front(next);
    }
}

type Outcome = Result<Uploaded, Failed<SourceFailed>>;

/// Takes jobs from the queue until it is empty.
async fn work(
    pool: Pool,
    jobs: Arc<[Job]>,
    queue: Queue,
    outcomes: Arc<Mutex<Vec<(usize, Outcome)>>>,
) {
    loop {
        let mut client = pool.lease().await;
        let mut next = queue.lock().unwrap().pop_front();
        if next.is_none() {
            return;
        }
        while let Some(index) = next.take() {
            let job = &jobs[index];
            let cancel = CancellationToken::new();
            let mut source = JobSource {
                job,
                jobs: &jobs,
                position: 0,
                queue: &queue,
                next: None,
                cancel: cancel.clone(),
            };
            let after = match job.cancel {
                Some(Cancel { at: CancelAt::After(after), .. }) => after,
                _ => TIME_LIMIT * 2,
            };
            let plan = job.plan();
            let outcome = {
                let mut uploading =
                    std::pin::pin!(upload(&mut client, &plan, &mut source, &cancel));
                tokio::select! {
                    biased;
                    outcome = &mut uploading => outcome,
                    () = sleep(after) => {
                        cancel.cancel();
                        uploading.await
                    }
                }
            };
            outcomes.lock().unwrap().push((index, outcome));
            next = source.next;
        }
    }
}

/// A schedule and the world that it runs in.
struct Schedule {
    world: Arc<World>,
    jobs: Arc<[Job]>,
    pool: Pool,
    workers: usize,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let faults = rng.u32(..8);
        let count = rng.usize(1..5);
        let jobs: Arc<[Job]> = (0..count).map(|index| Job::random(&mut rng, index)).collect();
        let workers = rng.usize(1..4);
        let random = rng.fork();
        let world = World::new(rng, faults);
        for job in &*jobs {
            if let Some(old) = &job.old {
                let mut state = world.state();
                let path = job.path();
                for (at, _) in path.match_indices('/').skip(1) {
                    state.directories.insert(path[..at].to_owned());
                }
                state.files.insert(path, old.clone());
            }
        }
        let pool = Pool::new(connector(&world, random));
        Self { world, jobs, pool, workers }
    }

    async fn run(&self) {
        let queue: Queue = Arc::new(Mutex::new((0..self.jobs.len()).collect()));
        let outcomes = Arc::default();
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..self.workers {
            let (pool, jobs) = (self.pool.clone(), Arc::clone(&self.jobs));
            workers.spawn(work(pool, jobs, Arc::clone(&queue), Arc::clone(&outcomes)));
        }
        let ended = timeout(TIME_LIMIT, async {
            while let Some(worker) = workers.join_next().await {
                worker.unwrap();
            }
        });
        ended.await.expect("every upload ends");
        let outcomes = std::mem::take(&mut *outcomes.lock().unwrap());
        assert_eq!(outcomes.len(), self.jobs.len(), "every job has an outcome");
        for (index, outcome) in &outcomes {
            let told = match outcome {
                Ok(uploaded) => format!("Ok: {}", uploaded.verified),
                Err(failed) => format!("{failed:?}"),
            };
            self.world.note(format!("{}: {told}", self.jobs[*index].name));
        }
        for (index, outcome) in &outcomes {
            self.check_outcome(&self.jobs[*index], outcome);
        }
        self.check_part_files(&outcomes);
        self.world.end_faults();
        // Until the server has ended the sessions whose clients are gone.
        sleep(Duration::from_secs(2 * 3600)).await;
        for (index, outcome) in outcomes {
            if let Err(failed) = outcome {
                self.upload_again(&self.jobs[index], failed).await;
            }
        }
        self.pool.close().await;
    }

    fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.world.state().files.get(path).cloned()
    }

    /// Whether files may be written under their own names, where a break harms what they replace.
    fn may_write_in_place(&self) -> bool {
        self.world.state().rename_refused
            || matches!(self.world.traits.renames, Renames::NoRnfr | Renames::NoRnto)
    }

    fn check_outcome(&self, job: &Job, outcome: &Outcome) {
        let name = &job.name;
        let stored = self.file(&job.path());
        let Err(failed) = outcome else {
            assert_eq!(stored.as_deref(), Some(&*job.content), "{name}: done, and not stored");
            return;
        };
        let leftover = failed.leftover.as_ref().map(ToString::to_string);
        let left = leftover.as_ref().and_then(|path| self.file(path));
        if let Some(left) = &left
            && leftover.as_deref() != Some(&*job.path())
        {
            assert!(job.content.starts_with(left), "{name}: the leftover is no part of the file");
        }
        if let UploadError::Exists { size, .. } = failed.error {
            assert!(job.existing != Existing::Replace, "{name}: it was to be replaced");
            // Without a size, the server did not tell whether anything has the name.
            assert!(stored.is_some() || size.is_none(), "{name}: nothing has the name");
        }
        match &job.old {
            None => self.check_new_name(job, stored.as_deref(), leftover.as_deref()),
            Some(old) => self.check_old_file(job, old, failed, left.as_deref()),
        }
    }

    /// A name that was free: a whole file has it, or nothing, or what was reported.
    fn check_new_name(&self, job: &Job, stored: Option<&[u8]>, leftover: Option<&str>) {
        let is_right = match stored {
            None => true,
            Some(stored) => {
                *stored == *job.content
                    || leftover == Some(&*job.path())
                    || self.world.state().not_deleted.contains(&job.path())
                    // It may have been written over an old file, as far as the server tells.
                    || (job.existing == Existing::Replace && self.may_write_in_place())
            }
        };
        assert!(is_right, "{}: a part of the file has the name", job.name);
    }

    /// A file that had the name before is where it was, or where the engine says.
    fn check_old_file(
        &self,
        job: &Job,
        old: &[u8],
        failed: &Failed<SourceFailed>,
        left: Option<&[u8]>,
    ) {
        let stored = self.file(&job.path());
        let is_old = stored.as_deref() == Some(old);
        let is_aside = match &failed.error {
            UploadError::NotReplaced { old: aside, .. } => {
                self.file(&aside.to_string()).as_deref() == Some(old)
            }
            _ => false,
        };
        let is_safe = match job.existing {
            Existing::Keep => is_old,
            Existing::Replace => {
                let is_new = stored.as_deref() == Some(&*job.content);
                is_old || is_new || is_aside || self.may_write_in_place()
            }
            Existing::Resume => {
                let holds_old =
                    |file: Option<&[u8]>| file.is_some_and(|file| file.starts_with(old));
                // Nothing is lost with an empty file.
                old.is_empty()
                    || holds_old(stored.as_deref())
                    || holds_old(left)
                    || is_aside
                    || self.may_write_in_place()
            }
        };
        assert!(is_safe, "{}: the old file was harmed: {:?}", job.name, job.existing);
    }

    /// Every file under a temporary name, and every temporary directory, was reported, or the server
    /// refused to delete the file.
    fn check_part_files(&self, outcomes: &[(usize, Outcome)]) {
        let mut known: BTreeSet<String> = self.jobs.iter().map(Job::path).collect();
        known.extend(self.world.state().not_deleted.iter().cloned());
        for (_, outcome) in outcomes {
            let not_deleted = match outcome {
                Ok(uploaded) => &uploaded.not_deleted,
                Err(failed) => &failed.not_deleted,
            };
            known.extend(not_deleted.iter().map(ToString::to_string));
            let Err(failed) = outcome else { continue };
            known.extend(failed.leftover.as_ref().map(ToString::to_string));
            if let UploadError::NotReplaced { new, old, .. } = &failed.error {
                known.extend([new.to_string(), old.to_string()]);
            }
        }
        let (files, directories): (Vec<String>, _) = {
            let state = self.world.state();
            (state.files.keys().cloned().collect(), state.directories.clone())
        };
        let unknown: Vec<_> = files.iter().filter(|path| !known.contains(*path)).collect();
        assert!(unknown.is_empty(), "left and not reported: {unknown:?}");
        let is_unknown = |directory: &&String| {
            let below = format!("{directory}/");
            temporary::is_directory(&RemotePath::try_from(directory.as_str()).unwrap())
                && !known.iter().any(|path| path == *directory || path.starts_with(&below))
        };
        let unknown: Vec<_> = directories.iter().filter(is_unknown).collect();
        assert!(unknown.is_empty(), "left and not reported: {unknown:?}");
    }

    /// Without faults, the same upload succeeds: from what it left, or from the start.
    async fn upload_again(&self, job: &Job, failed: Failed<SourceFailed>) {
        let may_work =
            self.world.traits.disk == usize::MAX && self.world.traits.renames != Renames::NoRnto;
        if !may_work {
            return;
        }
        let job = Job { cancel: None, fails_at: None, existing: Existing::Replace, ..job.clone() };
        let plan = Plan { resume: failed.leftover, ..job.plan() };
        let queue = Queue::default();
        let cancel = CancellationToken::new();
        let mut source = JobSource {
            job: &job,
            jobs: &[],
            position: 0,
            queue: &queue,
            next: None,
            cancel: cancel.clone(),
        };
        let mut client = self.pool.lease().await;
        let again = timeout(TIME_LIMIT, upload(&mut client, &plan, &mut source, &cancel)).await;
        let again = again.expect("the second upload ends");
        if let Err(error) = again {
            panic!("{}: the second upload failed: {error:?}", job.name);
        }
        assert_eq!(self.file(&job.path()).as_deref(), Some(&*job.content), "{}", job.name);
    }
}

fn connector(world: &Arc<World>, random: fastrand::Rng) -> Connector {
    let log = Arc::downgrade(world);
    let transcript = Transcript::new(move |event| {
        if let Some(world) = log.upgrade() {
            world.note(format!("                    {event}"));
        }
    });
    client::connector(Arc::clone(world), client::config(random), transcript)
}

/// The outcome of a schedule.
struct Played {
    world: Arc<World>,
    /// The claim that does not hold.
    failure: Option<String>,
}

/// Runs one schedule.
fn play(seed: u64) -> Played {
    let runtime = paused_runtime();
    let schedule = runtime.block_on(async { Schedule::new(seed) });
    let world = Arc::clone(&schedule.world);
    let failure = failure_of(|| {
        let schedule = schedule;
        runtime.block_on(schedule.run());
    });
    Played { world, failure }
}

#[test]
fn random_schedules_harm_no_file_and_every_report_is_true() {
    if let Some(seed) = from_environment("UPLOAD_MODEL_SEED") {
        let Played { world, failure } = play(seed);
        println!("{:#?}\n{}", world.traits, world.state().log.join("\n"));
        assert_eq!(failure, None);
        return;
    }
    let seeds = Seeds::from_environment("UPLOAD_MODEL", "SCHEDULES", SCHEDULES);
    seeds.assert_all(|seed| play(seed).failure);
}

#[test]
fn seed_determines_its_schedule() {
    for seed in 0..60 {
        let [first, second] =
            [play(seed), play(seed)].map(|played| played.world.state().log.clone());
        let differs = first.iter().zip(&second).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}
