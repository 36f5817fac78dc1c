//! 200 sessions that upload at once: that all windows come out of one budget.

use std::{fs, time::Duration};

use anyhow::Result;
use ferryport_tests::servers::{Kind, Options, Server};
use futures_util::future::try_join_all;

use super::{
    Bench,
    figure::{self, Aim, Figure},
    tree,
};
use crate::{
    measure::{Who, measured},
    native::{self, Job, LeanClient},
    report::Table,
    watch::{Tree, Usage, memory, mib, peak_memory, watch},
    workload::Files,
};

/// Each has half of them: a server of the tests has some 200 ports for data connections.
const SERVERS: u32 = 2;
const SESSIONS: u32 = 200;
const FILE_BYTES: u64 = 16 << 20;

/// The setting `window_budget` at its default, in MiB.
const BUDGET: f64 = 256.0;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(250);

pub(super) fn measure(bench: &Bench) -> Result<Table> {
    let files = Files::make(1, FILE_BYTES)?;
    let options = Options { max_sessions: Some(SESSIONS), ..Options::default() };
    let servers: Vec<_> = (0..SERVERS).map(|_| Server::start(Kind::Vsftpd, options)).collect();
    let portal = bench.portal_https();
    let client = native::runtime()?;
    let mut sessions = client.block_on(async {
        let mut sessions = Vec::new();
        for server in servers.iter().cycle().take(SESSIONS as usize) {
            let mut session = LeanClient::open(&portal).await?;
            session.connect(server).await?;
            sessions.push(session);
        }
        anyhow::Ok(sessions)
    })?;
    let base = memory(portal.id()).map(mib).unwrap_or_default();
    let mut trees = vec![tree(&portal)];
    trees.extend(servers.iter().map(|server| Tree { name: "server", root: server.id() }));
    let (cost, mut usages) = watch(&trees, LOOK, || {
        measured(Who::Us, || {
            let uploads = sessions.iter_mut().enumerate().map(|(index, session)| {
                let mut jobs = Job::all(&files);
                for job in &mut jobs {
                    job.to = format!("{index}-{}", job.to);
                }
                session.upload(jobs)
            });
            client.block_on(try_join_all(uploads)).map(drop)
        })
    })?;
    usages.add("client", cost.cpu_seconds);
    let stored: u64 = servers.iter().map(stored).sum();
    anyhow::ensure!(stored == u64::from(SESSIONS) * FILE_BYTES, "{stored} bytes are stored");
    let figure = Figure {
        what: "peak memory of the portal, MiB".to_owned(),
        ours: peak_memory(portal.id()).map(mib),
        peer: Some(("budget and sessions", BUDGET + base)),
        aim: Aim::RatioAtMost(1.0),
        bound: usages.bound(),
    };
    let mut table = figure::table(
        "200 sessions that upload at once, native clients over TLS, two of vsftpd",
        format!(
            "A file of 16 MiB each. The peer is the setting `window_budget` and what the portal \
             held with all sessions logged in, {base:.0} MiB."
        ),
        &[figure],
    );
    let curve = usages.of("portal").map(Usage::curve);
    table.notes.extend(
        curve.map(|curve| {
            format!("memory of the portal over {:.1} s, MiB: {curve}", usages.seconds)
        }),
    );
    Ok(table)
}

/// Returns how many bytes the server stores.
fn stored(server: &Server) -> u64 {
    let root = server.root();
    let sizes = server.files().into_iter().filter_map(|name| fs::metadata(root.join(name)).ok());
    sizes.map(|metadata| metadata.len()).sum()
}
