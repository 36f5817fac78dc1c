//! The rows of the remote directory. Of a long list only the rows near the view are in the document.
//! The Tab key reaches the current row, and the arrow keys the others.

use protocol::server::{Entry, EntryKind};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

use super::super::{
    super::dom::{
        Dom, Exception, Template, Visibility, query, query_if_any, seen, set_attribute, set_text,
        show,
    },
    Redraw,
};
use crate::{
    format,
    remote::change_texts,
    remote::wording,
    remote::{RemoteChange, RemoteDirectory},
    shell::locale::date_time,
    virtual_list::{BlockHeights, begins_block},
};

/// Attempts to scroll to a row outside of the document. Its offset is an estimate from the measured
/// rows, and each attempt measures more of them.
const MAX_SCROLLS: usize = 3;

pub(super) struct RowsView {
    dom: Dom,
    list: HtmlElement,
    directory_template: Template,
    file_template: Template,
    heights: BlockHeights,
    /// Whether the rows in the document may not be those near the view.
    moved: bool,
    version: u64,
    directory: String,
    focus_requests: u64,
    current: usize,
    /// The index in the list of the first row in the document.
    first: usize,
    rows: Vec<HtmlElement>,
}

impl RowsView {
    pub(super) fn new(dom: &Dom) -> Self {
        Self {
            dom: dom.clone(),
            list: dom.find("remote-files"),
            directory_template: Template::find(dom, "t-directory"),
            file_template: Template::find(dom, "t-file"),
            heights: BlockHeights::default(),
            moved: false,
            version: 0,
            directory: String::new(),
            focus_requests: 0,
            current: 0,
            first: 0,
            rows: Vec::new(),
        }
    }

    pub(super) fn scrolled(&mut self) {
        self.moved = true;
    }

    pub(super) fn has_moved(&self) -> bool {
        self.moved
    }

    pub(super) fn draw(&mut self, remote: &RemoteDirectory) -> Result<Redraw, Exception> {
        set_attribute(&self.list, "aria-busy", if remote.is_loading() { "true" } else { "false" });
        let had_focus = self.dom.has_focus(&self.list);
        let is_other_directory = self.directory != remote.directory();
        let is_new = self.start_listing(remote);
        if self.moved {
            self.render(remote)?;
        }
        self.current = remote.cursor();
        // A user who opens a directory by keyboard keeps the focus in the list.
        let wants_focus =
            self.focus_requests != remote.focus_requests() || (is_other_directory && had_focus);
        self.focus_requests = remote.focus_requests();
        if wants_focus {
            self.scroll_to_current(remote)?;
        }
        self.mark(remote);
        if wants_focus {
            self.focus_current();
        } else if had_focus && is_new {
            self.keep_focus();
        }
        // The heights of new rows are known only after this frame.
        self.moved = is_new && self.rows.len() < remote.len();
        Ok(if self.moved { Redraw::Pending } else { Redraw::Complete })
    }

    /// Focuses the current row, which scrolls it into view.
    pub(super) fn focus_current(&self) {
        let _ = self.row(self.current).unwrap_or(&self.list).focus();
    }

    /// Focuses the current row without scrolling, or the list if the row is not in the document.
    fn keep_focus(&self) {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = self.row(self.current).unwrap_or(&self.list).focus_with_options(&options);
    }

    fn row(&self, index: usize) -> Option<&HtmlElement> {
        self.rows.get(index.checked_sub(self.first)?)
    }

    /// Prepares for another listing. Returns whether it is another one.
    ///
    /// The old rows stay in the document until the new ones replace them: otherwise the list would
    /// lose its height and its scroll position.
    fn start_listing(&mut self, remote: &RemoteDirectory) -> bool {
        if self.version == remote.version() {
            return false;
        }
        self.measure();
        self.version = remote.version();
        self.heights.resize(remote.len());
        if self.directory != remote.directory() {
            remote.directory().clone_into(&mut self.directory);
            self.list.set_scroll_top(0);
        }
        // They are not rows of the new listing.
        self.rows.clear();
        self.moved = true;
        true
    }

    /// Brings the rows near the view into the document, and removes the others.
    fn render(&mut self, remote: &RemoteDirectory) -> Result<(), Exception> {
        self.measure();
        let window = self.heights.rendered_rows(remote.len(), seen(&self.list, &self.dom));
        let had_focus = self.dom.has_focus(&self.list);
        let wanted = window.rows.clone();
        let (first, end) = (self.first, self.first + self.rows.len());
        let (kept_from, kept_to) = (wanted.start.max(first), wanted.end.min(end));
        if kept_from < kept_to {
            let mut rows = self.create_rows(remote, wanted.start..kept_from);
            self.insert(&rows, self.row(kept_from))?;
            for (index, row) in (first..).zip(std::mem::take(&mut self.rows)) {
                if wanted.contains(&index) {
                    rows.push(row);
                } else {
                    row.remove();
                }
            }
            let after = self.create_rows(remote, kept_to..wanted.end);
            self.insert(&after, None)?;
            rows.extend(after);
            self.rows = rows;
        } else {
            self.rows = self.create_rows(remote, wanted.clone());
            self.list.replace_children_with_node_0();
            self.insert(&self.rows, None)?;
        }
        self.first = wanted.start;
        let style = self.list.style();
        style.set_property("--space-above", &format!("{}px", window.above))?;
        style.set_property("--space-below", &format!("{}px", window.below))?;
        if had_focus && !self.dom.has_focus(&self.list) {
            self.keep_focus();
        }
        Ok(())
    }

    fn insert(&self, rows: &[HtmlElement], before: Option<&HtmlElement>) -> Result<(), Exception> {
        let fragment = self.dom.fragment();
        for row in rows {
            fragment.append_child(row)?;
        }
        let before = before.map(JsCast::unchecked_ref);
        self.list.insert_before(&fragment, before)?;
        Ok(())
    }

    fn create_rows(
        &self,
        remote: &RemoteDirectory,
        indexes: std::ops::Range<usize>,
    ) -> Vec<HtmlElement> {
        let size = remote.len().to_string();
        let mut rows = Vec::new();
        for index in indexes {
            let Some(entry) = remote.at(index) else { break };
            let row = self.create_row(entry);
            set_attribute(&row, "data-index", &index.to_string());
            set_attribute(&row, "aria-posinset", &(index + 1).to_string());
            set_attribute(&row, "aria-setsize", &size);
            rows.push(row);
        }
        rows
    }

    fn create_row(&self, entry: &Entry) -> HtmlElement {
        let item = match entry.kind {
            EntryKind::File => self.file_template.copy(),
            // A link may lead to a directory: the server tells when it is opened.
            EntryKind::Directory | EntryKind::Other => self.directory_template.copy(),
        };
        if entry.kind == EntryKind::Other {
            set_attribute(&item, "data-kind", "other");
        }
        let name = format::name(&entry.name);
        set_attribute(&item, "aria-label", &format::visible(&entry.name));
        let index: Element = query(&item, ".entry-name");
        set_text(&index, &name);
        set_attribute(&index, "title", &name);
        if let Some(size) = entry.size.filter(|_| entry.kind != EntryKind::Directory) {
            set_text(&query::<Element>(&item, ".entry-size"), &format::bytes(size));
        }
        if let Some(modified) = entry.modified_millis {
            set_text(&query::<Element>(&item, ".entry-date"), &date_time(millis(modified)));
        }
        if let Some(of) = &entry.leftover_of {
            set_text(&query::<Element>(&item, ".entry-note"), &wording::leftover(of));
            show(&query(&item, "[data-action=rename]"), Visibility::Hidden);
            let remove = change_texts::button(&RemoteChange::Remove(entry.clone()));
            let button: Element = query(&item, "[data-action=delete]");
            set_attribute(&button, "aria-label", remove);
            set_attribute(&button, "title", remove);
        }
        item
    }

    /// Sets what the Tab key reaches, and highlights the directory that files are dragged over.
    ///
    /// The Tab key reaches the current row and its buttons, or the list if that row is not in the
    /// document.
    fn mark(&self, remote: &RemoteDirectory) {
        let is_rendered = self.row(self.current).is_some();
        set_attribute(&self.list, "tabindex", if is_rendered { "-1" } else { "0" });
        for (index, row) in (self.first..).zip(&self.rows) {
            let tab_index = if index == self.current { "0" } else { "-1" };
            if row.get_attribute("tabindex").as_deref() != Some(tab_index) {
                set_attribute(row, "tabindex", tab_index);
                for selector in ["[data-action=rename]", "[data-action=delete]"] {
                    if let Some(button) = query_if_any(row, selector) {
                        set_attribute(&button, "tabindex", tab_index);
                    }
                }
            }
            let name = remote.at(index).map(|entry| entry.name.as_str());
            let is_drop_target = name.is_some() && name == remote.drag_over();
            set_attribute(row, "data-drop-target", if is_drop_target { "yes" } else { "no" });
        }
    }

    /// Scrolls to the current row if it is not in the document.
    fn scroll_to_current(&mut self, remote: &RemoteDirectory) -> Result<(), Exception> {
        for _ in 0..MAX_SCROLLS {
            if self.row(self.current).is_some() || remote.is_empty() {
                break;
            }
            let middle = self.heights.row_top(self.current) - self.list.client_height() / 2;
            self.list.set_scroll_top(middle.max(0));
            self.render(remote)?;
        }
        Ok(())
    }

    /// Learns how high the heights are that are in the document.
    fn measure(&mut self) {
        let rows = (self.first..).zip(&self.rows);
        let begins = rows.filter(|(index, _)| begins_block(*index));
        let mut tops: Vec<i32> = begins.map(|(_, row)| row.offset_top()).collect();
        if let Some(last) = self.rows.last() {
            tops.push(last.offset_top() + last.offset_height());
        }
        self.heights.measure(self.first, &tops);
    }
}

#[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53 milliseconds")]
fn millis(millis: i64) -> f64 {
    millis as f64
}
