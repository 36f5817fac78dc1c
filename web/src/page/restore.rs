//! Restores the uploads and the connection of an earlier page.

use super::{Page, Region, UploadAction, announcements};
use crate::{
    connection::Resume,
    queue::{FileAccess, Row, SavedRow},
    saved::{RestoredPage, SavedHome},
    texts::{Plural, Text},
    time::Stopwatch,
};

const RESTORED: Plural =
    Plural { one: Text::RestoredUploadsOne, other: Text::RestoredUploadsOther };

impl Page {
    /// Restores the connection and the rows of an earlier page; the rows wait for their files.
    pub(super) fn restore(&mut self, restored: RestoredPage) {
        let RestoredPage { home, mut rows, handles, session, directory, busy } = restored;
        let SavedHome { destination, trusted_certificate } = home;
        let resume = match session {
            Some(session) => Resume::Session(session),
            None if rows.iter().all(SavedRow::has_ended) => Resume::Nothing,
            None => Resume::AskForPassword,
        };
        self.connection.restore(destination.clone(), trusted_certificate, resume);
        if self.connection.home() != Some(&destination) {
            // The user has logged in elsewhere already.
            rows.iter_mut().for_each(|row| row.move_to(self.remote.directory()));
        } else if self.connection.ready().is_none() {
            self.remote.restore(directory);
        }
        let has = |root: &str| handles.binary_search_by(|handle| handle.as_str().cmp(root)).is_ok();
        self.queue.restore(rows, has);
        self.busy = Stopwatch::after(busy);
        self.changed.extend([Region::Connection, Region::Remote, Region::Totals, Region::Notices]);
        if self.queue.misses_files() {
            self.announce(restored_uploads(self.queue.missing().len()));
        }
    }

    /// Returns the sentence that tells the user how restored uploads resume.
    #[must_use]
    pub fn restore_hint(&self) -> &'static str {
        let is_connected = self.connection.ready().is_some();
        let word = match (is_connected, self.queue.missing_access()) {
            (false, FileAccess::ByHandle) => Text::RestoredConnectAndContinue,
            (false, _) => Text::RestoredConnectAndPick,
            (true, FileAccess::ByHandle) => Text::RestoredContinue,
            (true, _) => Text::RestoredPick,
        };
        word.text()
    }

    /// Files of restored rows were found.
    pub(super) fn found(&mut self, found: Vec<(Row, Option<u64>)>) {
        self.announce(announcements::files_found(found.len()));
        for (row, edges) in found {
            self.queue.file_found(row, edges);
        }
        self.changed.insert(Region::Notices);
    }

    /// A picked file is not the one that a row misses.
    pub(super) fn other_file(&mut self, row: Row) {
        if let Some(upload) = self.queue.get(row) {
            self.notice(announcements::wrong_file(upload.path()));
        }
    }

    /// The browser cannot open files: the user has to pick them.
    pub(super) fn handles_failed(&mut self, rows: Vec<Row>) {
        for row in rows {
            self.queue.handle_failed(row);
        }
        self.changed.insert(Region::Notices);
    }

    /// The user discards the rows that miss their files.
    pub(super) fn discard_restored(&mut self) {
        let missing: Vec<_> = self.queue.missing().iter().collect();
        for row in missing {
            self.act(row, UploadAction::Cancel);
        }
        self.changed.insert(Region::Notices);
    }
}

/// How many uploads of an earlier page were restored.
#[must_use]
pub fn restored_uploads(number: usize) -> String {
    RESTORED.fill(number as u64)
}
