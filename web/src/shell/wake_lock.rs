//! Keeps the screen on, and with it the machine awake, while uploads are active.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use super::dom::{Dom, spawn};

// Screen Wake Lock, W3C. Declared here because web-sys counts it as unstable.
#[wasm_bindgen]
extern "C" {
    type WakeLock;
    #[wasm_bindgen(method, catch)]
    fn request(this: &WakeLock, kind: &str) -> Result<Promise, JsValue>;

    type WakeLockSentinel;
    #[wasm_bindgen(method, getter)]
    fn released(this: &WakeLockSentinel) -> bool;
    #[wasm_bindgen(method)]
    fn release(this: &WakeLockSentinel) -> Promise;
}

/// The page's wake lock.
#[derive(Clone, Default)]
pub(super) struct ScreenLock(Rc<RefCell<State>>);

#[derive(Default)]
enum State {
    #[default]
    Released,
    /// Requested, and still wanted.
    Requested,
    Held(WakeLockSentinel),
    /// The browser has refused it.
    Refused,
}

impl ScreenLock {
    /// Requests or releases the lock.
    ///
    /// The browser releases the lock of a hidden page: this has to be called when the page is
    /// hidden and when it is visible again. A refused lock is requested again only after the page
    /// was hidden.
    pub(super) fn set(&self, dom: &Dom, wanted: bool) {
        let mut state = self.0.borrow_mut();
        match (&*state, wanted) {
            (State::Held(sentinel), true) if !sentinel.released() => {}
            (State::Refused, true) if !dom.document.hidden() => {}
            (State::Requested, true) | (State::Released, false) => {}
            (State::Refused, true) => *state = State::Released,
            (State::Released | State::Held(_), true) => {
                if !dom.document.hidden()
                    && let Some(answer) = request(dom)
                {
                    *state = State::Requested;
                    self.clone().receive(answer);
                }
            }
            (State::Requested | State::Held(_) | State::Refused, false) => {
                if let State::Held(sentinel) = &*state {
                    let _ = sentinel.release();
                }
                *state = State::Released;
            }
        }
    }

    /// Awaits the browser's answer to a request.
    fn receive(self, answer: Promise) {
        spawn(async move {
            let answer = JsFuture::from(answer).await;
            let mut state = self.0.borrow_mut();
            let wanted = matches!(*state, State::Requested);
            // A browser may refuse, for example on low battery. Uploads do not depend on the lock.
            let Ok(sentinel) = answer else {
                if wanted {
                    *state = State::Refused;
                }
                return;
            };
            let sentinel: WakeLockSentinel = sentinel.unchecked_into();
            if wanted {
                *state = State::Held(sentinel);
            } else {
                let _ = sentinel.release();
            }
        });
    }
}

/// Requests a lock. Returns `None` in browsers without wake locks, and on pages without TLS.
fn request(dom: &Dom) -> Option<Promise> {
    let navigator = Reflect::get(&dom.window, &"navigator".into()).ok()?;
    let lock = Reflect::get(&navigator, &"wakeLock".into()).ok()?;
    if lock.is_undefined() {
        return None;
    }
    lock.unchecked_ref::<WakeLock>().request("screen").ok()
}
