//! The destinations that this browser remembers, under the form. Where the browser keeps nothing,
//! there are none.

use std::rc::Rc;

use web_sys::{Element, HtmlElement, Storage};

use super::{
    app::App,
    dom::{Dom, Fault, Template, Visibility, listen, part, set_attribute, set_text, show},
    form, owner, pressed,
};
use crate::{
    recent,
    recent::{RecentDestination, RecentDestinations},
};

/// The name of what is kept.
const KEY: &str = "ferryport-recent";

/// Shows what there is, and listens to it.
pub(super) fn start(app: &Rc<App>) -> Result<(), Fault> {
    draw(&app.dom, &load(&app.dom))?;
    let list: HtmlElement = app.dom.find("recent-list")?;
    let dom = app.dom.clone();
    listen(&list, "click", move |event: web_sys::Event| {
        let at = |selector| pressed(&event, selector).and_then(|button| place_of(&button));
        let done = if let Some(index) = at(".recent-open") {
            take(&dom, index)
        } else if let Some(index) = at(".recent-remove") {
            remove(&dom, index)
        } else {
            Ok(())
        };
        if let Err(fault) = done {
            web_sys::console::error_1(&fault);
        }
    })
}

/// Keeps one more.
pub(super) fn remember(dom: &Dom, recent: RecentDestination) {
    let mut recents = load(dom);
    recents.remember(recent);
    save(dom, &recents);
    // What was not kept is not offered either.
    if let Err(fault) = draw(dom, &load(dom)) {
        web_sys::console::error_1(&fault);
    }
}

/// Fills the form with one; what is missing is the password.
fn take(dom: &Dom, index: usize) -> Result<(), Fault> {
    if let Some(RecentDestination { destination, folder }) = load(dom).destinations().get(index) {
        form::fill_with(dom, destination, folder)?;
        form::tell(dom, "form-hint", "");
        dom.find::<HtmlElement>("password")?.focus()?;
    }
    Ok(())
}

fn remove(dom: &Dom, index: usize) -> Result<(), Fault> {
    let mut recents = load(dom);
    if let Some(recent) = recents.destinations().get(index).cloned() {
        recents.forget(&recent.destination);
        save(dom, &recents);
    }
    draw(dom, &recents)?;
    // The focus goes on to the one that took its place.
    let list: Element = dom.find("recent-list")?;
    let buttons = list.query_selector_all(".recent-remove")?;
    let last = buttons.length().saturating_sub(1);
    match buttons.get(last.min(u32::try_from(index).unwrap_or(last))) {
        Some(button) => wasm_bindgen::JsCast::unchecked_into::<HtmlElement>(button).focus(),
        None => dom.find::<HtmlElement>("host")?.focus(),
    }
}

fn draw(dom: &Dom, recents: &RecentDestinations) -> Result<(), Fault> {
    let template = Template::find(dom, "t-recent")?;
    let fragment = dom.fragment();
    for (index, recent) in recents.destinations().iter().enumerate() {
        let item = template.copy()?;
        set_attribute(&item, "data-recent", &index.to_string());
        let place = recent::label(&recent.destination);
        set_text(&part(&item, ".recent-destination")?, &place);
        let how = recent::details(recent, &name_of(dom, recent)?);
        set_text(&part(&item, ".recent-details")?, &how);
        let remove: Element = part(&item, ".recent-remove")?;
        set_attribute(&remove, "aria-label", &recent::remove_label(&place));
        fragment.append_child(&item)?;
    }
    dom.find::<Element>("recent-list")?.replace_children_with_node_1(&fragment);
    show(&dom.find("recent")?, Visibility::shown_if(!recents.destinations().is_empty()));
    Ok(())
}

/// What the form calls the encryption.
fn name_of(dom: &Dom, recent: &RecentDestination) -> Result<String, Fault> {
    let option = match recent.destination.encryption {
        protocol::Encryption::Explicit => "[value=explicit]",
        protocol::Encryption::Implicit => "[value=implicit]",
    };
    let option: Element = part(&dom.find("encryption")?, option)?;
    Ok(option.text_content().unwrap_or_default())
}

fn place_of(button: &Element) -> Option<usize> {
    owner(button)?.get_attribute("data-recent")?.parse().ok()
}

fn storage(dom: &Dom) -> Option<Storage> {
    dom.window.local_storage().ok()?
}

fn load(dom: &Dom) -> RecentDestinations {
    let text = storage(dom).and_then(|storage| storage.get_item(KEY).ok()?);
    RecentDestinations::read(&text.unwrap_or_default())
}

fn save(dom: &Dom, recents: &RecentDestinations) {
    if let Some(storage) = storage(dom) {
        // A store that is full keeps what it has.
        let _ = storage.set_item(KEY, &recents.write());
    }
}
