//! Asks for the server of files that were picked before there was one.

use web_sys::HtmlElement;

use super::super::dom::{Dom, Visibility, set_text, show};
use crate::page::{Page, ready_files};

pub(super) struct ReadyFilesView {
    notice: HtmlElement,
}

impl ReadyFilesView {
    pub(super) fn new(dom: &Dom) -> Self {
        Self { notice: dom.find("ready-files") }
    }

    pub(super) fn draw(&self, page: &Page) {
        let number = page.queue().unplaced();
        show(&self.notice, Visibility::shown_if(number > 0));
        set_text(&self.notice, &ready_files(number));
    }
}
