//! The rules of drops onto the server of a preset.

/// The rules of drops onto a preset's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresetDrops {
    /// Whether the files may be below the root of a web server, which could run them.
    pub web_root: bool,
    /// Whether a program under the name of something else is refused.
    pub check_content: bool,
}

impl PresetDrops {
    /// Returns the rules that the keys of a preset set. Without `web_root` the files may be anywhere.
    ///
    /// # Errors
    /// The key that is of no use, because the preset takes no drops.
    pub(super) fn of_keys(
        drops: Option<bool>,
        web_root: Option<bool>,
        check_content: Option<bool>,
    ) -> Result<Option<Self>, &'static str> {
        match (drops, web_root, check_content) {
            (Some(true), web_root, check_content) => Ok(Some(Self {
                web_root: web_root.unwrap_or(true),
                check_content: check_content.unwrap_or(true),
            })),
            (_, Some(_), _) => Err("web_root"),
            (_, None, Some(_)) => Err("check_content"),
            (_, None, None) => Ok(None),
        }
    }
}
