//! What became of the uploads, when all have ended.

use web_sys::{Element, HtmlElement, HtmlTextAreaElement};

use super::super::dom::{Dom, Fault, Visibility, set_text, show};
use crate::{page::Page, summary, time::Millis};

pub(super) struct SummaryView {
    dom: Dom,
    slot: HtmlElement,
    text: Element,
    /// Holds the summary where the browser lets no page write to the clipboard.
    by_hand: HtmlTextAreaElement,
    /// Gets the focus when what had it is not there any more.
    fallback: HtmlElement,
}

impl SummaryView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Fault> {
        Ok(Self {
            dom: dom.clone(),
            slot: dom.find("summary")?,
            text: dom.find("summary-text")?,
            by_hand: dom.find("summary-manual-copy")?,
            fallback: dom.find("uploads-section")?,
        })
    }

    pub(super) fn draw(&self, page: &Page, now: Millis) {
        let ended = page.queue().totals().ended();
        if ended {
            set_text(&self.text, &summary::sentence(page.queue(), page.busy_time(now)));
        } else if !self.slot.hidden() {
            let had_focus = self.dom.has_focus(&self.slot);
            show(&self.by_hand, Visibility::Hidden);
            self.by_hand.set_value("");
            show(&self.slot, Visibility::Hidden);
            if had_focus {
                let _ = self.fallback.focus();
            }
        }
        show(&self.slot, Visibility::shown_if(ended));
    }

    /// Selects the summary, for the person to copy.
    pub(super) fn select(&self, text: &str) {
        show(&self.by_hand, Visibility::Shown);
        self.by_hand.set_value(text);
        let _ = self.by_hand.focus();
        self.by_hand.select();
    }
}
