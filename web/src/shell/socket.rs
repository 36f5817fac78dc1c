//! The link to the portal: a session made by `POST`, its WebSocket, and what goes over it.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Uint8Array};
use protocol::{
    ChunkHeader, ClientMessage, Problem, SESSION_PATH, SOCKET_PATH, ServerMessage,
    lines::{self, Lines},
    server::NewSession,
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, File, MessageEvent, RequestInit, Response, Url, WebSocket};

use super::{
    app::App,
    dom::{Fault, language, listen, number},
};
use crate::{connection::problems, json, page::Event};

/// One link. What an earlier one still has to say is for nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Generation(u64);

impl Generation {
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Opens a session's socket, and makes a session first where none is given; what comes of it
/// arrives as events.
pub(super) fn open(app: Rc<App>, generation: Generation, session: Option<NewSession>) {
    spawn_local(async move {
        let session = match session {
            Some(session) => Ok(session),
            None => new_session(&app).await,
        };
        if !app.is_current(generation) {
            return;
        }
        match session {
            Ok(session) => {
                if connect(&app, generation, session).is_err() {
                    app.handle(Event::SessionRefused(problems::portal_unreachable()));
                }
            }
            Err(problem) => app.handle(Event::SessionRefused(problem)),
        }
    });
}

/// The length at which a frame takes no further message, in bytes: a portal takes frames of some
/// times that, and one message is never that long.
const FRAME_BYTES: usize = 8 * 1024;

/// Messages on their way into one frame.
#[derive(Default)]
pub(super) struct Saying(RefCell<Lines>);

impl Saying {
    /// Says a message with the next frame.
    pub(super) fn say(&self, socket: &WebSocket, message: &ClientMessage) {
        if let Ok(text) = json::write(message) {
            self.0.borrow_mut().push(&text);
        }
        if self.0.borrow().len() >= FRAME_BYTES {
            self.flush(socket);
        }
    }

    /// Sends what was said. A socket that is closing loses it, and says so by its `close` event.
    pub(super) fn flush(&self, socket: &WebSocket) {
        let frame = self.0.borrow_mut().take();
        if !frame.is_empty() {
            let _ = socket.send_with_str(&frame);
        }
    }
}

/// Sends a piece of a file. The browser reads it; its bytes do not come through here.
pub(super) fn send_chunk(
    socket: &WebSocket,
    header: ChunkHeader,
    file: &File,
    end: u64,
) -> Result<(), Fault> {
    let slice = file.slice_with_f64_and_f64(number(header.offset), number(end))?;
    let header = Uint8Array::from(header.encode().as_slice());
    let frame = Blob::new_with_blob_sequence(&Array::of2(&header, &slice))?;
    socket.send_with_blob(&frame)
}

/// Sends a piece of a file whose bytes are here: for a few of them that is the shorter way.
pub(super) fn send_bytes(
    socket: &WebSocket,
    header: ChunkHeader,
    bytes: &Uint8Array,
    end: u64,
) -> Result<(), Fault> {
    let too_long = |_| "a file that is no small one";
    let from = u32::try_from(header.offset).map_err(too_long)?;
    let piece = bytes.subarray(from, u32::try_from(end).map_err(too_long)?);
    let header = header.encode();
    let room = u32::try_from(header.len()).map_err(too_long)?;
    let frame = Uint8Array::new_with_length(room + piece.length());
    frame.set(&Uint8Array::from(header.as_slice()), 0);
    frame.set(&piece, room);
    socket.send_with_js_u8_array(&frame)
}

async fn new_session(app: &App) -> Result<NewSession, Problem> {
    let lost = |_| problems::portal_unreachable();
    let request = RequestInit::new();
    request.set_method("POST");
    let url = [SESSION_PATH, "?lang=", &*language(&app.dom.document)].concat();
    let answer = app.dom.window.fetch_with_str_and_init(&url, &request);
    let answer: Response = JsFuture::from(answer).await.map_err(lost)?.unchecked_into();
    let body = JsFuture::from(answer.text().map_err(lost)?).await.map_err(lost)?;
    let body = body.as_string().unwrap_or_default();
    if answer.ok() {
        json::read(&body).map_err(|_| problems::no_session(answer.status()))
    } else {
        Err(json::read(&body).unwrap_or_else(|_| problems::no_session(answer.status())))
    }
}

fn connect(app: &Rc<App>, generation: Generation, session: NewSession) -> Result<(), Fault> {
    let socket = WebSocket::new(&address(app)?)?;
    let mut session = Some(session);
    let opened = app.clone();
    listen(&socket, "open", move |_: web_sys::Event| {
        if let Some(session) = session.take()
            && opened.is_current(generation)
        {
            opened.handle(Event::SocketOpened(session));
        }
    })?;
    let received = app.clone();
    listen(&socket, "message", move |event: MessageEvent| {
        if !received.is_current(generation) {
            return;
        }
        let text = event.data().as_string().unwrap_or_default();
        // What one of them brings about may end this link.
        let lines = lines::split(&text).take_while(|_| received.is_current(generation));
        received.handle_all(lines.map(|line| match json::read::<ServerMessage>(line) {
            Ok(message) => Event::Received(Box::new(message), line.len() as u64),
            Err(_) => Event::NotUnderstood,
        }));
    })?;
    let closed = app.clone();
    listen(&socket, "close", move |_: web_sys::Event| {
        if closed.is_current(generation) {
            closed.forget_socket();
            closed.handle(Event::SocketClosed);
        }
    })?;
    app.keep_socket(socket);
    Ok(())
}

/// The socket's address: beside the page's, whatever path that has.
fn address(app: &App) -> Result<String, Fault> {
    let base = app.dom.document.base_uri()?.unwrap_or_default();
    let url = Url::new_with_base(SOCKET_PATH, &base)?;
    url.set_protocol(if url.protocol() == "https:" { "wss:" } else { "ws:" });
    Ok(url.href())
}
