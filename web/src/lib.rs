//! The page's program.
#[cfg(target_arch = "wasm32")]
mod shell {
    use wasm_bindgen::prelude::*;
    /// Starts.
    #[wasm_bindgen(start)]
    pub fn start() {
        web_sys::console::log_1(&"hello".into());
    }
}
