//! Accessibility, as far as rules can judge it: axe-core over every state of the page.
#![allow(clippy::panic, reason = "a test that cannot go on stops and says why")]

use ferryport_tests::{
    browser::{Page, Scheme},
    states::{Stage, State},
};

/// Cargo builds it from the portal's own `main.rs`.
const PORTAL: &str = env!("CARGO_BIN_EXE_portal-under-test");

/// A telephone and a desk, in pixels.
const WIDTHS: [u32; 2] = [360, 1440];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_in_any_state_of_the_page() {
    let page = Page::open("about:blank", WIDTHS[0]).await;
    let mut found = Vec::new();
    for state in State::ALL {
        let _stage = Stage::set(&page, PORTAL, state).await;
        for (width, scheme) in looks() {
            page.resize(width).await;
            page.prefer(scheme).await;
            let violations = page.axe().await;
            let look = format!("{state}, {width} px, {}", scheme.name());
            println!("{look}: {} rules broken", violations.len());
            found.extend(violations.iter().map(|violation| format!("{look}: {violation}")));
        }
    }
    assert!(found.is_empty(), "axe-core has something to say:\n\n{}", found.join("\n"));
}

fn looks() -> impl Iterator<Item = (u32, Scheme)> {
    WIDTHS.into_iter().flat_map(|width| Scheme::ALL.map(|scheme| (width, scheme)))
}
