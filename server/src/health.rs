//! Checks whether a running portal answers: `ferryport health`, for a container's health check.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::{
    client::{LOCAL_HEADER, TrustedProxies},
    settings::{Scheme, Settings},
};

/// The timeout of the connection, of each read and of each write.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The most bytes that are read of the answer: enough for a status line.
const STATUS_LINE: u64 = 64;

/// Sends one request to the portal that these settings describe.
///
/// The request is plain HTTP, even if the portal serves HTTPS. Then the answer is an error that names
/// `https://`, which also shows that the portal accepts connections.
///
/// # Errors
/// When the portal cannot be reached, does not answer in time, or answers with another status.
pub fn check(settings: &Settings) -> anyhow::Result<()> {
    let address = reachable(settings.listen);
    let status = request(address, prelude(settings, address))
        .with_context(|| format!("no answer from {address}"))?;
    let expected = match settings.scheme() {
        Scheme::Http => "HTTP/1.1 200 ",
        Scheme::Https => "HTTP/1.1 ",
    };
    if !status.starts_with(expected) {
        bail!("unexpected answer from {address}: {status:?}");
    }
    Ok(())
}

/// Returns the address to connect to: loopback, where the portal listens on every address.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Returns what the portal expects before the request. A connection to one of the machine's own addresses
/// comes from the same address.
fn prelude(settings: &Settings, address: SocketAddr) -> &'static [u8] {
    let is_proxy = TrustedProxies::new(settings).trust(address.ip());
    if settings.proxy_protocol && is_proxy { LOCAL_HEADER } else { &[] }
}

/// Sends the request and returns the beginning of the answer.
fn request(address: SocketAddr, prelude: &[u8]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(prelude)?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut status = Vec::new();
    stream.take(STATUS_LINE).read_to_end(&mut status)?;
    Ok(String::from_utf8_lossy(&status).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unspecified_address_is_reached_on_loopback() {
        let cases = [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("192.0.2.7:443", "192.0.2.7:443"),
        ];
        for (listen, expected) in cases {
            assert_eq!(reachable(listen.parse().unwrap()), expected.parse().unwrap());
        }
    }
}
