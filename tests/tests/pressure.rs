//! Backpressure: a slow side slows down the fast one, and memory stays bounded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use ferryport_tests::{
    client::{Attempted, Client, File, Outcome, hello, open_socket},
    content::Content,
    fault_proxy::FaultProxy,
    hostile_server::{Answers, HostileServer},
    portal,
    portal::{Options, Portal},
    servers::{self, Kind, Server},
};
use futures_util::{SinkExt as _, StreamExt as _, future::join_all};
use protocol::{Attempt, ServerMessage};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The rate of a slow server, in bytes a second.
const SLOW: u64 = 100_000;

/// The kernel's buffers between the portal and a server that does not read, at Linux's defaults:
/// a send buffer and a receive buffer on loopback, twice with a slow network between them.
const KERNEL_BUFFERS: u64 = 24 * MIB;

/// The window of the tests below.
const WINDOW: u64 = MIB;

/// Starts a portal whose windows are so small that a bound is reached soon.
fn portal_with_small_windows(budget: &str) -> Portal {
    portal!(Options::with(&[
        "--window",
        "1 MiB",
        "--max-chunk",
        "256 KiB",
        "--window-budget",
        budget,
    ]))
}

/// Enough for 32 uploads with the widest window.
const WIDE_BUDGET: &str = "32 MiB";

/// So small that four uploads with the widest window fill it.
const TIGHT_BUDGET: &str = "4 MiB";

/// The bytes that the page may send follow those that the server takes, at whatever rate that is:
/// the page is never granted more than its window beyond them, and the portal holds no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_reads_slowly_holds_the_page_at_its_rate() {
    let portal = portal_with_small_windows(WIDE_BUDGET);
    let server = servers::start(Kind::PureFtpd);
    let network = FaultProxy::before(&server).await;
    let mut client = Client::open(&portal).await;
    client.connect_at(network.address(), &server).await;
    network.slow_down(SLOW);
    let file = File::new("slow.bin", Content { len: 200 * MIB, seed: 1 });
    let mut granted = 0;
    let mut memory = Vec::new();
    client
        .upload_until(&file, |message| {
            if let ServerMessage::Credit { taken, limit, .. } = message {
                assert!(limit - taken <= WINDOW, "{limit} granted with {taken} taken");
                granted = *limit;
                memory.push(portal.memory_now());
            }
            // After the system's buffers are full, it goes at the server's rate.
            on_disk(&server) >= 3 * SLOW
        })
        .await;
    let ahead = granted.saturating_sub(on_disk(&server));
    assert!(ahead <= WINDOW + KERNEL_BUFFERS, "{ahead} bytes ahead of the disk");
    assert!(granted < file.content.len, "the page was held back");
    let (first, most) = (memory[0], memory.iter().max().unwrap());
    println!("portal: {} KiB at first, {} KiB at most", first / KIB, most / KIB);
    assert!(most - first <= 8 * MIB, "the portal's memory grew: {memory:?}");
    network.slow_down(0);
}

/// What has arrived at the server, under whatever name.
fn on_disk(server: &Server) -> u64 {
    let sizes = server.files().into_iter().map(|path| server.root().join(path));
    sizes.filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// A page that stops sending, and one that goes away, hold their windows and nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_page_holds_no_more_than_its_window() {
    let portal = portal_with_small_windows(WIDE_BUDGET);
    let server = servers::start(Kind::PureFtpd);
    let before = portal.memory_now();
    let mut silent = Vec::new();
    for n in 0..8 {
        silent.push(open_upload(&portal, &server, n).await);
    }
    let held = portal.memory_now().saturating_sub(before);
    println!("portal: {} KiB for 8 silent pages", held / KIB);
    assert!(held <= 8 * (WINDOW + MIB) + 16 * MIB, "{held} bytes");
    // Later uploads are not delayed.
    assert_served(&portal, &server).await;
}

/// Two hundred sessions share one budget; each completes, and the portal stays within it,
/// however large a chunk may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_sessions_at_once_stay_within_the_budget() {
    const SESSIONS: u64 = 200;
    const BUDGET: u64 = 32 * MIB;
    let portal = portal!(Options::with(&["--window-budget", "32 MiB"]));
    // Each takes as many sessions as half of its data ports allow.
    let options = servers::Options { max_sessions: Some(1000), ..servers::Options::default() };
    let pure_ftpds: Vec<_> = (0..5).map(|_| Server::start(Kind::PureFtpd, options)).collect();
    let mut clients = Vec::new();
    for (_, server) in (0..SESSIONS).zip(pure_ftpds.iter().cycle()) {
        let mut client = Client::open(&portal).await;
        client.connect(server).await;
        clients.push(client);
    }
    let logged_in = portal.memory_now();
    let uploads = clients.iter_mut().zip(0..).map(|(client, n)| async move {
        let file = File::new(format!("{n}.bin"), Content { len: 5 * MIB, seed: n });
        let outcome = client.upload_one(&file).await;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}\n{}", client.transcript());
        file
    });
    let files = join_all(uploads).await;
    let peak = portal.peak_memory();
    println!(
        "portal: {} MiB with {SESSIONS} sessions logged in, {} MiB at its peak",
        logged_in / MIB,
        peak / MIB
    );
    for (file, server) in files.iter().zip(pure_ftpds.iter().cycle()) {
        assert_eq!(server.sha256_of(&file.path), Some(file.content.sha256()), "{}", file.path);
    }
    // Beside the windows, each session under way has buffers of its own towards both sides.
    let own = 256 * KIB;
    assert!(peak <= logged_in + BUDGET + SESSIONS * own, "{} MiB", peak / MIB);
}

/// Wide windows shrink when others wait: a late page is not starved by endless uploads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_uploads_leave_room_for_later_ones() {
    let portal = portal_with_small_windows(WIDE_BUDGET);
    let server = Server::start(
        Kind::PureFtpd,
        servers::Options { max_sessions: Some(90), ..servers::Options::default() },
    );
    // More than the budget of 32 MiB, were each to keep its widest window of 1 MiB.
    let mut long = Vec::new();
    for n in 0..40 {
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let file = File::new(format!("long-{n}.bin"), Content { len: 1 << 40, seed: n });
        long.push(tokio::spawn(async move { client.upload_until(&file, |_| false).await }));
    }
    for n in 0..5 {
        let mut client = Client::open(&portal).await;
        client.connect(&server).await;
        let file = File::new(format!("late-{n}.bin"), Content { len: 3 * MIB, seed: n });
        let outcome = client.upload_one(&file).await;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}\n{}", client.transcript());
        assert_eq!(server.sha256_of(&file.path), Some(file.content.sha256()));
    }
    assert!(long.iter().all(|upload| !upload.is_finished()), "they still go on");
    for upload in long {
        upload.abort();
    }
}

/// Silent pages with wide windows leave room for later pages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_pages_with_wide_windows_leave_room_for_others() {
    let portal = portal_with_small_windows(TIGHT_BUDGET);
    let server = servers::start(Kind::PureFtpd);
    let mut asleep = Vec::new();
    for n in 0..8 {
        asleep.push(open_upload(&portal, &server, n).await);
    }
    assert_served(&portal, &server).await;
}

/// A page that went away holds no budget beyond the bytes that it sent, and resumes when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disconnected_pages_hold_no_budget_and_resume_when_they_return() {
    // More than the budget has first windows.
    const AWAY: u64 = 40;
    let portal = portal_with_small_windows(TIGHT_BUDGET);
    let options = servers::Options { max_sessions: Some(90), ..servers::Options::default() };
    let server = Server::start(Kind::PureFtpd, options);
    let mut away = Vec::new();
    for n in 0..AWAY {
        let mut client = open_upload(&portal, &server, n).await;
        client.close_socket().await;
        away.push(client);
    }
    assert_served(&portal, &server).await;
    for mut client in away {
        client.reconnect().await;
        let chunk = u64::from(client.limits().min_chunk_bytes);
        let may_go_on = |message| {
            matches!(message, ServerMessage::Credit { attempt, received, limit, .. }
                if attempt > Attempt(0) && limit >= received + chunk)
        };
        while !may_go_on(client.receive().await) {}
        client.leave().await;
    }
}

/// Servers that take no byte hold what was sent to them, and no more than the budget.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_that_the_server_stalls_stay_within_the_budget() {
    const UPLOADS: u64 = 40;
    const BUDGET: u64 = 16 * MIB;
    let portal = portal_with_small_windows("16 MiB");
    let options = servers::Options { max_sessions: Some(90), ..servers::Options::default() };
    let server = Server::start(Kind::PureFtpd, options);
    let network = FaultProxy::before(&server).await;
    let mut clients = Vec::new();
    for _ in 0..UPLOADS {
        let mut client = Client::open(&portal).await;
        client.connect_at(network.address(), &server).await;
        clients.push(client);
    }
    let logged_in = portal.memory_now();
    network.slow_down(KIB);
    let mut stalled = JoinSet::new();
    for (mut client, n) in clients.into_iter().zip(0..) {
        let file = File::new(format!("{n}.bin"), Content { len: 1 << 40, seed: n });
        stalled.spawn(async move { client.upload_until(&file, |_| false).await });
    }
    // Others wait for their turn in the budget, and are served.
    let other = servers::start(Kind::PureFtpd);
    assert_served(&portal, &other).await;
    let peak = portal.peak_memory();
    println!("portal: {} MiB logged in, {} MiB at its peak", logged_in / MIB, peak / MIB);
    // Beside the budget, each upload has TLS records and tasks of its own.
    assert!(peak <= logged_in + BUDGET + UPLOADS * 256 * KIB, "{} MiB", peak / MIB);
    stalled.abort_all();
    network.slow_down(0);
}

/// A listing of names that are no text, each byte of which takes three in a message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_listings_take_little_memory() {
    const SESSIONS: u64 = 4;
    let portal = portal!();
    let line = [b"type=file;size=1; ".as_slice(), &[0xff; 1000], b"\r\n"].concat();
    let listing = line.repeat(8 * MIB as usize / line.len());
    let server = HostileServer::start(Answers { listing, ..Answers::default() }).await;
    let mut clients = Vec::new();
    for _ in 0..SESSIONS {
        clients.push(connected_to(&portal, &server).await);
    }
    let before = portal.memory_now();
    for listed in join_all(clients.iter_mut().map(|client| client.list("/"))).await {
        assert!(!listed.expect("it is shown in part").is_empty());
    }
    let each = portal.peak_memory().saturating_sub(before) / SESSIONS;
    println!("portal: {} KiB a listing", each / KIB);
    assert!(each <= 10_000_000, "{each} bytes");
}

/// A greeting and a list of features as long as the portal reads them: bytes that are no text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_greetings_and_features_take_little_memory() {
    const SESSIONS: u64 = 16;
    let portal = portal!();
    let long = |code: &str| {
        let line = [code.as_bytes(), b"-", &[0xff; 1000], b"\r\n"].concat();
        [line.repeat(60), format!("{code} end\r\n").into_bytes()].concat()
    };
    let answers = Answers { greeting: long("220"), features: long("211"), ..Answers::default() };
    let server = HostileServer::start(answers).await;
    let mut clients = vec![connected_to(&portal, &server).await];
    let before = portal.memory_now();
    for _ in 0..SESSIONS {
        clients.push(connected_to(&portal, &server).await);
    }
    let each = portal.peak_memory().saturating_sub(before) / SESSIONS;
    println!("portal: {} KiB a session", each / KIB);
    assert!(each <= 1_000_000, "{each} bytes");
    // A greeting without end is an error, whatever it holds.
    let endless =
        Answers { greeting: b"220-\xff\r\n".repeat(4 * MIB as usize), ..Answers::default() };
    let server = HostileServer::start(endless).await;
    let before = portal.peak_memory();
    let mut client = Client::open(&portal).await;
    let attempted = client.attempt(server.connect()).await;
    assert!(matches!(attempted, Attempted::Failed(_)), "{attempted:?}");
    let grown = portal.peak_memory().saturating_sub(before);
    assert!(grown <= 10_000_000, "{grown} bytes");
}

async fn connected_to(portal: &Portal, server: &HostileServer) -> Client {
    let mut client = Client::open(portal).await;
    let attempted = client.attempt(server.connect()).await;
    assert!(matches!(attempted, Attempted::Connected(_)), "{attempted:?}");
    client
}

/// Strangers open far more sockets than wait at once, and send no `hello`. The socket of a session that
/// exists waits longer for its own than all of them, and is not displaced; others are served meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_without_hello_keep_no_existing_session_out() {
    const STRANGERS: usize = 3000;
    let portal = portal!();
    let server = servers::start(Kind::PureFtpd);
    let page = Client::open(&portal).await;
    let session = page.session();
    let acceptor = portal.acceptor();
    let returning = acceptor.clone().of_session(&session.name);
    let origin = acceptor.origin().to_owned();
    let mut socket = open_socket(&returning, &[("Origin", &origin)]).await.unwrap();
    let mut strangers = JoinSet::new();
    for n in 0..STRANGERS {
        let mut stranger = open_socket(&acceptor, &[("Origin", &origin)]).await.unwrap();
        strangers.spawn(async move { while let Some(Ok(_)) = stranger.next().await {} });
        if n == STRANGERS / 2 {
            assert_served(&portal, &server).await;
        }
    }
    let displaced = std::iter::from_fn(|| strangers.try_join_next()).count();
    assert!(displaced > STRANGERS / 2, "only {displaced} were displaced");
    let hello = hello(session.join(None));
    socket.send(Message::text(serde_json::to_string(&hello).unwrap())).await.unwrap();
    let first = socket.next().await.unwrap().unwrap();
    assert!(first.to_text().unwrap().contains("\"welcome\""), "{first}");
}

/// A page with an open upload that sends nothing more.
async fn open_upload(portal: &Portal, server: &Server, n: u64) -> Client {
    let mut client = Client::open(portal).await;
    client.connect(server).await;
    let file = File::new(format!("{n}.bin"), Content { len: 100 * MIB, seed: n });
    client
        .upload_until(
            &file,
            |message| matches!(message, ServerMessage::Credit { taken, .. } if *taken >= 4 * MIB),
        )
        .await;
    client
}

async fn assert_served(portal: &Portal, server: &Server) {
    let mut client = Client::open(portal).await;
    client.connect(server).await;
    let file = File::new("after.bin", Content { len: 20 * MIB, seed: 99 });
    let outcome = client.upload_one(&file).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}\n{}", client.transcript());
}
