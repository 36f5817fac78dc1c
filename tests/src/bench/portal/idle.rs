//! A thousand sessions that do nothing: what each costs in memory.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result};
use ferryport_tests::{
    portal::Portal,
    servers::{Kind, Options, Server},
};

use super::{
    Bench,
    figure::{self, Aim, Figure},
};
use crate::{
    native::{self, LeanClient},
    report::Table,
    watch::memory,
};

const SESSIONS: u32 = 1000;

/// Each has a session of the FTPS server too, which holds a port for its next data connection: a
/// server of the tests has some 200.
const LOGGED_IN: u32 = 100;

/// The time after which a portal is idle.
const REST: Duration = Duration::from_secs(2);

const KIB: f64 = 1024.0;

pub(super) fn measure(bench: &Bench) -> Result<Table> {
    let figure = |what: String, ours: f64| Figure {
        what,
        ours: Some(ours),
        peer: None,
        aim: Aim::AtMost(64.0),
        bound: "buffers of the socket and of TLS".to_owned(),
    };
    let figures = [
        figure(
            format!("{SESSIONS} said hello, plain HTTP, KiB each"),
            each(&bench.portal_http(), None, SESSIONS)?,
        ),
        figure(
            format!("{SESSIONS} said hello, TLS, KiB each"),
            each(&bench.portal_https(), None, SESSIONS)?,
        ),
        figure(
            format!("{LOGGED_IN} logged in at vsftpd, TLS, KiB each"),
            each(&bench.portal_https(), Some(&many_at_once()), LOGGED_IN)?,
        ),
    ];
    Ok(figure::table(
        "Idle sessions",
        "Memory of the portal (`VmRSS`), what it held after its first session taken off, by the \
         number of sessions."
            .to_owned(),
        &figures,
    ))
}

/// A server that takes them all.
fn many_at_once() -> Server {
    Server::start(Kind::Vsftpd, Options { max_sessions: Some(2 * LOGGED_IN), ..Options::default() })
}

/// The memory of each session in KiB.
#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn each(portal: &Portal, server: Option<&Server>, sessions: u32) -> Result<f64> {
    let held = || {
        thread::sleep(REST);
        memory(portal.id()).context("the portal has ended")
    };
    let (before, after) = native::runtime()?.block_on(async {
        // What is made once is not a session's.
        let first = open(portal, server).await?;
        let before = held()?;
        let mut open_now = Vec::new();
        for number in 2..=sessions {
            let opened = open(portal, server).await;
            open_now.push(opened.with_context(|| format!("session {number}"))?);
        }
        let after = held()?;
        drop((first, open_now));
        anyhow::Ok((before, after))
    })?;
    Ok(after.saturating_sub(before) as f64 / KIB / f64::from(sessions - 1))
}

async fn open(portal: &Portal, server: Option<&Server>) -> Result<LeanClient> {
    let mut session = LeanClient::open(portal).await?;
    if let Some(server) = server {
        let connected = session.connect(server).await;
        connected.with_context(|| format!("the server's log ends:\n{}", end_of(&server.log())))?;
    }
    Ok(session)
}

/// The last lines of a text.
fn end_of(text: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}
