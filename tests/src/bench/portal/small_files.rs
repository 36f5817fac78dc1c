//! A thousand small files: by a native client, and dropped into the page.

use std::{cell::RefCell, time::Duration};

use anyhow::Result;
use ferryport_tests::{
    browser::Browser,
    servers::{self, Kind},
};

use super::{
    Bench,
    figure::{self, Aim, Figure, middle},
    native_upload, sink, user,
};
use crate::{
    contest::{Contestant, failures, seconds, take_turns},
    measure::median,
    native, peers,
    report::Table,
    watch::{Tree, Usages, watch},
    workload::Files,
};

const FILES: u32 = 1000;
const FILE_BYTES: u64 = 4096;

/// Our time by that of lftp.
const AIM: Aim = Aim::RatioAtMost(0.25);

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(200);

pub(super) fn measure(bench: &Bench) -> Result<Table> {
    let files = Files::make(FILES, FILE_BYTES)?;
    let (mut figures, mut notes) = (Vec::new(), Vec::new());
    for kind in Kind::ALL {
        let [ours, lftp] = natively(bench, kind, &files, &mut notes)?;
        let peer = lftp.seconds.map(|seconds| ("lftp", seconds));
        let chromium = in_chromium(bench, kind, &files).unwrap_or_else(|error| {
            notes.push(format!("{}, Chromium: {error:#}", kind.name()));
            Took::default()
        });
        for (who, took) in [("native client", ours), ("Chromium", chromium)] {
            figures.push(Figure {
                what: format!("{}, {who}, s", kind.name()),
                ours: took.seconds,
                peer,
                aim: AIM,
                bound: took.bound,
            });
        }
    }
    notes.push(own_way_out(bench, &files)?);
    let mut table = figure::table(
        "1,000 files of 4 KiB, loopback",
        "The native client over TLS, its login included; Chromium over plain HTTP, from the drop \
         of the files to the page's `Done` for all of them, by the page's clock, logged in before. \
         The peer is lftp's `mirror -R` with one session; the portal opens as many as it finds \
         worth while, up to its default."
            .to_owned(),
        &figures,
    );
    table.notes = notes;
    Ok(table)
}

/// How long one of them took, and what bounded that.
#[derive(Default)]
struct Took {
    seconds: Option<f64>,
    bound: String,
}

/// Ours and lftp's.
fn natively(
    bench: &Bench,
    kind: Kind,
    files: &Files,
    notes: &mut Vec<String>,
) -> Result<[Took; 2]> {
    let server = servers::start(kind);
    let portal = bench.portal_https();
    let client = native::runtime()?;
    let runs: RefCell<Vec<Usages>> = RefCell::default();
    let contestants = [
        Contestant::us("Ferryport", |server, files| {
            let usages = native_upload(&client, &portal, server, files, LOOK)?;
            runs.borrow_mut().push(usages);
            Ok(())
        }),
        Contestant::program("lftp", |server, files| peers::lftp_mirror(server, files, 1)),
    ];
    let outcomes = take_turns(&contestants, &server, files, bench.runs);
    notes.extend(failures(&contestants, &server, &outcomes));
    let [ours, lftp] = outcomes.map(|outcome| seconds(&outcome));
    let bound = bound(runs.take());
    Ok([Took { seconds: ours, bound }, Took { seconds: lftp, bound: String::new() }])
}

fn in_chromium(bench: &Bench, kind: Kind, files: &Files) -> Result<Took> {
    let server = servers::start(kind);
    let portal = bench.portal_http();
    let (mut times, mut runs) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let (time, usages) = user::upload(bench, Browser::Chromium, &portal, &server, files, LOOK)?;
        eprintln!("{}, Chromium: {:.2} s", kind.name(), time.as_secs_f64());
        times.push(time.as_secs_f64());
        runs.push(usages);
    }
    Ok(Took { seconds: median(times), bound: bound(runs) })
}

/// How long the browser itself takes to get the files out: no program in it is faster by much.
fn own_way_out(bench: &Bench, files: &Files) -> Result<String> {
    let sink = bench.runtime.block_on(sink::serve())?;
    let paths = files.paths();
    let (mut times, mut runs) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let page =
            bench.runtime.block_on(user::open(Browser::Chromium, &format!("http://{sink}/")));
        let browser = [Tree { name: "Chromium", root: page.id() }];
        let (time, usages) =
            watch(&browser, LOOK, || bench.runtime.block_on(sink::put_files(&page, &paths)))?;
        eprintln!("XHR to a sink: {:.2} s", time.as_secs_f64());
        times.push(time.as_secs_f64());
        runs.push(usages);
    }
    let seconds = median(times).unwrap_or_default();
    Ok(format!(
        "Chromium's own `XMLHttpRequest` puts the same files, chosen and not dropped, to a server \
         that throws them away in {seconds:.2} s: {}",
        bound(runs)
    ))
}

fn bound(runs: Vec<Usages>) -> String {
    middle(runs).as_ref().map(Usages::bound).unwrap_or_default()
}
