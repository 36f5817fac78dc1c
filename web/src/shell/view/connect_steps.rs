//! The steps on the way to the server.

use web_sys::{Element, HtmlElement};

use super::super::dom::{Dom, Fault, Template, part, set_attribute, set_text};
use crate::connect_steps::{self, CONNECT_STEPS, ConnectSteps, StepState};

/// One list of them.
pub(super) struct ConnectStepsView(Vec<StopView>);

struct StopView {
    item: HtmlElement,
    time: Element,
    state: Element,
}

impl ConnectStepsView {
    /// Lays the steps out in the list with this id.
    pub(super) fn new(dom: &Dom, list: &str) -> Result<Self, Fault> {
        let list: Element = dom.find(list)?;
        let template = Template::find(dom, "t-step")?;
        let stops = CONNECT_STEPS.iter().map(|stage| {
            let item = template.copy()?;
            set_text(&part::<Element>(&item, ".step-name")?, connect_steps::step_name(*stage));
            list.append_child(&item)?;
            Ok(StopView {
                time: part(&item, ".step-time")?,
                state: part(&item, ".step-state")?,
                item,
            })
        });
        Ok(Self(stops.collect::<Result<_, Fault>>()?))
    }

    pub(super) fn draw(&self, connect_steps: &ConnectSteps) {
        for (index, stop) in self.0.iter().enumerate() {
            let step = connect_steps.state(index);
            let state = match step {
                StepState::Done => "done",
                StepState::Current => "current",
                StepState::Pending => "pending",
                StepState::Failed => "failed",
            };
            set_attribute(&stop.item, "data-state", state);
            set_text(&stop.state, step.label());
            let took =
                connect_steps.took(index).map(connect_steps::duration_text).unwrap_or_default();
            set_text(&stop.time, &took);
        }
    }
}
