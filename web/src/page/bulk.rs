//! What a person does with one upload, and with all of them.

use protocol::{ClientMessage, UploadId};

use super::{Action, Bulk, Effect, Page, Part};
use crate::{
    queue::{Folder, Order, Policy, Row, Scope},
    words,
};

impl Page {
    /// Does something with one upload.
    pub(super) fn act(&mut self, row: Row, action: Action) {
        match action {
            Action::Pause => {
                if let Some(upload) = self.queue.pause(row) {
                    self.say_pause(upload);
                }
            }
            Action::Resume => self.queue.resume(row),
            Action::Retry => self.queue.retry(row),
            Action::Decide(policy) => self.queue.decide(row, policy),
            Action::DecideAll(policy) => {
                self.queue.decide_all(policy);
                self.changed.insert(Part::Totals);
            }
            Action::Cancel => {
                if let Some(upload) = self.queue.cancel(row) {
                    self.say_cancel(upload);
                }
            }
        }
    }

    /// Does something with many uploads, and says so.
    pub(super) fn act_on(&mut self, scope: Scope, bulk: Bulk) {
        let folder = match scope {
            Scope::All => None,
            Scope::Folder(folder) => self.queue.folder(folder).map(Folder::path),
        };
        let said = words::acted_on(folder, bulk);
        match bulk {
            Bulk::Pause => {
                for upload in self.queue.pause_all(scope) {
                    self.say_pause(upload);
                }
            }
            Bulk::Resume => self.queue.resume_all(scope),
            Bulk::Cancel => {
                for upload in self.queue.cancel_all(scope) {
                    self.say_cancel(upload);
                }
            }
            Bulk::RetryFailed => self.queue.retry_failed(scope),
            Bulk::ClearFinished => {
                let cleared = self.queue.clear_finished();
                self.announce(words::cleared(cleared.len()));
                self.effects.push(Effect::Forget(cleared));
            }
        }
        if let Some(said) = said {
            self.announce(said);
        }
    }

    /// What to do from now on when a name is taken.
    pub(super) fn set_policy(&mut self, policy: Policy) {
        self.queue.set_policy(policy);
        self.changed.insert(Part::Totals);
    }

    /// Offers what waits in another order.
    pub(super) fn set_order(&mut self, order: Order) {
        self.queue.set_order(order);
    }

    /// Has removed what nobody goes on with, as soon as that can be done.
    pub(super) fn remove_leftovers(&mut self) {
        if self.connection.ready().is_some() {
            let leftovers = self.queue.take_leftovers().into_iter();
            self.effects.extend(leftovers.map(|path| Effect::Say(ClientMessage::Remove { path })));
        }
    }

    pub(super) fn say_pause(&mut self, upload: UploadId) {
        self.forget_digest(upload);
        self.effects.push(Effect::Say(ClientMessage::Pause { upload }));
    }

    fn say_cancel(&mut self, upload: UploadId) {
        self.forget_digest(upload);
        self.effects.push(Effect::Say(ClientMessage::Cancel { upload }));
    }
}
