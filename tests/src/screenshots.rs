//! Pictures of the page in all of its states, on a telephone, a tablet and a desk, light and dark.
//!
//! `cargo xtask screenshots` builds this and runs it.

use std::{env, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use ferryport_tests::{
    browser::{Page, Scheme},
    states::{PreparedState, State},
};

/// A telephone, a tablet and a desk, in pixels.
const WIDTHS: [u32; 3] = [360, 768, 1440];

/// Takes pictures of the page in all of its states, or in those that are named.
#[derive(Parser)]
#[command(name = "cargo xtask screenshots")]
struct Arguments {
    /// One of: empty, connecting, certificate, mismatch, ready, blocked, security, dragging, uploading,
    /// conflict, long-name, failed, interrupted, done, thousands, opened, support
    states: Vec<String>,
    /// Shows the page in this language once it is in the state, for example `de`. The page is loaded again
    /// for it, which only states with a connection survive.
    #[arg(long)]
    language: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { states, language } = Arguments::parse();
    let states = chosen(&states)?;
    let portal = portal()?;
    let page = Page::open("about:blank", WIDTHS[0]).await;
    for state in states {
        let _state = PreparedState::prepare(&page, &portal, state).await;
        if let Some(language) = &language {
            change_language(&page, language).await;
        }
        for width in WIDTHS {
            page.resize(width).await;
            for scheme in Scheme::ALL {
                page.prefer(scheme).await;
                let language = language.as_ref().map(|language| format!("-{language}"));
                let language = language.unwrap_or_default();
                let name = format!("{state}-{width}-{}{language}", scheme.name());
                println!("{}", page.screenshot(&name).await.canonicalize()?.display());
            }
        }
        if language.is_some() {
            // The next state is prepared by the English names of its elements.
            change_language(&page, "en").await;
        }
    }
    Ok(())
}

/// Loads the page in a language, and waits until it has its connection again.
async fn change_language(page: &Page, language: &str) {
    page.run(&format!("location.search = '?lang={language}'; null")).await;
    let is_there = format!(
        "document.documentElement?.lang === '{language}'
            && document.body?.dataset.phase === 'connected'"
    );
    page.until(language, async || (page.run(&is_there).await == true).then_some(())).await;
}

/// The states of these names; all where none is named.
fn chosen(names: &[String]) -> Result<Vec<State>> {
    if names.is_empty() {
        return Ok(State::ALL.to_vec());
    }
    let named = |name: &String| {
        let state = State::ALL.into_iter().find(|state| state.name() == name);
        state.with_context(|| format!("the page has no state `{name}`"))
    };
    names.iter().map(named).collect()
}

/// The portal that was built beside this program.
fn portal() -> Result<String> {
    let here: PathBuf = env::current_exe()?;
    let program = here.with_file_name("portal-under-test");
    ensure!(
        program.exists(),
        "there is no {}: `cargo xtask screenshots` builds it",
        program.display()
    );
    Ok(program.to_str().context("a path of plain text")?.to_owned())
}
