//! The row of a file in the list of uploads.

use protocol::{Problem, server::Existing};
use web_sys::{Element, HtmlElement};

use super::{Growth, Templates, buttons::ActionButtons};
use crate::{
    format, queue,
    queue::digest_texts,
    queue::status,
    queue::{Comparison, FileAccess, Outage, PauseState, Phase, Row, State, Stored, Upload},
    shell::{
        dom::{
            Dom, Exception, Template, Visibility, query, set_attribute, set_progress, set_text,
            show,
        },
        locale::date_time,
    },
};

/// The elements of a row that change, and what they show.
pub(super) struct FileRow {
    pub(super) item: HtmlElement,
    bar: HtmlElement,
    /// The path that it shows.
    path: String,
    status: Element,
    buttons: ActionButtons,
    comparison: HtmlElement,
    digest: HtmlElement,
    problem: HtmlElement,
    shown_problem: Option<Problem>,
    shown_comparison: Option<(Existing, Comparison)>,
    shown_digest: Option<Stored>,
    /// Whether its details are not drawn yet, because the row would grow.
    is_outdated: bool,
}

impl FileRow {
    /// Whether the details of an upload were not drawn because the row would have grown.
    pub(super) fn is_outdated(&self) -> bool {
        self.is_outdated
    }

    pub(super) fn new(template: &Template, row: Row, upload: &Upload) -> Result<Self, Exception> {
        let item = template.copy();
        set_attribute(&item, "data-row", &row.0.to_string());
        set_text(&query::<Element>(&item, ".upload-size"), &format::bytes(upload.size()));
        let mut view = Self {
            bar: query(&item, ".progress"),
            path: String::new(),
            status: query(&item, ".upload-status"),
            buttons: ActionButtons::new(&item, String::new())?,
            comparison: query(&item, ".upload-comparison"),
            digest: query(&item, ".upload-digest"),
            problem: query(&item, ".upload-problem"),
            shown_problem: None,
            shown_comparison: None,
            shown_digest: None,
            is_outdated: false,
            item,
        };
        view.draw_path(upload.path());
        Ok(view)
    }

    /// Draws the path of the file, which the user may change.
    fn draw_path(&mut self, path: &str) {
        if self.path == path {
            return;
        }
        path.clone_into(&mut self.path);
        let (item, label, path) = (&self.item, format::visible(path), format::name(path));
        set_attribute(item, "aria-label", &label);
        set_attribute(&self.bar, "aria-label", &label);
        let end_of_folder = path.rfind('/').map_or(0, |slash| slash + 1);
        let (folder, file) = path.split_at_checked(end_of_folder).unwrap_or(("", &path));
        set_text(&query::<Element>(item, ".upload-folder"), folder);
        set_text(&query::<Element>(item, ".upload-file"), file);
        set_attribute(&query::<Element>(item, ".upload-name"), "title", &path);
        self.buttons.rename(file.to_owned());
    }

    /// Draws the state of an upload. Problem, comparison and digest, which change the height of the
    /// row, wait if growth is deferred.
    pub(super) fn draw(
        &mut self,
        upload: &Upload,
        outage: Option<Outage>,
        growth: Growth,
        dom: &Dom,
        templates: &Templates,
    ) -> Result<(), Exception> {
        self.draw_path(upload.path());
        set_attribute(&self.item, "data-state", state(upload, outage));
        set_progress(&self.bar, upload.permille(), &status::spoken_progress(upload));
        let status = match outage {
            Some(outage) => status::status_during_outage(upload, outage),
            None => status::status(upload),
        };
        set_text(&self.status, &status);
        self.is_outdated = growth == Growth::Deferred;
        if self.is_outdated {
            self.buttons.withdraw(actions(upload), &self.item, dom);
            return Ok(());
        }
        self.buttons.offer(actions(upload), &self.item, dom);
        self.draw_problem(upload, templates)?;
        self.draw_comparison(upload, templates)?;
        self.draw_digest(upload, templates)
    }

    fn draw_problem(&mut self, upload: &Upload, templates: &Templates) -> Result<(), Exception> {
        let problem = upload.state().problem();
        if self.shown_problem.as_ref() != problem {
            templates.problem.fill(&self.problem, problem);
            self.shown_problem = problem.cloned();
        }
        Ok(())
    }

    /// Shows both files side by side in a conflict.
    fn draw_comparison(&mut self, upload: &Upload, templates: &Templates) -> Result<(), Exception> {
        let compared = upload.state().existing().cloned().zip(upload.comparison());
        if self.shown_comparison == compared {
            return Ok(());
        }
        show(&self.comparison, Visibility::shown_if(compared.is_some()));
        self.comparison.replace_children_with_node_0();
        self.shown_comparison = compared;
        let Some((existing, comparison)) = &self.shown_comparison else {
            return Ok(());
        };
        let copy = templates.comparison.copy();
        let (ours, theirs) = (upload.modified_millis(), existing.modified_millis);
        let file = |size, date: Option<i64>| {
            queue::size_and_date(size, date.map(|date| date_time(float(date))).as_deref())
        };
        set_text(&query::<Element>(&copy, ".ours"), &file(Some(upload.size()), ours));
        set_text(&query::<Element>(&copy, ".theirs"), &file(existing.size, theirs));
        set_text(&query::<Element>(&copy, ".newer"), comparison.text());
        self.comparison.append_child(&copy)?;
        Ok(())
    }

    fn draw_digest(&mut self, upload: &Upload, templates: &Templates) -> Result<(), Exception> {
        let stored = upload.state().stored();
        if self.shown_digest.as_ref() == stored {
            return Ok(());
        }
        self.shown_digest = stored.cloned();
        self.digest.replace_children_with_node_0();
        let digest =
            stored.and_then(|stored| stored.digest.as_ref().map(|digest| (stored, digest)));
        show(&self.digest, Visibility::shown_if(digest.is_some()));
        if let Some((stored, digest)) = digest {
            let copy = templates.digest.copy();
            set_text(&query::<Element>(&copy, ".digest-summary"), &digest_texts::short(digest));
            set_text(&query::<Element>(&copy, ".digest-full"), &format::visible(&digest.hex));
            set_text(
                &query::<Element>(&copy, ".digest-origin"),
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

/// Returns the state by which the style sheet formats the row.
fn state(upload: &Upload, outage: Option<Outage>) -> &'static str {
    match upload.state() {
        State::Open(open) if outage.is_some() && open.pause_state() == PauseState::Running => {
            "interrupted"
        }
        State::Unplaced | State::Queued => "queued",
        State::Paused => "paused",
        State::Open(open) => match (open.phase(), open.pause_state()) {
            (Phase::Verifying, _) => "verifying",
            (_, PauseState::Paused) => "paused",
            (_, PauseState::Unreadable) => "failed",
            (Phase::Offered | Phase::Waiting, _) => "queued",
            (Phase::Sending, _) => "uploading",
            (Phase::Retrying, _) => "interrupted",
        },
        State::Done(_) => "done",
        State::Interrupted => "interrupted",
        State::Skipped(_) => "skipped",
        State::Failed(_) => "failed",
        State::NameTooLong | State::NeedsDecision(_) => "decision",
    }
}

/// Returns the actions that an upload offers in its state.
fn actions(upload: &Upload) -> &'static [&'static str] {
    let is_available = upload.access() == FileAccess::Available;
    match upload.state() {
        State::Unplaced => &["name", "cancel", "remove"],
        State::NameTooLong => &["shorten", "name", "cancel", "remove"],
        State::Queued => &["pause", "cancel", "name", "remove"],
        State::Paused => &["resume", "cancel", "name", "remove"],
        State::Open(open) => match (open.phase(), open.pause_state()) {
            (Phase::Verifying, _) => &["cancel"],
            (_, PauseState::Paused | PauseState::Unreadable) => &["resume", "cancel"],
            (_, PauseState::Running | PauseState::Resumed) => &["pause", "cancel"],
        },
        State::Done(_) => &["remove"],
        State::Interrupted if is_available => &["retry", "cancel", "remove"],
        State::Interrupted => &["cancel", "remove"],
        State::Skipped(_) if !is_available => &["remove"],
        State::Skipped(_) => &["retry", "name", "remove"],
        State::Failed(_) if !is_available => &["cancel", "remove"],
        State::Failed(_) => &["retry", "name", "cancel", "remove"],
        State::NeedsDecision(existing)
            if existing.size.is_some_and(|size| size < upload.size()) =>
        {
            &["rename", "overwrite", "skip", "continue", "newer", "name", "cancel", "remove"]
        }
        State::NeedsDecision(_)
            if matches!(
                upload.comparison(),
                Some(Comparison::Identical | Comparison::ProbablySame)
            ) =>
        {
            &["skip", "rename", "overwrite", "name", "cancel", "remove"]
        }
        State::NeedsDecision(_) => {
            &["rename", "overwrite", "skip", "newer", "name", "cancel", "remove"]
        }
    }
}
