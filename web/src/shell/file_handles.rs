//! Handles of dropped files and folders (File System Access, in Chromium): with a handle the browser
//! can reopen a file after a reload, once the user permits it.

use std::cell::RefCell;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransferItem, File};

use super::dom::Exception;

/// The greatest number of handles that are kept.
const MAX_HANDLES: usize = 1000;

/// The handles of the page, by the name of the dropped file or folder.
#[derive(Default)]
pub(super) struct FileHandles {
    /// Sorted by name.
    handles: RefCell<Vec<(String, JsValue)>>,
    /// The names of handles that are not in the browser's database yet.
    unsaved: RefCell<Vec<String>>,
}

impl FileHandles {
    /// Keeps a handle that has to be saved. Ignores it when there are too many.
    pub(super) fn keep(&self, name: String, handle: JsValue) {
        if self.handles.borrow().len() < MAX_HANDLES {
            self.insert(name.clone(), handle);
            self.unsaved.borrow_mut().push(name);
        }
    }

    /// Adds a handle; it replaces an earlier one of the same name.
    pub(super) fn insert(&self, name: String, handle: JsValue) {
        let mut handles = self.handles.borrow_mut();
        let index = match position(&handles, &name) {
            Ok(index) => {
                handles.remove(index);
                index
            }
            Err(index) => index,
        };
        handles.insert(index, (name, handle));
    }

    /// Returns the handle of a name.
    pub(super) fn get(&self, name: &str) -> Option<JsValue> {
        let handles = self.handles.borrow();
        let index = position(&handles, name).ok()?;
        handles.get(index).map(|(_, handle)| handle.clone())
    }

    /// Returns the names of all handles, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        self.handles.borrow().iter().map(|(name, _)| name.clone()).collect()
    }

    /// Whether there are handles that are not saved.
    pub(super) fn has_unsaved(&self) -> bool {
        !self.unsaved.borrow().is_empty()
    }

    /// Returns the handles to be saved, which count as saved from now on.
    pub(super) fn take_unsaved(&self) -> Vec<(String, JsValue)> {
        let names = self.unsaved.take();
        let with_handle = |name: String| self.get(&name).map(|handle| (name, handle));
        names.into_iter().filter_map(with_handle).collect()
    }
}

/// Returns the index of a name, or where it is to be inserted.
fn position(handles: &[(String, JsValue)], name: &str) -> Result<usize, usize> {
    handles.binary_search_by(|(known, _)| known.as_str().cmp(name))
}

/// Requests the handle of a dropped item. Returns `None` in browsers without file handles.
///
/// It has to be called during the drop event.
pub(super) fn request(item: &DataTransferItem) -> Option<Promise> {
    let get_handle: Function =
        Reflect::get(item, &"getAsFileSystemHandle".into()).ok()?.dyn_into().ok()?;
    get_handle.call0(item).ok()?.dyn_into().ok()
}

/// Returns the name of the file or folder of a handle.
pub(super) fn name(handle: &JsValue) -> Option<String> {
    Reflect::get(handle, &"name".into()).ok()?.as_string()
}

/// Whether the page may read a handle's files. Asks the user for permission if necessary, which
/// browsers allow only right after a click or a key press.
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

/// Opens the file at `path`. The first part of the path is the name of the handle.
pub(super) async fn open(handle: &JsValue, path: &str) -> Result<File, Exception> {
    let mut current = handle.clone();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let method = if parts.peek().is_some() { "getDirectoryHandle" } else { "getFileHandle" };
        current = call(&current, method, &part.into()).await?;
    }
    call(&current, "getFile", &JsValue::UNDEFINED).await?.dyn_into()
}

/// Calls a method that returns a promise, and awaits that.
async fn call(object: &JsValue, method: &str, argument: &JsValue) -> Result<JsValue, Exception> {
    let function: Function = Reflect::get(object, &method.into())?.dyn_into()?;
    let promise: Promise = function.call1(object, argument)?.dyn_into()?;
    JsFuture::from(promise).await
}
