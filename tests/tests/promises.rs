//! The promises of the design, one test each, named after it.
//!
//! Those that a part keeps by itself have their tests there too; these look at the whole, from
//! outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    time::Duration,
};

use ferryport_tests::{
    client::{
        Attempted, Client, File, Outcome, ask_for_session, hello, open_socket, refusal, to, to_port,
    },
    content::Content,
    fake_peers::{ClosedPort, FakePeer},
    fault_proxy::{Fault, FaultKind, FaultProxy, On, Way},
    portal,
    portal::{Options, Portal},
    portal_program,
    process::wait_for,
    servers::{self, Kind, Server},
    with_each_server,
};
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{
    ClientMessage, Encryption, Problem, ServerMessage, Stage,
    client::{Connect, Secret},
    session::{ResumeState, SessionCredentials},
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// What the portal is allowed to hold at its peak, whatever it relays.
const MEMORY_LIMIT: u64 = 64 << 20;

/// The longest wait for something that must end.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

with_each_server! {
    /// 1. An upload is done when the server has it, not before: when the page is told, the file is
    /// complete and has its name.
    async fn done_means_stored(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let files: Vec<File> = (0..20)
            .map(|n| File::new(format!("{n}.bin"), Content { len: n << 16, seed: n }))
            .collect();
        let mut done = 0;
        client
            .upload_and(&files, |message, _| {
                if let ServerMessage::Done { path, .. } = message {
                    let name = path.rsplit('/').next().unwrap();
                    let file = files.iter().find(|file| file.path == name).unwrap();
                    assert_eq!(server.sha256_of(name), Some(file.content.sha256()));
                    done += 1;
                }
                None
            })
            .await;
        assert_eq!(done, files.len(), "{}", client.transcript());
    }

    /// 2. The file that is there stays as it is until the new one is complete.
    async fn a_good_file_is_never_harmed(server: Server) {
        let portal = portal!();
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let good = File::new("good.bin", Content { len: 300_000, seed: 1 });
        let new = File::new("good.bin", Content { len: 100 << 20, seed: 2 }).overwriting();
        assert!(matches!(client.upload_one(&good).await, Outcome::Done { .. }));

        let mut looked = false;
        client
            .upload_and(std::slice::from_ref(&new), |message, _| match message {
                ServerMessage::Credit { upload, taken, .. } if *taken > 0 && !looked => {
                    looked = true;
                    assert_eq!(server.sha256_of("good.bin"), Some(good.content.sha256()));
                    Some(ClientMessage::Cancel { upload: *upload })
                }
                _ => None,
            })
            .await;
        assert!(looked, "{}", client.transcript());
        assert_eq!(server.sha256_of("good.bin"), Some(good.content.sha256()));

        let outcome = client.upload_one(&new).await;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}\n{}", client.transcript());
        assert_eq!(server.sha256_of("good.bin"), Some(new.content.sha256()));
    }

    /// 4. The connection to the server is lost, then the page's socket, then the server itself for a
    /// while: the upload resumes, from the part file where the server permits that, and the file is
    /// whole. A portal that is restarted and a page that is loaded again are in `sessions.rs` and
    /// `page_breaks.rs`.
    async fn a_break_is_not_a_failure(server: Server) {
        let mut server = server;
        let portal = portal!(Options::with(&["--retry-wait", "100 ms"]));
        let fault_proxy = FaultProxy::before(&server).await;
        let mut client = Client::open(&portal).await;
        client.connect_at(fault_proxy.address(), &server).await;
        let broken = Fault { on: On::Data, way: Way::ToServer, after: 20 << 20, kind: FaultKind::Reset };
        fault_proxy.plan([broken]);
        let page_side = FaultProxy::before_port(portal.address().port()).await;
        page_side.plan([Fault { on: On::Control, after: 40 << 20, ..broken }]);
        client.reconnect_through(portal.acceptor().at(page_side.address()));
        client.reconnect().await;
        let file = File::new("file.bin", Content { len: 90 << 20, seed: 4 });
        let (mut interrupted, mut restarted) = (0, false);
        let outcomes = client
            .upload_and(std::slice::from_ref(&file), |message, _| {
                match message {
                    ServerMessage::Interrupted { .. } => interrupted += 1,
                    ServerMessage::Credit { taken, .. }
                        if interrupted > 0 && *taken > 50 << 20 && !restarted =>
                    {
                        restarted = true;
                        server.restart();
                    }
                    _ => {}
                }
                None
            })
            .await;
        let outcome = &outcomes[0];
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}\n{}", client.transcript());
        assert!(restarted && interrupted >= 2, "{interrupted}\n{}", client.transcript());
        assert!(client.sockets() >= 3, "the page's socket broke, too");
        assert_eq!(server.sha256_of("file.bin"), Some(file.content.sha256()));
        // Pure-FTPd renames a file while it resumes it, and leaves that name when it is killed.
        let own = |name: &String| name.starts_with(".pureftpd-upload.");
        let files: Vec<_> = server.files().into_iter().filter(|name| !own(name)).collect();
        assert_eq!(files, ["file.bin"], "{}", client.transcript());
        // ProFTPD resumes uploads only where it is configured to.
        let goes_on = server.kind() != Kind::ProFtpd;
        assert!(!goes_on || client.transcript().contains("Resuming there"));
    }

    /// 5. Not in the portal's output at its most verbose level; not in its messages.
    async fn the_password_goes_nowhere(server: Server) {
        let talkative = Options { log: "trace", ..Options::default() };
        let portal = portal!(talkative);
        let mut client = Client::open(&portal).await;
        let mut wrong = to(&server);
        wrong.trusted_certificate = Some(server.certificate_sha256());
        wrong.password = Secret::new("wrong-Gesamtfahrt-7781".to_owned());
        let attempted = client.attempt(wrong).await;
        assert!(matches!(attempted, Attempted::Failed(_)), "{attempted:?}");
        client.connect(&server).await;
        let file = File::new("file.bin", Content { len: 100_000, seed: 1 });
        assert!(matches!(client.upload_one(&file).await, Outcome::Done { .. }));
        client.send(&ClientMessage::Disconnect).await;
        while !matches!(client.receive().await, ServerMessage::Disconnected { .. }) {}

        assert!(client.transcript().contains("PASS ********"), "{}", client.transcript());
        let printed = portal.output();
        assert!(printed.contains("DEBUG"), "the portal says all that it ever says");
        // What is beyond ASCII may be written in many ways, the rest in one.
        let secrets = ["wrong-Gesamtfahrt-7781", server.password().rsplit('ä').next().unwrap()];
        for secret in secrets {
            for frame in client.frames() {
                assert!(!frame.contains(secret), "{secret} in {frame}");
            }
            let line = printed.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} in what the portal printed");
        }
    }
}

/// 3. Several big files at once, through one portal, in little memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_bounded() {
    let portal = portal!();
    let mut uploads = Vec::new();
    for (kind, seed) in Kind::ALL.into_iter().zip(1..) {
        let mut client = Client::open(&portal).await;
        uploads.push(tokio::spawn(async move {
            let server = servers::start(kind);
            client.connect(&server).await;
            let file = File::new("big.bin", Content { len: 150 << 20, seed });
            let outcome = client.upload_one(&file).await;
            assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
            assert_eq!(server.sha256_of("big.bin"), Some(file.content.sha256()));
        }));
    }
    for upload in uploads {
        upload.await.unwrap();
    }
    let peak = portal.peak_memory();
    println!("peak memory of the portal, three times 150 MiB at once: {} KiB", peak / 1024);
    assert!(peak <= MEMORY_LIMIT, "{} KiB", peak / 1024);
}

/// 6. A server without TLS hears nothing but `AUTH`; what comes with the reply to it, before TLS,
/// ends the session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_plaintext_ever() {
    let portal = portal!(impatient());
    let mut client = Client::open(&portal).await;

    let plain = FakePeer::start("220 plain\r\n", |_| Some("502 no TLS here\r\n"));
    let connect = to_port("127.0.0.1", plain.port(), Encryption::Explicit);
    let problem = fail_to_connect(&mut client, connect).await;
    assert_eq!(problem.stage, Stage::Auth, "{problem:?}");
    assert_eq!(problem.reply.as_deref(), Some("502 no TLS here"));

    let injecting = FakePeer::start("220 injecting\r\n", |line| match line {
        "AUTH TLS" => Some("234 go ahead\r\n230 you are logged in\r\n"),
        _ => Some("230 you are logged in\r\n"),
    });
    let connect = to_port("127.0.0.1", injecting.port(), Encryption::Explicit);
    let problem = fail_to_connect(&mut client, connect).await;
    assert_eq!(problem.stage, Stage::Auth, "{problem:?}");

    let welcoming = FakePeer::start("230 come in\r\n", |_| Some("230 come in\r\n"));
    let connect = to_port("127.0.0.1", welcoming.port(), Encryption::Explicit);
    fail_to_connect(&mut client, connect).await;

    for fake_peer in [plain, injecting, welcoming] {
        for line in fake_peer.lines() {
            let harmless = line.starts_with("AUTH ") || line == "QUIT";
            // A `ClientHello` has no line break to speak of and holds no secret.
            assert!(harmless || !line.is_ascii(), "{line:?} was said in clear");
            assert!(!line.contains("USER") && !line.contains("PASS"), "{line:?}");
        }
    }
}

/// 7. Without permission of the operator the portal connects to public addresses only, in whatever
/// form an address is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_permitted_addresses_are_connected_to() {
    let portal = portal!(Options::only(&[]));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut client = Client::open(&portal).await;
    let hosts = [
        "localhost",
        "127.0.0.1",
        "127.8.9.10",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "::1",
        "::",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:1::80ff:fffe",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fd00:ec2::254",
        "fe80::1",
        "fc00::1",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "240.0.0.1",
        "198.18.0.1",
        "192.0.2.1",
    ];
    for host in hosts {
        let problem = fail_to_connect(&mut client, to_port(host, port, Encryption::Explicit)).await;
        // Odd spellings may not even count as an address.
        let refused = matches!(problem.stage, Stage::Policy | Stage::Resolve);
        assert!(refused, "{host}: {problem:?}");
        assert!(listener.accept().is_err(), "{host} was connected to");
    }
}

/// 8. A page of another origin gets no session, and hears why; a socket without the
/// session's secret gets nothing; a session's log goes to that session alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_belongs_to_its_page() {
    let server = servers::start(Kind::PureFtpd);
    let portal = portal!();
    let other_port = format!("http://127.0.0.1:{}", server.port());
    let strangers = ["http://example.org", "null", "", &other_port, "https://127.0.0.1"];

    let none: [&[(&str, &str)]; 2] = [&[], &[("Origin", &portal.origin()), ("Origin", "null")]];
    let one = strangers.map(|origin| [("Origin", origin)]);
    for headers in none.into_iter().chain(one.iter().map(<[_; 1]>::as_slice)) {
        refusal(&portal.acceptor(), headers).await;
    }

    let ServerMessage::Welcome { session: Some(session), .. } =
        ask_for_session(&portal.acceptor(), &[("Origin", &portal.origin())]).await
    else {
        panic!("no welcome with a session")
    };
    let hello_with = |name: &str, secret: &str| {
        let secret = Secret::new(secret.to_owned());
        hello(SessionCredentials { name: name.to_owned(), secret }.join(None))
    };
    for message in [
        hello_with(&session.name, "0000"),
        hello_with("0000", session.secret.expose()),
        hello_with("", ""),
        ClientMessage::Ping,
    ] {
        let heard = say_first(&portal, &message).await;
        assert!(!heard.contains("welcome") && !heard.contains("pong"), "{message:?}: {heard}");
    }

    let mut one = Client::open(&portal).await;
    let mut other = Client::open(&portal).await;
    one.connect(&server).await;
    let file = File::new("private.bin", Content { len: 1000, seed: 1 });
    assert!(matches!(one.upload_one(&file).await, Outcome::Done { .. }));
    // The answer comes after all that the portal might have sent before.
    other.send(&ClientMessage::Ping).await;
    while !matches!(other.receive().await, ServerMessage::Pong) {}
    assert!(!one.transcript().is_empty());
    let frames = other.frames();
    assert_eq!(frames.len(), 2, "a welcome and a pong: {frames:?}");
}

/// 9. Silent peers are given up: a server, a page that sends no `hello`, a page that stops sending.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wait_ends() {
    let portal = Portal::start(
        portal_program!(),
        Options::with(&[
            "--greeting-timeout",
            "1 s",
            "--tls-timeout",
            "1 s",
            "--reply-timeout",
            "1 s",
            "--hello-timeout",
            "1 s",
            "--ping-interval",
            "1 s",
            "--page-silence-timeout",
            "3 s",
            "--session-grace",
            "1 s",
        ]),
    );
    let mut client = Client::open(&portal).await;
    let silent = FakePeer::silent();
    let after_greeting = FakePeer::greeting("220 hello\r\n");
    let before_tls =
        FakePeer::start("220 hello\r\n", |line| (line == "AUTH TLS").then_some("234 go ahead\r\n"));
    for (port, encryption, stage) in [
        (silent.port(), Encryption::Explicit, Stage::Greeting),
        (silent.port(), Encryption::Implicit, Stage::Tls),
        (after_greeting.port(), Encryption::Explicit, Stage::Auth),
        (before_tls.port(), Encryption::Explicit, Stage::Tls),
    ] {
        let problem = fail_to_connect(&mut client, to_port("127.0.0.1", port, encryption)).await;
        assert_eq!(problem.stage, stage, "{problem:?}");
    }
    // It sends nothing and answers no ping: its socket is closed, and then its session ends.
    client.stop_reading();
    for end in ["the page sent nothing for 3s", "session ended"] {
        let ended = wait_for(WAIT_LIMIT, || portal.output().contains(end).then_some(()));
        assert!(ended.is_some(), "{end}: {}", portal.output());
    }
    let resume = Some(ResumeState { messages: 0, log: 0 });
    let again = hello(client.session().join(resume));
    assert!(say_first(&portal, &again).await.contains("goodbye"));

    let headers = [("Origin", portal.origin())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut mute = open_socket(&portal.acceptor(), &headers).await.unwrap();
    let ended =
        timeout(WAIT_LIMIT, async { while mute.next().await.is_some_and(|m| m.is_ok()) {} });
    ended.await.expect("a socket without a hello is closed");
}

/// 9. A socket that has sent no hello does not delay the shutdown, whatever the settings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shutdown_does_not_wait_for_a_hello() {
    let flags = &["--hello-timeout", "10 min", "--shutdown-timeout", "10 min"];
    let mut portal = portal!(Options::only(flags));
    let origin = portal.origin();
    let mut mute = open_socket(&portal.acceptor(), &[("Origin", &origin)]).await.unwrap();
    portal.stop();
    let mut heard = String::new();
    while let Some(Ok(frame)) = mute.next().await {
        if let Message::Text(text) = frame {
            heard.push_str(&text);
        }
    }
    assert!(heard.contains("goodbye") && heard.contains("shutting down"), "{heard}");
}

/// 9. A client that sends requests and reads no responses is given up in favour of others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_no_response_keeps_no_connection() {
    const PLACES: usize = 2;
    let flags = &["--max-connections", "2", "--page-write-timeout", "1 s"];
    let portal = portal!(Options::only(flags));
    let page = portal.ask("GET", "/", &[]).body;
    let (_, wasm) = page.split_once("assets/app-").expect("the page names its program");
    let (hash, _) = wasm.split_once('"').expect("in an attribute");
    let request = format!("GET /assets/app-{hash} HTTP/1.1\r\nHost: {}\r\n\r\n", portal.address());
    // More than the system's buffers take.
    let requests = request.repeat(200);
    let mut strangers = Vec::new();
    for _ in 0..PLACES {
        let mut stranger = TcpStream::connect(portal.address()).unwrap();
        stranger.write_all(requests.as_bytes()).unwrap();
        strangers.push(stranger);
    }
    assert_eq!(portal.ask("GET", "/healthz", &[]).status, 200);
}

/// 10. Whatever goes wrong on the way to a stored file: where, what, why, what to do, and who.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_names_its_layer_and_its_remedy() {
    let portal = portal!(impatient());
    let server = servers::start(Kind::Vsftpd);
    let mut client = Client::open(&portal).await;
    let explicit = |port| to_port("127.0.0.1", port, Encryption::Explicit);

    let unknown = to_port("no-such-host.invalid", 21, Encryption::Explicit);
    let refused = to_port("10.0.0.1", 21, Encryption::Explicit);
    let closed = ClosedPort::take();
    let silent = FakePeer::silent();
    let busy = FakePeer::greeting("421 Too many connections, come back later.\r\n");
    let plain =
        FakePeer::start("220 plain\r\n", |_| Some("530 Please login with USER and PASS.\r\n"));
    let mut wrong_password = to(&server);
    wrong_password.trusted_certificate = Some(server.certificate_sha256());
    wrong_password.password = Secret::new("wrong".to_owned());
    let failures = [
        (unknown, Stage::Resolve, None),
        (refused, Stage::Policy, None),
        (explicit(closed.port()), Stage::Connect, None),
        (explicit(silent.port()), Stage::Greeting, None),
        (
            explicit(busy.port()),
            Stage::Greeting,
            Some("421 Too many connections, come back later."),
        ),
        (explicit(plain.port()), Stage::Auth, Some("530 Please login with USER and PASS.")),
        (wrong_password, Stage::Login, Some("530 Login incorrect.")),
    ];
    for (connect, stage, reply) in failures {
        let to = format!("{}:{}", connect.host, connect.port);
        let problem = fail_to_connect(&mut client, connect).await;
        assert_eq!(problem.stage, stage, "{to}: {problem:?}");
        assert_eq!(problem.reply.as_deref(), reply, "{to}");
        assert_complete(&problem);
    }

    client.connect(&server).await;
    let path = format!("{}/file.bin", Server::READ_ONLY);
    match client.upload_one(&File::new(path, Content { len: 10, seed: 1 })).await {
        Outcome::Failed(problem) => {
            assert!(problem.reply.is_some(), "{problem:?}");
            assert_complete(&problem);
        }
        other => panic!("{other:?}"),
    }
}

fn assert_complete(problem: &Problem) {
    assert!(!problem.message.is_empty(), "{problem:?}");
    // What the portal itself refuses, it knows the cause of: the message is it.
    let explained = problem.stage <= Stage::Policy || problem.cause.is_some();
    assert!(explained, "{problem:?}");
    assert!(problem.remedy.as_ref().is_some_and(|remedy| !remedy.what.is_empty()), "{problem:?}");
}

async fn fail_to_connect(client: &mut Client, connect: Connect) -> Problem {
    let to = format!("{}:{}", connect.host, connect.port);
    match client.attempt(connect).await {
        Attempted::Failed(problem) => *problem,
        other => panic!("{to}: {other:?}\n{}", client.transcript()),
    }
}

/// The status that a WebSocket's handshake is refused with; 101 when it is not.
/// Returns all messages of the portal to a socket with this first message, until it closes it.
async fn say_first(portal: &Portal, message: &ClientMessage) -> String {
    let origin = portal.origin();
    let mut socket = open_socket(&portal.acceptor(), &[("Origin", &origin)]).await.unwrap();
    let text = serde_json::to_string(message).unwrap();
    socket.send(Message::text(text)).await.unwrap();
    let mut heard = String::new();
    let end = async {
        while let Some(Ok(frame)) = socket.next().await {
            if let Message::Text(text) = frame {
                heard.push_str(&text);
            }
        }
    };
    timeout(WAIT_LIMIT, end).await.expect("the portal closes the socket");
    heard
}

fn impatient() -> Options<'static> {
    Options::with(&["--greeting-timeout", "2 s", "--tls-timeout", "2 s"])
}
