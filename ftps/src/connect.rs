//! Opens sessions: connect, greeting, TLS, login, protection.
//!
//! - `secure`: the TLS handshake of the control connection.
//! - `probe`: recognises the protocol of a silent port.
//! - `examine`: what a server does before the login, for a diagnosis of the server.
//! - `old_tls`: whether a server supports TLS 1.0 and 1.1.
//! - `login`: `USER`, `PASS`, `PBSZ`, `PROT`, `FEAT`, `OPTS`, `TYPE`, `PWD`.
//!
//! With explicit TLS the greeting comes first and TLS after `AUTH` (RFC 4217 §4); with implicit TLS
//! it is the other way round. Nothing secret is sent before the certificate was accepted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rustls::{AlertDescription, pki_types::ServerName};
use tokio::time::sleep;

use crate::{
    client::{Client, ConnectionFacts, Directories},
    command::Command,
    config::Config,
    control::{Control, ControlStream, Recorder},
    credentials::Credentials,
    dial::{Dial, Outgoing, Tcp},
    error::{Error, Evidence, Kind, Operation},
    profile::{AuthName, DataPorts, Fallback, HostProfile, Pipelining, SharedProfile, TlsStart},
    proxy::Proxy,
    reply::{Code, Reply, Severity},
    stage::Stage,
    target::{Encryption, Target},
    tls::{Alpn, TlsFacts, TlsVersion, TlsVersions},
    transcript::{Status, Transcript},
};

mod examine;
mod login;
mod old_tls;
mod probe;
mod secure;

pub use examine::{ExaminedAuth, ExaminedTls};
pub use old_tls::{OldTlsAnswer, OldTlsVersion};

/// A session that ended after this time was most often ended because it was idle; one that ended
/// sooner would end again.
const LASTING_SESSION: Duration = Duration::from_secs(10);

/// Opens sessions to one server, and remembers what it learned about it.
#[derive(Clone, Debug)]
pub struct Connector {
    target: Target,
    config: Arc<Config>,
    credentials: Credentials,
    transcript: Transcript,
    profile: SharedProfile,
    /// The directories that its clients know to exist.
    directories: Directories,
    first_port: FirstPort,
    dialler: Arc<dyn Dial>,
    /// Counts the sessions that it and its clones opened or tried to open.
    sessions: Arc<AtomicU32>,
}

/// When the first data port is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstPort {
    WhenNeeded,
    WithLogin,
}

/// The outcome of an attempt to open a session.
enum Attempt {
    Open(Box<Client>),
    /// Connect again, with the updated profile.
    Again,
}

impl Connector {
    /// Creates a connector without knowledge about the host.
    #[must_use]
    pub fn new(
        target: Target,
        config: Config,
        credentials: Credentials,
        transcript: Transcript,
    ) -> Self {
        Self {
            target,
            config: Arc::new(config),
            credentials,
            transcript,
            profile: SharedProfile::default(),
            directories: Directories::default(),
            first_port: FirstPort::WhenNeeded,
            dialler: Arc::new(Tcp),
            sessions: Arc::default(),
        }
    }

    /// Uses a profile of the host, and updates it from now on.
    #[must_use]
    pub fn with_profile(mut self, profile: SharedProfile) -> Self {
        self.profile = profile;
        self
    }

    /// Uses `dialler` instead of [`Tcp`] for connections. Connections through a proxy are always
    /// TCP.
    #[must_use]
    pub fn with_dialler(mut self, dialler: Arc<dyn Dial>) -> Self {
        self.dialler = dialler;
        self
    }

    /// Requests the first data port together with the login: saves a round trip where a transfer
    /// follows.
    pub(crate) fn prefetching_port(mut self) -> Self {
        self.first_port = FirstPort::WithLogin;
        self
    }

    /// The command that requests the first data port, where it can be batched. Alone, it would cost
    /// a round trip in any case.
    fn prefetch_command(&self) -> Option<Command<'static>> {
        let profile = self.profile.get();
        let is_asked = self.first_port == FirstPort::WithLogin;
        let ip = self.target.address.ip();
        (is_asked && profile.pipelining == Pipelining::On).then(|| profile.passive.command(ip))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The transcript of the session that an error belongs to.
    pub(crate) fn transcript_about(&self, error: &Error) -> Transcript {
        self.transcript.of_session(error.evidence().session)
    }

    /// The transcript of a new session.
    fn transcript_of_next(&self) -> Transcript {
        let earlier = self.sessions.fetch_add(1, Ordering::Relaxed);
        self.transcript.of_session(Some(earlier.saturating_add(1)))
    }

    pub(crate) fn directories(&self) -> &Directories {
        &self.directories
    }

    pub(crate) fn shared_profile(&self) -> &SharedProfile {
        &self.profile
    }

    /// The profile of the host, as this connector and its clients have learned it.
    #[must_use]
    pub fn profile(&self) -> HostProfile {
        self.profile.get()
    }

    /// Opens a session, from the TCP connection to the login's directory.
    ///
    /// Every stage is an event of the transcript.
    ///
    /// # Errors
    /// [`Error`] at the stage that failed. With [`Error::is_certificate`], nothing secret was sent.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection. The server may have seen the login.
    pub async fn open(&self) -> Result<Client, Error> {
        let opened = self.open_with_retries().await.map_err(Error::at_its_stage);
        opened.inspect_err(|error| self.transcript_about(error).control(error.event()))
    }

    /// Connects and starts TLS as [`Self::open`] does, and ends the connection before the login.
    ///
    /// # Errors
    /// [`Error`] at the stage that failed.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn try_tls(&self) -> Result<TlsFacts, Error> {
        let name = self.server_name()?;
        let transcript = self.transcript_of_next();
        // A greeting asks for another version once: the profile remembers it.
        loop {
            let secured = self.secured(&name, &transcript).await.map_err(Error::at_its_stage)?;
            if let Some((control, _)) = secured {
                let (facts, _) = secure::facts(&control)?;
                control.quit().await;
                return Ok(facts);
            }
        }
    }

    /// Returns the fallback to try after an error of this connector or of one of its clients;
    /// `None` when there is none. Logs the fallback.
    ///
    /// Drop the client, open another, and try again. This ends: each fallback is returned once, and
    /// a new connection is suggested only where the old one had worked or had lasted a while.
    pub fn learn(&self, error: &Error) -> Option<Fallback> {
        let fallback = self.next_fallback(error)?;
        let profile = &self.profile;
        match fallback {
            Fallback::Tls12 => profile.update(|known| known.tls_max = Some(TlsVersion::Tls12)),
            Fallback::WithoutAlpn => profile.update(|known| known.alpn = Alpn::Unnamed),
            Fallback::WithoutPipelining => {
                profile.learn_expiring(|known| known.pipelining = Pipelining::Off);
            }
            // The next data connection is opened before its command is sent.
            Fallback::NewConnection => {
                profile.update(|known| known.data_ports = DataPorts::Untried);
            }
        }
        self.transcript_about(error).control(Status::FallingBack(fallback));
        Some(fallback)
    }

    fn next_fallback(&self, error: &Error) -> Option<Fallback> {
        let evidence = error.evidence();
        let tls = evidence.tls.as_ref()?;
        let had_worked = evidence.data_connections > 0;
        if is_refused_alpn(self.profile.get().alpn, error) {
            return Some(Fallback::WithoutAlpn);
        }
        if self.profile.get().pipelining == Pipelining::On && lost_a_command(error) {
            return Some(Fallback::WithoutPipelining);
        }
        if error.stage() == Stage::DataConnection && error.is_unreachable_data_port() {
            // Where ports were reached before, the next session opens the connection first, and
            // tries PASV too.
            let was_reached = self.profile.get().data_ports == DataPorts::Reached;
            return (had_worked || was_reached).then_some(Fallback::NewConnection);
        }
        if error.stage() == Stage::DataTls {
            let is_older_offered = self.versions().allows(TlsVersion::Tls12);
            let may_be_version = tls.version == TlsVersion::Tls13 && is_older_offered;
            if may_be_version && self.blames_tls(error) {
                return Some(Fallback::Tls12);
            }
            let may_be_age = had_worked || evidence.may_be_too_old_to_resume() || may_be_version;
            return may_be_age.then_some(Fallback::NewConnection);
        }
        let may_last = had_worked || evidence.age > LASTING_SESSION;
        (is_end_of_session(error) && may_last).then_some(Fallback::NewConnection)
    }

    /// Whether a data connection failed because of its TLS: the server says so, or it failed twice
    /// in a row. One failure may be the network's.
    fn blames_tls(&self, error: &Error) -> bool {
        if let Some(reply) = error.refusal() {
            let elsewhere = ["bad ip", "foreign", "failed to establish"];
            return !elsewhere.iter().any(|words| reply.mentions(words));
        }
        let mut in_a_row = 0;
        self.profile.update(|profile| {
            profile.broken_data_tls = profile.broken_data_tls.saturating_add(1);
            in_a_row = profile.broken_data_tls;
        });
        in_a_row > 1 && !error.is_timeout()
    }

    /// The TLS versions that may be negotiated with this host.
    fn versions(&self) -> TlsVersions {
        let configured = self.config.tls.versions;
        match self.profile.get().tls_max {
            Some(max) => configured.at_most(max),
            None => configured,
        }
    }

    async fn open_with_retries(&self) -> Result<Client, Error> {
        let name = self.server_name()?;
        let mut first_failure = None;
        loop {
            self.profile.forget_expired();
            // Another session may update the profile meanwhile.
            let HostProfile { alpn, tls_start, .. } = self.profile.get();
            let transcript = self.transcript_of_next();
            match self.attempt(&name, &transcript).await {
                Ok(Attempt::Open(client)) => return Ok(*client),
                Ok(Attempt::Again) => (),
                Err(error) if is_refused_alpn(alpn, &error) => self.forget_alpn(&transcript),
                Err(error)
                    if tls_start == TlsStart::AtOnce && self.started_tls_too_early(&error) =>
                {
                    self.profile.learn_expiring(|known| known.tls_start = TlsStart::AfterPause);
                    transcript.control(Status::TlsTooEarly);
                    first_failure = Some(error);
                }
                Err(error) => {
                    let Some(first) = first_failure.filter(|_| error.stage() <= Stage::Tls) else {
                        return Err(error);
                    };
                    // The pause did not help: the first failure had another cause.
                    self.profile.update(|known| known.tls_start = TlsStart::AtOnce);
                    return Err(first);
                }
            }
            transcript.control(Status::Reconnecting);
        }
    }

    /// Whether the handshake failed as it does where the server reads on in the clear after its reply to
    /// `AUTH` and loses the start of the handshake: with text, with silence, or with the end of the
    /// connection.
    fn started_tls_too_early(&self, error: &Error) -> bool {
        let is_lost = match error.kind() {
            Kind::Handshake(source) => {
                match source.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
                    Some(rustls::Error::InvalidMessage(_)) => true,
                    Some(_) => false,
                    None => true,
                }
            }
            Kind::TimedOut { operation, .. } => *operation == Operation::ControlTls,
            _ => false,
        };
        is_lost && self.target.encryption == Encryption::Explicit && error.stage() == Stage::Tls
    }

    fn forget_alpn(&self, transcript: &Transcript) {
        self.profile.update(|profile| profile.alpn = Alpn::Unnamed);
        transcript.control(Status::AlpnRefused);
    }

    /// The name in TLS. A dot at its end, which marks a complete name in the DNS, is not part of it
    /// (RFC 6066 §3).
    fn server_name(&self) -> Result<ServerName<'static>, Error> {
        let host = &self.target.host;
        let name = ServerName::try_from(host.strip_suffix('.').unwrap_or(host).to_owned());
        name.map_err(|_| Kind::InvalidHost { host: host.clone() }.at(Stage::Connect))
    }

    async fn attempt(
        &self,
        name: &ServerName<'static>,
        transcript: &Transcript,
    ) -> Result<Attempt, Error> {
        match self.secured(name, transcript).await? {
            Some((control, banner)) => self.log_in(control, banner).await,
            None => Ok(Attempt::Again),
        }
    }

    /// Connects and starts TLS. Returns nothing where the greeting has shown another TLS version to be
    /// needed.
    async fn secured(
        &self,
        name: &ServerName<'static>,
        transcript: &Transcript,
    ) -> Result<Option<(Control, Reply)>, Error> {
        let mut control = self.dial(transcript).await?;
        let banner = match self.target.encryption {
            Encryption::Explicit => {
                let banner = self.greeting(&mut control).await?;
                self.limit_tls_by_banner(&banner, transcript);
                self.auth(&mut control).await?;
                if self.profile.get().tls_start == TlsStart::AfterPause {
                    sleep(self.config.timeouts.tls_pause).await;
                }
                self.secure(&mut control, name).await?;
                banner
            }
            Encryption::Implicit => {
                self.secure(&mut control, name).await?;
                let banner = self.greeting(&mut control).await?;
                if self.limit_tls_by_banner(&banner, transcript) {
                    return Ok(None);
                }
                banner
            }
        };
        Ok(Some((control, banner)))
    }

    async fn dial(&self, transcript: &Transcript) -> Result<Control, Error> {
        let address = self.target.address;
        transcript.control(Stage::Connect);
        transcript.control(Status::Connecting { address });
        let proxy = self.config.proxy.as_ref();
        if let Some(protocol) = proxy.map(Proxy::protocol) {
            transcript.control(Status::ThroughProxy { protocol });
        }
        let within = self.config.timeouts.connect;
        let outgoing = Outgoing { address, from: None, within, operation: Operation::ControlTcp };
        let stream = outgoing.connect(&*self.dialler, proxy).await;
        let stream = stream.map_err(|kind| self.unreachable(kind, transcript))?;
        // Without keepalive the session works, but a router may forget it.
        let _ = stream.keep_alive(self.config.keepalive);
        let stream = ControlStream::Plain(Recorder::new(stream));
        let target = (address, self.target.encryption);
        let pipelining = self.profile.get().pipelining;
        Ok(Control::new(stream, target, &self.config, pipelining, transcript.clone()))
    }

    /// An error before there is a control connection.
    fn unreachable(&self, kind: Kind, transcript: &Transcript) -> Error {
        let target = Some((self.target.address, self.target.encryption));
        let session = transcript.session();
        kind.at(Stage::Connect).with_evidence(Evidence { session, target, ..Evidence::default() })
    }

    /// Waits for 220. Servers may send 120 first.
    async fn greeting(&self, control: &mut Control) -> Result<Reply, Error> {
        control.transcript().control(Stage::Greeting);
        let greeting = self.await_greeting(control).await;
        let greeting = greeting.map_err(|kind| control.error(kind, Stage::Greeting))?;
        match greeting.code().severity() {
            Severity::Completion => Ok(greeting),
            Severity::Preliminary
            | Severity::Intermediate
            | Severity::TransientFailure
            | Severity::PermanentFailure => {
                let kind = Kind::Refused { verb: "the connection", reply: greeting };
                Err(control.error(kind, Stage::Greeting))
            }
        }
    }

    async fn await_greeting(&self, control: &mut Control) -> Result<Reply, Kind> {
        let timeouts = &self.config.timeouts;
        // The probe needs time too, even if the total is short.
        let silence = timeouts.silence.min(timeouts.greeting / 2);
        match control.last_reply(silence, Operation::Greeting).await {
            Err(Kind::TimedOut { .. }) => self.greeting_or_probe(control, silence).await,
            greeting => greeting,
        }
    }

    /// Keeps waiting for the greeting of a silent port, and probes its protocol at the same time.
    async fn greeting_or_probe(
        &self,
        control: &mut Control,
        silent_for: Duration,
    ) -> Result<Reply, Kind> {
        let after = self.config.timeouts.greeting;
        let transcript = control.transcript().clone();
        let is_answering = control.is_being_answered();
        let words = async {
            let rest = after.saturating_sub(silent_for);
            control.last_reply(rest, Operation::Greeting).await.map_err(|kind| match kind {
                Kind::TimedOut { operation, .. } => Kind::TimedOut { operation, after },
                other => other,
            })
        };
        // A server that has begun to answer, with 120 for example, is not silent.
        if self.target.encryption == Encryption::Implicit || is_answering {
            return words.await;
        }
        transcript.control(Status::Probing { silent_for });
        tokio::pin!(words);
        tokio::select! {
            biased;
            words = &mut words => words,
            found = probe::probe(&self.target, &self.config, &*self.dialler) => match found {
                Some(kind) => Err(kind),
                None => words.await,
            },
        }
    }

    /// Limits TLS to 1.2 for a server known to need it. Returns whether the connection must be made
    /// again.
    ///
    /// ProFTPD accepts a ticket only if it was sent over the control connection, and TLS 1.3
    /// tickets run out there: every third upload would be refused.
    fn limit_tls_by_banner(&self, banner: &Reply, transcript: &Transcript) -> bool {
        let is_newer_offered = self.versions().allows(TlsVersion::Tls13);
        let is_older_offered = self.versions().allows(TlsVersion::Tls12);
        if !(is_newer_offered && is_older_offered && banner.mentions("proftpd")) {
            return false;
        }
        let max = TlsVersion::Tls12;
        self.profile.update(|profile| profile.tls_max = Some(max));
        transcript.control(Status::BannerLimitsTls { server: "ProFTPD", max });
        true
    }

    /// Sends `AUTH TLS`, then `AUTH SSL` where that is permanently refused (RFC 4217 §4).
    async fn auth(&self, control: &mut Control) -> Result<(), Error> {
        control.transcript().control(Stage::Auth);
        if self.profile.get().auth == AuthName::Ssl {
            return auth_with(control, Command::AuthSsl).await;
        }
        let refusal = match auth_with(control, Command::AuthTls).await {
            Err(error) if is_refused_for_good(&error) => error,
            done => return done,
        };
        control.transcript().control(Status::TryingAuthSsl);
        match auth_with(control, Command::AuthSsl).await {
            // The reply to `AUTH TLS`, which every server should support, tells more.
            Err(error) if error.refusal().is_some() => return Err(refusal),
            done => done?,
        }
        self.profile.learn_expiring(|profile| profile.auth = AuthName::Ssl);
        Ok(())
    }

    async fn log_in(&self, mut control: Control, banner: Reply) -> Result<Attempt, Error> {
        login::log_in(&mut control, &self.credentials).await?;
        let port = self.prefetch_command();
        let set_up = login::set_up(&mut control, self.config.charset, port).await?;
        let facts = ConnectionFacts {
            address: self.target.address,
            banner,
            tls: secure::facts(&control)?.0,
            certificate: secure::facts(&control)?.1,
            features: set_up.features,
            initial_directory: set_up.directory,
        };
        let config = Arc::clone(&self.config);
        let (profile, directories) = (self.profile.clone(), self.directories.clone());
        let dialler = Arc::clone(&self.dialler);
        let mut client = Client::new(control, config, dialler, profile, directories, facts);
        if let Some((port, reply)) = port.zip(set_up.prefetched) {
            client.keep_prefetched_port(port, reply);
        }
        Ok(Attempt::Open(Box::new(client)))
    }
}

/// Accepts 234, and the 334 and 200 that some servers send instead. No other reply starts TLS, 230
/// least of all.
async fn auth_with(control: &mut Control, command: Command<'_>) -> Result<(), Error> {
    let verb = command.verb();
    let reply = control.exchange(command, Stage::Auth).await?;
    match reply.code() {
        Code::AUTH_ACCEPTED | Code::AUTH_CONTINUES | Code::OKAY => Ok(()),
        code if code.is_refusal() => Err(control.error(Kind::Refused { verb, reply }, Stage::Auth)),
        _ => Err(control.error(Kind::Unexpected { verb, reply }, Stage::Auth)),
    }
}

/// Whether the server seems to have lost a command of a batch.
fn lost_a_command(error: &Error) -> bool {
    let Some(batch) = error.evidence().batch else { return false };
    match error.kind() {
        Kind::TimedOut { .. } => batch.answered > 0,
        // Some servers end a session in which commands arrive too early. One that has worked ends
        // for other reasons.
        Kind::Closed | Kind::Ended { .. } => error.evidence().data_connections == 0,
        Kind::OutOfSync => true,
        _ => false,
    }
}

/// Whether the control connection is closed or no longer usable.
fn is_end_of_session(error: &Error) -> bool {
    matches!(
        error.kind(),
        Kind::Closed
            | Kind::Ended { .. }
            | Kind::OutOfSync
            | Kind::Io { operation: Operation::Control, .. }
    )
}

/// Whether TLS was refused because of ALPN (RFC 7301 §3.2). Happens once a host: ALPN is not sent
/// to it again.
fn is_refused_alpn(alpn: Alpn, error: &Error) -> bool {
    let was_refused = error.kind().alert() == Some(AlertDescription::NoApplicationProtocol);
    alpn == Alpn::Named && was_refused
}

fn is_refused_for_good(error: &Error) -> bool {
    error.refusal().is_some_and(|reply| reply.code().severity() == Severity::PermanentFailure)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use rustls::RootCertStore;

    use super::*;
    use crate::{Password, Username};

    fn connector() -> Connector {
        let target = Target {
            address: (Ipv4Addr::LOCALHOST, 21).into(),
            host: "localhost".to_owned(),
            encryption: Encryption::Explicit,
        };
        let credentials = Credentials {
            username: Username::new("ada").unwrap(),
            password: Password::new("x").unwrap(),
        };
        let config = Config::new(Arc::new(RootCertStore::empty()));
        Connector::new(target, config, credentials, Transcript::discard())
    }

    fn error(stage: Stage, version: TlsVersion, age_secs: u64, data_connections: u32) -> Error {
        let tls = Some(TlsFacts { version, cipher_suite: String::new(), resumed: false });
        let age = Duration::from_secs(age_secs);
        Kind::Closed.at(stage).with_evidence(Evidence {
            tls,
            age,
            data_connections,
            ..Evidence::default()
        })
    }

    #[test]
    fn refused_data_tls_leads_to_tls_12_once() {
        let connector = connector();
        let refused = error(Stage::DataTls, TlsVersion::Tls13, 1, 0);
        // One failure may be the network's.
        assert_eq!(connector.learn(&refused), Some(Fallback::NewConnection));
        assert_eq!(connector.learn(&refused), Some(Fallback::Tls12));
        assert_eq!(connector.versions(), TlsVersions::ONLY_TLS12);
        let again = error(Stage::DataTls, TlsVersion::Tls12, 1, 0);
        assert_eq!(connector.learn(&again), None);
    }

    #[test]
    fn refused_data_tls_of_an_old_session_leads_to_a_new_one() {
        let connector = connector();
        let old = error(Stage::DataTls, TlsVersion::Tls12, 301, 0);
        assert_eq!(connector.learn(&old), Some(Fallback::NewConnection));
    }

    #[test]
    fn tls_12_is_not_suggested_where_it_is_not_allowed() {
        let mut connector = connector();
        let only13 = TlsVersions { min: TlsVersion::Tls13, max: TlsVersion::Tls13 };
        Arc::make_mut(&mut connector.config).tls.versions = only13;
        let refused = error(Stage::DataTls, TlsVersion::Tls13, 1, 0);
        assert_eq!(connector.learn(&refused), None);
    }

    #[test]
    fn session_that_lasted_a_while_may_be_opened_again() {
        let connector = connector();
        let soon = error(Stage::Transfer, TlsVersion::Tls12, 1, 0);
        assert_eq!(connector.learn(&soon), None);
        let idle = error(Stage::Transfer, TlsVersion::Tls12, 60, 0);
        assert_eq!(connector.learn(&idle), Some(Fallback::NewConnection));
        let worked = error(Stage::Transfer, TlsVersion::Tls12, 1, 1);
        assert_eq!(connector.learn(&worked), Some(Fallback::NewConnection));
    }

    #[test]
    fn error_before_tls_has_no_other_way() {
        let connector = connector();
        assert_eq!(connector.learn(&Kind::Closed.at(Stage::Greeting)), None);
    }
}
