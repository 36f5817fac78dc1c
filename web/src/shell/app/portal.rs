//! The connection to the portal: opens and closes sockets, and passes their messages on.

use std::rc::Rc;

use protocol::{ClientMessage, ServerMessage, lines};

use super::App;
use crate::{
    json,
    page::Event,
    shell::{
        dom::spawn,
        socket::{self, SocketEvent, SocketNumber},
    },
};

impl App {
    /// Opens a socket of the session with this name, or of a new one.
    pub(super) fn open_socket(self: &Rc<Self>, session: Option<&str>) {
        let number = self.next_socket_number();
        let app = self.clone();
        let on_event = move |event| app.handle_socket(number, event);
        match socket::open(&self.dom, session, on_event) {
            Ok(socket) => {
                self.socket.replace(Some(socket));
            }
            Err(_) => {
                let app = self.clone();
                // Not at once: the event that opens the socket is still being handled.
                spawn(async move { app.handle_socket(number, SocketEvent::Closed) });
            }
        }
    }

    /// Closes the socket after the messages that are waiting. Its later events are ignored.
    pub(super) fn close_socket(&self) {
        self.next_socket_number();
        if let Some(socket) = self.socket.take() {
            self.messages.flush(&socket);
            let _ = socket.close();
        }
    }

    /// Sends a message with the next frame. Without a socket it is dropped: the core sends again
    /// what was not acknowledged.
    pub(super) fn send_message(&self, message: &ClientMessage) {
        if let Some(socket) = &*self.socket.borrow() {
            self.messages.push(socket, message);
        }
    }

    fn handle_socket(self: &Rc<Self>, number: SocketNumber, event: SocketEvent) {
        if !self.is_current(number) {
            return;
        }
        match event {
            SocketEvent::Opened => self.handle(Event::SocketOpened),
            SocketEvent::Received(text) => {
                // A message may close the socket: those after it are ignored.
                let lines = lines::split(&text).take_while(|_| self.is_current(number));
                self.handle_all(lines.map(|line| match json::read::<ServerMessage>(line) {
                    Ok(message) => Event::Received(Box::new(message), line.len() as u64),
                    Err(_) => Event::NotUnderstood,
                }));
            }
            SocketEvent::Closed => {
                self.socket.replace(None);
                self.handle(Event::SocketClosed);
            }
        }
    }

    fn next_socket_number(&self) -> SocketNumber {
        let next = self.socket_number.get().next();
        self.socket_number.set(next);
        next
    }

    fn is_current(&self, number: SocketNumber) -> bool {
        self.socket_number.get() == number
    }
}
