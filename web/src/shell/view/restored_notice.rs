//! The notice about the uploads of an earlier page, and how to continue them.

use web_sys::{Element, HtmlElement};

use super::super::dom::{Dom, Visibility, set_text, show};
use crate::join::concat;
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
    pub(super) fn new(dom: &Dom) -> Self {
        Self {
            notice: dom.find("restored"),
            text: dom.find("restored-text"),
            reopen: dom.find("restored-continue"),
        }
    }

    pub(super) fn draw(&self, page: &Page) {
        let missing = page.queue().missing();
        show(&self.notice, Visibility::shown_if(!missing.is_empty()));
        if missing.is_empty() {
            return;
        }
        let text = concat(&[&page::restored_uploads(missing.len()), " ", page.restore_hint()]);
        set_text(&self.text, &text);
        let has_handles = page.queue().missing_access() == FileAccess::ByHandle;
        show(&self.reopen, Visibility::shown_if(has_handles));
    }
}
