//! Texts of guests as parts of a path: one segment each, that every common system takes.

use unicode_normalization::UnicodeNormalization as _;

/// What stands for a text of which nothing is left.
pub(super) const UNNAMED: &str = "unnamed";

/// Characters that have a meaning in a path, or are not permitted in names on Windows.
const FORBIDDEN: &[char] = &['/', '\\', ':', '*', '?', '"', '<', '>', '|'];

/// Names of devices on Windows, whatever their case and whatever follows a dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Returns a text as one segment of a path, with at most `max` bytes: [`cleaned`], and no name of a device. It
/// is never empty.
pub(super) fn segment(text: &str, max: usize) -> String {
    let cleaned = cleaned(text);
    // Without room for the mark of a device, the mark would be cut off.
    let named = without_device(trimmed(beginning(&cleaned, max.saturating_sub(1))));
    if named.is_empty() { UNNAMED.to_owned() } else { named }
}

/// Returns a text in NFC without control characters, invisible ones and those that have a meaning in paths,
/// with single spaces, and without dots and spaces at its ends.
pub(super) fn cleaned(text: &str) -> String {
    trimmed(&visible(text)).to_owned()
}

/// Returns what can be seen of a text, as [`cleaned`], but with the dots and a space at its ends.
pub(super) fn visible(text: &str) -> String {
    let mut folded = String::new();
    for character in text.nfc().filter(|character| !is_dropped(*character)) {
        match character.is_whitespace() {
            true if folded.ends_with(' ') => {}
            true => folded.push(' '),
            false => folded.push(character),
        }
    }
    folded
}

/// Returns the longest beginning of a text with at most `max` bytes.
pub(super) fn beginning(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(['.', ' '])
}

/// Whether a character is left out: it controls something, cannot be seen, or has a meaning in a path.
fn is_dropped(character: char) -> bool {
    let is_invisible = matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    let is_space = matches!(character, '\t' | '\n' | '\r');
    is_invisible || (character.is_control() && !is_space) || FORBIDDEN.contains(&character)
}

/// Marks a name that Windows takes for a device.
fn without_device(name: &str) -> String {
    let (stem, rest) = name.split_once('.').unwrap_or((name, ""));
    if !is_device(stem) {
        return name.to_owned();
    }
    match rest {
        "" => format!("{}_", stem.trim_end()),
        rest => format!("{}_.{rest}", stem.trim_end()),
    }
}

fn is_device(stem: &str) -> bool {
    let stem = stem.trim_end().to_lowercase();
    let is_port = ["com", "lpt"].iter().any(|port| {
        let number = stem.strip_prefix(port).unwrap_or_default();
        let mut characters = number.chars();
        matches!((characters.next(), characters.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    });
    is_port || DEVICES.contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_segments_that_every_system_takes() {
        for (text, expected) in [
            ("Anna Muster", "Anna Muster"),
            ("../../etc", "etc"),
            ("..", "unnamed"),
            ("", "unnamed"),
            (" \t\n ", "unnamed"),
            ("a/b\\c:d*e?f\"g<h>i|j", "abcdefghij"),
            ("a \t\n  b", "a b"),
            (" .hidden. ", "hidden"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("a\u{0}b\u{7f}\u{85}c", "abc"),
            ("cafe\u{301}", "caf\u{e9}"),
            ("CON", "CON_"),
            ("con.txt", "con_.txt"),
            ("Com1", "Com1_"),
            ("lpt¹.log", "lpt¹_.log"),
            ("com10", "com10"),
            ("console", "console"),
            ("\u{200b}\u{feff}", "unnamed"),
        ] {
            assert_eq!(segment(text, 64), expected, "{text:?}");
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character_and_leave_no_dot_at_the_end() {
        let cut = segment(&"ü".repeat(100), 64);
        assert!(cut.len() <= 64 && cut.chars().all(|character| character == 'ü'), "{cut}");
        assert_eq!(segment(&format!("{}.x", "a".repeat(62)), 64), "a".repeat(62));
        assert!(segment(&format!("con.{}", "x".repeat(300)), 255).len() <= 255);
    }
}
