//! Sessions that outlive their sockets: breaks, reloaded pages, pauses, the end of the grace period.
//!
//! Each schedule depends on its number only, which a failure prints:
//! `FAULT_SEED=17 cargo test --test sessions vsftpd`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fastrand::Rng;
use ferryport_tests::{
    client::{Client, Digest, File, Outcome, to_port},
    content::Content,
    fake_peers::FakePeer,
    fault_proxy::{Fault, FaultKind, FaultProxy, On, Way},
    portal,
    portal::{Options, Portal},
    process::wait_for,
    schedules,
    servers::{self, Kind, Server},
    with_each_kind, with_each_server,
};
use protocol::{
    Attempt, ChunkHeader, ClientMessage, Encryption, OnConflict, ServerMessage, UploadId,
    client::Offer,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

/// Long enough for a busy machine.
const WAIT_LIMIT: Duration = Duration::from_secs(30);

/// A portal with short timeouts.
const WITH_SHORT_TIMEOUTS: Options<'static> = Options::with(&[
    "--connect-timeout",
    "3 s",
    "--tls-timeout",
    "3 s",
    "--greeting-timeout",
    "6 s",
    "--silence-timeout",
    "3 s",
    "--reply-timeout",
    "3 s",
    "--stall-timeout",
    "3 s",
    "--final-reply-timeout",
    "3 s",
    "--cancel-timeout",
    "3 s",
    "--retry-wait",
    "50 ms",
    "--retries",
    "20",
]);

/// A portal without a grace period.
const WITHOUT_GRACE: Options<'static> = Options::with(&["--session-grace", "1 ms"]);

fn big(path: &str) -> File {
    File::new(path, Content { len: 24 << 20, seed: 24 })
}

fn assert_stored(client: &Client, server: &Server, file: &File, outcome: &Outcome) {
    let said = || format!("{outcome:?}\n{}\n{}", client.transcript(), server.log());
    assert!(matches!(outcome, Outcome::Done { .. }), "{}: {}", file.path, said());
    assert_eq!(
        server.sha256_of(&file.path),
        Some(file.content.sha256()),
        "{}: {}",
        file.path,
        said()
    );
}

/// Returns the temporary names on the server.
fn leftovers(server: &Server) -> Vec<String> {
    server.files().into_iter().filter(|name| name.ends_with(".part")).collect()
}

fn count(client: &Client, verb: &str) -> usize {
    client.log().iter().filter(|line| line.text.starts_with(verb)).count()
}

with_each_server! {
    /// The socket breaks at ten points of an upload; the upload does not.
    async fn a_page_that_reconnects_resumes_at_the_portals_offset(server: Server) {
        let portal = portal!();
        let fault_proxy = FaultProxy::before_port(portal.address().port()).await;
        let mut rng = Rng::with_seed(1);
        for index in 0..10 {
            let after = rng.u64(..24_000_000);
            let kind = if rng.bool() { FaultKind::Reset } else { FaultKind::Close };
            let mut client = Client::open(&portal).await;
            client.connect(&server).await;
            client.reconnect_through(portal.acceptor().at(fault_proxy.address()));
            fault_proxy.plan([Fault { on: On::Control, way: Way::ToServer, after, kind }]);
            client.reconnect().await;
            let file = big(&format!("{index}.bin"));
            let outcome = client.upload_one(&file).await;
            assert_stored(&client, &server, &file, &outcome);
            assert!(client.sockets() >= 3, "the socket broke after {after} bytes");
            assert_eq!(count(&client, "STOR"), 1, "{}", client.transcript());
            let seqs: Vec<u64> = client.log().iter().map(|line| line.seq).collect();
            let expected: Vec<u64> = (0..seqs.len() as u64).collect();
            assert_eq!(seqs, expected, "no line is lost and none comes twice");
        }
    }

    async fn a_reloaded_page_resumes_from_the_part_file(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        let connected = client.connect(&server).await;
        let file = big("again.bin");
        let temporary = upload_half(&mut client, &file).await;
        let log = client.log().len();
        let again = client.reload_page().await.expect("the session is still connected");
        assert_eq!(again.directory, connected.directory);
        let outcome = client.upload_one(&file.clone().resuming(temporary)).await;
        assert_stored(&client, &server, &file, &outcome);
        assert_eq!(leftovers(&server), [""; 0]);
        assert!(client.log().len() > log, "all of the log came again:\n{}", client.transcript());
        if server.resumes_uploads() {
            let went_on = client.transcript().contains("Resuming there");
            assert!(went_on, "{}", client.transcript());
        }
    }

    async fn a_part_file_is_kept_when_the_page_does_not_return(server: Server) {
        let portal = portal!(WITHOUT_GRACE);
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let file = big("gone.bin");
        let temporary = upload_half(&mut client, &file).await;
        drop(client);
        wait_for(WAIT_LIMIT, || portal.output().contains("session ended").then_some(()))
            .expect("the session ends");
        assert_eq!(leftovers(&server).len(), 1, "{:?}", server.files());

        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let outcome = client.upload_one(&file.clone().resuming(temporary)).await;
        assert_stored(&client, &server, &file, &outcome);
        assert_eq!(leftovers(&server), [""; 0]);
    }

    async fn a_paused_upload_holds_no_connection_and_can_be_resumed(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let file = big("paused.bin");
        let outcomes = client.upload_and(std::slice::from_ref(&file), |message, _| {
            let ServerMessage::Credit { upload, taken, .. } = message else { return None };
            (*taken > 8 << 20).then_some(ClientMessage::Pause { upload: *upload })
        });
        let outcomes = outcomes.await;
        let [Outcome::Paused { resume: Some(temporary) }] = outcomes.as_slice() else {
            panic!("{outcomes:?}\n{}", client.transcript());
        };
        // Other uploads find the connections free.
        let other = File::new("other.bin", Content { len: 100_000, seed: 3 });
        let outcome = client.upload_one(&other).await;
        assert_stored(&client, &server, &other, &outcome);
        let outcome = client.upload_one(&file.clone().resuming(temporary)).await;
        assert_stored(&client, &server, &file, &outcome);
        assert_eq!(leftovers(&server), [""; 0]);
    }

    /// The page is killed and the portal is stopped; neither has logged out of the server.
    async fn a_restarted_portal_resumes_from_the_part_file(server: Server) {
        let mut portal = portal!(WITH_SHORT_TIMEOUTS);
        let file = big("restarted.bin");
        let mut temporary: Option<String> = None;
        for kill in [true, false] {
            let mut client = Client::open(&portal).await;
            client.connect(&server).await;
            let file = match temporary.take() {
                Some(temporary) => file.clone().resuming(temporary),
                None => file.clone(),
            };
            temporary = Some(upload_half(&mut client, &file).await);
            if kill {
                drop(portal);
            } else {
                portal.stop();
            }
            portal = portal!(WITH_SHORT_TIMEOUTS);
        }
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let outcome = client.upload_one(&file.clone().resuming(temporary.unwrap())).await;
        assert_stored(&client, &server, &file, &outcome);
        assert_eq!(leftovers(&server), [""; 0]);
        if server.resumes_uploads() {
            // The second portal may have sent all of it before it was stopped.
            let resumed = ["Resuming there", "already holds all"];
            let went_on = resumed.iter().any(|words| client.transcript().contains(words));
            assert!(went_on, "{}", client.transcript());
        }
    }
}

/// The page's digest and the server's digest decide whether a file gets its name.
mod the_pages_digest_has_to_be_that_of_what_was_relayed {
    use super::*;

    async fn claim(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        let algorithm = client.connect(&server).await.digest;
        for (name, len) in [("empty", 0), ("small", 5000), ("big", 12 << 20)] {
            let file = |what: &str| File::new(format!("{name}.{what}"), Content { len, seed: len });
            let right = file("right").with_digest(Digest::Right);
            let outcome = client.upload_one(&right).await;
            assert_stored(&client, &server, &right, &outcome);
            let Outcome::Done { digest: Some(digest), page_agrees: true, .. } = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(
                (digest.algorithm, digest.hex),
                (algorithm, right.content.digest(0, algorithm))
            );

            let unable = file("unable").with_digest(Digest::Unable);
            let outcome = client.upload_one(&unable).await;
            assert_stored(&client, &server, &unable, &outcome);
            assert!(matches!(outcome, Outcome::Done { page_agrees: false, .. }), "{outcome:?}");

            if len > 0 {
                let wrong = file("wrong").with_digest(Digest::Wrong);
                let outcome = client.upload_one(&wrong).await;
                let Outcome::Failed(problem) = outcome else { panic!("{outcome:?}") };
                assert!(problem.remedy.is_some(), "{problem:?}");
                assert_eq!(server.sha256_of(&wrong.path), None);
            }
        }
        // An existing file is not replaced by one that is not verified.
        let good = File::new("big.right", Content { len: 12 << 20, seed: 12 << 20 });
        let bad = File::new("big.right", Content { len: 1 << 20, seed: 1 }).overwriting();
        let outcome = client.upload_one(&bad.with_digest(Digest::Wrong)).await;
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        assert_eq!(server.sha256_of("big.right"), Some(good.content.sha256()));
        assert_eq!(leftovers(&server), [""; 0]);

        // A resumed upload has a digest of the whole file, and one from its offset on.
        for digest in [Digest::Right, Digest::Wrong] {
            let file = big("resumed").with_digest(Digest::None);
            let temporary = upload_half(&mut client, &file).await;
            client.reload_page().await.expect("the session is still connected");
            let resumed = file.clone().with_digest(digest).resuming(temporary);
            let outcome = client.upload_one(&resumed).await;
            if digest == Digest::Right {
                assert_stored(&client, &server, &file, &outcome);
                let agrees = matches!(outcome, Outcome::Done { page_agrees: true, .. });
                assert!(agrees, "{outcome:?}");
                std::fs::remove_file(server.root().join("resumed")).unwrap();
            } else {
                assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
                assert_eq!(server.sha256_of("resumed"), None);
            }
        }
        assert_eq!(leftovers(&server), [""; 0]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn vsftpd_which_makes_none() {
        claim(servers::start(Kind::Vsftpd)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn proftpd_which_makes_the_same() {
        let digests = servers::Digests::All;
        let options = servers::Options { digests, ..servers::Options::default() };
        claim(Server::start(Kind::ProFtpd, options)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn pure_ftpd_which_makes_none() {
        claim(servers::start(Kind::PureFtpd)).await;
    }
}

/// Uploads about half of a file. Returns its temporary name.
async fn upload_half(client: &mut Client, file: &File) -> String {
    let mut temporary = None;
    let half = file.content.len / 2;
    client
        .upload_until(file, |message| {
            if let ServerMessage::Opened { temporary_path, .. } = message {
                temporary = Some(temporary_path.clone());
            }
            // A resumed upload reports its offset before it opens.
            let is_half = |taken| taken >= half && temporary.is_some();
            matches!(message, ServerMessage::Credit { taken, .. } if is_half(*taken))
        })
        .await;
    temporary.expect("the upload was opened")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_socket_takes_the_session_over() {
    let portal = portal!();
    let server = servers::start(Kind::Vsftpd);
    let mut first = Client::open(&portal).await;
    first.connect(&server).await;
    let mut second = first.join_session().await;
    let last = first.receive_to_end().await.pop();
    assert!(matches!(last, Some(ServerMessage::TakenOver)), "{last:?}");
    let file = File::new("second.bin", Content { len: 100_000, seed: 2 });
    let outcome = second.upload_one(&file).await;
    assert_stored(&second, &server, &file, &outcome);
}

/// The session resumes without a connection and without unacknowledged messages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_socket_takes_over_a_session_without_a_server() {
    let portal = portal!();
    let server = servers::start(Kind::Vsftpd);
    let mut first = Client::open(&portal).await;
    let mut second = first.join_session().await;
    let last = first.receive_to_end().await.pop();
    assert!(matches!(last, Some(ServerMessage::TakenOver)), "{last:?}");
    second.connect(&server).await;
}

/// The connection ended, and the socket broke before the page received the message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unacknowledged_messages_are_kept_when_the_connection_has_ended() {
    let portal = portal!();
    let server = servers::start(Kind::Vsftpd);
    let mut client = Client::open(&portal).await;
    client.connect(&server).await;
    client.send(&ClientMessage::Disconnect).await;
    let ended = wait_for(WAIT_LIMIT, || client.transcript().contains("Disconnected").then_some(()));
    assert!(ended.is_some(), "{}", client.transcript());
    client.close_socket().await;
    client.reconnect().await;
    while !matches!(client.receive().await, ServerMessage::Disconnected { problem: None }) {}
    client.connect(&server).await;
}

/// A chunk breaks off in the middle: what arrived of it counts, and the page sends the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_received_part_of_a_broken_chunk_is_not_sent_again() {
    const ARRIVED: u64 = 50_000;
    let portal = portal!();
    let server = servers::start(Kind::PureFtpd);
    let mut client = Client::open(&portal).await;
    client.connect(&server).await;
    let file = File::new("chunk.bin", Content { len: 200_000, seed: 5 });
    let upload = client.offer(&file).await;
    while !matches!(client.receive().await, ServerMessage::Credit { limit, .. } if limit >= ARRIVED)
    {
    }

    let header = ChunkHeader { upload, attempt: Attempt(0), offset: 0 };
    let begin = [&header.encode()[..], &file.content.piece(0, ARRIVED)].concat();
    let fragment = Frame::message(begin, OpCode::Data(Data::Binary), false);
    client.send_frame(Message::Frame(fragment)).await;
    let away = CloseFrame { code: CloseCode::Away, reason: "".into() };
    client.send_frame(Message::Close(Some(away))).await;
    client.receive_to_end().await;
    client.reconnect().await;

    let (attempt, received) = loop {
        if let ServerMessage::Credit { attempt, received, limit, .. } = client.receive().await
            && attempt > Attempt(0)
            && limit == file.content.len
        {
            break (attempt, received);
        }
    };
    assert_eq!(received, ARRIVED);
    let header = ChunkHeader { upload, attempt, offset: received };
    let rest = file.content.piece(received, file.content.len - received);
    client.send_frame(Message::binary([&header.encode()[..], &rest].concat())).await;
    while !matches!(client.receive().await, ServerMessage::Done { .. }) {}
    assert_eq!(server.sha256_of("chunk.bin"), Some(file.content.sha256()));
}

/// Messages that the portal has not received are sent again; received ones are not handled twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_arrives_once_although_sockets_break() {
    let portal = portal!();
    let server = servers::start(Kind::PureFtpd);
    let fault_proxy = FaultProxy::before_port(portal.address().port()).await;
    let mut rng = Rng::with_seed(3);
    let mut client = Client::open(&portal).await;
    client.connect(&server).await;
    client.reconnect_through(portal.acceptor().at(fault_proxy.address()));
    let cut = |rng: &mut Rng| Fault {
        on: On::Control,
        way: if rng.bool() { Way::ToServer } else { Way::ToClient },
        after: rng.u64(500..3000),
        kind: FaultKind::Reset,
    };
    fault_proxy.plan((0..40).map(|_| cut(&mut rng)));
    client.reconnect().await;
    let files: Vec<File> =
        (0..150).map(|n| File::new(format!("{n}.txt"), Content { len: 10 + n, seed: n })).collect();
    let outcomes = client.upload(&files).await;
    for (file, outcome) in files.iter().zip(&outcomes) {
        assert_stored(&client, &server, file, outcome);
    }
    assert!(client.sockets() > 10, "{} sockets", client.sockets());
    assert_eq!(server.files().len(), files.len(), "{:?}", server.files());
    let mut stored = BTreeMap::new();
    for line in client.log().iter().filter(|line| line.text.starts_with("STOR")) {
        *stored.entry(line.text.clone()).or_insert(0) += 1;
    }
    assert!(stored.values().all(|count| *count == 1), "{stored:?}");
}

/// Unread responses are bounded: the portal ends a session that keeps asking.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_page_acknowledges_nothing_is_ended_at_a_bound() {
    let options = Options::with(&["--max-unacknowledged", "64 KiB"]);
    let portal = portal!(options);
    let mut client = Client::open(&portal).await;
    let before = portal.peak_memory();
    for n in 1..100_000 {
        let offer = Offer {
            upload: UploadId(n),
            path: "x".to_owned(),
            size: 1,
            modified_millis: None,
            on_conflict: OnConflict::Ask,
            resume: None,
            digest: false,
            compare: false,
        };
        if client.try_send(&ClientMessage::Offer(offer)).await.is_err() {
            break;
        }
    }
    client.receive_to_end().await;
    let grown = portal.peak_memory() - before;
    assert!(grown < 16 << 20, "{grown} bytes");
}

/// Each connection waits for the end of the one before: the number of waiting ones is bounded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_with_too_many_attempts_is_ended() {
    let portal = portal!();
    let silent = FakePeer::silent();
    let mut client = Client::open(&portal).await;
    let before = portal.peak_memory();
    for n in 0..5000 {
        let mut connect = to_port("127.0.0.1", silent.port(), Encryption::Explicit);
        connect.username = format!("{n}{}", "x".repeat(50_000));
        if client.try_send(&ClientMessage::Connect(connect)).await.is_err() {
            break;
        }
    }
    client.receive_to_end().await;
    let grown = portal.peak_memory() - before;
    assert!(grown < 16 << 20, "{grown} bytes");
}

/// A path longer than any system has is refused before anything is made of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overlong_path_is_refused() {
    let portal = portal!();
    let server = servers::start(Kind::Vsftpd);
    let mut client = Client::open(&portal).await;
    client.connect(&server).await;
    let before = portal.peak_memory();
    let path = "a/".repeat(30_000);
    client.send(&ClientMessage::MakeDirectory { path: path.clone() }).await;
    let refused = client.receive().await;
    assert!(matches!(refused, ServerMessage::MakeDirectoryFailed { .. }), "{refused:?}");
    assert!(client.list(&path).await.is_err());
    assert!(client.remove(&path).await.is_err());
    let grown = portal.peak_memory() - before;
    assert!(grown < 16 << 20, "{grown} bytes");
}

/// Cancel removes the part of an earlier upload, also before the upload that would resume it starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_an_upload_removes_the_part_file_that_it_would_have_resumed() {
    let portal = portal!();
    let server = servers::start(Kind::PureFtpd);
    let mut client = Client::open(&portal).await;
    client.connect(&server).await;
    let mut files = Vec::new();
    for n in 0..6 {
        let file = big(&format!("{n}.bin"));
        let temporary = upload_half(&mut client, &file).await;
        client.reload_page().await.expect("the session is still connected");
        files.push(file.resuming(temporary));
    }
    assert_eq!(leftovers(&server).len(), files.len());
    // Some of them begin, and the others wait.
    let mut ids = Vec::new();
    for file in &files {
        ids.push(client.offer(file).await);
    }
    for upload in ids {
        client.send(&ClientMessage::Cancel { upload }).await;
    }
    let removed = wait_for(WAIT_LIMIT, || leftovers(&server).is_empty().then_some(()));
    assert!(removed.is_some(), "{:?}\n{}", server.files(), client.transcript());
}

/// Runs one schedule: uploads, while the page's sockets and the server's connections break.
async fn play(portal: &Portal, server: &Server, networks: &(FaultProxy, FaultProxy), seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (page_side, server_side) = networks;
    let files = files(&mut rng, seed);
    let (of_page, of_server) = (page_faults(&mut rng), server_faults(&mut rng));
    println!("{} {seed}: {of_page:?} {of_server:?}", server.kind().name());
    let mut client = Client::open(portal).await;
    client.connect_at(server_side.address(), server).await;
    client.reconnect_through(portal.acceptor().at(page_side.address()));
    page_side.plan(of_page);
    server_side.plan(of_server);
    client.reconnect().await;
    let outcomes = client.upload(&files).await;
    page_side.plan([]);
    server_side.plan([]);
    for (file, outcome) in files.iter().zip(&outcomes) {
        assert_stored(&client, server, file, outcome);
    }
    let of_this = format!("{seed}/");
    let left: Vec<_> =
        leftovers(server).into_iter().filter(|path| path.starts_with(&of_this)).collect();
    assert_eq!(left, [""; 0], "seed {seed}\n{}", client.transcript());
    client.leave().await;
}

fn files(rng: &mut Rng, seed: u64) -> Vec<File> {
    let sizes = [0, 1, 5000, 300_000, 1_500_000, 6_000_000];
    let count = rng.u64(2..5);
    (0..count)
        .map(|index| {
            let len = sizes[rng.usize(..sizes.len())];
            File::new(format!("{seed}/file-{index}"), Content { len, seed: seed * 10 + index })
        })
        .collect()
}

fn page_faults(rng: &mut Rng) -> Vec<Fault> {
    let count = rng.usize(1..=5);
    (0..count)
        .map(|_| {
            let (way, most) = match rng.bool() {
                true => (Way::ToServer, 4_000_000),
                false => (Way::ToClient, 10_000),
            };
            let kind = if rng.bool() { FaultKind::Reset } else { FaultKind::Close };
            Fault { on: On::Control, way, after: rng.u64(..most), kind }
        })
        .collect()
}

fn server_faults(rng: &mut Rng) -> Vec<Fault> {
    let count = rng.usize(0..=3);
    (0..count).map(|_| Fault::random(rng)).collect()
}

with_each_kind! {
    async fn every_file_is_stored_whole_when_both_sides_break_in_random_schedules(kind: Kind) {
        let server = Arc::new(servers::start(kind));
        let portal = Arc::new(portal!(WITH_SHORT_TIMEOUTS));
        schedules::run(|seeds| {
            let (server, portal) = (Arc::clone(&server), Arc::clone(&portal));
            async move {
                let page_side = FaultProxy::before_port(portal.address().port()).await;
                let networks = (page_side, FaultProxy::before(&server).await);
                for seed in seeds {
                    play(&portal, &server, &networks, seed).await;
                }
            }
        })
        .await;
    }
}
