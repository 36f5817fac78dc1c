//! The user's actions on the directory in view, and the portal's answers.

use protocol::{
    ClientMessage, Problem,
    server::{DeletedCounts, Entry},
};

use super::{Effect, Page, Region, announcements};
use crate::{remote::RemoteAction, time::Millis};

impl Page {
    /// Carries out an action on the directory in view.
    pub(super) fn act_on_remote(&mut self, action: RemoteAction) {
        self.changed.insert(Region::Remote);
        match action {
            RemoteAction::GoTo(path) => {
                self.settle_start_folder();
                let path = self.remote.go(path);
                self.list(path);
            }
            RemoteAction::MoveCursor(to) => self.remote.move_cursor(to),
            RemoteAction::Seek(letter) => self.remote.seek(letter),
            RemoteAction::PointAt(row) => self.remote.point_at(row),
            RemoteAction::Sort(sort) => self.remote.sort(sort),
            RemoteAction::Filter(text) => self.remote.filter(text),
            RemoteAction::DragOver(row) => self.remote.set_drag_over(row),
            RemoteAction::OpenDialog(command) => self.remote.open_dialog(command),
            RemoteAction::ConfirmDialog(name) => self.confirm_dialog(&name),
            RemoteAction::CloseDialog => self.remote.close_dialog(),
        }
    }

    /// Refreshes the directory in view.
    pub(super) fn refresh(&mut self) {
        let path = self.remote.refresh();
        self.list(path);
    }

    pub(super) fn refresh_if_due(&mut self, now: Millis) {
        let is_due = self.remote.refresh_at().is_some_and(|at| at <= now);
        if is_due && !self.remote.is_loading() && self.connection.ready().is_some() {
            self.refresh();
        }
    }

    pub(super) fn open_directory(&mut self, name: &str) {
        self.settle_start_folder();
        let path = self.remote.open(name);
        self.list(path);
    }

    pub(super) fn open_parent(&mut self) {
        self.settle_start_folder();
        let path = self.remote.up();
        self.list(path);
    }

    fn confirm_dialog(&mut self, name: &str) {
        let Some(message) = self.remote.confirm_dialog(name) else { return };
        if self.connection.session().is_none() {
            // Without a session the request is not sent later either.
            return self.remote.unanswered();
        }
        if let ClientMessage::MakeDirectory { path } = &message {
            // The portal answers it in turn with the folders of uploads.
            self.folders_requested.push_back(path.clone());
        }
        self.effects.push(Effect::Send(message));
    }

    /// The portal listed a directory.
    pub(super) fn listed(&mut self, path: String, entries: Vec<Entry>, left_out: u64, now: Millis) {
        self.start_folder_listed(&path);
        self.connect_steps.listed(now);
        let next = self.remote.listed(path, entries, left_out);
        self.list(next);
    }

    /// The directory can be uploaded to, but the server does not list it.
    pub(super) fn listing_hidden(&mut self, path: String, problem: Problem, now: Millis) {
        self.start_folder_listed(&path);
        self.connect_steps.listed(now);
        let next = self.remote.listing_hidden(path, problem);
        self.list(next);
    }

    /// The portal could not list a directory.
    pub(super) fn not_listed(&mut self, path: &str, mut problem: Problem, now: Millis) {
        self.connect_steps.listing_failed(now);
        self.start_folder_not_listed(path, &mut problem);
        let next = self.remote.failed(problem);
        self.list(next);
    }

    pub(super) fn directory_made(&mut self, path: &str, now: Millis) {
        self.folder_answered();
        self.remote_done(path, now);
        self.open_made_start_folder(path);
    }

    pub(super) fn directory_not_made(&mut self, path: &str, problem: &Problem) {
        self.folder_answered();
        self.remote_refused(path, problem, None, announcements::folder_not_made);
    }

    /// A part file was removed.
    pub(super) fn leftover_removed(&mut self, path: &str, now: Millis) {
        self.queue.leftover_removed(path);
        self.remote_done(path, now);
    }

    /// A part file could not be removed.
    pub(super) fn leftover_kept(&mut self, path: &str, problem: &Problem) {
        self.queue.leftover_kept(path);
        self.remote_refused(path, problem, None, announcements::leftover_not_removed);
    }

    pub(super) fn not_renamed(&mut self, path: &str, problem: &Problem) {
        self.remote_refused(path, problem, None, announcements::not_changed);
    }

    /// An entry was not deleted, or only in part: the counts say what is deleted and what is left.
    pub(super) fn not_deleted(
        &mut self,
        path: &str,
        problem: &Problem,
        part: (DeletedCounts, Option<DeletedCounts>),
        now: Millis,
    ) {
        self.remote_refused(path, problem, Some(part), announcements::not_changed);
        self.remote.changed(now);
    }

    /// An entry on the server was made, renamed or deleted.
    pub(super) fn remote_done(&mut self, path: &str, now: Millis) {
        self.changed.insert(Region::Remote);
        match self.remote.done(path) {
            Some(sentence) => {
                self.announce(sentence);
                self.refresh();
            }
            None => self.remote.changed(now),
        }
    }

    /// A change was refused: the dialog that waits for it shows why; without one, `sentence` becomes a
    /// notice.
    fn remote_refused(
        &mut self,
        path: &str,
        problem: &Problem,
        part: Option<(DeletedCounts, Option<DeletedCounts>)>,
        sentence: impl FnOnce(&str, &Problem) -> String,
    ) {
        self.changed.insert(Region::Remote);
        if !self.remote.refused(path, problem, part) {
            self.notice(sentence(path, problem));
        }
    }

    /// A directory that was to be deleted is not empty. Returns whether the user is asked again.
    pub(super) fn remote_not_empty(&mut self, path: &str) -> bool {
        self.changed.insert(Region::Remote);
        self.remote.not_empty(path)
    }
}
