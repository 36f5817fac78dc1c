//! The window and the document: finds and clones elements, listens to events, sets timers, and
//! writes only what has changed.

use std::{pin::Pin, time::Duration};

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, throw_str};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Document, DocumentFragment, Element, EventTarget, HtmlElement, HtmlTemplateElement, Window,
};

use crate::{time::millis, virtual_list::Viewport};

/// A JavaScript exception, or the description of what is missing in the document.
pub(super) type Exception = JsValue;

/// The window and its document.
#[derive(Clone)]
pub(super) struct Dom {
    pub(super) window: Window,
    pub(super) document: Document,
}

impl Dom {
    pub(super) fn new() -> Result<Self, Exception> {
        let window = web_sys::window().ok_or("no window")?;
        let document = window.document().ok_or("no document")?;
        Ok(Self { window, document })
    }

    /// Returns the element with this id, without checking its class: each class that is checked
    /// costs an import from the browser.
    ///
    /// Throws an exception if the document lacks it, which only a fault of the markup can cause.
    pub(super) fn find<T: JsCast>(&self, id: &str) -> T {
        self.element(id).unchecked_into()
    }

    fn element(&self, id: &str) -> Element {
        found(self.document.get_element_by_id(id), id)
    }

    pub(super) fn body(&self) -> Option<HtmlElement> {
        self.document.body()
    }

    pub(super) fn fragment(&self) -> DocumentFragment {
        self.document.create_document_fragment()
    }

    /// Whether the focus is on an element or in it.
    pub(super) fn has_focus(&self, element: &Element) -> bool {
        self.document.active_element().is_some_and(|active| element.contains(Some(&active)))
    }

    /// Whether no element has the focus, for example because the one that had it is hidden now.
    pub(super) fn focus_is_lost(&self) -> bool {
        match (self.document.active_element(), self.document.body()) {
            (Some(active), Some(body)) => active == *body.as_ref(),
            (active, _) => active.is_none(),
        }
    }

    /// Calls `function` after a pause. Returns the handle of the timer.
    pub(super) fn after(&self, pause: Duration, function: &Function) -> i32 {
        let millis = i32::try_from(millis(pause)).unwrap_or(i32::MAX);
        self.window
            .set_timeout_with_callback_and_timeout_and_arguments_0(function, millis)
            .unwrap_or_default()
    }

    /// Returns after a pause.
    pub(super) async fn sleep(&self, pause: Duration) {
        let elapsed = Promise::new(&mut |resolve, _| {
            self.after(pause, &resolve);
        });
        let _ = JsFuture::from(elapsed).await;
    }

    /// Calls `function` before the browser's next repaint.
    pub(super) fn at_next_frame(&self, function: &Function) {
        // Fails for a document without a window only.
        let _ = self.window.request_animation_frame(function);
    }
}

/// The content of a `<template>` element.
#[derive(Clone)]
pub(super) struct Template(DocumentFragment);

impl Template {
    /// Returns the template with this id.
    pub(super) fn find(dom: &Dom, id: &str) -> Self {
        Self(dom.find::<HtmlTemplateElement>(id).content())
    }

    /// Clones the template's only element.
    pub(super) fn copy(&self) -> HtmlElement {
        let copy = self.0.clone_node_with_deep(true).ok();
        let copy = copy.map(JsCast::unchecked_into::<DocumentFragment>);
        found(copy.and_then(|copy| copy.first_element_child()), "an element in a template")
            .unchecked_into()
    }
}

/// Returns the visible part of a list, which scrolls by itself or, if it has no height of its own,
/// with the page.
pub(super) fn seen(list: &HtmlElement, dom: &Dom) -> Viewport {
    if scrolls(list) {
        return Viewport { top: list.scroll_top(), height: list.client_height() };
    }
    let page = dom.document.document_element();
    let (scrolled, height) = page.map_or((0, 0), |page| (page.scroll_top(), page.client_height()));
    Viewport { top: (scrolled - list.offset_top()).max(0), height }
}

/// Whether an element has more content than height. A fraction of a pixel is no reason to scroll.
pub(super) fn scrolls(element: &HtmlElement) -> bool {
    element.scroll_height() > element.client_height() + 1
}

/// Returns the first element inside `scope` that matches `selector`.
///
/// Throws an exception if there is none, which only a fault of the markup can cause.
pub(super) fn query<T: JsCast>(scope: &Element, selector: &str) -> T {
    found(query_if_any(scope, selector), selector).unchecked_into()
}

/// Returns the first element inside `scope` that matches `selector`, if there is one.
pub(super) fn query_if_any(scope: &Element, selector: &str) -> Option<Element> {
    scope.query_selector(selector).ok()?
}

/// Returns the element that was looked for, or throws an exception. A `Result` at each of the
/// hundreds of calls would add the code that drops what was found before: 10 kB of the program.
fn found(element: Option<Element>, wanted: &str) -> Element {
    element.unwrap_or_else(|| throw_str(wanted))
}

/// Returns the element that matches `selector` and is, or contains, the target of an event.
pub(super) fn closest(event: &web_sys::Event, selector: &str) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(selector).ok()?
}

/// Returns the list item that is, or contains, an element.
pub(super) fn list_item(element: &Element) -> Option<Element> {
    element.closest("li").ok()?
}

/// Calls `handler` at each event of a type, for as long as the page lives.
///
/// An event of another type than `E` reaches no handler: the browser fires events of one type with
/// one name.
pub(super) fn listen<E: JsCast>(
    target: &EventTarget,
    kind: &str,
    mut handler: impl FnMut(E) + 'static,
) {
    listen_to_any(target, kind, Box::new(move |event| handler(event.unchecked_into())));
}

/// Not generic: each closure type that is handed to JavaScript costs code of its own.
fn listen_to_any(target: &EventTarget, kind: &str, handler: Box<dyn FnMut(web_sys::Event)>) {
    let closure = Closure::wrap(handler).into_js_value();
    // Fails for no event.
    let _ = target.add_event_listener_with_callback(kind, closure.unchecked_ref());
}

/// Makes a JavaScript function for timers and frames. It lives as long as the page.
pub(super) fn function(body: impl FnMut() + 'static) -> Function {
    boxed_function(Box::new(body))
}

fn boxed_function(body: Box<dyn FnMut()>) -> Function {
    Closure::wrap(body).into_js_value().unchecked_into()
}

/// Runs a task. Not generic on the inside, as [`listen`].
pub(super) fn spawn(task: impl Future<Output = ()> + 'static) {
    spawn_boxed(Box::pin(task));
}

fn spawn_boxed(task: Pin<Box<dyn Future<Output = ()>>>) {
    spawn_local(task);
}

/// Sets an element's text if it differs: the browser lays out what is written, changed or not.
pub(super) fn set_text(element: &Element, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
}

/// Sets the text of the element with this id.
pub(super) fn set_text_of(dom: &Dom, id: &str, text: &str) {
    set_text(&dom.find(id), text);
}

/// Sets an attribute if it differs.
pub(super) fn set_attribute(element: &Element, name: &str, value: &str) {
    if element.get_attribute(name).as_deref() != Some(value) {
        // Fails for invalid names only; ours are constants.
        let _ = element.set_attribute(name, value);
    }
}

/// Converts a number of bytes to the number type of JavaScript.
#[expect(clippy::cast_precision_loss, reason = "no file is as long as 2^53 bytes")]
pub(super) fn js_number(bytes: u64) -> f64 {
    bytes as f64
}

/// Shows or hides an element.
pub(super) fn show(element: &HtmlElement, visibility: Visibility) {
    let hidden = visibility == Visibility::Hidden;
    if element.hidden() != hidden {
        element.set_hidden(hidden);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Visibility {
    Shown,
    Hidden,
}

impl Visibility {
    pub(super) fn shown_if(condition: bool) -> Self {
        if condition { Self::Shown } else { Self::Hidden }
    }
}

/// Sets a progress bar of the class `progress`. `spoken` is its value for screen readers.
pub(super) fn set_progress(bar: &HtmlElement, permille: u64, spoken: &str) {
    set_attribute(bar, "aria-valuenow", &(permille / 10).to_string());
    set_attribute(bar, "aria-valuetext", spoken);
    let progress = format!("{}.{:03}", permille / 1000, permille % 1000);
    // A custom property accepts any value.
    let _ = bar.style().set_property("--progress", &progress);
}
