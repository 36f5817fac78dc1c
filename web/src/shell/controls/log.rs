//! The controls of the session log: filters, search, explanations, export. A few listeners on the
//! section handle the events of all its elements.

use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use web_sys::{Element, Event, HtmlElement, HtmlInputElement, KeyboardEvent};

use crate::shell::{
    app::App,
    dom::{closest, listen},
    view::log::{LogAction, MatchMove, line_of},
};

/// Listens to the log and its tools.
pub(super) fn listen_to_log(app: &Rc<App>) {
    let section: HtmlElement = app.dom.find("session-log");
    for kind in ["change", "input", "click"] {
        let app = app.clone();
        listen(&section, kind, move |event: Event| {
            if let Some(action) = action_of(&app, &event) {
                app.read_log(action);
            }
        });
    }
    let (app, log) = (app.clone(), app.dom.find::<HtmlElement>("log"));
    listen(&section, "keydown", move |event: KeyboardEvent| {
        let action = match closest(&event, "#log-find") {
            Some(field) => search_key(&event, field.unchecked_ref()),
            None if closest(&event, "#log").is_some() => line_key(&event, &log),
            None => return,
        };
        if let Some(action) = action {
            event.prevent_default();
            app.read_log(action);
        }
    });
}

fn action_of(app: &App, event: &Event) -> Option<LogAction> {
    let target = event.target()?.unchecked_into::<Element>();
    Some(match (&*event.type_(), &*target.id()) {
        ("click", _) => {
            // The click ends a selection of text.
            let selection = app.dom.window.get_selection().ok().flatten();
            if selection.is_some_and(|selection| !selection.is_collapsed()) {
                return None;
            }
            LogAction::Toggle(closest(event, ".line-toggle")?)
        }
        ("input", "log-find") => LogAction::Find,
        ("change", "log-explain-all") => LogAction::ToggleAll,
        ("change", id) if id != "log-find" => LogAction::ApplyOptions,
        _ => return None,
    })
}

/// Returns what a key does in the search field.
fn search_key(event: &KeyboardEvent, field: &HtmlInputElement) -> Option<LogAction> {
    match &*event.key() {
        "Enter" if event.shift_key() => Some(LogAction::FindStep(MatchMove::Previous)),
        "Enter" => Some(LogAction::FindStep(MatchMove::Next)),
        "Escape" => {
            field.set_value("");
            Some(LogAction::Find)
        }
        _ => None,
    }
}

/// Returns what a key does on a line. Arrow keys, Home and End move the focus right here.
fn line_key(event: &KeyboardEvent, log: &HtmlElement) -> Option<LogAction> {
    let focused = closest(event, ".line-toggle");
    let line = focused.as_ref().and_then(line_of);
    let next = match (&*event.key(), line) {
        ("Enter" | " ", _) => return focused.map(LogAction::Toggle),
        ("ArrowDown", Some(line)) => shown(line.next_element_sibling(), Direction::Down),
        ("ArrowUp", Some(line)) => shown(line.previous_element_sibling(), Direction::Up),
        ("ArrowDown", None) => first_in_view(log),
        ("ArrowUp", None) | ("End", Some(_)) => shown(log.last_element_child(), Direction::Up),
        ("Home", Some(_)) => shown(log.first_element_child(), Direction::Down),
        _ => return None,
    };
    event.prevent_default();
    if let Some(toggle) = next.and_then(|line| line.first_element_child()) {
        let _ = toggle.unchecked_into::<HtmlElement>().focus();
    }
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// Returns the line, or the next one in this direction, that no filter hides.
fn shown(mut line: Option<Element>, direction: Direction) -> Option<Element> {
    while let Some(hidden) = line.as_ref().filter(|line| line.has_attribute("hidden")) {
        line = match direction {
            Direction::Up => hidden.previous_element_sibling(),
            Direction::Down => hidden.next_element_sibling(),
        };
    }
    line
}

fn first_in_view(log: &HtmlElement) -> Option<Element> {
    let top = log.scroll_top();
    let is_above = |line: &Element| line.unchecked_ref::<HtmlElement>().offset_top() < top;
    let mut line = shown(log.first_element_child(), Direction::Down);
    while let Some(above) = line.as_ref().filter(|line| is_above(line)) {
        line = shown(above.next_element_sibling(), Direction::Down);
    }
    line
}
