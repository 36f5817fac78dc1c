//! The first view of the page: the elements of the markup stay where they are, and little is loaded.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops and says why")]

use ferryport_tests::{browser::Page, portal};

/// What the first load may take, compressed and without headers.
const MAX_BYTES: u64 = 170_000;

/// The page, its style sheet, two scripts, the program, the tab's icon.
const MAX_REQUESTS: u64 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_while_the_program_loads() {
    let portal = portal!();
    for width in [360, 768, 1440] {
        let page = Page::open(&portal.url(), width).await;
        loaded(&page).await;
        let shifts = page.layout_shifts().await;
        assert!(shifts.is_empty(), "{width} px: {shifts:?}");
        page.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_load_is_small_and_takes_few_requests() {
    let portal = portal!();
    for language in ["en", "de", "fr", "es"] {
        let page = Page::open(&format!("{}?lang={language}", portal.url()), 1440).await;
        loaded(&page).await;
        // A headless browser does not load the icon by itself.
        let sizes = "(async () => {
            await (await fetch(document.querySelector('link[rel=icon]').href)).blob();
            const loads = ['navigation', 'resource'].flatMap((of) => performance.getEntriesByType(of));
            // Some have an entry for each element that names them.
            return [...new Map(loads.map(({ name, encodedBodySize }) => [name, encodedBodySize]))];
        })()";
        let sizes: Vec<(String, u64)> = serde_json::from_value(page.run(sizes).await).unwrap();
        let bytes: u64 = sizes.iter().map(|(_, bytes)| bytes).sum();
        println!("{language}: {bytes} bytes in {} requests: {sizes:#?}", sizes.len());
        assert!(sizes.iter().all(|(_, bytes)| *bytes > 0), "{sizes:#?}");
        assert!(bytes <= MAX_BYTES, "{language}: {bytes} bytes: {sizes:#?}");
        assert!(sizes.len() as u64 <= MAX_REQUESTS, "{language}: {sizes:#?}");
        page.finish().await;
    }
}

/// Waits until the program is loaded, has started, and is at its first pause.
async fn loaded(page: &Page) {
    let loaded = "performance.getEntriesByType('resource')
        .some(({ name, responseEnd }) => name.endsWith('.wasm') && responseEnd > 0)";
    page.until("the page's program", async || (page.run(loaded).await == true).then_some(())).await;
    page.run("new Promise((idle) => requestIdleCallback(() => idle(null)))").await;
}
