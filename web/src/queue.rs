//! The uploads: it takes events, and returns offers and chunks.
//!
//! The queue knows each file and its progress; it reads no file and sends nothing. Rows keep their
//! place, in the order of picking, until the user clears the finished ones. A retried row is
//! offered under a new [`UploadId`]; answers to the old id no longer reach it.
//!
//! ```text
//!    picked; or Unplaced until a login,     restored from an earlier page
//!      │     or NameTooLong until a decision       │
//!      ▼     pause          resume                 ▼
//!   Queued ────────▶ Paused ──────▶ Queued    Interrupted ── file found ──▶ Queued or Paused
//!      │                ▲
//!      │ offer          │ Paused, as the user wanted it
//!      ▼                │
//!    Open ──────────────┤ Paused, unasked; the session ended ─────────▶ Interrupted
//!      │ Offered        │ the session was lost ───────────────────────▶ Queued
//!      │ Sending        │ Done ───────────────────────────────────────▶ Done
//!      │ Verifying      │ Conflict, by the policy ────────────────────▶ Queued, Skipped, NeedsDecision
//!      │ Retrying       │ Failed; the file is unreadable ─────────────▶ Failed
//!      │                │ Failed, the name is too long ───────────────▶ NameTooLong
//!      └────────────────┘ Cancelled ──────────────────────────────────▶ Skipped
//!
//!   restored: Failed too, which is queued once its file is found
//!   retry:   Interrupted, Skipped, Failed, NeedsDecision ──▶ Queued
//!   cancel:  everything but Done and Skipped ──▶ Skipped (stored after all ──▶ Done)
//!   remove:  everything that is not open at the portal leaves the list
//! ```

use std::rc::Rc;

use protocol::UploadId;

pub use self::{
    bulk::Scope,
    conflict::{Comparison, ConflictPolicy, ResumeScope, size_and_date},
    editing::NameProblem,
    folders::{Folder, FolderId, folder_label},
    groups::{Group, GroupRows},
    matching::RowMatch,
    offer_queue::OfferOrder,
    open_upload::{Credit, OpenUpload, PauseState, Phase},
    outage::Outage,
    rows::{Row, Rows},
    saved_row::SavedRow,
    sending::{Chunk, NextChunk},
    state::{Skipped, State, Stored},
    totals::{Pace, Totals},
    upload::{FileAccess, Interruption, PickedFile, Upload},
};
use self::{
    indexes::{Contribution, Indexes},
    leftovers::Leftovers,
    offer_queue::OfferQueue,
    rows::OpenUploads,
};
use crate::{
    path::{self, Collation},
    rate::Rate,
};

mod actions;
mod answers;
mod bulk;
mod conflict;
pub mod digest_texts;
mod editing;
mod folders;
mod groups;
mod indexes;
mod leftovers;
mod matching;
mod name_limit;
mod offer_queue;
mod offers;
mod open_upload;
mod outage;
pub mod problems;
mod restore;
mod rows;
mod saved_row;
mod sending;
mod state;
pub mod status;
pub mod totals;
mod upload;

/// The uploads, in the order of picking.
#[derive(Debug, Default)]
pub struct Queue {
    /// By row; `None` for a row that was cleared from the list.
    uploads: Vec<Option<Box<Upload>>>,
    cleared: usize,
    /// The rows in the state [`State::Queued`].
    queued: OfferQueue,
    /// The user's choice for files whose name is taken.
    policy: ConflictPolicy,
    resume_scope: ResumeScope,
    /// Offered and not ended, cancelled ones included until the portal confirms.
    open: OpenUploads,
    next_id: u32,
    /// The upload that sent last: the others take their turn before it.
    last_sent: Option<UploadId>,
    changed: Rows,
    list_version: u64,
    /// The first row of the last batch. Earlier rows had ended when it was added.
    batch_start: Row,
    /// The rows whose record in the browser's store may be out of date.
    unsaved: Rows,
    /// The rows that were picked before there was a server.
    unplaced: Rows,
    leftovers: Leftovers,
    outage: Option<Outage>,
    rate: Rate,
    /// The longest name that the server is known to accept, in bytes, where it has refused a longer one.
    name_limit: Option<usize>,
    /// The order of names; `None` until the browser's is known.
    collation: Option<Collation>,
    /// By row, while the list is sorted by name.
    name_ranks: Vec<u64>,
    indexes: Indexes,
}

impl Queue {
    /// Returns the upload in a row.
    #[must_use]
    pub fn get(&self, row: Row) -> Option<&Upload> {
        self.uploads.get(row.0)?.as_deref()
    }

    /// Returns the rows of the list, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.rows_where(|_| true).into_iter()
    }

    /// Returns the folders of the files, in order of appearance.
    pub fn folders(&self) -> impl Iterator<Item = (FolderId, &Folder)> {
        self.indexes.folders.iter()
    }

    /// Returns a folder.
    #[must_use]
    pub fn folder(&self, id: FolderId) -> Option<&Folder> {
        self.indexes.folders.get(id)
    }

    /// Returns the rows of a group.
    #[must_use]
    pub fn group(&self, group: Group) -> &GroupRows {
        self.indexes.groups.get(group)
    }

    /// Returns a number that changes whenever rows are added or removed.
    #[must_use]
    pub fn list_version(&self) -> u64 {
        self.list_version
    }

    /// Returns the row of the next file that is added.
    #[must_use]
    pub fn next_row(&self) -> Row {
        Row(self.uploads.len())
    }

    /// Returns the number of rows in the list.
    #[must_use]
    pub fn len(&self) -> usize {
        self.uploads.len() - self.cleared
    }

    /// Returns whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the rate of all uploads together.
    #[must_use]
    pub fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Returns how fast the uploads are.
    #[must_use]
    pub fn pace(&self) -> Pace {
        if self.waits_for_connection() {
            return Pace::Waiting;
        }
        let totals = self.totals();
        let left = self.rate.time_for(totals.bytes - totals.taken);
        Pace::Sending { rate: self.rate.bytes_per_second(), left }
    }

    /// Returns the totals of all uploads.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.indexes.totals
    }

    /// Returns whether any upload is open at the portal.
    #[must_use]
    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Returns the open uploads, each with its row.
    pub fn open(&self) -> impl Iterator<Item = (UploadId, Row)> {
        self.open.iter().filter(|(id, row)| self.is_open_as(*row, *id))
    }

    /// Returns the row of an open upload.
    #[must_use]
    pub fn row_of(&self, id: UploadId) -> Option<Row> {
        let row = self.open.get(id)?;
        self.is_open_as(row, id).then_some(row)
    }

    /// Takes the rows that changed since the last call.
    pub fn take_changed(&mut self) -> Rows {
        std::mem::take(&mut self.changed)
    }

    /// Takes the rows whose record in the store is out of date since the last call.
    pub fn take_unsaved(&mut self) -> Rows {
        std::mem::take(&mut self.unsaved)
    }

    /// Returns whether the record of any row in the store is out of date.
    #[must_use]
    pub fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// Adds files that go into `directory`, each in the state that `state` returns.
    pub fn add(&mut self, files: Vec<PickedFile>, directory: &str, state: fn() -> State) {
        let directory: Rc<str> = directory.into();
        self.list_version += 1;
        if self.totals().ended() {
            self.batch_start = self.next_row();
            // The store drops the records of the batch before.
            self.unsaved.extend((0..self.batch_start.0).map(Row));
        }
        for file in files {
            let row = self.next_row();
            let name_limit = self.name_limit();
            let state = match state() {
                State::Queued | State::Unplaced if path::has_long_name(&file.path, name_limit) => {
                    State::NameTooLong
                }
                state => state,
            };
            self.push(Upload { name_limit, ..Upload::new(file, directory.clone(), state) });
            self.enqueue(Some(row));
            self.unsaved.insert(row);
        }
        self.sort_names();
    }

    /// Adds files that were picked before there was a server: [`Queue::place`].
    pub fn add_unplaced(&mut self, files: Vec<PickedFile>) {
        let first = self.next_row();
        self.add(files, "", || State::Unplaced);
        let added = (first.0..self.next_row().0).map(Row);
        self.unplaced.extend(added);
    }

    /// Returns the number of files that wait for the folder that they go to.
    #[must_use]
    pub fn unplaced(&self) -> usize {
        let waits = |row| matches!(self.get(row), Some(Upload { state: State::Unplaced, .. }));
        self.unplaced.iter().filter(|row| waits(*row)).count()
    }

    /// Puts the files that were picked before there was a server into the queue.
    pub fn place(&mut self, directory: &str) {
        let directory: Rc<str> = directory.into();
        for row in std::mem::take(&mut self.unplaced).iter() {
            self.change(row, |upload| {
                upload.directory = directory.clone();
                if let State::Unplaced = upload.state {
                    upload.state = State::Queued;
                }
            });
            self.enqueue(Some(row));
        }
    }

    /// Returns whether any file was picked before there was a server.
    #[must_use]
    pub fn has_unplaced(&self) -> bool {
        !self.unplaced.is_empty()
    }

    /// Returns the state of a row that waits to be offered.
    fn waiting_state(&self, row: Row) -> State {
        if self.unplaced.contains(row) { State::Unplaced } else { State::Queued }
    }

    /// Adds a row. Every row is added here.
    fn push(&mut self, mut upload: Upload) {
        let row = Row(self.uploads.len());
        upload.folder = self.indexes.folders.add(row, &upload.file.path);
        self.indexes.update(row, &upload, Contribution::default(), upload.contribution());
        self.uploads.push(Some(Box::new(upload)));
        self.changed.insert(row);
    }

    /// Clears a row. Every row is cleared here.
    fn clear(&mut self, row: Row) {
        if let Some(upload) = self.uploads.get_mut(row.0).and_then(Option::take) {
            self.cleared += 1;
            self.indexes.update(row, &upload, upload.contribution(), Contribution::default());
        }
        self.changed.insert(row);
        self.unsaved.insert(row);
    }

    /// Changes an upload, redraws its row and updates the indexes. Every upload is changed here.
    fn change<R>(&mut self, row: Row, change: impl FnOnce(&mut Upload) -> R) -> Option<R> {
        let upload = self.uploads.get_mut(row.0)?.as_deref_mut()?;
        let before = upload.contribution();
        let result = change(upload);
        self.indexes.update(row, upload, before, upload.contribution());
        self.changed.insert(row);
        self.unsaved.insert(row);
        Some(result)
    }

    /// Puts a row into the queue of offers if its state says so.
    fn enqueue(&mut self, row: Option<Row>) {
        if let Some(row) = row
            && let Some(Upload { state: State::Queued, .. }) = self.get(row)
        {
            let rank = self.rank(row);
            self.queued.insert(row, rank);
        }
    }

    fn is_open_as(&self, row: Row, id: UploadId) -> bool {
        self.get(row).is_some_and(|upload| upload.is_open_as(id))
    }

    fn open_mut(&mut self, row: Row) -> Option<&mut OpenUpload> {
        self.uploads.get_mut(row.0)?.as_deref_mut()?.state.open_mut()
    }
}

#[cfg(test)]
mod tests;
