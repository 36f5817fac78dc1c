//! The clipboard.

use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Window;

use super::{
    dom::Dom,
    form::{link_to, put_into_address, tell},
};
use crate::{address, certificate};

/// Whether a text was put there. Browsers have no clipboard for pages that came over plain HTTP from
/// another machine, and may refuse it to any.
pub(super) async fn write(window: &Window, text: &str) -> bool {
    // Elsewhere there is no such object to ask.
    window.is_secure_context()
        && JsFuture::from(window.navigator().clipboard().write_text(text)).await.is_ok()
}

/// What is copied.
pub(super) enum Copied {
    /// What leads to a destination, for behind the `#` of the page's address.
    Link(String),
    /// A certificate's fingerprint.
    Fingerprint(String),
}

/// Copies it, and says in the element `hint` what came of it. Where there is no clipboard, a link is
/// put into the address bar.
pub(super) fn copy(dom: &Dom, what: Copied, hint: &'static str) {
    let dom = dom.clone();
    spawn_local(async move {
        let text = match &what {
            Copied::Link(link) => link_to(&dom, link),
            Copied::Fingerprint(text) => text.clone(),
        };
        let done = write(&dom.window, &text).await;
        let said = match (what, done) {
            (Copied::Link(_), true) => address::link_copied(),
            (Copied::Link(link), false) => {
                // Not as a link that is followed: the form is what it says already.
                let _ = put_into_address(&dom, &link);
                address::link_in_address_bar()
            }
            (Copied::Fingerprint(_), true) => certificate::fingerprint_copied(),
            (Copied::Fingerprint(_), false) => certificate::fingerprint_not_copied(),
        };
        tell(&dom, hint, said);
    });
}
