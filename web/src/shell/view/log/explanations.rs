//! The explanations of lines: loaded when the reader asks for the first one, shown below their lines.

use js_sys::Array;
use mask::Masker;
use protocol::{EXPLANATIONS_PATH, Problem, server::LogLine};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, HtmlElement, Response};

use super::{LogView, Outcome, line_of, log_line};
use crate::join::concat;
use crate::{
    log::{Log, wording},
    shell::{
        dom::{Dom, Exception, query, set_attribute, set_text},
        locale::language,
    },
};

/// The explanations, by number.
#[derive(Default)]
pub(super) enum Explanations {
    /// Not requested, or not loaded because of an error.
    #[default]
    Missing,
    Loading,
    Loaded(Array),
}

impl Explanations {
    /// Sets the loaded explanations, or `None` if they could not be loaded.
    pub(super) fn set(&mut self, list: Option<Array>) {
        *self = list.map_or(Self::Missing, Self::Loaded);
    }

    /// Returns the explanation of a line.
    fn text(&self, line: &LogLine) -> String {
        let Some(number) = line.explanation else {
            return wording::no_explanation(line.kind).to_owned();
        };
        match self {
            Self::Missing => wording::explanations_missing().to_owned(),
            Self::Loading => "\u{2026}".to_owned(),
            Self::Loaded(list) => list.get(number.into()).as_string().unwrap_or_default(),
        }
    }
}

/// Loads the explanations from the portal.
pub(in crate::shell) async fn fetch_explanations(dom: &Dom) -> Result<Array, Exception> {
    let url = concat(&[EXPLANATIONS_PATH, "?lang=", &*language(&dom.document)]);
    let response = JsFuture::from(dom.window.fetch_with_str(&url)).await?;
    let response = response.unchecked_into::<Response>();
    let list = JsFuture::from(response.json()?).await?;
    if response.ok() { Ok(list.unchecked_into()) } else { Err("no explanations".into()) }
}

impl LogView {
    /// Requests the explanations if a line shows one and they are missing.
    pub(super) fn outcome(&mut self) -> Outcome {
        let open = self.log.query_selector("[aria-expanded=true]");
        let is_needed = self.explain_all.checked() || matches!(open, Ok(Some(_)));
        if is_needed && matches!(self.explanations, Explanations::Missing) {
            self.explanations = Explanations::Loading;
            return Outcome::NeedsExplanations;
        }
        Outcome::Done
    }

    /// Explains all lines that have an explanation, or none, as the checkbox says.
    pub(super) fn toggle_all(&mut self, log: &Log) -> Result<(), Exception> {
        let open = self.explain_all.checked();
        let mut next = self.log.first_element_child();
        while let Some(element) = next {
            next = element.next_element_sibling();
            let has_explanation =
                log_line(log, &element).is_some_and(|line| has_explanation(log, line));
            self.explain(log, &element, open && has_explanation)?;
        }
        self.follow.scroll();
        Ok(())
    }

    /// Writes the shown explanations anew. `selector`: the toggles of their lines.
    pub(super) fn explain_again(&mut self, log: &Log, selector: &str) -> Result<(), Exception> {
        let open = self.log.query_selector_all(selector)?;
        for toggle in (0..open.length()).filter_map(|index| open.item(index)) {
            if let Some(line) = line_of(toggle.unchecked_ref()) {
                self.explain(log, &line, true)?;
            }
        }
        Ok(())
    }

    /// Shows the explanation or the problem of a line below it, or removes that.
    pub(super) fn explain(
        &mut self,
        log: &Log,
        element: &Element,
        open: bool,
    ) -> Result<(), Exception> {
        let toggle: Element = query(element, ".line-toggle");
        set_attribute(&toggle, "aria-expanded", if open { "true" } else { "false" });
        if let Some(explanation) = toggle.next_element_sibling() {
            explanation.remove();
        }
        if let Some(line) = log_line(log, element)
            && open
        {
            let explanation = self.explanation.copy();
            match log.problem_of(line) {
                Some(problem) => {
                    let problem = mask_problem(&mut self.masks, problem);
                    self.problem.fill(&explanation, Some(&problem));
                }
                None => set_text(&explanation, &self.explanations.text(line)),
            }
            element.append_child(&explanation)?;
        }
        Ok(())
    }

    /// Scrolls down until the explanation of a line is visible.
    pub(super) fn scroll_to_end_of(&self, line: &HtmlElement) {
        let top = line.offset_top() + line.offset_height() - self.log.client_height();
        if top > self.log.scroll_top() {
            self.log.set_scroll_top(top);
        }
    }
}

/// Whether a line has an explanation of its own, or a problem.
pub(super) fn has_explanation(log: &Log, line: &LogLine) -> bool {
    line.explanation.is_some() || log.problem_of(line).is_some()
}

/// Masks the names in a problem.
fn mask_problem(masks: &mut Masker, problem: &Problem) -> Problem {
    Problem {
        message: masks.mask_text(&problem.message),
        reply: problem.reply.as_deref().map(|reply| masks.mask_text(reply)),
        ..problem.clone()
    }
}
