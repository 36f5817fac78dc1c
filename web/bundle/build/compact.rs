//! Removes comments and white space from style sheets and scripts. They are a tenth of what a page
//! loads, compressed.

use anyhow::{Result, bail};

/// Returns a style sheet without comments, and without white space that means nothing.
pub(crate) fn style_sheet(source: &str) -> String {
    let mut compact = String::with_capacity(source.len());
    let mut rest = source;
    let mut is_spaced = false;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, after)| after);
            is_spaced = true;
            continue;
        }
        if c.is_ascii_whitespace() {
            rest = rest.get(1..).unwrap_or_default();
            is_spaced = true;
            continue;
        }
        if c == '}' && compact.ends_with(';') {
            compact.pop();
        }
        let before = compact.chars().last();
        // A selector that begins with a colon needs the space before it, a value none behind it.
        let needs_space = !matches!(before, None | Some('{' | '}' | ';' | ',' | ':' | '>' | '('))
            && !matches!(c, '{' | '}' | ';' | ',' | '>' | ')');
        if std::mem::take(&mut is_spaced) && needs_space {
            compact.push(' ');
        }
        let token = match c {
            '"' => string(rest),
            _ => rest.get(..c.len_utf8()).unwrap_or_default(),
        };
        compact.push_str(token);
        rest = rest.get(token.len()..).unwrap_or_default();
    }
    compact
}

/// Returns the string at the beginning of a text, with its quotes.
fn string(text: &str) -> &str {
    let end = text.get(1..).and_then(|inside| inside.find('"')).map_or(text.len(), |end| end + 2);
    text.get(..end).unwrap_or(text)
}

/// Returns a script without the lines that are comments, and without indentation.
///
/// # Errors
/// When a line would mean something else: code behind a comment that ends in its line, or a template
/// literal of several lines.
pub(crate) fn script(source: &str) -> Result<String> {
    let mut compact = String::with_capacity(source.len());
    let mut is_comment = false;
    for line in source.lines().map(str::trim) {
        if is_comment || line.starts_with("/*") {
            match line.split_once("*/") {
                None => is_comment = true,
                Some((_, "")) => is_comment = false,
                Some(_) => bail!("a script has code behind a comment: {line}"),
            }
        } else if !line.is_empty() && !line.starts_with("//") {
            if line.matches('`').count() % 2 == 1 {
                bail!("a script has a template literal of several lines: {line}");
            }
            compact.push_str(line);
            compact.push('\n');
        }
    }
    Ok(compact)
}
