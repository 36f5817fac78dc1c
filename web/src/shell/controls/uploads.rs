//! The controls of the uploads: the list by pointer and keyboard, the filters, the buttons and
//! choices for all uploads.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::{on_choice, on_click};
use crate::{
    page::{BulkAction, Event, UploadAction},
    queue::{ConflictPolicy, FolderId, NameProblem, OfferOrder, Row, Scope},
    shell::{
        app::App,
        dom::{closest, function, list_item, listen, set_attribute},
        view::{self, FocusMove},
    },
};

/// The attribute of a row with the name that the user entered for its file.
const NEW_NAME: &str = "data-new-name";

pub(super) fn listen_to_uploads(app: &Rc<App>) {
    listen_to_list(app);
    listen_to_filters(app);
    on_click(app, "pause-all", || Event::Bulk(Scope::All, BulkAction::Pause));
    on_click(app, "resume-all", || Event::Bulk(Scope::All, BulkAction::Resume));
    on_click(app, "cancel-all", || Event::Bulk(Scope::All, BulkAction::Cancel));
    on_click(app, "retry-failed", || Event::Bulk(Scope::All, BulkAction::RetryFailed));
    on_click(app, "clear-finished", || Event::Bulk(Scope::All, BulkAction::ClearFinished));
    on_choice(app, "policy", |value| policy(value).map(Event::SetPolicy));
    on_choice(app, "order", |value| order(value).map(Event::SetOrder));
    listen_to_scrolling(app);
}

fn listen_to_list(app: &Rc<App>) {
    let list: HtmlElement = app.dom.find("uploads");
    let clicked = app.clone();
    listen(&list, "click", move |event: web_sys::Event| {
        if let Some(toggle) = closest(&event, ".folder-toggle") {
            if let Some(folder) = list_item(&toggle).and_then(|item| folder_of(&item)) {
                clicked.toggle_folder(folder);
            }
        } else if let Some(button) = closest(&event, "[data-action]")
            && let Some(item) = list_item(&button)
        {
            act(&clicked, &button, &item);
        }
    });
    // Rows may move again as soon as the user points at none of them and none has the focus.
    for kind in ["pointerover", "pointerleave", "focusin", "focusout"] {
        let released = app.clone();
        listen(&list, kind, move |_: web_sys::Event| released.scrolled());
    }
    let app = app.clone();
    listen(&list, "keydown", move |event: KeyboardEvent| {
        let key = event.key();
        let is_for_browser = event.ctrl_key() || event.alt_key() || event.meta_key();
        if is_for_browser || closest(&event, "input").is_some() {
            return;
        }
        if let Some(to) = FocusMove::of_key(&key) {
            event.prevent_default();
            app.move_focus(to);
        } else if let Some(button) = button_of_key(&event, &key) {
            event.prevent_default();
            button.click();
        }
    });
}

fn listen_to_filters(app: &Rc<App>) {
    let filters: HtmlElement = app.dom.find("filters");
    let clicked = app.clone();
    listen(&filters, "click", move |event: web_sys::Event| {
        if let Some(button) = closest(&event, "button") {
            match view::filter_of_button(&button) {
                Some(filter) => clicked.set_filter(filter),
                None => clicked.toggle_grouping(),
            }
        }
    });
    let decisions: HtmlElement = app.dom.find("decision-buttons");
    let decided = app.clone();
    listen(&decisions, "click", move |event: web_sys::Event| {
        let button = closest(&event, "[data-decision]");
        let name = button.and_then(|button| button.get_attribute("data-decision"));
        let decision = name.and_then(|name| policy(&name)).map(Event::DecideAll);
        decision.into_iter().for_each(|event| decided.handle(event));
    });
    // The page's script copies, saves or prints it in its own listener, which runs after this one.
    let receipt: HtmlElement = app.dom.find("summary");
    let app = app.clone();
    listen(&receipt, "click", move |_: web_sys::Event| app.write_receipt());
}

/// Listens in the capturing phase: either the page or a list scrolls.
fn listen_to_scrolling(app: &Rc<App>) {
    let scrolling = app.clone();
    let scrolled = function(move || scrolling.scrolled());
    let document = &app.dom.document;
    // Neither can fail.
    let _ = document.add_event_listener_with_callback_and_bool("scroll", &scrolled, true);
    let _ = app.dom.window.add_event_listener_with_callback("resize", &scrolled);
}

/// Does what a button in a list item is for.
fn act(app: &Rc<App>, button: &Element, item: &Element) {
    let name = item.get_attribute(NEW_NAME).filter(|_| button.has_attribute("data-renames"));
    match (row_of(item), name) {
        (Some(row), Some(name)) => rename(app, item, row, name),
        _ => event_of_button(button, item).into_iter().for_each(|event| app.handle(event)),
    }
}

/// Gives a file another name, or marks the row with the reason against it. The script of the name's
/// field (`web/static/rename.js`) shows that.
fn rename(app: &Rc<App>, item: &Element, row: Row, name: String) {
    let problem = app.page().queue().name_problem(row, &name);
    set_attribute(item, "data-name-problem", problem.map_or("", NameProblem::code));
    if problem.is_none() {
        app.handle(Event::Rename(row, name));
    }
}

fn row_of(item: &Element) -> Option<Row> {
    item.get_attribute("data-row")?.parse().ok().map(Row)
}

/// Returns the event of a button in a list item, which is an upload or a folder.
fn event_of_button(button: &Element, item: &Element) -> Option<Event> {
    Some(match row_of(item) {
        Some(row) => Event::Upload(row, upload_action(button)?),
        None => Event::Bulk(Scope::Folder(folder_of(item)?), bulk_action(button)?),
    })
}

fn folder_of(item: &Element) -> Option<FolderId> {
    item.get_attribute("data-folder")?.parse().ok().map(FolderId)
}

fn bulk_action(button: &Element) -> Option<BulkAction> {
    Some(match button.get_attribute("data-action")?.as_str() {
        "pause" => BulkAction::Pause,
        "resume" => BulkAction::Resume,
        "cancel" => BulkAction::Cancel,
        "retry" => BulkAction::RetryFailed,
        _ => return None,
    })
}

fn upload_action(button: &Element) -> Option<UploadAction> {
    Some(match button.get_attribute("data-action")?.as_str() {
        "pause" => UploadAction::Pause,
        "resume" => UploadAction::Resume,
        "cancel" => UploadAction::Cancel,
        "retry" => UploadAction::Retry,
        "shorten" => UploadAction::Shorten,
        "remove" => UploadAction::Remove,
        decision => {
            let policy = policy(decision)?;
            if is_for_all(button) {
                UploadAction::DecideAll(policy)
            } else {
                UploadAction::Decide(policy)
            }
        }
    })
}

/// Whether the user wants the decision for all later conflicts too.
fn is_for_all(button: &Element) -> bool {
    let checked = list_item(button).and_then(|row| row.query_selector(".for-all:checked").ok()?);
    checked.is_some()
}

/// Returns what a key clicks in the list item with the focus: Enter its toggle, F2 its Rename button,
/// Delete its Cancel button or else its Remove button, if these are shown.
fn button_of_key(event: &web_sys::Event, key: &str) -> Option<HtmlElement> {
    let item = event.target()?.dyn_into::<Element>().ok()?;
    let selector = match key {
        "Enter" => ".folder-toggle, summary",
        "F2" => "[data-action=name]:not([hidden])",
        "Delete" => "[data-action=cancel]:not([hidden]), [data-action=remove]:not([hidden])",
        _ => return None,
    };
    if !item.has_attribute("aria-posinset") {
        return None;
    }
    item.query_selector(selector).ok()?.map(JsCast::unchecked_into)
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
        "name" => OfferOrder::ByName,
        _ => return None,
    })
}
