//! Tests the page against a model of portals and servers, with random schedules of breaks.
//!
//! Sockets, portals, connections and pages break and return, files cannot be read for a while, and
//! the person pauses, cancels, discards and changes the server. The test asserts that
//! - no file is lost, and none is stored twice;
//! - nothing is sent without credit, and nothing goes to another server by itself;
//! - no counted message is lost or repeated;
//! - every upload ends once the breaks end;
//! - no temporary file that the page knows of is left of a stored or cancelled upload.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use protocol::{
    ChunkHeader, Stage,
    client::{Offer, ResumeState},
    delivery::Acknowledged as _,
    server::Existing,
};

use super::*;

const WINDOW: u64 = 64 * 1024;
const FILES: usize = 5;

/// An upload as the portal knows it.
struct ModelUpload {
    offer: Offer,
    temporary_path: String,
    attempt: Attempt,
    received: u64,
    taken: u64,
    limit: u64,
}

/// A session as the portal knows it.
#[derive(Default)]
struct ModelSession {
    sent: Vec<ServerMessage>,
    taken: u64,
    is_connected: bool,
    host: String,
    uploads: BTreeMap<UploadId, ModelUpload>,
    newest: Option<UploadId>,
    begun: bool,
}

/// A frame in flight to the portal.
#[derive(Clone)]
enum Frame {
    Message(ClientMessage),
    Chunk(ChunkHeader, u64),
}

/// The files on a server.
#[derive(Default)]
struct Disk {
    /// Temporary files: the path of the upload, and the number of bytes.
    parts: BTreeMap<String, (String, u64)>,
    stored: BTreeMap<String, u32>,
    /// The temporary files that the page knows.
    told: BTreeSet<String>,
    /// The files that the person wants on this server.
    meant: BTreeSet<usize>,
}

/// The page, the network, the portal, and the disks of the servers by host.
struct World {
    page: Page,
    now: u64,
    picked: usize,
    disks: BTreeMap<String, Disk>,
    cancelled: BTreeSet<usize>,
    unreadable: BTreeSet<usize>,
    /// The drop target of a folder that is still being walked.
    walking: Option<DropTarget>,
    sessions: BTreeMap<String, ModelSession>,
    names: u32,
    /// The host that the person wants.
    host: &'static str,
    /// The session whose socket is being opened, or is open.
    opening: Option<NewSession>,
    socket: Option<String>,
    /// Whether the portal has sent `welcome` on it.
    is_greeted: bool,
    to_portal: VecDeque<Frame>,
    to_page: VecDeque<ServerMessage>,
}

fn number(path: &str) -> usize {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(".bin").parse().unwrap()
}

fn trouble() -> Problem {
    Problem {
        stage: Stage::Portal,
        message: "trouble".into(),
        logged: None,
        reply: None,
        cause: None,
        remedy: None,
    }
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            page: Page::default(),
            now: 0,
            picked: 0,
            disks: ["a", "b"].map(|host| (host.to_owned(), Disk::default())).into(),
            cancelled: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            walking: None,
            sessions: BTreeMap::new(),
            names: 0,
            host: "a",
            opening: None,
            socket: None,
            is_greeted: false,
            to_portal: VecDeque::new(),
            to_page: VecDeque::new(),
        };
        world.connect();
        world
    }

    fn connect(&mut self) {
        self.happen(Event::Connect(Destination {
            host: self.host.into(),
            port: 21,
            encryption: Encryption::Explicit,
            username: "u".into(),
        }));
    }

    /// The disk of the server that the page's uploads belong to.
    fn home(&mut self) -> Option<&mut Disk> {
        self.disks.get_mut(&self.page.connection().home()?.host)
    }

    fn is_unreadable(&self, row: Row) -> bool {
        let upload = self.page.queue().get(row);
        upload.is_some_and(|upload| self.unreadable.contains(&number(upload.path())))
    }

    fn happen(&mut self, event: Event) {
        let home = self.page.connection().home().cloned();
        let (mut checks, mut digests) = (Vec::new(), Vec::new());
        for effect in self.page.handle(event, Millis(self.now), 0.5) {
            match effect {
                Effect::OpenSocket(session) => {
                    self.break_socket();
                    self.opening = Some(session.unwrap_or_else(|| self.make_session()));
                }
                Effect::CloseSocket => self.break_socket(),
                Effect::Send(message) => self.to_portal.push_back(Frame::Message(message)),
                Effect::Connect(destination, trusted_certificate) => {
                    let connect = protocol::client::Connect {
                        host: destination.host,
                        port: destination.port,
                        encryption: destination.encryption,
                        username: destination.username,
                        password: Secret::new("p".into()),
                        trusted_certificate,
                    };
                    self.to_portal.push_back(Frame::Message(ClientMessage::Connect(connect)));
                }
                Effect::CheckFile(upload, row) => checks.push((upload, row)),
                Effect::Digest(DigestJob { upload, from, row, .. }) => {
                    let outcome = if self.is_unreadable(row) {
                        DigestOutcome::Unreadable
                    } else {
                        DigestOutcome::Made("00".into())
                    };
                    let made = |from| Digested { upload, from, outcome: outcome.clone() };
                    digests.extend(from.into_iter().map(made));
                }
                _ => {}
            }
        }
        if let Some(home) = home
            && self.page.connection().home() != Some(&home)
        {
            // A page that has left a server cannot have temporary files removed there.
            self.disks.get_mut(&home.host).unwrap().told.clear();
        }
        for (upload, row) in checks {
            let readable = !self.is_unreadable(row);
            self.happen(Event::FileChecked { upload, row, readable });
        }
        if !digests.is_empty() {
            self.happen(Event::Digested(digests));
        }
        while let NextChunk::Send(chunk) = self.page.next_chunk(0) {
            if self.is_unreadable(chunk.row) {
                let (upload, outcome) = (chunk.header.upload, DigestOutcome::Unreadable);
                self.happen(Event::Digested(vec![Digested { upload, from: 0, outcome }]));
            } else {
                self.to_portal.push_back(Frame::Chunk(chunk.header, chunk.end));
            }
        }
    }

    /// Creates a session; the portal has ended the sessions that the page forgot.
    fn make_session(&mut self) -> NewSession {
        let names: Vec<_> = self.sessions.keys().cloned().collect();
        names.iter().for_each(|name| drop(self.end_uploads(name)));
        self.sessions.clear();
        self.names += 1;
        let session = self.names.to_string();
        self.sessions.insert(session.clone(), ModelSession::default());
        NewSession { session, secret: Secret::new("s".into()) }
    }

    /// Ends the uploads of a session; their temporary files stay.
    fn end_uploads(&mut self, session: &str) -> Vec<ModelUpload> {
        let session = self.sessions.get_mut(session).unwrap();
        let disk = self.disks.get_mut(&session.host);
        let uploads: Vec<_> = std::mem::take(&mut session.uploads).into_values().collect();
        if let Some(disk) = disk {
            uploads.iter().for_each(|upload_model| disk.keep(upload_model));
        }
        uploads
    }

    fn break_socket(&mut self) {
        self.opening = None;
        (self.socket, self.is_greeted) = (None, false);
        self.to_portal.clear();
        self.to_page.clear();
    }

    /// The network breaks, and the page notices.
    fn cut(&mut self) {
        if self.opening.is_some() || self.socket.is_some() {
            self.break_socket();
            self.happen(Event::SocketClosed);
        }
    }

    /// Restarts the portal; temporary files stay on the server.
    fn restart_portal(&mut self) {
        let names: Vec<_> = self.sessions.keys().cloned().collect();
        names.iter().for_each(|name| drop(self.end_uploads(name)));
        self.sessions.clear();
        self.cut();
    }

    /// Reloads the page, with what the browser stored. The person picks the files again, or discards
    /// them.
    fn reload(&mut self, edges: Option<u64>, goes_on: bool) {
        self.break_socket();
        self.walking = None;
        let queue = self.page.queue();
        let rows: Vec<_> = queue.rows().filter_map(|row| queue.saved_row(row)).collect();
        let rows: Vec<_> = rows.into_iter().map(|row| SavedRow { edges, ..row }).collect();
        let Some(home) = self.page.home() else {
            self.page = Page::default();
            return self.connect();
        };
        let disk = self.disks.get_mut(&home.destination.host).unwrap();
        // The next page does not know the temporary files that this one abandoned.
        disk.told = rows.iter().filter_map(|row| row.temporary_path.clone()).collect();
        if goes_on {
            disk.meant.extend(rows.iter().map(|row| number(&row.path)));
        }
        self.host = if home.destination.host == "a" { "a" } else { "b" };
        let session = self.page.connection().session().cloned();
        let asks = session.is_none();
        let number = rows.len();
        self.page = Page::default();
        let restored = RestoredPage { home, rows, handles: Vec::new(), session };
        self.happen(Event::Restored(Box::new(restored)));
        if asks {
            self.connect();
        }
        if goes_on {
            self.happen(Event::FilesFound((0..number).map(|row| (Row(row), edges)).collect()));
        } else {
            (0..number).for_each(|row| self.note_cancelled(Row(row)));
            self.happen(Event::DiscardRestored);
        }
    }

    fn pick(&mut self) {
        let target = self.walking.take().or_else(|| self.page.drop_target());
        let Some(target) = target.filter(|_| self.picked < FILES) else { return };
        let size = [0, 1, 40_000, 100_000, 300_000][self.picked];
        let path = format!("{}.bin", self.picked);
        self.disks.get_mut(target.host()).unwrap().meant.insert(self.picked);
        self.picked += 1;
        self.happen(Event::Picked(
            vec![PickedFile { path, size, modified_millis: Some(1) }],
            target,
        ));
    }

    fn note_cancelled(&mut self, row: Row) {
        let upload = self.page.queue().get(row).unwrap();
        self.cancelled.insert(number(upload.path()));
    }

    fn cancel(&mut self, row: Row) {
        if let Some(upload) = self.page.queue().get(row)
            && !matches!(upload.state(), State::Done { .. } | State::Skipped(_))
        {
            self.note_cancelled(row);
            self.happen(Event::Upload(row, UploadAction::Cancel));
        }
    }

    /// The person retries failed and interrupted uploads on the current server.
    fn retry_all(&mut self) {
        if let Some(home) = self.home() {
            home.meant.extend(0..FILES);
        }
        self.happen(Event::Bulk(Scope::All, BulkAction::RetryFailed));
    }

    /// The person disconnects, and wants this host next.
    fn leave(&mut self, host: &'static str) {
        self.host = host;
        self.happen(Event::Disconnect);
    }

    /// The person disconnects, and connects to this host.
    fn go_to(&mut self, host: &'static str) {
        self.leave(host);
        self.connect();
        for _ in 0..3 {
            self.deliver_to_portal(1000);
            self.deliver_to_page(1000);
        }
    }

    fn pass_time(&mut self) {
        if let Some(at) = self.page.deadline() {
            self.now = self.now.max(at.0);
            self.happen(Event::Tick);
        }
    }

    fn open_socket(&mut self) {
        if let Some(session) = self.opening.take() {
            self.socket = Some(session.session.clone());
            self.happen(Event::SocketOpened(session));
        }
    }

    fn deliver_to_portal(&mut self, most: usize) {
        self.open_socket();
        for _ in 0..most {
            let Some(frame) = self.to_portal.pop_front() else { return };
            match frame {
                Frame::Message(message) => self.portal_hears(message),
                Frame::Chunk(header, end) => self.portal_takes(header, end),
            }
        }
    }

    fn deliver_to_page(&mut self, most: usize) {
        for _ in 0..most {
            let Some(message) = self.to_page.pop_front() else { return };
            let is_goodbye = matches!(message, ServerMessage::Goodbye { .. });
            if let ServerMessage::Opened { upload, temporary_path, .. } = &message
                && self.page.queue().row_of(*upload).is_some()
                && let Some(home) = self.home()
            {
                home.told.insert(temporary_path.clone());
            }
            self.happen(Event::Received(Box::new(message), 9));
            if is_goodbye && self.opening.is_none() {
                self.cut();
            }
        }
    }

    fn session(&mut self) -> Option<&mut ModelSession> {
        self.sessions.get_mut(self.socket.as_ref()?)
    }

    fn say(&mut self, message: ServerMessage) {
        if let Some(name) = self.socket.clone() {
            self.say_in(&name, message);
        }
    }

    /// Sends a message in a session, with or without a socket.
    fn say_in(&mut self, name: &str, message: ServerMessage) {
        let Some(session) = self.sessions.get_mut(name) else { return };
        if message.needs_ack() {
            session.sent.push(message.clone());
        }
        if self.is_greeted && self.socket.as_deref() == Some(name) {
            self.to_page.push_back(message);
        }
    }

    fn disk(&mut self) -> &mut Disk {
        let host = self.session().unwrap().host.clone();
        self.disks.get_mut(&host).unwrap()
    }

    fn portal_hears(&mut self, message: ClientMessage) {
        if let ClientMessage::Hello { resume, .. } = message {
            return self.greet(resume);
        }
        let Some(session) = self.session() else { return };
        if message.needs_ack() {
            session.taken += 1;
        }
        let is_connected = session.is_connected;
        match message {
            ClientMessage::Connect(connect) => {
                session.is_connected = true;
                session.host.clone_from(&connect.host);
                self.say(ServerMessage::Connected(Connected { host: connect.host, ..facts() }));
            }
            ClientMessage::Disconnect => self.end_connection(None),
            ClientMessage::List { path } if is_connected => {
                self.say(ServerMessage::Listing { path, entries: Vec::new(), left_out: 0 });
            }
            ClientMessage::List { path } => {
                self.say(ServerMessage::ListingFailed { path, problem: trouble() });
            }
            ClientMessage::Offer(offer) => self.take_offer(offer),
            ClientMessage::Cancel { upload } => {
                if let Some(upload_model) = session.uploads.remove(&upload) {
                    self.disk().parts.remove(&upload_model.temporary_path);
                    self.say(ServerMessage::Cancelled { upload });
                }
            }
            ClientMessage::Pause { upload } => {
                if let Some(upload_model) = session.uploads.remove(&upload) {
                    self.disk().keep(&upload_model);
                    self.say(paused(&upload_model));
                }
            }
            ClientMessage::Remove { path } if is_connected => {
                let used = |upload_model: &ModelUpload| upload_model.temporary_path == path;
                assert!(!session.uploads.values().any(used), "removed while it is written");
                self.disk().parts.remove(&path);
                self.say(ServerMessage::Removed { path });
            }
            ClientMessage::Remove { path } => {
                // A notice tells the person that it stays.
                self.disk().told.remove(&path);
                self.say(ServerMessage::RemoveFailed { path, problem: trouble() });
            }
            ClientMessage::Ping => self.say(ServerMessage::Pong),
            ClientMessage::Ack { messages } => {
                assert!(
                    messages <= session.sent.len() as u64,
                    "acknowledged messages that were never sent"
                );
            }
            ClientMessage::Digest { .. } => {}
            other => panic!("{other:?} must not be sent"),
        }
    }

    fn greet(&mut self, resume: Option<ResumeState>) {
        let Some(session) = self.session() else {
            self.to_page.push_back(ServerMessage::Goodbye { problem: trouble() });
            return;
        };
        let mut after = Vec::new();
        let mut connected: Option<Box<Connected>> = None;
        if let Some(state) = resume {
            let from = usize::try_from(state.messages).unwrap();
            assert!(from <= session.sent.len(), "the page received messages that were never sent");
            after.extend(session.sent[from..].iter().cloned());
            for upload_model in session.uploads.values_mut() {
                upload_model.attempt = upload_model.attempt.next();
                after.push(credit(upload_model));
            }
        } else {
            session.sent.clear();
            session.taken = 0;
            let facts = Connected { host: session.host.clone(), ..facts() };
            connected = session.is_connected.then(|| Box::new(facts));
            let name = self.socket.clone().unwrap();
            self.end_uploads(&name);
        }
        let session = self.session().unwrap();
        session.begun = true;
        let next_upload = session.newest.map_or(UploadId(0), |newest| UploadId(newest.0 + 1));
        let received = session.taken;
        self.to_page.push_back(ServerMessage::Welcome {
            version: protocol::VERSION,
            portal: "0".into(),
            limits: LIMITS,
            received,
            connected,
            next_upload,
        });
        self.to_page.extend(after);
        self.is_greeted = true;
    }

    fn take_offer(&mut self, offer: Offer) {
        let upload = offer.upload;
        let session = self.session().unwrap();
        assert!(!session.host.is_empty(), "offered before the login");
        assert!(session.newest.is_none_or(|newest| newest < upload), "an id was used twice");
        session.newest = Some(upload);
        if !session.is_connected {
            let (problem, resume) = (trouble(), offer.resume);
            return self.say(ServerMessage::Failed { upload, problem, resume });
        }
        let file = number(&offer.path);
        assert!(self.disk().meant.contains(&file), "a file that was not meant for this server");
        // A path may be relative to the login's directory.
        let path = format!("/home/{file}.bin");
        if self.disk().stored.contains_key(&path) {
            // The page knows only the temporary file that it resumes.
            let existing = Existing { size: Some(offer.size), modified_millis: None };
            return self.say(ServerMessage::Conflict { upload, existing, resume: offer.resume });
        }
        let temporary_path = match &offer.resume {
            Some(part) => {
                let of = self.disk().parts.get(part).map_or(&path, |(path, _)| path);
                assert_eq!(*of, path, "a temporary file of another upload");
                part.clone()
            }
            None => {
                self.names += 1;
                format!("{path}.{}.part", self.names)
            }
        };
        let part = self.disk().parts.entry(temporary_path.clone()).or_insert((path.clone(), 0));
        let offset = part.1;
        let offer = Offer { path, ..offer };
        let upload_model = ModelUpload {
            limit: (offset + WINDOW).min(offer.size),
            attempt: Attempt(u32::from(offset > 0)),
            received: offset,
            taken: offset,
            temporary_path: temporary_path.clone(),
            offer,
        };
        let grant = credit(&upload_model);
        self.session().unwrap().uploads.insert(upload, upload_model);
        self.say(ServerMessage::Opened { upload, temporary_path, offset });
        self.to_page.push_back(grant);
    }

    fn portal_takes(&mut self, header: ChunkHeader, end: u64) {
        let Some(session) = self.session() else { return };
        let Some(upload_model) = session.uploads.get_mut(&header.upload) else { return };
        assert!(header.attempt <= upload_model.attempt, "an attempt that nobody asked for");
        if header.attempt < upload_model.attempt {
            return;
        }
        assert_eq!(header.offset, upload_model.received, "out of order");
        assert!(end <= upload_model.limit, "beyond the credit");
        upload_model.received = end;
    }

    /// The server takes the bytes that the portal received, and stores the file when it is complete.
    fn store(&mut self, nth: usize) {
        let names: Vec<_> = self.sessions.keys().cloned().collect();
        for name in names {
            let session = self.sessions.get_mut(&name).unwrap();
            let Some((&upload, upload_model)) = session.uploads.iter_mut().nth(nth) else {
                continue;
            };
            let disk = self.disks.get_mut(&session.host).unwrap();
            upload_model.taken = upload_model.received;
            upload_model.limit = (upload_model.taken + WINDOW).min(upload_model.offer.size);
            disk.keep(upload_model);
            if upload_model.taken < upload_model.offer.size {
                let grant = credit(upload_model);
                self.say_in(&name, grant);
                continue;
            }
            let path = upload_model.offer.path.clone();
            disk.parts.remove(&upload_model.temporary_path);
            *disk.stored.entry(path.clone()).or_default() += 1;
            session.uploads.remove(&upload);
            let (verified, digest, page_agrees) = (Verified::Size, None, false);
            let done = ServerMessage::Done { upload, path, verified, digest, page_agrees };
            self.say_in(&name, done);
        }
    }

    /// An upload fails, or is interrupted and resumes from the bytes that the server holds.
    fn fail(&mut self, nth: usize, goes_on: bool) {
        let Some(name) = self.sessions.keys().next().cloned() else { return };
        let session = self.sessions.get_mut(&name).unwrap();
        let Some((&upload, upload_model)) = session.uploads.iter_mut().nth(nth) else { return };
        let disk = self.disks.get_mut(&session.host).unwrap();
        disk.keep(upload_model);
        let (problem, temporary_path) = (trouble(), upload_model.temporary_path.clone());
        if goes_on {
            (upload_model.attempt, upload_model.received) =
                (upload_model.attempt.next(), upload_model.taken);
            let (offset, grant) = (upload_model.taken, credit(upload_model));
            let interrupted = ServerMessage::Interrupted { upload, problem, retry_millis: 0 };
            self.say_in(&name, interrupted);
            self.say_in(&name, grant);
            self.say_in(&name, ServerMessage::Opened { upload, temporary_path, offset });
        } else {
            session.uploads.remove(&upload);
            let resume = Some(temporary_path);
            self.say_in(&name, ServerMessage::Failed { upload, problem, resume });
        }
    }

    /// The FTPS connection ends, with its uploads.
    fn end_connection(&mut self, problem: Option<Problem>) {
        let Some(name) = self.socket.clone().filter(|name| self.sessions.contains_key(name)) else {
            return;
        };
        for upload_model in self.end_uploads(&name) {
            let (upload, resume) =
                (upload_model.offer.upload, Some(upload_model.temporary_path.clone()));
            let answer = match problem.clone() {
                Some(problem) if upload.0 % 2 == 0 => {
                    ServerMessage::Failed { upload, problem, resume }
                }
                _ => paused(&upload_model),
            };
            self.say(answer);
        }
        let session = self.session().unwrap();
        let was_connected = std::mem::replace(&mut session.is_connected, false);
        if was_connected || problem.is_none() {
            self.say(ServerMessage::Disconnected { problem });
        }
    }

    fn all_ended(&self) -> bool {
        let queue = self.page.queue();
        queue.rows().filter_map(|row| queue.get(row)).all(|upload| {
            matches!(
                upload.state(),
                State::Done { .. } | State::Skipped(_) | State::NeedsDecision(_)
            )
        })
    }
}

impl Disk {
    /// Keeps the bytes that the server took in a temporary file.
    fn keep(&mut self, upload_model: &ModelUpload) {
        let part = (upload_model.offer.path.clone(), upload_model.taken);
        self.parts.insert(upload_model.temporary_path.clone(), part);
    }
}

fn paused(upload_model: &ModelUpload) -> ServerMessage {
    let resume = Some(upload_model.temporary_path.clone());
    ServerMessage::Paused { upload: upload_model.offer.upload, resume }
}

fn credit(upload_model: &ModelUpload) -> ServerMessage {
    ServerMessage::Credit {
        upload: upload_model.offer.upload,
        attempt: upload_model.attempt,
        taken: upload_model.taken,
        received: upload_model.received,
        limit: upload_model.limit,
    }
}

proptest! {
    // Some faults need a rare sequence of steps.
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_file_is_lost_or_stored_twice_whatever_breaks(
        steps in prop::collection::vec((0..18_u8, 0..12_usize), 0..250),
    ) {
        let mut world = World::new();
        for (step, n) in steps {
            let row = Row(n % FILES);
            match step {
                0 | 1 => world.pick(),
                2..=4 => world.deliver_to_portal(n),
                5..=7 => world.deliver_to_page(n),
                8 | 9 => world.store(n % 3),
                10 => world.pass_time(),
                11 => world.cut(),
                12 => match n {
                    0 => world.restart_portal(),
                    1 => world.reload(Some(7), true),
                    2 | 5 | 6 => world.cancel(row),
                    3 => world.happen(Event::NetworkChanged(Network::Offline)),
                    4 => world.happen(Event::NetworkChanged(Network::Online)),
                    7 => world.reload(None, true),
                    8 => world.reload(Some(7), false),
                    9..=11 => world.walking = world.page.drop_target(),
                    _ => {}
                },
                13 => world.happen(Event::ReconnectNow),
                14 if n < 8 => world.happen(Event::Upload(row, UploadAction::Pause)),
                14 => world.happen(Event::Upload(row, UploadAction::Resume)),
                15 if n < 2 => world.end_connection(Some(trouble())),
                15 => world.fail(n % 3, n < 7),
                16 => match n {
                    0 => world.leave("a"),
                    1 => world.leave("b"),
                    2 | 3 => world.go_to(["a", "b"][n % 2]),
                    4..=6 if world.page.connection().wanted().is_none() => world.connect(),
                    _ => world.retry_all(),
                },
                _ if n < 6 => drop(world.unreadable.insert(n % FILES)),
                _ => world.unreadable.clear(),
            }
        }
        world.happen(Event::NetworkChanged(Network::Online));
        world.unreadable.clear();
        world.walking = None;
        let mut rounds = 0;
        while world.picked < FILES || !world.all_ended() {
            rounds += 1;
            prop_assert!(rounds < 300, "{:#?}", world.page.queue());
            if world.page.connection().wanted().is_none() {
                world.connect();
            }
            world.pick();
            world.happen(Event::Bulk(Scope::All, BulkAction::Resume));
            if world.page.connection().ready().is_some() {
                world.retry_all();
            }
            world.deliver_to_portal(1000);
            world.deliver_to_page(1000);
            (0..FILES).rev().for_each(|nth| world.store(nth));
            if world.page.connection().ready().is_none() {
                world.pass_time();
            }
        }
        // The last messages are delivered and answered.
        for _ in 0..50 {
            if world.page.connection().wanted().is_none() {
                world.connect();
            }
            world.deliver_to_portal(1000);
            world.deliver_to_page(1000);
            if world.page.connection().ready().is_none() {
                world.pass_time();
            }
        }
        for file in 0..FILES {
            let path = format!("/home/{file}.bin");
            let times = world.disks.values().map(|disk| disk.stored.get(&path).copied());
            let times: Vec<_> = times.map(Option::unwrap_or_default).collect();
            let wanted = !world.cancelled.contains(&file);
            prop_assert!(times.iter().all(|times| *times <= 1), "{path} {times:?} times");
            prop_assert!(times.contains(&1) || !wanted, "{path} is lost");
        }
        for disk in world.disks.values() {
            let known = disk.parts.iter().filter(|(part, _)| disk.told.contains(*part));
            for (part, (path, _)) in known {
                let is_over =
                    disk.stored.contains_key(path) || world.cancelled.contains(&number(path));
                prop_assert!(!is_over, "{part} is left");
            }
        }
    }
}
