//! The types of values about the certificate that the portal gets by itself.

use std::net::IpAddr;

use axum::http::Uri;

use super::SettingValue;
use crate::host::Host;

/// A domain of the certificate, in lower case and in its ASCII form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeDomain(String);

impl AcmeDomain {
    /// Returns the domain.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SettingValue for AcmeDomain {
    const NOTATION: &str = "DOMAIN";

    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('*') {
            return Err(
                "a certificate for all names below a domain needs DNS, which the portal does \
                        not change: name each domain"
                    .to_owned(),
            );
        }
        let host = Host::parse(text).filter(|host| host.as_str().parse::<IpAddr>().is_err());
        let host = host.filter(|host| host.as_str().contains('.') && !host.as_str().contains(':'));
        host.map(|host| Self(host.as_str().to_ascii_lowercase()))
            .ok_or_else(|| "a domain is needed, without scheme, port and path".to_owned())
    }
}

/// The URL of a certificate authority's directory (RFC 8555 §7.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityUrl(String);

impl AuthorityUrl {
    /// Returns the URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SettingValue for AuthorityUrl {
    const NOTATION: &str = "URL";

    fn parse(text: &str) -> Result<Self, String> {
        let url: Option<Uri> = text.parse().ok();
        let url = url.filter(|url| url.scheme_str() == Some("https") && url.host().is_some());
        url.map(|_| Self(text.to_owned()))
            .ok_or_else(|| "a URL with `https://` is needed".to_owned())
    }
}

/// An e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Returns the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SettingValue for EmailAddress {
    const NOTATION: &str = "ADDRESS";

    /// Accepts what can be written in a `mailto:` URL without encoding. The authority checks the rest.
    fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once('@').filter(|(user, host)| {
            !user.is_empty() && Host::parse(host).is_some() && !host.contains('@')
        });
        let is_plain =
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?&#%,<>".contains(&byte));
        if parts.is_some() && is_plain {
            Ok(Self(text.to_owned()))
        } else {
            Err("one e-mail address is needed".to_owned())
        }
    }
}

/// The id of an account that the operator has at a certificate authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountId(String);

impl AccountId {
    /// Returns the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SettingValue for AccountId {
    const NOTATION: &str = "ID";

    fn parse(text: &str) -> Result<Self, String> {
        match text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self(text.to_owned())),
            false => Err("an id without spaces is needed".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_domains_that_an_authority_can_ask_are_accepted() {
        let parsed = AcmeDomain::parse("Upload.M\u{fc}ller.example").unwrap();
        assert_eq!(parsed.as_str(), "upload.xn--mller-kva.example");
        for text in [
            "*.example.org",
            "192.0.2.1",
            "[2001:db8::1]",
            "localhost",
            "https://a.example",
            "a.example:443",
            "a b.example",
            "",
        ] {
            assert!(AcmeDomain::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn authorities_speak_https_and_addresses_are_plain() {
        assert!(AuthorityUrl::parse("https://ca.example.org/directory").is_ok());
        assert!(AuthorityUrl::parse("http://ca.example.org/directory").is_err());
        assert!(EmailAddress::parse("it@example.org").is_ok());
        for text in [
            "it",
            "@example.org",
            "it@",
            "a@b@c.example",
            "it@example.org,other@example.org",
            "it@example.org?x",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text}");
        }
    }
}
