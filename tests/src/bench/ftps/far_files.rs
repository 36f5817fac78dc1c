//! A hundred small files over 50 ms: how many round trips a file costs, and how well sessions
//! work side by side.

use anyhow::Result;

use super::{Bench, SERVERS, far};
use crate::{
    contest::{Contestant, Outcome, cell, failures, header, seconds, take_turns, with_aim},
    engine,
    measure::Cost,
    peers,
    report::Table,
    workload::Files,
};

const FILES: u32 = 100;
const FILE_BYTES: u64 = 4096;

/// Sessions side by side.
const SESSIONS: u32 = 4;

/// Our time with four sessions, in seconds.
const AIM_SECONDS: f64 = 5.5;

pub(super) fn measure(bench: &Bench) -> Result<Table> {
    let files = Files::make(FILES, FILE_BYTES)?;
    let upload = |sessions| {
        move |server: &_, files: &_| engine::upload(&bench.runtime, server, files, sessions)
    };
    let contestants = [
        Contestant::us("Ferryport, four", upload(SESSIONS)),
        Contestant::program("lftp, four", |server, files| {
            peers::lftp_mirror(server, files, SESSIONS)
        }),
        Contestant::us("Ferryport, one", upload(1)),
        Contestant::program("lftp, one", |server, files| peers::lftp_mirror(server, files, 1)),
        Contestant::program("curl, one", peers::curl_many),
    ];
    let mut table = Table {
        title: "100 files of 4 KiB over a round trip of 50 ms",
        about: format!(
            "lftp's `mirror -R` with four sessions and with one, and one curl with all names, in \
             TLS 1.2 because it has no more tickets after a few files in 1.3. {} The ratio is the \
             time of Ferryport's four sessions by that of lftp's four; the aim is {AIM_SECONDS} s \
             with four. The last three columns are round trips a file, login included: the time \
             of one session by 50 ms and by the number of files. There the aim is 4, and 3 where \
             the server takes an `EPSV` ahead.",
            engine::PER_FILE
        ),
        header: header([
            "server",
            "ratio",
            "Ferryport × 4, s",
            "lftp × 4, s",
            "Ferryport, round trips",
            "lftp, round trips",
            "curl, round trips",
        ]),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    for kind in SERVERS {
        let server = far::start(kind, bench);
        let outcomes = take_turns(&contestants, &server, &files, bench.far_runs);
        table.rows.push(row(kind.name(), &outcomes));
        table.notes.extend(failures(&contestants, &server, &outcomes));
    }
    Ok(table)
}

fn row(server: &str, [ours, lftp, alone @ ..]: &[Outcome; 5]) -> Vec<String> {
    let ratio = seconds(ours).zip(seconds(lftp)).map(|(ours, lftp)| ours / lftp);
    let mut row = vec![
        server.to_owned(),
        with_aim(ratio, |_| true),
        with_aim(seconds(ours), |seconds| seconds <= AIM_SECONDS),
        cell(lftp, |cost| format!("{:.2}", cost.seconds)),
    ];
    row.extend(alone.iter().map(|outcome| cell(outcome, round_trips_a_file)));
    row
}

fn round_trips_a_file(cost: Cost) -> String {
    let round_trips = cost.seconds / far::ROUND_TRIP.as_secs_f64();
    format!("{:.1}", round_trips / f64::from(FILES))
}
