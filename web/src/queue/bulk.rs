//! What is done with many uploads at once, and what holds for all of them.

use protocol::UploadId;

use super::{ConflictPolicy, Folder, FolderId, OfferOrder, Queue, Row, State};

/// Which uploads are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// Those whose files lie in a folder.
    Folder(FolderId),
}

impl Queue {
    /// What the person chose for files whose name is taken.
    #[must_use]
    pub fn policy(&self) -> ConflictPolicy {
        self.policy
    }

    /// What to do from now on when a name is taken. Questions that are open stay open.
    pub fn set_policy(&mut self, policy: ConflictPolicy) {
        self.policy = policy;
    }

    /// The order in which waiting uploads are offered.
    #[must_use]
    pub fn order(&self) -> OfferOrder {
        self.queued.order()
    }

    /// Offers what waits in another order. The list keeps its own.
    pub fn set_order(&mut self, order: OfferOrder) {
        let uploads = &self.uploads;
        self.queued.sort(order, |row| {
            uploads.get(row.0).and_then(Option::as_ref).map_or(0, |upload| upload.file.size)
        });
    }

    /// Decides every open question, and those that follow.
    pub fn decide_all(&mut self, policy: ConflictPolicy) {
        self.policy = policy;
        for row in self.rows_where(|state| matches!(state, State::NeedsDecision(_))) {
            self.decide(row, policy);
        }
    }

    /// Pauses everything that is queued or on its way; what the portal has to be told to pause.
    pub fn pause_all(&mut self, scope: Scope) -> Vec<UploadId> {
        let rows = self.rows_in(scope, |state| matches!(state, State::Queued | State::Open(_)));
        rows.into_iter().filter_map(|row| self.pause(row)).collect()
    }

    /// Goes on with everything that was paused.
    pub fn resume_all(&mut self, scope: Scope) {
        for row in self.rows_in(scope, |state| matches!(state, State::Paused | State::Open(_))) {
            self.resume(row);
        }
    }

    /// Gives up everything that has not ended; what the portal has to be told to cancel.
    pub fn cancel_all(&mut self, scope: Scope) -> Vec<UploadId> {
        let rows = self.rows_in(scope, |state| match state {
            State::Queued
            | State::Paused
            | State::Open(_)
            | State::Interrupted
            | State::NeedsDecision(_) => true,
            State::Done(_) | State::Skipped(_) | State::Failed(_) => false,
        });
        rows.into_iter().filter_map(|row| self.cancel(row)).collect()
    }

    /// Tries everything again that failed or was interrupted.
    pub fn retry_failed(&mut self, scope: Scope) {
        for row in
            self.rows_in(scope, |state| matches!(state, State::Failed(_) | State::Interrupted))
        {
            self.retry(row);
        }
    }

    /// Takes out of the list what is stored and what was left out; the rows.
    pub fn clear_finished(&mut self) -> Vec<Row> {
        let ended = self.rows_where(|state| matches!(state, State::Done(_) | State::Skipped(_)));
        // A row that was cancelled and is still open at the portal may yet turn out to be stored.
        let cleared: Vec<_> = ended
            .into_iter()
            .filter(|row| !self.open.iter().any(|(_, open)| open == *row))
            .collect();
        self.list_version += 1;
        for row in &cleared {
            self.take_out(*row);
        }
        let uploads = &self.uploads;
        self.indexes.folders.retain(|row| matches!(uploads.get(row.0), Some(Some(_))));
        cleared
    }

    fn rows_in(&self, scope: Scope, fits: impl Fn(&State) -> bool) -> Vec<Row> {
        let Scope::Folder(folder) = scope else { return self.rows_where(fits) };
        let rows = self.folder(folder).map(Folder::rows).unwrap_or_default();
        let fits = |row: &&Row| self.get(**row).is_some_and(|upload| fits(&upload.state));
        rows.iter().filter(fits).copied().collect()
    }

    pub(super) fn rows_where(&self, fits: impl Fn(&State) -> bool) -> Vec<Row> {
        let rows = self.uploads.iter().enumerate();
        let fitting = rows.filter(|(_, upload)| upload.as_ref().is_some_and(|it| fits(&it.state)));
        fitting.map(|(row, _)| Row(row)).collect()
    }
}
