//! The list of uploads. Only changed rows are drawn, and of a long list only those near the view are
//! in the document.
//!
//! Scroll position and heights are read at the beginning of a frame: after the first change, each
//! such question makes the browser lay out the page anew.

use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

use self::{file_row::FileRow, folder_row::FolderRow, scroll_anchor::ScrollAnchor};
use super::{Redraw, filters::FiltersView, problem::ProblemTemplate};
use crate::{
    queue::{FolderId, Group, Queue, Rows},
    shell::dom::{Dom, Exception, Template, Visibility, seen, set_attribute, show},
    upload_list::{Grouping, ListRow, Reordering, UploadFilter, UploadList},
    virtual_list::{BlockHeights, MAX_FULL_LIST, Viewport, begins_block},
};

mod buttons;
mod file_row;
mod folder_row;
mod scroll_anchor;

/// The greatest number of rows added to the document in one frame: more would be a noticeable pause.
const NEW_ROWS_PER_FRAME: usize = 60;
/// Rows by which Page Up and Page Down move the focus.
const ROWS_PER_PAGE: usize = 10;

/// Draws the list.
pub(super) struct UploadsView {
    dom: Dom,
    list: HtmlElement,
    no_match: HtmlElement,
    filters: FiltersView,
    templates: Templates,
    listing: UploadList,
    heights: BlockHeights,
    scroll: Scroll,
    /// Whether the rows in the document may not be those near the view.
    moved: bool,
    /// Whether all rows near the view are in the document.
    complete: bool,
    /// The index in the list of the first row in the document.
    first: usize,
    /// The rows in the document, in order.
    rendered: Vec<Rendered>,
    /// The index of the row that gets the focus as soon as it is in the document.
    focus: Option<usize>,
    anchor: ScrollAnchor,
    /// The index in `rendered` of the row that the user points at or has focused.
    held: Option<usize>,
    /// The sum of the versions of the queue's groups: it differs once an upload changes its state.
    version: u64,
}

/// A row in the document.
type Rendered = (ListRow, Box<RowView>);

/// The position of the list at the beginning of a frame.
#[derive(Clone, Copy)]
struct Scroll {
    seen: Viewport,
    is_at_end: bool,
}

/// Where a key moves the focus.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum FocusMove {
    /// By so many rows towards the beginning.
    Back(usize),
    /// By so many rows towards the end.
    Forward(usize),
    First,
    Last,
}

impl FocusMove {
    /// Returns the move of a key.
    pub(in crate::shell) fn of_key(key: &str) -> Option<Self> {
        Some(match key {
            "ArrowUp" => Self::Back(1),
            "ArrowDown" => Self::Forward(1),
            "PageUp" => Self::Back(ROWS_PER_PAGE),
            "PageDown" => Self::Forward(ROWS_PER_PAGE),
            "Home" => Self::First,
            "End" => Self::Last,
            _ => return None,
        })
    }
}

struct Templates {
    file: Template,
    folder: Template,
    problem: ProblemTemplate,
    comparison: Template,
    digest: Template,
}

/// The view of a row, and its position and the length of the list for screen readers.
struct RowView {
    kind: RowKind,
    position: (usize, usize),
}

enum RowKind {
    File(FileRow),
    Folder(FolderRow),
}

/// Whether a row may grow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Growth {
    Allowed,
    /// Not yet: it would push the row that the user points at or has focused.
    Deferred,
}

impl UploadsView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Exception> {
        let list: HtmlElement = dom.find("uploads");
        Ok(Self {
            dom: dom.clone(),
            anchor: ScrollAnchor::new(dom, &list),
            held: None,
            version: 0,
            list,
            no_match: dom.find("uploads-no-match"),
            filters: FiltersView::new(dom)?,
            templates: Templates {
                file: Template::find(dom, "t-upload"),
                folder: Template::find(dom, "t-folder"),
                problem: ProblemTemplate::find(dom),
                comparison: Template::find(dom, "t-comparison"),
                digest: Template::find(dom, "t-digest"),
            },
            listing: UploadList::default(),
            heights: BlockHeights::default(),
            scroll: Scroll { seen: Viewport { top: 0, height: 0 }, is_at_end: false },
            moved: false,
            complete: true,
            first: 0,
            rendered: Vec::new(),
            focus: None,
        })
    }

    /// Notes that other rows may have come into view.
    pub(super) fn scrolled(&mut self) {
        self.moved = true;
    }

    pub(super) fn set_filter(&mut self, filter: UploadFilter) {
        self.listing.set_filter(filter);
    }

    /// Returns whether uploads are listed by folder.
    pub(super) fn grouping(&self) -> Grouping {
        self.listing.grouping()
    }

    /// Sets whether uploads are listed by folder.
    pub(super) fn set_grouping(&mut self, grouping: Grouping) {
        self.listing.set_grouping(grouping);
    }

    /// Opens or closes a folder.
    pub(super) fn toggle_folder(&mut self, folder: FolderId, queue: &Queue) {
        self.listing.toggle(folder, queue);
    }

    /// Moves the keyboard focus.
    pub(super) fn move_focus(&mut self, to: FocusMove) {
        let Some(last) = self.listing.rows().len().checked_sub(1) else { return };
        let focused = self.rendered.iter().find(|(_, view)| self.dom.has_focus(view.item()));
        let current = focused
            .and_then(|(focused, _)| self.listing.rows().iter().position(|row| row == focused));
        self.focus = Some(match (to, current) {
            (FocusMove::First, _) | (FocusMove::Back(_) | FocusMove::Forward(_), None) => 0,
            (FocusMove::Last, _) => last,
            (FocusMove::Back(rows), Some(current)) => current.saturating_sub(rows),
            (FocusMove::Forward(rows), Some(current)) => (current + rows).min(last),
        });
        self.moved |= !self.apply_focus();
    }

    /// Reads the layout, before the frame changes the document.
    pub(super) fn read_layout(&mut self, queue: &Queue) {
        let held = self.anchor.held();
        self.held = held.and_then(|held| {
            let is_held = |item: &HtmlElement| item.is_same_node(Some(&held));
            self.rendered.iter().position(|(_, view)| is_held(view.item()))
        });
        let order = if self.held.is_some() { Reordering::Held } else { Reordering::Allowed };
        let front = self.listing.front().clone();
        self.moved |= self.listing.update(queue, order);
        if self.moved && self.listing.rows().len() > MAX_FULL_LIST {
            if self.complete {
                self.measure();
            }
            self.scroll = self.read_scroll();
        }
        self.set_anchor(queue, &front);
    }

    /// Chooses the row that keeps its place on the screen: the one that the user points at or has
    /// focused, else, in a scrolled list, the first row in view that does not move.
    fn set_anchor(&mut self, queue: &Queue, old_front: &Rows) {
        let groups =
            [Group::UnderWay, Group::NeedsUser, Group::Failed, Group::Done, Group::Skipped];
        let version = groups.into_iter().map(|group| queue.group(group).version()).sum();
        // Rows grow and move only when an upload changes its state.
        let has_changed = std::mem::replace(&mut self.version, version) != version;
        if !(has_changed || self.moved) || self.focus.is_some() {
            return;
        }
        let scrolled = seen(&self.list, &self.dom).top;
        let front = self.listing.front();
        let stays = |row: &ListRow| match row {
            ListRow::File(row) => front.contains(*row) == old_front.contains(*row),
            ListRow::Folder(_) => true,
        };
        let is_in_view = |(row, view): &&Rendered| {
            scrolled > 0 && stays(row) && self.anchor.is_in_view(view.item(), scrolled)
        };
        let held = self.held.and_then(|held| self.rendered.get(held));
        let first = || self.rendered.iter().find(is_in_view);
        if let Some((_, view)) = held.or_else(first) {
            let item = view.item().clone();
            self.anchor.set(&item);
        }
    }

    /// Draws changed rows, and brings the rows near the view into the document.
    pub(super) fn draw(&mut self, queue: &Queue, changed: &Rows) -> Result<Redraw, Exception> {
        self.filters.draw(&queue.totals(), &self.listing);
        for (index, (row, view)) in self.rendered.iter_mut().enumerate() {
            let is_above_held = self.held.is_some_and(|held| index < held);
            let growth = if is_above_held { Growth::Deferred } else { Growth::Allowed };
            match (row, &mut view.kind) {
                (ListRow::File(row), RowKind::File(view)) => {
                    let may_catch_up = view.is_outdated() && growth == Growth::Allowed;
                    if (changed.contains(*row) || may_catch_up)
                        && let Some(upload) = queue.get(*row)
                    {
                        view.draw(upload, queue.outage(), growth, &self.dom, &self.templates)?;
                    }
                }
                (ListRow::Folder(id), RowKind::Folder(view)) => {
                    view.draw(*id, queue, &self.listing, &self.dom);
                }
                (_, _) => {}
            }
        }
        let redraw = if self.moved { self.render(queue)? } else { Redraw::Complete };
        self.anchor.restore();
        Ok(redraw)
    }

    /// Brings the rows near the view into the document, and removes the others.
    fn render(&mut self, queue: &Queue) -> Result<Redraw, Exception> {
        let all = self.listing.rows();
        self.heights.resize(all.len());
        let window = self.heights.rendered_rows(all.len(), self.seen());
        let wanted = all.get(window.rows.clone()).unwrap_or_default().to_vec();
        show(&self.no_match, Visibility::shown_if(all.is_empty() && queue.totals().files > 0));
        self.first = window.rows.start;
        let focused = self.dom.document.active_element();
        let focused = focused.filter(|focused| self.list.contains(Some(focused)));
        let new = self.replace_rows(&wanted, queue)?;
        self.keep_focus(focused);
        let style = self.list.style();
        style.set_property("--space-above", &format!("{}px", window.above))?;
        style.set_property("--space-below", &format!("{}px", window.below))?;
        self.complete = new < NEW_ROWS_PER_FRAME;
        self.moved = !self.complete;
        // The list may be longer than estimated: a user who was at its end stays there.
        if self.scroll.is_at_end && new > 0 {
            self.list.set_scroll_top(i32::MAX);
            self.moved = true;
        }
        self.apply_focus();
        Ok(if self.moved { Redraw::Pending } else { Redraw::Complete })
    }

    /// Restores a focus that was lost because its row moved, or moves it to the list if the row is
    /// gone.
    fn keep_focus(&self, focused: Option<Element>) {
        let Some(focused) = focused.filter(|_| self.dom.focus_is_lost()) else { return };
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let is_rendered = self.list.contains(Some(&focused));
        let target = if is_rendered { focused.unchecked_into() } else { self.list.clone() };
        let _ = target.focus_with_options(&options);
    }

    /// Returns the visible part of the list, or the part to which the focus will scroll.
    fn seen(&self) -> Viewport {
        let Viewport { top, height } = self.scroll.seen;
        Viewport { top: self.focus.map_or(top, |index| self.heights.row_top(index)), height }
    }

    /// Focuses the row that is to get the focus. Returns whether it is in the document.
    fn apply_focus(&mut self) -> bool {
        let row = self.focus.and_then(|index| self.listing.rows().get(index));
        let found = row.and_then(|row| self.rendered.iter().find(|(rendered, _)| rendered == row));
        let Some((_, view)) = found else { return false };
        let _ = view.item().focus();
        self.focus = None;
        true
    }

    /// Creates missing rows, moves rows that changed their place, removes rows that are not wanted.
    /// Returns the number of created rows.
    fn replace_rows(&mut self, wanted: &[ListRow], queue: &Queue) -> Result<usize, Exception> {
        let size = self.listing.rows().len();
        let mut remaining = self.remove_all_but(wanted);
        let mut detached = Vec::new();
        let mut new = 0;
        for (index, row) in (self.first..).zip(wanted) {
            let (mut view, is_in_place) = match take(&mut remaining, &mut detached, *row) {
                Some(found) => found,
                None if new < NEW_ROWS_PER_FRAME => {
                    new += 1;
                    let Some(view) = self.create(*row, queue)? else { continue };
                    (Box::new(view), false)
                }
                None => continue,
            };
            if !is_in_place {
                let next = remaining.first().map(|(_, view)| view.item().unchecked_ref());
                self.list.insert_before(view.item(), next)?;
            }
            view.set_position(index, size);
            self.rendered.push((*row, view));
        }
        Ok(new)
    }

    /// Removes rows that are not wanted. Returns the others, in the order of the document.
    fn remove_all_but(&mut self, wanted: &[ListRow]) -> Vec<Rendered> {
        let rendered = std::mem::take(&mut self.rendered);
        let mut kept = Vec::with_capacity(rendered.len());
        // Usually most rows are wanted, in the same order: the search continues where the last one
        // ended.
        let mut expected = wanted.iter();
        for (row, view) in rendered {
            if expected.any(|wanted| *wanted == row) {
                kept.push((row, view));
            } else if wanted.contains(&row) {
                expected = wanted.iter();
                kept.push((row, view));
            } else {
                expected = wanted.iter();
                view.item().remove();
            }
        }
        kept
    }

    fn create(&self, row: ListRow, queue: &Queue) -> Result<Option<RowView>, Exception> {
        let kind = match row {
            ListRow::File(row) => {
                let Some(upload) = queue.get(row) else { return Ok(None) };
                let mut view = FileRow::new(&self.templates.file, row, upload)?;
                view.draw(upload, queue.outage(), Growth::Allowed, &self.dom, &self.templates)?;
                RowKind::File(view)
            }
            ListRow::Folder(id) => {
                let Some(folder) = queue.folder(id) else { return Ok(None) };
                let mut view = FolderRow::new(&self.templates.folder, id, folder)?;
                view.draw(id, queue, &self.listing, &self.dom);
                RowKind::Folder(view)
            }
        };
        Ok(Some(RowView { kind, position: (0, 0) }))
    }

    /// Measures the heights of the blocks in the document.
    fn measure(&mut self) {
        let mut tops: Vec<i32> = (self.first..)
            .zip(&self.rendered)
            .filter(|(index, _)| begins_block(*index))
            .map(|(_, (_, view))| view.item().offset_top())
            .collect();
        if let Some((_, last)) = self.rendered.last() {
            tops.push(last.item().offset_top() + last.item().offset_height());
        }
        self.heights.measure(self.first, &tops);
    }

    fn read_scroll(&self) -> Scroll {
        let list = &self.list;
        let top = list.scroll_top();
        let is_at_end = top > 0 && top + list.client_height() + 1 >= list.scroll_height();
        Scroll { seen: seen(list, &self.dom), is_at_end }
    }
}

/// Takes the view of a row out of those in the document. Returns it, and whether it is in its place:
/// before all remaining rows.
fn take(
    remaining: &mut Vec<Rendered>,
    detached: &mut Vec<Rendered>,
    row: ListRow,
) -> Option<(Box<RowView>, bool)> {
    let is_row = |(rendered, _): &Rendered| *rendered == row;
    if let Some(index) = detached.iter().position(is_row) {
        return Some((detached.swap_remove(index).1, false));
    }
    let mut index = remaining.iter().position(is_row)?;
    // The row before it has moved down: detaching that one is cheaper than to move all others.
    if index == 1 {
        let (other, view) = remaining.remove(0);
        view.item().remove();
        detached.push((other, view));
        index = 0;
    }
    let (_, view) = remaining.remove(index);
    Some((view, index == 0))
}

impl RowView {
    fn item(&self) -> &HtmlElement {
        match &self.kind {
            RowKind::File(view) => &view.item,
            RowKind::Folder(view) => &view.item,
        }
    }

    /// Sets the position and the length of the list, which include rows outside of the document.
    fn set_position(&mut self, index: usize, size: usize) {
        if self.position == (index, size) {
            return;
        }
        self.position = (index, size);
        set_attribute(self.item(), "aria-posinset", &(index + 1).to_string());
        set_attribute(self.item(), "aria-setsize", &size.to_string());
    }
}
