//! Addresses that users type: `ftps://user@host:port/path` and the like (RFC 1738 §3.2, RFC
//! 3986), `host:port`, and this page's links, which have the destination after the `#`.
//!
//! The text after a `#` never leaves the browser: no server sees it, and no log contains it.

use protocol::{Encryption, client::Secret};

use crate::{destination::Destination, texts::Text};

/// The parts of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// A host name or an IP address, without brackets; empty when a link names none.
    pub host: String,
    /// The port of the control connection.
    pub port: Option<u16>,
    /// When TLS starts.
    pub encryption: Option<Encryption>,
    /// The user name.
    pub username: Option<String>,
    /// The password. It goes into its field, and nowhere else.
    pub password: Option<Secret>,
    /// The start folder: relative to the login's directory, unless it starts with `/`.
    pub folder: Option<String>,
}

/// Parses the text of the host field; `None` if it is just a host.
#[must_use]
pub fn parse(text: &str) -> Option<Address> {
    let text = text.trim();
    url(text).or_else(|| host_and_port(text))
}

/// Parses the fragment of the page's address, with its `#`.
#[must_use]
pub fn parse_link(fragment: &str) -> Option<Address> {
    let text = fragment.strip_prefix('#').unwrap_or(fragment);
    url(text).or_else(|| pairs(text))
}

/// Returns the fragment that fills the form of a user who follows the link; `folder` is that of
/// [`Address::folder`], or empty. A link never contains a password.
#[must_use]
pub fn to_link(destination: &Destination, folder: &str) -> String {
    let Destination { host, port, encryption, username } = destination;
    let encryption = match encryption {
        Encryption::Explicit => "explicit",
        Encryption::Implicit => "implicit",
    };
    let mut link = String::from("host=");
    encode(&mut link, host);
    let port = port.to_string();
    for (name, value) in [
        ("&port=", port.as_str()),
        ("&encryption=", encryption),
        ("&user=", username),
        ("&path=", folder),
    ] {
        if !value.is_empty() {
            link.push_str(name);
            encode(&mut link, value);
        }
    }
    link
}

/// Parses `scheme://user:password@host:port/path`. All three schemes are encrypted: `ftps` means
/// implicit TLS on port 990 (RFC 4217 §A) and explicit TLS elsewhere, the others mean explicit TLS.
fn url(text: &str) -> Option<Address> {
    let (scheme, rest) = text.split_once(':')?;
    let rest = rest.strip_prefix("//")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    // A password may contain `@`: the last one ends it.
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let (host, port) = host_port(place)?;
    let ftps = scheme.eq_ignore_ascii_case("ftps");
    if !ftps && !scheme.eq_ignore_ascii_case("ftpes") && !scheme.eq_ignore_ascii_case("ftp") {
        return None;
    }
    let encryption = if ftps { usual_at(port) } else { Encryption::Explicit };
    let (username, password) = user.map(credentials).unwrap_or_default();
    Some(Address {
        host: decode(host),
        port,
        encryption: Some(encryption),
        username,
        password,
        folder: Some(folder(path)),
    })
}

/// Parses `host:port` and an address in brackets. A bare IPv6 address has more colons and no port.
fn host_and_port(text: &str) -> Option<Address> {
    let (host, port) = host_port(text)?;
    // Neither brackets nor a port: just a host.
    if host.len() == text.len() {
        return None;
    }
    let encryption = port.map(|port| usual_at(Some(port)));
    Some(Address { host: host.to_owned(), port, encryption, ..Address::default() })
}

/// Parses `host=…&port=…&encryption=…&user=…&path=…`, in any order; other pairs are ignored.
fn pairs(text: &str) -> Option<Address> {
    let mut address = Address::default();
    let mut known = false;
    for (name, value) in text.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = decode(value);
        match name {
            "host" => address.host = without_brackets(value.trim()).to_owned(),
            "port" => address.port = number(&value),
            "encryption" if value == "explicit" => address.encryption = Some(Encryption::Explicit),
            "encryption" if value == "implicit" => address.encryption = Some(Encryption::Implicit),
            "user" => address.username = Some(value),
            "path" => address.folder = Some(value),
            "password" => address.password = Some(Secret::new(value)),
            _ => continue,
        }
        known = true;
    }
    known.then_some(address)
}

/// Parses a host, without its brackets, and a port.
fn host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, if rest.is_empty() { "" } else { rest.strip_prefix(':')? })
        }
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, port),
            _ => (text, ""),
        },
    };
    let port = if port.is_empty() { None } else { Some(number(port)?) };
    (!host.is_empty()).then_some((host, port))
}

/// Returns an IPv6 address without brackets.
#[must_use]
pub fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn number(port: &str) -> Option<u16> {
    port.parse().ok().filter(|port| *port > 0)
}

fn usual_at(port: Option<u16>) -> Encryption {
    if port == Some(Encryption::Implicit.default_port()) {
        Encryption::Implicit
    } else {
        Encryption::Explicit
    }
}

fn credentials(text: &str) -> (Option<String>, Option<Secret>) {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(Secret::new(decode(password)))),
        None => (text, None),
    };
    let user = decode(user);
    ((!user.is_empty()).then_some(user), password)
}

/// Parses the path of a URL: relative to the login's directory, unless it starts with another `/` or
/// with `%2F` (RFC 1738 §3.2.2).
fn folder(path: &str) -> String {
    let path = decode(path);
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() && !path.is_empty() { "/".to_owned() } else { trimmed.to_owned() }
}

/// Percent-decodes a text (RFC 3986 §2.1); a result that is not UTF-8 means that the text was not
/// encoded.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        match (first, after) {
            (b'%', [high, low, after @ ..]) if let Some(byte) = hex(*high, *low) => {
                bytes.push(byte);
                rest = after;
            }
            (byte, after) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Percent-encodes the characters that a fragment must not contain (RFC 3986 §3.5) and those that
/// separate the pairs of a link.
fn encode(link: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte) {
            link.push(char::from(byte));
        } else {
            link.push('%');
            for digit in [byte >> 4, byte & 0xf] {
                let digit = char::from_digit(digit.into(), 16);
                link.extend(digit.map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
}

/// Says that the password of an address was moved to the password field.
#[must_use]
pub fn password_moved() -> &'static str {
    Text::FormPasswordMoved.text()
}

/// Says that the password in a link was ignored.
#[must_use]
pub fn password_ignored() -> &'static str {
    Text::FormPasswordIgnored.text()
}

/// Confirms that the link is on the clipboard.
#[must_use]
pub fn link_copied() -> &'static str {
    Text::CopiedLink.text()
}

/// Says that the link is in the address bar, since the browser refused to copy it.
#[must_use]
pub fn link_in_address_bar() -> &'static str {
    Text::CopiedRefusedLink.text()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(host: &str, port: Option<u16>, encryption: Encryption) -> Address {
        Address {
            host: host.into(),
            port,
            encryption: Some(encryption),
            folder: Some(String::new()),
            ..Address::default()
        }
    }

    #[test]
    fn scheme_and_port_say_when_tls_starts() {
        use Encryption::{Explicit, Implicit};
        for (text, port, encryption) in [
            ("ftps://h", None, Explicit),
            ("ftps://h:2121", Some(2121), Explicit),
            ("ftps://h:990", Some(990), Implicit),
            ("ftpes://h", None, Explicit),
            ("ftp://h", None, Explicit),
            ("FTP://h:21", Some(21), Explicit),
            ("  ftps://h:990/  ", Some(990), Implicit),
        ] {
            assert_eq!(parse(text), Some(address("h", port, encryption)), "{text}");
        }
    }

    #[test]
    fn url_is_taken_apart_into_its_parts() {
        let taken = parse("ftps://an%40na:se%3Acret@ftp.example.org:2121/web/pr%C3%A4ch%20tig/");
        assert_eq!(
            taken,
            Some(Address {
                host: "ftp.example.org".into(),
                port: Some(2121),
                encryption: Some(Encryption::Explicit),
                username: Some("an@na".into()),
                password: Some(Secret::new("se:cret".into())),
                folder: Some("web/präch tig".into()),
            })
        );
    }

    #[test]
    fn password_with_signs_that_ought_to_be_encoded_is_not_part_of_the_host() {
        let taken = parse("ftp://u:p@ss:word@host/").unwrap();
        assert_eq!(taken.host, "host");
        assert_eq!(taken.username.as_deref(), Some("u"));
        assert_eq!(taken.password, Some(Secret::new("p@ss:word".into())));
        assert!(!format!("{taken:?}").contains("p@ss"));
    }

    #[test]
    fn ipv6_address_stands_in_brackets_where_a_port_may_follow() {
        assert_eq!(
            parse("ftps://[2001:db8::1]:990/"),
            Some(address("2001:db8::1", Some(990), Encryption::Implicit))
        );
        let taken = parse("[::1]:2121").unwrap();
        assert_eq!((taken.host.as_str(), taken.port), ("::1", Some(2121)));
        assert_eq!(parse("[::1]").unwrap().port, None);
        assert_eq!(parse("2001:db8::1"), None, "a bare one is a host");
    }

    #[test]
    fn host_and_port_leave_the_rest_alone() {
        let taken = parse("ftp.example.org:2121").unwrap();
        assert_eq!((taken.host.as_str(), taken.port), ("ftp.example.org", Some(2121)));
        assert_eq!((taken.username, taken.folder), (None, None));
        assert_eq!(parse("h:990").unwrap().encryption, Some(Encryption::Implicit));
    }

    #[test]
    fn what_is_a_host_or_no_address_stays_as_it_is() {
        for text in
            ["", "ftp.example.org", "https://h/", "h:port", "h:0", "h:65536", "ftp://", "[::1"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn path_is_relative_to_the_login_unless_it_begins_with_another_slash() {
        for (path, folder) in
            [("", ""), ("/", ""), ("/a/b", "a/b"), ("//a", "/a"), ("/%2Fa/", "/a"), ("//", "/")]
        {
            let taken = parse(&format!("ftp://h{path}")).unwrap();
            assert_eq!(taken.folder.as_deref(), Some(folder), "{path}");
        }
    }

    #[test]
    fn link_of_a_url_is_read_too_and_a_password_is_found_in_either() {
        assert_eq!(parse_link("#ftps://u@h:990/a"), parse("ftps://u@h:990/a"));
        let link = parse_link("#host=h&password=secret&x=y").unwrap();
        assert_eq!((link.host.as_str(), link.password.is_some()), ("h", true));
        assert!(parse_link("#ftp://u:p@h").unwrap().password.is_some());
    }

    #[test]
    fn fragment_that_is_no_link_is_left_alone() {
        for fragment in ["", "#", "#work", "#a=b", "#https://h/"] {
            assert_eq!(parse_link(fragment), None, "{fragment}");
        }
    }

    #[test]
    fn value_that_is_none_in_a_link_is_left_out() {
        let link = parse_link("#host=h&port=0&encryption=none&user=a%ZZ").unwrap();
        assert_eq!((link.port, link.encryption), (None, None));
        assert_eq!(link.username.as_deref(), Some("a%ZZ"));
    }

    proptest! {
        #[test]
        fn link_says_the_same_when_it_is_read(
            host in "[a-z0-9.-]{1,30}|[0-9a-f:]{3,20}", port in 1_u16.., implicit: bool,
            username in "\\PC{1,20}", folder in "\\PC{0,20}",
        ) {
            let encryption =
                if implicit { Encryption::Implicit } else { Encryption::Explicit };
            let destination = Destination { host, port, encryption, username };
            let link = to_link(&destination, &folder);
            prop_assert!(link.is_ascii());
            prop_assert!(!link.contains([' ', '#', '"', '<']));
            let read = parse_link(&format!("#{link}")).unwrap();
            prop_assert_eq!(read.host, destination.host);
            prop_assert_eq!(read.port, Some(port));
            prop_assert_eq!(read.encryption, Some(encryption));
            prop_assert_eq!(read.username.unwrap_or_default(), destination.username);
            prop_assert_eq!(read.password, None);
            prop_assert_eq!(read.folder.unwrap_or_default(), folder);
        }

        #[test]
        fn url_with_encoded_parts_gives_them_back(
            user in "\\PC{1,12}", password in "\\PC{0,12}", folder in "[^/\0]{1,12}",
        ) {
            let encoded = |text: &str| text.bytes().map(|b| format!("%{b:02x}")).collect::<String>();
            let url = format!(
                "ftp://{}:{}@h:2121/{}", encoded(&user), encoded(&password), encoded(&folder)
            );
            let read = parse(&url).unwrap();
            prop_assert_eq!(read.host, "h");
            prop_assert_eq!(read.username, Some(user));
            prop_assert_eq!(read.password, Some(Secret::new(password)));
            prop_assert_eq!(read.folder, Some(folder));
        }

        #[test]
        fn nothing_that_is_pasted_stops_the_page(text in "\\PC{0,40}|[]\\[:/@%#&=a0]{0,30}") {
            for text in [text.clone(), format!("ftps://{text}"), format!("#host={text}")] {
                if let Some(read) = parse(&text) {
                    prop_assert!(!read.host.is_empty());
                }
                let _ = parse_link(&text);
            }
        }
    }
}
