//! Addresses that users type: `ftps://user@host:port/path` and the like (RFC 1738 §3.2, RFC
//! 3986), `host:port`, and this page's links, which have the destination after the `#`.
//!
//! The text after a `#` never leaves the browser: no server sees it, and no log contains it.

use protocol::{Encryption, client::Secret};

use crate::{destination::Destination, format, texts::Text};

/// The parts of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// A host name or an IP address, without brackets; empty when a link names none.
    pub host: String,
    /// The port of the control connection.
    pub port: Option<u16>,
    /// When TLS starts, if the address says so.
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
    url(text).or_else(|| without_scheme(text))
}

/// Returns whether a text begins with a scheme.
#[must_use]
pub fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(_, rest)| rest.starts_with("//"))
}

/// Returns a host without spaces and brackets around it, or `None` if it cannot be a host: parts of
/// an address that was not understood may hold a password.
#[must_use]
pub fn host(text: &str) -> Option<&str> {
    let host = without_brackets(text.trim());
    let is_part =
        |byte: u8| !byte.is_ascii() || byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte);
    let colons = host.bytes().filter(|byte| *byte == b':').count();
    (host.bytes().all(is_part) && colons != 1).then_some(host)
}

impl Address {
    /// Returns whether a form that holds `form` is for another server or account than this address,
    /// or reaches the server in another way. Then a password in the form is not meant for it.
    #[must_use]
    pub fn leads_elsewhere(&self, form: &Destination) -> bool {
        let changes = |old: &str, new: &str| !old.is_empty() && !new.is_empty() && old != new;
        changes(&form.host, &self.host)
            || changes(&form.username, self.username.as_deref().unwrap_or_default())
            || self.port.is_some_and(|port| port != form.port)
            || form.encryption.zip(self.encryption).is_some_and(|(old, new)| old != new)
    }
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
        Some(Encryption::Explicit) => "explicit",
        Some(Encryption::Implicit) => "implicit",
        None => "",
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

/// Parses `scheme://user:password@host:port/path`. All three schemes are encrypted. `ftpes` means
/// explicit TLS; `ftp` and `ftps` are written for either kind of server, so they leave it open. The port
/// of `sftp`, another protocol, is left out: many servers speak both.
fn url(text: &str) -> Option<Address> {
    let (scheme, rest) = text.split_once(':')?;
    let rest = rest.strip_prefix("//")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, place) = user_and_place(authority);
    let (host, port) = host_port(place)?;
    let is_scheme = |name: &str| scheme.eq_ignore_ascii_case(name);
    if !["ftp", "ftps", "ftpes", "sftp"].into_iter().any(is_scheme) {
        return None;
    }
    let (username, password) = user.map(credentials).unwrap_or_default();
    Some(Address {
        host: decode(host),
        port: port.filter(|_| !is_scheme("sftp")),
        encryption: is_scheme("ftpes").then_some(Encryption::Explicit),
        username,
        password,
        folder: Some(folder(path)),
    })
}

/// Parses `user:password@host:port/path` and parts of it. A bare IPv6 address has several colons and
/// no port.
fn without_scheme(text: &str) -> Option<Address> {
    if has_scheme(text) {
        return None;
    }
    let (authority, path) = authority_and_path(text);
    let (user, place) = user_and_place(authority);
    let (host, port) = host_port(place)?;
    // Just a host, or no host at all.
    if host.len() == text.len() || self::host(host).is_none() {
        return None;
    }
    let (username, password) = user.map(credentials).unwrap_or_default();
    Some(Address {
        host: host.to_owned(),
        port,
        encryption: None,
        username,
        password,
        folder: path.map(folder),
    })
}

/// Splits an address without a scheme before its path. A slash before an `@` is part of a password,
/// unless a host stands before it.
fn authority_and_path(text: &str) -> (&str, Option<&str>) {
    let Some((before, after)) = text.split_once('/') else { return (text, None) };
    let is_host =
        |(host, port): (&str, &str)| host.bytes().any(|c| c == b'.') && number(port).is_some();
    let is_password = after.bytes().any(|byte| byte == b'@')
        && before.split_once(':').is_some_and(|at| !is_host(at));
    match text.rsplit_once('@') {
        Some((user, place)) if is_password => {
            let (place, path) = match place.split_once('/') {
                Some((place, path)) => (place, Some(path)),
                None => (place, None),
            };
            (text.get(..user.len() + 1 + place.len()).unwrap_or(text), path)
        }
        _ => (before, Some(after)),
    }
}

/// Splits the credentials from host and port. A password may contain `@`: the last one ends it.
fn user_and_place(authority: &str) -> (Option<&str>, &str) {
    match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    }
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
    if let Some(inner) = parse(&address.host) {
        address.host = inner.host;
        address.port = address.port.or(inner.port);
        address.encryption = address.encryption.or(inner.encryption);
        address.username = address.username.or(inner.username);
        address.password = address.password.or(inner.password);
        address.folder = address.folder.or(inner.folder);
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

/// Says that the host field holds no host.
#[must_use]
pub fn not_a_host() -> &'static str {
    Text::FormNotAHost.text()
}

/// Says that a link invites the user to upload to a host.
#[must_use]
pub fn invitation(host: &str) -> String {
    Text::FormInvitation.fill(&[&format::name(host)])
}

/// Names the host that a link leads to.
#[must_use]
pub fn link_leads_to(host: &str) -> String {
    Text::FormLinkLeadsTo.fill(&[&format::name(host)])
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

    fn address(host: &str, port: Option<u16>, encryption: Option<Encryption>) -> Address {
        Address {
            host: host.into(),
            port,
            encryption,
            folder: Some(String::new()),
            ..Address::default()
        }
    }

    #[test]
    fn only_the_scheme_ftpes_says_when_tls_starts() {
        for (text, port, encryption) in [
            ("ftps://h", None, None),
            ("ftps://h:2121", Some(2121), None),
            ("ftps://h:990", Some(990), None),
            ("ftpes://h", None, Some(Encryption::Explicit)),
            ("ftp://h", None, None),
            ("FTP://h:21", Some(21), None),
            ("  ftps://h:990/  ", Some(990), None),
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
                encryption: None,
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
            Some(address("2001:db8::1", Some(990), None))
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
        assert_eq!(parse("h:990").unwrap().encryption, None);
    }

    #[test]
    fn address_without_a_scheme_is_taken_apart_too() {
        let taken = parse("anna:s3cret@ftp.example.org:2121/web/in").unwrap();
        assert_eq!((taken.host.as_str(), taken.port), ("ftp.example.org", Some(2121)));
        assert_eq!(taken.username.as_deref(), Some("anna"));
        assert_eq!(taken.password, Some(Secret::new("s3cret".into())));
        assert_eq!(taken.folder.as_deref(), Some("web/in"));
        for (text, host, username, password, folder) in [
            ("h/a/b", "h", None, None, Some("a/b")),
            ("h:21/", "h", None, None, Some("")),
            ("u@h", "h", Some("u"), None, None),
            ("u:p@ss/w@h/a", "h", Some("u"), Some("p@ss/w"), Some("a")),
            ("u:1/x@h", "h", Some("u"), Some("1/x"), None),
            ("ftp.h:21/x@y", "ftp.h", None, None, Some("x@y")),
            ("u@mail.example:p@h", "h", Some("u@mail.example"), Some("p"), None),
            ("u:p@[2001:db8::1]:990", "2001:db8::1", Some("u"), Some("p"), None),
        ] {
            let taken = parse(text).unwrap();
            assert_eq!(taken.host, host, "{text}");
            assert_eq!(taken.username.as_deref(), username, "{text}");
            assert_eq!(taken.password, password.map(|p| Secret::new(p.into())), "{text}");
            assert_eq!(taken.folder.as_deref(), folder, "{text}");
        }
    }

    #[test]
    fn password_in_the_host_of_a_link_is_found() {
        let link = parse_link("#host=u%3Ap%40h%3A990&path=in").unwrap();
        assert_eq!((link.host.as_str(), link.port), ("h", Some(990)));
        assert_eq!((link.username.as_deref(), link.password.is_some()), (Some("u"), true));
        assert_eq!(link.folder.as_deref(), Some("in"));
    }

    #[test]
    fn host_holds_nothing_of_an_address_that_was_not_understood() {
        for text in ["u:p@", "scp://u:p@h", "@", "u:p@h:port", "h p", "h:port", "a\\b", "h?x"] {
            assert_eq!((parse(text), host(text)), (None, None), "{text}");
        }
        for text in
            ["ftp.example.org", "müller.de", "2001:db8::1", "fe80::1%eth0", "10.0.0.1", "a_b"]
        {
            assert_eq!(host(text), Some(text));
        }
        assert_eq!(host(" [::1] "), Some("::1"));
    }

    #[test]
    fn password_is_not_for_another_server_account_port_or_encryption() {
        let form = Destination {
            host: "h".into(),
            port: 21,
            encryption: Some(Encryption::Explicit),
            username: "u".into(),
        };
        let automatic = Destination { encryption: None, ..form.clone() };
        assert!(!parse_link("#host=h&encryption=implicit").unwrap().leads_elsewhere(&automatic));
        for link in ["#host=x", "#host=h&user=v", "#port=990", "#host=h&encryption=implicit"] {
            assert!(parse_link(link).unwrap().leads_elsewhere(&form), "{link}");
        }
        for link in ["#host=h&port=21&encryption=explicit&user=u&path=in", "#path=in", "#user="] {
            assert!(!parse_link(link).unwrap().leads_elsewhere(&form), "{link}");
        }
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
            host in "[a-z0-9.-]{1,30}|[0-9a-f:]{3,20}", port in 1_u16.., implicit: Option<bool>,
            username in "\\PC{1,20}", folder in "\\PC{0,20}",
        ) {
            prop_assume!(super::host(&host).is_some());
            let encryption = implicit.map(|implicit| {
                if implicit { Encryption::Implicit } else { Encryption::Explicit }
            });
            let destination = Destination { host, port, encryption, username };
            let link = to_link(&destination, &folder);
            prop_assert!(link.is_ascii());
            prop_assert!(!link.contains([' ', '#', '"', '<']));
            let read = parse_link(&format!("#{link}")).unwrap();
            prop_assert_eq!(read.host, destination.host);
            prop_assert_eq!(read.port, Some(port));
            prop_assert_eq!(read.encryption, encryption);
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
                    prop_assert!(host(&read.host).is_none_or(|host| !host.contains('@')));
                }
                let _ = parse_link(&text);
            }
        }
    }
}
