//! The types of values about connections to FTPS servers: the proxy, and pinned certificates.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use axum::http::{Uri, uri::Authority};
use ftps::{Credentials, Fingerprint, Password, Proxy, ProxyProtocol, Username};
use percent_encoding::percent_decode_str;

use super::SettingValue;
use crate::host::Host;

impl SettingValue for PathBuf {
    const NOTATION: &str = "FILE";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("a path is needed".to_owned()) } else { Ok(text.into()) }
    }
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
