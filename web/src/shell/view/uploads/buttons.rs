//! The action buttons of a row.

use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

use crate::shell::dom::{Dom, Exception, set_attribute};

const DISABLED: &str = "disabled";

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

    /// Disables the shown buttons whose actions are not offered any more. They keep their space: the
    /// row does not change its height. The focus moves from a disabled button to `item`.
    pub(super) fn withdraw(&self, offered: &[&str], item: &HtmlElement, dom: &Dom) {
        for (button, action) in &self.0 {
            if !button.hidden() && !offered.contains(&action.as_str()) {
                if dom.has_focus(button) {
                    let options = FocusOptions::new();
                    options.set_prevent_scroll(true);
                    let _ = item.focus_with_options(&options);
                }
                set_attribute(button, DISABLED, "");
            }
        }
    }

    /// Shows the buttons of the offered actions, the first decision first. If the one with the focus is
    /// hidden, the focus moves to the first visible button, or to `item`.
    pub(super) fn offer(&self, offered: &[&str], item: &HtmlElement, dom: &Dom) {
        let mut loses_focus = false;
        self.put_first(offered);
        for (button, action) in &self.0 {
            let _ = button.remove_attribute(DISABLED);
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

    /// Moves the button of the first offered decision before those of the others.
    fn put_first(&self, offered: &[&str]) {
        let button = |name: &str| self.0.iter().find(|(_, action)| action == name);
        if let ([first @ ("skip" | "overwrite"), ..], Some((before, _))) = (offered, self.0.first())
            && let Some((first, _)) = button(first)
            && let Some(parent) = before.parent_element()
            && let Some(old) = parent.first_element_child()
            && !old.is_same_node(Some(first))
        {
            let _ = parent.insert_before(first, Some(&old));
        }
    }
}
