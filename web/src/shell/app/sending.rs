//! Sends the bytes of files, as far as the portal's credit and the browser's send buffer permit.

use std::time::Duration;

use web_sys::WebSocket;

use super::{App, Scheduled};
use crate::{
    queue::{Chunk, NextChunk},
    shell::{dom::Exception, socket},
};

/// The pause before the send buffer is checked again: the browser fires no event when it drains.
const DRAIN_PAUSE: Duration = Duration::from_millis(4);

impl App {
    /// Sends the chunks that may be sent now.
    pub(super) fn send_chunks(&self) {
        let socket = self.socket.borrow();
        let Some(socket) = &*socket else { return };
        loop {
            let buffered = socket.buffered_amount().into();
            let next = self.page.borrow_mut().next_chunk(buffered);
            match next {
                NextChunk::Send(chunk) if self.send_chunk(socket, chunk).is_ok() => {}
                NextChunk::WhenDrained => return self.send_chunks_later(),
                NextChunk::Send(_) | NextChunk::Nothing => return,
            }
        }
    }

    fn send_chunks_later(&self) {
        if let Some(callbacks) = self.callbacks.get()
            && self.send_chunks.replace(Scheduled::Yes) == Scheduled::No
        {
            self.dom.after(DRAIN_PAUSE, &callbacks.send_chunks);
        }
    }

    /// Sends a chunk: of a small file the bytes that the worker has read, of any other a `Blob`.
    fn send_chunk(&self, socket: &WebSocket, chunk: Chunk) -> Result<(), Exception> {
        let upload = chunk.header.upload;
        if let Some(bytes) = self.file_worker.small_file(upload) {
            return socket::send_bytes(socket, chunk.header, &bytes, chunk.end);
        }
        let file = self.file(chunk.row).ok_or("no file")?;
        self.file_worker.sent(upload, chunk.end);
        socket::send_blob(socket, chunk.header, &file, chunk.end)
    }
}
