//! The notices about files and folders that were not uploaded.

use web_sys::HtmlElement;

use crate::shell::dom::{Dom, Exception, Template, Visibility, set_text, show};

pub(super) struct NoticesView {
    dom: Dom,
    list: HtmlElement,
    notice: Template,
}

impl NoticesView {
    pub(super) fn new(dom: &Dom) -> Self {
        Self {
            dom: dom.clone(),
            list: dom.find("notices"),
            notice: Template::find(dom, "t-notice"),
        }
    }

    pub(super) fn draw(&self, notices: &[String]) -> Result<(), Exception> {
        let fragment = self.dom.fragment();
        for notice in notices {
            let item = self.notice.copy();
            set_text(&item, notice);
            fragment.append_child(&item)?;
        }
        self.list.replace_children_with_node_1(&fragment);
        show(&self.list, Visibility::shown_if(!notices.is_empty()));
        Ok(())
    }
}
