//! What the page does when its connection changes.

use protocol::{ClientMessage, Problem};

use super::{Effect, Page, Region};
use crate::{
    connection::{self, ConnectionEvent, FtpsState, SocketState},
    format, path,
    queue::Outage,
    recent::RecentDestination,
    remote,
    time::Millis,
};

impl Page {
    pub(super) fn disconnect(&mut self) {
        self.connection.disconnect();
        self.queue.disconnected();
        self.remote.leave();
        self.forget_digests();
        self.drop_folders();
        self.changed.extend([Region::Connection, Region::Remote]);
        self.announce(connection::wording::disconnected().to_owned());
    }

    /// The portal is logged in to the server; `directory` is the login's directory.
    pub(super) fn connected(&mut self, event: Option<ConnectionEvent>, directory: String) {
        let Some(ConnectionEvent::Connected { again }) = event else {
            return;
        };
        let path = if again {
            self.announce(connection::wording::restored().to_owned());
            let before = self.remote.directory().to_owned();
            if before.is_empty() {
                self.enter_start_folder(directory)
            } else {
                self.remote.enter(before)
            }
        } else {
            // Uploads for another server do not continue by themselves.
            self.queue.disconnected();
            self.queue.moved(&directory);
            if let FtpsState::Connected(connected) = self.connection.ftps() {
                let sentence = connection::wording::connected_to(&connected.host);
                self.announce(sentence);
            }
            self.enter_start_folder(directory)
        };
        self.changed.insert(Region::Connection);
        self.list(path);
        self.make_folders();
    }

    /// Enters the folder that the person asked for, once it is known to exist. Returns the path to
    /// list first.
    fn enter_start_folder(&mut self, directory: String) -> Option<String> {
        let Some(folder) = self.start_in.take() else { return self.remote.enter(directory) };
        let wanted = match folder.as_str() {
            "" => None,
            folder if folder.starts_with('/') => Some(folder.to_owned()),
            folder => Some(path::join(&directory, folder)),
        };
        self.remember(folder);
        self.awaited_start = wanted.filter(|wanted| *wanted != directory);
        let first = self.remote.enter(directory);
        if let Some(wanted) = &self.awaited_start {
            // Listed after the login's directory, which stays in view if this listing fails.
            self.remote.go(wanted.clone());
        }
        first
    }

    /// Returns whether an answer about `path` is the one about the start folder.
    pub(super) fn is_start_answer(&mut self, path: &str) -> bool {
        // The connect steps are drawn with the connection.
        self.changed.insert(Region::Connection);
        self.awaited_start.take_if(|awaited| awaited == path).is_some()
    }

    /// The start folder does not exist: it is not opened the next time.
    pub(super) fn start_folder_missing(&mut self, path: &str, problem: &mut Problem) {
        problem.message = remote::wording::no_start_folder(path, &problem.message);
        self.announce(problem.message.clone());
        self.remember(String::new());
    }

    fn remember(&mut self, folder: String) {
        if let Some(destination) = self.connection.wanted().cloned() {
            self.effects.push(Effect::Remember(RecentDestination { destination, folder }));
        }
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
            Some(ConnectionEvent::Connected { .. }) | None => self.update_outage(now),
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
