//! The action buttons of a row.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::shell::dom::{Dom, Exception};

/// The buttons of a row, each with its action.
pub(super) struct ActionButtons(Vec<(HtmlElement, String)>);

impl ActionButtons {
    /// Returns the buttons inside `item`.
    pub(super) fn of(item: &Element) -> Result<Self, Exception> {
        let found = item.query_selector_all("[data-action]")?;
        let buttons = (0..found.length())
            .filter_map(|index| found.get(index))
            .map(JsCast::unchecked_into::<HtmlElement>)
            .filter_map(|button| Some((button.clone(), button.get_attribute("data-action")?)));
        Ok(Self(buttons.collect()))
    }

    /// Shows the buttons of the offered actions. If the one with the focus is hidden, the focus moves
    /// to the first visible button, or to `item`.
    pub(super) fn offer(&self, offered: &[&str], item: &HtmlElement, dom: &Dom) {
        let mut loses_focus = false;
        for (button, action) in &self.0 {
            let shown = offered.contains(&action.as_str());
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
