//! A thousand small files in one session on the loopback address: what a file costs besides its
//! bytes.

use anyhow::Result;
use ferryport_tests::servers;

use super::{Bench, SERVERS};
use crate::{
    contest::{Contestant, Outcome, cell, failures, header, seconds, take_turns, with_aim},
    engine,
    measure::Cost,
    peers,
    report::Table,
    workload::Files,
};

const FILES: u32 = 1000;
const FILE_BYTES: u64 = 4096;

/// For curl, which waits for most of a second after each file on two of the servers.
const FILES_OF_CURL: u32 = 20;

/// Our time a file by that of lftp.
const AIM: f64 = 0.25;

pub(super) fn measure(bench: &Bench) -> Result<Table> {
    let files = Files::make(FILES, FILE_BYTES)?;
    let few = Files::make(FILES_OF_CURL, FILE_BYTES)?;
    let contestants = [
        Contestant::us("Ferryport", |server, files| {
            engine::upload(&bench.runtime, server, files, 1)
        }),
        Contestant::program("lftp", |server, files| peers::lftp_mirror(server, files, 1)),
    ];
    let curl = [Contestant::program("curl", peers::curl_many)];
    let mut table = Table {
        title: "1,000 files of 4 KiB, one session, loopback",
        about: format!(
            "In milliseconds a file, login included: lftp's `mirror -R`, and one curl with the \
             names of {FILES_OF_CURL} files, in TLS 1.2 because it has no more tickets after a \
             few files in 1.3. {} The ratio is Ferryport's time by lftp's: less is better, the \
             aim is {AIM}. CPU is the client's alone.",
            engine::PER_FILE
        ),
        header: header([
            "server",
            "ratio",
            "Ferryport, ms",
            "lftp, ms",
            "curl, ms",
            "Ferryport, CPU ms",
            "lftp, CPU ms",
            "curl, CPU ms",
        ]),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    for kind in SERVERS {
        let server = servers::start(kind);
        let [ours, lftp] = take_turns(&contestants, &server, &files, bench.runs);
        let [curls] = take_turns(&curl, &server, &few, bench.runs);
        let outcomes = [(ours, FILES), (lftp, FILES), (curls, FILES_OF_CURL)];
        table.rows.push(row(kind.name(), &outcomes));
        let everybody = contestants.iter().chain(&curl);
        table.notes.extend(failures(
            everybody,
            &server,
            outcomes.iter().map(|(outcome, _)| outcome),
        ));
    }
    Ok(table)
}

/// Outcomes, and with how many files they came about.
fn row(server: &str, outcomes: &[(Outcome, u32); 3]) -> Vec<String> {
    let [(ours, _), (lftp, _), _] = outcomes;
    let ratio = seconds(ours).zip(seconds(lftp)).map(|(ours, lftp)| ours / lftp);
    let mut row = vec![server.to_owned(), with_aim(ratio, |ratio| ratio <= AIM)];
    for figure in [|cost: Cost| cost.seconds, |cost: Cost| cost.cpu_seconds] {
        row.extend(outcomes.iter().map(|(outcome, files)| {
            cell(outcome, |cost| format!("{:.2}", figure(cost) / f64::from(*files) * 1000.0))
        }));
    }
    row
}
