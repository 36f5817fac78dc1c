//! The fragment of the page's address, which can hold a destination.

use wasm_bindgen::JsValue;

use super::dom::{Dom, Exception};
use crate::join::concat;

/// Returns the page's address with this fragment.
pub(super) fn with_fragment(dom: &Dom, fragment: &str) -> String {
    let address = dom.window.location().href().unwrap_or_default();
    concat(&[address.split('#').next().unwrap_or_default(), "#", fragment])
}

/// Replaces the fragment in the address bar. Fires no `hashchange` event.
pub(super) fn set_fragment(dom: &Dom, fragment: &str) -> Result<(), Exception> {
    let fragment = concat(&["#", fragment]);
    dom.window.history()?.replace_state_with_url(&JsValue::NULL, "", Some(&fragment))
}
