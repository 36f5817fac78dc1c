//! Chooses the language of the page: that of the address, else the one that the user chose before,
//! else the one that the browser prefers, else English.

use axum::http::{
    HeaderMap,
    header::{ACCEPT_LANGUAGE, COOKIE},
};

use crate::texts::Language;

/// The parameter of the address that chooses a language: `?lang=de`.
const PARAMETER: &str = "lang";

/// The cookie that remembers a language which the user chose. It holds nothing else.
const COOKIE_NAME: &str = "ferryport-language";

/// The time that the browser remembers the language, in seconds: a year.
const COOKIE_MAX_AGE_SECS: u32 = 365 * 24 * 60 * 60;

/// Returns the language of a request.
pub(super) fn of(query: Option<&str>, request: &HeaderMap) -> Language {
    in_address(query.unwrap_or_default())
        .or_else(|| remembered(request))
        .or_else(|| preferred(request))
        .unwrap_or_default()
}

/// Returns the value of `Set-Cookie` that makes the browser remember a language, for the path of the
/// page. If the portal does not know it, the browser takes that of the request.
pub(super) fn cookie(language: Language, path: Option<&str>) -> String {
    let tag = language.tag();
    let path = path.map_or_else(String::new, |path| format!("; Path={path}"));
    format!("{COOKIE_NAME}={tag}; Max-Age={COOKIE_MAX_AGE_SECS}; SameSite=Lax; HttpOnly{path}")
}

/// Returns the language of the cookie, if there is one.
fn remembered(request: &HeaderMap) -> Option<Language> {
    let values = request.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = values.flat_map(|value| value.split(';')).filter_map(|one| one.split_once('='));
    cookies
        .filter(|(name, _)| name.trim() == COOKIE_NAME)
        .find_map(|(_, tag)| Language::of_tag(tag))
}

/// Returns the language of the address, if it has one.
pub(super) fn in_address(query: &str) -> Option<Language> {
    let parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
    parameters.filter(|(name, _)| *name == PARAMETER).find_map(|(_, tag)| Language::of_tag(tag))
}

/// Returns the language with the greatest weight in `Accept-Language` (RFC 9110 §12.5.4), the first
/// of several.
fn preferred(request: &HeaderMap) -> Option<Language> {
    let values = request.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let mut best = None;
    let mut greatest = 0;
    for (range, weight) in values.flat_map(|value| value.split(',')).filter_map(weighted) {
        if let Some(language) = Language::of_tag(range)
            && weight > greatest
        {
            (best, greatest) = (Some(language), weight);
        }
    }
    best
}

/// Parses a language range and its weight in thousandths; `None` where the weight is invalid.
fn weighted(part: &str) -> Option<(&str, u16)> {
    let mut pieces = part.split(';').map(str::trim);
    let range = pieces.next().unwrap_or_default();
    let weight = pieces.find_map(|piece| piece.strip_prefix("q=").or(piece.strip_prefix("Q=")));
    Some((range, weight.map_or(Some(1000), thousandths)?))
}

/// Parses a weight of at most three decimals (RFC 9110 §12.4.2): 800 for `0.8`.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let is_weight = matches!(whole, "0" | "1") && fraction.len() <= 3;
    let digits = format!("{whole}{fraction:0<3}");
    digits.parse().ok().filter(|thousandths| is_weight && *thousandths <= 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(query: &str, accepted: &[&str]) -> &'static str {
        let request = accepted
            .iter()
            .map(|languages| (ACCEPT_LANGUAGE, languages.parse().unwrap()))
            .collect();
        of(Some(query), &request).tag()
    }

    #[test]
    fn browser_gets_the_language_that_it_prefers() {
        for (accepted, language) in [
            ("de", "de"),
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("DE-ch", "de"),
            ("en-US,en;q=0.9,de;q=0.8", "en"),
            ("en;q=0.5, de;q=0.75", "de"),
            ("en ; q=0.2 , de ; q=0.3", "de"),
            ("tlh, de;q=0.2", "de"),
            ("en, de", "en"),
            ("de, en", "de"),
            ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
            ("es-419,en;q=0.5", "es"),
        ] {
            assert_eq!(chosen("", &[accepted]), language, "{accepted}");
        }
        assert_eq!(chosen("", &["tlh", "de;q=0.1"]), "de");
    }

    #[test]
    fn browser_with_other_languages_gets_english() {
        for accepted in ["", "tlh, tlh-AQ;q=0.5", "*", "de;q=0", "de;q=0.000, tlh", "den", "-de"] {
            assert_eq!(chosen("", &[accepted]), "en", "{accepted}");
        }
        assert_eq!(chosen("", &[]), "en");
    }

    #[test]
    fn invalid_weight_is_ignored() {
        for accepted in ["de;q=2", "de;q=", "de;q=-1", "de;q=0.1234", "de;q=1.5", "de;q=x"] {
            assert_eq!(chosen("", &[&format!("{accepted}, en;q=0.001")]), "en");
        }
    }

    #[test]
    fn language_that_the_user_chose_is_remembered() {
        let chosen = |query: &str, cookies: &str| {
            let headers = [(ACCEPT_LANGUAGE, "de"), (COOKIE, cookies)];
            let request =
                headers.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect();
            of(Some(query), &request).tag()
        };
        let cookie = cookie(Language::of_tag("fr").unwrap(), None);
        let (pair, _) = cookie.split_once(';').unwrap();
        assert_eq!(chosen("", &format!("other=1; {pair}")), "fr");
        assert_eq!(chosen("lang=es", pair), "es");
        for other in ["ferryport-language=tlh", "ferryport-language", "x-ferryport-language=fr"] {
            assert_eq!(chosen("", other), "de", "{other}");
        }
    }

    #[test]
    fn language_of_the_address_has_priority() {
        assert_eq!(chosen("lang=de", &["en"]), "de");
        assert_eq!(chosen("a=b&lang=en", &["de"]), "en");
        assert_eq!(chosen("lang=tlh", &["de"]), "de");
        assert_eq!(chosen("lang", &["de"]), "de");
    }
}
