//! The way to the server: the page's link to the portal, and the portal's connection to the
//! FTPS server behind it. A state machine: it opens nothing and keeps no password.
//!
//! The session outlives the link: a link that is lost is opened again for the same session, and
//! nothing of it is lost. Only where the portal does not know the session any more is another one
//! made, and logged in again.

use std::time::Duration;

use protocol::{
    ClientMessage, Encryption, Problem, ServerMessage, Stage, VERSION,
    client::Language,
    server::{Certificate, Connected, Limits, NewSession, Tls},
};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{Delivery, OutOfStep, Said},
    time::Millis,
    words,
};

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

/// Where to connect, and as whom. The password is not in here: it stays in its field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Destination {
    /// A host name or an IP address.
    pub host: String,
    /// The port of the control connection.
    pub port: u16,
    /// When TLS starts.
    pub encryption: Encryption,
    /// For the FTP verb `USER`.
    pub username: String,
}

protocol::objects!(Destination);

impl Destination {
    /// Whether it is where the portal says that it is connected.
    fn is_at(&self, connected: &Connected) -> bool {
        let Connected { host, port, encryption, username, .. } = connected;
        let there = (host, *port, *encryption, username);
        (&self.host, self.port, self.encryption, &self.username) == there
    }
}

/// The page's link to the portal.
#[derive(Debug)]
pub enum Link {
    /// There is none, and none is wanted.
    Down,
    /// A session is being made, or its socket opened.
    Opening,
    /// The socket is open; the portal has not said welcome yet.
    Greeting,
    /// Messages go both ways.
    Up(Up),
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
struct Session {
    credentials: NewSession,
    acquaintance: Acquaintance,
}

/// What both sides know of each other when a socket of a session opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acquaintance {
    /// The session has just been made.
    New,
    /// An earlier page made it, which was loaded again.
    FromEarlierPage,
    /// This page has talked with it.
    Known,
}

/// A link that works.
#[derive(Debug)]
pub struct Up {
    /// What the portal asks the page to keep to.
    pub limits: Limits,
    since: Millis,
    heard: Millis,
    ping_at: Millis,
}

/// The portal's connection to the FTPS server.
#[derive(Debug)]
pub enum Ftps {
    /// None.
    Out,
    /// On its way; the stage that has begun.
    Connecting(Stage),
    /// The person is asked about the certificate.
    Asking(Certificate),
    /// Logged in.
    In(Box<Connected>),
    /// The person disconnects; the portal has not confirmed it. What to connect to after that.
    Leaving(Option<Destination>),
}

/// What the shell has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Act {
    /// Open the session's socket; make a session first where none is given.
    OpenLink(Option<NewSession>),
    /// Close the socket.
    CloseLink,
    /// Say something.
    Say(ClientMessage),
    /// Say `connect`, with the password from its field.
    Connect(Destination, Option<String>),
}

/// What the rest of the page has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Logged in; uploads and listings are welcome.
    Connected {
        /// Whether it is where the page was connected before.
        again: bool,
    },
    /// No connection to the server any more.
    Disconnected,
    /// The link is lost for now; what is open stays open.
    LinkLost,
    /// The link is back, and the session goes on.
    LinkBack,
    /// The portal does not know the session any more, nor what was open in it; another one is on
    /// its way.
    SessionLost,
    /// The session is gone, and everything that was open in it; nothing is on its way.
    Ended,
}

/// Both, and what is needed to bring them up again.
#[derive(Debug)]
pub struct Connection {
    link: Link,
    session: Option<Session>,
    delivery: Delivery,
    ftps: Ftps,
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
    reach: Reach,
    /// When a link that is being opened is given up.
    greet_by: Option<Millis>,
    /// Few enough to look through.
    trusted: Vec<Trusted>,
    problem: Option<Problem>,
    tries: u32,
    /// What has to be said again before anything new.
    again: Vec<Said>,
    acts: Vec<Act>,
}

/// A certificate that the person trusted.
#[derive(Debug)]
struct Trusted {
    host: String,
    port: u16,
    fingerprint: String,
}

fn trusted_at<'a>(trusted: &'a [Trusted], place: &Destination) -> Option<&'a String> {
    let is_there = |known: &&Trusted| known.host == place.host && known.port == place.port;
    trusted.iter().find(is_there).map(|known| &known.fingerprint)
}

fn trust(trusted: &mut Vec<Trusted>, place: &Destination, fingerprint: String) {
    trusted.retain(|known| known.host != place.host || known.port != place.port);
    trusted.push(Trusted { host: place.host.clone(), port: place.port, fingerprint });
}

/// What the browser says of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// There is one.
    #[default]
    Online,
    /// There is none: no try can help.
    Offline,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            link: Link::Down,
            session: None,
            delivery: Delivery::default(),
            ftps: Ftps::Out,
            data_tls: None,
            language: Language::default(),
            wanted: None,
            last: None,
            home: None,
            reach: Reach::default(),
            greet_by: None,
            trusted: Vec::new(),
            problem: None,
            tries: 0,
            again: Vec::new(),
            acts: Vec::new(),
        }
    }
}

impl Connection {
    /// The link to the portal.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// The connection to the server.
    #[must_use]
    pub fn ftps(&self) -> &Ftps {
        &self.ftps
    }

    /// How the last data connection was encrypted; nothing before the first.
    #[must_use]
    pub fn data_tls(&self) -> Option<&Tls> {
        self.data_tls.as_ref()
    }

    /// The portal is to speak this language from the next socket on.
    pub fn speak(&mut self, language: Language) {
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
        match (&self.link, &self.ftps) {
            (Link::Up(up), Ftps::In(_)) => Some(&up.limits),
            _ => None,
        }
    }

    /// Whether the page was logged in, lost its link, and is on its way back.
    #[must_use]
    pub fn is_coming_back(&self) -> bool {
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
        let known = |session: &&Session| session.acquaintance != Acquaintance::New;
        self.session.as_ref().filter(known).map(|session| &session.credentials)
    }

    /// What the browser says of the network.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Until the next try; nothing when none is due.
    #[must_use]
    pub fn next_try_in(&self, now: Millis) -> Option<Duration> {
        match (&self.link, self.reach) {
            (Link::Lost { retry_at }, Reach::Online) => Some(retry_at.since(now)),
            _ => None,
        }
    }

    /// What has to be said again, before anything new.
    pub fn take_again(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.again)
    }

    /// Keeps a counted message until the portal has heard it; whether it is to be said now.
    pub fn keep(&mut self, said: Said) -> bool {
        let known = |session: &Session| session.acquaintance == Acquaintance::Known;
        if self.session.as_ref().is_some_and(known) {
            self.delivery.say(said);
        }
        matches!(self.link, Link::Up(_))
    }

    /// What has to be done, in this order.
    pub fn take_acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    /// The person connects.
    pub fn connect(&mut self, destination: Destination) {
        self.problem = None;
        if let Ftps::Leaving(next) = &mut self.ftps {
            *next = Some(destination);
            return;
        }
        self.last = None;
        self.wanted = Some(destination);
        self.tries = 0;
        self.ftps = Ftps::Connecting(Stage::Portal);
        match self.link {
            Link::Down => self.open_link(),
            Link::Lost { .. } => {
                self.forget_session();
                self.open_link();
            }
            Link::Opening | Link::Greeting => {}
            Link::Up(_) => self.say_connect(),
            Link::Outdated => {
                self.give_up();
                self.problem = Some(words::outdated());
            }
        }
    }

    /// The person trusts the certificate that was shown, and exactly that one: after a break another
    /// one may be in question.
    pub fn trust(&mut self, fingerprint: &str) {
        if let (Ftps::Asking(certificate), Some(wanted)) = (&self.ftps, &self.wanted)
            && certificate.sha256 == fingerprint
        {
            trust(&mut self.trusted, wanted, certificate.sha256.clone());
            self.ftps = Ftps::Connecting(Stage::Portal);
            // Without a session it is said when there is one.
            if self.session().is_some() {
                self.say_connect();
            }
        }
    }

    /// The person does not trust it.
    pub fn refuse(&mut self) {
        if let Ftps::Asking(_) = self.ftps {
            self.give_up();
            self.problem = Some(words::certificate_refused());
        }
    }

    /// The person disconnects, or stops a connection that is on its way.
    pub fn disconnect(&mut self) {
        let told = matches!(self.ftps, Ftps::Connecting(_) | Ftps::In(_));
        let link_up = matches!(self.link, Link::Up(_));
        if let Link::Opening | Link::Greeting = self.link {
            self.acts.push(Act::CloseLink);
            self.link = Link::Down;
        } else if let Link::Lost { .. } = self.link {
            self.link = Link::Down;
        }
        if !link_up {
            // The portal ends it by itself when nobody comes back to it.
            self.forget_session();
        }
        self.give_up();
        self.last = None;
        if told && link_up {
            self.leave();
        }
    }

    /// The person does not want to wait for the next try.
    pub fn retry_now(&mut self) {
        if let Link::Lost { .. } = self.link {
            self.open_link();
        }
    }

    /// The browser says that there is a network again, or none any more.
    pub fn reached(&mut self, reach: Reach, now: Millis) {
        self.reach = reach;
        match (&mut self.link, reach) {
            (Link::Lost { .. }, Reach::Online) => self.open_link(),
            (Link::Up(up), Reach::Online) => {
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
                let acquaintance = Acquaintance::FromEarlierPage;
                self.session = Some(Session { credentials, acquaintance });
                self.wanted = Some(home.clone());
                self.last = Some(home);
                self.ftps = Ftps::Connecting(Stage::Portal);
                self.open_link();
            }
            None => self.ask_for_password(),
        }
    }

    /// A socket of the session is open; `log` is the first line of its log that the page lacks.
    pub fn socket_opened(&mut self, credentials: NewSession, log: u64) {
        self.link = Link::Greeting;
        let session = match self.session.take() {
            Some(session) if session.credentials == credentials => session,
            _ => Session { credentials, acquaintance: Acquaintance::New },
        };
        let known = session.acquaintance == Acquaintance::Known;
        self.acts.push(Act::Say(ClientMessage::Hello {
            version: VERSION,
            session: session.credentials.session.clone(),
            secret: session.credentials.secret.clone(),
            resume: known.then(|| self.delivery.position(log)),
            language: self.language,
        }));
        self.session = Some(session);
    }

    /// The portal makes no session.
    pub fn session_refused(&mut self, problem: Problem, now: Millis, jitter: f64) -> Option<News> {
        self.problem = Some(problem);
        self.lose_link(now, jitter)
    }

    /// The socket is closed.
    pub fn socket_closed(&mut self, now: Millis, jitter: f64) -> Option<News> {
        if matches!(self.link, Link::Opening | Link::Greeting) && self.problem.is_none() {
            self.problem = Some(words::portal_out_of_reach());
        }
        self.lose_link(now, jitter)
    }

    /// Anything was heard from the portal, in a frame of so many bytes.
    pub fn heard(&mut self, message: &ServerMessage, bytes: u64, now: Millis) {
        let Link::Up(up) = &mut self.link else { return };
        up.heard = now;
        if self.delivery.take(message, bytes) {
            self.acknowledge();
        }
    }

    /// The portal has taken in so many messages of the page.
    pub fn was_heard(&mut self, messages: u64) -> Option<News> {
        if self.delivery.heard(messages).is_ok() {
            return None;
        }
        self.acts.push(Act::CloseLink);
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
    ) -> Option<News> {
        let Some(session) = &mut self.session else { return None };
        let before = std::mem::replace(&mut session.acquaintance, Acquaintance::Known);
        self.link = Link::Up(Up { limits, since: now, heard: now, ping_at: now + ping(&limits) });
        self.problem = None;
        if before == Acquaintance::Known {
            return Some(self.go_on(heard));
        }
        self.delivery = Delivery::begin(heard);
        match (before, connected) {
            (Acquaintance::FromEarlierPage, Some(connected)) if self.belongs_at(&connected) => {
                self.connected(connected)
            }
            (Acquaintance::FromEarlierPage, Some(_elsewhere)) => {
                self.ask_for_password();
                self.leave();
                None
            }
            (Acquaintance::FromEarlierPage, None) => {
                self.ask_for_password();
                None
            }
            (Acquaintance::New | Acquaintance::Known, _) => {
                if self.wanted.is_some() {
                    self.ftps = Ftps::Connecting(Stage::Portal);
                    self.say_connect();
                }
                None
            }
        }
    }

    /// The session has gone on over another socket: this page must not take it back.
    pub fn taken_over(&mut self) -> Option<News> {
        self.forget_session();
        self.give_up();
        self.last = None;
        self.link = Link::Down;
        self.acts.push(Act::CloseLink);
        self.problem = Some(words::taken_over());
        Some(News::Ended)
    }

    /// The portal speaks another version, or nothing that can be understood: the page has to be
    /// loaded again.
    pub fn abandon(&mut self, problem: Problem) -> Option<News> {
        self.acts.push(Act::CloseLink);
        self.forget_session();
        self.give_up();
        self.link = Link::Outdated;
        self.problem = Some(problem);
        Some(News::Ended)
    }

    /// A stage has begun.
    pub fn connecting(&mut self, stage: Stage) {
        if let Ftps::Connecting(current) = &mut self.ftps {
            // With implicit TLS the handshake comes before the greeting: steps do not go back.
            *current = stage.max(*current);
        }
    }

    /// The server's certificate is not vouched for.
    pub fn certificate_not_trusted(&mut self, mut certificate: Certificate) {
        if let Ftps::Leaving(_) = self.ftps {
            // The two crossed: the attempt has ended, and there is nothing left to disconnect.
            self.disconnected(None);
            return;
        }
        let (Ftps::Connecting(_), Some(wanted)) = (&self.ftps, &self.wanted) else {
            return;
        };
        let before = trusted_at(&self.trusted, wanted);
        if before.is_some_and(|fingerprint| *fingerprint != certificate.sha256) {
            certificate.doubts.insert(0, words::other_certificate().to_owned());
        }
        self.ftps = Ftps::Asking(certificate);
    }

    /// Logged in.
    pub fn connected(&mut self, connected: Connected) -> Option<News> {
        let Ftps::Connecting(_) = self.ftps else {
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
        self.ftps = Ftps::In(Box::new(connected));
        Some(News::Connected { again })
    }

    /// The portal has no connection to the server any more.
    pub fn disconnected(&mut self, problem: Option<Problem>) -> Option<News> {
        match (std::mem::replace(&mut self.ftps, Ftps::Out), problem) {
            (Ftps::Leaving(next), _) => {
                if let Some(destination) = next {
                    self.connect(destination);
                }
                None
            }
            // The answer to an earlier `disconnect`: a failure would say why.
            (connecting @ Ftps::Connecting(_), None) => {
                self.ftps = connecting;
                None
            }
            (Ftps::Out | Ftps::Asking(_) | Ftps::In(_) | Ftps::Connecting(_), problem) => {
                self.give_up();
                self.problem = problem;
                Some(News::Disconnected)
            }
        }
    }

    /// The portal ends the session, or does not know it; the socket closes next.
    pub fn goodbye(&mut self, problem: Problem) -> Option<News> {
        let greeting = matches!(self.link, Link::Greeting);
        let session = self.session.as_ref().map(|session| session.acquaintance);
        self.forget_session();
        // Who is not connected loses nothing, and need not hear of it.
        self.wanted.as_ref()?;
        match session {
            Some(Acquaintance::FromEarlierPage) => {
                self.acts.push(Act::CloseLink);
                self.link = Link::Down;
                self.ask_for_password();
                None
            }
            Some(Acquaintance::Known) if greeting => {
                self.acts.push(Act::CloseLink);
                Some(self.start_over())
            }
            Some(Acquaintance::Known) => {
                self.problem = Some(problem);
                self.ftps = Ftps::Connecting(Stage::Portal);
                Some(News::SessionLost)
            }
            Some(Acquaintance::New) | None => {
                self.problem = Some(problem);
                None
            }
        }
    }

    /// Gives a link that is being opened its time, from the event on that opened it.
    pub fn time_greeting(&mut self, now: Millis) {
        if let Link::Opening | Link::Greeting = self.link {
            self.greet_by.get_or_insert(now + GREETING_LIMIT);
        }
    }

    /// When [`Connection::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        match &self.link {
            Link::Up(up) => Some(up.ping_at),
            Link::Lost { retry_at } if self.reach == Reach::Online => Some(*retry_at),
            Link::Opening | Link::Greeting => self.greet_by,
            Link::Lost { .. } | Link::Down | Link::Outdated => None,
        }
    }

    /// Time passes.
    pub fn tick(&mut self, now: Millis, jitter: f64) -> Option<News> {
        match &mut self.link {
            Link::Lost { retry_at } if *retry_at <= now && self.reach == Reach::Online => {
                self.open_link();
                None
            }
            Link::Opening | Link::Greeting if self.greet_by.is_some_and(|at| at <= now) => {
                self.acts.push(Act::CloseLink);
                self.socket_closed(now, jitter)
            }
            Link::Up(up) if now.since(up.heard) > ping(&up.limits) * DEAD_AFTER_PINGS => {
                self.acts.push(Act::CloseLink);
                self.lose_link(now, jitter)
            }
            Link::Up(up) if up.ping_at <= now => {
                up.ping_at = now + ping(&up.limits);
                self.acknowledge();
                self.acts.push(Act::Say(ClientMessage::Ping));
                None
            }
            Link::Up(_)
            | Link::Lost { .. }
            | Link::Down
            | Link::Opening
            | Link::Greeting
            | Link::Outdated => None,
        }
    }

    fn open_link(&mut self) {
        self.link = Link::Opening;
        self.greet_by = None;
        let credentials = self.session.as_ref().map(|session| session.credentials.clone());
        self.acts.push(Act::OpenLink(credentials));
    }

    /// The same session over another socket: what was not heard is said again.
    fn go_on(&mut self, heard: u64) -> News {
        match self.delivery.resume(heard) {
            Ok(again) => {
                self.again = again;
                News::LinkBack
            }
            Err(OutOfStep) => {
                self.acts.push(Act::CloseLink);
                self.start_over()
            }
        }
    }

    /// Another session, to the same end.
    fn start_over(&mut self) -> News {
        self.forget_session();
        self.ftps = Ftps::Connecting(Stage::Portal);
        self.open_link();
        News::SessionLost
    }

    fn forget_session(&mut self) {
        self.session = None;
        self.delivery = Delivery::default();
    }

    fn acknowledge(&mut self) {
        if let Some(heard) = self.delivery.acknowledge() {
            self.acts.push(Act::Say(heard));
        }
    }

    /// The page was loaded again, and holds no password.
    fn ask_for_password(&mut self) {
        self.give_up();
        self.last = None;
        self.problem = Some(words::password_needed());
    }

    /// Whether the uploads belong there.
    fn belongs_at(&self, connected: &Connected) -> bool {
        self.home.as_ref().is_some_and(|home| home.is_at(connected))
    }

    fn leave(&mut self) {
        self.acts.push(Act::Say(ClientMessage::Disconnect));
        self.ftps = Ftps::Leaving(None);
    }

    fn say_connect(&mut self) {
        if let Some(wanted) = &self.wanted {
            let trusted = trusted_at(&self.trusted, wanted).cloned();
            self.acts.push(Act::Connect(wanted.clone(), trusted));
        }
    }

    fn give_up(&mut self) {
        self.wanted = None;
        self.ftps = Ftps::Out;
    }

    /// Who was logged in comes back by itself, and who has a session that goes on meanwhile. A
    /// first try that fails is shown as it is.
    fn lose_link(&mut self, now: Millis, jitter: f64) -> Option<News> {
        let since = match self.link {
            Link::Down | Link::Lost { .. } | Link::Outdated => return None,
            Link::Opening | Link::Greeting => None,
            Link::Up(Up { since, .. }) => Some(since),
        };
        if since.is_some_and(|since| now.since(since) >= GOOD_AFTER) {
            self.tries = 0;
        }
        if !self.is_worth_coming_back() {
            self.link = Link::Down;
            if self.wanted.is_some() && self.problem.is_none() {
                self.problem = Some(words::portal_out_of_reach());
            }
            self.forget_session();
            let before = std::mem::replace(&mut self.ftps, Ftps::Out);
            self.give_up();
            if let Ftps::Leaving(Some(next)) = before {
                self.connect(next);
            }
            return since.map(|_| News::Ended);
        }
        self.link = Link::Lost { retry_at: now + pause(self.tries, jitter) };
        self.tries = self.tries.saturating_add(1);
        since.map(|_| News::LinkLost)
    }

    fn is_worth_coming_back(&self) -> bool {
        let known = |session: &Session| session.acquaintance == Acquaintance::Known;
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
