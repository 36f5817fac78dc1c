//! The types of values about what the portal keeps.

use store::Address;

use super::SettingValue;

impl SettingValue for Address {
    const NOTATION: &str = "sqlite:/PATH|postgres://URL";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }
}
