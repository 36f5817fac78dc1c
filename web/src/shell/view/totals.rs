//! All uploads together, and the window's title.

use web_sys::{Document, Element, HtmlElement};

use super::super::dom::{Dom, Fault, Visibility, set_attribute, set_bar, set_text, show};
use crate::{queue::Queue, words};

pub(super) struct TotalsView {
    total: HtmlElement,
    bar: HtmlElement,
    text: Element,
    count: Element,
    landing: HtmlElement,
}

impl TotalsView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Fault> {
        Ok(Self {
            total: dom.find("total")?,
            bar: dom.find("total-bar")?,
            text: dom.find("total-text")?,
            count: dom.find("uploads-count")?,
            landing: dom.find("landing")?,
        })
    }

    pub(super) fn draw(&self, queue: &Queue, document: &Document) {
        let totals = queue.totals();
        let rate = queue.rate();
        let left = rate.time_for(totals.bytes - totals.taken);
        let text = words::total(&totals, rate.bytes_per_second(), left);
        show(&self.total, Visibility::shown_if(totals.files > 0));
        set_attribute(&self.landing, "data-used", if totals.files > 0 { "yes" } else { "no" });
        set_bar(&self.bar, totals.permille(), &words::count(&totals));
        let state = match (totals.active, totals.failed + totals.waiting) {
            (0, 0) if totals.done > 0 => "done",
            (0, attention) if attention > 0 => "attention",
            (_, _) => "sending",
        };
        set_attribute(&self.total, "data-state", state);
        set_text(&self.text, &text);
        set_text(&self.count, &words::count(&totals));
        let title = words::title(&totals);
        if document.title() != title {
            document.set_title(&title);
        }
    }
}
