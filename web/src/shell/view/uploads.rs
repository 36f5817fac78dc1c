//! The list of uploads. Rows are appended a few hundred a frame, and only changed ones are drawn.

use std::collections::BTreeSet;

use protocol::Problem;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::{
    super::dom::{Dom, Fault, Template, Visibility, part, set_attribute, set_bar, set_text, show},
    Rest,
    problem::ProblemTemplate,
};
use crate::{
    format,
    queue::{Cut, Hold, Queue, Row, Source, Stage, State, Upload},
    words,
};

/// Rows that are appended in one frame: thousands at once would freeze the page.
const ROWS_PER_FRAME: usize = 200;

pub(super) struct UploadsView {
    dom: Dom,
    list: HtmlElement,
    template: Template,
    problem_template: ProblemTemplate,
    rows: Vec<RowView>,
}

/// The elements of one row that change.
struct RowView {
    item: HtmlElement,
    bar: HtmlElement,
    status: Element,
    buttons: Vec<(HtmlElement, String)>,
    problem: HtmlElement,
    shown_problem: Option<Problem>,
}

impl UploadsView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Fault> {
        Ok(Self {
            dom: dom.clone(),
            list: dom.find("uploads")?,
            template: Template::find(dom, "t-upload")?,
            problem_template: ProblemTemplate::find(dom)?,
            rows: Vec::new(),
        })
    }

    pub(super) fn draw(&mut self, queue: &Queue, changed: &BTreeSet<Row>) -> Result<Rest, Fault> {
        for row in changed {
            if let (Some(view), Some(upload)) = (self.rows.get_mut(row.0), queue.get(*row)) {
                view.draw(upload, queue.cut(), &self.dom, &self.problem_template)?;
            }
        }
        self.append(queue)
    }

    fn append(&mut self, queue: &Queue) -> Result<Rest, Fault> {
        let end = queue.len().min(self.rows.len() + ROWS_PER_FRAME);
        if self.rows.len() < end {
            let fragment = self.dom.fragment();
            for index in self.rows.len()..end {
                let Some(upload) = queue.get(Row(index)) else {
                    break;
                };
                let mut view = RowView::new(&self.template, index, upload)?;
                view.draw(upload, queue.cut(), &self.dom, &self.problem_template)?;
                fragment.append_child(&view.item)?;
                self.rows.push(view);
            }
            self.list.append_child(&fragment)?;
        }
        Ok(if end < queue.len() { Rest::More } else { Rest::Nothing })
    }
}

impl RowView {
    fn new(template: &Template, index: usize, upload: &Upload) -> Result<Self, Fault> {
        let item = template.copy()?;
        let path = format::visible(upload.path());
        set_attribute(&item, "data-row", &index.to_string());
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
            problem: part(&item, ".upload-problem")?,
            shown_problem: None,
            item,
        })
    }

    fn draw(
        &mut self,
        upload: &Upload,
        cut: Option<Cut>,
        dom: &Dom,
        problem_template: &ProblemTemplate,
    ) -> Result<(), Fault> {
        set_attribute(&self.item, "data-state", state(upload, cut));
        set_bar(&self.bar, upload.permille(), &words::spoken_progress(upload));
        let status = match cut {
            Some(cut) => words::status_while_cut(upload, cut),
            None => words::status(upload),
        };
        set_text(&self.status, &status);
        self.draw_buttons(upload, dom);
        let problem = match upload.state() {
            State::Failed(problem) => Some(problem),
            State::Queued
            | State::Held
            | State::Open(_)
            | State::Done { .. }
            | State::Interrupted
            | State::Skipped(_)
            | State::NeedsDecision(_) => None,
        };
        if self.shown_problem.as_ref() != problem {
            problem_template.fill(&self.problem, problem)?;
            self.shown_problem = problem.cloned();
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

/// What the style sheet goes by.
fn state(upload: &Upload, cut: Option<Cut>) -> &'static str {
    match upload.state() {
        State::Open(open) if cut.is_some() && open.hold() == Hold::Running => "interrupted",
        State::Queued => "queued",
        State::Held => "paused",
        State::Open(open) => match (open.stage(), open.hold()) {
            (Stage::Verifying, _) => "verifying",
            (_, Hold::Paused) => "paused",
            (Stage::Ahead, Hold::Running) => "queued",
            (Stage::Sending, Hold::Running) => "uploading",
            (Stage::TryingAgain, Hold::Running) => "interrupted",
        },
        State::Done { .. } => "done",
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
            (_, Hold::Running) => &["pause", "cancel"],
        },
        State::Done { .. } => &[],
        State::Interrupted if upload.source() == Source::Here => &["retry", "cancel"],
        State::Interrupted => &["cancel"],
        State::Skipped(_) | State::Failed(_) if upload.source() != Source::Here => &[],
        State::Skipped(_) | State::Failed(_) => &["retry"],
        State::NeedsDecision(_) => &["overwrite", "skip"],
    }
}
