//! The words of the page: `texts/`, a file for each language.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::language::Language;

/// What the page's program says is under this key, and handed to it in the page.
const PROGRAM: &str = "program.";

/// The words of one language, by key: `page.connect.host`.
#[derive(Debug)]
pub(super) struct Words(BTreeMap<String, String>);

impl Words {
    /// The words of `language`.
    ///
    /// # Errors
    /// When its file is no TOML.
    pub(super) fn of(language: Language) -> Result<Self, toml::de::Error> {
        let mut words = Self(BTreeMap::new());
        words.take_in("", file(language).parse()?);
        Ok(words)
    }

    /// The words of a key; where there are none, the key itself.
    pub(super) fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.0.get(key).map_or(key, String::as_str)
    }

    /// The plural rule, then the program's texts in the order of their keys, as a JSON array for a
    /// data block in HTML. Nothing in it can end the block.
    pub(super) fn program(&self) -> String {
        let texts = self.0.iter().filter(|(key, _)| key.starts_with(PROGRAM));
        let texts = texts.map(|(_, text)| text.as_str());
        let block: Vec<_> = [self.get("language.plural")].into_iter().chain(texts).collect();
        serde_json::json!(block).to_string().replace('<', "\\u003c")
    }

    fn take_in(&mut self, prefix: &str, table: Table) {
        for (key, value) in table {
            let key = format!("{prefix}{key}");
            match value {
                Value::Table(table) => self.take_in(&format!("{key}."), table),
                Value::String(words) => {
                    self.0.insert(key, words);
                }
                other => {
                    self.0.insert(key, other.to_string());
                }
            }
        }
    }
}

fn file(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../../texts/en.toml"),
        Language::German => include_str!("../../../texts/de.toml"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const TEMPLATE: &str = include_str!("../../../templates/index.html");

    /// What is the same in every language: names, and an example of a host.
    const TECHNICAL: [&str; 2] = ["Ferryport", "ftp.example.org"];

    /// Attributes that a person sees or hears.
    const SPOKEN: [&str; 8] = [
        "alt",
        "aria-description",
        "aria-label",
        "aria-placeholder",
        "aria-roledescription",
        "aria-valuetext",
        "placeholder",
        "title",
    ];

    fn words(language: Language) -> Words {
        Words::of(language).unwrap()
    }

    fn keys(words: &Words) -> BTreeSet<&str> {
        words.0.keys().map(String::as_str).collect()
    }

    /// The keys that the template says.
    fn said_by_the_template() -> BTreeSet<&'static str> {
        TEMPLATE
            .split("texts.get(\"")
            .skip(1)
            .map(|rest| rest.split_once("\")").unwrap().0)
            .collect()
    }

    fn placeholders(words: &str) -> BTreeSet<&str> {
        words.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0).collect()
    }

    #[test]
    fn every_language_has_every_key() {
        let english = words(Language::English);
        for language in Language::ALL {
            assert_eq!(keys(&words(language)), keys(&english), "{language:?}");
        }
    }

    #[test]
    fn every_language_has_the_same_places_to_fill() {
        let english = words(Language::English);
        for language in Language::ALL {
            for (key, sentence) in &words(language).0 {
                let english = placeholders(&english.0[key]);
                assert_eq!(placeholders(sentence), english, "{key} in {language:?}");
            }
        }
    }

    #[test]
    fn no_sentence_is_empty_or_markup() {
        for language in Language::ALL {
            for (key, sentence) in &words(language).0 {
                assert!(!sentence.trim().is_empty(), "{key} in {language:?}");
                assert!(!sentence.contains(['<', '>', '&']), "{key} in {language:?}: {sentence}");
            }
        }
    }

    #[test]
    fn template_says_only_what_every_language_has() {
        let english = words(Language::English);
        let missing: Vec<_> = said_by_the_template().difference(&keys(&english)).copied().collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn no_word_of_the_page_is_left_unsaid() {
        let english = words(Language::English);
        let of_the_page: BTreeSet<_> =
            keys(&english).into_iter().filter(|key| key.starts_with("page.")).collect();
        let unsaid: Vec<_> = of_the_page.difference(&said_by_the_template()).copied().collect();
        assert_eq!(unsaid, Vec::<&str>::new());
    }

    #[test]
    fn template_holds_no_words_of_its_own() {
        assert_eq!(own_words(TEMPLATE), Vec::<String>::new());
    }

    #[test]
    fn words_in_a_template_are_found() {
        let template = "<a title=\"Go\" class=\"no\">{{ texts.get(\"x\") }}</a><!-- no --><b>Hi</b>\
                        {% if no %}<p aria-label=\"{{ no }}\">Ferryport</p><br>there";
        assert_eq!(own_words(template), ["title=\"Go\"", "Hi", "there"]);
    }

    #[test]
    fn block_of_the_programs_words_cannot_be_ended_by_them() {
        let mut words = Words(BTreeMap::new());
        words.0.insert("program.status.done".to_owned(), "</script><b>\"{path}\"".to_owned());
        words.0.insert("page.skip".to_owned(), "not for the program".to_owned());
        let block = words.program();
        assert!(!block.contains('<'), "{block}");
        let read: Vec<String> = serde_json::from_str(&block).unwrap();
        assert_eq!(read, ["language.plural", "</script><b>\"{path}\""]);
    }

    /// Text and spoken attributes with letters that are no expression of the template's.
    fn own_words(template: &str) -> Vec<String> {
        let html = without(&without(&without(template, "{{", "}}"), "{%", "%}"), "<!--", "-->");
        let mut found = Vec::new();
        for piece in html.split('<') {
            let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
            found.extend(spoken_attributes(tag));
            found.extend(is_words(text).then(|| text.trim().to_owned()));
        }
        found
    }

    fn spoken_attributes(tag: &str) -> Vec<String> {
        let spoken = SPOKEN.into_iter().filter_map(|name| {
            let (_, value) = tag.split_once(&format!(" {name}=\""))?;
            let (value, _) = value.split_once('"')?;
            is_words(value).then(|| format!("{name}=\"{value}\""))
        });
        spoken.collect()
    }

    fn is_words(text: &str) -> bool {
        text.chars().any(char::is_alphabetic) && !TECHNICAL.contains(&text.trim())
    }

    fn without(text: &str, open: &str, close: &str) -> String {
        let mut pieces = text.split(open);
        let first = pieces.next().unwrap().to_owned();
        pieces.fold(first, |kept, piece| kept + piece.split_once(close).unwrap().1)
    }
}
