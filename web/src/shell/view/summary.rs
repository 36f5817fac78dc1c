//! The summary of the uploads after all have ended.

use web_sys::{Element, HtmlElement, HtmlTextAreaElement};

use super::super::dom::{Dom, Visibility, set_text, show};
use crate::{page::Page, summary, time::Millis};

pub(super) struct SummaryView {
    dom: Dom,
    slot: HtmlElement,
    text: Element,
    /// Holds the summary for manual copying, where the browser forbids access to the clipboard.
    manual_copy: HtmlTextAreaElement,
    /// Gets the focus when the element that had it is hidden.
    fallback: HtmlElement,
}

impl SummaryView {
    pub(super) fn new(dom: &Dom) -> Self {
        Self {
            dom: dom.clone(),
            slot: dom.find("summary"),
            text: dom.find("summary-text"),
            manual_copy: dom.find("summary-manual-copy"),
            fallback: dom.find("uploads-section"),
        }
    }

    pub(super) fn draw(&self, page: &Page, now: Millis) {
        let ended = page.queue().totals().ended();
        if ended {
            set_text(&self.text, &summary::sentence(page.queue(), page.busy_time(now)));
        } else if !self.slot.hidden() {
            let had_focus = self.dom.has_focus(&self.slot);
            show(&self.manual_copy, Visibility::Hidden);
            self.manual_copy.set_value("");
            show(&self.slot, Visibility::Hidden);
            if had_focus {
                let _ = self.fallback.focus();
            }
        }
        show(&self.slot, Visibility::shown_if(ended));
    }

    /// Shows the summary selected, for the user to copy.
    pub(super) fn select(&self, text: &str) {
        show(&self.manual_copy, Visibility::Shown);
        self.manual_copy.set_value(text);
        let _ = self.manual_copy.focus();
        self.manual_copy.select();
    }
}
