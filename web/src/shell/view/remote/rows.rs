//! The rows of the directory in view. Of a long one only those near the view are in the document,
//! and one of them can be reached with the tab key: the arrows lead to the others.

use protocol::server::{Entry, EntryKind};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

use super::super::{
    super::dom::{
        Dom, Exception, Template, Visibility, query, seen, set_attribute, set_text, show,
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

/// Where a row is is guessed by those that were seen: the guess is better each time.
const MOST_SCROLLS: usize = 3;

pub(super) struct RowsView {
    dom: Dom,
    list: HtmlElement,
    directory_template: Template,
    file_template: Template,
    blocks: BlockHeights,
    /// Whether other rows may be in view than those that are in the document.
    moved: bool,
    version: u64,
    directory: String,
    focus_requests: u64,
    current: usize,
    /// Those that are in the document, from this place of the list on.
    first: usize,
    rows: Vec<HtmlElement>,
}

impl RowsView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Exception> {
        Ok(Self {
            dom: dom.clone(),
            list: dom.find("remote-files")?,
            directory_template: Template::find(dom, "t-directory")?,
            file_template: Template::find(dom, "t-file")?,
            blocks: BlockHeights::default(),
            moved: false,
            version: 0,
            directory: String::new(),
            focus_requests: 0,
            current: 0,
            first: 0,
            rows: Vec::new(),
        })
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
        let is_elsewhere = self.directory != remote.directory();
        let is_new = self.relist(remote);
        if self.moved {
            self.move_window(remote)?;
        }
        self.current = remote.cursor();
        // Who goes to another directory by keyboard goes on there.
        let wished = self.focus_requests != remote.focus_requests() || (is_elsewhere && had_focus);
        self.focus_requests = remote.focus_requests();
        if wished {
            self.bring_into_view(remote)?;
        }
        self.mark(remote);
        if wished {
            self.focus_current();
        } else if had_focus && is_new {
            self.keep_focus();
        }
        // How high rows are is known only now.
        self.moved = is_new && self.rows.len() < remote.len();
        Ok(if self.moved { Redraw::Pending } else { Redraw::Complete })
    }

    /// Puts the focus on the current row, and that into view.
    pub(super) fn focus_current(&self) {
        let _ = self.row(self.current).unwrap_or(&self.list).focus();
    }

    /// The same, and nothing moves: on the list where that row is far from view.
    fn keep_focus(&self) {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = self.row(self.current).unwrap_or(&self.list).focus_with_options(&options);
    }

    fn row(&self, place: usize) -> Option<&HtmlElement> {
        self.rows.get(place.checked_sub(self.first)?)
    }

    /// Whether what is listed is not what it was. The rows stay in the document until the others
    /// are there: the list would lose its height, and the place that it is scrolled to.
    fn relist(&mut self, remote: &RemoteDirectory) -> bool {
        if self.version == remote.version() {
            return false;
        }
        self.measure();
        self.version = remote.version();
        self.blocks.resize(remote.len());
        if self.directory != remote.directory() {
            remote.directory().clone_into(&mut self.directory);
            self.list.set_scroll_top(0);
        }
        // None of them is one of the new list's.
        self.rows.clear();
        self.moved = true;
        true
    }

    /// Brings the rows in view into the document, and takes the others out.
    fn move_window(&mut self, remote: &RemoteDirectory) -> Result<(), Exception> {
        self.measure();
        let window = self.blocks.rendered_rows(remote.len(), seen(&self.list, &self.dom));
        let had_focus = self.dom.has_focus(&self.list);
        let wanted = window.rows.clone();
        let (first, end) = (self.first, self.first + self.rows.len());
        let (kept_from, kept_to) = (wanted.start.max(first), wanted.end.min(end));
        if kept_from < kept_to {
            let mut rows = self.make(remote, wanted.start..kept_from)?;
            self.insert(&rows, self.row(kept_from))?;
            for (place, row) in (first..).zip(std::mem::take(&mut self.rows)) {
                if wanted.contains(&place) {
                    rows.push(row);
                } else {
                    row.remove();
                }
            }
            let after = self.make(remote, kept_to..wanted.end)?;
            self.insert(&after, None)?;
            rows.extend(after);
            self.rows = rows;
        } else {
            self.rows = self.make(remote, wanted.clone())?;
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

    fn make(
        &self,
        remote: &RemoteDirectory,
        places: std::ops::Range<usize>,
    ) -> Result<Vec<HtmlElement>, Exception> {
        let size = remote.len().to_string();
        let mut rows = Vec::new();
        for place in places {
            let Some(entry) = remote.at(place) else { break };
            let row = self.item(entry)?;
            set_attribute(&row, "data-index", &place.to_string());
            set_attribute(&row, "aria-posinset", &(place + 1).to_string());
            set_attribute(&row, "aria-setsize", &size);
            rows.push(row);
        }
        Ok(rows)
    }

    fn item(&self, entry: &Entry) -> Result<HtmlElement, Exception> {
        let item = match entry.kind {
            EntryKind::Directory => self.directory_template.copy()?,
            EntryKind::File | EntryKind::Other => self.file_template.copy()?,
        };
        let name = format::visible(&entry.name);
        set_attribute(&item, "aria-label", &name);
        let place: Element = query(&item, ".entry-name")?;
        set_text(&place, &name);
        set_attribute(&place, "title", &name);
        if let Some(size) = entry.size.filter(|_| entry.kind != EntryKind::Directory) {
            set_text(&query::<Element>(&item, ".entry-size")?, &format::bytes(size));
        }
        if let Some(modified) = entry.modified_millis {
            set_text(&query::<Element>(&item, ".entry-date")?, &date_time(millis(modified)));
        }
        if let Some(of) = &entry.leftover_of {
            set_text(&query::<Element>(&item, ".entry-note")?, &wording::leftover(of));
            show(&query(&item, "[data-action=rename]")?, Visibility::Hidden);
            let remove = change_texts::button(&RemoteChange::Remove(entry.clone()));
            let button: Element = query(&item, "[data-action=delete]")?;
            set_attribute(&button, "aria-label", remove);
            set_attribute(&button, "title", remove);
        }
        Ok(item)
    }

    /// The current row and its buttons are in the order of the tab key, and the list where that
    /// row is not in the document; files are dropped into the directory that they are over.
    fn mark(&self, remote: &RemoteDirectory) {
        let is_there = self.row(self.current).is_some();
        set_attribute(&self.list, "tabindex", if is_there { "-1" } else { "0" });
        for (place, row) in (self.first..).zip(&self.rows) {
            let stop = if place == self.current { "0" } else { "-1" };
            if row.get_attribute("tabindex").as_deref() != Some(stop) {
                set_attribute(row, "tabindex", stop);
                for wish in ["[data-action=rename]", "[data-action=delete]"] {
                    if let Ok(button) = query::<Element>(row, wish) {
                        set_attribute(&button, "tabindex", stop);
                    }
                }
            }
            let name = remote.at(place).map(|entry| entry.name.as_str());
            let is_over = name.is_some() && name == remote.drag_over();
            set_attribute(row, "data-drop-target", if is_over { "yes" } else { "no" });
        }
    }

    /// Scrolls to the current row where it is not in the document.
    fn bring_into_view(&mut self, remote: &RemoteDirectory) -> Result<(), Exception> {
        for _ in 0..MOST_SCROLLS {
            if self.row(self.current).is_some() || remote.is_empty() {
                break;
            }
            let middle = self.blocks.row_top(self.current) - self.list.client_height() / 2;
            self.list.set_scroll_top(middle.max(0));
            self.move_window(remote)?;
        }
        Ok(())
    }

    /// Learns how high the blocks are that are in the document.
    fn measure(&mut self) {
        let rows = (self.first..).zip(&self.rows);
        let begins = rows.filter(|(place, _)| begins_block(*place));
        let mut tops: Vec<i32> = begins.map(|(_, row)| row.offset_top()).collect();
        if let Some(last) = self.rows.last() {
            tops.push(last.offset_top() + last.offset_height());
        }
        self.blocks.measure(self.first, &tops);
    }
}

#[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53 milliseconds")]
fn millis(millis: i64) -> f64 {
    millis as f64
}
