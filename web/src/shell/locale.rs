//! The page's language: its tag, dates and times, and the order of names. The boot script formats and
//! sorts (`localise` in `web/static/boot.js`): the same takes five times as many bytes here.

use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Document;

use crate::join::join;

/// Separates names. No name contains it.
const NUL: &str = "\0";

/// Returns the language of the page as a tag (RFC 5646).
pub(super) fn language(document: &Document) -> String {
    let root = document.document_element();
    root.and_then(|root| root.get_attribute("lang")).unwrap_or_default()
}

/// Formats a local time for the log: `14:03:22.123` in every language.
pub(super) fn clock_time(millis: f64) -> String {
    localise("clock", &millis.into())
}

/// Formats a local time in the page's language: `22 Nov 2026, 14:03`.
pub(super) fn date_time(millis: f64) -> String {
    localise("date", &millis.into())
}

/// Formats a certificate's date (RFC 3339, UTC) in the page's language: `22 Nov 2026, 14:03:00
/// UTC`. Returns any other text unchanged.
pub(super) fn utc(rfc3339: &str) -> String {
    localise("utc", &rfc3339.into())
}

/// Returns the rank of each name in the order of the page's language. Numbers in names are compared
/// by value.
///
/// Names and ranks cross between wasm and JavaScript as one text each: ten thousand names one by one
/// would be a noticeable delay.
pub(super) fn ranks(names: &[&str]) -> Vec<u64> {
    let ranks = localise("ranks", &join(names, NUL).into());
    ranks.split(',').filter_map(|rank| rank.parse().ok()).collect()
}

/// Calls a function of the boot script. Returns an empty text if the function fails, as for a date that
/// is none.
fn localise(how: &str, value: &JsValue) -> String {
    let call = || {
        let functions = Reflect::get(&js_sys::global(), &"localise".into()).ok()?;
        let function: Function = Reflect::get(&functions, &how.into()).ok()?.unchecked_into();
        function.call1(&JsValue::UNDEFINED, value).ok()?.as_string()
    };
    call().unwrap_or_default()
}
