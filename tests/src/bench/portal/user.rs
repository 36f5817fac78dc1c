//! The actions of a user on the page, and how long they take by the page's own clock.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use ferryport_tests::{browser::Page, portal::Portal, servers::Server};

/// The window's width in pixels.
const WIDTH: u32 = 1440;

/// How long a run may take.
const LIMIT: Duration = Duration::from_secs(180);

/// Notes by the page's own clock when it is given files, before anything of the page looks at them,
/// and when it says that all are done.
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

/// Opens the page and connects to the server.
pub(super) async fn connect(portal: &Portal, server: &Server) -> Page {
    let page = Page::open(&portal.url(), WIDTH).await;
    page.fill("Host", &server.address().ip().to_string()).await;
    page.select("Encryption", "Explicit TLS").await;
    page.fill("Port", &server.port().to_string()).await;
    page.fill("Username", server.username()).await;
    page.fill("Password", server.password()).await;
    page.press_button("Connect").await;
    let dialog = page.find("dialog", "Certificate not trusted").await;
    let button = page.find_in(&dialog, "button", "Trust this certificate").await;
    page.click(&button).await;
    page.find("button", "Choose files").await;
    page
}

/// Drops the files onto the page and waits until it says that they are done.
pub(super) async fn drop_files(page: &Page, paths: &[PathBuf]) -> Result<Duration> {
    page.run(&format!("window.expected = {}; null", paths.len())).await;
    page.run(WATCH).await;
    let zone = page.find("button", "Choose files").await;
    page.leave_alone().await;
    page.drop_files(&zone, paths).await;
    took(page).await
}

/// Waits until the page says how many milliseconds it took.
pub(super) async fn took(page: &Page) -> Result<Duration> {
    let said = page.within(LIMIT, "the end of the upload", async || {
        let said = page.run("window.took").await;
        (!said.is_null()).then_some(said)
    });
    let said = said.await;
    let millis = said.as_f64().with_context(|| format!("the page says: {said}"))?;
    Ok(Duration::from_secs_f64(millis / 1000.0))
}

/// The same page, for another address.
pub(super) async fn open(url: &str) -> Page {
    Page::open(url, WIDTH).await
}
