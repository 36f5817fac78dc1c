//! A native client of the portal's WebSocket: it does what the page does, without a page.
//!
//! # Layers
//! - `acks`: messages that are not acknowledged yet.
//! - `socket`: one WebSocket, and the record of what the portal sent.
//! - this module: a session, its socket, and the way back to it.
//! - `connect`, `uploads`, `remote_files`: what a session is for.

mod acks;
mod connect;
mod remote_files;
mod socket;
mod uploads;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{
    ClientMessage, Problem, ServerMessage,
    client::Language,
    delivery::Acknowledged as _,
    server::{Algorithm, Connected, Limits, LogLine},
    session::{Join, ResumeState, SessionCredentials},
};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{
    self, Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use self::{
    acks::Acks,
    socket::{Record, Wire, connect_socket, lock},
};
pub use self::{
    connect::{Attempted, to, to_port},
    remote_files::NotDeleted,
    socket::open_socket,
    uploads::{Digest, File, Outcome},
};
use crate::portal::{Acceptor, Portal};

/// How long the portal may send nothing: longer than all its own limits that the tests reach.
const SILENCE_LIMIT: Duration = Duration::from_secs(90);

/// The pause before another attempt to open a socket.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);

/// A session of the portal and its socket.
pub struct Client {
    /// Absent until the portal has created it.
    session: Option<SessionCredentials>,
    acceptor: Acceptor,
    socket: Wire,
    record: Arc<Mutex<Record>>,
    limits: Limits,
    /// The fewest bytes that it sends at once, except for the last bytes of a file.
    min_send_bytes: u64,
    next_upload: u32,
    acks: Acks,
    when_broken: WhenBroken,
    sockets: u32,
    /// The algorithm of the digests that it sends.
    algorithm: Algorithm,
    language: Language,
}

/// What a client does when its socket breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenBroken {
    Panic,
    Reconnect,
}

impl Client {
    /// Opens a socket, and a session on it.
    ///
    /// # Panics
    /// When the portal sends no `Welcome`.
    pub async fn open(portal: &Portal) -> Self {
        Self::open_at(portal.acceptor()).await
    }

    /// Opens a socket and a session for the client at `address`, as a trusted proxy does.
    ///
    /// # Panics
    /// When the portal sends no `Welcome`.
    pub async fn open_forwarded(portal: &Portal, address: &str) -> Self {
        Self::open_at(portal.acceptor().for_client(address)).await
    }

    /// Opens a socket at an address of the portal, and a session on it.
    ///
    /// # Panics
    /// When the portal sends no `Welcome`.
    pub async fn open_at(acceptor: Acceptor) -> Self {
        let record = Arc::default();
        let socket = connect_socket(&acceptor, &record).await;
        let mut client = Self {
            session: None,
            acceptor,
            socket: socket.expect("the portal opens the socket"),
            record,
            limits: Limits {
                max_chunk_bytes: 0,
                min_chunk_bytes: 0,
                max_open_uploads: 0,
                ping_interval_millis: 0,
                max_log_lines: 0,
            },
            min_send_bytes: 0,
            next_upload: 1,
            acks: Acks::default(),
            when_broken: WhenBroken::Panic,
            sockets: 1,
            algorithm: Algorithm::Blake3,
            language: Language::default(),
        };
        client.send_hello(None).await;
        match client.receive().await {
            ServerMessage::Welcome { limits, session: Some(session), .. } => {
                client.limits = limits;
                client.acceptor = client.acceptor.of_session(&session.name);
                client.session = Some(session);
            }
            other => panic!("Welcome with a session was expected, not {other:?}"),
        }
        client
    }

    /// From now on it reconnects at this address when its socket breaks, as a page does.
    pub fn reconnect_through(&mut self, acceptor: Acceptor) {
        self.when_broken = WhenBroken::Reconnect;
        self.acceptor = acceptor.of_session(&self.session().name);
    }

    /// Opens another socket of the same session, with the same acks.
    ///
    /// # Panics
    /// When the portal refuses.
    pub async fn join_session(&self) -> Self {
        let record = Arc::default();
        let socket = connect_socket(&self.acceptor, &record).await;
        let mut other = Self {
            session: self.session.clone(),
            acceptor: self.acceptor.clone(),
            socket: socket.expect("the portal opens the socket"),
            record,
            acks: self.acks.clone(),
            language: self.language.clone(),
            ..*self
        };
        other.reconnect().await;
        other
    }

    /// Resumes the session as a page does that was loaded again and has no state. Returns the
    /// session's connection.
    ///
    /// # Panics
    /// When the portal refuses.
    pub async fn reload_page(&mut self) -> Option<Connected> {
        *lock(&self.record) = Record::default();
        let socket = connect_socket(&self.acceptor, &self.record).await;
        self.socket = socket.expect("the portal opens the socket");
        self.acks = Acks::default();
        self.send_hello(None).await;
        match self.receive().await {
            ServerMessage::Welcome { connected, next_upload, received, .. } => {
                assert_eq!(received, 0);
                self.next_upload = next_upload.0;
                connected.map(|connected| *connected)
            }
            other => panic!("Welcome was expected, not {other:?}"),
        }
    }

    /// Returns how many sockets it has opened.
    #[must_use]
    pub fn sockets(&self) -> u32 {
        self.sockets
    }

    /// Returns the session's name and secret.
    ///
    /// # Panics
    /// Before `Welcome`.
    #[must_use]
    pub fn session(&self) -> SessionCredentials {
        self.session.clone().expect("the portal has created the session")
    }

    /// Closes the socket as a page does that is closed: the session ends with it.
    pub async fn leave(mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        // Where the socket is broken already, the session ends with its grace period.
        let _broken = self.socket.sender.send(Message::Close(Some(frame))).await;
    }

    /// From now on it answers no ping, while its socket stays open.
    pub fn stop_reading(&mut self) {
        self.socket.reader.abort();
    }

    /// Closes its socket, and may reconnect.
    pub async fn close_socket(&mut self) {
        // A socket that is broken already is as good.
        let _broken = self.socket.sender.send(Message::Close(None)).await;
    }

    /// Resumes the session over another socket, and sends unacknowledged messages again.
    ///
    /// # Panics
    /// When the portal lets it not within 90 s.
    pub async fn reconnect(&mut self) {
        let back = async {
            loop {
                if self.try_to_reconnect().await.is_some() {
                    return;
                }
                sleep(RECONNECT_PAUSE).await;
            }
        };
        timeout(SILENCE_LIMIT, back).await.expect("the portal accepts the client again");
    }

    async fn try_to_reconnect(&mut self) -> Option<()> {
        self.socket.reader.abort();
        self.socket = connect_socket(&self.acceptor, &self.record).await?;
        self.sockets += 1;
        let log = lock(&self.record).log.last().map_or(0, |line| line.seq + 1);
        self.send_hello(Some(ResumeState { messages: self.acks.received(), log })).await;
        let first = timeout(SILENCE_LIMIT, self.socket.messages.recv()).await.ok()??;
        let ServerMessage::Welcome { received, .. } = first else {
            panic!("Welcome was expected, not {first:?}");
        };
        for text in self.acks.unacked_after(received) {
            self.socket.sender.send(Message::text(text)).await.ok()?;
        }
        Some(())
    }

    async fn send_hello(&mut self, resume: Option<ResumeState>) {
        let session = self.session.clone();
        let join = session.map_or(Join::New, |session| session.join(resume));
        let hello = hello_in(join, self.language.clone());
        let text = serde_json::to_string(&hello).expect("a message is JSON");
        // The next receive notices a socket that is broken.
        let _broken = self.socket.sender.send(Message::text(text)).await;
    }

    /// From now on it sends nothing before its credit covers `bytes` at once.
    pub fn wait_for_credit_of(&mut self, bytes: u64) {
        self.min_send_bytes = bytes;
    }

    /// Returns the limits that the portal sets its pages.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Sends a message.
    ///
    /// # Panics
    /// When the portal has closed the socket, unless the client reconnects.
    pub async fn send(&mut self, message: &ClientMessage) {
        let text = serde_json::to_string(message).expect("a message is JSON");
        if message.needs_ack() {
            self.acks.keep(text.clone());
        }
        self.send_frame(Message::text(text)).await;
    }

    /// Sends a message, unless the portal has closed the socket.
    ///
    /// # Errors
    /// When it has.
    pub async fn try_send(&mut self, message: &ClientMessage) -> Result<(), tungstenite::Error> {
        let text = serde_json::to_string(message).expect("a message is JSON");
        self.socket.sender.send(Message::text(text)).await
    }

    /// Sends a frame. Where the client reconnects, a message that needs an ack is sent again if it
    /// is lost with its socket.
    ///
    /// # Panics
    /// When the portal has closed the socket, unless the client reconnects.
    pub async fn send_frame(&mut self, frame: Message) {
        let sent = timeout(SILENCE_LIMIT, self.socket.sender.send(frame)).await;
        if let Err(error) = sent.expect("the portal reads in time") {
            if self.when_broken == WhenBroken::Panic {
                panic!("the portal closed the socket: {error}\n{}", self.transcript());
            }
            self.reconnect().await;
        }
    }

    /// Returns the next message that is not about the log.
    ///
    /// # Panics
    /// When none comes within 90 s, or the socket is closed and the client does not reconnect.
    pub async fn receive(&mut self) -> ServerMessage {
        loop {
            match timeout(SILENCE_LIMIT, self.socket.messages.recv()).await {
                Ok(Some(ServerMessage::Ack { messages })) => self.acks.acknowledge(messages),
                Ok(Some(message)) => {
                    self.count(&message).await;
                    return message;
                }
                Ok(None) if self.when_broken == WhenBroken::Reconnect => self.reconnect().await,
                Ok(None) => panic!("the portal closed the socket\n{}", self.transcript()),
                Err(_) => panic!(
                    "nothing for {SILENCE_LIMIT:?}; the session log so far:\n{}",
                    self.transcript()
                ),
            }
        }
    }

    async fn count(&mut self, message: &ServerMessage) {
        if message.needs_ack()
            && let Some(messages) = self.acks.count_received()
        {
            self.send(&ClientMessage::Ack { messages }).await;
        }
    }

    /// Waits until the portal closes the socket. Returns the messages before that.
    ///
    /// # Panics
    /// When it does not close it.
    pub async fn receive_to_end(&mut self) -> Vec<ServerMessage> {
        let mut messages = Vec::new();
        while let Some(message) = timeout(SILENCE_LIMIT, self.socket.messages.recv())
            .await
            .expect("the portal closes the socket")
        {
            messages.push(message);
        }
        messages
    }

    /// Sets the language that it asks for from the next socket on.
    pub fn set_language(&mut self, language: Language) {
        self.language = language;
    }

    /// Returns the session log so far.
    #[must_use]
    pub fn log(&self) -> Vec<LogLine> {
        lock(&self.record).log.clone()
    }

    /// Returns the session log so far, as text.
    #[must_use]
    pub fn transcript(&self) -> String {
        let lines = lock(&self.record);
        let lines = lines.log.iter();
        lines.map(|line| format!("{:?}: {}\n", line.kind, line.text)).collect()
    }

    /// Returns every frame that the portal sent.
    #[must_use]
    pub fn frames(&self) -> Vec<String> {
        lock(&self.record).frames.clone()
    }
}

/// Returns the `hello` that joins a session.
#[must_use]
pub fn hello(join: Join) -> ClientMessage {
    hello_in(join, Language::default())
}

fn hello_in(join: Join, language: Language) -> ClientMessage {
    ClientMessage::Hello { version: protocol::VERSION, join, language }
}

/// Asks for a session as a page does, with these headers, and returns the portal's first message.
///
/// # Panics
/// When the portal does not answer.
pub async fn ask_for_session(
    acceptor: &Acceptor,
    headers: &[(&'static str, &str)],
) -> ServerMessage {
    say_first(acceptor, headers, &hello(Join::New)).await
}

/// Opens a socket, sends a message, and returns the portal's first message.
///
/// # Panics
/// When the portal does not answer.
pub async fn say_first(
    acceptor: &Acceptor,
    headers: &[(&'static str, &str)],
    message: &ClientMessage,
) -> ServerMessage {
    let mut socket = open_socket(acceptor, headers).await.expect("the portal opens the socket");
    let text = serde_json::to_string(message).expect("a message is JSON");
    // A portal that refuses the page may have closed the socket.
    let _closed = socket.send(Message::text(text)).await;
    let first = timeout(SILENCE_LIMIT, socket.next()).await.expect("an answer in time");
    let first = first.expect("an answer").expect("a frame").into_text().expect("a text");
    serde_json::from_str(&first).expect("a message")
}

/// Asks for a session that the portal refuses, and returns why.
///
/// # Panics
/// When the portal does not refuse it.
pub async fn refusal(acceptor: &Acceptor, headers: &[(&'static str, &str)]) -> Problem {
    match ask_for_session(acceptor, headers).await {
        ServerMessage::Goodbye { problem } => problem,
        other => panic!("Goodbye was expected, not {other:?}"),
    }
}
