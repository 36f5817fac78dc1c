//! The folder of an arrival, from the template of its drop.
//!
//! `{date} {name}-{arrival}` names one folder, `{date}/{name}` one in another. Whatever a guest types becomes a
//! part of one segment, so it leads nowhere else.

use std::{fmt, str::FromStr};

use super::text::{beginning, cleaned, segment};

/// The most bytes that a value takes.
const MAX_VALUE: usize = 64;

/// The most bytes of a segment: NAME_MAX of the systems that servers run on.
const MAX_SEGMENT: usize = 255;

/// The most bytes of a template, and the most segments.
const MAX_TEMPLATE: usize = 512;
const MAX_SEGMENTS: usize = 8;

/// The template where the maker of a drop gives none.
pub const DEFAULT: &str = "{date} {name}-{arrival}";

/// The names of the values, as templates write them.
const NAMES: [&str; 6] = ["date", "time", "drop", "arrival", "name", "email"];

/// What comes before the key of a field.
const FIELD: &str = "field:";

/// The template of the folder of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderTemplate {
    text: String,
    /// At least one; each has at least one part.
    segments: Vec<Vec<Part>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Value(Value),
}

/// A value of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Date,
    Time,
    Drop,
    Arrival,
    Field(String),
}

/// The values of one arrival.
#[derive(Clone, Copy, Debug)]
pub struct FolderValues<'a> {
    /// When it began: `2026-11-30T14:02:33Z`.
    pub started: &'a str,
    /// The title of the drop.
    pub drop: &'a str,
    /// The id of the arrival.
    pub arrival: &'a str,
    /// What the guest answered, by key.
    pub fields: &'a [(String, String)],
}

/// Why a text is no template of a folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It starts at the root.
    #[error("it has to be below the folder of the preset: `{0}`")]
    Absolute(String),
    /// It contains `..`, an empty part, or one that begins or ends with a dot or a space.
    #[error("a folder cannot be called `{0}`: {1}")]
    Segment(String, &'static str),
    /// A value is unknown.
    #[error("there is no value `{{{0}}}`; {1}")]
    NoValue(String, String),
    /// A brace has no partner.
    #[error("a `{{` has no `}}`: write values like `{{date}}`")]
    Brace,
    /// It is too long.
    #[error("it has at most {MAX_TEMPLATE} bytes and {MAX_SEGMENTS} folders in each other")]
    TooLong,
}

impl FolderTemplate {
    /// Returns the keys of the fields that it uses.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flatten().filter_map(|part| match part {
            Part::Value(Value::Field(key)) => Some(key.as_str()),
            Part::Literal(_) | Part::Value(_) => None,
        })
    }

    /// Returns the folder of an arrival: at least one segment, none empty, none with a meaning of its own.
    #[must_use]
    pub fn fill(&self, values: FolderValues<'_>) -> Vec<String> {
        let filled = self.segments.iter().map(|parts| {
            let text: String = parts.iter().map(|part| part.fill(values)).collect();
            // Values and literals together may make the name of a device.
            segment(&text, MAX_SEGMENT)
        });
        filled.collect()
    }
}

impl Part {
    fn fill(&self, values: FolderValues<'_>) -> String {
        let value = match self {
            Self::Literal(text) => return text.clone(),
            Self::Value(Value::Date) => values.started.get(..10).unwrap_or_default().to_owned(),
            Self::Value(Value::Time) => {
                values.started.get(11..16).unwrap_or_default().replace(':', ".")
            }
            Self::Value(Value::Drop) => values.drop.to_owned(),
            Self::Value(Value::Arrival) => values.arrival.to_owned(),
            Self::Value(Value::Field(key)) => {
                let field = values.fields.iter().find(|(name, _)| name == key);
                field.map(|(_, value)| value.clone()).unwrap_or_default()
            }
        };
        segment(&value, MAX_VALUE)
    }
}

impl fmt::Display for FolderTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for FolderTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if let Some(rest) = text.strip_prefix('/') {
            return Err(TemplateError::Absolute(rest.trim_start_matches('/').to_owned()));
        }
        if text.len() > MAX_TEMPLATE || text.split('/').count() > MAX_SEGMENTS {
            return Err(TemplateError::TooLong);
        }
        let text = text.strip_suffix('/').unwrap_or(text);
        let segments = text.split('/').map(parse_segment).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { text: text.to_owned(), segments })
    }
}

fn parse_segment(text: &str) -> Result<Vec<Part>, TemplateError> {
    let wrong = |why| Err(TemplateError::Segment(text.to_owned(), why));
    match text {
        "" => return wrong("its name is empty"),
        "." | ".." => return wrong("it would lead elsewhere"),
        _ => {}
    }
    let ends = [text.chars().next(), text.chars().next_back()];
    if ends.iter().flatten().any(|end| ['.', ' '].contains(end)) {
        return wrong("a dot or a space is at an end of it");
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').ok_or(TemplateError::Brace)?;
        parts.extend(literal(before)?);
        parts.push(Part::Value(parse_value(name)?));
        rest = behind;
    }
    parts.extend(literal(rest)?);
    Ok(parts)
}

fn literal(text: &str) -> Result<Option<Part>, TemplateError> {
    if text.contains('}') {
        return Err(TemplateError::Brace);
    }
    // Spaces at the ends of a literal stand between values.
    let inner = text.trim_matches([' ', '.']);
    if cleaned(inner) != inner {
        return Err(TemplateError::Segment(
            text.to_owned(),
            "a character in it has a meaning in paths, or cannot be seen",
        ));
    }
    Ok((!text.is_empty()).then(|| Part::Literal(text.to_owned())))
}

fn parse_value(name: &str) -> Result<Value, TemplateError> {
    match name {
        "date" => Ok(Value::Date),
        "time" => Ok(Value::Time),
        "drop" => Ok(Value::Drop),
        "arrival" => Ok(Value::Arrival),
        "name" | "email" => Ok(Value::Field(name.to_owned())),
        other => match other.strip_prefix(FIELD) {
            Some(key) if !key.is_empty() => Ok(Value::Field(key.to_owned())),
            Some(_) | None => Err(TemplateError::NoValue(
                beginning(other, MAX_VALUE).to_owned(),
                nearest_value(other),
            )),
        },
    }
}

fn nearest_value(name: &str) -> String {
    let nearest = NAMES
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, &name.to_lowercase()), known))
        .min()
        .filter(|(distance, _)| *distance <= 1);
    match nearest {
        Some((_, known)) => format!("did you mean `{{{known}}}`?"),
        None => "there are {date}, {time}, {drop}, {arrival}, {name}, {email} and {field:KEY}"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(fields: &[(String, String)]) -> FolderValues<'_> {
        FolderValues {
            started: "2026-11-30T14:02:33Z",
            drop: "Tax papers 2026",
            arrival: "vT0n4a",
            fields,
        }
    }

    fn filled(template: &str, fields: &[(&str, &str)]) -> String {
        let fields: Vec<_> =
            fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        template.parse::<FolderTemplate>().unwrap().fill(values(&fields)).join("/")
    }

    #[test]
    fn values_are_filled_in() {
        let anna = [("name", "Anna Muster"), ("email", "anna@example.org"), ("order", "4711")];
        assert_eq!(filled(DEFAULT, &anna), "2026-11-30 Anna Muster-vT0n4a");
        assert_eq!(
            filled("{drop}/{time} {email}", &anna),
            "Tax papers 2026/14.02 anna@example.org"
        );
        assert_eq!(filled("in/{field:order}", &anna), "in/4711");
        assert_eq!(filled("{name}", &[]), "unnamed");
        assert_eq!(filled("CO{name}", &[("name", "N")]), "CON_");
    }

    #[test]
    fn value_of_a_guest_stays_in_its_segment() {
        for hostile in ["..", "../../x", "/etc", "a/../b", "\\..\\x", "..\u{0}", "a\u{2215}..", "."]
        {
            let folder = filled("in/{name}/{date}", &[("name", hostile)]);
            let segments: Vec<_> = folder.split('/').collect();
            assert_eq!(segments.len(), 3, "{hostile:?}: {folder}");
            assert!(segments.iter().all(|part| !part.is_empty() && *part != ".."), "{folder}");
        }
    }

    #[test]
    fn wrong_templates_are_refused_with_the_nearest_right_form() {
        for (text, expected) in [
            ("/srv/in", "`srv/in`"),
            ("../x", "lead elsewhere"),
            ("a//b", "is empty"),
            ("", "is empty"),
            (".{name}", "a dot or a space"),
            ("{nmae}", "did you mean `{name}`?"),
            ("{nope}", "{field:KEY}"),
            ("{field:}", "{field:KEY}"),
            ("{date", "has no `}`"),
            ("date}", "has no `}`"),
            ("a\\b", "a meaning in paths"),
            ("a\u{202e}b", "a meaning in paths"),
        ] {
            let error = text.parse::<FolderTemplate>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!("x/".repeat(9).parse::<FolderTemplate>().is_err());
    }
}
