//! The dialog about a change on the server: asks for a name, or for confirmation of a deletion.

use protocol::Problem;
use web_sys::{Element, HtmlDialogElement, HtmlElement, HtmlInputElement};

use super::super::{
    super::dom::{Dom, Exception, Visibility, set_attribute, set_text, show},
    problem::ProblemTemplate,
};
use crate::{
    remote::change_texts,
    remote::{ChangeDialog, RemoteChange, stem_units},
};

pub(super) struct ChangeDialogView {
    dialog: HtmlDialogElement,
    heading: Element,
    text: HtmlElement,
    field: HtmlElement,
    name: HtmlInputElement,
    problem: HtmlElement,
    problem_template: ProblemTemplate,
    state: HtmlElement,
    cancel: HtmlElement,
    submit: Element,
    shown: Option<RemoteChange>,
    shown_problem: Option<Problem>,
}

impl ChangeDialogView {
    pub(super) fn new(dom: &Dom) -> Self {
        Self {
            dialog: dom.find("change-dialog"),
            heading: dom.find("change-heading"),
            text: dom.find("change-text"),
            field: dom.find("change-field"),
            name: dom.find("change-name"),
            problem: dom.find("change-problem"),
            problem_template: ProblemTemplate::find(dom),
            state: dom.find("change-state"),
            cancel: dom.find("change-cancel"),
            submit: dom.find("change-submit"),
            shown: None,
            shown_problem: None,
        }
    }

    /// Draws the dialog. Returns whether it was closed just now.
    pub(super) fn draw(&mut self, dialog: Option<&ChangeDialog>) -> Result<bool, Exception> {
        let Some(dialog) = dialog else {
            let was_open = self.shown.take().is_some();
            if was_open {
                self.dialog.close();
            }
            return Ok(was_open);
        };
        let state = change_texts::state(dialog);
        set_text(&self.state, &state);
        show(&self.state, Visibility::shown_if(!state.is_empty()));
        set_attribute(
            &self.dialog,
            "aria-busy",
            if dialog.is_pending() { "true" } else { "false" },
        );
        if self.shown_problem.as_ref() != dialog.problem() {
            self.shown_problem = dialog.problem().cloned();
            self.problem_template.fill(&self.problem, dialog.problem());
        }
        if self.shown.as_ref() != Some(dialog.change()) {
            self.ask(dialog.change())?;
            self.shown = Some(dialog.change().clone());
        }
        Ok(false)
    }

    fn ask(&self, what: &RemoteChange) -> Result<(), Exception> {
        set_text(&self.heading, &change_texts::title(what));
        set_text(&self.submit, change_texts::button(what));
        let text = change_texts::consequence(what);
        set_text(&self.text, text);
        show(&self.text, Visibility::shown_if(!text.is_empty()));
        let (name, selected) = match what {
            RemoteChange::MakeDirectory => ("", 0),
            RemoteChange::Rename(entry) => (&*entry.name, stem_units(entry)),
            RemoteChange::Delete(_) | RemoteChange::DeleteAll(_) | RemoteChange::Remove(_) => {
                show(&self.field, Visibility::Hidden);
                self.open()?;
                // The answer without consequences.
                return self.cancel.focus();
            }
        };
        show(&self.field, Visibility::Shown);
        self.name.set_value(name);
        self.open()?;
        self.name.focus()?;
        self.name.set_selection_range(0, selected)
    }

    fn open(&self) -> Result<(), Exception> {
        if self.dialog.open() { Ok(()) } else { self.dialog.show_modal() }
    }
}
