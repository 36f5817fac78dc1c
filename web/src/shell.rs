//! The browser's side: starts the program and listens to what the person does.

use std::rc::Rc;

use js_sys::{Array, JSON};
use protocol::client::Language;
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};
use web_sys::{
    BeforeUnloadEvent, ClipboardEvent, DragEvent, Element, HtmlButtonElement, HtmlDialogElement,
    HtmlElement, HtmlFormElement, HtmlInputElement, HtmlSelectElement, KeyboardEvent,
};

use self::{
    app::App,
    clipboard::Copied,
    dom::{Dom, Fault, listen},
    view::{CERTIFICATE_SHOWN, Step},
};
use crate::{
    address,
    connection::Network,
    page::{BulkAction, Event, UploadAction},
    queue::{ConflictPolicy, FolderId, OfferOrder, Row, Scope},
    texts,
};

mod app;
mod clipboard;
mod collation;
mod digests;
mod disclosures;
mod dom;
mod form;
mod handles;
mod keeper;
mod locks;
mod picker;
mod recents;
mod remote;
mod restored;
mod socket;
mod store;
mod view;
mod wake;

/// Starts the program. The boot script calls it once, when the document is there.
///
/// # Errors
/// When the document is not the one that belongs to this program.
#[wasm_bindgen]
pub fn start() -> Result<(), Fault> {
    say_when_stopped();
    let dom = Dom::new()?;
    take_in_texts(&dom)?;
    let app = App::new(dom)?;
    app.page_mut().set_language(language(&app.dom));
    app.page_mut().set_collation(collation::ranks);
    disclosures::start(&app.dom)?;
    recents::start(&app)?;
    form::start(&app)?;
    listen_to_connection(&app)?;
    listen_to_proof(&app)?;
    remote::listen_to_remote(&app)?;
    listen_to_uploads(&app)?;
    listen_to_totals(&app)?;
    listen_to_files(&app)?;
    view::log::listen_to_reader(&app)?;
    listen_to_window(&app)?;
    keeper::start(&app)?;
    app.ask_for_frame();
    let form: HtmlFormElement = app.dom.find("connect")?;
    if form.has_attribute("data-submitted") {
        form.request_submit()?;
    }
    Ok(())
}

/// Reads the texts of the page's language out of the page.
fn take_in_texts(dom: &Dom) -> Result<(), Fault> {
    let block: Element = dom.find("texts")?;
    let block = JSON::parse(&block.text_content().unwrap_or_default())?;
    let block = block.unchecked_into::<Array>();
    texts::take_in(block.iter().filter_map(|text| text.as_string()));
    Ok(())
}

/// The page's language.
fn language(dom: &Dom) -> Language {
    Language::try_from(dom::language(&dom.document)).unwrap_or_default()
}

/// A panic stops the program for good: the page must not look as if it went on.
fn say_when_stopped() {
    std::panic::set_hook(Box::new(|panic| {
        web_sys::console::error_1(&panic.to_string().into());
        if let Ok(notice) = Dom::new().and_then(|dom| dom.find::<HtmlElement>("program-stopped")) {
            notice.set_hidden(false);
        }
    }));
}

fn listen_to_connection(app: &Rc<App>) -> Result<(), Fault> {
    on_click(app, "disconnect", || Event::Disconnect)?;
    on_click(app, "cancel-connect", || Event::Disconnect)?;
    on_click(app, "reconnect", || Event::ReconnectNow)?;

    let dialog: HtmlDialogElement = app.dom.find("certificate-dialog")?;
    let (answered, answer) = (app.clone(), dialog.clone());
    listen(&dialog, "close", move |_: web_sys::Event| {
        // What the program closed by itself nobody has answered.
        let Some(shown) = answer.get_attribute(CERTIFICATE_SHOWN) else { return };
        let trusted = answer.return_value() == "trust";
        answered.handle(if trusted {
            Event::TrustCertificate(shown)
        } else {
            Event::RejectCertificate
        });
    })
}

fn listen_to_proof(app: &Rc<App>) -> Result<(), Fault> {
    let dialog: HtmlDialogElement = app.dom.find("security-dialog")?;
    let (opener, dom) = (app.dom.find::<HtmlElement>("security-open")?, app.dom.clone());
    listen(&opener, "click", move |_: web_sys::Event| {
        form::tell(&dom, "security-hint", "");
        // Fails for one that is open already only.
        let _ = dialog.show_modal();
    })?;
    let (copier, copied) = (app.dom.find::<HtmlElement>("copy-fingerprint")?, app.clone());
    listen(&copier, "click", move |_: web_sys::Event| {
        let fingerprint = Copied::Fingerprint(copied.fingerprint());
        clipboard::copy(&copied.dom, fingerprint, "security-hint");
    })?;
    let (copier, copied) = (app.dom.find::<HtmlElement>("copy-folder-link")?, app.clone());
    listen(&copier, "click", move |_: web_sys::Event| {
        if let Some(link) = link_here(&copied) {
            clipboard::copy(&copied.dom, Copied::Link(link), "connected-hint");
        }
    })
}

/// A link to the folder in view.
fn link_here(app: &App) -> Option<String> {
    let page = app.page();
    let destination = page.connection().wanted()?;
    Some(address::to_link(destination, page.remote().directory()))
}

fn listen_to_uploads(app: &Rc<App>) -> Result<(), Fault> {
    let list: HtmlElement = app.dom.find("uploads")?;
    let clicked = app.clone();
    listen(&list, "click", move |event: web_sys::Event| {
        if let Some(toggle) = pressed(&event, ".folder-toggle") {
            if let Some(folder) = owner(&toggle).and_then(|item| folder(&item)) {
                clicked.toggle_folder(folder);
            }
        } else if let Some(button) = pressed(&event, "[data-action]")
            && let Some(item) = owner(&button)
        {
            let act = act(&button, &item);
            act.into_iter().for_each(|event| clicked.handle(event));
        }
    })?;
    // Lines may have waited for whoever was there to go on.
    for kind in ["pointerover", "pointerleave", "focusin", "focusout"] {
        let left = app.clone();
        listen(&list, kind, move |_: web_sys::Event| left.scrolled())?;
    }
    let keys = app.clone();
    listen(&list, "keydown", move |event: KeyboardEvent| {
        let key = event.key();
        let is_for_browser = event.ctrl_key() || event.alt_key() || event.meta_key();
        if is_for_browser || pressed(&event, "input").is_some() {
            return;
        }
        if let Some(step) = Step::of_key(&key) {
            event.prevent_default();
            keys.go(step);
        } else if let Some(button) = button_for_key(&event, &key) {
            event.prevent_default();
            button.click();
        }
    })?;
    listen_to_filters(app)
}

/// Which uploads are shown, and what became of them.
fn listen_to_filters(app: &Rc<App>) -> Result<(), Fault> {
    let filters: HtmlElement = app.dom.find("filters")?;
    let clicked = app.clone();
    listen(&filters, "click", move |event: web_sys::Event| {
        if let Some(button) = pressed(&event, "button") {
            match view::filter(&button) {
                Some(filter) => clicked.show(filter),
                None => clicked.toggle_grouping(),
            }
        }
    })?;
    let copy: HtmlButtonElement = app.dom.find("copy-summary")?;
    let app = app.clone();
    listen(&copy, "click", move |_: web_sys::Event| app.copy_summary())
}

/// What a button of a line does: with a file, or with those of a folder.
fn act(button: &Element, item: &Element) -> Option<Event> {
    let row = item.get_attribute("data-row").and_then(|row| row.parse().ok()).map(Row);
    Some(match row {
        Some(row) => Event::Upload(row, action(button)?),
        None => Event::Bulk(Scope::Folder(folder(item)?), bulk(button)?),
    })
}

fn folder(item: &Element) -> Option<FolderId> {
    item.get_attribute("data-folder")?.parse().ok().map(FolderId)
}

fn bulk(button: &Element) -> Option<BulkAction> {
    Some(match button.get_attribute("data-action")?.as_str() {
        "pause" => BulkAction::Pause,
        "resume" => BulkAction::Resume,
        "cancel" => BulkAction::Cancel,
        "retry" => BulkAction::RetryFailed,
        _ => return None,
    })
}

/// What a key presses on the line that has the focus: Enter opens and closes what it holds, Delete
/// cancels where that is offered.
fn button_for_key(event: &web_sys::Event, key: &str) -> Option<HtmlElement> {
    let line = event.target()?.dyn_into::<Element>().ok()?;
    let selector = match key {
        "Enter" => ".folder-toggle, summary",
        "Delete" => "[data-action=cancel]:not([hidden])",
        _ => return None,
    };
    if !line.has_attribute("aria-posinset") {
        return None;
    }
    line.query_selector(selector).ok()?.map(JsCast::unchecked_into)
}

/// What is done with all uploads, and what holds for all of them.
fn listen_to_totals(app: &Rc<App>) -> Result<(), Fault> {
    on_click(app, "pause-all", || Event::Bulk(Scope::All, BulkAction::Pause))?;
    on_click(app, "resume-all", || Event::Bulk(Scope::All, BulkAction::Resume))?;
    on_click(app, "cancel-all", || Event::Bulk(Scope::All, BulkAction::Cancel))?;
    on_click(app, "retry-failed", || Event::Bulk(Scope::All, BulkAction::RetryFailed))?;
    on_click(app, "clear-finished", || Event::Bulk(Scope::All, BulkAction::ClearFinished))?;
    on_choice(app, "policy", |value| policy(value).map(Event::SetPolicy))?;
    on_choice(app, "order", |value| order(value).map(Event::SetOrder))?;
    let scrolled = app.clone();
    // In the capturing phase: whichever element scrolls, the page or the list.
    let seen = dom::function(move || scrolled.scrolled());
    app.dom.document.add_event_listener_with_callback_and_bool("scroll", &seen, true)?;
    app.dom.window.add_event_listener_with_callback("resize", &seen)
}

fn listen_to_files(app: &Rc<App>) -> Result<(), Fault> {
    for (button, input) in [("choose-files", "files"), ("choose-folder", "folder")] {
        let button: HtmlButtonElement = app.dom.find(button)?;
        let input: HtmlInputElement = app.dom.find(input)?;
        let chooser = input.clone();
        listen(&button, "click", move |_: web_sys::Event| chooser.click())?;
        let (app, chosen) = (app.clone(), input.clone());
        listen(&input, "change", move |_: web_sys::Event| {
            if let Some(files) = chosen.files() {
                picker::take_list(&app, &files);
            }
            // So that the same file can be chosen again.
            chosen.set_value("");
        })?;
    }
    let (button, going_on) = (app.dom.find::<HtmlButtonElement>("restored-continue")?, app.clone());
    listen(&button, "click", move |_: web_sys::Event| restored::go_on(&going_on))?;
    on_click(app, "restored-discard", || Event::DiscardRestored)?;
    listen_to_drops(app)
}

/// Files may be dropped anywhere on the page: a near miss must not make the browser leave it.
fn listen_to_drops(app: &Rc<App>) -> Result<(), Fault> {
    let document = app.dom.document.clone();
    let mark = |app: &Rc<App>, dragging: &'static str| {
        let app = app.clone();
        move || {
            if let Some(body) = app.dom.body() {
                dom::set_attribute(&body, "data-dragging", dragging);
            }
        }
    };
    let begin = mark(app, "yes");
    let over = app.clone();
    listen(&document, "dragover", move |event: DragEvent| {
        let brings_files = event
            .data_transfer()
            .is_some_and(|transfer| transfer.types().includes(&"Files".into(), 0));
        if brings_files {
            event.prevent_default();
            begin();
            remote::drag_over(&over, Some(&event));
        }
    })?;
    let end = mark(app, "no");
    let left = app.clone();
    listen(&document, "dragleave", move |event: DragEvent| {
        if event.related_target().is_none() {
            end();
            remote::drag_over(&left, None);
        }
    })?;
    let end = mark(app, "no");
    let dropped = app.clone();
    listen(&document, "drop", move |event: DragEvent| {
        event.prevent_default();
        end();
        remote::drag_over(&dropped, Some(&event));
        if let Some(transfer) = event.data_transfer() {
            picker::take_transfer(&dropped, &transfer);
        }
        remote::drag_over(&dropped, None);
    })?;
    let pasted = app.clone();
    listen(&document, "paste", move |event: ClipboardEvent| {
        if let Some(transfer) = event.clipboard_data()
            && transfer.files().is_some_and(|files| files.length() > 0)
        {
            event.prevent_default();
            picker::take_transfer(&pasted, &transfer);
        }
    })
}

fn listen_to_window(app: &Rc<App>) -> Result<(), Fault> {
    let leaving = app.clone();
    listen(&app.dom.window, "beforeunload", move |event: BeforeUnloadEvent| {
        if leaving.is_under_way() {
            event.prevent_default();
        }
    })?;
    for (kind, network) in [("online", Network::Online), ("offline", Network::Offline)] {
        let app = app.clone();
        let window = app.dom.window.clone();
        listen(&window, kind, move |_: web_sys::Event| app.handle(Event::NetworkChanged(network)))?;
    }
    let seen = app.clone();
    listen(&app.dom.document, "visibilitychange", move |_: web_sys::Event| {
        seen.keep_awake();
        seen.visibility_changed();
    })
}

fn on_click(app: &Rc<App>, id: &str, event: impl Fn() -> Event + 'static) -> Result<(), Fault> {
    let button: HtmlButtonElement = app.dom.find(id)?;
    let app = app.clone();
    listen(&button, "click", move |_: web_sys::Event| app.handle(event()))
}

/// Tells of the choice in a select, and of the one that a browser restored.
fn on_choice(
    app: &Rc<App>,
    id: &str,
    event: impl Fn(&str) -> Option<Event> + 'static,
) -> Result<(), Fault> {
    let select: HtmlSelectElement = app.dom.find(id)?;
    let (app, choice) = (app.clone(), select.clone());
    let tell = move || {
        if let Some(event) = event(&choice.value()) {
            app.handle(event);
        }
    };
    tell();
    listen(&select, "change", move |_: web_sys::Event| tell())
}

/// The element that was pressed, if `selector` fits it or one around it.
fn pressed(event: &web_sys::Event, selector: &str) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(selector).ok()?
}

/// The list item around an element.
fn owner(element: &Element) -> Option<Element> {
    element.closest("li").ok()?
}

fn action(button: &Element) -> Option<UploadAction> {
    Some(match button.get_attribute("data-action")?.as_str() {
        "pause" => UploadAction::Pause,
        "resume" => UploadAction::Resume,
        "cancel" => UploadAction::Cancel,
        "retry" => UploadAction::Retry,
        decision => {
            let policy = policy(decision)?;
            if for_all(button) {
                UploadAction::DecideAll(policy)
            } else {
                UploadAction::Decide(policy)
            }
        }
    })
}

/// Whether the row of a decision says that it is meant for all that follow.
fn for_all(button: &Element) -> bool {
    let checked = owner(button).and_then(|row| row.query_selector(".for-all:checked").ok()?);
    checked.is_some()
}

fn policy(name: &str) -> Option<ConflictPolicy> {
    Some(match name {
        "ask" => ConflictPolicy::Ask,
        "overwrite" => ConflictPolicy::Overwrite,
        "skip" => ConflictPolicy::Skip,
        "rename" => ConflictPolicy::Rename,
        "newer" => ConflictPolicy::OnlyNewer,
        "continue" => ConflictPolicy::Resume,
        _ => return None,
    })
}

fn order(name: &str) -> Option<OfferOrder> {
    Some(match name {
        "dropped" => OfferOrder::AsDropped,
        "smallest" => OfferOrder::SmallestFirst,
        "largest" => OfferOrder::LargestFirst,
        _ => return None,
    })
}
