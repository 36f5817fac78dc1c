//! The types of values of settings, and how they are written.

use std::{fmt, net::SocketAddr, str::FromStr, time::Duration};

use axum::http::uri::Authority;
use ipnet::IpNet;

/// A value that can be parsed from the text of a setting.
pub trait SettingValue: Sized {
    /// The notation of the value in the help text: `DURATION`.
    const NOTATION: &str;

    /// Whether the setting may be given several times. The texts are joined with commas.
    const REPEATABLE: bool = false;

    /// Whether the text may contain a secret. Then it is never shown.
    const SECRET: bool = false;

    /// Parses the value.
    ///
    /// # Errors
    /// A sentence about what is wrong with `text`.
    fn parse(text: &str) -> Result<Self, String>;
}

impl SettingValue for SocketAddr {
    const NOTATION: &str = "ADDRESS:PORT";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "an IP address and a port are needed".to_owned())
    }
}

impl SettingValue for bool {
    const NOTATION: &str = "true|false";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("it has to be `true` or `false`".to_owned()),
        }
    }
}

impl SettingValue for u32 {
    const NOTATION: &str = "NUMBER";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error| format!("a whole number is needed: {error}"))
    }
}

impl SettingValue for Duration {
    const NOTATION: &str = "DURATION";

    fn parse(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text)
            .map_err(|error| format!("a duration with its unit is needed: {error}"))
    }
}

/// A number of bytes, written with a unit: `64 KiB`, `8 MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteCount(pub u64);

impl ByteCount {
    /// Returns the number as a length in memory.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bytesize::ByteSize::b(self.0).display().iec().fmt(f)
    }
}

impl SettingValue for ByteCount {
    const NOTATION: &str = "SIZE";

    fn parse(text: &str) -> Result<Self, String> {
        bytesize::ByteSize::from_str(text)
            .map(|size| Self(size.as_u64()))
            .map_err(|_| "a number of bytes with its unit is needed".to_owned())
    }
}

/// A TLS version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl SettingValue for TlsVersion {
    const NOTATION: &str = "1.2|1.3";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            _ => Err("it has to be `1.2` or `1.3`".to_owned()),
        }
    }
}

/// The scheme of the page's URL (RFC 9110 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

impl Scheme {
    /// Returns the scheme as in a URL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Returns the port of URLs without one.
    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Scheme, host and port of a page (RFC 6454), as browsers write them: `https://up.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// Returns the origin of a page at `host` and `port`. An IPv6 address is in brackets.
    #[must_use]
    pub fn new(scheme: Scheme, host: &str, port: u16) -> Self {
        let scheme_name = scheme.name();
        Self(match port {
            port if port == scheme.default_port() => format!("{scheme_name}://{host}"),
            _ => format!("{scheme_name}://{host}:{port}"),
        })
    }

    /// Returns the origin as in the header `Origin`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SettingValue for Origin {
    const NOTATION: &str = "ORIGIN";

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.to_ascii_lowercase();
        let (scheme, rest) = [Scheme::Https, Scheme::Http]
            .into_iter()
            .find_map(|scheme| {
                let rest = text.strip_prefix(scheme.name())?.strip_prefix("://")?;
                Some((scheme, rest))
            })
            .ok_or("it starts with `https://` or `http://`")?;
        let is_bare = !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']);
        let authority = rest.parse::<Authority>().ok().filter(|_| is_bare);
        let authority =
            authority.ok_or("an origin is a scheme, a host and perhaps a port, nothing more")?;
        let port = match rest.strip_prefix(authority.host()) {
            Some("") => scheme.default_port(),
            _ => authority.port_u16().ok_or("what follows the host is no port")?,
        };
        Ok(Self::new(scheme, authority.host(), port))
    }
}

impl SettingValue for IpNet {
    const NOTATION: &str = "CIDR";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse::<Self>()
            .map(|network| network.trunc())
            .or_else(|_| text.parse().map(|address: std::net::IpAddr| Self::from(address)))
            .map_err(|_| "a network in CIDR notation is needed".to_owned())
    }
}

/// An empty text is no value.
impl<T: SettingValue> SettingValue for Option<T> {
    const NOTATION: &str = T::NOTATION;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }
}

impl<T: SettingValue> SettingValue for Vec<T> {
    const NOTATION: &str = T::NOTATION;
    const REPEATABLE: bool = true;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(T::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_with_their_unit() {
        assert_eq!(ByteCount::parse("8 MiB"), Ok(ByteCount(8 * 1024 * 1024)));
        assert_eq!(ByteCount::parse("64KiB"), Ok(ByteCount(64 * 1024)));
        assert!(ByteCount::parse("lots").is_err());
    }

    #[test]
    fn network_may_be_a_single_address() {
        assert_eq!(
            <IpNet as SettingValue>::parse("192.0.2.7").unwrap().to_string(),
            "192.0.2.7/32"
        );
        assert_eq!(<IpNet as SettingValue>::parse("10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
        assert!(<IpNet as SettingValue>::parse("10.0.0.0/33").is_err());
    }

    #[test]
    fn origin_omits_the_default_port_of_its_scheme() {
        let origin = |scheme, port| Origin::new(scheme, "localhost", port).as_str().to_owned();
        assert_eq!(origin(Scheme::Https, 443), "https://localhost");
        assert_eq!(origin(Scheme::Https, 80), "https://localhost:80");
        assert_eq!(origin(Scheme::Http, 80), "http://localhost");
    }

    #[test]
    fn origin_has_no_path() {
        assert!(Origin::parse("https://up.example.com").is_ok());
        assert!(Origin::parse("https://up.example.com/").is_err());
        assert!(Origin::parse("up.example.com").is_err());
        assert!(Origin::parse("https://").is_err());
        assert!(Origin::parse("https://up.example.com:").is_err());
        assert!(Origin::parse("https://up.example.com:99999").is_err());
    }

    #[test]
    fn origin_that_names_its_default_port_is_the_one_that_a_browser_sends() {
        for (written, sent) in [
            ("https://Up.example.com:443", "https://up.example.com"),
            ("http://up.example.com:80", "http://up.example.com"),
            ("https://up.example.com:8443", "https://up.example.com:8443"),
            ("HTTPS://[2001:DB8::1]:443", "https://[2001:db8::1]"),
        ] {
            assert_eq!(Origin::parse(written).unwrap().as_str(), sent);
        }
    }

    #[test]
    fn lists_are_separated_by_commas() {
        assert_eq!(<Vec<u32> as SettingValue>::parse("1, 2,3"), Ok(vec![1, 2, 3]));
        assert_eq!(<Vec<u32> as SettingValue>::parse(""), Ok(vec![]));
    }
}
