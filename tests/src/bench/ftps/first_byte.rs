//! The way to the first byte over 50 ms: what a login costs.
//!
//! The server's folder is on this machine, so the moment at which a file there has a byte is
//! seen without the link: it is a look every fifth of a millisecond, beside the client. What the
//! client needs to start is in it, as for a user who waits.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError, SyncSender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use ferryport_tests::servers::Server;

use super::{Bench, SERVERS, far};
use crate::{
    contest::{Contestant, Outcome, cell, failures, header, take_turns, with_aim},
    engine,
    measure::median,
    peers,
    report::Table,
    workload::Files,
};

const FILE_BYTES: u64 = 4096;

/// Our round trips.
const AIM: f64 = 11.0;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// When the first byte came in each run, in seconds.
type FirstBytes = RefCell<Vec<f64>>;

pub(super) fn measure(bench: &Bench) -> Result<Table> {
    let files = Files::make(1, FILE_BYTES)?;
    let mut table = Table {
        title: "One file of 4 KiB over a round trip of 50 ms, with its login",
        about: format!(
            "In round trips from the start of the client: until the server's file has a byte, and \
             until the client is done. Less is better; the aim is {AIM:.0} to the first byte. {}",
            engine::PER_FILE
        ),
        header: header([
            "server",
            "Ferryport, first byte",
            "curl, first byte",
            "lftp, first byte",
            "Ferryport, done",
            "curl, done",
            "lftp, done",
        ]),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    for kind in SERVERS {
        let server = far::start(kind, bench);
        let first_bytes: [FirstBytes; 3] = Default::default();
        let [ours, curl, lftp] = &first_bytes;
        let upload =
            |server: &Server, files: &Files| engine::upload(&bench.runtime, server, files, 1);
        let contestants = [
            Contestant::us("Ferryport", watched(upload, ours)),
            Contestant::program("curl", watched(peers::curl_one, curl)),
            Contestant::program("lftp", watched(peers::lftp_put, lftp)),
        ];
        let outcomes = take_turns(&contestants, &server, &files, bench.far_runs);
        table.notes.extend(failures(&contestants, &server, &outcomes));
        let first_bytes = first_bytes.each_ref().map(|seconds| median(seconds.borrow().clone()));
        table.rows.push(row(kind.name(), first_bytes, &outcomes));
    }
    Ok(table)
}

fn row(server: &str, first: [Option<f64>; 3], outcomes: &[Outcome; 3]) -> Vec<String> {
    let [ours, peers @ ..] = first.map(|seconds| seconds.map(round_trips));
    let mut row = vec![server.to_owned(), with_aim(ours, |round_trips| round_trips <= AIM)];
    row.extend(peers.map(|round_trips| with_aim(round_trips, |_| true)));
    let done = |outcome| cell(outcome, |cost| format!("{:.2}", round_trips(cost.seconds)));
    row.extend(outcomes.iter().map(done));
    row
}

fn round_trips(seconds: f64) -> f64 {
    seconds / far::ROUND_TRIP.as_secs_f64()
}

/// The upload, with a note of when its first byte came.
fn watched<'a>(
    upload: impl Fn(&Server, &Files) -> Result<()> + 'a,
    first_bytes: &'a FirstBytes,
) -> impl Fn(&Server, &Files) -> Result<()> + 'a {
    move |server, files| {
        let watch = Watch::start(server.root());
        upload(server, files)?;
        first_bytes.borrow_mut().push(watch.end()?.as_secs_f64());
        Ok(())
    }
}

/// A watcher of the first byte.
struct Watch {
    thread: JoinHandle<Option<Duration>>,
    /// Dropped to call it off.
    _stop: SyncSender<()>,
}

impl Watch {
    fn start(root: PathBuf) -> Self {
        let (stop, stopped) = mpsc::sync_channel(0);
        let start = Instant::now();
        let thread = thread::spawn(move || {
            while !has_bytes(&root) {
                if stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Disconnected) {
                    return has_bytes(&root).then(|| start.elapsed());
                }
            }
            Some(start.elapsed())
        });
        Self { thread, _stop: stop }
    }

    /// How long it took.
    fn end(self) -> Result<Duration> {
        let Self { thread, _stop: stop } = self;
        drop(stop);
        thread.join().ok().flatten().context("the server never had a byte")
    }
}

/// Whether a file in the folder has one.
fn has_bytes(folder: &Path) -> bool {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).any(|data| data.is_file() && data.len() > 0)
}
