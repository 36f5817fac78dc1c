//! Tests of the headers of reverse proxies.

use axum::http::HeaderValue;

use super::*;
use crate::settings::Sources;

/// Proxies at 10.0.0.0/8 and 2001:db8:ffff::/48.
fn proxies(header: &str) -> TrustedProxies {
    let mut sources = Sources::default();
    sources.flag("trusted_proxies", "10.0.0.0/8, 2001:db8:ffff::/48".to_owned());
    sources.flag("forwarded_header", header.to_owned());
    TrustedProxies::new(&Settings::from_sources(&sources).unwrap())
}

/// Who sends a request with these lines of the header over a connection from `peer`.
fn sender(header: &str, peer: &str, lines: &[&str]) -> Sender {
    let mut headers = HeaderMap::new();
    for line in lines {
        let name = ForwardedHeader::ALL.iter().find(|known| known.name() == header).unwrap();
        headers.append(name.name(), HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    proxies(header).sender(Peer::at(peer.parse().unwrap()), &headers)
}

/// The client that a proxy at 10.0.0.1 names, or why there is none.
fn named(header: &str, lines: &[&str]) -> Result<String, KnownBy> {
    let Sender { peer, known_by } = sender(header, "10.0.0.1", lines);
    match known_by {
        KnownBy::Header => Ok(peer.address.unwrap().to_string()),
        other => {
            assert_eq!(peer, Peer::default(), "an unknown client is not counted");
            Err(other)
        }
    }
}

const MISSING: Result<&str, KnownBy> = Err(KnownBy::MissingHeader);
const UNREADABLE: Result<&str, KnownBy> = Err(KnownBy::UnreadableHeader);

#[track_caller]
fn check(header: &str, cases: &[(&[&str], Result<&str, KnownBy>)]) {
    for (lines, expected) in cases {
        assert_eq!(named(header, lines), expected.map(str::to_owned), "{header}: {lines:?}");
    }
}

#[test]
fn x_forwarded_for_is_read_from_its_end_to_the_first_address_that_is_not_trusted() {
    check(
        "x-forwarded-for",
        &[
            (&["192.0.2.1"], Ok("192.0.2.1")),
            (&["203.0.113.9, 192.0.2.1"], Ok("192.0.2.1")),
            (&["203.0.113.9,192.0.2.1"], Ok("192.0.2.1")),
            (&["192.0.2.1, 10.0.0.2"], Ok("192.0.2.1")),
            (&["203.0.113.9, 192.0.2.1, 10.0.0.3, 10.0.0.2"], Ok("192.0.2.1")),
            (&["203.0.113.9", "192.0.2.1"], Ok("192.0.2.1")),
            (&["192.0.2.1", "10.0.0.2"], Ok("192.0.2.1")),
            (&["10.0.0.7, 10.0.0.2"], Ok("10.0.0.7")),
            (&["garbage, 192.0.2.1"], Ok("192.0.2.1")),
            (&["10.0.0.2, 192.0.2.1"], Ok("192.0.2.1")),
            (&["2001:db8::1"], Ok("2001:db8::1")),
            (&["192.0.2.1, 2001:db8:ffff::2"], Ok("192.0.2.1")),
            (&["[2001:db8::1]"], Ok("2001:db8::1")),
            (&["[2001:db8::1]:4711"], Ok("2001:db8::1")),
            (&["192.0.2.1:4711"], Ok("192.0.2.1")),
            (&["::ffff:192.0.2.1"], Ok("192.0.2.1")),
            (&["192.0.2.1, ::ffff:10.0.0.2"], Ok("192.0.2.1")),
            (&[], MISSING),
            (&[""], UNREADABLE),
            (&["192.0.2.1,"], UNREADABLE),
            (&["192.0.2.1, unknown"], UNREADABLE),
            (&["192.0.2.1, x"], UNREADABLE),
            (&["192.0.2.1, 10.0.0.2, "], UNREADABLE),
            (&["192.0.2.1:port"], UNREADABLE),
            (&["192.0.2.1:99999"], UNREADABLE),
            (&["[2001:db8::1"], UNREADABLE),
            (&["[2001:db8::1]4711"], UNREADABLE),
            (&["[192.0.2.1]"], UNREADABLE),
            (&["ü"], UNREADABLE),
            (&["192.0.2.1", "ü"], UNREADABLE),
        ],
    );
}

#[test]
fn forwarded_is_read_in_the_same_way() {
    check(
        "forwarded",
        &[
            (&["for=192.0.2.1"], Ok("192.0.2.1")),
            (&["For=\"192.0.2.1\""], Ok("192.0.2.1")),
            (&["for=192.0.2.1;proto=https;by=10.0.0.1"], Ok("192.0.2.1")),
            (&["proto=https;FOR=192.0.2.1"], Ok("192.0.2.1")),
            (&["for=203.0.113.9, for=192.0.2.1"], Ok("192.0.2.1")),
            (&["for=192.0.2.1, for=10.0.0.2;proto=http"], Ok("192.0.2.1")),
            (&["for=203.0.113.9", "for=192.0.2.1"], Ok("192.0.2.1")),
            (&["for=\"[2001:db8:cafe::17]\""], Ok("2001:db8:cafe::17")),
            (&["for=\"[2001:db8:cafe::17]:4711\""], Ok("2001:db8:cafe::17")),
            (&["for=\"192.0.2.1:4711\""], Ok("192.0.2.1")),
            (&["for=\"192.0.2.1:_port\""], Ok("192.0.2.1")),
            (&["for=_hidden, for=192.0.2.1"], Ok("192.0.2.1")),
            (&[], MISSING),
            (&["for=unknown"], UNREADABLE),
            (&["for=_hidden"], UNREADABLE),
            (&["for=\"_SEVKISEK\""], UNREADABLE),
            (&["for=192.0.2.1, for=_hidden"], UNREADABLE),
            (&["proto=https"], UNREADABLE),
            (&["for=\"192.0.2.1"], UNREADABLE),
            (&["for=\"192.0.2.1:_\""], UNREADABLE),
            // An open quote does not hide what the proxy adds.
            (&["for=203.0.113.9;x=\", for=192.0.2.1"], Ok("192.0.2.1")),
            (&["for=203.0.113.9;x=\", for=\"[2001:db8::1]:4711\""], Ok("2001:db8::1")),
        ],
    );
}

#[test]
fn only_the_header_of_the_setting_is_read() {
    let mut headers = HeaderMap::new();
    headers.append("forwarded", HeaderValue::from_static("for=203.0.113.9"));
    let proxy = Peer::at("10.0.0.1".parse().unwrap());
    let sender = proxies("x-forwarded-for").sender(proxy, &headers);
    assert_eq!(sender.known_by, KnownBy::MissingHeader, "a client can write the other one");
}

#[test]
fn header_of_an_address_that_is_not_trusted_is_ignored() {
    let stranger = "198.51.100.7";
    let Sender { peer, known_by } = sender("x-forwarded-for", stranger, &["192.0.2.1"]);
    assert_eq!((peer, known_by), (Peer::at(stranger.parse().unwrap()), KnownBy::IgnoredHeader));
    assert_eq!(sender("x-forwarded-for", stranger, &[]).known_by, KnownBy::Connection);
}
