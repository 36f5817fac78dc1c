//! The page in the browser: starts the program, listens to the browser and draws.
//!
//! # Layers
//! A module uses only the modules above it in this list.
//! - `dom`: the window and the document.
//! - `locale`: the page's language, dates, the order of names.
//! - `address_bar`: the fragment of the page's address.
//! - `clipboard`: copies texts.
//! - `appearance`: the view, simple or for support, and the colours.
//! - `disclosures`: parts of the page that the user opens and closes.
//! - `wake_lock`: keeps the screen on.
//! - `locks`: Web Locks.
//! - `file_handles`: handles of dropped files, to reopen them after a reload.
//! - `database`: saved queues in IndexedDB.
//! - `recent_storage`: the recent destinations in local storage.
//! - `form`: the fields of the connect form.
//! - `recents`: recent destinations below the form.
//! - `socket`: the WebSocket to the portal.
//! - `file_worker`: the worker that computes digests, and reads small files.
//! - `view`: draws the page.
//! - `app`: passes events to the core, carries out its effects, draws changes.
//! - `missing_files`: finds the files of restored rows.
//! - `persistence`: saves the queue and restores it.
//! - `picker`: reads files and folders that the user picks.
//! - `controls`: listens to the user's actions.

use js_sys::{Array, JSON};
use protocol::client::Language;
use rlsf::SmallGlobalTlsf;
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};
use web_sys::{Element, HtmlElement, HtmlFormElement};

use self::{
    app::App,
    dom::{Dom, Exception},
};
use crate::texts;

mod address_bar;
mod app;
mod appearance;
mod clipboard;
mod controls;
mod database;
mod disclosures;
mod dom;
mod file_handles;
mod file_worker;
mod form;
mod locale;
mod locks;
mod missing_files;
mod persistence;
mod picker;
mod recent_storage;
mod recents;
mod socket;
mod view;
mod wake_lock;

/// The allocator. The standard one is larger by 7 kB.
#[global_allocator]
static ALLOCATOR: SmallGlobalTlsf = SmallGlobalTlsf::new();

/// Starts the program. The boot script calls it once, after the document has been parsed.
///
/// # Errors
/// When the document lacks an element that this program needs.
#[wasm_bindgen]
pub fn start() -> Result<(), Exception> {
    show_notice_on_panic();
    let dom = Dom::new()?;
    load_texts(&dom)?;
    let app = App::new(dom)?;
    let language = locale::language(&app.dom.document);
    app.page_mut().set_language(Language::try_from(language).unwrap_or_default());
    app.page_mut().set_collation(locale::ranks);
    appearance::start(&app.dom);
    disclosures::start(&app.dom)?;
    recents::start(&app.dom)?;
    controls::start(&app)?;
    persistence::start(&app);
    app.request_frame();
    let form: HtmlFormElement = app.dom.find("connect");
    if form.has_attribute(form::SUBMITTED) {
        form.request_submit()?;
    }
    Ok(())
}

/// Loads the texts of the page's language from the document.
fn load_texts(dom: &Dom) -> Result<(), Exception> {
    let block: Element = dom.find("texts");
    let block = JSON::parse(&block.text_content().unwrap_or_default())?;
    let block = block.unchecked_into::<Array>();
    texts::load(block.iter().filter_map(|text| text.as_string()));
    Ok(())
}

/// Shows a notice when the program panics: it has stopped for good, and the page would look alive.
fn show_notice_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        web_sys::console::error_1(&panic.to_string().into());
        if let Ok(dom) = Dom::new() {
            dom.find::<HtmlElement>("program-stopped").set_hidden(false);
        }
    }));
}
