//! The types of values about the hosts and ports that users may type.

use std::ops::RangeInclusive;

use super::SettingValue;
use crate::host::Host;

/// A host name or an address, or with `*.` in front all names below a domain: `ftp.example.org`,
/// `*.example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// This host.
    Host(Host),
    /// All names that end with a dot and this domain.
    Below(Host),
}

impl HostPattern {
    /// Returns whether a host fits, in any spelling.
    #[must_use]
    pub fn fits(&self, host: &Host) -> bool {
        match self {
            Self::Host(own) => own == host,
            Self::Below(domain) => host.is_below(domain),
        }
    }
}

impl SettingValue for HostPattern {
    const NOTATION: &str = "HOST";

    fn parse(text: &str) -> Result<Self, String> {
        let parsed = match text.strip_prefix("*.") {
            Some(domain) => Host::parse(domain).map(Self::Below),
            None => Host::parse(text).map(Self::Host),
        };
        parsed.ok_or_else(|| {
            "a host name or an address is needed, or `*.` and a domain for all names below it"
                .to_owned()
        })
    }
}

/// Ports: `21`, `2100-2199`, or `*` for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRange(RangeInclusive<u16>);

impl PortRange {
    /// Returns the range of one port.
    #[must_use]
    pub const fn only(port: u16) -> Self {
        Self(port..=port)
    }

    /// Returns whether a port is in the range.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.0.contains(&port)
    }
}

impl SettingValue for PortRange {
    const NOTATION: &str = "PORTS";

    fn parse(text: &str) -> Result<Self, String> {
        let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        let (first, last) = match text {
            "*" => return Ok(Self(1..=u16::MAX)),
            _ => text.split_once('-').unwrap_or((text, text)),
        };
        match (port(first), port(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self(first..=last)),
            _ => Err("a port is needed, a range such as 2100-2199, or *".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn pattern_fits_its_host_or_the_names_below_its_domain_in_any_spelling() {
        let fits = |pattern, name| HostPattern::parse(pattern).unwrap().fits(&host(name));
        assert!(fits("ftp.example.org", "FTP.Example.org."));
        assert!(!fits("ftp.example.org", "example.org"));
        assert!(fits("*.example.org", "a.B.Example.ORG."));
        assert!(fits("*.Example.org.", "a.example.org"));
        for other in ["example.org", "example.org.", "badexample.org", "a.example.org.evil"] {
            assert!(!fits("*.example.org", other), "{other}");
        }
        assert!(fits("2001:db8::1", "[2001:DB8:0::1]"));
        assert!(fits("10.0.0.1", "::ffff:10.0.0.1"));
    }

    #[test]
    fn text_that_is_no_pattern_is_refused() {
        for text in ["", "*", "*.", "*example.org", "a.*.org", "user@host", "a/b"] {
            assert!(HostPattern::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn ports_are_one_a_range_or_all() {
        let ports = |text| PortRange::parse(text).unwrap();
        assert!(ports("21").contains(21) && !ports("21").contains(22));
        assert!(ports("2100-2199").contains(2199) && !ports("2100-2199").contains(2200));
        assert!(ports("*").contains(1) && ports("*").contains(u16::MAX));
        for text in ["", "0", "65536", "9-3", "ftp", "21-"] {
            assert!(PortRange::parse(text).is_err(), "{text:?}");
        }
    }
}
