use super::*;
use crate::{
    connection::{Network, SocketState},
    destination::Destination,
    queue::{PickedFile, Row, RowMatch, SavedRow, Scope, State},
    recent::RecentDestination,
    remote,
    saved::RestoredPage,
};
use protocol::{
    Attempt, ClientMessage, Encryption, Problem, ServerMessage, Stage, UploadId,
    client::Secret,
    server::{Certificate, Connected, Limits, LogKind, LogLine, Tls, Verified},
    session::SessionCredentials,
};

mod connection;
mod digests;
mod folders;
mod leftovers;
mod log;
mod random_schedules;
mod start_folder;
mod uploads;

const LIMITS: Limits = Limits {
    max_chunk_bytes: 1 << 20,
    min_chunk_bytes: 1 << 14,
    max_open_uploads: 8,
    ping_interval_millis: 10_000,
    max_log_lines: 1000,
};

fn at(page: &mut Page, millis: u64, event: Event) -> Vec<Effect> {
    page.handle(event, Millis(millis), 0.0)
}

fn receive(page: &mut Page, message: ServerMessage) -> Vec<Effect> {
    at(page, 0, Event::Received(Box::new(message), 9))
}

fn destination() -> Destination {
    Destination {
        host: "a".into(),
        port: 21,
        encryption: Some(Encryption::Explicit),
        username: "u".into(),
    }
}

fn connected() -> Page {
    let mut page = Page::default();
    at(&mut page, 0, Event::Connect(destination()));
    log_in(&mut page);
    page
}

fn log_in(page: &mut Page) -> Vec<Effect> {
    at(page, 0, Event::SocketOpened);
    receive(page, welcome(0, None));
    receive(page, ServerMessage::Connected(facts()))
}

fn session() -> SessionCredentials {
    SessionCredentials { name: "s".into(), secret: Secret::new("x".into()) }
}

fn welcome(received: u64, connected: Option<Connected>) -> ServerMessage {
    ServerMessage::Welcome {
        version: protocol::VERSION,
        portal: "0".into(),
        session: Some(session()),
        limits: LIMITS,
        received,
        connected: connected.map(Box::new),
        next_upload: UploadId(0),
    }
}

fn facts() -> Connected {
    Connected {
        host: "a".into(),
        port: 21,
        encryption: Encryption::Explicit,
        username: "u".into(),
        address: "192.0.2.1:21".into(),
        tls: Tls { version: "TLS 1.3".into(), cipher_suite: "X".into(), resumed: false },
        certificate: Certificate {
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            not_before: String::new(),
            not_after: String::new(),
            sha256: "00".into(),
            doubts: Vec::new(),
        },
        directory: "/home".into(),
        digest: protocol::server::Algorithm::Blake3,
    }
}

fn file(path: &str, size: u64) -> PickedFile {
    PickedFile { path: path.into(), size, modified_millis: Some(1) }
}

fn pick(page: &mut Page, files: Vec<PickedFile>) -> Vec<Effect> {
    let target = page.drop_target().unwrap();
    at(page, 0, Event::Picked(files, target))
}

fn sent(effects: &[Effect]) -> Vec<&ClientMessage> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(message) => Some(message),
            _ => None,
        })
        .collect()
}

fn done(upload: u32) -> ServerMessage {
    ServerMessage::Done {
        upload: UploadId(upload),
        path: "/home/a".into(),
        verified: Verified::Size,
        digest: None,
        page_agrees: false,
    }
}

/// Returns what an earlier page left that was connected to `host`.
fn left_at(host: &str) -> RestoredPage {
    let row = SavedRow {
        path: "a".into(),
        size: 9,
        modified_millis: Some(1),
        directory: "/there".into(),
        choice: None,
        name_number: 1,
        temporary_path: Some("/there/.a.part".into()),
        kept_bytes: 5,
        edges: Some(7),
        paused: false,
        stored: None,
        stored_at: None,
        new_path: None,
        skipped: None,
        problem: None,
        name_limit: None,
    };
    let destination = Destination { host: host.into(), ..destination() };
    RestoredPage {
        home: SavedHome { destination, trusted_certificate: None },
        rows: vec![row],
        handles: Vec::new(),
        session: None,
        directory: String::new(),
        busy: Duration::ZERO,
    }
}

fn opened(upload: u32, offset: u64) -> ServerMessage {
    let temporary_path = "/there/.a.part".into();
    ServerMessage::Opened { upload: UploadId(upload), temporary_path, offset }
}

fn listed(page: &mut Page, path: &str) -> Vec<Effect> {
    let path = path.to_owned();
    receive(page, ServerMessage::Listing { path, entries: Vec::new(), left_out: 0 })
}

fn list_home(page: &mut Page, directory: &str, names: &[&str]) {
    let entries = names.iter().map(|name| protocol::server::Entry {
        name: (*name).to_owned(),
        kind: protocol::server::EntryKind::Directory,
        size: None,
        modified_millis: None,
        leftover_of: None,
    });
    let (path, entries) = (directory.to_owned(), entries.collect());
    receive(page, ServerMessage::Listing { path, entries, left_out: 0 });
}

/// Returns the effects of a login.
fn connected_effects() -> Vec<Effect> {
    let mut page = Page::default();
    at(&mut page, 0, Event::Connect(destination()));
    log_in(&mut page)
}
