//! The user's actions on the directory in view.

use super::{CursorMove, RemoteCommand, SortOrder};

/// An action on the directory in view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteAction {
    /// Opens a directory, by its absolute path.
    GoTo(String),
    /// Moves the cursor.
    MoveCursor(CursorMove),
    /// Moves the cursor to the next name that starts with this letter.
    Seek(char),
    /// Puts the cursor on a row of the list.
    PointAt(usize),
    /// Sets the order.
    Sort(SortOrder),
    /// Shows only names that contain this text.
    Filter(String),
    /// Drags files over the directory in this row, or over none.
    DragOver(Option<usize>),
    /// Opens the dialog of a command.
    OpenDialog(RemoteCommand),
    /// Confirms the dialog, with a name where it asks for one.
    ConfirmDialog(String),
    /// Closes the dialog.
    CloseDialog,
}
