//! Actions on many uploads, and settings for all of them.

use protocol::UploadId;

use super::{ConflictPolicy, Folder, FolderId, OfferOrder, Queue, ResumeScope, Row, State, Upload};
use crate::path::Collation;

/// The uploads that an action applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// Those in one folder.
    Folder(FolderId),
}

impl Queue {
    /// Returns the user's choice for files whose name is taken.
    #[must_use]
    pub fn policy(&self) -> ConflictPolicy {
        self.policy
    }

    /// Sets the policy for later conflicts. Open questions stay open.
    pub fn set_policy(&mut self, policy: ConflictPolicy) {
        self.policy = policy;
    }

    /// Sets how many existing files one decision may resume at the server.
    pub fn set_resume_scope(&mut self, scope: ResumeScope) {
        self.resume_scope = scope;
    }

    /// Returns what the user's choice means for a file that the user has not decided about.
    pub(super) fn policy_for_any(&self) -> ConflictPolicy {
        match (self.policy, self.resume_scope) {
            (ConflictPolicy::Resume, ResumeScope::One) => ConflictPolicy::Ask,
            (policy, _) => policy,
        }
    }

    /// Returns the order in which queued uploads are offered.
    #[must_use]
    pub fn order(&self) -> OfferOrder {
        self.queued.order()
    }

    /// Sets the order in which uploads are listed, and offered while they are queued.
    pub fn set_order(&mut self, order: OfferOrder) {
        self.queued.set_order(order);
        self.sort();
    }

    /// Sets the order of names.
    pub fn set_collation(&mut self, collation: Collation) {
        self.collation = Some(collation);
    }

    /// Sorts the uploads anew if their names decide about the order.
    pub(super) fn sort_names(&mut self) {
        if let OfferOrder::ByName = self.order() {
            self.sort();
        }
    }

    fn sort(&mut self) {
        self.list_version += 1;
        self.rank_names();
        for row in self.queued.take() {
            self.enqueue(Some(row));
        }
    }

    fn rank_names(&mut self) {
        self.name_ranks.clear();
        if let (OfferOrder::ByName, Some(collation)) = (self.order(), self.collation) {
            let name = |row| self.get(Row(row)).map_or("", Upload::path);
            let names: Vec<_> = (0..self.uploads.len()).map(name).collect();
            self.name_ranks = collation(&names);
        }
    }

    /// Returns the place of a row in the chosen order; rows of the same place are in the order of
    /// picking.
    #[must_use]
    pub fn rank(&self, row: Row) -> u64 {
        let size = || self.get(row).map_or(0, Upload::size);
        match self.order() {
            OfferOrder::AsDropped => 0,
            OfferOrder::SmallestFirst => size(),
            OfferOrder::LargestFirst => u64::MAX - size(),
            OfferOrder::ByName => self.name_ranks.get(row.0).copied().unwrap_or(u64::MAX),
        }
    }

    /// Decides every open question and later ones.
    pub fn decide_all(&mut self, policy: ConflictPolicy) {
        self.policy = policy;
        let policy = self.policy_for_any();
        for row in self.rows_where(State::needs_decision) {
            self.decide(row, policy);
        }
    }

    /// Pauses all uploads that are queued or open. Returns the ids that the portal has to be told to
    /// pause.
    pub fn pause_all(&mut self, scope: Scope) -> Vec<UploadId> {
        let rows = self.rows_in(scope, State::is_under_way);
        rows.into_iter().filter_map(|row| self.pause(row)).collect()
    }

    /// Resumes all paused uploads.
    pub fn resume_all(&mut self, scope: Scope) {
        for row in self.rows_in(scope, |state| matches!(state, State::Paused | State::Open(_))) {
            self.resume(row);
        }
    }

    /// Cancels all unfinished uploads; failed ones stay. Returns the ids that the portal has to be
    /// told to cancel.
    pub fn cancel_all(&mut self, scope: Scope) -> Vec<UploadId> {
        let rows = self.rows_in(scope, State::is_unfinished);
        rows.into_iter().filter_map(|row| self.cancel(row)).collect()
    }

    /// Retries all uploads that failed or were interrupted.
    pub fn retry_failed(&mut self, scope: Scope) {
        for row in self.rows_in(scope, State::is_failed_or_interrupted) {
            self.retry(row);
        }
    }

    /// Clears stored and skipped uploads from the list. Returns their rows.
    pub fn clear_finished(&mut self) -> Vec<Row> {
        let finished = self.rows_where(State::is_finished);
        // A cancelled upload that is still open at the portal may turn out to be stored.
        let cleared: Vec<_> =
            finished.into_iter().filter(|row| !self.is_known_to_portal(*row)).collect();
        for row in &cleared {
            self.clear(*row);
        }
        self.forget_cleared();
        cleared
    }

    fn rows_in(&self, scope: Scope, applies: impl Fn(&State) -> bool) -> Vec<Row> {
        let Scope::Folder(folder) = scope else { return self.rows_where(applies) };
        let rows = self.folder(folder).map(Folder::rows).unwrap_or_default();
        let applies = |row: &&Row| self.get(**row).is_some_and(|upload| applies(&upload.state));
        rows.iter().filter(applies).copied().collect()
    }

    pub(super) fn rows_where(&self, applies: impl Fn(&State) -> bool) -> Vec<Row> {
        let rows = self.uploads.iter().enumerate();
        let found = rows.filter(|(_, upload)| upload.as_ref().is_some_and(|it| applies(&it.state)));
        found.map(|(row, _)| Row(row)).collect()
    }
}
