//! The controls of the connection: the connect form, its steps, the certificate dialog, the copies of
//! fingerprint and link.

use std::rc::Rc;

use js_sys::Date;
use web_sys::{Element, HtmlDialogElement, HtmlElement, HtmlFormElement};

use super::on_click;
use crate::{
    address, certificate,
    page::{Event, StartFolderChoice, obstacle},
    shell::{
        app::App,
        clipboard,
        dom::{Exception, listen, set_text_of},
        form,
        recent_storage::load,
        view::SHOWN_CERTIFICATE,
    },
};

pub(super) fn listen_to_connection(app: &Rc<App>) -> Result<(), Exception> {
    form::start(&app.dom)?;
    listen_to_submit(app);
    listen_to_disconnect(app);
    on_click(app, "cancel-connect", || Event::Disconnect);
    on_click(app, "reconnect", || Event::ReconnectNow);
    listen_to_obstacle(app);
    listen_to_failure(app);
    listen_to_certificate_dialog(app);
    listen_to_certificate_copies(app);
    listen_to_copies(app);
    Ok(())
}

fn listen_to_submit(app: &Rc<App>) {
    let form: HtmlFormElement = app.dom.find("connect");
    let app = app.clone();
    listen(&form, "submit", move |event: web_sys::Event| {
        event.prevent_default();
        let button: Element = app.dom.find("connect-button");
        if button.get_attribute("aria-busy").as_deref() == Some("true") {
            return;
        }
        if let Ok((destination, folder)) = form::submit(&app.dom) {
            set_text_of(&app.dom, "connected-hint", "");
            if let Some(fingerprint) = load(&app.dom).certificate_at(&destination) {
                let fingerprint = fingerprint.clone();
                app.handle(Event::CertificateRemembered(destination.clone(), fingerprint));
            }
            app.handle_all([Event::StartIn(folder), Event::Connect(destination)]);
        }
    });
}

/// Asks before it interrupts uploads.
fn listen_to_disconnect(app: &Rc<App>) {
    let dialog: HtmlDialogElement = app.dom.find("disconnect-dialog");
    let (button, asking) = (app.dom.find::<HtmlElement>("disconnect"), dialog.clone());
    let leaving = app.clone();
    listen(&button, "click", move |_: web_sys::Event| {
        if leaving.page().queue().totals().active == 0 {
            leaving.handle(Event::Disconnect);
        } else {
            // The Escape key leaves the answer as it is.
            asking.set_return_value("");
            // Fails if the dialog is open already.
            let _ = asking.show_modal();
        }
    });
    let (app, answered) = (app.clone(), dialog.clone());
    listen(&dialog, "close", move |_: web_sys::Event| {
        if answered.return_value() == "leave" {
            app.handle(Event::Disconnect);
        }
    });
}

fn listen_to_obstacle(app: &Rc<App>) {
    let choose = Event::ChooseStartFolder;
    on_click(app, "start-folder-create", move || choose(StartFolderChoice::Create));
    on_click(app, "start-folder-use", move || choose(StartFolderChoice::UseFolderInView));
    on_click(app, "data-retry", || Event::Refresh);
    let (button, app) = (app.dom.find::<HtmlElement>("copy-operator-message"), app.clone());
    listen(&button, "click", move |_: web_sys::Event| {
        let now = Date::new_0().to_string();
        let message = app.page().operator_message(&String::from(now));
        clipboard::copy(&app.dom, message, "obstacle-hint", obstacle::message_copied());
    });
}

/// Copies the message about a failed connection.
fn listen_to_failure(app: &Rc<App>) {
    let (button, app) = (app.dom.find::<HtmlElement>("copy-failure"), app.clone());
    listen(&button, "click", move |_: web_sys::Event| {
        let Ok(destination) = form::destination(&app.dom) else { return };
        let now = String::from(Date::new_0().to_string());
        let message = app.page().failure_message(&destination, &now);
        clipboard::copy(&app.dom, message, "failure-hint", obstacle::message_copied());
    });
}

fn listen_to_certificate_dialog(app: &Rc<App>) {
    let dialog: HtmlDialogElement = app.dom.find("certificate-dialog");
    let (app, answered) = (app.clone(), dialog.clone());
    listen(&dialog, "close", move |_: web_sys::Event| {
        // The attribute is missing if the program closed the dialog: that is no answer.
        let Some(shown) = answered.get_attribute(SHOWN_CERTIFICATE) else { return };
        let is_trusted = answered.return_value() == "trust";
        app.handle(if is_trusted {
            Event::TrustCertificate(shown)
        } else {
            Event::RejectCertificate
        });
    });
}

/// Copies the fingerprint of the certificate in question, or a message that asks about it.
fn listen_to_certificate_copies(app: &Rc<App>) {
    for (id, asks) in [("certificate-copy", false), ("certificate-ask", true)] {
        let (button, app) = (app.dom.find::<HtmlElement>(id), app.clone());
        listen(&button, "click", move |_: web_sys::Event| {
            let (text, done) = match app.page().certificate_question() {
                Some((_, question)) if asks => (question, obstacle::message_copied()),
                Some((fingerprint, _)) => (fingerprint, certificate::fingerprint_copied()),
                None => return,
            };
            clipboard::copy(&app.dom, text, "certificate-hint", done);
        });
    }
}

fn listen_to_copies(app: &Rc<App>) {
    let (button, copying) = (app.dom.find::<HtmlElement>("copy-fingerprint"), app.clone());
    listen(&button, "click", move |_: web_sys::Event| {
        clipboard::copy_fingerprint(&copying.dom, copying.fingerprint(), "security-hint");
    });
    let (button, copying) = (app.dom.find::<HtmlElement>("copy-folder-link"), app.clone());
    listen(&button, "click", move |_: web_sys::Event| {
        if let Some(link) = folder_link(&copying) {
            clipboard::copy_link(&copying.dom, link, "connected-hint");
        }
    });
}

/// Returns the fragment of a link to the directory that is shown.
fn folder_link(app: &App) -> Option<String> {
    let page = app.page();
    let destination = page.connection().wanted()?;
    Some(address::to_link(destination, page.remote().directory()))
}
