//! The list of uploads. Only changed lines are drawn, and of a long list only those near the view
//! are in the document.
//!
//! Where the list is scrolled to and how high its lines are is read at the beginning of a frame,
//! when the browser knows: after the first change it would have to lay the page out anew for each
//! question.

use protocol::{Problem, server::Existing};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

use self::{calm::Calm, folder::FolderView};
use super::{
    super::dom::{
        Dom, Fault, Template, Visibility, date_time, part, seen, set_attribute, set_bar, set_text,
        show,
    },
    Rest,
    filters::FiltersView,
    problem::ProblemTemplate,
};
use crate::{
    format, queue,
    queue::digest_texts,
    queue::status,
    queue::{
        FileAccess, FolderId, Group, Outage, PauseState, Phase, Queue, Row, Rows, State, Stored,
        Upload,
    },
    upload_list::{Grouping, ListRow, Reordering, UploadFilter, UploadList},
    virtual_list::{BlockHeights, MAX_FULL_LIST, Viewport, begins_block},
};

mod calm;
mod folder;

/// Lines that are made in one frame: more at once would be felt.
const LINES_PER_FRAME: usize = 60;
/// How far the keys for pages go.
const LINES_PER_PAGE: usize = 10;

pub(super) struct UploadsView {
    dom: Dom,
    list: HtmlElement,
    none_shown: HtmlElement,
    filters: FiltersView,
    templates: Templates,
    listing: UploadList,
    blocks: BlockHeights,
    scroll: Scroll,
    /// Whether other lines may be in view than those that are in the document.
    moved: bool,
    /// Whether all that are wanted there have been made.
    complete: bool,
    /// The place in the list of the first line that is in the document.
    first: usize,
    /// Those that are in the document, in their order.
    lines: Vec<(ListRow, Box<LineView>)>,
    /// Where the focus goes as soon as that line is in the document.
    focus: Option<usize>,
    calm: Calm,
    /// Which of `lines` somebody has in hand.
    held: Option<usize>,
    /// Another number whenever an upload was in another state.
    states: u64,
}

/// Where the list is scrolled to.
#[derive(Clone, Copy)]
struct Scroll {
    seen: Viewport,
    at_the_end: bool,
}

/// Where a key takes who goes through the list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum Step {
    Back(usize),
    On(usize),
    First,
    Last,
}

impl Step {
    /// What a key does in the list.
    pub(in crate::shell) fn of_key(key: &str) -> Option<Self> {
        Some(match key {
            "ArrowUp" => Self::Back(1),
            "ArrowDown" => Self::On(1),
            "PageUp" => Self::Back(LINES_PER_PAGE),
            "PageDown" => Self::On(LINES_PER_PAGE),
            "Home" => Self::First,
            "End" => Self::Last,
            _ => return None,
        })
    }
}

struct Templates {
    row: Template,
    folder: Template,
    problem: ProblemTemplate,
    comparison: Template,
    digest: Template,
}

/// The elements of one line that change.
enum LineView {
    File(RowView),
    Folder(FolderView),
}

/// The elements of one row that change.
struct RowView {
    item: HtmlElement,
    bar: HtmlElement,
    status: Element,
    buttons: Buttons,
    comparison: HtmlElement,
    digest: HtmlElement,
    problem: HtmlElement,
    numbered: (usize, usize),
    shown_problem: Option<Problem>,
    shown_comparison: Option<Existing>,
    shown_digest: Option<Stored>,
    /// Whether it waits for its room: the details of what became of it make it higher.
    is_behind: bool,
}

/// Whether a row may become higher.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Height {
    Free,
    /// It would push the line that somebody has in hand.
    GroupRows,
}

/// The buttons of a line, each with what it does.
struct Buttons(Vec<(HtmlElement, String)>);

impl UploadsView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Fault> {
        let list: HtmlElement = dom.find("uploads")?;
        Ok(Self {
            dom: dom.clone(),
            calm: Calm::new(dom, &list)?,
            held: None,
            states: 0,
            list,
            none_shown: dom.find("uploads-no-match")?,
            filters: FiltersView::new(dom)?,
            templates: Templates {
                row: Template::find(dom, "t-upload")?,
                folder: Template::find(dom, "t-folder")?,
                problem: ProblemTemplate::find(dom)?,
                comparison: Template::find(dom, "t-comparison")?,
                digest: Template::find(dom, "t-digest")?,
            },
            listing: UploadList::default(),
            blocks: BlockHeights::default(),
            scroll: Scroll { seen: Viewport { top: 0, height: 0 }, at_the_end: false },
            moved: false,
            complete: true,
            first: 0,
            lines: Vec::new(),
            focus: None,
        })
    }

    /// Other lines may have come into view.
    pub(super) fn scrolled(&mut self) {
        self.moved = true;
    }

    /// The person wants to see these.
    pub(super) fn set_filter(&mut self, filter: UploadFilter) {
        self.listing.set_filter(filter);
    }

    /// The person wants folders, or does not any more.
    pub(super) fn toggle_grouping(&mut self) {
        self.listing.set_grouping(match self.listing.grouping() {
            Grouping::ByFolder => Grouping::Off,
            Grouping::Off => Grouping::ByFolder,
        });
    }

    /// The person opens or closes a folder.
    pub(super) fn toggle(&mut self, folder: FolderId, queue: &Queue) {
        self.listing.toggle(folder, queue);
    }

    /// The person goes through the list by keyboard.
    pub(super) fn go(&mut self, step: Step) {
        let Some(last) = self.listing.rows().len().checked_sub(1) else { return };
        let focused = self.lines.iter().find(|(_, view)| self.dom.has_focus(view.item()));
        let here = focused
            .and_then(|(line, _)| self.listing.rows().iter().position(|listed| listed == line));
        self.focus = Some(match (step, here) {
            (Step::First, _) | (Step::Back(_) | Step::On(_), None) => 0,
            (Step::Last, _) => last,
            (Step::Back(lines), Some(here)) => here.saturating_sub(lines),
            (Step::On(lines), Some(here)) => (here + lines).min(last),
        });
        self.moved |= !self.take_focus();
    }

    /// Reads what only the browser knows, before anything is written.
    pub(super) fn look(&mut self, queue: &Queue) {
        let held = self.calm.held();
        self.held = held.and_then(|held| {
            let is_held = |item: &HtmlElement| item.is_same_node(Some(&held));
            self.lines.iter().position(|(_, view)| is_held(view.item()))
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
        self.drop_anchor(queue, &front);
    }

    /// Chooses what has to stay where it is, if the list is scrolled: what somebody has in hand, or
    /// else the first line in view that does not change its place.
    fn drop_anchor(&mut self, queue: &Queue, front: &Rows) {
        let groups = [Group::UnderWay, Group::Attention, Group::Done, Group::Skipped];
        let states = groups.into_iter().map(|group| queue.group(group).version()).sum();
        // Only another state of an upload makes a line higher, or has it stand elsewhere.
        let is_news = std::mem::replace(&mut self.states, states) != states;
        if !(is_news || self.moved) || self.focus.is_some() {
            return;
        }
        let scrolled = seen(&self.list, &self.dom).top;
        let now = self.listing.front();
        let stays = |line: &ListRow| match line {
            ListRow::File(row) => now.contains(*row) == front.contains(*row),
            ListRow::Folder(_) => true,
        };
        let is_first = |(line, view): &&(ListRow, Box<LineView>)| {
            scrolled > 0 && stays(line) && self.calm.is_in_view(view.item(), scrolled)
        };
        let in_hand = self.held.and_then(|held| self.lines.get(held));
        let first = || self.lines.iter().find(is_first);
        if let Some((_, view)) = in_hand.or_else(first) {
            let item = view.item().clone();
            self.calm.anchor(&item);
        }
    }

    pub(super) fn draw(&mut self, queue: &Queue, changed: &Rows) -> Result<Rest, Fault> {
        self.filters.draw(&queue.totals(), &self.listing);
        for (index, (line, view)) in self.lines.iter_mut().enumerate() {
            let is_above = self.held.is_some_and(|held| index < held);
            let height = if is_above { Height::GroupRows } else { Height::Free };
            match (line, &mut **view) {
                (ListRow::File(row), LineView::File(view)) => {
                    if (changed.contains(*row) || (view.is_behind && height == Height::Free))
                        && let Some(upload) = queue.get(*row)
                    {
                        view.draw(upload, queue.outage(), height, &self.dom, &self.templates)?;
                    }
                }
                (ListRow::Folder(id), LineView::Folder(view)) => {
                    view.draw(*id, queue, &self.listing, &self.dom);
                }
                (_, _) => {}
            }
        }
        let rest = if self.moved { self.move_window(queue)? } else { Rest::Nothing };
        self.calm.settle();
        Ok(rest)
    }

    /// Brings the lines in view into the document, and takes the others out.
    fn move_window(&mut self, queue: &Queue) -> Result<Rest, Fault> {
        let all = self.listing.rows();
        self.blocks.resize(all.len());
        let window = self.blocks.rendered_rows(all.len(), self.seen());
        let wanted = all.get(window.rows.clone()).unwrap_or_default().to_vec();
        show(&self.none_shown, Visibility::shown_if(all.is_empty() && queue.totals().files > 0));
        self.first = window.rows.start;
        let focused = self.dom.document.active_element();
        let focused = focused.filter(|focused| self.list.contains(Some(focused)));
        let made = self.place(&wanted, queue)?;
        self.keep_focus(focused);
        // Styles that only a script can know; the style sheet has the rest.
        let style = self.list.style();
        style.set_property("--space-above", &format!("{}px", window.above))?;
        style.set_property("--space-below", &format!("{}px", window.below))?;
        self.complete = made < LINES_PER_FRAME;
        self.moved = !self.complete;
        // The list may turn out longer than was guessed: who went to its end is taken there.
        if self.scroll.at_the_end && made > 0 {
            self.list.set_scroll_top(i32::MAX);
            self.moved = true;
        }
        self.take_focus();
        Ok(if self.moved { Rest::More } else { Rest::Nothing })
    }

    /// Who goes through the list by keyboard is not thrown out of it by what moves or goes.
    fn keep_focus(&self, focused: Option<Element>) {
        let Some(focused) = focused.filter(|_| self.dom.focus_is_lost()) else { return };
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let is_there = self.list.contains(Some(&focused));
        let place = if is_there { focused.unchecked_into() } else { self.list.clone() };
        let _ = place.focus_with_options(&options);
    }

    /// What is in view, or is to come into view because the focus goes there.
    fn seen(&self) -> Viewport {
        let Viewport { top, height } = self.scroll.seen;
        Viewport { top: self.focus.map_or(top, |place| self.blocks.row_top(place)), height }
    }

    /// Gives the focus to the line that is to have it; whether it is in the document.
    fn take_focus(&mut self) -> bool {
        let line = self.focus.and_then(|place| self.listing.rows().get(place));
        let found = line.and_then(|line| self.lines.iter().find(|(there, _)| there == line));
        let Some((_, view)) = found else { return false };
        let _ = view.item().focus();
        self.focus = None;
        true
    }

    /// Makes what is missing, moves what stands elsewhere, takes out what is not wanted; how many
    /// lines were made.
    fn place(&mut self, wanted: &[ListRow], queue: &Queue) -> Result<usize, Fault> {
        let size = self.listing.rows().len();
        let mut there = self.take_out_all_but(wanted);
        let mut aside = Vec::new();
        let mut made = 0;
        for (place, line) in (self.first..).zip(wanted) {
            let (mut view, is_in_place) = match take(&mut there, &mut aside, *line) {
                Some(found) => found,
                None if made < LINES_PER_FRAME => {
                    made += 1;
                    let Some(view) = self.make(*line, queue)? else { continue };
                    (Box::new(view), false)
                }
                None => continue,
            };
            if !is_in_place {
                let next = there.first().map(|(_, view)| view.item().unchecked_ref());
                self.list.insert_before(view.item(), next)?;
            }
            view.number(place, size);
            self.lines.push((*line, view));
        }
        Ok(made)
    }

    /// The views that stay, in the order in which they are in the document.
    fn take_out_all_but(&mut self, wanted: &[ListRow]) -> Vec<(ListRow, Box<LineView>)> {
        let lines = std::mem::take(&mut self.lines);
        let mut stay = Vec::with_capacity(lines.len());
        // Most stay, in the order in which they are wanted.
        let mut expected = wanted.iter();
        for (line, view) in lines {
            if expected.any(|wanted| *wanted == line) {
                stay.push((line, view));
            } else if wanted.contains(&line) {
                expected = wanted.iter();
                stay.push((line, view));
            } else {
                expected = wanted.iter();
                view.item().remove();
            }
        }
        stay
    }

    fn make(&self, line: ListRow, queue: &Queue) -> Result<Option<LineView>, Fault> {
        Ok(match line {
            ListRow::File(row) => {
                let Some(upload) = queue.get(row) else { return Ok(None) };
                let mut view = RowView::new(&self.templates.row, row, upload)?;
                view.draw(upload, queue.outage(), Height::Free, &self.dom, &self.templates)?;
                Some(LineView::File(view))
            }
            ListRow::Folder(id) => {
                let Some(folder) = queue.folder(id) else { return Ok(None) };
                let mut view = FolderView::new(&self.templates.folder, id, folder)?;
                view.draw(id, queue, &self.listing, &self.dom);
                Some(LineView::Folder(view))
            }
        })
    }

    /// Learns how high the blocks are that are in the document.
    fn measure(&mut self) {
        let mut tops: Vec<i32> = (self.first..)
            .zip(&self.lines)
            .filter(|(place, _)| begins_block(*place))
            .map(|(_, (_, view))| view.item().offset_top())
            .collect();
        if let Some((_, last)) = self.lines.last() {
            tops.push(last.item().offset_top() + last.item().offset_height());
        }
        self.blocks.measure(self.first, &tops);
    }

    fn read_scroll(&self) -> Scroll {
        let list = &self.list;
        let top = list.scroll_top();
        let at_the_end = top > 0 && top + list.client_height() + 1 >= list.scroll_height();
        Scroll { seen: seen(list, &self.dom), at_the_end }
    }
}

/// The view of a line that is in the document, and whether it stands where it belongs: before all
/// that is left.
fn take(
    there: &mut Vec<(ListRow, Box<LineView>)>,
    aside: &mut Vec<(ListRow, Box<LineView>)>,
    line: ListRow,
) -> Option<(Box<LineView>, bool)> {
    let is = |(known, _): &(ListRow, Box<LineView>)| *known == line;
    if let Some(index) = aside.iter().position(is) {
        return Some((aside.swap_remove(index).1, false));
    }
    let mut index = there.iter().position(is)?;
    // The one before it went further down: it is put there when its turn comes.
    if index == 1 {
        let (other, view) = there.remove(0);
        view.item().remove();
        aside.push((other, view));
        index = 0;
    }
    let (_, view) = there.remove(index);
    Some((view, index == 0))
}

impl LineView {
    fn item(&self) -> &HtmlElement {
        match self {
            Self::File(view) => &view.item,
            Self::Folder(view) => view.item(),
        }
    }

    /// A screen reader knows of the lines that are not there, too.
    fn number(&mut self, place: usize, size: usize) {
        let numbered = match self {
            Self::File(view) => &mut view.numbered,
            Self::Folder(view) => view.numbered_mut(),
        };
        if *numbered == (place, size) {
            return;
        }
        *numbered = (place, size);
        set_attribute(self.item(), "aria-posinset", &(place + 1).to_string());
        set_attribute(self.item(), "aria-setsize", &size.to_string());
    }
}

impl Buttons {
    fn of(item: &Element) -> Result<Self, Fault> {
        let found = item.query_selector_all("[data-action]")?;
        let buttons = (0..found.length())
            .filter_map(|index| found.get(index))
            .map(JsCast::unchecked_into::<HtmlElement>)
            .filter_map(|button| Some((button.clone(), button.get_attribute("data-action")?)));
        Ok(Self(buttons.collect()))
    }

    /// Shows those that are offered. A focus that would be lost goes to the next of them, or to
    /// their item.
    fn offer(&self, offered: &[&str], item: &HtmlElement, dom: &Dom) {
        let mut loses_focus = false;
        for (button, act) in &self.0 {
            let shown = offered.contains(&act.as_str());
            if shown == button.hidden() {
                loses_focus |= !shown && dom.has_focus(button);
                button.set_hidden(!shown);
            }
        }
        if loses_focus {
            let next = self.0.iter().find(|(button, _)| !button.hidden());
            let _ = next.map_or(item, |(button, _)| button).focus();
        }
    }
}

impl RowView {
    fn new(template: &Template, row: Row, upload: &Upload) -> Result<Self, Fault> {
        let item = template.copy()?;
        let path = format::visible(upload.path());
        set_attribute(&item, "data-row", &row.0.to_string());
        set_attribute(&item, "aria-label", &path);
        let end_of_folder = path.rfind('/').map_or(0, |slash| slash + 1);
        let (folder, file) = path.split_at_checked(end_of_folder).unwrap_or(("", &path));
        set_text(&part::<Element>(&item, ".upload-folder")?, folder);
        set_text(&part::<Element>(&item, ".upload-file")?, file);
        set_attribute(&part::<Element>(&item, ".upload-name")?, "title", &path);
        set_text(&part::<Element>(&item, ".upload-size")?, &format::bytes(upload.size()));
        let bar: HtmlElement = part(&item, ".progress")?;
        set_attribute(&bar, "aria-label", &path);
        Ok(Self {
            bar,
            status: part(&item, ".upload-status")?,
            buttons: Buttons::of(&item)?,
            comparison: part(&item, ".upload-comparison")?,
            digest: part(&item, ".upload-digest")?,
            problem: part(&item, ".upload-problem")?,
            numbered: (0, 0),
            shown_problem: None,
            shown_comparison: None,
            shown_digest: None,
            is_behind: false,
            item,
        })
    }

    fn draw(
        &mut self,
        upload: &Upload,
        outage: Option<Outage>,
        height: Height,
        dom: &Dom,
        templates: &Templates,
    ) -> Result<(), Fault> {
        set_attribute(&self.item, "data-state", state(upload, outage));
        set_bar(&self.bar, upload.permille(), &status::spoken_progress(upload));
        let status = match outage {
            Some(outage) => status::status_during_outage(upload, outage),
            None => status::status(upload),
        };
        set_text(&self.status, &status);
        self.is_behind = height == Height::GroupRows;
        if self.is_behind {
            return Ok(());
        }
        self.buttons.offer(actions(upload), &self.item, dom);
        self.draw_problem(upload, templates)?;
        self.draw_comparison(upload, templates)?;
        self.draw_digest(upload, templates)
    }

    fn draw_problem(&mut self, upload: &Upload, templates: &Templates) -> Result<(), Fault> {
        let problem = match upload.state() {
            State::Failed(problem) => Some(problem),
            State::Queued
            | State::Paused
            | State::Open(_)
            | State::Done(_)
            | State::Interrupted
            | State::Skipped(_)
            | State::NeedsDecision(_) => None,
        };
        if self.shown_problem.as_ref() != problem {
            templates.problem.fill(&self.problem, problem)?;
            self.shown_problem = problem.cloned();
        }
        Ok(())
    }

    /// Both files side by side, where one may replace the other.
    fn draw_comparison(&mut self, upload: &Upload, templates: &Templates) -> Result<(), Fault> {
        let existing = match upload.state() {
            State::NeedsDecision(existing) => Some(existing),
            State::Queued
            | State::Paused
            | State::Open(_)
            | State::Done(_)
            | State::Interrupted
            | State::Skipped(_)
            | State::Failed(_) => None,
        };
        if self.shown_comparison.as_ref() == existing {
            return Ok(());
        }
        self.shown_comparison = existing.cloned();
        show(&self.comparison, Visibility::shown_if(existing.is_some()));
        self.comparison.replace_children_with_node_0();
        let Some(existing) = existing else {
            return Ok(());
        };
        let copy = templates.comparison.copy()?;
        let (ours, theirs) = (upload.modified_millis(), existing.modified_millis);
        let file = |size, date: Option<i64>| {
            queue::size_and_date(size, date.map(|date| date_time(float(date))).as_deref())
        };
        set_text(&part::<Element>(&copy, ".ours")?, &file(Some(upload.size()), ours));
        set_text(&part::<Element>(&copy, ".theirs")?, &file(existing.size, theirs));
        set_text(&part::<Element>(&copy, ".newer")?, queue::newer_file(ours, theirs));
        self.comparison.append_child(&copy)?;
        Ok(())
    }

    fn draw_digest(&mut self, upload: &Upload, templates: &Templates) -> Result<(), Fault> {
        let stored = match upload.state() {
            State::Done(stored) => Some(stored),
            State::Queued
            | State::Paused
            | State::Open(_)
            | State::NeedsDecision(_)
            | State::Interrupted
            | State::Skipped(_)
            | State::Failed(_) => None,
        };
        if self.shown_digest.as_ref() == stored {
            return Ok(());
        }
        self.shown_digest = stored.cloned();
        self.digest.replace_children_with_node_0();
        let digest =
            stored.and_then(|stored| stored.digest.as_ref().map(|digest| (stored, digest)));
        show(&self.digest, Visibility::shown_if(digest.is_some()));
        if let Some((stored, digest)) = digest {
            let copy = templates.digest.copy()?;
            set_text(&part::<Element>(&copy, ".digest-summary")?, &digest_texts::short(digest));
            set_text(&part::<Element>(&copy, ".digest-full")?, &format::visible(&digest.hex));
            set_text(
                &part::<Element>(&copy, ".digest-origin")?,
                digest_texts::confirmed_by(stored),
            );
            self.digest.append_child(&copy)?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a date that a calendar has is below 2^53")]
fn float(millis: i64) -> f64 {
    millis as f64
}

/// What the style sheet goes by.
fn state(upload: &Upload, outage: Option<Outage>) -> &'static str {
    match upload.state() {
        State::Open(open) if outage.is_some() && open.pause_state() == PauseState::Running => {
            "interrupted"
        }
        State::Queued => "queued",
        State::Paused => "paused",
        State::Open(open) => match (open.phase(), open.pause_state()) {
            (Phase::Verifying, _) => "verifying",
            (_, PauseState::Paused) => "paused",
            (_, PauseState::Unreadable) => "failed",
            (Phase::Offered, _) => "queued",
            (Phase::Sending, _) => "uploading",
            (Phase::Retrying, _) => "interrupted",
        },
        State::Done(_) => "done",
        State::Interrupted => "interrupted",
        State::Skipped(_) => "skipped",
        State::Failed(_) => "failed",
        State::NeedsDecision(_) => "decision",
    }
}

/// What can be done with an upload now.
fn actions(upload: &Upload) -> &'static [&'static str] {
    match upload.state() {
        State::Queued => &["pause", "cancel"],
        State::Paused => &["resume", "cancel"],
        State::Open(open) => match (open.phase(), open.pause_state()) {
            (Phase::Verifying, _) => &["cancel"],
            (_, PauseState::Paused | PauseState::Unreadable) => &["resume", "cancel"],
            (_, PauseState::Running | PauseState::Resumed) => &["pause", "cancel"],
        },
        State::Done(_) => &[],
        State::Interrupted if upload.access() == FileAccess::Available => &["retry", "cancel"],
        State::Interrupted => &["cancel"],
        State::Skipped(_) if upload.access() != FileAccess::Available => &[],
        State::Skipped(_) => &["retry"],
        State::Failed(_) if upload.access() != FileAccess::Available => &["cancel"],
        State::Failed(_) => &["retry", "cancel"],
        State::NeedsDecision(existing)
            if existing.size.is_some_and(|size| size < upload.size()) =>
        {
            &["overwrite", "skip", "rename", "continue", "newer", "cancel"]
        }
        State::NeedsDecision(_) => &["overwrite", "skip", "rename", "newer", "cancel"],
    }
}
