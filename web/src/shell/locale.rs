//! The page's language: its tag, dates and times, and the order of names.

use js_sys::{
    Array, Date, Function,
    Intl::{Collator, DateTimeFormat},
    JsString, Object, Reflect,
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Window};

use super::dom::Exception;
use crate::join::join;

/// Separates names. No name contains it.
const NUL: char = '\0';

/// Returns the language of the page as a tag (RFC 5646).
pub(super) fn language(document: &Document) -> String {
    let root = document.document_element();
    root.and_then(|root| root.get_attribute("lang")).unwrap_or_default()
}

/// Returns the locales for dates and names: the user's regional variants of the page's language,
/// for example British English, before the language itself.
fn locales() -> Array {
    let window = web_sys::window();
    let language = window.as_ref().and_then(Window::document).map(|document| language(&document));
    let language = language.unwrap_or_default();
    let preferred = window.map(|window| window.navigator().languages()).unwrap_or_default();
    let locales = Array::new();
    for locale in preferred.iter() {
        if locale.as_string().unwrap_or_default().split('-').next() == Some(&*language) {
            locales.push(&locale);
        }
    }
    locales.push(&language.into());
    locales
}

/// Formats a local time for the log: `14:03:22.123` in every language.
pub(super) fn clock_time(millis: f64) -> String {
    let date = Date::new(&millis.into());
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        date.get_hours(),
        date.get_minutes(),
        date.get_seconds(),
        date.get_milliseconds()
    )
}

/// Formats a local time in the page's language: `22 Nov 2026, 14:03`.
pub(super) fn date_time(millis: f64) -> String {
    thread_local! {
        static FORMAT: Function = date_format(&[("dateStyle", "medium"), ("timeStyle", "short")]);
    }
    FORMAT.with(|format| format_date(format, millis)).unwrap_or_default()
}

/// Formats a certificate's date (RFC 3339, UTC) in the page's language: `22 Nov 2026, 14:03:00
/// UTC`. Returns any other text unchanged.
pub(super) fn utc(rfc3339: &str) -> String {
    thread_local! {
        static FORMAT: Function = date_format(&[
            ("dateStyle", "medium"), ("timeStyle", "long"), ("timeZone", "UTC"),
        ]);
    }
    let formatted = FORMAT.with(|format| format_date(format, Date::parse(rfc3339)));
    formatted.unwrap_or_else(|| rfc3339.to_owned())
}

/// Makes a formatting function. That takes longer than formatting: callers keep it.
fn date_format(choices: &[(&str, &str)]) -> Function {
    let options = Object::new();
    for (name, choice) in choices {
        // Setting a property fails for frozen objects only.
        let _ = Reflect::set(&options, &(*name).into(), &(*choice).into());
    }
    DateTimeFormat::new(&locales(), &options).format()
}

/// Formats a date. Returns `None` if it is invalid.
fn format_date(format: &Function, millis: f64) -> Option<String> {
    format.call1(&JsValue::UNDEFINED, &millis.into()).ok()?.as_string()
}

/// Returns the rank of each name in the order of the page's language. Numbers in names are compared
/// by value. If the browser cannot sort, the ranks are those of the given order.
pub(super) fn ranks(names: &[&str]) -> Vec<u64> {
    let sorted = sort(names).unwrap_or_default();
    let mut indexes: Vec<(&str, usize)> = names.iter().copied().zip(0..).collect();
    indexes.sort_unstable();
    let mut ranks: Vec<u64> = (0..).take(names.len()).collect();
    for (rank, name) in (0..).zip(sorted.split(NUL)) {
        let found = indexes.binary_search_by_key(&name, |(name, _)| name).ok();
        let index = found.and_then(|found| indexes.get(found));
        if let Some(rank_of) = index.and_then(|(_, index)| ranks.get_mut(*index)) {
            *rank_of = rank;
        }
    }
    ranks
}

/// Sorts the names; returns them separated by NUL.
///
/// The names cross between wasm and JavaScript as one string, and are compared there: ten thousand
/// names one by one would be a noticeable delay.
fn sort(names: &[&str]) -> Result<String, Exception> {
    thread_local! {
        static COMPARE: Function = comparison();
    }
    let names = JsString::from(join(names, "\0")).split("\0");
    let sort: Function = Reflect::get(&names, &"sort".into())?.unchecked_into();
    COMPARE.with(|compare| sort.call1(&names, compare))?;
    Ok(names.join("\0").into())
}

fn comparison() -> Function {
    let options = Object::new();
    // Setting a property fails for frozen objects only.
    let _ = Reflect::set(&options, &"numeric".into(), &JsValue::TRUE);
    Collator::new(&locales(), &options).compare()
}
