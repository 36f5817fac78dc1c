use protocol::{
    Attempt, ClientMessage, Encryption, Problem, ServerMessage, UploadId,
    client::Secret,
    server::{Certificate, Connected, Limits, LogKind, LogLine, NewSession, Tls, Verified},
};

use super::*;
use crate::{
    connection::{Network, SocketState},
    destination::Destination,
    queue::{PickedFile, Row, RowMatch, SavedRow, Scope, State},
    recent::RecentDestination,
    remote,
    saved::RestoredPage,
};

mod random_schedules;

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
        encryption: Encryption::Explicit,
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
    let session = NewSession { session: "s".into(), secret: Secret::new("x".into()) };
    at(page, 0, Event::SocketOpened(session));
    receive(page, welcome(0, None));
    receive(page, ServerMessage::Connected(facts()))
}

fn welcome(received: u64, connected: Option<Connected>) -> ServerMessage {
    ServerMessage::Welcome {
        version: protocol::VERSION,
        portal: "0".into(),
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

fn pick_empty_folders(page: &mut Page, folders: Vec<String>) -> Vec<Effect> {
    let target = page.drop_target().unwrap();
    at(page, 0, Event::PickedEmptyFolders(folders, target))
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

#[test]
fn login_opens_the_directory() {
    let mut page = Page::default();
    at(&mut page, 0, Event::Connect(destination()));
    let effects = log_in(&mut page);
    assert_eq!(sent(&effects), [&ClientMessage::List { path: "/home".into() }]);
}

#[test]
fn picked_files_are_offered_into_the_directory_in_view() {
    let mut page = connected();
    let effects = pick(&mut page, vec![file("d/a", 3)]);
    let [ClientMessage::Offer(offer)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(offer.path, "/home/d/a");
}

#[test]
fn empty_folders_are_made_in_the_directory_in_view_a_few_at_a_time() {
    let mut page = connected();
    let folders = (0..3).map(|index| format!("d/{index}")).collect();
    let effects = pick_empty_folders(&mut page, folders);
    let make = |path: &str| ClientMessage::MakeDirectory { path: path.into() };
    assert_eq!(sent(&effects), [&make("/home/d/0"), &make("/home/d/1")]);
    let effects = receive(&mut page, ServerMessage::DirectoryMade { path: "/home/d/0".into() });
    assert_eq!(sent(&effects), [&make("/home/d/2")]);
}

#[test]
fn nothing_is_offered_before_the_login() {
    let mut page = Page::default();
    at(&mut page, 0, Event::Connect(destination()));
    assert_eq!(page.drop_target(), None);
}

#[test]
fn end_of_uploads_is_announced_once_and_refreshes_the_view() {
    let mut page = connected();
    receive(
        &mut page,
        ServerMessage::Listing { path: "/home".into(), entries: Vec::new(), left_out: 0 },
    );
    pick(&mut page, vec![file("a", 0)]);
    let effects = receive(&mut page, done(0));
    assert!(effects.contains(&Effect::Announce("Finished: 1 file stored.".into())), "{effects:?}");
    let effects = at(&mut page, 900, Event::Tick);
    assert_eq!(sent(&effects), [&ClientMessage::List { path: "/home".into() }]);
}

#[test]
fn quarters_of_the_way_are_announced_and_ticks_are_not() {
    let mut page = connected();
    let files = (0..8).map(|index| file(&index.to_string(), 0)).collect();
    pick(&mut page, files);
    let announced: usize = (0..8)
        .map(|upload| {
            let effects = receive(&mut page, done(upload));
            effects.iter().filter(|effect| matches!(effect, Effect::Announce(_))).count()
        })
        .sum();
    assert_eq!(announced, 4, "25, 50, 75 percent and the end");
}

#[test]
fn cancel_tells_the_portal() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 10)]);
    let effects = at(&mut page, 0, Event::Upload(Row(0), UploadAction::Cancel));
    assert_eq!(sent(&effects), [&ClientMessage::Cancel { upload: UploadId(0) }]);
}

#[test]
fn who_disconnects_and_comes_back_begins_where_the_login_does() {
    let mut page = connected();
    receive(
        &mut page,
        ServerMessage::Listing { path: "/home".into(), entries: Vec::new(), left_out: 0 },
    );
    at(&mut page, 0, Event::OpenDirectory("read-only".into()));
    receive(
        &mut page,
        ServerMessage::Listing { path: "/home/read-only".into(), entries: Vec::new(), left_out: 0 },
    );
    assert_eq!(page.remote().directory(), "/home/read-only");
    at(&mut page, 0, Event::Disconnect);
    receive(&mut page, ServerMessage::Disconnected { problem: None });
    at(&mut page, 0, Event::Connect(destination()));
    receive(&mut page, ServerMessage::Connected(facts()));
    assert_eq!(page.remote().directory(), "/home");
}

#[test]
fn late_credit_for_an_ended_upload_is_harmless() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 10)]);
    receive(&mut page, done(0));
    receive(
        &mut page,
        ServerMessage::Credit {
            upload: UploadId(0),
            attempt: Attempt(3),
            taken: 0,
            received: 0,
            limit: 10,
        },
    );
    assert_eq!(page.next_chunk(0), NextChunk::Nothing);
    assert_eq!(page.queue().totals().done, 1);
}

#[test]
fn portal_that_opens_the_socket_and_says_nothing_is_out_of_reach() {
    let mut page = Page::default();
    at(&mut page, 1000, Event::Connect(destination()));
    let session = NewSession { session: "s".into(), secret: Secret::new("x".into()) };
    at(&mut page, 11_000, Event::SocketOpened(session));
    assert_eq!(page.deadline(), Some(Millis(31_000)), "for both together");
    let effects = at(&mut page, 31_000, Event::Tick);
    assert!(effects.contains(&Effect::CloseSocket), "{effects:?}");
    assert_eq!(page.connection().problem(), Some(&problems::portal_unreachable()));
    assert!(matches!(page.connection().socket(), SocketState::Closed));
}

#[test]
fn page_that_comes_back_to_a_silent_portal_tries_again() {
    let mut page = connected();
    at(&mut page, 0, Event::SocketClosed);
    at(&mut page, 40_000, Event::ReconnectNow);
    let effects = at(&mut page, 70_000, Event::Tick);
    assert!(effects.contains(&Effect::CloseSocket), "{effects:?}");
    assert!(page.connection().next_retry_in(Millis(70_000)).is_some());
    at(&mut page, 80_000, Event::Tick);
    let limit = page.deadline().unwrap();
    assert!(limit > Millis(80_000), "each try has its own time: {limit:?}");
}

#[test]
fn socket_that_was_welcomed_is_not_given_up_because_of_its_greeting_timeout() {
    let mut page = connected();
    let effects = at(&mut page, 30_000, Event::Tick);
    assert!(!effects.contains(&Effect::CloseSocket), "{effects:?}");
    assert!(page.connection().ready().is_some());
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
    };
    let destination = Destination { host: host.into(), ..destination() };
    RestoredPage {
        home: SavedHome { destination, trusted_certificate: None },
        rows: vec![row],
        handles: Vec::new(),
        session: None,
    }
}

#[test]
fn uploads_of_an_earlier_page_belong_where_it_was_whoever_is_logged_in_already() {
    for (host, path, resume) in
        [("a", "/there/a", Some("/there/.a.part")), ("elsewhere", "/home/a", None)]
    {
        let mut page = connected();
        at(&mut page, 0, Event::Restored(Box::new(left_at(host))));
        assert_eq!(page.connection().home(), Some(&destination()));
        let effects = at(&mut page, 0, Event::FilesFound(vec![(Row(0), Some(7))]));
        let [ClientMessage::Offer(offer)] = sent(&effects)[..] else { panic!("{effects:?}") };
        assert_eq!((offer.path.as_str(), offer.resume.as_deref()), (path, resume));
    }
}

fn opened(upload: u32, offset: u64) -> ServerMessage {
    let temporary_path = "/there/.a.part".into();
    ServerMessage::Opened { upload: UploadId(upload), temporary_path, offset }
}

/// Returns the first offsets of the requested digests.
fn digests(effects: &[Effect]) -> Vec<&[u64]> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Digest(job) => Some(job.from.as_slice()),
            _ => None,
        })
        .collect()
}

#[test]
fn no_digest_is_made_twice_however_often_an_upload_is_opened() {
    let mut page = connected();
    at(&mut page, 0, Event::Restored(Box::new(left_at("a"))));
    let effects = at(&mut page, 0, Event::FilesFound(vec![(Row(0), Some(7))]));
    assert!(digests(&effects).is_empty(), "it is not known from where on");
    assert_eq!(digests(&receive(&mut page, opened(0, 5))), [[0, 5]]);
    assert!(digests(&receive(&mut page, opened(0, 5))).is_empty());
    assert_eq!(digests(&receive(&mut page, opened(0, 3))), [[3]], "it starts over before that");
    for offset in [3, 5, 0] {
        assert!(digests(&receive(&mut page, opened(0, offset))).is_empty());
    }
}

#[test]
fn upload_that_begins_with_its_offer_is_read_once() {
    let mut page = connected();
    let effects = pick(&mut page, vec![file("a", 9)]);
    assert_eq!(digests(&effects), [[0]]);
    assert!(digests(&receive(&mut page, opened(0, 0))).is_empty());
    assert!(digests(&receive(&mut page, opened(0, 0))).is_empty());
}

/// Connects with a start folder. Returns the messages and the remembered destinations.
fn connect_with_start_folder(folder: &str) -> (Page, Vec<Effect>) {
    let mut page = Page::default();
    at(&mut page, 0, Event::StartIn(folder.into()));
    at(&mut page, 0, Event::Connect(destination()));
    let effects = log_in(&mut page);
    (page, effects)
}

fn listed(page: &mut Page, path: &str) -> Vec<Effect> {
    let path = path.to_owned();
    receive(page, ServerMessage::Listing { path, entries: Vec::new(), left_out: 0 })
}

fn remember(folder: &str) -> Effect {
    Effect::Remember(RecentDestination { destination: destination(), folder: folder.into() })
}

fn list(path: &str) -> Effect {
    Effect::Send(ClientMessage::List { path: path.into() })
}

#[test]
fn folder_to_begin_in_is_opened_after_the_logins_and_kept_for_the_next_time() {
    for (folder, path) in [("a/b", "/home/a/b"), ("/srv", "/srv")] {
        let (mut page, effects) = connect_with_start_folder(folder);
        assert!(effects.contains(&remember(folder)), "{effects:?}");
        assert!(effects.contains(&list("/home")), "{effects:?}");
        assert!(listed(&mut page, "/home").contains(&list(path)));
        listed(&mut page, path);
        assert_eq!(page.remote().directory(), path);
    }
}

#[test]
fn folder_that_is_not_there_leaves_the_page_in_the_logins_and_is_not_asked_for_again() {
    let (mut page, _) = connect_with_start_folder("gone");
    listed(&mut page, "/home");
    let path = "/home/gone".to_owned();
    let problem = problems::outdated();
    let effects = receive(&mut page, ServerMessage::ListingFailed { path, problem });
    assert!(effects.contains(&remember("")), "{effects:?}");
    assert!(matches!(&effects[..], [Effect::Announce(sent), ..] if sent.contains("/home/gone")));
    assert_eq!(page.remote().directory(), "/home");
    let shown = page.remote().problem().unwrap();
    assert!(shown.message.contains("/home/gone"), "{}", shown.message);
}

#[test]
fn who_disconnects_and_connects_again_begins_in_the_folder_too() {
    let (mut page, _) = connect_with_start_folder("");
    listed(&mut page, "/home");
    at(&mut page, 0, Event::Disconnect);
    receive(&mut page, ServerMessage::Disconnected { problem: None });
    at(&mut page, 0, Event::StartIn("a".into()));
    at(&mut page, 0, Event::Connect(destination()));
    receive(&mut page, ServerMessage::Connected(facts()));
    assert!(listed(&mut page, "/home").contains(&list("/home/a")));
}

#[test]
fn page_without_a_wish_begins_where_the_login_does() {
    let (mut page, effects) = connect_with_start_folder("");
    assert!(effects.contains(&remember("")));
    assert!(listed(&mut page, "/home").is_empty());
    assert!(!connected_effects().iter().any(|effect| matches!(effect, Effect::Remember(_))));
}

/// Returns the effects of a login.
fn connected_effects() -> Vec<Effect> {
    let mut page = Page::default();
    at(&mut page, 0, Event::Connect(destination()));
    log_in(&mut page)
}

#[test]
fn encryption_of_the_data_connections_is_known_until_the_next_connection() {
    let mut page = connected();
    assert_eq!(page.connection().data_tls(), None);
    let tls = Tls { version: "TLS 1.2".into(), cipher_suite: "Y".into(), resumed: true };
    let facts = protocol::server::DataTls { tls: tls.clone(), connection: Some(1) };
    receive(&mut page, ServerMessage::DataTls(facts));
    assert_eq!(page.connection().data_tls(), Some(&tls));
    assert!(page.take_changed_regions().contains(Region::Connection));
    at(&mut page, 0, Event::Disconnect);
    receive(&mut page, ServerMessage::Disconnected { problem: None });
    at(&mut page, 0, Event::Connect(destination()));
    receive(&mut page, ServerMessage::Connected(self::facts()));
    assert_eq!(page.connection().data_tls(), None);
}

#[test]
fn steps_end_with_the_first_listing() {
    let mut page = connected();
    assert!(page.connect_steps().is_running());
    listed(&mut page, "/home");
    assert!(!page.connect_steps().is_running() && !page.connect_steps().has_failed());
}

#[test]
fn step_that_failed_is_known_until_the_next_try() {
    let mut page = Page::default();
    at(&mut page, 0, Event::Connect(destination()));
    let session = NewSession { session: "s".into(), secret: Secret::new("x".into()) };
    at(&mut page, 0, Event::SocketOpened(session));
    receive(&mut page, welcome(0, None));
    receive(&mut page, ServerMessage::Connecting { stage: protocol::Stage::Login });
    let problem = Problem { stage: protocol::Stage::Login, ..problems::outdated() };
    receive(&mut page, ServerMessage::Disconnected { problem: Some(problem) });
    assert!(page.connect_steps().has_failed());
    at(&mut page, 0, Event::Connect(destination()));
    assert!(!page.connect_steps().has_failed());
}

#[test]
fn portal_is_told_the_language_of_the_person() {
    let mut page = Page::default();
    let german = Language::try_from("de".to_owned()).unwrap();
    page.set_language(german.clone());
    at(&mut page, 0, Event::Connect(destination()));
    let session = NewSession { session: "s".into(), secret: Secret::new("x".into()) };
    let effects = at(&mut page, 0, Event::SocketOpened(session));
    let hello = |effect: &Effect| matches!(effect, Effect::Send(ClientMessage::Hello { language, .. }) if *language == german);
    assert!(effects.iter().any(hello), "{effects:?}");
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

#[test]
fn files_go_to_the_directory_that_they_were_dropped_on_wherever_the_person_is_meanwhile() {
    let mut page = connected();
    list_home(&mut page, "/home", &["docs"]);
    let target = page.drop_target().unwrap();
    at(&mut page, 0, Event::OpenDirectory("docs".into()));
    list_home(&mut page, "/home/docs", &[]);
    let effects = at(&mut page, 0, Event::Picked(vec![file("a", 3)], target));
    let is_offer = |message: &ClientMessage| match message {
        ClientMessage::Offer(offer) => offer.path == "/home/a",
        _ => false,
    };
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Send(m) if is_offer(m))));
}

#[test]
fn folder_of_the_person_and_those_of_uploads_are_answered_in_their_turns() {
    let mut page = connected();
    list_home(&mut page, "/home", &[]);
    let folders = vec!["x".to_owned()];
    pick_empty_folders(&mut page, folders);
    at(
        &mut page,
        0,
        Event::Remote(remote::RemoteAction::OpenDialog(remote::RemoteCommand::MakeDirectory)),
    );
    at(&mut page, 0, Event::Remote(remote::RemoteAction::ConfirmDialog("y".into())));
    receive(&mut page, ServerMessage::DirectoryMade { path: "/home/x".into() });
    assert!(page.remote().dialog().is_some());
    let problem = problems::not_understood();
    let path = "/home/y".to_owned();
    receive(&mut page, ServerMessage::MakeDirectoryFailed { path, problem: problem.clone() });
    assert_eq!(page.remote().dialog().unwrap().problem(), Some(&problem));
    assert!(page.notices().is_empty(), "it is shown where it was asked");
}

#[test]
fn of_many_errors_in_the_log_the_first_is_announced_and_the_next_after_a_pause() {
    let mut page = connected();
    let mut announced = |seq, millis| {
        let line = LogLine {
            seq,
            at_millis: 0,
            connection: Some(1),
            explanation: None,
            kind: LogKind::Error,
            text: format!("broken {seq}"),
        };
        let message = ServerMessage::Log { lines: vec![line] };
        at(&mut page, millis, Event::Received(Box::new(message), 9))
    };
    let sent = Effect::Announce("In the session log: broken 0".into());
    assert_eq!(announced(0, 1000), [sent]);
    assert_eq!(announced(1, 2000), []);
    let sent = Effect::Announce("In the session log: broken 2".into());
    assert_eq!(announced(2, 1000 + 5000), [sent]);
}

#[test]
fn error_in_the_log_has_the_remedy_of_the_problem_that_says_the_same() {
    let mut page = connected();
    let problem = problems::portal_unreachable();
    let text = problem.message.clone();
    receive(
        &mut page,
        ServerMessage::ListingFailed { path: "/a".into(), problem: problem.clone() },
    );
    let line = LogLine {
        seq: 0,
        at_millis: 0,
        connection: None,
        explanation: None,
        kind: LogKind::Error,
        text,
    };
    assert_eq!(page.log().problem_of(&line), Some(&problem));
}

fn remove(path: &str) -> Effect {
    Effect::Send(ClientMessage::Remove { path: path.into() })
}

/// Reconnects to a restarted portal, up to the login.
fn come_back_to_another_portal(page: &mut Page) -> Vec<Effect> {
    at(page, 0, Event::SocketClosed);
    at(page, 0, Event::ReconnectNow);
    let known = page.connection().session().unwrap().clone();
    at(page, 0, Event::SocketOpened(known));
    receive(page, ServerMessage::Goodbye { problem: problems::not_understood() });
    let another = NewSession { session: "t".into(), secret: Secret::new("y".into()) };
    at(page, 0, Event::SocketOpened(another));
    receive(page, welcome(0, None));
    receive(page, ServerMessage::Connected(facts()))
}

#[test]
fn row_that_was_given_up_claims_no_file() {
    for give_up in [Event::DiscardRestored, Event::Upload(Row(0), UploadAction::Cancel)] {
        let mut page = connected();
        at(&mut page, 0, Event::Restored(Box::new(left_at("a"))));
        let effects = at(&mut page, 0, give_up);
        assert!(effects.contains(&remove("/there/.a.part")), "{effects:?}");
        assert!(!page.queue().misses_files());
        assert_eq!(page.queue().match_row(&file("a", 9), &Rows::default()), RowMatch::New);
    }
}

#[test]
fn upload_cancelled_during_a_break_leaves_nothing_when_its_session_is_lost() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 9)]);
    receive(&mut page, opened(0, 0));
    at(&mut page, 0, Event::SocketClosed);
    at(&mut page, 0, Event::Upload(Row(0), UploadAction::Cancel));
    at(&mut page, 0, Event::ReconnectNow);
    let effects = come_back_to_another_portal(&mut page);
    assert!(effects.contains(&remove("/there/.a.part")), "{effects:?}");
}

#[test]
fn leftover_is_removed_once_more_when_the_session_was_lost_before_the_answer() {
    let mut page = connected();
    at(&mut page, 0, Event::Restored(Box::new(left_at("a"))));
    let effects = at(&mut page, 0, Event::DiscardRestored);
    assert!(effects.contains(&remove("/there/.a.part")), "{effects:?}");
    let effects = come_back_to_another_portal(&mut page);
    assert!(effects.contains(&remove("/there/.a.part")), "{effects:?}");
    receive(&mut page, ServerMessage::Removed { path: "/there/.a.part".into() });
    let effects = come_back_to_another_portal(&mut page);
    assert!(!effects.contains(&remove("/there/.a.part")), "{effects:?}");
}

#[test]
fn part_that_nobody_can_compare_with_its_file_is_removed() {
    let mut page = connected();
    let mut left = left_at("a");
    left.rows[0].edges = None;
    at(&mut page, 0, Event::Restored(Box::new(left)));
    let effects = at(&mut page, 0, Event::FilesFound(vec![(Row(0), None)]));
    assert!(effects.contains(&remove("/there/.a.part")), "{effects:?}");
    let [.., ClientMessage::Offer(offer)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(offer.resume, None);
}

#[test]
fn file_that_cannot_be_read_costs_nothing_of_what_the_server_holds() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 100_000)]);
    receive(&mut page, opened(0, 0));
    let checked = |readable| Event::FileChecked { upload: UploadId(0), row: Row(0), readable };
    let effects = at(&mut page, 0, checked(false));
    assert_eq!(sent(&effects), [&ClientMessage::Pause { upload: UploadId(0) }]);
    assert!(effects.contains(&Effect::StopDigest(UploadId(0))));
    let resume = Some("/there/.a.part".to_owned());
    receive(&mut page, ServerMessage::Paused { upload: UploadId(0), resume: resume.clone() });
    let State::Failed(problem) = page.queue().get(Row(0)).unwrap().state() else { panic!() };
    assert_eq!(*problem, crate::queue::problems::file_changed());
    let effects = at(&mut page, 0, Event::Upload(Row(0), UploadAction::Retry));
    let [ClientMessage::Offer(offer)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(offer.resume, resume);
}

#[test]
fn upload_that_ended_with_its_connection_needs_no_digest_and_waits_to_be_tried_again() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 100_000)]);
    let paused = ServerMessage::Paused { upload: UploadId(0), resume: Some("/a.part".into()) };
    assert!(receive(&mut page, paused).contains(&Effect::StopDigest(UploadId(0))));
    receive(&mut page, ServerMessage::Disconnected { problem: Some(problems::outdated()) });
    at(&mut page, 0, Event::Connect(destination()));
    receive(&mut page, ServerMessage::Connected(facts()));
    assert_eq!(page.queue().totals().interrupted, 1);
    let effects = at(&mut page, 0, Event::Bulk(Scope::All, BulkAction::RetryFailed));
    assert!(matches!(sent(&effects)[..], [ClientMessage::Offer(_)]), "{effects:?}");
}

/// Disconnects the page, and connects it to `host`.
fn go_to(page: &mut Page, host: &str) -> Vec<Effect> {
    at(page, 0, Event::Disconnect);
    receive(page, ServerMessage::Disconnected { problem: None });
    at(page, 0, Event::Connect(Destination { host: host.into(), ..destination() }));
    receive(page, ServerMessage::Connected(Connected { host: host.into(), ..facts() }))
}

#[test]
fn what_is_found_in_a_folder_after_its_connection_ended_waits_for_the_person() {
    for (host, path) in [("a", "/home/late"), ("b", "late")] {
        let mut page = connected();
        let target = page.drop_target().unwrap();
        go_to(&mut page, host);
        if host == "a" {
            at(&mut page, 0, Event::Disconnect);
        }
        let effects = at(&mut page, 0, Event::Picked(vec![file("late", 3)], target.clone()));
        assert!(sent(&effects).is_empty(), "{effects:?}");
        assert_eq!(page.queue().totals().interrupted, 1);
        at(&mut page, 0, Event::PickedEmptyFolders(vec!["empty".into()], target));
        assert!(page.notices()[0].contains("empty"), "{:?}", page.notices());
        go_to(&mut page, host);
        let effects = at(&mut page, 0, Event::Bulk(Scope::All, BulkAction::RetryFailed));
        let [ClientMessage::Offer(offer)] = sent(&effects)[..] else { panic!("{effects:?}") };
        assert_eq!(offer.path, path);
    }
}

#[test]
fn folder_that_is_still_walked_goes_on_where_the_person_comes_back_to() {
    let mut page = connected();
    let target = page.drop_target().unwrap();
    go_to(&mut page, "a");
    let effects = at(&mut page, 0, Event::Picked(vec![file("late", 3)], target));
    assert!(matches!(sent(&effects)[..], [ClientMessage::Offer(_)]), "{effects:?}");
}

#[test]
fn notices_about_a_pick_stay_until_the_next_one() {
    let mut page = connected();
    at(&mut page, 0, Event::PickStarted);
    at(&mut page, 0, Event::PickedUnreadable(vec!["secret".into()]));
    pick(&mut page, vec![file("a", 3)]);
    assert_eq!(page.notices().len(), 1);
    at(&mut page, 0, Event::PickStarted);
    assert!(page.notices().is_empty());
}

#[test]
fn nothing_is_accepted_before_there_is_a_connection_and_the_person_is_told() {
    let mut page = Page::default();
    assert_eq!(page.drop_target(), None);
    let names = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    at(&mut page, 0, Event::PickRejected(names));
    assert!(page.notices()[0].starts_with("Not added: a, b, c and 1 more."));
}

#[test]
fn countdown_is_over_while_a_try_is_under_way() {
    let mut page = connected();
    pick(&mut page, vec![file("a", 9)]);
    at(&mut page, 0, Event::SocketClosed);
    assert!(page.queue().outage().unwrap().retry_in.is_some());
    at(&mut page, 0, Event::ReconnectNow);
    assert_eq!(page.queue().outage().unwrap().retry_in, None);
    at(&mut page, 0, Event::SocketClosed);
    let retry_at = page.deadline().unwrap();
    assert!(page.queue().outage().unwrap().retry_in.is_some());
    page.handle(Event::Tick, retry_at, 0.0);
    assert_eq!(page.queue().outage().unwrap().retry_in, None);
}

#[test]
fn question_that_is_answered_between_two_sessions_stands_again() {
    let mut page = connected();
    list_home(&mut page, "/home", &[]);
    at(
        &mut page,
        0,
        Event::Remote(remote::RemoteAction::OpenDialog(remote::RemoteCommand::MakeDirectory)),
    );
    receive(&mut page, ServerMessage::Goodbye { problem: problems::not_understood() });
    let effects =
        at(&mut page, 0, Event::Remote(remote::RemoteAction::ConfirmDialog("art".into())));
    assert!(sent(&effects).is_empty(), "{effects:?}");
    let dialog = page.remote().dialog().unwrap();
    assert!(!dialog.is_pending() && dialog.problem().is_some());
}
