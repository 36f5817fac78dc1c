//! Host names and addresses, in any spelling.

use std::{borrow::Cow, fmt, hash, net::IpAddr};

use idna::AsciiDenyList;

/// The longest host name of the DNS in bytes (RFC 1035 §2.3.4).
const MAX_LEN: usize = 253;

/// A host name or an address. Two hosts are equal when they mean the same host: upper or lower case,
/// with the trailing dot of the DNS or without, an IPv6 address with brackets or without, an
/// internationalised name in its own script or in ASCII (`ftp.müller.de`, `ftp.xn--mller-kva.de`).
#[derive(Clone, Debug)]
pub struct Host {
    /// The host as it was written, without brackets.
    written: String,
    /// The host in ASCII, as it was written where that is ASCII.
    ascii: String,
    /// One spelling for all equal hosts.
    normalized: String,
}

impl Host {
    /// Parses a host; `None` where the text has characters of neither a name nor an address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let ascii = to_ascii(bare)?;
        let is_host = !ascii.is_empty()
            && ascii.len() <= MAX_LEN
            && ascii
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
        is_host.then(|| Self {
            written: bare.to_owned(),
            normalized: normalize(&ascii),
            ascii: ascii.into_owned(),
        })
    }

    /// Returns the host in ASCII, without brackets: for the name service, SNI and the certificate.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.ascii
    }

    /// Returns whether a name ends with a dot and the name of a domain. An address is below nothing.
    #[must_use]
    pub fn is_below(&self, domain: &Self) -> bool {
        let is_name = self.normalized.parse::<IpAddr>().is_err();
        let above = self.normalized.strip_suffix(&domain.normalized);
        is_name && above.is_some_and(|above| above.ends_with('.'))
    }
}

/// Converts an internationalised name to ASCII (UTS #46, not transitional); `None` where that forbids
/// it. Other names are returned as they are: local ones break the rules of the DNS.
fn to_ascii(name: &str) -> Option<Cow<'_, str>> {
    if name.is_ascii() {
        return Some(Cow::Borrowed(name));
    }
    idna::domain_to_ascii_cow(name.as_bytes(), AsciiDenyList::EMPTY).ok()
}

fn normalize(bare: &str) -> String {
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => bare.trim_end_matches('.').to_lowercase(),
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        self.normalized == other.normalized
    }
}

impl Eq for Host {}

impl hash::Hash for Host {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.normalized.hash(state);
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn every_spelling_is_the_same_host_and_is_kept() {
        assert_eq!(host("FTP.Example.org"), host("ftp.example.org."));
        assert_eq!(host(" [2001:DB8::1] "), host("2001:db8:0::1"));
        assert_eq!(host("::ffff:10.0.0.1"), host("10.0.0.1"));
        assert_ne!(host("example.org"), host("ftp.example.org"));
        assert_eq!(host("FTP.Example.org.").as_str(), "FTP.Example.org.");
        assert_eq!(host("[::1]").as_str(), "::1");
    }

    #[test]
    fn internationalised_name_is_looked_up_in_ascii_and_shown_as_written() {
        // With a composed ü, a combining one, and in capitals.
        for written in ["ftp.müller.de", "ftp.mu\u{308}ller.de", "FTP.MÜLLER.DE"] {
            let typed = host(written);
            assert_eq!(typed.as_str(), "ftp.xn--mller-kva.de", "{written}");
            assert_eq!(typed.to_string(), written);
            assert_eq!(typed, host("ftp.xn--mller-kva.de"));
        }
        assert_eq!(host("straße.example").as_str(), "xn--strae-oqa.example");
        assert_eq!(host("ftp。例え.example").as_str(), "ftp.xn--r8jz45g.example");
    }

    #[test]
    fn text_that_is_no_host_is_refused() {
        for text in [
            "",
            " ",
            "[]",
            "a b",
            "a/b",
            "user@host",
            "a\r\nb",
            "%00",
            "ü b",
            "ü/b",
            "\u{202e}ü",
            &"a".repeat(254),
        ] {
            assert!(Host::parse(text).is_none(), "{text:?}");
        }
    }
}
