//! Parts of the page that the user opens and closes. Session storage remembers which are open.

use web_sys::{Event, HtmlElement, Storage};

use super::dom::{Dom, Exception, listen, set_attribute};
use crate::join::concat;

/// The width below which the style sheet shows one column.
const ONE_COLUMN: &str = "(max-width: 43.99rem)";

/// The prefix of the keys in session storage.
const STORAGE_PREFIX: &str = "ferryport-open-";

/// Restores the state of each part and listens to its toggle.
///
/// Until the user toggles the session log, it is open exactly when there is more than one column.
pub(super) fn start(dom: &Dom) -> Result<(), Exception> {
    start_one(dom, "connected-toggle");
    let log = start_one(dom, "log-toggle");
    let Some(one_column) = dom.window.match_media(ONE_COLUMN)? else { return Ok(()) };
    let (dom, media) = (dom.clone(), one_column.clone());
    let follow_width = move || {
        if load(&dom, "log-toggle").is_none() {
            set_open(&log, !media.matches());
        }
    };
    follow_width();
    listen(&one_column, "change", move |_: Event| follow_width());
    Ok(())
}

fn start_one(dom: &Dom, id: &'static str) -> HtmlElement {
    let toggle: HtmlElement = dom.find(id);
    if let Some(is_open) = load(dom, id) {
        set_open(&toggle, is_open);
    }
    let (dom, clicked) = (dom.clone(), toggle.clone());
    listen(&toggle, "click", move |_: Event| {
        let open = clicked.get_attribute("aria-expanded").as_deref() != Some("true");
        set_open(&clicked, open);
        if let Some(storage) = storage(&dom) {
            // Storage may be full or disabled: the part then has its default after a reload.
            let _ = storage.set_item(&key(id), attribute_value(open));
        }
    });
    toggle
}

/// Sets the attribute by which the style sheet shows or hides the part.
fn set_open(toggle: &HtmlElement, open: bool) {
    set_attribute(toggle, "aria-expanded", attribute_value(open));
}

fn load(dom: &Dom, id: &str) -> Option<bool> {
    let stored = storage(dom)?.get_item(&key(id)).ok()??;
    Some(stored == "true")
}

fn storage(dom: &Dom) -> Option<Storage> {
    dom.window.session_storage().ok()?
}

fn key(id: &str) -> String {
    concat(&[STORAGE_PREFIX, id])
}

fn attribute_value(open: bool) -> &'static str {
    if open { "true" } else { "false" }
}
