//! The clipboard.

use wasm_bindgen_futures::JsFuture;
use web_sys::Window;

/// Whether a text was put there. Browsers have no clipboard for pages that came over plain HTTP
/// from another machine, and may refuse it to any.
pub(super) async fn copy(window: &Window, text: &str) -> bool {
    // Elsewhere there is no such object to ask.
    window.is_secure_context()
        && JsFuture::from(window.navigator().clipboard().write_text(text)).await.is_ok()
}
