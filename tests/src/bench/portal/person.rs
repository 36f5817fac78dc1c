//! What somebody does on the page, and how long the page takes for it by its own clock.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use ferryport_tests::{browser::Page, portal::Portal, servers::Server};

/// The window's width in pixels.
const WIDTH: u32 = 1440;

/// Notes when the page is given files: before anything of the page looks at them.
const NOTE_THE_BEGIN: &str = "for (const event of ['change', 'drop']) {
    document.addEventListener(event, () => { window.begun = performance.now(); }, true);
}";

/// Waits until the page says that so many files are done; gives the milliseconds since the begin.
const UNTIL_DONE: &str = "new Promise((resolve, reject) => {
    const look = () => {
        const words = [...document.querySelectorAll('#uploads li')].map((item) => item.textContent);
        const failed = words.find((text) => /Failed|Interrupted|Needs a decision/.test(text));
        if (failed) { reject(new Error(failed)); return; }
        const total = document.querySelector('#total');
        if (window.begun && words.length > 0 && total?.dataset.state === 'done') {
            resolve(performance.now() - window.begun);
            return;
        }
        setTimeout(look, 10);
    };
    look();
})";

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
    page.run(NOTE_THE_BEGIN).await;
    let zone = page.find("button", "Choose files").await;
    page.drop_files(&zone, paths).await;
    took(page, UNTIL_DONE).await
}

/// How many milliseconds something took, as an expression says that waits for it.
pub(super) async fn took(page: &Page, expression: &str) -> Result<Duration> {
    let millis = page.run(expression).await;
    let millis = millis.as_f64().with_context(|| format!("no time but {millis}"))?;
    Ok(Duration::from_secs_f64(millis / 1000.0))
}

/// The same page, for another address.
pub(super) async fn open(url: &str) -> Page {
    Page::open(url, WIDTH).await
}
