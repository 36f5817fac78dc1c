//! Actions of the user on the connection, and events of the browser.

use protocol::{Stage, session::SessionCredentials};

use super::{Connection, FtpsState, Network, SocketState, problems};
use crate::{certificate, destination::Destination, time::Millis};

/// How the page continues after a reload.
#[derive(Debug)]
pub enum Resume {
    /// By itself, with the session of the page before.
    Session(SessionCredentials),
    /// There are unfinished uploads, and no session: the user has to log in.
    AskForPassword,
    /// All uploads have ended.
    Nothing,
}

impl Connection {
    /// The user connects.
    pub fn connect(&mut self, destination: Destination) {
        self.problem = None;
        if let FtpsState::Disconnecting(next) = &mut self.ftps.state {
            *next = Some(destination);
            return;
        }
        self.ftps.last = None;
        self.ftps.wanted = Some(destination);
        self.ftps.state = FtpsState::Connecting(Stage::Portal);
        self.socket.reset_attempts();
        match self.socket.state() {
            SocketState::Closed => self.open_socket(),
            SocketState::Lost { .. } => {
                self.session.forget();
                self.open_socket();
            }
            SocketState::Opening | SocketState::Greeting => {}
            SocketState::Open(_) => self.send_connect(),
            SocketState::Outdated => {
                self.ftps.give_up();
                self.problem = Some(problems::outdated());
            }
        }
    }

    /// The device remembers the fingerprint of a trusted certificate. One that the user has trusted
    /// since goes before it.
    pub fn remember_certificate(&mut self, destination: &Destination, fingerprint: String) {
        if self.ftps.trusted.at(destination).is_none() {
            self.ftps.trusted.add(destination, fingerprint);
        }
    }

    /// The user trusts the certificate in question, which has this fingerprint.
    pub fn trust(&mut self, fingerprint: &str) {
        // Without a session, `connect` follows the welcome of the next one.
        if self.ftps.trust(fingerprint) && self.session().is_some() {
            self.send_connect();
        }
    }

    /// The user rejects the certificate in question.
    pub fn reject_certificate(&mut self) {
        if let FtpsState::CertificateQuestion(_) = self.ftps.state {
            self.ftps.give_up();
            self.problem = Some(certificate::rejected());
        }
    }

    /// The user disconnects, or stops connecting.
    pub fn disconnect(&mut self) {
        let portal_connects =
            matches!(self.ftps.state, FtpsState::Connecting(_) | FtpsState::Connected(_));
        let is_open = self.socket.limits().is_some();
        if self.socket.is_opening() {
            self.close_socket();
            self.socket.set_closed();
        } else if let SocketState::Lost { .. } = self.socket.state() {
            self.socket.set_closed();
        }
        if !is_open {
            // The portal ends the session by itself when no page returns to it.
            self.session.forget();
        }
        self.ftps.give_up();
        self.ftps.last = None;
        if portal_connects && is_open {
            self.send_disconnect();
        }
    }

    /// The user reconnects without waiting for the next attempt.
    pub fn retry_now(&mut self) {
        if let SocketState::Lost { .. } = self.socket.state() {
            self.open_socket();
        }
    }

    /// The browser went online or offline.
    pub fn network_changed(&mut self, network: Network, now: Millis) {
        if self.socket.network_changed(network, now) {
            self.open_socket();
        }
    }

    /// Restores what an earlier page of this tab left. If the user has connected already, only the
    /// trusted certificate and the missing home are restored.
    pub fn restore(&mut self, home: Destination, trusted: Option<String>, resume: Resume) {
        if let Some(fingerprint) = trusted {
            self.remember_certificate(&home, fingerprint);
        }
        if self.ftps.wanted.is_some() {
            self.ftps.home.get_or_insert(home);
            return;
        }
        self.ftps.home = Some(home.clone());
        match resume {
            Resume::Session(credentials) => {
                self.session.restore(credentials);
                self.ftps.wanted = Some(home.clone());
                self.ftps.last = Some(home);
                self.ftps.state = FtpsState::Connecting(Stage::Portal);
                self.open_socket();
            }
            Resume::AskForPassword => self.ask_for_password(),
            Resume::Nothing => {}
        }
    }
}
