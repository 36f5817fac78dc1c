//! Listens to the user's actions, and passes them to the core as events.

use std::rc::Rc;

use web_sys::{BeforeUnloadEvent, HtmlButtonElement, HtmlSelectElement};

use super::{
    app::App,
    dom::{Exception, listen},
};
use crate::{connection::Network, page::Event};

mod connection;
mod files;
mod log;
mod remote;
mod uploads;

/// Listens to all controls of the page and to its window.
pub(super) fn start(app: &Rc<App>) -> Result<(), Exception> {
    connection::listen_to_connection(app)?;
    remote::listen_to_remote(app);
    uploads::listen_to_uploads(app);
    files::listen_to_files(app);
    log::listen_to_log(app);
    listen_to_window(app);
    Ok(())
}

fn listen_to_window(app: &Rc<App>) {
    let leaving = app.clone();
    listen(&app.dom.window, "beforeunload", move |event: BeforeUnloadEvent| {
        if leaving.is_under_way() {
            event.prevent_default();
        }
    });
    for (kind, network) in [("online", Network::Online), ("offline", Network::Offline)] {
        let app = app.clone();
        let window = app.dom.window.clone();
        listen(&window, kind, move |_: web_sys::Event| app.handle(Event::NetworkChanged(network)));
    }
    let app = app.clone();
    let document = app.dom.document.clone();
    listen(&document, "visibilitychange", move |_: web_sys::Event| {
        app.update_screen_lock();
        app.visibility_changed();
    });
}

/// Handles an event at each click on a button.
fn on_click(app: &Rc<App>, id: &str, event: impl Fn() -> Event + 'static) {
    let button: HtmlButtonElement = app.dom.find(id);
    let app = app.clone();
    listen(&button, "click", move |_: web_sys::Event| app.handle(event()));
}

/// Handles an event for the choice of a select: now, because the browser may have restored one, and
/// whenever it changes.
fn on_choice(app: &Rc<App>, id: &str, event: impl Fn(&str) -> Option<Event> + 'static) {
    let select: HtmlSelectElement = app.dom.find(id);
    let (app, choice) = (app.clone(), select.clone());
    let handle_choice = move || {
        if let Some(event) = event(&choice.value()) {
            app.handle(event);
        }
    };
    handle_choice();
    listen(&select, "change", move |_: web_sys::Event| handle_choice());
}
