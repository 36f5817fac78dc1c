//! Breaks and pauses of uploads: the portal's messages, and the files on the server's disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{fs, os::unix::fs::chown, time::Duration};

use ferryport_tests::{
    client::{Client, File, Outcome},
    content::Content,
    fault_proxy::{Fault, FaultKind, FaultProxy, On, Way},
    greeting_relay, portal,
    portal::Options,
    process::wait_for,
    servers::{self, Kind, Server},
    with_each_server,
};
use protocol::{Attempt, ChunkHeader, ClientMessage, ServerMessage, Stage, Window};
use tokio_tungstenite::tungstenite::Message;

/// The longest wait for an event that comes soon.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// A portal that retries soon.
const WITH_FAST_RETRIES: Options<'static> = Options::with(&["--retry-wait", "20 ms"]);

/// A portal that does not retry.
const WITHOUT_RETRIES: Options<'static> = Options::with(&["--retries", "0"]);

/// A break in the middle of a file of 40 MiB.
const BREAK: Fault =
    Fault { on: On::Data, way: Way::ToServer, after: 20 << 20, kind: FaultKind::Reset };

fn large_file(seed: u64) -> File {
    File::new("large.bin", Content { len: 40 << 20, seed })
}

fn assert_stored(server: &Server, file: &File, outcome: &Outcome, client: &Client) {
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}\n{}", client.transcript());
    assert_eq!(server.sha256_of(&file.path), Some(file.content.sha256()), "{}", file.path);
}

/// Runs an upload that breaks and is not retried. Returns the name to resume.
async fn leave_a_part(client: &mut Client, fault_proxy: &FaultProxy, file: &File) -> String {
    fault_proxy.plan([BREAK]);
    let mut resume = None;
    let outcomes = client
        .upload_and(std::slice::from_ref(file), |message, _| {
            if let ServerMessage::Failed { resume: name, .. } = message {
                resume.clone_from(name);
            }
            None
        })
        .await;
    assert!(matches!(outcomes[..], [Outcome::Failed(_)]), "{outcomes:?}\n{}", client.transcript());
    resume.unwrap_or_else(|| panic!("nothing to go on with\n{}", client.transcript()))
}

with_each_server! {
    async fn a_break_is_reported_and_the_upload_resumes_from_the_part_file(server: Server) {
        let portal = portal!(WITH_FAST_RETRIES);
        let fault_proxy = FaultProxy::before(&server).await;
        let mut client = Client::open(&portal).await;
        client.connect_at(fault_proxy.address(), &server).await;
        fault_proxy.plan([BREAK]);
        let file = large_file(1);
        let (mut interrupted, mut went_on) = (0, Vec::new());
        let outcomes = client
            .upload_and(std::slice::from_ref(&file), |message, _| {
                match message {
                    ServerMessage::Interrupted { problem, .. } => {
                        assert!(problem.remedy.is_some(), "{problem:?}");
                        interrupted += 1;
                    }
                    ServerMessage::Credit { attempt, taken, limit, .. } if attempt.0 > 0 => {
                        went_on.push((attempt.0, *taken, *limit));
                    }
                    _ => {}
                }
                None
            })
            .await;
        assert_stored(&server, &file, &outcomes[0], &client);
        assert_eq!(interrupted, 1, "{}", client.transcript());
        let (_, first, limit) = went_on[0];
        println!("{}: went on from {first} of {}", server.kind().name(), file.content.len);
        assert!(limit > first, "{went_on:?}");
        assert!(!server.resumes_uploads() || first > 0, "{went_on:?}\n{}", client.transcript());
        assert_eq!(server.files(), [file.path], "{}", client.transcript());
    }

    async fn an_upload_that_failed_resumes_when_it_is_offered_again(server: Server) {
        let portal = portal!(WITHOUT_RETRIES);
        let fault_proxy = FaultProxy::before(&server).await;
        let mut client = Client::open(&portal).await;
        client.connect_at(fault_proxy.address(), &server).await;
        let file = large_file(2);
        let name = leave_a_part(&mut client, &fault_proxy, &file).await;
        let again = file.clone().resuming(&name);
        let mut first = None;
        let mut before = None;
        let outcomes = client
            .upload_and(std::slice::from_ref(&again), |message, sent| {
                match message {
                    ServerMessage::Credit { taken, .. } => {
                        before.get_or_insert(sent);
                        first.get_or_insert(*taken);
                    }
                    ServerMessage::Opened { temporary_path, .. } => {
                        assert_eq!(*temporary_path, name);
                    }
                    _ => {}
                }
                None
            })
            .await;
        assert_stored(&server, &file, &outcomes[0], &client);
        println!("{}: {first:?} of {}", server.kind().name(), file.content.len);
        // Only the last of several credits counts: where the server takes no REST, the credit to
        // start over replaces the credit to resume.
        let least = u64::from(server.resumes_uploads());
        assert!(first.is_some_and(|first| first >= least), "{}", client.transcript());
        assert_eq!(before, Some(0), "nothing is sent before it is known from where");
        assert_eq!(server.files(), [file.path], "{}", client.transcript());
    }

    async fn a_resume_that_names_another_file_is_not_used(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let others = ["other.bin", "other.bin.0123abcd.part", "file.bin.0123abcd.part.bin"];
        let foreign = Content { len: 50_000, seed: 7 };
        for other in others {
            let path = server.root().join(other);
            fs::write(&path, foreign.piece(0, foreign.len)).unwrap();
            chown(&path, Some(1), Some(1)).unwrap();
        }
        let odd = ["/etc/passwd", "../x", "", "a\r\nDELE other.bin", "file.bin", "/"];
        for (resume, seed) in others.iter().chain(&odd).zip(1..) {
            let content = Content { len: 200_000, seed };
            let file = File::new("file.bin", content).overwriting().resuming(*resume);
            let mut temporary = None;
            let outcomes = client
                .upload_and(std::slice::from_ref(&file), |message, _| {
                    if let ServerMessage::Opened { temporary_path, .. } = message {
                        temporary = Some(temporary_path.clone());
                    }
                    None
                })
                .await;
            assert_stored(&server, &file, &outcomes[0], &client);
            let temporary = temporary.unwrap();
            assert!(temporary.contains("/file.bin.") && temporary.ends_with(".part"), "{temporary}");
        }
        for other in others {
            assert_eq!(server.sha256_of(other), Some(foreign.sha256()), "{other}");
        }
        assert_eq!(server.files().len(), others.len() + 1, "{:?}", server.files());
    }

    async fn a_listing_and_other_uploads_are_served_while_two_are_paused(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let paused = [1, 2].map(|n| File::new(format!("{n}.bin"), Content { len: 20 << 20, seed: n }));
        let mut waiting = Vec::new();
        for file in &paused {
            waiting.push(client.offer(file).await);
        }
        let mut opened = 0;
        while opened < paused.len() {
            opened += usize::from(matches!(client.receive().await, ServerMessage::Opened { .. }));
        }
        let listed = client.list("").await.unwrap();
        let leftovers: Vec<_> =
            listed.iter().filter_map(|entry| entry.leftover_of.as_deref()).collect();
        assert_eq!(leftovers, ["1.bin", "2.bin"], "{listed:?}");
        let file = File::new("3.bin", Content { len: 100_000, seed: 3 });
        let outcome = client.upload_one(&file).await;
        assert_stored(&server, &file, &outcome, &client);
        for upload in waiting {
            client.send(&ClientMessage::Cancel { upload }).await;
        }
        let mut cancelled = 0;
        while cancelled < paused.len() {
            let message = client.receive().await;
            cancelled += usize::from(matches!(message, ServerMessage::Cancelled { .. }));
        }
        // The server may notice a little later that the data connections are wait_until_gone.
        let tidy = wait_for(WAIT_LIMIT, || (server.files() == ["3.bin"]).then_some(()));
        assert!(tidy.is_some(), "{:?}\n{}", server.files(), client.transcript());
    }

    async fn a_listing_is_answered_while_a_long_upload_runs(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let file = File::new("large.bin", Content { len: 60 << 20, seed: 4 });
        let upload = client.offer(&file).await;
        let max_chunk = u64::from(client.limits().max_chunk_bytes);
        let min_chunk = u64::from(client.limits().min_chunk_bytes);
        let mut window = Window::new(file.content.len);
        let mut is_listed = false;
        let outcome = loop {
            match client.receive().await {
                ServerMessage::Opened { .. } => {
                    client.send(&ClientMessage::List { path: String::new() }).await;
                }
                ServerMessage::Listing { .. } => is_listed = true,
                ServerMessage::Credit { taken, limit, .. } => {
                    window.take(taken);
                    window.grant(limit);
                }
                ServerMessage::Done { path, verified, digest, page_agrees, .. } => {
                    break Outcome::Done { path, verified, digest, page_agrees };
                }
                ServerMessage::Failed { problem, .. } => break Outcome::Failed(problem),
                _ => {}
            }
            // The last piece waits until the listing has come.
            loop {
                let (offset, len) = (window.sent(), window.sendable().min(max_chunk));
                let is_last = offset + len == window.size();
                if (is_last && !is_listed) || (!is_last && len < min_chunk) || len == 0 {
                    break;
                }
                let header = ChunkHeader { upload, attempt: Attempt(0), offset };
                let mut frame = header.encode().to_vec();
                frame.extend(file.content.piece(offset, len));
                window.send(offset, len).unwrap();
                client.send_frame(Message::binary(frame)).await;
            }
        };
        assert_stored(&server, &file, &outcome, &client);
    }

    async fn a_part_file_is_removed_on_request_and_no_other_file(server: Server) {
        let portal = portal!(WITHOUT_RETRIES);
        let fault_proxy = FaultProxy::before(&server).await;
        let mut client = Client::open(&portal).await;
        client.connect_at(fault_proxy.address(), &server).await;
        let good = File::new("good.bin", Content { len: 1000, seed: 1 });
        let outcome = client.upload_one(&good).await;
        assert_stored(&server, &good, &outcome, &client);
        let name = leave_a_part(&mut client, &fault_proxy, &large_file(5)).await;
        let listed = client.list("").await.unwrap();
        let entry = listed.iter().find(|entry| name.ends_with(&entry.name)).unwrap();
        assert_eq!(entry.leftover_of.as_deref(), Some("large.bin"), "{entry:?}");

        for path in ["good.bin", "", "/", "../good.bin", "good.bin\r\nDELE good.bin", "x.part"] {
            let problem = client.remove(path).await.unwrap_err();
            assert_eq!(problem.stage, Stage::Portal, "{path}: {problem:?}");
        }
        client.remove(&name).await.unwrap();
        client.remove(&name).await.unwrap();
        assert_eq!(server.files(), ["good.bin"]);
        assert_eq!(server.sha256_of("good.bin"), Some(good.content.sha256()));
        assert_eq!(client.transcript().matches("Command: DELE").count(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_limited_to_two_sessions_stores_all_files_and_lists_them() {
    for kind in Kind::ALL {
        let options = servers::Options { max_sessions: Some(2), ..servers::Options::default() };
        let server = Server::start(kind, options);
        let portal = portal!(WITH_FAST_RETRIES);
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let files: Vec<File> = (0..30)
            .map(|n| {
                File::new(format!("folder {}/{n}.bin", n % 3), Content { len: 300_000, seed: n })
            })
            .collect();
        let mut listings = 0;
        let mut asked = 0;
        let outcomes = client
            .upload_and(&files, |message, _| match message {
                ServerMessage::Opened { .. } if asked < 5 => {
                    asked += 1;
                    Some(ClientMessage::List { path: String::new() })
                }
                ServerMessage::Listing { .. } => {
                    listings += 1;
                    None
                }
                ServerMessage::ListingFailed { problem, .. } => panic!("{problem:?}"),
                _ => None,
            })
            .await;
        for (file, outcome) in files.iter().zip(&outcomes) {
            assert_stored(&server, file, outcome, &client);
        }
        println!("{}: {listings} of {asked} listings before the end", kind.name());
        client.list("").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_uses_the_profile_that_an_earlier_one_learned() {
    let server = servers::start(Kind::ProFtpd);
    let address = greeting_relay::start(&server).await;
    let portal = portal!(WITH_FAST_RETRIES);
    let mut first = Client::open(&portal).await;
    assert_eq!(first.connect_at(address, &server).await.tls.version, "TLS 1.3");
    let files: Vec<File> =
        (0..20).map(|n| File::new(format!("{n}.bin"), Content { len: 4096, seed: n })).collect();
    let outcomes = first.upload(&files).await;
    for (file, outcome) in files.iter().zip(&outcomes) {
        assert_stored(&server, file, outcome, &first);
    }
    assert!(first.transcript().contains("Reconnecting with TLS 1.2"));

    let mut second = Client::open(&portal).await;
    assert_eq!(second.connect_at(address, &server).await.tls.version, "TLS 1.2");
    let file = File::new("more.bin", Content { len: 4096, seed: 100 });
    let outcome = second.upload_one(&file).await;
    assert_stored(&server, &file, &outcome, &second);
    assert!(!second.transcript().contains("Reconnecting with"), "{}", second.transcript());
}
