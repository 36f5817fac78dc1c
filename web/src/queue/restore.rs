//! Restores the rows of an earlier page, and gives them their files back.

use super::{FileAccess, PickedFile, Queue, Row, Rows, SavedRow, State, Upload};
use crate::path;

impl Queue {
    /// Adds the rows of an earlier page. Unfinished ones miss their files; `has_handle` tells whether the
    /// browser can open a dropped folder or file again.
    pub fn restore(&mut self, rows: Vec<SavedRow>, has_handle: impl Fn(&str) -> bool) {
        self.list_version += 1;
        for saved in rows {
            let access = if has_handle(path::root(&saved.path)) {
                FileAccess::ByHandle
            } else {
                FileAccess::Missing
            };
            let file = PickedFile {
                path: saved.path,
                size: saved.size,
                modified_millis: saved.modified_millis,
            };
            let state = match (saved.stored, saved.skipped, saved.problem) {
                (Some(stored), ..) => State::Done(stored),
                (None, Some(skipped), _) => State::Skipped(skipped),
                (None, None, Some(problem)) => State::Failed(problem),
                (None, None, None) => State::Interrupted,
            };
            let upload = Upload {
                new_path: saved.new_path,
                stored_at: saved.stored_at,
                choice: saved.choice,
                name_number: saved.name_number,
                resume: saved.temporary_path,
                kept_bytes: saved.kept_bytes,
                edges: saved.edges,
                access,
                paused_before: saved.paused,
                name_limit: saved
                    .name_limit
                    .and_then(|limit| usize::try_from(limit).ok())
                    .unwrap_or(path::MAX_NAME_BYTES),
                ..Upload::new(file, saved.directory.into(), state)
            };
            self.push(upload);
        }
        self.sort_names();
    }

    /// Returns whether restored rows miss their files.
    #[must_use]
    pub fn misses_files(&self) -> bool {
        !self.missing().is_empty()
    }

    /// Returns the restored rows that miss their files.
    #[must_use]
    pub fn missing(&self) -> &Rows {
        self.indexes.missing.rows()
    }

    /// Returns how the missing files can be obtained: by their handles, if a row has one.
    #[must_use]
    pub fn missing_access(&self) -> FileAccess {
        let has_handle =
            |row| self.get(row).is_some_and(|upload| upload.access() == FileAccess::ByHandle);
        if self.missing().iter().any(has_handle) {
            FileAccess::ByHandle
        } else {
            FileAccess::Missing
        }
    }

    /// The file of a restored row was found: the upload resumes from the bytes that the server
    /// holds, unless they cannot be compared with the file (their `edges` differ or are unknown).
    pub fn file_found(&mut self, row: Row, edges: Option<u64>) {
        if !self.missing().contains(row) {
            return;
        }
        if self.get(row).is_none_or(|upload| edges.is_none() || upload.edges != edges) {
            self.abandon_leftover(row);
        }
        self.change(row, |upload| {
            upload.access = FileAccess::Available;
            upload.state = if upload.paused_before { State::Paused } else { State::Queued };
        });
        self.enqueue(Some(row));
    }

    /// The browser cannot open the file of a row after all: the user has to pick it.
    pub fn handle_failed(&mut self, row: Row) {
        self.change(row, |upload| {
            if upload.access == FileAccess::ByHandle {
                upload.access = FileAccess::Missing;
            }
        });
    }

    /// Sets the digest of both ends of a row's file.
    pub fn set_edges(&mut self, row: Row, edges: u64) {
        self.change(row, |upload| upload.edges = Some(edges));
    }
}
