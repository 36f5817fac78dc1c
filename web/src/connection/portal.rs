//! Messages of the portal about the connection, and events of its socket.

use protocol::{
    ClientMessage, Problem, ServerMessage, Stage, VERSION,
    server::{Certificate, Connected, Limits, Tls},
    session::SessionCredentials,
};

use super::{Connection, ConnectionEvent, FtpsState, SessionOrigin, SocketState, problems};
use crate::time::Millis;

impl Connection {
    /// A socket is open; `log` is the first line of the log that the page lacks.
    pub fn socket_opened(&mut self, log: u64) {
        self.socket.opened();
        let join = self.session.join(log);
        let language = self.language.clone();
        self.send(ClientMessage::Hello { version: VERSION, join, language });
    }

    /// The socket closed.
    pub fn socket_closed(&mut self, now: Millis, jitter: f64) -> Option<ConnectionEvent> {
        if self.socket.is_opening() && self.problem.is_none() {
            self.problem = Some(problems::portal_unreachable());
        }
        self.lose_socket(now, jitter)
    }

    /// A message arrived, in a frame with this number of bytes.
    pub fn received(&mut self, message: &ServerMessage, bytes: u64, now: Millis) {
        if self.socket.message_arrived(now) && self.session.received(message, bytes) {
            self.acknowledge();
        }
    }

    /// The portal acknowledged messages.
    pub fn acked(&mut self, messages: u64) -> Option<ConnectionEvent> {
        if self.session.acked(messages).is_ok() {
            return None;
        }
        self.close_socket();
        Some(self.replace_session())
    }

    /// The portal sent `welcome`, with the credentials of a session that it created. It received
    /// `received` messages of the page; to a page that was reloaded it reports the server that it is
    /// `connected` to.
    pub fn welcome(
        &mut self,
        new: Option<SessionCredentials>,
        limits: Limits,
        received: u64,
        connected: Option<Connected>,
        now: Millis,
    ) -> Option<ConnectionEvent> {
        let origin = self.session.welcomed(new)?;
        self.socket.greeted(limits, now);
        self.problem = None;
        if origin == SessionOrigin::ThisPage {
            return Some(self.resume_session(received));
        }
        self.session.start(received);
        match (origin, connected) {
            (SessionOrigin::EarlierPage, Some(connected)) if self.ftps.is_home(&connected) => {
                self.connected(connected)
            }
            (SessionOrigin::EarlierPage, Some(_elsewhere)) => {
                self.ask_for_password();
                self.send_disconnect();
                None
            }
            (SessionOrigin::EarlierPage, None) => {
                self.ask_for_password();
                None
            }
            (SessionOrigin::New | SessionOrigin::ThisPage, _) => {
                if self.ftps.wanted.is_some() {
                    self.ftps.state = FtpsState::Connecting(Stage::Portal);
                    self.send_connect();
                }
                None
            }
        }
    }

    fn resume_session(&mut self, received: u64) -> ConnectionEvent {
        match self.session.resume(received) {
            Ok(()) => ConnectionEvent::SocketRestored,
            Err(_) => {
                self.close_socket();
                self.replace_session()
            }
        }
    }

    /// Another socket took the session over: this page must not take it back.
    pub fn taken_over(&mut self) -> Option<ConnectionEvent> {
        self.session.forget();
        self.ftps.give_up();
        self.ftps.last = None;
        self.socket.set_closed();
        self.close_socket();
        self.problem = Some(problems::taken_over());
        Some(ConnectionEvent::SessionEnded)
    }

    /// The portal speaks another protocol version, or nothing that the page understands: the page
    /// has to be reloaded.
    pub fn outdated(&mut self, problem: Problem) -> Option<ConnectionEvent> {
        self.close_socket();
        self.session.forget();
        self.ftps.give_up();
        self.socket.set_outdated();
        self.problem = Some(problem);
        Some(ConnectionEvent::SessionEnded)
    }

    /// The portal ends the session, or does not know it; the socket closes next.
    pub fn goodbye(&mut self, problem: Problem) -> Option<ConnectionEvent> {
        let is_greeting = matches!(self.socket.state(), SocketState::Greeting);
        let origin = self.session.origin();
        self.session.forget();
        // A page that is not connected loses nothing.
        self.ftps.wanted.as_ref()?;
        match origin {
            SessionOrigin::EarlierPage => {
                self.close_socket();
                self.socket.set_closed();
                self.ask_for_password();
                None
            }
            SessionOrigin::ThisPage if is_greeting => {
                self.close_socket();
                Some(self.replace_session())
            }
            SessionOrigin::ThisPage => {
                self.problem = Some(problem);
                self.ftps.state = FtpsState::Connecting(Stage::Portal);
                Some(ConnectionEvent::SessionLost)
            }
            SessionOrigin::New => {
                self.problem = Some(problem);
                None
            }
        }
    }

    /// A stage of connecting has started.
    pub fn connecting(&mut self, stage: Stage) {
        self.ftps.advance(stage);
    }

    /// The server's certificate is not trusted.
    pub fn certificate_not_trusted(&mut self, certificate: Certificate) {
        if let FtpsState::Disconnecting(_) = self.ftps.state {
            // The question crossed the disconnect: the attempt has ended.
            self.disconnected(None);
            return;
        }
        self.ftps.ask_about(certificate);
    }

    /// The portal is logged in to the server.
    pub fn connected(&mut self, connected: Connected) -> Option<ConnectionEvent> {
        let login = self.ftps.log_in(connected)?;
        self.problem = None;
        Some(ConnectionEvent::LoggedIn(login))
    }

    /// A data connection was encrypted.
    pub fn data_encrypted(&mut self, tls: Tls) {
        self.ftps.data_tls = Some(tls);
    }

    /// The portal has no connection to the server any more.
    pub fn disconnected(&mut self, problem: Option<Problem>) -> Option<ConnectionEvent> {
        match (std::mem::take(&mut self.ftps.state), problem) {
            (FtpsState::Disconnecting(next), _) => {
                if let Some(destination) = next {
                    self.connect(destination);
                }
                None
            }
            // The answer to an earlier `disconnect`: a failure would have a problem.
            (connecting @ FtpsState::Connecting(_), None) => {
                self.ftps.state = connecting;
                None
            }
            (_, problem) => {
                self.ftps.give_up();
                self.problem = problem;
                Some(ConnectionEvent::Disconnected)
            }
        }
    }
}
