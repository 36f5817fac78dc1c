//! Random walks over combinations of odd servers, on paused time: uploads under every policy, answers
//! to conflicts, renames, cancels and breaks. A walk claims two things only: no file that was there
//! before is lost or changed without an answer of the user, and each upload that is reported as done
//! is stored under its name with its bytes.
//!
//! A seed determines its walk. A walk that fails prints its seed and its oddities. `ODDITIES_SEED=<seed>`
//! runs that one alone and prints what the server saw. `ODDITIES_WALKS=<count>` runs another number of
//! them, from `ODDITIES_FIRST=<seed>` on, on `ODDITIES_THREADS=<count>` threads.
//! `ODDITIES_DRAWN=<name>,<name>` draws from these oddities alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use ftps::{
    Algorithm, FileDigest, Pool, PooledClient, RemotePath, Transcript, Verified,
    transcript::{EventKind, Status},
    upload::{
        DigestError, Existing, Failed, Plan, Progress, Source, UploadError, Uploaded,
        temporary::{self, target_of},
        upload,
    },
};
use memory_network::{
    client,
    network::Host as _,
    seeds::{Seeds, failure_of, from_environment, paused_runtime},
};
use odd_server::{
    HOME, OddServer, Oddity, VIRUS,
    disk::{Held, Item, NEW_MODE, Node, Snapshot},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

mod memory_network;
mod odd_server;

/// Walks in the suite.
const WALKS: u64 = 5_000;

/// So many walks with an oddity have at least one upload that is done and one conflict.
const TELLING: u32 = 100;

/// Every walk ends within this time on the paused clock.
const TIME_LIMIT: Duration = Duration::from_secs(48 * 3600);

/// The server has noticed the end of every broken transfer after this time.
const TRANSFERS_END_WITHIN: Duration = Duration::from_secs(300);

/// The entries that the client reads of a listing ([`Oddity::LongListing`]).
const LISTED_ENTRIES: usize = 4;

/// Names of files. Some differ by case only, two by their Unicode form.
const NAMES: [&str; 7] = [
    "report.csv",
    "Report.csv",
    "gr\u{f6}\u{df}e.csv",
    "gro\u{308}\u{df}e.csv",
    "data.csv",
    "notes.txt",
    "folder.csv",
];

/// One step of a walk.
#[derive(Clone, Debug)]
enum Step {
    Upload(Job),
    Rename { from: String, to: String },
}

/// A file to upload, and what the user answers.
#[derive(Clone)]
struct Job {
    path: String,
    content: Arc<[u8]>,
    /// The content follows that of the file which has the name.
    continues: bool,
    policy: Existing,
    /// The answer to a conflict.
    answer: Answer,
    digest: Option<Algorithm>,
    modified: bool,
    /// Bytes that the source gives at a time.
    piece: usize,
    /// The user cancels at this offset, and may want to resume later.
    cancel: Option<(u64, bool)>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, content, policy, answer, cancel, .. } = self;
        let bytes = content.len();
        write!(f, "{bytes} bytes to {path}, {policy:?}, then {answer:?}, cancel {cancel:?}")
    }
}

/// What the user answers to a conflict.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Skip,
    Overwrite,
    Rename,
    Resume,
}

impl Step {
    fn random(rng: &mut fastrand::Rng, directory: &str) -> Self {
        let path = |rng: &mut fastrand::Rng| format!("{directory}/{}", NAMES[rng.usize(..7)]);
        match rng.u32(..5) {
            0 => Self::Rename { from: path(rng), to: path(rng) },
            _ => {
                let path = path(rng);
                Self::Upload(Job::random(rng, path))
            }
        }
    }

    fn upload_path(&self) -> Option<&str> {
        match self {
            Self::Upload(job) => Some(&job.path),
            Self::Rename { .. } => None,
        }
    }
}

impl Job {
    fn random(rng: &mut fastrand::Rng, path: String) -> Self {
        let length = [rng.usize(..3), rng.usize(..500), rng.usize(..9_000)][rng.usize(..3)];
        let mut content: Vec<u8> = (0..length).map(|_| rng.u8(..)).collect();
        if rng.u32(..5) == 0 {
            content.splice(..0, VIRUS.iter().copied());
        }
        let policies = [Existing::Keep, Existing::Keep, Existing::Replace, Existing::Resume];
        let answers = [Answer::Skip, Answer::Overwrite, Answer::Rename, Answer::Resume];
        let policy = policies[rng.usize(..4)];
        let answer = answers[rng.usize(..4)];
        let resumes = policy == Existing::Resume || matches!(answer, Answer::Resume);
        Self {
            path,
            policy,
            answer,
            continues: resumes,
            digest: rng.bool().then_some(Algorithm::Crc32),
            modified: rng.bool(),
            piece: rng.usize(1..4_000).max(content.len() / 4).max(1),
            cancel: (rng.u32(..8) == 0).then(|| (rng.u64(..=content.len() as u64), rng.bool())),
            content: content.into(),
        }
    }
}

/// The bytes of one upload.
struct JobSource<'a> {
    job: &'a Job,
    position: usize,
    /// The path of the upload that follows.
    next: Option<&'a str>,
    cancel: CancellationToken,
}

impl Source for JobSource<'_> {
    type Error = std::convert::Infallible;

    async fn next(&mut self) -> Result<Bytes, Self::Error> {
        let end = self.job.content.len().min(self.position + self.job.piece);
        let bytes = Bytes::copy_from_slice(&self.job.content[self.position..end]);
        self.position = end;
        Ok(bytes)
    }

    async fn seek(&mut self, offset: u64) -> Result<(), Self::Error> {
        self.position = usize::try_from(offset).unwrap();
        Ok(())
    }

    async fn progress(&mut self, progress: Progress<'_>) {
        if let (Progress::Taken { offset }, Some((at, _))) = (progress, self.job.cancel)
            && offset >= at
        {
            self.cancel.cancel();
        }
    }

    async fn check_digest(
        &mut self,
        _range: Range<u64>,
        digest: &FileDigest,
    ) -> Result<Option<FileDigest>, DigestError<Self::Error>> {
        let crc = format!("{:08x}", crc32fast::hash(&self.job.content));
        Ok((digest.algorithm() == Algorithm::Crc32)
            .then(|| FileDigest::new(Algorithm::Crc32, &crc).unwrap()))
    }

    fn keeps_on_cancel(&self) -> bool {
        self.job.cancel.is_some_and(|(_, keeps)| keeps)
    }

    fn next_upload(&mut self) -> Option<RemotePath> {
        Some(RemotePath::try_from(self.next?).unwrap())
    }
}

type Outcome = Result<Uploaded, Failed<std::convert::Infallible>>;

/// The numbers of outcomes.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    walks: u32,
    done: u32,
    conflicts: u32,
    failed: u32,
    renames: u32,
}

/// The steps in one directory, one after the other.
struct Path {
    directory: String,
    steps: Vec<Step>,
}

impl Said {
    fn note(&mut self, status: &Status) {
        let (paths, path) = match status {
            Status::WritingInPlace { path } | Status::WritingThroughLink { path } => {
                (&mut self.in_place, path)
            }
            Status::ModeUntold { path } => (&mut self.mode_untold, path),
            Status::AdoptedFileKept { path } => (&mut self.kept, path),
            _ => return,
        };
        paths.insert(path.clone());
    }
}

/// The paths that the session log named.
#[derive(Default)]
struct Said {
    /// Files that are written in place, or through a link.
    in_place: BTreeSet<String>,
    /// Replaced files whose modes are not told.
    mode_untold: BTreeSet<String>,
    /// Adopted files that turned out to be other ones, by their temporary names.
    kept: BTreeSet<String>,
}

/// A walk, and the server that it is about.
struct Walk {
    server: Arc<OddServer>,
    pool: Pool,
    paths: Vec<Path>,
    said: Arc<Mutex<Said>>,
    /// The paths that the outcomes say may be left.
    reported: Mutex<BTreeSet<String>>,
    figures: Mutex<Figures>,
}

impl Walk {
    fn new(seed: u64, drawn: &[Oddity]) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let faults = if rng.bool() { 0 } else { rng.u32(1..5) };
        let server = OddServer::new(rng.fork(), drawn, faults);
        let directories = [HOME.to_owned(), format!("{HOME}/in")];
        let count = if rng.u32(..4) == 0 { 2 } else { 1 };
        let paths = directories.into_iter().take(count).map(|directory| {
            fill(&server, &mut rng, &directory);
            let steps = (0..rng.usize(2..6)).map(|_| Step::random(&mut rng, &directory)).collect();
            Path { directory, steps }
        });
        let paths = paths.collect();
        let said = Arc::default();
        let pool = pool(&server, rng, Arc::clone(&said));
        let (reported, figures) = (Mutex::default(), Mutex::default());
        Self { server, pool, paths, said, reported, figures }
    }

    async fn run(&self) {
        let [first, others @ ..] = &*self.paths else { panic!("no path") };
        let second = async {
            match others.first() {
                Some(path) => Some(self.follow(path).await),
                None => None,
            }
        };
        let walked = timeout(TIME_LIMIT, async { tokio::join!(self.follow(first), second) });
        let (first_end, second_end) = walked.await.expect("every walk ends");
        self.pool.close().await;
        sleep(TRANSFERS_END_WITHIN).await;
        let ends = [first_end].into_iter().chain(second_end);
        for (path, end) in self.paths.iter().zip(ends) {
            self.assert_kept(&path.directory, &end, "after the end");
        }
        self.assert_directories_reported();
    }

    /// Every temporary directory that is left was reported, or a file in it.
    fn assert_directories_reported(&self) {
        let reported = self.reported.lock().unwrap();
        let state = self.server.state();
        for left in state.disk.paths() {
            let below = format!("{left}/");
            let is_known = || reported.iter().any(|path| path == left || path.starts_with(&below));
            let path = RemotePath::try_from(left).unwrap();
            assert!(!temporary::is_directory(&path) || is_known(), "{left} is left");
        }
    }

    fn note_reported(&self, outcome: &Outcome) {
        let (not_deleted, failed) = match outcome {
            Ok(uploaded) => (&uploaded.not_deleted, None),
            Err(failed) => (&failed.not_deleted, Some(failed)),
        };
        let both = match failed.map(|failed| &failed.error) {
            Some(UploadError::NotReplaced { new, old, .. }) => [Some(new), Some(old)],
            _ => [None, None],
        };
        let leftover = failed.and_then(|failed| failed.leftover.as_ref());
        let reported = not_deleted.iter().chain(both.into_iter().chain([leftover]).flatten());
        self.reported.lock().unwrap().extend(reported.map(ToString::to_string));
    }

    fn snapshot(&self, directory: &str) -> Snapshot {
        self.server.state().disk.snapshot(directory)
    }

    /// Nothing has changed since the snapshot.
    fn assert_kept(&self, directory: &str, before: &Snapshot, what: &str) {
        let after = self.snapshot(directory);
        for (key, old) in before.iter().filter(|(_, old)| !is_part_file(old)) {
            assert_eq!(after.get(key), Some(old), "{what}: {} changed", old.path);
        }
    }

    /// Whether an item is a link that leads to nothing.
    fn is_broken_link(&self, item: &Item, items: &Snapshot) -> bool {
        match &item.held {
            Held::Link(target) => !items.contains_key(&self.server.state().disk.key(target)),
            Held::File { .. } | Held::Directory => false,
        }
    }

    /// Goes the steps of a path. Returns the directory at the end.
    async fn follow(&self, path: &Path) -> Snapshot {
        let directory = &path.directory;
        let mut client = self.pool.lease().await;
        let mut known = self.snapshot(directory);
        for (at, step) in path.steps.iter().enumerate() {
            self.assert_kept(directory, &known, "between two steps");
            self.server.note(format!("------ {step:?}"));
            match step {
                Step::Upload(job) => {
                    let next = path.steps.get(at + 1).and_then(Step::upload_path);
                    self.upload(&mut client, directory, job.clone(), next).await;
                }
                Step::Rename { from, to } => self.rename(&mut client, directory, from, to).await,
            }
            known = self.snapshot(directory);
        }
        known
    }

    /// Uploads a file as a user does: answers a conflict, and tries once more after a failure.
    async fn upload(
        &self,
        client: &mut PooledClient,
        directory: &str,
        mut job: Job,
        next: Option<&str>,
    ) {
        let mut resume: Option<RemotePath> = None;
        for _ in 0..4 {
            job = self.continued(job);
            let before = self.snapshot(directory);
            let reached = {
                // The part file to resume may be a link that was renamed.
                let resumed = resume.as_ref().map(ToString::to_string);
                let disk = &self.server.state().disk;
                let paths = [Some(job.path.clone()), resumed].into_iter().flatten();
                let followed = paths.clone().map(|path| disk.followed(&path));
                paths.chain(followed).map(|path| disk.key(&path)).collect()
            };
            let resumed = resume.take();
            let outcome = attempt(client, &job, resumed.clone(), next).await;
            self.server.note(format!("outcome: {outcome:?}"));
            self.note_reported(&outcome);
            if outcome.is_err() {
                sleep(TRANSFERS_END_WITHIN).await;
            }
            let is_resumed = resumed.is_some_and(|path| path.to_string() == job.path);
            let upload = Attempt { walk: self, job: &job, reached, is_resumed, outcome: &outcome };
            upload.check_old_files(&before, &self.snapshot(directory));
            match &outcome {
                Ok(uploaded) => {
                    upload.check_done(uploaded, &before);
                    self.figures.lock().unwrap().done += 1;
                    return;
                }
                Err(Failed {
                    error: UploadError::Exists { .. } | UploadError::MayExist { .. },
                    ..
                }) => {
                    self.figures.lock().unwrap().conflicts += 1;
                    let Some(answered) = self.answered(job) else { return };
                    job = answered;
                }
                Err(Failed { leftover, .. }) => {
                    self.figures.lock().unwrap().failed += 1;
                    if job.cancel.take().is_none() {
                        return;
                    }
                    resume.clone_from(leftover);
                }
            }
        }
    }

    /// The same job with the bytes of the file that has the name before its own.
    fn continued(&self, job: Job) -> Job {
        if !job.continues {
            return job;
        }
        let state = self.server.state();
        let old = state.disk.content(&job.path).unwrap_or_default();
        let content = [old, &job.content].concat().into();
        Job { content, continues: false, ..job }
    }

    /// The job after the user's answer to a conflict; `None` where the file is skipped.
    fn answered(&self, job: Job) -> Option<Job> {
        if job.policy != Existing::Keep {
            return None;
        }
        match job.answer {
            Answer::Skip => None,
            Answer::Overwrite => Some(Job { policy: Existing::Replace, ..job }),
            Answer::Rename => {
                let (stem, extension) = job.path.rsplit_once('.').unwrap();
                Some(Job { path: format!("{stem} (2).{extension}"), ..job })
            }
            Answer::Resume => {
                let state = self.server.state();
                let old = state.disk.content(&job.path)?;
                let is_start = job.content.starts_with(old);
                is_start.then_some(Job { policy: Existing::Resume, ..job.clone() })
            }
        }
    }

    async fn rename(&self, client: &mut PooledClient, directory: &str, from: &str, to: &str) {
        let before = self.snapshot(directory);
        let [old, new] = [from, to].map(|path| RemotePath::try_from(path).unwrap());
        let renaming = async { client.client().await?.rename_to_free(&old, &new).await };
        let outcome = renaming.await;
        self.server.note(format!("outcome: {outcome:?}"));
        self.figures.lock().unwrap().renames += u32::from(outcome.is_ok());
        let after = self.snapshot(directory);
        let [from_key, to_key] = [from, to].map(|path| self.server.state().disk.key(path));
        // A listing that is cut may lack a link that leads nowhere, and no reply tells of it.
        let is_unseen_link = |item: &Item| {
            self.server.traits.has(Oddity::LongListing) && self.is_broken_link(item, &before)
        };
        let is_free = before.get(&to_key).is_none_or(is_unseen_link);
        for (key, old) in before.iter().filter(|(_, old)| !is_part_file(old)) {
            let is_renamed = *key == from_key
                && after.get(&to_key).is_some_and(|new| new.held == old.held)
                && (from_key == to_key || is_free);
            let is_kept = after.get(key) == Some(old) || (*key == to_key && is_unseen_link(old));
            assert!(is_kept || is_renamed, "renaming {from} to {to} lost {old:?}: {outcome:?}");
        }
    }
}

/// One attempt at an upload, and its outcome.
struct Attempt<'a> {
    walk: &'a Walk,
    job: &'a Job,
    /// The path, and the path that a link leads to: what an answer is about.
    reached: BTreeSet<String>,
    /// The file that has the name is the part file of an earlier attempt.
    is_resumed: bool,
    outcome: &'a Outcome,
}

impl Attempt<'_> {
    /// Every file that was there before is unchanged, except one that the user gave an answer for.
    fn check_old_files(&self, before: &Snapshot, after: &Snapshot) {
        for (key, old) in before.iter().filter(|(_, old)| !is_part_file(old)) {
            let new = after.get(key);
            let is_answered = self.is_resumed || self.job.policy != Existing::Keep;
            let is_right = new == Some(old)
                || self.is_free_link(key, old, before)
                || self.is_moved_link(old)
                || is_answered && self.reached.contains(key) && self.is_answer(old, new);
            assert!(is_right, "{old:?} became {new:?} ({:?})", self.job);
        }
    }

    /// Whether an item is a link with the upload's name that leads to nothing. `SIZE` does not tell it from
    /// a free name; to ask every time would cost each upload to a free name a round trip.
    fn is_free_link(&self, key: &str, item: &Item, before: &Snapshot) -> bool {
        *key == self.walk.server.state().disk.key(&self.job.path)
            && self.walk.is_broken_link(item, before)
    }

    /// Whether an item is a link that was to be continued, and has the temporary name that the engine
    /// reports.
    fn is_moved_link(&self, item: &Item) -> bool {
        let Held::Link(target) = &item.held else { return false };
        let state = self.walk.server.state();
        let is_it = |path: String| state.disk.node(&path) == Some(&Node::Link(target.clone()));
        self.outcome.is_err()
            && self.job.policy == Existing::Resume
            && self.kept_paths().into_iter().any(is_it)
    }

    /// The paths under which the outcome and the log say that the old file may be.
    fn kept_paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = match self.outcome {
            Ok(_) => Vec::new(),
            Err(Failed { error: UploadError::NotReplaced { old, .. }, .. }) => {
                vec![old.to_string()]
            }
            Err(Failed { leftover, .. }) => leftover.iter().map(ToString::to_string).collect(),
        };
        paths.extend(self.walk.said.lock().unwrap().kept.iter().cloned());
        paths
    }

    /// Whether a changed file is as the user's answer says.
    fn is_answer(&self, old: &Item, new: Option<&Item>) -> bool {
        let Job { path, content, .. } = self.job;
        let (is_untold, is_in_place) = {
            let said = self.walk.said.lock().unwrap();
            (said.mode_untold.contains(path), said.in_place.contains(path))
        };
        // The server deletes a file that its scanner rejects, also one that was to be continued, or was
        // written in place or through a link.
        let is_rejected = new.is_none()
            && self.outcome.is_err()
            && (self.job.policy == Existing::Resume || is_in_place)
            && self.walk.server.traits.has(Oddity::RefusedAtEnd)
            && content.starts_with(VIRUS);
        if is_rejected {
            return true;
        }
        let (old_content, mode) = match &old.held {
            Held::File { content, mode } => (&**content, mode),
            // A link that cannot be told from a file is replaced, which is said.
            Held::Link(_) if is_untold => (&[][..], &NEW_MODE),
            Held::Directory | Held::Link(_) => return false,
        };
        let state = self.walk.server.state();
        let is_interrupted = is_in_place && self.outcome.is_err();
        // A mailbox takes a part of a file too.
        let is_taken = self.reached.iter().any(|key| {
            state.disk.has_taken(key, content)
                || is_interrupted && state.disk.has_taken_part(key, content)
        });
        let has_new = match new.map(|new| &new.held) {
            Some(Held::File { content: now, mode: now_mode }) => {
                let traits = &self.walk.server.traits;
                let changes_modes = traits.knows("CHMOD") || traits.knows("MFF");
                let keeps_mode = now_mode == mode || !changes_modes || is_untold;
                // A file in place that was interrupted is a part of the new one, which is said before.
                let is_part = is_interrupted && content.starts_with(now);
                now == content && keeps_mode || is_part
            }
            Some(Held::Directory | Held::Link(_)) => return false,
            None => is_taken,
        };
        let holds_old = |path: &String| {
            state.disk.content(path).is_some_and(|held| held.starts_with(old_content))
        };
        let is_kept = || {
            let is_continued = self.job.policy == Existing::Resume;
            // It has its name back, perhaps with bytes that were appended.
            let own = is_continued.then_some(path);
            self.kept_paths().iter().chain(own).any(holds_old)
                || is_continued && state.disk.has_taken_start(old_content)
        };
        has_new || self.outcome.is_err() && is_kept()
    }

    /// The upload that is reported as done is stored under its name with its bytes.
    fn check_done(&self, uploaded: &Uploaded, before: &Snapshot) {
        let Job { path, content, .. } = self.job;
        let traits = &self.walk.server.traits;
        let disk = &self.walk.server.state().disk;
        assert_eq!(uploaded.path.to_string(), *path, "done under another name");
        let is_stored = disk.content(path) == Some(content);
        // The server chose the name under which it stored or took the file, beside a link or its target.
        let chosen = [format!("{}.1", disk.followed(path)), format!("{path}.1")];
        let may_choose = traits.has(Oddity::StoredElsewhere);
        let is_unproven = uploaded.verified == Verified::ReplyOnly;
        let is_taken = traits.has(Oddity::Mailbox)
            && (disk.has_taken(&disk.followed(path), content)
                || may_choose && chosen.iter().any(|at| disk.has_taken(at, content)))
            && is_unproven;
        // No reply tells the old file from the new one: none tells anything, there is no size, or both
        // have the same size.
        let old = before.get(&disk.key(&disk.followed(path))).map(|old| &old.held);
        let has_same_size =
            matches!(old, Some(Held::File { content: old, .. }) if old.len() == content.len());
        let is_elsewhere = may_choose
            && chosen.iter().any(|at| disk.content(at) == Some(content))
            && (traits.has(Oddity::UploadOnly) || traits.has(Oddity::NoSize) || has_same_size)
            && is_unproven;
        let is_right = is_stored || is_taken || is_elsewhere;
        assert!(is_right, "done, and not stored ({:?})", self.job);
    }
}

/// Whether the path is one that the engine chose, or that the server chose (`.1`).
fn is_part_file(item: &Item) -> bool {
    let path = RemotePath::try_from(item.path.as_str()).unwrap();
    item.path.ends_with(".1") || temporary::is_directory(&path) || target_of(&path).is_some()
}

/// Uploads a file once.
async fn attempt(
    client: &mut PooledClient,
    job: &Job,
    resume: Option<RemotePath>,
    next: Option<&str>,
) -> Outcome {
    let plan = Plan {
        path: RemotePath::try_from(job.path.as_str()).unwrap(),
        size: job.content.len() as u64,
        modified_millis: job.modified.then_some(1_738_324_800_000),
        existing: job.policy,
        resume,
        digest: job.digest,
    };
    let cancel = CancellationToken::new();
    let mut source = JobSource { job, position: 0, next, cancel: cancel.clone() };
    upload(client, &plan, &mut source, &cancel).await
}

/// Fills a directory with files, as the server's oddities say.
fn fill(server: &OddServer, rng: &mut fastrand::Rng, directory: &str) {
    let traits = &server.traits;
    let disk = &mut server.state().disk;
    disk.add_directory(directory);
    let random_bytes =
        |rng: &mut fastrand::Rng| (0..rng.usize(..300)).map(|_| rng.u8(..)).collect();
    if traits.has(Oddity::DirectoryOfName) {
        disk.add_directory(&format!("{directory}/folder.csv"));
    }
    if traits.has(Oddity::Links) {
        disk.add_file(&format!("{directory}/target.csv"), random_bytes(rng), NEW_MODE);
        disk.add_link(&format!("{directory}/data.csv"), &format!("{directory}/target.csv"));
    }
    if traits.has(Oddity::LongListing) {
        for number in 0..LISTED_ENTRIES {
            disk.add_file(&format!("{directory}/0{number}.txt"), random_bytes(rng), NEW_MODE);
        }
    }
    for name in NAMES {
        let path = format!("{directory}/{name}");
        if disk.node(&path).is_none() && rng.u32(..3) == 0 {
            let is_executable = traits.has(Oddity::Modes) && rng.bool();
            let mode = if is_executable { 0o755 } else { NEW_MODE };
            disk.add_file(&path, random_bytes(rng), mode);
        }
    }
}

fn pool(server: &Arc<OddServer>, random: fastrand::Rng, said: Arc<Mutex<Said>>) -> Pool {
    let log = Arc::downgrade(server);
    let transcript = Transcript::new(move |event| {
        if let EventKind::Status(status) = &event.kind {
            said.lock().unwrap().note(status);
        }
        if let Some(server) = log.upgrade() {
            server.note(format!("                    {event}"));
        }
    });
    let mut config = client::config(random);
    if server.traits.has(Oddity::LongListing) {
        config.limits.listing.entries = LISTED_ENTRIES;
    }
    Pool::new(client::connector(Arc::clone(server), config, transcript))
}

/// The outcome of a walk.
struct Walked {
    server: Arc<OddServer>,
    figures: Figures,
    /// The claim that does not hold.
    failure: Option<String>,
}

/// Runs one walk.
fn walk(seed: u64, drawn: &[Oddity]) -> Walked {
    let runtime = paused_runtime();
    let walk = runtime.block_on(async { Walk::new(seed, drawn) });
    let server = Arc::clone(&walk.server);
    let failure = failure_of(|| runtime.block_on(walk.run()));
    let oddities = &server.traits.oddities;
    let failure = failure.map(|failure| format!("{oddities:?}: {failure}"));
    let figures = walk.figures.into_inner().unwrap_or_default();
    Walked { server, figures, failure }
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.walks += 1;
        self.done += other.done;
        self.conflicts += other.conflicts;
        self.failed += other.failed;
        self.renames += other.renames;
    }
}

/// The oddities that are drawn from.
fn drawn() -> Vec<Oddity> {
    let Ok(names) = std::env::var("ODDITIES_DRAWN") else { return Oddity::ALL.to_vec() };
    let oddity = |name: &str| {
        let named = |oddity: &Oddity| format!("{oddity:?}") == name;
        Oddity::ALL.into_iter().find(named).unwrap_or_else(|| panic!("no oddity {name}"))
    };
    names.split(',').map(oddity).collect()
}

#[test]
fn odd_servers_lose_no_file_and_every_upload_that_is_done_is_stored() {
    let drawn = drawn();
    if let Some(seed) = from_environment("ODDITIES_SEED") {
        let Walked { server, figures, failure } = walk(seed, &drawn);
        println!("{:#?}\n{}{figures:?}", server.traits, server.log());
        assert_eq!(failure, None);
        return;
    }
    let by_oddity = Mutex::new(BTreeMap::<Option<Oddity>, Figures>::new());
    let seeds = Seeds::from_environment("ODDITIES", "WALKS", WALKS);
    seeds.assert_all(|seed| {
        let Walked { server, figures, failure } = walk(seed, &drawn);
        let mut by_oddity = by_oddity.lock().unwrap();
        let oddities = server.traits.oddities.iter().copied().map(Some);
        for oddity in oddities.chain([None]) {
            by_oddity.entry(oddity).or_default().add(figures);
        }
        failure
    });
    for (oddity, figures) in by_oddity.into_inner().unwrap() {
        println!("{oddity:?}: {figures:?}");
        let is_tried = figures.done > 0 && figures.conflicts > 0;
        assert!(is_tried || figures.walks < TELLING, "{oddity:?} is not tried: {figures:?}");
    }
}

#[test]
fn seed_determines_its_walk() {
    for seed in 0..60 {
        let [first, second] =
            [walk(seed, &Oddity::ALL), walk(seed, &Oddity::ALL)].map(|walked| walked.server.log());
        let differs = first.lines().zip(second.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}
