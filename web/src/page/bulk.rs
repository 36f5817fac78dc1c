//! The user's actions on one upload and on many.

use protocol::{ClientMessage, UploadId};

use super::{BulkAction, Effect, Page, Region, UploadAction, announcements};
use crate::queue::{ConflictPolicy, Folder, OfferOrder, Row, Scope};

impl Page {
    /// Carries out an action on one upload.
    pub(super) fn act(&mut self, row: Row, action: UploadAction) {
        match action {
            UploadAction::Pause => {
                if let Some(upload) = self.queue.pause(row) {
                    self.send_pause(upload);
                }
            }
            UploadAction::Resume => self.queue.resume(row),
            UploadAction::Retry => self.queue.retry(row),
            UploadAction::Shorten => self.queue.shorten(row),
            UploadAction::Decide(policy) => self.queue.decide(row, policy),
            UploadAction::DecideAll(policy) => {
                self.decide_all(policy);
                // Where one decision may not resume all of them, it is about this file.
                self.queue.decide(row, policy);
            }
            UploadAction::Remove => {
                if self.queue.remove(row) {
                    self.announce(announcements::cleared(1));
                    self.effects.push(Effect::ForgetRows(vec![row]));
                }
            }
            UploadAction::Cancel => {
                if let Some(upload) = self.queue.cancel(row) {
                    self.send_cancel(upload);
                }
            }
        }
    }

    /// Carries out an action on many uploads, and announces it.
    pub(super) fn act_on(&mut self, scope: Scope, bulk: BulkAction) {
        let folder = match scope {
            Scope::All => None,
            Scope::Folder(folder) => self.queue.folder(folder).map(Folder::path),
        };
        let announcement = announcements::bulk_action(folder, bulk);
        match bulk {
            BulkAction::Pause => {
                for upload in self.queue.pause_all(scope) {
                    self.send_pause(upload);
                }
            }
            BulkAction::Resume => self.queue.resume_all(scope),
            BulkAction::Cancel => {
                for upload in self.queue.cancel_all(scope) {
                    self.send_cancel(upload);
                }
            }
            BulkAction::RetryFailed => self.queue.retry_failed(scope),
            BulkAction::ClearFinished => {
                let cleared = self.queue.clear_finished();
                self.announce(announcements::cleared(cleared.len()));
                self.effects.push(Effect::ForgetRows(cleared));
            }
        }
        if let Some(announcement) = announcement {
            self.announce(announcement);
        }
    }

    /// Decides about all files that the server has already, and about later ones.
    pub(super) fn decide_all(&mut self, policy: ConflictPolicy) {
        self.queue.decide_all(policy);
        self.changed.insert(Region::Totals);
    }

    /// Sets the policy for later conflicts.
    pub(super) fn set_policy(&mut self, policy: ConflictPolicy) {
        self.queue.set_policy(policy);
        self.changed.insert(Region::Totals);
    }

    /// Sets the order of queued uploads.
    pub(super) fn set_order(&mut self, order: OfferOrder) {
        self.queue.set_order(order);
        self.changed.insert(Region::Totals);
    }

    /// Has abandoned part files removed, once there is a connection.
    pub(super) fn remove_leftovers(&mut self) {
        if self.connection.ready().is_some() {
            let leftovers = self.queue.take_leftovers().into_iter();
            self.effects.extend(leftovers.map(|path| Effect::Send(ClientMessage::Remove { path })));
        }
    }

    pub(super) fn send_pause(&mut self, upload: UploadId) {
        self.forget_digest(upload);
        self.effects.push(Effect::Send(ClientMessage::Pause { upload }));
    }

    fn send_cancel(&mut self, upload: UploadId) {
        self.forget_digest(upload);
        self.effects.push(Effect::Send(ClientMessage::Cancel { upload }));
    }
}
