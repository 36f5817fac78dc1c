//! The list of connect steps, with their states and durations.

use web_sys::{Element, HtmlElement};

use super::super::dom::{Dom, Exception, Template, query, set_attribute, set_text};
use crate::connect_steps::{self, CONNECT_STEPS, ConnectSteps, StepState};

/// Draws one list of the steps.
pub(super) struct ConnectStepsView(Vec<StepView>);

struct StepView {
    item: HtmlElement,
    time: Element,
    state: Element,
}

impl ConnectStepsView {
    /// Creates an item for each step in the list with the id `list`.
    pub(super) fn new(dom: &Dom, list: &str) -> Result<Self, Exception> {
        let list: Element = dom.find(list);
        let template = Template::find(dom, "t-step");
        let steps = CONNECT_STEPS.iter().map(|stage| {
            let item = template.copy();
            set_text(&query::<Element>(&item, ".step-name"), connect_steps::step_name(*stage));
            list.append_child(&item)?;
            Ok(StepView {
                time: query(&item, ".step-time"),
                state: query(&item, ".step-state"),
                item,
            })
        });
        Ok(Self(steps.collect::<Result<_, Exception>>()?))
    }

    pub(super) fn draw(&self, connect_steps: &ConnectSteps) {
        for (index, view) in self.0.iter().enumerate() {
            let step = connect_steps.state(index);
            let state = match step {
                StepState::Done => "done",
                StepState::Current => "current",
                StepState::Pending => "pending",
                StepState::Failed => "failed",
            };
            set_attribute(&view.item, "data-state", state);
            set_text(&view.state, step.label());
            let took =
                connect_steps.took(index).map(connect_steps::duration_text).unwrap_or_default();
            set_text(&view.time, &took);
        }
    }
}
