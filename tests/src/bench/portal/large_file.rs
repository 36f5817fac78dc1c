//! One large file through the portal, beside those that go straight to the server, and beside a
//! relay.

use std::{cell::RefCell, time::Duration};

use anyhow::Result;
use ferryport_tests::servers::{self, Kind};

use super::{
    Bench,
    figure::{self, Aim, Figure, middle},
    native_upload,
};
use crate::{
    contest::{Contestant, Outcome, failures, seconds, take_turns},
    native,
    peers::{self, Rclone},
    report::Table,
    watch::{Tree, Usage, Usages, mib, peak_memory, watch},
    workload::Files,
};

const BYTES: u64 = 1 << 30;
const MIB: f64 = 1024.0;

/// How often memory is looked at: a run takes a second or two.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn measure(bench: &Bench) -> Result<Table> {
    let files = Files::make(1, BYTES)?;
    let server = servers::start(Kind::PureFtpd);
    let portal = bench.portal_https();
    let rclone = Rclone::start(&server)?;
    let client = native::runtime()?;
    let at_server = Tree { name: "server", root: server.id() };
    let ours: RefCell<Vec<Usages>> = RefCell::default();
    let rclones: RefCell<Vec<Usages>> = RefCell::default();
    let contestants = [
        Contestant::us("Ferryport", |server, files| {
            let usages = native_upload(&client, &portal, server, files, LOOK)?;
            note(&ours, usages);
            Ok(())
        }),
        Contestant::program("curl", peers::curl_one),
        Contestant::program("lftp", peers::lftp_put),
        Contestant::program("rclone", |_, files| {
            let trees = [Tree { name: "rclone", root: rclone.id() }, at_server];
            let ((), usages) = watch(&trees, LOOK, || rclone.put(files))?;
            note(&rclones, usages);
            Ok(())
        }),
    ];
    let outcomes = take_turns(&contestants, &server, &files, bench.runs);
    let failed = failures(&contestants, &server, &outcomes);
    let [our_time, curl, lftp, relayed] = outcomes;
    let ours = middle(ours.take());
    let rclones = middle(rclones.take());
    let bound = ours.as_ref().map(Usages::bound).unwrap_or_default();
    let direct = [("curl", &curl), ("lftp", &lftp)].into_iter();
    let direct = direct.filter_map(|(name, outcome)| Some((name, throughput(outcome)?)));
    let peak = |process| peak_memory(process).map(mib);
    let figures = [
        Figure {
            what: "throughput, MiB/s".to_owned(),
            ours: throughput(&our_time),
            peer: direct.max_by(|(_, one), (_, other)| one.total_cmp(other)),
            aim: Aim::RatioAtLeast(0.9),
            bound: bound.clone(),
        },
        Figure {
            what: "processor time of the portal, s".to_owned(),
            ours: cpu(ours.as_ref(), "portal"),
            peer: cpu(rclones.as_ref(), "rclone").map(|cpu| ("rclone", cpu)),
            aim: Aim::AtMost(1.0),
            bound: rclones
                .as_ref()
                .map(|usages| format!("rclone's: {}", usages.bound()))
                .unwrap_or_default(),
        },
        Figure {
            what: "peak memory of the portal, MiB".to_owned(),
            ours: peak(portal.id()),
            peer: peak(rclone.id()).map(|peak| ("rclone", peak)),
            aim: Aim::AtMost(32.0),
            bound: "the window".to_owned(),
        },
    ];
    let mut table = figure::table(
        "One file of 1 GiB, a native client over TLS, Pure-FTPd",
        "The peers of the throughput go straight to the server: `curl -T` and lftp's `put`; that \
         of time and memory is `rclone serve webdav`, which relays plain HTTP to the same server, \
         fed by curl, where the portal has TLS on both sides. Logins are in it. Shares of the \
         processor are of one core each."
            .to_owned(),
        &figures,
    );
    table.notes = failed;
    table.notes.extend(throughput(&relayed).map(|rate| format!("rclone relays {rate:.0} MiB/s")));
    for (name, usages) in [("portal", &ours), ("rclone", &rclones)] {
        let curve = usages.as_ref().and_then(|usages| usages.of(name)).map(Usage::curve);
        table.notes.extend(curve.map(|curve| {
            format!("memory of {name} over the run, {} ms apart, MiB: {curve}", LOOK.as_millis())
        }));
    }
    Ok(table)
}

fn note(runs: &RefCell<Vec<Usages>>, usages: Usages) {
    eprintln!("    {}", usages.bound());
    runs.borrow_mut().push(usages);
}

/// In MiB a second.
fn throughput(outcome: &Outcome) -> Option<f64> {
    seconds(outcome).map(|seconds| MIB / seconds)
}

fn cpu(usages: Option<&Usages>, name: &str) -> Option<f64> {
    usages?.of(name).map(|usage| usage.cpu_seconds)
}
