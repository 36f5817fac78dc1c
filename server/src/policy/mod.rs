//! The rules about destinations.
//!
//! Strangers name the hosts that the portal connects to, and must not scan networks with it. A name is
//! resolved once, every address is classified, and the portal connects only to the addresses that
//! passed, for control and data connections alike. Only [`Policy::vet`] creates a [`Destination`], and
//! only a `Destination` contains an address for the FTPS engine.
//!
//! Which servers those are, the operator decides: the presets, as soon as there is one; else the public
//! servers and those of `allow_network`, as far as `allow_host`, `deny_host` and `allow_port` permit.

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
    settings::{AllowedNetwork, HostPattern, PortRange, Preset, Settings},
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
    offered: Offered,
    allowed: Vec<AllowedNetwork>,
    lookups: Lookups,
    log_throttle: Arc<LogThrottle>,
}

/// The servers that users may choose from.
#[derive(Clone, Debug)]
enum Offered {
    /// The user types a host, within these rules.
    Typed(HostRules),
    /// The user chooses a preset; at least one.
    Presets(Vec<Arc<Preset>>),
}

/// The rules about hosts and ports that users type.
#[derive(Clone, Debug)]
struct HostRules {
    allow: Vec<HostPattern>,
    deny: Vec<HostPattern>,
    ports: Vec<PortRange>,
}

impl HostRules {
    fn permits(&self, host: &Host) -> bool {
        let is_allowed = self.allow.is_empty() || self.allow.iter().any(|own| own.fits(host));
        is_allowed && !self.denies(host)
    }

    fn denies(&self, host: &Host) -> bool {
        self.deny.iter().any(|own| own.fits(host))
    }
}

/// A host with addresses that the portal may connect to.
#[derive(Clone, Debug)]
pub struct Destination {
    host: Host,
    encryption: Encryption,
    /// At least one, at most [`MAX_ADDRESSES`].
    addresses: Vec<SocketAddr>,
    /// The preset that the user has chosen.
    preset: Option<Arc<Preset>>,
}

/// Why the portal does not connect to a destination.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The text is neither a host name nor an address.
    NotAHost(String),
    /// The operator offers presets, and none of this name.
    NotAPreset(String),
    /// The operator does not permit the host.
    HostNotAllowed {
        /// The host as the user wrote it.
        host: String,
    },
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
    /// Creates the rules of the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let offered = match settings.presets.as_slice() {
            [] => Offered::Typed(HostRules {
                allow: settings.allow_host.clone(),
                deny: settings.deny_host.clone(),
                ports: settings.allow_port.clone(),
            }),
            presets => Offered::Presets(presets.iter().cloned().map(Arc::new).collect()),
        };
        Self {
            offered,
            allowed: settings.allow_network.clone(),
            lookups: Lookups::new(settings.resolve_timeout),
            log_throttle: Arc::default(),
        }
    }

    /// Creates the rules of other settings. Lookups and log lines are bounded together with the old ones.
    #[must_use]
    pub fn with(&self, settings: &Settings) -> Self {
        let new = Self::new(settings);
        let lookups = new.lookups.shared_with(&self.lookups);
        Self { lookups, log_throttle: Arc::clone(&self.log_throttle), ..new }
    }

    /// Returns the resolver.
    #[must_use]
    pub fn lookups(&self) -> &Lookups {
        &self.lookups
    }

    /// Remembers addresses of a name, as if the name service had answered.
    #[cfg(test)]
    pub(crate) fn remember(&self, name: &str, addresses: &[IpAddr]) {
        self.lookups.remember(name, addresses);
    }

    /// Returns the presets that users choose from; none where they type a host.
    #[must_use]
    pub fn presets(&self) -> &[Arc<Preset>] {
        match &self.offered {
            Offered::Presets(presets) => presets,
            Offered::Typed(_) => &[],
        }
    }

    /// Returns the host that a page's `host` means: that of the preset with this name, or itself.
    #[must_use]
    pub fn host_of<'a>(&'a self, host: &'a str) -> &'a str {
        let preset = self.presets().iter().find(|preset| preset.name == host);
        preset.map_or(host, |preset| preset.host.as_str())
    }

    /// Resolves `host` once and keeps the addresses that the portal may connect to. Where the operator
    /// offers presets, `host` is the name of one, which brings its own port and encryption.
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
        match &self.offered {
            Offered::Presets(presets) => {
                let preset = presets.iter().find(|preset| preset.name == host);
                let preset = preset.ok_or_else(|| Refusal::NotAPreset(host.to_owned()))?;
                self.vet_preset(preset, slot).await
            }
            Offered::Typed(rules) => {
                let host = Host::parse(host).ok_or_else(|| Refusal::NotAHost(host.to_owned()))?;
                self.vet_typed(rules, host, port, encryption, slot).await
            }
        }
    }

    async fn vet_preset(
        &self,
        preset: &Arc<Preset>,
        slot: &LookupSlot,
    ) -> Result<Destination, Refusal> {
        let Preset { host, port, encryption, .. } = &**preset;
        let addresses = match host.as_str().parse::<IpAddr>() {
            // The operator has named the address itself.
            Ok(address) => vec![SocketAddr::new(address.to_canonical(), *port)],
            Err(_) => {
                self.resolve_allowed(host, *port, slot, |address| self.allows(address)).await?
            }
        };
        let preset = Some(Arc::clone(preset));
        Ok(Destination { host: host.clone(), encryption: *encryption, addresses, preset })
    }

    async fn vet_typed(
        &self,
        rules: &HostRules,
        host: Host,
        port: u16,
        encryption: Encryption,
        slot: &LookupSlot,
    ) -> Result<Destination, Refusal> {
        if port == 0 {
            return Err(Refusal::PortZero);
        }
        if !rules.permits(&host) {
            return Err(Refusal::HostNotAllowed { host: host.to_string() });
        }
        let addresses = match host.as_str().parse::<IpAddr>() {
            Ok(address) => {
                let address = SocketAddr::new(address.to_canonical(), port);
                self.check(rules, &host, address)?;
                vec![address]
            }
            Err(_) => {
                let is_allowed = |address| self.allows_typed(rules, address);
                self.resolve_allowed(&host, port, slot, is_allowed).await?
            }
        };
        Ok(Destination { host, encryption, addresses, preset: None })
    }

    /// Resolves a name and keeps the addresses that are allowed.
    async fn resolve_allowed(
        &self,
        host: &Host,
        port: u16,
        slot: &LookupSlot,
        is_allowed: impl Fn(SocketAddr) -> bool,
    ) -> Result<Vec<SocketAddr>, Refusal> {
        let started = Instant::now();
        let resolved = self.resolve(host.as_str(), port, slot).await?;
        let addresses = keep_allowed(&resolved, is_allowed);
        if addresses.is_empty() {
            self.log_refusal(host, &resolved);
            sleep_until(started + REFUSAL_TIME).await;
            return Err(Refusal::NotFound { host: host.to_string() });
        }
        Ok(addresses)
    }

    /// Returns whether a user may name a host with this address.
    fn allows_typed(&self, rules: &HostRules, address: SocketAddr) -> bool {
        let has_port = || {
            let port = address.port();
            rules.ports.iter().any(|ports| ports.contains(port)) || self.is_listed(address)
        };
        let is_denied =
            || Host::parse(&address.ip().to_string()).is_some_and(|ip| rules.denies(&ip));
        self.allows(address) && has_port() && !is_denied()
    }

    /// Checks an address that the user wrote. No name service is involved, so the reason is told.
    fn check(&self, rules: &HostRules, host: &Host, address: SocketAddr) -> Result<(), Refusal> {
        let (ip, port) = (address.ip(), address.port());
        if self.allows_typed(rules, address) {
            return Ok(());
        }
        let host = host.to_string();
        let is_other_port =
            self.allows(address) || self.allowed.iter().any(|network| network.has_address(ip));
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

fn keep_allowed(
    resolved: &[SocketAddr],
    is_allowed: impl Fn(SocketAddr) -> bool,
) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for address in resolved {
        let canonical = SocketAddr::new(address.ip().to_canonical(), address.port());
        if addresses.len() < MAX_ADDRESSES
            && !addresses.contains(&canonical)
            && is_allowed(canonical)
        {
            addresses.push(canonical);
        }
    }
    addresses
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

    /// Returns the preset that the user has chosen.
    #[must_use]
    pub fn preset(&self) -> Option<&Preset> {
        self.preset.as_deref()
    }

    /// Returns the port of the control connection.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// Returns when TLS starts.
    #[must_use]
    pub fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// Returns the same destination with another encryption.
    #[must_use]
    pub fn with_encryption(self, encryption: Encryption) -> Self {
        Self { encryption, ..self }
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
            Self::NotAPreset(name) => language.fill(Text::NotAPreset, &[name]),
            Self::HostNotAllowed { host } => language.fill(Text::HostNotAllowed, &[host]),
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
mod tests;
