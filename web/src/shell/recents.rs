//! Recent destinations below the connect form.

use web_sys::{Element, HtmlElement, HtmlInputElement};

use super::{
    dom::{
        Dom, Exception, Template, Visibility, closest, list_item, listen, query, set_attribute,
        set_text, set_text_of, show,
    },
    form,
    recent_storage::{load, save},
};
use crate::{
    recent,
    recent::{RecentDestination, RecentDestinations},
};

/// Shows the destinations and listens to their buttons.
pub(super) fn start(dom: &Dom) -> Result<(), Exception> {
    draw(dom, &load(dom))?;
    let list: HtmlElement = dom.find("recent-list");
    let dom = dom.clone();
    listen(&list, "click", move |event: web_sys::Event| {
        let at = |selector| closest(&event, selector).and_then(|button| index_of(&button));
        let outcome = if let Some(index) = at(".recent-open") {
            fill_form(&dom, index)
        } else if let Some(index) = at(".recent-remove") {
            remove(&dom, index)
        } else {
            Ok(())
        };
        if let Err(exception) = outcome {
            web_sys::console::error_1(&exception);
        }
    });
    Ok(())
}

/// Remembers a destination, and its certificate if the user wants that.
pub(super) fn remember(dom: &Dom, mut recent: RecentDestination) {
    let mut recents = load(dom);
    let is_known = recents.certificate_at(&recent.destination) == recent.certificate.as_ref();
    if !is_known && !dom.find::<HtmlInputElement>("certificate-remember").checked() {
        recent.certificate = None;
    }
    recents.remember(recent);
    save(dom, &recents);
    // Shows what was stored: storage may be full or disabled.
    if let Err(exception) = draw(dom, &load(dom)) {
        web_sys::console::error_1(&exception);
    }
}

/// Fills the form with a destination. The focus moves to the password, which is not remembered.
fn fill_form(dom: &Dom, index: usize) -> Result<(), Exception> {
    if let Some(RecentDestination { destination, folder, .. }) = load(dom).destinations().get(index)
    {
        form::fill_with(dom, destination, folder);
        set_text_of(dom, "form-hint", "");
        dom.find::<HtmlElement>("password").focus()?;
    }
    Ok(())
}

fn remove(dom: &Dom, index: usize) -> Result<(), Exception> {
    let mut recents = load(dom);
    if let Some(recent) = recents.destinations().get(index).cloned() {
        recents.forget(&recent.destination);
        save(dom, &recents);
    }
    draw(dom, &recents)?;
    // The focus moves to the destination that took the place of the removed one.
    let list: Element = dom.find("recent-list");
    let buttons = list.query_selector_all(".recent-remove")?;
    let last = buttons.length().saturating_sub(1);
    match buttons.get(last.min(u32::try_from(index).unwrap_or(last))) {
        Some(button) => wasm_bindgen::JsCast::unchecked_into::<HtmlElement>(button).focus(),
        None => dom.find::<HtmlElement>("host").focus(),
    }
}

fn draw(dom: &Dom, recents: &RecentDestinations) -> Result<(), Exception> {
    let template = Template::find(dom, "t-recent");
    let fragment = dom.fragment();
    for (index, recent) in recents.destinations().iter().enumerate() {
        let item = template.copy();
        set_attribute(&item, "data-recent", &index.to_string());
        let label = recent::label(&recent.destination);
        set_text(&query(&item, ".recent-destination"), &label);
        let details = recent::details(recent, &encryption_name(dom, recent));
        set_text(&query(&item, ".recent-details"), &details);
        if recent.certificate.is_some() {
            let remembered = recent::certificate_remembered();
            set_text(&query(&item, ".recent-certificate"), remembered);
        }
        let remove: Element = query(&item, ".recent-remove");
        set_attribute(&remove, "aria-label", &recent::remove_label(&label));
        fragment.append_child(&item)?;
    }
    dom.find::<Element>("recent-list").replace_children_with_node_1(&fragment);
    show(&dom.find("recent"), Visibility::shown_if(!recents.destinations().is_empty()));
    Ok(())
}

/// Returns the name of the encryption in the form.
fn encryption_name(dom: &Dom, recent: &RecentDestination) -> String {
    let option = match recent.destination.encryption {
        Some(protocol::Encryption::Explicit) => "[value=explicit]",
        Some(protocol::Encryption::Implicit) => "[value=implicit]",
        None => "[value=automatic]",
    };
    let option: Element = query(&dom.find("encryption"), option);
    option.text_content().unwrap_or_default()
}

fn index_of(button: &Element) -> Option<usize> {
    list_item(button)?.get_attribute("data-recent")?.parse().ok()
}
