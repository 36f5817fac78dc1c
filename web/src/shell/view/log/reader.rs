//! What the reader of the session log does: chooses, finds, asks what a line means, takes it along.

use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, HtmlInputElement, KeyboardEvent};

use super::{Act, Step, line_of};
use crate::shell::{
    app::App,
    dom::{Fault, listen},
    pressed,
};

/// Listens to the log and to everything around it.
pub(in crate::shell) fn listen_to_reader(app: &Rc<App>) -> Result<(), Fault> {
    for id in ["log-show", "log-session", "log-mask-hosts", "log-mask-users", "log-mask-paths"] {
        on(app, id, "change", || Act::Choose)?;
    }
    on(app, "log-explain-all", "change", || Act::ExplainAll)?;
    on(app, "log-find", "input", || Act::Find)?;
    on(app, "log-copy", "click", || Act::Copy)?;
    on(app, "log-download", "click", || Act::Download)?;
    listen_to_find(app)?;
    listen_to_lines(app)
}

fn on(app: &Rc<App>, id: &str, kind: &str, act: impl Fn() -> Act + 'static) -> Result<(), Fault> {
    let app = app.clone();
    let element: Element = app.dom.find(id)?;
    listen(&element, kind, move |_: web_sys::Event| app.read_log(act()))
}

fn listen_to_find(app: &Rc<App>) -> Result<(), Fault> {
    let app = app.clone();
    let field: HtmlInputElement = app.dom.find("log-find")?;
    let typed = field.clone();
    listen(&field, "keydown", move |event: KeyboardEvent| {
        let act = match (&*event.key(), event.shift_key()) {
            ("Enter", false) => Act::Step(Step::Next),
            ("Enter", true) => Act::Step(Step::Previous),
            ("Escape", _) => {
                typed.set_value("");
                Act::Find
            }
            _ => return,
        };
        event.prevent_default();
        app.read_log(act);
    })
}

fn listen_to_lines(app: &Rc<App>) -> Result<(), Fault> {
    let log: HtmlElement = app.dom.find("log")?;
    let clicked = app.clone();
    listen(&log, "click", move |event: web_sys::Event| {
        // Whoever marks text with the mouse does not ask what it means.
        let selection = clicked.dom.window.get_selection().ok().flatten();
        let marks = selection.is_some_and(|selection| !selection.is_collapsed());
        if let Some(said) = pressed(&event, ".line-said")
            && !marks
        {
            clicked.read_log(Act::Toggle(said));
        }
    })?;
    let (app, lines) = (app.clone(), log.clone());
    listen(&log, "keydown", move |event: KeyboardEvent| {
        let focused = pressed(&event, ".line-said");
        let line = focused.as_ref().and_then(line_of);
        let next = match (&*event.key(), line) {
            ("Enter" | " ", Some(_)) => {
                if let Some(said) = focused {
                    app.read_log(Act::Toggle(said));
                }
                event.prevent_default();
                return;
            }
            ("ArrowDown", Some(line)) => shown(line.next_element_sibling(), Way::Down),
            ("ArrowUp", Some(line)) => shown(line.previous_element_sibling(), Way::Up),
            ("ArrowDown", None) => first_in_view(&lines),
            ("ArrowUp", None) | ("End", Some(_)) => shown(lines.last_element_child(), Way::Up),
            ("Home", Some(_)) => shown(lines.first_element_child(), Way::Down),
            _ => return,
        };
        event.prevent_default();
        if let Some(said) = next.and_then(|line| line.first_element_child()) {
            let _ = said.unchecked_into::<HtmlElement>().focus();
        }
    })
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

fn first_in_view(lines: &HtmlElement) -> Option<Element> {
    let mut line = shown(lines.first_element_child(), Way::Down);
    while let Some(above) = line
        .as_ref()
        .filter(|line| line.unchecked_ref::<HtmlElement>().offset_top() < lines.scroll_top())
    {
        line = shown(above.next_element_sibling(), Way::Down);
    }
    line
}
