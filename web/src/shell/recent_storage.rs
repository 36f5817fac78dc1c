//! The recent destinations in local storage.

use web_sys::Storage;

use super::dom::Dom;
use crate::recent::RecentDestinations;

/// The key in local storage.
const KEY: &str = "ferryport-recent";

fn storage(dom: &Dom) -> Option<Storage> {
    dom.window.local_storage().ok()?
}

pub(super) fn load(dom: &Dom) -> RecentDestinations {
    let text = storage(dom).and_then(|storage| storage.get_item(KEY).ok()?);
    RecentDestinations::read(&text.unwrap_or_default())
}

pub(super) fn save(dom: &Dom, recents: &RecentDestinations) {
    if let Some(storage) = storage(dom) {
        // Storage may be full: it then keeps what it has.
        let _ = storage.set_item(KEY, &recents.write());
    }
}
