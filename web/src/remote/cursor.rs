//! The cursor of the list: the entry that the keyboard acts on.

use super::RemoteDirectory;

/// The rows that a page key passes.
const PAGE_ROWS: usize = 10;

/// A move of the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorMove {
    /// One row up.
    Previous,
    /// One row down.
    Next,
    /// Ten rows up.
    PageUp,
    /// Ten rows down.
    PageDown,
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

impl RemoteDirectory {
    /// Moves the cursor, and the focus with it.
    pub fn move_cursor(&mut self, to: CursorMove) {
        let place = self.cursor();
        self.point_at(match to {
            CursorMove::Previous => place.saturating_sub(1),
            CursorMove::Next => place + 1,
            CursorMove::PageUp => place.saturating_sub(PAGE_ROWS),
            CursorMove::PageDown => place + PAGE_ROWS,
            CursorMove::First => 0,
            CursorMove::Last => self.len(),
        });
        self.focus_requests += 1;
    }

    /// Moves the cursor to the next entry whose name starts with `letter`; after the last entry comes
    /// the first.
    pub fn seek(&mut self, letter: char) {
        let next = self.cursor() + 1;
        let mut places = (next..self.len()).chain(0..next);
        let begins = |place: &usize| {
            let first = self.at(*place).and_then(|entry| entry.name.chars().next());
            first.is_some_and(|first| first.eq_ignore_ascii_case(&letter))
        };
        if let Some(place) = places.find(begins) {
            self.point_at(place);
            self.focus_requests += 1;
        }
    }

    /// Puts the cursor on a row of the list, or on its last row.
    pub fn point_at(&mut self, place: usize) {
        let place = place.min(self.len().saturating_sub(1));
        let name = self.at(place).map(|entry| entry.name.clone());
        self.cursor = (name.unwrap_or_default(), place);
    }
}
