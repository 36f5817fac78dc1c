//! What the queue keeps through breaks: of the link, of the session, of the page.

use std::time::Duration;

use protocol::UploadId;

use super::{
    FileAccess, FileCheck, OpenUpload, PauseState, PickedFile, Queue, Row, Rows, State, Upload,
};
use crate::saved::{SavedRow, root};

/// The link is lost for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Until the next try to open it; nothing while one is under way, or none can help.
    pub retry_in: Option<Duration>,
}

/// Which row a picked file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowMatch {
    /// The row of an earlier page that misses its file, as far as can be told without reading it.
    Missing(Row),
    /// A row misses a file of this path, but another one.
    OtherFile(Row),
    /// None: it is a new one.
    New,
}

impl Queue {
    /// Whether the link is lost for now.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.outage
    }

    /// The link is lost for now: what is open stays open, and is held until the portal says how
    /// far it is.
    pub fn hold_open(&mut self, outage: Outage) {
        let before = self.outage.replace(outage);
        if before.is_none() {
            self.each_open(OpenUpload::hold_window);
        } else if before != Some(outage) {
            self.changed.extend(self.open.iter().map(|(_, row)| row));
        }
    }

    /// The link is back: what is open goes on as soon as the portal grants it, and its file was
    /// looked at: [`Queue::check`].
    pub fn mended(&mut self) {
        if self.outage.take().is_some() {
            self.each_open(|open| open.file = FileCheck::Due);
        }
    }

    /// The portal does not know any more what was open: it is offered again, from what the server
    /// holds of it. Gives the number of such uploads.
    pub fn session_lost(&mut self) -> usize {
        self.lose_open(|pause_state| {
            if pause_state == PauseState::Paused { State::Paused } else { State::Queued }
        })
    }

    /// Ids below this one were used by an earlier page in the same session.
    pub fn start_ids_at(&mut self, id: UploadId) {
        self.next_id = self.next_id.max(id.0);
    }

    /// Adds the rows of an earlier page, which miss their files; `with_handle` says which the
    /// browser can open again.
    pub fn restore(&mut self, rows: Vec<SavedRow>, with_handle: impl Fn(&str) -> bool) {
        self.list_version += 1;
        for saved in rows {
            let source = if with_handle(root(&saved.path)) {
                FileAccess::ByHandle
            } else {
                FileAccess::Missing
            };
            let file = PickedFile {
                path: saved.path,
                size: saved.size,
                modified_millis: saved.modified_millis,
            };
            let upload = Upload {
                choice: saved.choice,
                name_number: saved.name_number,
                resume: saved.temporary_path,
                kept_bytes: saved.kept_bytes,
                edges: saved.edges,
                source,
                paused_before: saved.paused,
                ..Upload::new(file, saved.directory.into(), State::Interrupted)
            };
            self.push(upload);
        }
    }

    /// Whether rows of an earlier page miss their files.
    #[must_use]
    pub fn misses_files(&self) -> bool {
        !self.missing().is_empty()
    }

    /// The rows of an earlier page that miss their files.
    #[must_use]
    pub fn missing(&self) -> &Rows {
        self.indexes.missing.rows()
    }

    /// Which row a picked file belongs to, except those in `taken`: by its path, or else by the end of
    /// the path, its size and its time, if one row only is like that and its bytes can be compared.
    #[must_use]
    pub fn match_row(&self, file: &PickedFile, taken: &Rows) -> RowMatch {
        let near = self.indexes.missing.near(file_name(&file.path)).iter();
        let free = near.copied().filter(|row| !taken.contains(*row));
        let rows: Vec<_> = free.filter_map(|row| Some((row, self.get(row)?))).collect();
        let find = |fits: &dyn Fn(&Upload) -> bool| {
            let mut fitting = rows.iter().filter(|(_, upload)| fits(upload)).map(|(row, _)| *row);
            (fitting.next(), fitting.next())
        };
        let same_path = |upload: &Upload| upload.path() == file.path;
        if let (Some(row), _) = find(&|upload| same_path(upload) && upload.file.looks_like(file)) {
            return RowMatch::Missing(row);
        }
        let elsewhere = |upload: &Upload| {
            upload.edges.is_some()
                && upload.file.looks_like(file)
                && is_end(upload.path(), &file.path)
        };
        match (find(&elsewhere), find(&same_path)) {
            ((Some(row), None), _) => RowMatch::Missing(row),
            (_, (Some(row), _)) => RowMatch::OtherFile(row),
            (_, (None, _)) => RowMatch::New,
        }
    }

    /// The file of a row is there again: the upload goes on from what the server holds of it. What
    /// nobody can compare with the file (no digest of its edges was saved) is not gone on with.
    pub fn found(&mut self, row: Row, edges: Option<u64>) {
        if !self.missing().contains(row) {
            return;
        }
        if self.get(row).is_none_or(|upload| edges.is_none() || upload.edges != edges) {
            self.let_go(row);
        }
        self.change(row, |upload| {
            upload.source = FileAccess::Available;
            upload.state = if upload.paused_before { State::Paused } else { State::Queued };
        });
        self.queue(Some(row));
    }

    /// The browser cannot open the file of a row by itself after all: it has to be picked again.
    pub fn handle_failed(&mut self, row: Row) {
        self.change(row, |upload| {
            if upload.source == FileAccess::ByHandle {
                upload.source = FileAccess::Missing;
            }
        });
    }

    /// The digest of both ends of the row's file is known.
    pub fn edges_known(&mut self, row: Row, edges: u64) {
        self.change(row, |upload| upload.edges = Some(edges));
    }

    /// Whether the record of any row in the store is out of date.
    #[must_use]
    pub fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// The rows whose record in the store is out of date since the last call.
    pub fn take_unsaved(&mut self) -> Rows {
        std::mem::take(&mut self.unsaved)
    }

    /// A row as the store has it; nothing when the upload has ended.
    #[must_use]
    pub fn saved_row(&self, row: Row) -> Option<SavedRow> {
        let upload = self.get(row)?;
        let paused = match &upload.state {
            State::Queued | State::NeedsDecision(_) | State::Failed(_) => false,
            State::Interrupted => upload.paused_before,
            State::Paused => true,
            State::Open(open) => open.pause_state == PauseState::Paused,
            State::Done(_) | State::Skipped(_) => return None,
        };
        Some(SavedRow {
            path: upload.file.path.clone(),
            size: upload.file.size,
            modified_millis: upload.file.modified_millis,
            directory: upload.directory.to_string(),
            choice: upload.choice,
            name_number: upload.name_number,
            temporary_path: upload.resume.clone(),
            kept_bytes: if upload.resume.is_some() { upload.taken() } else { 0 },
            edges: upload.edges,
            paused,
        })
    }

    fn each_open(&mut self, change: impl Fn(&mut OpenUpload)) {
        let rows: Vec<_> = self.open.iter().map(|(_, row)| row).collect();
        for row in rows {
            self.change(row, |upload| {
                if let State::Open(open) = &mut upload.state {
                    change(open);
                }
            });
        }
    }
}

impl Upload {
    /// Where the bytes are to come from.
    #[must_use]
    pub fn source(&self) -> FileAccess {
        self.source
    }

    /// The digest of both ends of its file, where it is known: [`crate::saved::edges`].
    #[must_use]
    pub fn edges(&self) -> Option<u64> {
        self.edges
    }

    /// Whether a part of it lies on the server.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.resume.is_some()
    }

    /// Whether the page waits for its file, which an earlier page had.
    pub(super) fn misses_file(&self) -> bool {
        self.source != FileAccess::Available && matches!(self.state, State::Interrupted)
    }

    pub(super) fn file_name(&self) -> &str {
        file_name(self.path())
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether one of two paths is the end of the other, by whole parts.
fn is_end(one: &str, other: &str) -> bool {
    let (long, short) = if one.len() > other.len() { (one, other) } else { (other, one) };
    let before = long.strip_suffix(short);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}
