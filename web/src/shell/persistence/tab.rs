//! The state of the tab in session storage, which is written at once: the database is not.

use web_sys::Window;

use crate::{json, saved::SavedTab};

const KEY: &str = "ferryport";
/// The changes of rows that were not in the database when the page went away.
const LAST_CHANGES: &str = "ferryport-changes";
/// The most rows whose last changes are kept: a browser gives a tab 5 MB.
const MAX_LAST_CHANGES: usize = 2000;

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

/// Writes the last changes of a queue's rows, by number: a line for each with its number and, unless
/// it was removed, its record. A record is JSON, which has no line breaks.
pub(super) fn write_last_changes(window: &Window, queue: &str, rows: &[(u32, Option<String>)]) {
    let mut text = queue.to_owned();
    for (number, record) in rows.iter().take(MAX_LAST_CHANGES) {
        for part in ["\n", &*number.to_string(), " ", record.as_deref().unwrap_or_default()] {
            text.push_str(part);
        }
    }
    if let Ok(Some(storage)) = window.session_storage() {
        // Storage may be full: then the database has to do.
        let _ = storage.set_item(LAST_CHANGES, &text);
    }
}

/// Returns whether the page of a queue was left in this tab: it wrote its last changes. A tab that
/// was duplicated has a copy of the storage of a page that has not been left.
pub(super) fn was_left(window: &Window, queue: &str) -> bool {
    last_changes(window).lines().next() == Some(queue)
}

/// Forgets that the page was left, because the browser shows it again.
pub(super) fn is_back(window: &Window) {
    if let Ok(Some(storage)) = window.session_storage() {
        let _ = storage.remove_item(LAST_CHANGES);
    }
}

fn last_changes(window: &Window) -> String {
    let Ok(Some(storage)) = window.session_storage() else { return String::new() };
    storage.get_item(LAST_CHANGES).ok().flatten().unwrap_or_default()
}

/// Takes the last changes of a queue's rows out of the storage; none if they are another queue's.
pub(super) fn take_last_changes(window: &Window, queue: &str) -> Vec<(u32, Option<String>)> {
    let text = last_changes(window);
    is_back(window);
    let mut lines = text.lines();
    if lines.next() != Some(queue) {
        return Vec::new();
    }
    let change = |line: &str| {
        let (number, record) = line.split_once(' ')?;
        Some((number.parse().ok()?, (!record.is_empty()).then(|| record.to_owned())))
    };
    lines.filter_map(change).collect()
}
