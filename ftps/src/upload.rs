//! Uploads one file: from its [`Plan`] to a verified file under its final name.
//!
//! The bytes go to a part file, which has a temporary name in the same directory, or in a temporary
//! directory beside it where the server refuses temporary names. It is renamed to the final name once it
//! is complete and verified: an existing file is safe until then. If the name is free
//! and the file is small, one batch verifies and renames it; if the check fails, the rename is undone.
//! Where the server allows no renames, and through a link, the bytes are written under the final name.
//! A break is no failure: the next attempt opens another session, asks how much the server holds, and
//! resumes there.
//!
//! One attempt, in order: open a session; make the directory; look up the final name and the part
//! file; transfer (open, send, confirm); compare the sender's digest; check size and digest on the
//! server; set the modification time; rename.
//!
//! # States of the part file
//!
//! ```text
//!       Plan::resume is given                it is not
//!                │                               │
//!                ▼                               ▼             removed
//!             [Given]                        [Unnamed] ◀───────────────────┐
//!              │   │                             │ name chosen             │
//!              │   │ not of this file            ▼                         │
//!              │   └──────────────────────▶ [Unwritten]                    │
//!              │                            │        ▲                     │
//!              │            STOR, or adopted│        │refused before       │
//!              │                            ▼        │anything was stored  │
//!              │ of this file               │        │                     │
//!              └──────────────────────▶ [Written] ───┴──────────────▶ [Abandoned]
//!                                       │       ▲    name locked,         ▲
//!                    complete: RNFR RNTO│       │    or rename forbidden  │
//!                                       ▼       │refused, or undone       │
//!                                     [Renaming] ─────────────────────────┘
//!                                       │             rename forbidden,
//!          the final name has the file, │             or without effect
//!          or the server took it away   ▼
//!                                     done
//! ```
//!
//! Two more arrows lead to Unnamed: from Unwritten, if the server refuses the temporary name and another
//! form of it, or the final name, is tried; from Written, if the server has taken a complete part file
//! away.
//!
//! | state | what the server may hold | after a break | if the upload fails |
//! |---|---|---|---|
//! | Given | the part file of an earlier upload, or any other file | stays Given | it stays and is reported |
//! | Unnamed, Unwritten | nothing of this upload | stays in its state | nothing is left |
//! | Written | the first bytes, up to the last one sent | resumes at the size that `SIZE` reports, unless that is more than was sent | removed, or kept and reported |
//! | Renaming | the whole file, under either name | if the part file is gone and the final name has a file of that size: verified there, and done; else as Written | as Written |
//! | Written in place | an old file, or the first bytes of this one, under the final name | resumes there, unless an old file may have the name | a file that is kept, if only its size is wrong: it may be another client's; else as Written |
//! | Abandoned | a part file under a name that is no longer used | removed, then Unnamed | as Written |
//!
//! An [adopted](Existing::Resume) file is never removed: it gets its name back, or is reported if
//! another file has taken that name. A part file that is [given](Plan::resume) with [`Existing::Resume`] may
//! be an adopted one: if the upload fails, it stays and is reported. A part file whose bytes are known to be wrong is removed, never kept.
//! [`Failed::leftover`] says when a part file is kept.
//!
//! # Modules
//!
//! - `plan`: the request, the source of the bytes, and the outcome.
//! - [`temporary`]: the names of part files.
//! - `part_file`: the states above.
//! - `source_reader`: the source, and how far it was read.
//! - `retry_budget`: how often an upload is retried before it fails.
//! - `adopted_file`: resumes from an existing file.
//! - `digest_check`: compares the sender's digest.
//! - `resume`: the offset at which an upload resumes.
//! - `send`: one transfer.
//! - `replaced_file`: the mode of a replaced file, and links.
//! - `final_batch`, `finalize`: verify the part file, set its date, rename it.
//! - `size_lag`: looks again at a size that is wrong.
//! - `final_name`: looks at the final name after the rename.
//! - `missing_file`: finds out what became of a file that the server confirmed and does not show.
//! - `refused_rename`: finds out why the rename was refused.
//! - `failure`: ends a failed upload: keeps its part file or removes it.
//! - `leftovers`: finds part files of earlier uploads. They are not touched unless a plan names one.
//! - `naming`: chooses the name that the bytes go to.
//! - `existing_file`: ends an upload if another file has the final name.
//! - `rejection`: a file that the server refuses after its last byte.
//! - `recovery`: what follows after the error of an attempt.
//! - `removal`: removes what is left on the server.
//! - `temporary_directory`: the directories that are made for part files.
//! - this module: attempts.

use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::{
    adopted_file::Beginning,
    digest_check::DigestCheck,
    finalize::Finalized,
    naming::OtherNames,
    part_file::{Name, OldFile, PartFile},
    rejection::{Rejected, Rejection},
    removal::is_gone,
    replaced_file::ReplacedFile,
    resume::{Remaining, Start},
    retry_budget::RetryBudget,
    source_reader::SourceReader,
    temporary_directory::TemporaryDirectories,
};
use crate::{
    client::{Client, Found, PrefetchedFile, TargetState, size::Size},
    digest::{RunningDigest, Verified},
    error::{Error, Kind},
    path::RemotePath,
    pool::{ManagedClient, PoolShared},
    stage::Stage,
    tls::TlsFacts,
    transcript::Status,
};

mod adopted_file;
mod digest_check;
mod existing_file;
mod failure;
mod final_batch;
mod final_name;
mod finalize;
mod leftovers;
mod missing_file;
mod naming;
mod part_file;
mod plan;
mod recovery;
mod refused_rename;
mod rejection;
mod removal;
mod replaced_file;
mod resume;
mod retry_budget;
mod send;
mod size_lag;
mod source_reader;
pub mod temporary;
mod temporary_directory;

pub use self::{
    leftovers::{Leftover, leftovers},
    plan::{DigestError, Existing, Failed, Plan, Progress, Source, UploadError, Uploaded},
};

/// Uploads a file.
///
/// # Errors
/// [`Failed`] with the reason, and with the part file that a later upload can resume.
///
/// # Cancel safety
/// Not cancel safe: cancel `cancel` instead. The part file is removed then, unless
/// [`Source::keeps_on_cancel`] returns `true`. Either takes at most
/// [`Timeouts::abort`](crate::Timeouts::abort).
pub async fn upload<S: Source>(
    client: &mut ManagedClient,
    plan: &Plan,
    source: &mut S,
    cancel: &CancellationToken,
) -> Result<Uploaded, Failed<S::Error>> {
    let mut run = Run {
        plan,
        source: SourceReader::new(source),
        cancel,
        pool_shared: Arc::clone(client.pool_shared()),
        target: None,
        existing: plan.existing,
        part: PartFile::new(plan.resume.clone()),
        not_deleted: Vec::new(),
        old_files: Vec::new(),
        temporary_directories: TemporaryDirectories::default(),
        last_start: None,
        rejection: Rejection::default(),
        digest: None,
        digest_check: DigestCheck::Pending,
        other_names: OtherNames::None,
        replaced: ReplacedFile::Unseen,
        beginning: Beginning::Unproven,
        directories: Directories::Trusted,
        tls: None,
        attempts: 0,
    };
    let ended = Box::pin(run.run_attempts(client)).await;
    let mut old_files = std::mem::take(&mut run.old_files);
    if ended.is_ok() {
        run.not_deleted.append(&mut old_files);
    }
    let mut not_deleted = Box::pin(run.delete_again(client)).await;
    // The new file was not seen: the old one stays.
    not_deleted.append(&mut old_files);
    let ended = match ended {
        Ok(uploaded) => Ok(uploaded),
        Err(error) => Err(Box::pin(run.fail(client, error)).await),
    };
    let mut reported = not_deleted.clone();
    reported.extend(ended.as_ref().err().into_iter().flat_map(Failed::files));
    let directories = Box::pin(run.temporary_directories.remove(client, &reported)).await;
    not_deleted.extend(directories);
    match ended {
        Ok(uploaded) => Ok(Uploaded { not_deleted, ..uploaded }),
        Err(failed) => Err(Failed { not_deleted, ..failed }),
    }
}

/// Removes a leftover of an upload from the server, and its temporary directory if that is empty then. A
/// missing file is no error.
///
/// # Errors
/// [`Error`] when the server refuses, or cannot be reached.
///
/// # Cancel safety
/// Not cancel safe: the next use opens another session.
pub async fn remove(client: &mut ManagedClient, leftover: &RemotePath) -> Result<(), Error> {
    remove_file(client, leftover).await?;
    if let Some(directory) = temporary::directory_of(leftover) {
        // It may hold something else, which stays.
        match client.client().await?.remove_own_directory(&directory).await {
            Err(error) if error.refusal().is_none() => return Err(error),
            _answered => (),
        }
    }
    Ok(())
}

/// Removes a file. A missing one is no error.
async fn remove_file(client: &mut ManagedClient, path: &RemotePath) -> Result<(), Error> {
    let client = client.client().await?;
    match client.delete(path).await {
        Err(error) if !is_gone(&error) => Err(error),
        _gone => Ok(()),
    }
}

/// One upload under way.
struct Run<'a, S: Source> {
    plan: &'a Plan,
    source: SourceReader<'a, S>,
    cancel: &'a CancellationToken,
    pool_shared: Arc<PoolShared>,
    /// The final name, from the root, once a session was open.
    target: Option<RemotePath>,
    /// The plan's policy for an existing file, as far as the server allows it.
    existing: Existing,
    part: PartFile,
    /// Files that this upload created or moved aside, and that the server did not delete at once.
    not_deleted: Vec<RemotePath>,
    /// Old files that were moved aside, before the new file was seen under the final name.
    old_files: Vec<RemotePath>,
    /// The directories that were made for part files.
    temporary_directories: TemporaryDirectories,
    /// How the transfer of this attempt started, once it did.
    last_start: Option<Start>,
    /// The server's refusal of the file after its last byte.
    rejection: Rejection,
    /// The digests of the sent bytes, if the sender or the server can compute them too.
    digest: Option<RunningDigest>,
    digest_check: DigestCheck,
    /// The names that are tried, if the server refused a temporary name.
    other_names: OtherNames,
    /// The file that is replaced.
    replaced: ReplacedFile,
    /// Whether an adopted file is the beginning of the uploaded one.
    beginning: Beginning,
    directories: Directories,
    /// The TLS of the last data connection.
    tls: Option<TlsFacts>,
    /// Transfers that were started.
    attempts: u32,
}

/// Whether the known directories are used without another lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directories {
    Trusted,
    /// After a refusal they were forgotten once, and looked up again.
    LookedUpAgain,
}

/// How an attempt ended, if it did not fail.
enum AttemptEnd {
    /// The file is stored.
    Uploaded(Uploaded),
    /// The adopted file cannot be continued and has its name back. The next attempt sends the whole
    /// file under a name of its own.
    AdoptedFileReturned,
    /// The server refused the complete file. The next attempt sends it once more, from its start.
    FileRejected,
    /// The server does not give part files their final names. The next attempt writes to another name.
    NamesLearned,
}

impl<S: Source> Run<'_, S> {
    /// Makes attempts until one succeeds or none is left.
    async fn run_attempts(
        &mut self,
        client: &mut ManagedClient,
    ) -> Result<Uploaded, UploadError<S::Error>> {
        let mut budget = RetryBudget::new(client.config().retry);
        loop {
            let held = self.part.held();
            let error = match self.attempt(client).await {
                Ok(AttemptEnd::Uploaded(uploaded)) => return Ok(uploaded),
                Ok(AttemptEnd::AdoptedFileReturned | AttemptEnd::FileRejected) => continue,
                Ok(AttemptEnd::NamesLearned) => {
                    self.other_names = OtherNames::Final;
                    self.source.release_next_upload();
                    continue;
                }
                Err(UploadError::Engine(error)) => error,
                Err(ended) => return Err(ended),
            };
            if self.part.held() > held {
                budget.renew();
            }
            self.recover(client, error, &mut budget).await?;
        }
    }

    async fn attempt(
        &mut self,
        client: &mut ManagedClient,
    ) -> Result<AttemptEnd, UploadError<S::Error>> {
        self.last_start = None;
        let prefetched = client.take_prefetched_file();
        let session = unless_cancelled(self.cancel, client.client()).await??;
        let target = session.absolute(&self.plan.path);
        if !session.keeps_name(&target) {
            return Err(session.error(Kind::NameNotKept, Stage::Transfer).into());
        }
        self.target = Some(target.clone());
        unless_cancelled(self.cancel, make_parent(session, &target)).await??;
        // The server may have made a directory under another name.
        let target = session.absolute(&self.plan.path);
        self.target = Some(target.clone());
        Box::pin(self.rename_back_if_not_resumable(session, &target)).await?;
        let name = self.choose_name(session, &target).await?;
        let prefetched = prefetched.filter(|prefetched| prefetched.is_fresh_for(&target));
        let (found, held) = Box::pin(self.look_up(session, &name, &target, prefetched)).await?;
        match self.rejected(held) {
            Rejected::No => (),
            Rejected::Once => return Ok(AttemptEnd::FileRejected),
            Rejected::Again(error) => return Err(error.into()),
        }
        if found.target.is_directory() {
            let path = target.to_string();
            return Err(session.error(Kind::TargetIsDirectory { path }, Stage::Transfer).into());
        }
        if self.is_renamed(found, held) {
            return self.confirm_rename(session, target).await.map(AttemptEnd::Uploaded);
        }
        let (name, found, held) = match self.adoptable(session, found, held) {
            Some(bytes) => Box::pin(self.adopt(session, name, &target, (found, bytes))).await?,
            None => {
                self.refuse_unless_ours(session, &name, &target, found).await?;
                (name, found, held)
            }
        };
        let name = self.look_at_replaced(session, name, &target, found).await?;
        let remaining = self.remaining(session, held).await?;
        if remaining.is_whole_file() && self.holds_adopted_bytes(held) {
            Box::pin(self.rename_adopted_back(session, &target)).await?;
            return Ok(AttemptEnd::AdoptedFileReturned);
        }
        let name = match remaining {
            Remaining::From(start) => {
                // The long steps are on the heap: the stack of a thread holds 2 MiB.
                let name = Box::pin(self.in_made_directory(session, name, held)).await?;
                Box::pin(self.transfer(session, name.path(), start)).await?;
                self.learn_other_names(session, &target);
                name
            }
            Remaining::Nothing => {
                self.skip_transfer(session);
                name
            }
        };
        self.check_digest().await?;
        let finalized = Box::pin(self.verify_and_rename(session, &name, &target, found)).await;
        let ended = match finalized {
            Err(UploadError::Engine(error))
                if error.is_missing_file() && !self.part.is_adopted() && session.is_usable() =>
            {
                Box::pin(self.find_missing(session, &name, error)).await?
            }
            ended => ended?,
        };
        let (verified, prefetched) = match ended {
            Finalized::Named { verified, prefetched } => (verified, prefetched),
            Finalized::NamesLearned => return Ok(AttemptEnd::NamesLearned),
        };
        let uploaded = self.uploaded(session, target, verified);
        if let Some(prefetched) = prefetched {
            client.put_prefetched_file(prefetched);
        }
        Ok(AttemptEnd::Uploaded(uploaded))
    }

    /// Looks up the final name and the size of the part file. The same batch requests a data port.
    async fn look_up(
        &mut self,
        client: &mut Client,
        name: &Name,
        target: &RemotePath,
        prefetched: Option<PrefetchedFile>,
    ) -> Result<(Found, Size), UploadError<S::Error>> {
        let part = self.part.written().is_some().then_some(name.path());
        let (mut found, held) = match prefetched.filter(|_| part.is_none()) {
            Some(prefetched) => (prefetched.found, Size::Missing),
            None => {
                let at = Instant::now();
                let (target, held) =
                    unless_cancelled(self.cancel, client.look_up(target, part)).await??;
                (Found { target, at }, held)
            }
        };
        if !self.is_own_file(name) {
            let completed = client.complete_lookup(target, found.target);
            found.target = unless_cancelled(self.cancel, completed).await??;
        }
        if let PartFile::Unwritten(Name::InPlace(_, old_file)) = &mut self.part
            && found.target != TargetState::Absent
        {
            *old_file = OldFile::Present { size: found.target.file_size() };
        }
        Ok((found, held))
    }

    /// Whether the server carried out the rename, and only its reply was lost.
    fn is_renamed(&self, found: Found, held: Size) -> bool {
        matches!(self.part, PartFile::Renaming(_))
            && held == Size::Missing
            && found.target.file_size() == Some(self.plan.size)
    }

    async fn confirm_rename(
        &mut self,
        client: &mut Client,
        target: RemotePath,
    ) -> Result<Uploaded, UploadError<S::Error>> {
        client.log(Status::RenameReplyLost { path: target.to_string() });
        let verified = self.check_renamed(client, &target).await?;
        Ok(self.uploaded(client, target, verified))
    }

    /// Logs that the server already holds all bytes.
    fn skip_transfer(&mut self, client: &Client) {
        let size = self.plan.size;
        client.log(match self.attempts {
            0 => Status::AlreadyComplete { size },
            _ => Status::ReplyLost { size },
        });
        self.start_digest(client, size);
    }

    fn uploaded(&mut self, client: &Client, path: RemotePath, verified: Verified) -> Uploaded {
        let verified = match verified {
            // The size of a file that may be two files joined, or may be the old one, proves nothing.
            Verified::Size { .. } if self.is_joined_unproven() || self.had_same_size() => {
                Verified::ReplyOnly
            }
            verified => verified,
        };
        client.log(Status::Checked(verified.clone()));
        self.pool_shared.add_file();
        let digest = self.file_digest();
        let (tls, attempts) = (self.tls.take(), self.attempts);
        Uploaded { path, verified, digest, tls, attempts, not_deleted: Vec::new() }
    }
}

/// Runs `work` unless the upload is cancelled first. Dropping work that has begun to send makes the
/// client unusable.
async fn unless_cancelled<T, E>(
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, UploadError<E>> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(UploadError::Cancelled),
        done = work => Ok(done),
    }
}

async fn make_parent(client: &mut Client, path: &RemotePath) -> Result<(), Error> {
    match path.parent() {
        Some(parent) => client.make_directories(&parent).await,
        None => Ok(()),
    }
}
