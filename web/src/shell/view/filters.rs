//! The filters of the list of uploads with their counts, and the grouping by folder.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::super::dom::{Dom, Exception, query, set_attribute, set_text};
use crate::{
    queue::Totals,
    upload_list::{Grouping, UploadFilter, UploadList},
};

pub(super) struct FiltersView {
    filters: Vec<FilterButton>,
    by_folder: HtmlElement,
    shown: Option<(Totals, UploadFilter, Grouping)>,
}

struct FilterButton {
    filter: UploadFilter,
    button: HtmlElement,
    count: Element,
}

impl FiltersView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Exception> {
        let group: HtmlElement = dom.find("filters");
        let found = group.query_selector_all("[data-filter]")?;
        let mut filters = Vec::new();
        for button in (0..found.length()).filter_map(|index| found.get(index)) {
            let button: HtmlElement = button.unchecked_into();
            let count = query(&button, ".filter-count");
            if let Some(filter) = filter_of_button(&button) {
                filters.push(FilterButton { filter, button, count });
            }
        }
        Ok(Self { filters, by_folder: dom.find("by-folder"), shown: None })
    }

    pub(super) fn draw(&mut self, totals: &Totals, listing: &UploadList) {
        let now = Some((*totals, listing.filter(), listing.grouping()));
        if self.shown == now {
            return;
        }
        self.shown = now;
        for FilterButton { filter, button, count } in &self.filters {
            set_attribute(button, "aria-pressed", pressed(*filter == listing.filter()));
            let number = filter.count(totals).to_string();
            // The simple view hides a filter without files.
            set_attribute(button, "data-count", &number);
            set_text(count, &number);
        }
        let by_folder = listing.grouping() == Grouping::ByFolder;
        set_attribute(&self.by_folder, "aria-pressed", pressed(by_folder));
    }
}

/// Returns the filter of a button.
pub(in crate::shell) fn filter_of_button(button: &Element) -> Option<UploadFilter> {
    Some(match button.get_attribute("data-filter")?.as_str() {
        "all" => UploadFilter::All,
        "under-way" => UploadFilter::UnderWay,
        "needs-user" => UploadFilter::NeedsUser,
        "failed" => UploadFilter::Failed,
        "done" => UploadFilter::Done,
        _ => return None,
    })
}

fn pressed(is_pressed: bool) -> &'static str {
    if is_pressed { "true" } else { "false" }
}
