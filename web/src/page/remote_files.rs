//! The person's actions on the directory in view, and the portal's answers.

use protocol::{ClientMessage, Problem, server::DeletedCounts};

use super::{Effect, Page, Region};
use crate::{remote::RemoteAction, time::Millis};

impl Page {
    /// Carries out an action on the directory in view.
    pub(super) fn act_on_remote(&mut self, action: RemoteAction) {
        self.changed.insert(Region::Remote);
        match action {
            RemoteAction::GoTo(path) => {
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
    pub(super) fn remote_refused(
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

    /// A directory that was to be deleted is not empty. Returns whether the person is asked again.
    pub(super) fn remote_not_empty(&mut self, path: &str) -> bool {
        self.changed.insert(Region::Remote);
        self.remote.not_empty(path)
    }
}
