//! Keeps the rows that a user reads at their place on the screen while others grow and move.
//!
//! While the user points at a row or has focused one, no row moves and none above it grows
//! ([`ScrollAnchor::held`]). In a scrolled list a row in view keeps its place: the list is scrolled by
//! as much as that row has moved.

use std::{cell::Cell, rc::Rc};

use web_sys::{Element, Event, HtmlElement};

use crate::shell::dom::{Dom, listen, scrolls};

/// The row under the pointer, or with the keyboard's focus.
const HELD: &str = "#uploads > :is(:hover, :focus-visible, :has(:focus-visible))";
/// The row with the keyboard's focus. On touch screens `:hover` remains after a tap.
const FOCUSED: &str = "#uploads > :is(:focus-visible, :has(:focus-visible))";

pub(super) struct ScrollAnchor {
    dom: Dom,
    list: HtmlElement,
    /// Whether the pointer has moved over the list. A resting pointer under which the list moves
    /// points at nothing.
    is_pointing: Rc<Cell<bool>>,
    /// The row that keeps its place, and its offset before the frame, in pixels.
    anchor: Option<(HtmlElement, i32)>,
}

impl ScrollAnchor {
    pub(super) fn new(dom: &Dom, list: &HtmlElement) -> Self {
        let is_pointing = Rc::new(Cell::new(false));
        for (kind, is_over) in [("pointermove", true), ("pointerleave", false)] {
            let is_pointing = is_pointing.clone();
            listen(list, kind, move |_: Event| is_pointing.set(is_over));
        }
        Self { dom: dom.clone(), list: list.clone(), is_pointing, anchor: None }
    }

    /// Returns the row that the user points at or has focused by keyboard.
    pub(super) fn held(&self) -> Option<Element> {
        let selector = if self.is_pointing.get() { HELD } else { FOCUSED };
        self.dom.document.query_selector(selector).ok()?
    }

    /// Whether a row begins below the upper edge of a list that is scrolled by so many pixels.
    pub(super) fn is_in_view(&self, item: &HtmlElement, scrolled: i32) -> bool {
        item.offset_top() - self.list.offset_top() >= scrolled
    }

    /// Sets the row that keeps its place in this frame.
    pub(super) fn set(&mut self, item: &HtmlElement) {
        self.anchor = Some((item.clone(), item.offset_top()));
    }

    /// Scrolls by as much as the anchor has moved.
    pub(super) fn restore(&mut self) {
        let Some((item, before)) = self.anchor.take() else { return };
        let moved = item.offset_top() - before;
        if moved == 0 || !self.list.contains(Some(&item)) {
            return;
        }
        if scrolls(&self.list) {
            self.list.set_scroll_top(self.list.scroll_top() + moved);
        } else if let Some(page) = self.dom.document.document_element() {
            page.set_scroll_top(page.scroll_top() + moved);
        }
    }
}
