//! The action buttons of a row.

use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

use crate::{
    join::concat,
    shell::dom::{Dom, Exception, set_attribute},
};

const DISABLED: &str = "disabled";

/// The buttons of a row.
pub(super) struct ActionButtons {
    /// Each with its action.
    buttons: Vec<(HtmlElement, String)>,
    /// The name of the file, with which each button's accessible name ends. Empty for a folder: its
    /// buttons say "folder".
    of: String,
}

impl ActionButtons {
    /// Returns the buttons inside `item`, which is about the file `of`.
    pub(super) fn new(item: &Element, of: String) -> Result<Self, Exception> {
        let found = item.query_selector_all("[data-action]")?;
        let buttons = (0..found.length())
            .filter_map(|index| found.get(index))
            .map(JsCast::unchecked_into::<HtmlElement>)
            .filter_map(|button| Some((button.clone(), button.get_attribute("data-action")?)));
        Ok(Self { buttons: buttons.collect(), of })
    }

    /// Changes the name of the file.
    pub(super) fn rename(&mut self, of: String) {
        self.of = of;
        for (button, _) in self.buttons.iter().filter(|(button, _)| !button.hidden()) {
            self.label(button);
        }
    }

    /// Sets the accessible name of a button: what it does, and to which file.
    fn label(&self, button: &HtmlElement) {
        if self.of.is_empty() {
            return;
        }
        let does = button.get_attribute("title").or_else(|| button.text_content());
        let label = concat(&[does.unwrap_or_default().trim(), " ", &self.of]);
        set_attribute(button, "aria-label", &label);
    }

    /// Disables the shown buttons whose actions are not offered any more. They keep their space: the
    /// row does not change its height. The focus moves from a disabled button to `item`.
    pub(super) fn withdraw(&self, offered: &[&str], item: &HtmlElement, dom: &Dom) {
        for (button, action) in &self.buttons {
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
        for (button, action) in &self.buttons {
            let _ = button.remove_attribute(DISABLED);
            let shown = offered.contains(&action.as_str());
            if shown == button.hidden() {
                loses_focus |= !shown && dom.has_focus(button);
                if shown {
                    self.label(button);
                }
                button.set_hidden(!shown);
            }
        }
        if loses_focus {
            let next = self.buttons.iter().find(|(button, _)| !button.hidden());
            let _ = next.map_or(item, |(button, _)| button).focus();
        }
    }

    /// Moves the button of the first offered decision before those of the others.
    fn put_first(&self, offered: &[&str]) {
        let button = |name: &str| self.buttons.iter().find(|(_, action)| action == name);
        if let ([first @ ("skip" | "rename"), ..], Some((before, _))) =
            (offered, self.buttons.first())
            && let Some((first, _)) = button(first)
            && let Some(parent) = before.parent_element()
            && let Some(old) = parent.first_element_child()
            && !old.is_same_node(Some(first))
        {
            let _ = parent.insert_before(first, Some(&old));
        }
    }
}
