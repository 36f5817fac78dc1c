//! The types of values about the portal's address, and about the reverse proxies in front of it.

use super::{Origin, SettingValue};

/// The header in which reverse proxies name the client of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// A list of addresses, to which each proxy adds the one that it sees.
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

impl ForwardedHeader {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::XForwardedFor, Self::Forwarded];

    /// Returns the name of the header, in small letters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

impl SettingValue for ForwardedHeader {
    const NOTATION: &str = "x-forwarded-for|forwarded";

    fn parse(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|header| text.eq_ignore_ascii_case(header.name()));
        known.ok_or_else(|| "it has to be `x-forwarded-for` or `forwarded`".to_owned())
    }
}

/// The address of the page, as users type it: `https://example.com/upload`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: Origin,
    /// Empty, or a path that begins with a slash and does not end with one.
    path: String,
}

impl PublicUrl {
    /// Returns the origin of the page.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the path below which the page is: empty, or `/upload`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the address with a slash at its end.
    #[must_use]
    pub fn page(&self) -> String {
        format!("{}{}/", self.origin.as_str(), self.path)
    }
}

impl SettingValue for PublicUrl {
    const NOTATION: &str = "URL";

    fn parse(text: &str) -> Result<Self, String> {
        let after_scheme = text.find("://").map_or(0, |at| at + "://".len());
        let slash = text.get(after_scheme..).and_then(|rest| rest.find('/'));
        let (origin, path) = text.split_at(slash.map_or(text.len(), |at| after_scheme + at));
        let origin = Origin::parse(origin)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        if !path.split('/').skip(1).all(is_segment) {
            return Err("its path has letters, digits and the characters - . _ ~ between single \
                        slashes, and nothing follows the path"
                .to_owned());
        }
        Ok(Self { origin, path: path.to_owned() })
    }
}

/// Returns whether a text is a segment of a path that no browser and no proxy rewrites (RFC 3986 §2.3).
fn is_segment(text: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(text, "" | "." | "..") && text.bytes().all(is_unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_url_has_an_origin_and_perhaps_a_path() {
        for (text, origin, path) in [
            ("https://example.com", "https://example.com", ""),
            ("https://Example.com:443/", "https://example.com", ""),
            ("https://example.com/upload", "https://example.com", "/upload"),
            ("https://example.com:8443/a/B_c/", "https://example.com:8443", "/a/B_c"),
            ("http://[2001:db8::1]/up", "http://[2001:db8::1]", "/up"),
        ] {
            let url = PublicUrl::parse(text).unwrap();
            assert_eq!((url.origin().as_str(), url.path()), (origin, path), "{text}");
            assert_eq!(url.page(), format!("{origin}{path}/"));
        }
    }

    #[test]
    fn address_that_is_no_page_is_refused() {
        for text in [
            "example.com/upload",
            "/upload",
            "ftp://example.com",
            "https://",
            "https:///upload",
            "https://example.com//upload",
            "https://example.com/upload//",
            "https://example.com/a/../b",
            "https://example.com/upload?x",
            "https://example.com/upload#x",
            "https://user@example.com/",
            "https://example.com/ü",
        ] {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
    }
}
