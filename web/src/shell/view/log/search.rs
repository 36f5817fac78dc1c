//! The search in the log: its text, and the way from match to match.

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{LogView, MatchMove};
use crate::{
    log::wording,
    shell::dom::{Exception, set_attribute, set_text},
};

/// The text of the search, and the number of the current match.
#[derive(Default)]
pub(super) struct Search {
    text: String,
    /// From 1; 0 before the first match.
    current: u32,
}

impl Search {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn set_text(&mut self, text: String) {
        self.text = text;
    }

    pub(super) fn is_active(&self) -> bool {
        !self.text.is_empty()
    }
}

impl LogView {
    /// Goes to the first match of the text, or clears the status if there is no text.
    pub(super) fn restart_search(&mut self) -> Result<(), Exception> {
        self.search.current = 0;
        if self.search.is_active() {
            return self.go_to_match(MatchMove::First);
        }
        set_text(&self.status, "");
        Ok(())
    }

    /// Goes to another match. After the last one comes the first, and before the first the last.
    pub(super) fn go_to_match(&mut self, to: MatchMove) -> Result<(), Exception> {
        let marks = self.log.query_selector_all("mark")?;
        let count = marks.length();
        let mark = |index: u32| marks.item(index).map(JsCast::unchecked_into::<HtmlElement>);
        let is_current =
            |index: &u32| mark(*index).is_some_and(|mark| mark.has_attribute("aria-current"));
        let current = (0..count).find(is_current);
        let next = match (to, current) {
            (MatchMove::Next, Some(current)) if current + 1 < count => current + 1,
            (MatchMove::Previous, None | Some(0)) => count.saturating_sub(1),
            (MatchMove::Previous, Some(current)) => current - 1,
            (MatchMove::First | MatchMove::Next, _) => 0,
        };
        if let Some(current) = current.and_then(mark) {
            current.remove_attribute("aria-current")?;
        }
        if let Some(mark) = mark(next) {
            set_attribute(&mark, "aria-current", "true");
            self.follow.read_at(mark.offset_top());
            self.search.current = next + 1;
        }
        self.show_match_count()
    }

    /// Shows the number of the current match and of all matches.
    pub(super) fn show_match_count(&self) -> Result<(), Exception> {
        let count = self.log.query_selector_all("mark")?.length();
        set_text(&self.status, &wording::found(self.search.current.min(count), count));
        Ok(())
    }
}
