//! The page's connection to the portal, and the portal's connection to the FTPS server.
//!
//! Three state machines, which open nothing and keep no password: the socket (`socket`), the
//! session that outlives it (`session`), and the FTPS connection of that session (`ftps`).
//!
//! The socket (`socket`):
//!
//! | state | event | next state |
//! |---|---|---|
//! | Closed | the user connects | Opening |
//! | Opening | opened | Greeting |
//! | Greeting | `welcome` | Open |
//! | Opening, Greeting | closed, or timed out | Lost |
//! | Open | closed, or silent for three pings | Lost |
//! | Lost | the time of the next try, or the network is back | Opening |
//! | Lost | nothing is left that is worth a try | Closed |
//! | any | `unsupported` | Outdated |
//!
//! The session (`session`):
//!
//! | state | event | next state |
//! |---|---|---|
//! | New | `welcome` with its credentials | ThisPage |
//! | EarlierPage | `welcome` with a connection to the server | ThisPage |
//! | ThisPage | `goodbye` | New: it logs in again |
//! | EarlierPage | `goodbye` | New: it asks for the password |
//!
//! The FTPS connection (`ftps`):
//!
//! | state | event | next state |
//! |---|---|---|
//! | Disconnected | the user connects | Connecting |
//! | Connecting | `connected` | Connected |
//! | Connecting | `failed` | Disconnected |
//! | Connecting | the certificate is not trusted | CertificateQuestion |
//! | CertificateQuestion | trusted | Connecting |
//! | CertificateQuestion | rejected | Disconnected |
//! | Connected | the connection failed | Disconnected |
//! | Connected | the user disconnects, or connects to another server | Disconnecting |
//! | Disconnecting | confirmed | Disconnected, or Connecting to the other server |

use std::time::Duration;

use protocol::{
    ClientMessage, Problem, Stage,
    client::Language,
    server::{Limits, Tls},
    session::SessionCredentials,
};

use self::{
    ftps::FtpsConnection,
    session::{PortalSession, SessionOrigin},
    socket::{Loss, PortalSocket, Timer},
};
pub use self::{
    ftps::FtpsState,
    socket::{LiveSocket, Network, SocketState},
    user::Resume,
};
use crate::{delivery::OutgoingMessage, destination::Destination, time::Millis};

pub mod facts;
mod ftps;
mod portal;
pub mod problems;
mod session;
mod socket;
mod user;
pub mod wording;

/// A task for the shell.
#[derive(Debug, PartialEq, Eq)]
pub enum ConnectionEffect {
    /// Open a socket of the session with this name, or of a new one.
    OpenSocket(Option<String>),
    /// Close the socket.
    CloseSocket,
    /// Send a message.
    Send(ClientMessage),
    /// Send `connect`, with the password from its field and the fingerprint of the trusted
    /// certificate.
    Connect(Destination, Option<String>),
}

/// A change that the rest of the page has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionEvent {
    /// Logged in: uploads and listings are possible.
    LoggedIn(Login),
    /// The connection to the server ended.
    Disconnected,
    /// The socket is lost; open uploads stay open.
    SocketLost,
    /// The socket is back, and the session continues.
    SocketRestored,
    /// The portal does not know the session any more; another session is being opened.
    SessionLost,
    /// The session ended with everything that was open in it; no other session is being opened.
    SessionEnded,
}

/// A login, compared with the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// The first one at this destination, or after a login at another one.
    First,
    /// At the destination of the last login: the connection is restored.
    Restored,
}

/// The three state machines, and the state that they share.
#[derive(Debug, Default)]
pub struct Connection {
    socket: PortalSocket,
    session: PortalSession,
    ftps: FtpsConnection,
    /// The last problem.
    problem: Option<Problem>,
    /// The language of the portal's texts.
    language: Language,
    effects: Vec<ConnectionEffect>,
}

impl Connection {
    /// Returns the state of the socket.
    #[must_use]
    pub fn socket(&self) -> &SocketState {
        self.socket.state()
    }

    /// Returns the state of the FTPS connection.
    #[must_use]
    pub fn ftps(&self) -> &FtpsState {
        &self.ftps.state
    }

    /// Returns the TLS facts of the last data connection.
    #[must_use]
    pub fn data_tls(&self) -> Option<&Tls> {
        self.ftps.data_tls.as_ref()
    }

    /// Sets the language of the portal's texts, from the next socket on.
    pub fn set_language(&mut self, language: Language) {
        self.language = language;
    }

    /// Returns the destination that the user wants.
    #[must_use]
    pub fn wanted(&self) -> Option<&Destination> {
        self.ftps.wanted.as_ref()
    }

    /// Returns the destination of the uploads: that of the last login, of an earlier page too.
    #[must_use]
    pub fn home(&self) -> Option<&Destination> {
        self.ftps.home.as_ref()
    }

    /// Returns the last problem.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// Returns the portal's limits while uploads and listings are possible.
    #[must_use]
    pub fn ready(&self) -> Option<&Limits> {
        match self.ftps.state {
            FtpsState::Connected(_) => self.socket.limits(),
            _ => None,
        }
    }

    /// Returns whether the page was logged in, lost its connection, and is restoring it.
    #[must_use]
    pub fn is_reconnecting(&self) -> bool {
        self.ftps.wanted.is_some() && self.ftps.is_at_last_login() && self.ready().is_none()
    }

    /// Returns the fingerprint of the certificate that the user trusted at a destination.
    #[must_use]
    pub fn trusted_at(&self, destination: &Destination) -> Option<&String> {
        self.ftps.trusted.at(destination)
    }

    /// Returns the session, for the next page of this tab.
    #[must_use]
    pub fn session(&self) -> Option<&SessionCredentials> {
        self.session.credentials()
    }

    /// Returns whether the browser is online.
    #[must_use]
    pub fn network(&self) -> Network {
        self.socket.network()
    }

    /// Returns the time until the next attempt to open the socket.
    #[must_use]
    pub fn next_retry_in(&self, now: Millis) -> Option<Duration> {
        self.socket.next_retry_in(now)
    }

    /// Takes the messages to repeat before any other.
    pub fn take_repeated(&mut self) -> Vec<OutgoingMessage> {
        self.session.take_repeated()
    }

    /// Takes the effects to carry out, in this order.
    pub fn take_effects(&mut self) -> Vec<ConnectionEffect> {
        std::mem::take(&mut self.effects)
    }

    /// Keeps a message until the portal acknowledges it. Returns whether it can be sent now.
    pub fn keep(&mut self, message: OutgoingMessage) -> bool {
        self.session.keep(message);
        self.socket.limits().is_some()
    }

    /// Starts the timeout of a socket that is being opened, at the event that opened it.
    pub fn start_greeting_timeout(&mut self, now: Millis) {
        self.socket.start_greeting_timeout(now);
    }

    /// Returns when [`Connection::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        self.socket.deadline()
    }

    /// Carries out what is due: a retry, a ping, a timeout.
    pub fn tick(&mut self, now: Millis, jitter: f64) -> Option<ConnectionEvent> {
        match self.socket.take_due(now) {
            Timer::None => None,
            Timer::Retry => {
                self.open_socket();
                None
            }
            Timer::Ping => {
                self.acknowledge();
                self.send(ClientMessage::Ping);
                None
            }
            Timer::GreetingTimedOut => {
                self.close_socket();
                self.socket_closed(now, jitter)
            }
            Timer::Silent => {
                self.close_socket();
                self.lose_socket(now, jitter)
            }
        }
    }

    fn open_socket(&mut self) {
        self.socket.open();
        let name = self.session.credentials().map(|credentials| credentials.name.clone());
        self.effects.push(ConnectionEffect::OpenSocket(name));
    }

    fn close_socket(&mut self) {
        self.effects.push(ConnectionEffect::CloseSocket);
    }

    fn send(&mut self, message: ClientMessage) {
        self.effects.push(ConnectionEffect::Send(message));
    }

    fn send_connect(&mut self) {
        if let Some(wanted) = &self.ftps.wanted {
            let trusted = self.ftps.trusted.at(wanted).cloned();
            self.effects.push(ConnectionEffect::Connect(wanted.clone(), trusted));
        }
    }

    fn send_disconnect(&mut self) {
        self.send(ClientMessage::Disconnect);
        self.ftps.state = FtpsState::Disconnecting(None);
    }

    fn acknowledge(&mut self) {
        if let Some(ack) = self.session.acknowledge() {
            self.send(ack);
        }
    }

    /// Opens another session for the same destination.
    fn replace_session(&mut self) -> ConnectionEvent {
        self.session.forget();
        self.ftps.state = FtpsState::Connecting(Stage::Portal);
        self.open_socket();
        ConnectionEvent::SessionLost
    }

    /// The page was reloaded, and holds no password.
    fn ask_for_password(&mut self) {
        self.ftps.give_up();
        self.ftps.last = None;
        self.problem = Some(problems::password_needed());
    }

    /// Retries if the page was logged in or has a session that continues meanwhile. A first attempt
    /// that fails is shown as it is.
    fn lose_socket(&mut self, now: Millis, jitter: f64) -> Option<ConnectionEvent> {
        let loss = self.socket.loss(now)?;
        let event = |event| (loss == Loss::OfOpen).then_some(event);
        if self.is_worth_a_retry() {
            self.socket.schedule_retry(now, jitter);
            return event(ConnectionEvent::SocketLost);
        }
        self.socket.set_closed();
        if self.ftps.wanted.is_some() && self.problem.is_none() {
            self.problem = Some(problems::portal_unreachable());
        }
        self.session.forget();
        let before = std::mem::take(&mut self.ftps.state);
        self.ftps.give_up();
        if let FtpsState::Disconnecting(Some(next)) = before {
            self.connect(next);
        }
        event(ConnectionEvent::SessionEnded)
    }

    fn is_worth_a_retry(&self) -> bool {
        self.ftps.wanted.is_some()
            && (self.ftps.is_at_last_login() || self.session.origin() == SessionOrigin::ThisPage)
    }
}

#[cfg(test)]
mod tests;
