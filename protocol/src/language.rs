//! The language of the user.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The user's language, as a tag of BCP 47 (RFC 5646): `de`, `fr-CA`. The default is English. The
/// portal answers in English to a language that it does not support.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

/// A text is not a language tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotALanguageTag;

impl Language {
    /// The longest tag in bytes: the length that every program has to accept (RFC 5646 §4.4.1).
    pub const MAX_LEN: usize = 35;

    const ENGLISH: &str = "en";

    /// Returns the tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_english(&self) -> bool {
        self.0 == Self::ENGLISH
    }
}

impl Default for Language {
    fn default() -> Self {
        Self(Self::ENGLISH.to_owned())
    }
}

/// Accepts a text with the characters and the length of a tag: ASCII letters and digits, with
/// hyphens between them.
impl TryFrom<String> for Language {
    type Error = NotALanguageTag;

    fn try_from(tag: String) -> Result<Self, NotALanguageTag> {
        let is_subtag = |subtag: &str| {
            !subtag.is_empty() && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let is_tag = tag.len() <= Self::MAX_LEN && tag.split('-').all(is_subtag);
        if is_tag { Ok(Self(tag)) } else { Err(NotALanguageTag) }
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl fmt::Display for NotALanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a language tag has ASCII letters and digits, with hyphens between them")
    }
}

impl std::error::Error for NotALanguageTag {}
