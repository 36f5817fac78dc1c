//! The page against a model of the portal, through random schedules of breaks: sockets, portals and
//! pages come and go. No file is lost and none is stored twice, nothing is sent without credit, no
//! counted message is lost or repeated, and every upload ends once the schedule is fair.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use protocol::{
    Attempt, ChunkHeader, Stage, UploadId,
    client::{Heard, Offer, Secret},
    server::{Connected, Existing, Verified},
};

use super::{
    tests::{LIMITS, facts},
    *,
};
use crate::queue::State;

const WINDOW: u64 = 64 * 1024;
const FILES: usize = 5;

/// An upload as the portal knows it.
struct Inlet {
    offer: Offer,
    temporary_path: String,
    attempt: Attempt,
    received: u64,
    taken: u64,
    limit: u64,
}

/// A session as the portal knows it.
#[derive(Default)]
struct Session {
    said: Vec<ServerMessage>,
    taken: u64,
    is_connected: bool,
    inlets: BTreeMap<UploadId, Inlet>,
    newest: Option<UploadId>,
    begun: bool,
}

/// What is on its way to the portal.
#[derive(Clone)]
enum Frame {
    Message(ClientMessage),
    Chunk(ChunkHeader, u64),
}

/// The server's disk, the portal before it, the line, and the page.
struct World {
    page: Page,
    now: u64,
    picked: usize,
    /// Parts of files under temporary names: whose, and how many bytes.
    parts: BTreeMap<String, (String, u64)>,
    stored: BTreeMap<String, u32>,
    cancelled: BTreeSet<String>,
    sessions: BTreeMap<String, Session>,
    names: u32,
    /// The session whose socket is being opened, or is open.
    opening: Option<NewSession>,
    socket: Option<String>,
    to_portal: VecDeque<Frame>,
    to_page: VecDeque<ServerMessage>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            page: Page::default(),
            now: 0,
            picked: 0,
            parts: BTreeMap::new(),
            stored: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            sessions: BTreeMap::new(),
            names: 0,
            opening: None,
            socket: None,
            to_portal: VecDeque::new(),
            to_page: VecDeque::new(),
        };
        world.connect();
        world
    }

    fn connect(&mut self) {
        self.happen(Event::Connect(Destination {
            host: "a".into(),
            port: 21,
            encryption: protocol::Encryption::Explicit,
            username: "u".into(),
        }));
    }

    fn happen(&mut self, event: Event) {
        let (mut checks, mut digests) = (Vec::new(), Vec::new());
        for effect in self.page.handle(event, Millis(self.now), 0.5) {
            match effect {
                Effect::OpenLink(session) => {
                    self.break_socket();
                    self.opening = Some(session.unwrap_or_else(|| self.make_session()));
                }
                Effect::CloseLink => self.break_socket(),
                Effect::Say(message) => self.to_portal.push_back(Frame::Message(message)),
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
                Effect::Check(upload, row) => checks.push((upload, row)),
                Effect::Digest(DigestJob { upload, from, .. }) => {
                    digests.extend(from.into_iter().map(|from| Digested {
                        upload,
                        from,
                        outcome: DigestOutcome::Made("00".into()),
                    }));
                }
                _ => {}
            }
        }
        for (upload, row) in checks {
            self.happen(Event::FileChecked { upload, row, readable: true });
        }
        if !digests.is_empty() {
            self.happen(Event::Digested(digests));
        }
        while let Next::Chunk(chunk) = self.page.next_chunk(0) {
            self.to_portal.push_back(Frame::Chunk(chunk.header, chunk.end));
        }
    }

    fn make_session(&mut self) -> NewSession {
        self.names += 1;
        let session = self.names.to_string();
        self.sessions.insert(session.clone(), Session::default());
        NewSession { session, secret: Secret::new("s".into()) }
    }

    fn break_socket(&mut self) {
        self.opening = None;
        self.socket = None;
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

    /// The portal goes and another comes; parts of files stay on the server.
    fn restart_portal(&mut self) {
        self.sessions.clear();
        self.cut();
    }

    /// The page goes and another comes, with what the browser kept. The person picks the files
    /// again.
    fn reload(&mut self) {
        self.break_socket();
        let queue = self.page.queue();
        let rows: Vec<_> = queue.rows().filter_map(|row| queue.record(row)).collect();
        let rows: Vec<_> =
            rows.into_iter().map(|row| crate::saved::SavedRow { edges: Some(7), ..row }).collect();
        let Some(home) = self.page.home() else {
            self.page = Page::default();
            return self.connect();
        };
        let session = self.page.connection().session().cloned();
        let asks = session.is_none();
        let number = rows.len();
        self.page = Page::default();
        let restored = Restored { home, rows, handles: Vec::new(), session };
        self.happen(Event::Restored(Box::new(restored)));
        if asks {
            self.connect();
        }
        self.happen(Event::Found((0..number).map(|row| (Row(row), Some(7))).collect()));
    }

    fn pick(&mut self) {
        let Some(place) = self.page.place().filter(|_| self.picked < FILES) else { return };
        let size = [0, 1, 40_000, 100_000, 300_000][self.picked];
        let path = format!("{}.bin", self.picked);
        self.picked += 1;
        self.happen(Event::Picked(vec![Picked { path, size, modified_millis: Some(1) }], place));
    }

    fn cancel(&mut self, row: usize) {
        if let Some(upload) = self.page.queue().get(Row(row))
            && !matches!(upload.state(), State::Done { .. } | State::Skipped(_))
        {
            self.cancelled.insert(format!("/home/{}", upload.path()));
            self.happen(Event::Upload(Row(row), Action::Cancel));
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
            self.happen(Event::Received(Box::new(message), 9));
            if is_goodbye && self.opening.is_none() {
                self.cut();
            }
        }
    }

    fn session(&mut self) -> Option<&mut Session> {
        self.sessions.get_mut(self.socket.as_ref()?)
    }

    fn say(&mut self, message: ServerMessage) {
        let Some(session) = self.session() else { return };
        if message.is_counted() {
            session.said.push(message.clone());
        }
        self.to_page.push_back(message);
    }

    fn portal_hears(&mut self, message: ClientMessage) {
        if let ClientMessage::Hello { resume, .. } = message {
            return self.greet(resume);
        }
        let Some(session) = self.session() else { return };
        if message.is_counted() {
            session.taken += 1;
        }
        match message {
            ClientMessage::Connect(_) => {
                session.is_connected = true;
                self.say(ServerMessage::Connected(facts()));
            }
            ClientMessage::List { path } => {
                self.say(ServerMessage::Listing { path, entries: Vec::new(), left_out: 0 });
            }
            ClientMessage::Offer(offer) => self.take_offer(offer),
            ClientMessage::Cancel { upload } => {
                if session.inlets.remove(&upload).is_some() {
                    self.say(ServerMessage::Cancelled { upload });
                }
            }
            ClientMessage::Remove { path } => {
                let used = |inlet: &Inlet| inlet.temporary_path == path;
                assert!(!session.inlets.values().any(used), "removed while it is written");
                self.parts.remove(&path);
                self.say(ServerMessage::Removed { path });
            }
            ClientMessage::Ping => self.say(ServerMessage::Pong),
            ClientMessage::Heard { messages } => {
                assert!(messages <= session.said.len() as u64, "heard what was never said");
            }
            ClientMessage::Digest { .. } => {}
            other => panic!("{other:?} was not to be said"),
        }
    }

    fn greet(&mut self, resume: Option<Heard>) {
        let Some(session) = self.session() else {
            let problem = Problem {
                stage: Stage::Portal,
                message: "no such session".into(),
                logged: None,
                reply: None,
                cause: None,
                remedy: None,
            };
            self.to_page.push_back(ServerMessage::Goodbye { problem });
            return;
        };
        let mut after = Vec::new();
        let mut connected: Option<Box<Connected>> = None;
        if let Some(heard) = resume {
            let from = usize::try_from(heard.messages).unwrap();
            assert!(from <= session.said.len(), "the page has heard what was never said");
            after.extend(session.said[from..].iter().cloned());
            for inlet in session.inlets.values_mut() {
                inlet.attempt = inlet.attempt.next();
                after.push(credit(inlet));
            }
        } else {
            assert!(!session.begun || session.said.is_empty() || session.is_connected);
            session.said.clear();
            session.taken = 0;
            session.inlets.clear();
            connected = session.is_connected.then(|| Box::new(facts()));
        }
        session.begun = true;
        let next_upload = session.newest.map_or(UploadId(0), |newest| UploadId(newest.0 + 1));
        let heard = session.taken;
        self.to_page.push_back(ServerMessage::Welcome {
            version: protocol::VERSION,
            portal: "0".into(),
            limits: LIMITS,
            heard,
            connected,
            next_upload,
        });
        self.to_page.extend(after);
    }

    fn take_offer(&mut self, offer: Offer) {
        let upload = offer.upload;
        let session = self.session().unwrap();
        assert!(session.is_connected, "offered before the login");
        assert!(session.newest.is_none_or(|newest| newest < upload), "an id was used twice");
        session.newest = Some(upload);
        if self.stored.contains_key(&offer.path) {
            let existing = Existing { size: Some(offer.size), modified_millis: None };
            return self.say(ServerMessage::Conflict { upload, existing, resume: None });
        }
        let temporary_path = match &offer.resume {
            Some(part) => {
                let of = self.parts.get(part).map_or(&offer.path, |(path, _)| path);
                assert_eq!(*of, offer.path, "a part of another file");
                part.clone()
            }
            None => {
                self.names += 1;
                format!("{}.{}.part", offer.path, self.names)
            }
        };
        let (_, offset) =
            *self.parts.entry(temporary_path.clone()).or_insert((offer.path.clone(), 0));
        let inlet = Inlet {
            limit: (offset + WINDOW).min(offer.size),
            attempt: Attempt(u32::from(offset > 0)),
            received: offset,
            taken: offset,
            temporary_path: temporary_path.clone(),
            offer,
        };
        let grant = credit(&inlet);
        self.session().unwrap().inlets.insert(upload, inlet);
        self.say(ServerMessage::Opened { upload, temporary_path, offset });
        self.to_page.push_back(grant);
    }

    fn portal_takes(&mut self, header: ChunkHeader, end: u64) {
        let Some(session) = self.session() else { return };
        let Some(inlet) = session.inlets.get_mut(&header.upload) else { return };
        assert!(header.attempt <= inlet.attempt, "an attempt that nobody asked for");
        if header.attempt < inlet.attempt {
            return;
        }
        assert_eq!(header.offset, inlet.received, "out of order");
        assert!(end <= inlet.limit, "beyond the credit");
        inlet.received = end;
    }

    /// The server takes what the portal has of an upload, and stores the file when that is all.
    fn store(&mut self, nth: usize) {
        for (name, session) in &mut self.sessions {
            let Some((&upload, inlet)) = session.inlets.iter_mut().nth(nth) else { continue };
            inlet.taken = inlet.received;
            inlet.limit = (inlet.taken + WINDOW).min(inlet.offer.size);
            let path = inlet.offer.path.clone();
            let inlet_part = inlet.temporary_path.clone();
            self.parts.insert(inlet_part.clone(), (path.clone(), inlet.taken));
            let message = if inlet.taken == inlet.offer.size {
                session.inlets.remove(&upload);
                *self.stored.entry(path.clone()).or_default() += 1;
                self.parts.remove(&inlet_part);
                let message = ServerMessage::Done {
                    upload,
                    path,
                    verified: Verified::Size,
                    digest: None,
                    page_agrees: false,
                };
                session.said.push(message.clone());
                message
            } else {
                credit(inlet)
            };
            if self.socket.as_ref() == Some(name) {
                self.to_page.push_back(message);
            }
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

fn credit(inlet: &Inlet) -> ServerMessage {
    ServerMessage::Credit {
        upload: inlet.offer.upload,
        attempt: inlet.attempt,
        taken: inlet.taken,
        received: inlet.received,
        limit: inlet.limit,
    }
}

proptest! {
    #[test]
    fn no_file_is_lost_or_stored_twice_whatever_breaks(
        steps in prop::collection::vec((0..14_u8, 0..12_usize), 0..250),
    ) {
        let mut world = World::new();
        for (step, n) in steps {
            match step {
                0 | 1 => world.pick(),
                2..=4 => world.deliver_to_portal(n),
                5..=7 => world.deliver_to_page(n),
                8 | 9 => world.store(n % 3),
                10 => world.pass_time(),
                11 => world.cut(),
                12 => match n {
                    0 => world.restart_portal(),
                    1 => world.reload(),
                    2 | 5 | 6 => world.cancel(n % FILES),
                    3 => world.happen(Event::Reached(Reach::Offline)),
                    4 => world.happen(Event::Reached(Reach::Online)),
                    _ => {}
                },
                _ => world.happen(Event::ReconnectNow),
            }
        }
        world.happen(Event::Reached(Reach::Online));
        let mut rounds = 0;
        while world.picked < FILES || !world.all_ended() {
            rounds += 1;
            prop_assert!(rounds < 300, "{:#?}", world.page.queue());
            if world.page.connection().wanted().is_none() {
                world.connect();
            }
            world.pick();
            world.deliver_to_portal(1000);
            world.deliver_to_page(1000);
            (0..FILES).rev().for_each(|nth| world.store(nth));
            if world.page.connection().ready().is_none() {
                world.pass_time();
            }
        }
        for file in 0..FILES {
            let path = format!("/home/{file}.bin");
            let times = world.stored.get(&path).copied().unwrap_or(0);
            let wanted = u32::from(!world.cancelled.contains(&path));
            prop_assert!(times == 1 || (times == 0 && wanted == 0), "{path} {times} times");
        }
    }
}
