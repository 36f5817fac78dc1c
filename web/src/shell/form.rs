//! The form: what is typed or pasted into it, links that fill it in, and links made of it.

use std::rc::Rc;

use protocol::Encryption;
use wasm_bindgen::JsValue;
use web_sys::{
    ClipboardEvent, Element, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlSelectElement,
};

use super::{
    app::App,
    clipboard::{self, Copied},
    dom::{Dom, Fault, Visibility, listen, set_text, show},
};
use crate::{
    address::{self, Address},
    connection::wording,
    destination::Destination,
    page::Event,
};

/// On the port's field: the person has typed it, and it does not follow the encryption any more.
const TYPED: &str = "data-typed";

/// Listens to the form, and fills it in where the page was opened by a link.
pub(super) fn start(app: &Rc<App>) -> Result<(), Fault> {
    listen_to_submit(app)?;
    listen_to_host(&app.dom)?;
    let_port_follow_encryption(&app.dom)?;
    let form: HtmlFormElement = app.dom.find("connect")?;
    // What the person has typed and sent before the program was there counts.
    if !form.has_attribute("data-submitted") {
        follow_link(&app.dom)?;
    }
    let dom = app.dom.clone();
    listen(&app.dom.window, "hashchange", move |_: web_sys::Event| {
        if !form.hidden() {
            let _ = follow_link(&dom);
        }
    })?;
    copy_link_on_click(&app.dom)
}

/// Fills in what an address says, and leaves the rest.
fn fill(dom: &Dom, address: Address) -> Result<(), Fault> {
    let port: HtmlInputElement = dom.find("port")?;
    if !address.host.is_empty() {
        dom.find::<HtmlInputElement>("host")?.set_value(&address.host);
    }
    if let Some(encryption) = address.encryption {
        port.remove_attribute(TYPED)?;
        choose(dom, encryption)?;
    }
    if let Some(number) = address.port {
        port.set_value(&number.to_string());
        mark_typed(&port, !is_usual(&port.value()))?;
    }
    if let Some(username) = address.username {
        dom.find::<HtmlInputElement>("username")?.set_value(&username);
    }
    if let Some(password) = address.password {
        dom.find::<HtmlInputElement>("password")?.set_value(password.expose());
    }
    if let Some(folder) = address.folder {
        dom.find::<HtmlInputElement>("start-folder")?.set_value(&folder);
        show(&dom.find("field-folder")?, Visibility::shown_if(!folder.is_empty()));
    }
    Ok(())
}

/// Puts a destination into the form, and the folder to begin in.
pub(super) fn fill_with(dom: &Dom, destination: &Destination, folder: &str) -> Result<(), Fault> {
    let Destination { host, port, encryption, username } = destination.clone();
    fill_anew(
        dom,
        Address {
            host,
            port: Some(port),
            encryption: Some(encryption),
            username: Some(username),
            password: None,
            folder: Some(folder.to_owned()),
        },
    )
}

/// The same, where it may lead to another account: a password that was meant for one goes to no
/// other.
fn fill_anew(dom: &Dom, address: Address) -> Result<(), Fault> {
    let password: HtmlInputElement = dom.find("password")?;
    for (field, new) in [("host", Some(&address.host)), ("username", address.username.as_ref())] {
        let old = dom.find::<HtmlInputElement>(field)?.value();
        if new.is_some_and(|new| !new.is_empty() && !old.is_empty() && *new != old) {
            password.set_value("");
        }
    }
    fill(dom, address)
}

fn listen_to_submit(app: &Rc<App>) -> Result<(), Fault> {
    let form: HtmlFormElement = app.dom.find("connect")?;
    let app = app.clone();
    listen(&form, "submit", move |event: web_sys::Event| {
        event.prevent_default();
        let read = take_apart(&app.dom).and_then(|()| read(&app.dom));
        if let Ok((destination, folder)) = read {
            for hint in ["form-hint", "connected-hint"] {
                tell(&app.dom, hint, "");
            }
            app.handle_all([Event::StartIn(folder), Event::Connect(destination)]);
        }
    })
}

/// An address that is pasted is taken apart at once, one that is typed when it is complete.
fn listen_to_host(dom: &Dom) -> Result<(), Fault> {
    let host: HtmlInputElement = dom.find("host")?;
    let typed = dom.clone();
    listen(&host, "change", move |_: web_sys::Event| {
        let _ = take_apart(&typed);
    })?;
    let pasted = dom.clone();
    listen(&host, "paste", move |event: ClipboardEvent| {
        let text = event.clipboard_data().and_then(|data| data.get_data("text").ok());
        if let Some(address) = text.as_deref().and_then(address::parse)
            && fill_from_host(&pasted, address, fill_anew).is_ok()
        {
            event.prevent_default();
        }
    })
}

fn take_apart(dom: &Dom) -> Result<(), Fault> {
    match address::parse(&dom.find::<HtmlInputElement>("host")?.value()) {
        Some(address) => fill_from_host(dom, address, fill),
        None => Ok(()),
    }
}

fn fill_from_host(
    dom: &Dom,
    address: Address,
    fill: fn(&Dom, Address) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let hint = if address.password.is_some() { address::password_moved() } else { "" };
    tell(dom, "form-hint", hint);
    fill(dom, address)
}

/// Fills in what stands behind the `#`. A password there is left out, and taken out of the address
/// bar.
fn follow_link(dom: &Dom) -> Result<(), Fault> {
    let location = dom.window.location();
    let Some(mut link) = address::parse_link(&location.hash()?) else { return Ok(()) };
    let had_password = link.password.take().is_some();
    fill_anew(dom, link)?;
    tell(dom, "form-hint", "");
    if had_password {
        tell(dom, "form-hint", address::password_ignored());
        put_into_address(dom, &link_of_form(dom).unwrap_or_default())?;
    }
    for field in ["host", "username", "password", "connect-button"] {
        let field: HtmlInputElement = dom.find(field)?;
        if field.value().is_empty() {
            return field.focus();
        }
    }
    Ok(())
}

/// Where the form leads, and the folder to begin in.
fn read(dom: &Dom) -> Result<(Destination, String), Fault> {
    let value = |id| dom.find::<HtmlInputElement>(id).map(|field| field.value());
    let host = value("host")?;
    let destination = Destination {
        host: address::without_brackets(host.trim()).to_owned(),
        port: value("port")?.parse().map_err(|_| "no port")?,
        encryption: encryption(&dom.find("encryption")?),
        username: value("username")?,
    };
    Ok((destination, value("start-folder")?.trim().to_owned()))
}

fn link_of_form(dom: &Dom) -> Result<String, Fault> {
    let (destination, folder) = read(dom)?;
    Ok(address::to_link(&destination, &folder))
}

/// Beside the form the link leads where the form does.
fn copy_link_on_click(dom: &Dom) -> Result<(), Fault> {
    let button: HtmlElement = dom.find("copy-link")?;
    let dom = dom.clone();
    listen(&button, "click", move |_: web_sys::Event| {
        let link = take_apart(&dom).and_then(|()| link_of_form(&dom));
        if let Ok(link) = link {
            clipboard::copy(&dom, Copied::Link(link), "form-hint");
        }
    })
}

/// The page's address with this link.
pub(super) fn link_to(dom: &Dom, link: &str) -> String {
    let here = dom.window.location().href().unwrap_or_default();
    [here.split('#').next().unwrap_or_default(), "#", link].concat()
}

/// Puts a link behind the `#` in the address bar, in place of what was there.
pub(super) fn put_into_address(dom: &Dom, link: &str) -> Result<(), Fault> {
    let link = ["#", link].concat();
    dom.window.history()?.replace_state_with_url(&JsValue::NULL, "", Some(&link))
}

/// Says something in an element that is a live region.
pub(super) fn tell(dom: &Dom, id: &str, text: &str) {
    if let Ok(hint) = dom.find::<Element>(id) {
        set_text(&hint, text);
    }
}

/// The port is the encryption's usual one until a person types another.
fn let_port_follow_encryption(dom: &Dom) -> Result<(), Fault> {
    let select: HtmlSelectElement = dom.find("encryption")?;
    let port: HtmlInputElement = dom.find("port")?;
    // A browser that restored the form may have put another port there than we would.
    mark_typed(&port, !is_usual(&port.value()))?;
    let typed = port.clone();
    listen(&port, "input", move |_: web_sys::Event| {
        let _ = mark_typed(&typed, !typed.value().is_empty());
    })?;
    let (dom, choice) = (dom.clone(), select.clone());
    listen(&select, "change", move |_: web_sys::Event| {
        let _ = choose(&dom, encryption(&choice));
    })
}

/// Chooses when TLS starts; the port follows.
fn choose(dom: &Dom, encryption: Encryption) -> Result<(), Fault> {
    dom.find::<HtmlSelectElement>("encryption")?.set_value(match encryption {
        Encryption::Explicit => "explicit",
        Encryption::Implicit => "implicit",
    });
    set_text(&dom.find("encryption-hint")?, wording::encryption_hint(encryption));
    let port: HtmlInputElement = dom.find("port")?;
    if !port.has_attribute(TYPED) {
        port.set_value(&encryption.default_port().to_string());
    }
    Ok(())
}

fn mark_typed(port: &HtmlInputElement, typed: bool) -> Result<(), Fault> {
    port.toggle_attribute_with_force(TYPED, typed).map(|_| ())
}

fn is_usual(port: &str) -> bool {
    [Encryption::Explicit, Encryption::Implicit]
        .iter()
        .any(|encryption| port == encryption.default_port().to_string())
}

fn encryption(select: &HtmlSelectElement) -> Encryption {
    match select.value().as_str() {
        "implicit" => Encryption::Implicit,
        _ => Encryption::Explicit,
    }
}
