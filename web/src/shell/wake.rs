//! Keeps the screen, and with it the machine, awake while uploads are under way.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::dom::Dom;

/// Screen Wake Lock, W3C; web-sys counts it as unstable.
#[wasm_bindgen]
extern "C" {
    type WakeLock;
    #[wasm_bindgen(method, catch)]
    fn request(this: &WakeLock, kind: &str) -> Result<Promise, JsValue>;

    type Sentinel;
    #[wasm_bindgen(method, getter)]
    fn released(this: &Sentinel) -> bool;
    #[wasm_bindgen(method)]
    fn release(this: &Sentinel) -> Promise;
}

/// The lock, if it is held.
#[derive(Clone, Default)]
pub(super) struct Awake(Rc<RefCell<Lock>>);

#[derive(Default)]
enum Lock {
    #[default]
    Off,
    /// Asked for, and still wanted.
    Asked,
    Held(Sentinel),
    /// The browser has refused it.
    Refused,
}

impl Awake {
    /// Takes the lock, or lets it go. The browser takes it away from a page that is not seen: this
    /// is called when the page is hidden, and when it is seen again. What was refused is not asked
    /// for again before that.
    pub(super) fn set(&self, dom: &Dom, wanted: bool) {
        let mut lock = self.0.borrow_mut();
        match (&*lock, wanted) {
            (Lock::Held(sentinel), true) if !sentinel.released() => {}
            (Lock::Refused, true) if !dom.document.hidden() => {}
            (Lock::Asked, true) | (Lock::Off, false) => {}
            (Lock::Refused, true) => *lock = Lock::Off,
            (Lock::Off | Lock::Held(_), true) => {
                if !dom.document.hidden()
                    && let Some(asked) = ask(dom)
                {
                    *lock = Lock::Asked;
                    self.clone().take(asked);
                }
            }
            (Lock::Asked | Lock::Held(_) | Lock::Refused, false) => {
                if let Lock::Held(sentinel) = &*lock {
                    let _ = sentinel.release();
                }
                *lock = Lock::Off;
            }
        }
    }

    fn take(self, asked: Promise) {
        spawn_local(async move {
            let answer = JsFuture::from(asked).await;
            let mut lock = self.0.borrow_mut();
            let wanted = matches!(*lock, Lock::Asked);
            // A battery that is low, a browser that refuses: uploads do not depend on it.
            let Ok(sentinel) = answer else {
                if wanted {
                    *lock = Lock::Refused;
                }
                return;
            };
            let sentinel: Sentinel = sentinel.unchecked_into();
            if wanted {
                *lock = Lock::Held(sentinel);
            } else {
                let _ = sentinel.release();
            }
        });
    }
}

/// Nothing in browsers that have no such lock, and on pages that came without TLS.
fn ask(dom: &Dom) -> Option<Promise> {
    let navigator = Reflect::get(&dom.window, &"navigator".into()).ok()?;
    let lock = Reflect::get(&navigator, &"wakeLock".into()).ok()?;
    if lock.is_undefined() {
        return None;
    }
    lock.unchecked_ref::<WakeLock>().request("screen").ok()
}
