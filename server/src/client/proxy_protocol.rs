//! The PROXY protocol, version 2, in which a reverse proxy names the client before the first byte of the
//! connection: `https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt`, §2.2.

use std::{io, net::IpAddr};

use ppp::v2::{Addresses, Command, Header};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::Peer;

/// The bytes before the addresses: a signature of 12 bytes, version and command, protocol, length.
const PREFIX_BYTES: usize = 16;

/// The most bytes of addresses and further facts. Proxies send 12 to about 500; certificates of clients
/// may be among them.
const MAX_FACTS_BYTES: usize = 4096;

/// The header of a connection that a program on this machine opens for itself: version 2, `LOCAL`, no
/// addresses.
pub const LOCAL_HEADER: &[u8; PREFIX_BYTES] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// Reads the header of a connection, and nothing beyond it. Returns the client that it names; `None` for
/// a connection of the proxy's own (`LOCAL`), and for a client without an IP address.
///
/// # Errors
/// When the connection does not begin with a header of version 2, or ends in it.
///
/// # Cancel safety
/// Not cancel safe: drop the connection.
pub async fn announced_peer(connection: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Peer>> {
    let mut header = vec![0; PREFIX_BYTES];
    connection.read_exact(&mut header).await?;
    if !header.starts_with(ppp::v2::PROTOCOL_PREFIX) {
        return Err(io::Error::other("it does not begin with a header of the PROXY protocol v2"));
    }
    let facts = facts_bytes(&header)?;
    header.resize(PREFIX_BYTES + facts, 0);
    let (_, facts) = header.split_at_mut(PREFIX_BYTES);
    connection.read_exact(facts).await?;
    let header = Header::try_from(header.as_slice()).map_err(io::Error::other)?;
    Ok(match header.command {
        Command::Local => None,
        Command::Proxy => source(header.addresses).map(Peer::at),
    })
}

/// Returns the length of what follows the prefix.
fn facts_bytes(prefix: &[u8]) -> io::Result<usize> {
    let length = prefix.last_chunk().map_or(0, |bytes| usize::from(u16::from_be_bytes(*bytes)));
    if length > MAX_FACTS_BYTES {
        let reason = format!("its header of the PROXY protocol has {length} bytes");
        return Err(io::Error::other(reason));
    }
    Ok(length)
}

fn source(addresses: Addresses) -> Option<IpAddr> {
    match addresses {
        Addresses::IPv4(addresses) => Some(addresses.source_address.into()),
        Addresses::IPv6(addresses) => Some(addresses.source_address.into()),
        Addresses::Unspecified | Addresses::Unix(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use ppp::v2::{Builder, Protocol, Version};

    use super::*;

    fn header(source: &str) -> Vec<u8> {
        let addresses: (SocketAddr, SocketAddr) =
            (source.parse().unwrap(), source.parse().unwrap());
        let builder =
            Builder::with_addresses(Version::Two | Command::Proxy, Protocol::Stream, addresses);
        builder.write_tlv(ppp::v2::Type::Authority, b"up.example.com").unwrap().build().unwrap()
    }

    async fn read(mut bytes: &[u8]) -> (io::Result<Option<Peer>>, usize) {
        (announced_peer(&mut bytes).await, bytes.len())
    }

    #[tokio::test]
    async fn client_is_read_and_no_byte_of_what_follows() {
        for source in ["192.0.2.7:4711", "[2001:db8::7]:4711"] {
            let bytes = [header(source), b"GET / HTTP/1.1".to_vec()].concat();
            let (peer, rest) = read(&bytes).await;
            let address: SocketAddr = source.parse().unwrap();
            assert_eq!(peer.unwrap(), Some(Peer::at(address.ip())));
            assert_eq!(rest, b"GET / HTTP/1.1".len());
        }
    }

    #[tokio::test]
    async fn connection_of_the_proxys_own_has_no_client() {
        assert_eq!(read(LOCAL_HEADER).await.0.unwrap(), None);
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        let whole = header("192.0.2.7:4711");
        let mut long = whole.clone();
        long[PREFIX_BYTES - 2] = 0xff;
        let mut version_3 = whole.clone();
        version_3[12] = 0x31;
        let mut short = whole.clone();
        short[PREFIX_BYTES - 1] = 4;
        let refused: [&[u8]; 7] = [
            b"GET / HTTP/1.1\r\nHost: up.example.com\r\n\r\n",
            b"PROXY TCP4 192.0.2.7 192.0.2.7 4711 4711\r\n",
            whole.split_last().unwrap().1,
            &long,
            &version_3,
            &short,
            b"",
        ];
        for bytes in refused {
            assert!(read(bytes).await.0.is_err(), "{bytes:?}");
        }
    }
}
