//! The steps on the way to the server.

use web_sys::{Element, HtmlElement};

use super::super::dom::{Dom, Fault, Template, part, set_attribute, set_text};
use crate::{
    connect_steps::{CONNECT_STEPS, ConnectSteps, StepState},
    words,
};

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
            set_text(&part::<Element>(&item, ".step-name")?, words::stop(*stage));
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
            let (state, spoken) = match connect_steps.state(index) {
                StepState::Done => ("done", words::stop_passed()),
                StepState::Current => ("current", words::stop_current()),
                StepState::Pending => ("pending", words::stop_ahead()),
                StepState::Failed => ("failed", words::stop_failed()),
            };
            set_attribute(&stop.item, "data-state", state);
            set_text(&stop.state, spoken);
            let took = connect_steps.took(index).map(words::step_took).unwrap_or_default();
            set_text(&stop.time, &took);
        }
    }
}
