//! The connection to the portal: opens and closes sockets, and passes their messages on.

use std::rc::Rc;

use protocol::{ClientMessage, ServerMessage, lines, server::NewSession};

use super::App;
use crate::{
    connection::problems,
    json,
    page::Event,
    shell::{
        dom::spawn,
        socket::{self, SocketEvent, SocketNumber},
    },
};

impl App {
    /// Opens the socket of a session; creates a session first if none is given.
    pub(super) fn open_socket(self: &Rc<Self>, session: Option<NewSession>) {
        let number = self.next_socket_number();
        let app = self.clone();
        spawn(async move {
            let session = match session {
                Some(session) => Ok(session),
                None => socket::create_session(&app.dom).await,
            };
            if !app.is_current(number) {
                return;
            }
            let receiver = app.clone();
            let on_event = move |event| receiver.handle_socket(number, event);
            match session {
                Ok(session) => match socket::open(&app.dom, session, on_event) {
                    Ok(socket) => {
                        app.socket.replace(Some(socket));
                    }
                    Err(_) => app.handle(Event::SessionRefused(problems::portal_unreachable())),
                },
                Err(problem) => app.handle(Event::SessionRefused(problem)),
            }
        });
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
            SocketEvent::Opened(session) => self.handle(Event::SocketOpened(session)),
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

    pub(super) fn is_current(&self, number: SocketNumber) -> bool {
        self.socket_number.get() == number
    }
}
