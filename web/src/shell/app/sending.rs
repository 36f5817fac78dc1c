//! The bytes of the files on their way to the socket: what the portal's credit and the browser's send
//! buffer have room for.

use std::{cell::Ref, time::Duration};

use js_sys::Uint8Array;
use protocol::ChunkHeader;
use web_sys::WebSocket;

use super::{App, Pending};
use crate::{
    queue::{Chunk, NextChunk},
    shell::{
        dom::Fault,
        socket::{self, Generation},
    },
};

/// The browser's send buffer says nothing when it drains: it is asked again after this time.
const DRAIN_PAUSE: Duration = Duration::from_millis(4);

impl App {
    /// Sends what may be sent.
    pub(super) fn pump(&self) {
        let socket = self.socket.borrow();
        let Some(socket) = &*socket else { return };
        loop {
            let ordered = self.digests.ordered_bytes(self.generation.get());
            let buffered = u64::from(socket.buffered_amount()) + ordered;
            let next = self.page.borrow_mut().next_chunk(buffered);
            match next {
                NextChunk::Send(chunk) if self.send(socket, chunk).is_ok() => {}
                NextChunk::WhenDrained => return self.pump_later(),
                NextChunk::Send(_) | NextChunk::Nothing => return,
            }
        }
    }

    fn pump_later(&self) {
        if let Some(functions) = self.functions.get()
            && self.drain.replace(Pending::Yes) == Pending::No
        {
            self.dom.after(DRAIN_PAUSE, &functions.pump);
        }
    }

    /// Sends a small file at once; a piece of another has to be read first.
    fn send(&self, socket: &WebSocket, chunk: Chunk) -> Result<(), Fault> {
        if let Some(bytes) = self.digests.read(chunk.header.upload) {
            return socket::send_bytes(socket, chunk.header, &bytes, chunk.end);
        }
        let file = self.file(chunk.row).ok_or("no file")?;
        if self.digests.order(chunk, self.generation.get(), &file) {
            return Ok(());
        }
        socket::send_chunk(socket, chunk.header, &file, chunk.end)
    }

    /// Sends a chunk that was read, if it is still for anybody.
    pub(in crate::shell) fn send_frame(
        &self,
        header: ChunkHeader,
        generation: Generation,
        frame: &Uint8Array,
    ) {
        if let Some(socket) = self.socket_for(header, generation) {
            // A socket that is closing says so by its `close` event.
            let _ = socket.send_with_js_u8_array(frame);
        }
        self.pump();
    }

    /// Sends a chunk that nobody will read.
    pub(in crate::shell) fn send_unread(&self, chunk: Chunk, generation: Generation) {
        if let Some(socket) = self.socket_for(chunk.header, generation)
            && let Some(file) = self.file(chunk.row)
        {
            let _ = socket::send_chunk(&socket, chunk.header, &file, chunk.end);
        }
    }

    /// The socket, if it is the one that a chunk was read for, and the portal still waits for that.
    fn socket_for(
        &self,
        header: ChunkHeader,
        generation: Generation,
    ) -> Option<Ref<'_, WebSocket>> {
        let is_wanted = self.is_current(generation) && self.page.borrow().queue().awaits(header);
        Ref::filter_map(self.socket.borrow(), Option::as_ref).ok().filter(|_| is_wanted)
    }
}
