//! Picks files: by buttons, by drag and drop, from the clipboard, and again for restored rows.

use std::rc::Rc;

use web_sys::{ClipboardEvent, DragEvent, HtmlButtonElement, HtmlInputElement};

use super::{on_click, remote::drag_over};
use crate::{
    page::Event,
    shell::{
        app::App,
        dom::{listen, set_attribute},
        missing_files, picker,
    },
};

pub(super) fn listen_to_files(app: &Rc<App>) {
    for (button, input) in [("choose-files", "files"), ("choose-folder", "folder")] {
        let button: HtmlButtonElement = app.dom.find(button);
        let input: HtmlInputElement = app.dom.find(input);
        let chooser = input.clone();
        listen(&button, "click", move |_: web_sys::Event| chooser.click());
        let (app, chosen) = (app.clone(), input.clone());
        listen(&input, "change", move |_: web_sys::Event| {
            if let Some(files) = chosen.files() {
                picker::pick_list(&app, &files);
            }
            // Otherwise choosing the same file again would fire no event.
            chosen.set_value("");
        });
    }
    let (button, reopening) = (app.dom.find::<HtmlButtonElement>("restored-continue"), app.clone());
    listen(&button, "click", move |_: web_sys::Event| missing_files::reopen_all(&reopening));
    on_click(app, "restored-discard", || Event::DiscardRestored);
    listen_to_drops(app);
    listen_to_paste(app);
}

/// Listens on the whole document: the browser would open a file that is dropped beside the drop
/// zone, and leave the page.
fn listen_to_drops(app: &Rc<App>) {
    let document = app.dom.document.clone();
    let over = app.clone();
    listen(&document, "dragover", move |event: DragEvent| {
        let has_files = event
            .data_transfer()
            .is_some_and(|transfer| transfer.types().includes(&"Files".into(), 0));
        if has_files {
            event.prevent_default();
            set_dragging(&over, "yes");
            drag_over(&over, Some(&event));
        }
    });
    let left = app.clone();
    listen(&document, "dragleave", move |event: DragEvent| {
        if event.related_target().is_none() {
            set_dragging(&left, "no");
            drag_over(&left, None);
        }
    });
    let dropped = app.clone();
    listen(&document, "drop", move |event: DragEvent| {
        event.prevent_default();
        set_dragging(&dropped, "no");
        drag_over(&dropped, Some(&event));
        if let Some(transfer) = event.data_transfer() {
            picker::pick_transfer(&dropped, &transfer);
        }
        drag_over(&dropped, None);
    });
}

/// Sets the attribute by which the style sheet highlights the drop zone.
fn set_dragging(app: &App, dragging: &str) {
    if let Some(body) = app.dom.body() {
        set_attribute(&body, "data-dragging", dragging);
    }
}

fn listen_to_paste(app: &Rc<App>) {
    let app = app.clone();
    let document = app.dom.document.clone();
    listen(&document, "paste", move |event: ClipboardEvent| {
        if let Some(transfer) = event.clipboard_data()
            && transfer.files().is_some_and(|files| files.length() > 0)
        {
            event.prevent_default();
            picker::pick_transfer(&app, &transfer);
        }
    });
}
