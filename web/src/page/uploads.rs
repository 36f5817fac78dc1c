//! The portal's messages about uploads.

use protocol::{Attempt, Problem, UploadId, server::Existing};

use super::{Effect, Page, announcements};
use crate::{
    queue::{Credit, Stored},
    time::Millis,
};

impl Page {
    pub(super) fn credit(
        &mut self,
        upload: UploadId,
        attempt: Attempt,
        credit: Credit,
        now: Millis,
    ) {
        self.queue.credit(upload, attempt, credit, now);
        if let Some(row) = self.queue.take_due_check(upload) {
            self.effects.push(Effect::CheckFile(upload, row));
        }
    }

    pub(super) fn opened(&mut self, upload: UploadId, part_file: String, offset: u64) {
        self.queue.opened(upload, part_file);
        self.digest_from(upload, offset);
    }

    pub(super) fn done(&mut self, upload: UploadId, stored: Stored, now: Millis) {
        self.forget_digest(upload);
        if let Some(row) = self.queue.done(upload, stored) {
            self.queue.set_stored_at(row, self.date);
        }
        self.remote.changed(now);
    }

    pub(super) fn conflict(
        &mut self,
        upload: UploadId,
        existing: Existing,
        part_file: Option<String>,
    ) {
        self.forget_digest(upload);
        let digest = existing.digest.clone();
        if let Some(row) = self.queue.conflict(upload, existing, part_file) {
            self.announce_row(row, announcements::decision_needed);
            if let Some(digest) = digest {
                self.compare(upload, row, digest);
            }
        }
    }

    pub(super) fn cancelled(&mut self, upload: UploadId, now: Millis) {
        self.forget_digest(upload);
        self.queue.cancelled(upload);
        self.remote.changed(now);
    }

    pub(super) fn paused(&mut self, upload: UploadId, part_file: Option<String>, now: Millis) {
        self.forget_digest(upload);
        self.queue.paused(upload, part_file);
        self.remote.changed(now);
    }

    pub(super) fn failed(
        &mut self,
        upload: UploadId,
        problem: Problem,
        part_file: Option<String>,
        now: Millis,
    ) {
        self.forget_digest(upload);
        if let Some(row) = self.queue.row_of(upload) {
            self.announce_row(row, |path| announcements::failed(path, &problem));
        }
        self.queue.failed(upload, problem, part_file);
        self.remote.changed(now);
    }
}
