//! One upload, from its plan to a file in its place.
//!
//! The story, in order: make the directory, look what is there, open (`STOR`, or go on where an
//! earlier attempt broke off), pump, confirm, agree with the sender, check, rename. The bytes go to a
//! temporary name in the same directory and get the file's name at the end, so that a good file is
//! never harmed and a name never stands for half a file.
//!
//! A break is not a failure: the line connects again, asks what the server holds, and goes on from
//! there. What a server forbids is noticed once, said, and the next best is done.
//!
//! - `plan`: what is asked for, where bytes come from, how it ends.
//! - this module: the story.
//! - `beginning`: going on with the file that has the name.
//! - `agreement`: the sender's digest.
//! - `resume`: from where it goes on.
//! - `place`: the check, the date and the name.
//! - `patience`: when it tries again, and when it gives up.
//! - [`temporary`]: the names of files that are not complete.
//! - `leftovers`: what earlier uploads left behind. None of it is touched unless a plan names it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::{
    agreement::Agreement,
    beginning::Beginning,
    patience::{Patience, may_work_later},
    resume::Point,
};
use crate::{
    client::{Client, Found, Naming, PrefetchedFile, Store, survey::Size},
    digest::{Seen, Verified},
    error::{Error, Kind},
    listing::Entry,
    path::RemotePath,
    pool::ManagedClient,
    pool::PoolShared,
    profile::{PipelineDuringTransfer, Resume},
    stage::Stage,
    tls::TlsFacts,
    transcript::Status,
};

mod agreement;
mod beginning;
mod leftovers;
mod patience;
mod place;
mod plan;
mod resume;
pub mod temporary;

pub use self::leftovers::{Leftover, leftovers};
pub use self::plan::{DigestError, Existing, Failed, Plan, Progress, Source, Stop, Uploaded};

/// So much is sent again rather than waited for, in bytes.
const LITTLE: u64 = 256 * 1024 * 1024;

/// Bytes that are handed to the data connection at a time: progress follows in these steps.
const STEP_BYTES: usize = 64 * 1024;

impl ManagedClient {
    /// Brings a file to the server.
    ///
    /// # Errors
    /// [`Failed`] with why, and with what is left on the server to go on with.
    ///
    /// # Cancel safety
    /// Not cancel safe: cancel `stop` instead. What lies under the temporary name is removed then,
    /// unless [`Source::keeps`] says that it stays; the server is given
    /// [`Timeouts::abort`](crate::Timeouts::abort) for either.
    pub async fn upload<S: Source>(
        &mut self,
        plan: &Plan,
        source: &mut S,
        stop: &CancellationToken,
    ) -> Result<Uploaded, Failed<S::Error>> {
        let run = Run {
            pool_shared: Arc::clone(self.pool_shared()),
            plan,
            source,
            stop,
            path: None,
            temporary: plan.resume.clone(),
            // What lies under the name that was handed in may be all of it.
            sent: if plan.resume.is_some() { plan.size } else { 0 },
            begun: plan.resume.is_some(),
            naming: false,
            abandoned: None,
            position: 0,
            given: 0,
            held: 0,
            seen: None,
            agreement: Agreement::Open,
            tls: None,
            attempts: 0,
            upcoming: None,
            directory: Directory::Trusted,
            replaces: false,
            beginning: Beginning::None,
            way: Resume::default(),
        };
        run.until_it_ends(self).await
    }

    /// Removes what an upload left behind; nothing there is fine.
    ///
    /// # Errors
    /// [`Error`] when the server refuses, or cannot be reached.
    ///
    /// # Cancel safety
    /// Not cancel safe: the session is made anew afterwards.
    pub async fn remove(&mut self, leftover: &RemotePath) -> Result<(), Error> {
        let client = self.client().await?;
        match client.delete(leftover).await {
            Err(error) if error.reply().is_none_or(|reply| reply.code().value() != 550) => {
                Err(error)
            }
            _gone => Ok(()),
        }
    }
}

/// One upload and how far it is.
struct Run<'a, S: Source> {
    pool_shared: Arc<PoolShared>,
    plan: &'a Plan,
    source: &'a mut S,
    stop: &'a CancellationToken,
    /// Where the file goes, from the root, once that is known.
    path: Option<RemotePath>,
    /// Where the bytes go until they are complete.
    temporary: Option<RemotePath>,
    /// Whether something of ours may lie there.
    begun: bool,
    /// Whether the file was about to get its name when the last attempt ended.
    naming: bool,
    /// What lies under a name that is not needed any more.
    abandoned: Option<RemotePath>,
    /// The end of what was ever sent, in bytes from the file's start.
    sent: u64,
    /// The end of what the data connection took last, in bytes from the file's start.
    position: u64,
    /// The offset of the next byte that the source gives: it is ahead where a break came in the
    /// middle of a piece.
    given: u64,
    /// What the server was last seen to hold.
    held: u64,
    /// The digests of what was sent, where somebody can make them too.
    seen: Option<Seen>,
    /// What the sender says of it.
    agreement: Agreement,
    /// The TLS of the last data connection.
    tls: Option<TlsFacts>,
    attempts: u32,
    /// Where the upload that follows goes.
    upcoming: Option<RemotePath>,
    /// Whether the directory is still there, as far as is known.
    directory: Directory,
    /// Whether a file that somebody else wrote has the name that is written to.
    replaces: bool,
    /// What became of the file that this one goes on with.
    beginning: Beginning,
    /// How this attempt goes on where the last one broke off.
    way: Resume,
}

/// What is thought of a file's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directory {
    /// It is where it was.
    Trusted,
    /// A refusal made it doubtful, and it was looked for again.
    Doubted,
}

impl<S: Source> Run<'_, S> {
    async fn until_it_ends(
        mut self,
        line: &mut ManagedClient,
    ) -> Result<Uploaded, Failed<S::Error>> {
        let stop = match self.attempts(line).await {
            Ok(uploaded) => return Ok(uploaded),
            Err(stop) => stop,
        };
        let keeps = match &stop {
            Stop::Cancelled => self.source.keeps(),
            Stop::NotReplaced { .. } => false,
            Stop::Exists { .. } => true,
            Stop::Source(_) => self.agreement != Agreement::Refused,
            Stop::Engine(error) => may_work_later(error),
        };
        // In place, what was replaced is gone: a part of the new file is better than nothing.
        let is_part = self.agreement != Agreement::Refused;
        let keeps = keeps || (is_part && self.is_in_place(line) && self.may_replace());
        if !keeps && matches!(stop, Stop::Cancelled) {
            self.recognise_name(line).await;
        }
        let leftover = self.temporary.take().filter(|_| self.begun);
        let keeps = keeps || leftover.as_ref().is_none_or(|name| !self.may_remove(line, name));
        let leftover = match leftover.filter(|_| !matches!(stop, Stop::NotReplaced { .. })) {
            Some(leftover) if !keeps => {
                let is_wrong = !is_part || is_wrong(&stop);
                self.clean_up(line, leftover, is_wrong).await
            }
            leftover => leftover,
        };
        Err(Failed { stop, leftover })
    }

    /// A name that was handed in and not looked at when the upload was cancelled may still be one of
    /// its own: an earlier upload of the same file left it.
    async fn recognise_name(&mut self, line: &mut ManagedClient) {
        let is_temporary = |name: &RemotePath| temporary::target_of(name).is_some();
        let Some(name) = self.temporary.clone().filter(is_temporary) else { return };
        if self.path.is_some() {
            return;
        }
        let within = line.config().timeouts.abort;
        let Ok(Ok(client)) = tokio::time::timeout(within, line.client()).await else { return };
        let (name, path) = (client.absolute(&name), client.absolute(&self.plan.path));
        if temporary::is_of(&name, &path) {
            (self.temporary, self.path) = (Some(name), Some(path));
        }
    }

    /// Whether a name is one that this upload writes to. What was handed in to go on with may be
    /// anything until it was looked at.
    fn may_remove(&self, line: &ManagedClient, name: &RemotePath) -> bool {
        self.path.as_ref().is_some_and(|path| {
            temporary::is_of(name, path) || (name == path && self.is_in_place(line))
        })
    }

    /// Removes what is of no use to anybody, and gives what is not ours to remove. A server that
    /// cannot be reached now keeps everything.
    async fn clean_up(
        &self,
        line: &mut ManagedClient,
        leftover: RemotePath,
        is_wrong: bool,
    ) -> Option<RemotePath> {
        if self.is_taken_up() {
            return self.leave_beginning(line, leftover, is_wrong).await;
        }
        let within = line.config().timeouts.abort;
        let _kept = tokio::time::timeout(within, line.remove(&leftover)).await;
        None
    }

    /// Attempt after attempt, until one ends it or patience does.
    async fn attempts(&mut self, line: &mut ManagedClient) -> Result<Uploaded, Stop<S::Error>> {
        let mut patience = Patience::new(line.config().retry);
        loop {
            let held = self.held;
            let error = match self.attempt(line).await {
                Err(Stop::Engine(error)) => error,
                ended => return ended,
            };
            if self.held > held {
                patience.renew();
            }
            self.recover(line, error, &mut patience).await?;
        }
    }

    /// Takes the next way that is known at once, or waits for better times.
    async fn recover(
        &mut self,
        line: &mut ManagedClient,
        error: Error,
        patience: &mut Patience,
    ) -> Result<(), Stop<S::Error>> {
        if self.stop.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        // It is not to wait for whatever this one has to go through again.
        if self.upcoming.take().is_some() {
            self.source.give_back_upcoming();
        }
        if self.learn_resume(line, &error)
            || self.learn_naming(line, &error)
            || self.doubt_directories(line, &error)
        {
            return Ok(());
        }
        self.doubt_name(line, &error);
        if patience.may_fall_back() && line.fall_back(&error).is_some() {
            return Ok(());
        }
        let may_work = match error.is_short_file() {
            true => patience.may_be_short(),
            false => may_work_later(&error) && !line.is_walled_off(&error),
        };
        let wait = may_work.then(|| patience.wait()).flatten();
        let Some(after) = wait else { return Err(error.into()) };
        line.tell_about(&error, Status::TryingAgain { after });
        self.source.progress(Progress::Interrupted { error: &error, after }).await;
        if !line.is_usable() {
            line.hang_up();
        }
        unless(self.stop, sleep(after)).await
    }

    /// Whether the file is written under its own name.
    fn is_in_place(&self, line: &ManagedClient) -> bool {
        let naming = self.path.as_ref().map(|path| line.directories().naming(path));
        naming == Some(Naming::InPlace)
    }

    /// A directory that was there before may be gone: once, it is looked for again.
    fn doubt_directories(&mut self, line: &ManagedClient, error: &Error) -> bool {
        let is_refused = error.stage() == Stage::Transfer
            && error.refusal().is_some()
            && error.is_permanent()
            && error.evidence().data_tls.is_none();
        if !is_refused || self.directory == Directory::Doubted {
            return false;
        }
        self.directory = Directory::Doubted;
        line.forget_directories()
    }

    /// A server that does not begin to take the rest of a file may wait for the session that broke:
    /// some lock what is being written, for minutes. What is little is sent again at once, under
    /// another name; with more, patience is cheaper.
    fn doubt_name(&mut self, line: &ManagedClient, error: &Error) {
        let is_stuck = self.held > 0
            && error.is_timeout()
            && matches!(error.stage(), Stage::DataTls | Stage::Transfer)
            && error.evidence().data_tls.is_none();
        // What somebody else wrote is not written anew.
        let is_ours = !self.is_taken_up() && !self.is_in_place(line);
        if !is_stuck || !is_ours || self.held > LITTLE {
            return;
        }
        if let Some(name) = self.temporary.take() {
            line.tell_about(error, Status::NameHeld { path: name.to_string() });
            self.abandoned = Some(name);
            self.forget_name();
        }
    }

    async fn attempt(&mut self, line: &mut ManagedClient) -> Result<Uploaded, Stop<S::Error>> {
        let ahead = line.take_prefetched();
        let client = unless(self.stop, line.client()).await??;
        let path = client.absolute(&self.plan.path);
        let ahead = ahead.filter(|ahead| ahead.is_fresh_for(&path));
        if !client.keeps_name(&path) {
            return Err(client.error(Kind::NameNotKept, Stage::Transfer).into());
        }
        self.path = Some(path.clone());
        self.remove_abandoned(client).await?;
        self.put_down(client, &path).await?;
        let temporary = self.temporary_name(client, &path)?;
        unless(self.stop, make_parent(client, &path)).await??;
        let (found, held) = self.look(client, &path, &temporary, ahead).await?;
        if self.has_its_name(found, held) {
            return self.confirm_name(client, path).await;
        }
        let (found, held) = match self.beginning_in(found.target, held) {
            Some(bytes) => self.take_up(client, &path, &temporary, (found, bytes)).await?,
            None => (found, held),
        };
        match self.resume_point(client, &temporary, held).await? {
            Point::From(offset) => self.store(client, &temporary, offset).await?,
            Point::Whole => {
                let size = self.plan.size;
                client.tell(match self.attempts {
                    0 => Status::AlreadyWhole { size },
                    _ => Status::ReplyLost { size },
                });
                self.see(client, self.plan.size);
            }
        }
        self.agree().await?;
        let (verified, ahead) = self.place(client, &temporary, &path, found).await?;
        let uploaded = self.uploaded(client, path, verified);
        if let Some(ahead) = ahead {
            line.put_prefetched(ahead);
        }
        Ok(uploaded)
    }

    /// What was written before it was known that the host renames nothing.
    async fn remove_abandoned(&mut self, client: &mut Client) -> Result<(), Stop<S::Error>> {
        let Some(abandoned) = self.abandoned.take() else { return Ok(()) };
        match client.delete(&abandoned).await {
            Err(error) if error.reply().is_none() => Err(error.into()),
            _refused_and_in_the_log => Ok(()),
        }
    }

    fn temporary_name(
        &mut self,
        client: &Client,
        path: &RemotePath,
    ) -> Result<RemotePath, Stop<S::Error>> {
        let naming = client.naming(path);
        if naming == Naming::InPlace {
            client.tell(Status::WritingInPlace { path: path.to_string() });
        }
        // One that was handed in, or used before, has to be of this file and of this way to write
        // it: nothing else may be written to, and what lies there may be somebody's good file.
        let usable = |name: &RemotePath| match naming {
            Naming::Temporary => temporary::is_of(name, path),
            Naming::InPlace => name == path,
        };
        let kept = self.temporary.take().map(|name| client.absolute(&name)).filter(usable);
        let name = match (kept, naming) {
            (Some(name), _) => name,
            (None, naming) => {
                self.forget_name();
                match naming {
                    Naming::InPlace => path.clone(),
                    Naming::Temporary => temporary::beside(path)
                        .map_err(|source| Kind::NoRandomness(source).at(Stage::Transfer))?,
                }
            }
        };
        self.temporary = Some(name.clone());
        Ok(name)
    }

    /// What is known of a name does not count for another one.
    fn forget_name(&mut self) {
        self.temporary = None;
        self.begun = false;
        self.naming = false;
        self.sent = 0;
        self.held = 0;
    }

    /// What has the file's name, and what lies under the temporary one; with the same round trip
    /// the server is asked for the port of the data connection.
    async fn look(
        &mut self,
        client: &mut Client,
        path: &RemotePath,
        temporary: &RemotePath,
        ahead: Option<PrefetchedFile>,
    ) -> Result<(Found, Size), Stop<S::Error>> {
        let (found, held) = match ahead {
            Some(ahead) if !self.begun => (ahead.found, Size::Missing),
            _ => {
                let paths = if self.begun { &[path, temporary][..] } else { &[path][..] };
                let at = Instant::now();
                let sizes = unless(self.stop, client.survey(paths)).await??;
                let target = sizes.first().copied().unwrap_or(Size::Unknown);
                let held = sizes.get(1).copied().unwrap_or(Size::Missing);
                (Found { target, at }, held)
            }
        };
        // A server that swaps at the end still shows the old file under the name.
        self.replaces |= temporary == path && !self.begun && found.target != Size::Missing;
        // In place, what has the name is our own from the second attempt on.
        let is_ours = (temporary == path && self.begun) || self.has_its_name(found, held);
        if !is_ours && self.beginning_in(found.target, held).is_none() {
            self.mind_existing(client, path, found.target).await?;
        }
        Ok((found, held))
    }

    /// Whether the rename was done, and only its reply was lost.
    fn has_its_name(&self, found: Found, held: Size) -> bool {
        self.naming && held == Size::Missing && found.target == Size::Bytes(self.plan.size)
    }

    async fn confirm_name(
        &mut self,
        client: &mut Client,
        path: RemotePath,
    ) -> Result<Uploaded, Stop<S::Error>> {
        client.tell(Status::RenameReplyLost { path: path.to_string() });
        let verified = self.check_named(client, &path).await?;
        Ok(self.uploaded(client, path, verified))
    }

    fn uploaded(&mut self, client: &Client, path: RemotePath, verified: Verified) -> Uploaded {
        client.tell(Status::Checked(verified.clone()));
        self.pool_shared.add_file();
        self.begun = false;
        let digest = self.file_digest();
        Uploaded { path, verified, digest, tls: self.tls.take(), attempts: self.attempts }
    }

    /// The name is free, or may be replaced.
    async fn mind_existing(
        &self,
        client: &mut Client,
        path: &RemotePath,
        target: Size,
    ) -> Result<(), Stop<S::Error>> {
        match target {
            _ if self.may_replace() => Ok(()),
            Size::Missing => Ok(()),
            Size::Bytes(bytes) => {
                // That it is there is known already; without its date it is a conflict all the same.
                let modified_millis = unless(self.stop, client.date_of(path)).await?;
                let modified_millis = modified_millis.unwrap_or_default();
                Err(Stop::Exists { size: Some(bytes), modified_millis })
            }
            Size::Unknown => {
                let listed = unless(self.stop, client.find(path)).await??;
                listed.map_or(Ok(()), |entry| {
                    let Entry { size, modified_millis, .. } = entry;
                    Err(Stop::Exists { size, modified_millis })
                })
            }
        }
    }

    /// Open, pump, confirm.
    async fn store(
        &mut self,
        client: &mut Client,
        temporary: &RemotePath,
        offset: u64,
    ) -> Result<(), Stop<S::Error>> {
        self.see(client, offset);
        if self.given != offset {
            unless(self.stop, self.source.seek(offset)).await?.map_err(Stop::Source)?;
            self.given = offset;
        }
        self.position = offset;
        if offset > 0 {
            client.tell(Status::GoingOn { held: offset, size: self.plan.size });
        }
        self.attempts += 1;
        let home = client.home();
        let behind = client.takes_commands_behind().then(|| client.prefetch_command());
        // From here on something may lie there, whether the server answers or not.
        let was_begun = std::mem::replace(&mut self.begun, true);
        if self.stop.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let was = self.beginning;
        self.beginning = was.gone_on_with();
        let mut store = match unless(self.stop, open(client, temporary, offset, self.way)).await? {
            Ok(store) => store,
            Err(error) => {
                self.begun = was_begun || error.refusal().is_none();
                if error.refusal().is_some() {
                    self.beginning = was;
                }
                return Err(error.into());
            }
        };
        self.tls = Some(store.tls().clone());
        self.source.progress(Progress::Opened { temporary, offset }).await;
        match self.pump(&mut store).await {
            Ok(()) => (),
            Err(Stop::Engine(error)) if !error.is_wrong_piece() => return Err(error.into()),
            Err(stop) => {
                let keeps = matches!(stop, Stop::Source(_)) || self.source.keeps();
                // The session stays in step, or says of itself that it does not.
                let _lost = if keeps { store.suspend().await } else { store.abort().await };
                return Err(stop);
            }
        }
        self.source.progress(Progress::Confirming).await;
        let Some(port) = behind.filter(|_| self.ask_upcoming(&home)) else {
            unless(self.stop, store.finish()).await??;
            return Ok(());
        };
        let finished = unless(self.stop, store.finish_and_ask(port)).await?;
        if finished.is_err() {
            // Which of the two the server did not like is not known: from here on one by one.
            client.profile().learn_odd(|profile| {
                profile.pipeline_during_transfer = PipelineDuringTransfer::Never
            });
        }
        let (_, answer) = finished?;
        client.keep_answer_behind(port, answer);
        Ok(())
    }

    /// Asks for the upload that follows, once; whether there is one.
    fn ask_upcoming(&mut self, home: &RemotePath) -> bool {
        if self.upcoming.is_none() {
            self.upcoming = self.source.upcoming().map(|path| home.join(&path));
        }
        self.upcoming.is_some()
    }

    fn upcoming(&mut self, client: &Client) -> Option<RemotePath> {
        self.ask_upcoming(&client.home());
        self.upcoming.clone()
    }

    /// From the source to the data connection, until every byte was taken.
    async fn pump(&mut self, store: &mut Store<'_>) -> Result<(), Stop<S::Error>> {
        while self.position < self.plan.size {
            let bytes = self.next_bytes(store).await?;
            let (given, missing) = (bytes.len() as u64, self.plan.size - self.position);
            if given == 0 || given > missing {
                return Err(Kind::WrongPiece { given, missing }.at(Stage::Transfer).into());
            }
            self.given += bytes.len() as u64;
            for step in bytes.chunks(STEP_BYTES) {
                self.sent = self.sent.max(self.position + step.len() as u64);
                // Before it is sent: where a break comes, the server may hold a part of it.
                if let Some(seen) = &mut self.seen {
                    seen.update(self.position, step);
                }
                unless(self.stop, store.write(step)).await??;
                self.position += step.len() as u64;
                self.pool_shared.add_bytes(step.len() as u64);
                self.source.progress(Progress::Taken { offset: self.position }).await;
            }
        }
        Ok(())
    }

    /// Waits for the source, and hears a server that refuses meanwhile.
    async fn next_bytes(&mut self, store: &mut Store<'_>) -> Result<Bytes, Stop<S::Error>> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Stop::Cancelled),
            bytes = self.source.next() => bytes.map_err(Stop::Source),
            error = store.watch() => Err(error.into()),
        }
    }
}

/// Runs `work` unless the upload is cancelled first. Work that is dropped leaves the client out of
/// step where it had begun to speak, and the client knows.
async fn unless<T, E>(
    stop: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, Stop<E>> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(Stop::Cancelled),
        done = work => Ok(done),
    }
}

/// Whether the bytes that the server holds are not those of the file.
fn is_wrong<E>(stop: &Stop<E>) -> bool {
    matches!(stop, Stop::Engine(error) if error.is_wrong_content())
}

async fn make_parent(client: &mut Client, path: &RemotePath) -> Result<(), Error> {
    match path.parent() {
        Some(parent) => client.make_directories(&parent).await,
        None => Ok(()),
    }
}

/// Opens the file at an offset, in the way that was chosen for it.
async fn open<'c>(
    client: &'c mut Client,
    path: &RemotePath,
    offset: u64,
    way: Resume,
) -> Result<Store<'c>, Error> {
    match way {
        Resume::Append if offset > 0 => client.append(path).await,
        Resume::Append | Resume::Restart | Resume::Never => client.store(path, offset).await,
    }
}
