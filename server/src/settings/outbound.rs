//! The types of values about connections to FTPS servers: permitted networks, the proxy, pinned
//! certificates.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use axum::http::{Uri, uri::Authority};
use ftps::{Credentials, Fingerprint, Password, Proxy, ProxyProtocol, Username};
use ipnet::IpNet;
use percent_encoding::percent_decode_str;

use super::{PortRange, SettingValue};
use crate::host::Host;

impl SettingValue for PathBuf {
    const NOTATION: &str = "FILE";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("a path is needed".to_owned()) } else { Ok(text.into()) }
    }
}

/// The control ports of explicit and implicit TLS (RFC 959 §8, RFC 4217 Appendix).
const USUAL_PORTS: [PortRange; 2] = [PortRange::only(21), PortRange::only(990)];

/// A network that the portal may connect to although it is not public, and the ports of control
/// connections there: `10.1.0.0/16`, `10.1.0.0/16:2121`, `192.0.2.7:2100-2199`, `[2001:db8::1]:*`.
///
/// Without ports, those of FTPS are permitted: 21 and 990.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedNetwork {
    network: IpNet,
    ports: Vec<PortRange>,
}

impl AllowedNetwork {
    /// Returns the network of one address and one port.
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        Self { network: address.ip().into(), ports: vec![PortRange::only(address.port())] }
    }

    /// Returns whether the portal may connect to an address and port of the network.
    #[must_use]
    pub fn contains(&self, address: SocketAddr) -> bool {
        self.network.contains(&address.ip()) && self.has_port(address.port())
    }

    /// Returns whether the setting names this one address, not only a network around it.
    #[must_use]
    pub fn names(&self, address: SocketAddr) -> bool {
        self.network == IpNet::from(address.ip()) && self.has_port(address.port())
    }

    /// Returns whether an address belongs to the network, with whatever port.
    #[must_use]
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.network.contains(&address)
    }

    fn has_port(&self, port: u16) -> bool {
        self.ports.iter().any(|ports| ports.contains(port))
    }
}

impl SettingValue for AllowedNetwork {
    const NOTATION: &str = "NETWORK[:PORTS]";

    fn parse(text: &str) -> Result<Self, String> {
        let (network, ports) = split_ports(text);
        let network = <IpNet as SettingValue>::parse(&network)?;
        let ports = ports.map_or(Ok(USUAL_PORTS.to_vec()), |ports| {
            let ports =
                PortRange::parse(ports).map_err(|error| format!("after the network {error}"));
            Ok::<_, String>(vec![ports?])
        });
        ports.map(|ports| Self { network, ports })
    }
}

/// Splits the ports from a network. An IPv6 address with ports has brackets or a prefix length.
fn split_ports(text: &str) -> (String, Option<&str>) {
    let (address, rest) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some(bracketed) => bracketed,
        None => match text.split_once('/') {
            Some((address, _)) => (address, text.get(address.len()..).unwrap_or_default()),
            None if text.parse::<IpAddr>().is_ok() => (text, ""),
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        },
    };
    let (prefix_len, ports) = match rest.split_once(':') {
        Some((prefix_len, ports)) => (prefix_len, Some(ports)),
        None => (rest, None),
    };
    (format!("{address}{prefix_len}"), ports)
}

/// A certificate that a host has to present, written `ftp.example.org=` and the SHA-256 of its DER
/// form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedCertificate {
    host: Host,
    /// The SHA-256 of the certificate's DER form.
    pub sha256: Fingerprint,
}

impl PinnedCertificate {
    /// Returns whether the pin is for this host.
    #[must_use]
    pub fn is_for(&self, host: &Host) -> bool {
        self.host == *host
    }
}

impl SettingValue for PinnedCertificate {
    const NOTATION: &str = "HOST=SHA256";

    fn parse(text: &str) -> Result<Self, String> {
        let (host, sha256) =
            text.split_once('=').ok_or("a host, `=` and a fingerprint are needed")?;
        let host = Host::parse(host).ok_or("before the `=` a host is needed")?;
        let sha256 = sha256.trim().parse::<Fingerprint>().map_err(|error| error.to_string())?;
        Ok(Self { host, sha256 })
    }
}

/// A proxy's URL: `socks5://user:password@10.0.0.1:1080` or `http://proxy.example.org:3128`.
///
/// Special characters in username and password are percent-encoded (RFC 3986 §2.1). Neither is ever
/// shown.
#[derive(Clone)]
pub struct ProxyUrl {
    protocol: ProxyProtocol,
    /// A host name or an address, without brackets.
    host: String,
    port: u16,
    credentials: Option<Credentials>,
}

impl ProxyUrl {
    /// Returns the host name or address, and the port.
    #[must_use]
    pub fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// Returns the proxy at the addresses of its name.
    ///
    /// # Errors
    /// When there is no address.
    pub fn at(&self, addresses: Vec<SocketAddr>) -> Result<Proxy, ftps::ProxyError> {
        Proxy::new(self.protocol, addresses, self.credentials.clone())
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyUrl")
            .field("protocol", &self.protocol)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl SettingValue for ProxyUrl {
    const NOTATION: &str = "URL";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        let url: Uri = text.parse().map_err(|_| "a URL is needed".to_owned())?;
        let protocol = match url.scheme_str() {
            Some("socks5") => ProxyProtocol::Socks5,
            Some("http") => ProxyProtocol::HttpConnect,
            _ => return Err("it starts with `socks5://` or `http://`".to_owned()),
        };
        let authority = url.authority().ok_or("the proxy's host is missing")?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err("nothing may follow the proxy's port".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err("the proxy's host is missing".to_owned());
        }
        let port = authority.port_u16().filter(|port| *port > 0);
        let port = port.ok_or("the proxy's port is missing")?;
        let url = Self { protocol, host, port, credentials: credentials(authority)? };
        // Checks now, not at the first connection, whether the protocol can carry the credentials.
        url.at(vec![(Ipv4Addr::LOCALHOST, port).into()]).map_err(|error| error.to_string())?;
        Ok(url)
    }
}

fn credentials(authority: &Authority) -> Result<Option<Credentials>, String> {
    let Some((pair, _)) = authority.as_str().rsplit_once('@') else { return Ok(None) };
    let (username, password) = pair.split_once(':').unwrap_or((pair, ""));
    let forbidden = |what| format!("the {what} holds a character that cannot be sent");
    Ok(Some(Credentials {
        username: Username::new(decoded(username)?).map_err(|_| forbidden("username"))?,
        password: Password::new(decoded(password)?).map_err(|_| forbidden("password"))?,
    }))
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| "username and password have to be UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81";

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    fn allowed(text: &str) -> AllowedNetwork {
        AllowedNetwork::parse(text).unwrap()
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn network_without_ports_has_those_of_ftps() {
        for (network, host) in
            [("10.1.0.0/16", "10.1.2.3"), ("fd00::/8", "[fd00::1]"), ("::1", "[::1]")]
        {
            let network = allowed(network);
            for (port, is_allowed) in [(21, true), (990, true), (22, false), (5432, false)] {
                assert_eq!(network.contains(address(&format!("{host}:{port}"))), is_allowed);
            }
        }
    }

    #[test]
    fn ports_follow_a_network_or_an_address() {
        for (text, inside, outside) in [
            ("10.1.0.0/16:2121", "10.1.2.3:2121", "10.1.2.3:21"),
            ("10.1.0.0/16:2100-2199", "10.1.2.3:2199", "10.1.2.3:2200"),
            ("192.0.2.7:2121", "192.0.2.7:2121", "192.0.2.8:2121"),
            ("192.0.2.7:*", "192.0.2.7:1", "192.0.2.8:1"),
            ("fd00::/8:2121", "[fd00::1]:2121", "[fd00::1]:21"),
            ("[2001:db8::1]:2121", "[2001:db8::1]:2121", "[2001:db8::1]:21"),
            ("[2001:db8::1]", "[2001:db8::1]:21", "[2001:db8::2]:21"),
            ("[2001:db8::]/32:*", "[2001:db8::1]:9", "[2001:db9::1]:9"),
        ] {
            let network = allowed(text);
            assert!(network.contains(address(inside)), "{text}");
            assert!(!network.contains(address(outside)), "{text}");
        }
    }

    #[test]
    fn invalid_network_or_port_is_refused() {
        for text in [
            "10.0.0.0/33",
            "10.0.0.0/8:",
            "10.0.0.0/8:0",
            "10.0.0.0/8:9-3",
            "x:21",
            "10.0.0.1:65536",
        ] {
            assert!(AllowedNetwork::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn network_around_an_address_does_not_name_it() {
        let metadata = address("169.254.169.254:21");
        assert!(allowed("169.254.169.254").names(metadata));
        assert!(
            !allowed("169.254.0.0/16").names(metadata) && !allowed("0.0.0.0/0").names(metadata)
        );
    }

    #[test]
    fn pin_is_for_every_spelling_of_its_host_and_for_no_other() {
        let pin = PinnedCertificate::parse(&format!("FTP.Example.org={SHA256}")).unwrap();
        assert!(pin.is_for(&host("ftp.example.org")) && pin.is_for(&host("Ftp.example.ORG.")));
        assert!(!pin.is_for(&host("example.org")) && !pin.is_for(&host("ftp.example.org.evil")));
        let pin = PinnedCertificate::parse(&format!("[2001:DB8::1] = {SHA256}")).unwrap();
        assert!(pin.is_for(&host("2001:db8:0::1")) && pin.is_for(&host("[2001:db8::1]")));
    }

    #[test]
    fn pin_without_host_or_fingerprint_is_refused() {
        for text in [SHA256, "ftp.example.org", "ftp.example.org=", &format!("={SHA256}")] {
            assert!(PinnedCertificate::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn proxy_is_read_from_its_url() {
        let url = ProxyUrl::parse("socks5://porter:p%40ss%3Aword@10.0.0.1:1080").unwrap();
        assert_eq!(url.host_and_port(), ("10.0.0.1", 1080));
        assert_eq!(url.protocol, ProxyProtocol::Socks5);
        let credentials = url.credentials.unwrap();
        assert_eq!(credentials.username.as_str(), "porter");
        let url = ProxyUrl::parse("http://[2001:db8::1]:3128/").unwrap();
        assert_eq!(url.host_and_port(), ("2001:db8::1", 3128));
        assert!(url.credentials.is_none());
    }

    #[test]
    fn url_that_is_no_proxy_is_refused_without_its_password() {
        for text in [
            "10.0.0.1:1080",
            "socks4://porter:sesame@10.0.0.1:1080",
            "https://porter:sesame@10.0.0.1:1080",
            "socks5://porter:sesame@10.0.0.1",
            "socks5://porter:sesame@:1080",
            "http://porter:sesame@10.0.0.1:3128/path",
            "socks5://porter@10.0.0.1:1080",
            "socks5://porter:ses%0Aame@10.0.0.1:1080",
            "http://por%3Ater:sesame@10.0.0.1:3128",
        ] {
            let reason = ProxyUrl::parse(text).unwrap_err();
            assert!(!reason.contains("sesame"), "{reason}");
        }
    }

    #[test]
    fn debug_of_a_proxy_shows_neither_username_nor_password() {
        let url = ProxyUrl::parse("socks5://porter:sesame@10.0.0.1:1080").unwrap();
        let shown = format!("{url:?}");
        assert!(shown.contains("10.0.0.1"), "{shown}");
        assert!(!shown.contains("sesame") && !shown.contains("porter"), "{shown}");
    }
}
