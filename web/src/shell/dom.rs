//! Small help with the document: finding, cloning, listening, writing only what changed.

use std::time::Duration;

use js_sys::{Array, Date, Function, Intl::DateTimeFormat, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, convert::FromWasmAbi};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Document, DocumentFragment, Element, EventTarget, HtmlElement, HtmlTemplateElement, Window,
};

use crate::{time::millis, virtual_list::Viewport};

/// What the program needs of the document was not there, or the browser refused.
pub(super) type Fault = JsValue;

/// The window and its document.
#[derive(Clone)]
pub(super) struct Dom {
    pub(super) window: Window,
    pub(super) document: Document,
}

impl Dom {
    pub(super) fn new() -> Result<Self, Fault> {
        let window = web_sys::window().ok_or("no window")?;
        let document = window.document().ok_or("no document")?;
        Ok(Self { window, document })
    }

    /// The element that the template gave this id. It is taken for what the template makes it:
    /// asking the browser for its kind costs an import for each kind.
    pub(super) fn find<T: JsCast>(&self, id: &str) -> Result<T, Fault> {
        Ok(self.element(id)?.unchecked_into())
    }

    fn element(&self, id: &str) -> Result<Element, Fault> {
        let element = self.document.get_element_by_id(id);
        element.ok_or_else(|| format!("the page has no #{id}").into())
    }

    pub(super) fn body(&self) -> Option<HtmlElement> {
        self.document.body()
    }

    pub(super) fn fragment(&self) -> DocumentFragment {
        self.document.create_document_fragment()
    }

    pub(super) fn has_focus(&self, element: &Element) -> bool {
        self.document.active_element().is_some_and(|active| element.contains(Some(&active)))
    }

    /// Whether the focus is nowhere, for example because what had it is hidden now.
    pub(super) fn focus_is_lost(&self) -> bool {
        match (self.document.active_element(), self.document.body()) {
            (Some(active), Some(body)) => active == *body.as_ref(),
            (active, _) => active.is_none(),
        }
    }

    /// Runs `function` after a pause; gives the number to clear it by.
    pub(super) fn after(&self, pause: Duration, function: &Function) -> i32 {
        let millis = i32::try_from(millis(pause)).unwrap_or(i32::MAX);
        self.window
            .set_timeout_with_callback_and_timeout_and_arguments_0(function, millis)
            .unwrap_or_default()
    }

    /// Waits.
    pub(super) async fn sleep(&self, pause: Duration) {
        let waited = Promise::new(&mut |resolve, _| {
            self.after(pause, &resolve);
        });
        let _ = JsFuture::from(waited).await;
    }

    /// Runs `function` when the browser draws next.
    pub(super) fn at_next_frame(&self, function: &Function) {
        // Fails for a document without a window only.
        let _ = self.window.request_animation_frame(function);
    }
}

/// The content of a `<template>`, to be cloned.
#[derive(Clone)]
pub(super) struct Template(DocumentFragment);

impl Template {
    pub(super) fn find(dom: &Dom, id: &str) -> Result<Self, Fault> {
        Ok(Self(dom.find::<HtmlTemplateElement>(id)?.content()))
    }

    /// A copy of the one element in it.
    pub(super) fn copy(&self) -> Result<HtmlElement, Fault> {
        let copy = self.0.clone_node_with_deep(true)?;
        let element = copy.unchecked_into::<DocumentFragment>().first_element_child();
        Ok(element.ok_or("an empty template")?.unchecked_into())
    }
}

/// What is seen of a list, which scrolls by itself where it has a place of its own, and with the
/// page otherwise.
pub(super) fn seen(list: &HtmlElement, dom: &Dom) -> Viewport {
    if list.scroll_height() > list.client_height() + 1 {
        return Viewport { top: list.scroll_top(), height: list.client_height() };
    }
    let page = dom.document.document_element();
    let (scrolled, height) = page.map_or((0, 0), |page| (page.scroll_top(), page.client_height()));
    Viewport { top: (scrolled - list.offset_top()).max(0), height }
}

/// The first element in `scope` that `selector` fits.
pub(super) fn part<T: JsCast>(scope: &Element, selector: &str) -> Result<T, Fault> {
    let element = scope.query_selector(selector)?;
    let element = element.ok_or_else(|| JsValue::from(format!("no {selector}")))?;
    Ok(element.unchecked_into())
}

/// Calls `handler` at each event of that type, as long as the page lives.
pub(super) fn listen<E: JsCast + FromWasmAbi + 'static>(
    target: &EventTarget,
    kind: &str,
    handler: impl FnMut(E) + 'static,
) -> Result<(), Fault> {
    let closure = Closure::<dyn FnMut(E)>::new(handler);
    target.add_event_listener_with_callback(kind, closure.as_ref().unchecked_ref())?;
    closure.forget();
    Ok(())
}

/// A function for timers and frames, for as long as the page lives.
pub(super) fn function(body: impl FnMut() + 'static) -> Function {
    Closure::<dyn FnMut()>::new(body).into_js_value().unchecked_into()
}

/// Writes text where it is another: the browser lays out what is written, changed or not.
pub(super) fn set_text(element: &Element, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
}

pub(super) fn set_attribute(element: &Element, name: &str, value: &str) {
    if element.get_attribute(name).as_deref() != Some(value) {
        // Fails for names that no attribute can have; ours are constants.
        let _ = element.set_attribute(name, value);
    }
}

/// A number of bytes, as the browser has it.
#[expect(clippy::cast_precision_loss, reason = "no file is as long as 2^53 bytes")]
pub(super) fn number(bytes: u64) -> f64 {
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

/// Sets a bar of the class `route` to thousandths of its way.
pub(super) fn set_bar(bar: &HtmlElement, permille: u64, spoken: &str) {
    set_attribute(bar, "aria-valuenow", &(permille / 10).to_string());
    set_attribute(bar, "aria-valuetext", spoken);
    let way = format!("{}.{:03}", permille / 1000, permille % 1000);
    // A property of the style sheet's own: the browser takes any value.
    let _ = bar.style().set_property("--progress", &way);
}

/// `14:03:22` by the person's clock: in a log it is written so in every language.
pub(super) fn clock_time(millis: f64) -> String {
    let date = Date::new(&millis.into());
    format!("{:02}:{:02}:{:02}", date.get_hours(), date.get_minutes(), date.get_seconds())
}

/// `2026-11-22-1403` by the person's clock, for names of files.
pub(super) fn file_date(millis: f64) -> String {
    let date = Date::new(&millis.into());
    format!(
        "{}-{:02}-{:02}-{:02}{:02}",
        date.get_full_year(),
        date.get_month() + 1,
        date.get_date(),
        date.get_hours(),
        date.get_minutes()
    )
}

/// `22 Nov 2026, 14:03` by the person's clock, as the page's language has it.
pub(super) fn date_time(millis: f64) -> String {
    thread_local! {
        static FORMAT: Function = date_format(&[("dateStyle", "medium"), ("timeStyle", "short")]);
    }
    FORMAT.with(|format| say_date(format, millis)).unwrap_or_default()
}

/// `22 Nov 2026, 14:03:00 UTC` for a date as certificates have it (RFC 3339, UTC), in the page's
/// language; what is no date stays as it is.
pub(super) fn utc(rfc3339: &str) -> String {
    thread_local! {
        static FORMAT: Function = date_format(&[
            ("dateStyle", "medium"), ("timeStyle", "long"), ("timeZone", "UTC"),
        ]);
    }
    let said = FORMAT.with(|format| say_date(format, Date::parse(rfc3339)));
    said.unwrap_or_else(|| rfc3339.to_owned())
}

/// Makes a format once: it costs more than what it is used for.
fn date_format(choices: &[(&str, &str)]) -> Function {
    let options = Object::new();
    for (name, choice) in choices {
        // Fails for objects that are frozen only.
        let _ = Reflect::set(&options, &(*name).into(), &(*choice).into());
    }
    DateTimeFormat::new(&locales(), &options).format()
}

/// Nothing for what is no date.
fn say_date(format: &Function, millis: f64) -> Option<String> {
    format.call1(&JsValue::UNDEFINED, &millis.into()).ok()?.as_string()
}

/// The page's language, as a tag (RFC 5646).
pub(super) fn language(document: &Document) -> String {
    let root = document.document_element();
    root.and_then(|root| root.get_attribute("lang")).unwrap_or_default()
}

/// The page's language, as it is written where the person is: of British and American dates the
/// browser knows which.
pub(super) fn locales() -> Array {
    let window = web_sys::window();
    let language = window.as_ref().and_then(Window::document).map(|document| language(&document));
    let language = language.unwrap_or_default();
    let preferred = window.map(|window| window.navigator().languages()).unwrap_or_default();
    let locales = Array::new();
    for locale in preferred.iter() {
        if locale.as_string().unwrap_or_default().split('-').next() == Some(&*language) {
            locales.push(&locale);
        }
    }
    locales.push(&language.into());
    locales
}
