//! The folder that the page opens after a login, and the decision that is due if it cannot be opened.

use protocol::{ClientMessage, Problem};

use super::{Effect, Page, Region};
use crate::{path, recent::RecentDestination, remote};

/// The folder to start in.
#[derive(Debug, Default)]
pub(super) enum StartFolder {
    /// Files go to the folder in view.
    #[default]
    Settled,
    /// Its listing was requested: the path on the server.
    Awaited(String),
    /// It could not be opened: the user decides where files go.
    Missing(String),
}

/// Where files go instead of a start folder that could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartFolderChoice {
    /// The folder is created.
    Create,
    /// The folder in view is used.
    UseFolderInView,
}

impl Page {
    /// Returns the path of the start folder if it could not be opened, and the user has not decided.
    pub(super) fn missing_start_folder(&self) -> Option<&str> {
        match &self.start_folder {
            StartFolder::Missing(path) => Some(path),
            StartFolder::Settled | StartFolder::Awaited(_) => None,
        }
    }

    /// Enters the folder that the user asked for, once it is known to exist. Returns the path to
    /// list first.
    pub(super) fn enter_start_folder(&mut self, directory: String) -> Option<String> {
        self.start_folder = StartFolder::Settled;
        let Some(folder) = self.start_in.take() else { return self.remote.enter(directory) };
        let wanted = match folder.as_str() {
            "" => None,
            folder if folder.starts_with('/') => Some(folder.to_owned()),
            folder => Some(path::join(&directory, folder)),
        };
        self.remember(folder);
        let wanted = wanted.filter(|wanted| *wanted != directory);
        let first = self.remote.enter(directory);
        if let Some(wanted) = wanted {
            self.start_folder = StartFolder::Awaited(wanted);
            self.list_awaited_start();
        }
        first
    }

    /// Lists the start folder after the directory in view, which stays if this listing fails.
    pub(super) fn list_awaited_start(&mut self) {
        if let StartFolder::Awaited(path) = &self.start_folder {
            self.remote.go(path.clone());
        }
    }

    /// A listing of `path` arrived.
    pub(super) fn start_folder_listed(&mut self, path: &str) {
        if self.is_awaited_start(path) {
            self.start_folder = StartFolder::Settled;
        }
    }

    /// `path` could not be listed: a start folder is not opened the next time, and the user decides
    /// where files go.
    pub(super) fn start_folder_not_listed(&mut self, path: &str, problem: &mut Problem) {
        if self.is_awaited_start(path) {
            self.start_folder = StartFolder::Missing(path.to_owned());
            problem.message = remote::wording::no_start_folder(path, &problem.message);
            self.announce(problem.message.clone());
            self.remember(String::new());
        }
    }

    fn is_awaited_start(&mut self, path: &str) -> bool {
        // The connect steps are drawn with the connection.
        self.changed.insert(Region::Connection);
        matches!(&self.start_folder, StartFolder::Awaited(awaited) if awaited == path)
    }

    /// The user decided where files go.
    pub(super) fn choose_start_folder(&mut self, choice: StartFolderChoice) {
        self.changed.extend([Region::Connection, Region::Remote]);
        let Some(path) = self.missing_start_folder().map(str::to_owned) else { return };
        match choice {
            StartFolderChoice::UseFolderInView => self.settle_start_folder(),
            StartFolderChoice::Create => {
                self.folders_requested.push_back(path.clone());
                self.effects.push(Effect::Send(ClientMessage::MakeDirectory { path }));
            }
        }
    }

    /// The user chose a folder.
    pub(super) fn settle_start_folder(&mut self) {
        self.changed.insert(Region::Connection);
        self.start_folder = StartFolder::Settled;
        self.remote.clear_problem();
    }

    /// A folder was made: opens it if it is the missing start folder.
    pub(super) fn open_made_start_folder(&mut self, path: &str) {
        if self.missing_start_folder() == Some(path) {
            self.remember(path.to_owned());
            self.start_folder = StartFolder::Awaited(path.to_owned());
            let path = self.remote.go(path.to_owned());
            self.list(path);
        }
    }

    /// Remembers the destination with its start folder.
    fn remember(&mut self, folder: String) {
        if let Some(destination) = self.connection.wanted().cloned() {
            let certificate = self.connection.trusted_at(&destination).cloned();
            let recent = RecentDestination { destination, folder, certificate };
            self.effects.push(Effect::Remember(recent));
        }
    }
}
