//! The browsers' programs, and the address that each prints when it has started.

use std::path::PathBuf;

use super::START_LIMIT;
use crate::process::{Process, wait_for};

/// Returns the path of a browser's program.
pub(super) fn program(browser: &str, names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|program| program.is_file())
        .unwrap_or_else(|| {
            panic!("{browser} is missing: run `cargo xtask setup`, which installs it")
        })
}

/// Waits until a browser prints the address after `words`, and returns it.
pub(super) fn await_endpoint(browser: &str, process: &mut Process, words: &str) -> String {
    let endpoint = wait_for(START_LIMIT, || {
        if let Some(status) = process.exit_status() {
            panic!("{browser} ended: {status}\n{}", process.output());
        }
        printed_after(words, &process.output())
    });
    endpoint.unwrap_or_else(|| panic!("{browser} does not start:\n{}", process.output()))
}

/// Returns the address in `… listening on ws://…`.
fn printed_after(words: &str, output: &str) -> Option<String> {
    let (_, rest) = output.split_once(words)?;
    let (endpoint, _) = rest.split_once('\n')?;
    Some(endpoint.trim().to_owned())
}
