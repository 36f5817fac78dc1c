//! Backpressure: a slow side slows down the fast one, and memory stays bounded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use ferryport_tests::{
    client::{Client, File, Outcome},
    content::Content,
    fault_proxy::FaultProxy,
    portal,
    portal::{Options, Portal},
    servers::{self, Kind, Server},
};
use futures_util::future::join_all;
use protocol::{Attempt, ServerMessage};

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
