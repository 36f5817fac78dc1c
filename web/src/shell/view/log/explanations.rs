//! What the lines of the session log mean: fetched once, when first somebody asks.

use std::rc::Rc;

use js_sys::Array;
use protocol::{EXPLANATIONS_PATH, server::LogLine};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Response;

use super::Act;
use crate::{
    log::wording,
    shell::{
        app::App,
        dom::{Fault, language},
    },
};

/// What lines mean, by number.
#[derive(Default)]
pub(super) enum Explanations {
    /// Nobody has asked, or they did not arrive.
    #[default]
    Lacking,
    /// They are on their way.
    Awaited,
    /// They are here.
    Here(Array),
}

impl Explanations {
    /// What a line means.
    pub(super) fn text(&self, line: &LogLine) -> String {
        let Some(number) = line.explanation else {
            return wording::no_explanation(line.kind).to_owned();
        };
        match self {
            Self::Lacking => wording::explanations_missing().to_owned(),
            Self::Awaited => "\u{2026}".to_owned(),
            Self::Here(list) => list.get(number.into()).as_string().unwrap_or_default(),
        }
    }
}

/// Fetches them; what comes of it arrives as an act.
pub(in crate::shell) fn fetch_explanations(app: Rc<App>) {
    spawn_local(async move {
        let list = fetch(&app).await.ok();
        app.read_log(Act::Explained(list));
    });
}

async fn fetch(app: &App) -> Result<Array, Fault> {
    let url = [EXPLANATIONS_PATH, "?lang=", &*language(&app.dom.document)].concat();
    let response = JsFuture::from(app.dom.window.fetch_with_str(&url)).await?;
    let response = response.unchecked_into::<Response>();
    // What is no list of sentences is an error.
    let list = JsFuture::from(response.json()?).await?;
    if response.ok() { Ok(list.unchecked_into()) } else { Err("no explanations".into()) }
}
