//! The row of a folder in the list of uploads.

use web_sys::{Element, HtmlElement};

use super::{
    super::super::dom::{Dom, Exception, Template, query, set_attribute, set_progress, set_text},
    buttons::ActionButtons,
};
use crate::{
    format, queue,
    queue::totals,
    queue::{Folder, FolderId, Queue, Totals},
    upload_list::UploadList,
};

/// The elements of a row that change.
pub(super) struct FolderRow {
    pub(super) item: HtmlElement,
    toggle: Element,
    bar: HtmlElement,
    count: Element,
    buttons: ActionButtons,
    shown: Option<(Totals, bool)>,
}

impl FolderRow {
    pub(super) fn new(
        template: &Template,
        id: FolderId,
        folder: &Folder,
    ) -> Result<Self, Exception> {
        let item = template.copy();
        let name = queue::folder_label(folder.path());
        set_attribute(&item, "data-folder", &id.0.to_string());
        set_attribute(&item, "aria-label", &name);
        set_text(&query::<Element>(&item, ".folder-name"), &format::name(folder.path()));
        let (bar, toggle): (HtmlElement, Element) =
            (query(&item, ".progress"), query(&item, ".folder-toggle"));
        set_attribute(&bar, "aria-label", &name);
        set_attribute(&toggle, "aria-label", &name);
        Ok(Self {
            toggle,
            bar,
            count: query(&item, ".folder-count"),
            buttons: ActionButtons::new(&item, String::new())?,
            shown: None,
            item,
        })
    }

    pub(super) fn draw(&mut self, id: FolderId, queue: &Queue, listing: &UploadList, dom: &Dom) {
        let Some(folder) = queue.folder(id) else { return };
        let totals = *folder.totals();
        let now = Some((totals, listing.is_open(id, folder, queue)));
        if self.shown == now {
            return;
        }
        self.shown = now;
        let is_open = now.is_some_and(|(_, open)| open);
        set_attribute(&self.toggle, "aria-expanded", if is_open { "true" } else { "false" });
        set_attribute(&self.item, "data-state", state(&totals));
        set_text(&self.count, &totals::folder_summary(&totals));
        set_progress(&self.bar, totals.permille(), &totals::count(&totals));
        self.buttons.offer(&actions(&totals), &self.item, dom);
    }
}

/// Returns the state by which the style sheet formats the row.
fn state(totals: &Totals) -> &'static str {
    if totals.active > 0 {
        "uploading"
    } else if totals.failed > 0 {
        "failed"
    } else if totals.waiting > 0 {
        "interrupted"
    } else if totals.paused > 0 {
        "paused"
    } else if totals.done > 0 {
        "done"
    } else {
        "skipped"
    }
}

/// Returns the actions that a folder offers for its uploads.
fn actions(totals: &Totals) -> Vec<&'static str> {
    let offered = [
        ("pause", totals.active > 0),
        ("resume", totals.paused > 0),
        ("retry", totals.retryable > 0),
        ("cancel", totals.active + totals.paused + totals.waiting > 0),
    ];
    offered.into_iter().filter(|(_, offered)| *offered).map(|(action, _)| action).collect()
}
