//! The receipt after the uploads have ended.

use web_sys::{Element, HtmlElement, HtmlTextAreaElement};

use super::super::dom::{Dom, Visibility, set_text, show};
use crate::{page::Page, summary, time::Millis};

pub(super) struct SummaryView {
    dom: Dom,
    slot: HtmlElement,
    text: Element,
    /// Holds what the receipt is made of, and shows it where the browser forbids access to the
    /// clipboard.
    content: HtmlTextAreaElement,
    /// Gets the focus when the element that had it is hidden.
    fallback: HtmlElement,
}

impl SummaryView {
    pub(super) fn new(dom: &Dom) -> Self {
        Self {
            dom: dom.clone(),
            slot: dom.find("summary"),
            text: dom.find("summary-text"),
            content: dom.find("receipt-content"),
            fallback: dom.find("uploads-section"),
        }
    }

    pub(super) fn draw(&self, page: &Page, now: Millis) {
        let has_receipt = page.queue().totals().has_receipt();
        if has_receipt {
            set_text(&self.text, &summary::sentence(page.queue(), page.busy_time(now)));
        } else if !self.slot.hidden() {
            let had_focus = self.dom.has_focus(&self.slot);
            show(&self.content, Visibility::Hidden);
            self.content.set_value("");
            show(&self.slot, Visibility::Hidden);
            if had_focus {
                let _ = self.fallback.focus();
            }
        }
        show(&self.slot, Visibility::shown_if(has_receipt));
    }

    /// Writes what the receipt is made of, for the script that copies, saves and prints it.
    pub(super) fn write_receipt(&self, page: &Page, now: Millis) {
        show(&self.content, Visibility::Hidden);
        let home = page.connection().home();
        self.content.set_value(&summary::receipt(page.queue(), home, page.busy_time(now)));
    }
}
