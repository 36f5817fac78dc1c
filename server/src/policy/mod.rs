//! The rules about destinations.
//!
//! Strangers name the hosts that the portal connects to, and must not scan networks with it. A name is
//! resolved once, every address is classified, and the portal connects only to the addresses that
//! passed, for control and data connections alike. Only [`Policy::vet`] creates a [`Destination`], and
//! only a `Destination` contains an address for the FTPS engine.

mod address;
mod problems;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use ipnet::IpNet;
use protocol::Encryption;

pub use address::Scope;

use crate::{
    host::Host,
    lookup::{LookupError, LookupSlot, Lookups},
    texts::{Language, Text, span},
};

/// The rules about destinations.
#[derive(Clone, Debug)]
pub struct Policy {
    allowed: Vec<IpNet>,
    lookups: Lookups,
}

/// A host with addresses that the portal may connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    host: Host,
    encryption: Encryption,
    /// At least one.
    addresses: Vec<SocketAddr>,
}

/// Why the portal does not connect to a destination.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The text is neither a host name nor an address.
    NotAHost(String),
    /// No connection to port 0 is possible.
    PortZero,
    /// The name service has no address for the name.
    NotFound {
        /// The name.
        host: String,
        /// The error of the name service, if there was one.
        #[source]
        source: Option<std::io::Error>,
    },
    /// The name service did not answer in time.
    NoAnswer {
        /// The name.
        host: String,
        /// The timeout.
        limit: Duration,
    },
    /// All addresses are in networks that are not allowed.
    NotAllowed {
        /// The name.
        host: String,
        /// The first address.
        address: IpAddr,
        /// The scope of the address.
        scope: Scope,
    },
}

impl Policy {
    /// Creates rules that allow public addresses and the `allowed` networks.
    #[must_use]
    pub fn new(allowed: Vec<IpNet>, resolve_timeout: Duration) -> Self {
        Self { allowed, lookups: Lookups::new(resolve_timeout) }
    }

    /// Resolves `host` once and keeps the addresses that the portal may connect to.
    ///
    /// # Errors
    /// [`Refusal`]; the portal connected to nothing.
    pub async fn vet(
        &self,
        host: &str,
        port: u16,
        encryption: Encryption,
        slot: &LookupSlot,
    ) -> Result<Destination, Refusal> {
        let host = Host::parse(host).ok_or_else(|| Refusal::NotAHost(host.to_owned()))?;
        if port == 0 {
            return Err(Refusal::PortZero);
        }
        let addresses = self.resolve(host.as_str(), port, slot).await?;
        self.keep_allowed(host, encryption, &addresses)
    }

    async fn resolve(
        &self,
        host: &str,
        port: u16,
        slot: &LookupSlot,
    ) -> Result<Vec<SocketAddr>, Refusal> {
        let addresses = self.lookups.addresses(host, port, slot).await;
        addresses.map_err(|error| match error {
            LookupError::NotFound(source) => {
                Refusal::NotFound { host: host.to_owned(), source: Some(source) }
            }
            LookupError::NoAnswer(limit) => Refusal::NoAnswer { host: host.to_owned(), limit },
        })
    }

    fn keep_allowed(
        &self,
        host: Host,
        encryption: Encryption,
        resolved: &[SocketAddr],
    ) -> Result<Destination, Refusal> {
        let mut addresses = Vec::new();
        for address in resolved {
            let canonical = SocketAddr::new(address.ip().to_canonical(), address.port());
            if self.allows(canonical.ip()) && !addresses.contains(&canonical) {
                addresses.push(canonical);
            }
        }
        match (addresses.is_empty(), resolved.first()) {
            (false, _) => Ok(Destination { host, encryption, addresses }),
            (true, Some(first)) => {
                let address = first.ip().to_canonical();
                let host = host.to_string();
                Err(Refusal::NotAllowed { host, address, scope: Scope::of(address) })
            }
            (true, None) => Err(Refusal::NotFound { host: host.to_string(), source: None }),
        }
    }

    /// Returns whether the portal may connect to an address, which is in its canonical form.
    fn allows(&self, address: IpAddr) -> bool {
        match Scope::of(address) {
            Scope::Public => true,
            // A NAT64 gateway connects to the IPv4 address inside: that one counts.
            Scope::Nat64(inner) => self.is_listed(address) || self.allows(IpAddr::V4(inner)),
            Scope::ThisNetwork
            | Scope::Loopback
            | Scope::Private
            | Scope::LinkLocal
            | Scope::SharedAddressSpace
            | Scope::Multicast
            | Scope::Metadata
            | Scope::Transition
            | Scope::Reserved => self.is_listed(address),
        }
    }

    fn is_listed(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(&address))
    }
}

impl Destination {
    /// Returns the host as the user wrote it, for SNI and the certificate.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns at least one target for the FTPS engine, in the order of the name service.
    pub fn targets(&self) -> impl Iterator<Item = ftps::Target> + '_ {
        let encryption = match self.encryption {
            Encryption::Explicit => ftps::Encryption::Explicit,
            Encryption::Implicit => ftps::Encryption::Implicit,
        };
        self.addresses.iter().map(move |address| ftps::Target {
            address: *address,
            host: self.host.as_str().to_owned(),
            encryption,
        })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, address) in self.addresses.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{address}")?;
        }
        Ok(())
    }
}

impl Refusal {
    /// Returns the message in a language. `Display` writes it in English, for the session log.
    pub(crate) fn text(&self, language: Language) -> String {
        match self {
            Self::NotAHost(host) => language.fill(Text::HostInvalid, &[host]),
            Self::PortZero => language.text(Text::PortZero).to_owned(),
            Self::NotFound { host, .. } => language.fill(Text::HostNotFound, &[host]),
            Self::NoAnswer { host, limit } => {
                language.fill(Text::NameServiceSilent, &[host, &span(*limit)])
            }
            Self::NotAllowed { host, address, scope } => {
                language.fill(scope.refusal(), &[host, address])
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::default()))
    }
}

#[cfg(test)]
mod tests {
    use protocol::Stage;

    use super::*;
    use crate::problems::Problems;

    fn strict() -> Policy {
        Policy::new(Vec::new(), Duration::from_secs(5))
    }

    fn allowing(network: &str) -> Policy {
        Policy::new(vec![network.parse().unwrap()], Duration::from_secs(5))
    }

    async fn vet(policy: &Policy, host: &str) -> Result<Destination, Refusal> {
        policy.vet(host, 21, Encryption::Explicit, &LookupSlot::default()).await
    }

    #[tokio::test]
    async fn public_address_passes_and_is_the_target() {
        let destination = vet(&strict(), "93.184.216.34").await.unwrap();
        let targets: Vec<_> = destination.targets().collect();
        assert_eq!(targets.len(), 1);
        assert_eq!(targets[0].address, "93.184.216.34:21".parse().unwrap());
    }

    #[tokio::test]
    async fn loopback_by_any_name_is_refused() {
        for host in [
            "127.0.0.1",
            "127.1",
            "localhost",
            "[::1]",
            "::ffff:127.0.0.1",
            "2130706433",
            "0x7f.0.0.1",
            "0.0.0.0",
            "::",
        ] {
            let refusal = vet(&strict(), host).await.unwrap_err();
            assert!(
                matches!(refusal, Refusal::NotAllowed { .. } | Refusal::NotFound { .. }),
                "{host}: {refusal}"
            );
        }
    }

    #[tokio::test]
    async fn allowed_network_passes_and_its_neighbour_does_not() {
        let policy = allowing("10.1.0.0/16");
        assert!(vet(&policy, "10.1.2.3").await.is_ok());
        assert!(vet(&policy, "::ffff:10.1.2.3").await.is_ok());
        assert!(vet(&policy, "64:ff9b::10.1.2.3").await.is_ok());
        assert!(vet(&policy, "10.2.2.3").await.is_err());
        assert!(vet(&policy, "64:ff9b::10.2.2.3").await.is_err());
    }

    #[tokio::test]
    async fn refusal_names_the_address_its_scope_and_the_setting() {
        let refusal = vet(&strict(), "169.254.169.254").await.unwrap_err();
        let problem = refusal.problem(Problems::default());
        assert_eq!(problem.stage, Stage::Policy);
        assert!(problem.message.contains("169.254.169.254"));
        assert!(problem.remedy.unwrap().what.contains("allow_network"));
    }

    #[tokio::test]
    async fn text_that_is_no_host_is_refused_without_a_lookup() {
        for host in ["", " ", "a b", "a/b", "user@host", "a\r\nb", "%00", &"a".repeat(254)] {
            assert!(matches!(vet(&strict(), host).await, Err(Refusal::NotAHost(_))), "{host:?}");
        }
    }

    #[tokio::test]
    async fn port_zero_is_refused() {
        let refusal = strict()
            .vet("93.184.216.34", 0, Encryption::Explicit, &LookupSlot::default())
            .await
            .unwrap_err();
        assert!(matches!(refusal, Refusal::PortZero));
    }
}
