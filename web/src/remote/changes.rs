//! Changes on the server: folders are made, entries renamed and deleted, each after a dialog.

use protocol::{
    ClientMessage, Problem,
    server::{DeletedCounts, Entry, EntryKind},
};

use super::{
    ChangeDialog, RemoteChange, RemoteCommand, RemoteDirectory, change_dialog, change_texts, order,
};
use crate::path;

impl RemoteDirectory {
    /// Opens the dialog of a command; none without a current entry that it applies to.
    pub fn open_dialog(&mut self, command: RemoteCommand) {
        let current = self.current().cloned();
        let change = match (command, current) {
            (RemoteCommand::MakeDirectory, _) => RemoteChange::MakeDirectory,
            (RemoteCommand::Rename, Some(entry)) if entry.leftover_of.is_none() => {
                RemoteChange::Rename(entry)
            }
            (RemoteCommand::Delete, Some(entry)) => change_dialog::deletion(entry),
            (RemoteCommand::Rename | RemoteCommand::Delete, _) => return,
        };
        self.dialog = Some(ChangeDialog::new(change, self.directory.clone()));
    }

    /// The user confirmed the dialog. Returns the request for the portal.
    pub fn confirm_dialog(&mut self, name: &str) -> Option<ClientMessage> {
        let dialog = self.dialog.as_mut()?;
        let here = dialog.directory() == self.directory;
        let taken = here && self.entries.iter().any(|entry| entry.name == name);
        if let RemoteChange::Rename(entry) = dialog.change()
            && entry.name == name
        {
            // The name is unchanged.
            self.close_dialog();
            return None;
        }
        dialog.confirm(name, taken)
    }

    /// Closes the dialog. A request that was sent is carried out.
    pub fn close_dialog(&mut self) {
        self.dialog = None;
    }

    /// The server carried out a change, which the directory in view shows at once. Returns the
    /// sentence to announce if the user waits for it.
    pub fn done(&mut self, path: &str) -> Option<String> {
        let dialog = self.dialog.take_if(|dialog| dialog.awaits(path))?;
        let new = match dialog.request() {
            Some(ClientMessage::Rename { to, .. }) => path::name(to).to_owned(),
            Some(_) | None => path::name(path).to_owned(),
        };
        let sentence = change_texts::done(dialog.change(), &new);
        if dialog.directory() == self.directory {
            self.apply(dialog.change(), new);
            self.relist();
            self.focus_requests += 1;
        }
        Some(sentence)
    }

    fn apply(&mut self, change: &RemoteChange, new: String) {
        match change {
            RemoteChange::MakeDirectory => {
                self.insert(Entry {
                    name: new.clone(),
                    kind: EntryKind::Directory,
                    size: None,
                    modified_millis: None,
                    leftover_of: None,
                });
                self.cursor.0 = new;
            }
            RemoteChange::Rename(entry) => {
                self.entries.retain(|other| other.name != entry.name);
                self.insert(Entry { name: new.clone(), ..entry.clone() });
                self.cursor.0 = new;
            }
            RemoteChange::Delete(entry)
            | RemoteChange::DeleteAll(entry)
            | RemoteChange::Remove(entry) => {
                self.entries.retain(|other| other.name != entry.name);
            }
        }
        self.rank();
        // The filter must not hide a new entry.
        if !order::holds(&self.cursor.0, &self.filter) {
            self.filter.clear();
        }
    }

    /// Inserts an entry in the portal's order.
    fn insert(&mut self, entry: Entry) {
        let is_before = |other: &Entry| (other.kind, &other.name) < (entry.kind, &entry.name);
        let position = self.entries.partition_point(is_before);
        self.entries.insert(position, entry);
    }

    /// The server or the portal refused a change. Returns whether the dialog shows why.
    pub fn refused(
        &mut self,
        path: &str,
        problem: &Problem,
        part: Option<(DeletedCounts, Option<DeletedCounts>)>,
    ) -> bool {
        let dialog = self.dialog.as_mut().filter(|dialog| dialog.awaits(path));
        dialog.map(|dialog| dialog.fail(problem.clone(), part)).is_some()
    }

    /// A directory that was to be deleted is not empty. Returns whether the user is asked again.
    pub fn not_empty(&mut self, path: &str) -> bool {
        let dialog = self.dialog.as_mut().filter(|dialog| dialog.awaits(path));
        dialog.is_some_and(ChangeDialog::is_not_empty)
    }

    /// The connection ended: it will not be answered.
    pub fn unanswered(&mut self) {
        if let Some(dialog) = &mut self.dialog {
            dialog.break_off();
        }
    }
}
