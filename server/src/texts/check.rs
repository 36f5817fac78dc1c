//! The check of the language files: every text is there in every language, with its places, and
//! every text is used.

use std::collections::BTreeMap;

use ftps::{Cause, Explanation, sentence::SentenceCode};
use protocol::doctor::CheckId;

use super::{FILES, Text, Texts};

const TEMPLATE: &str = concat!(
    include_str!("../../../templates/index.html"),
    include_str!("../../../templates/doctor_report.html")
);

/// The texts of the page's program. They are read from its source, because the portal knows the
/// page's assets and not its crate.
const PROGRAM: &str = include_str!("../../../web/src/texts.rs");

/// The places that a cause's text may have: the evidence.
const EVIDENCE: [&str; 4] = ["address", "commands", "data_connections", "port"];

/// Tables whose texts are sentences, never the same in two languages.
const SENTENCES: [&str; 6] =
    ["cause.", "certificate_fault.", "error.", "explanation.", "problem.", "system."];

/// Tables whose texts follow a colon: the sources of an error.
const SOURCES: [&str; 4] = ["error.malformed.", "error.passive.", "error.proxy.", "system."];

/// Texts of the doctor that are not sentences. A report's table has labels and a sentence.
const FRAGMENTS: [&str; 5] =
    ["doctor.fails.", "doctor.feature_", "doctor.state.", "doctor.title.", "doctor.verdict_"];

/// English words that do not occur in the other languages.
const ENGLISH: [&str; 12] =
    ["the", "is", "has", "with", "and", "of", "to", "your", "again", "which", "server's", "does"];

/// Texts that are the same in every language: names, and an example of a host.
const TECHNICAL: [&str; 2] = ["Ferryport", "ftp.example.org"];

/// Attributes with texts for users.
const TEXT_ATTRIBUTES: [&str; 8] = [
    "alt",
    "aria-description",
    "aria-label",
    "aria-placeholder",
    "aria-roledescription",
    "aria-valuetext",
    "placeholder",
    "title",
];

/// Returns the places of a text, sorted.
fn places(text: &str) -> Vec<&str> {
    let names = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

/// Returns the places in straight quotes, by which the page finds the paths to hide.
fn quoted_places(text: &str) -> Vec<&str> {
    places(text).into_iter().filter(|name| text.contains(&format!("\"{{{name}}}\""))).collect()
}

/// The texts that something uses, by key, each with its places.
type Uses = BTreeMap<String, Vec<&'static str>>;

fn sorted(places: &[&'static str]) -> Vec<&'static str> {
    let mut places = places.to_vec();
    places.sort_unstable();
    places
}

/// Returns the keys of the program's texts in the table `program`, in its order, with their places.
fn texts_of_program() -> Vec<(&'static str, Vec<&'static str>)> {
    let (_, list) = PROGRAM.split_once("\ntexts! {\n").unwrap();
    let (list, _) = list.split_once("\n}").unwrap();
    // `Name = "key" (place, place),`
    let entries = list.split(",\n").map(|entry| {
        let (_, entry) = entry.split_once(" = \"").unwrap();
        let (key, places) = entry.split_once('"').unwrap();
        let places = places.trim().trim_end_matches(',');
        let places = places.trim_start_matches('(').trim_end_matches(')').split(',');
        (key, places.map(str::trim).filter(|place| !place.is_empty()).collect())
    });
    entries.collect()
}

/// Returns the names of the program's plural rules.
fn plural_rules_of_program() -> Vec<&'static str> {
    let (_, rules) = PROGRAM.split_once("PLURAL_RULES: [&str; 2] = [").unwrap();
    let (rules, _) = rules.split_once(']').unwrap();
    rules.split('"').skip(1).step_by(2).collect()
}

/// Returns the texts that the template, the page's program, the portal and the engine use. The texts
/// of causes have the places that they have in `english`.
fn uses(template: &'static str, english: &'static Texts) -> Uses {
    let mut uses = Uses::new();
    let of_template = template.split("language.get(\"").skip(1);
    for key in of_template.map(|rest| rest.split_once("\")").unwrap().0) {
        // The page's scripts fill the places of the template's texts.
        let of_english = english.0.get(key).map_or(Vec::new(), |text| places(text));
        uses.insert(key.to_owned(), of_english);
    }
    for (key, places) in texts_of_program() {
        uses.insert(format!("program.{key}"), sorted(&places));
    }
    for text in Text::ALL {
        uses.insert(text.key().to_owned(), sorted(text.places()));
    }
    for code in SentenceCode::ALL {
        uses.insert(code.as_str().to_owned(), places(code.english()));
    }
    for explanation in Explanation::ALL {
        uses.insert(explanation.code().to_owned(), Vec::new());
    }
    for cause in Cause::ALL.iter().map(|cause| cause.code()) {
        let key = format!("{cause}.explanation");
        let of_explanation = english.0.get(&key).map_or(Vec::new(), |text| places(text));
        if of_explanation.contains(&"port") {
            let others = of_explanation.iter().filter(|name| **name != "port").copied();
            uses.insert(format!("{key}_without_port"), others.collect());
        }
        uses.insert(key, of_explanation);
        uses.insert(format!("{cause}.remedy"), Vec::new());
    }
    for id in CheckId::ALL {
        for table in ["fails", "title"] {
            uses.insert(format!("doctor.{table}.{}", id.word()), Vec::new());
        }
    }
    for state in ["failed", "note", "ok", "skipped", "warning"] {
        uses.insert(format!("doctor.state.{state}"), Vec::new());
    }
    for key in ["language.tag", "language.name", "language.plural"] {
        uses.insert(key.to_owned(), Vec::new());
    }
    uses
}

/// Returns the faults of a language file.
fn faults(texts: &Texts, english: &Texts, uses: &Uses) -> Vec<String> {
    let missing = uses.keys().filter(|key| !texts.0.contains_key(*key));
    let mut faults: Vec<_> = missing.map(|key| format!("{key} is missing")).collect();
    for (key, text) in &texts.0 {
        match uses.get(key) {
            None => faults.push(format!("{key} is used nowhere")),
            Some(used) if *used != places(text) => {
                faults.push(format!("{key} has other places than {used:?}"));
            }
            Some(_) => (),
        }
        if text.trim().is_empty() {
            faults.push(format!("{key} is empty"));
        }
        if text.contains(['<', '>', '&']) {
            faults.push(format!("{key} holds markup"));
        }
        let quoted = english.0.get(key).map_or(Vec::new(), |english| quoted_places(english));
        if quoted_places(text) != quoted {
            faults.push(format!("{key} has other places in straight quotes than {quoted:?}"));
        }
    }
    faults
}

/// Returns the words of a sentence, without places and quoted names.
fn words(text: &str) -> Vec<String> {
    let prose: String = text.split(['"', '`']).step_by(2).collect();
    let outside =
        prose.split('{').map(|piece| piece.split_once('}').map_or(piece, |(_, rest)| rest));
    let prose: String = outside.collect();
    let words = prose.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.map(str::to_owned).collect()
}

/// Returns the texts of a translation that are still in English, or otherwise not translated.
fn untranslated(texts: &Texts, english: &Texts) -> Vec<String> {
    let mut found = Vec::new();
    let translated = texts.0.iter().filter(|(key, _)| !key.starts_with("language."));
    for (key, text) in translated {
        let is_sentence = SENTENCES.iter().any(|table| key.starts_with(table));
        if is_sentence && english.0.get(key) == Some(text) {
            found.push(format!("{key} is in English"));
        }
        if words(text).iter().any(|word| ENGLISH.contains(&word.as_str())) {
            found.push(format!("{key} holds English words: {text}"));
        }
        let follows_colon = SOURCES.iter().any(|table| key.starts_with(table));
        let is_small = text.starts_with(char::is_lowercase) && !text.starts_with("vsftpd");
        if is_sentence && is_small && !follows_colon {
            found.push(format!("{key} begins with a small letter: {text}"));
        }
    }
    found
}

/// Returns the texts whose end or length is not that of their kind.
fn malformed(texts: &Texts, room: usize) -> Vec<String> {
    let mut found = Vec::new();
    for (key, text) in &texts.0 {
        let is_remedy = key.ends_with("_remedy") || key.ends_with("_cause");
        let has_full_stop = match key.split('.').next().unwrap() {
            "cause" | "explanation" | "certificate_fault" => true,
            // Guests are told what happened and what to do in one text.
            "problem" => is_remedy || key.starts_with("problem.guest."),
            "doctor" if key.starts_with("doctor.report.") => continue,
            "doctor" => !FRAGMENTS.iter().any(|beginning| key.starts_with(beginning)),
            "error" | "system" => false,
            _ => continue,
        };
        if text.ends_with('.') != has_full_stop {
            found.push(format!("{key} ends wrongly: {text}"));
        }
        let longest = if key.starts_with("explanation.") { 160 } else { 320 };
        if text.chars().count() > longest + room {
            found.push(format!("{key} is too long: {text}"));
        }
    }
    found
}

fn languages() -> Vec<&'static Texts> {
    super::LANGUAGES.iter().collect()
}

#[test]
fn every_language_has_every_text_that_is_used_and_no_other() {
    let english = languages()[0];
    let uses = uses(TEMPLATE, english);
    let in_language = |texts: &Texts| {
        let tag = texts.0["language.tag"].clone();
        let faults = faults(texts, english, &uses).into_iter();
        faults.map(move |fault| format!("{tag}: {fault}")).collect::<Vec<_>>()
    };
    let faults: Vec<_> = languages().into_iter().flat_map(in_language).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_file_is_toml_of_texts() {
    fn assert_texts(table: &toml::Table) {
        for (key, value) in table {
            match value {
                toml::Value::Table(table) => assert_texts(table),
                other => assert!(other.is_str(), "{key}"),
            }
        }
    }
    for file in FILES {
        assert_texts(&file.parse().unwrap());
    }
}

#[test]
fn every_language_has_a_plural_rule_that_the_page_knows() {
    for texts in languages() {
        let rule = texts.0["language.plural"].as_str();
        assert!(plural_rules_of_program().contains(&rule), "{rule}");
    }
}

#[test]
fn english_texts_of_the_engine_are_those_of_the_file() {
    let english = languages()[0];
    for code in SentenceCode::ALL {
        assert_eq!(english.0[code.as_str()], code.english());
    }
}

#[test]
fn texts_of_causes_have_places_for_the_evidence_only() {
    for (key, text) in &languages()[0].0 {
        let places = places(text);
        let is_evidence = places.iter().all(|place| EVIDENCE.contains(place));
        assert!(is_evidence || !key.starts_with("cause."), "{key}");
    }
}

#[test]
fn every_translation_is_one() {
    let english = languages()[0];
    for texts in languages().into_iter().skip(1) {
        assert_eq!(untranslated(texts, english), Vec::<String>::new());
    }
}

#[test]
fn every_text_begins_and_ends_as_its_kind_does() {
    let longer_than_english = [0].into_iter().chain(std::iter::repeat(80));
    for (texts, room) in languages().into_iter().zip(longer_than_english) {
        assert_eq!(malformed(texts, room), Vec::<String>::new());
    }
    let is_capital = |(key, text): &(&String, &String)| {
        let starts = text.starts_with(char::is_uppercase) || text.starts_with("vsftpd");
        !starts
            && ["cause.", "certificate_fault.", "explanation."]
                .iter()
                .any(|table| key.starts_with(table))
    };
    assert_eq!(languages()[0].0.iter().find(is_capital), None);
}

#[test]
fn each_fault_is_found() {
    let texts = |file: &str| Texts::of(file);
    let english = texts("[problem]\na = \"no \\\"{path}\\\"\"\nb = \"x\"");
    let uses =
        Uses::from([("problem.a".to_owned(), vec!["path"]), ("problem.b".to_owned(), vec![])]);
    let found = |file: &str| faults(&texts(file), &english, &uses);
    assert_eq!(faults(&english, &english, &uses), Vec::<String>::new());
    assert_eq!(found("[problem]\na = '\"{path}\" nicht'"), ["problem.b is missing"]);
    for (b, fault) in [
        ("b = 'y'\nc = 'z'", "problem.c is used nowhere"),
        ("b = '{path}'", "problem.b has other places than []"),
        ("b = ' '", "problem.b is empty"),
        ("b = '<b>y</b>'", "problem.b holds markup"),
    ] {
        assert_eq!(found(&format!("[problem]\na = '\"{{path}}\" nicht'\n{b}")), [fault]);
    }
    let without_place = found("[problem]\na = 'nicht'\nb = 'y'");
    assert_eq!(without_place[0], "problem.a has other places than [\"path\"]");
    let unquoted = found("[problem]\na = '{path} nicht'\nb = 'y'");
    assert_eq!(unquoted, ["problem.a has other places in straight quotes than [\"path\"]"]);
    let same = untranslated(&texts("[problem]\nb = 'x'"), &english);
    assert_eq!(same[0], "problem.b is in English");
}

#[test]
fn text_that_the_template_uses_and_no_language_has_is_found() {
    let english = languages()[0];
    let uses = uses("<p>{{ language.get(\"page.nowhere\") }}</p>", english);
    let faults = faults(english, english, &uses);
    assert!(faults.contains(&"page.nowhere is missing".to_owned()));
    assert!(faults.contains(&"page.skip is used nowhere".to_owned()));
}

#[test]
fn program_names_its_texts_in_the_order_of_the_data_block() {
    let program = languages()[0].0.keys().filter_map(|key| key.strip_prefix("program."));
    assert!(program.eq(texts_of_program().into_iter().map(|(key, _)| key)));
}

#[test]
fn template_holds_no_words_of_its_own() {
    assert_eq!(own_words(TEMPLATE), Vec::<String>::new());
}

#[test]
fn words_in_a_template_are_found() {
    let template = "<a title=\"Go\" class=\"no\">{{ language.get(\"x\") }}</a><!-- no --><b>Hi</b>\
                    {% if no %}<p aria-label=\"{{ no }}\">Ferryport</p><br>there";
    assert_eq!(own_words(template), ["title=\"Go\"", "Hi", "there"]);
}

/// Returns texts and attributes of a template that are not expressions.
fn own_words(template: &str) -> Vec<String> {
    let html = without(&without(&without(template, "{{", "}}"), "{%", "%}"), "<!--", "-->");
    let mut found = Vec::new();
    for piece in html.split('<') {
        let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
        found.extend(text_attributes(tag));
        found.extend(is_words(text).then(|| text.trim().to_owned()));
    }
    found
}

fn text_attributes(tag: &str) -> Vec<String> {
    let found = TEXT_ATTRIBUTES.into_iter().filter_map(|name| {
        let (_, value) = tag.split_once(&format!(" {name}=\""))?;
        let (value, _) = value.split_once('"')?;
        is_words(value).then(|| format!("{name}=\"{value}\""))
    });
    found.collect()
}

fn is_words(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && !TECHNICAL.contains(&text.trim())
}

fn without(text: &str, open: &str, close: &str) -> String {
    let mut pieces = text.split(open);
    let first = pieces.next().unwrap().to_owned();
    pieces.fold(first, |kept, piece| kept + piece.split_once(close).unwrap().1)
}
