//! The scope of an address, by IANA's registries of special-purpose addresses (RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::texts::Text;

/// The scope of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Public, reachable from everywhere.
    Public,
    /// `0.0.0.0/8` and `::` (RFC 791 §3.2, RFC 4291 §2.5.2).
    ThisNetwork,
    /// The portal's own machine (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    Loopback,
    /// A private network (RFC 1918, RFC 4193), site-local included (RFC 3879).
    Private,
    /// A single link (RFC 3927, RFC 4291 §2.5.6).
    LinkLocal,
    /// Carrier-grade NAT (RFC 6598).
    SharedAddressSpace,
    /// Multicast or broadcast (RFC 5771, RFC 4291 §2.7, RFC 919).
    Multicast,
    /// The metadata service of a cloud, which hands out secrets.
    Metadata,
    /// The IPv4 address within a NAT64 address of the well-known prefix (RFC 6052 §2.1).
    Nat64(Ipv4Addr),
    /// IPv4 inside IPv6 in a form whose route is unknown: 6to4, Teredo, ISATAP,
    /// IPv4-compatible, IPv4-translated, NAT64 of a local prefix.
    Transition,
    /// Documentation, benchmarks, protocol assignments, future use.
    Reserved,
}

impl Scope {
    /// Returns the scope of an address. An IPv4-mapped address (RFC 4291 §2.5.5.2) has the scope of its
    /// IPv4 address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

impl Scope {
    /// Returns the text about an address that is refused for its scope.
    pub(crate) const fn refusal(self) -> Text {
        match self {
            Self::Public => Text::AddressNotAllowedPublic,
            Self::ThisNetwork => Text::AddressNotAllowedThisNetwork,
            Self::Loopback => Text::AddressNotAllowedLoopback,
            Self::Private => Text::AddressNotAllowedPrivate,
            Self::LinkLocal => Text::AddressNotAllowedLinkLocal,
            Self::SharedAddressSpace => Text::AddressNotAllowedSharedAddressSpace,
            Self::Multicast => Text::AddressNotAllowedMulticast,
            Self::Metadata => Text::AddressNotAllowedMetadata,
            Self::Nat64(_) => Text::AddressNotAllowedNat64,
            Self::Transition => Text::AddressNotAllowedTransition,
            Self::Reserved => Text::AddressNotAllowedReserved,
        }
    }
}

/// Builds an IPv4 network of the table below.
const fn v4(a: u8, b: u8, c: u8, d: u8, prefix_len: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix_len)
}

/// Builds an IPv6 network of the table below from its first three groups; the rest is zero.
const fn v6(a: u16, b: u16, c: u16, prefix_len: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix_len)
}

/// Builds a single IPv6 address of the table below from its first two and last two groups.
const fn single(a: u16, b: u16, g: u16, h: u16) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, g, h), 128)
}

/// The scopes of IPv4 networks. The first row that contains an address decides; other addresses are
/// public.
const V4: &[(Ipv4Net, Scope)] = &[
    (v4(169, 254, 169, 254, 32), Scope::Metadata),
    // AWS: credentials of containers, of EKS pods.
    (v4(169, 254, 170, 2, 32), Scope::Metadata),
    (v4(169, 254, 170, 23, 32), Scope::Metadata),
    // Scaleway, Tencent.
    (v4(169, 254, 42, 42, 32), Scope::Metadata),
    (v4(169, 254, 0, 23, 32), Scope::Metadata),
    // Azure's wire server has a public address.
    (v4(168, 63, 129, 16, 32), Scope::Metadata),
    (v4(100, 100, 100, 200, 32), Scope::Metadata),
    (v4(192, 0, 0, 192, 32), Scope::Metadata),
    (v4(0, 0, 0, 0, 8), Scope::ThisNetwork),
    (v4(10, 0, 0, 0, 8), Scope::Private),
    (v4(100, 64, 0, 0, 10), Scope::SharedAddressSpace),
    (v4(127, 0, 0, 0, 8), Scope::Loopback),
    (v4(169, 254, 0, 0, 16), Scope::LinkLocal),
    (v4(172, 16, 0, 0, 12), Scope::Private),
    (v4(192, 0, 0, 0, 24), Scope::Reserved),
    (v4(192, 0, 2, 0, 24), Scope::Reserved),
    (v4(192, 88, 99, 0, 24), Scope::Transition),
    (v4(192, 168, 0, 0, 16), Scope::Private),
    (v4(198, 18, 0, 0, 15), Scope::Reserved),
    (v4(198, 51, 100, 0, 24), Scope::Reserved),
    (v4(203, 0, 113, 0, 24), Scope::Reserved),
    (v4(224, 0, 0, 0, 4), Scope::Multicast),
    (v4(255, 255, 255, 255, 32), Scope::Multicast),
    (v4(240, 0, 0, 0, 4), Scope::Reserved),
];

/// The scopes of IPv6 networks. The first row that contains an address decides; other addresses are
/// reserved, because IANA allocates global unicast addresses only from `2000::/3` (RFC 4291 §2.4).
const V6: &[(Ipv6Net, Scope)] = &[
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), Scope::ThisNetwork),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), Scope::Loopback),
    // IPv4-compatible (RFC 4291 §2.5.5.1).
    (v6(0, 0, 0, 96), Scope::Transition),
    // IPv4-translated (RFC 2765 §2.1).
    (Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96), Scope::Transition),
    // NAT64 of a local prefix (RFC 8215): the position of the IPv4 address is not known.
    (v6(0x64, 0xff9b, 1, 48), Scope::Transition),
    // AWS: the instance, EKS pods.
    (single(0xfd00, 0xec2, 0, 0x254), Scope::Metadata),
    (single(0xfd00, 0xec2, 0, 0x23), Scope::Metadata),
    // Google, Oracle, Scaleway, OpenStack.
    (single(0xfd20, 0xce, 0, 0x254), Scope::Metadata),
    (single(0xfd00, 0xc1, 0xa9fe, 0xa9fe), Scope::Metadata),
    (single(0xfd00, 0x42, 0, 0x42), Scope::Metadata),
    (single(0xfe80, 0, 0xa9fe, 0xa9fe), Scope::Metadata),
    (v6(0xfc00, 0, 0, 7), Scope::Private),
    (v6(0xfe80, 0, 0, 10), Scope::LinkLocal),
    (v6(0xfec0, 0, 0, 10), Scope::Private),
    (v6(0xff00, 0, 0, 8), Scope::Multicast),
    // Teredo (RFC 4380) within the protocol assignments (RFC 2928), 6to4 (RFC 3056).
    (v6(0x2001, 0, 0, 32), Scope::Transition),
    (v6(0x2001, 0, 0, 23), Scope::Reserved),
    (v6(0x2002, 0, 0, 16), Scope::Transition),
    (v6(0x2001, 0xdb8, 0, 32), Scope::Reserved),
    (v6(0x3fff, 0, 0, 20), Scope::Reserved),
    (v6(0x2000, 0, 0, 3), Scope::Public),
];

fn of_v4(address: Ipv4Addr) -> Scope {
    V4.iter().find(|(network, _)| network.contains(&address)).map_or(Scope::Public, |row| row.1)
}

fn of_v6(address: Ipv6Addr) -> Scope {
    if let Some(inner) = nat64(address) {
        return Scope::Nat64(inner);
    }
    if is_isatap(address) {
        return Scope::Transition;
    }
    V6.iter().find(|(network, _)| network.contains(&address)).map_or(Scope::Reserved, |row| row.1)
}

/// Returns the IPv4 address inside `64:ff9b::/96` (RFC 6052 §2.1).
fn nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() else { return None };
    Some(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)))
}

/// Returns whether the interface identifier has the form `0:5efe` or `200:5efe` and an IPv4 address (RFC 5214 §6.1).
fn is_isatap(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    matches!(segments[4], 0 | 0x200) && segments[5] == 0x5efe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(address: &str) -> Scope {
        Scope::of(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_public() {
        for address in ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "172.32.0.1", "11.0.0.1"]
        {
            assert_eq!(scope(address), Scope::Public, "{address}");
        }
    }

    #[test]
    fn special_ipv4_addresses_have_their_scope() {
        let rows = [
            ("0.1.2.3", Scope::ThisNetwork),
            ("10.255.255.255", Scope::Private),
            ("100.64.0.1", Scope::SharedAddressSpace),
            ("127.255.0.1", Scope::Loopback),
            ("169.254.1.1", Scope::LinkLocal),
            ("169.254.169.254", Scope::Metadata),
            ("168.63.129.16", Scope::Metadata),
            ("169.254.170.23", Scope::Metadata),
            ("169.254.42.42", Scope::Metadata),
            ("172.16.0.1", Scope::Private),
            ("172.31.255.255", Scope::Private),
            ("192.168.0.1", Scope::Private),
            ("192.88.99.1", Scope::Transition),
            ("198.19.0.1", Scope::Reserved),
            ("224.0.0.1", Scope::Multicast),
            ("255.255.255.255", Scope::Multicast),
            ("250.0.0.1", Scope::Reserved),
        ];
        for (address, expected) in rows {
            assert_eq!(scope(address), expected, "{address}");
        }
    }

    #[test]
    fn ipv4_inside_ipv6_is_found_in_all_its_forms() {
        let rows = [
            ("::ffff:127.0.0.1", Scope::Loopback),
            ("::ffff:10.0.0.1", Scope::Private),
            ("::ffff:93.184.216.34", Scope::Public),
            ("::127.0.0.1", Scope::Transition),
            ("::ffff:0:127.0.0.1", Scope::Transition),
            ("2002:7f00:1::1", Scope::Transition),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Scope::Transition),
            ("64:ff9b:1::7f00:1", Scope::Transition),
            ("2606:2800:220:1:0:5efe:127.0.0.1", Scope::Transition),
            ("2606:2800:220:1:200:5efe:127.0.0.1", Scope::Transition),
        ];
        for (address, expected) in rows {
            assert_eq!(scope(address), expected, "{address}");
        }
        assert_eq!(scope("64:ff9b::127.0.0.1"), Scope::Nat64(Ipv4Addr::LOCALHOST));
    }

    #[test]
    fn special_ipv6_addresses_have_their_scope() {
        let rows = [
            ("::", Scope::ThisNetwork),
            ("::1", Scope::Loopback),
            ("fc00::1", Scope::Private),
            ("fd00:ec2::254", Scope::Metadata),
            ("fd00:ec2::23", Scope::Metadata),
            ("fd20:ce::254", Scope::Metadata),
            ("fd00:c1::a9fe:a9fe", Scope::Metadata),
            ("fd00:42::42", Scope::Metadata),
            ("fe80::a9fe:a9fe", Scope::Metadata),
            ("fe80::1", Scope::LinkLocal),
            ("fec0::1", Scope::Private),
            ("ff02::1", Scope::Multicast),
            ("2001:db8::1", Scope::Reserved),
            ("2001:20::1", Scope::Reserved),
            ("4000::1", Scope::Reserved),
            ("100::1", Scope::Reserved),
        ];
        for (address, expected) in rows {
            assert_eq!(scope(address), expected, "{address}");
        }
    }
}
