//! Web Locks: the lock of a saved queue, held for as long as its page lives.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::Window;

use super::dom::Exception;

/// The outcome of a request for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LockState {
    /// This page holds the lock until it goes away.
    Held,
    /// Another page holds the lock.
    Taken,
    /// The browser has no Web Locks, or offers none to a page loaded over plain HTTP.
    Unknown,
}

/// Requests a lock without waiting for another page to release it.
pub(super) async fn request(window: &Window, name: &str) -> LockState {
    match request_if_available(window, name) {
        Ok(answer) => match JsFuture::from(answer).await {
            Ok(held) if held.is_truthy() => LockState::Held,
            Ok(_) => LockState::Taken,
            Err(_) => LockState::Unknown,
        },
        Err(_) => LockState::Unknown,
    }
}

/// Returns a promise of whether the lock was granted.
fn request_if_available(window: &Window, name: &str) -> Result<Promise, Exception> {
    let locks = Reflect::get(&window.navigator(), &"locks".into())?;
    let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &true.into())?;
    Ok(Promise::new(&mut |resolve, reject| {
        let granted = Closure::once_into_js(move |lock: JsValue| {
            let held = !lock.is_null();
            let _ = resolve.call1(&JsValue::NULL, &held.into());
            // The browser releases the lock when this promise settles, which it never does.
            if held { Promise::new(&mut |_, _| {}).into() } else { JsValue::UNDEFINED }
        });
        if let Err(exception) = request.call3(&locks, &name.into(), &options, &granted) {
            let _ = reject.call1(&JsValue::NULL, &exception);
        }
    }))
}
