//! The state of the tab in session storage.

use web_sys::Window;

use crate::{json, saved::SavedTab};

const KEY: &str = "ferryport";

/// Reads the state that an earlier page of this tab wrote.
pub(super) fn read(window: &Window) -> Option<SavedTab> {
    let storage = window.session_storage().ok()??;
    json::read(&storage.get_item(KEY).ok()??).ok()
}

/// Writes the state. Returns whether the browser stored it.
pub(super) fn write(window: &Window, tab: &SavedTab) -> bool {
    let Ok(text) = json::write(tab) else { return false };
    match window.session_storage() {
        Ok(Some(storage)) => storage.set_item(KEY, &text).is_ok(),
        Ok(None) | Err(_) => false,
    }
}
