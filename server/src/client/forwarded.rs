//! The address of a client that reverse proxies name in the headers of a request.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;
use ipnet::IpNet;

use super::Peer;
use crate::{
    metrics::labels::KnownBy,
    settings::{ForwardedHeader, Settings},
};

/// The operator's reverse proxies. Only what they say about a client is believed.
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardedHeader,
}

/// Who sends a request, and how the portal knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Who sends it.
    pub peer: Peer,
    /// Where the address is from.
    pub known_by: KnownBy,
}

impl TrustedProxies {
    /// Returns the proxies of the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self { networks: settings.trusted_proxies.clone(), header: settings.forwarded_header }
    }

    /// Returns whether this is the address of a proxy.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Returns who sends a request over the connection of `peer`.
    ///
    /// Each proxy adds the address that it sees at the end of the header. So the header is read from its
    /// end, as far as the addresses are those of trusted proxies; the next one is the client. The client
    /// itself can write whatever stands before.
    #[must_use]
    pub fn sender(&self, peer: Peer, headers: &HeaderMap) -> Sender {
        let known = |peer, known_by| Sender { peer, known_by };
        let is_proxy = peer.address.is_some_and(|address| self.trust(address));
        if !is_proxy {
            let is_forwarded =
                ForwardedHeader::ALL.iter().any(|header| headers.contains_key(header.name()));
            let known_by = if is_forwarded { KnownBy::IgnoredHeader } else { KnownBy::Connection };
            return known(peer, known_by);
        }
        match self.named(headers) {
            Ok(Some(address)) => known(Peer::at(address), KnownBy::Header),
            Ok(None) => known(Peer::default(), KnownBy::MissingHeader),
            Err(Unreadable) => known(Peer::default(), KnownBy::UnreadableHeader),
        }
    }

    /// Returns the address of the client, or the farthest proxy where all addresses are those of proxies.
    fn named(&self, headers: &HeaderMap) -> Result<Option<IpAddr>, Unreadable> {
        let mut farthest = None;
        for line in headers.get_all(self.header.name()).iter().rev() {
            let line = line.to_str().map_err(|_| Unreadable)?;
            // No address holds a comma. One inside of quotes is the client's attempt to hide what
            // the proxy has added.
            for element in line.rsplit(',') {
                let address = self.address_of(element.trim()).ok_or(Unreadable)?;
                if !self.trust(address) {
                    return Ok(Some(address));
                }
                farthest = Some(address);
            }
        }
        Ok(farthest)
    }

    fn address_of(&self, element: &str) -> Option<IpAddr> {
        match self.header {
            ForwardedHeader::XForwardedFor => node_address(element),
            ForwardedHeader::Forwarded => forwarded_for(element).and_then(node_address),
        }
    }
}

/// The header of a trusted proxy has no address where one is needed.
struct Unreadable;

/// Returns the value of `for` of an element of `Forwarded` (RFC 7239 §4): a token or a quoted string.
/// Quoted pairs are not resolved, because an address needs none.
fn forwarded_for(element: &str) -> Option<&str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let value = value.trim();
    match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"'),
        None => Some(value),
    }
}

/// Parses a node (RFC 7239 §6): an address, an IPv6 address perhaps in brackets, perhaps with a port. In
/// `X-Forwarded-For` proxies write the same.
fn node_address(node: &str) -> Option<IpAddr> {
    if let Some(bracketed) = node.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_node_port);
        let address: Ipv6Addr = address.parse().ok().filter(|_| is_port)?;
        return Some(address.into());
    }
    if let Ok(address) = node.parse() {
        return Some(address);
    }
    let (address, port) = node.split_once(':')?;
    address.parse().ok().filter(|_| is_node_port(port))
}

/// Returns whether a text is a port, or an obfuscated one (RFC 7239 §6.1).
fn is_node_port(text: &str) -> bool {
    let is_obfuscated = |rest: &str| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    text.parse::<u16>().is_ok() || text.strip_prefix('_').is_some_and(is_obfuscated)
}

#[cfg(test)]
mod tests;
