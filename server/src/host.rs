//! Hosts, however a person writes them.

use std::{fmt, hash, net::IpAddr};

/// The longest host name that the DNS knows, in bytes (RFC 1035 §2.3.4).
const MAX_LEN: usize = 253;

/// A name or an address. Two of them are equal where they mean the same host: in either case, with
/// the DNS's dot at the end or without, an IPv6 address in brackets or not.
#[derive(Clone, Debug)]
pub struct Host {
    /// As it was written, without brackets.
    written: String,
    /// The same for all spellings.
    spelling: String,
}

impl Host {
    /// Reads one; nothing where the text holds what no name and no address can hold.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let is_host = !bare.is_empty()
            && bare.len() <= MAX_LEN
            && bare.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
        is_host.then(|| Self { written: bare.to_owned(), spelling: one_spelling(bare) })
    }

    /// As it was written, without brackets: for the name service, SNI and the certificate.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

fn one_spelling(bare: &str) -> String {
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => bare.trim_end_matches('.').to_lowercase(),
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        self.spelling == other.spelling
    }
}

impl Eq for Host {}

impl hash::Hash for Host {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.spelling.hash(state);
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
    fn every_spelling_is_the_same_host_and_stays_as_it_was_written() {
        assert_eq!(host("FTP.Example.org"), host("ftp.example.org."));
        assert_eq!(host(" [2001:DB8::1] "), host("2001:db8:0::1"));
        assert_eq!(host("::ffff:10.0.0.1"), host("10.0.0.1"));
        assert_ne!(host("example.org"), host("ftp.example.org"));
        assert_eq!(host("FTP.Example.org.").as_str(), "FTP.Example.org.");
        assert_eq!(host("[::1]").as_str(), "::1");
    }

    #[test]
    fn text_that_is_no_host_is_none() {
        for text in ["", " ", "[]", "a b", "a/b", "user@host", "a\r\nb", "%00", &"a".repeat(254)] {
            assert!(Host::parse(text).is_none(), "{text:?}");
        }
    }
}
