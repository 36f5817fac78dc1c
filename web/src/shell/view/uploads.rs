//! The list of uploads. Only changed rows are drawn, and of a long list only those near the view
//! are in the document.

use protocol::{Problem, server::Existing};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

use super::{
    super::dom::{
        Dom, Fault, Template, Visibility, date_time, part, set_attribute, set_bar, set_text, show,
    },
    Rest,
    problem::ProblemTemplate,
    window::{Blocks, Seen, begins_block},
};
use crate::{
    format,
    queue::{Cut, Hold, Queue, Row, Rows, Source, Stage, State, Stored, Upload},
    words,
};

/// Rows that are made in one frame: more at once would be felt.
const ROWS_PER_FRAME: usize = 150;

pub(super) struct UploadsView {
    dom: Dom,
    list: HtmlElement,
    templates: Templates,
    /// Every row of the list, in its order.
    listed: Vec<Row>,
    list_version: u64,
    blocks: Blocks,
    /// Whether other rows may be in view than those that are in the document.
    moved: bool,
    /// Those that are in the document, by row.
    rows: Vec<(Row, RowView)>,
}

struct Templates {
    row: Template,
    problem: ProblemTemplate,
    comparison: Template,
    digest: Template,
}

/// The elements of one row that change.
struct RowView {
    item: HtmlElement,
    bar: HtmlElement,
    status: Element,
    buttons: Vec<(HtmlElement, String)>,
    comparison: HtmlElement,
    digest: HtmlElement,
    problem: HtmlElement,
    shown_problem: Option<Problem>,
    shown_comparison: Option<Existing>,
    shown_digest: Option<Stored>,
}

impl UploadsView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Fault> {
        Ok(Self {
            dom: dom.clone(),
            list: dom.find("uploads")?,
            templates: Templates {
                row: Template::find(dom, "t-upload")?,
                problem: ProblemTemplate::find(dom)?,
                comparison: Template::find(dom, "t-comparison")?,
                digest: Template::find(dom, "t-digest")?,
            },
            listed: Vec::new(),
            list_version: 0,
            blocks: Blocks::default(),
            moved: false,
            rows: Vec::new(),
        })
    }

    /// Other rows may have come into view.
    pub(super) fn scrolled(&mut self) {
        self.moved = true;
    }

    pub(super) fn draw(&mut self, queue: &Queue, changed: &Rows) -> Result<Rest, Fault> {
        self.relist(queue);
        for (row, view) in &mut self.rows {
            if changed.contains(*row)
                && let Some(upload) = queue.get(*row)
            {
                view.draw(upload, queue.cut(), &self.dom, &self.templates)?;
            }
        }
        if self.moved { self.move_window(queue) } else { Ok(Rest::Nothing) }
    }

    /// Takes in rows that came or went.
    fn relist(&mut self, queue: &Queue) {
        if self.list_version == queue.list_version() {
            return;
        }
        self.measure();
        self.list_version = queue.list_version();
        self.listed = queue.rows().collect();
        self.blocks.resize(self.listed.len());
        self.moved = true;
    }

    /// Brings the rows in view into the document, and takes the others out.
    fn move_window(&mut self, queue: &Queue) -> Result<Rest, Fault> {
        self.measure();
        let at_the_end = self.is_at_the_end();
        let window = self.blocks.window(self.listed.len(), Seen::of(&self.list, &self.dom));
        let wanted = self.listed.get(window.rows.clone()).unwrap_or_default().to_vec();
        self.remove_others(&wanted);
        let made = self.add(window.rows.start, &wanted, queue)?;
        // Styles that only a script can know; the style sheet has the rest.
        let style = self.list.style();
        style.set_property("--above", &format!("{}px", window.above))?;
        style.set_property("--below", &format!("{}px", window.below))?;
        self.moved = made == ROWS_PER_FRAME;
        // The list may turn out longer than was guessed: who went to its end is taken there.
        if at_the_end && !self.is_at_the_end() {
            self.list.set_scroll_top(self.list.scroll_height());
            self.moved = true;
        }
        Ok(if self.moved { Rest::More } else { Rest::Nothing })
    }

    fn remove_others(&mut self, wanted: &[Row]) {
        let rows = std::mem::take(&mut self.rows);
        for (row, view) in rows {
            if wanted.binary_search(&row).is_ok() {
                self.rows.push((row, view));
            } else {
                self.keep_focus_in_list(&view);
                view.item.remove();
            }
        }
    }

    /// Who goes through the list by keyboard is not thrown out of it by scrolling.
    fn keep_focus_in_list(&self, view: &RowView) {
        if self.dom.has_focus(&view.item) {
            let options = FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = self.list.focus_with_options(&options);
        }
    }

    /// Makes what is missing, in its place; how many were made.
    fn add(&mut self, first: usize, wanted: &[Row], queue: &Queue) -> Result<usize, Fault> {
        let size = self.listed.len().to_string();
        let mut made = 0;
        let mut fragment = self.dom.fragment();
        let mut known = std::mem::take(&mut self.rows).into_iter().peekable();
        for (place, row) in (first..).zip(wanted) {
            if let Some((row, view)) = known.next_if(|(known, _)| known == row) {
                view.number(place, &size);
                if fragment.has_child_nodes() {
                    self.list.insert_before(&fragment, Some(&view.item))?;
                    fragment = self.dom.fragment();
                }
                self.rows.push((row, view));
                continue;
            }
            let Some(upload) = queue.get(*row).filter(|_| made < ROWS_PER_FRAME) else {
                continue;
            };
            made += 1;
            let mut view = RowView::new(&self.templates.row, *row, upload)?;
            view.number(place, &size);
            view.draw(upload, queue.cut(), &self.dom, &self.templates)?;
            fragment.append_child(&view.item)?;
            self.rows.push((*row, view));
        }
        if fragment.has_child_nodes() {
            self.list.append_child(&fragment)?;
        }
        Ok(made)
    }

    /// Learns how high the blocks are that are in the document.
    fn measure(&mut self) {
        let Some((first, _)) = self.rows.first() else { return };
        let Ok(first) = self.listed.binary_search(first) else { return };
        let mut tops: Vec<i32> = (first..)
            .zip(&self.rows)
            .filter(|(place, _)| begins_block(*place))
            .map(|(_, (_, view))| view.item.offset_top())
            .collect();
        if let Some((_, last)) = self.rows.last() {
            tops.push(last.item.offset_top() + last.item.offset_height());
        }
        self.blocks.measure(first, &tops);
    }

    /// Whether somebody scrolled the list to its end.
    fn is_at_the_end(&self) -> bool {
        let list = &self.list;
        let top = list.scroll_top();
        top > 0 && top + list.client_height() + 1 >= list.scroll_height()
    }
}

impl RowView {
    fn new(template: &Template, row: Row, upload: &Upload) -> Result<Self, Fault> {
        let item = template.copy()?;
        let path = format::visible(upload.path());
        set_attribute(&item, "data-row", &row.0.to_string());
        set_attribute(&item, "aria-label", &path);
        let (folder, file) = match path.rfind('/') {
            Some(slash) => path.split_at(slash + 1),
            None => ("", &*path),
        };
        set_text(&part::<Element>(&item, ".upload-folder")?, folder);
        set_text(&part::<Element>(&item, ".upload-file")?, file);
        set_attribute(&part::<Element>(&item, ".upload-name")?, "title", &path);
        set_text(&part::<Element>(&item, ".upload-size")?, &format::bytes(upload.size()));
        let bar: HtmlElement = part(&item, ".route")?;
        set_attribute(&bar, "aria-label", &path);
        let found = item.query_selector_all("[data-act]")?;
        let buttons = (0..found.length())
            .filter_map(|index| found.get(index))
            .map(JsCast::unchecked_into::<HtmlElement>)
            .filter_map(|button| Some((button.clone(), button.get_attribute("data-act")?)))
            .collect();
        Ok(Self {
            bar,
            status: part(&item, ".upload-status")?,
            buttons,
            comparison: part(&item, ".upload-comparison")?,
            digest: part(&item, ".upload-digest")?,
            problem: part(&item, ".upload-problem")?,
            shown_problem: None,
            shown_comparison: None,
            shown_digest: None,
            item,
        })
    }

    /// A screen reader knows of the rows that are not there, too.
    fn number(&self, place: usize, size: &str) {
        set_attribute(&self.item, "aria-posinset", &(place + 1).to_string());
        set_attribute(&self.item, "aria-setsize", size);
    }

    fn draw(
        &mut self,
        upload: &Upload,
        cut: Option<Cut>,
        dom: &Dom,
        templates: &Templates,
    ) -> Result<(), Fault> {
        set_attribute(&self.item, "data-state", state(upload, cut));
        set_bar(&self.bar, upload.permille(), &words::spoken_progress(upload));
        let status = match cut {
            Some(cut) => words::status_while_cut(upload, cut),
            None => words::status(upload),
        };
        set_text(&self.status, &status);
        self.draw_buttons(upload, dom);
        self.draw_problem(upload, templates)?;
        self.draw_comparison(upload, templates)?;
        self.draw_digest(upload, templates)
    }

    fn draw_problem(&mut self, upload: &Upload, templates: &Templates) -> Result<(), Fault> {
        let problem = match upload.state() {
            State::Failed(problem) => Some(problem),
            State::Queued
            | State::Held
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
            | State::Held
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
            words::size_and_date(size, date.map(|date| date_time(float(date))).as_deref())
        };
        set_text(&part::<Element>(&copy, ".ours")?, &file(Some(upload.size()), ours));
        set_text(&part::<Element>(&copy, ".theirs")?, &file(existing.size, theirs));
        set_text(&part::<Element>(&copy, ".newer")?, words::which_is_newer(ours, theirs));
        self.comparison.append_child(&copy)?;
        Ok(())
    }

    fn draw_digest(&mut self, upload: &Upload, templates: &Templates) -> Result<(), Fault> {
        let stored = match upload.state() {
            State::Done(stored) => Some(stored),
            State::Queued
            | State::Held
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
            set_text(&part::<Element>(&copy, ".digest-glance")?, &words::digest_glance(digest));
            set_text(&part::<Element>(&copy, ".digest-whole")?, &format::visible(&digest.hex));
            set_text(&part::<Element>(&copy, ".digest-makers")?, words::digest_makers(stored));
            self.digest.append_child(&copy)?;
        }
        Ok(())
    }

    fn draw_buttons(&self, upload: &Upload, dom: &Dom) {
        let offered = actions(upload);
        let mut loses_focus = false;
        for (button, act) in &self.buttons {
            let shown = offered.contains(&act.as_str());
            loses_focus |= !shown && !button.hidden() && dom.has_focus(button);
            show(button, Visibility::shown_if(shown));
        }
        if loses_focus {
            let next = self.buttons.iter().find(|(button, _)| !button.hidden());
            let _ = next.map_or(&self.item, |(button, _)| button).focus();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a date that a calendar has is below 2^53")]
fn float(millis: i64) -> f64 {
    millis as f64
}

/// What the style sheet goes by.
fn state(upload: &Upload, cut: Option<Cut>) -> &'static str {
    match upload.state() {
        State::Open(open) if cut.is_some() && open.hold() == Hold::Running => "interrupted",
        State::Queued => "queued",
        State::Held => "paused",
        State::Open(open) => match (open.stage(), open.hold()) {
            (Stage::Verifying, _) => "verifying",
            (_, Hold::Paused) => "paused",
            (Stage::Ahead, _) => "queued",
            (Stage::Sending, _) => "uploading",
            (Stage::TryingAgain, _) => "interrupted",
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
        State::Held => &["resume", "cancel"],
        State::Open(open) => match (open.stage(), open.hold()) {
            (Stage::Verifying, _) => &["cancel"],
            (_, Hold::Paused) => &["resume", "cancel"],
            (_, Hold::Running | Hold::Resumed) => &["pause", "cancel"],
        },
        State::Done(_) => &[],
        State::Interrupted if upload.source() == Source::Here => &["retry", "cancel"],
        State::Interrupted => &["cancel"],
        State::Skipped(_) if upload.source() != Source::Here => &[],
        State::Skipped(_) => &["retry"],
        State::Failed(_) if upload.source() != Source::Here => &["cancel"],
        State::Failed(_) => &["retry", "cancel"],
        State::NeedsDecision(existing)
            if existing.size.is_some_and(|size| size < upload.size()) =>
        {
            &["overwrite", "skip", "rename", "continue", "newer", "cancel"]
        }
        State::NeedsDecision(_) => &["overwrite", "skip", "rename", "newer", "cancel"],
    }
}
