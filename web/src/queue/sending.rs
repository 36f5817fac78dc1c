//! Sends the bytes of open uploads: it takes credits and returns chunks.

use protocol::{Attempt, ChunkHeader, UploadId, server::Limits};

use super::{Credit, PauseState, Queue, Row, open_upload::FileCheck};
use crate::{chunk_size::chunk_bytes, time::Millis};

/// At least this many chunks wait in the browser's send buffer before the next one is held back.
const BUFFERED_CHUNKS: u64 = 2;
/// The buffer may hold the bytes of this fraction of a second (1/2), so that it never runs dry.
const BUFFERED_SECOND_DIVISOR: u64 = 2;

/// A piece of a file to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The row of the file.
    pub row: Row,
    /// The header in front of the piece.
    pub header: ChunkHeader,
    /// The end of the piece in the file; it starts at the header's offset.
    pub end: u64,
}

/// The next chunk, if one may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextChunk {
    /// This chunk.
    Send(Chunk),
    /// A chunk, as soon as the browser's send buffer has drained.
    WhenDrained,
    /// Nothing before the portal grants more.
    Nothing,
}

impl Queue {
    /// Returns the next chunk, while `buffered` bytes wait in the browser's send buffer. The uploads
    /// take turns.
    pub fn next_chunk(&mut self, buffered: u64, limits: &Limits) -> NextChunk {
        let Some((id, row, end)) = self.next_sender(limits) else {
            return NextChunk::Nothing;
        };
        let per_second = self.rate.bytes_per_second().unwrap_or(0);
        let Some(open) = self.open_mut(row) else {
            return NextChunk::Nothing;
        };
        let offset = open.window.sent();
        let bound = ((end - offset) * BUFFERED_CHUNKS).max(per_second / BUFFERED_SECOND_DIVISOR);
        if buffered >= bound {
            return NextChunk::WhenDrained;
        }
        let header = ChunkHeader { upload: id, attempt: open.attempt, offset };
        if open.window.send(offset, end - offset).is_err() {
            return NextChunk::Nothing;
        }
        self.last_sent = Some(id);
        NextChunk::Send(Chunk { row, header, end })
    }

    /// Returns the next upload that may send, and where its chunk ends: the first one after the one
    /// that sent last.
    fn next_sender(&self, limits: &Limits) -> Option<(UploadId, Row, u64)> {
        let first = self.last_sent.map_or(UploadId(0), |id| UploadId(id.0.saturating_add(1)));
        self.open.iter_from(first).find_map(|(id, row)| {
            let upload = self.get(row)?;
            let open = upload.state.open().filter(|open| open.id == id && open.may_send())?;
            let rate = upload.rate.bytes_per_second().or(self.rate.bytes_per_second());
            let end = open.chunk_end(chunk_bytes(rate, open.window_bytes, limits), limits)?;
            Some((id, row, end))
        })
    }

    /// Applies a credit: the portal grants more, has taken more, or starts another attempt.
    pub fn credit(&mut self, id: UploadId, attempt: Attempt, credit: Credit, now: Millis) {
        let Some(row) = self.row_of(id) else { return };
        let gained = self.change(row, |upload| {
            let Some(open) = upload.state.open_mut() else { return 0 };
            let is_resumed = attempt > open.attempt;
            let gained = open.apply_credit(attempt, credit);
            if is_resumed {
                upload.rate.restart();
            }
            // These bytes were taken in an earlier attempt: they say nothing about the rate of this one.
            let gained = if is_resumed { 0 } else { gained };
            upload.rate.note(gained, now);
            gained
        });
        self.rate.note(gained.unwrap_or(0), now);
    }

    /// Lets the rates of stalled uploads fall.
    pub fn tick(&mut self, now: Millis) {
        if self.waits_for_connection() {
            return;
        }
        self.rate.note(0, now);
        for (_, row) in self.open.iter() {
            if let Some(Some(upload)) = self.uploads.get_mut(row.0)
                && upload.is_sending()
            {
                upload.rate.note(0, now);
                self.changed.insert(row);
            }
        }
    }

    /// Sends nothing of an open upload's file until [`Queue::file_readable`].
    pub fn await_file_check(&mut self, id: UploadId) {
        self.set_file_check(id, FileCheck::Pending);
    }

    /// The file of an open upload can be read.
    pub fn file_readable(&mut self, id: UploadId) {
        self.set_file_check(id, FileCheck::Passed);
    }

    /// Returns the row of an open upload whose file has to be checked now: more of it is to be sent
    /// over a new socket, and the file may be the reason why the old socket closed.
    pub fn take_due_check(&mut self, id: UploadId) -> Option<Row> {
        let row = self.row_of(id)?;
        let open = self.open_mut(row)?;
        if open.file_check != FileCheck::Due || open.window.all_sent() {
            return None;
        }
        open.file_check = FileCheck::Pending;
        Some(row)
    }

    /// The file of an open upload cannot be read. Returns its row if the portal has to be told to
    /// pause it: the server keeps its bytes.
    pub fn file_unreadable(&mut self, id: UploadId) -> Option<Row> {
        let row = self.row_of(id)?;
        let open = self.open_mut(row).filter(|open| open.pause_state == PauseState::Running)?;
        open.pause_state = PauseState::Unreadable;
        self.changed.insert(row);
        Some(row)
    }

    fn set_file_check(&mut self, id: UploadId, file_check: FileCheck) {
        if let Some(row) = self.row_of(id)
            && let Some(open) = self.open_mut(row)
        {
            open.file_check = file_check;
        }
    }
}
