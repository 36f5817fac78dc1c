//! One large file on the loopback address: the engine's throughput on one processor.

use anyhow::Result;
use ferryport_tests::servers;

use super::{Bench, SERVERS};
use crate::{
    contest::{Contestant, cell, failures, header, seconds, take_turns, with_aim},
    engine,
    measure::Cost,
    peers,
    report::Table,
    workload::Files,
};

const MIB: f64 = 1024.0 * 1024.0;
const GIB_BYTES: u64 = 1 << 30;

/// Our throughput by the better of the others'.
const AIM: f64 = 0.95;

pub(super) fn measure(bench: &Bench) -> Result<Table> {
    let files = Files::make(1, GIB_BYTES)?;
    let contestants = [
        Contestant::us("Ferryport", |server, files| {
            engine::upload(&bench.runtime, server, files, 1)
        }),
        Contestant::program("curl", peers::curl_one),
        Contestant::program("lftp", peers::lftp_put),
    ];
    let mut table = Table {
        title: "One file of 1 GiB, loopback",
        about: format!(
            "`curl -T` and lftp's `put`. The ratio is Ferryport's throughput by that of the \
             better of the two: more is better, the aim is {AIM}. CPU is the client's alone."
        ),
        header: header([
            "server",
            "ratio",
            "Ferryport, MiB/s",
            "curl, MiB/s",
            "lftp, MiB/s",
            "Ferryport, CPU s",
            "curl, CPU s",
            "lftp, CPU s",
        ]),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    for kind in SERVERS {
        let server = servers::start(kind);
        let outcomes = take_turns(&contestants, &server, &files, bench.runs);
        let [ours, curl, lftp] = &outcomes;
        let best = seconds(curl).into_iter().chain(seconds(lftp)).reduce(f64::min);
        let ratio = best.zip(seconds(ours)).map(|(best, ours)| best / ours);
        let mut row = vec![kind.name().to_owned(), with_aim(ratio, |ratio| ratio >= AIM)];
        row.extend(outcomes.iter().map(|outcome| cell(outcome, throughput)));
        row.extend(outcomes.iter().map(|outcome| cell(outcome, cpu)));
        table.rows.push(row);
        table.notes.extend(failures(&contestants, &server, &outcomes));
    }
    Ok(table)
}

#[expect(clippy::cast_precision_loss, reason = "1 GiB is exact")]
fn throughput(cost: Cost) -> String {
    format!("{:.0}", GIB_BYTES as f64 / MIB / cost.seconds)
}

fn cpu(cost: Cost) -> String {
    format!("{:.2}", cost.cpu_seconds)
}
