//! The fields of the connect form: addresses typed or pasted into them, links that fill them in, and
//! links made of them.

use protocol::Encryption;
use web_sys::{ClipboardEvent, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlSelectElement};

use super::{
    address_bar::set_fragment,
    clipboard,
    dom::{Dom, Exception, listen, set_attribute, set_text_of},
    recent_storage,
};
use crate::join::join;
use crate::{
    address::{self, Address},
    destination::Destination,
};

/// The attribute of the port field whose value the user has typed: it no longer follows the
/// encryption.
const TYPED: &str = "data-typed";

/// The attribute of the form if it was submitted before the program had started.
pub(super) const SUBMITTED: &str = "data-submitted";

/// Listens to the fields, and fills them in from the fragment of the page's address.
pub(super) fn start(dom: &Dom) -> Result<(), Exception> {
    listen_to_host(dom);
    let_port_follow_encryption(dom);
    let form: HtmlFormElement = dom.find("connect");
    // Does not overwrite what the user has submitted.
    if !form.has_attribute(SUBMITTED) {
        follow_link(dom)?;
    }
    let following = dom.clone();
    listen(&dom.window, "hashchange", move |_: web_sys::Event| {
        if !form.hidden() {
            let _ = follow_link(&following);
        }
    });
    copy_link_on_click(dom);
    Ok(())
}

/// Fills in the parts that an address has. The other fields stay as they are.
fn fill(dom: &Dom, address: Address) {
    let port: HtmlInputElement = dom.find("port");
    if !address.host.is_empty() {
        dom.find::<HtmlInputElement>("host").set_value(&address.host);
    }
    if address.encryption.is_some() {
        mark_typed(&port, false);
        select_encryption(dom, address.encryption);
    }
    if let Some(number) = address.port {
        port.set_value(&number.to_string());
        mark_typed(&port, !is_usual(number));
    }
    if let Some(username) = address.username {
        dom.find::<HtmlInputElement>("username").set_value(&username);
    }
    if let Some(password) = address.password {
        dom.find::<HtmlInputElement>("password").set_value(password.expose());
    }
    if let Some(folder) = address.folder {
        dom.find::<HtmlInputElement>("start-folder").set_value(&folder);
    }
    open_advanced_if_unusual(dom);
}

/// Opens the advanced fields if port or encryption are others than a host alone would mean.
fn open_advanced_if_unusual(dom: &Dom) {
    if let Ok(Destination { port, encryption, .. }) = destination(dom)
        && (!is_usual(port)
            || encryption.is_some_and(|encryption| encryption != Encryption::first_at(port)))
    {
        open_advanced(dom);
    }
}

/// Opens the fields for port and encryption.
pub(super) fn open_advanced(dom: &Dom) {
    set_attribute(&dom.find("advanced"), "open", "");
}

/// Fills in a destination and the start folder.
pub(super) fn fill_with(dom: &Dom, destination: &Destination, folder: &str) {
    let Destination { host, port, encryption, username } = destination.clone();
    fill_other_account(
        dom,
        Address {
            host,
            port: Some(port),
            encryption,
            username: Some(username),
            password: None,
            folder: Some(folder.to_owned()),
        },
    );
}

/// Fills in an address that may be of another account: then it clears the password, which must not
/// be sent to another server.
fn fill_other_account(dom: &Dom, address: Address) {
    let leads_elsewhere = read(dom).is_ok_and(|(form, _)| address.leads_elsewhere(&form));
    if leads_elsewhere {
        clear_password(dom);
    }
    if !address.host.is_empty() {
        reset_encryption(dom);
        set_invited(dom, None);
    }
    fill(dom, address);
}

/// Sets encryption and port to their defaults: those of the server before do not count.
fn reset_encryption(dom: &Dom) {
    mark_typed(&dom.find("port"), false);
    select_encryption(dom, None);
}

fn clear_password(dom: &Dom) {
    dom.find::<HtmlInputElement>("password").set_value("");
}

/// Returns the destination and the start folder of a submitted form, and clears its hint.
///
/// # Errors
/// When the host field holds something other than a host; the hint says so.
pub(super) fn submit(dom: &Dom) -> Result<(Destination, String), Exception> {
    split_address(dom);
    let values = read_checked(dom)?;
    set_text_of(dom, "form-hint", "");
    Ok(values)
}

/// Reads the destination and the start folder. The host must be one: what was not understood may hold
/// a password, and is neither sent nor copied.
fn read_checked(dom: &Dom) -> Result<(Destination, String), Exception> {
    let host: HtmlInputElement = dom.find("host");
    if address::host(&host.value()).is_none() {
        set_text_of(dom, "form-hint", address::not_a_host());
        host.focus()?;
        return Err("no host".into());
    }
    read(dom)
}

/// Splits a pasted address into the fields at once, a typed one when it is complete.
fn listen_to_host(dom: &Dom) {
    let host: HtmlInputElement = dom.find("host");
    let changed = dom.clone();
    // At once: an element that moves when the field loses the focus would miss a click.
    listen(&host, "input", move |_: web_sys::Event| set_invited(&changed, None));
    let typed = dom.clone();
    listen(&host, "change", move |_: web_sys::Event| {
        split_address(&typed);
    });
    let pasted = dom.clone();
    listen(&host, "paste", move |event: ClipboardEvent| {
        let text = event.clipboard_data().and_then(|data| data.get_data("text").ok());
        let text = text.unwrap_or_default();
        // The boot script makes a link of a text with credentials.
        let address = match text.strip_prefix('#') {
            Some(link) => address::parse_link(link),
            None => address::parse(&text),
        };
        if let Some(address) = address {
            fill_from_host(&pasted, address, fill_other_account);
            event.prevent_default();
        }
    });
}

/// Splits an address in the host field into the fields.
fn split_address(dom: &Dom) {
    let text = dom.find::<HtmlInputElement>("host").value();
    if let Some(address) = address::parse(&text) {
        if address::has_scheme(&text) {
            reset_encryption(dom);
        }
        fill_from_host(dom, address, fill);
    }
}

fn fill_from_host(dom: &Dom, address: Address, fill: fn(&Dom, Address)) {
    let hint = if address.password.is_some() { address::password_moved() } else { "" };
    set_text_of(dom, "form-hint", hint);
    fill(dom, address);
}

/// Fills in the destination of the fragment. A password in it is ignored, and removed from the
/// address bar.
fn follow_link(dom: &Dom) -> Result<(), Exception> {
    let location = dom.window.location();
    let Some(mut link) = address::parse_link(&location.hash()?) else { return Ok(()) };
    let had_password = link.password.take().is_some();
    let host = link.host.clone();
    if dom.find::<HtmlInputElement>("host").value().is_empty() {
        // A password that was typed before the host is not for the host of a link.
        clear_password(dom);
    }
    fill_other_account(dom, link);
    if !host.is_empty() {
        set_invited(dom, Some(&host));
    }
    let mut hints = Vec::new();
    if had_password {
        hints.push(address::password_ignored().to_owned());
        set_fragment(dom, &link_of_form(dom).unwrap_or_default())?;
    }
    if !host.is_empty() && !recent_storage::load(dom).knows_host(&host) {
        hints.push(address::link_leads_to(&host));
    }
    set_text_of(dom, "form-hint", &join(&hints, " "));
    for field in ["host", "username", "password", "connect-button"] {
        let field: HtmlInputElement = dom.find(field);
        if field.value().is_empty() {
            return field.focus();
        }
    }
    Ok(())
}

/// Shows that a link invited the user to upload to a host, or no longer.
fn set_invited(dom: &Dom, host: Option<&str>) {
    let invited = if host.is_some() { "yes" } else { "no" };
    set_attribute(&dom.find("connect"), "data-invited", invited);
    set_text_of(dom, "invitation", &host.map(address::invitation).unwrap_or_default());
}

/// Reads the destination.
pub(super) fn destination(dom: &Dom) -> Result<Destination, Exception> {
    read(dom).map(|(destination, _)| destination)
}

/// Reads the destination and the start folder.
fn read(dom: &Dom) -> Result<(Destination, String), Exception> {
    let value = |id| dom.find::<HtmlInputElement>(id).value();
    let host = value("host");
    let destination = Destination {
        host: address::host(&host).unwrap_or_default().to_owned(),
        port: value("port").parse().map_err(|_| "no port")?,
        encryption: encryption(&dom.find("encryption")),
        username: value("username"),
    };
    Ok((destination, value("start-folder").trim().to_owned()))
}

fn link_of_form(dom: &Dom) -> Result<String, Exception> {
    let (destination, folder) = read_checked(dom)?;
    Ok(address::to_link(&destination, &folder))
}

fn copy_link_on_click(dom: &Dom) {
    let button: HtmlElement = dom.find("copy-link");
    let dom = dom.clone();
    listen(&button, "click", move |_: web_sys::Event| {
        split_address(&dom);
        if let Ok(link) = link_of_form(&dom) {
            clipboard::copy_link(&dom, link, "form-hint");
        }
    });
}

/// Sets the port to the usual one of the encryption, until the user types another.
fn let_port_follow_encryption(dom: &Dom) {
    let select: HtmlSelectElement = dom.find("encryption");
    let port: HtmlInputElement = dom.find("port");
    // The browser may have restored a port that the user typed.
    mark_typed(&port, !port.value().parse().is_ok_and(is_usual));
    let typed = port.clone();
    listen(&port, "input", move |_: web_sys::Event| {
        mark_typed(&typed, !typed.value().is_empty());
    });
    let (dom, choice) = (dom.clone(), select.clone());
    listen(&select, "change", move |_: web_sys::Event| {
        select_encryption(&dom, encryption(&choice));
    });
}

/// Selects an encryption. The port follows.
fn select_encryption(dom: &Dom, encryption: Option<Encryption>) {
    dom.find::<HtmlSelectElement>("encryption").set_value(match encryption {
        Some(Encryption::Explicit) => "explicit",
        Some(Encryption::Implicit) => "implicit",
        None => "automatic",
    });
    let port: HtmlInputElement = dom.find("port");
    if !port.has_attribute(TYPED) {
        port.set_value(&encryption.unwrap_or(Encryption::Explicit).default_port().to_string());
    }
}

fn mark_typed(port: &HtmlInputElement, typed: bool) {
    // Fails for invalid names only.
    let _ = port.toggle_attribute_with_force(TYPED, typed);
}

fn is_usual(port: u16) -> bool {
    Encryption::first_at(port).default_port() == port
}

fn encryption(select: &HtmlSelectElement) -> Option<Encryption> {
    match select.value().as_str() {
        "explicit" => Some(Encryption::Explicit),
        "implicit" => Some(Encryption::Implicit),
        _ => None,
    }
}
