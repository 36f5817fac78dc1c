//! The names of months in `LIST`, in the languages of servers.

use std::borrow::Cow;

use super::digits;

/// The bytes of a sign that follows the number of a month or of a day in Chinese and Japanese, in
/// UTF-8.
const SIGN_BYTES: usize = 3;

/// The longest name of a month, in characters.
const MAX_NAME: usize = 10;

/// The abbreviations of each month, in lower case and without a dot: English, German, French, Spanish,
/// Italian, Portuguese, Dutch, the Nordic languages, Polish, Czech, Hungarian, Turkish, Russian.
const NAMES: [&str; 12] = [
    "jan january januar janv ene gen sty led tam oca янв",
    "feb february februar févr fév fev febr lut úno hel şub фев",
    "mar march mär märz mrz maer mars mrt maa bře márc мар",
    "apr april avr avril abr kwi dub huh ápr nis апр",
    "may mai mag mei maj kvě tou máj май мая",
    "jun june juni juin giu cze čvn kes jún haz июн",
    "jul july juli juil lug lip čvc hei júl tem июл",
    "aug august août aoû ago sie srp elo ağu авг",
    "sep sept september set wrz zář syy szept eyl сен",
    "oct october okt ott out paź říj lok eki окт",
    "nov november lis kas ноя",
    "dec december dez déc dic des gru pro jou ara дек",
];

/// The number of a month, 1 to 12, by its name or by its number with a sign; `None` where it is none
/// that is known.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    let name = text(field);
    let named = NAMES.iter().position(|names| names.split(' ').any(|known| known == name));
    let named = named.and_then(|at| i64::try_from(at + 1).ok());
    named.or_else(|| signed(field).filter(|month| (1..=12).contains(month)))
}

/// Whether a field may be the name of a month in any language: letters, perhaps with a dot.
pub(super) fn is_word(field: &[u8]) -> bool {
    let name = text(field);
    let count = name.chars().count();
    (2..=MAX_NAME).contains(&count) && name.chars().all(char::is_alphabetic)
}

/// A number without the sign behind it, as in `12月`.
pub(super) fn without_sign(field: &[u8]) -> &[u8] {
    match field.split_at_checked(field.len().saturating_sub(SIGN_BYTES)) {
        Some((number, sign)) if sign.iter().all(|byte| *byte >= 0x80) => number,
        _ => field,
    }
}

fn signed(field: &[u8]) -> Option<i64> {
    let number = without_sign(field);
    if number.len() == field.len() { None } else { digits(number) }
}

/// A field in lower case and without a dot at its end, decoded as UTF-8, or else as Latin-1.
fn text(field: &[u8]) -> String {
    let text = match std::str::from_utf8(field) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => field.iter().map(|&byte| char::from(byte)).collect::<String>().into(),
    };
    text.strip_suffix('.').unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_known_in_many_languages_and_both_encodings() {
        for (name, month) in [
            (&b"Jan"[..], 1),
            ("Mär".as_bytes(), 3),
            (b"M\xe4r", 3),
            ("févr.".as_bytes(), 2),
            (b"ao\xfbt", 8),
            (b"DEZ", 12),
            ("янв".as_bytes(), 1),
            ("12月".as_bytes(), 12),
        ] {
            assert_eq!(number(name), Some(month), "{name:?}");
        }
        for name in [&b"Foo"[..], b"13", "13月".as_bytes(), b""] {
            assert_eq!(number(name), None, "{name:?}");
        }
    }

    #[test]
    fn word_of_letters_may_be_a_month() {
        assert!(is_word("Sträng".as_bytes()) && is_word(b"Foo."));
        assert!(!is_word(b"12") && !is_word(b"a1") && !is_word(b"") && !is_word(b"x"));
    }
}
