//! Formats sizes, durations and foreign text for the page.

use std::{borrow::Cow, time::Duration};

use crate::join::concat;
use crate::texts::{Plural, Text};

/// The SI units from 1 byte on, each a thousand times the one before.
const UNITS: [Text; 7] = [
    Text::UnitByte,
    Text::UnitKilobyte,
    Text::UnitMegabyte,
    Text::UnitGigabyte,
    Text::UnitTerabyte,
    Text::UnitPetabyte,
    Text::UnitExabyte,
];

const BYTES: Plural = Plural { one: Text::NumberBytesOne, other: Text::NumberBytesOther };
const FILES: Plural = Plural { one: Text::NumberFilesOne, other: Text::NumberFilesOther };

/// Returns a size with three digits at most: `512 B`, `4.2 MB`, `120 GB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let mut divisor = 1_u64;
    let mut units = UNITS.into_iter();
    let mut unit = units.next();
    // 999,950 B is 1.0 MB and not 1000 kB.
    while bytes.saturating_add(divisor / 2) / divisor >= 1000 {
        divisor *= 1000;
        unit = units.next();
    }
    let number = digits(bytes, divisor);
    concat(&[&*number, "\u{a0}", unit.map_or("", Text::text)])
}

/// Returns the rounded quotient with three digits at most: with one decimal if it is below ten.
fn digits(bytes: u64, divisor: u64) -> String {
    let rounded = |part: u64| part.saturating_add(divisor / 2) / divisor;
    let tenths = bytes / divisor * 10 + rounded(bytes % divisor * 10);
    if divisor == 1 || tenths >= 100 {
        return rounded(bytes).to_string();
    }
    let (whole, tenth) = ((tenths / 10).to_string(), (tenths % 10).to_string());
    concat(&[&*whole, Text::NumberDecimal.text(), &*tenth])
}

/// Returns a rate: `4.2 MB/s`.
#[must_use]
pub fn rate(bytes_per_second: u64) -> String {
    Text::NumberRate.fill(&[&bytes(bytes_per_second)])
}

/// Returns an exact size with grouped digits: `1 234 567 bytes`.
#[must_use]
pub fn exact_bytes(bytes: u64) -> String {
    let digits = bytes.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    BYTES.text(bytes).fill(&[&text])
}

/// Returns a duration: `8 s`, `3 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match seconds {
        0..60 => Text::DurationSeconds.fill(&[&seconds.max(1)]),
        60..600 => Text::DurationMinutesAndSeconds.fill(&[&minutes, &(seconds % 60)]),
        600..3600 => Text::DurationMinutes.fill(&[&((seconds + 30) / 60)]),
        _ => Text::DurationHoursAndMinutes.fill(&[&hours, &(minutes % 60)]),
    }
}

/// Returns whether a remaining time is worth showing: neither next to nothing nor days.
#[must_use]
pub fn is_worth_showing(left: Duration) -> bool {
    left >= Duration::from_secs(2) && left < Duration::from_secs(100 * 3600)
}

/// Returns a number of files: `1 file`, `3 files`.
#[must_use]
pub fn files(number: u64) -> String {
    FILES.fill(number)
}

/// Returns a foreign text with its invisible characters made visible: control characters as their
/// pictures, characters that reverse or hide text as their number.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_suspicious) { Cow::Owned(reveal(text)) } else { Cow::Borrowed(text) }
}

/// Returns the name of a file, a folder or a user, or a path: [`visible`], and spaces are shown where
/// a page would hide them, so that different names look different. A name that is written from right
/// to left is isolated: the text around it keeps its order.
#[must_use]
pub fn name(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !is_suspicious(c) && !is_like_space(c) && !is_rtl(c);
    if text.chars().all(is_plain) && !hides_space(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    let is_isolated = text.chars().any(is_rtl);
    shown.extend(is_isolated.then_some(FIRST_STRONG_ISOLATE));
    let mut before = '/';
    let mut space = false;
    for c in reveal(text).chars().chain([END]) {
        let is_at_end = matches!(c, '/' | END);
        if std::mem::take(&mut space) {
            let is_hidden = is_at_end || matches!(before, '/' | ' ');
            shown.push(if is_hidden { SHOWN_SPACE } else { ' ' });
            before = ' ';
        }
        match c {
            ' ' => space = true,
            END => break,
            c if is_like_space(c) => push_number(&mut shown, c),
            c => shown.push(c),
        }
        if c != ' ' {
            before = c;
        }
    }
    shown.extend(is_isolated.then_some(POP_ISOLATE));
    Cow::Owned(shown)
}

/// Returns whether a path has a space that a page hides: at the start or the end of a component, or
/// after another space.
fn hides_space(path: &[u8]) -> bool {
    let mut before = b'/';
    for &byte in path.iter().chain(b"/") {
        if (byte == b' ' && matches!(before, b'/' | b' ')) || (byte == b'/' && before == b' ') {
            return true;
        }
        before = byte;
    }
    false
}

/// Stands for the end of a text: no revealed text contains it.
const END: char = '\0';

/// The picture of a space.
const SHOWN_SPACE: char = '\u{2420}';
/// Starts a text that does not change the order of the text around it (UAX 9).
const FIRST_STRONG_ISOLATE: char = '\u{2068}';
/// Ends such a text.
const POP_ISOLATE: char = '\u{2069}';

fn reveal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 8);
    let mut before = None;
    for c in text.chars() {
        match c {
            '\u{0}'..='\u{1f}' => {
                shown.extend(char::from_u32(0x2400 + u32::from(c)));
            }
            '\u{7f}' => shown.push('\u{2421}'),
            c if is_hidden(c) || is_joiner(c) && joins_nothing(before) => {
                push_number(&mut shown, c);
            }
            c => shown.push(c),
        }
        before = Some(c);
    }
    shown
}

/// Returns whether a character has to be looked at: the others are shown as they are.
fn is_suspicious(c: char) -> bool {
    is_hidden(c) || is_joiner(c)
}

/// Appends the number of a character: `‹U+202E›`.
fn push_number(shown: &mut String, c: char) {
    const DIGITS_AT_LEAST: u32 = 4;
    shown.push_str("\u{2039}U+");
    for place in (0..6).rev() {
        let digits = u32::from(c) >> (4 * place);
        if digits > 0 || place < DIGITS_AT_LEAST {
            let digit = char::from_digit(digits & 0xf, 16);
            shown.extend(digit.map(|digit| digit.to_ascii_uppercase()));
        }
    }
    shown.push('\u{203a}');
}

/// Returns whether a character is a control character, a bidirectional format character, a line
/// separator, or has neither width nor shape.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns whether a character looks like a space, or is narrower than one. An ideographic space is
/// wide enough to be seen.
fn is_like_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}')
}

/// Returns whether a character is of a script that is written from right to left.
fn is_rtl(c: char) -> bool {
    matches!(
        c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
            | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'
    )
}

/// Returns whether a character joins or varies its neighbours, in emoji and in scripts such as
/// Persian.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Returns whether a joiner has nothing to join after this character.
fn joins_nothing(before: Option<char>) -> bool {
    before.is_none_or(|before| before.is_ascii() || is_suspicious(before))
}

/// Returns a fingerprint in pairs, as other programs show it: `AB:CD:…`.
#[must_use]
pub fn fingerprint(hex: &str) -> String {
    let mut text = String::with_capacity(hex.len() * 3 / 2);
    for (index, digit) in hex.chars().enumerate() {
        if index > 0 && index.is_multiple_of(2) {
            text.push(':');
        }
        text.push(digit.to_ascii_uppercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::tests::speak_german;

    #[test]
    fn sizes_have_three_digits_at_most() {
        for (size, text) in [
            (0, "0\u{a0}B"),
            (999, "999\u{a0}B"),
            (1_000, "1.0\u{a0}kB"),
            (4_249, "4.2\u{a0}kB"),
            (123_456, "123\u{a0}kB"),
            (999_960, "1.0\u{a0}MB"),
            (314_572_800, "315\u{a0}MB"),
            (2_147_483_649, "2.1\u{a0}GB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn greatest_size_is_one_too() {
        assert_eq!(bytes(u64::MAX), "18\u{a0}EB");
        assert_eq!(bytes(9_949_999_999_999_999_999), "9.9\u{a0}EB");
        assert_eq!(bytes(999_499_999_999_999_999), "999\u{a0}PB");
    }

    #[test]
    fn other_languages_have_other_separators_and_words() {
        speak_german();
        assert_eq!(bytes(1_500_000), "1,5\u{a0}MB");
        assert_eq!(rate(4_249), "4,2\u{a0}kB/s");
        assert_eq!(exact_bytes(5_242_881), "5\u{202f}242\u{202f}881\u{a0}Bytes");
        assert_eq!(exact_bytes(1), "1\u{a0}Byte");
    }

    #[test]
    fn exact_sizes_are_grouped() {
        assert_eq!(exact_bytes(1), "1\u{a0}byte");
        assert_eq!(exact_bytes(5_242_881), "5\u{202f}242\u{202f}881\u{a0}bytes");
    }

    #[test]
    fn durations_name_two_units_at_most() {
        assert_eq!(duration(Duration::from_millis(20)), "1\u{a0}s");
        assert_eq!(duration(Duration::from_secs(200)), "3\u{a0}min 20\u{a0}s");
        assert_eq!(duration(Duration::from_secs(7500)), "2\u{a0}h 5\u{a0}min");
    }

    #[test]
    fn hidden_characters_are_shown() {
        assert_eq!(visible("a\r\nb\u{1b}[2J"), "a␍␊b␛[2J");
        assert_eq!(visible("invoice\u{202e}gpj.exe"), "invoice‹U+202E›gpj.exe");
        assert_eq!(visible("\u{85}"), "‹U+0085›");
        assert_eq!(visible("a\u{200d}b\u{200c}"), "a‹U+200D›b‹U+200C›");
        assert_eq!(visible("\u{e0041}"), "‹U+E0041›");
    }

    #[test]
    fn nothing_that_cannot_be_seen_stays() {
        let turns = ['\u{61c}', '\u{200e}', '\u{200f}'];
        let zero_width = ['\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}'];
        let ranges = [
            '\u{0}'..='\u{1f}',
            '\u{7f}'..='\u{9f}',
            '\u{2028}'..='\u{202e}',
            '\u{2066}'..='\u{2069}',
        ];
        for c in ranges.into_iter().flatten().chain(turns).chain(zero_width) {
            let text = ["a", &*c.to_string(), "b"].concat();
            assert!(!visible(&text).contains(c), "{c:?} in {}", visible(&text));
        }
    }

    #[test]
    fn plain_text_of_any_script_is_left_alone() {
        for text in ["grüße/日本語.txt", "-x #1 100%.bin"] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn names_that_differ_look_different() {
        let names = [
            "report.txt",
            "report.txt ",
            " report.txt",
            "report.txt\u{a0}",
            "report.txt\u{2800}",
            "report.txt\u{180b}",
            "report.txt\u{1d173}",
            "report.txt\u{e0100}",
            "report.txt\u{fe0f}",
            "report.txt\u{3164}",
            "report.txt\u{17b4}",
        ];
        let shown: Vec<String> = names.map(|text| name(text).trim().to_owned()).into();
        for (index, one) in shown.iter().enumerate() {
            assert!(!shown[..index].contains(one), "{one}");
            assert!(one.chars().all(|c| c.is_ascii_graphic() || "‹›␠".contains(c)), "{one}");
        }
    }

    #[test]
    fn spaces_are_shown_where_a_page_hides_them() {
        assert_eq!(name("a /b  c/ d"), "a␠/b ␠c/␠d");
        assert_eq!(name("my file.txt"), "my file.txt");
        assert_eq!(name("a\u{202f}b"), "a‹U+202F›b");
        assert_eq!(
            visible("Erreur\u{a0}: non "),
            "Erreur\u{a0}: non ",
            "a sentence keeps its spaces"
        );
    }

    #[test]
    fn name_from_right_to_left_does_not_turn_the_text_around_it() {
        assert_eq!(name("שלום 1.txt"), "\u{2068}שלום 1.txt\u{2069}");
        assert_eq!(name("\u{2068}a"), "‹U+2068›a");
    }

    #[test]
    fn joiners_stay_where_they_shape_something() {
        for text in ["👩\u{200d}🚀.txt", "می\u{200c}خواهم", "❤\u{fe0f}.txt"] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn fingerprint_stands_in_pairs() {
        assert_eq!(fingerprint("00ffa1"), "00:FF:A1");
    }
}
