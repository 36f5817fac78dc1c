//! The client of a request, as limits count it.
//!
//! # Layers
//! - this module: [`Client`] and [`Peer`].
//! - `forwarded`: the headers of reverse proxies.
//! - `proxy_protocol`: the PROXY protocol of reverse proxies.

mod forwarded;
mod proxy_protocol;

pub use forwarded::{Sender, TrustedProxies};
pub use proxy_protocol::{LOCAL_HEADER, announced_peer};

use std::net::{IpAddr, Ipv6Addr};

/// The network prefix of IPv6 clients: a connection to the internet has at least a /64.
const V6_PREFIX_BITS: u32 = 64;

/// An IPv4 address, or the /64 network of an IPv6 address.
///
/// A client on this machine is not counted, and neither is one whose address a trusted proxy does not
/// name: all users would share one limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Client(Option<IpAddr>);

impl Client {
    /// Returns the client with this address.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        match address.to_canonical() {
            address if address.is_loopback() => Self(None),
            IpAddr::V4(address) => Self(Some(address.into())),
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << V6_PREFIX_BITS);
                Self(Some(Ipv6Addr::from_bits(network).into()))
            }
        }
    }

    /// Returns whether limits count the client.
    #[must_use]
    pub fn is_counted(self) -> bool {
        self.0.is_some()
    }
}

/// Who sends a request: the client, as limits count it, and its whole address, where it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The client.
    pub client: Client,
    /// The address.
    pub address: Option<IpAddr>,
}

impl Peer {
    /// Returns the peer with this address.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self { client: Client::at(address), address: Some(address.to_canonical()) }
    }
}

impl From<Client> for Peer {
    fn from(client: Client) -> Self {
        Self { client, address: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Client {
        Client::at(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_one_v6_network_are_one_client() {
        assert_eq!(at("2001:db8:0:1::1"), at("2001:db8:0:1:ffff::2"));
        assert_ne!(at("2001:db8:0:1::1"), at("2001:db8:0:2::1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }

    #[test]
    fn client_on_this_machine_is_not_counted() {
        assert!(!at("127.0.0.1").is_counted() && !at("::1").is_counted());
        assert!(at("192.0.2.1").is_counted());
    }
}
