//! What keeps the list still under whoever reads it: nothing changes its place or its height above
//! the line that somebody points at or has reached by keyboard, and what is in view of a list that
//! was scrolled stays where it is.

use std::{cell::Cell, rc::Rc};

use web_sys::{Element, Event, HtmlElement};

use crate::shell::dom::{Dom, Fault, listen};

/// The line that somebody points at, and the one that the keyboard has reached.
const HELD: &str = "#uploads > :is(:hover, :focus-visible, :has(:focus-visible))";
/// The same, of a person who does not point: on a screen that is touched, `:hover` stays behind.
const HELD_BY_KEYS: &str = "#uploads > :is(:focus-visible, :has(:focus-visible))";

pub(super) struct Calm {
    dom: Dom,
    list: HtmlElement,
    /// Whether a pointer moves over the list. One that rests while the list comes to lie under it
    /// points at nothing.
    pointed: Rc<Cell<bool>>,
    /// What has to stay where it is, and how far from the top that was, in pixels.
    anchor: Option<(HtmlElement, i32)>,
}

impl Calm {
    pub(super) fn new(dom: &Dom, list: &HtmlElement) -> Result<Self, Fault> {
        let pointed = Rc::new(Cell::new(false));
        for (kind, is_there) in [("pointermove", true), ("pointerleave", false)] {
            let pointed = pointed.clone();
            listen(list, kind, move |_: Event| pointed.set(is_there))?;
        }
        Ok(Self { dom: dom.clone(), list: list.clone(), pointed, anchor: None })
    }

    /// The line under the pointer or the keyboard's focus.
    pub(super) fn held(&self) -> Option<Element> {
        let selector = if self.pointed.get() { HELD } else { HELD_BY_KEYS };
        self.dom.document.query_selector(selector).ok()?
    }

    /// Whether a line begins in view, where the list is scrolled this far, in pixels.
    pub(super) fn is_in_view(&self, item: &HtmlElement, scrolled: i32) -> bool {
        item.offset_top() - self.list.offset_top() >= scrolled
    }

    /// This line is to stay where it is, whatever is written now.
    pub(super) fn anchor(&mut self, item: &HtmlElement) {
        self.anchor = Some((item.clone(), item.offset_top()));
    }

    /// Scrolls by as much as what was to stay has moved.
    pub(super) fn settle(&mut self) {
        let Some((item, before)) = self.anchor.take() else { return };
        let moved = item.offset_top() - before;
        if moved == 0 || !self.list.contains(Some(&item)) {
            return;
        }
        if self.list.scroll_height() > self.list.client_height() + 1 {
            self.list.set_scroll_top(self.list.scroll_top() + moved);
        } else if let Some(page) = self.dom.document.document_element() {
            page.set_scroll_top(page.scroll_top() + moved);
        }
    }
}
