//! The notice about the uploads of an earlier page, and how to continue them.

use web_sys::{Element, HtmlElement};

use super::super::dom::{Dom, Exception, Visibility, set_text, show};
use crate::{
    page::{self, Page},
    queue::FileAccess,
};

pub(super) struct RestoredNotice {
    notice: HtmlElement,
    text: Element,
    reopen: HtmlElement,
}

impl RestoredNotice {
    pub(super) fn new(dom: &Dom) -> Result<Self, Exception> {
        Ok(Self {
            notice: dom.find("restored")?,
            text: dom.find("restored-text")?,
            reopen: dom.find("restored-continue")?,
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
        show(&self.reopen, Visibility::shown_if(handles));
    }
}
