//! Parts of the page that a person opens and closes. The visit remembers which are open.

use web_sys::{Event, HtmlElement, Storage};

use super::dom::{Dom, Fault, listen, set_attribute};

/// The style sheet's page of one column.
const ONE_COLUMN: &str = "(max-width: 43.99rem)";

/// What the visit remembers by.
const STORAGE_PREFIX: &str = "ferryport-open-";

/// Lets a person open and close them. The session log is open at first where there is room for it.
pub(super) fn start(dom: &Dom) -> Result<(), Fault> {
    listen_to(dom, "connected-toggle")?;
    let log = listen_to(dom, "log-toggle")?;
    let Some(column) = dom.window.match_media(ONE_COLUMN)? else { return Ok(()) };
    let (follow_dom, followed) = (dom.clone(), column.clone());
    let follow = move || {
        if remembered(&follow_dom, "log-toggle").is_none() {
            expand(&log, !followed.matches());
        }
    };
    follow();
    listen(&column, "change", move |_: Event| follow())
}

fn listen_to(dom: &Dom, id: &'static str) -> Result<HtmlElement, Fault> {
    let toggle: HtmlElement = dom.find(id)?;
    if let Some(is_open) = remembered(dom, id) {
        expand(&toggle, is_open);
    }
    let (dom, pressed) = (dom.clone(), toggle.clone());
    listen(&toggle, "click", move |_: Event| {
        let open = pressed.get_attribute("aria-expanded").as_deref() != Some("true");
        expand(&pressed, open);
        if let Some(storage) = storage(&dom) {
            // A browser that keeps nothing forgets it: no harm.
            let _ = storage.set_item(&key(id), said(open));
        }
    })?;
    Ok(toggle)
}

/// The style sheet goes by it.
fn expand(toggle: &HtmlElement, open: bool) {
    set_attribute(toggle, "aria-expanded", said(open));
}

fn remembered(dom: &Dom, id: &str) -> Option<bool> {
    let said = storage(dom)?.get_item(&key(id)).ok()??;
    Some(said == "true")
}

fn storage(dom: &Dom) -> Option<Storage> {
    dom.window.session_storage().ok()?
}

fn key(id: &str) -> String {
    [STORAGE_PREFIX, id].concat()
}

fn said(open: bool) -> &'static str {
    if open { "true" } else { "false" }
}
