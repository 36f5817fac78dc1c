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
        let row = self.cursor();
        self.point_at(match to {
            CursorMove::Previous => row.saturating_sub(1),
            CursorMove::Next => row + 1,
            CursorMove::PageUp => row.saturating_sub(PAGE_ROWS),
            CursorMove::PageDown => row + PAGE_ROWS,
            CursorMove::First => 0,
            CursorMove::Last => self.len(),
        });
        self.focus_requests += 1;
    }

    /// Moves the cursor to the next entry whose name starts with `letter`; after the last entry comes
    /// the first.
    pub fn seek(&mut self, letter: char) {
        let next = self.cursor() + 1;
        let mut rows = (next..self.len()).chain(0..next);
        let begins = |row: &usize| {
            let first = self.at(*row).and_then(|entry| entry.name.chars().next());
            first.is_some_and(|first| first.eq_ignore_ascii_case(&letter))
        };
        if let Some(row) = rows.find(begins) {
            self.point_at(row);
            self.focus_requests += 1;
        }
    }

    /// Puts the cursor on a row of the list, or on its last row.
    pub fn point_at(&mut self, row: usize) {
        let row = row.min(self.len().saturating_sub(1));
        let name = self.at(row).map(|entry| entry.name.clone());
        self.cursor = (name.unwrap_or_default(), row);
    }
}
