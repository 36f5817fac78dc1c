//! The settings that an earlier version had.

/// A setting that is no more.
#[derive(Debug, PartialEq, Eq)]
pub struct Removed {
    /// Its name.
    pub name: &'static str,
    /// What to write instead.
    pub instead: &'static str,
}

impl Removed {
    /// All of them.
    pub const ALL: &[Self] = &[Self {
        name: "behind_proxy",
        instead: "trusted_proxies = [\"127.0.0.1\"], with the address from which the proxy connects",
    }];
}
