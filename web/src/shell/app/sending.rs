//! Sends the bytes of files, as far as the portal's credit and the browser's send buffer permit.

use std::{cell::Ref, rc::Rc, time::Duration};

use js_sys::Uint8Array;
use protocol::ChunkHeader;
use web_sys::WebSocket;

use super::{App, Scheduled};
use crate::{
    page::{DigestOutcome, Digested, Event},
    queue::{Chunk, NextChunk},
    shell::{
        dom::Exception,
        file_worker::{ReadRequest, WorkerEvent},
        socket::{self, SocketNumber},
    },
};

/// The pause before the send buffer is checked again: the browser fires no event when it drains.
const DRAIN_PAUSE: Duration = Duration::from_millis(4);

impl App {
    /// Sends the chunks that may be sent now.
    pub(super) fn send_chunks(&self) {
        let socket = self.socket.borrow();
        let Some(socket) = &*socket else { return };
        loop {
            let requested = self.file_worker.pending_bytes(self.socket_number.get());
            let buffered = u64::from(socket.buffered_amount()) + requested;
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

    /// Sends a chunk of a small file at once. Another chunk is read by the worker first, or sent as
    /// a `Blob` if there is no worker.
    fn send_chunk(&self, socket: &WebSocket, chunk: Chunk) -> Result<(), Exception> {
        if let Some(bytes) = self.file_worker.small_file(chunk.header.upload) {
            return socket::send_bytes(socket, chunk.header, &bytes, chunk.end);
        }
        let file = self.file(chunk.row).ok_or("no file")?;
        if self.file_worker.read(chunk, self.socket_number.get(), &file) {
            return Ok(());
        }
        socket::send_blob(socket, chunk.header, &file, chunk.end)
    }

    /// Handles an event of the file worker.
    pub(super) fn handle_worker(self: &Rc<Self>, event: WorkerEvent) {
        match event {
            WorkerEvent::Digests(digests) if digests.is_empty() => {}
            WorkerEvent::Digests(digests) => self.handle(Event::Digested(digests)),
            WorkerEvent::Read(request, Some(frame)) => {
                self.send_frame(request.chunk.header, request.socket, &frame);
            }
            // The core handles an unreadable file as the result of its digest; `from` does not matter.
            WorkerEvent::Read(request, None) => {
                let upload = request.chunk.header.upload;
                let outcome = DigestOutcome::Unreadable;
                self.handle(Event::Digested(vec![Digested { upload, from: 0, outcome }]));
            }
            WorkerEvent::Unavailable(digests, requests) => {
                for ReadRequest { chunk, socket, .. } in requests {
                    self.send_unread(chunk, socket);
                }
                self.handle(Event::Digested(digests));
            }
        }
    }

    /// Sends a chunk that the worker has read, if it is still wanted.
    fn send_frame(&self, header: ChunkHeader, number: SocketNumber, frame: &Uint8Array) {
        if let Some(socket) = self.socket_for(header, number) {
            // Sending fails on a socket that is closing, which fires its `close` event.
            let _ = socket.send_with_js_u8_array(frame);
        }
        self.send_chunks();
    }

    /// Sends a chunk that the worker was to read, as a `Blob`.
    fn send_unread(&self, chunk: Chunk, number: SocketNumber) {
        if let Some(socket) = self.socket_for(chunk.header, number)
            && let Some(file) = self.file(chunk.row)
        {
            let _ = socket::send_blob(&socket, chunk.header, &file, chunk.end);
        }
    }

    /// Returns the socket for which a chunk was requested, if the chunk is still wanted there.
    fn socket_for(&self, header: ChunkHeader, number: SocketNumber) -> Option<Ref<'_, WebSocket>> {
        let is_wanted = self.is_current(number) && self.page.borrow().queue().awaits(header);
        Ref::filter_map(self.socket.borrow(), Option::as_ref).ok().filter(|_| is_wanted)
    }
}
