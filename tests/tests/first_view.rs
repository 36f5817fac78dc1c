//! The first view of the page: the elements of the markup stay where they are.

use ferryport_tests::{browser::Page, portal};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_while_the_program_loads() {
    let portal = portal!();
    for width in [360, 768, 1440] {
        let page = Page::open(&portal.url(), width).await;
        page.find("button", "Connect").await;
        // Loaded, started, and at its first pause.
        let loaded = "performance.getEntriesByType('resource')
            .some(({ name, responseEnd }) => name.endsWith('.wasm') && responseEnd > 0)";
        page.until("the page's program", async || (page.run(loaded).await == true).then_some(()))
            .await;
        page.run("new Promise((idle) => requestIdleCallback(() => idle(null)))").await;
        let shifts = page.layout_shifts().await;
        assert!(shifts.is_empty(), "{width} px: {shifts:?}");
        page.finish().await;
    }
}
