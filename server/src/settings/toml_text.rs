//! The configuration file as texts with their lines.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::Description;

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Value,
    /// The line of the key, counted from 1.
    pub(super) line: usize,
}

/// A value of the configuration file.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A value as a plain text; those of a list are joined with commas.
    Text(String),
    /// An array of tables: `[[preset]]`.
    Tables(Vec<Table>),
    /// A table, or a list of what is no text.
    Other,
}

/// A table of an array of tables.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The line of its heading, counted from 1.
    pub(super) line: usize,
    pub(super) entries: Vec<Entry>,
}

/// Reads a configuration file: its entries in the order of their lines.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, toml::de::Error> {
    let lines = Lines::of(text);
    let table = DeTable::parse(text)?;
    Ok(entries(table.get_ref(), &lines))
}

/// Reads a value as it would be written in the file.
pub(super) fn read_value(text: &str) -> Option<String> {
    let value = DeValue::parse(text).ok()?;
    match value_of(value.get_ref(), &Lines::of(text)) {
        Value::Text(text) => Some(text),
        Value::Tables(_) | Value::Other => None,
    }
}

/// Writes a text as a string of the file.
#[must_use]
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Writes the text of a setting as in the file, in the form of the setting's example.
pub(super) fn write(text: &str, setting: &Description) -> String {
    let text = text.trim();
    if setting.repeatable {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        return format!("[{}]", parts.map(quoted).collect::<Vec<_>>().join(", "));
    }
    // Numbers and truth values have no quotes.
    let is_bare = !setting.example.starts_with('"') && read_value(text).is_some();
    if is_bare { text.to_owned() } else { quoted(text) }
}

fn entries(table: &DeTable<'_>, lines: &Lines) -> Vec<Entry> {
    let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| Entry {
        key: key.get_ref().to_string(),
        line: lines.at(&key.span()),
        value: value_of(value.get_ref(), lines),
    };
    let mut entries: Vec<Entry> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.line);
    entries
}

fn value_of(value: &DeValue<'_>, lines: &Lines) -> Value {
    if let DeValue::Array(values) = value
        && let Some(tables) = values.iter().map(|value| table_of(value, lines)).collect()
        && !values.is_empty()
    {
        return Value::Tables(tables);
    }
    text_of(value).map_or(Value::Other, Value::Text)
}

fn table_of(value: &Spanned<DeValue<'_>>, lines: &Lines) -> Option<Table> {
    let table = value.get_ref().as_table()?;
    Some(Table { line: lines.at(&value.span()), entries: entries(table, lines) })
}

fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => Some(match number.radix() {
            10 => number.as_str().to_owned(),
            radix => u64::from_str_radix(number.as_str(), radix).ok()?.to_string(),
        }),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Array(values) => {
            let texts: Option<Vec<String>> =
                values.iter().map(|value| text_of(value.get_ref())).collect();
            Some(texts?.join(","))
        }
        DeValue::Table(_) => None,
    }
}

/// Finds the line of an offset.
struct Lines {
    /// The offsets of the line ends.
    ends: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { ends: ends.map(|(offset, _)| offset).collect() }
    }

    /// Returns the line on which a span begins, counted from 1.
    fn at(&self, span: &Range<usize>) -> usize {
        self.ends.partition_point(|end| *end < span.start) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_its_line() {
        let entries = read("a = 1\n\n# b\nc = [\"x\", 2]\n[[d]]\ne = true\n[[d]]\n").unwrap();
        let lines: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.line)).collect();
        assert_eq!(lines, [("a", 1), ("c", 4), ("d", 5)]);
        assert!(matches!(&entries[1].value, Value::Text(text) if text == "x,2"));
        let Value::Tables(tables) = &entries[2].value else { panic!("{entries:?}") };
        assert_eq!(tables.iter().map(|table| table.line).collect::<Vec<_>>(), [5, 7]);
        assert_eq!(tables[0].entries[0].line, 6);
    }

    #[test]
    fn number_may_be_hexadecimal() {
        assert_eq!(read_value("0x10").as_deref(), Some("16"));
        assert_eq!(read_value("[]").as_deref(), Some(""));
        assert_eq!(read_value("{ a = 1 }"), None);
    }
}
