//! The controls of the remote files: the list by pointer and keyboard, the dialog, and files dragged
//! over a directory.

use std::rc::Rc;

use web_sys::{
    Element, Event as DomEvent, HtmlDialogElement, HtmlElement, HtmlFormElement, HtmlInputElement,
    KeyboardEvent,
};

use super::{on_choice, on_click};
use crate::{
    page::Event,
    path,
    remote::{CursorMove, RemoteAction, RemoteCommand, SortOrder},
    shell::{
        app::App,
        dom::{closest, list_item, listen},
    },
};

pub(super) fn listen_to_remote(app: &Rc<App>) {
    on_click(app, "remote-up", || Event::OpenParent);
    on_click(app, "remote-refresh", || Event::Refresh);
    on_click(app, "remote-new-folder", || {
        Event::Remote(RemoteAction::OpenDialog(RemoteCommand::MakeDirectory))
    });
    on_choice(app, "remote-sort", |value| {
        sort(value).map(|sort| Event::Remote(RemoteAction::Sort(sort)))
    });
    let filter: HtmlInputElement = app.dom.find("remote-filter");
    let (typed, typing) = (app.clone(), filter.clone());
    listen(&filter, "input", move |_: DomEvent| {
        typed.handle(Event::Remote(RemoteAction::Filter(typing.value())));
    });
    let into_list = app.clone();
    listen(&filter, "keydown", move |event: KeyboardEvent| {
        if event.key() == "ArrowDown" {
            event.prevent_default();
            into_list.handle(Event::Remote(RemoteAction::MoveCursor(CursorMove::First)));
        }
    });
    listen_to_path(app);
    listen_to_rows(app);
    listen_to_dialog(app);
}

fn listen_to_path(app: &Rc<App>) {
    let path: HtmlElement = app.dom.find("remote-path");
    let app = app.clone();
    listen(&path, "click", move |event: DomEvent| {
        let button = closest(&event, "[data-part]");
        let index = button.and_then(|button| attribute_number(&button, "data-part"));
        let path = index.and_then(|index| {
            let page = app.page();
            let parts = path::breadcrumbs(page.remote().directory());
            parts.get(index).map(|(_, path)| (*path).to_owned())
        });
        if let Some(path) = path {
            app.handle(Event::Remote(RemoteAction::GoTo(path)));
        }
    });
}

fn listen_to_rows(app: &Rc<App>) {
    let list: HtmlElement = app.dom.find("remote-files");
    let clicked = app.clone();
    listen(&list, "click", move |event: DomEvent| {
        let Some(button) = closest(&event, "button") else { return };
        point_at(&clicked, &button);
        match button.get_attribute("data-action").as_deref() {
            Some("rename") => {
                clicked.handle(Event::Remote(RemoteAction::OpenDialog(RemoteCommand::Rename)));
            }
            Some(_) => {
                clicked.handle(Event::Remote(RemoteAction::OpenDialog(RemoteCommand::Delete)));
            }
            None => open_current(&clicked),
        }
    });
    let focused = app.clone();
    listen(&list, "focusin", move |event: DomEvent| {
        if let Some(row) = closest(&event, "li").filter(|_| !focused.is_drawing()) {
            point_at(&focused, &row);
        }
    });
    let app = app.clone();
    listen(&list, "keydown", move |event: KeyboardEvent| {
        let on_button = closest(&event, "button").is_some();
        if event.ctrl_key() || event.meta_key() || (on_button && event.key() == "Enter") {
            return;
        }
        match key_command(&event.key(), event.alt_key()) {
            Some(KeyCommand::Open) => open_current(&app),
            Some(KeyCommand::Event(event)) => app.handle(event),
            None => return,
        }
        event.prevent_default();
    });
}

/// Makes the entry of an element the current one.
fn point_at(app: &Rc<App>, element: &Element) {
    let index = list_item(element).and_then(|row| attribute_number(&row, "data-index"));
    let cursor = app.page().remote().cursor();
    if let Some(index) = index.filter(|index| *index != cursor) {
        app.handle(Event::Remote(RemoteAction::PointAt(index)));
    }
}

/// Opens the current entry if it is a directory, or may lead to one.
fn open_current(app: &Rc<App>) {
    let name = {
        let page = app.page();
        let entry = page.remote().current();
        let entry = entry.filter(|entry| entry.kind != protocol::server::EntryKind::File);
        entry.map(|entry| entry.name.clone())
    };
    if let Some(name) = name {
        app.handle(Event::OpenDirectory(name));
    }
}

/// What a key does in the list.
enum KeyCommand {
    /// Opens the current entry.
    Open,
    Event(Event),
}

fn key_command(key: &str, alt: bool) -> Option<KeyCommand> {
    let act = match (key, alt) {
        ("ArrowUp", true) | ("Backspace", false) => {
            return Some(KeyCommand::Event(Event::OpenParent));
        }
        (_, true) => return None,
        ("Enter", _) => return Some(KeyCommand::Open),
        ("ArrowUp", _) => RemoteAction::MoveCursor(CursorMove::Previous),
        ("ArrowDown", _) => RemoteAction::MoveCursor(CursorMove::Next),
        ("PageUp", _) => RemoteAction::MoveCursor(CursorMove::PageUp),
        ("PageDown", _) => RemoteAction::MoveCursor(CursorMove::PageDown),
        ("Home", _) => RemoteAction::MoveCursor(CursorMove::First),
        ("End", _) => RemoteAction::MoveCursor(CursorMove::Last),
        ("F2", _) => RemoteAction::OpenDialog(RemoteCommand::Rename),
        ("Delete", _) => RemoteAction::OpenDialog(RemoteCommand::Delete),
        (key, _) => {
            let mut letters = key.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) if letter != ' ' => RemoteAction::Seek(letter),
                _ => return None,
            }
        }
    };
    Some(KeyCommand::Event(Event::Remote(act)))
}

fn listen_to_dialog(app: &Rc<App>) {
    let dialog: HtmlDialogElement = app.dom.find("change-dialog");
    let form: HtmlFormElement = app.dom.find("change-form");
    let name: HtmlInputElement = app.dom.find("change-name");
    let answered = app.clone();
    listen(&form, "submit", move |event: DomEvent| {
        event.prevent_default();
        answered.handle(Event::Remote(RemoteAction::ConfirmDialog(name.value())));
    });
    on_click(app, "change-cancel", || Event::Remote(RemoteAction::CloseDialog));
    let app = app.clone();
    listen(&dialog, "close", move |_: DomEvent| {
        // The user pressed Escape: otherwise the core has closed it already.
        if app.page().remote().dialog().is_some() {
            app.handle(Event::Remote(RemoteAction::CloseDialog));
        }
    });
}

/// Makes the directory that files are dragged over their target, and highlights it.
pub(super) fn drag_over(app: &Rc<App>, event: Option<&DomEvent>) {
    let row = event.and_then(|event| closest(event, "#remote-files li"));
    let index = row.and_then(|row| attribute_number(&row, "data-index"));
    let has_changed = {
        let page = app.page();
        let remote = page.remote();
        let name = index.and_then(|index| remote.at(index)).map(|entry| entry.name.as_str());
        name != remote.drag_over()
    };
    if has_changed {
        app.handle(Event::Remote(RemoteAction::DragOver(index)));
    }
}

fn attribute_number(element: &Element, attribute: &str) -> Option<usize> {
    element.get_attribute(attribute)?.parse().ok()
}

fn sort(name: &str) -> Option<SortOrder> {
    Some(match name {
        "name" => SortOrder::Name,
        "name-backwards" => SortOrder::NameBackwards,
        "largest" => SortOrder::Largest,
        "smallest" => SortOrder::Smallest,
        "newest" => SortOrder::Newest,
        "oldest" => SortOrder::Oldest,
        _ => return None,
    })
}
