//! The WebSocket to the portal, and the frames of messages and chunks.

use std::cell::RefCell;

use js_sys::{Array, Uint8Array};
use protocol::{ChunkHeader, ClientMessage, SOCKET_PATH, lines::Lines};
use web_sys::{Blob, File, MessageEvent, Url, WebSocket};

use super::{
    dom::{Dom, Exception, js_number, listen},
    locale::language,
};
use crate::join::concat;
use crate::json;

/// The length at which a frame takes no further message, in bytes. The portal accepts frames of
/// several times this length, and no message is that long.
const FRAME_BYTES: usize = 8 * 1024;

/// The number of a socket of this page. Events of any but the current socket are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SocketNumber(u64);

impl SocketNumber {
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// An event of a socket.
pub(super) enum SocketEvent {
    Opened,
    /// A text frame: one message a line.
    Received(String),
    Closed,
}

/// Opens a socket of the session with this name, or of a new one.
pub(super) fn open(
    dom: &Dom,
    session: Option<&str>,
    on_event: impl Fn(SocketEvent) + Clone + 'static,
) -> Result<WebSocket, Exception> {
    let socket = WebSocket::new(&address(dom, session)?)?;
    let (opened, received, closed) = (on_event.clone(), on_event.clone(), on_event);
    listen(&socket, "open", move |_: web_sys::Event| opened(SocketEvent::Opened));
    listen(&socket, "message", move |event: MessageEvent| {
        received(SocketEvent::Received(event.data().as_string().unwrap_or_default()));
    });
    listen(&socket, "close", move |_: web_sys::Event| closed(SocketEvent::Closed));
    Ok(socket)
}

/// Returns the socket's address: relative to the page's base address, with the scheme of a socket. It
/// names the page's language, in which the portal refuses a session. The name of the session gets the
/// socket a place among those that are kept for sessions that run.
fn address(dom: &Dom, session: Option<&str>) -> Result<String, Exception> {
    let base = dom.document.base_uri()?.unwrap_or_default();
    let language = language(&dom.document);
    let mut path = concat(&[SOCKET_PATH, "?lang=", &*language]);
    if let Some(name) = session {
        path.push_str("&session=");
        path.push_str(name);
    }
    let url = Url::new_with_base(&path, &base)?;
    url.set_protocol(if url.protocol() == "https:" { "wss:" } else { "ws:" });
    Ok(url.href())
}

/// Messages that are to share a frame.
#[derive(Default)]
pub(super) struct MessageBuffer(RefCell<Lines>);

impl MessageBuffer {
    /// Adds a message. Sends the frame when it is full.
    pub(super) fn push(&self, socket: &WebSocket, message: &ClientMessage) {
        if let Ok(text) = json::write(message) {
            self.0.borrow_mut().push(&text);
        }
        if self.0.borrow().len() >= FRAME_BYTES {
            self.flush(socket);
        }
    }

    /// Sends the messages. A socket that is closing drops them, and fires its `close` event.
    pub(super) fn flush(&self, socket: &WebSocket) {
        let frame = self.0.borrow_mut().take();
        if !frame.is_empty() {
            let _ = socket.send_with_str(&frame);
        }
    }
}

/// Sends a chunk as a `Blob`: the browser reads the file by itself.
pub(super) fn send_blob(
    socket: &WebSocket,
    header: ChunkHeader,
    file: &File,
    end: u64,
) -> Result<(), Exception> {
    let slice = file.slice_with_f64_and_f64(js_number(header.offset), js_number(end))?;
    let header = Uint8Array::from(header.encode().as_slice());
    let frame = Blob::new_with_blob_sequence(&Array::of2(&header, &slice))?;
    socket.send_with_blob(&frame)
}

/// Sends a chunk of a small file whose bytes have been read, which is faster than a `Blob`.
pub(super) fn send_bytes(
    socket: &WebSocket,
    header: ChunkHeader,
    bytes: &Uint8Array,
    end: u64,
) -> Result<(), Exception> {
    let too_long = |_| "not a small file";
    let from = u32::try_from(header.offset).map_err(too_long)?;
    let piece = bytes.subarray(from, u32::try_from(end).map_err(too_long)?);
    let header = header.encode();
    let header_len = u32::try_from(header.len()).map_err(too_long)?;
    let frame = Uint8Array::new_with_length(header_len + piece.length());
    frame.set(&Uint8Array::from(header.as_slice()), 0);
    frame.set(&piece, header_len);
    socket.send_with_js_u8_array(&frame)
}
