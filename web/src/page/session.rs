//! Handles changes of the connection.

use protocol::{
    ClientMessage, Problem,
    server::{Connected, Limits, LogLine},
    session::SessionCredentials,
};

use super::{Effect, Page, Region};
use crate::{
    connection::{self, Connection, ConnectionEvent, FtpsState, Login, Network, SocketState},
    format,
    queue::{Interruption, Outage, ResumeScope},
    time::Millis,
};

impl Page {
    /// Changes the connection in a way that concerns no other part of the page.
    pub(super) fn change_connection(&mut self, change: impl FnOnce(&mut Connection)) {
        change(&mut self.connection);
        self.changed.insert(Region::Connection);
    }

    /// The user disconnects, or stops connecting.
    pub(super) fn disconnect(&mut self) {
        self.connection.disconnect();
        self.queue.disconnected(Interruption::UserDisconnected);
        self.remote.leave();
        self.forget_digests();
        self.drop_folders();
        self.changed.extend([Region::Connection, Region::Remote]);
        self.announce(connection::wording::disconnected().to_owned());
    }

    /// The user reconnects without waiting for the next attempt.
    pub(super) fn reconnect_now(&mut self, now: Millis) {
        self.connection.retry_now();
        self.update_outage(now);
        self.changed.insert(Region::Connection);
    }

    /// The browser went online or offline.
    pub(super) fn network_changed(&mut self, network: Network, now: Millis) {
        self.connection.network_changed(network, now);
        self.update_outage(now);
        self.changed.insert(Region::Connection);
    }

    pub(super) fn socket_opened(&mut self) {
        self.connection.socket_opened(self.log.next_seq());
    }

    pub(super) fn socket_closed(&mut self, now: Millis, jitter: f64) {
        let change = self.connection.socket_closed(now, jitter);
        self.connection_changed(change, now);
    }

    /// The portal speaks another protocol version.
    pub(super) fn portal_outdated(&mut self, problem: Problem, now: Millis) {
        let change = self.connection.outdated(problem);
        self.connection_changed(change, now);
    }

    /// The portal sent `welcome`, with the credentials of a session that it created.
    pub(super) fn welcome(
        &mut self,
        new: Option<SessionCredentials>,
        limits: Limits,
        received: u64,
        connected: Option<Connected>,
        now: Millis,
    ) {
        let directory = connected.as_ref().map(|connected| connected.directory.clone());
        let change = self.connection.welcome(new, limits, received, connected, now);
        if change == Some(ConnectionEvent::SocketRestored) {
            self.log.resume_session(limits.max_log_lines);
        } else {
            self.log.new_session(limits.max_log_lines);
        }
        match (change, directory) {
            (Some(ConnectionEvent::LoggedIn(login)), Some(directory)) => {
                self.enter_server(login, directory);
            }
            (change, _) => self.connection_changed(change, now),
        }
    }

    /// The portal acknowledged messages.
    pub(super) fn acked(&mut self, messages: u64, now: Millis) {
        let change = self.connection.acked(messages);
        if change.is_some() {
            self.connection_changed(change, now);
        }
    }

    pub(super) fn taken_over(&mut self, now: Millis) {
        let change = self.connection.taken_over();
        self.connection_changed(change, now);
    }

    pub(super) fn goodbye(&mut self, problem: Problem, now: Millis) {
        let change = self.connection.goodbye(problem);
        self.connection_changed(change, now);
    }

    /// The portal is logged in to a server.
    pub(super) fn logged_in(&mut self, connected: Connected) {
        let directory = connected.directory.clone();
        if let Some(ConnectionEvent::LoggedIn(login)) = self.connection.connected(connected) {
            self.enter_server(login, directory);
        }
    }

    /// The portal has no connection to the server any more.
    pub(super) fn disconnected(&mut self, problem: Option<Problem>, now: Millis) {
        let change = self.connection.disconnected(problem);
        self.connection_changed(change, now);
    }

    pub(super) fn log_lines(&mut self, lines: Vec<LogLine>, now: Millis) {
        self.log.extend(lines);
        self.announce_error(now);
    }

    /// Opens a directory of the server after a login; `directory` is the login's directory.
    fn enter_server(&mut self, login: Login, directory: String) {
        if let FtpsState::Connected(connected) = self.connection.ftps() {
            self.queue.set_resume_scope(ResumeScope::of(connected.digest));
        }
        let path = match login {
            Login::Restored => {
                self.queue.reconnected();
                self.enter_last_folder(directory)
            }
            Login::First => {
                // Uploads for another server do not continue by themselves.
                self.queue.disconnected(Interruption::Break);
                self.queue.moved(&directory);
                self.announce_server();
                self.enter_start_folder(directory)
            }
        };
        self.changed.insert(Region::Connection);
        self.list(path);
        self.make_folders();
    }

    fn announce_server(&mut self) {
        if let FtpsState::Connected(connected) = self.connection.ftps() {
            let sentence = connection::wording::connected_to(&connected.host);
            self.announce(sentence);
        }
    }

    /// Enters the directory that was in view before the connection was lost. Returns the path to
    /// list first.
    fn enter_last_folder(&mut self, directory: String) -> Option<String> {
        self.announce(connection::wording::restored().to_owned());
        let before = self.remote.directory().to_owned();
        let wants_other = self.start_in.as_ref().is_some_and(|folder| !folder.is_empty());
        if before.is_empty() || wants_other {
            return self.enter_start_folder(directory);
        }
        self.start_in = None;
        let first = self.remote.enter(before);
        self.list_awaited_start();
        first
    }

    /// Reacts to a change of the connection.
    pub(super) fn connection_changed(&mut self, event: Option<ConnectionEvent>, now: Millis) {
        self.changed.extend([Region::Connection, Region::Remote]);
        match event {
            Some(ConnectionEvent::SocketLost) => {
                self.update_outage(now);
                self.announce(connection::wording::reconnecting().to_owned());
            }
            Some(ConnectionEvent::SocketRestored) => {
                self.queue.end_outage();
                self.announce(connection::wording::restored().to_owned());
            }
            Some(ConnectionEvent::SessionLost) => {
                self.remote.unanswered();
                self.forget_digests();
                self.queue.session_lost();
                self.request_folders_again();
            }
            Some(ConnectionEvent::SessionEnded) => self.session_ended(),
            Some(ConnectionEvent::Disconnected) => {
                self.remote.unanswered();
                self.drop_folders();
                if let Some(problem) = self.connection.problem() {
                    let sentence = problem.message.clone();
                    self.announce(format::visible(&sentence).into_owned());
                }
            }
            Some(ConnectionEvent::LoggedIn(_)) | None => self.update_outage(now),
        }
    }

    fn session_ended(&mut self) {
        self.remote.unanswered();
        self.forget_digests();
        self.drop_folders();
        self.check_open_files();
        if self.queue.session_ended() > 0 {
            self.announce(connection::wording::retry_to_continue().to_owned());
        }
    }

    /// Shows the open uploads when the next attempt to reconnect comes.
    pub(super) fn update_outage(&mut self, now: Millis) {
        let is_lost = matches!(self.connection.socket(), SocketState::Lost { .. });
        if is_lost || self.queue.outage().is_some() {
            self.queue.set_outage(Outage { retry_in: self.connection.next_retry_in(now) });
        }
    }

    /// Redraws the directory in view, and requests the listing of `path` if there is one.
    pub(super) fn list(&mut self, path: Option<String>) {
        self.changed.insert(Region::Remote);
        if let Some(path) = path {
            self.effects.push(Effect::Send(ClientMessage::List { path }));
        }
    }
}
