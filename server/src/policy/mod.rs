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
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use protocol::Encryption;
use tokio::time::{Instant, sleep_until};

pub use address::Scope;

use crate::{
    host::Host,
    log_throttle::LogThrottle,
    lookup::{LookupError, LookupSlot, Lookups},
    settings::AllowedNetwork,
    texts::{Language, Text, span},
};

/// The most addresses of a name that are used. A name service may return thousands.
const MAX_ADDRESSES: usize = 8;

/// The least time until a name is refused. So the time does not tell whether the name service of the
/// portal's network knows the name.
const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// The rules about destinations.
#[derive(Clone, Debug)]
pub struct Policy {
    allowed: Vec<AllowedNetwork>,
    lookups: Lookups,
    log_throttle: Arc<LogThrottle>,
}

/// A host with addresses that the portal may connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    host: Host,
    encryption: Encryption,
    /// At least one, at most [`MAX_ADDRESSES`].
    addresses: Vec<SocketAddr>,
}

/// Why the portal does not connect to a destination.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The text is neither a host name nor an address.
    NotAHost(String),
    /// No connection to port 0 is possible.
    PortZero,
    /// The name has no address that the portal may connect to. Whether it has others is not told:
    /// that would reveal names of the portal's own network.
    NotFound {
        /// The name.
        host: String,
    },
    /// The name service did not answer in time.
    NoAnswer {
        /// The name.
        host: String,
        /// The timeout.
        limit: Duration,
    },
    /// The address is not permitted.
    NotAllowed {
        /// The address as the user wrote it.
        host: String,
        /// The address.
        address: IpAddr,
        /// The scope of the address; [`Scope::Public`] for an address of the portal itself.
        scope: Scope,
    },
    /// The address is permitted with other ports.
    PortNotAllowed {
        /// The address as the user wrote it.
        host: String,
        /// The port.
        port: u16,
    },
}

impl Policy {
    /// Creates rules that allow public addresses and the `allowed` networks.
    #[must_use]
    pub fn new(allowed: Vec<AllowedNetwork>, resolve_timeout: Duration) -> Self {
        let log_throttle = Arc::default();
        Self { allowed, lookups: Lookups::new(resolve_timeout), log_throttle }
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
        let started = Instant::now();
        let host = Host::parse(host).ok_or_else(|| Refusal::NotAHost(host.to_owned()))?;
        if port == 0 {
            return Err(Refusal::PortZero);
        }
        if let Ok(address) = host.as_str().parse::<IpAddr>() {
            let address = SocketAddr::new(address.to_canonical(), port);
            self.check(&host, address)?;
            return Ok(Destination { host, encryption, addresses: vec![address] });
        }
        let resolved = self.resolve(host.as_str(), port, slot).await?;
        let addresses = self.keep_allowed(&resolved);
        if addresses.is_empty() {
            self.log_refusal(&host, &resolved);
            sleep_until(started + REFUSAL_TIME).await;
            return Err(Refusal::NotFound { host: host.to_string() });
        }
        Ok(Destination { host, encryption, addresses })
    }

    /// Checks an address that the user wrote. No name service is involved, so the reason is told.
    fn check(&self, host: &Host, address: SocketAddr) -> Result<(), Refusal> {
        let (ip, port) = (address.ip(), address.port());
        if self.allows(address) {
            return Ok(());
        }
        let host = host.to_string();
        let is_other_port = self.allowed.iter().any(|network| network.has_address(ip));
        if is_other_port && !is_metadata(ip) {
            return Err(Refusal::PortNotAllowed { host, port });
        }
        Err(Refusal::NotAllowed { host, address: ip, scope: Scope::of(ip) })
    }

    /// Returns the addresses of a name; none when the name service has none or fails.
    async fn resolve(
        &self,
        host: &str,
        port: u16,
        slot: &LookupSlot,
    ) -> Result<Vec<SocketAddr>, Refusal> {
        match self.lookups.addresses(host, port, slot).await {
            Ok(addresses) => Ok(addresses),
            Err(LookupError::NotFound(error)) => {
                tracing::debug!(host, %error, "a name has no address");
                Ok(Vec::new())
            }
            Err(LookupError::NoAnswer(limit)) => {
                Err(Refusal::NoAnswer { host: host.to_owned(), limit })
            }
        }
    }

    fn keep_allowed(&self, resolved: &[SocketAddr]) -> Vec<SocketAddr> {
        let mut addresses = Vec::new();
        for address in resolved {
            let canonical = SocketAddr::new(address.ip().to_canonical(), address.port());
            if addresses.len() < MAX_ADDRESSES
                && !addresses.contains(&canonical)
                && self.allows(canonical)
            {
                addresses.push(canonical);
            }
        }
        addresses
    }

    /// Tells the operator which addresses a refused name has.
    fn log_refusal(&self, host: &Host, resolved: &[SocketAddr]) {
        let Some(first) = resolved.first() else { return };
        if let Some(suppressed) = self.log_throttle.admit() {
            tracing::warn!(%host, address = %first, suppressed, "a name with an address that is not permitted was refused");
        }
    }

    /// Returns whether the portal may connect to an address, which is in its canonical form.
    fn allows(&self, address: SocketAddr) -> bool {
        match Scope::of(address.ip()) {
            Scope::Public => !is_own(address.ip()) || self.is_listed(address),
            // A network around it does not permit it: it hands out secrets.
            Scope::Metadata => self.is_named(address),
            // A NAT64 gateway connects to the IPv4 address inside: that one counts.
            Scope::Nat64(inner) => {
                let inner = SocketAddr::new(IpAddr::V4(inner), address.port());
                self.allows(inner) || (!is_metadata(inner.ip()) && self.is_listed(address))
            }
            Scope::ThisNetwork
            | Scope::Loopback
            | Scope::Private
            | Scope::LinkLocal
            | Scope::SharedAddressSpace
            | Scope::Multicast
            | Scope::Transition
            | Scope::Reserved => self.is_listed(address),
        }
    }

    /// Returns whether an address is in a network that the operator has allowed.
    #[must_use]
    pub fn is_listed(&self, address: SocketAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(address))
    }

    fn is_named(&self, address: SocketAddr) -> bool {
        self.allowed.iter().any(|network| network.names(address))
    }
}

/// Returns whether an address is that of a metadata service, also behind a NAT64 gateway.
fn is_metadata(address: IpAddr) -> bool {
    match Scope::of(address) {
        Scope::Metadata => true,
        Scope::Nat64(inner) => Scope::of(inner.into()) == Scope::Metadata,
        _ => false,
    }
}

/// Returns whether an address belongs to this machine: a firewall in front of it does not protect it
/// from connections of the portal. The system chooses the address itself as the source for
/// connections to it. No packet is sent.
fn is_own(address: IpAddr) -> bool {
    let unspecified: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = UdpSocket::bind((unspecified, 0)).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    source.is_ok_and(|source| source.ip() == address)
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
            Self::NotFound { host } => language.fill(Text::HostNotFound, &[host]),
            Self::NoAnswer { host, limit } => {
                language.fill(Text::NameServiceSilent, &[host, &span(*limit)])
            }
            Self::NotAllowed { host, address, scope } => {
                language.fill(scope.refusal(), &[host, address])
            }
            Self::PortNotAllowed { host, port } => {
                language.fill(Text::PortNotAllowed, &[port, host])
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
    use crate::{problems::ProblemBuilder, settings::SettingValue as _};

    fn strict() -> Policy {
        Policy::new(Vec::new(), Duration::from_secs(5))
    }

    fn allowing(network: &str) -> Policy {
        Policy::new(vec![AllowedNetwork::parse(network).unwrap()], Duration::from_secs(5))
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
    async fn other_port_of_an_allowed_network_is_refused_and_named() {
        let policy = allowing("10.1.0.0/16");
        let refused = |port| {
            let policy = policy.clone();
            async move {
                policy.vet("10.1.2.3", port, Encryption::Explicit, &LookupSlot::default()).await
            }
        };
        assert!(matches!(refused(22).await, Err(Refusal::PortNotAllowed { port: 22, .. })));
        assert!(matches!(refused(5432).await, Err(Refusal::PortNotAllowed { .. })));
        assert!(refused(990).await.is_ok());
    }

    #[tokio::test]
    async fn network_around_a_metadata_address_does_not_allow_it() {
        for metadata in ["169.254.169.254", "fd00:ec2::254", "64:ff9b::169.254.169.254"] {
            for network in ["0.0.0.0/0", "169.254.0.0/16", "::/0", "fd00::/8", "64:ff9b::/96"] {
                let refusal = vet(&allowing(network), metadata).await;
                assert!(matches!(refusal, Err(Refusal::NotAllowed { .. })), "{metadata} {network}");
            }
        }
        assert!(vet(&allowing("169.254.169.254"), "169.254.169.254").await.is_ok());
    }

    #[test]
    fn addresses_of_this_machine_are_known() {
        assert!(is_own([127, 0, 0, 1].into()));
        assert!(!is_own([192, 0, 2, 1].into()) && !is_own([93, 184, 216, 34].into()));
        let outward = UdpSocket::bind("0.0.0.0:0").unwrap();
        if outward.connect("192.0.2.1:9").is_ok() {
            assert!(is_own(outward.local_addr().unwrap().ip()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_name_and_name_of_the_inner_network_get_the_same_answer_after_the_same_time() {
        let mut answers = Vec::new();
        for name in ["localhost", "no-such-host.invalid"] {
            let started = Instant::now();
            let refusal = vet(&strict(), name).await.unwrap_err();
            let problem = refusal.problem(ProblemBuilder::default());
            let text = format!("{problem:?}").replace(name, "NAME");
            answers.push((text, refusal.to_string().replace(name, "NAME"), started.elapsed()));
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0].2, REFUSAL_TIME);
    }

    #[test]
    fn name_with_thousands_of_addresses_is_tried_at_a_few() {
        let all: Vec<SocketAddr> =
            (0..4000_u32).map(|n| (Ipv4Addr::from_bits(0x0808_0000 + n), 21).into()).collect();
        assert_eq!(strict().keep_allowed(&all), all[..MAX_ADDRESSES]);
    }

    #[tokio::test]
    async fn refusal_names_the_address_its_scope_and_the_setting() {
        let refusal = vet(&strict(), "169.254.169.254").await.unwrap_err();
        let problem = refusal.problem(ProblemBuilder::default());
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
