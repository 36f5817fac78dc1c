//! The way to the server: the page's link to the portal, and the portal's connection to the
//! FTPS server behind it. A state machine: it opens nothing and keeps no password.

use std::{collections::HashMap, time::Duration};

use protocol::{
    ClientMessage, Encryption, Problem, Stage, VERSION,
    server::{Certificate, Connected, Limits, NewSession},
};

use crate::{time::Millis, words};

/// The first pause before the link is opened again; it doubles from try to try.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A link that held for so long was a good one: the next break starts with the first pause again.
const GOOD_AFTER: Duration = Duration::from_secs(20);
/// A link on which nothing is heard for so many pings is dead.
const DEAD_AFTER_PINGS: u32 = 3;

/// Where to connect, and as whom. The password is not in here: it stays in its field.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Make a session and open its socket.
    OpenLink,
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
    /// The link is gone, and everything that was open on it.
    LinkLost,
}

/// Both, and what is needed to bring them up again.
#[derive(Debug)]
pub struct Connection {
    link: Link,
    ftps: Ftps,
    /// Where the person wants to be.
    wanted: Option<Destination>,
    /// Where the page was logged in last.
    last: Option<Destination>,
    trusted: HashMap<(String, u16), String>,
    problem: Option<Problem>,
    tries: u32,
    acts: Vec<Act>,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            link: Link::Down,
            ftps: Ftps::Out,
            wanted: None,
            last: None,
            trusted: HashMap::new(),
            problem: None,
            tries: 0,
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
        self.wanted.is_some() && self.last == self.wanted && !matches!(self.ftps, Ftps::In(_))
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
            Link::Down | Link::Lost { .. } => self.open_link(),
            Link::Opening | Link::Greeting => {}
            Link::Up(_) => self.say_connect(),
            Link::Outdated => {
                self.give_up();
                self.problem = Some(words::outdated());
            }
        }
    }

    /// The person trusts the certificate in question, and exactly that one.
    pub fn trust(&mut self) {
        if let (Ftps::Asking(certificate), Some(wanted)) = (&self.ftps, &self.wanted) {
            let place = (wanted.host.clone(), wanted.port);
            self.trusted.insert(place, certificate.sha256.clone());
            self.ftps = Ftps::Connecting(Stage::Portal);
            if let Link::Up(_) = self.link {
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
        self.give_up();
        self.last = None;
        if told && link_up {
            self.acts.push(Act::Say(ClientMessage::Disconnect));
            self.ftps = Ftps::Leaving(None);
        }
    }

    /// The person does not want to wait for the next try.
    pub fn retry_now(&mut self) {
        if let Link::Lost { .. } = self.link {
            self.open_link();
        }
    }

    /// A session was made, and its socket is open.
    pub fn socket_opened(&mut self, session: NewSession) {
        self.link = Link::Greeting;
        self.acts.push(Act::Say(ClientMessage::Hello {
            version: VERSION,
            session: session.session,
            secret: session.secret,
            resume: None,
        }));
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

    /// Anything was heard from the portal.
    pub fn heard(&mut self, now: Millis) {
        if let Link::Up(up) = &mut self.link {
            up.heard = now;
        }
    }

    /// The portal says welcome.
    pub fn welcome(&mut self, limits: Limits, now: Millis) {
        self.link = Link::Up(Up { limits, since: now, heard: now, ping_at: now + ping(&limits) });
        self.problem = None;
        if self.wanted.is_some() {
            self.ftps = Ftps::Connecting(Stage::Portal);
            self.say_connect();
        }
    }

    /// The portal speaks another version, or nothing that can be understood: the page has to be
    /// loaded again.
    pub fn abandon(&mut self, problem: Problem) -> Option<News> {
        let was_up = matches!(self.link, Link::Up(_));
        self.acts.push(Act::CloseLink);
        self.give_up();
        self.link = Link::Outdated;
        self.problem = Some(problem);
        was_up.then_some(News::LinkLost)
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
        let (Ftps::Connecting(_), Some(wanted)) = (&self.ftps, &self.wanted) else {
            return;
        };
        let before = self.trusted.get(&(wanted.host.clone(), wanted.port));
        if before.is_some_and(|fingerprint| *fingerprint != certificate.sha256) {
            certificate.doubts.insert(0, words::OTHER_CERTIFICATE.to_owned());
        }
        self.ftps = Ftps::Asking(certificate);
    }

    /// Logged in.
    pub fn connected(&mut self, connected: Connected) -> Option<News> {
        let Ftps::Connecting(_) = self.ftps else {
            return None;
        };
        let again = self.last.is_some() && self.last == self.wanted;
        self.last.clone_from(&self.wanted);
        self.problem = None;
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

    /// The portal ends the session; the socket closes next.
    pub fn goodbye(&mut self, problem: Problem) {
        // Who is not connected loses nothing, and need not hear of it.
        if self.wanted.is_some() {
            self.problem = Some(problem);
        }
    }

    /// When [`Connection::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        match &self.link {
            Link::Up(up) => Some(up.ping_at),
            Link::Lost { retry_at } => Some(*retry_at),
            Link::Down | Link::Opening | Link::Greeting | Link::Outdated => None,
        }
    }

    /// Time passes.
    pub fn tick(&mut self, now: Millis, jitter: f64) -> Option<News> {
        match &mut self.link {
            Link::Lost { retry_at } if *retry_at <= now => {
                self.open_link();
                None
            }
            Link::Up(up) if now.since(up.heard) > ping(&up.limits) * DEAD_AFTER_PINGS => {
                self.acts.push(Act::CloseLink);
                self.lose_link(now, jitter)
            }
            Link::Up(up) if up.ping_at <= now => {
                up.ping_at = now + ping(&up.limits);
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
        self.acts.push(Act::OpenLink);
    }

    fn say_connect(&mut self) {
        if let Some(wanted) = &self.wanted {
            let place = (wanted.host.clone(), wanted.port);
            let trusted = self.trusted.get(&place).cloned();
            self.acts.push(Act::Connect(wanted.clone(), trusted));
        }
    }

    fn give_up(&mut self) {
        self.wanted = None;
        self.ftps = Ftps::Out;
    }

    /// Only who was logged in comes back by itself: a first try that fails is shown as it is.
    fn lose_link(&mut self, now: Millis, jitter: f64) -> Option<News> {
        let news = match self.link {
            Link::Down | Link::Lost { .. } | Link::Outdated => return None,
            Link::Opening | Link::Greeting => None,
            Link::Up(Up { since, .. }) => {
                if now.since(since) >= GOOD_AFTER {
                    self.tries = 0;
                }
                Some(News::LinkLost)
            }
        };
        if self.last.is_none() || self.last != self.wanted {
            self.link = Link::Down;
            if self.wanted.is_some() && self.problem.is_none() {
                self.problem = Some(words::portal_out_of_reach());
            }
            self.give_up();
            return news;
        }
        self.link = Link::Lost { retry_at: now + pause(self.tries, jitter) };
        self.tries = self.tries.saturating_add(1);
        self.ftps = Ftps::Out;
        news
    }
}

fn ping(limits: &Limits) -> Duration {
    Duration::from_millis(u64::from(limits.ping_interval_millis.max(1000)))
}

/// The pause before a try: doubled each time up to the longest, then shortened by up to a half at
/// random (`jitter` is from 0 to 1), so that many pages do not come back at one moment.
fn pause(tries: u32, jitter: f64) -> Duration {
    let full = FIRST_PAUSE.saturating_mul(1 << tries.min(16)).min(LONGEST_PAUSE);
    full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests;
