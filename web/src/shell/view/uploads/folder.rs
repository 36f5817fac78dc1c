//! The heading of a folder in the list of uploads.

use web_sys::{Element, HtmlElement};

use super::{
    super::super::dom::{Dom, Fault, Template, part, set_attribute, set_bar, set_text},
    Buttons,
};
use crate::{
    format, queue,
    queue::totals,
    queue::{Folder, FolderId, Queue, Totals},
    upload_list::UploadList,
};

/// The elements of a heading that change.
pub(super) struct FolderView {
    item: HtmlElement,
    toggle: Element,
    bar: HtmlElement,
    count: Element,
    buttons: Buttons,
    numbered: (usize, usize),
    shown: Option<(Totals, bool)>,
}

impl FolderView {
    pub(super) fn new(template: &Template, id: FolderId, folder: &Folder) -> Result<Self, Fault> {
        let item = template.copy()?;
        let name = queue::folder_label(folder.path());
        set_attribute(&item, "data-folder", &id.0.to_string());
        set_attribute(&item, "aria-label", &name);
        set_text(&part::<Element>(&item, ".folder-name")?, &format::visible(folder.path()));
        let (bar, toggle): (HtmlElement, Element) =
            (part(&item, ".progress")?, part(&item, ".folder-toggle")?);
        set_attribute(&bar, "aria-label", &name);
        set_attribute(&toggle, "aria-label", &name);
        Ok(Self {
            toggle,
            bar,
            count: part(&item, ".folder-count")?,
            buttons: Buttons::of(&item)?,
            numbered: (0, 0),
            shown: None,
            item,
        })
    }

    pub(super) fn item(&self) -> &HtmlElement {
        &self.item
    }

    pub(super) fn numbered_mut(&mut self) -> &mut (usize, usize) {
        &mut self.numbered
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
        set_bar(&self.bar, totals.permille(), &totals::count(&totals));
        self.buttons.offer(&actions(&totals), &self.item, dom);
    }
}

/// What the style sheet goes by.
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

/// What can be done with a folder's uploads now.
fn actions(totals: &Totals) -> Vec<&'static str> {
    let offered = [
        ("pause", totals.active > 0),
        ("resume", totals.paused > 0),
        ("retry", totals.failed + totals.interrupted > 0),
        ("cancel", totals.active + totals.paused + totals.waiting > 0),
    ];
    offered.into_iter().filter(|(_, offered)| *offered).map(|(act, _)| act).collect()
}
