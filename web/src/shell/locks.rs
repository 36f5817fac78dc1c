//! Web Locks: who owns a queue in the browser's store. A lock is held as long as its page lives.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::Window;

use super::dom::Fault;

/// The answer to a wish for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// It is ours until the page goes away.
    Held,
    /// Another page has it.
    Taken,
    /// This browser has no locks, or none for a page that came over plain HTTP.
    Unknown,
}

/// Asks for a lock, and waits for no other page.
pub(super) async fn take(window: &Window, name: &str) -> Lock {
    match request(window, name) {
        Ok(answer) => match JsFuture::from(answer).await {
            Ok(held) if held.is_truthy() => Lock::Held,
            Ok(_) => Lock::Taken,
            Err(_) => Lock::Unknown,
        },
        Err(_) => Lock::Unknown,
    }
}

fn request(window: &Window, name: &str) -> Result<Promise, Fault> {
    let locks = Reflect::get(&window.navigator(), &"locks".into())?;
    let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &true.into())?;
    Ok(Promise::new(&mut |resolve, reject| {
        let granted = Closure::once_into_js(move |lock: JsValue| {
            let held = !lock.is_null();
            let _ = resolve.call1(&JsValue::NULL, &held.into());
            // The lock is ours until this promise is kept, which it never is.
            if held { Promise::new(&mut |_, _| {}).into() } else { JsValue::UNDEFINED }
        });
        if let Err(fault) = request.call3(&locks, &name.into(), &options, &granted) {
            let _ = reject.call1(&JsValue::NULL, &fault);
        }
    }))
}
