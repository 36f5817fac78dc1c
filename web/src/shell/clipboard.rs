//! Copies texts to the clipboard.

use wasm_bindgen_futures::JsFuture;
use web_sys::Window;

use super::{
    address_bar::{set_fragment, with_fragment},
    dom::{Dom, set_text_of, spawn},
};
use crate::{address, certificate, log::wording};

/// Writes a text to the clipboard. Returns whether the browser permitted it.
///
/// Browsers have no clipboard for pages loaded over plain HTTP from another machine.
pub(super) async fn write(window: &Window, text: &str) -> bool {
    // `navigator.clipboard` is undefined outside of secure contexts.
    window.is_secure_context()
        && JsFuture::from(window.navigator().clipboard().write_text(text)).await.is_ok()
}

/// Copies the page's address with a destination as its fragment. Without a clipboard the fragment
/// is put into the address bar. The element `status_id` shows the outcome.
pub(super) fn copy_link(dom: &Dom, fragment: String, status_id: &'static str) {
    let dom = dom.clone();
    spawn(async move {
        let status = if write(&dom.window, &with_fragment(&dom, &fragment)).await {
            address::link_copied()
        } else {
            let _ = set_fragment(&dom, &fragment);
            address::link_in_address_bar()
        };
        set_text_of(&dom, status_id, status);
    });
}

/// Copies a text. The element `status_id` shows the outcome: `done`, or that the browser refused.
pub(super) fn copy(dom: &Dom, text: String, status_id: &'static str, done: &'static str) {
    let dom = dom.clone();
    spawn(async move {
        let is_copied = write(&dom.window, &text).await;
        set_text_of(&dom, status_id, if is_copied { done } else { wording::copy_refused() });
    });
}

/// Copies a certificate's fingerprint. The element `status_id` shows the outcome.
pub(super) fn copy_fingerprint(dom: &Dom, fingerprint: String, status_id: &'static str) {
    let dom = dom.clone();
    spawn(async move {
        let copied = write(&dom.window, &fingerprint).await;
        let status = if copied {
            certificate::fingerprint_copied()
        } else {
            certificate::fingerprint_not_copied()
        };
        set_text_of(&dom, status_id, status);
    });
}
