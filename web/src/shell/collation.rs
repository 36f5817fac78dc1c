//! The order of names in the page's language.

use js_sys::{Function, Intl::Collator, JsString, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use super::dom::{Fault, locales};

/// Stands between names; no name holds it.
const NUL: char = '\0';

/// Gives each name its place among all, numbers in them by what they are worth. A browser that does
/// not sort leaves them as they are.
pub(super) fn ranks(names: &[&str]) -> Vec<u64> {
    let sorted = sort(names).unwrap_or_default();
    let mut places: Vec<(&str, usize)> = names.iter().copied().zip(0..).collect();
    places.sort_unstable();
    let mut ranks: Vec<u64> = (0..).take(names.len()).collect();
    for (rank, name) in (0..).zip(sorted.split(NUL)) {
        let found = places.binary_search_by_key(&name, |(name, _)| name).ok();
        let place = found.and_then(|found| places.get(found));
        if let Some(rank_of) = place.and_then(|(_, place)| ranks.get_mut(*place)) {
            *rank_of = rank;
        }
    }
    ranks
}

/// The names as one text. They cross over to the browser and back at once, and all comparisons are
/// made there: ten thousand names one by one, or what it takes to sort them, would be felt.
fn sort(names: &[&str]) -> Result<String, Fault> {
    thread_local! {
        static COMPARE: Function = comparison();
    }
    let names = JsString::from(names.join("\0")).split("\0");
    let sort: Function = Reflect::get(&names, &"sort".into())?.unchecked_into();
    COMPARE.with(|compare| sort.call1(&names, compare))?;
    Ok(names.join("\0").into())
}

fn comparison() -> Function {
    let options = Object::new();
    // Fails for objects that are frozen only.
    let _ = Reflect::set(&options, &"numeric".into(), &JsValue::TRUE);
    Collator::new(&locales(), &options).compare()
}
