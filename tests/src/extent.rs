//! How much of a wide matrix a test run covers.

use std::env;

/// The environment variable that `cargo xtask test --all` sets.
const ALL_VARIABLE: &str = "FERRYPORT_TEST_ALL";

/// Whether a test covers its matrix whole. Otherwise it takes a selection in which each pair of
/// values meets: `cargo xtask test` is to stay short.
#[must_use]
pub fn covers_all() -> bool {
    env::var_os(ALL_VARIABLE).is_some()
}
