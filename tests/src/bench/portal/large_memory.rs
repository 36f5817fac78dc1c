//! A file of 10 GiB: that the portal's memory does not know its size.

use std::time::Duration;

use anyhow::Result;
use ferryport_tests::servers::{self, Kind};

use super::{
    Bench,
    figure::{self, Aim, Figure},
    native_upload,
};
use crate::{
    native,
    report::Table,
    watch::{Usage, mib, peak_memory},
    workload::Files,
};

const BYTES: u64 = 10 << 30;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_secs(1);

pub(super) fn measure(bench: &Bench) -> Result<Table> {
    let files = Files::sparse(BYTES)?;
    let server = servers::start(Kind::PureFtpd);
    let portal = bench.portal_https();
    let client = native::runtime()?;
    let usages = native_upload(&client, &portal, &server, &files, LOOK)?;
    files.check(&server)?;
    let figure = Figure {
        what: "peak memory of the portal, MiB".to_owned(),
        ours: peak_memory(portal.id()).map(mib),
        peer: None,
        aim: Aim::AtMost(32.0),
        bound: usages.bound(),
    };
    let mut table = figure::table(
        "One file of 10 GiB, a native client over TLS, Pure-FTPd",
        "The file's bytes are 0 and take no room at the client.".to_owned(),
        &[figure],
    );
    let curve = usages.of("portal").map(Usage::curve);
    table.notes.extend(
        curve.map(|curve| {
            format!("memory of the portal over {:.0} s, MiB: {curve}", usages.seconds)
        }),
    );
    Ok(table)
}
