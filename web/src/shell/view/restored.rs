//! Above the list: what an earlier page left, and what has to be done so that it goes on.

use web_sys::{Element, HtmlElement};

use super::super::dom::{Dom, Fault, Visibility, set_text, show};
use crate::{page, page::Page, queue::FileAccess};

pub(super) struct RestoredView {
    notice: HtmlElement,
    text: Element,
    go_on: HtmlElement,
}

impl RestoredView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Fault> {
        Ok(Self {
            notice: dom.find("restored")?,
            text: dom.find("restored-text")?,
            go_on: dom.find("restored-continue")?,
        })
    }

    pub(super) fn draw(&self, page: &Page) {
        let missing = page.queue().missing();
        show(&self.notice, Visibility::shown_if(!missing.is_empty()));
        if missing.is_empty() {
            return;
        }
        let has_handle = |row| {
            page.queue().get(row).is_some_and(|upload| upload.access() == FileAccess::ByHandle)
        };
        let handles = missing.iter().any(has_handle);
        let connected = page.connection().ready().is_some();
        let source = if handles { FileAccess::ByHandle } else { FileAccess::Missing };
        let what = page::restore_hint(connected, source);
        set_text(&self.text, &format!("{} {what}", page::restored_uploads(missing.len())));
        show(&self.go_on, Visibility::shown_if(handles));
    }
}
