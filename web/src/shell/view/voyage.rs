//! The steps on the way to the server.

use web_sys::{Element, HtmlElement};

use super::super::dom::{Dom, Fault, Template, part, set_attribute, set_text};
use crate::{
    voyage::{STOPS, Stop, Voyage},
    words,
};

/// One list of them.
pub(super) struct StopsView(Vec<StopView>);

struct StopView {
    item: HtmlElement,
    time: Element,
    state: Element,
}

impl StopsView {
    /// Lays the steps out in the list with this id.
    pub(super) fn new(dom: &Dom, list: &str) -> Result<Self, Fault> {
        let list: Element = dom.find(list)?;
        let template = Template::find(dom, "t-stop")?;
        let stops = STOPS.iter().map(|stage| {
            let item = template.copy()?;
            set_text(&part::<Element>(&item, ".stop-name")?, words::stop(*stage));
            list.append_child(&item)?;
            Ok(StopView {
                time: part(&item, ".stop-time")?,
                state: part(&item, ".stop-state")?,
                item,
            })
        });
        Ok(Self(stops.collect::<Result<_, Fault>>()?))
    }

    pub(super) fn draw(&self, voyage: &Voyage) {
        for (index, stop) in self.0.iter().enumerate() {
            let (state, spoken) = match voyage.stop(index) {
                Stop::Passed => ("passed", words::stop_passed()),
                Stop::Current => ("current", words::stop_current()),
                Stop::Ahead => ("ahead", words::stop_ahead()),
                Stop::Failed => ("failed", words::stop_failed()),
            };
            set_attribute(&stop.item, "data-state", state);
            set_text(&stop.state, spoken);
            let took = voyage.took(index).map(words::step_took).unwrap_or_default();
            set_text(&stop.time, &took);
        }
    }
}
