//! Accessibility, as far as rules can judge it: axe-core over every state of the page.
#![allow(clippy::panic, reason = "a test that cannot go on stops and says why")]

use ferryport_tests::{
    axe,
    browser::{Page, Scheme},
    extent, portal_program,
    states::{PreparedState, State},
};

/// A telephone and a desk, in pixels.
const WIDTHS: [u32; 2] = [360, 1440];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_no_violation_in_any_state_of_the_page() {
    let page = Page::open("about:blank", WIDTHS[0]).await;
    let mut found = Vec::new();
    for (index, state) in State::ALL.into_iter().enumerate() {
        let _state = PreparedState::prepare(&page, portal_program!(), state).await;
        for (width, scheme) in looks(index) {
            page.resize(width).await;
            page.prefer(scheme).await;
            let violations = axe::violations(&page).await;
            let look = format!("{state}, {width} px, {}", scheme.name());
            println!("{look}: {} rules broken", violations.len());
            found.extend(violations.iter().map(|violation| format!("{look}: {violation}")));
        }
    }
    assert!(found.is_empty(), "axe-core has something to say:\n\n{}", found.join("\n"));
}

/// The looks of one state: all of them, or one of each width and one of each scheme. From one state
/// to the next the pairs change, so that each width meets each scheme.
fn looks(state: usize) -> Vec<(u32, Scheme)> {
    let all = WIDTHS.into_iter().enumerate().flat_map(|(row, width)| {
        let looks = Scheme::ALL.into_iter().enumerate();
        looks.map(move |(column, scheme)| ((row + column) % 2 == state % 2, (width, scheme)))
    });
    all.filter(|(chosen, _)| *chosen || extent::covers_all()).map(|(_, look)| look).collect()
}
