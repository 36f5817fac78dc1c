//! The uploads: a state machine. Events go in, offers and chunks come out.
//!
//! It owns what is known of each file and of its way; it reads no file and sends nothing. Rows
//! stay where they were put, in the order of picking, until the person clears those that ended. A
//! row that is tried again is offered under a new [`UploadId`]; answers to the old one no longer
//! reach it.

use std::rc::Rc;

use protocol::{
    Attempt, ChunkHeader, OnConflict, Problem, UploadId, Window,
    client::Offer,
    server::{Existing, FileDigest, Limits, Verified},
};

pub use self::{
    bulk::Scope,
    conflict::ConflictPolicy,
    folders::{Folder, FolderId},
    groups::{Group, GroupRows},
    offer_queue::OfferOrder,
    restore::{Outage, RowMatch},
    rows::Rows,
};
use self::{
    conflict::{Decision, numbered},
    indexes::{Contribution, Indexes},
    leftovers::Leftovers,
    offer_queue::OfferQueue,
    rows::OpenUploads,
};
use crate::{chunk_size::chunk_bytes, rate::Rate, remote, time::Millis, words};

mod bulk;
mod conflict;
mod folders;
mod groups;
mod indexes;
mod leftovers;
mod offer_queue;
mod restore;
mod rows;

/// At least so many chunks wait in the browser's send buffer before the next one is held back.
const BUFFERED_CHUNKS: u64 = 2;
/// The buffer may hold this part of a second's bytes, so that it never runs dry.
const BUFFERED_PER_SECOND: u64 = 2;

/// A row of the list: the n-th file that was picked, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(pub usize);

/// A file as it was picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickedFile {
    /// Its path relative to the folder that was picked, or its name.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its last modification, in milliseconds since 1970-01-01T00:00:00Z.
    pub modified_millis: Option<i64>,
}

impl PickedFile {
    /// Whether another file could be this one, by all that is known without its path and its bytes.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        (self.size, self.modified_millis) == (other.size, other.modified_millis)
    }
}

/// One file and how far it has come.
#[derive(Debug)]
pub struct Upload {
    file: PickedFile,
    /// Thousands of uploads share one.
    directory: Rc<str>,
    folder: FolderId,
    /// What the person chose for this file; the queue's policy holds for the others.
    choice: Option<ConflictPolicy>,
    /// The number of the name that it goes by on the server: from 2 on when it was renamed.
    name_number: u32,
    /// Where a part of it lies on the server.
    resume: Option<String>,
    /// How many bytes that part had when it was last heard of.
    kept_bytes: u64,
    /// The digest of both ends of the file: [`crate::saved::edges`].
    edges: Option<u64>,
    source: FileAccess,
    /// Whether it was paused when an earlier page went away.
    paused_before: bool,
    state: State,
    rate: Rate,
}

/// Where the bytes of an upload are to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAccess {
    /// The page has the file.
    Available,
    /// An earlier page had it, and the browser can open it again when the person lets it.
    ByHandle,
    /// An earlier page had it: the person has to pick it again.
    Missing,
}

/// How far an upload has come.
#[derive(Debug)]
pub enum State {
    /// It waits to be offered.
    Queued,
    /// Paused, and not offered: it holds nothing of the portal or the server.
    Paused,
    /// Offered to the portal, and not ended.
    Open(Box<OpenUpload>),
    /// Stored: the server said so.
    Done(Stored),
    /// The connection went away under it.
    Interrupted,
    /// Not uploaded, as the person wished.
    Skipped(Skipped),
    /// It failed.
    Failed(Problem),
    /// The path is taken: overwrite or skip?
    NeedsDecision(Existing),
}

/// How an upload was found to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// How the portal made sure.
    pub verified: Verified,
    /// The digest of the file, where the portal knows it.
    pub digest: Option<FileDigest>,
    /// Whether that is the page's own digest, too.
    pub page_agrees: bool,
}

/// Why an upload was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// The file that was on the server stays.
    ServerFileKept,
    /// The file that was on the server stays, because this one is not newer.
    NotNewer,
    /// It was cancelled.
    Cancelled,
}

/// An upload that the portal knows.
#[derive(Debug)]
pub struct OpenUpload {
    id: UploadId,
    /// What the portal was told to do if the name is taken.
    on_conflict: OnConflict,
    attempt: Attempt,
    window: Window,
    /// The widest window that was granted, in bytes.
    window_bytes: u64,
    phase: Phase,
    pause_state: PauseState,
    file: FileCheck,
}

/// Whether the browser can read a file.
///
/// A socket that is told to send a piece of a file that has changed or is gone closes: nothing is
/// sent of a file that is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileCheck {
    Passed,
    /// The browser looks at it.
    Pending,
    /// The browser has to look at it before more of it is sent.
    Due,
}

/// What an open upload is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Offered ahead; its turn on the FTPS side has not come.
    Offered,
    /// Its bytes are on their way.
    Sending,
    /// All bytes are with the server, which has yet to confirm them.
    Verifying,
    /// The portal lost the server, and tries again by itself.
    Retrying,
}

/// Whether an open upload may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseState {
    /// It may.
    Running,
    /// The person paused it, and the portal was told so.
    Paused,
    /// The person paused it and let it go on, before the portal had answered the pause.
    Resumed,
    /// Its file cannot be read, and the portal was told to pause it: the server keeps what it has.
    Unreadable,
}

/// How far the portal is with an attempt, in offsets into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// What the server has taken.
    pub taken: u64,
    /// What the portal holds or has passed on.
    pub received: u64,
    /// Up to where the page may send.
    pub limit: u64,
}

/// A piece of a file to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Whose file.
    pub row: Row,
    /// What stands in front of the piece.
    pub header: ChunkHeader,
    /// Where the piece ends in the file; it starts at the header's offset.
    pub end: u64,
}

/// What may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextChunk {
    /// This piece.
    Send(Chunk),
    /// Something, as soon as the browser's send buffer has drained.
    WhenDrained,
    /// Nothing before the portal grants more.
    Nothing,
}

/// All uploads in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files in the list.
    pub files: u64,
    /// Files that are stored.
    pub done: u64,
    /// Files that failed.
    pub failed: u64,
    /// Files that wait for the person: a decision, or another try after a break.
    pub waiting: u64,
    /// Those of them whose connection went away.
    pub interrupted: u64,
    /// Files that are paused.
    pub paused: u64,
    /// Files that are left out.
    pub skipped: u64,
    /// Files that are queued or on their way.
    pub active: u64,
    /// Bytes of all files that are neither failed nor left out.
    pub bytes: u64,
    /// How many of those the server has taken.
    pub taken: u64,
    /// Bytes of the files that are stored.
    pub stored: u64,
}

impl Totals {
    /// How much is done, from 0 to 1000; 1000 only when every file that is not left out is
    /// stored. A file counts even when it has no bytes.
    #[must_use]
    pub fn permille(&self) -> u64 {
        let files = self.files - self.failed - self.skipped;
        if files > 0 && self.done == files {
            return 1000;
        }
        permille(self.taken.saturating_add(self.done), self.bytes.saturating_add(files))
    }

    /// Whether nothing is left to be done for any file.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.files > 0 && self.active + self.paused + self.waiting == 0
    }

    /// Whether leaving the page would cost something.
    #[must_use]
    pub fn under_way(&self) -> bool {
        self.active > 0 || self.paused > 0
    }

    // Not inlined: it is a part of many small functions.
    #[inline(never)]
    fn with(self, other: Self) -> Self {
        self.combine(other, u64::saturating_add)
    }

    #[inline(never)]
    fn without(self, other: Self) -> Self {
        self.combine(other, u64::saturating_sub)
    }

    /// Each figure of `self` and `other`, combined.
    fn combine(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            files: with(self.files, other.files),
            done: with(self.done, other.done),
            failed: with(self.failed, other.failed),
            waiting: with(self.waiting, other.waiting),
            interrupted: with(self.interrupted, other.interrupted),
            paused: with(self.paused, other.paused),
            skipped: with(self.skipped, other.skipped),
            active: with(self.active, other.active),
            bytes: with(self.bytes, other.bytes),
            taken: with(self.taken, other.taken),
            stored: with(self.stored, other.stored),
        }
    }
}

/// How much `part` is of `whole`, from 0 to 999 thousandths.
fn permille(part: u64, whole: u64) -> u64 {
    let permille = match part.checked_mul(1000) {
        Some(thousandfold) => thousandfold.checked_div(whole).unwrap_or(0),
        // So much of it is exact enough in thousands.
        None => part / (whole / 1000).max(1),
    };
    permille.min(999)
}

/// The uploads, in the order of picking.
#[derive(Debug, Default)]
pub struct Queue {
    /// By row; nothing where one was cleared from the list.
    uploads: Vec<Option<Box<Upload>>>,
    cleared: usize,
    /// Rows in the state [`State::Queued`].
    queued: OfferQueue,
    /// What the person chose for files whose name is taken.
    policy: ConflictPolicy,
    /// Offered and not ended, cancelled ones included until the portal has said so.
    open: OpenUploads,
    next_id: u32,
    /// The upload that sent last: the others come before it.
    last_sent: Option<UploadId>,
    changed: Rows,
    list_version: u64,
    /// Rows whose record in the browser's store may be out of date.
    unsaved: Rows,
    leftovers: Leftovers,
    outage: Option<Outage>,
    rate: Rate,
    indexes: Indexes,
}

impl Queue {
    /// The upload in a row.
    #[must_use]
    pub fn get(&self, row: Row) -> Option<&Upload> {
        self.uploads.get(row.0)?.as_deref()
    }

    /// The rows in the list, in its order.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.rows_where(|_| true).into_iter()
    }

    /// The folders that the files lie in, in the order in which they came.
    pub fn folders(&self) -> impl Iterator<Item = (FolderId, &Folder)> {
        self.indexes.folders.iter()
    }

    /// One of them.
    #[must_use]
    pub fn folder(&self, id: FolderId) -> Option<&Folder> {
        self.indexes.folders.get(id)
    }

    /// The rows that belong on a shelf.
    #[must_use]
    pub fn group(&self, group: Group) -> &GroupRows {
        self.indexes.groups.get(group)
    }

    /// Another number whenever rows came or went.
    #[must_use]
    pub fn list_version(&self) -> u64 {
        self.list_version
    }

    /// The row that is added next.
    #[must_use]
    pub fn next_row(&self) -> Row {
        Row(self.uploads.len())
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.uploads.len() - self.cleared
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rate of all uploads together.
    #[must_use]
    pub fn rate(&self) -> &Rate {
        &self.rate
    }

    /// All uploads in figures.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.indexes.totals
    }

    /// The rows that changed since the last call.
    pub fn take_changed(&mut self) -> Rows {
        std::mem::take(&mut self.changed)
    }

    /// Adds files that are to go into `directory`, in this state.
    pub fn add(&mut self, files: Vec<PickedFile>, directory: &str, state: fn() -> State) {
        let directory: Rc<str> = directory.into();
        self.list_version += 1;
        for file in files {
            let row = self.next_row();
            self.push(Upload::new(file, directory.clone(), state()));
            self.queue(Some(row));
            self.unsaved.insert(row);
        }
    }

    /// The one way into the list.
    fn push(&mut self, mut upload: Upload) {
        let row = Row(self.uploads.len());
        upload.folder = self.indexes.folders.add(row, &upload.file.path);
        self.indexes.settle(row, &upload, Contribution::default(), upload.entry());
        self.uploads.push(Some(Box::new(upload)));
        self.changed.insert(row);
    }

    /// The one way out of it.
    fn take_out(&mut self, row: Row) {
        if let Some(upload) = self.uploads.get_mut(row.0).and_then(Option::take) {
            self.cleared += 1;
            self.indexes.settle(row, &upload, upload.entry(), Contribution::default());
        }
        self.changed.insert(row);
    }

    /// What to offer now: as many as the portal lets be open, in the order that was chosen. They go
    /// out some at a time: what is asked of the browser for a small file, and said of it, costs
    /// hardly more for a dozen of them.
    pub fn offers(&mut self, limits: &Limits) -> Vec<Offer> {
        let most = usize::try_from(limits.max_open_uploads).unwrap_or(usize::MAX);
        let mut offers = Vec::new();
        if self.open.len() > most - most / 4 {
            return offers;
        }
        while self.open.len() < most
            && let Some(row) = self.queued.pop_first()
        {
            let id = UploadId(self.next_id);
            self.next_id += 1;
            let policy = self.policy;
            let offer = self.change(row, |upload| {
                let offer = upload.offer(id, policy);
                upload.state = State::Open(Box::new(OpenUpload::new(&offer)));
                upload.rate = Rate::default();
                offer
            });
            self.open.insert(id, row);
            offers.extend(offer);
        }
        offers
    }

    /// The next piece to send, while `buffered` bytes wait in the browser's send buffer.
    /// The uploads take turns.
    pub fn next_chunk(&mut self, buffered: u64, limits: &Limits) -> NextChunk {
        let Some((id, row, end)) = self.turn(limits) else {
            return NextChunk::Nothing;
        };
        let Some(open) = self.open_mut(row) else {
            return NextChunk::Nothing;
        };
        let offset = open.window.sent();
        let per_second = self.rate.bytes_per_second().unwrap_or(0);
        let bound = ((end - offset) * BUFFERED_CHUNKS).max(per_second / BUFFERED_PER_SECOND);
        if buffered >= bound {
            return NextChunk::WhenDrained;
        }
        let Some(open) = self.open_mut(row) else {
            return NextChunk::Nothing;
        };
        let header = ChunkHeader { upload: id, attempt: open.attempt, offset };
        if open.window.send(offset, end - offset).is_err() {
            return NextChunk::Nothing;
        }
        self.last_sent = Some(id);
        NextChunk::Send(Chunk { row, header, end })
    }

    /// Whether the portal still waits for a chunk that was taken from here.
    #[must_use]
    pub fn awaits(&self, header: ChunkHeader) -> bool {
        let row = self.row_of(header.upload).and_then(|row| self.get(row));
        row.is_some_and(
            |upload| matches!(&upload.state, State::Open(open) if open.attempt == header.attempt),
        )
    }

    /// The portal grants more, has taken more, or asks for another attempt.
    pub fn credit(&mut self, id: UploadId, attempt: Attempt, credit: Credit, now: Millis) {
        let Some(row) = self.row_of(id) else { return };
        let gained = self.change(row, |upload| {
            let State::Open(open) = &mut upload.state else { return 0 };
            let gained = open.credit(attempt, credit);
            upload.rate.note(gained, now);
            gained
        });
        self.rate.note(gained.unwrap_or(0), now);
    }

    /// The upload's turn on the FTPS side has come; its bytes go to `temporary_path`, where another
    /// try finds them.
    pub fn opened(&mut self, id: UploadId, temporary_path: String) {
        if let Some(row) = self.row_of(id) {
            self.change(row, |upload| upload.resume = Some(temporary_path));
            self.set_phase(id, Phase::Sending);
        } else if self.open.get(id).is_some() {
            // It was cancelled, which the portal has not heard yet.
            self.leftovers.cancel(id, Some(temporary_path));
        }
    }

    /// The portal lost the server, and tries again by itself.
    pub fn interrupted(&mut self, id: UploadId) {
        self.set_phase(id, Phase::Retrying);
    }

    /// All its bytes are with the server.
    pub fn verifying(&mut self, id: UploadId) {
        self.set_phase(id, Phase::Verifying);
    }

    /// The server stored it. This holds for an upload that was cancelled too late as well.
    pub fn done(&mut self, id: UploadId, stored: Stored) -> Option<Row> {
        let row = self.ended(id)?;
        let upload = self.get(row)?;
        let too_late = matches!(upload.state, State::Skipped(Skipped::Cancelled));
        if !upload.is_open_as(id) && !too_late {
            return None;
        }
        self.change(row, |upload| {
            upload.resume = None;
            upload.state = State::Done(stored);
        });
        Some(row)
    }

    /// The path is taken: what the person chose is done. `resume` is where the new file lies if it
    /// was taken meanwhile. Gives the row if there is a question.
    pub fn conflict(
        &mut self,
        id: UploadId,
        existing: Existing,
        resume: Option<String>,
    ) -> Option<Row> {
        let upload = self.row_of(id).and_then(|row| self.get(row));
        let policy = upload.and_then(|upload| upload.choice).unwrap_or(self.policy);
        // What was offered ahead knows nothing of a choice that came later.
        let was_tried = upload.is_some_and(|upload| upload.was_told(policy.on_conflict()));
        let is_paused = upload.is_some_and(Upload::is_pausing);
        let row = self.end(id, resume, |_| State::NeedsDecision(existing))?;
        let is_question = was_tried || policy.on_conflict() == OnConflict::Ask;
        match self.decision(row, policy) {
            None => Some(row),
            // The person chose before, and it could not be done: that is a question again.
            Some(Decision::Ask) if is_question => Some(row),
            Some(decision) => {
                self.carry_out(row, policy, decision);
                if is_paused {
                    self.pause(row);
                }
                None
            }
        }
    }

    /// The portal has given it up, as it was told to.
    pub fn cancelled(&mut self, id: UploadId) {
        self.end(id, None, |_| State::Skipped(Skipped::Cancelled));
    }

    /// The portal has ended it for now; `resume` is where the part lies that the server holds. Where
    /// nobody asked for that, its connection went away under it.
    pub fn paused(&mut self, id: UploadId, resume: Option<String>) {
        let row = self.end(id, resume, |pause_state| match pause_state {
            PauseState::Running => State::Interrupted,
            PauseState::Unreadable => State::Failed(words::file_changed()),
            PauseState::Paused => State::Paused,
            PauseState::Resumed => State::Queued,
        });
        self.queue(row);
    }

    /// It failed; `resume` is where a part of it lies on the server for another try.
    pub fn failed(&mut self, id: UploadId, problem: Problem, resume: Option<String>) {
        self.end(id, resume, |_| State::Failed(problem));
    }

    /// The session is gone, and so is everything that was open in it. What is queued stays queued.
    /// Gives the number of uploads that were interrupted.
    pub fn link_lost(&mut self) -> usize {
        self.lose_open(|_| State::Interrupted)
    }

    /// The person disconnects: nothing goes on by itself, least of all to another server.
    pub fn disconnected(&mut self) {
        self.link_lost();
        self.queued.clear();
        let waiting = self.rows_where(|state| matches!(state, State::Queued | State::Paused));
        for row in waiting {
            self.change(row, |upload| upload.state = State::Interrupted);
        }
    }

    /// Another server, or another account: what is tried again goes into `directory`.
    pub fn moved(&mut self, directory: &str) {
        let directory: Rc<str> = directory.into();
        self.leftovers = Leftovers::default();
        for row in self.rows_where(|_| true) {
            self.change(row, |upload| {
                upload.keep(None);
                upload.directory = directory.clone();
            });
        }
    }

    /// Stops an upload until [`Queue::resume`]. Gives what the portal has to be told to pause, if
    /// it knows of it: a pause holds nothing there.
    pub fn pause(&mut self, row: Row) -> Option<UploadId> {
        let upload = self.get(row)?;
        let id = match &upload.state {
            State::Queued => None,
            State::Open(open) if open.phase == Phase::Verifying => return None,
            State::Open(open) => match open.pause_state {
                PauseState::Running => Some(open.id),
                PauseState::Paused => return None,
                // It was told already.
                PauseState::Resumed => None,
                PauseState::Unreadable => return None,
            },
            State::Paused
            | State::Done(_)
            | State::Interrupted
            | State::Skipped(_)
            | State::Failed(_)
            | State::NeedsDecision(_) => return None,
        };
        self.queued.remove(row);
        self.change(row, |upload| match &mut upload.state {
            State::Open(open) => open.pause_state = PauseState::Paused,
            state => *state = State::Paused,
        });
        id
    }

    /// Goes on with what was paused, from what the server holds of it.
    pub fn resume(&mut self, row: Row) {
        let Some(upload) = self.get(row) else { return };
        match &upload.state {
            State::Paused => {
                self.change(row, |upload| upload.state = State::Queued);
                self.queue(Some(row));
            }
            State::Open(open)
                if matches!(open.pause_state, PauseState::Paused | PauseState::Unreadable) =>
            {
                self.change(row, |upload| {
                    if let State::Open(open) = &mut upload.state {
                        open.pause_state = PauseState::Resumed;
                    }
                });
            }
            State::Open(_)
            | State::Queued
            | State::Done(_)
            | State::Interrupted
            | State::Skipped(_)
            | State::Failed(_)
            | State::NeedsDecision(_) => {}
        }
    }

    /// Gives an upload up. Gives what the portal has to be told to cancel, if it knows of it.
    pub fn cancel(&mut self, row: Row) -> Option<UploadId> {
        let open = match &self.get(row)?.state {
            State::Open(open) => Some(open.id),
            State::Queued
            | State::Paused
            | State::Interrupted
            | State::Failed(_)
            | State::NeedsDecision(_) => None,
            State::Done(_) | State::Skipped(_) => return None,
        };
        self.queued.remove(row);
        let part = self.change(row, |upload| {
            upload.state = State::Skipped(Skipped::Cancelled);
            upload.resume.take()
        });
        match open {
            // The portal removes what it holds by itself.
            Some(id) => self.leftovers.cancel(id, part.flatten()),
            None => self.leftovers.abandon(part.flatten()),
        }
        open
    }

    /// The file of an open upload cannot be read. Gives its row if the portal has to be told to
    /// pause it: the server keeps what it has.
    pub fn unreadable(&mut self, id: UploadId) -> Option<Row> {
        let row = self.row_of(id)?;
        let open = self.open_mut(row).filter(|open| open.pause_state == PauseState::Running)?;
        open.pause_state = PauseState::Unreadable;
        self.changed.insert(row);
        Some(row)
    }

    /// The file of an upload that was interrupted cannot be read any more.
    pub fn interrupted_by_file(&mut self, row: Row, problem: Problem) {
        if let Some(Upload { state: State::Interrupted, .. }) = self.get(row) {
            self.change(row, |upload| upload.state = State::Failed(problem));
        }
    }

    /// Sends nothing of an open upload's file until [`Queue::readable`] says that it can be read.
    pub fn doubt(&mut self, id: UploadId) {
        self.set_readable(id, FileCheck::Pending);
    }

    /// The file of an open upload can be read.
    pub fn readable(&mut self, id: UploadId) {
        self.set_readable(id, FileCheck::Passed);
    }

    /// Whether the file of an open upload is to be looked at now, and in which row it is: more of it
    /// is to be sent, over a socket that came after one that was lost, perhaps because of this file.
    pub fn check(&mut self, id: UploadId) -> Option<Row> {
        let row = self.row_of(id)?;
        let open = self.open_mut(row)?;
        if open.file != FileCheck::Due || open.window.all_sent() {
            return None;
        }
        open.file = FileCheck::Pending;
        Some(row)
    }

    /// What the portal has to be told to remove, now that it can.
    pub fn take_leftovers(&mut self) -> Vec<String> {
        self.leftovers.take()
    }

    /// The server has removed what an upload left behind.
    pub fn leftover_removed(&mut self, path: &str) {
        self.leftovers.removed(path);
    }

    /// The server keeps what an upload left behind.
    pub fn leftover_kept(&mut self, path: &str) {
        self.leftovers.not_removed(path);
    }

    /// The uploads that the portal knows, each with its row.
    pub fn open(&self) -> impl Iterator<Item = (UploadId, Row)> {
        self.open.iter().filter(|(id, row)| self.is_open_as(*row, *id))
    }

    /// Tries again what was interrupted, failed or left out, from what the server holds of it.
    pub fn retry(&mut self, row: Row) {
        let is_over = |upload: &Upload| match upload.state {
            State::Interrupted | State::Skipped(_) | State::Failed(_) | State::NeedsDecision(_) => {
                true
            }
            State::Queued | State::Paused | State::Open(_) | State::Done(_) => false,
        };
        if self
            .get(row)
            .is_some_and(|upload| upload.source == FileAccess::Available && is_over(upload))
        {
            self.change(row, |upload| upload.state = State::Queued);
            self.queue(Some(row));
        }
    }

    /// What the person decides for one file whose name is taken.
    pub fn decide(&mut self, row: Row, policy: ConflictPolicy) {
        if let Some(decision) = self.decision(row, policy) {
            self.carry_out(row, policy, decision);
        }
    }

    /// What a policy means for a file whose name is taken.
    fn decision(&self, row: Row, policy: ConflictPolicy) -> Option<Decision> {
        let upload = self.get(row)?;
        let State::NeedsDecision(existing) = &upload.state else {
            return None;
        };
        Some(policy.decide(upload.file.modified_millis, existing, upload.name_number))
    }

    fn carry_out(&mut self, row: Row, policy: ConflictPolicy, decision: Decision) {
        match decision {
            Decision::Skip => {
                self.leave_out(row, policy);
                self.let_go(row);
            }
            Decision::Overwrite => self.choose(row, ConflictPolicy::Overwrite),
            Decision::Rename(number) => {
                self.change(row, |upload| upload.name_number = number);
                self.let_go(row);
                self.choose(row, policy);
            }
            Decision::Ask if policy != ConflictPolicy::Ask => self.choose(row, policy),
            Decision::Ask => {}
        }
    }

    /// Nobody goes on with what the server holds of an upload.
    fn let_go(&mut self, row: Row) {
        let part = self.change(row, |upload| {
            upload.kept_bytes = 0;
            upload.resume.take()
        });
        self.leftovers.abandon(part.flatten());
    }

    /// Time passes: rates of what stands still fall.
    pub fn tick(&mut self, now: Millis) {
        self.rate.note(0, now);
        for (_, row) in self.open.iter() {
            if let Some(Some(upload)) = self.uploads.get_mut(row.0)
                && upload.is_sending()
            {
                upload.rate.note(0, now);
                self.changed.insert(row);
            }
        }
    }

    /// Whether the portal has yet to end any upload.
    #[must_use]
    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Offers a file again, and does this if its name is taken.
    fn choose(&mut self, row: Row, policy: ConflictPolicy) {
        self.change(row, |upload| upload.choice = Some(policy));
        self.retry(row);
    }

    fn leave_out(&mut self, row: Row, policy: ConflictPolicy) {
        let skipped = match policy {
            ConflictPolicy::OnlyNewer => Skipped::NotNewer,
            ConflictPolicy::Ask
            | ConflictPolicy::Overwrite
            | ConflictPolicy::Skip
            | ConflictPolicy::Rename
            | ConflictPolicy::Resume => Skipped::ServerFileKept,
        };
        self.change(row, |upload| upload.state = State::Skipped(skipped));
    }

    /// A row may have become one that waits for its offer.
    fn queue(&mut self, row: Option<Row>) {
        if let Some(row) = row
            && let Some(upload) = self.get(row)
            && let State::Queued = upload.state
        {
            let size = upload.file.size;
            self.queued.insert(row, size);
        }
    }

    fn set_readable(&mut self, id: UploadId, readable: FileCheck) {
        if let Some(row) = self.row_of(id)
            && let Some(open) = self.open_mut(row)
        {
            open.file = readable;
        }
    }

    /// The portal has ended an upload, whatever became of it; gives its row.
    fn ended(&mut self, id: UploadId) -> Option<Row> {
        self.leftovers.ended(id);
        self.open.remove(id)
    }

    /// The portal has ended an upload, and a part of it lies at `resume`; what it becomes depends
    /// on what held it. Gives its row, unless it was cancelled meanwhile: then the part is of no
    /// use to anybody.
    fn end(
        &mut self,
        id: UploadId,
        resume: Option<String>,
        becomes: impl FnOnce(PauseState) -> State,
    ) -> Option<Row> {
        let row = self.ended(id)?;
        let Some(pause_state) = self.get(row).and_then(|upload| upload.hold_as(id)) else {
            self.leftovers.abandon(resume);
            return None;
        };
        self.change(row, |upload| {
            upload.keep(resume);
            upload.state = becomes(pause_state);
        });
        Some(row)
    }

    /// Nobody knows any more what was open: each upload becomes what its hold says. Gives how many
    /// there were.
    fn lose_open(&mut self, becomes: impl Fn(PauseState) -> State) -> usize {
        self.outage = None;
        self.leftovers.session_lost();
        let open: Vec<_> = self.open().collect();
        for &(id, row) in &open {
            let part = self.get(row).and_then(|upload| upload.resume.clone());
            let row = self.end(id, part, |pause_state| match pause_state {
                PauseState::Unreadable => State::Failed(words::file_changed()),
                pause_state => becomes(pause_state),
            });
            self.queue(row);
        }
        self.open = OpenUploads::default();
        open.len()
    }

    fn set_phase(&mut self, id: UploadId, phase: Phase) {
        if let Some(row) = self.row_of(id) {
            self.change(row, |upload| {
                if let State::Open(open) = &mut upload.state {
                    open.phase = phase;
                }
            });
        }
    }

    /// The one way to change an upload: its row is drawn again, and the accounts follow.
    fn change<R>(&mut self, row: Row, change: impl FnOnce(&mut Upload) -> R) -> Option<R> {
        let upload = self.uploads.get_mut(row.0)?.as_deref_mut()?;
        let before = upload.entry();
        let result = change(upload);
        self.indexes.settle(row, upload, before, upload.entry());
        self.changed.insert(row);
        self.unsaved.insert(row);
        Some(result)
    }

    /// Whose turn it is to send, and up to where: the first upload after the one that sent last.
    fn turn(&self, limits: &Limits) -> Option<(UploadId, Row, u64)> {
        let first = self.last_sent.map_or(UploadId(0), |id| UploadId(id.0.saturating_add(1)));
        self.open.iter_from(first).find_map(|(id, row)| {
            let upload = self.get(row)?;
            let State::Open(open) = &upload.state else {
                return None;
            };
            if open.id != id
                || open.pause_state != PauseState::Running
                || open.file != FileCheck::Passed
            {
                return None;
            }
            let known = upload.rate.bytes_per_second().or(self.rate.bytes_per_second());
            let end = open.chunk_end(chunk_bytes(known, open.window_bytes, limits), limits)?;
            Some((id, row, end))
        })
    }

    /// The row of an upload that is open.
    #[must_use]
    pub fn row_of(&self, id: UploadId) -> Option<Row> {
        let row = self.open.get(id)?;
        self.is_open_as(row, id).then_some(row)
    }

    fn is_open_as(&self, row: Row, id: UploadId) -> bool {
        self.get(row).is_some_and(|upload| upload.is_open_as(id))
    }

    fn get_mut(&mut self, row: Row) -> Option<&mut Upload> {
        self.uploads.get_mut(row.0)?.as_deref_mut()
    }

    fn open_mut(&mut self, row: Row) -> Option<&mut OpenUpload> {
        match &mut self.get_mut(row)?.state {
            State::Open(open) => Some(open),
            State::Queued
            | State::Paused
            | State::Done(_)
            | State::Interrupted
            | State::Skipped(_)
            | State::Failed(_)
            | State::NeedsDecision(_) => None,
        }
    }
}

impl Upload {
    fn new(file: PickedFile, directory: Rc<str>, state: State) -> Self {
        Self {
            file,
            directory,
            folder: FolderId::default(),
            choice: None,
            name_number: 1,
            resume: None,
            kept_bytes: 0,
            edges: None,
            source: FileAccess::Available,
            paused_before: false,
            state,
            rate: Rate::default(),
        }
    }

    /// The file as it was picked.
    #[must_use]
    pub fn file(&self) -> &PickedFile {
        &self.file
    }

    /// The path as it was picked.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.file.path
    }

    /// The file's size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.file.size
    }

    /// The file's last modification, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn modified_millis(&self) -> Option<i64> {
        self.file.modified_millis
    }

    /// The path that it goes by on the server, if that is another than its own.
    #[must_use]
    pub fn renamed(&self) -> Option<String> {
        (self.name_number > 1).then(|| numbered(&self.file.path, self.name_number))
    }

    /// How far it has come.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How fast it is.
    #[must_use]
    pub fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Bytes that the server has taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        match &self.state {
            State::Open(open) => open.window.taken(),
            State::Done(_) => self.file.size,
            State::Queued | State::Paused | State::Interrupted => self.kept_bytes,
            State::Skipped(_) | State::Failed(_) | State::NeedsDecision(_) => 0,
        }
    }

    /// How much is done, from 0 to 1000; 1000 only when the file is stored.
    #[must_use]
    pub fn permille(&self) -> u64 {
        if let State::Done(_) = self.state {
            return 1000;
        }
        permille(self.taken(), self.file.size)
    }

    /// Whether its bytes are on their way.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        matches!(
            &self.state,
            State::Open(open) if open.phase == Phase::Sending && open.pause_state == PauseState::Running
        )
    }

    fn is_open_as(&self, id: UploadId) -> bool {
        self.hold_as(id).is_some()
    }

    /// What holds it, if it is open under this id.
    fn hold_as(&self, id: UploadId) -> Option<PauseState> {
        match &self.state {
            State::Open(open) if open.id == id => Some(open.pause_state),
            _ => None,
        }
    }

    /// Whether the portal was told to do this if the name is taken.
    fn was_told(&self, on_conflict: OnConflict) -> bool {
        matches!(&self.state, State::Open(open) if open.on_conflict == on_conflict)
    }

    fn is_pausing(&self) -> bool {
        matches!(&self.state, State::Open(open) if open.pause_state == PauseState::Paused)
    }

    /// Notes where the part lies that the server holds of it, and how much that is.
    fn keep(&mut self, resume: Option<String>) {
        self.kept_bytes = if resume.is_some() { self.taken() } else { 0 };
        self.resume = resume;
    }

    fn offer(&self, id: UploadId, policy: ConflictPolicy) -> Offer {
        Offer {
            upload: id,
            path: remote::join(&self.directory, &numbered(&self.file.path, self.name_number)),
            size: self.file.size,
            modified_millis: self.file.modified_millis,
            on_conflict: self.choice.unwrap_or(policy).on_conflict(),
            resume: self.resume.clone(),
            digest: false,
        }
    }
}

impl OpenUpload {
    fn new(offer: &Offer) -> Self {
        Self {
            id: offer.upload,
            on_conflict: offer.on_conflict,
            attempt: Attempt::default(),
            window: Window::new(offer.size),
            window_bytes: 0,
            phase: Phase::Offered,
            pause_state: PauseState::Running,
            file: FileCheck::Passed,
        }
    }

    /// What it is doing.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether it may send.
    #[must_use]
    pub fn pause_state(&self) -> PauseState {
        self.pause_state
    }

    /// The socket is gone, and nobody knows what of the bytes that were sent has arrived: nothing
    /// more is sent before the portal says.
    fn hold_window(&mut self) {
        let window = self.window;
        self.window = Window::resumed(window.size(), window.taken(), window.sent());
    }

    /// Takes in the portal's grant; gives the bytes that the server has taken since the last one.
    fn credit(&mut self, attempt: Attempt, credit: Credit) -> u64 {
        let Credit { taken, received, limit } = credit;
        if attempt < self.attempt {
            return 0;
        }
        let before = self.window.taken();
        if attempt > self.attempt {
            self.attempt = attempt;
            self.window = Window::resumed(self.window.size(), taken, received);
            // A check that is under way goes on, whatever socket the page has. So does the wait
            // for the server: that it is over is said by `opened`.
            if self.phase == Phase::Verifying && !self.window.all_sent() {
                self.phase = Phase::Sending;
            }
        }
        self.window.grant(limit);
        self.window.take(taken);
        self.window_bytes = self.window_bytes.max(limit.saturating_sub(taken));
        let gained = self.window.taken().saturating_sub(before);
        if gained > 0 && self.phase == Phase::Offered {
            self.phase = Phase::Sending;
        }
        gained
    }

    /// Where the next chunk ends when it should have `wanted` bytes; nothing when it is better to
    /// wait for more credit, so that a window that opens in drips does not lead to small chunks.
    fn chunk_end(&self, wanted: u64, limits: &Limits) -> Option<u64> {
        let sendable = self.window.sendable();
        let sent = self.window.sent();
        if sendable == 0 {
            return None;
        }
        let ends_the_file = sent + sendable == self.window.size();
        if sendable >= wanted {
            return Some(sent + wanted);
        }
        let least = u64::from(limits.min_chunk_bytes);
        let nothing_under_way = self.window.in_flight() == 0;
        (ends_the_file || (nothing_under_way && sendable >= least)).then_some(sent + sendable)
    }
}

#[cfg(test)]
mod tests;
