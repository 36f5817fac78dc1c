//! The view of the page, simple or for support, and its colours. The early script in `templates/`
//! sets both before the page is drawn.

use web_sys::{Element, Event, HtmlSelectElement, Storage};

use super::dom::{Dom, listen, set_attribute};

/// The attribute of the document with the view, by which the style sheet lays out the page.
const VIEW: &str = "data-view";
/// Its value for the support view.
const SUPPORT: &str = "support";
/// The attribute of the document with the colours; empty for those of the system.
const THEME: &str = "data-theme";

/// The key of the view in session storage, for this tab, and in local storage, for new ones.
const VIEW_KEY: &str = "ferryport-view";
/// The key of the colours in local storage.
const THEME_KEY: &str = "ferryport-theme";

/// How much the page shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// What somebody needs who only uploads.
    Simple,
    /// Everything side by side.
    Support,
}

/// Listens to the choice of colours.
pub(super) fn start(dom: &Dom) {
    let select: HtmlSelectElement = dom.find("theme");
    if let Some(theme) = root(dom).and_then(|root| root.get_attribute(THEME)) {
        select.set_value(&theme);
    }
    let (dom, chosen) = (dom.clone(), select.clone());
    listen(&select, "change", move |_: Event| {
        set(&dom, THEME, &chosen.value());
        store(local_storage(&dom), THEME_KEY, &chosen.value());
    });
}

/// Returns the view.
pub(super) fn view(dom: &Dom) -> View {
    match root(dom).and_then(|root| root.get_attribute(VIEW)) {
        Some(view) if view == SUPPORT => View::Support,
        _ => View::Simple,
    }
}

/// Changes to the other view, and remembers it.
pub(super) fn toggle_view(dom: &Dom) {
    let value = match view(dom) {
        View::Simple => SUPPORT,
        View::Support => "",
    };
    set(dom, VIEW, value);
    store(dom.window.session_storage().ok().flatten(), VIEW_KEY, value);
    store(local_storage(dom), VIEW_KEY, value);
}

fn set(dom: &Dom, attribute: &str, value: &str) {
    if let Some(root) = root(dom) {
        set_attribute(&root, attribute, value);
    }
}

/// Storage may be full or disabled: the page then has its default after a reload.
fn store(storage: Option<Storage>, key: &str, value: &str) {
    if let Some(storage) = storage {
        let _ = storage.set_item(key, value);
    }
}

fn local_storage(dom: &Dom) -> Option<Storage> {
    dom.window.local_storage().ok()?
}

fn root(dom: &Dom) -> Option<Element> {
    dom.document.document_element()
}
