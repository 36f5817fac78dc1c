//! A native client against the portal against each of the real FTPS servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::time::Duration;

use ferryport_tests::{
    client::{Attempted, Client, Digest, File, Outcome, refusal, say_first, to, to_port},
    content::{Content, ODD_NAMES},
    fake_peers::{ClosedPort, FakePeer},
    portal,
    portal::{Demo, Options},
    portal_program,
    process::wait_for,
    servers::{self, Kind, Server},
    with_each_server,
};
use protocol::{
    ClientMessage, Encryption, OnConflict, Problem, ServerMessage, Stage,
    client::{Connect, Secret},
    server::{EntryKind, Existing},
    session::SessionCredentials,
};

/// What the portal is allowed to hold at its peak, whatever it relays.
const MEMORY_LIMIT: u64 = 64 << 20;

with_each_server! {
    async fn files_of_awkward_sizes_arrive_byte_for_byte(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let sizes = [0, 1, 16 << 10, (64 << 10) + 1, (5 << 20) + 1];
        let files: Vec<File> = sizes
            .into_iter()
            .map(|len| File::new(format!("{len}.bin"), Content { len, seed: len }))
            .collect();
        assert_all_stored(&mut client, &server, &files).await;
    }

    async fn odd_names_are_stored_exactly(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let files: Vec<File> = ODD_NAMES
            .into_iter()
            .zip(1..)
            .map(|(name, seed)| File::new(name, Content { len: 100, seed }))
            .collect();
        assert_all_stored(&mut client, &server, &files).await;
        let listed = client.list("").await.unwrap();
        for name in ODD_NAMES {
            let entry = listed.iter().find(|entry| entry.name == name);
            let entry = entry.unwrap_or_else(|| panic!("{name} is not among {listed:?}"));
            assert_eq!((entry.kind, entry.size), (EntryKind::File, Some(100)), "{name}");
        }
    }

    async fn a_folder_of_200_small_files_arrives(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let files: Vec<File> = (0..200)
            .map(|n| {
                let path = format!("folder/part {}/file {n}.txt", n % 10);
                File::new(path, Content { len: n * 37, seed: n })
            })
            .collect();
        assert_all_stored(&mut client, &server, &files).await;
        assert_eq!(server.files().len(), files.len(), "no temporary name stays behind");
    }

    async fn a_file_of_300_mib_passes_through_little_memory(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let big = File::new("big.bin", Content { len: 300 << 20, seed: 300 });
        assert_all_stored(&mut client, &server, &[big]).await;
        let peak = portal.peak_memory();
        println!(
            "peak memory of the portal, 300 MiB to {}: {:.1} MiB",
            server.kind().name(),
            bytes_as_mib(peak)
        );
        assert!(peak <= MEMORY_LIMIT, "{:.1} MiB", bytes_as_mib(peak));
    }

    async fn a_client_that_waits_for_large_credit_gets_it(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        // Four chunks and a bit, each sent only when a whole one may be: what is left of the
        // window in between is of no use to this client.
        let chunk = u64::from(client.limits().max_chunk_bytes);
        client.wait_for_credit_of(chunk);
        let files: Vec<File> = (0..4)
            .map(|n| File::new(format!("{n}.bin"), Content { len: 4 * chunk + n * 70_000, seed: n }))
            .collect();
        assert_all_stored(&mut client, &server, &files).await;
    }

    async fn encryption_of_data_connections_is_reported_when_it_changes(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        let connected = client.connect(&server).await;
        let files: Vec<File> = (0..30)
            .map(|n| File::new(format!("{n}.txt"), Content { len: 100, seed: n }))
            .collect();
        assert_all_stored(&mut client, &server, &files).await;
        let frames = client.frames();
        let said: Vec<_> = frames
            .iter()
            .filter_map(|frame| match serde_json::from_str(frame) {
                Ok(ServerMessage::DataTls(facts)) => Some(facts),
                _ => None,
            })
            .collect();
        assert!(said.windows(2).all(|pair| pair[0].tls != pair[1].tls), "{said:?}");
        assert!(!said.is_empty() && said.len() < files.len(), "{said:?}");
        let last = said.last().unwrap();
        // Pure-FTPd does not require session resumption, and sends too few tickets for it.
        assert!(last.tls.resumed || server.kind() == Kind::PureFtpd, "{last:?}");
        assert!(last.connection.is_some(), "{last:?}");
        assert!(last.tls.version.starts_with("TLS 1."), "{last:?}");
        assert!(last.tls.version <= connected.tls.version, "{last:?}");
        let place = |name: &str| frames.iter().position(|frame| frame.contains(name));
        assert!(place("\"type\":\"connected\"") < place("\"type\":\"data_tls\""));
    }

    async fn log_lines_are_explained_by_number(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        assert_connects_again(&mut client, &server).await;
        let list = |lang: &str| -> Vec<String> {
            let answer = portal.ask("GET", &format!("/explanations.json?lang={lang}"), &[]);
            assert_eq!(answer.status, 200, "{answer:?}");
            serde_json::from_str(&answer.body).unwrap()
        };
        let (english, german) = (list("en"), list("de"));
        let log = client.log();
        let explained = |start: &str, list: &[String]| {
            let line = log.iter().find(|line| line.text.starts_with(start));
            let line = line.unwrap_or_else(|| panic!("{start}: {}", client.transcript()));
            list[usize::from(line.explanation.unwrap_or_else(|| panic!("{line:?}")))].clone()
        };
        assert!(explained("AUTH TLS", &english).contains("encrypted"));
        assert!(explained("AUTH TLS", &german).contains("verschlüsselt"));
        assert!(explained("234", &english).contains("TLS starts now"));
        assert!(explained("PASS ****", &german).contains("Passwort"));
        assert!(explained("Data connection 1:", &english).contains("encrypted"));
        // What a reply means depends on the command before it.
        assert!(explained("331", &english).contains("password"));
        let silent = log.iter().filter(|line| line.explanation.is_none());
        assert!(silent.count() * 2 < log.len(), "{}", client.transcript());
    }

    async fn a_wrong_password_fails_with_the_servers_530_and_the_session_continues(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        let mut connect = to(&server);
        connect.trusted_certificate = Some(server.certificate_sha256());
        connect.password = Secret::new("not the password".to_owned());
        let problem = fail_to_connect(&mut client, connect).await;
        assert_eq!(problem.stage, Stage::Login, "{problem:?}");
        assert!(reply(&problem).starts_with("530"), "{problem:?}");
        assert_uploads_again(&mut client, &server).await;
    }

    async fn problems_are_in_the_users_language(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        // Without a connection its session would end with its first socket.
        client.connect(&server).await;
        client.set_language("de".to_owned().try_into().unwrap());
        client.reload_page().await;
        let mut connect = to(&server);
        connect.trusted_certificate = Some(server.certificate_sha256());
        connect.password = Secret::new("not the password".to_owned());
        let problem = fail_to_connect(&mut client, connect).await;
        assert_eq!(problem.message, "Der Server hat PASS mit 530 abgelehnt");
        let log = client.log();
        assert!(log.iter().any(|line| line.text == problem.logged()), "{problem:?}");
        assert!(problem.cause.as_ref().unwrap().contains("Passwort"), "{problem:?}");
        assert!(problem.remedy.as_ref().unwrap().what.contains("Prüfen Sie"), "{problem:?}");
        assert!(reply(&problem).starts_with("530"), "{problem:?}");
    }

    async fn an_unknown_certificate_is_shown_and_nothing_secret_is_sent(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        match client.attempt(to(&server)).await {
            Attempted::CertificateNotTrusted(shown) => {
                assert_eq!(shown.sha256, server.certificate_sha256());
                assert!(shown.subject.contains("ferryport test server"), "{shown:?}");
                assert!(shown.names.iter().any(|name| name == "localhost"), "{shown:?}");
                assert!(!shown.doubts.is_empty());
            }
            other => panic!("{other:?}"),
        }
        let transcript = client.transcript();
        assert!(!transcript.contains("USER") && !transcript.contains("PASS"), "{transcript}");
        assert_uploads_again(&mut client, &server).await;
    }

    async fn trust_in_another_certificate_has_no_effect(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        let mut connect = to(&server);
        connect.trusted_certificate = Some("00".repeat(32));
        match client.attempt(connect).await {
            Attempted::CertificateNotTrusted(shown) => {
                assert_eq!(shown.sha256, server.certificate_sha256());
            }
            other => panic!("{other:?}"),
        }
        assert!(!client.transcript().contains("USER"));
    }

    async fn a_read_only_directory_fails_with_the_servers_reply(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let path = format!("{}/file.txt", Server::READ_ONLY);
        let file = File::new(path, Content { len: 1000, seed: 1 });
        match client.upload_one(&file).await {
            Outcome::Failed(problem) => {
                assert!(reply(&problem).starts_with('5'), "{problem:?}");
                assert!(problem.remedy.is_some(), "{problem:?}");
                assert!(problem.stage >= Stage::DataConnection, "{problem:?}");
            }
            other => panic!("{other:?}\n{}", client.transcript()),
        }
        assert!(server.files().is_empty());
        assert_connects_again(&mut client, &server).await;
    }

    async fn an_existing_file_is_kept_unless_the_page_says_overwrite(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let old = File::new("same.bin", Content { len: 70_000, seed: 1 });
        let new = File::new("same.bin", Content { len: 90_000, seed: 2 });
        assert_all_stored(&mut client, &server, std::slice::from_ref(&old)).await;

        let outcome = client.upload_one(&new).await;
        let existing = conflict_of(&outcome);
        assert_eq!(existing.size, Some(70_000));
        assert!(existing.modified_millis.is_some(), "{existing:?}");
        // A file that is the beginning of the new one can be resumed.
        let longer = File { content: Content { len: 90_000, ..old.content }, ..old.clone() };
        let going_on = File { on_conflict: OnConflict::Resume, ..longer };
        assert_all_stored(&mut client, &server, &[going_on]).await;

        assert_all_stored(&mut client, &server, &[new.overwriting()]).await;
        assert_eq!(server.files(), ["same.bin"]);
    }

    async fn a_file_created_during_the_upload_is_kept(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        // More than a window, so that it cannot end before the other file is there.
        let file = File::new("same.bin", Content { len: 20 << 20, seed: 1 });
        let other = server.root().join("same.bin");
        let outcomes = client
            .upload_and(std::slice::from_ref(&file), |message, _| {
                if matches!(message, ServerMessage::Opened { .. }) {
                    std::fs::write(&other, "somebody else's").unwrap();
                }
                None
            })
            .await;
        assert_eq!(conflict_of(&outcomes[0]).size, Some(15));
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "somebody else's");

        // The new one is whole already: to overwrite costs no byte more.
        let Outcome::Conflict { resume: Some(complete), .. } = &outcomes[0] else {
            panic!("{outcomes:?}");
        };
        let checks = |client: &Client| {
            client.frames().iter().filter(|frame| frame.contains("\"type\":\"verifying\"")).count()
        };
        let (stores, checked) = (client.transcript().matches("STOR").count(), checks(&client));
        let file = file.resuming(complete).overwriting().with_digest(Digest::Right);
        assert_all_stored(&mut client, &server, &[file]).await;
        assert_eq!(client.transcript().matches("STOR").count(), stores);
        assert_eq!(checks(&client), checked + 1, "that it is whole is said");
        assert_eq!(server.files(), ["same.bin"]);
    }

    async fn an_upload_cancelled_midway_leaves_no_part_file_and_the_session_continues(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let file = File::new("big.bin", Content { len: 100 << 20, seed: 5 });
        let mut cancelled = false;
        let outcomes = client
            .upload_and(&[file], |message, _| match message {
                ServerMessage::Credit { upload, taken, .. } if *taken > 0 && !cancelled => {
                    cancelled = true;
                    Some(ClientMessage::Cancel { upload: *upload })
                }
                _ => None,
            })
            .await;
        assert_eq!(outcomes, [Outcome::Cancelled], "{}", client.transcript());
        assert_connects_again(&mut client, &server).await;
        // The server may notice a little later that the data connection is wait_until_gone.
        let tidy = wait_for(Duration::from_secs(20), || {
            (server.files() == ["after all.bin"]).then_some(())
        });
        assert!(tidy.is_some(), "{:?}\n{}", server.files(), client.transcript());
    }

    async fn a_session_connects_again_after_a_disconnect(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        client.send(&ClientMessage::Disconnect).await;
        loop {
            match client.receive().await {
                ServerMessage::Disconnected { problem } => {
                    assert_eq!(problem, None);
                    break;
                }
                ServerMessage::Connecting { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert_uploads_again(&mut client, &server).await;
    }

    async fn implicit_tls_to_an_explicit_port_is_diagnosed_and_the_session_continues(server: Server) {
        let portal = portal!(Options::IMPATIENT);
        let mut client = Client::open(&portal).await;
        let mut connect = to(&server);
        connect.encryption = Some(Encryption::Implicit);
        let problem = fail_to_connect(&mut client, connect).await;
        assert_eq!(problem.stage, Stage::Tls, "{problem:?}");
        assert!(advice(&problem).contains("Explicit TLS"), "{problem:?}");
        assert_uploads_again(&mut client, &server).await;
    }
}

#[test]
fn page_and_explanations_are_compressed_where_the_browser_accepts_it() {
    let portal = portal!();
    for path in ["/", "/explanations.json"] {
        let plain = portal.ask("GET", path, &[]);
        assert_eq!(plain.header("content-encoding"), None);
        for coding in ["br", "gzip"] {
            let packed = portal.ask("GET", path, &[&format!("Accept-Encoding: {coding}")]);
            assert_eq!(packed.header("content-encoding"), Some(coding), "{path}");
            assert!(packed.headers.to_lowercase().contains("accept-encoding"), "{packed:?}");
            // What is no text is one character a byte here.
            let (packed, plain) = (packed.body.chars().count(), plain.body.chars().count());
            assert!(packed < plain / 2, "{path} as {coding}: {packed} of {plain}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_replaced_where_the_server_does_not_rename_over_files() {
    let keeping =
        servers::Options { existing: servers::Existing::Kept, ..servers::Options::default() };
    let server = Server::start(Kind::ProFtpd, keeping);
    let portal = portal!();
    let mut client = Client::open(&portal).await;
    client.connect(&server).await;
    let old = File::new("same.bin", Content { len: 70_000, seed: 1 });
    let new = File::new("same.bin", Content { len: 90_000, seed: 2 }).overwriting();
    assert_all_stored(&mut client, &server, &[old]).await;
    assert_all_stored(&mut client, &server, &[new]).await;
    assert_eq!(server.files(), ["same.bin"], "neither the old file nor a temporary one stays");
    let transcript = client.transcript();
    assert!(transcript.contains("does not rename over"), "{transcript}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn implicit_tls_works_where_a_server_has_it() {
    for kind in Kind::WITH_IMPLICIT_TLS {
        let server = implicit(kind);
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        let connected = client.connect(&server).await;
        assert_eq!(connected.encryption, Encryption::Implicit);
        assert_connects_again(&mut client, &server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explicit_tls_to_an_implicit_port_is_diagnosed_and_the_session_continues() {
    for kind in Kind::WITH_IMPLICIT_TLS {
        let server = implicit(kind);
        let portal = portal!(Options::IMPATIENT);
        let mut client = Client::open(&portal).await;
        let mut connect = to(&server);
        connect.encryption = Some(Encryption::Explicit);
        let problem = fail_to_connect(&mut client, connect).await;
        assert_eq!(problem.stage, Stage::Greeting, "{problem:?}");
        assert!(advice(&problem).contains("Implicit TLS"), "{problem:?}");
        assert_uploads_again(&mut client, &server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_session_is_explained_in_the_language_of_the_request() {
    let portal = portal!();
    for (query, preferred, begin) in [
        ("?lang=de", "en", "Die Seite wurde unter"),
        ("", "de-AT, en;q=0.5", "Die Seite wurde unter"),
        ("?lang=en", "de", "the page was opened at"),
        ("", "tlh", "the page was opened at"),
    ] {
        let acceptor = portal.acceptor().with_query(query);
        let headers = [("Origin", "http://example.org"), ("Accept-Language", preferred)];
        let problem = refusal(&acceptor, &headers).await;
        assert!(problem.message.starts_with(begin), "{query}, {preferred}: {problem:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_goodbye_is_in_the_language_of_the_hello() {
    let portal = portal!();
    let unknown =
        SessionCredentials { name: "none".to_owned(), secret: Secret::new("none".to_owned()) };
    let hello = ClientMessage::Hello {
        version: protocol::VERSION,
        join: unknown.join(None),
        language: "de".to_owned().try_into().unwrap(),
    };
    let answer = say_first(&portal.acceptor(), &[("Origin", &portal.origin())], &hello).await;
    let ServerMessage::Goodbye { problem } = answer else { panic!("{answer:?}") };
    assert!(problem.message.starts_with("Das Portal kann diese Sitzung"), "{problem:?}");
    assert_eq!(problem.remedy.unwrap().what, "Laden Sie die Seite neu.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_port_fails_at_connect_and_the_session_continues() {
    let server = servers::start(Kind::PureFtpd);
    let closed = ClosedPort::take();
    let portal = portal!();
    let mut client = Client::open(&portal).await;
    let connect = to_port("127.0.0.1", closed.port(), Encryption::Explicit);
    let problem = fail_to_connect(&mut client, connect).await;
    assert_eq!(problem.stage, Stage::Connect, "{problem:?}");
    assert_uploads_again(&mut client, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ssh_server_is_recognised_by_its_greeting_and_the_session_continues() {
    let server = servers::start(Kind::PureFtpd);
    let ssh = FakePeer::greeting("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
    let portal = portal!(Options::IMPATIENT);
    let mut client = Client::open(&portal).await;
    let connect = to_port("127.0.0.1", ssh.port(), Encryption::Explicit);
    let problem = fail_to_connect(&mut client, connect).await;
    assert_eq!(problem.stage, Stage::Greeting, "{problem:?}");
    let everything = format!("{problem:?}");
    assert!(everything.contains("SSH-2.0-OpenSSH_9.2p1"), "{everything}");
    assert!(advice(&problem).contains("SFTP"), "{problem:?}");
    assert_uploads_again(&mut client, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_given_up_and_the_session_continues() {
    let server = servers::start(Kind::PureFtpd);
    let silent = FakePeer::silent();
    let portal = portal!(Options::IMPATIENT);
    let mut client = Client::open(&portal).await;
    for (encryption, stage) in
        [(Encryption::Explicit, Stage::Greeting), (Encryption::Implicit, Stage::Tls)]
    {
        let connect = to_port("127.0.0.1", silent.port(), encryption);
        let problem = fail_to_connect(&mut client, connect).await;
        assert_eq!(problem.stage, stage, "{problem:?}");
    }
    assert_uploads_again(&mut client, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_logs_in_by_itself_and_trusts_the_certificate_that_it_prints() {
    let demo = Demo::start(portal_program!());
    let mut client = Client::open(&demo.portal).await;
    let attempted = client.attempt(demo.connect.clone()).await;
    let Attempted::Connected(connected) = attempted else { panic!("{attempted:?}") };
    assert_eq!(connected.certificate.sha256, demo.certificate_sha256);
    let file = File::new("a folder/demo.bin", Content { len: 3 << 20, seed: 1 });
    let outcome = client.upload_one(&file).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}\n{}", client.transcript());
    let stored = std::fs::read(demo.folder.join("a folder/demo.bin")).unwrap();
    assert_eq!(stored, file.content.piece(0, file.content.len));
}

/// Uploads the files and compares them with the server's disk.
async fn assert_all_stored(client: &mut Client, server: &Server, files: &[File]) {
    let outcomes = client.upload(files).await;
    for (file, outcome) in files.iter().zip(outcomes) {
        let path = &file.path;
        assert!(
            matches!(&outcome, Outcome::Done { path: stored, .. } if stored.ends_with(path)),
            "{path}: {outcome:?}\n{}\n{}",
            client.transcript(),
            server.log()
        );
        assert_eq!(server.sha256_of(path), Some(file.content.sha256()), "{path}");
    }
}

fn conflict_of(outcome: &Outcome) -> Existing {
    match outcome {
        Outcome::Conflict { existing, .. } => existing.clone(),
        other => panic!("{other:?}"),
    }
}

/// Uploads one more file to check that the session works.
async fn assert_connects_again(client: &mut Client, server: &Server) {
    let file = File::new("after all.bin", Content { len: 100_000, seed: 42 });
    assert_all_stored(client, server, &[file]).await;
}

/// Checks that the session connects and uploads again.
async fn assert_uploads_again(client: &mut Client, server: &Server) {
    client.connect(server).await;
    assert_connects_again(client, server).await;
}

/// Checks that the attempt fails with a remedy.
async fn fail_to_connect(client: &mut Client, connect: Connect) -> Problem {
    match client.attempt(connect).await {
        Attempted::Failed(problem) => {
            assert!(problem.remedy.is_some(), "{problem:?}");
            *problem
        }
        other => panic!("{other:?}\n{}", client.transcript()),
    }
}

fn implicit(kind: Kind) -> Server {
    let options =
        servers::Options { encryption: Encryption::Implicit, ..servers::Options::default() };
    Server::start(kind, options)
}

fn reply(problem: &Problem) -> &str {
    problem.reply.as_deref().unwrap_or_default()
}

fn advice(problem: &Problem) -> String {
    let remedy = problem.remedy.as_ref().map(|remedy| remedy.what.as_str());
    format!("{} {}", problem.cause.as_deref().unwrap_or_default(), remedy.unwrap_or_default())
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn bytes_as_mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
