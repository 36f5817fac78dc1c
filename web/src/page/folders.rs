//! Makes the empty folders that the user picked.

use protocol::ClientMessage;

use super::{Effect, Page};

/// The most folders that the portal is asked to make at once, so that they do not delay other
/// requests.
const MAX_REQUESTS: usize = 2;

impl Page {
    /// Asks the portal to make the next folders.
    pub(super) fn make_folders(&mut self) {
        while self.folders_requested.len() < MAX_REQUESTS
            && self.connection.ready().is_some()
            && let Some(path) = self.folders_to_make.pop_front()
        {
            self.folders_requested.push_back(path.clone());
            self.effects.push(Effect::Send(ClientMessage::MakeDirectory { path }));
        }
    }

    /// The portal answered the oldest request.
    pub(super) fn folder_answered(&mut self) {
        self.folders_requested.pop_front();
        self.make_folders();
    }

    /// Drops all folders: they are not made on another server.
    pub(super) fn drop_folders(&mut self) {
        self.folders_to_make.clear();
        self.folders_requested.clear();
    }

    /// Repeats the requests of a lost session.
    pub(super) fn request_folders_again(&mut self) {
        while let Some(path) = self.folders_requested.pop_back() {
            self.folders_to_make.push_front(path);
        }
    }
}
