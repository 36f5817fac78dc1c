//! The way to the server: the page's link to the portal, and the portal's connection to the
//! FTPS server behind it. A state machine: it opens nothing and keeps no password.
//!
//! The session outlives the link: a link that is lost is opened again for the same session, and
//! nothing of it is lost. Only where the portal does not know the session any more is another one
//! made, and logged in again.

use std::time::Duration;

use protocol::{
    ClientMessage, Problem, ServerMessage, Stage, VERSION,
    client::Language,
    server::{Certificate, Connected, Limits, NewSession, Tls},
};

use crate::{
    certificate,
    delivery::{AckOutOfRange, Delivery, OutgoingMessage},
    destination::Destination,
    time::Millis,
};

pub mod facts;
pub mod problems;
pub mod wording;

/// Pauses are shortened at random in so many steps.
const JITTER_STEPS: u32 = 1000;
/// The first pause before the link is opened again; it doubles from try to try.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A link that held for so long was a good one: the next break starts with the first pause again.
const GOOD_AFTER: Duration = Duration::from_secs(20);
/// A link on which nothing is heard for so many pings is dead.
const DEAD_AFTER_PINGS: u32 = 3;
/// A link that is opened has to be welcome within this time. Where a network drops what is sent, the
/// browser itself waits for minutes.
const GREETING_LIMIT: Duration = Duration::from_secs(30);

/// The page's link to the portal.
#[derive(Debug)]
pub enum SocketState {
    /// There is none, and none is wanted.
    Closed,
    /// A session is being made, or its socket opened.
    Opening,
    /// The socket is open; the portal has not said welcome yet.
    Greeting,
    /// Messages go both ways.
    Open(LiveSocket),
    /// It is lost, and will be opened again.
    Lost {
        /// When.
        retry_at: Millis,
    },
    /// The portal speaks another version: the page has to be loaded again.
    Outdated,
}

/// The session that the portal keeps for this page.
#[derive(Debug)]
struct PortalSession {
    credentials: NewSession,
    origin: SessionOrigin,
}

/// What both sides know of each other when a socket of a session opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionOrigin {
    /// The session has just been made.
    New,
    /// An earlier page made it, which was loaded again.
    EarlierPage,
    /// This page has talked with it.
    ThisPage,
}

/// A link that works.
#[derive(Debug)]
pub struct LiveSocket {
    /// What the portal asks the page to keep to.
    pub limits: Limits,
    since: Millis,
    heard: Millis,
    ping_at: Millis,
}

/// The portal's connection to the FTPS server.
#[derive(Debug)]
pub enum FtpsState {
    /// None.
    Disconnected,
    /// On its way; the stage that has begun.
    Connecting(Stage),
    /// The person is asked about the certificate.
    CertificateQuestion(Certificate),
    /// Logged in.
    Connected(Box<Connected>),
    /// The person disconnects; the portal has not confirmed it. What to connect to after that.
    Disconnecting(Option<Destination>),
}

/// What the shell has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum ConnectionEffect {
    /// Open the session's socket; make a session first where none is given.
    OpenSocket(Option<NewSession>),
    /// Close the socket.
    CloseSocket,
    /// Say something.
    Send(ClientMessage),
    /// Say `connect`, with the password from its field.
    Connect(Destination, Option<String>),
}

/// What the rest of the page has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionEvent {
    /// Logged in; uploads and listings are welcome.
    Connected {
        /// Whether it is where the page was connected before.
        again: bool,
    },
    /// No connection to the server any more.
    Disconnected,
    /// The link is lost for now; what is open stays open.
    SocketLost,
    /// The link is back, and the session goes on.
    SocketRestored,
    /// The portal does not know the session any more, nor what was open in it; another one is on
    /// its way.
    SessionLost,
    /// The session is gone, and everything that was open in it; nothing is on its way.
    SessionEnded,
}

/// Both, and what is needed to bring them up again.
#[derive(Debug)]
pub struct Connection {
    socket: SocketState,
    session: Option<PortalSession>,
    delivery: Delivery,
    ftps: FtpsState,
    /// How the last data connection was encrypted.
    data_tls: Option<Tls>,
    /// What the person reads.
    language: Language,
    /// Where the person wants to be.
    wanted: Option<Destination>,
    /// Where the page was logged in last, and comes back to by itself.
    last: Option<Destination>,
    /// Where the uploads belong.
    home: Option<Destination>,
    network: Network,
    /// When a link that is being opened is given up.
    greet_by: Option<Millis>,
    /// Few enough to look through.
    trusted: Vec<TrustedCertificate>,
    problem: Option<Problem>,
    tries: u32,
    /// What has to be said again before anything new.
    again: Vec<OutgoingMessage>,
    effects: Vec<ConnectionEffect>,
}

/// A certificate that the person trusted.
#[derive(Debug)]
struct TrustedCertificate {
    host: String,
    port: u16,
    fingerprint: String,
}

fn trusted_at<'a>(trusted: &'a [TrustedCertificate], place: &Destination) -> Option<&'a String> {
    let is_there =
        |known: &&TrustedCertificate| known.host == place.host && known.port == place.port;
    trusted.iter().find(is_there).map(|known| &known.fingerprint)
}

fn trust(trusted: &mut Vec<TrustedCertificate>, place: &Destination, fingerprint: String) {
    trusted.retain(|known| known.host != place.host || known.port != place.port);
    trusted.push(TrustedCertificate { host: place.host.clone(), port: place.port, fingerprint });
}

/// What the browser says of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// There is one.
    #[default]
    Online,
    /// There is none: no try can help.
    Offline,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            socket: SocketState::Closed,
            session: None,
            delivery: Delivery::default(),
            ftps: FtpsState::Disconnected,
            data_tls: None,
            language: Language::default(),
            wanted: None,
            last: None,
            home: None,
            network: Network::default(),
            greet_by: None,
            trusted: Vec::new(),
            problem: None,
            tries: 0,
            again: Vec::new(),
            effects: Vec::new(),
        }
    }
}

impl Connection {
    /// The link to the portal.
    #[must_use]
    pub fn socket(&self) -> &SocketState {
        &self.socket
    }

    /// The connection to the server.
    #[must_use]
    pub fn ftps(&self) -> &FtpsState {
        &self.ftps
    }

    /// How the last data connection was encrypted; nothing before the first.
    #[must_use]
    pub fn data_tls(&self) -> Option<&Tls> {
        self.data_tls.as_ref()
    }

    /// The portal is to speak this language from the next socket on.
    pub fn set_language(&mut self, language: Language) {
        self.language = language;
    }

    /// A data connection was encrypted like this.
    pub fn data_encrypted(&mut self, tls: Tls) {
        self.data_tls = Some(tls);
    }

    /// Where the person wants to be.
    #[must_use]
    pub fn wanted(&self) -> Option<&Destination> {
        self.wanted.as_ref()
    }

    /// What went wrong last.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// What the portal asks for, while uploads and listings are welcome.
    #[must_use]
    pub fn ready(&self) -> Option<&Limits> {
        match (&self.socket, &self.ftps) {
            (SocketState::Open(up), FtpsState::Connected(_)) => Some(&up.limits),
            _ => None,
        }
    }

    /// Whether the page was logged in, lost its link, and is on its way back.
    #[must_use]
    pub fn is_reconnecting(&self) -> bool {
        self.wanted.is_some() && self.last == self.wanted && self.ready().is_none()
    }

    /// Where the uploads belong: where the page was logged in last, or an earlier page was.
    #[must_use]
    pub fn home(&self) -> Option<&Destination> {
        self.home.as_ref()
    }

    /// The fingerprint of the certificate that the person trusted there.
    #[must_use]
    pub fn trusted_at(&self, destination: &Destination) -> Option<&String> {
        trusted_at(&self.trusted, destination)
    }

    /// The session, for the next page of this tab.
    #[must_use]
    pub fn session(&self) -> Option<&NewSession> {
        let known = |session: &&PortalSession| session.origin != SessionOrigin::New;
        self.session.as_ref().filter(known).map(|session| &session.credentials)
    }

    /// What the browser says of the network.
    #[must_use]
    pub fn network(&self) -> Network {
        self.network
    }

    /// Until the next try; nothing when none is due.
    #[must_use]
    pub fn next_retry_in(&self, now: Millis) -> Option<Duration> {
        match (&self.socket, self.network) {
            (SocketState::Lost { retry_at }, Network::Online) => Some(retry_at.since(now)),
            _ => None,
        }
    }

    /// What has to be said again, before anything new.
    pub fn take_again(&mut self) -> Vec<OutgoingMessage> {
        std::mem::take(&mut self.again)
    }

    /// Keeps a counted message until the portal has heard it; whether it is to be said now.
    pub fn keep(&mut self, said: OutgoingMessage) -> bool {
        let known = |session: &PortalSession| session.origin == SessionOrigin::ThisPage;
        if self.session.as_ref().is_some_and(known) {
            self.delivery.say(said);
        }
        matches!(self.socket, SocketState::Open(_))
    }

    /// What has to be done, in this order.
    pub fn take_effects(&mut self) -> Vec<ConnectionEffect> {
        std::mem::take(&mut self.effects)
    }

    /// The person connects.
    pub fn connect(&mut self, destination: Destination) {
        self.problem = None;
        if let FtpsState::Disconnecting(next) = &mut self.ftps {
            *next = Some(destination);
            return;
        }
        self.last = None;
        self.wanted = Some(destination);
        self.tries = 0;
        self.ftps = FtpsState::Connecting(Stage::Portal);
        match self.socket {
            SocketState::Closed => self.open_socket(),
            SocketState::Lost { .. } => {
                self.forget_session();
                self.open_socket();
            }
            SocketState::Opening | SocketState::Greeting => {}
            SocketState::Open(_) => self.say_connect(),
            SocketState::Outdated => {
                self.give_up();
                self.problem = Some(problems::outdated());
            }
        }
    }

    /// The person trusts the certificate that was shown, and exactly that one: after a break another
    /// one may be in question.
    pub fn trust(&mut self, fingerprint: &str) {
        if let (FtpsState::CertificateQuestion(certificate), Some(wanted)) =
            (&self.ftps, &self.wanted)
            && certificate.sha256 == fingerprint
        {
            trust(&mut self.trusted, wanted, certificate.sha256.clone());
            self.ftps = FtpsState::Connecting(Stage::Portal);
            // Without a session it is said when there is one.
            if self.session().is_some() {
                self.say_connect();
            }
        }
    }

    /// The person does not trust it.
    pub fn refuse(&mut self) {
        if let FtpsState::CertificateQuestion(_) = self.ftps {
            self.give_up();
            self.problem = Some(certificate::rejected());
        }
    }

    /// The person disconnects, or stops a connection that is on its way.
    pub fn disconnect(&mut self) {
        let told = matches!(self.ftps, FtpsState::Connecting(_) | FtpsState::Connected(_));
        let socket_open = matches!(self.socket, SocketState::Open(_));
        if let SocketState::Opening | SocketState::Greeting = self.socket {
            self.effects.push(ConnectionEffect::CloseSocket);
            self.socket = SocketState::Closed;
        } else if let SocketState::Lost { .. } = self.socket {
            self.socket = SocketState::Closed;
        }
        if !socket_open {
            // The portal ends it by itself when nobody comes back to it.
            self.forget_session();
        }
        self.give_up();
        self.last = None;
        if told && socket_open {
            self.leave();
        }
    }

    /// The person does not want to wait for the next try.
    pub fn retry_now(&mut self) {
        if let SocketState::Lost { .. } = self.socket {
            self.open_socket();
        }
    }

    /// The browser says that there is a network again, or none any more.
    pub fn network_changed(&mut self, network: Network, now: Millis) {
        self.network = network;
        match (&mut self.socket, network) {
            (SocketState::Lost { .. }, Network::Online) => self.open_socket(),
            (SocketState::Open(up), Network::Online) => {
                // The link may have died with the network: one ping has to tell.
                up.ping_at = now;
                let doubted = ping(&up.limits) * (DEAD_AFTER_PINGS - 1);
                up.heard = up.heard.min(now.before(doubted));
            }
            (_, _) => {}
        }
    }

    /// An earlier page of this tab was here. With its session the page goes on by itself; without,
    /// the person is asked for the password. Who has pressed `Connect` already goes where that
    /// leads.
    pub fn restore(
        &mut self,
        home: Destination,
        trusted: Option<String>,
        session: Option<NewSession>,
    ) {
        if let Some(fingerprint) = trusted
            && trusted_at(&self.trusted, &home).is_none()
        {
            trust(&mut self.trusted, &home, fingerprint);
        }
        if self.wanted.is_some() {
            self.home.get_or_insert(home);
            return;
        }
        self.home = Some(home.clone());
        match session {
            Some(credentials) => {
                let origin = SessionOrigin::EarlierPage;
                self.session = Some(PortalSession { credentials, origin });
                self.wanted = Some(home.clone());
                self.last = Some(home);
                self.ftps = FtpsState::Connecting(Stage::Portal);
                self.open_socket();
            }
            None => self.ask_for_password(),
        }
    }

    /// A socket of the session is open; `log` is the first line of its log that the page lacks.
    pub fn socket_opened(&mut self, credentials: NewSession, log: u64) {
        self.socket = SocketState::Greeting;
        let session = match self.session.take() {
            Some(session) if session.credentials == credentials => session,
            _ => PortalSession { credentials, origin: SessionOrigin::New },
        };
        let known = session.origin == SessionOrigin::ThisPage;
        self.effects.push(ConnectionEffect::Send(ClientMessage::Hello {
            version: VERSION,
            session: session.credentials.session.clone(),
            secret: session.credentials.secret.clone(),
            resume: known.then(|| self.delivery.position(log)),
            language: self.language.clone(),
        }));
        self.session = Some(session);
    }

    /// The portal makes no session.
    pub fn session_refused(
        &mut self,
        problem: Problem,
        now: Millis,
        jitter: f64,
    ) -> Option<ConnectionEvent> {
        self.problem = Some(problem);
        self.lose_socket(now, jitter)
    }

    /// The socket is closed.
    pub fn socket_closed(&mut self, now: Millis, jitter: f64) -> Option<ConnectionEvent> {
        if matches!(self.socket, SocketState::Opening | SocketState::Greeting)
            && self.problem.is_none()
        {
            self.problem = Some(problems::portal_unreachable());
        }
        self.lose_socket(now, jitter)
    }

    /// Anything was heard from the portal, in a frame of so many bytes.
    pub fn heard(&mut self, message: &ServerMessage, bytes: u64, now: Millis) {
        let SocketState::Open(up) = &mut self.socket else { return };
        up.heard = now;
        if self.delivery.take(message, bytes) {
            self.acknowledge();
        }
    }

    /// The portal has taken in so many messages of the page.
    pub fn was_heard(&mut self, messages: u64) -> Option<ConnectionEvent> {
        if self.delivery.heard(messages).is_ok() {
            return None;
        }
        self.effects.push(ConnectionEffect::CloseSocket);
        Some(self.start_over())
    }

    /// The portal says welcome. It has taken in `heard` messages of the page, and to a page that
    /// was loaded again it says where it is `connected`.
    pub fn welcome(
        &mut self,
        limits: Limits,
        heard: u64,
        connected: Option<Connected>,
        now: Millis,
    ) -> Option<ConnectionEvent> {
        let Some(session) = &mut self.session else { return None };
        let before = std::mem::replace(&mut session.origin, SessionOrigin::ThisPage);
        self.socket = SocketState::Open(LiveSocket {
            limits,
            since: now,
            heard: now,
            ping_at: now + ping(&limits),
        });
        self.problem = None;
        if before == SessionOrigin::ThisPage {
            return Some(self.go_on(heard));
        }
        self.delivery = Delivery::begin(heard);
        match (before, connected) {
            (SessionOrigin::EarlierPage, Some(connected)) if self.is_home(&connected) => {
                self.connected(connected)
            }
            (SessionOrigin::EarlierPage, Some(_elsewhere)) => {
                self.ask_for_password();
                self.leave();
                None
            }
            (SessionOrigin::EarlierPage, None) => {
                self.ask_for_password();
                None
            }
            (SessionOrigin::New | SessionOrigin::ThisPage, _) => {
                if self.wanted.is_some() {
                    self.ftps = FtpsState::Connecting(Stage::Portal);
                    self.say_connect();
                }
                None
            }
        }
    }

    /// The session has gone on over another socket: this page must not take it back.
    pub fn taken_over(&mut self) -> Option<ConnectionEvent> {
        self.forget_session();
        self.give_up();
        self.last = None;
        self.socket = SocketState::Closed;
        self.effects.push(ConnectionEffect::CloseSocket);
        self.problem = Some(problems::taken_over());
        Some(ConnectionEvent::SessionEnded)
    }

    /// The portal speaks another version, or nothing that can be understood: the page has to be
    /// loaded again.
    pub fn abandon(&mut self, problem: Problem) -> Option<ConnectionEvent> {
        self.effects.push(ConnectionEffect::CloseSocket);
        self.forget_session();
        self.give_up();
        self.socket = SocketState::Outdated;
        self.problem = Some(problem);
        Some(ConnectionEvent::SessionEnded)
    }

    /// A stage has begun.
    pub fn connecting(&mut self, stage: Stage) {
        if let FtpsState::Connecting(current) = &mut self.ftps {
            // With implicit TLS the handshake comes before the greeting: steps do not go back.
            *current = stage.max(*current);
        }
    }

    /// The server's certificate is not vouched for.
    pub fn certificate_not_trusted(&mut self, mut certificate: Certificate) {
        if let FtpsState::Disconnecting(_) = self.ftps {
            // The two crossed: the attempt has ended, and there is nothing left to disconnect.
            self.disconnected(None);
            return;
        }
        let (FtpsState::Connecting(_), Some(wanted)) = (&self.ftps, &self.wanted) else {
            return;
        };
        let before = trusted_at(&self.trusted, wanted);
        if before.is_some_and(|fingerprint| *fingerprint != certificate.sha256) {
            certificate.doubts.insert(0, certificate::changed().to_owned());
        }
        self.ftps = FtpsState::CertificateQuestion(certificate);
    }

    /// Logged in.
    pub fn connected(&mut self, connected: Connected) -> Option<ConnectionEvent> {
        let FtpsState::Connecting(_) = self.ftps else {
            return None;
        };
        // What an earlier page wanted may be answered after this one wants something else.
        if self.wanted.as_ref().is_none_or(|wanted| !wanted.is_at(&connected)) {
            return None;
        }
        let again = self.home.is_some() && self.home == self.wanted;
        self.last.clone_from(&self.wanted);
        self.home.clone_from(&self.wanted);
        self.problem = None;
        self.data_tls = None;
        self.ftps = FtpsState::Connected(Box::new(connected));
        Some(ConnectionEvent::Connected { again })
    }

    /// The portal has no connection to the server any more.
    pub fn disconnected(&mut self, problem: Option<Problem>) -> Option<ConnectionEvent> {
        match (std::mem::replace(&mut self.ftps, FtpsState::Disconnected), problem) {
            (FtpsState::Disconnecting(next), _) => {
                if let Some(destination) = next {
                    self.connect(destination);
                }
                None
            }
            // The answer to an earlier `disconnect`: a failure would say why.
            (connecting @ FtpsState::Connecting(_), None) => {
                self.ftps = connecting;
                None
            }
            (
                FtpsState::Disconnected
                | FtpsState::CertificateQuestion(_)
                | FtpsState::Connected(_)
                | FtpsState::Connecting(_),
                problem,
            ) => {
                self.give_up();
                self.problem = problem;
                Some(ConnectionEvent::Disconnected)
            }
        }
    }

    /// The portal ends the session, or does not know it; the socket closes next.
    pub fn goodbye(&mut self, problem: Problem) -> Option<ConnectionEvent> {
        let greeting = matches!(self.socket, SocketState::Greeting);
        let session = self.session.as_ref().map(|session| session.origin);
        self.forget_session();
        // Who is not connected loses nothing, and need not hear of it.
        self.wanted.as_ref()?;
        match session {
            Some(SessionOrigin::EarlierPage) => {
                self.effects.push(ConnectionEffect::CloseSocket);
                self.socket = SocketState::Closed;
                self.ask_for_password();
                None
            }
            Some(SessionOrigin::ThisPage) if greeting => {
                self.effects.push(ConnectionEffect::CloseSocket);
                Some(self.start_over())
            }
            Some(SessionOrigin::ThisPage) => {
                self.problem = Some(problem);
                self.ftps = FtpsState::Connecting(Stage::Portal);
                Some(ConnectionEvent::SessionLost)
            }
            Some(SessionOrigin::New) | None => {
                self.problem = Some(problem);
                None
            }
        }
    }

    /// Gives a link that is being opened its time, from the event on that opened it.
    pub fn start_greeting_timeout(&mut self, now: Millis) {
        if let SocketState::Opening | SocketState::Greeting = self.socket {
            self.greet_by.get_or_insert(now + GREETING_LIMIT);
        }
    }

    /// When [`Connection::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        match &self.socket {
            SocketState::Open(up) => Some(up.ping_at),
            SocketState::Lost { retry_at } if self.network == Network::Online => Some(*retry_at),
            SocketState::Opening | SocketState::Greeting => self.greet_by,
            SocketState::Lost { .. } | SocketState::Closed | SocketState::Outdated => None,
        }
    }

    /// Time passes.
    pub fn tick(&mut self, now: Millis, jitter: f64) -> Option<ConnectionEvent> {
        match &mut self.socket {
            SocketState::Lost { retry_at }
                if *retry_at <= now && self.network == Network::Online =>
            {
                self.open_socket();
                None
            }
            SocketState::Opening | SocketState::Greeting
                if self.greet_by.is_some_and(|at| at <= now) =>
            {
                self.effects.push(ConnectionEffect::CloseSocket);
                self.socket_closed(now, jitter)
            }
            SocketState::Open(up) if now.since(up.heard) > ping(&up.limits) * DEAD_AFTER_PINGS => {
                self.effects.push(ConnectionEffect::CloseSocket);
                self.lose_socket(now, jitter)
            }
            SocketState::Open(up) if up.ping_at <= now => {
                up.ping_at = now + ping(&up.limits);
                self.acknowledge();
                self.effects.push(ConnectionEffect::Send(ClientMessage::Ping));
                None
            }
            SocketState::Open(_)
            | SocketState::Lost { .. }
            | SocketState::Closed
            | SocketState::Opening
            | SocketState::Greeting
            | SocketState::Outdated => None,
        }
    }

    fn open_socket(&mut self) {
        self.socket = SocketState::Opening;
        self.greet_by = None;
        let credentials = self.session.as_ref().map(|session| session.credentials.clone());
        self.effects.push(ConnectionEffect::OpenSocket(credentials));
    }

    /// The same session over another socket: what was not heard is said again.
    fn go_on(&mut self, heard: u64) -> ConnectionEvent {
        match self.delivery.resume(heard) {
            Ok(again) => {
                self.again = again;
                ConnectionEvent::SocketRestored
            }
            Err(AckOutOfRange) => {
                self.effects.push(ConnectionEffect::CloseSocket);
                self.start_over()
            }
        }
    }

    /// Another session, to the same end.
    fn start_over(&mut self) -> ConnectionEvent {
        self.forget_session();
        self.ftps = FtpsState::Connecting(Stage::Portal);
        self.open_socket();
        ConnectionEvent::SessionLost
    }

    fn forget_session(&mut self) {
        self.session = None;
        self.delivery = Delivery::default();
    }

    fn acknowledge(&mut self) {
        if let Some(heard) = self.delivery.acknowledge() {
            self.effects.push(ConnectionEffect::Send(heard));
        }
    }

    /// The page was loaded again, and holds no password.
    fn ask_for_password(&mut self) {
        self.give_up();
        self.last = None;
        self.problem = Some(problems::password_needed());
    }

    /// Whether the uploads belong there.
    fn is_home(&self, connected: &Connected) -> bool {
        self.home.as_ref().is_some_and(|home| home.is_at(connected))
    }

    fn leave(&mut self) {
        self.effects.push(ConnectionEffect::Send(ClientMessage::Disconnect));
        self.ftps = FtpsState::Disconnecting(None);
    }

    fn say_connect(&mut self) {
        if let Some(wanted) = &self.wanted {
            let trusted = trusted_at(&self.trusted, wanted).cloned();
            self.effects.push(ConnectionEffect::Connect(wanted.clone(), trusted));
        }
    }

    fn give_up(&mut self) {
        self.wanted = None;
        self.ftps = FtpsState::Disconnected;
    }

    /// Who was logged in comes back by itself, and who has a session that goes on meanwhile. A
    /// first try that fails is shown as it is.
    fn lose_socket(&mut self, now: Millis, jitter: f64) -> Option<ConnectionEvent> {
        let since = match self.socket {
            SocketState::Closed | SocketState::Lost { .. } | SocketState::Outdated => return None,
            SocketState::Opening | SocketState::Greeting => None,
            SocketState::Open(LiveSocket { since, .. }) => Some(since),
        };
        if since.is_some_and(|since| now.since(since) >= GOOD_AFTER) {
            self.tries = 0;
        }
        if !self.is_worth_coming_back() {
            self.socket = SocketState::Closed;
            if self.wanted.is_some() && self.problem.is_none() {
                self.problem = Some(problems::portal_unreachable());
            }
            self.forget_session();
            let before = std::mem::replace(&mut self.ftps, FtpsState::Disconnected);
            self.give_up();
            if let FtpsState::Disconnecting(Some(next)) = before {
                self.connect(next);
            }
            return since.map(|_| ConnectionEvent::SessionEnded);
        }
        self.socket = SocketState::Lost { retry_at: now + pause(self.tries, jitter) };
        self.tries = self.tries.saturating_add(1);
        since.map(|_| ConnectionEvent::SocketLost)
    }

    fn is_worth_coming_back(&self) -> bool {
        let known = |session: &PortalSession| session.origin == SessionOrigin::ThisPage;
        let logged_in = self.last == self.wanted;
        self.wanted.is_some() && (logged_in || self.session.as_ref().is_some_and(known))
    }
}

fn ping(limits: &Limits) -> Duration {
    Duration::from_millis(u64::from(limits.ping_interval_millis.max(1000)))
}

/// The pause before a try: doubled each time up to the longest, then shortened by up to a half at
/// random (`jitter` is from 0 to 1), so that many pages do not come back at one moment.
fn pause(tries: u32, jitter: f64) -> Duration {
    let full = FIRST_PAUSE.saturating_mul(1 << tries.min(16)).min(LONGEST_PAUSE);
    full - full / (2 * JITTER_STEPS) * steps(jitter)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float that becomes an integer saturates"
)]
fn steps(jitter: f64) -> u32 {
    ((jitter * f64::from(JITTER_STEPS)) as u32).min(JITTER_STEPS)
}

#[cfg(test)]
mod tests;
