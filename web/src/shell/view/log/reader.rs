//! What the reader of the session log does: chooses, finds, asks what a line means, takes it along.
//! Few listeners hear it all: what an event is about is told by where it happened.

use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use web_sys::{Element, Event, HtmlElement, HtmlInputElement, KeyboardEvent};

use super::{Act, Step, line_of};
use crate::shell::{
    app::App,
    dom::{Fault, listen},
    pressed,
};

/// Listens to the log and to everything around it.
pub(in crate::shell) fn listen_to_reader(app: &Rc<App>) -> Result<(), Fault> {
    let section: HtmlElement = app.dom.find("session-log")?;
    for kind in ["change", "input", "click"] {
        let app = app.clone();
        listen(&section, kind, move |event: Event| {
            if let Some(act) = asked(&app, &event) {
                app.read_log(act);
            }
        })?;
    }
    let (app, log) = (app.clone(), app.dom.find::<HtmlElement>("log")?);
    listen(&section, "keydown", move |event: KeyboardEvent| {
        let act = match pressed(&event, "#log-find") {
            Some(field) => find_key(&event, field.unchecked_ref()),
            None if pressed(&event, "#log").is_some() => line_key(&event, &log),
            None => return,
        };
        if let Some(act) = act {
            event.prevent_default();
            app.read_log(act);
        }
    })
}

fn asked(app: &App, event: &Event) -> Option<Act> {
    let target = event.target()?.unchecked_into::<Element>();
    Some(match (&*event.type_(), &*target.id()) {
        ("click", "log-copy") => Act::Copy,
        ("click", "log-download") => Act::Download,
        ("click", _) => {
            // Whoever marks text with the mouse does not ask what it means.
            let selection = app.dom.window.get_selection().ok().flatten();
            if selection.is_some_and(|selection| !selection.is_collapsed()) {
                return None;
            }
            Act::Toggle(pressed(event, ".line-toggle")?)
        }
        ("input", "log-find") => Act::Find,
        ("change", "log-explain-all") => Act::ExplainAll,
        ("change", id) if id != "log-find" => Act::Choose,
        _ => return None,
    })
}

/// What a key means in the field for text to be found.
fn find_key(event: &KeyboardEvent, field: &HtmlInputElement) -> Option<Act> {
    match &*event.key() {
        "Enter" if event.shift_key() => Some(Act::Step(Step::Previous)),
        "Enter" => Some(Act::Step(Step::Next)),
        "Escape" => {
            field.set_value("");
            Some(Act::Find)
        }
        _ => None,
    }
}

/// What a key means among the lines; moves from line to line by itself.
fn line_key(event: &KeyboardEvent, log: &HtmlElement) -> Option<Act> {
    let focused = pressed(event, ".line-toggle");
    let line = focused.as_ref().and_then(line_of);
    let next = match (&*event.key(), line) {
        ("Enter" | " ", _) => return focused.map(Act::Toggle),
        ("ArrowDown", Some(line)) => shown(line.next_element_sibling(), Way::Down),
        ("ArrowUp", Some(line)) => shown(line.previous_element_sibling(), Way::Up),
        ("ArrowDown", None) => first_in_view(log),
        ("ArrowUp", None) | ("End", Some(_)) => shown(log.last_element_child(), Way::Up),
        ("Home", Some(_)) => shown(log.first_element_child(), Way::Down),
        _ => return None,
    };
    event.prevent_default();
    if let Some(said) = next.and_then(|line| line.first_element_child()) {
        let _ = said.unchecked_into::<HtmlElement>().focus();
    }
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// The line, or the next one that way that no filter hides.
fn shown(mut line: Option<Element>, way: Way) -> Option<Element> {
    while let Some(hidden) = line.as_ref().filter(|line| line.has_attribute("hidden")) {
        line = match way {
            Way::Up => hidden.previous_element_sibling(),
            Way::Down => hidden.next_element_sibling(),
        };
    }
    line
}

fn first_in_view(log: &HtmlElement) -> Option<Element> {
    let top = log.scroll_top();
    let is_above = |line: &Element| line.unchecked_ref::<HtmlElement>().offset_top() < top;
    let mut line = shown(log.first_element_child(), Way::Down);
    while let Some(above) = line.as_ref().filter(|line| is_above(line)) {
        line = shown(above.next_element_sibling(), Way::Down);
    }
    line
}
