//! The page as a whole: what happens goes in, what has to be done comes out.
//!
//! It joins the parts: the [`Connection`] says when uploads and listings are welcome, the
//! [`Queue`] says what to offer and to send, [`RemoteDirectory`] and [`Log`] keep what is shown. It touches
//! neither the browser nor a clock; `shell` does, on wasm32 only.

use std::{collections::VecDeque, time::Duration};

use protocol::{
    ClientMessage, Problem, ServerMessage, UploadId, client::Language, server::NewSession,
};

use self::files::OpenDigests;
pub use self::{
    drop_target::DropTarget,
    files::{DigestJob, DigestOutcome, Digested},
};
use crate::{
    connect_steps::ConnectSteps,
    connection::{
        Connection, ConnectionEffect, ConnectionEvent, Destination, FtpsState, Network, SocketState,
    },
    delivery::OutgoingMessage,
    log::Log,
    queue::{
        ConflictPolicy, NextChunk, OfferOrder, Outage, PickedFile, Queue, Row, Rows, Scope, Totals,
    },
    recent::RecentDestination,
    remote::{self, RemoteDirectory},
    saved::{RestoredPage, SavedHome},
    time::{Millis, Stopwatch},
    words,
};

mod bulk;
mod drop_target;
mod files;
mod messages;
mod remote_files;
mod restore;

/// While uploads are under way, rates and countdowns are brought up to date this often.
const TICK: Duration = Duration::from_millis(1000);
/// The log's errors are announced so long after each other at least.
const ERROR_PAUSE: Duration = Duration::from_secs(5);

/// The bar's progress is announced at these points of the way, in thousandths.
const MILESTONES: [u64; 3] = [250, 500, 750];
/// Fewer files than this are done before a milestone could be spoken.
const FEWEST_FILES_FOR_MILESTONES: u64 = 2;
/// Folders that the portal is told to make at once.
const MAX_DIRECTORIES_UNDER_WAY: usize = 2;
/// Older notices give way.
const MAX_NOTICES: usize = 5;

/// What happens.
#[derive(Debug)]
pub enum Event {
    /// The folder that the person wants to begin in, once connected; may be empty.
    StartIn(String),
    /// The person connects.
    Connect(Destination),
    /// The person trusts the certificate that was shown, by its fingerprint.
    TrustCertificate(String),
    /// The person does not.
    RejectCertificate,
    /// The person disconnects, or stops connecting.
    Disconnect,
    /// The person does not want to wait for the next try.
    ReconnectNow,
    /// The person picks something.
    PickStarted,
    /// The person picked files.
    Picked(Vec<PickedFile>, DropTarget),
    /// Among what was picked are folders that hold nothing: the paths of these.
    PickedEmptyFolders(Vec<String>, DropTarget),
    /// The browser could not read some of what was picked.
    PickedUnreadable(Vec<String>),
    /// There was no connection for some of what was picked.
    PickRejected(Vec<String>),
    /// The person does something with an upload.
    Upload(Row, UploadAction),
    /// The person does something with many of them.
    Bulk(Scope, BulkAction),
    /// The person chooses what to do when a name is taken.
    SetPolicy(ConflictPolicy),
    /// The person chooses the order of what waits.
    SetOrder(OfferOrder),
    /// The browser looked whether the file of an upload can be read.
    FileChecked {
        /// Whose file.
        upload: UploadId,
        /// Where it is in the list.
        row: Row,
        /// Whether it can.
        readable: bool,
    },
    /// The worker has made digests, or cannot.
    Digested(Vec<Digested>),
    /// The person opens a directory in view.
    OpenDirectory(String),
    /// The person goes to the directory above.
    OpenParent,
    /// The person looks again.
    Refresh,
    /// The person does something else with the directory in view.
    Remote(remote::RemoteAction),
    /// A session was made, and its socket is open.
    SocketOpened(NewSession),
    /// The portal makes no session.
    SessionRefused(Problem),
    /// The portal says something, in a frame of so many bytes.
    Received(Box<ServerMessage>, u64),
    /// The portal sent something that is no message of this version.
    NotUnderstood,
    /// The socket is closed.
    SocketClosed,
    /// The browser says that there is a network again, or none any more.
    NetworkChanged(Network),
    /// An earlier page of this tab left this.
    Restored(Box<RestoredPage>),
    /// The files of rows of an earlier page are there again, each with the digest of its edges
    /// where it was needed.
    FilesFound(Vec<(Row, Option<u64>)>),
    /// What was picked, or what the browser opened again, is not the file that a row misses.
    WrongFile(Row),
    /// The browser cannot open the files of these rows again by itself.
    HandlesFailed(Vec<Row>),
    /// The digest of the edges of a row's file is known.
    EdgesKnown(Row, u64),
    /// The person does not want to go on with what an earlier page left.
    DiscardRestored,
    /// The deadline of [`Page::deadline`] has come.
    Tick,
}

/// What a person does with one upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadAction {
    /// Stop sending.
    Pause,
    /// Go on.
    Resume,
    /// Give up.
    Cancel,
    /// Try again.
    Retry,
    /// Do this about the server's file of the same name.
    Decide(ConflictPolicy),
    /// Do this about every such file, and about those that follow.
    DecideAll(ConflictPolicy),
}

/// What a person does with all uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkAction {
    /// Stop sending.
    Pause,
    /// Go on.
    Resume,
    /// Give up what has not ended.
    Cancel,
    /// Try again what failed or was interrupted.
    RetryFailed,
    /// Take what ended well, or was left out, from the list.
    ClearFinished,
}

/// What has to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open the session's socket; make a session first where none is given.
    OpenSocket(Option<NewSession>),
    /// Close the socket.
    CloseSocket,
    /// Say something to the portal.
    Send(ClientMessage),
    /// Say `connect`, with the password from its field and this certificate trusted.
    Connect(Destination, Option<String>),
    /// Keep for the next time where the person was let in.
    Remember(RecentDestination),
    /// Tell those who do not see the page.
    Announce(String),
    /// See whether a file can be read; answered by [`Event::FileChecked`].
    CheckFile(UploadId, Row),
    /// Have a digest made beside the sending; answered by [`Event::Digested`].
    Digest(DigestJob),
    /// Do not go on with an upload's digests.
    StopDigest(UploadId),
    /// Let go of the files in these rows.
    ForgetRows(Vec<Row>),
}

/// The parts of the page that are drawn as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// The form, the steps, the facts, the certificate question.
    Connection,
    /// The directory in view.
    Remote,
    /// The total of the uploads.
    Totals,
    /// What did not become an upload.
    Notices,
}

/// Some of the parts; a tree of them would bring more code than the parts are worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regions(u8);

impl Regions {
    /// Adds a part.
    pub fn insert(&mut self, part: Region) {
        self.0 |= Self::bit(part);
    }

    /// Whether a part is among them.
    #[must_use]
    pub fn contains(self, part: Region) -> bool {
        self.0 & Self::bit(part) != 0
    }

    fn bit(part: Region) -> u8 {
        1 << part as u8
    }
}

impl Extend<Region> for Regions {
    fn extend<I: IntoIterator<Item = Region>>(&mut self, parts: I) {
        parts.into_iter().for_each(|part| self.insert(part));
    }
}

/// The page.
#[derive(Debug, Default)]
pub struct Page {
    connection: Connection,
    connect_steps: ConnectSteps,
    /// The folder to begin in, as the person has it: [`crate::address::Address::folder`].
    begin_in: Option<String>,
    /// The same on the server, until its listing is there.
    awaited_begin: Option<String>,
    queue: Queue,
    remote: RemoteDirectory,
    log: Log,
    notices: Vec<String>,
    /// Folders to be made that the portal was not told of yet.
    directories: VecDeque<String>,
    /// Folders that the portal was told to make, in this order.
    directories_under_way: VecDeque<String>,
    changed: Regions,
    effects: Vec<Effect>,
    digests: OpenDigests,
    /// Of which uploads a digest was asked for, and from where on: a break opens an upload anew.
    digests_asked: Vec<(UploadId, u64)>,
    /// Files that were picked, and not announced yet.
    added: usize,
    tick_at: Option<Millis>,
    announced_permille: u64,
    /// When the next error of the log may be announced.
    next_error_at: Option<Millis>,
    busy: Stopwatch,
}

impl Page {
    /// The way to the server.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The steps on that way.
    #[must_use]
    pub fn connect_steps(&self) -> &ConnectSteps {
        &self.connect_steps
    }

    /// The portal is to speak this language.
    pub fn set_language(&mut self, language: Language) {
        self.connection.set_language(language);
    }

    /// Names on the server are in this order.
    pub fn set_collation(&mut self, collation: remote::Collation) {
        self.remote.set_collation(collation);
    }

    /// The uploads.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The directory in view.
    #[must_use]
    pub fn remote(&self) -> &RemoteDirectory {
        &self.remote
    }

    /// What did not become an upload, one sentence each, oldest first.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// For how long anything was under way since the list was empty.
    #[must_use]
    pub fn busy_time(&self, now: Millis) -> Duration {
        self.busy.time(now)
    }

    /// The session log.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The session log.
    pub fn log_mut(&mut self) -> &mut Log {
        &mut self.log
    }

    /// The parts that have to be drawn again.
    pub fn take_changed_regions(&mut self) -> Regions {
        std::mem::take(&mut self.changed)
    }

    /// The rows that have to be drawn again.
    pub fn take_changed_rows(&mut self) -> Rows {
        self.queue.take_changed()
    }

    /// Takes in what happens; gives what has to be done, in this order.
    ///
    /// `jitter` is a random number from 0 to 1.
    pub fn handle(&mut self, event: Event, now: Millis, jitter: f64) -> Vec<Effect> {
        let before = self.queue.totals();
        self.dispatch(event, now, jitter);
        self.connection.time_greeting(now);
        self.connect_steps.follow(&self.connection, now);
        self.remove_leftovers();
        self.offer();
        self.watch(before, now);
        let again: Vec<_> = self.connection.take_again().into_iter().map(said_again).collect();
        let acts = self.connection.take_effects().into_iter().map(effect);
        let effects: Vec<_> = acts.chain(std::mem::take(&mut self.effects)).collect();
        let fresh = effects.into_iter().filter(|effect| self.goes_out(effect));
        again.into_iter().chain(fresh).collect()
    }

    /// What the rows in the store have in common.
    #[must_use]
    pub fn home(&self) -> Option<SavedHome> {
        let destination = self.connection.home()?;
        let trusted_certificate = self.connection.trusted_at(destination).cloned();
        Some(SavedHome { destination: destination.clone(), trusted_certificate })
    }

    /// The rows whose record in the store is out of date since the last call.
    pub fn take_unsaved_rows(&mut self) -> Rows {
        self.queue.take_unsaved()
    }

    /// Counted messages are kept until they are heard; without a link they wait for the next one.
    fn goes_out(&mut self, effect: &Effect) -> bool {
        match effect {
            Effect::Send(message) if message.needs_ack() => {
                self.connection.keep(OutgoingMessage::Message(message.clone()))
            }
            Effect::Connect(destination, trusted) => {
                self.connection.keep(OutgoingMessage::Connect(destination.clone(), trusted.clone()))
            }
            Effect::Send(_)
            | Effect::OpenSocket(_)
            | Effect::CloseSocket
            | Effect::Remember(_)
            | Effect::Announce(_)
            | Effect::CheckFile(..)
            | Effect::Digest(_)
            | Effect::StopDigest(_)
            | Effect::ForgetRows(_) => true,
        }
    }

    /// What may be sent, while `buffered` bytes wait in the browser's send buffer.
    pub fn next_chunk(&mut self, buffered: u64) -> NextChunk {
        match self.connection.ready() {
            Some(limits) => self.queue.next_chunk(buffered, limits),
            None => NextChunk::Nothing,
        }
    }

    /// When [`Event::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let refresh = match (self.connection.ready(), self.remote.is_loading()) {
            (Some(_), false) => self.remote.refresh_at(),
            _ => None,
        };
        [self.connection.deadline(), refresh, self.tick_at].into_iter().flatten().min()
    }

    fn dispatch(&mut self, event: Event, now: Millis, jitter: f64) {
        match event {
            Event::StartIn(folder) => self.begin_in = Some(folder),
            Event::Connect(destination) => {
                self.connection.connect(destination);
                self.changed.insert(Region::Connection);
            }
            Event::TrustCertificate(fingerprint) => {
                self.connection.trust(&fingerprint);
                self.changed.insert(Region::Connection);
            }
            Event::RejectCertificate => {
                self.connection.refuse();
                self.changed.insert(Region::Connection);
            }
            Event::Disconnect => self.disconnect(),
            Event::ReconnectNow => {
                self.connection.retry_now();
                self.outage(now);
                self.changed.insert(Region::Connection);
            }
            Event::PickStarted => self.begin_pick(),
            Event::Picked(files, place) => self.take_in(files, &place),
            Event::PickedEmptyFolders(folders, place) => self.take_in_folders(&folders, &place),
            Event::PickedUnreadable(names) => self.notice(words::unreadable(&names)),
            Event::PickRejected(names) => self.notice(words::not_taken(&names)),
            Event::Upload(row, action) => self.act(row, action),
            Event::Bulk(scope, bulk) => self.act_on(scope, bulk),
            Event::SetPolicy(policy) => self.set_policy(policy),
            Event::SetOrder(order) => self.set_order(order),
            Event::FileChecked { upload, row, readable } => {
                self.file_checked(upload, row, readable);
            }
            Event::Digested(news) => self.digested(news),
            Event::OpenDirectory(name) => {
                let path = self.remote.open(&name);
                self.list(path);
            }
            Event::OpenParent => {
                let path = self.remote.up();
                self.list(path);
            }
            Event::Refresh => self.refresh(),
            Event::Remote(action) => self.act_on_remote(action),
            Event::SocketOpened(session) => {
                self.connection.socket_opened(session, self.log.next_seq());
            }
            Event::NetworkChanged(network) => {
                self.connection.network_changed(network, now);
                self.outage(now);
                self.changed.insert(Region::Connection);
            }
            Event::Restored(restored) => self.restore(*restored),
            Event::FilesFound(found) => self.found(found),
            Event::WrongFile(row) => self.other_file(row),
            Event::HandlesFailed(rows) => self.handles_failed(rows),
            Event::EdgesKnown(row, edges) => self.queue.edges_known(row, edges),
            Event::DiscardRestored => self.discard_restored(),
            Event::SessionRefused(problem) => {
                let news = self.connection.session_refused(problem, now, jitter);
                self.learn(news, now);
            }
            Event::Received(message, bytes) => {
                self.connection.heard(&message, bytes, now);
                self.receive(*message, now);
            }
            Event::NotUnderstood => {
                let news = self.connection.abandon(words::not_understood());
                self.learn(news, now);
            }
            Event::SocketClosed => {
                let news = self.connection.socket_closed(now, jitter);
                self.learn(news, now);
            }
            Event::Tick => self.tick(now, jitter),
        }
    }

    fn disconnect(&mut self) {
        self.connection.disconnect();
        self.queue.disconnected();
        self.remote.leave();
        self.forget_digests();
        self.forget_directories();
        self.changed.extend([Region::Connection, Region::Remote]);
        self.announce(words::disconnected().to_owned());
    }

    fn arrive(&mut self, news: Option<ConnectionEvent>, directory: String) {
        let Some(ConnectionEvent::Connected { again }) = news else {
            return;
        };
        let path = if again {
            self.announce(words::back_again().to_owned());
            let before = self.remote.directory().to_owned();
            if before.is_empty() { self.begin(directory) } else { self.remote.enter(before) }
        } else {
            // What was meant for another server goes nowhere by itself.
            self.queue.disconnected();
            self.queue.moved(&directory);
            if let FtpsState::Connected(connected) = self.connection.ftps() {
                let sentence = words::connected_to(&connected.host);
                self.announce(sentence);
            }
            self.begin(directory)
        };
        self.changed.insert(Region::Connection);
        self.list(path);
        self.make_directories();
    }

    /// A person has connected: in the folder that was asked for, once it is known to be there. Gives
    /// the path to list.
    fn begin(&mut self, directory: String) -> Option<String> {
        let Some(folder) = self.begin_in.take() else { return self.remote.enter(directory) };
        let wanted = match folder.as_str() {
            "" => None,
            folder if folder.starts_with('/') => Some(folder.to_owned()),
            folder => Some(remote::join(&directory, folder)),
        };
        self.remember(folder);
        self.awaited_begin = wanted.filter(|wanted| *wanted != directory);
        let first = self.remote.enter(directory);
        if let Some(wanted) = &self.awaited_begin {
            // It waits for the listing of the login's directory, which stays where this one fails.
            self.remote.go(wanted.clone());
        }
        first
    }

    /// Whether the answer about `path` was the one about the folder to begin in.
    fn began(&mut self, path: &str) -> bool {
        // What belongs to the voyage is drawn with the connection.
        self.changed.insert(Region::Connection);
        self.awaited_begin.take_if(|awaited| awaited == path).is_some()
    }

    /// The folder to begin in is not there: the next time it is not asked for again.
    fn begin_elsewhere(&mut self, path: &str, problem: &mut Problem) {
        problem.message = words::no_such_begin(path, &problem.message);
        self.announce(problem.message.clone());
        self.remember(String::new());
    }

    fn remember(&mut self, folder: String) {
        if let Some(destination) = self.connection.wanted().cloned() {
            self.effects.push(Effect::Remember(RecentDestination { destination, folder }));
        }
    }

    fn learn(&mut self, news: Option<ConnectionEvent>, now: Millis) {
        self.changed.extend([Region::Connection, Region::Remote]);
        match news {
            Some(ConnectionEvent::SocketLost) => {
                self.outage(now);
                self.announce(words::reconnecting().to_owned());
            }
            Some(ConnectionEvent::SocketRestored) => {
                self.queue.mended();
                self.announce(words::back_again().to_owned());
            }
            Some(ConnectionEvent::SessionLost) => {
                self.remote.unanswered();
                self.forget_digests();
                self.queue.session_lost();
                self.make_directories_again();
            }
            Some(ConnectionEvent::SessionEnded) => {
                self.remote.unanswered();
                self.forget_digests();
                self.forget_directories();
                self.check_open_files();
                if self.queue.link_lost() > 0 {
                    self.announce(words::retry_to_go_on().to_owned());
                }
            }
            Some(ConnectionEvent::Disconnected) => {
                self.remote.unanswered();
                self.forget_directories();
                if let Some(problem) = self.connection.problem() {
                    let sentence = problem.message.clone();
                    self.announce(crate::format::visible(&sentence).into_owned());
                }
            }
            Some(ConnectionEvent::Connected { .. }) | None => self.outage(now),
        }
    }

    /// While the link is lost, the open uploads show until when.
    fn outage(&mut self, now: Millis) {
        if matches!(self.connection.socket(), SocketState::Lost { .. })
            || self.queue.outage().is_some()
        {
            self.queue.hold_open(Outage { retry_in: self.connection.next_retry_in(now) });
        }
    }

    /// Draws the directory in view, and asks for `path` if now is the time.
    fn list(&mut self, path: Option<String>) {
        self.changed.insert(Region::Remote);
        if let Some(path) = path {
            self.effects.push(Effect::Send(ClientMessage::List { path }));
        }
    }

    /// Has the next folders made: a few at a time, so that they do not crowd out what else waits.
    fn make_directories(&mut self) {
        while self.directories_under_way.len() < MAX_DIRECTORIES_UNDER_WAY
            && self.connection.ready().is_some()
            && let Some(path) = self.directories.pop_front()
        {
            self.directories_under_way.push_back(path.clone());
            self.effects.push(Effect::Send(ClientMessage::MakeDirectory { path }));
        }
    }

    fn directory_answered(&mut self) {
        self.directories_under_way.pop_front();
        self.make_directories();
    }

    /// Folders that were to be made are not made on another server.
    fn forget_directories(&mut self) {
        self.directories.clear();
        self.directories_under_way.clear();
    }

    /// Another session does not know what the lost one was told.
    fn make_directories_again(&mut self) {
        while let Some(path) = self.directories_under_way.pop_back() {
            self.directories.push_front(path);
        }
    }

    fn tick(&mut self, now: Millis, jitter: f64) {
        if self.connection.deadline().is_some_and(|at| at <= now) {
            let news = self.connection.tick(now, jitter);
            self.learn(news, now);
        }
        let refresh = self.remote.refresh_at().is_some_and(|at| at <= now);
        if refresh && !self.remote.is_loading() && self.connection.ready().is_some() {
            self.refresh();
        }
        if self.tick_at.is_some_and(|at| at <= now) {
            self.tick_at = None;
            self.queue.tick(now);
            self.announce_added();
            self.outage(now);
            self.changed.extend([Region::Connection, Region::Totals]);
        }
    }

    fn offer(&mut self) {
        let Some(limits) = self.connection.ready() else {
            return;
        };
        for offer in self.queue.offers(limits) {
            if let Some(row) = self.queue.row_of(offer.upload) {
                self.prepare(row, offer);
            }
        }
    }

    /// Compares the totals with those before the event: what moved is drawn, what ended is said.
    fn watch(&mut self, before: Totals, now: Millis) {
        let totals = self.queue.totals();
        let counting_down = matches!(self.connection.socket(), SocketState::Lost { .. });
        if (totals.active > 0 || counting_down) && self.tick_at.is_none() {
            self.tick_at = Some(now + TICK);
        }
        if totals == before {
            return;
        }
        self.changed.insert(Region::Totals);
        if totals.files == 0 {
            self.busy = Stopwatch::default();
        }
        self.busy.run(totals.active > 0, now);
        let permille = totals.permille();
        if totals.files != before.files || permille < self.announced_permille {
            self.announced_permille = permille;
        }
        if before.active > 0 && totals.active == 0 && totals.paused == 0 {
            self.announce(words::finished(&totals));
        } else if totals.files >= FEWEST_FILES_FOR_MILESTONES
            && let Some(milestone) = passed(self.announced_permille, permille)
        {
            self.announced_permille = permille;
            self.announce(words::milestone(milestone, &totals));
        }
    }

    fn notice(&mut self, sentence: String) {
        if self.notices.len() == MAX_NOTICES {
            self.notices.remove(0);
        }
        self.notices.push(sentence.clone());
        self.changed.insert(Region::Notices);
        self.announce(sentence);
    }

    /// A folder comes in many parts: what was added is summed up, once a tick.
    fn announce_added(&mut self) {
        match std::mem::take(&mut self.added) {
            0 => {}
            added => self.announce(words::added(added)),
        }
    }

    fn announce_row(&mut self, row: Row, sentence: impl FnOnce(&str) -> String) {
        if let Some(upload) = self.queue.get(row) {
            let sentence = sentence(upload.path());
            self.announce(sentence);
        }
    }

    /// Of many errors in a row whoever listens hears the first.
    fn announce_error(&mut self, now: Millis) {
        if let Some(error) = self.log.take_error()
            && self.next_error_at.is_none_or(|at| at <= now)
        {
            self.next_error_at = Some(now + ERROR_PAUSE);
            self.announce(words::error_said(&crate::format::visible(&error)));
        }
    }

    fn announce(&mut self, sentence: String) {
        self.effects.push(Effect::Announce(sentence));
    }
}

/// The last milestone on the way from one point to another.
fn passed(from: u64, to: u64) -> Option<u64> {
    MILESTONES.into_iter().rfind(|milestone| from < *milestone && *milestone <= to)
}

fn effect(act: ConnectionEffect) -> Effect {
    match act {
        ConnectionEffect::OpenSocket(session) => Effect::OpenSocket(session),
        ConnectionEffect::CloseSocket => Effect::CloseSocket,
        ConnectionEffect::Send(message) => Effect::Send(message),
        ConnectionEffect::Connect(destination, trusted) => Effect::Connect(destination, trusted),
    }
}

fn said_again(said: OutgoingMessage) -> Effect {
    match said {
        OutgoingMessage::Message(message) => Effect::Send(message),
        OutgoingMessage::Connect(destination, trusted) => Effect::Connect(destination, trusted),
    }
}

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
