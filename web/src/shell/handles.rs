//! Handles of files and folders that were dropped: with them the browser opens a file again after
//! the page was loaded again, once the person lets it (File System Access, in Chromium).

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransferItem, File};

use super::dom::Fault;

/// Begins to ask for the handle of what is being dropped; nothing where the browser gives none.
/// It has to be asked for before the event is over.
pub(super) fn of_item(item: &DataTransferItem) -> Option<Promise> {
    let ask: Function =
        Reflect::get(item, &"getAsFileSystemHandle".into()).ok()?.dyn_into().ok()?;
    ask.call0(item).ok()?.dyn_into().ok()
}

/// The name of what a handle is for.
pub(super) fn name(handle: &JsValue) -> Option<String> {
    Reflect::get(handle, &"name".into()).ok()?.as_string()
}

/// Whether the browser may read it. Asks the person for it, who has to have pressed something just
/// before.
pub(super) async fn may_read(handle: &JsValue) -> bool {
    let mode = Object::new();
    if Reflect::set(&mode, &"mode".into(), &"read".into()).is_err() {
        return false;
    }
    for method in ["queryPermission", "requestPermission"] {
        match call(handle, method, &mode).await {
            Ok(answer) if answer == "granted" => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    false
}

/// The file at a path whose first part is what the handle is for.
pub(super) async fn file(handle: &JsValue, path: &str) -> Result<File, Fault> {
    let mut at = handle.clone();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let method = if parts.peek().is_some() { "getDirectoryHandle" } else { "getFileHandle" };
        at = call(&at, method, &part.into()).await?;
    }
    call(&at, "getFile", &JsValue::UNDEFINED).await?.dyn_into()
}

async fn call(object: &JsValue, method: &str, argument: &JsValue) -> Result<JsValue, Fault> {
    let function: Function = Reflect::get(object, &method.into())?.dyn_into()?;
    let promise: Promise = function.call1(object, argument)?.dyn_into()?;
    JsFuture::from(promise).await
}
