//! The directory in view.

use protocol::server::{Entry, EntryKind};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::{
    super::dom::{
        Dom, Fault, Template, Visibility, date_time, part, set_attribute, set_text, show,
    },
    problem::ProblemTemplate,
};
use crate::{connection::Ftps, format, page::Page, remote, words};

pub(super) struct RemoteView {
    dom: Dom,
    list: HtmlElement,
    directory: Element,
    drop_directory: Element,
    up: HtmlElement,
    refresh: HtmlElement,
    empty: HtmlElement,
    left_out: HtmlElement,
    waiting: HtmlElement,
    problem: HtmlElement,
    problem_template: ProblemTemplate,
    directory_template: Template,
    file_template: Template,
    shown: Vec<Entry>,
}

impl RemoteView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Fault> {
        Ok(Self {
            dom: dom.clone(),
            list: dom.find("remote-files")?,
            directory: dom.find("remote-directory")?,
            drop_directory: dom.find("drop-directory")?,
            up: dom.find("remote-up")?,
            refresh: dom.find("remote-refresh")?,
            empty: dom.find("remote-empty")?,
            left_out: dom.find("remote-left-out")?,
            waiting: dom.find("remote-waiting")?,
            problem: dom.find("remote-problem")?,
            problem_template: ProblemTemplate::find(dom)?,
            directory_template: Template::find(dom, "t-directory")?,
            file_template: Template::find(dom, "t-file")?,
            shown: Vec::new(),
        })
    }

    pub(super) fn draw(&mut self, page: &Page) -> Result<(), Fault> {
        let remote = page.remote();
        let directory = format::visible(remote.directory());
        set_text(&self.directory, &directory);
        set_text(&self.drop_directory, &directory);
        let loading = remote.is_loading();
        set_attribute(&self.list, "aria-busy", if loading { "true" } else { "false" });

        let connected = matches!(page.connection().ftps(), Ftps::In(_));
        let has_parent = remote::parent(remote.directory()).is_some();
        disable(&self.up, !connected || !has_parent);
        disable(&self.refresh, !connected);

        if self.shown != remote.entries() {
            self.draw_entries(remote.entries())?;
        }
        let nothing = remote.entries().is_empty() && !loading && remote.problem().is_none();
        show(&self.empty, Visibility::shown_if(nothing));
        show(&self.left_out, Visibility::shown_if(remote.left_out() > 0));
        set_text(&self.left_out, &words::left_out(remote.left_out()));
        let waits = connected && loading && page.queue().totals().active > 0;
        set_text(&self.waiting, if waits { words::listing_waits() } else { "" });
        show(&self.waiting, Visibility::shown_if(waits));
        self.problem_template.fill(&self.problem, remote.problem())
    }

    fn draw_entries(&mut self, entries: &[Entry]) -> Result<(), Fault> {
        let had_focus = self.dom.has_focus(&self.list);
        let fragment = self.dom.fragment();
        for (index, entry) in entries.iter().enumerate() {
            let item = self.item(entry)?;
            set_attribute(&item, "data-entry", &index.to_string());
            fragment.append_child(&item)?;
        }
        self.list.replace_children_with_node_1(&fragment);
        self.shown = entries.to_vec();
        if had_focus {
            // The button that was pressed is gone with the directory that it was in.
            let first = self.list.query_selector("button")?;
            let next = first.map_or_else(|| self.refresh.clone(), JsCast::unchecked_into);
            let _ = next.focus();
        }
        Ok(())
    }

    fn item(&self, entry: &Entry) -> Result<HtmlElement, Fault> {
        let item = match entry.kind {
            EntryKind::Directory => self.directory_template.copy()?,
            EntryKind::File | EntryKind::Other => self.file_template.copy()?,
        };
        let name = format::visible(&entry.name);
        let place: Element = part(&item, ".entry-name")?;
        set_text(&place, &name);
        set_attribute(&place, "title", &name);
        if let Some(size) = entry.size.filter(|_| entry.kind != EntryKind::Directory) {
            set_text(&part::<Element>(&item, ".entry-size")?, &format::bytes(size));
        }
        if let Some(modified) = entry.modified_millis {
            set_text(&part::<Element>(&item, ".entry-date")?, &date_time(millis(modified)));
        }
        Ok(item)
    }
}

fn disable(button: &HtmlElement, disabled: bool) {
    let button: &web_sys::HtmlButtonElement = button.unchecked_ref();
    if button.disabled() != disabled {
        button.set_disabled(disabled);
    }
}

#[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53 milliseconds")]
fn millis(millis: i64) -> f64 {
    millis as f64
}
