//! The language of the page: what the address says, else what the browser prefers, else English.

use axum::http::{HeaderMap, header::ACCEPT_LANGUAGE};

use crate::speech::Speech;

/// A language that the page speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
}

/// The parameter of the address that chooses a language: `?lang=de`.
const PARAMETER: &str = "lang";

impl Language {
    /// Every one. The first is for those whose languages are not here.
    pub(super) const ALL: [Self; 2] = [Self::English, Self::German];

    /// What a request asks for.
    pub(super) fn of(query: Option<&str>, request: &HeaderMap) -> Self {
        Self::in_address(query.unwrap_or_default())
            .or_else(|| Self::preferred(request))
            .unwrap_or(Self::English)
    }

    /// Its tag (RFC 5646), for `lang` and `Content-Language`.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// What its speakers call it.
    pub(super) const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// What is said in it.
    pub(super) const fn speech(self) -> Speech {
        Speech::new(match self {
            Self::English => ftps::Language::English,
            Self::German => ftps::Language::German,
        })
    }

    /// The others, to change to.
    pub(super) fn others(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |other| *other != self)
    }

    fn in_address(query: &str) -> Option<Self> {
        let parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
        parameters.filter(|(name, _)| *name == PARAMETER).find_map(|(_, tag)| Self::named(tag))
    }

    /// The one of the greatest weight in `Accept-Language` (RFC 9110 §12.5.4), the first of equals.
    fn preferred(request: &HeaderMap) -> Option<Self> {
        let values =
            request.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
        let mut best = None;
        let mut most = 0;
        for (range, weight) in values.flat_map(|value| value.split(',')).filter_map(weighted) {
            if let Some(language) = Self::named(range)
                && weight > most
            {
                (best, most) = (Some(language), weight);
            }
        }
        best
    }

    /// The language of a tag, whatever its region and script (RFC 4647 §3.4).
    fn named(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

/// A language range and its weight in thousandths; nothing where the weight is none.
fn weighted(part: &str) -> Option<(&str, u16)> {
    let mut pieces = part.split(';').map(str::trim);
    let range = pieces.next().unwrap_or_default();
    let weight = pieces.find_map(|piece| piece.strip_prefix("q=").or(piece.strip_prefix("Q=")));
    Some((range, weight.map_or(Some(1000), thousandths)?))
}

/// `0.8` as 800: one digit, and three more at most (RFC 9110 §12.4.2).
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let is_weight = matches!(whole, "0" | "1") && fraction.len() <= 3;
    let digits = format!("{whole}{fraction:0<3}");
    digits.parse().ok().filter(|thousandths| is_weight && *thousandths <= 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(query: &str, accepted: &[&str]) -> Language {
        let request = accepted
            .iter()
            .map(|languages| (ACCEPT_LANGUAGE, languages.parse().unwrap()))
            .collect();
        Language::of(Some(query), &request)
    }

    #[test]
    fn browser_gets_the_language_that_it_prefers() {
        for (accepted, language) in [
            ("de", Language::German),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("DE-ch", Language::German),
            ("en-US,en;q=0.9,de;q=0.8", Language::English),
            ("en;q=0.5, de;q=0.75", Language::German),
            ("en ; q=0.2 , de ; q=0.3", Language::German),
            ("fr, de;q=0.2", Language::German),
            ("en, de", Language::English),
            ("de, en", Language::German),
        ] {
            assert_eq!(chosen("", &[accepted]), language, "{accepted}");
        }
        assert_eq!(chosen("", &["fr", "de;q=0.1"]), Language::German);
    }

    #[test]
    fn whose_language_is_not_here_gets_english() {
        for accepted in ["", "fr, pt-BR;q=0.5", "*", "de;q=0", "de;q=0.000, ja", "den", "-de"] {
            assert_eq!(chosen("", &[accepted]), Language::English, "{accepted}");
        }
        assert_eq!(chosen("", &[]), Language::English);
    }

    #[test]
    fn weight_that_is_none_is_not_guessed() {
        for accepted in ["de;q=2", "de;q=", "de;q=-1", "de;q=0.1234", "de;q=1.5", "de;q=x"] {
            assert_eq!(chosen("", &[&format!("{accepted}, en;q=0.001")]), Language::English);
        }
    }

    #[test]
    fn address_outranks_the_browser() {
        assert_eq!(chosen("lang=de", &["en"]), Language::German);
        assert_eq!(chosen("a=b&lang=en", &["de"]), Language::English);
        assert_eq!(chosen("lang=fr", &["de"]), Language::German);
        assert_eq!(chosen("lang", &["de"]), Language::German);
    }
}
