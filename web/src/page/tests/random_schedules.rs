//! Tests the page against a model of portals and servers, with random schedules of breaks.
//!
//! Sockets, portals, connections and pages break and return, files cannot be read for a while, and
//! the user pauses, cancels, discards and changes the server. The test asserts that
//! - no file is lost, and none is stored twice;
//! - nothing is sent without credit, and nothing goes to another server by itself;
//! - no counted message is lost or repeated;
//! - every upload ends once the breaks end;
//! - no part file that the page knows of is left of a stored or cancelled upload.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;
use proptest::prelude::*;
use protocol::{
    ChunkHeader, Stage,
    client::Offer,
    server::Existing,
    session::{Join, ResumeState},
};

mod portal;
mod user;

use self::portal::{Disk, ModelSession};

const WINDOW: u64 = 64 * 1024;

const FILES: usize = 5;

/// A frame in flight to the portal.
#[derive(Clone)]
enum Frame {
    Message(ClientMessage),
    Chunk(ChunkHeader, u64),
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
    /// The host that the user wants.
    host: &'static str,
    /// Whether the page opens a socket.
    is_opening: bool,
    is_open: bool,
    /// The name of the session that the open socket has joined.
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
    Problem::new(Stage::Portal, "trouble".into())
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
            is_opening: false,
            is_open: false,
            socket: None,
            is_greeted: false,
            to_portal: VecDeque::new(),
            to_page: VecDeque::new(),
        };
        world.connect();
        world
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
                Effect::OpenSocket(_) => {
                    self.break_socket();
                    self.is_opening = true;
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
                        DigestOutcome::Computed("00".into())
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
            // A page that has left a server cannot have part files removed there.
            self.disks.get_mut(&home.host).unwrap().told.clear();
        }
        for (upload, row) in checks {
            self.happen(if self.is_unreadable(row) {
                Event::FileUnreadable(upload, row)
            } else {
                Event::FileReadable(upload)
            });
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

    fn break_socket(&mut self) {
        (self.is_opening, self.is_open, self.is_greeted) = (false, false, false);
        self.socket = None;
        self.to_portal.clear();
        self.to_page.clear();
    }

    /// The network breaks, and the page notices.
    fn cut(&mut self) {
        if self.is_opening || self.is_open {
            self.break_socket();
            self.happen(Event::SocketClosed);
        }
    }

    fn open_socket(&mut self) {
        if std::mem::take(&mut self.is_opening) {
            self.is_open = true;
            self.happen(Event::SocketOpened);
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
            if is_goodbye && !self.is_opening {
                self.cut();
            }
        }
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
