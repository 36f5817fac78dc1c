//! The actions of a user on the page, and how long they take by the page's own clock.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use ferryport_tests::{
    browser::{Browser, Page},
    portal::Portal,
    servers::Server,
    user::{WIDE, connect},
};

use super::{Bench, tree};
use crate::{
    watch::{Tree, Usages, watch},
    workload::{self, Files},
};

/// How long a run may take.
const LIMIT: Duration = Duration::from_secs(180);

/// Notes by the page's own clock when it is given files, before anything of the page looks at them,
/// and when it shows all of them as done.
const WATCH: &str = "for (const event of ['change', 'drop']) {
    document.addEventListener(event, () => { window.begun = performance.now(); }, true);
}
window.took = null;
const look = () => {
    const total = document.querySelector('#total');
    // Files come into the list as a stream: it may seem done before all of them are there.
    const count = document.querySelector('#uploads-count').textContent;
    const ended = total && !total.hidden && total.dataset.state !== 'sending';
    if (window.begun && ended && count.includes(`of ${window.expected} `)) {
        const millis = performance.now() - window.begun;
        window.took = total.dataset.state === 'done' ? millis : total.textContent;
        return;
    }
    setTimeout(look, 10);
};
look();";

/// Opens the page, drops the files there, and returns how long the upload took, with the usages of
/// the portal, the server and the browser. The files must be stored.
pub(super) fn upload(
    bench: &Bench,
    browser: Browser,
    portal: &Portal,
    server: &Server,
    files: &Files,
    interval: Duration,
) -> Result<(Duration, Usages)> {
    workload::clear(server)?;
    let page = bench.runtime.block_on(async {
        let page = open(browser, &portal.support_url()).await;
        connect(&page, server).await;
        page
    });
    let trees = [
        tree(portal),
        Tree { name: "server", root: server.id() },
        Tree { name: name(browser), root: page.id() },
    ];
    let paths = files.paths();
    let (time, usages) =
        watch(&trees, interval, || bench.runtime.block_on(drop_files(browser, &page, &paths)))?;
    drop(page);
    files.check(server)?;
    Ok((time, usages))
}

/// Drops the files onto the page and waits until it shows them as done.
async fn drop_files(browser: Browser, page: &Page, paths: &[PathBuf]) -> Result<Duration> {
    page.run(&format!("window.expected = {}; null", paths.len())).await;
    page.run(WATCH).await;
    let zone = page.find("button", "Choose files").await;
    if browser == Browser::Chromium {
        page.pause_harness().await;
    }
    page.drop_files(&zone, paths).await;
    took(page).await
}

/// Waits until the page has measured the time.
pub(super) async fn took(page: &Page) -> Result<Duration> {
    let said = page.within(LIMIT, "the end of the upload", async || {
        let said = page.run("window.took").await;
        (!said.is_null()).then_some(said)
    });
    let said = said.await;
    let millis = said.as_f64().with_context(|| format!("the page says: {said}"))?;
    Ok(Duration::from_secs_f64(millis / 1000.0))
}

/// Opens a page.
pub(super) async fn open(browser: Browser, url: &str) -> Page {
    Page::open_in(browser, url, WIDE).await
}

/// Returns the browser's name.
pub(super) fn name(browser: Browser) -> &'static str {
    match browser {
        Browser::Chromium => "Chromium",
        Browser::Firefox => "Firefox",
    }
}
