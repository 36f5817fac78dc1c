//! One file out of a browser: through the portal, and to a sink.

use std::time::Duration;

use anyhow::Result;
use ferryport_tests::{
    browser::Browser,
    servers::{self, Kind},
};

use super::{
    Bench,
    figure::{self, Aim, Figure, middle},
    sink, user,
};
use crate::{
    measure::{Who, measured, median},
    report::Table,
    watch::{Tree, Usages, mib, peak_memory, watch},
    workload::Files,
};

const BYTES: u64 = 512 << 20;
const MIB: f64 = 512.0;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(200);

pub(super) fn measure(bench: &Bench, browser: Browser) -> Result<Table> {
    let files = Files::make(1, BYTES)?;
    let server = servers::start(Kind::PureFtpd);
    let portal = bench.portal_http();
    let sink = bench.runtime.block_on(sink::serve())?;
    let paths = files.paths();
    let (mut ours, mut sunk, mut our_runs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let (time, usages) = user::upload(bench, browser, &portal, &server, &files, LOOK)?;
        eprintln!("Ferryport: {:.2} s: {}", time.as_secs_f64(), usages.bound());
        ours.push(time.as_secs_f64());
        our_runs.push(usages);

        let page = bench.runtime.block_on(user::open(browser, &format!("http://{sink}/")));
        let trees = [Tree { name: user::name(browser), root: page.id() }];
        let mut time = Duration::ZERO;
        let (cost, mut usages) = watch(&trees, LOOK, || {
            measured(Who::Us, || {
                time = bench.runtime.block_on(sink::put_files(&page, &paths))?;
                Ok(())
            })
        })?;
        usages.add("sink", cost.cpu_seconds);
        eprintln!("sink: {:.2} s: {}", time.as_secs_f64(), usages.bound());
        sunk.push(time.as_secs_f64());
    }
    let rate = |times: Vec<f64>| median(times).map(|seconds| MIB / seconds);
    let run = middle(our_runs);
    let figures = [
        Figure {
            what: "throughput, MiB/s".to_owned(),
            ours: rate(ours),
            peer: rate(sunk).map(|rate| ("XHR to a sink", rate)),
            aim: Aim::RatioAtLeast(0.9),
            bound: run.as_ref().map(Usages::bound).unwrap_or_default(),
        },
        Figure {
            what: "peak memory of the portal, MiB".to_owned(),
            ours: peak_memory(portal.id()).map(mib),
            peer: None,
            aim: Aim::AtMost(32.0),
            bound: "the window".to_owned(),
        },
    ];
    Ok(figure::table(
        match browser {
            Browser::Chromium => "One file of 512 MiB out of Chromium, Pure-FTPd",
            Browser::Firefox => "One file of 512 MiB out of Firefox, Pure-FTPd",
        },
        "Over plain HTTP on the loopback address, from the drop of the file to the page's `Done`, \
         by the page's clock. The peer is an `XMLHttpRequest` that puts the same file, in the \
         same browser, to a server that throws it away."
            .to_owned(),
        &figures,
    ))
}
