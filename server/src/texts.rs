//! The texts of every language: `texts/`, one file a language (`docs/texts.md`).
//!
//! Each text has a key. `Text` lists the keys of the portal's own texts; the markup of the page names
//! others, and the codes of the engine are keys too.

use std::{collections::BTreeMap, fmt::Display, sync::LazyLock};

use toml::{Table, Value};

mod keys;
mod span;

pub(crate) use keys::Text;
pub(crate) use span::span;

/// The language files. The first one, English, is used for all other languages.
const FILES: &[&str] = &[
    include_str!("../../texts/en.toml"),
    include_str!("../../texts/de.toml"),
    include_str!("../../texts/es.toml"),
    include_str!("../../texts/fr.toml"),
];

static LANGUAGES: LazyLock<Vec<Texts>> =
    LazyLock::new(|| FILES.iter().map(|file| Texts::of(file)).collect());

static NO_TEXTS: Texts = Texts(BTreeMap::new());

/// The texts of one language, by key.
#[derive(Debug)]
struct Texts(BTreeMap<String, String>);

/// A language of the portal's texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Language(usize);

impl Language {
    /// Returns the position in the list of languages.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }

    /// Returns all languages, English first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..FILES.len()).map(Self)
    }

    /// Finds the language of a tag, or of its longest prefix that has one: `fr` for `fr-CA` (RFC 4647
    /// §3.4).
    pub fn of_tag(tag: &str) -> Option<Self> {
        let named = Self::all().find(|language| language.tag().eq_ignore_ascii_case(tag));
        named.or_else(|| tag.rsplit_once('-').and_then(|(beginning, _)| Self::of_tag(beginning)))
    }

    /// Returns the tag (RFC 5646), for `lang` and `Content-Language`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        self.get("language.tag")
    }

    /// Returns its own name: `Deutsch`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.get("language.name")
    }

    /// Returns the name of its plural rule, for the page's program.
    #[must_use]
    pub fn plural(self) -> &'static str {
        self.get("language.plural")
    }

    /// Returns one of the portal's own texts.
    pub(crate) fn text(self, text: Text) -> &'static str {
        self.get(text.key())
    }

    /// Returns a text with its places filled, in the order in which [`Text`] names them.
    pub(crate) fn fill(self, text: Text, values: &[&dyn Display]) -> String {
        debug_assert_eq!(text.places().len(), values.len(), "{text:?}");
        let value = |name: &str| {
            let place = text.places().iter().position(|place| *place == name)?;
            values.get(place).map(ToString::to_string)
        };
        self.fill_key(text.key(), value)
    }

    /// Returns the text of a key, or the key itself where it has none.
    #[must_use]
    pub fn get(self, key: &str) -> &str {
        self.find(key).unwrap_or(key)
    }

    /// Returns the text of a key, if it has one.
    #[must_use]
    pub fn find(self, key: &str) -> Option<&'static str> {
        self.texts().0.get(key).map(String::as_str)
    }

    /// Returns the text of a key with its places filled. Braces in a value are not places.
    pub(crate) fn fill_key(self, key: &str, value: impl Fn(&str) -> Option<String>) -> String {
        let mut filled = String::new();
        let mut text = self.get(key);
        while let Some((before, rest)) = text.split_once('{') {
            let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
            filled.push_str(before);
            filled.push_str(&value(name).unwrap_or_default());
            text = after;
        }
        filled.push_str(text);
        filled
    }

    /// Writes a number with the decimal separator of the language.
    pub(crate) fn decimal(self, number: f32) -> String {
        number.to_string().replace('.', self.text(Text::NumberDecimal))
    }

    /// Returns the texts of the page's program: the name of the plural rule, then the texts of the table
    /// `program` in the order of their keys.
    pub(crate) fn program(self) -> impl Iterator<Item = &'static str> {
        let texts = self.texts().0.iter().filter(|(key, _)| key.starts_with("program."));
        [self.plural()].into_iter().chain(texts.map(|(_, text)| text.as_str()))
    }

    fn texts(self) -> &'static Texts {
        LANGUAGES.get(self.0).unwrap_or(&NO_TEXTS)
    }
}

/// Escapes a name for a text in quotes: invisible characters are written as in source code.
pub(crate) fn quoted(name: &str) -> String {
    let quoted = format!("{name:?}");
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.map(ToOwned::to_owned).unwrap_or(quoted)
}

impl Texts {
    /// Parses a language file. An invalid one has no texts, which a test finds.
    fn of(file: &str) -> Self {
        let mut texts = Self(BTreeMap::new());
        texts.add_table("", file.parse().unwrap_or_default());
        texts
    }

    fn add_table(&mut self, prefix: &str, table: Table) {
        for (key, value) in table {
            let key = format!("{prefix}{key}");
            match value {
                Value::Table(table) => self.add_table(&format!("{key}."), table),
                Value::String(text) => {
                    self.0.insert(key, text);
                }
                other => {
                    self.0.insert(key, other.to_string());
                }
            }
        }
    }
}

#[cfg(test)]
mod check;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_is_found_by_its_tag_whatever_its_region_and_case() {
        for tag in ["de", "DE", "de-AT", "de-Latn-CH"] {
            assert_eq!(Language::of_tag(tag).map(Language::tag), Some("de"), "{tag}");
        }
        for tag in ["", "-", "-de", "den", "tlh", "x-de"] {
            assert_eq!(Language::of_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn default_language_is_english() {
        assert_eq!(Language::default().tag(), "en");
    }

    #[test]
    fn every_language_has_a_tag_and_a_name_of_its_own() {
        for language in Language::all() {
            assert_eq!(Language::of_tag(language.tag()), Some(language));
            let namesakes = Language::all().filter(|other| other.name() == language.name());
            assert_eq!(namesakes.count(), 1, "{}", language.name());
        }
    }

    #[test]
    fn braces_in_a_value_are_not_places() {
        let filled = Language::default().fill(Text::MovedIntoItself, &[&"{from}", &"b"]);
        assert!(filled.contains("\"{from}\"") && filled.contains("\"b\""), "{filled}");
    }

    #[test]
    fn number_has_the_decimal_separator_of_its_language() {
        let german = Language::of_tag("de").unwrap();
        assert_eq!(german.decimal(1.5), "1,5");
        assert_eq!(Language::default().decimal(1.5), "1.5");
        assert_eq!(german.decimal(30.0), "30");
    }

    #[test]
    fn invisible_characters_in_a_quoted_name_are_escaped() {
        assert_eq!(quoted("a\"b\nü"), "a\\\"b\\nü");
    }
}
